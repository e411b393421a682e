//! Which operators are computed together.
//!
//! A network of one image is bound by how many dispatches it takes, not by its arithmetic. So
//! what a shader can do before it stores a result is done there: residuals are added, scales
//! multiplied, pixels normalized as they are loaded, functions of one byte looked up, and pairs of
//! layers of which only the second reads the first become one dispatch. This file says what there
//! is; `grouping.rs` finds it in a network.

use pocketvision_core::NodeId;

/// What becomes of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// It is computed by itself.
    Alone,
    /// A later node computes it along with itself.
    Absorbed,
    /// It is the last node of a group.
    Ends(Group),
}

/// Nodes that become one dispatch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Group {
    /// A layer by itself.
    Layer(Activated),
    /// A 1x1 convolution, with what multiplies its input before and what is added after.
    Product { convolution: Activated, scaled: Option<NodeId>, sum: Option<NodeId> },
    /// A dense convolution, with what normalizes its input's pixels before.
    Dense { pixels: NodeId, convolution: NodeId },
    /// A convolution, the 1x1 convolution that reads it, and what is added after; before it what
    /// normalizes its input's pixels.
    Project { pixels: Option<NodeId>, first: Activated, project: NodeId, sum: Option<NodeId> },
    /// A 1x1 convolution and the depthwise convolution that reads it, with pooled sums.
    ExpandDepthwise { expand: NodeId, depthwise: NodeId },
    /// A depthwise convolution with pooled sums.
    DepthwisePool { depthwise: NodeId },
    /// The first layer of squeeze-and-excitation, from the pooled sums of `depthwise`.
    Squeeze { depthwise: NodeId, pool: NodeId, squeeze: NodeId },
    /// Both layers of squeeze-and-excitation, from the pooled sums of `depthwise`.
    SqueezeExcite { depthwise: NodeId, pool: NodeId, squeeze: NodeId, gate: NodeId },
    /// The average over an image of int8, and both layers of squeeze-and-excitation.
    SqueezeExciteInt8 { pool: NodeId, squeeze: Activated, gate: Activated },
    /// A 1x1 convolution and the average over the image that reads it.
    ProductPool { convolution: Activated, pool: NodeId },
}

/// A layer and, in int8, the functions of one byte that follow it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Activated {
    pub(super) layer: NodeId,
    pub(super) functions: Vec<NodeId>,
}

impl Activated {
    pub(super) const fn alone(layer: NodeId) -> Self {
        Self { layer, functions: Vec::new() }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.layer).chain(self.functions.iter().copied())
    }

    /// The node whose output is that of all.
    pub(super) fn last(&self) -> NodeId {
        self.functions.last().copied().unwrap_or(self.layer)
    }
}

impl Group {
    /// The layers it computes, in order.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        match *self {
            Self::Layer(ref layer) => layer.nodes().collect(),
            Self::Product { ref convolution, scaled, sum } => {
                scaled.into_iter().chain(convolution.nodes()).chain(sum).collect()
            }
            Self::Dense { pixels, convolution } => vec![pixels, convolution],
            Self::Project { pixels, ref first, project, sum } => {
                pixels.into_iter().chain(first.nodes()).chain([project]).chain(sum).collect()
            }
            Self::ExpandDepthwise { expand, depthwise } => vec![expand, depthwise],
            Self::DepthwisePool { depthwise } => vec![depthwise],
            Self::Squeeze { pool, squeeze, .. } => vec![pool, squeeze],
            Self::SqueezeExcite { pool, squeeze, gate, .. } => vec![pool, squeeze, gate],
            Self::SqueezeExciteInt8 { pool, ref squeeze, ref gate } => {
                std::iter::once(pool).chain(squeeze.nodes()).chain(gate.nodes()).collect()
            }
            Self::ProductPool { ref convolution, pool } => {
                convolution.nodes().chain([pool]).collect()
            }
        }
    }
}
