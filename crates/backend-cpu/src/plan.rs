//! A network compiled for the processor.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pocketvision_core::{
    Clock, CompileError, CompileOptions, Element, Graph, LayerCost, MemoryUse, NodeId, Op, Outputs,
    Plan, Profile, RunError, Signature, Tensor,
};

use crate::CpuBackend;
use crate::images::ImageLayers;
use crate::in_place::InPlace;
use crate::kernels::Kernel;
use crate::kernels::finite::FiniteCheck;
use crate::layout::Layout;
use crate::lower::{KernelChoice, Lowered, Lowering};
use crate::simd::{AlignedBytes, Executor, Place, Simd, Split, Step, Team};

/// Packed weights, one arena, and the list of steps.
#[derive(Debug)]
pub(crate) struct CpuPlan {
    signature: Signature,
    team: Arc<Team>,
    executor: Executor,
    /// Where inputs and outputs are, in the signature's order.
    inputs: Vec<Place>,
    outputs: Vec<Range<usize>>,
    /// What says whether each float input is finite.
    checks: Vec<Range<usize>>,
    /// The layer of each step: a layer has one step, or one for each image. Those that look at
    /// the inputs are no layer's.
    layer_of_step: Vec<Option<usize>>,
    /// What profiles say of each layer, times left at zero.
    costs: Vec<LayerCost>,
    weight_bytes: usize,
    constant_bytes: usize,
}

impl CpuPlan {
    /// Lowers a graph whose nodes are all supported.
    pub(crate) fn new(
        graph: &Graph,
        options: &CompileOptions,
        choice: KernelChoice,
        team: Arc<Team>,
    ) -> Result<Self, CompileError> {
        let signature = Signature::new(graph, options);
        let images = ImageLayers::of(graph, options.keep);
        let in_place = InPlace::of(graph, options.keep, images.as_ref());
        let layout = Layout::new(graph, options, &signature, images.as_ref(), &in_place);
        let (mut steps, checks) = input_checks(&signature, &layout, choice.simd, team.threads());
        let bytes = checks.last().map_or(layout.bytes, |last| last.end);
        let arena = AlignedBytes::try_zeroed(bytes).ok_or_else(|| CompileError::Device {
            backend: CpuBackend::NAME,
            message: format!("no memory for {bytes} bytes of activations"),
        })?;
        let all = Lowering { graph, choice, threads: team.threads() };
        let (mut layers, mut costs) = (Vec::new(), Vec::new());
        for (id, node) in graph.iter() {
            let of_image = images.as_ref().filter(|images| id.index() < images.end());
            let overwritten = in_place.operand(id);
            let lowered = match of_image {
                Some(images) => Lowering { graph: &images.graph, ..all }
                    .lower(images.graph.node(id), overwritten),
                None => all.lower(node, overwritten),
            };
            if let Some(Lowered { kernel, split }) = lowered {
                costs.push(cost(graph, id, &*kernel));
                layers.push(Layer { node: id, kernel: Arc::from(kernel), split });
            }
        }
        let mut layer_of_step = vec![None; steps.len()];
        let all =
            Steps { graph, layout: &layout, layers: &layers, costs: &costs, in_place: &in_place };
        for (step, layer) in all.all(images.as_ref(), team.threads()) {
            steps.push(step);
            layer_of_step.push(Some(layer));
        }
        let weight_bytes = layers.iter().map(|layer| layer.kernel.weight_bytes()).sum();
        let mut executor = Executor::new(steps, arena, team.threads());
        let mut constant_bytes = 0;
        for (id, node) in graph.iter() {
            if let Op::Constant(constant) = &node.op {
                let bytes = graph.param(constant.value).bytes();
                executor.bytes_mut(layout.range(id)).copy_from_slice(bytes);
                constant_bytes += bytes.len();
            }
        }
        let range = |node: NodeId| layout.range(node);
        team.wait_until_started();
        Ok(Self {
            inputs: signature.inputs.iter().map(|port| layout.place(port.node)).collect(),
            outputs: signature.outputs.iter().map(|port| range(port.node)).collect(),
            signature,
            team,
            executor,
            checks,
            layer_of_step,
            costs,
            weight_bytes,
            constant_bytes,
        })
    }

    /// Copies the inputs that are outputs as well.
    fn load(&mut self, inputs: &[Tensor]) {
        for (place, tensor) in self.inputs.iter().zip(inputs) {
            if let Place::Arena(range) = place {
                self.executor.bytes_mut(range.clone()).copy_from_slice(tensor.bytes());
            }
        }
    }

    /// An error if a step found that an input is not finite; which one and where is then sought
    /// once more.
    fn check_finite(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        let is_passed =
            |check: &Range<usize>| FiniteCheck::is_passed(self.executor.bytes(check.clone()));
        if self.checks.iter().all(is_passed) { Ok(()) } else { self.signature.check_inputs(inputs) }
    }

    fn store(&self, outputs: &mut Outputs) {
        for (range, (_, tensor)) in self.outputs.iter().zip(outputs.iter_mut()) {
            tensor.bytes_mut().copy_from_slice(self.executor.bytes(range.clone()));
        }
    }
}

