//! How one layer is spread over tiles, lanes and words.

use pocketvision_core::Shape;

use crate::chip::Array;
use crate::{Layer, LayerKind};

/// How one layer is spread over a chip.
///
/// A *word* is `dot_depth` neighbouring channels of one position. A *step* multiplies one
/// word with the weights of one lane group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// What the tiles divide between them.
    pub split: Split,
    /// Output positions of the busiest tile.
    pub positions_per_tile: u64,
    /// Output positions of all tiles.
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

impl Mapping {
    /// The one mapping that this model knows for a layer.
    pub fn new(layer: &Layer, array: &Array) -> Self {
        match layer.kind {
            LayerKind::Convolution { taps, input_channels, groups } => {
                Self::convolution(layer.output, taps, input_channels, groups, array)
            }
            LayerKind::Depthwise { taps } => Self {
                words_per_position: taps as u64 * words(layer.output.c, array),
                ..Self::of_positions(layer.output, array)
            },
            _ => Self::of_positions(layer.output, array),
        }
    }

    fn convolution(
        output: Shape,
        taps: usize,
        input_channels: usize,
        groups: usize,
        array: &Array,
    ) -> Self {
        let (tiles, lanes) = (array.tiles() as u64, array.lanes_per_tile as u64);
        let groups = groups as u64;
        let channels = output.c as u64 / groups;
        let full = channels.div_ceil(lanes);
        let stored = if full > 1 { full * lanes } else { in_lane_groups(channels, array) };
        let mut mapping = Self {
            words_per_position: taps as u64 * words(input_channels, array),
            input_passes: groups * full,
            stored_lanes: groups * stored,
            ..Self::of_positions(output, array)
        };
        if output.pixels() == 1 {
            let groups_per_pass = (array.lanes_per_tile / array.lane_group) as u64;
            mapping.split = Split::Channels;
            mapping.lane_groups = groups * full * groups_per_pass;
            mapping.lane_groups_per_tile = (groups * full).div_ceil(tiles) * groups_per_pass;
        } else {
            let one_group = in_lane_groups(channels, array) / array.lane_group as u64;
            mapping.lane_groups = groups * one_group;
            mapping.lane_groups_per_tile = mapping.lane_groups;
        }
        mapping
    }

    fn of_positions(output: Shape, array: &Array) -> Self {
        Self {
            split: Split::Positions,
            positions_per_tile: busiest_tile_positions(output, array),
            positions: output.pixels() as u64,
            words_per_position: 1,
            lane_groups_per_tile: 1,
            lane_groups: 1,
            input_passes: 1,
            stored_lanes: 0,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chip;

    fn convolution(output: Shape, taps: usize, input_channels: usize) -> Mapping {
        let kind = LayerKind::Convolution { taps, input_channels, groups: 1 };
        let input = Shape { c: input_channels, ..output };
        let layer = Layer {
            kind,
            input,
            output,
            input_bytes: 0,
            output_bytes: 0,
            macs: 0,
            per_channel_scales: false,
        };
        Mapping::new(&layer, &Chip::preset("coral").unwrap().array)
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
}
