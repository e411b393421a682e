//! An image at another size.

use pocketvision_core::op::{IntegerInterpolation, Resize, Sample};
use pocketvision_core::quant::{interpolate_fixed_point, interpolate_float};
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

/// Each number from the four that its row and column lie between. A nearest neighbour is
/// one of them with the whole weight.
pub(super) fn resize(op: &Resize, input: &Tensor, output: &mut Tensor) {
    let shape = input.shape();
    match (input.data(), output.slice_mut()) {
        (TensorData::F32(numbers), TensorSliceMut::F32(output)) => {
            let between = |corners: [f32; 4], row: Sample<f32>, column: Sample<f32>| {
                let [upper_left, lower_left, upper_right, lower_right] = corners.map(f64::from);
                let (y, x) = (f64::from(row.weight), f64::from(column.weight));
                let left = upper_left * (1.0 - y) + lower_left * y;
                let right = upper_right * (1.0 - y) + lower_right * y;
                (left * (1.0 - x) + right * x) as f32
            };
            sample(shape, &op.rows(shape), &op.columns(shape), numbers, output, between);
        }
        (TensorData::I8(numbers), TensorSliceMut::I8(output)) => match op.interpolation {
            IntegerInterpolation::FixedPoint => {
                let (rows, columns) = (op.fixed_point_rows(shape), op.fixed_point_columns(shape));
                sample(shape, &rows, &columns, numbers, output, interpolate_fixed_point);
            }
            IntegerInterpolation::Float => {
                let (rows, columns) = (op.rows(shape), op.columns(shape));
                sample(shape, &rows, &columns, numbers, output, interpolate_float);
            }
        },
        _ => unreachable!("images are f32 or int8"),
    }
}

/// Calls `between` with the upper left, lower left, upper right and lower right neighbours of
/// each output.
fn sample<T: Copy, W: Copy>(
    input: pocketvision_core::Shape,
    rows: &[Sample<W>],
    columns: &[Sample<W>],
    numbers: &[T],
    output: &mut [T],
    between: impl Fn([T; 4], Sample<W>, Sample<W>) -> T,
) {
    let mut output = output.iter_mut();
    for image in numbers.chunks_exact(input.pixels() * input.c) {
        for &row in rows {
            for &column in columns {
                for channel in 0..input.c {
                    let at = |y: usize, x: usize| image[(y * input.w + x) * input.c + channel];
                    let corners = [
                        at(row.lower, column.lower),
                        at(row.upper, column.lower),
                        at(row.lower, column.upper),
                        at(row.upper, column.upper),
                    ];
                    *output.next().expect("as large as stated") = between(corners, row, column);
                }
            }
        }
    }
}
