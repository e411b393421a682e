//! Networks as plain data: a stem, inverted bottlenecks and their relatives, a head.
//!
//! Every family turns its stage table into this, with all channel counts resolved; one
//! function then builds any of them. A search over architectures edits the same data.

use super::BuildOptions;
use super::layers::{Feature, Layers};
use super::weights::{BlockLayer, LayerName, WeightSource};
use crate::op::ActivationKind;
use crate::{Graph, GraphError};

/// A classification network, layer by layer.
///
/// ```
/// use pocketvision_core::models::{self, SeededWeights};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// // A search over architectures edits plain data.
/// let mut architecture = network.architecture(None);
/// for block in &mut architecture.blocks {
///     block.squeeze = Some(8);
/// }
/// let graph = architecture.build("mine", &network.options(), &mut SeededWeights::new(1))?;
/// assert!(graph.parameters() > network.build(&network.options())?.parameters());
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Architecture {
    /// The first convolution.
    pub stem: Stem,
    /// Everything between stem and head.
    pub blocks: Vec<Block>,
    /// What follows the last block.
    pub head: Head,
}

/// The first convolution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stem {
    /// Output channels.
    pub channels: usize,
    /// Side of its kernel.
    pub kernel: usize,
    /// Its stride: 2, but for pictures of few pixels.
    pub stride: usize,
    /// Its activation.
    pub activation: ActivationKind,
}

/// One block: expand, filter, weigh channels, project; each part may be missing.
///
/// ```
/// use pocketvision_core::models::{self, BlockKind};
///
/// let network = models::find("mobilenet-edgetpu-1.0").unwrap();
/// let architecture = network.architecture(None);
/// let fused = architecture.blocks.iter().filter(|b| matches!(b.kind, BlockKind::Fused { .. }));
/// assert!(fused.count() > 0, "the first stages have dense convolutions");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Stage of the paper's (or its best known port's) table that the block belongs to, from 0.
    pub stage: usize,
    /// Number of the block in its stage, from 0.
    pub repeat: usize,
    /// How the image is filtered.
    pub kind: BlockKind,
    /// Side of the filter.
    pub kernel: usize,
    /// Stride of the filter.
    pub stride: usize,
    /// Channels between expansion and projection. An inverted bottleneck that would not
    /// widen its input has no expansion.
    pub inner_channels: usize,
    /// Output channels.
    pub channels: usize,
    /// Channels of the squeeze-and-excite bottleneck, if there is one.
    pub squeeze: Option<usize>,
    /// Activation of expansion and filter.
    pub activation: ActivationKind,
    /// Activation of the projection; only MobileNetV1 has one.
    pub project_activation: Option<ActivationKind>,
    /// Whether the input is added where shapes allow it.
    pub residual: bool,
}

/// How a block filters the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// A pointwise expansion, a depthwise convolution, a pointwise projection
    /// (Sandler et al., 2018).
    InvertedBottleneck,
    /// A dense convolution that expands and has the stride, then a pointwise projection. One
    /// that does not widen its input is its projection alone (MobileNetEdgeTPU's first, in
    /// both versions).
    Fused {
        /// Groups of the dense convolution.
        groups: usize,
    },
    /// A pointwise convolution that narrows, a dense one that has the stride, a pointwise
    /// projection (MobileDet's Tucker convolution; Xiong et al., 2020).
    Tucker {
        /// Channels between the first two.
        narrow_channels: usize,
    },
    /// Fused, with the stride on the projection (EfficientNet-EdgeTPU): the expansion
    /// computes four times what the projection reads.
    FusedStridedProjection,
}

/// What turns features into scores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Channels and activation of the pointwise convolution before the pool.
    pub before_pool: Option<(usize, ActivationKind)>,
    /// The pointwise layer after the pool.
    pub after_pool: Option<PooledHead>,
}

/// A pointwise layer between pool and classifier (Howard et al., 2019).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PooledHead {
    /// Output channels.
    pub channels: usize,
    /// Its activation.
    pub activation: ActivationKind,
    /// Whether it is trained with batch normalisation instead of a bias.
    pub normalized: bool,
}

