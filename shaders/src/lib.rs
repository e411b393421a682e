//! The compute shaders of PocketVision, in WGSL, one file an operator or a fused group of
//! operators.
//!
//! A shader here is plain text that can be read, highlighted and validated as it stands. A
//! [`Shader`] is a body from `wgsl/f32`, `wgsl/int8` or `wgsl/moves` behind the few snippets
//! that it needs from `wgsl/snippets`; [`Shader::source`] puts them together, puts the
//! constants of a [`Variant`] before them (how many pixels an invocation computes, how wide the
//! kernel is), and writes out the loops that are marked `// unrolled`. All else that differs
//! between two dispatches is a uniform `params`, so a network needs about as many pipelines as
//! it has kinds of layers. [`Shader::source_of_kind`] makes constants of those that say what a layer is,
//! its activation and whether a tensor is added, and [`Shader::source_of_layer`] of all: then each size
//! of layer has a pipeline, in which a driver folds what follows from sizes.
//!
//! **Tensors.** Channels vary fastest and are padded to a multiple of four, so that four
//! neighbouring channels, a *quad*, are one load: a `Stored`, which is `vec4<f32>` or, in half
//! precision, `vec4<f16>`, or one `u32` of four bytes, the first channel in its lowest byte,
//! int8 in two's complement. Quad `q` of pixel `(n, y, x)` is element `((n * height + y) *
//! width + x) * quads + q`. The lanes of a padded channel hold arbitrary bytes in integer
//! tensors and finite numbers in float tensors; shaders multiply them by a weight of 0, and
//! outputs drop them. Sums are always f32 or i32.
//!
//! **Pictures.** The first layer reads a picture as the caller has it, and nothing is padded. Its
//! floats are three for each pixel: the shaders named colors load them. Its bytes are three as
//! well, in one `u32` or across two: the shaders named pixels normalize them as they load them. What
//! lies outside the image is 0 after that, as it is in a network whose input was normalized before.
//!
//! **Weights.** Dense weights are tiles of four inputs by four outputs, or, in f32 without
//! [`Variant::has_tiles`], rows of what one input adds to all outputs: neighbouring invocations have
//! neighbouring outputs, and read neighbouring quads. Rows are padded to an even number of quads, as
//! invocations may compute two.
//!
//! **Runs.** Convolutions count in *runs* of neighbouring pixels of one row, which share the input
//! under their windows.
//!
//! **Bindings.** All are in group 0. Binding 0 is the uniform `params`, described by a
//! structure of [`params`]; then come the read-only buffers that [`Shader::reads`] names, then
//! those written, [`Shader::writes`]. No shader needs more than seven buffers besides the
//! uniform. Workgroups have [`WORKGROUP_SIZE`] invocations, those of few outputs
//! [`LARGE_WORKGROUP_SIZE`].
//!
//! **Dispatch.** Invocations count through [`Work::Invocations`] elements, or workgroups
//! through [`Work::Workgroups`], in x and then in y: a count beyond what one dimension of a
//! dispatch allows is split over the two.
//!
//! **Sums that are shared.** Where there are fewer outputs than a device has room for, invocations
//! share a sum and bring their parts together in workgroup memory. On devices with subgroups the
//! same snippets have a second form, [`Variant::has_subgroups`], in which what the members of a
//! subgroup have is added in registers. It is right for subgroups of any size, full or not, and
//! however invocations are spread over them: it counts who is there, and knows a subgroup by its id.
//!
//! **Loads that are shared.** Where loads are dear, as they are in software, four neighbours of a
//! subgroup load for each other ([`Variant::has_fours`]; WGSL calls the four a quad): the pixels of a
//! product, of which each computes other outputs, or the weights of a window, which each needs for other
//! pixels. Shaders take each other's numbers by `quadBroadcast` of a constant place, in `inputs_fours.wgsl`,
//! `taps_*_fours.wgsl` and `filter_row_fours.wgsl`, and all four take the same way through a shader.
//! Naga knows such calls without `enable subgroups;` and refuses the line, on which browsers insist: who
//! compiles a text for a browser writes it before.
//!
//! **Exactness.** Integer shaders follow `pocketvision_core::quant` to the bit.
//! `requantize.wgsl` builds the 64-bit products that WGSL lacks from 16-bit halves;
//! functions of one byte, and conversions between bytes and floats, are tables from the host, but
//! for pixels, which are normalized in floats.

mod fixed;
pub mod params;
mod shader;
mod text;
mod unroll;
mod variant;

pub use shader::Shader;
pub use variant::Variant;

/// Invocations of nearly every workgroup.
pub const WORKGROUP_SIZE: u32 = 64;

/// Invocations of a workgroup that works alone on an image: the most that WebGPU promises.
pub const LARGE_WORKGROUP_SIZE: u32 = 256;

/// Quads that [`Shader::SqueezeExciteF32`] and [`Shader::SqueezeExciteInt8`] have room for before
/// squeezing.
pub const MOST_EXCITED_QUADS: usize = 320;

/// Quads that they have room for after squeezing.
pub const MOST_SQUEEZED_QUADS: usize = 160;

/// Quads of a workgroup of [`Shader::DepthwisePoolF32`].
pub const POOLED_SLICE: u32 = 8;

/// Name of every entry point.
pub const ENTRY_POINT: &str = "main";

/// What a dispatch counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Work {
    /// Invocations, rounded up to whole workgroups; those beyond the count do nothing.
    Invocations(u32),
    /// Workgroups.
    Workgroups(u32),
}

impl Work {
    /// Workgroups altogether.
    pub const fn workgroups(self) -> u32 {
        match self {
            Self::Invocations(count) => count.div_ceil(WORKGROUP_SIZE),
            Self::Workgroups(count) => count,
        }
    }
}
