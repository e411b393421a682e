//! Whether kernels compute what they should, on this adapter and by this driver.
//!
//! Drivers have errors, and a wrong answer is worse than none. So before a kernel is first used,
//! the smallest layers of the network that it computes run alone on random numbers and are
//! compared with the reference. What was found is remembered: see `verdicts.rs`. A kernel that is
//! wrong is not used: its layers are computed in another way, and the device's description says so.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use pocketvision_core::models::SplitMix64;
use pocketvision_core::{
    Backend as _, CompileOptions, Element, Graph, Keep, Outputs, Shape, Signature, Tensor,
    TensorType,
};
use pocketvision_reference::ReferenceBackend;

use crate::assembly::Assembly;
use crate::batch::{self, Part};
use crate::device::Device;
use crate::schedule::{Kernel, Limits, Schedule};
use crate::subject::Subject;
use crate::tuning;
use crate::verdicts::Verdict;

/// When kernels are tested that were not tested before on the same adapter and driver.
///
/// ```no_run
/// use pocketvision_backend_gpu::{GpuBackend, GpuOptions, SelfTest};
/// use pocketvision_core::{CompileOptions, Graph};
///
/// fn right_later(graph: &Graph) -> Result<bool, Box<dyn std::error::Error>> {
///     let gpu = GpuBackend::new(GpuOptions { self_test: SelfTest::Later, ..Default::default() })?;
///     let mut plan = gpu.compile_plan(graph, &CompileOptions::default())?;
///     // Here it may answer already.
///     Ok(plan.test()?)
/// }
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum SelfTest {
    /// Before they are first used.
    #[default]
    First,
    /// When [`crate::GpuPlan::test_async`] is called. Until then they are used as they are; those
    /// that are known to be wrong are not.
    Later,
    /// Never, and what is known of them does not count: for measuring, and for drivers that are
    /// known to be right.
    Never,
}

/// The kernels of a schedule that are not to be used. With [`SelfTest::First`] those of which
/// nothing is known are tested.
pub(crate) async fn wrong_kernels(
    device: &Arc<Device>,
    graph: &Graph,
    schedule: &Schedule,
    limits: Limits,
    self_test: SelfTest,
) -> Result<Vec<Kernel>, String> {
    if self_test == SelfTest::Never {
        return Ok(Vec::new());
    }
    let with_text = |kernel: Kernel| (kernel, fingerprint(device, kernel));
    let kernels: Vec<(Kernel, u64)> = schedule.kernels().into_iter().map(with_text).collect();
    if self_test == SelfTest::First {
        test_unknown(device, graph, schedule, limits, &kernels).await?;
    }
    let is_wrong =
        |(_, text): &(Kernel, u64)| device.verdicts.get(*text).is_some_and(Verdict::is_against);
    Ok(kernels.into_iter().filter(is_wrong).map(|(kernel, _)| kernel).collect())
}

async fn test_unknown(
    device: &Arc<Device>,
    graph: &Graph,
    schedule: &Schedule,
    limits: Limits,
    kernels: &[(Kernel, u64)],
) -> Result<(), String> {
    let is_unknown = |text: u64| device.verdicts.get(text).is_none();
    let unknown: Vec<_> = kernels.iter().filter(|(_, text)| is_unknown(*text)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    // Which part of a network needs a kernel depends on the network and on how it is cut.
    let network = tuning::fingerprint(graph, Keep::Outputs, device.is_half);
    let untestable = |text: u64| hash((text, network, limits));
    let mut found: Vec<(u64, Verdict)> = Vec::new();
    let mut subjects: Vec<(Kernel, u64, Subject)> = Vec::new();
    for &&(kernel, text) in unknown.iter().filter(|(_, text)| is_unknown(untestable(*text))) {
        match Subject::smallest(graph, schedule, kernel, limits) {
            Some(subject) => subjects.push((kernel, text, subject)),
            None => found.push((untestable(text), Verdict::Untestable)),
        }
    }
    // All at once, since they compile on threads; each subject then finds them made.
    let of_subject = |(_, _, subject): &(Kernel, u64, Subject)| subject.schedule.kernels();
    let all: Vec<Kernel> = subjects.iter().flat_map(of_subject).collect();
    device.pipelines(&all).await?;
    let mut failed: Vec<(u64, Vec<Kernel>)> = Vec::new();
    for (kernel, text, subject) in &subjects {
        if is_right(device, subject).await? {
            found.push((*text, Verdict::Right));
        } else {
            failed.push((*text, subject.others(*kernel)));
        }
    }
    device.verdicts.learn(&found);
    // A kernel is not condemned for what may be the fault of one beside it.
    let is_right =
        |other: &Kernel| device.verdicts.get(fingerprint(device, *other)) == Some(Verdict::Right);
    let judge = |(text, others): &(u64, Vec<Kernel>)| {
        let is_sure = others.iter().all(is_right);
        (*text, if is_sure { Verdict::Wrong } else { Verdict::Suspect })
    };
    let judged: Vec<(u64, Verdict)> = failed.iter().map(judge).collect();
    device.verdicts.learn(&judged);
    Ok(())
}

/// Of a kernel's text.
fn fingerprint(device: &Device, kernel: Kernel) -> u64 {
    hash(device.source(kernel))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Runs a subject on the device and on the reference.
async fn is_right(device: &Arc<Device>, subject: &Subject) -> Result<bool, String> {
    let Subject { graph, schedule } = subject;
    let options = CompileOptions::default();
    let mut assembly = Assembly::new(Arc::clone(device), graph, schedule, 1).await?;
    assembly.record_ahead(0).await?;
    let inputs: Vec<Tensor> = graph.inputs().iter().map(|&id| sample(graph.ty(id))).collect();
    let signature = Signature::new(graph, &options);
    let mut outputs = Outputs::for_signature(&signature);
    let frame = &mut assembly.frames[0];
    let commands = frame.recorded.take().ok_or("no commands are recorded")?;
    frame.submit(device, &inputs, Part::WHOLE, commands, None).await?;
    frame.wait(device, 0).await?;
    frame.collect(&signature, &mut outputs, Part::WHOLE)?;
    // Where images do not mix, the first and the last of a batch tell of all: the reference is slow.
    let batch = graph.inputs().first().map_or(1, |&input| graph.ty(input).shape.n);
    let single = if batch > 2 { batch::divided(graph, batch) } else { None };
    let (graph, count) = single.as_ref().map_or((graph, 1), |single| (single, batch));
    let mut reference =
        ReferenceBackend::new().compile(graph, &options).map_err(|error| error.to_string())?;
    for index in BTreeSet::from([0, count - 1]) {
        let part = Part { index, count };
        let inputs: Vec<Tensor> = inputs.iter().map(|input| share(input, part)).collect();
        let expected = reference.run(&inputs).map_err(|error| error.to_string())?;
        let mut pairs = expected.iter().zip(outputs.iter());
        if !pairs.all(|((_, expected), (_, actual))| {
            agree(expected, &share(actual, part), device.is_half)
        }) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A part of a batch.
fn share(tensor: &Tensor, part: Part) -> Tensor {
    let whole = tensor.shape();
    let shape = Shape { n: whole.n / part.count, ..whole };
    let mut share = Tensor::zeros(&TensorType::new(shape, tensor.element().clone()));
    share.bytes_mut().copy_from_slice(&tensor.bytes()[part.of(tensor.bytes().len())]);
    share
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
