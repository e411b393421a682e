//! `compare --html`: one comparison as one page that needs nothing else.
//!
//! The page's text is in `templates/`, where every value is escaped. Here numbers become
//! text and lengths. All of them are the comparison's own: nothing is measured or rounded
//! twice. The page's policy allows no resource, and no style or script but the two in it,
//! by their hashes: what a hostile name might smuggle in would not run.

mod agreement;
mod answers;
mod bars;
mod layers;
mod names;
mod rooflines;
mod summary;

use anyhow::{Context, Result};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pocketvision::Model;
use sha2::{Digest, Sha256};

use self::agreement::AgreementView;
use self::answers::{Answers, FigureView};
use self::bars::{Chart, Latencies, MemoryView};
use self::layers::ProfileView;
use self::names::Names;
use self::rooflines::RooflineView;
use self::summary::{Card, facts, lead};
use super::comparison::{BackendReport, Comparison, Measured};

/// A picture to show.
#[derive(Clone, Debug)]
pub(crate) struct PagePicture {
    /// The backends whose results are drawn in it.
    pub backends: Vec<String>,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    pub jpeg: Vec<u8>,
}

/// A comparison as a page.
#[derive(Template)]
#[template(path = "comparison.html")]
pub(crate) struct Page<'a> {
    comparison: &'a Comparison,
    lead: String,
    cards: Vec<Card<'a>>,
    facts: Vec<(&'static str, String)>,
    pictures: Vec<FigureView>,
    answers: Answers,
    latency: Latencies<'a>,
    energy: Energy<'a>,
    profiles: Vec<ProfileView<'a>>,
    agreement: Vec<AgreementView<'a>>,
    memory: MemoryView<'a>,
    rooflines: Vec<RooflineView<'a>>,
    without_roofline: String,
    made: String,
    policy: String,
    style: &'static str,
    script: &'static str,
}

struct Energy<'a> {
    chart: Chart<'a>,
    /// The backends that have no model, in words.
    without: String,
}

impl<'a> Page<'a> {
    /// The page of a comparison that was made with its costs. `published_top1` is in percent, of
    /// the network as it was built.
    pub(crate) fn new(
        model: &Model,
        published_top1: Option<f64>,
        comparison: &'a Comparison,
        pictures: &[PagePicture],
    ) -> Result<Self> {
        let nodes = model.graph().nodes().iter().filter(|node| !node.inputs.is_empty());
        let names = Names::new(nodes.map(|node| node.name.as_str()));
        let rooflines: Vec<RooflineView<'_>> = measured(comparison)
            .filter_map(|(row, found)| RooflineView::new(row, found, &names).transpose())
            .collect::<Result<_>>()?;
        let without: Vec<&str> = measured(comparison)
            .filter(|(row, _)| rooflines.iter().all(|roofline| roofline.name != row.backend))
            .map(|(row, _)| row.backend.as_str())
            .collect();
        Ok(Self {
            comparison,
            lead: lead(comparison),
            cards: in_order(comparison).map(|row| Card::new(comparison, row)).collect(),
            facts: facts(model, published_top1, comparison),
            pictures: pictures.iter().map(|picture| FigureView::new(comparison, picture)).collect(),
            answers: Answers::new(comparison),
            latency: Latencies::new(comparison),
            energy: Energy {
                chart: Chart::of_energy(comparison),
                without: listed(
                    measured(comparison)
                        .filter(|(_, found)| found.energy_mj.is_none())
                        .map(|(row, _)| row.backend.as_str()),
                ),
            },
            profiles: measured(comparison)
                .filter_map(|(row, found)| ProfileView::new(row, found, &names))
                .collect(),
            agreement: measured(comparison)
                .map(|(row, found)| AgreementView::new(comparison, row, found))
                .collect(),
            memory: MemoryView::new(comparison),
            without_roofline: match without[..] {
                [] => String::new(),
                _ => format!("The time of layers is not known on {}.", listed(without)),
            },
            rooflines,
            made: format!(
                "PocketVision {} on {} {}, {}.",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS,
                std::env::consts::ARCH,
                humantime::format_rfc3339_seconds(std::time::SystemTime::now()),
            ),
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
        })
    }

