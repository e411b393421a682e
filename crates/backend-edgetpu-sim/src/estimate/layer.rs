//! What one layer costs.

use crate::compile::Program;
use crate::cost::cycles::layer_cycles;
use crate::cost::energy::{chip_energy, host_energy};
use crate::cost::traffic::layer_traffic;
use crate::cost::{Energy, LayerCycles, Traffic};
use crate::{Chip, Layer, LayerKind, Mapping, Place, Workload};

/// The predicted cost of one node.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, Estimate};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// for layer in &Estimate::new(&graph, &chip)?.layers {
///     println!("{}: bound by {}", graph.nodes()[layer.index].name, layer.bound_by());
///     assert!((0.0..=1.0).contains(&layer.utilization));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LayerEstimate {
    /// Its index in the graph or workload.
    pub index: usize,
    /// Where it runs.
    pub place: Place,
    /// Its sizes.
    pub layer: Layer,
    /// How it is spread over the chip.
    pub mapping: Mapping,
    /// In how many strips its rows are computed; 1 if all at once.
    pub strips: u64,
    /// Cycles on the chip; zero on the host.
    pub cycles: LayerCycles,
    /// Bytes through each memory of the chip.
    pub traffic: Traffic,
    /// Bytes of its parameters in the chip's memory.
    pub parameter_bytes: u64,
    /// Whether those are sent with every call.
    pub streamed: bool,
    /// Milliseconds from the beginning of the call until it begins.
    pub start_ms: f64,
    /// Its time on the chip, or on the host, in milliseconds; transfers aside. Chips were
    /// measured to multiply faster, and depthwise convolutions slower, than the compiler's
    /// estimate says, which `cycles` is.
    pub latency_ms: f64,
    /// Milliseconds that it waits for its parameters to arrive, after `latency_ms`.
    pub dma_stall_ms: f64,
    /// Its energy, transfers aside.
    pub energy: Energy,
    /// Share of the chip's peak arithmetic, 0 to 1.
    pub utilization: f64,
}

impl LayerEstimate {
    /// Predicts the cost of a layer that runs at the stated place, as if its call began with it
    /// and its parameters were there.
    pub(super) fn new(
        index: usize,
        workload: &Workload,
        place: Place,
        program: &Program,
        chip: &Chip,
    ) -> Self {
        let (layer, compiled) = (&workload.layers()[index], &program.layers[index]);
        let idle = Self {
            index,
            place,
            layer: *layer,
            mapping: compiled.mapping,
            strips: compiled.strips,
            cycles: LayerCycles::default(),
            traffic: Traffic::default(),
            parameter_bytes: compiled.parameter_bytes,
            streamed: compiled.streamed,
            start_ms: 0.0,
            latency_ms: 0.0,
            dma_stall_ms: 0.0,
            energy: Energy::default(),
            utilization: 0.0,
        };
        if place == Place::Host {
            return on_host(idle, chip);
        }
        let mapping = &compiled.mapping;
        let halo_words = compiled.halo_words_per_tile;
        let cycles = layer_cycles(layer, mapping, halo_words, chip);
        let traffic = layer_traffic(layer, mapping, compiled.parameter_bytes, chip);
        let latency_ms = chip.array.milliseconds(measured_cycles(layer, mapping, &cycles, chip));
        Self {
            cycles,
            traffic,
            latency_ms,
            energy: chip_energy(layer.macs, &traffic, latency_ms, chip),
            utilization: cycles.utilization(layer, chip),
            ..idle
        }
    }

    /// What takes most of its time.
    pub fn bound_by(&self) -> &'static str {
        if self.place == Place::Host {
            return if self.layer.kind.works() { "host" } else { "" };
        }
        if self.cycles.total == 0 {
            return "";
        }
        if self.dma_stall_ms > self.latency_ms {
            return "link";
        }
        let causes = self.cycles.causes();
        causes.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("", |(name, _)| name)
    }
}

/// Cycles that a layer takes on the chip, where the compiler's estimate was seen to be off.
fn measured_cycles(layer: &Layer, mapping: &Mapping, cycles: &LayerCycles, chip: &Chip) -> f64 {
    let costs = &chip.cycles;
    let depthwise = match layer.kind {
        LayerKind::Depthwise { .. } => {
            let taps = mapping.positions_per_tile.saturating_mul(mapping.words_per_position);
            taps as f64 * costs.measured_per_depthwise_tap
        }
        _ => 0.0,
    };
    let multiply = cycles.multiply * (costs.measured_multiply_factor - 1.0);
    let at_peak = layer.macs as f64 / chip.array.peak_macs_per_cycle() as f64;
    (cycles.total as f64 + multiply + depthwise).max(at_peak)
}

fn on_host(idle: LayerEstimate, chip: &Chip) -> LayerEstimate {
    let layer = &idle.layer;
    if !layer.kind.works() {
        return idle;
    }
    let bytes = layer.input_bytes.saturating_add(layer.output_bytes) as f64;
    let seconds =
        layer.macs as f64 / chip.host.macs_per_second + bytes / chip.host.bytes_per_second;
    let latency_ms = seconds * 1e3;
    LayerEstimate { latency_ms, energy: host_energy(layer.macs, latency_ms, chip), ..idle }
}
