//! Options that several commands share.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use pocketvision::models::{BuildOptions, Precision};
use pocketvision::vision::{Image, sample_picture};
use pocketvision::{
    Backend, BackendOptions, Catalog, Element, Model, Origin, Weights, backend, vision,
};

/// Which model, for commands that have a default.
#[derive(Args, Debug)]
pub(crate) struct ModelOptions {
    /// Model: a name (see `pocketvision models`) or a .tflite file
    #[arg(long, short, value_name = "MODEL")]
    pub model: Option<String>,
    /// Element type to build a built-in model in
    #[arg(long, value_enum, value_name = "TYPE")]
    pub precision: Option<PrecisionOption>,
}

impl ModelOptions {
    /// The model asked for, or the default one.
    pub(crate) fn open(&self) -> Result<Model> {
        self.open_batch(1)
    }

    /// As [`Self::open`], for so many images at once.
    pub(crate) fn open_batch(&self, batch: usize) -> Result<Model> {
        let catalog = Catalog::from_environment();
        let name = match &self.model {
            Some(name) => name.as_str(),
            // Only what is built in can be had in another precision or batch.
            None if self.precision.is_some() || batch > 1 => BUILT_IN_DEFAULT,
            None => default_model(&catalog),
        };
        open(&catalog, name, self.precision, batch)
    }
}

/// The model of a name.
pub(crate) fn open_model(name: &str, precision: Option<PrecisionOption>) -> Result<Model> {
    open(&Catalog::from_environment(), name, precision, 1)
}

fn open(
    catalog: &Catalog,
    name: &str,
    precision: Option<PrecisionOption>,
    batch: usize,
) -> Result<Model> {
    let origin = catalog.find(name)?;
    match origin {
        Origin::BuiltIn(definition) => {
            let default = BuildOptions::default();
            let precision = precision.map_or(default.precision, PrecisionOption::built);
            Ok(Model::built_in(definition, &BuildOptions { batch, precision, ..default })?)
        }
        Origin::File(path) => {
            let model = Model::open(path)?;
            check_precision(&model, precision)?;
            check_batch(&model, batch)?;
            Ok(model)
        }
    }
}

/// A file has the element type that it has.
fn check_precision(model: &Model, wanted: Option<PrecisionOption>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let is_float = |element: &Element| element.is_float();
    let params = model.graph().params();
    let actual = if params.iter().any(|param| is_float(param.tensor.element())) {
        PrecisionOption::F32
    } else {
        PrecisionOption::Int8
    };
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
    if actual != wanted {
        bail!(
            "{} is a file made for batches of {actual} and cannot be run in batches of {wanted}; \
             built-in models can (see `pocketvision models`)",
            model.name()
        );
    }
    Ok(())
}

/// The trained default where somebody has put it, else the same network with seeded weights.
fn default_model(catalog: &Catalog) -> &'static str {
    match catalog.find(TRAINED_DEFAULT) {
        Ok(_) => TRAINED_DEFAULT,
        Err(_) => BUILT_IN_DEFAULT,
    }
}

/// One line on stderr where labels would mislead.
pub(crate) fn warn_about_seeded_weights(model: &Model) {
    if matches!(model.weights(), Weights::Seeded(_)) {
        let _ = writeln!(
            io::stderr(),
            "note: {} has random weights, so its answers mean nothing (its timings do); for \
             trained weights, point {} at a folder of .tflite files or pass --model FILE",
            model.name(),
            Catalog::FOLDERS_VARIABLE,
        );
    }
}

/// The picture to look at: a file, or one of our own.
pub(crate) fn open_image(path: Option<&Path>) -> Result<(String, Image)> {
    match path {
        Some(path) => Ok((path.display().to_string(), vision::open(path)?)),
        None => Ok(("sample picture".into(), sample_picture(640, 480))),
    }
}

/// How to run it.
#[derive(Args, Debug)]
pub(crate) struct DeviceOptions {
    /// Threads of the cpu backend [default: one a core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Chip of the edgetpu-sim backend: a preset or a .toml file [default: coral]
    #[arg(long, value_name = "CHIP")]
    pub chip: Option<String>,
    /// GPU adapter to use: a part of its name [default: the best; see `pocketvision devices`]
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
}

impl DeviceOptions {
    /// Opens a backend.
    pub(crate) fn backend(&self, name: &str) -> Result<Box<dyn Backend>> {
        let options = BackendOptions {
            threads: self.threads.map(usize::from),
            chip: self.chip.clone(),
            adapter: self.adapter.clone(),
        };
        Ok(backend(name, &options)?)
    }
}

/// Element types that built-in models come in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum PrecisionOption {
    /// 32-bit float
    F32,
    /// 8-bit integers
    Int8,
}

impl PrecisionOption {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }

    const fn built(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Int8 => Precision::Int8,
        }
    }
}

/// The model that is taken where none is named, if it is in one of the catalog's folders.
const TRAINED_DEFAULT: &str = "mobilenet_edgetpu_224_1.0_uint8";

/// The model that is taken otherwise.
const BUILT_IN_DEFAULT: &str = "mobilenet-edgetpu-1.0";
