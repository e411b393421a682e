//! Where a definition's weights come from: a checkpoint, a seed, or nowhere.

use std::fmt;

use super::SplitMix64;
use super::architecture::Block;
use crate::Shape;

/// Which layer of a definition weights are for. Its text is the layer's name in the graph.
///
/// ```
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let size = network.size(&network.options())?;
/// assert_eq!(size.layers[0].name.to_string(), "stem");
/// assert_eq!(size.layers.last().unwrap().name.to_string(), "logits");
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerName {
    /// The first convolution.
    Stem,
    /// A layer of a block.
    Block {
        /// Number of the block in the network, from 1.
        number: usize,
        /// The block.
        block: Block,
        /// The layer of the block.
        layer: BlockLayer,
    },
    /// The pointwise convolution before the pool.
    Head,
    /// The layer after the pool.
    PooledHead,
    /// The classifier.
    Logits,
    /// A layer of a detector's head.
    Detector {
        /// Number of the feature map, from the finest.
        map: usize,
        /// The layer.
        layer: DetectorLayer,
    },
    /// A layer of a segmentation network's head.
    Segmenter(SegmenterLayer),
}

/// Layers of a segmentation network's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmenterLayer {
    /// The pointwise convolution of the features.
    Features,
    /// What decides how they are weighed.
    Gate,
    /// The pointwise convolution of their average.
    Pooled,
    /// The projection of both.
    Projection,
    /// Class logits.
    Scores,
    /// Class logits of the finer features.
    FineScores,
}

/// Layers of a detector's head, in the order in which they are computed: those that make a map,
/// then those that read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DetectorLayer {
    /// The pointwise convolution that halves the channels of the map before.
    Narrow,
    /// The depthwise convolution of stride 2.
    Depthwise,
    /// The convolution that gives the map.
    Widen,
    /// The depthwise convolution before the boxes.
    BoxDepthwise,
    /// Box encodings.
    Boxes,
    /// The depthwise convolution before the classes.
    ClassDepthwise,
    /// Class logits.
    Classes,
}

/// Layers of a block, in the order in which they are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockLayer {
    /// The convolution that narrows before a dense one.
    Narrow,
    /// The convolution that widens.
    Expand,
    /// The depthwise convolution.
    Depthwise,
    /// The narrowing layer of squeeze-and-excite.
    Squeeze,
    /// The widening layer of squeeze-and-excite.
    Excite,
    /// The convolution that gives the block's output.
    Project,
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem => f.write_str("stem"),
            Self::Block { number, layer, .. } => {
                let layer = match layer {
                    BlockLayer::Narrow => "narrow",
                    BlockLayer::Expand => "expand",
                    BlockLayer::Depthwise => "depthwise",
                    BlockLayer::Squeeze => "squeeze",
                    BlockLayer::Excite => "excite",
                    BlockLayer::Project => "project",
                };
                write!(f, "block{number}/{layer}")
            }
            Self::Head => f.write_str("head"),
            Self::PooledHead => f.write_str("pooled_head"),
            Self::Logits => f.write_str("logits"),
            Self::Segmenter(layer) => f.write_str(match layer {
                SegmenterLayer::Features => "features",
                SegmenterLayer::Gate => "gate",
                SegmenterLayer::Pooled => "pooled",
                SegmenterLayer::Projection => "projection",
                SegmenterLayer::Scores => "scores",
                SegmenterLayer::FineScores => "fine_scores",
            }),
            Self::Detector { map, layer } => {
                let layer = match layer {
                    DetectorLayer::Narrow => "narrow",
                    DetectorLayer::Depthwise => "depthwise",
                    DetectorLayer::Widen => "widen",
                    DetectorLayer::BoxDepthwise => "box_depthwise",
                    DetectorLayer::Boxes => "boxes",
                    DetectorLayer::ClassDepthwise => "class_depthwise",
                    DetectorLayer::Classes => "classes",
                };
                write!(f, "map{map}/{layer}")
            }
        }
    }
}

