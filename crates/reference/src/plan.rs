//! The plan: every node's output in a buffer of its own, filled in order.

use pocketvision_core::{
    Clock, CompileOptions, Graph, LayerCost, MemoryUse, Node, NodeId, Op, Outputs, Plan, Profile,
    RunError, Signature, Tensor,
};
use web_time::Instant;

use crate::backend::ReferenceBackend;
use crate::op;

/// A network that is run node by node.
///
/// The output buffers are kept from run to run. Kernels still derive their constants
/// (multipliers, tables, widened weights) anew each time: that keeps each of them one
/// readable function, and costs under a hundredth of a convolution.
#[derive(Debug)]
pub struct ReferencePlan {
    graph: Graph,
    signature: Signature,
    /// One tensor for each node.
    values: Vec<Tensor>,
}

impl ReferencePlan {
    /// Allocates the outputs of all nodes and fills in the constants. Every node must be
    /// supported.
    pub(crate) fn new(graph: &Graph, options: &CompileOptions) -> Self {
        let value = |node: &Node| match &node.op {
            Op::Constant(constant) => graph.param(constant.value).clone(),
            _ => Tensor::zeros(&node.output),
        };
        Self {
            graph: graph.clone(),
            signature: Signature::new(graph, options),
            values: graph.nodes().iter().map(value).collect(),
        }
    }

    /// Runs all nodes; `ran` hears of each, with the milliseconds it took.
    fn run_nodes(&mut self, inputs: &[Tensor], mut ran: impl FnMut(NodeId, &Node, f64)) {
        for (id, input) in self.graph.inputs().iter().zip(inputs) {
            self.values[id.index()].bytes_mut().copy_from_slice(input.bytes());
        }
        for (id, node) in self.graph.iter() {
            if matches!(node.op, Op::Input | Op::Constant(_)) {
                continue;
            }
            let (before, rest) = self.values.split_at_mut(id.index());
            let node_inputs: Vec<&Tensor> =
                node.inputs.iter().map(|i| &before[i.index()]).collect();
            let start = Instant::now();
            op::run(&self.graph, node, &node_inputs, &mut rest[0]);
            ran(id, node, milliseconds_since(start));
        }
    }

    fn cost(&self, id: NodeId, node: &Node, latency_ms: f64) -> LayerCost {
        let inputs: usize = node.inputs.iter().map(|&i| self.graph.ty(i).bytes()).sum();
        let params: usize =
            node.op.params().iter().map(|&p| self.graph.param(p).bytes().len()).sum();
        LayerCost {
            latency_ms,
            macs: self.graph.node_macs(node),
            bytes: (inputs + params + node.output.bytes()) as u64,
            ..LayerCost::new(Some(id), node.name.clone(), kernel_name(node))
        }
    }
}

impl Plan for ReferencePlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.run_nodes(inputs, |_, _, _| {});
        for (id, output) in outputs.iter_mut() {
            output.bytes_mut().copy_from_slice(self.values[id.index()].bytes());
        }
        Ok(())
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.signature.check_inputs(inputs)?;
        let mut latencies_ms = Vec::with_capacity(self.values.len());
        let start = Instant::now();
        self.run_nodes(inputs, |id, _, latency_ms| latencies_ms.push((id, latency_ms)));
        let total_ms = milliseconds_since(start);
        let layers = latencies_ms
            .into_iter()
            .map(|(id, latency_ms)| self.cost(id, self.graph.node(id), latency_ms))
            .collect();
        Ok(Profile::new(ReferenceBackend::NAME, Clock::HostWall, layers, total_ms))
    }

    fn memory(&self) -> MemoryUse {
        let scratch = |node| op::scratch_bytes(&self.graph, node);
        MemoryUse {
            weight_bytes: self.graph.parameter_bytes(),
            activation_bytes: self.values.iter().map(|value| value.bytes().len() as u64).sum(),
            scratch_bytes: self.graph.nodes().iter().map(scratch).max().unwrap_or(0),
        }
    }
}

fn milliseconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn kernel_name(node: &Node) -> String {
    format!("scalar {} {}", node.output.element.name(), node.op.name())
}
