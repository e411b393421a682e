//! What a network is for.

use std::fmt;

use crate::{Graph, NodeId, Op};

/// What a network says about a picture.
///
/// ```
/// use pocketvision::Task;
///
/// let all = [Task::Classify, Task::Detect, Task::Segment];
/// assert_eq!(all.map(Task::name), ["classify", "detect", "segment"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// What it shows: one score for each class.
    Classify,
    /// What is where: boxes, each with a class and a score.
    Detect,
    /// What each pixel belongs to.
    Segment,
}

impl Task {
    /// The task of a network, by its outputs; `None` if they are none that we know how to read.
    ///
    /// A detector ends in [`crate::op::DetectionPostprocess`]. One map of integers, of scores
    /// or of likelihoods is a segmentation. A first output of one vector of scores is a
    /// classification.
    ///
    /// ```
    /// use pocketvision::{Element, GraphBuilder, Shape, Task, TensorType};
    ///
    /// let mut builder = GraphBuilder::new("map");
    /// let scores = builder.input("scores", TensorType::new(Shape::new(1, 8, 8, 21), Element::F32))?;
    /// assert_eq!(Task::of(&builder.finish(&[scores])?), Some(Task::Segment));
    /// # Ok::<(), pocketvision::GraphError>(())
    /// ```
    pub fn of(graph: &Graph) -> Option<Self> {
        let output = graph.outputs()[0];
        let shape = graph.ty(output).shape;
        if matches!(graph.node(source(graph, output)).op, Op::DetectionPostprocess(_)) {
            Some(Self::Detect)
        } else if shape.pixels() == 1 && shape.c > 1 {
            Some(Self::Classify)
        } else if shape.h > 1 && shape.w > 1 && shape.c <= 256 && graph.outputs().len() == 1 {
            Some(Self::Segment)
        } else {
            None
        }
    }

    /// What people type: `classify`, `detect` or `segment`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Detect => "detect",
            Self::Segment => "segment",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Number of classes that a network tells apart, a detector's background not counted.
pub(super) fn class_count(graph: &Graph) -> Option<usize> {
    let output = graph.outputs()[0];
    let channels = graph.ty(output).shape.c;
    match Task::of(graph)? {
        Task::Classify => Some(channels),
        Task::Detect => match &graph.node(source(graph, output)).op {
            Op::DetectionPostprocess(op) => Some(op.classes),
            _ => None,
        },
        Task::Segment => {
            let last = graph.node(source(graph, output));
            match last.op {
                Op::ArgMax(_) => Some(graph.ty(last.inputs[0]).shape.c),
                // Foreground and background.
                _ if channels == 1 => Some(2),
                _ => Some(channels),
            }
        }
    }
}

/// The node that computed what an output holds, before it was relabelled or converted.
fn source(graph: &Graph, output: NodeId) -> NodeId {
    let mut id = output;
    while let Op::Reshape(_) | Op::Quantize(_) | Op::Dequantize(_) = graph.node(id).op {
        id = graph.node(id).inputs[0];
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::{BoxCoder, Suppression, SuppressionKind};
    use crate::op::{ArgMax, DetectionPostprocess, Reshape};
    use crate::{Element, GraphBuilder, Shape, Tensor, TensorType};

    /// The task and classes of a network that is one input, or one operator after it.
    fn of(
        shape: [usize; 4],
        operators: impl FnOnce(&mut GraphBuilder, NodeId) -> NodeId,
    ) -> (Option<Task>, Option<usize>) {
        let mut builder = GraphBuilder::new("network");
        let input = builder.input("x", TensorType::new(shape.into(), Element::F32)).unwrap();
        let output = operators(&mut builder, input);
        let graph = builder.finish(&[output]).unwrap();
        (Task::of(&graph), class_count(&graph))
    }

    #[test]
    fn scores_maps_and_likelihoods_are_told_apart() {
        let as_it_is = |_: &mut GraphBuilder, input| input;
        assert_eq!(of([1, 1, 1, 1001], as_it_is), (Some(Task::Classify), Some(1001)));
        assert_eq!(of([1, 8, 8, 21], as_it_is), (Some(Task::Segment), Some(21)));
        assert_eq!(of([1, 8, 8, 1], as_it_is), (Some(Task::Segment), Some(2)));
        assert_eq!(of([1, 8, 8, 500], as_it_is), (None, None));
        assert_eq!(of([1, 1, 1, 1], as_it_is), (None, None));
        assert_eq!(of([1, 1, 8, 4], as_it_is), (None, None));
    }

    #[test]
    fn operators_say_what_relabelled_outputs_are() {
        let index = of([1, 8, 8, 19], |builder, input| {
            let map = builder.push("map", Op::ArgMax(ArgMax), &[input]).unwrap();
            let reshape = Op::Reshape(Reshape { shape: Shape::new(1, 4, 16, 1) });
            builder.push("flat", reshape, &[map]).unwrap()
        });
        assert_eq!(index, (Some(Task::Segment), Some(19)));

        let detector = of([1, 1, 3, 4], |builder, boxes| {
            let anchors = Tensor::from_f32(Shape::new(1, 1, 3, 4), vec![0.5; 12]).unwrap();
            let op = DetectionPostprocess {
                anchors: builder.param("anchors", anchors),
                coder: BoxCoder::SSD,
                suppression: Suppression {
                    kind: SuppressionKind::Fast { classes_per_detection: 1 },
                    score_threshold: 0.1,
                    iou_threshold: 0.5,
                    max_detections: 4,
                },
                classes: 90,
            };
            let scores = TensorType::new(Shape::new(1, 1, 3, 91), Element::F32);
            let scores = builder.input("scores", scores).unwrap();
            builder.push("found", Op::DetectionPostprocess(op), &[boxes, scores]).unwrap()
        });
        assert_eq!(detector, (Some(Task::Detect), Some(90)));
    }
}
