//! What convolutions and linear layers have in common: weights, a bias, channels.

use pocketvision_core::{Graph, Node, Op, ParamId};

/// An operator with weights, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    /// The weights.
    pub(crate) weight: ParamId,
    /// One number for each output channel.
    pub(crate) bias: Option<ParamId>,
    /// Output channels.
    pub(crate) channels: usize,
    /// Where the weights of an output channel lie.
    pub(crate) axis: OutputAxis,
    /// Length of the weights' innermost dimension.
    innermost: usize,
    /// Output channels of each input channel of a depthwise convolution, else 1.
    multiplier: usize,
    /// Whether groups of channels do not mix. Depthwise convolutions do not count.
    pub(crate) is_grouped: bool,
}

/// The dimension of weights that is the output channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OutputAxis {
    /// Dense and grouped convolutions, linear layers.
    Outermost,
    /// Depthwise convolutions.
    Innermost,
}

impl Layer {
    /// The node as a layer, if it has weights.
    pub(crate) fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let (weight, bias, axis) = match &node.op {
            Op::Conv2d(op) => (op.weight, op.bias, OutputAxis::Outermost),
            Op::ConvTranspose2d(op) => (op.weight, op.bias, OutputAxis::Outermost),
            Op::Linear(op) => (op.weight, op.bias, OutputAxis::Outermost),
            Op::DepthwiseConv2d(op) => (op.weight, op.bias, OutputAxis::Innermost),
            _ => return None,
        };
        let shape = graph.param(weight).shape();
        let (channels, multiplier) = match axis {
            OutputAxis::Outermost => (shape.n, 1),
            OutputAxis::Innermost => (shape.c, shape.c / graph.ty(node.inputs[0]).shape.c),
        };
        Some(Self {
            weight,
            bias,
            channels,
            axis,
            innermost: shape.c,
            multiplier,
            is_grouped: matches!(&node.op, Op::Conv2d(op) if op.groups > 1),
        })
    }

    /// The output channel of a weight by its position.
    pub(crate) const fn output_channel(&self, index: usize, weights: usize) -> usize {
        match self.axis {
            OutputAxis::Outermost => index / (weights / self.channels),
            OutputAxis::Innermost => index % self.channels,
        }
    }

    /// The input channel of a weight by its position, unless the layer is grouped.
    pub(crate) const fn input_channel(&self, index: usize) -> usize {
        index % self.innermost / self.multiplier
    }

    /// Whether each output channel reads one input channel.
    pub(crate) const fn is_depthwise(&self) -> bool {
        matches!(self.axis, OutputAxis::Innermost)
    }
}

/// The operator with other weights and bias.
pub(crate) fn with_params(op: &Op, weight: ParamId, bias: Option<ParamId>) -> Op {
    let mut op = op.clone();
    let (old_weight, old_bias) = match &mut op {
        Op::Conv2d(op) => (&mut op.weight, &mut op.bias),
        Op::DepthwiseConv2d(op) => (&mut op.weight, &mut op.bias),
        Op::ConvTranspose2d(op) => (&mut op.weight, &mut op.bias),
        Op::Linear(op) => (&mut op.weight, &mut op.bias),
        _ => return op,
    };
    *old_weight = weight;
    *old_bias = bias;
    op
}
