//! Which operators are computed together.
//!
//! A network of one image is bound by how many dispatches it takes, not by its arithmetic. So
//! what a shader can do before it stores a result is done there: residuals are added, scales
//! multiplied, pixels normalized as they are loaded, and pairs of layers of which only the second reads the first become one
//! dispatch.

use pocketvision_core::op::{Conv2d, Mul, Pool2d, PoolKind, Window};
use pocketvision_core::quant::QuantizedMul;
use pocketvision_core::{Graph, Keep, NodeId, Op, TensorType};
use pocketvision_shaders::{MOST_EXCITED_QUADS, MOST_SQUEEZED_QUADS};

use super::byte_function::ByteFunction;
use super::{Limits, tiles};
use crate::layout::quads;

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
    /// A 1x1 convolution, with what multiplies its input before and what is added after.
    Product { convolution: NodeId, scaled: Option<NodeId>, sum: Option<NodeId> },
    /// A dense convolution, with what normalizes its input's pixels before.
    Dense { pixels: NodeId, convolution: NodeId },
    /// A convolution, the 1x1 convolution that reads it, and what is added after; before it what
    /// normalizes its input's pixels.
    Project { pixels: Option<NodeId>, first: NodeId, project: NodeId, sum: Option<NodeId> },
    /// A 1x1 convolution and the depthwise convolution that reads it, with pooled sums.
    ExpandDepthwise { expand: NodeId, depthwise: NodeId },
    /// Both layers of squeeze-and-excitation, from the pooled sums of `depthwise`.
    SqueezeExcite { depthwise: NodeId, pool: NodeId, squeeze: NodeId, gate: NodeId },
    /// The average over an image of int8, and both layers of squeeze-and-excitation.
    SqueezeExciteInt8 { pool: NodeId, squeeze: ByteLayer, gate: ByteLayer },
    /// A 1x1 convolution and the average over the image that reads it.
    ProductPool { convolution: NodeId, pool: NodeId },
}

/// A layer of int8 and the functions of one byte that follow it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ByteLayer {
    pub(super) layer: NodeId,
    pub(super) functions: Vec<NodeId>,
}

impl ByteLayer {
    fn nodes(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.layer).chain(self.functions.iter().copied())
    }
}

impl Group {
    /// The layers it computes, in order.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        match *self {
            Self::Product { convolution, scaled, sum } => {
                scaled.into_iter().chain([convolution]).chain(sum).collect()
            }
            Self::Dense { pixels, convolution } => vec![pixels, convolution],
            Self::Project { pixels, first, project, sum } => {
                pixels.into_iter().chain([first, project]).chain(sum).collect()
            }
            Self::ExpandDepthwise { expand, depthwise } => vec![expand, depthwise],
            Self::SqueezeExcite { pool, squeeze, gate, .. } => vec![pool, squeeze, gate],
            Self::SqueezeExciteInt8 { pool, ref squeeze, ref gate } => {
                std::iter::once(pool).chain(squeeze.nodes()).chain(gate.nodes()).collect()
            }
            Self::ProductPool { convolution, pool } => vec![convolution, pool],
        }
    }
}

/// The role of each node. Where every node is handed back, all are computed alone.
pub(super) fn find(graph: &Graph, keep: Keep, limits: &Limits) -> Vec<Role> {
    let nodes = graph.nodes().len();
    let mut finder =
        Finder { graph, limits, consumers: graph.consumers(), roles: vec![Role::Alone; nodes] };
    if keep == Keep::Outputs && limits.tuning.is_fused {
        let ids: Vec<NodeId> = graph.iter().map(|(id, _)| id).collect();
        for &id in &ids {
            finder.squeeze_excite(id);
            finder.squeeze_excite_int8(id);
        }
        for &id in &ids {
            finder.product(id);
        }
        for &id in &ids {
            finder.dense(id);
        }
    }
    finder.roles
}

struct Finder<'g> {
    graph: &'g Graph,
    limits: &'g Limits,
    consumers: Vec<Vec<NodeId>>,
    roles: Vec<Role>,
}

