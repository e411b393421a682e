//! Whether kernels compute what they should, on this adapter and by this driver.
//!
//! Drivers have errors, and a wrong answer is worse than none. So before a kernel is first used,
//! the smallest layers of the network that it computes run alone on random numbers and are
//! compared with the reference. What was found is remembered on disk, for each adapter, version of
//! its driver and text of a shader. A kernel that is wrong is not used: its layers are computed in
//! another way, and the device's description says so.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pocketvision_core::models::SplitMix64;
use pocketvision_core::{
    CompileOptions, Element, Graph, GraphBuilder, GraphError, Keep, NodeId, Op, Outputs, Signature,
    Tensor, TensorType,
};
use pocketvision_reference::evaluate;

use crate::assembly::Assembly;
use crate::batch::Part;
use crate::cache_file::CacheFile;
use crate::device::Device;
use crate::schedule::{Dispatch, Kernel, Limits, Schedule};

/// What is known of the kernels of one adapter.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// Whether a kernel is right, by the fingerprint of its text.
    known: Mutex<HashMap<u64, bool>>,
    file: Option<CacheFile>,
}

impl Verdicts {
    /// Those of a file, to which new ones are added.
    pub(crate) fn of_file(file: Option<CacheFile>) -> Self {
        let known = file.as_ref().map(read).unwrap_or_default();
        Self { known: Mutex::new(known), file }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, bool>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what was found, on disk too. What cannot be written is found again.
    fn learn(&self, found: &[(u64, bool)]) {
        let mut known = self.lock();
        if let Some(file) = &self.file {
            // Another process may have found something meanwhile.
            known.extend(read(file));
        }
        known.extend(found.iter().copied());
        let Some(file) = &self.file else { return };
        let mut verdicts: Vec<(u64, &str)> = known
            .iter()
            .map(|(fingerprint, is_right)| (*fingerprint, if *is_right { RIGHT } else { WRONG }))
            .collect();
        drop(known);
        verdicts.sort_unstable();
        let _ = file.write_entries(verdicts);
    }
}

fn read(file: &CacheFile) -> HashMap<u64, bool> {
    let is_right = |verdict: &str| match verdict {
        RIGHT => Some(true),
        WRONG => Some(false),
        _ => None,
    };
    file.entries(is_right).into_iter().collect()
}

/// Tests those kernels of a schedule of which nothing is known, and returns all that are wrong.
pub(crate) async fn wrong_kernels(
    device: &Arc<Device>,
    graph: &Graph,
    schedule: &Schedule,
    limits: Limits,
) -> Result<Vec<Kernel>, String> {
    let mut kernels: Vec<(Kernel, u64)> = Vec::new();
    for dispatch in &schedule.dispatches {
        if !kernels.iter().any(|(kernel, _)| *kernel == dispatch.kernel) {
            kernels.push((dispatch.kernel, fingerprint(device, dispatch.kernel)));
        }
    }
    let is_known = |fingerprint: u64| device.verdicts.lock().contains_key(&fingerprint);
    let unknown = kernels.iter().filter(|(_, fingerprint)| !is_known(*fingerprint));
    let unknown: Vec<(Kernel, u64)> = unknown.copied().collect();
    if !unknown.is_empty() {
        // All at once, since they compile on threads; each subject then finds them made.
        let kernels: Vec<Kernel> = unknown.iter().map(|(kernel, _)| *kernel).collect();
        device.pipelines(&kernels).await?;
    }
    let mut found: Vec<(u64, bool)> = Vec::new();
    for (kernel, fingerprint) in unknown {
        if found.iter().any(|(known, _)| *known == fingerprint) {
            continue;
        }
        let Some(subject) = smallest_subject(graph, schedule, kernel, limits) else { continue };
        found.push((fingerprint, is_right(device, &subject, limits).await?));
    }
    if !found.is_empty() {
        device.verdicts.learn(&found);
    }
    let known = device.verdicts.lock();
    let is_wrong = |(_, fingerprint): &&(Kernel, u64)| known.get(fingerprint) == Some(&false);
    Ok(kernels.iter().filter(is_wrong).map(|(kernel, _)| *kernel).collect())
}

fn fingerprint(device: &Device, kernel: Kernel) -> u64 {
    let mut hasher = DefaultHasher::new();
    device.source(kernel).hash(&mut hasher);
    hasher.finish()
}

/// The layers of the cheapest dispatch of a kernel, as a graph that needs the kernel.
fn smallest_subject(
    graph: &Graph,
    schedule: &Schedule,
    kernel: Kernel,
    limits: Limits,
) -> Option<Graph> {
    let macs = |dispatch: &&Dispatch| -> u64 {
        dispatch.nodes.iter().map(|&id| graph.node_macs(graph.node(id))).sum()
    };
    let dispatches = schedule.dispatches.iter().filter(|dispatch| dispatch.kernel == kernel);
    let smallest = dispatches.min_by_key(|dispatch| (macs(dispatch), dispatch.nodes.clone()))?;
    let consumers = graph.consumers();
    let can_run =
        |id: &NodeId| !matches!(graph.node(*id).op, Op::Input | Op::DetectionPostprocess(_));
    let mut nodes: BTreeSet<NodeId> = smallest.nodes.iter().copied().collect();
    // Some layers are computed together only where others come before or after them.
    for _ in 0..WIDEST_NEIGHBOURHOOD {
        let subject = part(graph, &nodes, &consumers).ok()?;
        let alone = Schedule::new(&subject, Keep::Outputs, limits).ok()?;
        if alone.dispatches.iter().any(|dispatch| dispatch.kernel == kernel) {
            return Some(subject);
        }
        let near = |id: &NodeId| graph.node(*id).inputs.iter().chain(&consumers[id.index()]);
        let neighbours: Vec<NodeId> =
            nodes.iter().flat_map(near).copied().filter(can_run).collect();
        nodes.extend(neighbours);
    }
    None
}

/// Some nodes of a graph, with inputs in the place of what they read of others.
fn part(
    graph: &Graph,
    nodes: &BTreeSet<NodeId>,
    consumers: &[Vec<NodeId>],
) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new("self-test");
    for param in graph.params() {
        builder.param(param.name.clone(), param.tensor.clone());
    }
    let read: BTreeSet<NodeId> =
        nodes.iter().flat_map(|&id| graph.node(id).inputs.iter().copied()).collect();
    let mut renamed: HashMap<NodeId, NodeId> = HashMap::new();
    for (id, node) in graph.iter() {
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
        graph.outputs().contains(&id)
            || consumers[id.index()].iter().any(|reader| !nodes.contains(reader))
    };
    let outputs: Vec<NodeId> =
        nodes.iter().filter(|&&id| is_read_elsewhere(id)).map(|id| renamed[id]).collect();
    builder.finish(&outputs)
}

