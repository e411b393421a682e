//! The seam between networks and hardware.
//!
//! Everything that can run a network implements [`Backend`] and [`Plan`]; both are
//! object-safe, so a program chooses its backend at run time and no generic parameter
//! spreads through its code.

use std::fmt;

use half::f16;

use crate::profile::Clock;
use crate::{
    CompileError, Graph, Node, NodeId, Profile, RunError, Tensor, TensorData, TensorType,
    Unsupported,
};

/// Something that can run networks.
///
/// ```
/// use pocketvision_core::{Backend, CompileError, CompileOptions, Graph, Outputs, Tensor};
///
/// /// Runs a network once, wherever; a program that runs it often keeps the plan.
/// fn run(backend: &dyn Backend, graph: &Graph, inputs: &[Tensor]) -> Option<Outputs> {
///     for node in graph.nodes() {
///         backend.supports(graph, node).ok()?;
///     }
///     let mut plan = backend.compile(graph, &CompileOptions::default()).ok()?;
///     plan.run(inputs).ok()
/// }
/// ```
pub trait Backend: Send + Sync {
    /// `"cpu"`, `"gpu"`, `"edgetpu-sim"` or `"reference"`: what people type.
    fn name(&self) -> &'static str;

    /// The hardware behind it.
    fn device(&self) -> DeviceInfo;

    /// Whether one node of a graph can run here; if not, which attribute is in the way.
    ///
    /// # Errors
    /// Returns the reason for a refusal.
    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported>;

    /// Prepares a network: packs weights, plans memory, compiles shaders, records commands.
    ///
    /// # Errors
    /// If a node is unsupported, the network does not fit, or the device fails.
    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError>;
}

/// A network made ready for one backend.
///
/// A plan owns its weights, arena and command buffers: after the first run, another one
/// allocates, compiles and uploads nothing but the inputs. To run one network on several
/// threads, compile several plans.
///
/// ```
/// use pocketvision_core::{Outputs, Plan, RunError, Tensor};
///
/// /// Runs one network on many inputs, with one set of outputs.
/// fn largest_scores(plan: &mut dyn Plan, inputs: &[Tensor]) -> Result<Vec<f32>, RunError> {
///     let mut outputs = Outputs::for_signature(plan.signature());
///     let largest = inputs.iter().map(|input| {
///         plan.run_into(std::slice::from_ref(input), &mut outputs)?;
///         Ok(outputs[0].to_f32().into_iter().fold(f32::MIN, f32::max))
///     });
///     largest.collect()
/// }
/// ```
pub trait Plan: Send {
    /// What goes in and what comes out.
    fn signature(&self) -> &Signature;

    /// Runs the network into outputs that the caller owns, made by
    /// [`Outputs::for_signature`].
    ///
    /// # Errors
    /// If the inputs or outputs do not fit [`Plan::signature`], or the device fails.
    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError>;

    /// Runs the network. Allocates its outputs; see [`Plan::run_into`].
    ///
    /// # Errors
    /// As [`Plan::run_into`].
    fn run(&mut self, inputs: &[Tensor]) -> Result<Outputs, RunError> {
        let mut outputs = Outputs::for_signature(self.signature());
        self.run_into(inputs, &mut outputs)?;
        Ok(outputs)
    }

    /// Runs the network once more slowly and says what each layer cost.
    ///
    /// # Errors
    /// As [`Plan::run_into`].
    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError>;

    /// Memory that the plan holds.
    fn memory(&self) -> MemoryUse;
}

/// Choices made when compiling.
///
/// ```
/// use pocketvision_core::{CompileOptions, Keep};
///
/// assert_eq!(CompileOptions::default().keep, Keep::Outputs);
/// let for_comparing = CompileOptions { keep: Keep::EveryNode };
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct CompileOptions {
    /// Which results the plan hands back.
    pub keep: Keep,
}

/// Which results a plan hands back.
///
/// ```
/// use pocketvision_core::{CompileOptions, Keep, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let count = |keep| Signature::new(&graph, &CompileOptions { keep }).outputs.len();
/// assert_eq!((count(Keep::Outputs), count(Keep::EveryNode)), (1, 2));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Keep {
    /// The graph's outputs. Backends may fuse and overlay everything else.
    #[default]
    Outputs,
    /// Every node, in graph order: for comparing backends layer by layer. Slower.
    EveryNode,
}

/// What a plan takes and yields.
///
/// ```
/// use pocketvision_core::{CompileOptions, Outputs, Signature, Tensor};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions::default());
/// let input = Tensor::zeros(&signature.inputs[0].ty);
/// assert_eq!(signature.check_inputs(&[input]), Ok(()));
/// assert_eq!(signature.check_outputs(&Outputs::for_signature(&signature)), Ok(()));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Signature {
    /// What `run` takes, in order.
    pub inputs: Vec<Port>,
    /// What `run` yields, in order.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// The signature of a graph compiled with these options.
    pub fn new(graph: &Graph, options: &CompileOptions) -> Self {
        let port = |id: NodeId| Port {
            node: id,
            name: graph.node(id).name.clone(),
            ty: graph.ty(id).clone(),
        };
        let outputs = match options.keep {
            Keep::Outputs => graph.outputs().iter().copied().map(port).collect(),
            Keep::EveryNode => graph.iter().map(|(id, _)| port(id)).collect(),
        };
        Self { inputs: graph.inputs().iter().copied().map(port).collect(), outputs }
    }

    /// Checks count, shapes, element types and, for floats, that all numbers are finite.
    /// Every plan calls this first.
    ///
    /// # Errors
    /// Names the first input that does not fit.
    pub fn check_inputs(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        if inputs.len() != self.inputs.len() {
            let (expected, actual) = (self.inputs.len(), inputs.len());
            return Err(RunError::InputCount { expected, actual });
        }
        for (port, tensor) in self.inputs.iter().zip(inputs) {
            if *tensor.ty() != port.ty {
                return Err(RunError::InputType {
                    name: port.name.clone(),
                    expected: Box::new(port.ty.clone()),
                    actual: Box::new(tensor.ty().clone()),
                });
            }
            let bad = match tensor.data() {
                TensorData::F32(v) => first_not(f32::is_finite, v),
                TensorData::F16(v) => first_not(f16::is_finite, v),
                _ => None,
            };
            if let Some(index) = bad {
                return Err(RunError::NotFinite { name: port.name.clone(), index });
            }
        }
        Ok(())
    }

    /// Checks that outputs were made for this signature. Every plan calls this second.
    ///
    /// # Errors
    /// If they were not.
    pub fn check_outputs(&self, outputs: &Outputs) -> Result<(), RunError> {
        let fits = outputs.tensors.len() == self.outputs.len()
            && outputs
                .tensors
                .iter()
                .zip(&self.outputs)
                .all(|((id, tensor), port)| *id == port.node && *tensor.ty() == port.ty);
        if fits { Ok(()) } else { Err(RunError::ForeignOutputs) }
    }
}

