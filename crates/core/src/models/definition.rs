//! A network of the catalog: what it is, how it is built, what it costs.

use super::weights::RecordedRequests;
use super::{
    Architecture, BuildOptions, Detector, InputSize, LayerRequest, Precision, Published,
    SeededWeights, Segmenter, WeightSource,
};
use crate::{Graph, GraphError};

/// A network that can be built by name.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, InputSize};
///
/// let network = models::find("mobilenet-v3-large").unwrap();
/// assert_eq!(network.published.top1_percent, Some(75.2));
/// let small = BuildOptions { input_size: InputSize::square(96), classes: 5, ..network.options() };
/// let graph = network.build(&small)?;
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.c, 5);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What people type, as in `mobilenet-edgetpu-1.0`.
    pub name: &'static str,
    /// The input that the published figures are for.
    pub input_size: InputSize,
    /// Number of scores for one answer. A background counts where the network has a score for
    /// it, as ImageNet's classifiers and all detectors here do.
    pub classes: usize,
    /// Multiplier of the channel counts.
    pub width: f64,
    /// What is published about it.
    pub published: Published,
    pub(super) family: Family,
}

/// What a definition builds, at a width multiplier.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Classifier(fn(width: f64) -> Architecture),
    Detector(fn(width: f64) -> Detector),
    Segmenter(fn(width: f64) -> Segmenter),
}

impl Definition {
    /// The layers as data of a classifier, or of another network's backbone, at a width
    /// multiplier.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-v2-1.0").unwrap();
    /// let (whole, half) = (network.architecture(None), network.architecture(Some(0.5)));
    /// assert_eq!(whole.blocks.len(), 17);
    /// assert_eq!((whole.blocks[16].channels, half.blocks[16].channels), (320, 160));
    /// ```
    pub fn architecture(&self, width: Option<f64>) -> Architecture {
        let width = width.unwrap_or(self.width);
        match self.family {
            Family::Classifier(family) => family(width),
            Family::Detector(family) => family(width).backbone,
            Family::Segmenter(family) => family(width).backbone,
        }
    }

    /// True for a network that says what one image is of.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let classifiers = models::ALL.iter().filter(|network| network.is_classifier()).count();
    /// assert!(classifiers < models::ALL.len());
    /// ```
    pub const fn is_classifier(&self) -> bool {
        matches!(self.family, Family::Classifier(_))
    }

    /// The detector as data, at a width multiplier, if it is one.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("ssdlite-mobilenet-v2").unwrap();
    /// let detector = network.detector(None).expect("a detector");
    /// assert!(detector.separable);
    /// assert!(network.segmenter(None).is_none());
    /// ```
    pub fn detector(&self, width: Option<f64>) -> Option<Detector> {
        match self.family {
            Family::Detector(family) => Some(family(width.unwrap_or(self.width))),
            _ => None,
        }
    }

    /// The segmentation network as data, at a width multiplier, if it is one.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("lraspp-mobilenet-v3-large").unwrap();
    /// assert_eq!(network.segmenter(None).expect("a segmentation").output_stride, 16);
    /// ```
    pub fn segmenter(&self, width: Option<f64>) -> Option<Segmenter> {
        match self.family {
            Family::Segmenter(family) => Some(family(width.unwrap_or(self.width))),
            _ => None,
        }
    }

    /// The defaults, at the input size and of the classes that the published figures are for.
    ///
    /// ```
    /// use pocketvision_core::models::{self, BuildOptions};
    ///
    /// let own = models::find("mobilenet-edgetpu-cifar10").unwrap().options();
    /// assert_eq!((own.input_size.height, own.classes), (32, 10));
    /// let pair = BuildOptions { batch: 2, ..own };
    /// assert_ne!(pair, own);
    /// ```
    pub fn options(&self) -> BuildOptions {
        let Self { input_size, classes, .. } = *self;
        BuildOptions { input_size, classes, ..BuildOptions::default() }
    }

    /// The number of classes of such a network whose last layer has so many channels.
    fn classes_of(&self, channels: usize) -> Option<usize> {
        let each = self
            .detector(None)
            .map_or(1, |detector| detector.anchors.per_cell(detector.extra_channels.len() + 1));
        channels.is_multiple_of(each).then(|| channels / each)
    }

