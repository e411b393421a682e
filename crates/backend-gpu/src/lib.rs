//! Networks on any graphics processor, through WebGPU.
//!
//! [`GpuBackend`] reaches Vulkan, Metal, DirectX 12 and OpenGL by way of `wgpu`. It has two
//! halves that meet at one data structure:
//!
//! ```text
//! Graph ─► schedule (what to dispatch over which buffers; no GPU) ─► plan (device objects) ─► run
//! ```
//!
//! * The *schedule* is made by a planner that knows the shaders of [`pocketvision_shaders`]
//!   and a few limits of the device, and nothing else of it: lowering, weight packing, tables
//!   and buffer reuse are ordinary functions with ordinary tests.
//! * The *plan* turns a schedule into device objects once: weights are uploaded, pipelines
//!   and bind groups made when compiling. A run then writes the inputs to mapped memory,
//!   submits one command buffer with one compute pass, and reads the outputs back. WebGPU
//!   command buffers may be submitted only once, so the next one is recorded while the device
//!   works on this one; a second run creates no pipeline, buffer or bind group. [`GpuPlan`] can
//!   also be fed ahead of its results.
//!
//! **Few dispatches, or busy ones.** A network of one image is bound by how many dispatches it takes
//! and by what each leaves idle, not by arithmetic. The planner computes together what one shader can:
//! see `schedule/groups.rs`. On small devices that is pairs of layers. A graphics card would have too
//! little to do in them: there each layer has a dispatch, and a pipeline that is compiled for its
//! sizes. So it is in software, which is bound by its loads: four invocations load for each other, and a
//! pipeline is compiled for each kind of layer. `tuning.rs` says which adapter begins with what;
//! [`GpuBackend::tune_async`] measures. Compiled pipelines are remembered on disk, in the folder that
//! `POCKETVISION_GPU_CACHE` names or else in the user's cache folder.
//!
//! **What it computes** is int8 exactly as [`pocketvision_core::quant`] says, to the bit, and
//! f32 with the error that summing in f32 has, or, where it is asked for, f16 tensors and
//! weights whose sums are f32 ([`GpuOptions::half`]). uint8 is accepted where graphs have it: at
//! inputs, outputs and conversions.
//!
//! **Kernels are tested before they are used.** Drivers have errors: the first time that a kernel
//! is needed on an adapter, some of the network's layers run on random numbers and are compared with
//! the reference. One that is wrong is not used, and [`Backend::device`] says so: see `self_test.rs`.
//!
//! **Failures** are values. Each piece of device work runs in an error scope; errors outside
//! of one are recorded and returned by the next call. A device that is lost is opened again
//! once, and the run repeated. Nothing
//! falls back to the processor silently: without an adapter [`GpuBackend::new`] says what to
//! install, and a software driver is marked as such in [`Backend::device`]. One operator is the
//! host's by design, [`DetectionPostprocess`](pocketvision_core::op::DetectionPostprocess), which
//! profiles say.
//!
//! **Choosing an adapter**: the best one is taken, real hardware first. The environment
//! variables `WGPU_BACKEND` (`vulkan`, `metal`, `dx12`, `gl`) and `WGPU_ADAPTER_NAME` (a part
//! of the name), known from other `wgpu` programs, narrow the choice, and so does
//! [`GpuOptions::adapter`].
//!
//! [`Backend::device`]: pocketvision_core::Backend::device

mod adapter;
mod answers;
mod assembly;
mod backend;
mod batch;
#[cfg(not(target_family = "wasm"))]
mod blocking;
#[cfg(target_family = "wasm")]
mod browser;
mod buffers;
mod cache_file;
mod cut;
mod device;
mod error;
mod frame;
#[cfg(not(target_family = "wasm"))]
mod host_tail;
mod layout;
mod pipeline;
mod pipelines;
mod plan;
mod profile;
mod schedule;
mod self_test;
mod shared_device;
#[cfg(not(target_family = "wasm"))]
mod stand_ins;
mod subject;
mod support;
mod trusted;
mod tuning;
mod verdicts;

pub use adapter::{AdapterKind, AdapterSummary};
pub use backend::{GpuBackend, GpuOptions};
pub use error::GpuError;
pub use plan::GpuPlan;
pub use self_test::SelfTest;
pub use tuning::{TuneError, Tuned};

/// What people type.
pub(crate) const BACKEND_NAME: &str = "gpu";
