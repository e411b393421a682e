//! The params of operators that only move numbers.

use super::{Field, FieldType, ParamsLayout};

params! {
    /// Of `moves/pad.wgsl`.
    Pad {
        input_height: u32,
        input_width: u32,
        quads: u32,
        output_height: u32,
        output_width: u32,
        elements: u32,
        top: u32,
        left: u32,
        fill: u32,
    }

    /// Of `moves/concat.wgsl`.
    Concat {
        input_height: u32,
        input_width: u32,
        input_channels: u32,
        input_quads: u32,
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        first_row: u32,
        first_column: u32,
        first_channel: u32,
        box_quads: u32,
        elements: u32,
    }

    /// Of `moves/reshape.wgsl`.
    Reshape {
        input_channels: u32,
        input_quads: u32,
        output_channels: u32,
        output_quads: u32,
        elements: u32,
    }
}
