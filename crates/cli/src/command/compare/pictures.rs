//! The picture with what backends found in it, for a page.

use anyhow::{Context, Result};
use pocketvision::vision::{Image, draw_class_map, draw_detections};
use pocketvision::{Outputs, Task};

use super::contest::{Outcome, SHOWN_SCORE, Subject};
use crate::report::{BackendReport, Measured, PagePicture};

/// The picture, drawn once for all backends that found the same in it as the reference, and once
/// for each that did not. A classifier finds nothing that could be drawn.
pub(super) fn drawn(subject: &Subject<'_>, outcome: &Outcome) -> Result<Vec<PagePicture>> {
    let rows = &outcome.comparison.backends;
    if !matches!(subject.model.task(), Some(Task::Detect | Task::Segment)) {
        let backends = rows.iter().filter(|row| row.measured.is_some());
        let backends = backends.map(|row| row.backend.clone()).collect();
        return Ok(vec![page_picture(subject.picture, backends)?]);
    }
    let mut pictures: Vec<PagePicture> = Vec::new();
    for (row, outputs) in rows.iter().zip(&outcome.outputs) {
        let (Some(measured), Some(outputs)) = (&row.measured, outputs) else { continue };
        if let Some(first) = pictures.first_mut()
            && first.backends[0] == "reference"
            && says_the_same(measured)
        {
            first.backends.push(row.backend.clone());
            continue;
        }
        pictures.push(picture_of(subject, row, outputs)?);
    }
    Ok(pictures)
}

/// True if a backend finds all that the reference finds, and no more.
fn says_the_same(measured: &Measured) -> bool {
    let identical = measured.agreement.as_ref().is_some_and(|agreement| agreement.identical);
    identical || measured.answer_agreement.is_some_and(|answer| answer.matching == answer.of)
}

fn picture_of(
    subject: &Subject<'_>,
    row: &BackendReport,
    outputs: &Outputs,
) -> Result<PagePicture> {
    let model = subject.model;
    let mut picture = subject.picture.clone();
    match model.task() {
        Some(Task::Detect) => {
            draw_detections(&mut picture, &model.detections(outputs, subject.picture, SHOWN_SCORE));
        }
        Some(Task::Segment) => {
            let placement = model.placement(&picture).context("the network takes no picture")?;
            let map = model.class_map(outputs)?.to_photo(&placement);
            draw_class_map(&mut picture, &map, &model.palette(), model.labels());
        }
        Some(Task::Classify) | None => {}
    }
    page_picture(&picture, vec![row.backend.clone()])
}

/// No larger than a page shows it.
fn page_picture(picture: &Image, backends: Vec<String>) -> Result<PagePicture> {
    let (width, height) = picture.size();
    let shrink = (LONGEST_SIDE as f64 / width.max(height) as f64).min(1.0);
    let shown = |side: usize| ((side as f64 * shrink).round() as usize).max(1);
    let (width, height) = (shown(width), shown(height));
    let jpeg = match shrink < 1.0 {
        true => picture.resize(width, height)?.to_jpeg(QUALITY)?,
        false => picture.to_jpeg(QUALITY)?,
    };
    Ok(PagePicture { backends, width, height, jpeg })
}

/// In pixels: as wide as a page's text on a screen of double density.
const LONGEST_SIDE: usize = 1280;
/// At which JPEG's losses are not seen.
const QUALITY: u8 = 88;
