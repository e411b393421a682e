//! The first layers of a network of several images, which they pass one by one.
//!
//! Layer by layer, the large tensors of a network's first layers are larger still by the number
//! of images: each layer reads from memory what the one before has written there. Image by
//! image they stay in the caches, and need no more memory than one image does. Later layers have
//! more weights than activations; they take all images at once, so that weights are read once.

use std::ops::Range;

use pocketvision_core::{Graph, GraphBuilder, Keep, Node, NodeId, Op};

/// Layers that images pass one by one.
#[derive(Debug)]
pub(crate) struct ImageLayers {
    /// The nodes of these layers for one image, with the ids that they have in the network.
    pub(crate) graph: Graph,
    /// Number of images.
    pub(crate) images: usize,
    /// For each of the nodes, whether nobody but these layers reads it.
    is_inner: Vec<bool>,
}

impl ImageLayers {
    /// Those of a network; `None` if there is one image, or nothing to gain.
    pub(crate) fn of(network: &Graph, keep: Keep) -> Option<Self> {
        let images = network.ty(*network.inputs().first()?).shape.n;
        if images < 2 {
            return None;
        }
        let end = first_nodes(network, images);
        let consumers = network.consumers();
        let mut is_inner: Vec<bool> = (0..end)
            .map(|index| {
                let readers = &consumers[index];
                let is_input = matches!(network.nodes()[index].op, Op::Input);
                !is_input && !readers.is_empty() && readers.iter().all(|id| id.index() < end)
            })
            .collect();
        for output in network.outputs().iter().filter(|id| id.index() < end) {
            is_inner[output.index()] = false;
        }
        let saved = network.nodes().iter().zip(&is_inner).filter(|&(_, &is_inner)| is_inner);
        let saved_an_image: usize = saved.map(|(node, _)| node.output.bytes() / images).sum();
        if saved_an_image < LEAST_IMAGE_BYTES || saved_an_image * images < WORTHWHILE_BYTES {
            return None;
        }
        // The same layers as otherwise, so that results do not depend on what is kept.
        if keep == Keep::EveryNode {
            is_inner.fill(false);
        }
        Some(Self { graph: one_image(network, end)?, images, is_inner })
    }

    /// Number of the nodes.
    pub(crate) fn end(&self) -> usize {
        self.is_inner.len()
    }

    /// Whether a node's tensor has room for one image only.
    pub(crate) fn is_inner(&self, index: usize) -> bool {
        self.is_inner.get(index) == Some(&true)
    }

    /// The bytes of one image in a tensor of so many bytes that has room for all.
    pub(crate) const fn bytes_of(&self, image: usize, bytes: usize) -> Range<usize> {
        let length = bytes / self.images;
        image * length..(image + 1) * length
    }
}

/// How many of a network's first nodes compute each image by itself, with few weights in all.
fn first_nodes(network: &Graph, images: usize) -> usize {
    let mut weight_bytes = 0;
    let passes = |node: &&Node| {
        let params = node.op.params().into_iter();
        weight_bytes += params.map(|id| network.param(id).bytes().len()).sum::<usize>();
        let reads_images = |&id: &NodeId| network.ty(id).shape.n == images;
        weight_bytes <= MOST_WEIGHT_BYTES
            && goes_by_images(&node.op)
            && node.output.shape.n == images
            && node.inputs.iter().all(reads_images)
    };
    network.nodes().iter().take_while(passes).count()
}

/// Whether an operator computes each image from the same one of its inputs.
const fn goes_by_images(op: &Op) -> bool {
    matches!(
        op,
        Op::Input
            | Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::Pool2d(_)
            | Op::Add(_)
            | Op::Mul(_)
            | Op::Activation(_)
            | Op::Quantize(_)
            | Op::Dequantize(_)
            | Op::Normalize(_)
    )
}

/// The first nodes of a network, for one image.
fn one_image(network: &Graph, end: usize) -> Option<Graph> {
    let mut builder = GraphBuilder::with_params_of(network, network.name());
    let mut last = None;
    for (_, node) in network.iter().take(end) {
        let id = if matches!(node.op, Op::Input) {
            let mut ty = node.output.clone();
            ty.shape.n = 1;
            builder.input(node.name.as_str(), ty)
        } else {
            let element = node.output.element.clone();
            builder.push_as(node.name.as_str(), node.op.clone(), &node.inputs, element)
        };
        last = Some(id.ok()?);
    }
    builder.finish(&[last?]).ok()
}

/// Weights that are read again for each image, and should stay in the second-level cache.
const MOST_WEIGHT_BYTES: usize = 256 << 10;

/// Less than this stays in some cache anyway.
const WORTHWHILE_BYTES: usize = 4 << 20;

/// Steps of smaller images take less time than handing them out.
const LEAST_IMAGE_BYTES: usize = 256 << 10;
