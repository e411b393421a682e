//! Options with a few values, by name.

use clap::ValueEnum;
use pocketvision::models::Precision;
use pocketvision::vision::{Fit, Normalization};
use pocketvision::{Model, Task};

use crate::precision::computes_in_float;

/// Element types that built-in models come in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum PrecisionOption {
    /// 32-bit float
    F32,
    /// 8-bit integers
    Int8,
}

impl PrecisionOption {
    /// What a network computes with.
    pub(crate) fn of(model: &Model) -> Self {
        if computes_in_float(model) { Self::F32 } else { Self::Int8 }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }

    pub(super) const fn built(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Int8 => Precision::Int8,
        }
    }
}

/// How pixels become the numbers of a float network. An integer network's input says it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum NormalizationOption {
    /// From -1 to 1, as MobileNets of TensorFlow are trained
    Symmetric,
    /// ImageNet's mean 0 and deviation 1, as networks of PyTorch are trained
    Torchvision,
    /// (pixel - 127) / 128, as EfficientNets of TensorFlow are trained
    EfficientnetLite,
    /// From 0 to 1, as networks of MediaPipe are trained
    Unit,
}

impl NormalizationOption {
    pub(super) const fn normalization(self) -> Normalization {
        match self {
            Self::Symmetric => Normalization::SYMMETRIC,
            Self::Torchvision => Normalization::TORCHVISION,
            Self::EfficientnetLite => Normalization::EFFICIENTNET_LITE,
            Self::Unit => Normalization::UNIT,
        }
    }
}

/// What a network is for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum TaskOption {
    /// What a picture shows
    Classify,
    /// What is where
    Detect,
    /// What each pixel belongs to
    Segment,
}

impl TaskOption {
    pub(crate) const fn task(self) -> Task {
        match self {
            Self::Classify => Task::Classify,
            Self::Detect => Task::Detect,
            Self::Segment => Task::Segment,
        }
    }
}

/// How a picture of any shape becomes as wide and high as a network's input.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum FitOption {
    /// The middle 87.5 % of the shorter side, as classifiers see pictures
    Crop,
    /// All of it, stretched, as detectors and segmentations see pictures
    Stretch,
    /// All of it in its proportions, between grey bars
    Letterbox,
}

impl FitOption {
    pub(super) const fn fit(self) -> Fit {
        match self {
            Self::Crop => Fit::CentreCrop(0.875),
            Self::Stretch => Fit::Stretch,
            Self::Letterbox => Fit::Letterbox,
        }
    }
}
