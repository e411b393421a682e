//! `quantize`: what int8 cost, in accuracy and layer by layer.

use std::io::{self, Write};

use pocketvision::quantize::LayerReport;
use serde::Serialize;

use super::Report;
use super::table::{bytes, short_name, table, write_table};

/// A float network made int8.
#[derive(Debug, Serialize)]
pub(crate) struct Quantization {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub folder: String,
    /// Number of pictures that ranges were measured on.
    pub calibration_images: usize,
    /// How ranges were found.
    pub ranges: Option<String>,
    /// Pairs of layers whose channels were scaled to be alike.
    pub equalized_pairs: usize,
    pub bias_correction: bool,
    /// On the other pictures; null if there are none of known class.
    pub accuracy: Option<AccuracyLost>,
    pub float_parameter_bytes: u64,
    pub int8_parameter_bytes: u64,
    /// Every int8 node that stands for a node of the float network, in order.
    pub layers: Vec<QuantizedLayer>,
    /// Where the int8 network was written; null if it was not.
    pub file: Option<String>,
    /// Wall time of it all, decoding included.
    pub elapsed_s: f64,
}

/// Both networks on the same pictures.
#[derive(Debug, Serialize)]
pub(crate) struct AccuracyLost {
    /// Number of pictures, none of which was calibrated on.
    pub images: usize,
    pub float: Accuracy,
    pub int8: Accuracy,
    /// Pictures of which both say the same, in percent.
    pub same_top1: f64,
    /// Power of the float network's scores over that of the int8 network's errors; null if
    /// there is no error at all.
    pub signal_to_noise_db: Option<f64>,
}

/// Accuracy of one network.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Accuracy {
    /// Pictures whose class is the best one, in percent.
    pub top1: f64,
    /// Pictures whose class is among the best five, in percent.
    pub top5: f64,
}

/// One node.
#[derive(Debug, Serialize)]
pub(crate) struct QuantizedLayer {
    pub name: String,
    pub op: &'static str,
    pub scale: f32,
    pub zero_point: i32,
    /// Real numbers of the smallest and the largest integer.
    pub range: (f32, f32),
    /// On the calibration pictures; null if there is no error at all.
    pub signal_to_noise_db: Option<f64>,
}

impl From<&LayerReport> for QuantizedLayer {
    fn from(layer: &LayerReport) -> Self {
        let LayerReport { name, op, scale, zero_point, range, signal_to_noise_db } = layer;
        Self {
            name: name.clone(),
            op,
            scale: *scale,
            zero_point: *zero_point,
            range: *range,
            signal_to_noise_db: Some(*signal_to_noise_db).filter(|db| db.is_finite()),
        }
    }
}

impl Report for Quantization {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = ["layer", "operator", "from", "to", "zero point", "signal/noise dB"];
        let mut rows = table(&header, &[2, 3, 4, 5]);
        for layer in &self.layers {
            rows.add_row(vec![
                short_name(&layer.name),
                layer.op.to_owned(),
                format!("{:.3}", layer.range.0),
                format!("{:.3}", layer.range.1),
                layer.zero_point.to_string(),
                layer.signal_to_noise_db.map_or("exact".into(), |db| format!("{db:.1}")),
            ]);
        }
        write_table(&rows, out)?;
        let Self { model, backend, folder, calibration_images, elapsed_s, .. } = self;
        writeln!(
            out,
            "\n{model} calibrated on {calibration_images} images of {folder}, run on {backend}, \
             in {elapsed_s:.1} s"
        )?;
        let (float, int8) = (bytes(self.float_parameter_bytes), bytes(self.int8_parameter_bytes));
        writeln!(out, "weights: {float} in float, {int8} in int8")?;
        if let Some(file) = &self.file {
            writeln!(out, "written to {file}")?;
        }
        let Some(accuracy) = &self.accuracy else { return Ok(()) };
        let AccuracyLost { images, float, int8, same_top1, signal_to_noise_db } = accuracy;
        writeln!(out, "on {images} other images:")?;
        writeln!(out, "  top-1  {:5.1} % in float  {:5.1} % in int8", float.top1, int8.top1)?;
        writeln!(out, "  top-5  {:5.1} % in float  {:5.1} % in int8", float.top5, int8.top5)?;
        write!(out, "  both say the same of {same_top1:.1} %")?;
        match signal_to_noise_db {
            Some(db) => writeln!(out, "; scores have a signal-to-noise ratio of {db:.1} dB"),
            None => writeln!(out, " with the same scores"),
        }
    }
}
