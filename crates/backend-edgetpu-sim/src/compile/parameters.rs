//! Which weights stay on the chip, and how many bytes they take there.

use super::LayerProgram;
use crate::chip::Array;
use crate::cost::product;
use crate::mapping::{Mapping, words};
use crate::{Chip, Layer, LayerKind};

/// Bytes that a layer's parameters take in the chip's memory.
///
/// For each stored lane an int32 bias, eight bytes more if it has a scale of its own, and its
/// weights, each tap padded to whole words. A depthwise layer stores each word of channels
/// as a small square matrix, zero outside the diagonal.
pub(super) fn bytes(layer: &Layer, mapping: &Mapping, array: &Array) -> u64 {
    let word_bytes = array.dot_depth as u64;
    let scale_bytes = if layer.per_channel_scales { SCALE_BYTES } else { 0 };
    let constant_bytes = BIAS_BYTES + scale_bytes;
    match layer.kind {
        LayerKind::Convolution { .. } => {
            let lane_bytes =
                constant_bytes.saturating_add(product([mapping.words_per_position, word_bytes]));
            product([mapping.stored_lanes, lane_bytes])
        }
        LayerKind::Depthwise { taps } => {
            let lanes = words(layer.output.c, array) * word_bytes;
            product([lanes, constant_bytes + taps as u64 * word_bytes])
        }
        LayerKind::Constant => layer.output_bytes,
        _ => 0,
    }
}

/// Marks the layers whose parameters do not fit: parameters are kept in the order the layers
/// run, until one does not fit; that one and all after it come with every call. Returns the
/// bytes kept and the bytes sent.
pub(super) fn keep(layers: &mut [LayerProgram], chip: &Chip) -> (u64, u64) {
    let tiles = chip.array.tiles() as u64;
    let capacity = chip.memory.parameter_bytes_per_tile.saturating_mul(tiles);
    let (mut cached, mut streamed) = (0u64, 0u64);
    for layer in layers {
        let bytes = layer.parameter_bytes;
        if streamed == 0 && cached.saturating_add(bytes) <= capacity {
            cached += bytes;
        } else {
            layer.streamed = bytes > 0;
            streamed = streamed.saturating_add(bytes);
        }
    }
    (cached, streamed)
}

/// An int32 for each output channel.
const BIAS_BYTES: u64 = 4;
/// What an output channel's own scale adds.
const SCALE_BYTES: u64 = 8;
