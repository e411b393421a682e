//! timm's names: stage and repeat, then what the layer does.

use pocketvision_core::models::{
    Architecture, Block, BlockKind, BlockLayer, LayerName, LayerRequest,
};

use super::{LayerTensors, biased, normalized};

pub(super) fn tensors(
    network: &str,
    architecture: &Architecture,
    layer: &LayerRequest,
) -> Option<LayerTensors> {
    let stages = architecture.blocks.last()?.stage + 1;
    Some(match layer.name {
        LayerName::Stem => normalized("conv_stem", "bn1"),
        // MobileNetV3's convolution before the pool is a stage of its own.
        LayerName::Head if architecture.head.after_pool.is_some() => {
            normalized(&format!("blocks.{stages}.0.conv"), &format!("blocks.{stages}.0.bn1"))
        }
        LayerName::Head => normalized("conv_head", "bn2"),
        LayerName::PooledHead => biased("conv_head"),
        LayerName::Logits => biased("classifier"),
        LayerName::Detector { .. } | LayerName::Segmenter(_) => return None,
        LayerName::Block { number, block, layer } => {
            if network.starts_with("mobilenet-v1") {
                return None;
            }
            let scope = format!("blocks.{}.{}", block.stage, block.repeat);
            let input_channels = match number.checked_sub(2) {
                None => architecture.stem.channels,
                Some(before) => architecture.blocks[before].channels,
            };
            let (convolution, normalization) = match in_block(&block, input_channels, layer)? {
                (squeeze, None) => return Some(biased(&format!("{scope}.{squeeze}"))),
                (convolution, Some(normalization)) => (convolution, normalization),
            };
            normalized(&format!("{scope}.{convolution}"), &format!("{scope}.{normalization}"))
        }
    })
}

/// What a layer of a block and the normalisation after it are called.
fn in_block(
    block: &Block,
    input_channels: usize,
    layer: BlockLayer,
) -> Option<(&'static str, Option<&'static str>)> {
    let expands = block.inner_channels > input_channels;
    let inverted = block.kind == BlockKind::InvertedBottleneck;
    Some(match (layer, inverted, expands) {
        (BlockLayer::Narrow, ..) => return None,
        (BlockLayer::Squeeze, ..) => ("se.conv_reduce", None),
        (BlockLayer::Excite, ..) => ("se.conv_expand", None),
        (BlockLayer::Expand, true, _) => ("conv_pw", Some("bn1")),
        (BlockLayer::Depthwise, _, true) => ("conv_dw", Some("bn2")),
        (BlockLayer::Depthwise, _, false) => ("conv_dw", Some("bn1")),
        (BlockLayer::Project, true, true) => ("conv_pwl", Some("bn3")),
        (BlockLayer::Project, true, false) => ("conv_pw", Some("bn2")),
        (BlockLayer::Expand, false, _) => ("conv_exp", Some("bn1")),
        (BlockLayer::Project, false, true) => ("conv_pwl", Some("bn2")),
        // A fused block that has nothing to expand is one convolution.
        (BlockLayer::Project, false, false) => ("conv", Some("bn1")),
    })
}
