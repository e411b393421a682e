//! Pairs of elements of two tensors, dimensions of 1 repeated.

use pocketvision_core::Shape;

/// For each element of the output, in order, the positions of the two operands' elements.
pub(super) fn pairs(a: Shape, b: Shape, output: Shape) -> impl Iterator<Item = (usize, usize)> {
    let (a, b) = (repeating_strides(a), repeating_strides(b));
    let at = |strides: [usize; 4], n, y, x, c| {
        n * strides[0] + y * strides[1] + x * strides[2] + c * strides[3]
    };
    let Shape { n, h, w, c } = output;
    (0..n).flat_map(move |n| {
        (0..h).flat_map(move |y| {
            (0..w).flat_map(move |x| (0..c).map(move |c| (at(a, n, y, x, c), at(b, n, y, x, c))))
        })
    })
}

/// Distances between neighbours; zero where a dimension of 1 is repeated.
fn repeating_strides(shape: Shape) -> [usize; 4] {
    let (dims, strides) = (shape.dims(), shape.strides());
    std::array::from_fn(|i| if dims[i] == 1 { 0 } else { strides[i] })
}
