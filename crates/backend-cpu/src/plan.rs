//! A network compiled for the processor.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pocketvision_core::liveness::{lifetimes, plan_arena};
use pocketvision_core::{
    Clock, CompileError, CompileOptions, Graph, LayerCost, MemoryUse, NodeId, Op, Outputs, Plan,
    Profile, RunError, Signature, Tensor,
};

use crate::CpuBackend;
use crate::kernels::Kernel;
use crate::lower::{Lowered, Lowering};
use crate::simd::{AlignedBytes, Bf16, Executor, Place, Simd, Step, Team};

/// Packed weights, one arena, and the list of steps.
#[derive(Debug)]
pub(crate) struct CpuPlan {
    signature: Signature,
    team: Arc<Team>,
    executor: Executor,
    /// Where inputs and outputs are, in the signature's order.
    inputs: Vec<Place>,
    outputs: Vec<Range<usize>>,
    /// What profiles say of each step, times left at zero.
    costs: Vec<LayerCost>,
    weight_bytes: usize,
    constant_bytes: usize,
}

impl CpuPlan {
    /// Lowers a graph whose nodes are all supported.
    pub(crate) fn new(
        graph: &Graph,
        options: &CompileOptions,
        simd: Simd,
        bf16: Option<Bf16>,
        team: Arc<Team>,
    ) -> Result<Self, CompileError> {
        let signature = Signature::new(graph, options);
        let layout = Layout::new(graph, options, &signature);
        let arena = AlignedBytes::try_zeroed(layout.bytes).ok_or_else(|| CompileError::Device {
            backend: CpuBackend::NAME,
            message: format!("no memory for {} bytes of activations", layout.bytes),
        })?;
        let lowering = Lowering { graph, simd, bf16, threads: team.threads() };
        let (mut steps, mut costs) = (Vec::new(), Vec::new());
        for (id, node) in graph.iter() {
            if let Some(lowered) = lowering.lower(node) {
                let cost = cost(graph, id, &*lowered.kernel);
                steps.push(Step {
                    node: id,
                    inputs: node.inputs.iter().map(|&input| layout.place(input)).collect(),
                    output: layout.range(id),
                    parts: parts(&cost, &lowered, team.threads()),
                    split: lowered.split,
                    kernel: lowered.kernel,
                });
                costs.push(cost);
            }
        }
        let weight_bytes = steps.iter().map(|step| step.kernel.weight_bytes()).sum();
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
        self.signature.check_inputs(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.load(inputs);
        self.executor.run(&self.team, inputs, |_| {});
        self.store(outputs);
        Ok(())
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        let mut outputs = Outputs::for_signature(&self.signature);
        let start = Instant::now();
        self.signature.check_inputs(inputs)?;
        self.load(inputs);
        let mut before = Instant::now();
        let mut layers = self.costs.clone();
        self.executor.run(&self.team, inputs, |step| {
            let end = Instant::now();
            layers[step].latency_ms = milliseconds(end - before);
            before = end;
        });
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

/// Where each node's output is.
struct Layout {
    places: Vec<Place>,
    /// Of the arena.
    bytes: usize,
}

impl Layout {
    fn new(graph: &Graph, options: &CompileOptions, signature: &Signature) -> Self {
        let mut lives = lifetimes(graph, options.keep);
        let end = graph.nodes().len();
        let mut sizes: Vec<usize> = graph.nodes().iter().map(|node| node.output.bytes()).collect();
        // A reshaped tensor is the bytes of the one it reshapes, which then live as long.
        let mut owners: Vec<usize> = (0..end).collect();
        for (id, node) in graph.iter() {
            let index = id.index();
            match node.op {
                // Written before the first step runs.
                Op::Input => lives[index] = 0..=*lives[index].end(),
                // Written once, when the network is compiled.
                Op::Constant(_) => lives[index] = 0..=end,
                Op::Reshape(_) => {
                    let owner = owners[node.inputs[0].index()];
                    owners[index] = owner;
                    lives[owner] = union(&lives[owner], &lives[index]);
                    sizes[index] = 0;
                }
                _ => {}
            }
        }
        // Inputs are read where the caller has them, unless they are outputs as well.
        let stays =
            |owner: usize| signature.outputs.iter().any(|port| owners[port.node.index()] == owner);
        let mut given = vec![None; end];
        for (number, port) in signature.inputs.iter().enumerate() {
            let owner = port.node.index();
            if !stays(owner) {
                given[owner] = Some(number);
                sizes[owner] = 0;
            }
        }
        let plan = plan_arena(&sizes, &lives);
        let place = |&owner: &usize| {
            let start = plan.offsets[owner];
            given[owner].map_or(Place::Arena(start..start + sizes[owner]), Place::Given)
        };
        Self { places: owners.iter().map(place).collect(), bytes: plan.bytes }
    }

    fn place(&self, node: NodeId) -> Place {
        self.places[node.index()].clone()
    }

    /// Where in the arena a node's output is.
    ///
    /// # Panics
    /// If the caller gives it.
    fn range(&self, node: NodeId) -> Range<usize> {
        match self.place(node) {
            Place::Arena(range) => range,
            Place::Given(_) => panic!("{node} is given by the caller"),
        }
    }
}

fn union(a: &RangeInclusive<usize>, b: &RangeInclusive<usize>) -> RangeInclusive<usize> {
    *a.start().min(b.start())..=*a.end().max(b.end())
}

/// What a profile says of a step, but for its time.
fn cost(graph: &Graph, id: NodeId, kernel: &dyn Kernel) -> LayerCost {
    let node = graph.node(id);
    let activations: usize = node.inputs.iter().chain([&id]).map(|&id| graph.ty(id).bytes()).sum();
    LayerCost {
        macs: graph.node_macs(node),
        bytes: (activations + kernel.weight_bytes()) as u64,
        ..LayerCost::new(Some(id), node.name.clone(), kernel.name())
    }
}

/// Into how many parts a step is divided.
///
/// One, if handing a part to another thread takes as long as computing it; several for each
/// thread, if a step is so long that they would not finish together where one is slower.
fn parts(cost: &LayerCost, lowered: &Lowered, threads: usize) -> usize {
    let shortest_us = (cost.macs as f64 / MACS_PER_US).max(cost.bytes as f64 / BYTES_PER_US);
    if threads == 1 || shortest_us < HAND_OVER_US {
        return 1;
    }
    let rounds = shortest_us / threads as f64 / PART_US;
    let wanted = threads * (rounds as usize).clamp(1, MOST_ROUNDS);
    wanted.min(lowered.split.granules().max(1))
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
