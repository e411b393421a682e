//! Which model, and how it is opened.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use pocketvision::models::{self, BuildOptions, InputSize};
use pocketvision::vision::Labels;
use pocketvision::{Catalog, Model, ModelError, OpenOptions, Origin, Task, Weights, hint};

use super::MODEL_HEADING;
use super::choice::{FitOption, NormalizationOption, PrecisionOption};
use crate::precision::computes_in_float;
use crate::terminal;

/// Which model, for commands that have a default.
#[derive(Args, Debug)]
pub(crate) struct ModelOptions {
    /// Model: a name (see `pocketvision models`) or a .tflite, .onnx or .safetensors file
    #[arg(long, short, value_name = "MODEL", display_order = 0)]
    pub model: Option<String>,
    #[command(flatten)]
    pub choices: ModelChoices,
}

impl ModelOptions {
    /// The model asked for, or the default one.
    pub(crate) fn open(&self) -> Result<Model> {
        self.open_batch(1)
    }

    /// As [`Self::open`], for so many images at once.
    pub(crate) fn open_batch(&self, batch: usize) -> Result<Model> {
        self.open_default(&MEASURED, batch)
    }

    /// The model asked for, or the default one of a task.
    pub(crate) fn open_for(&self, task: Task) -> Result<Model> {
        let of_task = DEFAULTS.iter().find(|default| default.task == task);
        self.open_default(of_task.unwrap_or(&MEASURED), 1)
    }

    fn open_default(&self, default: &DefaultModel, batch: usize) -> Result<Model> {
        let catalog = Catalog::from_environment();
        // Only what is built in can be had in another precision, size or batch.
        let must_be_built = self.choices.build_something() || batch > 1;
        let mut files = default.files.iter().filter(|_| !must_be_built);
        let name: &str = match &self.model {
            Some(name) => name.as_str(),
            // A larger one where somebody has put it, else what is built in.
            None => files.find(|name| catalog.find(name).is_ok()).unwrap_or(&default.built_in),
        };
        self.choices.open(&catalog, name, batch)
    }
}

/// What is taken where no model is named.
struct DefaultModel {
    task: Task,
    /// The first of these that is in one of the catalog's folders.
    files: &'static [&'static str],
    /// Otherwise.
    built_in: &'static str,
}

/// Where costs are asked for and not answers.
const MEASURED: DefaultModel = DefaultModel {
    task: Task::Classify,
    files: &["mobilenet_edgetpu_224_1.0_uint8"],
    built_in: "mobilenet-edgetpu-1.0",
};

const DEFAULTS: [DefaultModel; 3] = [
    DefaultModel { built_in: "mobilenet-edgetpu-cifar10", ..MEASURED },
    DefaultModel {
        task: Task::Detect,
        files: &[
            "mobilenet_ssd_v2_coco_quant_postprocess",
            "ssd_mobilenet_v2_coco_quant_postprocess",
        ],
        built_in: "ssdlite-mobilenet-edgetpu",
    },
    DefaultModel {
        task: Task::Segment,
        files: &["deeplabv3_mnv2_pascal_quant"],
        built_in: "deeplab-mobilenet-edgetpu-slim",
    },
];

/// How a model is opened, where there is a choice.
#[derive(Args, Debug)]
#[command(next_help_heading = MODEL_HEADING)]
pub(crate) struct ModelChoices {
    /// Element type that a built-in model is made in [default: int8]; f32 makes an int8 file float
    #[arg(long, value_enum, value_name = "TYPE")]
    pub precision: Option<PrecisionOption>,
    /// Input of a built-in model: its side, as in 224, or height and width, as in 1025x2049
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<InputSize>,
    /// Number of classes of a built-in model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub classes: Option<u32>,
    /// Multiplier of the channels of a built-in model, instead of its own
    #[arg(long, value_name = "W", value_parser = width_multiplier)]
    pub width: Option<f64>,
    /// The built-in model that a .safetensors file has the weights of [default: found out]
    #[arg(long, value_name = "NAME")]
    pub architecture: Option<String>,
    /// A .safetensors file of PyTorch was converted from TensorFlow (timm's `tf_` networks)
    #[arg(long)]
    pub tensorflow_port: bool,
    /// Shape of an input that an .onnx file leaves open, in the file's order; may be repeated
    #[arg(long = "shape", value_name = "INPUT=1x3x224x224", value_parser = input_shape)]
    pub shapes: Vec<(String, Vec<usize>)>,
    /// How pixels become a float network's numbers [default: by the kind of file]
    #[arg(long, value_enum, value_name = "HOW")]
    pub normalization: Option<NormalizationOption>,
    /// Feed a float network the photo's bytes, which it normalizes itself; an integer network is
    /// fed bytes anyway
    #[arg(long)]
    pub pixels: bool,
    /// How a picture becomes as wide and high as the input [default: by the network's task]
    #[arg(long, value_enum, value_name = "HOW")]
    pub fit: Option<FitOption>,
    /// Names of the classes, a line each [default: found out]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

impl ModelChoices {
    /// The model of a name.
    pub(crate) fn open_named(&self, name: &str) -> Result<Model> {
        self.open(&Catalog::from_environment(), name, 1)
    }

