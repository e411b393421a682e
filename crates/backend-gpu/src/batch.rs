//! Batches that are too large for a device, in parts.
//!
//! A shader sees a buffer through a binding, and devices limit how large one is: 128 MiB is all that
//! a browser promises, which a batch of pictures may exceed where one picture does not. Such a
//! network is compiled for a part of the batch and run once for each part.

use std::ops::Range;

use pocketvision_core::op::Reshape;
use pocketvision_core::{Graph, GraphBuilder, NodeId, Op, Shape};

/// One of several equal parts of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) index: usize,
    pub(crate) count: usize,
}

impl Part {
    /// A batch in one piece.
    pub(crate) const WHOLE: Self = Self { index: 0, count: 1 };

    /// Its share of so many elements, of which each part has equally many.
    pub(crate) const fn of(self, elements: usize) -> Range<usize> {
        let share = elements / self.count;
        self.index * share..(self.index + 1) * share
    }
}

/// The network for one of `parts` equal parts of its batch; `None` if the batch cannot be divided
/// so, or a node mixes pictures.
pub(crate) fn divided(graph: &Graph, parts: usize) -> Option<Graph> {
    let batch = graph.ty(*graph.inputs().first()?).shape.n;
    if !batch.is_multiple_of(parts) {
        return None;
    }
    let smaller = |shape: Shape| Shape { n: batch / parts, ..shape };
    let mut builder = GraphBuilder::with_params_of(graph, graph.name());
    let mut renamed: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let mut ty = node.output.clone();
        let is_constant = matches!(node.op, Op::Constant(_));
        let whole = ty.shape;
        // A constant is the same for each picture, or cannot be divided.
        if whole.n != if is_constant { 1 } else { batch } {
            return None;
        }
        let expected = if is_constant { whole } else { smaller(whole) };
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| renamed[input.index()]).collect();
        let id = match &node.op {
            Op::Input => {
                ty.shape = expected;
                builder.input(node.name.clone(), ty).ok()?
            }
            Op::DetectionPostprocess(_) => return None,
            op => {
                let op = match op {
                    Op::Reshape(_) => Op::Reshape(Reshape { shape: expected }),
                    op => op.clone(),
                };
                builder.push_as(node.name.clone(), op, &inputs, ty.element).ok()?
            }
        };
        if builder.ty(id).shape != expected {
            return None;
        }
        renamed.push(id);
    }
    let outputs: Vec<NodeId> = graph.outputs().iter().map(|id| renamed[id.index()]).collect();
    builder.finish(&outputs).ok()
}

/// Into how many parts a batch can be cut, fewest first, the whole one left out.
pub(crate) fn part_counts(graph: &Graph) -> impl Iterator<Item = usize> {
    let batch = graph.inputs().first().map_or(1, |&input| graph.ty(input).shape.n);
    (2..=batch).filter(move |&parts| batch.is_multiple_of(parts))
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Softmax;
    use pocketvision_core::{Element, TensorType};

    use super::*;

    fn network(reshaped: Shape) -> Graph {
        let mut builder = GraphBuilder::new("batch");
        let ty = TensorType::new(Shape::new(6, 2, 2, 3), Element::F32);
        let x = builder.input("x", ty).unwrap();
        let y = builder.push("flat", Op::Reshape(Reshape { shape: reshaped }), &[x]).unwrap();
        let y = builder.push("scores", Op::Softmax(Softmax { beta: 1.0 }), &[y]).unwrap();
        builder.finish(&[y]).unwrap()
    }

    #[test]
    fn parts_are_equal_and_in_order() {
        let graph = network(Shape::new(6, 1, 1, 12));
        assert_eq!(part_counts(&graph).collect::<Vec<_>>(), [2, 3, 6]);
        let part = divided(&graph, 3).unwrap();
        assert_eq!(part.ty(part.inputs()[0]).shape, Shape::new(2, 2, 2, 3));
        assert_eq!(part.ty(part.outputs()[0]).shape, Shape::new(2, 1, 1, 12));
        let shares: Vec<_> = (0..3).map(|index| Part { index, count: 3 }.of(72)).collect();
        assert_eq!(shares, [0..24, 24..48, 48..72]);
        assert_eq!(Part::WHOLE.of(72), 0..72);
    }

    #[test]
    fn what_mixes_pictures_is_not_divided() {
        assert_eq!(divided(&network(Shape::new(1, 6, 1, 12)), 2), None);
        assert_eq!(divided(&network(Shape::new(6, 1, 1, 12)), 4), None);
    }
}