impl Finder<'_> {
    /// From the product that applies the scale: the expansion and depthwise convolution before
    /// the pool, and the two layers after it.
    fn squeeze_excite(&mut self, scaled: NodeId) {
        let Some((depthwise, gate)) = self.scale_of(scaled) else { return };
        let [squeeze, pool, expand] = {
            let input = |id: NodeId| self.graph.node(id).inputs[0];
            let squeeze = input(gate);
            [squeeze, input(squeeze), input(depthwise)]
        };
        let channels = quads(self.graph.ty(gate).shape.c);
        let squeezed = quads(self.graph.ty(squeeze).shape.c);
        if channels > MOST_EXCITED_QUADS
            || squeezed > MOST_SQUEEZED_QUADS
            || !self.is_float(depthwise)
            || !self.is_product(expand)
            || self.only_consumer(expand) != Some(depthwise)
            || tiles::band(self.graph, depthwise, self.limits).is_none()
        {
            return;
        }
        self.end(&[expand], depthwise, Group::ExpandDepthwise { expand, depthwise });
        let group = Group::SqueezeExcite { depthwise, pool, squeeze, gate };
        self.end(&[pool, squeeze], gate, group);
    }

    /// What `scaled` multiplies, and the gate that it multiplies by, if both are as they are in
    /// squeeze-and-excitation.
    fn scale_of(&self, scaled: NodeId) -> Option<(NodeId, NodeId)> {
        let Op::Mul(Mul { activation: None }) = self.graph.node(scaled).op else { return None };
        let [a, b] = self.graph.node(scaled).inputs[..] else { return None };
        [(a, b), (b, a)].into_iter().find(|&(depthwise, gate)| {
            if !self.is_product(gate) || self.only_consumer(gate) != Some(scaled) {
                return false;
            }
            let squeeze = self.graph.node(gate).inputs[0];
            if !self.is_product(squeeze) || self.only_consumer(squeeze) != Some(gate) {
                return false;
            }
            let pool = self.graph.node(squeeze).inputs[0];
            self.is_average_of_image(pool)
                && self.only_consumer(pool) == Some(squeeze)
                && self.graph.node(pool).inputs[0] == depthwise
                && self.consumers[depthwise.index()].len() == 2
                && !self.graph.outputs().contains(&depthwise)
                && self.is_depthwise(depthwise)
        })
    }

    /// From the product that applies the scale: the average and the two layers before it.
    fn squeeze_excite_int8(&mut self, scaled: NodeId) {
        let Op::Mul(_) = self.graph.node(scaled).op else { return };
        let [a, b] = self.graph.node(scaled).inputs[..] else { return };
        if self.is_float(scaled) {
            return;
        }
        let found = [(a, b), (b, a)].into_iter().find_map(|(image, gate)| {
            let gate = self.byte_layer_to(gate)?;
            let squeeze = self.byte_layer_to(self.sole_input(gate.layer)?)?;
            let pool = self.sole_input(squeeze.layer)?;
            let is_pool =
                self.is_average_of_image(pool) && self.graph.node(pool).inputs[0] == image;
            let fits = quads(self.graph.ty(pool).shape.c) <= MOST_EXCITED_QUADS
                && quads(self.graph.ty(gate.layer).shape.c) <= MOST_EXCITED_QUADS
                && quads(self.graph.ty(squeeze.layer).shape.c) <= MOST_SQUEEZED_QUADS;
            (is_pool && fits).then_some((pool, squeeze, gate))
        });
        let Some((pool, squeeze, gate)) = found else { return };
        let group = Group::SqueezeExciteInt8 { pool, squeeze, gate };
        let mut nodes = group.nodes();
        if let Some(last) = nodes.pop() {
            self.end(&nodes, last, group);
        }
    }

    /// The layer whose outputs, through functions of one byte or none, become those of `last`.
    fn byte_layer_to(&self, last: NodeId) -> Option<ByteLayer> {
        let (mut layer, mut functions) = (last, Vec::new());
        while !self.is_product(layer) {
            let input = ByteFunction::of(self.graph, layer)?.input;
            functions.insert(0, layer);
            layer = (self.only_consumer(input) == Some(layer)).then_some(input)?;
        }
        Some(ByteLayer { layer, functions })
    }

    /// What a node reads, if nobody else does.
    fn sole_input(&self, id: NodeId) -> Option<NodeId> {
        let input = self.graph.node(id).inputs[0];
        (self.only_consumer(input) == Some(id)).then_some(input)
    }

    fn product(&mut self, id: NodeId) {
        if self.roles[id.index()] != Role::Alone || !self.is_product(id) {
            return;
        }
        if let Some(pool) = self.only_consumer(id).filter(|&pool| self.is_average_of_image(pool))
            && self.graph.ty(id).shape.pixels() <= MOST_POOLED_PIXELS
        {
            self.end(&[id], pool, Group::ProductPool { convolution: id, pool });
            return;
        }
        let first = self.graph.node(id).inputs[0];
        let first_alone =
            self.roles[first.index()] == Role::Alone && self.only_consumer(first) == Some(id);
        let sum = self.sum_after(id);
        let end = sum.unwrap_or(id);
        if first_alone
            && (self.is_depthwise(first) || self.is_dense_window(first))
            && tiles::project(self.graph, first, id, self.limits).is_some()
        {
            let pixels = self.pixels_before(first);
            let absorbed: Vec<NodeId> = pixels.into_iter().chain([first, id]).collect();
            self.end(&absorbed, end, Group::Project { pixels, first, project: id, sum });
            return;
        }
        let is_scaled = first_alone && scale_operand(self.graph, first).is_some();
        let scaled = is_scaled.then_some(first);
        if scaled.is_some() || sum.is_some() {
            let absorbed: Vec<NodeId> = scaled.into_iter().chain([id]).collect();
            self.end(&absorbed, end, Group::Product { convolution: id, scaled, sum });
        }
    }

    fn dense(&mut self, id: NodeId) {
        if self.roles[id.index()] == Role::Alone
            && let Some(pixels) = self.pixels_before(id)
        {
            self.end(&[pixels], id, Group::Dense { pixels, convolution: id });
        }
    }

    /// What normalizes the pixels that a dense convolution, and nobody else, reads.
    fn pixels_before(&self, convolution: NodeId) -> Option<NodeId> {
        if !self.is_dense_window(convolution) {
            return None;
        }
        let pixels = self.graph.node(convolution).inputs[0];
        let normalizes = matches!(self.graph.node(pixels).op, Op::Normalize(_));
        (normalizes && self.only_consumer(pixels) == Some(convolution)).then_some(pixels)
    }

    /// The addition that alone reads a node, if it can be part of the node's dispatch.
    fn sum_after(&self, id: NodeId) -> Option<NodeId> {
        let sum = self.only_consumer(id)?;
        let Op::Add(op) = self.graph.node(sum).op else { return None };
        let same_shape = self
            .graph
            .node(sum)
            .inputs
            .iter()
            .all(|&i| self.graph.ty(i).shape == self.graph.ty(sum).shape);
        let is_free = self.roles[sum.index()] == Role::Alone;
        let is_plain = op.activation.is_none() || !self.is_float(sum);
        (same_shape && is_free && is_plain).then_some(sum)
    }

    fn is_product(&self, id: NodeId) -> bool {
        match &self.graph.node(id).op {
            Op::Conv2d(Conv2d { window, groups: 1, .. }) => window.is_pointwise(),
            Op::Linear(_) => true,
            _ => false,
        }
    }

    fn is_dense_window(&self, id: NodeId) -> bool {
        match &self.graph.node(id).op {
            Op::Conv2d(Conv2d { window, groups: 1, .. }) => {
                !window.is_pointwise() && tiles::can_unroll(window)
            }
            _ => false,
        }
    }

    /// Of one filter a channel.
    fn is_depthwise(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        match &node.op {
            Op::DepthwiseConv2d(op) => {
                let input = self.graph.ty(node.inputs[0]).shape;
                input.c == node.output.shape.c && tiles::can_unroll(&op.window)
            }
            _ => false,
        }
    }

    fn is_average_of_image(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let Op::Pool2d(Pool2d { kind, window, .. }) = &node.op else { return false };
        let input = self.graph.ty(node.inputs[0]).shape;
        let Window { kernel_h, kernel_w, .. } = *window;
        let padding = window.resolve(input);
        *kind != PoolKind::Max
            && (kernel_h, kernel_w) == (input.h, input.w)
            && node.output.shape.pixels() == 1
            && (padding.top, padding.left) == (0, 0)
    }

    fn is_float(&self, id: NodeId) -> bool {
        self.graph.ty(id).element.is_float()
    }

    fn only_consumer(&self, id: NodeId) -> Option<NodeId> {
        match self.consumers[id.index()][..] {
            [only] if !self.graph.outputs().contains(&id) => Some(only),
            _ => None,
        }
    }

    fn end(&mut self, absorbed: &[NodeId], last: NodeId, group: Group) {
        for id in absorbed {
            self.roles[id.index()] = Role::Absorbed;
        }
        self.roles[last.index()] = Role::Ends(group);
    }
}

