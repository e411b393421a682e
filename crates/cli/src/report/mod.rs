//! What commands report: one struct a command, written as a table or as JSON.
//!
//! Field names carry their units and are stable: scripts depend on them.

mod benchmark;
mod claims;
mod classification;
mod comparison;
mod conversion;
mod csv;
mod detection;
mod devices;
mod evaluation;
mod inference;
mod inspection;
mod matrix;
mod models;
mod page;
pub(crate) mod plot;
mod profile;
mod pull;
mod quantization;
mod regression;
mod roofline;
mod saved;
mod segmentation;
mod simulation;
mod sweep;
mod table;
mod top;
pub(crate) mod trace;
mod validation;

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

pub(crate) use benchmark::{Benchmark, GpuRun};
pub(crate) use claims::ClaimsReport;
pub(crate) use classification::{Classification, ClassifiedImage};
pub(crate) use comparison::{
    Answer, AnswerAgreement, BackendReport, Comparison, FirstDifferenceReport, Measured,
};
pub(crate) use conversion::Conversion;
pub(crate) use detection::{DetectedImage, DetectedObjectReport, Detections};
pub(crate) use devices::{DeviceReport, Devices};
pub(crate) use evaluation::{EvaluatedAccuracy, Evaluation};
pub(crate) use inference::InferenceReport;
pub(crate) use inspection::{Inspection, LayerReport, MemoryReport, PortReport, Refusal, Support};
pub(crate) use matrix::{Matrix, MatrixRow};
pub(crate) use models::{ModelReport, Models};
pub(crate) use page::{Page, PagePicture};
pub(crate) use plot::plot_file;
pub(crate) use profile::{MILLIJOULES_PER_PICOJOULE, ProfileReport};
pub(crate) use pull::{Published, PublishedReport, PulledFile, PulledFiles};
pub(crate) use quantization::{Accuracy, AccuracyLost, Quantization, QuantizedLayer};
pub(crate) use regression::Regression;
pub(crate) use roofline::{Roof, Roofline};
pub(crate) use saved::{SavedTensor, SavedTensors};
pub(crate) use segmentation::{ClassShare, Segmentations, SegmentedImage};
pub(crate) use simulation::timeline;
pub(crate) use sweep::{SweepPoint, SweepReport};
pub(crate) use top::top_classes;
pub(crate) use validation::Validation;

/// Something a command found out.
pub(crate) trait Report: Serialize {
    /// Writes it for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Writes a report as the user asked.
pub(crate) fn print(report: &impl Report, json: bool, out: &mut dyn Write) -> Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(())
}
