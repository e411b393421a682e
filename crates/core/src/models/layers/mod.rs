//! The layers that definitions are written in, in float or int8.
//!
//! Random weights are drawn so that every layer's sums have variance 1 (the mean square of
//! the input is tracked instead of assumed). That fixes the range of every activation in
//! advance, so an int8 network of random weights needs no calibration.

mod ends;
mod unweighted;
mod weighted;

use super::BuildOptions;
use super::weights::WeightSource;
use crate::op::{Activation, ActivationKind, Quantize};
use crate::{Element, GraphBuilder, GraphError, NodeId, Op, Shape, TensorType};

/// Element type of a network's weights and activations.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, Precision};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let bytes = |precision| {
///     let options = BuildOptions { precision, ..network.options() };
///     network.build(&options).map(|graph| graph.parameter_bytes())
/// };
/// assert!(bytes(Precision::Int8)? * 3 < bytes(Precision::F32)?);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Precision {
    /// 32-bit float.
    F32,
    /// 8-bit integers: one scale an output channel for weights, one a tensor for
    /// activations. Input and output are uint8. For random weights only: the ranges of
    /// trained ones must be measured (the quantize crate does).
    Int8,
}

/// Where the border of a convolution lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PaddingStyle {
    /// TensorFlow's SAME: the odd pixel at the bottom and right.
    Same,
    /// PyTorch's `kernel / 2` on every side: the same sizes, a grid shifted by a pixel where
    /// the stride is 2.
    Symmetric,
}

/// A network under construction.
pub(super) struct Layers<'a> {
    builder: GraphBuilder,
    source: &'a mut dyn WeightSource,
    options: BuildOptions,
    /// How many times smaller features may become, if that is limited.
    smallest: Option<usize>,
    /// How many times smaller they are.
    reached: usize,
    /// Distance between the taps of windows.
    dilation: usize,
}

/// An activation and the mean square of its (expected) values.
#[derive(Clone, Copy)]
pub(super) struct Feature {
    node: NodeId,
    mean_square: f32,
}

impl<'a> Layers<'a> {
    /// A network and its input image.
    pub(super) fn new(
        name: &str,
        options: &BuildOptions,
        source: &'a mut dyn WeightSource,
    ) -> Result<(Self, Feature), GraphError> {
        let mut builder = GraphBuilder::new(name);
        let shape =
            Shape::new(options.batch, options.input_size.height, options.input_size.width, 3);
        let node = match options.precision {
            Precision::F32 => builder.input("image", TensorType::new(shape, Element::F32))?,
            Precision::Int8 => {
                let photo = TensorType::new(shape, Element::uint8(1.0 / 128.0, 128));
                let photo = builder.input("image", photo)?;
                let int8 = Element::int8(1.0 / 128.0, 0);
                builder.push_as("image/int8", Op::Quantize(Quantize), &[photo], int8)?
            }
        };
        let options = *options;
        let (smallest, reached, dilation) = (None, 2, 1);
        let layers = Self { builder, source, options, smallest, reached, dilation };
        Ok((layers, Feature { node, mean_square: 1.0 / 3.0 }))
    }

    /// Channels of a feature.
    pub(super) fn channels(&self, x: Feature) -> usize {
        self.builder.ty(x.node).shape.c
    }

    /// Height and width of a feature.
    pub(super) fn size(&self, x: Feature) -> [usize; 2] {
        let shape = self.builder.ty(x.node).shape;
        [shape.h, shape.w]
    }

    /// Keeps features from becoming more than so many times smaller than the image: later blocks
    /// keep their size, and windows have gaps for what they would have skipped.
    pub(super) const fn keep_size_beyond(&mut self, output_stride: usize) {
        self.smallest = Some(output_stride);
    }

    /// The stride that a block is left of its own.
    pub(super) fn stride(&self, own: usize) -> usize {
        if self.smallest.is_some_and(|smallest| self.reached * own > smallest) { 1 } else { own }
    }

    /// Notes that a block of a stride is over.
    pub(super) fn end_block(&mut self, own: usize) {
        if self.stride(own) == own {
            self.reached *= own;
        } else {
            self.dilation *= own;
        }
    }

    /// A node whose values have the given variance before the activation. In int8 an
    /// activation that is more than a clamp is a node of its own.
    fn push_computed(
        &mut self,
        name: &str,
        op: impl Fn(Option<ActivationKind>) -> Op,
        inputs: &[Feature],
        variance: f32,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let inputs: Vec<NodeId> = inputs.iter().map(|x| x.node).collect();
        let largest = RANGE_IN_DEVIATIONS * variance.sqrt();
        let symmetric = Element::int8(2.0 * largest / 255.0, 0);
        let (element, mean_square) = match activation {
            None => (symmetric, variance),
            Some(ActivationKind::HardSwish) => {
                let scale = (largest + HARD_SWISH_DEPTH) / 255.0;
                let zero_point = (HARD_SWISH_DEPTH / scale).round() as i32 - 128;
                let int8 = Element::int8(scale, zero_point);
                let is_int8 = self.options.precision == Precision::Int8;
                let mut node = self.push(
                    &if is_int8 { format!("{name}/sum") } else { name.to_owned() },
                    op(activation.filter(|_| !is_int8)),
                    &inputs,
                    symmetric,
                )?;
                if is_int8 {
                    let kind = ActivationKind::HardSwish;
                    node = self.push(name, Op::Activation(Activation { kind }), &[node], int8)?;
                }
                return Ok(Feature { node, mean_square: variance / 3.0 });
            }
            Some(ActivationKind::Relu6) => {
                (Element::int8(largest.min(6.0) / 255.0, -128), variance / 2.0)
            }
            Some(_) => (Element::int8(largest / 255.0, -128), variance / 2.0),
        };
        let node = self.push(name, op(activation), &inputs, element)?;
        Ok(Feature { node, mean_square })
    }

    /// A node, of this element where the network is int8.
    fn push(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[NodeId],
        int8: Element,
    ) -> Result<NodeId, GraphError> {
        match self.options.precision {
            Precision::F32 => self.builder.push(name, op, inputs),
            Precision::Int8 => self.builder.push_as(name, op, inputs, int8),
        }
    }
}

/// Largest activation that int8 can hold, in standard deviations.
const RANGE_IN_DEVIATIONS: f32 = 4.0;
/// The least value of hard-swish is minus this, at -1.5.
const HARD_SWISH_DEPTH: f32 = 0.375;
