//! Networks on the processor: SIMD kernels, and one parallel region per inference.
//!
//! **Compile.** [`CpuBackend`] turns each node of a graph into one step, the first ones of a batch
//! into one for each image (`images.rs`): a kernel with its weights packed for the machine's
//! vector unit, and the places in one arena that it reads and writes. The table in `lower.rs` says
//! which operator becomes which kernel; read it first.
//!
//! **Run.** One inference is one parallel region: forking and joining at every layer would
//! cost more than many layers do. The calling thread and its helpers walk the list of steps
//! side by side. Each step's output is divided into parts when the network is compiled. A
//! thread computes its own share of them first, then what is left of the others', so that
//! nobody waits for a helper that has yet to wake up; a step begins when all parts of the one
//! before are finished. With one thread there is no region at all. A run allocates nothing.
//!
//! **Kernels.** Convolutions, dense, grouped and pointwise, and linear layers are one matrix
//! product over patches of the image; depthwise convolutions run over channels. Both exist
//! in f32 and int8. Dense f32 convolutions of 3x3 taps take Winograd's transforms
//! where those pay, and with AVX2 alone int8 ones too. All are written for AVX-512 with VNNI, for
//! AVX2 with AVX-VNNI or without, for NEON with and without its products of bytes, and as plain
//! Rust for any processor. The choice is made once, at run time ([`SimdLevel`]). Everything else
//! is plain loops that the compiler vectorises for the level. Weights that are used once in an
//! inference take as long as memory needs to bring them, so they are few bytes
//! (`kernels/fixed_rows.rs`), and products ask for theirs ahead.
//!
//! **Numbers.** int8 follows [`pocketvision_core::quant`] to the bit, at every level and
//! thread count. f32 sums in a fixed order for each level: a result does not depend on the
//! number of threads, but may differ between levels in the last bits.
//!
//! Folders: `kernels/` describes shapes and tiling in safe code, `simd/` holds all unsafe
//! code of the workspace's processor side: vector kernels, the arena and the walk over it.

mod backend;
mod claims;
mod error;
mod images;
mod in_place;
mod kernels;
mod layout;
mod lower;
mod peak;
mod plan;
mod processor;
mod simd;
mod simd_level;

pub use backend::{CpuBackend, CpuOptions};
pub use error::CpuError;
pub use peak::{Peak, measure_memory_reading};
pub use simd_level::SimdLevel;
