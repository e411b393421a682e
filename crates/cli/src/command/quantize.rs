//! `quantize`: a float network as int8, calibrated on photos and scored on others.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use pocketvision::export::{self, Format};
use pocketvision::quantize::{
    InputElement, OutputElement, QuantizeOptions, QuantizeReport, RangeMethod, Stage,
};
use pocketvision::vision::Normalization;
use pocketvision::{Backend, CompileOptions, Model, Task, Tensor, vision};

use super::weights_name;
use crate::dataset::classes::LabelledImage;
use crate::dataset::{all_pictures, classes};
use crate::options::{DeviceOptions, ModelChoices, PrecisionOption, warn_about_seeded_weights};
use crate::output_file;
use crate::report::{self, Accuracy, AccuracyLost, Quantization, QuantizedLayer};
use crate::terminal;

/// Make a float network int8, calibrated on a folder of photos
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision quantize mobilenet_v2.safetensors imagenet/val --output mobilenet_v2.tflite
  pocketvision quantize network.onnx photos --ranges min-max --no-equalize --json

Photos spread evenly over the folder are calibrated on. If the folder's photos are labelled,
as `pocketvision evaluate --help` says, the others tell what quantization cost in accuracy.")]
pub(crate) struct Quantize {
    /// Float model: a name (with --precision f32) or a file
    model: String,
    /// Folder of typical photos, labelled or not
    folder: PathBuf,
    /// File to write the int8 network to; its extension says the format
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Number of photos to calibrate on
    #[arg(long, value_name = "N", default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..=4096))]
    calibration_count: u16,
    /// How the range of each activation is found
    #[arg(long, value_enum, value_name = "HOW", default_value_t = RangeOption::Mse)]
    ranges: RangeOption,
    /// With --ranges percentile: percent of the values kept at each end
    #[arg(long, value_name = "P", default_value_t = 99.99)]
    percentile: f64,
    /// With --ranges moving-average: weight of what was before each photo
    #[arg(long, value_name = "M", default_value_t = 0.9)]
    momentum: f64,
    /// Do not scale the channels of neighbouring layers to be alike
    #[arg(long)]
    no_equalize: bool,
    /// Do not take the mean error of rounded weights off the biases
    #[arg(long)]
    no_bias_correction: bool,
    /// One scale for all weights of a layer, instead of one for each output channel
    #[arg(long)]
    per_tensor: bool,
    /// What the quantized network is fed
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = EdgeOption::Int8)]
    input_type: EdgeOption,
    /// What the quantized network yields
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = EdgeOption::Int8)]
    output_type: EdgeOption,
    /// Backend that runs both networks: cpu, gpu or reference
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

/// Ways to find a range, as people type them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum RangeOption {
    /// The range of the least mean squared error
    Mse,
    /// All but the rarest values
    Percentile,
    /// All values
    MinMax,
    /// The running average of each photo's range
    MovingAverage,
}

/// What goes in or comes out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum EdgeOption {
    /// 8-bit integers
    Int8,
    /// 8-bit integers without a sign; as input, pixels as they are
    Uint8,
    /// 32-bit float
    F32,
}

impl Quantize {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        self.check_output()?;
        let backend = self.device.backend(&self.backend)?;
        let float = self.choices.open_named(&self.model)?;
        if PrecisionOption::of(&float) == PrecisionOption::Int8 {
            bail!("{} is quantized already; --precision f32 makes it float first", float.name());
        }
        let options = self.options(&float)?;
        let photos = self.photos(&float)?;
        let (calibrated, others) = split(&photos, usize::from(self.calibration_count));

