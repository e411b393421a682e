//! How work is cut, measured.
//!
//! What is best differs between adapters by more than any rule knows: large tiles read less,
//! small ones keep more of a device busy; subgroups share sums without memory where there are any,
//! but what a driver makes of them nobody knows before. There are a few ways to cut a network, and
//! [`crate::GpuBackend::tune`] runs it in each, on the adapter that it will run on, leaving out
//! those that the adapter's driver gets wrong. The choice is kept in a file beside the compiled
//! pipelines, and looked up when the network is compiled again. Nothing is measured unasked: until
//! then the adapter's kind decides, and workgroup memory is used, which every driver has long had.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use pocketvision_core::{CompileError, CompileOptions, Graph, Keep, Outputs, RunError, Tensor};
use thiserror::Error;
use web_time::Instant;

use crate::adapter::AdapterKind;
use crate::cache_file::CacheFile;
use crate::plan::GpuPlan;
use crate::self_test::{agree, sample};
use crate::shared_device::SharedDevice;

/// A way to cut the work of a network.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Tuning {
    /// Invocations that a dispatch shall have: tiles are as large as leaves so many, and sums
    /// are shared where there are fewer.
    pub(crate) busy_invocations: usize,
    /// Whether runs are of 8 pixels instead of 4.
    pub(crate) is_wide: bool,
    /// Whether workgroups of fused layers take as much as fits their memory, so that there are
    /// few, or as little as keeps them busy.
    pub(crate) has_few_workgroups: bool,
    /// What is computed together.
    pub(crate) fusion: Fusion,
    /// What pipelines know of their layers.
    pub(crate) fixed: Fixed,
    /// Whether subgroups share sums, where the device has them, instead of workgroup memory.
    pub(crate) has_subgroups: bool,
    /// Whether four neighbours of a subgroup load for each other what all of them need.
    pub(crate) has_fours: bool,
}

/// What one dispatch computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fusion {
    /// One operator.
    None,
    /// A layer, with what can be done as it loads its input and stores its output: a scale, a
    /// residual, sums for a pool. A device with thousands of invocations is busy with few pixels.
    Ends,
    /// Pairs of layers as well. Dispatches are few, and each has few workgroups.
    Layers,
}

/// What of a layer's params is compiled into its pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fixed {
    /// None: layers that differ in numbers alone share a pipeline.
    Nothing,
    /// What kind of layer it is: its activation, whether a tensor is added.
    Kind,
    /// All, sizes as well: each size has a pipeline of its own.
    All,
}

impl Tuning {
    /// All there are.
    pub(crate) const ALL: [Self; 16] = [
        // For software: each load is expensive, and a few threads are soon busy.
        Self::few_workgroups(true),
        Self::few_workgroups(false),
        // Pairs of layers, for small graphics cards.
        Self::pairs(4096),
        Self::pairs(16384),
        // Each layer by itself, from small to large ones.
        Self::layers(8192),
        Self::layers(32768),
        Self::layers(131_072),
        // The same where pipelines are dear, or nobody knows: those of one shape share one.
        Self::layers(32768).with_shared_pipelines(),
        // For software that has subgroups of at least four.
        Self::fours(),
        Self { fixed: Fixed::All, ..Self::fours() },
        Self::few_workgroups(true).with_subgroups(),
        Self::pairs(4096).with_subgroups(),
        Self::pairs(16384).with_subgroups(),
        Self::layers(8192).with_subgroups(),
        Self::layers(32768).with_subgroups(),
        Self::layers(131_072).with_subgroups(),
    ];

    /// All that a device can do.
    pub(crate) fn ways(has_subgroups: bool, has_fours: bool) -> impl Iterator<Item = Self> {
        let can = move |way: &Self| {
            (has_subgroups || !way.has_subgroups) && (has_fours || !way.has_fours)
        };
        Self::ALL.into_iter().filter(can)
    }

    /// Each operator by itself: where what computes several is wrong.
    pub(crate) const ALONE: Self = Self { fusion: Fusion::None, ..Self::pairs(4096) };

    const fn few_workgroups(is_wide: bool) -> Self {
        Self { is_wide, has_few_workgroups: true, ..Self::pairs(256) }
    }

    /// Each layer by itself: neighbours save more loads than a pair of layers would.
    const fn fours() -> Self {
        let fixed = Fixed::Kind;
        Self { fusion: Fusion::Ends, has_fours: true, fixed, ..Self::few_workgroups(true) }
    }