/// Runs a graph on the device and on the reference.
async fn is_right(device: &Arc<Device>, graph: &Graph, limits: Limits) -> Result<bool, String> {
    let schedule = Schedule::new(graph, Keep::Outputs, limits).map_err(|e| e.to_string())?;
    let mut assembly = Assembly::new(Arc::clone(device), graph, &schedule, 1).await?;
    let signature = Signature::new(graph, &CompileOptions::default());
    let inputs: Vec<Tensor> = graph.inputs().iter().map(|&id| sample(graph.ty(id))).collect();
    let mut outputs = Outputs::for_signature(&signature);
    let frame = &mut assembly.frames[0];
    let commands = frame.recorded.take().ok_or("no commands are recorded")?;
    frame.submit(device, &inputs, Part::WHOLE, commands, None).await?;
    frame.wait(device, 0).await?;
    frame.collect(&signature, &mut outputs, Part::WHOLE)?;
    let expected = reference(graph, &inputs)?;
    let agrees =
        |(id, actual): (NodeId, &Tensor)| agree(&expected[id.index()], actual, device.is_half);
    Ok(outputs.iter().all(agrees))
}

fn reference(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes().len());
    let mut fed = inputs.iter();
    for (id, node) in graph.iter() {
        let value = match node.op {
            Op::Input => fed.next().ok_or("an input is missing")?.clone(),
            _ => {
                let read: Vec<&Tensor> = node.inputs.iter().map(|i| &values[i.index()]).collect();
                evaluate(graph, id, &read).map_err(|error| error.to_string())?
            }
        };
        values.push(value);
    }
    Ok(values)
}

/// Numbers without a pattern that layers could hide an error in.
pub(crate) fn sample(ty: &TensorType) -> Tensor {
    let mut numbers = SplitMix64::new(1);
    let mut tensor = Tensor::zeros(ty);
    match &ty.element {
        Element::F32 => {
            let values: &mut [f32] = bytemuck::cast_slice_mut(tensor.bytes_mut());
            values.iter_mut().for_each(|value| *value = numbers.signed_unit());
        }
        _ => tensor.bytes_mut().iter_mut().for_each(|byte| *byte = numbers.next_u64() as u8),
    }
    tensor
}

/// Integers are equal; floats differ by what another order of summing may make of them, which
/// is far less than a wrong kernel does.
pub(crate) fn agree(expected: &Tensor, actual: &Tensor, is_half: bool) -> bool {
    let (Some(expected), Some(actual)) = (expected.as_f32(), actual.as_f32()) else {
        return expected.bytes() == actual.bytes();
    };
    let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
    let allowed = largest * if is_half { 0.05 } else { 1e-3 };
    expected.iter().zip(actual).all(|(a, b)| (a - b).abs() <= allowed)
}

/// Steps to layers that come before and after.
const WIDEST_NEIGHBOURHOOD: usize = 5;
const RIGHT: &str = "right";
const WRONG: &str = "wrong";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_come_back_and_nonsense_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = CacheFile::at(folder.path().join("tested"));
        let verdicts = Verdicts::of_file(Some(file.clone()));
        verdicts.learn(&[(7, true), (u64::MAX, false)]);
        verdicts.learn(&[(8, true)]);
        let known = Verdicts::of_file(Some(file.clone())).lock().clone();
        assert_eq!(known, HashMap::from([(7, true), (u64::MAX, false), (8, true)]));

        file.write(b"7 perhaps\nx right\n8 wrong\n").unwrap();
        assert_eq!(*Verdicts::of_file(Some(file)).lock(), HashMap::from([(8, false)]));
    }
}
