//! What an axis shows, and where its ticks are.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

/// What an axis shows.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub label: String,
    pub logarithmic: bool,
}

/// An axis with the range of its values.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), logarithmic: false }
    }

    pub(crate) fn logarithmic(label: impl Into<String>) -> Self {
        Self { label: label.into(), logarithmic: true }
    }

    /// The range of the axis, with room around the values; `None` without any. Where linear
    /// values lie far from zero, the axis does not begin there.
    pub(super) fn scale(&self, values: impl Iterator<Item = f64>) -> Option<Scale> {
        let place = |value: f64| if self.logarithmic { value.log10() } else { value };
        let (low, high) = values
            .map(place)
            .filter(|place| place.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
                (low.min(place), high.max(place))
            });
        if low > high {
            return None;
        }
        let margin = match (high > low, self.logarithmic) {
            (true, _) => (high - low) * 0.08,
            (false, true) => 0.5,
            (false, false) => high.abs().max(1.0) * 0.5,
        };
        let near_zero = !self.logarithmic && low >= 0.0 && low < 0.5 * high;
        let (low, high) = (if near_zero { 0.0 } else { low - margin }, high + margin);
        let value = |place: f64| if self.logarithmic { 10f64.powf(place) } else { place };
        Some(Scale { low: value(low), high: value(high), logarithmic: self.logarithmic })
    }
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// True if a value has a place on the axis.
    pub(super) fn has(&self, value: f64) -> bool {
        self.place(value).is_finite()
    }

    /// Powers of ten, with twice and five times of them where there is room.
    fn decades(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let ticks = |digits: &[f64], step: i32| -> Vec<f64> {
            (first..=last)
                .filter(|exponent| exponent % step == 0)
                .flat_map(|exponent| digits.iter().map(move |digit| digit * 10f64.powi(exponent)))
                .filter(|value| (self.low..=self.high).contains(value))
                .collect()
        };
        let fine = ticks(&[1.0, 2.0, 5.0], 1);
        if fine.len() <= most {
            return fine;
        }
        let steps = (1..).map(|step| ticks(&[1.0], step));
        steps.take(400).find(|ticks| ticks.len() <= most.max(2)).unwrap_or_default()
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (begin, end): (i32, i32)) -> i32 {
        let (low, high) = (self.place(self.low), self.place(self.high));
        let share = (self.place(*value) - low) / (high - low);
        begin + (f64::from(end - begin) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.logarithmic {
            self.decades(hint.max_num_points())
        } else {
            RangedCoordf64::from(self.low..self.high).key_points(hint)
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// What is written beside a tick.
pub(super) fn tick(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-4..1e6).contains(&size) => format!("{value:.0e}"),
        size => {
            // Three digits, without zeros that say nothing.
            let decimals = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_logarithmic_axis_are_round() {
        let scale = Axis::logarithmic("").scale([1.0, 100.0].into_iter()).unwrap();
        assert_eq!(scale.decades(10), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(scale.decades(4), [1.0, 10.0, 100.0]);
        let wide = Axis::logarithmic("").scale([1e-9, 1e9].into_iter()).unwrap();
        assert!(wide.decades(8).len() <= 8 && wide.decades(8).len() >= 2);
    }

    #[test]
    fn places_are_in_proportion_to_logarithms() {
        let scale = Scale { low: 1.0, high: 100.0, logarithmic: true };
        assert_eq!([1.0, 10.0, 100.0].map(|value| scale.map(&value, (0, 200))), [0, 100, 200]);
        assert_eq!(scale.map(&10.0, (200, 0)), 100);
        assert!(!scale.has(0.0) && !scale.has(f64::NAN) && scale.has(1e-30));
    }

    #[test]
    fn one_value_and_values_far_from_zero_have_room() {
        let one = Axis::linear("").scale([70.0].into_iter()).unwrap();
        assert!(one.low < 70.0 && one.high > 70.0);
        let far = Axis::linear("").scale([70.0, 80.0].into_iter()).unwrap();
        assert!(far.low > 60.0);
        assert_eq!(Axis::linear("").scale([1.0, 80.0].into_iter()).unwrap().low, 0.0);
        assert_eq!(Axis::logarithmic("").scale([0.0, f64::NAN].into_iter()), None);
    }

    #[test]
    fn ticks_are_short() {
        let texts = [0.0, 0.05, 0.5, 12.5, 70.0, 5000.0, 2e6, 1e-6].map(tick);
        assert_eq!(texts, ["0", "0.05", "0.5", "12.5", "70", "5000", "2e6", "1e-6"]);
    }
}
