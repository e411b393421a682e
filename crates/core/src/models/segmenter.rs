//! Segmentation networks: a backbone that shrinks the image less than for classifying, and a
//! light head that gives each pixel a class.

use super::BuildOptions;
use super::architecture::Architecture;
use super::layers::{Feature, Layers};
use super::weights::{LayerName, SegmenterLayer, WeightSource};
use super::{mobilenet_edgetpu, mobilenet_v2, mobilenet_v3};
use crate::op::ActivationKind;
use crate::{Graph, GraphError};

/// A segmentation network as plain data.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, InputSize, SeededWeights};
///
/// let network = models::find("lraspp-mobilenet-v3-small").unwrap();
/// let segmenter = network.segmenter(None).expect("a segmentation");
/// let options = BuildOptions { input_size: InputSize::square(64), ..network.options() };
/// let graph = segmenter.build("mine", &options, &mut SeededWeights::new(1))?;
/// // A class for each pixel.
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.dims(), [1, 64, 64, 1]);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Segmenter {
    /// The network whose features are used. Its pool and what follows are left out.
    pub backbone: Architecture,
    /// How many times smaller than the image the features are, 16 or 32: blocks that would
    /// shrink them further keep their size, and the windows after them have gaps instead.
    pub output_stride: usize,
    /// What makes classes of features.
    pub head: SegmenterHead,
}

/// What makes classes of features.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmenterHead {
    /// Features, weighed by a gate that large averages of them decide; added to the scores of
    /// finer features (LR-ASPP: Howard et al., 2019, section 6.4).
    Gated {
        /// Channels of the features that are weighed.
        filters: usize,
        /// The block whose depthwise convolution yields the finer features, counted from 1.
        fine_block: usize,
    },
    /// Features beside their average over the image, projected (R-ASPP, and DeepLab without
    /// dilated branches).
    Pooled {
        /// Channels of each branch and of the projection.
        filters: usize,
    },
}

impl Segmenter {
    /// Builds the network with the weights of a source. Its output is a map of classes, as large
    /// as the input.
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
        layers.keep_size_beyond(self.output_stride);
        let mut fine = None;
        let features = self.backbone.features(&mut layers, image, |number, block| {
            if matches!(self.head, SegmenterHead::Gated { fine_block, .. } if fine_block == number)
            {
                fine = Some(block.filtered);
            }
        })?;
        let size = layers.size(image);
        let logits = match self.head {
            SegmenterHead::Gated { filters, .. } => {
                let fine = fine.expect("a block of the backbone");
                self.gated(&mut layers, features, fine, filters, options.classes)?
            }
            SegmenterHead::Pooled { filters } => {
                pooled(&mut layers, features, filters, options.classes)?
            }
        };
        let logits = layers.resize("logits/whole", logits, size)?;
        layers.finish_classes(logits)
    }

    fn gated(
        &self,
        layers: &mut Layers<'_>,
        features: Feature,
        fine: Feature,
        filters: usize,
        classes: usize,
    ) -> Result<Feature, GraphError> {
        let name = LayerName::Segmenter;
        let relu = Some(ActivationKind::Relu);
        let x = layers.conv(name(SegmenterLayer::Features), features, filters, (1, 1), 1, relu)?;
        // Kernel and stride of the paper at its input, for each output stride.
        let (kernel, strides) =
            if self.output_stride <= 16 { (49, [16, 20]) } else { (25, [4, 5]) };
        let gate = layers.average_pool("gate/pool", features, kernel, strides)?;
        let gate = layers.dense(name(SegmenterLayer::Gate), gate, filters, None)?;
        let size = layers.size(x);
        let gate = layers.gate("gate", gate)?;
        let gate = layers.resize("gate/whole", gate, size)?;
        let x = layers.weighed("weighed", x, gate)?;
        let fine_size = layers.size(fine);
        let x = layers.resize("weighed/fine", x, fine_size)?;
        let coarse = layers.dense(name(SegmenterLayer::Scores), x, classes, None)?;
        let fine = layers.dense(name(SegmenterLayer::FineScores), fine, classes, None)?;
        layers.add("logits", coarse, fine)
    }
}

fn pooled(
    layers: &mut Layers<'_>,
    features: Feature,
    filters: usize,
    classes: usize,
) -> Result<Feature, GraphError> {
    let name = LayerName::Segmenter;
    let relu = Some(ActivationKind::Relu);
    let pool = layers.global_average_pool("image_pooling", features)?;
    let pool = layers.conv(name(SegmenterLayer::Pooled), pool, filters, (1, 1), 1, relu)?;
    let x = layers.conv(name(SegmenterLayer::Features), features, filters, (1, 1), 1, relu)?;
    // After both convolutions, as in the released files: an Edge TPU runs what comes before it.
    let size = layers.size(x);
    let pool = layers.resize("image_pooling/whole", pool, size)?;
    let both = layers.beside("branches", &[pool, x])?;
    let x = layers.conv(name(SegmenterLayer::Projection), both, filters, (1, 1), 1, relu)?;
    layers.dense(name(SegmenterLayer::Scores), x, classes, None)
}

const fn lraspp(backbone: Architecture, output_stride: usize, fine_block: usize) -> Segmenter {
    let head = SegmenterHead::Gated { filters: 128, fine_block };
    Segmenter { backbone, output_stride, head }
}

/// `layer_7` has the finer features.
pub(super) fn lraspp_v2(width: f64) -> Segmenter {
    lraspp(mobilenet_v2::with_half_end(width), 16, 6)
}

