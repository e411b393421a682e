//! What a network is for.

use std::fmt;

use crate::{Graph, NodeId, Op};

/// What a network says about a picture.
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
