//! Operators that are not built in.

use super::FileOperator;
use crate::schema::builtin;

/// The custom operators that we translate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Custom {
    /// Boxes and scores to detections: every SSD detector that TensorFlow exports ends in it.
    DetectionPostprocess,
    /// MediaPipe's transposed convolution.
    TransposeConvBias,
}

impl Custom {
    /// Which one an operator is, if it is one.
    pub(super) fn of(operator: &FileOperator<'_>) -> Option<Self> {
        match operator.custom_code {
            _ if operator.code != builtin::CUSTOM => None,
            b"TFLite_Detection_PostProcess" => Some(Self::DetectionPostprocess),
            b"Convolution2DTransposeBias" => Some(Self::TransposeConvBias),
            _ => None,
        }
    }
}

impl FileOperator<'_> {
    /// True for the one operator that yields several tensors.
    pub(crate) fn is_detection_postprocess(&self) -> bool {
        Custom::of(self) == Some(Custom::DetectionPostprocess)
    }
}
