//! Functions of one number.

use serde::{Deserialize, Serialize};

use super::{computed_element, exactly};
use crate::{Element, ShapeError, TensorType};

/// An elementwise function as a node of its own.
///
/// In int8 it is a table of 256 entries: see [`crate::quant::activation_table`].
///
/// ```
/// use pocketvision_core::op::{Activation, ActivationKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let swish = Op::Activation(Activation { kind: ActivationKind::HardSwish });
/// let y = builder.push("swish", swish, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 8, 8, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activation {
    /// The function.
    pub kind: ActivationKind,
}

/// The functions that mobile networks use.
///
/// ```
/// use pocketvision_core::op::ActivationKind;
///
/// let xs = [-4.0, 0.0, 3.0, 7.0];
/// assert_eq!(xs.map(|x| ActivationKind::Relu6.apply(x)), [0.0, 0.0, 3.0, 6.0]);
/// assert_eq!(xs.map(|x| ActivationKind::HardSwish.apply(x)), [0.0, 0.0, 3.0, 7.0]);
/// assert!(ActivationKind::Relu6.is_clamp() && !ActivationKind::HardSwish.is_clamp());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationKind {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * relu6(x + 3) / 6` (MobileNetV3, Howard et al., 2019, section 5.2).
    HardSwish,
    /// `relu6(x + 3) / 6`.
    HardSigmoid,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

impl ActivationKind {
    /// True if the function is a clamp to a range, which any integer kernel can fuse.
    pub const fn is_clamp(self) -> bool {
        matches!(self, Self::Relu | Self::Relu6)
    }

    /// The function itself, in f32.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::HardSwish => x * ((x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)),
            Self::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

impl Activation {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let element = computed_element(&input.element, element)?;
        Ok(TensorType::new(input.shape, element))
    }
}
