//! Kernels for AVX-512 with VNNI. Each takes an [`super::Avx512`], the proof that the
//! machine has the instructions.

/// Evaluates an expression for each number below a constant, at most 14, which the name stands for.
///
/// Unlike a loop that is too long to be unrolled, it leaves an array that is indexed by the number
/// in registers.
macro_rules! unrolled {
    ($count:expr, $index:ident, $body:expr) => {
        unrolled!($count, $index, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    ($count:expr, $index:ident, $body:expr, $($number:literal)*) => {{
        $(if $number < $count {
            let $index = $number;
            $body
        })*
    }};
}

pub(crate) mod binary_i8;
pub(crate) mod depthwise_f32;
pub(crate) mod depthwise_i8;
pub(crate) mod depthwise_quads_i8;
mod depthwise_quads_output;
pub(crate) mod depthwise_rows_f32;
mod epilogue_f32;
pub(crate) mod linear_f32;
pub(crate) mod matmul_bf16;
pub(crate) mod matmul_f32;
pub(crate) mod matmul_i8;
pub(crate) mod quantize;
mod requantize;
pub(crate) mod table;
pub(crate) mod winograd_f32;
pub(crate) mod winograd_stride2_f32;
