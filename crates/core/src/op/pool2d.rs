//! One number from each window.

use serde::{Deserialize, Serialize};

use super::{Window, computed_element, exactly};
use crate::{Element, Shape, ShapeError, TensorType};

/// Pools each channel over a sliding window. Padded positions do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pool2d {
    /// What is taken of the window.
    pub kind: PoolKind,
    /// The sliding window. For [`PoolKind::Mean`] it is the whole image.
    pub window: Window,
    /// How an int8 average is rounded. See [`IntegerRounding`].
    pub rounding: IntegerRounding,
}

/// What is taken of a window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The average. In int8 the integers are averaged as they are: input and output have
    /// the same scale (TFLite's AVERAGE_POOL_2D).
    Average,
    /// The largest. In int8, input and output have the same scale.
    Max,
    /// The average over the whole image, in int8 rescaled to the output's own scale
    /// (TFLite's MEAN over height and width).
    Mean,
}

/// Where an int8 average goes that lies halfway between two integers.
///
/// TFLite rounds an int8 average half away from zero, and a uint8 average half up. A uint8
/// network rewritten to int8 must keep rounding up, or even windows differ by one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegerRounding {
    /// Half away from zero: TFLite's int8.
    #[default]
    HalfAwayFromZero,
    /// Half up, toward plus infinity: TFLite's uint8.
    HalfUp,
}

impl Pool2d {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let shape = input.shape;
        let (h, w) = self.window.output(shape)?;
        if self.kind == PoolKind::Mean && (h, w) != (1, 1) {
            let (left, right) = (shape, Shape { h, w, ..shape });
            return Err(ShapeError::Mismatch { what: "a mean's window", left, right });
        }
        let element = computed_element(&input.element, element)?;
        Ok(TensorType::new(Shape { h, w, ..shape }, element))
    }
}
