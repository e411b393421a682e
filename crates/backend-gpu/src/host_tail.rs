//! What the host computes after the device: the detections of a detector.
//!
//! Dropping boxes that overlap is sorting and branching, which a graphics processor is slow at,
//! and it comes last. So a graph that ends in [`Op::DetectionPostprocess`] is compiled without
//! it; what it reads is fetched, and the host does the rest.

use std::fmt;
use std::time::Instant;

use pocketvision_core::detection::{Numbers, Postprocessor};
use pocketvision_core::{
    CompileError, CompileOptions, Graph, GraphBuilder, GraphError, LayerCost, MemoryUse, NodeId,
    Op, Outputs, Plan, Profile, RunError, Signature, Tensor, TensorSliceMut,
};

use crate::BACKEND_NAME;

/// True if the host has something to do.
pub(crate) fn is_needed(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| is_host_op(&node.op))
}

const fn is_host_op(op: &Op) -> bool {
    matches!(op, Op::DetectionPostprocess(_))
}

/// A plan for the device, and what the host does with its outputs.
pub(crate) struct TailedPlan {
    device: Box<dyn Plan>,
    signature: Signature,
    fetched: Outputs,
    /// For each output: where it comes from.
    sources: Vec<Source>,
    /// Name and node of each step of the host.
    steps: Vec<(NodeId, String)>,
}

impl fmt::Debug for TailedPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TailedPlan").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Where an output comes from.
enum Source {
    /// The device yields it.
    Device(NodeId),
    /// The host computes it from two nodes of the device.
    Host { postprocessor: Box<Postprocessor>, inputs: [NodeId; 2] },
}

impl TailedPlan {
    /// Compiles the device's part with `compile` and prepares the host's.
    pub(crate) fn new(
        graph: &Graph,
        options: &CompileOptions,
        compile: impl FnOnce(&Graph) -> Result<Box<dyn Plan>, CompileError>,
    ) -> Result<Self, CompileError> {
        let (device_graph, renamed) = without_host_ops(graph).map_err(|error| {
            CompileError::Device { backend: BACKEND_NAME, message: error.to_string() }
        })?;
        let device = compile(&device_graph)?;
        let signature = Signature::new(graph, options);
        let on_device = |id: NodeId| renamed[id.index()].expect("nothing reads what the host did");
        let source = |id: NodeId| match (&graph.node(id).op, graph.node(id).inputs.as_slice()) {
            (Op::DetectionPostprocess(op), &[boxes, scores]) => Source::Host {
                postprocessor: Box::new(Postprocessor::new(op, graph.param(op.anchors))),
                inputs: [boxes, scores].map(on_device),
            },
            _ => Source::Device(on_device(id)),
        };
        let host_nodes = graph.iter().filter(|(_, node)| is_host_op(&node.op));
        Ok(Self {
            fetched: Outputs::for_signature(device.signature()),
            sources: signature.outputs.iter().map(|port| source(port.node)).collect(),
            steps: host_nodes.map(|(id, node)| (id, node.name.clone())).collect(),
            device,
            signature,
        })
    }

    /// What the host does after a run of the device.
    fn finish(&mut self, outputs: &mut Outputs) {
        let fetched = &self.fetched;
        let get = |id: NodeId| fetched.get(id).expect("the device yields what the host reads");
        for (source, (_, output)) in self.sources.iter_mut().zip(outputs.iter_mut()) {
            match source {
                Source::Device(id) => output.bytes_mut().copy_from_slice(get(*id).bytes()),
                Source::Host { postprocessor, inputs } => {
                    let [boxes, scores] = inputs.map(|id| numbers(get(id)));
                    let TensorSliceMut::F32(rows) = output.slice_mut() else {
                        unreachable!("detections are f32")
                    };
                    postprocessor.run(boxes, scores, rows);
                }
            }
        }
    }
}

impl Plan for TailedPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.device.run_into(inputs, &mut self.fetched)?;
        self.finish(outputs);
        Ok(())
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        let mut profile = self.device.profile(inputs)?;
        self.device.run_into(inputs, &mut self.fetched)?;
        let mut outputs = Outputs::for_signature(&self.signature);
        let start = Instant::now();
        self.finish(&mut outputs);
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        for (node, name) in &self.steps {
            // Almost always one: its time is the whole tail's.
            let share_ms = latency_ms / self.steps.len() as f64;
            let cost = LayerCost::new(Some(*node), name.clone(), "on the host");
            // The last row is the time of no layer.
            let last = profile.layers.len().saturating_sub(1);
            profile.layers.insert(last, LayerCost { latency_ms: share_ms, ..cost });
        }
        profile.latency_ms += latency_ms;
        Ok(profile)
    }

    fn memory(&self) -> MemoryUse {
        let host = self.sources.iter().map(|source| match source {
            Source::Device(_) => 0,
            Source::Host { postprocessor, .. } => postprocessor.scratch_bytes() as u64,
        });
        let fetched = self.fetched.iter().map(|(_, tensor)| tensor.bytes().len() as u64);
        let memory = self.device.memory();
        let scratch_bytes = memory.scratch_bytes + host.sum::<u64>() + fetched.sum::<u64>();
        MemoryUse { scratch_bytes, ..memory }
    }
}

/// The graph without what the host computes, whose inputs become outputs; and the new id of each
/// node that is left.
fn without_host_ops(graph: &Graph) -> Result<(Graph, Vec<Option<NodeId>>), GraphError> {
    let mut builder = GraphBuilder::with_params_of(graph, graph.name());
    let mut renamed: Vec<Option<NodeId>> = Vec::with_capacity(graph.nodes().len());
    let mut outputs: Vec<NodeId> = Vec::new();
    for (_, node) in graph.iter() {
        let inputs: Vec<NodeId> =
            node.inputs.iter().filter_map(|input| renamed[input.index()]).collect();
        renamed.push(match &node.op {
            op if is_host_op(op) => {
                outputs.extend(inputs);
                None
            }
            Op::Input => Some(builder.input(node.name.clone(), node.output.clone())?),
            op => {
                let element = node.output.element.clone();
                Some(builder.push_as(node.name.clone(), op.clone(), &inputs, element)?)
            }
        });
    }
    outputs.extend(graph.outputs().iter().filter_map(|id| renamed[id.index()]));
    outputs.sort_unstable();
    outputs.dedup();
    Ok((builder.finish(&outputs)?, renamed))
}

fn numbers(tensor: &Tensor) -> Numbers<'_> {
    Numbers::new(tensor.element(), tensor.bytes())
}
