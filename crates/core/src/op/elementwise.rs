//! Sum and product of two tensors.

use super::{ActivationKind, check_fused, computed_element, exactly};
use crate::{Element, Shape, ShapeError, TensorType};

/// `activation(a + b)`, each at its own int8 scale. A dimension of 1 is repeated.
///
/// ```
/// use pocketvision_core::op::Add;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let twice = builder.push("twice", Op::Add(Add { activation: None }), &[image, image])?;
/// assert_eq!(builder.ty(twice).shape, Shape::new(1, 8, 8, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Add {
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

/// `activation(a * b)`, each at its own int8 scale. A dimension of 1 is repeated:
/// squeeze-and-excite scales a map by one number for each channel.
///
/// ```
/// use pocketvision_core::op::Mul;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let gate = builder.input("gate", TensorType::new(Shape::vector(3), Element::F32))?;
/// let weighed = builder.push("weighed", Op::Mul(Mul { activation: None }), &[image, gate])?;
/// assert_eq!(builder.ty(weighed).shape, Shape::new(1, 8, 8, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mul {
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

impl Add {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        broadcast(inputs, element, self.activation)
    }
}

impl Mul {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        broadcast(inputs, element, self.activation)
    }
}

fn broadcast(
    inputs: &[&TensorType],
    element: Option<&Element>,
    activation: Option<ActivationKind>,
) -> Result<TensorType, ShapeError> {
    let [a, b] = exactly(inputs)?;
    let mut dims = a.shape.dims();
    for (x, y) in dims.iter_mut().zip(b.shape.dims()) {
        if *x != y && *x != 1 && y != 1 {
            let (left, right) = (a.shape, b.shape);
            let what = "the operands cannot be broadcast";
            return Err(ShapeError::Mismatch { what, left, right });
        }
        *x = (*x).max(y);
    }
    if a.element.name() != b.element.name() {
        return Err(ShapeError::Element {
            what: "the second operand",
            actual: b.element.to_string(),
            expected: a.element.name().into(),
        });
    }
    let element = computed_element(&a.element, element)?;
    check_fused(activation, &element)?;
    Ok(TensorType::new(Shape::from(dims), element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_of_one_are_repeated() {
        let map = TensorType::new(Shape::new(2, 7, 7, 16), Element::F32);
        let scale = TensorType::new(Shape::new(1, 1, 1, 16), Element::F32);
        let op = Mul { activation: None };
        assert_eq!(op.infer(&[&map, &scale], None).unwrap().shape, map.shape);
        assert_eq!(op.infer(&[&scale, &map], None).unwrap().shape, map.shape);
    }
}
