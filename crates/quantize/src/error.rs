//! Why a network cannot be quantized.

use pocketvision_core::{CompileError, GraphError, RunError};
use thiserror::Error;

/// A network could not be quantized.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_cpu::CpuBackend;
/// use pocketvision_core::models;
/// use pocketvision_quantize::{QuantizeError, QuantizeOptions, quantize};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let cpu = CpuBackend::with_defaults()?;
/// let error = quantize(&graph, &cpu, &[], &QuantizeOptions::default(), &mut |_, _, _| ());
/// assert_eq!(error, Err(QuantizeError::NoSamples));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum QuantizeError {
    /// The network has integers already.
    #[error(
        "node '{node}' is {element}: the network is quantized already; start from the float \
         network, or make it float first (dequantize)"
    )]
    AlreadyQuantized {
        /// The first such node.
        node: String,
        /// Its element.
        element: &'static str,
    },
    /// A network that takes a picture's bytes.
    #[error(
        "node '{node}' normalizes a picture's bytes; quantize the network as it was before it took \
         pixels"
    )]
    PixelInput {
        /// The node that normalizes.
        node: String,
    },
    /// A class map or detections that are not at the network's end.
    #[error("node '{node}' ({op}) is read by another node; make it an output of the network")]
    Operator {
        /// The first such node.
        node: String,
        /// Its operator.
        op: &'static str,
    },
    /// The network is in half precision.
    #[error("node '{node}' is f16; quantize the network in f32")]
    HalfPrecision {
        /// The first such node.
        node: String,
    },
    /// Weights with NaN or an infinity.
    #[error("node '{node}': '{param}' is not finite at element {index}; the file is damaged")]
    WeightNotFinite {
        /// The node that reads the weights.
        node: String,
        /// The weights' name.
        param: String,
        /// The first such element.
        index: usize,
    },
    /// An activation with NaN or an infinity.
    #[error("sample {sample}: the output of node '{node}' is not finite")]
    ActivationNotFinite {
        /// The first such node.
        node: String,
        /// Which sample, from 0.
        sample: usize,
    },
    /// Nothing to calibrate on.
    #[error("no samples: ranges are measured on a few dozen typical inputs")]
    NoSamples,
    /// A sample that the float network does not take.
    #[error("sample {sample}: {source}")]
    Sample {
        /// Which sample, from 0.
        sample: usize,
        /// What does not fit.
        source: RunError,
    },
    /// An option out of its range.
    #[error("{option} = {value}; expected {expected}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The backend cannot run the network.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The backend failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The quantized network cannot be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
