//! Average, maximum and mean.

use pocketvision_core::op::{Pool2d, PoolKind};
use pocketvision_core::quant::{QuantizedMean, average};
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

use crate::sliding::{Place, Sliding};

/// Pools each channel over what the window covers of the image; the border does not count.
pub(super) fn pool2d(op: &Pool2d, input: &Tensor, output: &mut Tensor) {
    let sliding = Sliding::new(op.window, input.shape(), output.shape());
    let channels = input.shape().c;
    let elements = (input.element().clone(), output.element().clone());
    match (input.data(), output.slice_mut()) {
        (TensorData::F32(input), TensorSliceMut::F32(output)) => {
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                for (channel, output) in output.iter_mut().enumerate() {
                    let numbers = covered(&place, input, channels, channel).map(f64::from);
                    *output = match op.kind {
                        PoolKind::Average | PoolKind::Mean => {
                            let (sum, count) =
                                numbers.fold((0.0, 0.0), |(s, n), x| (s + x, n + 1.0));
                            (sum / count) as f32
                        }
                        PoolKind::Max => numbers.fold(f64::NEG_INFINITY, f64::max) as f32,
                    };
                }
            }
        }
        (TensorData::I8(input), TensorSliceMut::I8(output)) => {
            let mean = |count| QuantizedMean::new(&elements.0, &elements.1, count);
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                let count = place.taps().count();
                let mean = mean(count);
                for (channel, output) in output.iter_mut().enumerate() {
                    let numbers = covered(&place, input, channels, channel).map(i32::from);
                    *output = match op.kind {
                        PoolKind::Average => {
                            average(numbers.sum(), count as i32, op.rounding).clamp(-128, 127) as i8
                        }
                        PoolKind::Mean => mean.apply(numbers.sum()),
                        PoolKind::Max => numbers.max().unwrap_or(i32::from(i8::MIN)) as i8,
                    };
                }
            }
        }
        _ => unreachable!("pools are f32 or int8"),
    }
}

/// The numbers of one channel that the window covers.
fn covered<T: Copy>(
    place: &Place,
    input: &[T],
    channels: usize,
    channel: usize,
) -> impl Iterator<Item = T> {
    place.taps().map(move |(_, pixel)| input[pixel * channels + channel])
}
