//! Which nodes of a network become one dispatch.

use std::collections::HashSet;

use pocketvision_core::op::{Conv2d, Mul, Normalize, Pool2d, PoolKind, Window};
use pocketvision_core::quant::QuantizedMul;
use pocketvision_core::{Element, Graph, Keep, NodeId, Op, TensorType};
use pocketvision_shaders::{MOST_EXCITED_QUADS, MOST_SQUEEZED_QUADS};

use super::byte_function;
use super::groups::{Activated, Group, Role};
use super::{Limits, tiles};
use crate::layout::{quads, tensor_quads};
use crate::tuning::{Fusion, Tuning};

/// The role of each node. Where every node is handed back, all are computed alone.
pub(super) fn find(graph: &Graph, keep: Keep, limits: &Limits) -> Vec<Role> {
    let nodes = graph.nodes().len();
    let mut finder =
        Finder { graph, limits, consumers: graph.consumers(), roles: vec![Role::Alone; nodes] };
    if keep == Keep::Outputs && limits.tuning.fusion != Fusion::None {
        let ids: Vec<NodeId> = graph.iter().map(|(id, _)| id).collect();
        for &id in &ids {
            finder.squeeze_excite(id);
            finder.squeeze_excite_int8(id);
        }
        for &id in &ids {
            finder.product(id);
        }
        for &id in &ids {
            finder.windowed(id);
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
        if !self.is_float(depthwise) {
            return;
        }
        let channels = quads(self.graph.ty(gate).shape.c);
        let squeezed = quads(self.graph.ty(squeeze).shape.c);
        let fits = channels <= MOST_EXCITED_QUADS && squeezed <= MOST_SQUEEZED_QUADS;
        // Software hands nothing over in workgroup memory, which is loaded as any other.
        if self.limits.tuning.has_fours {
            return;
        }
        if self.limits.tuning.fusion == Fusion::Ends {
            self.form(Group::DepthwisePool { depthwise });
            self.form(match fits && channels * squeezed <= MOST_EXCITED_BY_ONE {
                true => Group::SqueezeExcite { depthwise, pool, squeeze, gate },
                false => Group::Squeeze { depthwise, pool, squeeze },
            });
            return;
        }
        if !fits
            || !self.is_product(expand)
            || self.only_consumer(expand) != Some(depthwise)
            || tiles::band(self.graph, depthwise, self.limits).is_none()
        {
            return;
        }
        self.form(Group::ExpandDepthwise { expand, depthwise });
        self.form(Group::SqueezeExcite { depthwise, pool, squeeze, gate });
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
        let is_product = |id| self.is_product(id);
        let found = [(a, b), (b, a)].into_iter().find_map(|(image, gate)| {
            let gate = self.activated_to(gate, is_product)?;
            let squeeze = self.activated_to(self.sole_input(gate.layer)?, is_product)?;
            let pool = self.sole_input(squeeze.layer)?;
            let is_pool =
                self.is_average_of_image(pool) && self.graph.node(pool).inputs[0] == image;
            let fits = quads(self.graph.ty(pool).shape.c) <= MOST_EXCITED_QUADS
                && quads(self.graph.ty(gate.layer).shape.c) <= MOST_EXCITED_QUADS
                && quads(self.graph.ty(squeeze.layer).shape.c) <= MOST_SQUEEZED_QUADS;
            (is_pool && fits).then_some((pool, squeeze, gate))
        });
        let Some((pool, squeeze, gate)) = found else { return };
        self.form(Group::SqueezeExciteInt8 { pool, squeeze, gate });
    }

    /// The layer, of those that are looked for, whose outputs become those of `last`, through
    /// functions of one byte or none.
    fn activated_to(
        &self,
        last: NodeId,
        is_looked_for: impl Fn(NodeId) -> bool,
    ) -> Option<Activated> {
        let (mut layer, mut functions) = (last, Vec::new());
        while !is_looked_for(layer) {
            if functions.len() == MOST_FUNCTIONS {
                return None;
            }
            let input = byte_function::input_of(self.graph, layer)?;
            functions.insert(0, layer);
            layer = (self.only_consumer(input) == Some(layer)).then_some(input)?;
        }
        Some(Activated { layer, functions })
    }

    /// A layer with the functions of one byte that follow it and that are free.
    fn activated(&self, layer: NodeId) -> Activated {
        let mut activated = Activated::alone(layer);
        while let Some(next) = self.only_consumer(activated.last())
            && self.roles[next.index()] == Role::Alone
            && byte_function::input_of(self.graph, next) == Some(activated.last())
        {
            activated.functions.push(next);
        }
        activated
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
        let convolution = self.activated(id);
        let after = self.only_consumer(convolution.last());
        let is_free_average = |&pool: &NodeId| {
            self.roles[pool.index()] == Role::Alone && self.is_average_of_image(pool)
        };
        if let Some(pool) = after.filter(is_free_average)
            && self.graph.ty(id).shape.pixels() <= MOST_POOLED_PIXELS
            && !self.limits.tuning.has_fours
            && self.is_pooled_at_once(id)
        {
            self.form(Group::ProductPool { convolution, pool });
            return;
        }
        let before = self.graph.node(id).inputs[0];
        let before_alone =
            self.roles[before.index()] == Role::Alone && self.only_consumer(before) == Some(id);
        let sum = self.sum_after(convolution.last());
        let has_window = |id| self.is_depthwise(id) || self.is_dense_window(id);
        if self.limits.tuning.fusion == Fusion::Layers
            && before_alone
            && let Some(first) = self.activated_to(before, has_window)
            && first.nodes().all(|id| self.roles[id.index()] == Role::Alone)
            && convolution.functions.is_empty()
            && tiles::project(self.graph, first.layer, id, self.limits).is_some()
        {
            let pixels = self.pixels_before(first.layer);
            self.form(Group::Project { pixels, first, project: id, sum });
            return;
        }
        let is_scaled = before_alone && scale_operand(self.graph, before).is_some();
        let scaled = is_scaled.then_some(before);
        if scaled.is_some() || sum.is_some() || !convolution.functions.is_empty() {
            self.form(Group::Product { convolution, scaled, sum });
        }
    }

    /// Whether a layer is small enough that its pool should be part of its dispatch.
    fn is_pooled_at_once(&self, id: NodeId) -> bool {
        let Tuning { busy_invocations, fusion, .. } = self.limits.tuning;
        let quads = tensor_quads(self.graph.ty(id).shape);
        fusion == Fusion::Layers || quads <= MOST_POOLED_AT_ONCE * busy_invocations
    }

    /// Layers whose window is more than a pixel.
    fn windowed(&mut self, id: NodeId) {
        if self.roles[id.index()] != Role::Alone {
            return;
        }
        if let Some(pixels) = self.pixels_before(id) {
            self.form(Group::Dense { pixels, convolution: id });
        } else if self.is_depthwise(id) || self.is_dense_window(id) {
            let layer = self.activated(id);
            if !layer.functions.is_empty() {
                self.form(Group::Layer(layer));
            }
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
        is_dense_window(self.graph, id)
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

    /// Makes nodes a group, which is computed where its last node is.
    fn form(&mut self, group: Group) {
        let nodes = group.nodes();
        for id in &nodes {
            self.roles[id.index()] = Role::Absorbed;
        }
        if let Some(last) = nodes.last() {
            self.roles[last.index()] = Role::Ends(group);
        }
    }
}

/// The inputs that are pictures, and read as the caller has them, without padding: bytes that are
/// normalized, and floats of three channels that one dense convolution alone reads.
pub(super) fn pictures(graph: &Graph, keep: Keep, limits: &Limits) -> HashSet<NodeId> {
    let consumers = graph.consumers();
    let is_picture = |id: &NodeId| {
        let readers = &consumers[id.index()];
        let ty = graph.ty(*id);
        if ty.element == Normalize::PIXELS {
            let normalizes = |id: &NodeId| matches!(graph.node(*id).op, Op::Normalize(_));
            return !readers.is_empty() && readers.iter().all(normalizes);
        }
        let is_read_alone = matches!(readers[..], [reader] if is_dense_window(graph, reader));
        let is_kept = keep == Keep::EveryNode || graph.outputs().contains(id);
        // A processor pads sooner than it loads three numbers for four.
        let is_slow = is_kept || limits.tuning.has_few_workgroups;
        ty.element == Element::F32 && ty.shape.c == 3 && is_read_alone && !is_slow
    };
    graph.inputs().iter().copied().filter(is_picture).collect()
}

/// A convolution, not of single pixels, whose columns of taps can be written out.
fn is_dense_window(graph: &Graph, id: NodeId) -> bool {
    match &graph.node(id).op {
        Op::Conv2d(Conv2d { window, groups: 1, .. }) => {
            !window.is_pointwise() && tiles::can_unroll(window)
        }
        _ => false,
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

/// Functions of one byte between two layers: more than any network has, and few enough that looking
/// through them again for each of many products is soon done.
const MOST_FUNCTIONS: usize = 16;

/// Quads before squeezing times quads after it that one workgroup soon has multiplied, of which each
/// is 16 weights and as many for the gate.
const MOST_EXCITED_BY_ONE: usize = 512;

/// Quads of a layer that its pool's workgroups soon compute on a card, as a multiple of the invocations
/// that keep it busy; more are computed faster in larger tiles, and pooled by another dispatch.
const MOST_POOLED_AT_ONCE: usize = 8;

/// One workgroup pools an image: on larger ones it would be busy long after all others.
const MOST_POOLED_PIXELS: usize = 256;