/// `layer_7` has the finer features.
pub(super) fn lraspp_v3_large(width: f64) -> Segmenter {
    lraspp(mobilenet_v3::large_for_segmentation(width), 16, 6)
}

pub(super) fn lraspp_v3_large_32(width: f64) -> Segmenter {
    lraspp(mobilenet_v3::large_for_segmentation(width), 32, 6)
}

/// `layer_4` has the finer features.
pub(super) fn lraspp_v3_small(width: f64) -> Segmenter {
    lraspp(mobilenet_v3::small_for_segmentation(width), 16, 3)
}

pub(super) fn lraspp_v3_small_32(width: f64) -> Segmenter {
    lraspp(mobilenet_v3::small_for_segmentation(width), 32, 3)
}

const fn pooled_head(backbone: Architecture, output_stride: usize, filters: usize) -> Segmenter {
    Segmenter { backbone, output_stride, head: SegmenterHead::Pooled { filters } }
}

pub(super) fn raspp_v2(width: f64) -> Segmenter {
    pooled_head(mobilenet_v2::at_width(width).without_head(), 16, 256)
}

pub(super) fn raspp_v2_half(width: f64) -> Segmenter {
    pooled_head(mobilenet_v2::with_half_end(width), 16, 256)
}

pub(super) fn raspp_v3_large(width: f64) -> Segmenter {
    pooled_head(mobilenet_v3::large(width), 16, 256)
}

pub(super) fn raspp_v3_large_half(width: f64) -> Segmenter {
    pooled_head(mobilenet_v3::large_for_segmentation(width), 16, 256)
}

pub(super) fn raspp_v3_small(width: f64) -> Segmenter {
    pooled_head(mobilenet_v3::small(width), 16, 256)
}

/// DeepLabV3 as its MobileNetV2 was released: the branch of one pixel and that of the whole image
/// are all that is left of its pyramid, which makes it R-ASPP.
pub(super) fn deeplab_v2(width: f64) -> Segmenter {
    raspp_v2(width)
}

pub(super) fn deeplab_edgetpu(width: f64) -> Segmenter {
    pooled_head(mobilenet_edgetpu::at_width(width), 16, 256)
}

pub(super) fn deeplab_edgetpu_32(width: f64) -> Segmenter {
    pooled_head(mobilenet_edgetpu::at_width(width), 32, 256)
}

pub(super) fn deeplab_edgetpu_slim(width: f64) -> Segmenter {
    pooled_head(mobilenet_edgetpu::at_width(0.75 * width), 16, 128)
}

pub(super) fn deeplab_edgetpu_slim_32(width: f64) -> Segmenter {
    pooled_head(mobilenet_edgetpu::at_width(0.75 * width), 32, 128)
}

#[cfg(test)]
mod tests {
    use crate::models::{BuildOptions, InputSize, Precision, find};
    use crate::{Element, Op, Shape};

    /// Rows of the paper's tables 7 and 8 (arXiv 1905.02244) that the catalog does not have: at
    /// half the resolution, and narrower. The paper counts more than convolutions.
    #[test]
    fn totals_are_those_of_the_paper_at_other_sizes_and_widths() {
        let whole = InputSize { height: 1025, width: 2049 };
        let half = InputSize { height: 513, width: 1025 };
        for (name, input_size, width, macs_billions, parameters_millions) in [
            ("lraspp-mobilenet-v3-large", half, 1.0, 2.48, 1.51),
            ("lraspp-mobilenet-v3-large-os32", half, 1.0, 1.98, 1.51),
            ("lraspp-mobilenet-v3-small", half, 1.0, 0.74, 0.47),
            ("lraspp-mobilenet-v3-small-os32", half, 1.0, 0.53, 0.47),
            ("lraspp-mobilenet-v2", whole, 0.5, 4.00, 0.28),
            ("lraspp-mobilenet-v2", whole, 0.35, 2.54, 0.16),
        ] {
            let definition = find(name).unwrap();
            let width = Some(width);
            let options = BuildOptions { input_size, width, ..definition.options() };
            let size = definition.size(&options).unwrap();
            let surplus = macs_billions / (size.macs as f64 / 1e9) - 1.0;
            assert!((0.0..0.06).contains(&surplus), "{name} {input_size} {width:?}: {surplus}");
            let parameters = size.parameters as f64 / 1e6;
            assert!((parameters - parameters_millions).abs() < 0.01, "{name}: {parameters}");
        }
    }

    #[test]
    fn every_pixel_gets_a_class_and_no_feature_is_smaller_than_stated() {
        for (name, smallest) in [
            ("lraspp-mobilenet-v3-large", 17),
            ("lraspp-mobilenet-v3-large-os32", 9),
            ("deeplab-mobilenet-edgetpu-slim", 17),
            ("raspp-mobilenet-v2", 17),
        ] {
            for precision in [Precision::F32, Precision::Int8] {
                let definition = find(name).unwrap();
                let input_size = InputSize { height: 257, width: 513 };
                let options = BuildOptions { input_size, precision, ..definition.options() };
                let graph = definition.build(&options).unwrap();
                let output = graph.ty(graph.outputs()[0]);
                assert_eq!(output.shape, Shape::new(1, 257, 513, 1), "{name}");
                assert_eq!(output.element, Element::uint8(1.0, 0));
                let filtered = graph.nodes().iter().filter(|node| {
                    matches!(node.op, Op::DepthwiseConv2d(_)) && node.output.shape.h > 1
                });
                let heights = filtered.map(|node| node.output.shape.h);
                assert_eq!(heights.min(), Some(smallest), "{name}");
            }
        }
    }
}
