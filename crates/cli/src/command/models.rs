//! `models`: what `--model` can name.

use std::fs;
use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand};
use pocketvision::{Catalog, CatalogEntry, Origin};

use crate::report::{self, ModelReport};

/// List models
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision models
  POCKETVISION_MODELS=~/models pocketvision models list --json

A name stands for the first of: the file at that path; a file of that name, with or without
.tflite, in the folders of $POCKETVISION_MODELS, then in the user's cache folder; a model
that is built in.")]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List them all (what `models` alone does)
    List,
}

impl Models {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let (Some(Action::List) | None) = self.action;
        let catalog = Catalog::from_environment();
        let models = report::Models {
            folders: catalog.folders().iter().map(|f| f.display().to_string()).collect(),
            models: catalog.entries().iter().map(model_report).collect(),
        };
        report::print(&models, json, out)
    }
}

fn model_report(entry: &CatalogEntry) -> ModelReport {
    let name = entry.name.clone();
    match &entry.origin {
        Origin::File(path) => ModelReport {
            name,
            weights: "trained",
            file: Some(path.display().to_string()),
            file_bytes: fs::metadata(path).ok().map(|metadata| metadata.len()),
            published_macs_millions: None,
            published_top1_percent: None,
        },
        Origin::BuiltIn(definition) => ModelReport {
            name,
            weights: "seeded",
            file: None,
            file_bytes: None,
            published_macs_millions: definition.published.macs_millions,
            published_top1_percent: definition.published.top1_percent,
        },
    }
}