/// What a layer needs.
///
/// ```
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let size = network.size(&network.options())?;
/// let stem = size.layers[0];
/// assert_eq!((stem.shape.h, stem.shape.c), (3, 3), "3x3 taps over red, green and blue");
/// assert_eq!(stem.channels(), stem.shape.n);
/// // Weights, and the two numbers of batch normalisation for each channel.
/// assert_eq!(stem.parameters(), (stem.shape.elements() + 2 * stem.channels()) as u64);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LayerRequest {
    /// The layer.
    pub name: LayerName,
    /// Shape of the weights as the graph stores them: `{output, h, w, input / groups}`, or
    /// `{1, h, w, channels}` where depthwise.
    pub shape: Shape,
    /// Whether the layer is a depthwise convolution.
    pub depthwise: bool,
    /// Whether batch normalisation follows (the layer itself then has no bias).
    pub normalized: bool,
    /// Expected mean of the squares of the layer's input, for random weights.
    pub input_mean_square: f32,
    /// Variance that the layer's sums should have, for random weights.
    pub variance: f32,
}

impl LayerRequest {
    /// Output channels.
    pub const fn channels(&self) -> usize {
        if self.depthwise { self.shape.c } else { self.shape.n }
    }

    /// Numbers that training adjusts: weights, and a bias or normalisation's scale and shift.
    pub const fn parameters(&self) -> u64 {
        let per_channel = if self.normalized { 2 } else { 1 };
        (self.shape.elements() + per_channel * self.channels()) as u64
    }
}

/// Weights and bias of a layer, batch normalisation folded into them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LayerWeights {
    /// Weights in the order of [`LayerRequest::shape`].
    pub weight: Vec<f32>,
    /// One number for each output channel.
    pub bias: Vec<f32>,
}

/// Gives the layers of a definition their weights, in the order of the network.
///
/// ```
/// use pocketvision_core::models::{
///     self, LayerRequest, LayerWeights, SeededWeights, WeightSource,
/// };
///
/// /// Random weights without biases.
/// struct WithoutBias(SeededWeights);
///
/// impl WeightSource for WithoutBias {
///     fn layer(&mut self, request: &LayerRequest) -> LayerWeights {
///         let LayerWeights { weight, bias } = self.0.layer(request);
///         LayerWeights { weight, bias: vec![0.0; bias.len()] }
///     }
/// }
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let mut source = WithoutBias(SeededWeights::new(1));
/// let graph = network.build_with(&network.options(), &mut source)?;
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
pub trait WeightSource {
    /// Weights for one layer.
    fn layer(&mut self, request: &LayerRequest) -> LayerWeights;
}

/// Batch normalisation as trained: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
///
/// ```
/// use pocketvision_core::models::BatchNorm;
///
/// let normalization = BatchNorm {
///     gamma: vec![2.0],
///     beta: vec![1.0],
///     mean: vec![3.0],
///     variance: vec![4.0],
///     epsilon: 0.0,
/// };
/// // 2 * (5 * x - 3) / sqrt(4) + 1 is 5 * x - 2.
/// let layer = normalization.fold(vec![5.0], false);
/// assert_eq!((layer.weight[0], layer.bias[0]), (5.0, -2.0));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct BatchNorm {
    /// Scale of each channel.
    pub gamma: Vec<f32>,
    /// Shift of each channel.
    pub beta: Vec<f32>,
    /// Running mean of each channel.
    pub mean: Vec<f32>,
    /// Running variance of each channel.
    pub variance: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl BatchNorm {
    /// The layer that computes a convolution without bias and this normalisation at once.
    /// In f64, as the quotient of near-equal numbers would lose bits.
    pub fn fold(&self, mut weight: Vec<f32>, depthwise: bool) -> LayerWeights {
        let channels = self.gamma.len();
        let scale: Vec<f64> = (0..channels)
            .map(|c| {
                let deviation = (f64::from(self.variance[c]) + f64::from(self.epsilon)).sqrt();
                f64::from(self.gamma[c]) / deviation
            })
            .collect();
        let per_channel = (weight.len() / channels.max(1)).max(1);
        for (index, weight) in weight.iter_mut().enumerate() {
            let channel = if depthwise { index % channels } else { index / per_channel };
            *weight = (f64::from(*weight) * scale[channel]) as f32;
        }
        let bias = (0..channels)
            .map(|c| (f64::from(self.beta[c]) - f64::from(self.mean[c]) * scale[c]) as f32)
            .collect();
        LayerWeights { weight, bias }
    }
}

