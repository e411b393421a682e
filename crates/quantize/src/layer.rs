//! What convolutions and linear layers have in common: weights, a bias, channels.

use pocketvision_core::{Graph, Op, ParamId};

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
    /// Whether each output channel reads just one input channel, of the same number.
    pub(crate) is_diagonal: bool,
    /// Whether each output channel reads every input channel.
    pub(crate) is_dense: bool,
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
    /// The operator as a layer, if it has weights.
    pub(crate) fn of(graph: &Graph, op: &Op) -> Option<Self> {
        let (weight, bias, axis) = match op {
            Op::Conv2d(op) => (op.weight, op.bias, OutputAxis::Outermost),
            Op::Linear(op) => (op.weight, op.bias, OutputAxis::Outermost),
            Op::DepthwiseConv2d(op) => (op.weight, op.bias, OutputAxis::Innermost),
            _ => return None,
        };
        let shape = graph.param(weight).shape();
        let channels = if axis == OutputAxis::Outermost { shape.n } else { shape.c };
        Some(Self {
            weight,
            bias,
            channels,
            axis,
            is_diagonal: axis == OutputAxis::Innermost,
            is_dense: match op {
                Op::Conv2d(op) => op.groups == 1,
                Op::Linear(_) => true,
                _ => false,
            },
        })
    }

    /// The output channel of a weight by its position.
    pub(crate) const fn output_channel(&self, index: usize, weights: usize) -> usize {
        match self.axis {
            OutputAxis::Outermost => index / (weights / self.channels),
            OutputAxis::Innermost => index % self.channels,
        }
    }
}

/// The operator with other weights and bias, and with a fused activation or none.
pub(crate) fn with_params(op: &Op, weight: ParamId, bias: Option<ParamId>) -> Op {
    let mut op = op.clone();
    let (old_weight, old_bias) = match &mut op {
        Op::Conv2d(op) => (&mut op.weight, &mut op.bias),
        Op::DepthwiseConv2d(op) => (&mut op.weight, &mut op.bias),
        Op::Linear(op) => (&mut op.weight, &mut op.bias),
        _ => return op,
    };
    *old_weight = weight;
    *old_bias = bias;
    op
}

/// The operator with this activation fused; `None` if it cannot have one.
pub(crate) fn with_activation(
    op: &Op,
    activation: Option<pocketvision_core::op::ActivationKind>,
) -> Option<Op> {
    let mut op = op.clone();
    let slot = match &mut op {
        Op::Conv2d(op) => &mut op.activation,
        Op::DepthwiseConv2d(op) => &mut op.activation,
        Op::Linear(op) => &mut op.activation,
        Op::Add(op) => &mut op.activation,
        Op::Mul(op) => &mut op.activation,
        _ => return None,
    };
    *slot = activation;
    Some(op)
}