    fn open(&self, catalog: &Catalog, name: &str, batch: usize) -> Result<Model> {
        let model = match find(catalog, name)? {
            Origin::BuiltIn(definition) => {
                let own = definition.options();
                let options = BuildOptions {
                    batch,
                    precision: self.precision.map_or(own.precision, PrecisionOption::built),
                    input_size: self.size.unwrap_or(own.input_size),
                    classes: self.classes.map_or(own.classes, |classes| classes as usize),
                    width: self.width,
                    ..own
                };
                Model::built_in(definition, &options)?
            }
            Origin::File(path) => {
                if self.changes_the_network() {
                    bail!(
                        "{name} is a file: --size, --classes and --width are for built-in models"
                    );
                }
                let mut model = Model::open_with(path, &self.open_options()?)?;
                if self.precision == Some(PrecisionOption::F32) && !computes_in_float(&model) {
                    model = model.dequantized()?;
                }
                check_precision(&model, self.precision)?;
                check_batch(&model, batch)?;
                model
            }
        };
        self.prepared(model)
    }

    /// The model with what was chosen about its pictures and its classes.
    fn prepared(&self, mut model: Model) -> Result<Model> {
        if let Some(how) = self.normalization {
            model = model.with_normalization(how.normalization());
        }
        if let Some(how) = self.fit {
            model = model.with_fit(how.fit());
        }
        if self.pixels {
            model = model.with_pixel_input()?;
        }
        if let Some(file) = &self.labels {
            let Some(classes) = model.classes() else {
                bail!("{} has no classes that --labels could name", model.name());
            };
            model = model.with_labels(Some(Labels::open_for(file, classes)?));
        }
        Ok(model)
    }

    fn open_options(&self) -> Result<OpenOptions> {
        let definition = match &self.architecture {
            None => None,
            Some(name) => Some(models::find(name).with_context(|| {
                let hint = hint(name, models::ALL.iter().map(|definition| definition.name));
                format!("unknown architecture '{name}'; {hint}")
            })?),
        };
        Ok(OpenOptions {
            input_shapes: self.shapes.iter().cloned().collect(),
            definition,
            tensorflow_port: self.tensorflow_port,
        })
    }

    /// ImageNet top-1 in percent that is published of a built-in network; `None` if nothing is, or
    /// the network is built in another form than it was published in.
    pub(crate) fn published_top1(&self, model: &Model) -> Option<f64> {
        match model.origin() {
            Origin::BuiltIn(definition) if !self.changes_the_network() => {
                definition.published.top1_percent
            }
            Origin::BuiltIn(_) | Origin::File(_) => None,
        }
    }

    const fn changes_the_network(&self) -> bool {
        self.size.is_some() || self.classes.is_some() || self.width.is_some()
    }

    const fn build_something(&self) -> bool {
        self.precision.is_some() || self.changes_the_network()
    }
}

/// What a name leads to. A published network that is not here can be had.
fn find(catalog: &Catalog, name: &str) -> Result<Origin> {
    catalog.find(name).map_err(|error| match (pocketvision_download::find(name), &error) {
        (Some(file), _) => anyhow!(
            "{name} is not on this machine; `pocketvision models pull {}` downloads it",
            file.stem()
        ),
        (None, ModelError::NotAFile { .. }) => error.into(),
        (None, _) => anyhow!("{error} (`pocketvision models` lists all)"),
    })
}

fn width_multiplier(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(width) if (0.05..=10.0).contains(&width) => Ok(width),
        _ => Err("a number from 0.05 to 10 is expected".into()),
    }
}

/// An input's name and dimensions, as in `image=1x3x224x224`.
fn input_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let expected = || "an input and its dimensions are expected, as in image=1x3x224x224";
    let (name, dims) = text.rsplit_once('=').ok_or_else(expected)?;
    let dims: Result<Vec<usize>, _> = dims.split('x').map(str::parse).collect();
    match dims {
        Ok(dims) if !name.is_empty() && !dims.contains(&0) => Ok((name.to_owned(), dims)),
        _ => Err(expected().into()),
    }
}

/// A float file is not quantized on the way.
fn check_precision(model: &Model, wanted: Option<PrecisionOption>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let actual = PrecisionOption::of(model);
    if actual != wanted {
        let (name, actual, wanted) = (model.name(), actual.name(), wanted.name());
        bail!(
            "{name} is a file of {actual} weights and cannot be run in {wanted}; \
             built-in models can (see `pocketvision models`)"
        );
    }
    Ok(())
}

fn check_batch(model: &Model, wanted: usize) -> Result<()> {
    let actual = model.graph().ty(model.graph().inputs()[0]).shape.n;
    if wanted != 1 && actual != wanted {
        bail!(
            "{} is a file made for batches of {actual} and cannot be run in batches of {wanted}; \
             built-in models can (see `pocketvision models`)",
            model.name()
        );
    }
    Ok(())
}

/// True if a model's weights are random.
pub(crate) const fn is_seeded(model: &Model) -> bool {
    matches!(model.weights(), Weights::Seeded(_))
}

/// One line on stderr where labels would mislead.
pub(crate) fn warn_about_seeded_weights(model: &Model) {
    if is_seeded(model) {
        terminal::note(format!(
            "{} has random weights, so its answers mean nothing (its timings do); for trained \
             weights, see `pocketvision models pull --list`, point {} at a folder of model files \
             or pass --model FILE",
            model.name(),
            Catalog::FOLDERS_VARIABLE,
        ));
    }
}
