//! Names of a detector's frozen graph, as TensorFlow's object detection API exports it and
//! TensorFlow.js stores it: batch normalisation of the backbone is folded into weights and a
//! shift, or stands behind depthwise convolutions as a scale and a shift.

use pocketvision_core::models::{BlockLayer, DetectorLayer, LayerName, LayerRequest};

use super::LayerTensors;
use super::slim::of_scope;

/// The graph's own constants, which are no weights: preprocessing, anchors and decoding, which
/// follow from the definition.
pub(super) fn is_constant(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or(name);
    let of_predictor = first.starts_with("BoxPredictor_") && name.contains("/stack");
    ["Preprocessor", "Postprocessor", "ConstantFolding", "MultipleGridAnchorGenerator"]
        .contains(&first)
        || of_predictor
}

pub(super) fn tensors(network: &str, layer: &LayerRequest) -> Option<LayerTensors> {
    if !network.starts_with("ssdlite-mobilenet-v2") {
        return None;
    }
    let scope = match layer.name {
        LayerName::Stem => "Conv".to_owned(),
        LayerName::Head => "Conv_1".to_owned(),
        LayerName::Block { number, layer, .. } => {
            let counter = if number == 1 { String::new() } else { format!("_{}", number - 1) };
            let layer = match layer {
                BlockLayer::Expand => "expand",
                BlockLayer::Depthwise => "depthwise",
                BlockLayer::Project => "project",
                BlockLayer::Narrow | BlockLayer::Squeeze | BlockLayer::Excite => return None,
            };
            format!("expanded_conv{counter}/{layer}")
        }
        LayerName::Detector { map, layer: part } => {
            let channels = layer.channels();
            match part {
                DetectorLayer::Narrow => format!("layer_19_1_Conv2d_{map}_1x1_{channels}"),
                DetectorLayer::Depthwise => {
                    format!("layer_19_2_Conv2d_{map}_3x3_s2_{}_depthwise", 2 * channels)
                }
                DetectorLayer::Widen => format!("layer_19_2_Conv2d_{map}_3x3_s2_{channels}"),
                DetectorLayer::BoxDepthwise => {
                    let scope = format!("BoxPredictor_{map}/BoxEncodingPredictor_depthwise");
                    return Some(of_scope(&scope, layer));
                }
                DetectorLayer::Boxes => {
                    return Some(of_scope(
                        &format!("BoxPredictor_{map}/BoxEncodingPredictor"),
                        layer,
                    ));
                }
                DetectorLayer::ClassDepthwise => {
                    let scope = format!("BoxPredictor_{map}/ClassPredictor_depthwise");
                    return Some(of_scope(&scope, layer));
                }
                DetectorLayer::Classes => {
                    return Some(of_scope(&format!("BoxPredictor_{map}/ClassPredictor"), layer));
                }
            }
        }
        LayerName::PooledHead | LayerName::Logits | LayerName::Segmenter(_) => return None,
    };
    let scope = format!("FeatureExtractor/MobilenetV2/{scope}");
    let weights = if layer.depthwise { "depthwise_weights" } else { "Conv2D/merged_input" };
    Some(LayerTensors {
        weight: format!("{scope}/{weights}"),
        bias: Some(format!("{scope}/BatchNorm/batchnorm/sub")),
        scale: layer.depthwise.then(|| format!("{scope}/BatchNorm/batchnorm/mul")),
        normalization: None,
    })
}
