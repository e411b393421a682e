//! Looking for numbers that are not finite, at the speed of memory.

/// The index of the first number that is NaN or infinite.
///
/// ```
/// use pocketvision_core::first_not_finite;
///
/// assert_eq!(first_not_finite(&[1.0, -0.5]), None);
/// assert_eq!(first_not_finite(&[1.0, f32::NAN, f32::INFINITY]), Some(1));
/// ```
// Inlined, so that a caller with wider vectors has it compiled for them.
#[inline(always)]
pub fn first_not_finite(numbers: &[f32]) -> Option<usize> {
    first_not(f32::is_finite, numbers)
}

/// The first number that is not as it should be. Chunks are looked at as a whole, which
/// compilers turn into vector instructions.
#[inline(always)]
pub(crate) fn first_not<T: Copy>(good: impl Fn(T) -> bool, numbers: &[T]) -> Option<usize> {
    const CHUNK: usize = 256;
    let all_good = |chunk: &[T]| chunk.iter().fold(true, |all, &number| all & good(number));
    let chunk = numbers.chunks(CHUNK).position(|chunk| !all_good(chunk))?;
    numbers[chunk * CHUNK..].iter().position(|&number| !good(number)).map(|at| chunk * CHUNK + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_that_is_not_finite_is_found_in_any_chunk() {
        for length in [0, 1, 255, 256, 257, 1000] {
            let mut numbers = vec![1.0f32; length];
            assert_eq!(first_not_finite(&numbers), None);
            for at in (0..length).rev() {
                numbers[at] = f32::NAN;
                assert_eq!(first_not_finite(&numbers), Some(at));
            }
        }
    }
}
