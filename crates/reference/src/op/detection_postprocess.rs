//! From box encodings and scores to detections.

use pocketvision_core::detection::{Numbers, Postprocessor};
use pocketvision_core::op::DetectionPostprocess;
use pocketvision_core::{Graph, Tensor, TensorSliceMut};

/// What [`Postprocessor`] says: its arithmetic is the definition.
pub(super) fn detection_postprocess(
    op: &DetectionPostprocess,
    graph: &Graph,
    [boxes, scores]: [&Tensor; 2],
    output: &mut Tensor,
) {
    let TensorSliceMut::F32(rows) = output.slice_mut() else { unreachable!() };
    let numbers = |tensor| Numbers::new(Tensor::element(tensor), Tensor::bytes(tensor));
    let mut postprocessor = Postprocessor::new(op, graph.param(op.anchors));
    postprocessor.run(numbers(boxes), numbers(scores), rows);
}
