//! The end of a detector, on one thread: a few hundred microseconds of sorting and branches.

use std::sync::{Mutex, PoisonError};

use pocketvision_core::detection::{Numbers, Postprocessor};
use pocketvision_core::op::DetectionPostprocess;
use pocketvision_core::{Element, Tensor};

use super::Kernel;
use crate::simd::{Inputs, Tile};

/// Decodes and suppresses boxes: see [`Postprocessor`].
#[derive(Debug)]
pub(crate) struct DetectionKernel {
    /// One thread at a time uses it: the output is one part.
    postprocessor: Mutex<Postprocessor>,
    anchor_bytes: usize,
    elements: [Element; 2],
}

impl DetectionKernel {
    pub(crate) fn new(op: &DetectionPostprocess, anchors: &Tensor, elements: [Element; 2]) -> Self {
        let postprocessor = Postprocessor::new(op, anchors);
        let anchor_bytes = postprocessor.anchor_bytes();
        Self { postprocessor: Mutex::new(postprocessor), anchor_bytes, elements }
    }
}

impl Kernel for DetectionKernel {
    fn name(&self) -> String {
        "detection postprocess".into()
    }

    fn weight_bytes(&self) -> usize {
        self.anchor_bytes
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let [boxes, scores] =
            [0, 1].map(|index| Numbers::new(&self.elements[index], inputs.bytes(index)));
        // A panic in an earlier run left nothing behind that this one reads.
        let mut postprocessor = self.postprocessor.lock().unwrap_or_else(PoisonError::into_inner);
        postprocessor.run(boxes, scores, tile.row_of(0));
    }
}
