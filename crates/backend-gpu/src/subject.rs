//! What a kernel is tested on: the layers of its cheapest dispatch, as a network of their own.

use std::collections::{BTreeSet, HashMap};

use pocketvision_core::{Graph, GraphBuilder, GraphError, Keep, NodeId, Op};

use crate::schedule::{Dispatch, Kernel, Limits, Schedule};

/// A part of a network that needs a kernel.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) graph: Graph,
    pub(crate) schedule: Schedule,
}

impl Subject {
    /// The smallest part of a network that needs a kernel; `None` if all that are tried are
    /// computed in another way when they are alone.
    pub(crate) fn smallest(
        network: &Graph,
        schedule: &Schedule,
        kernel: Kernel,
        limits: Limits,
    ) -> Option<Self> {
        let macs = |dispatch: &&Dispatch| -> u64 {
            dispatch.nodes.iter().map(|&id| network.node_macs(network.node(id))).sum()
        };
        let dispatches = schedule.dispatches.iter().filter(|dispatch| dispatch.kernel == kernel);
        let smallest =
            dispatches.min_by_key(|dispatch| (macs(dispatch), dispatch.nodes.clone()))?;
        let consumers = network.consumers();
        let can_run =
            |id: &NodeId| !matches!(network.node(*id).op, Op::Input | Op::DetectionPostprocess(_));
        let mut nodes: BTreeSet<NodeId> = smallest.nodes.iter().copied().collect();
        // Some layers are computed together only where others come before or after them.
        for _ in 0..WIDEST_NEIGHBOURHOOD {
            let graph = part(network, &nodes, &consumers).ok()?;
            let schedule = Schedule::new(&graph, Keep::Outputs, limits).ok()?;
            if schedule.kernels().contains(&kernel) {
                return Some(Self { graph, schedule });
            }
            let near = |id: &NodeId| network.node(*id).inputs.iter().chain(&consumers[id.index()]);
            let neighbours: Vec<NodeId> =
                nodes.iter().flat_map(near).copied().filter(can_run).collect();
            nodes.extend(neighbours);
        }
        None
    }

    /// The kernels that compute it beside the one that is tested.
    pub(crate) fn others(&self, tested: Kernel) -> Vec<Kernel> {
        self.schedule.kernels().into_iter().filter(|kernel| *kernel != tested).collect()
    }
}

/// Some nodes of a network, with inputs in the place of what they read of others.
fn part(
    network: &Graph,
    nodes: &BTreeSet<NodeId>,
    consumers: &[Vec<NodeId>],
) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::with_params_of(network, "self-test");
    let read: BTreeSet<NodeId> =
        nodes.iter().flat_map(|&id| network.node(id).inputs.iter().copied()).collect();
    let mut renamed: HashMap<NodeId, NodeId> = HashMap::new();
    for (id, node) in network.iter() {
        let is_constant = matches!(node.op, Op::Constant(_));
        let new = if nodes.contains(&id) || (is_constant && read.contains(&id)) {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|input| renamed[input]).collect();
            let element = node.output.element.clone();
            builder.push_as(node.name.clone(), node.op.clone(), &inputs, element)?
        } else if read.contains(&id) {
            builder.input(node.name.clone(), node.output.clone())?
        } else {
            continue;
        };
        renamed.insert(id, new);
    }
    let is_read_elsewhere = |id: NodeId| {
        network.outputs().contains(&id)
            || consumers[id.index()].iter().any(|reader| !nodes.contains(reader))
    };
    let outputs: Vec<NodeId> =
        nodes.iter().filter(|&&id| is_read_elsewhere(id)).map(|id| renamed[id]).collect();
    builder.finish(&outputs)
}

/// Steps to layers that come before and after.
const WIDEST_NEIGHBOURHOOD: usize = 5;
