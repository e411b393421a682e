//! Whether a network's input is finite, which its first layers would not show: clamps hide
//! infinities and numbers that are none.
//!
//! A step like any other, so that threads share what is mostly reading memory, and have read
//! what they will need for the first layer.
//!
//! Floor: the input's bytes over the bandwidth of memory.

use pocketvision_core::first_not_finite;

use super::Kernel;
use crate::simd::{Inputs, Simd, Split, Tile};

/// Writes 1 to the first byte of a row for each chunk of the input that has a number that is not
/// finite, and 0 for others.
#[derive(Debug)]
pub(crate) struct FiniteCheck {
    simd: Simd,
}

/// Numbers of a chunk.
const CHUNK: usize = 4096;

/// A cache line for each chunk.
const ROW_BYTES: usize = 64;

impl FiniteCheck {
    pub(crate) const fn new(simd: Simd) -> Self {
        Self { simd }
    }

    /// The output for an input of so many bytes.
    pub(crate) const fn split(bytes: usize) -> Split {
        Split::rows(bytes.div_ceil(CHUNK * size_of::<f32>()), ROW_BYTES, 1)
    }

    /// Whether an output says that all numbers are finite.
    pub(crate) fn is_passed(output: &[u8]) -> bool {
        output.iter().step_by(ROW_BYTES).all(|&flag| flag == 0)
    }
}

impl Kernel for FiniteCheck {
    fn name(&self) -> String {
        format!("finite f32 {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let numbers: &[f32] = inputs.numbers(0);
        for row in tile.rows() {
            let chunk = &numbers[row * CHUNK..numbers.len().min((row + 1) * CHUNK)];
            let all_finite = self.simd.vectorize(
                #[inline(always)]
                || first_not_finite(chunk).is_none(),
            );
            tile.row(row)[0] = u8::from(!all_finite);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdLevel;

    #[test]
    fn one_number_that_is_not_finite_is_found_wherever_it_is() {
        for level in SimdLevel::available() {
            let check = FiniteCheck::new(Simd::new(level).unwrap());
            for length in [1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
                let passes = |numbers: &[f32]| {
                    let bytes = bytemuck::cast_slice(numbers);
                    // Not zeros, since memory is what the last run left.
                    let mut output = vec![7; FiniteCheck::split(bytes.len()).bytes()];
                    Inputs::with(&[bytes], |inputs| {
                        check.run(inputs, &mut Tile::whole(&mut output, ROW_BYTES), &mut []);
                    });
                    FiniteCheck::is_passed(&output)
                };
                let mut numbers = vec![f32::MAX; length];
                assert!(passes(&numbers), "{level} {length}");
                for at in [0, length / 2, length - 1] {
                    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                        numbers[at] = bad;
                        assert!(!passes(&numbers), "{level} {length} {at}");
                        numbers[at] = -f32::MAX;
                    }
                }
            }
        }
    }
}
