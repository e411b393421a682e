//! Where a network's tensors are in memory.

use std::ops::{Range, RangeInclusive};

use pocketvision_core::liveness::{lifetimes, plan_arena};
use pocketvision_core::{CompileOptions, Graph, NodeId, Op, Signature};

use crate::images::ImageLayers;
use crate::in_place::InPlace;
use crate::simd::Place;

/// Where each node's output is.
pub(crate) struct Layout {
    places: Vec<Place>,
    /// Of the arena.
    pub(crate) bytes: usize,
}

impl Layout {
    /// For a network, the first layers of which may be computed image by image.
    pub(crate) fn new(
        graph: &Graph,
        options: &CompileOptions,
        signature: &Signature,
        images: Option<&ImageLayers>,
        in_place: &InPlace,
    ) -> Self {
        let mut lives = lifetimes(graph, options.keep);
        let end = graph.nodes().len();
        let mut sizes: Vec<usize> = graph.nodes().iter().map(|node| node.output.bytes()).collect();
        // A tensor that is the bytes of another: reshaped, or written over it. The other one
        // then lives as long.
        let mut owners: Vec<usize> = (0..end).collect();
        let mut take_over = |index: usize, from: NodeId, lives: &mut Vec<_>, sizes: &mut Vec<_>| {
            let owner = owners[from.index()];
            owners[index] = owner;
            lives[owner] = union(&lives[owner], &lives[index]);
            sizes[index] = 0;
        };
        for (id, node) in graph.iter() {
            let index = id.index();
            match node.op {
                // Written before the first step runs.
                Op::Input => lives[index] = 0..=*lives[index].end(),
                // Written once, when the network is compiled.
                Op::Constant(_) => lives[index] = 0..=end,
                Op::Reshape(_) => take_over(index, node.inputs[0], &mut lives, &mut sizes),
                _ => {
                    if let Some(operand) = in_place.operand(id) {
                        take_over(index, node.inputs[operand], &mut lives, &mut sizes);
                    }
                }
            }
        }
        if let Some(images) = images {
            let all = 0..=images.end() - 1;
            for (index, life) in lives.iter_mut().enumerate().take(images.end()) {
                if images.is_inner(index) {
                    sizes[index] /= images.images;
                } else {
                    // Read or written again for each image.
                    *life = union(life, &all);
                }
            }
        }
        // Inputs are read where the caller has them, unless they are outputs as well.
        let stays =
            |owner: usize| signature.outputs.iter().any(|port| owners[port.node.index()] == owner);
        let mut given = vec![None; end];
        for (number, port) in signature.inputs.iter().enumerate() {
            let owner = port.node.index();
            if !stays(owner) {
                given[owner] = Some(number);
                sizes[owner] = 0;
            }
        }
        let plan = plan_arena(&sizes, &lives);
        let place = |&owner: &usize| {
            let start = plan.offsets[owner];
            match given[owner] {
                Some(input) => {
                    Place::Given { input, bytes: 0..graph.nodes()[owner].output.bytes() }
                }
                None => Place::Arena(start..start + sizes[owner]),
            }
        };
        Self { places: owners.iter().map(place).collect(), bytes: plan.bytes }
    }

    /// Where a node's output is.
    pub(crate) fn place(&self, node: NodeId) -> Place {
        self.places[node.index()].clone()
    }

    /// Where one image of the output of a node is that is computed image by image.
    pub(crate) fn image(&self, node: NodeId, images: &ImageLayers, image: usize) -> Place {
        let of_image = |range: Range<usize>| {
            let bytes = images.bytes_of(image, range.len());
            range.start + bytes.start..range.start + bytes.end
        };
        match self.place(node) {
            place if images.is_inner(node.index()) => place,
            Place::Arena(range) => Place::Arena(of_image(range)),
            Place::Given { input, bytes } => Place::Given { input, bytes: of_image(bytes) },
        }
    }

    /// Where in the arena a node's output is.
    ///
    /// # Panics
    /// If the caller gives it.
    pub(crate) fn range(&self, node: NodeId) -> Range<usize> {
        match self.place(node) {
            Place::Arena(range) => range,
            Place::Given { .. } => panic!("{node} is given by the caller"),
        }
    }
}

/// Of two spans, from the first start to the last end.
fn union(a: &RangeInclusive<usize>, b: &RangeInclusive<usize>) -> RangeInclusive<usize> {
    *a.start().min(b.start())..=*a.end().max(b.end())
}
