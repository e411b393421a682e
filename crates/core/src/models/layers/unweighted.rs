//! Layers without weights.

use super::{Feature, Layers};
use crate::op::{
    Activation, ActivationKind, Add, Axis, Concat, CoordinateMode, IntegerRounding, Mul, Padding,
    Pool2d, PoolKind, Reshape, Resize, ResizeKind, Window,
};
use crate::{Element, GraphError, NodeId, Op, Shape, TensorType};

impl Layers<'_> {
    /// The sum of two features.
    pub(in crate::models) fn add(
        &mut self,
        name: &str,
        a: Feature,
        b: Feature,
    ) -> Result<Feature, GraphError> {
        let mean_square = a.mean_square + b.mean_square;
        self.push_computed(
            name,
            |activation| Op::Add(Add { activation }),
            &[a, b],
            mean_square,
            None,
        )
    }

    /// The average of each channel over the whole image.
    pub(in crate::models) fn global_average_pool(
        &mut self,
        name: &str,
        x: Feature,
    ) -> Result<Feature, GraphError> {
        self.average_pool(name, x, usize::MAX, [1, 1])
    }

    /// Averages of windows, of the whole image where it is smaller.
    pub(in crate::models) fn average_pool(
        &mut self,
        name: &str,
        x: Feature,
        kernel: usize,
        [stride_h, stride_w]: [usize; 2],
    ) -> Result<Feature, GraphError> {
        let TensorType { shape, element } = self.builder.ty(x.node).clone();
        let window = Window {
            kernel_h: kernel.min(shape.h),
            kernel_w: kernel.min(shape.w),
            stride_h,
            stride_w,
            ..Window::square(1, 1, Padding::Valid)
        };
        let rounding = IntegerRounding::HalfAwayFromZero;
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, window, rounding });
        let node = self.push(name, op, &[x.node], element)?;
        Ok(Feature { node, ..x })
    }

    /// A feature at another size, interpolated, corners aligned.
    pub(in crate::models) fn resize(
        &mut self,
        name: &str,
        x: Feature,
        [height, width]: [usize; 2],
    ) -> Result<Feature, GraphError> {
        let op = Resize {
            kind: ResizeKind::Bilinear,
            coordinates: CoordinateMode::AlignCorners,
            ..Resize::repeat(height, width)
        };
        let element = self.builder.ty(x.node).element.clone();
        let node = self.push(name, Op::Resize(op), &[x.node], element)?;
        Ok(Feature { node, ..x })
    }

    /// A number from 0 to 1 for each of a feature's.
    pub(in crate::models) fn gate(
        &mut self,
        name: &str,
        x: Feature,
    ) -> Result<Feature, GraphError> {
        let op = Op::Activation(Activation { kind: ActivationKind::HardSigmoid });
        let node = self.push(name, op, &[x.node], Element::int8(1.0 / 256.0, -128))?;
        Ok(Feature { node, mean_square: GATE_MEAN_SQUARE })
    }

    /// A feature times a gate, which is at most 1: the product has the feature's range.
    pub(in crate::models) fn weighed(
        &mut self,
        name: &str,
        x: Feature,
        gate: Feature,
    ) -> Result<Feature, GraphError> {
        let element = self.builder.ty(x.node).element.clone();
        let op = Op::Mul(Mul { activation: None });
        let node = self.push(name, op, &[x.node, gate.node], element)?;
        Ok(Feature { node, mean_square: x.mean_square * gate.mean_square })
    }

    /// Features side by side, all of one scale.
    pub(in crate::models) fn beside(
        &mut self,
        name: &str,
        parts: &[Feature],
    ) -> Result<Feature, GraphError> {
        self.concat(name, parts, Axis::Channels)
    }

    /// The numbers of a feature as rows of so many, pixel by pixel.
    pub(in crate::models) fn rows(
        &mut self,
        name: &str,
        x: Feature,
        numbers: usize,
    ) -> Result<Feature, GraphError> {
        let elements = self.builder.ty(x.node).shape.elements();
        let shape = Shape::new(1, 1, elements / numbers.max(1), numbers);
        let node = self.builder.push(name, Op::Reshape(Reshape { shape }), &[x.node])?;
        Ok(Feature { node, ..x })
    }

    /// Rows below each other, all of one scale.
    pub(in crate::models) fn stacked(
        &mut self,
        name: &str,
        parts: &[Feature],
    ) -> Result<Feature, GraphError> {
        self.concat(name, parts, Axis::Width)
    }

    fn concat(&mut self, name: &str, parts: &[Feature], axis: Axis) -> Result<Feature, GraphError> {
        let nodes: Vec<NodeId> = parts.iter().map(|part| part.node).collect();
        let element = self.builder.ty(nodes[0]).element.clone();
        let op = Op::Concat(Concat::along(axis));
        Ok(Feature { node: self.push(name, op, &nodes, element)?, ..parts[0] })
    }

    /// Scores from logits, each for itself.
    pub(in crate::models) fn sigmoid(
        &mut self,
        name: &str,
        x: Feature,
    ) -> Result<Feature, GraphError> {
        let op = Op::Activation(Activation { kind: ActivationKind::Sigmoid });
        let node = self.push(name, op, &[x.node], Element::int8(1.0 / 256.0, -128))?;
        Ok(Feature { node, mean_square: SCORE_MEAN_SQUARE })
    }
}

/// Expected mean square of squeeze-and-excite's gates: 1/2 squared, and the sums' variance of
/// 1 after hard-sigmoid's slope of 1/6.
const GATE_MEAN_SQUARE: f32 = 0.25 + 1.0 / 36.0;
/// Expected mean square of a sigmoid of logits of variance 1.
const SCORE_MEAN_SQUARE: f32 = 0.29;
