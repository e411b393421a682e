//! Which channel is the largest.

use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

/// The first of the largest channels of each position.
pub(super) fn arg_max(input: &Tensor, output: &mut Tensor) {
    let channels = input.shape().c;
    let indices: Vec<usize> = match input.data() {
        TensorData::F32(scores) => scores.chunks_exact(channels).map(first_largest).collect(),
        TensorData::I8(scores) => scores.chunks_exact(channels).map(first_largest).collect(),
        _ => unreachable!("scores are f32 or int8"),
    };
    match output.slice_mut() {
        TensorSliceMut::U8(output) => {
            output.iter_mut().zip(indices).for_each(|(output, index)| *output = index as u8);
        }
        TensorSliceMut::I32(output) => {
            output.iter_mut().zip(indices).for_each(|(output, index)| *output = index as i32);
        }
        _ => unreachable!("an index is uint8 or int32"),
    }
}

fn first_largest<T: PartialOrd + Copy>(scores: &[T]) -> usize {
    let mut largest = 0;
    for (index, &score) in scores.iter().enumerate() {
        if score > scores[largest] {
            largest = index;
        }
    }
    largest
}
