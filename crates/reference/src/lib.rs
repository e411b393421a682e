//! The specification in code: what every operator computes, as plainly as it can be said.
//!
//! [`ReferenceBackend`] runs a network one node after another with scalar kernels, one
//! function for each operator, one file each in the private module `op`. It exists to be
//! read and to be right. Every other backend is compared with it, so nothing here is shared
//! with them but the arithmetic of [`pocketvision_core::quant`].
//!
//! Two kinds of arithmetic, both described in `docs/numerics.md`:
//!
//! * **Float**: tensors are f32. Every sum and every function is computed in f64 and rounded
//!   once, at the end, so the result is the exact one within a rounding of f32. Other
//!   backends are allowed an error that follows from the number of terms they sum:
//!   [`tolerance`].
//! * **Int8**: exact integers, TFLite's reference rules. Other backends are allowed no
//!   error at all.
//!
//! Tensors of f16 are refused: half precision is a property of a device, not of the
//! specification.
//!
//! [`evaluate`] computes a single node from given inputs, for tests that feed an operator
//! recorded tensors and for backends that leave an operator to the host.
//!
//! ```
//! use pocketvision_core::op::{Activation, ActivationKind};
//! use pocketvision_core::{
//!     Backend, CompileOptions, Element, GraphBuilder, Op, Shape, Tensor, TensorType,
//! };
//! use pocketvision_reference::ReferenceBackend;
//!
//! let mut builder = GraphBuilder::new("positive");
//! let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
//! let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
//! let y = builder.push("y", relu, &[x])?;
//! let graph = builder.finish(&[y])?;
//!
//! let mut plan = ReferenceBackend::new().compile(&graph, &CompileOptions::default())?;
//! let outputs = plan.run(&[Tensor::from_f32(Shape::vector(3), vec![-1.0, 0.5, 2.0])?])?;
//! assert_eq!(outputs[0].as_f32(), Some(&[0.0, 0.5, 2.0][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod epilogue;
mod evaluate;
mod op;
mod plan;
mod sliding;
pub mod tolerance;

pub use backend::ReferenceBackend;
pub use evaluate::{EvaluateError, evaluate, evaluate_into};
pub use plan::ReferencePlan;
