//! `models`: what `--model` can name, and where to have more from.

use std::fs;
use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand};
use pocketvision::{Catalog, CatalogEntry, Model, Origin};

use super::pull::Pull;
use crate::report::{self, ModelReport};

/// List models, or download published ones
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision models
  POCKETVISION_MODELS=~/models pocketvision models list --json
  pocketvision models pull --list

A name stands for the first of: the file at that path; a file of that name, with or without
its extension, in the folders of $POCKETVISION_MODELS, then in the user's cache folder; a model
that is built in.")]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List them all (what `models` alone does)
    List,
    Pull(Pull),
}

impl Models {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        if let Some(Action::Pull(pull)) = &self.action {
            return pull.run(json, out);
        }
        let catalog = Catalog::from_environment();
        let models = report::Models {
            folders: catalog.folders().iter().map(|f| f.display().to_string()).collect(),
            models: catalog.entries().iter().map(model_report).collect::<Result<_>>()?,
        };
        report::print(&models, json, out)
    }
}

fn model_report(entry: &CatalogEntry) -> Result<ModelReport> {
    let report = ModelReport { name: entry.name.clone(), ..ModelReport::default() };
    Ok(match &entry.origin {
        Origin::File(path) => ModelReport {
            weights: "trained",
            file: Some(path.display().to_string()),
            file_bytes: fs::metadata(path).ok().map(|metadata| metadata.len()),
            ..report
        },
        Origin::BuiltIn(definition) => {
            let size = definition.size(&definition.options())?;
            let published = &definition.published;
            ModelReport {
                weights: if Model::comes_trained(definition) { "trained" } else { "seeded" },
                input_size: Some(definition.input_size.height)
                    .filter(|side| *side == definition.input_size.width),
                input_height: Some(definition.input_size.height),
                input_width: Some(definition.input_size.width),
                macs: Some(size.macs),
                parameters: Some(size.parameters),
                published_macs: published.macs_millions.map(millions),
                published_parameters: published.parameters_millions.map(millions),
                published_top1: published.top1_percent,
                published_source: Some(published.source),
                difference: published.difference,
                ..report
            }
        }
    })
}

/// A figure in millions as the number that it stands for.
fn millions(figure: f64) -> u64 {
    (figure * 1e6).round() as u64
}
