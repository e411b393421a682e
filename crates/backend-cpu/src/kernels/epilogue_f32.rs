//! What follows a float sum: an activation.

use std::ops::Range;

use pocketvision_core::op::ActivationKind;

use crate::simd::Tile;

/// An activation in the form that vector kernels apply to a register.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum EpilogueF32 {
    /// `clamp(x, low, high)`: none, relu and relu6.
    Clamp {
        /// Smallest result.
        low: f32,
        /// Largest result.
        high: f32,
    },
    /// `x * clamp(x + 3, 0, 6) / 6`.
    HardSwish,
    /// `clamp(x + 3, 0, 6) / 6`.
    HardSigmoid,
}

impl EpilogueF32 {
    /// The epilogue, and what is left for a second pass because it has no short vector form.
    pub(crate) const fn new(activation: Option<ActivationKind>) -> (Self, Option<ActivationKind>) {
        let none = Self::Clamp { low: f32::NEG_INFINITY, high: f32::INFINITY };
        match activation {
            None => (none, None),
            Some(ActivationKind::Relu) => (Self::Clamp { low: 0.0, high: f32::INFINITY }, None),
            Some(ActivationKind::Relu6) => (Self::Clamp { low: 0.0, high: 6.0 }, None),
            Some(ActivationKind::HardSwish) => (Self::HardSwish, None),
            Some(ActivationKind::HardSigmoid) => (Self::HardSigmoid, None),
            Some(ActivationKind::Sigmoid) => (none, activation),
        }
    }

    /// The activation of one number.
    #[inline(always)]
    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Clamp { low, high } => x.max(low).min(high),
            Self::HardSwish => x * ((x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)),
            Self::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0),
        }
    }
}

/// What [`EpilogueF32::new`] left for a second pass over some rows and columns of a tile.
pub(crate) fn second_pass(
    activation: Option<ActivationKind>,
    tile: &mut Tile<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
) {
    let Some(activation) = activation else { return };
    let bytes = columns.start * size_of::<f32>()..columns.end * size_of::<f32>();
    for row in rows {
        let numbers = bytemuck::cast_slice_mut(tile.row_columns(row, bytes.clone()));
        numbers.iter_mut().for_each(|x: &mut f32| *x = activation.apply(*x));
    }
}
