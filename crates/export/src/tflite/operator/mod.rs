//! From one node to one or a few of TFLite's operators: a file for each family.

mod convolution;
mod detection;
mod elementwise;
mod layout;
mod normalize;
mod pool;
mod quantize;
mod segmentation;
mod transpose_conv;

pub(super) use elementwise::{mul_options, mul_version};
use pocketvision_core::op::ActivationKind;
use pocketvision_import_tflite::schema::activation;

/// The code of an activation that TFLite's operators can fuse: a clamp, or none.
fn fused(kind: Option<ActivationKind>) -> i8 {
    match kind {
        Some(ActivationKind::Relu) => activation::RELU,
        Some(ActivationKind::Relu6) => activation::RELU6,
        _ => activation::NONE,
    }
}
