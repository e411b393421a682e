//! Whose names the tensors of a checkpoint have, one file a convention.

mod detection_graph;
mod pocketvision;
mod slim;
mod timm;
mod torchvision;

use pocketvision_core::models::{Architecture, InputSize, LayerName, LayerRequest, PaddingStyle};

/// A convention of tensor names.
///
/// ```
/// use pocketvision_core::models::PaddingStyle;
/// use pocketvision_import_safetensors::Naming;
///
/// assert_eq!(Naming::Torchvision.padding(), PaddingStyle::Symmetric);
/// assert_eq!(Naming::ALL.map(Naming::name)[1], "TensorFlow-slim");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Naming {
    /// Ours: `block3/expand/weight`, batch normalisation already folded.
    PocketVision,
    /// TensorFlow-slim's: `MobilenetV2/expanded_conv_2/expand/weights`.
    Slim,
    /// torchvision's: `features.3.conv.0.0.weight`.
    Torchvision,
    /// timm's: `blocks.1.1.conv_pw.weight`.
    Timm,
    /// A frozen detector's: `BoxPredictor_0/ClassPredictor/weights`.
    DetectionGraph,
}

/// What a convention calls the tensors of one layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LayerTensors {
    pub(crate) weight: String,
    pub(crate) bias: Option<String>,
    /// What the weights of each output channel are multiplied by.
    pub(crate) scale: Option<String>,
    /// Scale, shift, mean and variance of the batch normalisation.
    pub(crate) normalization: Option<[String; 4]>,
}

impl Naming {
    /// Every convention.
    pub const ALL: [Self; 5] =
        [Self::PocketVision, Self::Slim, Self::Torchvision, Self::Timm, Self::DetectionGraph];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PocketVision => "PocketVision",
            Self::Slim => "TensorFlow-slim",
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
            Self::DetectionGraph => "TensorFlow's object detection API",
        }
    }

    /// The convention that some tensor names are of.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let names: Vec<&str> = names.collect();
        let has = |wanted: &str| names.contains(&wanted);
        if has("stem/weight") {
            Some(Self::PocketVision)
        } else if has("conv_stem.weight") {
            Some(Self::Timm)
        } else if has("features.0.0.weight") {
            Some(Self::Torchvision)
        } else if names.iter().any(|name| name.starts_with("Mobilenet")) {
            Some(Self::Slim)
        } else if has("BoxPredictor_0/ClassPredictor/weights") {
            Some(Self::DetectionGraph)
        } else {
            None
        }
    }

    /// Where the border of convolutions lies in networks with such names.
    pub const fn padding(self) -> PaddingStyle {
        match self {
            Self::PocketVision | Self::Slim | Self::DetectionGraph => PaddingStyle::Same,
            Self::Torchvision | Self::Timm => PaddingStyle::Symmetric,
        }
    }

    /// The pictures that published networks with such names take, if all take the same. Weights
    /// do not say it.
    pub(crate) const fn input_size(self) -> Option<InputSize> {
        match self {
            Self::DetectionGraph => Some(InputSize::square(300)),
            Self::PocketVision | Self::Slim | Self::Torchvision | Self::Timm => None,
        }
    }

    /// The architecture as the convention's own code has it, where that differs from the
    /// original: timm's MobileNetEdgeTPU, of both versions, has an activation after its first
    /// block. (The stem of its V2 XS is 3x3 instead of 5x5; such a file is a mismatch.)
    pub(crate) fn adapted(self, network: &str, mut architecture: Architecture) -> Architecture {
        if self == Self::Timm
            && network.starts_with("mobilenet-edgetpu")
            && let Some(first) = architecture.blocks.first_mut()
        {
            first.project_activation = Some(first.activation);
        }
        architecture
    }

    /// True for tensors of a file that are no weights.
    pub(crate) fn is_constant(self, name: &str) -> bool {
        self == Self::DetectionGraph && detection_graph::is_constant(name)
    }

    /// What batch normalisation adds to the variance.
    pub(crate) fn epsilon(self, network: &str) -> f32 {
        match self {
            Self::PocketVision | Self::Slim | Self::DetectionGraph => 1e-3,
            Self::Torchvision if network.starts_with("mobilenet-v3") => 1e-3,
            Self::Torchvision | Self::Timm => 1e-5,
        }
    }

    /// The tensors of a layer; none if the convention has no such network.
    pub(crate) fn tensors(
        self,
        network: &str,
        architecture: &Architecture,
        layer: &LayerRequest,
    ) -> Option<LayerTensors> {
        match self {
            Self::PocketVision => Some(pocketvision::tensors(layer)),
            Self::Slim => slim::tensors(network, layer),
            Self::Torchvision => torchvision::tensors(network, architecture, layer),
            Self::Timm => timm::tensors(network, architecture, layer),
            Self::DetectionGraph => detection_graph::tensors(network, layer),
        }
    }

    /// The shape that a layer's weight has in a checkpoint.
    pub(crate) fn weight_shape(self, layer: &LayerRequest) -> Vec<usize> {
        let shape = layer.shape;
        match self {
            Self::PocketVision => shape.dims().to_vec(),
            Self::Slim | Self::DetectionGraph if layer.depthwise => {
                vec![shape.h, shape.w, shape.c, 1]
            }
            Self::Slim | Self::DetectionGraph => vec![shape.h, shape.w, shape.c, shape.n],
            Self::Torchvision | Self::Timm if layer.depthwise => vec![shape.c, 1, shape.h, shape.w],
            Self::Torchvision | Self::Timm if self.is_linear(layer) => vec![shape.n, shape.c],
            Self::Torchvision | Self::Timm => vec![shape.n, shape.c, shape.h, shape.w],
        }
    }

    /// True for layers that are matrices in PyTorch.
    fn is_linear(self, layer: &LayerRequest) -> bool {
        match layer.name {
            LayerName::Logits => true,
            LayerName::PooledHead => self == Self::Torchvision,
            _ => false,
        }
    }

    /// Weights in our order, from those of a checkpoint.
    pub(crate) fn reorder(self, values: Vec<f32>, layer: &LayerRequest) -> Vec<f32> {
        let shape = layer.shape;
        let (taps, inputs) = (shape.h * shape.w, shape.c);
        match self {
            Self::PocketVision => values,
            // Height, width, channel: already ours.
            Self::Slim | Self::DetectionGraph if layer.depthwise => values,
            // Height, width, input, output.
            Self::Slim | Self::DetectionGraph => transposed(&values, taps * inputs, shape.n),
            // Channel, height, width.
            Self::Torchvision | Self::Timm if layer.depthwise => transposed(&values, inputs, taps),
            // Output, input, height, width.
            Self::Torchvision | Self::Timm => values
                .chunks_exact(inputs * taps)
                .flat_map(|filter| transposed(filter, inputs, taps))
                .collect(),
        }
    }
}

