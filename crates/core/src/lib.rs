//! The middle of PocketVision: what a network *is*, and what it means to run one.
//!
//! Everything in the workspace is built from five nouns, and data passes through them in
//! one direction only:
//!
//! ```text
//! file ─► Graph ─► passes ─► Graph ─► Backend::compile ─► Plan ─► Outputs
//!                                                           └───► Profile
//! ```
//!
//! * A [`Graph`] is an immutable, validated network: a list of [`Node`]s in the order they
//!   run, plus the constant tensors they read. [`GraphBuilder`] is the only way to make one
//!   and infers every shape, so an ill-shaped graph cannot exist.
//! * An [`Op`] says what a node computes: a closed enum of small attribute structs, one file
//!   each under [`op`].
//! * A [`Backend`] compiles a graph for one kind of hardware.
//! * A [`Plan`] is the compiled network. It owns all it needs (packed weights, arenas,
//!   command buffers), so that running it a second time prepares nothing.
//! * A [`Profile`] says what a run cost, layer by layer, and by which clock.
//!
//! Rules of the IR, which every importer and backend may rely on:
//!
//! * A tensor has four dimensions, batch, height, width, channels ([`Shape`], always NHWC).
//!   Shapes are static. A vector of 1001 scores is `1x1x1x1001`.
//! * Nodes are stored in topological order: a node reads only nodes before it.
//! * Quantization is part of an element's type ([`Element`]). There is no int8 tensor
//!   without a scale, and no pair of quantize/dequantize nodes around each operator.
//! * Network arithmetic is int8 or f32. A network stored as uint8 is rewritten to int8 when
//!   imported (zero point minus 128: the same real numbers); uint8 remains at its edges,
//!   where [`op::Quantize`] converts it.
//! * Weights are not nodes. An operator names them by [`ParamId`], so edges carry
//!   activations alone. A constant that feeds an elementwise operator is an
//!   [`op::Constant`] node.
//!
//! The integer arithmetic that all backends must agree on to the bit, TFLite's reference
//! rules, lives in [`quant`].

pub mod backend;
mod builder;
pub mod detection;
mod element;
mod error;
mod finite;
mod graph;
pub mod liveness;
pub mod models;
pub mod op;
pub mod passes;
mod profile;
pub mod quant;
mod shape;
mod signature;
mod tensor;
mod unique_names;

pub use backend::{Backend, CompileOptions, DeviceInfo, Keep, MemoryUse, Plan};
pub use builder::GraphBuilder;
pub use element::{Element, Quantization};
pub use error::{CompileError, GraphError, RunError, ShapeError, TensorError, Unsupported};
pub use finite::first_not_finite;
pub use graph::{Graph, Node, NodeId, Param, ParamId};
pub use op::Op;
pub use profile::{Clock, LayerCost, Profile};
pub use shape::Shape;
pub use signature::{Outputs, Port, Signature};
pub use tensor::{Tensor, TensorData, TensorSliceMut, TensorType};
pub use unique_names::UniqueNames;
