//! Networks by definition: one file a family, one stage table as in its paper.
//!
//! A definition builds the same network at any input size and class count, in float or int8,
//! with seeded weights: nothing it says about a photo means anything, but it costs exactly
//! what the trained network costs. Trained weights come from files.

mod layers;
mod mobilenet_edgetpu;
mod random;

pub use layers::Precision;
pub use random::SplitMix64;

use crate::{Graph, GraphError};

/// Every network that can be built by name.
pub static ALL: &[Definition] =
    &[mobilenet_edgetpu::WIDTH_1_0, mobilenet_edgetpu::WIDTH_0_75, mobilenet_edgetpu::WIDTH_0_5];

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

/// A network that can be built by name.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What people type, as in `mobilenet-edgetpu-1.0`.
    pub name: &'static str,
    /// What is published about it.
    pub published: Published,
    build: fn(&Definition, &BuildOptions) -> Result<Graph, GraphError>,
    width: f64,
}

impl Definition {
    /// Builds the network with seeded weights.
    ///
    /// # Errors
    /// If the input is too small or too large for the network.
    pub fn build(&self, options: &BuildOptions) -> Result<Graph, GraphError> {
        (self.build)(self, options)
    }
}

/// What is published about a network, to be printed beside what we compute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Published {
    /// Multiply-accumulates of one inference at 224x224, in millions.
    pub macs_millions: Option<f64>,
    /// Parameters, batch normalisation included, in millions.
    pub parameters_millions: Option<f64>,
    /// ImageNet top-1 accuracy in percent, in 8 bits.
    pub top1_percent: Option<f64>,
    /// Where the figures are from.
    pub source: &'static str,
}

/// Choices made when building a network by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuildOptions {
    /// Height and width of the input in pixels.
    pub input_size: usize,
    /// Images a run takes at once.
    pub batch: usize,
    /// Number of scores; 1001 for ImageNet with a background class first.
    pub classes: usize,
    /// Element type of weights and activations.
    pub precision: Precision,
    /// Seed of the weights: the same seed gives the same network everywhere.
    pub seed: u64,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { input_size: 224, batch: 1, classes: 1001, precision: Precision::Int8, seed: 1 }
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

    #[test]
    fn a_seed_gives_one_network_and_another_seed_another() {
        let build = |seed| ALL[0].build(&BuildOptions { seed, ..BuildOptions::default() }).unwrap();
        assert_eq!(build(1), build(1));
        assert_ne!(build(1), build(2));
    }

    #[test]
    fn both_precisions_and_any_size_have_the_same_layers() {
        for definition in ALL {
            for input_size in [32, 96, 224] {
                let [float, int8] = [Precision::F32, Precision::Int8].map(|precision| {
                    let options = BuildOptions { input_size, precision, ..Default::default() };
                    definition.build(&options).unwrap()
                });
                assert_eq!(float.macs(), int8.macs());
                assert_eq!(float.parameters(), int8.parameters());
            }
        }
    }
}