/// A matrix of so many rows and columns, its rows made columns.
fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| matrix[i % rows * columns + i / rows]).collect()
}

/// The tensors of a PyTorch convolution and the batch normalisation after it.
fn normalized(convolution: &str, normalization: &str) -> LayerTensors {
    let named = |tensor| format!("{normalization}.{tensor}");
    LayerTensors {
        weight: format!("{convolution}.weight"),
        bias: None,
        scale: None,
        normalization: Some(["weight", "bias", "running_mean", "running_var"].map(named)),
    }
}

/// The tensors of a PyTorch layer with a bias.
fn biased(layer: &str) -> LayerTensors {
    LayerTensors {
        weight: format!("{layer}.weight"),
        bias: Some(format!("{layer}.bias")),
        scale: None,
        normalization: None,
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::Shape;

    use super::*;

    fn layer(shape: Shape, depthwise: bool) -> LayerRequest {
        LayerRequest {
            name: LayerName::Stem,
            shape,
            depthwise,
            normalized: true,
            input_mean_square: 1.0,
            variance: 1.0,
        }
    }

    /// Each number says where it belongs: output, row, column, input as decimal digits.
    #[test]
    fn every_layout_is_brought_into_ours() {
        let dense = layer(Shape::new(2, 1, 2, 3), false);
        let ours: Vec<f32> =
            vec![0., 1., 2., 10., 11., 12., 1000., 1001., 1002., 1010., 1011., 1012.];
        let height_width_input_output =
            vec![0., 1000., 1., 1001., 2., 1002., 10., 1010., 11., 1011., 12., 1012.];
        let output_input_height_width =
            vec![0., 10., 1., 11., 2., 12., 1000., 1010., 1001., 1011., 1002., 1012.];
        assert_eq!(Naming::PocketVision.reorder(ours.clone(), &dense), ours);
        assert_eq!(Naming::Slim.reorder(height_width_input_output, &dense), ours);
        assert_eq!(Naming::Torchvision.reorder(output_input_height_width, &dense), ours);

        let depthwise = layer(Shape::new(1, 1, 2, 3), true);
        let ours: Vec<f32> = vec![0., 1., 2., 10., 11., 12.];
        assert_eq!(Naming::Slim.reorder(ours.clone(), &depthwise), ours);
        assert_eq!(Naming::Timm.reorder(vec![0., 10., 1., 11., 2., 12.], &depthwise), ours);
    }
}
