//! A network made ready for the simulated chip.

use pocketvision_core::{
    CompileError, CompileOptions, Graph, MemoryUse, NodeId, Op, Outputs, Plan, Profile, RunError,
    Signature, Tensor,
};

use crate::execute::{Scratch, Step};
use crate::{Chip, Estimate, Partition};

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
            estimate: Estimate::of_partition(graph, partition, chip)?,
            scratch: Scratch::new(&steps, widest),
            steps,
            values: graph.nodes().iter().map(value).collect(),
        })
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
        Ok(self.estimate.profile(&self.graph))
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse {
            weight_bytes: self.steps.iter().map(Step::weight_bytes).sum(),
            activation_bytes: self.values.iter().map(|value| value.bytes().len() as u64).sum(),
            scratch_bytes: self.scratch.bytes(),
        }
    }
}
