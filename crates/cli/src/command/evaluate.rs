//! `evaluate`: accuracy over labelled pictures.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pocketvision::{Backend, CompileOptions, Model, vision};

use super::weights_name;
use crate::dataset::{self, LabelledImage};
use crate::options::{DeviceOptions, ModelChoices, warn_about_seeded_weights};
use crate::report::{self, Evaluation};

/// Measure top-1 and top-5 accuracy over a folder of labelled pictures
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision evaluate mobilenet.tflite imagenet/val
  pocketvision evaluate mobilenet.tflite photos --backend gpu --wnids wnids.txt --json

The folder holds either pictures named WNID_anything.JPEG, as in n01440764_tench.JPEG, or one
folder of pictures for each class, named by WordNet id, by index among the network's scores,
or by label. WordNet ids become indices by their line in a list of them, one more for a
network whose first class is a background: --wnids FILE, or else imagenet_1000_wnids.txt in
the folder, beside it, in a folder named labels up to two levels above, or next to the folders
of $POCKETVISION_MODELS.")]
pub(crate) struct Evaluate {
    /// Model: a name (see `pocketvision models`) or a file
    model: String,
    /// Folder of labelled pictures
    folder: PathBuf,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// List of WordNet ids, one a line, in the order of the classes
    #[arg(long, value_name = "FILE")]
    wnids: Option<PathBuf>,
    #[command(flatten)]
    choices: ModelChoices,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Evaluate {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.choices.open_named(&self.model)?;
        let Some(classes) = model.classes() else {
            bail!("{} is no classifier: its output is not one score a class", model.name());
        };
        let wnids = self.wnids.clone().or_else(|| dataset::find_wnid_list(&self.folder, classes));
        let images = dataset::read(&self.folder, classes, model.labels(), wnids.as_deref())?;

        let start = Instant::now();
        let ranks = ranks(&*backend, &model, &images)?;
        let within = |k: usize| {
            let hits = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < k)).count();
            100.0 * hits as f64 / images.len() as f64
        };
        let evaluation = Evaluation {
            model: model.name().to_owned(),
            weights: weights_name(&model),
            backend: backend.name(),
            folder: self.folder.display().to_string(),
            images: images.len(),
            top1: within(1),
            top5: within(5),
            elapsed_s: start.elapsed().as_secs_f64(),
        };
        warn_about_seeded_weights(&model);
        report::print(&evaluation, json, out)
    }
}

/// For each picture, the place of its class among the network's best five.
fn ranks(
    backend: &dyn Backend,
    model: &Model,
    images: &[LabelledImage],
) -> Result<Vec<Option<usize>>> {
    let progress = ProgressBar::new(images.len() as u64);
    progress.set_style(ProgressStyle::with_template(PROGRESS)?);
    // The reference computes on one thread; every other backend has the device to itself.
    let workers = match backend.name() {
        "reference" => thread::available_parallelism().map_or(1, |cores| cores.get()),
        _ => 1,
    };
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Vec<(usize, Option<usize>)>> {
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let mut ranks = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(LabelledImage { path, class }) = images.get(index) else { break };
            let picture = vision::open(path)?;
            let outputs = plan
                .run(&[model.preprocess(&picture)?])
                .with_context(|| path.display().to_string())?;
            let best = model.top_k(&outputs, 5);
            ranks.push((index, best.iter().position(|ranked| ranked.index == *class)));
            progress.inc(1);
        }
        Ok(ranks)
    };
    let work = || work().inspect_err(|_| failed.store(true, Ordering::Relaxed));
    let found: Result<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(anyhow!("a worker stopped unexpectedly")))
        };
        workers.into_iter().map(join).collect()
    });
    progress.finish_and_clear();
    let mut found: Vec<_> = found?.into_iter().flatten().collect();
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, rank)| rank).collect())
}

/// Drawn on stderr, if that is a terminal.
const PROGRESS: &str = "{bar:40} {pos}/{len} images, {eta} left";