        let start = Instant::now();
        let samples = samples(&float, &calibrated)?;
        let (int8, report) = quantize(&float, &*backend, &samples, &options)
            .with_context(|| float.name().to_owned())?;
        drop(samples);
        let accuracy = accuracy_lost(&*backend, &float, &int8, &others)?;
        if let Some(file) = &self.output {
            let bytes = export::to_bytes(int8.graph(), Format::from_path(file)?)?;
            output_file::write(file, bytes)?;
        }
        let quantization = Quantization {
            model: float.name().to_owned(),
            weights: weights_name(&float),
            backend: backend.name(),
            folder: self.folder.display().to_string(),
            calibration_images: calibrated.len(),
            ranges: self.ranges.to_possible_value().map(|v| v.get_name().to_owned()),
            equalized_pairs: report.equalized_pairs,
            bias_correction: options.correct_bias,
            accuracy,
            float_parameter_bytes: float.graph().parameter_bytes(),
            int8_parameter_bytes: int8.graph().parameter_bytes(),
            layers: report.layers.iter().map(QuantizedLayer::from).collect(),
            file: self.output.as_ref().map(|file| file.display().to_string()),
            elapsed_s: start.elapsed().as_secs_f64(),
        };
        warn_about_seeded_weights(&float);
        report::print(&quantization, json, out)
    }

    /// Refuses a file that cannot be written before all the work.
    fn check_output(&self) -> Result<()> {
        let Some(file) = &self.output else { return Ok(()) };
        if Format::from_path(file)? == Format::Safetensors {
            bail!("{}: .safetensors files hold float weights; write .tflite", file.display());
        }
        output_file::refuse_existing(file, self.force)
    }

    fn options(&self, model: &Model) -> Result<QuantizeOptions> {
        Ok(QuantizeOptions {
            ranges: match self.ranges {
                RangeOption::Mse => RangeMethod::MeanSquaredError,
                RangeOption::Percentile => RangeMethod::Percentile(self.percentile),
                RangeOption::MinMax => RangeMethod::MinMax,
                RangeOption::MovingAverage => {
                    RangeMethod::MovingAverage { momentum: self.momentum }
                }
            },
            equalize: !self.no_equalize,
            correct_bias: !self.no_bias_correction,
            per_channel: !self.per_tensor,
            input: match self.input_type {
                EdgeOption::Int8 => InputElement::Int8,
                EdgeOption::F32 => InputElement::F32,
                EdgeOption::Uint8 => pixels(model)?,
            },
            output: match self.output_type {
                EdgeOption::Int8 => OutputElement::Int8,
                EdgeOption::Uint8 => OutputElement::UInt8,
                EdgeOption::F32 => OutputElement::F32,
            },
        })
    }

    /// The folder's photos, with their classes where all can be told.
    fn photos(&self, model: &Model) -> Result<Vec<Photo>> {
        let unlabelled = |reason: &str| {
            let photos = all_pictures(&self.folder)?;
            terminal::note(format!("not scored: {reason}"));
            Ok(photos.into_iter().map(|path| Photo { path, class: None }).collect())
        };
        if model.task() != Some(Task::Classify) {
            return unlabelled("the network is no classifier");
        }
        let count = model.classes().unwrap_or(0);
        let wnids = self.wnids.clone().or_else(|| classes::find_wnid_list(&self.folder, count));
        match classes::read(&self.folder, count, model.labels(), wnids.as_deref()) {
            Ok(images) => {
                let labelled = |LabelledImage { path, class }| Photo { path, class: Some(class) };
                Ok(images.into_iter().map(labelled).collect())
            }
            Err(error) if self.wnids.is_some() => Err(error),
            Err(error) => unlabelled(&error.to_string()),
        }
    }
}

/// A photo and the index of its class, if it is known.
#[derive(Clone, Debug)]
struct Photo {
    path: PathBuf,
    class: Option<usize>,
}

/// So many photos, evenly spread, and the others.
fn split(photos: &[Photo], count: usize) -> (Vec<&Photo>, Vec<&Photo>) {
    let count = count.min(photos.len());
    let chosen = |index: usize| index * count / photos.len() != (index + 1) * count / photos.len();
    let (yes, no): (Vec<_>, Vec<_>) =
        photos.iter().enumerate().partition(|(index, _)| chosen(*index));
    let photos = |pairs: Vec<(usize, _)>| pairs.into_iter().map(|(_, photo)| photo).collect();
    (photos(yes), photos(no))
}

