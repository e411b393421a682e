//! Which part of each activation lies on the busiest tile.

use crate::chip::Array;
use crate::mapping::words;
use crate::{LayerKind, Place, Workload};

/// One tile's part of a layer's output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    /// The layer whose memory it shares: itself, but for relabellings.
    pub(super) origin: usize,
    /// Rows, with the border that later windows reach into.
    pub(super) rows: usize,
    /// Columns, likewise.
    pub(super) columns: usize,
    /// Bytes of one position, its last word padded.
    pub(super) position_bytes: u64,
    /// Whether the block lies in the chip's activation memory at all.
    pub(super) stored: bool,
    /// Words of the inputs' borders, which come from the neighbours.
    pub(super) halo_words: u64,
}

impl Block {
    pub(super) const fn bytes(&self, rows: usize) -> u64 {
        (rows as u64).saturating_mul(self.columns as u64).saturating_mul(self.position_bytes)
    }
}

/// The block of each layer. Those of relabellings are their origin's.
pub(super) fn blocks(workload: &Workload, places: &[Place], array: &Array) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::with_capacity(workload.layers().len());
    for (index, layer) in workload.layers().iter().enumerate() {
        let inputs = workload.inputs(index);
        let shape = layer.output;
        let own = (shape.h.div_ceil(array.tile_rows), shape.w.div_ceil(array.tile_columns));
        let relabels = layer.kind == LayerKind::Relabel && inputs.len() == 1;
        let origin = if relabels { blocks[inputs[0]].origin } else { index };
        blocks.push(Block {
            origin,
            rows: own.0,
            columns: own.1,
            position_bytes: words(shape.c, array) * array.dot_depth as u64,
            stored: false,
            halo_words: 0,
        });
        if places[index] == Place::Chip && layer.kind.works() {
            for stored in inputs.iter().chain([&index]) {
                let origin = blocks[*stored].origin;
                blocks[origin].stored |= workload.layers()[origin].kind != LayerKind::Constant;
            }
        }
        let Some(window) = layer.window else { continue };
        for &input in inputs {
            let (shape, origin) = (workload.layers()[input].output, blocks[input].origin);
            // Under another shape, the numbers lie as their origin's shape has spread them.
            if workload.layers()[origin].output.pixels() != shape.pixels() {
                continue;
            }
            let needed = (
                reach(own.0, window.stride_h, window.kernel_h, window.dilation_h).min(shape.h),
                reach(own.1, window.stride_w, window.kernel_w, window.dilation_w).min(shape.w),
            );
            let there = (shape.h.div_ceil(array.tile_rows), shape.w.div_ceil(array.tile_columns));
            let with_border = needed.0.max(there.0) as u64 * needed.1.max(there.1) as u64;
            blocks[index].halo_words +=
                (with_border - there.0 as u64 * there.1 as u64) * words(shape.c, array);
            enlarge(&mut blocks[origin], needed);
        }
    }
    blocks
}

/// Input rows that a block of output rows reads.
pub(super) const fn reach(rows: usize, stride: usize, kernel: usize, dilation: usize) -> usize {
    (rows - 1) * stride + (kernel - 1) * dilation + 1
}

fn enlarge(block: &mut Block, (rows, columns): (usize, usize)) {
    block.rows = block.rows.max(rows);
    block.columns = block.columns.max(columns);
}