    /// The page's text.
    pub(crate) fn html(&self) -> Result<String> {
        self.render().context("the page cannot be written")
    }
}

/// The backends as a page shows them: the reference last, since it is not one of the contestants.
fn in_order(comparison: &Comparison) -> impl Iterator<Item = &BackendReport> {
    let is_reference = |row: &&BackendReport| row.backend == "reference";
    let compared = comparison.backends.iter().filter(move |row| !is_reference(row));
    compared.chain(comparison.backends.iter().filter(is_reference))
}

/// Those of them that ran, with what was found.
fn measured(comparison: &Comparison) -> impl Iterator<Item = (&BackendReport, &Measured)> {
    in_order(comparison).filter_map(|row| Some((row, row.measured.as_ref()?)))
}

/// A backend's class in the style sheet. Only known names are written where no text belongs.
fn class(backend: &str) -> &'static str {
    match backend {
        "cpu" => "cpu",
        "gpu" => "gpu",
        "edgetpu-sim" => "edgetpu-sim",
        "reference" => "reference",
        _ => "",
    }
}

/// Names in a sentence: `a, b and c`.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A length or place as a percentage.
fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    format!("{:.3}", percent.clamp(0.0, 100.0))
}

/// What a browser may do with the page: show pictures that are in it, apply its style, run its
/// script, and nothing else.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; \
         style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )
}

