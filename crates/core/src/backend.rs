//! The seam between networks and hardware.
//!
//! Everything that can run a network implements [`Backend`] and [`Plan`]; both are
//! object-safe, so a program chooses its backend at run time and no generic parameter
//! spreads through its code.

use std::fmt;

use crate::profile::Clock;
use crate::{
    CompileError, Graph, Node, Outputs, Profile, RunError, Signature, Tensor, Unsupported,
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
