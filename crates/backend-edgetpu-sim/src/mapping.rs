//! How one layer is spread over tiles, lanes and words.

use pocketvision_core::Shape;

use crate::chip::{Array, Dataflow};
use crate::{Layer, LayerKind};

/// How one layer is spread over a chip.
///
/// A *word* is `dot_depth` neighbouring channels of one position. A *step* multiplies one
/// word with the weights of one lane group.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, Layer, Mapping, Split};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let stem = Layer::new(&graph, &graph.nodes()[2]);
/// let mapping = Mapping::new(&stem, &chip.array);
/// assert_eq!(mapping.split, Split::Positions);
/// assert!(mapping.positions >= (stem.output.h * stem.output.w) as u64);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// What the tiles divide between them.
    pub split: Split,
    /// What the loop over positions is inside of.
    pub loop_order: LoopOrder,
    /// Output positions of the busiest tile, those that are computed again included.
    pub positions_per_tile: u64,
    /// Output positions of all tiles, likewise.
    pub positions: u64,
    /// Input words that one output position reads for one group of lanes: taps times words
    /// of input channels. For [`LayerKind::Vector`], 1.
    pub words_per_position: u64,
    /// Lane groups that the busiest tile computes for each of its positions.
    pub lane_groups_per_tile: u64,
    /// Lane groups that one position needs in all.
    pub lane_groups: u64,
    /// How often each input word is read: once for each `lanes_per_tile` output channels.
    pub input_passes: u64,
    /// How often a tile's buffer of weights is filled.
    pub weight_fills: u64,
    /// Output channels as the weights are stored, padding included.
    pub stored_lanes: u64,
}

/// What the tiles divide between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// Height and width of the output, each cut in as many blocks as there are tiles along
    /// that side; every tile computes all channels of its block.
    Positions,
    /// Output channels, `lanes_per_tile` at a time: where the output is a single position.
    Channels,
}

/// The order of a convolution's loops on a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopOrder {
    /// All weights of a pass are in the buffer; one position after another is finished.
    PositionOuter,
    /// The words of a position are cut in chunks; each chunk's weights serve all positions
    /// before the next chunk comes, and partial sums wait in wide memory.
    Chunked {
        /// Words in a chunk.
        words: u64,
    },
}

impl Mapping {
    /// The mapping that the compiler chooses for a layer which is not cut in strips.
    pub fn new(layer: &Layer, array: &Array) -> Self {
        Self::with_rows(layer, layer.output.h.div_ceil(array.tile_rows) as u64, array)
    }

    /// The mapping of a layer of which the busiest tile computes so many rows, those that it
    /// computes again for the next strip included.
    pub fn with_rows(layer: &Layer, rows_per_tile: u64, array: &Array) -> Self {
        match layer.kind {
            LayerKind::Convolution { taps, input_channels, groups } => {
                Self::convolution(layer, rows_per_tile, taps, input_channels, groups, array)
            }
            LayerKind::Depthwise { taps } => Self {
                words_per_position: taps as u64 * words(layer.output.c, array),
                ..Self::of_positions(layer.output, rows_per_tile, array)
            },
            _ => Self::of_positions(layer.output, rows_per_tile, array),
        }
    }

    fn convolution(
        layer: &Layer,
        rows_per_tile: u64,
        taps: usize,
        input_channels: usize,
        groups: usize,
        array: &Array,
    ) -> Self {
        let (tiles, lanes) = (array.tiles() as u64, array.lanes_per_tile as u64);
        let groups = groups as u64;
        let channels = layer.output.c as u64 / groups;
        let passes = channels.div_ceil(lanes);
        let stored = if passes > 1 { passes * lanes } else { in_lane_groups(channels, array) };
        let channel_words = words(input_channels, array);
        let mut mapping = Self {
            words_per_position: taps as u64 * channel_words,
            input_passes: groups * passes,
            stored_lanes: groups * stored,
            ..Self::of_positions(layer.output, rows_per_tile, array)
        };
        if layer.output.pixels() == 1 {
            let groups_per_pass = (array.lanes_per_tile / array.lane_group) as u64;
            mapping.split = Split::Channels;
            mapping.lane_groups = groups * passes * groups_per_pass;
            let passes_per_tile = (groups * passes).div_ceil(tiles);
            mapping.lane_groups_per_tile = passes_per_tile * groups_per_pass;
            mapping.weight_fills = passes_per_tile;
        } else {
            let one_group = in_lane_groups(channels, array) / array.lane_group as u64;
            mapping.lane_groups = groups * one_group;
            mapping.lane_groups_per_tile = mapping.lane_groups;
            mapping.loop_order = loop_order(
                mapping.words_per_position,
                busiest_tile_positions(layer.output, array),
                taps as u64,
                channel_words,
                array,
            );
            mapping.weight_fills = groups
                * passes
                * match mapping.loop_order {
                    LoopOrder::PositionOuter => 1,
                    LoopOrder::Chunked { words } => mapping.words_per_position.div_ceil(words),
                };
        }
        mapping
    }