const STYLE: &str = include_str!("../../../templates/comparison.css");
const SCRIPT: &str = include_str!("../../../templates/comparison.js");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pocketvision::models::{self, BuildOptions, InputSize};
    use roxmltree::{Document, Node, ParsingOptions};

    use super::super::comparison::{AgreementReport, Answer};
    use super::super::inspection::MemoryReport;
    use super::super::top::TopClass;
    use super::*;
    use crate::latency::Latency;

    const HOSTILE: &str =
        "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=alert(1)>";

    /// A comparison in which every text is hostile.
    fn hostile() -> Comparison {
        let measured = |median_ms: f64| Measured {
            device: HOSTILE.into(),
            device_details: BTreeMap::from([("simd", HOSTILE.into())]),
            clock: "measured",
            latency: Latency::of_runs(vec![median_ms, median_ms * 1.1, median_ms * 0.9]),
            energy_mj: Some(1.5),
            memory: MemoryReport {
                weight_bytes: 4096,
                activation_bytes: 2048,
                scratch_bytes: 0,
                total_bytes: 6144,
            },
            answer: Answer::Top {
                top: vec![TopClass { index: 3, label: Some(HOSTILE.into()), score: 0.5 }],
            },
            agreement: Some(AgreementReport {
                identical: false,
                max_abs_difference: 2.0,
                differing_values: 3,
                values: 10,
            }),
            answer_agreement: None,
            output_sha256: HOSTILE.into(),
            first_difference: Some(None),
            profile: None,
            roofline: None,
        };
        let row = |backend: &str, measured, error| BackendReport {
            backend: backend.into(),
            measured,
            error,
        };
        Comparison {
            model: HOSTILE.into(),
            weights: "seeded",
            task: Some("classify"),
            image: HOSTILE.into(),
            backends: vec![
                row("reference", Some(measured(900.0)), None),
                row("cpu", Some(measured(10.0)), None),
                row("gpu", None, Some(HOSTILE.into())),
                row(HOSTILE, Some(measured(5.0)), None),
            ],
        }
    }

    fn page(comparison: &Comparison) -> String {
        let options = BuildOptions {
            input_size: InputSize::square(32),
            classes: 10,
            ..BuildOptions::default()
        };
        let model = Model::built_in(&models::ALL[0], &options).unwrap();
        let picture =
            PagePicture { backends: vec!["cpu".into()], width: 4, height: 3, jpeg: vec![1, 2, 3] };
        Page::new(&model, Some(71.5), comparison, &[picture]).unwrap().html().unwrap()
    }

    /// Its tags nest and its attributes are quoted, as XML asks for.
    fn parsed(page: &str) -> Document<'_> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        Document::parse_with_options(page, options)
            .unwrap_or_else(|error| panic!("{error}: {page}"))
    }

    fn elements<'a>(page: &'a Document<'_>, name: &'static str) -> Vec<Node<'a, 'a>> {
        page.descendants().filter(|node| node.has_tag_name(name)).collect()
    }

    #[test]
    fn hostile_names_are_text_and_nothing_else() {
        let comparison = hostile();
        let html = page(&comparison);
        let page = parsed(&html);
        assert_eq!(elements(&page, "script").len(), 1);
        assert_eq!(elements(&page, "img").len(), 1);
        let attributes = || page.descendants().flat_map(|node| node.attributes());
        assert!(attributes().all(|attribute| !attribute.name().starts_with("on")));
        for attribute in attributes().filter(|attribute| attribute.name() == "class") {
            assert!(!attribute.value().contains('<'), "{}", attribute.value());
        }
        // It is shown as it is: as the heading, in the cards and the tables.
        let shown = page.descendants().filter(|node| node.text() == Some(HOSTILE));
        assert!(shown.count() >= 5, "{html}");
    }

    #[test]
    fn nothing_is_fetched_from_anywhere() {
        let comparison = hostile();
        let html = page(&comparison);
        let page = parsed(&html);
        let fetching = ["src", "href", "action", "data", "poster", "srcset", "background"];
        for node in page.descendants() {
            for attribute in node.attributes().filter(|a| fetching.contains(&a.name())) {
                assert!(attribute.value().starts_with("data:image/jpeg;base64,"), "{attribute:?}");
            }
        }
        for element in ["link", "iframe", "object", "embed", "base", "form", "a"] {
            assert!(elements(&page, element).is_empty(), "<{element}>");
        }
        for style in elements(&page, "style").into_iter().filter_map(|style| style.text()) {
            assert!(!style.contains("@import") && !style.contains("http"), "{style}");
            assert!(style.matches("url(").count() == style.matches("url(#").count(), "{style}");
        }
    }

    #[test]
    fn those_who_do_not_see_it_are_told_the_same() {
        let comparison = hostile();
        let html = page(&comparison);
        let page = parsed(&html);
        let ids: Vec<&str> = page.descendants().filter_map(|node| node.attribute("id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        for section in elements(&page, "section") {
            let title = section.attribute("aria-labelledby").unwrap();
            assert!(ids.contains(&title), "{title}");
        }
        assert!(elements(&page, "img").iter().all(|img| img.attribute("alt").is_some()));
        let is_scoped = |header: &Node<'_, '_>| header.attribute("scope").is_some();
        assert!(elements(&page, "th").iter().all(is_scoped));
        let has_caption =
            |table: &Node<'_, '_>| table.children().any(|c| c.has_tag_name("caption"));
        assert!(elements(&page, "table").iter().all(has_caption));
        for svg in elements(&page, "svg") {
            let hidden = svg.ancestors().any(|node| node.attribute("aria-hidden").is_some());
            assert!(hidden || svg.attribute("aria-label").is_some());
        }
    }

    #[test]
    fn the_policy_has_the_hashes_of_what_is_in_the_page() {
        let comparison = hostile();
        let html = page(&comparison);
        let page = parsed(&html);
        let policy = elements(&page, "meta")
            .into_iter()
            .find(|meta| meta.attribute("http-equiv") == Some("Content-Security-Policy"))
            .and_then(|meta| meta.attribute("content"))
            .unwrap();
        for element in ["style", "script"] {
            let [only] = elements(&page, element)[..] else { panic!("one {element}") };
            let hash = STANDARD.encode(Sha256::digest(only.text().unwrap()));
            assert!(policy.contains(&format!("{element}-src 'sha256-{hash}'")), "{policy}");
        }
    }

    #[test]
    fn a_bar_that_does_not_fit_is_cut_and_said_to_be() {
        let comparison = hostile();
        let latency = Latencies::new(&comparison);
        let [cpu, _, reference] = &latency.rows[..] else { panic!("three rows were measured") };
        assert_eq!((cpu.name, reference.name), ("cpu", "reference"));
        assert!(reference.off_scale && latency.off_scale && !cpu.off_scale);
        assert_eq!(reference.bar, "100.000");
        assert_eq!(reference.median, "900");
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
    }
}