impl Architecture {
    /// Builds the network with the weights of a source.
    ///
    /// # Errors
    /// If the input is too small or too large, or weights do not fit.
    pub fn build(
        &self,
        name: &str,
        options: &BuildOptions,
        source: &mut dyn WeightSource,
    ) -> Result<Graph, GraphError> {
        let (mut layers, image) = Layers::new(name, options, source)?;
        let x = self.features(&mut layers, image, |_, _| {})?;
        let mut x = layers.global_average_pool("pool", x)?;
        if let Some(PooledHead { channels, activation, normalized }) = self.head.after_pool {
            let (name, activation) = (LayerName::PooledHead, Some(activation));
            x = if normalized {
                layers.conv(name, x, channels, (1, 1), 1, activation)?
            } else {
                layers.dense(name, x, channels, activation)?
            };
        }
        layers.finish(x)
    }

    /// The same without the pointwise convolution before the pool, as some use it as a backbone.
    pub(super) fn without_head(mut self) -> Self {
        self.head.before_pool = None;
        self
    }

    /// The layers before the pool; `visit` sees what each block yields, counted from 1.
    pub(super) fn features(
        &self,
        layers: &mut Layers<'_>,
        image: Feature,
        mut visit: impl FnMut(usize, BlockFeatures),
    ) -> Result<Feature, GraphError> {
        let Stem { channels, kernel, stride, activation } = self.stem;
        let window = (kernel, stride);
        let mut x = layers.conv(LayerName::Stem, image, channels, window, 1, Some(activation))?;
        for (index, block) in self.blocks.iter().enumerate() {
            let features = block.build(index + 1, layers, x)?;
            visit(index + 1, features);
            x = features.output;
        }
        if let Some((channels, activation)) = self.head.before_pool {
            x = layers.conv(LayerName::Head, x, channels, (1, 1), 1, Some(activation))?;
        }
        Ok(x)
    }
}

/// What a block yields on the way.
#[derive(Clone, Copy)]
pub(super) struct BlockFeatures {
    /// After its expansion; its input if it has none.
    pub(super) expanded: Feature,
    /// After its filter, before channels are weighed.
    pub(super) filtered: Feature,
    /// Its output.
    pub(super) output: Feature,
}

impl Block {
    fn build(
        &self,
        number: usize,
        layers: &mut Layers<'_>,
        x: Feature,
    ) -> Result<BlockFeatures, GraphError> {
        let name = |layer| LayerName::Block { number, block: *self, layer };
        let input_channels = layers.channels(x);
        let stride = layers.stride(self.stride);
        let window = (self.kernel, stride);
        let activation = Some(self.activation);
        let mut project_stride = 1;
        let widens = self.inner_channels > input_channels;
        let mut y = x;
        let mut expanded = x;
        match self.kind {
            BlockKind::InvertedBottleneck => {
                if widens {
                    let expand = name(BlockLayer::Expand);
                    y = layers.conv(expand, y, self.inner_channels, (1, 1), 1, activation)?;
                    expanded = y;
                }
                y = layers.depthwise(name(BlockLayer::Depthwise), y, window, activation)?;
            }
            BlockKind::Fused { groups } if widens => {
                let expand = name(BlockLayer::Expand);
                y = layers.conv(expand, y, self.inner_channels, window, groups, activation)?;
            }
            BlockKind::Fused { .. } => {}
            BlockKind::Tucker { narrow_channels } => {
                let narrow = name(BlockLayer::Narrow);
                y = layers.conv(narrow, y, narrow_channels, (1, 1), 1, activation)?;
                let expand = name(BlockLayer::Expand);
                y = layers.conv(expand, y, self.inner_channels, window, 1, activation)?;
            }
            BlockKind::FusedStridedProjection => {
                let (expand, window) = (name(BlockLayer::Expand), (self.kernel, 1));
                y = layers.conv(expand, y, self.inner_channels, window, 1, activation)?;
                project_stride = stride;
            }
        }
        let filtered = y;
        if let Some(squeeze) = self.squeeze {
            let names = [BlockLayer::Squeeze, BlockLayer::Excite].map(name);
            y = layers.squeeze_excite(&format!("block{number}"), names, y, squeeze)?;
        }
        let project = name(BlockLayer::Project);
        let window = (1, project_stride);
        y = layers.conv(project, y, self.channels, window, 1, self.project_activation)?;
        if self.residual && self.stride == 1 && input_channels == self.channels {
            y = layers.add(&format!("block{number}/add"), x, y)?;
        }
        layers.end_block(self.stride);
        Ok(BlockFeatures { expanded, filtered, output: y })
    }
}

