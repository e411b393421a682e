//! Clock cycles of a layer.

use super::product;
use crate::mapping::{busiest_tile_positions, words};
use crate::{Chip, Layer, LayerKind, Mapping, Split};

/// Cycles of a layer's busiest tile, by cause.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LayerCycles {
    /// Multiplying input words with lane groups of weights.
    pub multiply: f64,
    /// Multiplying the taps of depthwise convolutions.
    pub depthwise: f64,
    /// Writing the output of convolutions.
    pub output: f64,
    /// Operators without weights.
    pub vector: f64,
    /// All of it in whole cycles, and never fewer than the peak rate allows.
    pub total: u64,
}

impl LayerCycles {
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
/// * a convolution takes P · words · lane groups steps and writes P · output words;
/// * a depthwise convolution takes P · taps · words and writes as many words as above;
/// * anything else takes as many words as the larger of its input and output has.
///
/// Each kind of step has its price in [`crate::chip::CycleCosts`].
pub fn layer_cycles(layer: &Layer, mapping: &Mapping, chip: &Chip) -> LayerCycles {
    let (array, costs) = (&chip.array, &chip.cycles);
    let positions = mapping.positions_per_tile;
    let output_words = product([positions, words(layer.output.c, array)]) as f64;
    let steps = product([positions, mapping.words_per_position, mapping.lane_groups_per_tile]);
    let mut cycles = LayerCycles::default();
    match layer.kind {
        LayerKind::Convolution { .. } => {
            cycles.multiply = steps as f64 * costs.per_multiply_step;
            // A channel split writes a handful of words on each tile: no output phase.
            if mapping.split == Split::Positions {
                cycles.output = output_words * costs.per_output_word;
            }
        }
        LayerKind::Depthwise { .. } => {
            cycles.depthwise = steps as f64 * costs.per_depthwise_step;
            cycles.output = output_words * costs.per_output_word;
        }
        LayerKind::Vector => {
            let input_positions = busiest_tile_positions(layer.input, array);
            let input_words = product([input_positions, words(layer.input.c, array)]) as f64;
            cycles.vector = input_words.max(output_words) * costs.per_vector_word;
        }
        LayerKind::Constant | LayerKind::Relabel => {}
    }
    let sum = cycles.multiply + cycles.depthwise + cycles.output + cycles.vector;
    let at_peak = layer.macs.div_ceil(chip.array.peak_macs_per_cycle());
    cycles.total = (sum.ceil() as u64).max(at_peak);
    cycles
}