    const fn layers(busy_invocations: usize) -> Self {
        Self { fusion: Fusion::Ends, fixed: Fixed::All, ..Self::pairs(busy_invocations) }
    }

    const fn pairs(busy_invocations: usize) -> Self {
        Self {
            busy_invocations,
            is_wide: false,
            has_few_workgroups: false,
            fusion: Fusion::Layers,
            fixed: Fixed::Nothing,
            has_subgroups: false,
            has_fours: false,
        }
    }

    const fn with_shared_pipelines(self) -> Self {
        Self { fixed: Fixed::Nothing, ..self }
    }

    /// Whether tiles are small, for a device that has more invocations than a network has pixels.
    pub(crate) fn is_parallel(&self) -> bool {
        self.fusion == Fusion::Ends && !self.has_few_workgroups
    }

    /// The same for a device without subgroups.
    pub(crate) fn without_subgroups(self) -> Self {
        if self.has_fours {
            return Self::few_workgroups(self.is_wide);
        }
        Self { has_subgroups: false, ..self }
    }

    const fn with_subgroups(self) -> Self {
        Self { has_subgroups: true, ..self }
    }

    /// What an adapter of a kind begins with.
    pub(crate) const fn for_kind(kind: AdapterKind, has_fours: bool) -> Self {
        match kind {
            AdapterKind::Software if has_fours => Self::fours(),
            AdapterKind::Software => Self::few_workgroups(true),
            AdapterKind::Integrated => Self::pairs(4096),
            AdapterKind::Discrete | AdapterKind::Virtual => Self::layers(32768),
            // All that browsers say of a card.
            AdapterKind::Other => Self::layers(32768).with_shared_pipelines(),
        }
    }
}

/// Runs a network in each of the [`Tuning::ways`] that the device has, and remembers the fastest of those that
/// compute what the network computes layer by layer, each layer by itself.
pub(crate) async fn tune(shared: &Arc<SharedDevice>, graph: &Graph) -> Result<Tuned, TuneError> {
    let device = shared.current();
    let plan = |keep: Keep, tuning: Tuning| {
        let (shared, device) = (Arc::clone(shared), Arc::clone(&device));
        async move {
            let options = CompileOptions { keep };
            GpuPlan::with_tuning(shared, device, graph, &options, tuning).await
        }
    };
    let inputs: Vec<Tensor> = graph.inputs().iter().map(|&input| sample(graph.ty(input))).collect();
    let mut by_layer = plan(Keep::EveryNode, Tuning::ALL[0]).await?;
    let mut expected = Outputs::for_signature(by_layer.ports());
    by_layer.run_async(&inputs, &mut expected).await?;

    let mut tuned = Tuned { times_ms: Vec::new(), chosen: None };
    let ways: Vec<Tuning> =
        Tuning::ways(device.subgroup_size.is_some(), device.has_fours).collect();
    for &tuning in &ways {
        let mut plan = plan(Keep::Outputs, tuning).await?;
        if plan.tuning() != tuning {
            // One of its kernels is wrong, and the plan is cut in another way.
            tuned.times_ms.push(None);
            continue;
        }
        let mut outputs = Outputs::for_signature(plan.ports());
        plan.run_async(&inputs, &mut outputs).await?;
        let is_right = outputs.iter().all(|(node, actual)| {
            expected.get(node).is_some_and(|expected| agree(expected, actual, device.is_half))
        });
        if !is_right {
            tuned.times_ms.push(None);
            continue;
        }
        let mut fastest = f64::INFINITY;
        for _ in 0..RUNS {
            let start = Instant::now();
            plan.run_async(&inputs, &mut outputs).await?;
            fastest = fastest.min(1e3 * start.elapsed().as_secs_f64());
        }
        tuned.times_ms.push(Some(fastest));
    }
    let times = tuned.times_ms.iter().enumerate();
    let best = times.filter_map(|(i, time)| time.map(|time| (i, time)));
    tuned.chosen = best.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i);
    match tuned.chosen {
        Some(chosen) => device.remember_tuning(graph, Keep::Outputs, ways[chosen]),
        None => return Err(TuneError::Miscomputed { adapter: device.summary.name.clone() }),
    }
    Ok(tuned)
}

