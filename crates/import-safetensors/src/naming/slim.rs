//! TensorFlow-slim's names: scopes with a counter that the first of a kind goes without.

use pocketvision_core::models::{BlockLayer, LayerName, LayerRequest};

use super::LayerTensors;

pub(super) fn tensors(network: &str, layer: &LayerRequest) -> Option<LayerTensors> {
    if network.starts_with("mobilenet-v1") {
        return version_1(layer);
    }
    let prefix = [
        ("mobilenet-v2", "MobilenetV2"),
        ("mobilenet-v3", "MobilenetV3"),
        ("mobilenet-edgetpu-v2", ""),
        ("mobilenet-edgetpu", "MobilenetEdgeTPU"),
    ]
    .into_iter()
    .find(|(family, _)| network.starts_with(family))
    .map(|(_, prefix)| prefix)
    .filter(|prefix| !prefix.is_empty())?;
    let scope = match layer.name {
        LayerName::Stem => "Conv".to_owned(),
        LayerName::Head => "Conv_1".to_owned(),
        LayerName::PooledHead => "Conv_2".to_owned(),
        LayerName::Logits => "Logits/Conv2d_1c_1x1".to_owned(),
        LayerName::Detector { .. } | LayerName::Segmenter(_) => return None,
        LayerName::Block { number, layer, .. } => {
            let counter = if number == 1 { String::new() } else { format!("_{}", number - 1) };
            let layer = match layer {
                BlockLayer::Narrow => return None,
                BlockLayer::Expand => "expand",
                BlockLayer::Depthwise => "depthwise",
                BlockLayer::Squeeze => "squeeze_excite/Conv",
                BlockLayer::Excite => "squeeze_excite/Conv_1",
                BlockLayer::Project => "project",
            };
            format!("expanded_conv{counter}/{layer}")
        }
    };
    Some(of_scope(&format!("{prefix}/{scope}"), layer))
}

/// MobileNetV1 numbers its separable convolutions from 1.
fn version_1(layer: &LayerRequest) -> Option<LayerTensors> {
    let scope = match layer.name {
        LayerName::Stem => "MobilenetV1/Conv2d_0".to_owned(),
        LayerName::Logits => "Logits/Conv2d_1c_1x1".to_owned(),
        LayerName::Block { number, layer: BlockLayer::Depthwise, .. } => {
            format!("MobilenetV1/Conv2d_{number}_depthwise")
        }
        LayerName::Block { number, layer: BlockLayer::Project, .. } => {
            format!("MobilenetV1/Conv2d_{number}_pointwise")
        }
        _ => return None,
    };
    Some(of_scope(&format!("MobilenetV1/{scope}"), layer))
}

pub(super) fn of_scope(scope: &str, layer: &LayerRequest) -> LayerTensors {
    let weights = if layer.depthwise { "depthwise_weights" } else { "weights" };
    let named = |tensor| format!("{scope}/BatchNorm/{tensor}");
    LayerTensors {
        weight: format!("{scope}/{weights}"),
        bias: (!layer.normalized).then(|| format!("{scope}/biases")),
        scale: None,
        normalization: layer
            .normalized
            .then(|| ["gamma", "beta", "moving_mean", "moving_variance"].map(named)),
    }
}
