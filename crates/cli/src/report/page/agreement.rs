//! How near each backend is to the reference.

use super::super::comparison::{
    BackendReport, Comparison, Measured, difference, largest_difference,
};
use super::super::table::short_name;
use super::class;

/// One backend's row.
pub(super) struct AgreementView<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) verdict: String,
    pub(super) layers: Option<String>,
    pub(super) largest: String,
    pub(super) differing: String,
    pub(super) sha256: &'a str,
    pub(super) sha256_begins: &'a str,
}

impl<'a> AgreementView<'a> {
    pub(super) fn new(
        comparison: &Comparison,
        row: &'a BackendReport,
        found: &'a Measured,
    ) -> Self {
        let agreement = found.agreement.as_ref();
        let none = || "–".to_owned();
        let is_yardstick = row.backend == "reference";
        let figure = |show: &dyn Fn() -> String| if is_yardstick { none() } else { show() };
        Self {
            name: &row.backend,
            class: class(&row.backend),
            verdict: comparison.describe(&row.backend, found),
            layers: found.first_difference.as_ref().map(|first| match first {
                None => "every layer is within tolerance".to_owned(),
                Some(first) => format!(
                    "first beyond tolerance: layer {} '{}' ({}), {}",
                    first.index,
                    short_name(&first.node),
                    first.op,
                    difference(&first.agreement)
                ),
            }),
            largest: figure(&|| agreement.map_or_else(none, largest_difference)),
            differing: figure(&|| {
                agreement.map_or_else(none, |agreement| {
                    format!("{} of {}", agreement.differing_values, agreement.values)
                })
            }),
            sha256: &found.output_sha256,
            sha256_begins: found.output_sha256.get(..12).unwrap_or(&found.output_sha256),
        }
    }
}