/// One input or output of a network.
///
/// ```
/// use pocketvision_core::{CompileOptions, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions::default());
/// assert_eq!(signature.inputs[0].name, "image");
/// assert_eq!(signature.outputs[0].node, positive);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Port {
    /// The node of the graph.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// Its shape and element.
    pub ty: TensorType,
}

/// What a run yields: one tensor for each output port, in order.
///
/// ```
/// use pocketvision_core::{CompileOptions, Keep, Outputs, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions { keep: Keep::EveryNode });
/// let outputs = Outputs::for_signature(&signature);
/// assert_eq!(outputs.len(), 2);
/// assert_eq!(outputs.get(positive), Some(&outputs[1]));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Outputs {
    tensors: Vec<(NodeId, Tensor)>,
}

impl Outputs {
    /// Tensors of zeros, to be filled by [`Plan::run_into`].
    pub fn for_signature(signature: &Signature) -> Self {
        let zeros = |port: &Port| (port.node, Tensor::zeros(&port.ty));
        Self { tensors: signature.outputs.iter().map(zeros).collect() }
    }

    /// The tensor of one node, if the plan keeps it.
    pub fn get(&self, node: NodeId) -> Option<&Tensor> {
        self.tensors.iter().find(|(id, _)| *id == node).map(|(_, tensor)| tensor)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The tensors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (NodeId, &Tensor)> {
        self.tensors.iter().map(|(id, tensor)| (*id, tensor))
    }

    /// The tensors in order, to be filled.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (NodeId, &mut Tensor)> {
        self.tensors.iter_mut().map(|(id, tensor)| (*id, tensor))
    }
}

impl std::ops::Index<usize> for Outputs {
    type Output = Tensor;

    fn index(&self, index: usize) -> &Tensor {
        &self.tensors[index].1
    }
}

/// The hardware behind a backend.
///
/// ```
/// use pocketvision_core::{Clock, DeviceInfo};
///
/// let device = DeviceInfo {
///     backend: "cpu",
///     name: "a processor".into(),
///     details: vec![("threads", "4".into())],
///     clock: Clock::HostWall,
/// };
/// assert_eq!(device.to_string(), "a processor, threads 4");
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceInfo {
    /// The backend's name.
    pub backend: &'static str,
    /// The device's name: a processor, an adapter, a simulated chip.
    pub name: String,
    /// What decides its speed, as (what, value): SIMD level, threads, driver, clock.
    pub details: Vec<(&'static str, String)>,
    /// How its profiles are timed.
    pub clock: Clock,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (what, value) in &self.details {
            write!(f, ", {what} {value}")?;
        }
        Ok(())
    }
}

/// Memory that a plan holds, in bytes.
///
/// ```
/// use pocketvision_core::MemoryUse;
///
/// let memory = MemoryUse { weight_bytes: 4000, activation_bytes: 2000, ..MemoryUse::default() };
/// assert_eq!(memory.total_bytes(), 6000);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct MemoryUse {
    /// Weights as packed for the device.
    pub weight_bytes: u64,
    /// Activations: the arena, or all buffers together.
    pub activation_bytes: u64,
    /// Everything else: scratch, staging, tables.
    pub scratch_bytes: u64,
}

impl MemoryUse {
    /// All of it.
    pub const fn total_bytes(&self) -> u64 {
        self.weight_bytes + self.activation_bytes + self.scratch_bytes
    }
}

/// The first number that is not as it should be. Chunks are looked at as a whole, which
/// compilers turn into vector instructions.
fn first_not<T: Copy>(good: impl Fn(T) -> bool, numbers: &[T]) -> Option<usize> {
    const CHUNK: usize = 256;
    let all_good = |chunk: &[T]| chunk.iter().fold(true, |all, &number| all & good(number));
    let chunk = numbers.chunks(CHUNK).position(|chunk| !all_good(chunk))?;
    numbers[chunk * CHUNK..].iter().position(|&number| !good(number)).map(|at| chunk * CHUNK + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_that_is_not_finite_is_found_in_any_chunk() {
        for length in [0, 1, 255, 256, 257, 1000] {
            let mut numbers = vec![1.0f32; length];
            assert_eq!(first_not(f32::is_finite, &numbers), None);
            for at in (0..length).rev() {
                numbers[at] = f32::NAN;
                assert_eq!(first_not(f32::is_finite, &numbers), Some(at));
            }
        }
    }
}
