//! Many models on every backend.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::{Model, Origin};

use super::Compare;
use super::contest::Subject;
use crate::options::{is_seeded, open_image, warn_about_seeded_weights};
use crate::output_file;
use crate::report::{self, Matrix, MatrixRow, plot_file};
use crate::terminal;

/// What only a comparison of many models has.
#[derive(Args, Debug)]
pub(super) struct ManyOptions {
    /// Plot latency against published top-1 of --models
    #[arg(long, value_name = "FILE.svg|.png", requires = "models")]
    #[arg(value_parser = plot_file())]
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
        let opened = self.open_many(models)?;
        let accuracies = self.accuracies(&opened)?;
        let (image, picture) = open_image(self.image.as_deref())?;
        // Before any work: each model must take the picture.
        let subjects: Vec<Subject<'_>> =
            opened.iter().map(|model| Subject::new(model, &picture)).collect::<Result<_>>()?;
        let contest = self.contest(names, false);
        let progress = terminal::progress(contest.steps() * opened.len(), "");
        let run = |(subject, top1)| {
            MatrixRow::new(contest.run(subject, &image, &progress).comparison, top1)
        };
        let rows = subjects.iter().zip(accuracies).map(run).collect();
        progress.finish_and_clear();
        // One line is enough for all of them.
        if let Some(seeded) = opened.iter().find(|model| is_seeded(model)) {
            warn_about_seeded_weights(seeded);
        }
        let matrix = Matrix::new(image, names, rows);
        if let Some(path) = &self.many.csv {
            output_file::write(path, matrix.to_csv())?;
        }
        report::print(&matrix, json, out)?;
        out.flush()?;
        // After the table, which is there even if nothing can be plotted or the file not written.
        if let Some(path) = &self.many.plot {
            matrix.plot()?.write(path)?;
        }
        matrix.rows.iter().try_for_each(|row| self.failure(&row.comparison.backends))
    }

    /// The models, each once. Two of one name could not be told apart.
    fn open_many(&self, names: &[String]) -> Result<Vec<Model>> {
        let mut opened: Vec<Model> = Vec::new();
        for name in names.iter().map(|name| name.trim()) {
            let model = self.model.choices.open_named(name)?;
            match opened.iter().find(|known| known.name() == model.name()) {
                None => opened.push(model),
                Some(known) if file(known) == file(&model) => {}
                Some(known) => bail!(
                    "two of --models are called {}: {} and {}; rename one of the files",
                    model.name(),
                    known.origin(),
                    model.origin(),
                ),
            }
        }
        Ok(opened)
    }

    /// ImageNet top-1 in percent of each model, stated or published. A plot needs one at least.
    fn accuracies(&self, models: &[Model]) -> Result<Vec<Option<f64>>> {
        let stated = |wanted: &str| self.many.top1.iter().find(|(name, _)| name == wanted);
        let is_unknown = |name: &str| models.iter().all(|model| model.name() != name);
        if let Some((name, _)) = self.many.top1.iter().find(|(name, _)| is_unknown(name)) {
            let known: Vec<&str> = models.iter().map(Model::name).collect();
            bail!("--top1 {name}: none of the models; they are {}", known.join(", "));
        }
        let accuracy = |model: &Model| match stated(model.name()) {
            Some((_, percent)) => Some(*percent),
            None => self.model.choices.published_top1(model),
        };
        let accuracies: Vec<Option<f64>> = models.iter().map(accuracy).collect();
        if self.many.plot.is_some() && accuracies.iter().all(Option::is_none) {
            bail!(
                "nothing to plot: no accuracy of these models is known; state it as in \
                 --top1 {}=75.0",
                models.first().map_or("MODEL", Model::name)
            );
        }
        Ok(accuracies)
    }
}

/// The file of a model, by whatever path it was named; `None` if it is built in.
fn file(model: &Model) -> Option<PathBuf> {
    match model.origin() {
        Origin::File(path) => Some(fs::canonicalize(path).unwrap_or_else(|_| path.clone())),
        Origin::BuiltIn(_) => None,
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