/// The photos as a network's inputs.
fn samples(model: &Model, photos: &[&Photo]) -> Result<Vec<Vec<Tensor>>> {
    photos.iter().map(|photo| Ok(vec![input(model, &photo.path)?])).collect()
}

fn input(model: &Model, path: &Path) -> Result<Tensor> {
    let picture = vision::open(path)?;
    model.preprocess(&picture).with_context(|| path.display().to_string())
}

fn quantize(
    model: &Model,
    backend: &dyn Backend,
    samples: &[Vec<Tensor>],
    options: &QuantizeOptions,
) -> Result<(Model, QuantizeReport)> {
    let bar = terminal::progress(1, "measuring ranges");
    let mut progress = |stage, done: usize, total: usize| {
        bar.set_message(match stage {
            Stage::Calibrate => "measuring ranges",
            Stage::CorrectBias => "correcting biases",
            Stage::Compare => "comparing with float",
        });
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let quantized = model.quantized(backend, samples, options, &mut progress);
    bar.finish_and_clear();
    Ok(quantized?)
}

/// Accuracy of both networks on photos of known class; none if there are none.
fn accuracy_lost(
    backend: &dyn Backend,
    float: &Model,
    int8: &Model,
    photos: &[&Photo],
) -> Result<Option<AccuracyLost>> {
    let labelled = photos.iter().filter_map(|photo| Some((&photo.path, photo.class?)));
    let labelled: Vec<_> = labelled.collect();
    if labelled.is_empty() {
        return Ok(None);
    }
    let bar = terminal::progress(labelled.len(), "measuring accuracy");
    let models = [float, int8];
    let mut plans = models
        .iter()
        .map(|model| backend.compile(model.graph(), &CompileOptions::default()))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut top1, mut top5, mut alike) = ([0; 2], [0; 2], 0);
    let (mut signal, mut noise) = (0.0, 0.0);
    for (path, class) in &labelled {
        let mut best = Vec::with_capacity(models.len());
        let mut scores = Vec::with_capacity(models.len());
        for (index, (model, plan)) in models.iter().zip(&mut plans).enumerate() {
            let outputs =
                plan.run(&[input(model, path)?]).with_context(|| path.display().to_string())?;
            let ranked = model.top_k(&outputs, 5);
            top1[index] += usize::from(ranked.first().is_some_and(|first| first.index == *class));
            top5[index] += usize::from(ranked.iter().any(|ranked| ranked.index == *class));
            best.push(ranked.first().map(|first| first.index));
            scores.push(outputs[0].to_f32());
        }
        for (float, int8) in scores[0].iter().zip(&scores[1]) {
            signal += f64::from(*float).powi(2);
            noise += f64::from(float - int8).powi(2);
        }
        alike += usize::from(best[0] == best[1]);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let percent = |hits: usize| 100.0 * hits as f64 / labelled.len() as f64;
    let accuracy =
        |index: usize| Accuracy { top1: percent(top1[index]), top5: percent(top5[index]) };
    Ok(Some(AccuracyLost {
        images: labelled.len(),
        float: accuracy(0),
        int8: accuracy(1),
        same_top1: percent(alike),
        signal_to_noise_db: (noise > 0.0).then(|| 10.0 * f64::log10(signal / noise)),
    }))
}

/// An input of pixels as they are, if all colours are normalised alike.
fn pixels(model: &Model) -> Result<InputElement> {
    match model.normalization() {
        Some(Normalization { mean: [mean, green, blue], std: [std, std_green, std_blue] })
            if mean == green && green == blue && std == std_green && std_green == std_blue =>
        {
            let zero_point = mean.round().clamp(0.0, 255.0) as u8;
            Ok(InputElement::UInt8 { scale: 1.0 / std, zero_point })
        }
        _ => bail!(
            "{}: pixels as they are have one scale, and this network's colours are normalised \
             each in its own way; use --input-type int8",
            model.name()
        ),
    }
}
