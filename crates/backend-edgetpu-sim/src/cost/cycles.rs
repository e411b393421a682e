//! Clock cycles of a layer.

use super::{product, systolic};
use crate::chip::Dataflow;
use crate::mapping::{busiest_tile_positions, words};
use crate::{Chip, Layer, LayerKind, LoopOrder, Mapping, Split};

/// Cycles of a layer's busiest tile, by cause.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, Estimate};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let estimate = Estimate::new(&graph, &chip)?;
/// let cycles: u64 = estimate.layers.iter().map(|layer| layer.cycles.total).sum();
/// assert_eq!(cycles, estimate.cycles);
/// for (cause, cycles) in estimate.layers[2].cycles.causes() {
///     println!("{cause}: {cycles}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LayerCycles {
    /// Multiplying input words with lane groups of weights.
    pub multiply: f64,
    /// Waiting for a buffer of weights to be filled.
    pub weight_fill: f64,
    /// Multiplying the taps of depthwise convolutions.
    pub depthwise: f64,
    /// Writing outputs while nothing is multiplied.
    pub output: f64,
    /// Fetching the border of the tile's block from its neighbours.
    pub halo: f64,
    /// Starting the layer on all tiles.
    pub synchronization: f64,
    /// Operators without weights.
    pub vector: f64,
    /// All of it in whole cycles, and never fewer than the peak rate allows.
    pub total: u64,
}

impl LayerCycles {
    /// The causes by name, in the order of the fields.
    pub const fn causes(&self) -> [(&'static str, f64); 7] {
        [
            ("multiply", self.multiply),
            ("weight fill", self.weight_fill),
            ("depthwise", self.depthwise),
            ("output", self.output),
            ("halo", self.halo),
            ("synchronization", self.synchronization),
            ("vector", self.vector),
        ]
    }

    /// Share of the chip's peak that a layer reaches, 0 to 1.
    pub fn utilization(&self, layer: &Layer, chip: &Chip) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        layer.macs as f64 / (self.total as f64 * chip.array.peak_macs_per_cycle() as f64)
    }
}

/// Cycles of a layer.
///
/// On the busiest tile, with P output positions:
///
/// * a convolution takes P · words · lane groups steps and fills its buffer of weights once
///   for each pass of lanes, and for each chunk of its words where they come in chunks. It
///   writes P · output words, which hide behind multiplying only where positions are the
///   inner loop;
/// * a depthwise convolution writes as many words, its taps hidden behind them or not;
/// * anything else takes as many words as the larger of its input and output has.
///
/// Each kind of step has its price in [`crate::chip::CycleCosts`]. The products of a systolic
/// array take the cycles of its dataflow's closed form instead: see [`systolic`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::cost::cycles::layer_cycles;
/// use pocketvision_backend_edgetpu_sim::{Chip, Layer, Mapping};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let layer = Layer::new(&graph, &graph.nodes()[2]);
/// let mapping = Mapping::new(&layer, &chip.array);
/// let cycles = layer_cycles(&layer, &mapping, 0, &chip);
/// assert!(cycles.utilization(&layer, &chip) <= 1.0);
/// # Ok(())
/// # }
/// ```
pub fn layer_cycles(
    layer: &Layer,
    mapping: &Mapping,
    halo_words_per_tile: u64,
    chip: &Chip,
) -> LayerCycles {
    let (array, costs) = (&chip.array, &chip.cycles);
    let positions = mapping.positions_per_tile;
    let output_words = product([positions, words(layer.output.c, array)]) as f64;
    let steps = product([positions, mapping.words_per_position, mapping.lane_groups_per_tile]);
    let mut cycles = LayerCycles::default();
    if !layer.kind.works() {
        return cycles;
    }
    match layer.kind {
        LayerKind::Convolution { .. } | LayerKind::Depthwise { .. }
            if array.dataflow != Dataflow::Tiled =>
        {
            cycles.multiply = systolic::layer_cycles(layer, mapping, array) as f64;
        }
        LayerKind::Convolution { .. } => {
            cycles.multiply = steps as f64 * costs.per_multiply_step;
            cycles.weight_fill = mapping.weight_fills as f64 * costs.per_weight_fill;
            // A channel split writes a handful of words on each tile: no output phase.
            if mapping.split == Split::Positions && mapping.loop_order == LoopOrder::PositionOuter {
                cycles.output = output_words * costs.per_exposed_output_word;
            }
        }
        LayerKind::Depthwise { .. } => {
            cycles.depthwise = steps as f64 * costs.per_depthwise_tap;
            cycles.output = output_words * costs.per_depthwise_output_word;
        }
        _ => {
            let input_positions = busiest_tile_positions(layer.input, array);
            let input_words = product([input_positions, words(layer.input.c, array)]) as f64;
            cycles.vector = input_words.max(output_words) * costs.per_vector_word;
        }
    }
    cycles.halo = halo_words_per_tile as f64 * costs.per_halo_word;
    cycles.synchronization = costs.per_layer;
    let sum: f64 = cycles.causes().iter().map(|(_, cycles)| cycles).sum();
    let at_peak = layer.macs.div_ceil(chip.array.peak_macs_per_cycle());
    cycles.total = (sum.ceil() as u64).max(at_peak);
    cycles
}
