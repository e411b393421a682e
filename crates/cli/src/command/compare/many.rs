//! Many models on every backend.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::{Model, Origin};

use super::Compare;
use super::contest::Subject;
use crate::command::weights_name;
use crate::options::{open_image, warn_about_seeded_weights};
use crate::output_file;
use crate::report::{self, Matrix, MatrixRow};
use crate::terminal;

/// What only a comparison of many models has.
#[derive(Args, Debug)]
pub(super) struct ManyOptions {
    /// Plot latency against published top-1 of --models
    #[arg(long, value_name = "FILE.svg|.png", requires = "models")]
    plot: Option<PathBuf>,
    /// Write all figures of --models as a table for programs
    #[arg(long, value_name = "FILE.csv", requires = "models")]
    csv: Option<PathBuf>,
    /// ImageNet top-1 in percent of one of --models, as in mobilenet_v2=71.8; may be repeated
    #[arg(long, value_name = "MODEL=PERCENT", requires = "models", value_parser = top1)]
    top1: Vec<(String, f64)>,
}

impl Compare {
    pub(super) fn run_many(
        &self,
        models: &[String],
        names: &[String],
        json: bool,
        out: &mut dyn Write,
    ) -> Result<()> {
        let mut opened: Vec<Model> = Vec::new();
        for name in models.iter().map(|name| name.trim()) {
            let model = self.model.choices.open_named(name)?;
            if opened.iter().all(|known| known.name() != model.name()) {
                opened.push(model);
            }
        }
        let stated = |model: &Model| {
            let of_model = |(name, _): &&(String, f64)| name == model.name();
            self.many.top1.iter().find(of_model).map(|(_, percent)| *percent)
        };
        if let Some((name, _)) =
            self.many.top1.iter().find(|(name, _)| opened.iter().all(|model| model.name() != name))
        {
            let known: Vec<&str> = opened.iter().map(Model::name).collect();
            bail!("--top1 {name}: none of the models; they are {}", known.join(", "));
        }
        let (image, picture) = open_image(self.image.as_deref())?;
        let contest = self.contest(names, false);
        let progress = terminal::progress(contest.steps() * opened.len(), "");
        let mut rows = Vec::with_capacity(opened.len());
        for model in &opened {
            let subject = Subject::new(model, &picture)?;
            let comparison = contest.run(&subject, &image, &progress).comparison;
            let published = self.published_top1(model);
            rows.push(MatrixRow::new(comparison, stated(model).or(published)));
        }
        progress.finish_and_clear();
        // One line is enough for all of them.
        if let Some(seeded) = opened.iter().find(|model| weights_name(model) == "seeded") {
            warn_about_seeded_weights(seeded);
        }
        let matrix = Matrix::new(image, names, rows);
        if let Some(path) = &self.many.csv {
            output_file::write(path, matrix.to_csv())?;
        }
        if let Some(path) = &self.many.plot {
            matrix.plot()?.write(path)?;
        }
        report::print(&matrix, json, out)?;
        out.flush()?;
        matrix.rows.iter().try_for_each(|row| self.failure(&row.comparison.backends))
    }

    /// What is published about a network as it is built here: of other sizes nothing is.
    fn published_top1(&self, model: &Model) -> Option<f64> {
        match model.origin() {
            Origin::BuiltIn(definition) if !self.model.choices.changes_the_network() => {
                definition.published.top1_percent
            }
            _ => None,
        }
    }
}

/// A model and a percentage, as in `mobilenet_v2=71.8`.
fn top1(text: &str) -> Result<(String, f64), String> {
    let expected = "a model and its top-1 in percent are expected, as in mobilenet_v2=71.8";
    let (name, percent) = text.rsplit_once('=').ok_or(expected)?;
    match percent.parse::<f64>() {
        Ok(percent) if !name.is_empty() && (0.0..=100.0).contains(&percent) => {
            Ok((name.to_owned(), percent))
        }
        _ => Err(expected.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accuracy_is_a_name_and_a_percentage() {
        assert_eq!(top1("a=b=71.5"), Ok(("a=b".into(), 71.5)));
        for wrong in ["a", "=3", "a=", "a=101", "a=nan", "a=-1"] {
            assert!(top1(wrong).is_err(), "{wrong}");
        }
    }
}
