//! The claims of the announcement of 2019 ("Introducing the Next Generation of On-Device Vision
//! Models: MobileNetV3 and MobileNetEdgeTPU"), one by one, against what our own backends say.
//!
//! * [`evidence`]: what is measured and simulated, once;
//! * [`processor`], [`accelerator`], [`energy`], [`structure`], [`tasks`]: the claims, by what
//!   decides them;
//! * [`mod@figures`]: the announcement's figures, drawn from our numbers and published accuracies.
//!
//! Nothing is tuned to please a claim: each verdict is a rule that was written down with the
//! claim.

mod accelerator;
mod energy;
mod evidence;
mod figures;
mod processor;
mod structure;
mod tasks;

use anyhow::Result;
use serde::Serialize;

use crate::report::plot::Plot;
pub(crate) use evidence::Evidence;

/// One claim and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Claim {
    pub number: usize,
    pub claim: &'static str,
    /// What the three figures are.
    pub quantity: &'static str,
    /// What the announcement says; null where it gives no number.
    pub claimed: Option<f64>,
    /// What primary sources say.
    pub published: Option<f64>,
    /// What our backends say.
    pub predicted: Option<f64>,
    /// Predicted above published or, where nothing is published, above claimed.
    pub error_percent: Option<f64>,
    pub verdict: Verdict,
    pub evidence: String,
}

/// What became of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Holds,
    HoldsPartly,
    DoesNotHoldInOurModel,
    CannotBeDecided,
}

impl Verdict {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsPartly => "holds partly",
            Self::DoesNotHoldInOurModel => "does not hold in our model",
            Self::CannotBeDecided => "cannot be decided",
        }
    }

    /// Holds from `full` on, partly from `part` on.
    const fn at_least(value: f64, full: f64, part: f64) -> Self {
        if value >= full {
            Self::Holds
        } else if value >= part {
            Self::HoldsPartly
        } else {
            Self::DoesNotHoldInOurModel
        }
    }

    const fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::DoesNotHoldInOurModel }
    }
}

/// The figures of a claim, before it has a verdict.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    quantity: &'static str,
    claimed: Option<f64>,
    published: Option<f64>,
    predicted: Option<f64>,
}

fn claim(
    number: usize,
    claim: &'static str,
    figures: Figures,
    verdict: Verdict,
    evidence: impl Into<String>,
) -> Claim {
    let Figures { quantity, claimed, published, predicted } = figures;
    let error = predicted.zip(published.or(claimed));
    Claim {
        number,
        claim,
        quantity,
        claimed,
        published,
        predicted,
        error_percent: error.map(|(ours, theirs)| (ours / theirs - 1.0) * 100.0),
        verdict,
        evidence: evidence.into(),
    }
}

/// Every claim, in the order of the announcement.
pub(crate) fn judge(evidence: &Evidence) -> Result<Vec<Claim>> {
    let mut claims = processor::claims(evidence)?;
    claims.extend(accelerator::claims(evidence)?);
    claims.extend(energy::claims(evidence)?);
    claims.extend(structure::claims(evidence)?);
    claims.extend(tasks::claims(evidence)?);
    claims.sort_by_key(|claim| claim.number);
    Ok(claims)
}

/// The announcement's figures, with the name of each file.
pub(crate) fn figures(evidence: &Evidence) -> Vec<(&'static str, Plot)> {
    figures::figures(evidence)
}