/// What [`crate::GpuBackend::tune`] found.
///
/// ```
/// use pocketvision_backend_gpu::Tuned;
///
/// let tuned = Tuned { times_ms: vec![Some(1.5), None, Some(1.2)], chosen: Some(2) };
/// let fastest = tuned.chosen.and_then(|way| tuned.times_ms[way]);
/// assert_eq!(fastest, Some(1.2));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Tuned {
    /// Milliseconds of the fastest run in each way to cut the network; `None` for a way whose
    /// results were wrong, which is not taken.
    pub times_ms: Vec<Option<f64>>,
    /// The fastest way.
    pub chosen: Option<usize>,
}

/// A network could not be tuned.
///
/// ```
/// use pocketvision_backend_gpu::TuneError;
///
/// fn advice(error: &TuneError) -> &'static str {
///     match error {
///         TuneError::Compile(_) | TuneError::Run(_) => "the network does not run here",
///         _ => "update the driver",
///     }
/// }
/// ```
#[derive(Debug, Error)]
pub enum TuneError {
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The driver is broken.
    #[error(
        "gpu: adapter '{adapter}' computes every fused form of this network wrong; update its \
         driver, or choose another adapter"
    )]
    Miscomputed {
        /// The adapter's name.
        adapter: String,
    },
}

/// Runs of which the fastest counts.
const RUNS: usize = 7;

/// The choices of one adapter: a line for each network, its fingerprint and a position in
/// [`Tuning::ALL`].
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Choices {
    lines: Vec<(u64, usize)>,
}

impl Choices {
    /// Those of a file. A file that is not there, or cannot be used, holds none.
    pub(crate) fn read(file: &CacheFile) -> Self {
        let is_known = |position: &usize| *position < Tuning::ALL.len();
        Self { lines: file.entries(|position| position.parse().ok().filter(is_known)) }
    }

    pub(crate) fn get(&self, fingerprint: u64) -> Option<Tuning> {
        let found = self.lines.iter().find(|(known, _)| *known == fingerprint)?;
        Some(Tuning::ALL[found.1])
    }

    pub(crate) fn set(&mut self, fingerprint: u64, position: usize) {
        self.lines.retain(|(known, _)| *known != fingerprint);
        self.lines.push((fingerprint, position));
    }

    pub(crate) fn write(&self, file: &CacheFile) -> std::io::Result<()> {
        file.write_entries(self.lines.iter().copied())
    }
}

/// A number that networks share which take the same dispatches: of operators, shapes and
/// element types, not of weights or names.
pub(crate) fn fingerprint(graph: &Graph, keep: Keep, is_half: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    // A choice is a position among all ways.
    (keep == Keep::Outputs, is_half, Tuning::ALL, env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    for node in graph.nodes() {
        node.op.name().hash(&mut hasher);
        node.inputs.hash(&mut hasher);
        node.output.shape.hash(&mut hasher);
        node.output.element.name().hash(&mut hasher);
        for param in node.op.params() {
            graph.param(param).shape().hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_take_the_ways_that_they_have_what_is_needed_for() {
        assert!(Tuning::ways(false, false).all(|way| !way.has_subgroups && !way.has_fours));
        assert!(Tuning::ways(false, true).any(|way| way.has_fours));
        assert!(Tuning::ways(true, true).eq(Tuning::ALL));
        for has_fours in [false, true] {
            let way = Tuning::for_kind(AdapterKind::Software, has_fours);
            assert!(Tuning::ways(false, has_fours).any(|other| other == way), "{way:?}");
        }
    }

    #[test]
    fn choices_come_back_and_nonsense_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = CacheFile::at(folder.path().join("choices"));
        assert_eq!(Choices::read(&file), Choices::default());
        let mut choices = Choices::default();
        choices.set(7, 1);
        choices.set(u64::MAX, 2);
        choices.set(7, 4);
        choices.write(&file).unwrap();
        assert_eq!(Choices::read(&file), choices);
        assert_eq!(choices.get(7), Some(Tuning::ALL[4]));
        assert_eq!(choices.get(8), None);

        file.write(b"7 99\nx 1\n0000000000000008 3\n\xff").unwrap();
        assert_eq!(Choices::read(&file), Choices::default());
        file.write(b"7 99\nx 1\n8 3\n").unwrap();
        assert_eq!(Choices::read(&file).get(8), Some(Tuning::ALL[3]));
    }
}
