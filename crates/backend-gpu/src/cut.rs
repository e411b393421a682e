//! How a network is cut: the first way whose kernels are right, as far as is known.

use std::borrow::Cow;
use std::sync::Arc;

use pocketvision_core::{CompileError, CompileOptions, Graph, Keep};

use crate::assembly::Assembly;
use crate::device::Device;
use crate::schedule::{Limits, Schedule};
use crate::self_test::{self, SelfTest};
use crate::tuning::Tuning;
use crate::{BACKEND_NAME, batch};

/// A way to cut a network whose kernels are right, as far as is known.
pub(crate) struct Cut<'a> {
    graph: Cow<'a, Graph>,
    /// Runs that a batch takes.
    parts: usize,
    schedule: Schedule,
    pub(crate) tuning: Tuning,
}

impl<'a> Cut<'a> {
    /// Plans, and tests the kernels that are new to this device. Where a kernel is wrong the
    /// network is cut in another way.
    pub(crate) async fn choose(
        device: &Arc<Device>,
        graph: &'a Graph,
        options: &CompileOptions,
        tuning: Tuning,
        self_test: SelfTest,
    ) -> Result<Self, CompileError> {
        // After it the same without subgroups, if it has them.
        let plain = tuning.without_subgroups();
        let others = Tuning::ways(false, false).filter(|other| ![tuning, plain].contains(other));
        let plain = [plain].into_iter().filter(|plain| *plain != tuning);
        let mut wrong = Vec::new();
        for tuning in [tuning].into_iter().chain(plain).chain(others).chain([Tuning::ALONE]) {
            let limits = device.schedule_limits(tuning);
            let (graph, parts, schedule) = schedule(graph, options.keep, limits)?;
            let found = self_test::wrong_kernels(device, &graph, &schedule, limits, self_test);
            wrong = match found.await {
                Ok(wrong) => wrong,
                // A driver that does not compile them has them wrong, too.
                Err(_) if tuning != tuning.without_subgroups() => continue,
                Err(message) => return Err(failed(message)),
            };
            if wrong.is_empty() {
                return Ok(Self { graph, parts, schedule, tuning });
            }
            device.report_wrong(&wrong);
        }
        let names: Vec<&str> = wrong.iter().map(|kernel| kernel.shader.name()).collect();
        Err(failed(format!(
            "adapter '{}' computes {} wrong, and there is no other way to compute this network; \
             update its driver, or choose another adapter",
            device.summary.name,
            names.join(", ")
        )))
    }

    /// Makes the plan's objects.
    pub(crate) async fn assemble(self, device: Arc<Device>) -> Result<Assembly, CompileError> {
        let assembly = Assembly::new(Arc::clone(&device), &self.graph, &self.schedule, self.parts);
        let mut assembly = assembly.await.map_err(failed)?;
        assembly.prepare().await.map_err(failed)?;
        device.save_pipelines();
        Ok(assembly)
    }
}

const fn failed(message: String) -> CompileError {
    CompileError::Device { backend: BACKEND_NAME, message }
}

/// The schedule of a network; where its batch is too large for the device, of as few equal parts of
/// it as fit.
fn schedule(
    graph: &Graph,
    keep: Keep,
    limits: Limits,
) -> Result<(Cow<'_, Graph>, usize, Schedule), CompileError> {
    let too_large = match Schedule::new(graph, keep, limits) {
        Ok(schedule) => return Ok((Cow::Borrowed(graph), 1, schedule)),
        Err(error @ CompileError::TooLarge { .. }) if keep == Keep::Outputs => error,
        Err(error) => return Err(error),
    };
    for parts in batch::part_counts(graph) {
        if let Some(part) = batch::divided(graph, parts)
            && let Ok(schedule) = Schedule::new(&part, keep, limits)
        {
            return Ok((Cow::Owned(part), parts, schedule));
        }
    }
    Err(too_large)
}
