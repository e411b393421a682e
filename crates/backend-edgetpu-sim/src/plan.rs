//! A network made ready for the simulated chip.

use pocketvision_core::{
    Clock, CompileError, CompileOptions, Graph, LayerCost, MemoryUse, NodeId, Op, Outputs, Plan,
    Profile, RunError, Signature, Tensor,
};

use crate::execute::{Scratch, Step};
use crate::{Chip, Estimate, LayerEstimate, LayerKind, NAME, Partition, Place, Split};

/// A network made ready: its steps, packed weights, one tensor for each node, and what the
/// chip model says of it.
#[derive(Debug)]
pub(crate) struct SimulatedPlan {
    graph: Graph,
    signature: Signature,
    estimate: Estimate,
    steps: Vec<Step>,
    values: Vec<Tensor>,
    scratch: Scratch,
}

impl SimulatedPlan {
    pub(crate) fn new(
        graph: &Graph,
        options: &CompileOptions,
        chip: &Chip,
    ) -> Result<Self, CompileError> {
        crate::backend::check(graph, chip)?;
        let partition = Partition::new(graph);
        let step =
            |(id, _): (NodeId, _)| Step::new(graph, id, partition.places[id.index()], &chip.array);
        let steps = graph.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        let value = |node: &pocketvision_core::Node| match &node.op {
            Op::Constant(constant) => graph.param(constant.value).clone(),
            _ => Tensor::zeros(&node.output),
        };
        let widest = graph.nodes().iter().map(|node| node.output.shape.c).max().unwrap_or(0);
        Ok(Self {
            graph: graph.clone(),
            signature: Signature::new(graph, options),
            estimate: Estimate::of_partition(graph, &partition, chip),
            scratch: Scratch::new(&steps, widest),
            steps,
            values: graph.nodes().iter().map(value).collect(),
        })
    }

    fn cost(&self, layer: &LayerEstimate) -> LayerCost {
        let node = self.graph.node(layer.node);
        let on_host = layer.place == Place::Host;
        let moved = layer.layer.input_bytes + layer.layer.output_bytes;
        LayerCost {
            latency_ms: layer.latency_ms,
            macs: layer.layer.macs,
            bytes: if on_host { moved } else { layer.traffic.total_bytes() },
            cycles: (!on_host).then_some(layer.cycles.total),
            energy_pj: Some(layer.energy.total_pj()),
            utilization: (!on_host && layer.layer.macs > 0).then_some(layer.utilization),
            ..LayerCost::new(Some(layer.node), node.name.clone(), kernel_name(layer))
        }
    }
}

impl Plan for SimulatedPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        self.signature.check_outputs(outputs)?;
        for (id, input) in self.graph.inputs().iter().zip(inputs) {
            self.values[id.index()].bytes_mut().copy_from_slice(input.bytes());
        }
        for ((id, node), step) in self.graph.iter().zip(&self.steps) {
            let (before, rest) = self.values.split_at_mut(id.index());
            let read: Vec<&Tensor> = node.inputs.iter().map(|i| &before[i.index()]).collect();
            step.run(&self.graph, id, &read, &mut rest[0], &mut self.scratch)?;
        }
        for (id, output) in outputs.iter_mut() {
            output.bytes_mut().copy_from_slice(self.values[id.index()].bytes());
        }
        Ok(())
    }

    /// The model's prediction. It does not depend on the inputs, which are only checked.
    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.signature.check_inputs(inputs)?;
        let estimate = &self.estimate;
        let mut rows: Vec<LayerCost> =
            estimate.layers.iter().map(|layer| self.cost(layer)).collect();
        for (name, overhead) in estimate.overheads.rows() {
            rows.push(LayerCost {
                latency_ms: overhead.latency_ms,
                bytes: overhead.bytes,
                energy_pj: Some(overhead.energy.total_pj()),
                ..LayerCost::new(None, name, "link and runtime")
            });
        }
        Ok(Profile {
            cycles: Some(estimate.cycles),
            energy_pj: Some(estimate.energy.total_pj()),
            ..Profile::new(NAME, Clock::Simulated, rows, estimate.latency_ms)
        })
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse {
            weight_bytes: self.steps.iter().map(Step::weight_bytes).sum(),
            activation_bytes: self.values.iter().map(|value| value.bytes().len() as u64).sum(),
            scratch_bytes: self.scratch.bytes(),
        }
    }
}

/// What the chip does for a layer, in a few words.
fn kernel_name(layer: &LayerEstimate) -> &'static str {
    match (layer.place, layer.layer.kind, layer.mapping.split) {
        (_, LayerKind::Relabel | LayerKind::Constant, _) => "nothing to do",
        (Place::Host, _, _) => "host",
        (_, LayerKind::Convolution { .. }, Split::Positions) => "multiply, tiles split positions",
        (_, LayerKind::Convolution { .. }, Split::Channels) => "multiply, tiles split channels",
        (_, LayerKind::Depthwise { .. }, _) => "depthwise, tiles split positions",
        (_, LayerKind::Vector, _) => "vector",
    }
}
