//! torchvision's names: positions in nested sequences.

use pocketvision_core::models::{Architecture, Block, BlockLayer, LayerName, LayerRequest};

use super::{LayerTensors, biased, normalized};

pub(super) fn tensors(
    network: &str,
    architecture: &Architecture,
    layer: &LayerRequest,
) -> Option<LayerTensors> {
    let version_3 = network.starts_with("mobilenet-v3");
    if !version_3 && !network.starts_with("mobilenet-v2") {
        return None;
    }
    let pair = |feature: &str| normalized(&format!("{feature}.0"), &format!("{feature}.1"));
    Some(match layer.name {
        LayerName::Stem => pair("features.0"),
        LayerName::Head => pair(&format!("features.{}", architecture.blocks.len() + 1)),
        LayerName::PooledHead => biased("classifier.0"),
        LayerName::Logits if version_3 => biased("classifier.3"),
        LayerName::Logits => biased("classifier.1"),
        LayerName::Detector { .. } | LayerName::Segmenter(_) => return None,
        LayerName::Block { number, block, layer } => {
            let expands = expands(architecture, number, &block);
            let position = match layer {
                BlockLayer::Narrow => return None,
                BlockLayer::Expand => 0,
                BlockLayer::Depthwise => usize::from(expands),
                BlockLayer::Squeeze | BlockLayer::Excite => usize::from(expands) + 1,
                BlockLayer::Project => {
                    usize::from(expands) + 1 + usize::from(block.squeeze.is_some())
                }
            };
            match (version_3, layer) {
                (true, BlockLayer::Squeeze) => {
                    biased(&format!("features.{number}.block.{position}.fc1"))
                }
                (true, BlockLayer::Excite) => {
                    biased(&format!("features.{number}.block.{position}.fc2"))
                }
                (true, _) => pair(&format!("features.{number}.block.{position}")),
                // In version 2 the projection and its normalisation are no pair of their own.
                (false, BlockLayer::Project) => normalized(
                    &format!("features.{number}.conv.{position}"),
                    &format!("features.{number}.conv.{}", position + 1),
                ),
                (false, _) => pair(&format!("features.{number}.conv.{position}")),
            }
        }
    })
}

/// True if the block has an expansion: if it is wider inside than its input.
fn expands(architecture: &Architecture, number: usize, block: &Block) -> bool {
    let input_channels = match number.checked_sub(2) {
        None => architecture.stem.channels,
        Some(before) => architecture.blocks[before].channels,
    };
    block.inner_channels > input_channels
}
