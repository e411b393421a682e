//! Average, maximum and mean.

use pocketvision_core::op::{Pool2d, PoolKind};
use pocketvision_core::quant::{QuantizedMean, average};
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

use crate::sliding::{Place, Sliding};

/// Pools each channel over what the window covers of the image; the border does not count.
pub(super) fn pool2d(op: &Pool2d, input: &Tensor, output: &mut Tensor) {
    let sliding = Sliding::new(op.window, input.shape(), output.shape());
    let channels = input.shape().c;
    let element = output.element().clone();
    match (input.data(), output.slice_mut()) {
        (TensorData::F32(numbers), TensorSliceMut::F32(output)) => {
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                for (channel, output) in output.iter_mut().enumerate() {
                    let numbers = covered(&place, numbers, channels, channel).map(f64::from);
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
        (TensorData::I8(numbers), TensorSliceMut::I8(output)) => {
            let mean = QuantizedMean::new(input.element(), &element, op.window.taps());
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                let count = place.taps().count() as i32;
                for (channel, output) in output.iter_mut().enumerate() {
                    let numbers = covered(&place, numbers, channels, channel).map(i32::from);
                    *output = match op.kind {
                        PoolKind::Average => {
                            average(numbers.sum(), count, op.rounding).clamp(-128, 127) as i8
                        }
                        PoolKind::Mean => mean.apply(numbers.sum()),
                        PoolKind::Max => numbers.fold(-128, i32::max) as i8,
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
    numbers: &[T],
    channels: usize,
    channel: usize,
) -> impl Iterator<Item = T> {
    place.taps().map(move |(_, pixel)| numbers[pixel * channels + channel])
}
