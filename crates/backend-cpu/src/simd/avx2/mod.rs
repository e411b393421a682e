//! Kernels for AVX2 with FMA. Each takes an [`super::Avx2`], the proof that the machine has
//! the instructions.

pub(crate) mod arg_max;
pub(crate) mod binary_i8;
pub(crate) mod depthwise_f32;
pub(crate) mod depthwise_i8;
pub(crate) mod depthwise_rows_f32;
pub(crate) mod depthwise_rows_i8;
mod epilogue_f32;
pub(crate) mod linear_f32;
pub(crate) mod linear_fixed;
pub(crate) mod matmul_f32;
pub(crate) mod matmul_i8;
pub(crate) mod matmul_vnni_i8;
pub(crate) mod quantize;
mod requantize;
pub(crate) mod table;
pub(crate) mod winograd_f32;
pub(crate) mod winograd_i8;
pub(crate) mod winograd_stride2_f32;
