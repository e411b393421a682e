//! `models list`: every model that a name leads to.

use std::io::{self, Write};

use pocketvision::models::InputSize;
use serde::Serialize;

use super::Report;
use super::table::{bytes, table, write_table};

/// All models.
#[derive(Debug, Serialize)]
pub(crate) struct Models {
    /// Folders that are searched, in this order.
    pub folders: Vec<String>,
    pub models: Vec<ModelReport>,
}

/// One model. Figures are of one image as large as the input, for those that are built in.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ModelReport {
    pub name: String,
    /// `trained` or `seeded`: whether its answers mean anything.
    pub weights: &'static str,
    /// The file; null if it is built in.
    pub file: Option<String>,
    pub file_bytes: Option<u64>,
    /// Side of the input in pixels, where it is square.
    pub input_size: Option<usize>,
    /// Height of the input in pixels.
    pub input_height: Option<usize>,
    /// Width of the input in pixels.
    pub input_width: Option<usize>,
    /// Multiply-accumulates, computed from the definition.
    pub macs: Option<u64>,
    /// Parameters, batch normalisation's included, computed from the definition.
    pub parameters: Option<u64>,
    /// Multiply-accumulates, as published.
    pub published_macs: Option<u64>,
    /// Parameters, as published.
    pub published_parameters: Option<u64>,
    /// ImageNet top-1 in percent, as published.
    pub published_top1: Option<f64>,
    /// Where the published figures are from.
    pub published_source: Option<&'static str>,
    /// Why computed and published figures differ, where they do.
    pub difference: Option<&'static str>,
}

fn input_size(model: &ModelReport) -> Option<InputSize> {
    let (height, width) = (model.input_height?, model.input_width?);
    Some(InputSize { height, width })
}

impl Report for Models {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = [
            "model",
            "weights",
            "input",
            "M MACs",
            "published",
            "M params",
            "published",
            "top-1 %",
        ];
        let mut rows = table(&header, &[2, 3, 4, 5, 6, 7]);
        let millions = |figure: Option<u64>, decimals| {
            figure.map_or("-".into(), |figure| format!("{:.decimals$}", figure as f64 / 1e6))
        };
        let built_in = |model: &&ModelReport| model.file.is_none();
        for model in self.models.iter().filter(built_in) {
            let mark = if model.difference.is_some() { " *" } else { "" };
            rows.add_row(vec![
                format!("{}{mark}", model.name),
                model.weights.to_owned(),
                input_size(model).map_or("-".into(), |size| size.to_string()),
                millions(model.macs, 1),
                millions(model.published_macs, 0),
                millions(model.parameters, 2),
                millions(model.published_parameters, 2),
                model.published_top1.map_or("-".into(), |top1| format!("{top1:.1}")),
            ]);
        }
        write_table(&rows, out)?;
        for model in self.models.iter().filter(built_in) {
            if let Some(difference) = model.difference {
                writeln!(out, "* {}: {difference}", model.name)?;
            }
        }
        writeln!(out)?;
        if !self.models.iter().all(|model| built_in(&model)) {
            let mut rows = table(&["file", "size", "where"], &[1]);
            for model in self.models.iter().filter(|model| !built_in(model)) {
                rows.add_row(vec![
                    model.name.clone(),
                    model.file_bytes.map_or("-".into(), bytes),
                    model.file.clone().unwrap_or_default(),
                ]);
            }
            write_table(&rows, out)?;
        }
        writeln!(out, "\nfolders searched: {}", self.folders.join(", "))
    }
}