    /// Builds the network with seeded weights.
    ///
    /// ```
    /// use pocketvision_core::models::{self, BuildOptions};
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let graph = network.build(&BuildOptions { seed: 7, ..network.options() })?;
    /// assert_eq!(graph.ty(graph.inputs()[0]).shape.dims(), [1, 32, 32, 3]);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If the input is too small or too large for the network, or an option cannot be.
    pub fn build(&self, options: &BuildOptions) -> Result<Graph, GraphError> {
        self.build_with(options, &mut SeededWeights::new(options.seed))
    }

    /// Builds the network with the weights of a source.
    ///
    /// ```
    /// use pocketvision_core::models::{self, LayerRequest, LayerWeights, WeightSource};
    ///
    /// /// Every weight the same.
    /// struct Halves;
    ///
    /// impl WeightSource for Halves {
    ///     fn layer(&mut self, request: &LayerRequest) -> LayerWeights {
    ///         let weight = vec![0.5; request.shape.elements()];
    ///         LayerWeights { weight, bias: vec![0.0; request.channels()] }
    ///     }
    /// }
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let graph = network.build_with(&network.options(), &mut Halves)?;
    /// assert_eq!(graph.outputs().len(), 1);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::build`], and if the source's weights have other shapes.
    pub fn build_with(
        &self,
        options: &BuildOptions,
        source: &mut dyn WeightSource,
    ) -> Result<Graph, GraphError> {
        let width = options.width.unwrap_or(self.width);
        match self.family {
            Family::Classifier(family) => family(width).build(self.name, options, source),
            Family::Detector(family) => family(width).build(self.name, options, source),
            Family::Segmenter(family) => family(width).build(self.name, options, source),
        }
    }

    /// Every layer that needs weights, in the order of the network, and what one inference
    /// costs. Builds the network without filling it: a few milliseconds at most.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").unwrap();
    /// let size = network.size(&network.options())?;
    /// println!("{} layers, {} parameters", size.layers.len(), size.parameters);
    /// assert_eq!(size.macs / 1_000_000, 990);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn size(&self, options: &BuildOptions) -> Result<Size, GraphError> {
        let options = BuildOptions { precision: Precision::F32, ..*options };
        let mut requests = RecordedRequests::default();
        let graph = self.build_with(&options, &mut requests)?;
        let layers = requests.0;
        let parameters = layers.iter().map(LayerRequest::parameters).sum();
        Ok(Size { macs: graph.macs(), parameters, layers })
    }

    /// The network that some weights are of: these options with the number of classes that the
    /// weights have, and its size. `channels` says how many output channels they have for the
    /// last layer; where it says nothing, or what no number of classes gives, the options stay.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// // A checkpoint whose last layer has seven channels.
    /// let (options, size) = network.size_for_weights(&network.options(), |_| Some(7))?;
    /// assert_eq!(options.classes, 7);
    /// assert_eq!(size.layers.last().map(|layer| layer.channels()), Some(7));
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn size_for_weights(
        &self,
        options: &BuildOptions,
        channels: impl FnOnce(&LayerRequest) -> Option<usize>,
    ) -> Result<(BuildOptions, Size), GraphError> {
        let size = self.size(options)?;
        let channels = size.layers.last().and_then(channels).filter(|&channels| channels > 0);
        match channels.and_then(|channels| self.classes_of(channels)) {
            Some(classes) if classes != options.classes => {
                let options = BuildOptions { classes, ..*options };
                self.size(&options).map(|size| (options, size))
            }
            _ => Ok((*options, size)),
        }
    }
}

/// What a network weighs and costs, computed from its definition.
///
/// ```
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let size = network.size(&network.options())?;
/// let of_layers: u64 = size.layers.iter().map(|layer| layer.parameters()).sum();
/// assert_eq!(of_layers, size.parameters);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Size {
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Numbers that training adjusts, as papers count them: batch normalisation's scale and
    /// shift are two for each channel, which folding makes one.
    pub parameters: u64,
    /// Every layer with weights, in the order of the network.
    pub layers: Vec<LayerRequest>,
}
