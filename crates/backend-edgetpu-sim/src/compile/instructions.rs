//! How long a program is.
//!
//! Counted in the chip's own words of 16 bytes, by the instructions that tinycoral found in the
//! programs of Google's compiler. Tiles whose blocks have the same size share instructions, so
//! a layer whose height and width divide by four needs a quarter of the instructions of others.

use super::LayerProgram;
use crate::chip::Array;
use crate::{LayerKind, Place, Workload};

/// Bytes of the program, which every call sends.
pub(super) fn bytes(
    workload: &Workload,
    places: &[Place],
    layers: &[LayerProgram],
    array: &Array,
) -> u64 {
    let mut words = 0;
    for ((layer, program), place) in workload.layers().iter().zip(layers).zip(places) {
        if *place == Place::Host || !layer.kind.works() {
            continue;
        }
        let rows = sizes(layer.output.h, array.tile_rows);
        let columns = sizes(layer.output.w, array.tile_columns);
        let operations = rows * columns * OPERATION;
        let halo = match program.halo_words_per_tile {
            0 => 0,
            // Up and down, for each tile row and kind of column; left and right likewise.
            _ => {
                let vertical = array.tile_rows as u64 * columns;
                let horizontal = array.tile_columns as u64 * rows;
                2 * (vertical + horizontal) * EXCHANGE
            }
        };
        let of_layer = match layer.kind {
            LayerKind::Convolution { .. } | LayerKind::Depthwise { .. } => {
                operations + WEIGHT_STREAM + halo
            }
            LayerKind::GlobalPool => operations + GATHER * array.tiles() as u64 + SYNCHRONIZATION,
            _ => 2 * operations + SYNCHRONIZATION + halo,
        };
        words += program.strips.saturating_mul(of_layer);
    }
    if words == 0 { 0 } else { (words + FRAME + array.tiles() as u64 * OUTPUT) * WORD_BYTES }
}

/// Different sizes of the blocks that a length is cut in, 1 or 2.
fn sizes(length: usize, parts: usize) -> u64 {
    let part = length.div_ceil(parts).max(1);
    let last = length % part;
    if last == 0 { 1 } else { 2 }
}

/// Bytes of an instruction word.
const WORD_BYTES: u64 = 16;
/// One operation of a tile.
const OPERATION: u64 = 17;
/// One border to or from a neighbour.
const EXCHANGE: u64 = 6;
/// Receiving weights (4), loading biases (7), broadcasting weights (4) and synchronising (6).
const WEIGHT_STREAM: u64 = 21;
/// What a layer without weights needs beside its operations.
const SYNCHRONIZATION: u64 = 6;
/// Sending a tile's block to another tile.
const GATHER: u64 = 2 * EXCHANGE;
/// Each tile's part of the output: to wide memory (7), to the ring (4), out (2).
const OUTPUT: u64 = 13;
/// Beginning and end, input, constants.
const FRAME: u64 = 150;
