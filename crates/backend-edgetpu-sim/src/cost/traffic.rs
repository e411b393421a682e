//! Bytes that a layer moves through each level of memory.

use std::ops::{Add, AddAssign};

use super::product;
use crate::mapping::words;
use crate::{Chip, Layer, LayerKind, Mapping};

/// Bytes through each level of memory, all tiles together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Activations read.
    pub narrow_read_bytes: u64,
    /// Activations written.
    pub narrow_write_bytes: u64,
    /// Weights read on the way to the lanes.
    pub wide_read_bytes: u64,
    /// Weights broadcast from the tile that stores them to those that use them.
    pub ring_bytes: u64,
    /// Anything between host and chip.
    pub link_bytes: u64,
}

impl Traffic {
    /// Bytes through all levels.
    pub const fn total_bytes(&self) -> u64 {
        self.narrow_read_bytes
            .saturating_add(self.narrow_write_bytes)
            .saturating_add(self.wide_read_bytes)
            .saturating_add(self.ring_bytes)
            .saturating_add(self.link_bytes)
    }
}

impl Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            narrow_read_bytes: self.narrow_read_bytes.saturating_add(other.narrow_read_bytes),
            narrow_write_bytes: self.narrow_write_bytes.saturating_add(other.narrow_write_bytes),
            wide_read_bytes: self.wide_read_bytes.saturating_add(other.wide_read_bytes),
            ring_bytes: self.ring_bytes.saturating_add(other.ring_bytes),
            link_bytes: self.link_bytes.saturating_add(other.link_bytes),
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Bytes that a layer moves on the chip. Link traffic belongs to the call: it is zero here.
///
/// Every position reads its input words once for each pass of lanes, and with each word a
/// row of weights for every lane group: nothing is kept in registers from one position to
/// the next.
pub fn layer_traffic(layer: &Layer, mapping: &Mapping, chip: &Chip) -> Traffic {
    let array = &chip.array;
    let word_bytes = array.dot_depth as u64;
    let parameters = parameter_bytes(layer, mapping, chip);
    let mut traffic = Traffic { ring_bytes: parameters, ..Traffic::default() };
    let reads = product([mapping.positions, mapping.words_per_position]);
    match layer.kind {
        LayerKind::Convolution { .. } => {
            traffic.narrow_read_bytes = product([reads, mapping.input_passes, word_bytes]);
            let row_bytes = (array.lane_group * array.dot_depth) as u64;
            let rows = product([reads, mapping.lane_groups, row_bytes]);
            traffic.wide_read_bytes = rows.max(parameters);
            traffic.narrow_write_bytes = layer.output_bytes;
        }
        LayerKind::Depthwise { .. } => {
            traffic.narrow_read_bytes = product([reads, word_bytes]);
            let rows = product([reads, word_bytes, word_bytes]);
            traffic.wide_read_bytes = rows.max(parameters);
            traffic.narrow_write_bytes = layer.output_bytes;
        }
        LayerKind::Vector => {
            traffic.narrow_read_bytes = layer.input_bytes;
            traffic.narrow_write_bytes = layer.output_bytes;
        }
        LayerKind::Constant | LayerKind::Relabel => {}
    }
    traffic
}

/// Bytes that a layer's parameters take in the chip's memory.
///
/// For each stored lane an int32 bias, eight bytes more if it has a scale of its own, and its
/// weights, each tap padded to whole words. A depthwise layer stores each word of channels
/// as a small square matrix, zero outside the diagonal.
pub fn parameter_bytes(layer: &Layer, mapping: &Mapping, chip: &Chip) -> u64 {
    let word_bytes = chip.array.dot_depth as u64;
    let scale_bytes = if layer.per_channel_scales { SCALE_BYTES } else { 0 };
    let constant_bytes = BIAS_BYTES + scale_bytes;
    match layer.kind {
        LayerKind::Convolution { .. } => {
            let lane_bytes =
                constant_bytes.saturating_add(product([mapping.words_per_position, word_bytes]));
            product([mapping.stored_lanes, lane_bytes])
        }
        LayerKind::Depthwise { taps } => {
            let lanes = words(layer.output.c, &chip.array) * word_bytes;
            product([lanes, constant_bytes + taps as u64 * word_bytes])
        }
        LayerKind::Constant => layer.output_bytes,
        LayerKind::Vector | LayerKind::Relabel => 0,
    }
}

/// An int32 for each output channel.
const BIAS_BYTES: u64 = 4;
/// What an output channel's own scale adds.
const SCALE_BYTES: u64 = 8;