    fn of_positions(output: Shape, rows_per_tile: u64, array: &Array) -> Self {
        let own_rows = output.h.div_ceil(array.tile_rows).max(1) as u64;
        let pixels = output.pixels() as u64;
        let positions = match rows_per_tile == own_rows {
            true => pixels,
            false => pixels.saturating_mul(rows_per_tile).div_ceil(own_rows),
        };
        Self {
            split: Split::Positions,
            loop_order: LoopOrder::PositionOuter,
            positions_per_tile: rows_per_tile
                .saturating_mul(output.w.div_ceil(array.tile_columns) as u64),
            positions,
            words_per_position: 1,
            lane_groups_per_tile: 1,
            lane_groups: 1,
            input_passes: 1,
            weight_fills: 0,
            stored_lanes: 0,
        }
    }
}

/// The loop order that the real compiler was seen to choose (tinycoral, over 3000 shapes): the
/// one that needs less wide memory, for short sums the one with less to fill.
fn loop_order(
    words: u64,
    positions: u64,
    taps: u64,
    channel_words: u64,
    array: &Array,
) -> LoopOrder {
    if array.dataflow != Dataflow::Tiled || channel_words == 1 {
        return LoopOrder::PositionOuter;
    }
    let chunk = match taps {
        1 => largest_divisor(channel_words, LONGEST_CHUNK.min(channel_words / 2)),
        taps => taps,
    };
    let position_outer = if words < LONG_SUM {
        words <= positions + taps
    } else {
        // Both hold their weights twice, to fill one half while the other is read, unless
        // a chunk is of a middling length; the chunked order also holds partial sums.
        let weights =
            if chunk <= LONGEST_CHUNK || chunk >= LONG_SUM { 8 * chunk + 8 } else { 4 * chunk + 4 };
        8 * words + 8 < 4 * positions + weights
    };
    if position_outer { LoopOrder::PositionOuter } else { LoopOrder::Chunked { words: chunk } }
}

/// The largest divisor of a number that is at most `limit`; 1 if there is none.
fn largest_divisor(number: u64, limit: u64) -> u64 {
    (1..=limit).rev().find(|divisor| number.is_multiple_of(*divisor)).unwrap_or(1)
}

/// Positions of an activation on the tile that has most of them: the upper left one.
pub(crate) fn busiest_tile_positions(shape: Shape, array: &Array) -> u64 {
    shape.h.div_ceil(array.tile_rows) as u64 * shape.w.div_ceil(array.tile_columns) as u64
}

/// Words that a number of channels takes, the last one padded.
pub(crate) fn words(channels: usize, array: &Array) -> u64 {
    channels.div_ceil(array.dot_depth) as u64
}

/// Channels rounded up to whole lane groups.
fn in_lane_groups(channels: u64, array: &Array) -> u64 {
    channels.next_multiple_of(array.lane_group as u64)
}

/// Rows of weights that fit the hardware's buffer twice.
const LONGEST_CHUNK: u64 = 15;
/// Words from which on memory decides the loop order.
const LONG_SUM: u64 = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chip;

    fn convolution(output: Shape, taps: usize, input_channels: usize) -> Mapping {
        let kind = LayerKind::Convolution { taps, input_channels, groups: 1 };
        let input = Shape { c: input_channels, ..output };
        let layer = Layer {
            kind,
            window: None,
            input,
            output,
            input_bytes: 0,
            output_bytes: 0,
            macs: 0,
            per_channel_scales: false,
        };
        Mapping::new(&layer, &Chip::preset("coral-usb").unwrap().array)
    }

    #[test]
    fn positions_are_cut_in_four_each_way() {
        let mapping = convolution(Shape::new(1, 14, 15, 24), 9, 10);
        assert_eq!(mapping.split, Split::Positions);
        assert_eq!(mapping.positions_per_tile, 4 * 4);
        assert_eq!(mapping.words_per_position, 9 * 3);
        assert_eq!((mapping.lane_groups, mapping.stored_lanes), (2, 32));
    }

    #[test]
    fn wide_layers_compute_whole_lane_groups_but_store_whole_tiles_of_lanes() {
        let mapping = convolution(Shape::new(1, 14, 14, 96), 1, 16);
        assert_eq!((mapping.lane_groups, mapping.stored_lanes), (6, 128));
        assert_eq!(mapping.input_passes, 2);
    }

    #[test]
    fn a_single_position_is_split_by_channels() {
        let mapping = convolution(Shape::vector(1001), 1, 1280);
        assert_eq!(mapping.split, Split::Channels);
        // 16 passes of 64 lanes over 16 tiles: one each, of four lane groups.
        assert_eq!(mapping.lane_groups_per_tile, 4);
        assert_eq!(mapping.words_per_position, 320);
    }

    /// Examples of tinycoral's `codegen_conv.md`: words to chunks at 16 positions a tile.
    #[test]
    fn chunks_are_the_compilers() {
        let chunk = |words: usize| convolution(Shape::new(1, 16, 16, 64), 1, 4 * words).loop_order;
        for (words, expected) in [(72, 12), (75, 15), (125, 5)] {
            assert_eq!(chunk(words), LoopOrder::Chunked { words: expected }, "{words}");
        }
        assert_eq!(chunk(16), LoopOrder::PositionOuter);
        assert_eq!(chunk(17), LoopOrder::PositionOuter);
        // At four positions a tile, 16 words no longer pay off that way.
        let few = convolution(Shape::new(1, 4, 4, 64), 1, 64).loop_order;
        assert_eq!(few, LoopOrder::Chunked { words: 8 });
    }
}
