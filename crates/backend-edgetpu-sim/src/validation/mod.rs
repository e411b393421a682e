//! What the model predicts, beside what is published.
//!
//! `published.csv` holds every published figure that we know of and may state: what Google's
//! compiler wrote into its executables, and whole calls on real chips. Each row says which
//! constant it was used to choose, if any; the others are predictions.

mod builder;
mod classics;
mod networks;

use std::collections::BTreeMap;

use self::networks::Network;
use crate::{Chip, ChipError, Estimate};

/// One published figure with our prediction of it.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::validation::published;
///
/// let mut row = published().next().expect("published.csv has rows");
/// assert_eq!(row.error_percent(), None, "not predicted yet");
/// row.predicted = Some(1.5 * row.published);
/// assert_eq!(row.error_percent(), Some(50.0));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The preset that stands for the device.
    pub chip: &'static str,
    /// The network, by the name in `published.csv`.
    pub network: &'static str,
    /// What is compared.
    pub quantity: Quantity,
    /// What the model says; `None` where it does not model the network.
    pub predicted: Option<f64>,
    /// What is published.
    pub published: f64,
    /// How far to trust the published figure.
    pub certainty: &'static str,
    /// The constant that this row was used to choose; empty if none.
    pub used_for: &'static str,
    /// Where the figure is from.
    pub source: &'static str,
    /// What else there is to say.
    pub note: &'static str,
}

impl Row {
    /// Predicted above published, in percent.
    pub fn error_percent(&self) -> Option<f64> {
        self.predicted.map(|predicted| (predicted / self.published - 1.0) * 100.0)
    }

    /// True if the row counts in its group's mean.
    pub fn counts(&self) -> bool {
        self.predicted.is_some() && self.certainty == "ok"
    }
}

/// What a row compares.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::validation::Quantity;
///
/// assert_eq!(Quantity::LatencyMs.name(), "latency_ms");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Quantity {
    /// Cycles, as Google's compiler estimates them.
    Cycles,
    /// Bytes of parameters that stay on the chip.
    CachedParameterBytes,
    /// Bytes of activation memory on a tile.
    NarrowBytesPerTile,
    /// Bytes of program.
    InstructionBytes,
    /// Milliseconds of a whole call.
    LatencyMs,
    /// Milliseconds of the first call.
    FirstCallMs,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Cycles,
        Self::CachedParameterBytes,
        Self::NarrowBytesPerTile,
        Self::InstructionBytes,
        Self::LatencyMs,
        Self::FirstCallMs,
    ];

    /// As scripts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::CachedParameterBytes => "cached_parameter_bytes",
            Self::NarrowBytesPerTile => "narrow_bytes_per_tile",
            Self::InstructionBytes => "instruction_bytes",
            Self::LatencyMs => "latency_ms",
            Self::FirstCallMs => "first_call_ms",
        }
    }

    fn of(self, estimate: &Estimate, chip: &Chip) -> f64 {
        match self {
            Self::Cycles => estimate.cycles as f64,
            Self::CachedParameterBytes => estimate.cached_parameter_bytes as f64,
            Self::NarrowBytesPerTile => estimate.narrow_bytes_per_tile as f64,
            Self::InstructionBytes => estimate.instruction_bytes as f64,
            Self::LatencyMs => estimate.latency_ms,
            Self::FirstCallMs => estimate.first_call_ms(chip),
        }
    }
}

/// Predicts every published figure.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::validation::validate;
///
/// let rows = validate()?;
/// let modelled = rows.iter().filter(|row| row.predicted.is_some()).count();
/// assert!(modelled > rows.len() / 2);
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
///
/// # Errors
/// If a preset is broken, which a test rules out.
pub fn validate() -> Result<Vec<Row>, ChipError> {
    let mut known: BTreeMap<&str, Option<Network>> = BTreeMap::new();
    let mut chips: BTreeMap<&str, Chip> = BTreeMap::new();
    let mut rows = Vec::new();
    for mut row in published() {
        let network = known.entry(row.network).or_insert_with(|| networks::network(row.network));
        if !chips.contains_key(row.chip) {
            chips.insert(row.chip, Chip::preset(row.chip)?);
        }
        let chip = &chips[row.chip];
        row.predicted = network.as_ref().and_then(|Network { workload, places }| {
            let estimate = Estimate::of_workload(workload, places, chip).ok()?;
            Some(row.quantity.of(&estimate, chip))
        });
        rows.push(row);
    }
    Ok(rows)
}

/// The rows of `published.csv`, not yet predicted.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::validation::{Quantity, published};
///
/// let latencies = published().filter(|row| row.quantity == Quantity::LatencyMs);
/// for row in latencies {
///     println!("{} on {}: {} ms ({})", row.network, row.chip, row.published, row.source);
///     assert!(row.published > 0.0);
/// }
/// ```
pub fn published() -> impl Iterator<Item = Row> {
    PUBLISHED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1).map(
        |line| {
            let mut fields = line.split(',').map(str::trim);
            let mut next = || fields.next().unwrap_or_default();
            let (chip, network, quantity, published) = (next(), next(), next(), next());
            let (certainty, used_for, source, note) = (next(), next(), next(), next());
            let quantity = Quantity::ALL.into_iter().find(|known| known.name() == quantity);
            Row {
                chip,
                network,
                quantity: quantity.expect("a quantity in published.csv"),
                predicted: None,
                published: published.parse().expect("a number in published.csv"),
                certainty,
                used_for,
                source,
                note,
            }
        },
    )
}

const PUBLISHED: &str = include_str!("published.csv");