impl Plan for CpuPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.signature.check_input_types(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.load(inputs);
        self.executor.run(&self.team, inputs, |_| {});
        self.check_finite(inputs)?;
        self.store(outputs);
        Ok(())
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        let mut outputs = Outputs::for_signature(&self.signature);
        let start = Instant::now();
        self.signature.check_input_types(inputs)?;
        self.load(inputs);
        let mut before = Instant::now();
        let mut layers = self.costs.clone();
        self.executor.run(&self.team, inputs, |step| {
            let end = Instant::now();
            if let Some(layer) = self.layer_of_step[step] {
                layers[layer].latency_ms += milliseconds(end - before);
            }
            before = end;
        });
        self.check_finite(inputs)?;
        self.store(&mut outputs);
        let latency_ms = milliseconds(start.elapsed());
        Ok(Profile::new(CpuBackend::NAME, Clock::HostWall, layers, latency_ms))
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse {
            weight_bytes: (self.weight_bytes + self.constant_bytes) as u64,
            activation_bytes: (self.executor.arena_bytes() - self.constant_bytes) as u64,
            scratch_bytes: self.executor.scratch_bytes() as u64,
        }
    }
}

/// Steps that look at the float inputs, and where their answers are: behind the tensors.
fn input_checks(
    signature: &Signature,
    layout: &Layout,
    simd: Simd,
    threads: usize,
) -> (Vec<Step>, Vec<Range<usize>>) {
    let (mut steps, mut answers) = (Vec::new(), Vec::new());
    let mut end = layout.bytes.next_multiple_of(64);
    for port in signature.inputs.iter().filter(|port| port.ty.element == Element::F32) {
        let split = FiniteCheck::split(port.ty.bytes());
        let output = end..end + split.bytes();
        end = output.end;
        answers.push(output.clone());
        steps.push(Step {
            node: port.node,
            kernel: Arc::new(FiniteCheck::new(simd)),
            inputs: vec![layout.place(port.node)],
            output,
            split,
            parts: threads.min(split.granules()).max(1),
        });
    }
    (steps, answers)
}

/// One node, lowered.
struct Layer {
    node: NodeId,
    kernel: Arc<dyn Kernel>,
    split: Split,
}

/// What steps are made of.
#[derive(Clone, Copy)]
struct Steps<'a> {
    graph: &'a Graph,
    layout: &'a Layout,
    layers: &'a [Layer],
    costs: &'a [LayerCost],
    in_place: &'a InPlace,
}

impl Steps<'_> {
    /// All steps in order, and the layer of each: first those of the layers that images pass one
    /// by one.
    fn all(self, images: Option<&ImageLayers>, threads: usize) -> Vec<(Step, usize)> {
        let mut steps = Vec::new();
        let mut first = 0;
        if let Some(images) = images {
            first = self.layers.partition_point(|layer| layer.node.index() < images.end());
            for image in 0..images.images {
                for layer in 0..first {
                    let place = |node| self.layout.image(node, images, image);
                    let share = 1.0 / images.images as f64;
                    steps.push((self.step(layer, place, share, threads), layer));
                }
            }
        }
        for layer in first..self.layers.len() {
            steps.push((self.step(layer, |node| self.layout.place(node), 1.0, threads), layer));
        }
        steps
    }

    /// A step that computes a share of a layer.
    fn step(
        self,
        layer: usize,
        place: impl Fn(NodeId) -> Place,
        share: f64,
        threads: usize,
    ) -> Step {
        let Layer { node, ref kernel, split } = self.layers[layer];
        let Place::Arena(output) = place(node) else { panic!("{node} is given by the caller") };
        let overwritten = self.in_place.operand(node);
        let inputs = self.graph.node(node).inputs.iter().enumerate();
        let inputs = inputs.filter(|&(index, _)| Some(index) != overwritten);
        Step {
            node,
            kernel: Arc::clone(kernel),
            inputs: inputs.map(|(_, &input)| place(input)).collect(),
            output,
            parts: parts(&self.costs[layer], share, &split, threads),
            split,
        }
    }
}

/// What a profile says of a layer, but for its time.
fn cost(graph: &Graph, id: NodeId, kernel: &dyn Kernel) -> LayerCost {
    let node = graph.node(id);
    let activations: usize = node.inputs.iter().chain([&id]).map(|&id| graph.ty(id).bytes()).sum();
    LayerCost {
        macs: graph.node_macs(node),
        bytes: (activations + kernel.weight_bytes()) as u64,
        ..LayerCost::new(Some(id), node.name.clone(), kernel.name())
    }
}

/// Into how many parts a step is divided that computes a share of a layer.
///
/// One, if handing a part to another thread takes as long as computing it; several for each
/// thread, if a step is so long that they would not finish together where one is slower.
fn parts(cost: &LayerCost, share: f64, split: &Split, threads: usize) -> usize {
    let shortest_us =
        share * (cost.macs as f64 / MACS_PER_US).max(cost.bytes as f64 / BYTES_PER_US);
    if threads == 1 || shortest_us < HAND_OVER_US {
        return 1;
    }
    let rounds = shortest_us / threads as f64 / PART_US;
    let wanted = threads * (rounds as usize).clamp(1, MOST_ROUNDS);
    wanted.min(split.granules().max(1))
}

/// What a core does at most in a microsecond: int8 multiply-accumulates with AVX-512, and
/// bytes from the second-level cache.
const MACS_PER_US: f64 = 500e3;
const BYTES_PER_US: f64 = 200e3;

/// How long it takes until another thread sees that there is something to do.
const HAND_OVER_US: f64 = 0.3;

/// A part that is short enough to be waited for.
const PART_US: f64 = 10.0;
const MOST_ROUNDS: usize = 4;

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
