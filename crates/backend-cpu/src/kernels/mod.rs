//! What a step runs: one kernel, one file, in safe code. Each describes shapes and tiling,
//! holds its packed weights, computes in plain Rust, and calls the vector kernels of
//! `simd/` where there are some.

// Some of what is here only kernels for x86-64 read.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_imports, unused_variables))]

pub(crate) mod activation_f32;
pub(crate) mod arg_max;
pub(crate) mod binary;
pub(crate) mod broadcast;
pub(crate) mod concat;
pub(crate) mod conv_transpose;
pub(crate) mod convolution;
pub(crate) mod depthwise;
pub(crate) mod depthwise_f32;
pub(crate) mod depthwise_i8;
#[cfg(target_arch = "x86_64")]
pub(crate) mod depthwise_quads_i8;
#[cfg(target_arch = "x86_64")]
pub(crate) mod depthwise_rows_i8;
pub(crate) mod detection;
pub(crate) mod epilogue_f32;
pub(crate) mod finite;
pub(crate) mod fixed_rows;
pub(crate) mod float_multiplier;
pub(crate) mod float_product;
pub(crate) mod float_sum;
pub(crate) mod linear_f32;
#[cfg(target_arch = "x86_64")]
pub(crate) mod matmul_bf16;
pub(crate) mod matmul_f32;
pub(crate) mod matmul_i8;
pub(crate) mod normalize;
pub(crate) mod pad;
pub(crate) mod pair_panels;
pub(crate) mod patches;
pub(crate) mod pool;
#[cfg(target_arch = "x86_64")]
pub(crate) mod quad_panels;
pub(crate) mod quantize;
#[cfg(test)]
pub(crate) mod random;
pub(crate) mod requantize;
pub(crate) mod resize;
pub(crate) mod rows;
#[cfg(target_arch = "aarch64")]
pub(crate) mod signed_panels;
pub(crate) mod softmax;
pub(crate) mod table;
pub(crate) mod winograd_f32;
pub(crate) mod winograd_form;
#[cfg(target_arch = "x86_64")]
pub(crate) mod winograd_i8;
pub(crate) mod winograd_panels;
pub(crate) mod winograd_stride2;
pub(crate) mod winograd_tiles;
pub(crate) mod winograd_transform;

use std::fmt;

use crate::simd::{Inputs, Tile};

/// Computes one operator, with everything prepared at compile time.
pub(crate) trait Kernel: Send + Sync + fmt::Debug {
    /// What a profile calls it.
    fn name(&self) -> String;

    /// Bytes of packed weights and tables.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// Bytes of scratch memory that each thread needs.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Computes one tile of the output. Called by several threads at once, each with a tile
    /// and scratch memory of its own, which may hold anything.
    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]);
}
