//! How fast each layer runs against how much it computes for each byte that it moves.

use pocketvision::edgetpu_sim::{Chip, Estimate};
use pocketvision::{Model, ProcessorPeak, Profile};
use serde::Serialize;

use super::plot::{Axis, Marks, Plot, Point, Series};
use super::table::short_name;
use crate::precision::computes_in_float;

/// The layers of one run, under the device's roof.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Roofline {
    /// Which bytes a layer's arithmetic is divided by.
    pub bytes: &'static str,
    /// The device's limits; null where they are not known.
    pub roof: Option<Roof>,
    /// Layers that compute and whose time is known, slowest first.
    pub layers: Vec<RooflineLayer>,
}

/// What a device can do at most.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Roof {
    /// `measured`, or `chip data`.
    pub source: &'static str,
    pub macs_per_second: f64,
    pub bytes_per_second: f64,
    /// What those bytes come from.
    pub memory: &'static str,
}

/// One layer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RooflineLayer {
    pub name: String,
    pub latency_ms: f64,
    pub macs_per_byte: f64,
    pub macs_per_second: f64,
}

impl Roof {
    /// Of the processor, for a network's kind of numbers.
    pub(crate) fn of_processor(peak: &ProcessorPeak, model: &Model) -> Self {
        let macs_per_second = match computes_in_float(model) {
            true => peak.arithmetic.f32_macs_per_second,
            false => peak.arithmetic.int8_macs_per_second,
        };
        let bytes_per_second = peak.memory_bytes_per_second;
        Self { source: "measured", macs_per_second, bytes_per_second, memory: "main memory" }
    }

    /// Of a simulated chip.
    fn of_chip(chip: &Chip) -> Self {
        let clock = chip.array.clock_mhz * 1e6;
        // A tile reads a row of weights of all lane groups in as many cycles as it multiplies them.
        let bytes_per_step = (chip.array.lane_group * chip.array.dot_depth) as f64;
        let step_cycles = chip.cycles.per_multiply_step * chip.cycles.measured_multiply_factor;
        let tiles = chip.array.tiles() as f64;
        Self {
            source: "chip data",
            macs_per_second: chip.array.peak_macs_per_cycle() as f64 * clock,
            bytes_per_second: tiles * bytes_per_step / step_cycles.max(1e-9) * clock,
            memory: "the chip's memory of weights",
        }
    }

    /// The multiply-accumulates a byte from which on arithmetic is the limit.
    pub(crate) fn ridge(&self) -> f64 {
        self.macs_per_second / self.bytes_per_second
    }

    fn at(&self, macs_per_byte: f64) -> f64 {
        (macs_per_byte * self.bytes_per_second).min(self.macs_per_second)
    }
}

impl Roofline {
    /// Of a profile. Layers without a time of their own are left out.
    pub(crate) fn of_profile(profile: &Profile, roof: Option<Roof>) -> Self {
        let layers = profile.layers.iter().map(|layer| {
            RooflineLayer::new(&layer.name, layer.latency_ms, layer.macs, layer.bytes as f64)
        });
        Self::new("activations and weights", roof, layers.flatten().collect())
    }

    /// Of a simulated call: of weights read on the chip, which is what bounds its tiles.
    pub(crate) fn of_estimate(model: &Model, estimate: &Estimate, chip: &Chip) -> Self {
        let nodes = model.graph().nodes();
        let on_chip = estimate.layers.iter().filter(|layer| layer.cycles.total > 0);
        let layers = on_chip.filter_map(|layer| {
            // Partial sums are written as often as they are read; what is left are weights.
            let read = layer.traffic.wide_read_bytes - layer.traffic.wide_write_bytes;
            let name = &nodes[layer.index].name;
            RooflineLayer::new(name, layer.latency_ms, layer.layer.macs, read as f64)
        });
        Self::new("weights read", Some(Roof::of_chip(chip)), layers.collect())
    }

    fn new(bytes: &'static str, roof: Option<Roof>, mut layers: Vec<RooflineLayer>) -> Self {
        layers.sort_by(|a, b| b.latency_ms.total_cmp(&a.latency_ms));
        Self { bytes, roof, layers }
    }

    /// The plot, with the names of the slowest layers.
    pub(crate) fn plot(&self, title: String) -> Plot {
        let points = self.layers.iter().enumerate().map(|(index, layer)| Point {
            x: layer.macs_per_byte,
            y: layer.macs_per_second / 1e9,
            name: if index < NAMED { short_name(&layer.name) } else { String::new() },
        });
        let mut series = vec![Series {
            name: "layers".into(),
            points: points.collect(),
            marks: Marks::Points,
            color: 0,
        }];
        if let Some(roof) = &self.roof {
            let intensities = || self.layers.iter().map(|layer| layer.macs_per_byte);
            let low = intensities().fold(roof.ridge(), f64::min) / 2.0;
            let high = intensities().fold(roof.ridge(), f64::max) * 2.0;
            let corners = [low, roof.ridge(), high];
            let point = |x| Point { x, y: roof.at(x) / 1e9, name: String::new() };
            series.push(Series {
                name: format!("roof: {}, arithmetic", roof.memory),
                points: corners.map(point).into(),
                marks: Marks::Line,
                color: 1,
            });
        }
        Plot {
            title,
            x: Axis::logarithmic(format!("multiply-accumulates a byte of {}", self.bytes)),
            y: Axis::logarithmic("billion multiply-accumulates a second"),
            series,
        }
    }
}

impl RooflineLayer {
    fn new(name: &str, latency_ms: f64, macs: u64, bytes: f64) -> Option<Self> {
        let known = latency_ms > 0.0 && macs > 0 && bytes > 0.0;
        known.then(|| Self {
            name: name.to_owned(),
            latency_ms,
            macs_per_byte: macs as f64 / bytes,
            macs_per_second: macs as f64 / (latency_ms / 1e3),
        })
    }
}

/// Layers whose names are in the picture: more would cover each other.
const NAMED: usize = 6;

#[cfg(test)]
mod tests {
    use pocketvision::{Clock, LayerCost};

    use super::*;

    #[test]
    fn layers_without_arithmetic_or_time_have_no_place_under_the_roof() {
        let layer = |name: &str, latency_ms, macs, bytes| LayerCost {
            latency_ms,
            macs,
            bytes,
            ..LayerCost::new(None, name, "")
        };
        let layers = vec![
            layer("reshape", 1.0, 0, 10),
            layer("untimed", 0.0, 10, 10),
            layer("fast", 1.0, 4_000, 1_000),
            layer("slow", 2.0, 1_000, 1_000),
        ];
        let profile = Profile::new("cpu", Clock::HostWall, layers, 5.0);
        let roof = Roof {
            source: "measured",
            macs_per_second: 1e7,
            bytes_per_second: 5e6,
            memory: "main memory",
        };
        let roofline = Roofline::of_profile(&profile, Some(roof));
        let names: Vec<&str> = roofline.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["slow", "fast"]);
        assert_eq!(roofline.layers[1].macs_per_second, 4e6);
        assert_eq!(roofline.layers[1].macs_per_byte, 4.0);
        assert_eq!((roof.ridge(), roof.at(1.0), roof.at(4.0)), (2.0, 5e6, 1e7));
    }
}
