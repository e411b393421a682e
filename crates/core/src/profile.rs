//! What a run cost.

use std::fmt;

use crate::NodeId;

/// What one run of a plan cost, layer by layer.
///
/// ```
/// use pocketvision_core::{Clock, LayerCost, Profile};
///
/// let stem = LayerCost { latency_ms: 0.25, ..LayerCost::new(None, "stem", "3x3") };
/// let profile = Profile::new("cpu", Clock::HostWall, vec![stem], 1.0);
/// let times: Vec<(&str, f64)> =
///     profile.layers.iter().map(|layer| (layer.name.as_str(), layer.latency_ms)).collect();
/// assert_eq!(times, [("stem", 0.25), (Profile::OTHER, 0.75)]);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// The backend's name.
    pub backend: &'static str,
    /// How time was taken. A report never shows a simulated time unmarked.
    pub clock: Clock,
    /// One row a layer, in the order they ran, and last a row named [`Profile::OTHER`]:
    /// the rows' latencies add up to the total.
    pub layers: Vec<LayerCost>,
    /// Time from inputs handed in to outputs handed back, in milliseconds.
    pub latency_ms: f64,
    /// Clock cycles, where the clock is simulated.
    pub cycles: Option<u64>,
    /// Modelled energy in picojoules, where there is a model.
    pub energy_pj: Option<f64>,
}

impl Profile {
    /// Name of the row for time that no layer accounts for.
    pub const OTHER: &'static str = "(other)";

    /// A profile whose rows are completed by an "other" row, so that they sum to the total.
    ///
    /// Rows that overlap on the device may sum to more than the total; then the "other" row
    /// is zero and the total is raised to the sum.
    pub fn new(
        backend: &'static str,
        clock: Clock,
        mut layers: Vec<LayerCost>,
        latency_ms: f64,
    ) -> Self {
        let sum_ms: f64 = layers.iter().map(|layer| layer.latency_ms).sum();
        layers.push(LayerCost {
            latency_ms: (latency_ms - sum_ms).max(0.0),
            ..LayerCost::new(None, Self::OTHER, "")
        });
        let latency_ms = latency_ms.max(sum_ms);
        Self { backend, clock, layers, latency_ms, cycles: None, energy_pj: None }
    }
}

/// What one layer cost.
///
/// ```
/// use pocketvision_core::LayerCost;
///
/// let layer = LayerCost { latency_ms: 2.0, macs: 6_000_000, ..LayerCost::new(None, "stem", "3x3") };
/// let giga_macs_per_second = layer.macs as f64 / layer.latency_ms / 1e6;
/// assert_eq!(giga_macs_per_second, 3.0);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct LayerCost {
    /// The graph's node; the last one, where several were fused. `None` for overheads.
    pub node: Option<NodeId>,
    /// The node's name.
    pub name: String,
    /// Which kernel, shader or mapping ran.
    pub kernel: String,
    /// Time in milliseconds.
    pub latency_ms: f64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes moved: activations in and out, and weights.
    pub bytes: u64,
    /// Simulated clock cycles.
    pub cycles: Option<u64>,
    /// Modelled energy in picojoules.
    pub energy_pj: Option<f64>,
    /// Share of the device's peak arithmetic, 0 to 1, where the peak is known.
    pub utilization: Option<f64>,
}

impl LayerCost {
    /// A row that has cost nothing yet.
    pub fn new(node: Option<NodeId>, name: impl Into<String>, kernel: impl Into<String>) -> Self {
        Self {
            node,
            name: name.into(),
            kernel: kernel.into(),
            latency_ms: 0.0,
            macs: 0,
            bytes: 0,
            cycles: None,
            energy_pj: None,
            utilization: None,
        }
    }
}

/// How time was taken.
///
/// ```
/// use pocketvision_core::Clock;
///
/// assert_eq!(Clock::Simulated.to_string(), "simulated");
/// assert_eq!(Clock::HostWall.to_string(), "measured");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// The host's monotonic clock around the real work.
    HostWall,
    /// Timestamps written by the device.
    DeviceTimestamp,
    /// A model's prediction. Nothing was timed.
    Simulated,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostWall => "measured",
            Self::DeviceTimestamp => "device timestamps",
            Self::Simulated => "simulated",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(latency_ms: f64) -> LayerCost {
        LayerCost { latency_ms, ..LayerCost::new(None, "layer", "kernel") }
    }

    #[test]
    fn rows_sum_to_the_total() {
        for total in [5.0, 2.0] {
            let profile = Profile::new("cpu", Clock::HostWall, vec![row(1.0), row(2.5)], total);
            let sum: f64 = profile.layers.iter().map(|layer| layer.latency_ms).sum();
            assert!((sum - profile.latency_ms).abs() < 1e-12);
            assert_eq!(profile.layers.last().unwrap().name, Profile::OTHER);
        }
    }
}
