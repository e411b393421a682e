//! Networks by definition: one file a family, one stage table as in its paper.
//!
//! A family turns its table into an [`Architecture`], plain data with every channel count
//! resolved, and one function builds any architecture: at any input size, width and class
//! count, in float or int8, with weights of a checkpoint or of a seed. What a seeded network
//! says about a photo means nothing, but it costs exactly what the trained network costs.

mod architecture;
mod catalog;
mod definition;
mod detector;
mod efficientnet;
mod input_size;
mod layers;
mod mnasnet;
mod mobiledet;
mod mobilenet_edgetpu;
mod mobilenet_edgetpu_cifar;
mod mobilenet_edgetpu_v2;
mod mobilenet_multi;
mod mobilenet_v1;
mod mobilenet_v2;
mod mobilenet_v3;
mod random;
mod segmenter;
mod weights;

pub use architecture::{Architecture, Block, BlockKind, Head, PooledHead, Stem, round_to_8};
pub use catalog::ALL;
pub use definition::{Definition, Size};
pub use detector::{Detector, Tap};
pub use input_size::{InputSize, InputSizeError};
pub use layers::{PaddingStyle, Precision};
pub use random::SplitMix64;
pub use segmenter::{Segmenter, SegmenterHead};
pub use weights::{
    BatchNorm, BlockLayer, DetectorLayer, LayerName, LayerRequest, LayerWeights, SeededWeights,
    WeightSource,
};

/// The network of a name, if there is one.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions};
///
/// let definition = models::find("mobilenet-edgetpu-1.0").unwrap();
/// let graph = definition.build(&BuildOptions::default())?;
/// assert_eq!(graph.macs() / 1_000_000, 990);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
pub fn find(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.name == name)
}

/// What is published about a network, to be printed beside what we compute.
///
/// ```
/// use pocketvision_core::models;
///
/// let published = models::find("mobilenet-v1-0.75").unwrap().published;
/// assert_eq!(published.macs_millions, Some(317.0));
/// assert!(published.difference.is_some(), "what is computed here differs, and why");
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Published {
    /// Multiply-accumulates of one inference at [`Definition::input_size`], in millions.
    pub macs_millions: Option<f64>,
    /// Parameters, batch normalisation included, in millions.
    pub parameters_millions: Option<f64>,
    /// ImageNet top-1 accuracy in percent; in float where both are published.
    pub top1_percent: Option<f64>,
    /// Where the figures are from.
    pub source: &'static str,
    /// Why what we compute differs, where it does.
    pub difference: Option<&'static str>,
}

impl Published {
    /// Nothing, for the reason given.
    pub(crate) const fn nothing(source: &'static str) -> Self {
        Self {
            macs_millions: None,
            parameters_millions: None,
            top1_percent: None,
            source,
            difference: None,
        }
    }

    pub(crate) const fn but(self, difference: &'static str) -> Self {
        Self { difference: Some(difference), ..self }
    }
}

/// Choices made when building a network by name.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, PaddingStyle, Precision};
///
/// let network = models::find("mobilenet-v2-0.35").unwrap();
/// let as_pytorch = BuildOptions {
///     classes: 10,
///     precision: Precision::F32,
///     padding: PaddingStyle::Symmetric,
///     ..network.options()
/// };
/// let graph = network.build(&as_pytorch)?;
/// assert!(graph.ty(graph.inputs()[0]).element.is_float());
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BuildOptions {
    /// Height and width of the input.
    pub input_size: InputSize,
    /// Images a run takes at once.
    pub batch: usize,
    /// Number of scores; 1001 for ImageNet with a background class first.
    pub classes: usize,
    /// Multiplier of the channel counts, instead of the definition's own.
    pub width: Option<f64>,
    /// Element type of weights and activations.
    pub precision: Precision,
    /// Where the border of convolutions lies.
    pub padding: PaddingStyle,
    /// Seed of the weights: the same seed gives the same network everywhere.
    pub seed: u64,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            input_size: InputSize::square(224),
            batch: 1,
            classes: 1001,
            width: None,
            precision: Precision::Int8,
            padding: PaddingStyle::Same,
            seed: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for definition in ALL {
            assert!(std::ptr::eq(find(definition.name).unwrap(), definition), "{definition:?}");
        }
    }

    /// Published figures have two digits at times: 2.9 M stands for 2.99 M.
    #[test]
    fn figures_agree_with_the_published_ones_or_say_why_not() {
        let mut strangers = Vec::new();
        for definition in ALL {
            let Published { macs_millions, parameters_millions, difference, .. } =
                definition.published;
            let size = definition.size(&definition.options()).unwrap();
            let computed = [size.macs, size.parameters].map(|figure| figure as f64 / 1e6);
            let near = computed.iter().zip([macs_millions, parameters_millions]).all(
                |(computed, published)| {
                    published.is_none_or(|published| (computed / published - 1.0).abs() < 0.035)
                },
            );
            if !near && difference.is_none() {
                strangers.push(format!("{}: {computed:?}", definition.name));
            }
        }
        assert!(strangers.is_empty(), "{strangers:#?}");
    }

    #[test]
    fn a_seed_gives_one_network_and_another_seed_another() {
        let build = |seed| ALL[0].build(&BuildOptions { seed, ..BuildOptions::default() }).unwrap();
        assert_eq!(build(1), build(1));
        assert_ne!(build(1), build(2));
    }

    #[test]
    fn both_precisions_and_any_size_have_the_same_layers() {
        for definition in ALL {
            let [float, int8] = [Precision::F32, Precision::Int8].map(|precision| {
                let input_size = InputSize::square(32);
                let options = BuildOptions { input_size, precision, ..Default::default() };
                definition.build(&options).unwrap()
            });
            assert_eq!(float.macs(), int8.macs(), "{}", definition.name);
            assert_eq!(float.parameters(), int8.parameters());
            let at = |height, width| {
                let input_size = InputSize { height, width };
                definition.size(&BuildOptions { input_size, ..Default::default() }).unwrap()
            };
            let (low, wide) = (at(32, 97), at(97, 97));
            assert!(float.macs() < low.macs && low.macs < wide.macs, "{}", definition.name);
            assert_eq!(low.parameters, wide.parameters);
        }
    }

    #[test]
    fn the_last_layer_says_how_many_classes_there_are() {
        for definition in ALL {
            let own = definition.options();
            let seven = definition.size(&BuildOptions { classes: 7, ..own }).unwrap();
            let last = seven.layers.last().unwrap().channels();
            let (options, size) = definition.size_for_weights(&own, |_| Some(last)).unwrap();
            assert_eq!((options.classes, &size), (7, &seven), "{}", definition.name);
            for unknown in [None, Some(0)] {
                let (options, _) = definition.size_for_weights(&own, |_| unknown).unwrap();
                assert_eq!(options, own, "{}", definition.name);
            }
        }
    }

    #[test]
    fn a_width_and_a_class_count_may_be_anything() {
        let definition = find("mobilenet-v3-large").unwrap();
        let narrow = BuildOptions { width: Some(0.6), classes: 7, ..definition.options() };
        let graph = definition.build(&narrow).unwrap();
        assert_eq!(graph.ty(graph.outputs()[0]).shape.c, 7);
        assert!(graph.macs() < definition.size(&definition.options()).unwrap().macs);
    }
}