/// Blocks that read one another, as most tables list them: of one activation, with a residual
/// where shapes allow it, neither squeezed nor activated after the projection.
pub(super) struct Chain {
    activation: ActivationKind,
    /// Channels that the next block reads.
    pub(super) channels: usize,
    pub(super) blocks: Vec<Block>,
}

impl Chain {
    /// What follows a layer of so many channels.
    pub(super) const fn after(channels: usize, activation: ActivationKind) -> Self {
        Self { activation, channels, blocks: Vec::new() }
    }

    /// Adds a block: its stage and place in it, how it filters, side and stride of the filter,
    /// how much it widens, and its channels. A family that differs changes what this yields.
    pub(super) fn push(
        &mut self,
        (stage, repeat): (usize, usize),
        kind: BlockKind,
        (kernel, stride): (usize, usize),
        expansion: usize,
        channels: usize,
    ) -> &mut Block {
        let inner_channels = self.channels * expansion;
        self.channels = channels;
        self.blocks.push(Block {
            stage,
            repeat,
            kind,
            kernel,
            stride,
            inner_channels,
            channels,
            squeeze: None,
            activation: self.activation,
            project_activation: None,
            residual: true,
        });
        self.blocks.last_mut().expect("it was just added")
    }

    /// Where the next block stands if a stage is the blocks of one resolution.
    pub(super) fn place_by_resolution(&self, stride: usize) -> (usize, usize) {
        match self.blocks.last() {
            None => (0, 0),
            Some(before) if stride > 1 => (before.stage + 1, 0),
            Some(before) => (before.stage, before.repeat + 1),
        }
    }
}

/// The nearest multiple of 8, at least 8, that is not below nine tenths of the number
/// (TensorFlow-slim's `make_divisible`).
///
/// ```
/// use pocketvision_core::models::round_to_8;
///
/// assert_eq!([3.0, 12.0, 24.0, 90.0].map(round_to_8), [8, 16, 24, 88]);
/// ```
pub fn round_to_8(channels: f64) -> usize {
    let rounded = (((channels + 4.0) as usize) / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels { rounded + 8 } else { rounded }
}

/// Channels of a layer at a width multiplier, rounded to eights.
pub(super) fn scaled(channels: usize, width: f64) -> usize {
    round_to_8(channels as f64 * width)
}

/// Width of the squeeze-and-excite bottleneck for so many channels (MobileNetV3, section 5.3).
pub(super) fn squeeze_of(inner_channels: usize) -> usize {
    round_to_8(inner_channels as f64 / 4.0)
}

/// Fails unless a definition's totals are these, to the decimals that the figures have.
#[cfg(test)]
pub(super) fn assert_totals(
    definition: &super::Definition,
    macs_millions: f64,
    parameters_millions: f64,
) {
    let size = definition.size(&definition.options()).unwrap();
    let (macs, parameters) = (size.macs as f64 / 1e6, size.parameters as f64 / 1e6);
    assert!((macs - macs_millions).abs() < 6e-3, "{}: {macs}", definition.name);
    assert!((parameters - parameters_millions).abs() < 6e-4, "{}: {parameters}", definition.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_round_as_in_slim() {
        assert_eq!([18.0, 36.0, 4.0, 44.0].map(round_to_8), [24, 40, 8, 48]);
    }
}
