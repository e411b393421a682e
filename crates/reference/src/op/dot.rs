//! Sums of products.

/// `sum of a * b` of int8 numbers whose zero points are taken off. Exact up to 33,025 terms
/// of any value; beyond that it may wrap around, as in TFLite.
pub(super) fn integer(a: &[i16], b: &[i16]) -> i32 {
    let products = a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b));
    products.fold(0, i32::wrapping_add)
}

/// `sum of a * b` in f64: the products are exact. Eight partial sums, which the compiler can
/// keep in vector registers.
pub(super) fn float(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    sums.iter().sum::<f64>() + rest
}
