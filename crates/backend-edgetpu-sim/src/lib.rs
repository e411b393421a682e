//! A simulated Edge TPU: exact int8 results, modelled cycles and energy.
//!
//! Edge TPU hardware is hard to get and its compiler is closed. This crate answers two
//! questions about a quantized network without either:
//!
//! * **What does it compute?** [`EdgeTpuSim`] is a [`Backend`](pocketvision_core::Backend)
//!   whose results are those of every other backend, bit for bit, computed in the order of
//!   the chip's tiles and lanes.
//! * **What does it cost?** [`EdgeTpuSim::estimate`] predicts cycles, bytes, energy and the
//!   time of a whole call, without looking at a single weight.
//!
//! The path of an estimate, each step a pure function of the ones before:
//!
//! ```text
//! Graph ─► Workload         sizes and edges, no weights
//!      └─► compile::Program   places, tiles, strips, memory, instructions
//!            └─► cost::{cycles, traffic, energy} ─► Estimate
//!                            ▲
//! chips/*.toml ─► Chip ──────┘   every figure with its source
//! ```
//!
//! The model is calibrated on the cycle estimates that Google's own compiler left in
//! published networks. `docs/simulator.md` says how it works, where each figure comes from,
//! how good it is and what it leaves out.
//!
//! ```
//! use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
//! use pocketvision_core::{Backend, Clock};
//!
//! let simulator = EdgeTpuSim::new(Chip::preset("coral-usb")?);
//! assert_eq!(simulator.device().clock, Clock::Simulated);
//! # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
//! ```

mod backend;
pub mod chip;
pub mod compile;
pub mod cost;
mod estimate;
mod execute;
mod layer;
mod mapping;
mod overheads;
mod plan;
mod profile;
pub mod validation;
mod workload;

pub use backend::EdgeTpuSim;
pub use chip::{Chip, ChipError};
pub use compile::log::CompilerLog;
pub use compile::partition::{Partition, Place, maps};
pub use estimate::{Estimate, LayerEstimate};
pub use layer::{Layer, LayerKind};
pub use mapping::{LoopOrder, Mapping, Split};
pub use overheads::{Overhead, Overheads};
pub use workload::Workload;

/// What people call this backend.
pub const NAME: &str = "edgetpu-sim";
