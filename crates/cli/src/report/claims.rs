//! `claims`: every claim with its verdict.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::{table, write_table};
use crate::claims::{Claim, Evidence, Verdict};

/// All claims.
#[derive(Debug, Serialize)]
pub(crate) struct ClaimsReport {
    /// What the float networks ran on, with one thread.
    pub processor: String,
    pub runs: usize,
    pub claims: Vec<Claim>,
}

impl ClaimsReport {
    pub(crate) fn new(claims: Vec<Claim>, evidence: &Evidence) -> Self {
        Self { processor: evidence.processor.clone(), runs: evidence.runs, claims }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|claim| claim.verdict == verdict).count()
    }

    fn summary(&self) -> String {
        let verdicts = [
            Verdict::Holds,
            Verdict::HoldsPartly,
            Verdict::DoesNotHoldInOurModel,
            Verdict::CannotBeDecided,
        ];
        let counts = verdicts.map(|verdict| format!("{}: {}", verdict.text(), self.count(verdict)));
        counts.join(", ")
    }

    /// The page of the documentation.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "# The claims of 2019, tested\n\n\
             MobileNetV3 and MobileNetEdgeTPU were announced in November 2019 with a number of \
             claims. This page takes them one by one and says what our own backends make of them. \
             `pocketvision claims --documentation docs` writes it.\n\n\
             Times on a processor are measured: float networks on one thread of {}, the median of \
             {} runs, networks with seeded weights. Everything about the Edge TPU is simulated \
             ([how, and how well](simulator.md)); its Pixel 4 preset is a fit to six published \
             latencies. Accuracies are published ones. A verdict follows from a rule that is \
             written beside the claim in the code, and nothing was tuned to please a claim.\n\n\
             {}.\n\n\
             | # | claim | verdict | claimed | published | ours |\n\
             |---|---|---|---|---|---|\n",
            self.processor,
            self.runs,
            self.summary()
        );
        for claim in &self.claims {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | **{}** | {} | {} | {} |",
                claim.number,
                claim.claim,
                claim.verdict.text(),
                number(claim.claimed),
                number(claim.published),
                number(claim.predicted),
            );
        }
        text += "\n## What each verdict rests on\n";
        for claim in &self.claims {
            let _ = write!(text, "\n**{}. {}.** ", claim.number, claim.claim);
            if !claim.quantity.is_empty() {
                let _ = write!(text, "Compared: {}. ", claim.quantity);
            }
            let _ = writeln!(text, "{}", claim.evidence);
        }
        text += "\n## The figures, redrawn\n";
        for (name, title) in PICTURES {
            let _ = write!(text, "\n![{title}](figures/claims-{name}.svg)\n");
        }
        text
    }
}

/// The pictures in the page, by the names of their files.
const PICTURES: [(&str, &str); 6] = [
    ("accuracy-processor", "Accuracy and time on a processor"),
    ("accuracy-pixel4", "Accuracy and simulated time on the Pixel 4 preset"),
    ("accuracy-coral", "Accuracy and simulated time on the Coral preset"),
    ("power-30-fps", "Accuracy and modelled power at 30 frames a second"),
    ("compute-processor", "Compute and time on a processor"),
    ("compute-coral", "Compute and simulated time on the Coral preset"),
];

impl Report for ClaimsReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows =
            table(&["#", "claim", "claimed", "published", "ours", "verdict"], &[0, 2, 3, 4]);
        for claim in &self.claims {
            rows.add_row([
                claim.number.to_string(),
                claim.claim.to_owned(),
                number(claim.claimed),
                number(claim.published),
                number(claim.predicted),
                claim.verdict.text().to_owned(),
            ]);
        }
        write_table(&rows, out)?;
        writeln!(out, "\n{}", self.summary())?;
        writeln!(out, "float networks on one thread of {}, {} runs", self.processor, self.runs)
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(
        || "-".into(),
        |value| match value {
            value if value.fract() == 0.0 => format!("{value:.0}"),
            value if value.abs() >= 0.1 => format!("{value:.2}"),
            value => format!("{value:.3}"),
        },
    )
}