/// Which operand of a product is one number for each channel of an image, by which a 1x1
/// convolution may multiply as it loads that image; `None` if neither is.
pub(super) fn scale_operand(graph: &Graph, id: NodeId) -> Option<usize> {
    let node = graph.node(id);
    let Op::Mul(Mul { activation }) = node.op else { return None };
    let [a, b] = node.inputs[..] else { return None };
    let (a, b) = (graph.ty(a), graph.ty(b));
    let can_scale = if node.output.element.is_float() {
        activation.is_none()
    } else {
        // What the shader's arithmetic is made for.
        let mul = QuantizedMul::new(&a.element, &b.element, &node.output.element, activation);
        mul.output_multiplier.exponent <= 0
    };
    let whole = node.output.shape;
    let is_pair = |image: &TensorType, scale: &TensorType| {
        let (image, scale) = (image.shape, scale.shape);
        image == whole && scale.pixels() == 1 && scale.c == whole.c && scale.n == whole.n
    };
    let pairs = [(1, is_pair(a, b)), (0, is_pair(b, a))];
    pairs.into_iter().find(|(_, is_pair)| can_scale && *is_pair).map(|(scale, _)| scale)
}

/// One workgroup pools an image: on larger ones it would be busy long after all others.
const MOST_POOLED_PIXELS: usize = 256;
