//! Kernels for 64-bit Arm. Each takes a [`super::Neon`], the proof that the machine has the
//! instructions; products of bytes take more, see [`matmul_i8`].
//!
//! There are 32 registers of 128 bits, and multiplications that take one number of a register
//! for all lanes: nothing has to be broadcast. Floors are counted in instructions, since cores
//! start between one and four of them a cycle.

pub(crate) mod binary_i8;
mod byte_products;
pub(crate) mod depthwise_f32;
pub(crate) mod depthwise_i8;
pub(crate) mod depthwise_rows_f32;
mod epilogue_f32;
pub(crate) mod linear_f32;
pub(crate) mod matmul_f32;
pub(crate) mod matmul_i8;
mod matmul_i8_dotprod;
mod matmul_i8_i8mm;
mod matmul_i8_widening;
mod requantize;
pub(crate) mod table;
mod tile_f32;
pub(crate) mod winograd_f32;

/// Rows of the next register tile, of so many that are left: tiles of at most 8 rows, as equal
/// as they can be, since each row's sums wait for each other.
const fn rows_of_tile(left: usize) -> usize {
    left.div_ceil(left.div_ceil(8))
}
