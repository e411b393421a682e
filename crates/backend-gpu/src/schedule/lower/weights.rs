//! Weights in the order in which shaders read them.

use pocketvision_core::quant::Multiplier;
use pocketvision_core::{Shape, Tensor};

use crate::layout::{LANES, quads};

/// Dense f32 weights as 4x4 tiles `[tap][input quad][output quad]`, a column for each input. Rows
/// of tiles are padded to an even number.
pub(super) fn tiles_f32(weight: &Tensor) -> Vec<f32> {
    let values = weight.as_f32().unwrap_or_default();
    tiles(weight.shape(), values, 0.0, |input_lane, output_lane| input_lane * LANES + output_lane)
}

/// Dense f32 weights as rows `[tap][input][output]`. Inputs are padded to quads, outputs to an even
/// number of quads. Weights are read in their order, and a few rows written at a time: networks have
/// millions of them.
pub(super) fn rows_f32(weight: &Tensor) -> Vec<f32> {
    let (shape, values) = (weight.shape(), weight.as_f32().unwrap_or_default());
    let (inputs, row) = (quads(shape.c) * LANES, row_quads(shape) * LANES);
    let mut rows = vec![0.0; shape.pixels() * inputs * row];
    for (block, filters) in values.chunks(LANES * shape.pixels() * shape.c).enumerate() {
        for tap in 0..shape.pixels() {
            for input in 0..shape.c {
                let at = (tap * inputs + input) * row + block * LANES;
                let filters = filters.chunks_exact(shape.pixels() * shape.c);
                for (to, filter) in rows[at..at + LANES].iter_mut().zip(filters) {
                    *to = filter[tap * shape.c + input];
                }
            }
        }
    }
    rows
}

/// Dense int8 weights as tiles `[tap][input quad][output quad]`, four bytes for each output.
/// Padded inputs hold the zero point. Rows of tiles are padded to an even number.
pub(super) fn tiles_int8(weight: &Tensor, zero_point: i32) -> Vec<i8> {
    let (values, padding) = (weight.as_i8().unwrap_or_default(), zero_point as i8);
    tiles(weight.shape(), values, padding, |input_lane, output_lane| {
        output_lane * LANES + input_lane
    })
}

/// Weights that are used lane by lane, `[tap][input of the group][output quad]`, from those of
/// a grouped convolution.
pub(super) fn lanes<T: Copy + Default, U: Copy>(
    shape: Shape,
    values: &[U],
    convert: impl Fn(U) -> T,
) -> Vec<T> {
    let width = quads(shape.n) * LANES;
    let mut lanes = vec![T::default(); shape.pixels() * shape.c * width];
    for output in 0..shape.n {
        for tap_and_input in 0..shape.pixels() * shape.c {
            let value = values[output * shape.pixels() * shape.c + tap_and_input];
            lanes[tap_and_input * width + output] = convert(value);
        }
    }
    lanes
}

/// Depthwise weights `[tap][quad]`: those of the file, padded.
pub(super) fn padded_rows<T: Copy + Default, U: Copy>(
    channels: usize,
    values: &[U],
    convert: impl Fn(U) -> T,
) -> Vec<T> {
    let width = quads(channels) * LANES;
    let mut rows = vec![T::default(); values.len() / channels * width];
    for (row, values) in rows.chunks_exact_mut(width).zip(values.chunks_exact(channels)) {
        for (to, &from) in row.iter_mut().zip(values) {
            *to = convert(from);
        }
    }
    rows
}

/// `OutputChannels` of `requantize.wgsl` for all output quads: bias, mantissa, shift to the
/// left, shift to the right, four each.
pub(super) fn output_channels(bias: &[i32], multipliers: &[Multiplier]) -> Vec<i32> {
    let mut records = vec![0; quads(bias.len()) * LANES * LANES];
    for (channel, (&bias, multiplier)) in bias.iter().zip(multipliers).enumerate() {
        let (left, right) = multiplier.shifts();
        let fields = [bias, multiplier.mantissa, left as i32, right as i32];
        for (field, value) in fields.into_iter().enumerate() {
            records[channel / LANES * LANES * LANES + field * LANES + channel % LANES] = value;
        }
    }
    records
}

/// Tiles `[tap][input quad][output quad]`, in each of which `place` says where the weight of an
/// input lane and an output lane stands. Weights are read in their order, and tiles written whole
/// while they are in the cache: networks have millions of them.
fn tiles<T: Copy>(
    shape: Shape,
    values: &[T],
    padding: T,
    place: impl Fn(usize, usize) -> usize,
) -> Vec<T> {
    let (inputs, outputs) = (quads(shape.c), row_quads(shape));
    let row = outputs * TILE;
    let mut tiles = vec![padding; shape.pixels() * inputs * row];
    for (output, filter) in values.chunks_exact(shape.pixels() * shape.c).enumerate() {
        for (tap, weights) in filter.chunks_exact(shape.c).enumerate() {
            let first = tap * inputs * row + output / LANES * TILE;
            let rows = tiles[first..].chunks_mut(row);
            for (tile, weights) in rows.zip(weights.chunks(LANES)) {
                let tile = &mut tile[..TILE];
                for (input_lane, &weight) in weights.iter().enumerate() {
                    tile[place(input_lane, output % LANES)] = weight;
                }
            }
        }
    }
    tiles
}

/// Output quads of one row: invocations may compute two.
fn row_quads(shape: Shape) -> usize {
    quads(shape.n).next_multiple_of(2)
}

/// Weights of a tile.
const TILE: usize = LANES * LANES;

#[cfg(test)]
mod tests {
    use pocketvision_core::{Element, TensorData};

    use super::*;

    #[test]
    fn tiles_hold_columns_by_input_in_float_and_rows_by_output_in_int8() {
        // Two outputs, one tap, five inputs.
        let shape = Shape::new(2, 1, 1, 5);
        let weight = Tensor::from_f32(shape, (0..10).map(|x| x as f32).collect()).unwrap();
        let rows = rows_f32(&weight);
        assert_eq!(rows.len(), 64);
        assert_eq!(rows[..10], [0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 6.0]);
        assert_eq!(rows[32..36], [4.0, 9.0, 0.0, 0.0]);
        let tiles = tiles_f32(&weight);
        assert_eq!(tiles.len(), 64);
        assert_eq!(tiles[..8], [0.0, 5.0, 0.0, 0.0, 1.0, 6.0, 0.0, 0.0]);
        assert_eq!(tiles[32..36], [4.0, 9.0, 0.0, 0.0]);

        let data = TensorData::I8((0..10).collect());
        let weight = Tensor::new(shape, Element::int8(1.0, 7), data).unwrap();
        let tiles = tiles_int8(&weight, 7);
        assert_eq!(tiles[..8], [0, 1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(tiles[32..40], [4, 7, 7, 7, 9, 7, 7, 7]);
    }

    #[test]
    fn records_put_equal_fields_of_four_channels_side_by_side() {
        let multipliers: Vec<_> = (1..=5)
            .map(|i| Multiplier { mantissa: i << 10, exponent: if i == 2 { 3 } else { -i } })
            .collect();
        let records = output_channels(&[1, 2, 3, 4, 5], &multipliers);
        assert_eq!(records[..4], [1, 2, 3, 4]);
        assert_eq!(records[8..12], [0, 3, 0, 0]);
        assert_eq!(records[12..16], [1, 0, 3, 4]);
        assert_eq!(records[16..20], [5, 0, 0, 0]);
    }
}