/// Random weights with the statistics of trained ones: He et al.'s (2015) deviation, batch
/// normalisation that undoes what it finds, all of it folded.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, SeededWeights};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let options = BuildOptions { seed: 7, ..network.options() };
/// let graph = network.build_with(&options, &mut SeededWeights::new(7))?;
/// assert_eq!(graph, network.build(&options)?);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeededWeights {
    random: SplitMix64,
}

impl SeededWeights {
    /// The same seed gives the same weights on every machine.
    pub const fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed) }
    }

    fn around(&mut self, middle: f32, reach: f32) -> f32 {
        middle + reach * self.random.signed_unit()
    }
}

impl WeightSource for SeededWeights {
    fn layer(&mut self, request: &LayerRequest) -> LayerWeights {
        let channels = request.channels();
        let taps = request.shape.h * request.shape.w;
        let fan_in = if request.depthwise { taps } else { taps * request.shape.c };
        let deviation = (request.variance / (fan_in as f32 * request.input_mean_square)).sqrt();
        // Numbers evenly spread over -1..1 have a deviation of 1 / sqrt(3).
        let largest = deviation * 3f32.sqrt();
        let weight = (0..request.shape.elements()).map(|_| self.around(0.0, largest)).collect();
        if !request.normalized {
            let bias = (0..channels).map(|_| self.around(0.0, BIAS_REACH)).collect();
            return LayerWeights { weight, bias };
        }
        let mut drawn = |middle, reach| -> Vec<f32> {
            (0..channels).map(|_| self.around(middle, reach)).collect()
        };
        let normalization = BatchNorm {
            gamma: drawn(1.0, 0.3),
            beta: drawn(0.0, BIAS_REACH),
            mean: drawn(0.0, BIAS_REACH * request.variance.sqrt()),
            variance: drawn(1.0, 0.2).iter().map(|v| v * request.variance).collect(),
            epsilon: 1e-3,
        };
        normalization.fold(weight, request.depthwise)
    }
}

/// Biases and means are evenly spread over minus to plus this.
const BIAS_REACH: f32 = 0.1;

/// Zeros, with a record of what was asked for: for counting a network without filling it.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordedRequests(pub(super) Vec<LayerRequest>);

impl WeightSource for RecordedRequests {
    fn layer(&mut self, request: &LayerRequest) -> LayerWeights {
        self.0.push(*request);
        let zeros = |count| vec![0.0; count];
        LayerWeights { weight: zeros(request.shape.elements()), bias: zeros(request.channels()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_gives_what_normalising_the_sum_gives() {
        let norm = BatchNorm {
            gamma: vec![2.0, 0.5],
            beta: vec![1.0, -1.0],
            mean: vec![3.0, 4.0],
            variance: vec![4.0, 0.25],
            epsilon: 0.0,
        };
        let dense = norm.fold(vec![1.0, 2.0, 3.0, 4.0], false);
        assert_eq!(dense.weight, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(dense.bias, [-2.0, -5.0]);
        let norm = BatchNorm { gamma: vec![4.0, 0.5], ..norm };
        let depthwise = norm.fold(vec![1.0, 2.0, 3.0, 4.0], true);
        assert_eq!(depthwise.weight, [2.0, 2.0, 6.0, 4.0]);
    }
}
