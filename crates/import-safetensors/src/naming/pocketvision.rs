//! Our own names: those of the graph's parameters.

use pocketvision_core::models::LayerRequest;

use super::LayerTensors;

pub(super) fn tensors(layer: &LayerRequest) -> LayerTensors {
    LayerTensors {
        weight: format!("{}/weight", layer.name),
        bias: Some(format!("{}/bias", layer.name)),
        scale: None,
        normalization: None,
    }
}
