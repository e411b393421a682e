//! What the benchmarks measure: single layers and whole networks, as graphs.
//!
//! Run them with `cargo bench -p pocketvision-benches`, or one file with `--bench kernels`.
//! Throughput is reported in multiply-accumulates a second; `kernels` ends with a list that
//! compares it with the machine's peak.

use pocketvision::op::{ActivationKind, Conv2d, DepthwiseConv2d, Padding, Window};
use pocketvision::{
    Element, Graph, GraphBuilder, GraphError, Op, ParamId, Quantization, Shape, Tensor, TensorData,
    TensorType,
};

/// A layer of a mobile network to be measured alone.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// What the report calls it.
    pub name: &'static str,
    /// Height and width of its input.
    pub size: usize,
    /// Input channels.
    pub input_channels: usize,
    /// Output channels; those of the input for a depthwise layer.
    pub output_channels: usize,
    /// Rows and columns of taps.
    pub kernel: usize,
    /// Rows and columns between outputs.
    pub stride: usize,
    /// Whether each channel is convolved on its own.
    pub depthwise: bool,
}

/// The layers that MobileNetV2 and MobileNetEdgeTPU spend their time in, one of each kind.
pub const LAYERS: [Layer; 9] = [
    Layer {
        name: "stem_3x3_stride2",
        size: 224,
        input_channels: 3,
        output_channels: 32,
        kernel: 3,
        stride: 2,
        depthwise: false,
    },
    Layer {
        name: "fused_expand_3x3",
        size: 56,
        input_channels: 32,
        output_channels: 128,
        kernel: 3,
        stride: 1,
        depthwise: false,
    },
    Layer {
        name: "fused_expand_stride2",
        size: 56,
        input_channels: 32,
        output_channels: 256,
        kernel: 3,
        stride: 2,
        depthwise: false,
    },
    Layer {
        name: "shallow_expand_1x1",
        size: 112,
        input_channels: 16,
        output_channels: 96,
        kernel: 1,
        stride: 1,
        depthwise: false,
    },
    Layer {
        name: "classifier",
        size: 1,
        input_channels: 1280,
        output_channels: 1000,
        kernel: 1,
        stride: 1,
        depthwise: false,
    },
    Layer {
        name: "depthwise_stride2",
        size: 56,
        input_channels: 144,
        output_channels: 144,
        kernel: 3,
        stride: 2,
        depthwise: true,
    },
    Layer {
        name: "project_1x1",
        size: 14,
        input_channels: 384,
        output_channels: 96,
        kernel: 1,
        stride: 1,
        depthwise: false,
    },
    Layer {
        name: "depthwise_3x3",
        size: 14,
        input_channels: 384,
        output_channels: 384,
        kernel: 3,
        stride: 1,
        depthwise: true,
    },
    Layer {
        name: "depthwise_5x5",
        size: 7,
        input_channels: 640,
        output_channels: 640,
        kernel: 5,
        stride: 1,
        depthwise: true,
    },
];

impl Layer {
    /// The layer as a graph of its own.
    ///
    /// # Errors
    /// If the layer cannot be.
    pub fn graph(&self, int8: bool) -> Result<Graph, GraphError> {
        let mut builder = GraphBuilder::new(self.name);
        let shape = Shape::new(1, self.size, self.size, self.input_channels);
        let element = if int8 { Element::int8(0.02, -3) } else { Element::F32 };
        let input = builder.input("input", TensorType::new(shape, element))?;
        let weight_shape = match self.depthwise {
            true => Shape::new(1, self.kernel, self.kernel, self.output_channels),
            false => {
                Shape::new(self.output_channels, self.kernel, self.kernel, self.input_channels)
            }
        };
        let weight = parameter(&mut builder, "weight", weight_shape, int8, self.output_channels)?;
        let window = Window::square(self.kernel, self.stride, Padding::Same);
        let activation = Some(ActivationKind::Relu);
        let op = if self.depthwise {
            Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias: None, activation })
        } else {
            Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation })
        };
        let output = match int8 {
            true => builder.push_as(self.name, op, &[input], Element::int8(0.05, -128))?,
            false => builder.push(self.name, op, &[input])?,
        };
        builder.finish(&[output])
    }
}

/// Numbers for every input of a graph: arbitrary, never zero throughout.
///
/// # Errors
/// If an input is neither f32, int8 nor uint8.
pub fn inputs(graph: &Graph) -> Result<Vec<Tensor>, GraphError> {
    let tensor = |ty: &TensorType| {
        let numbers = (0..ty.shape.elements()).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8);
        let data = match ty.element {
            Element::Int8(_) => TensorData::I8(numbers.map(|x| x as i8).collect()),
            Element::UInt8(_) => TensorData::U8(numbers.collect()),
            _ => TensorData::F32(numbers.map(|x| f32::from(x) / 127.5 - 1.0).collect()),
        };
        Tensor::new(ty.shape, ty.element.clone(), data)
    };
    let invalid = |source| GraphError::Tensor { name: "input".to_owned(), source };
    graph.inputs().iter().map(|&id| tensor(graph.ty(id)).map_err(invalid)).collect()
}

fn parameter(
    builder: &mut GraphBuilder,
    name: &str,
    shape: Shape,
    int8: bool,
    output_channels: usize,
) -> Result<ParamId, GraphError> {
    let numbers = (0..shape.elements()).map(|i| (i.wrapping_mul(40_503) >> 3) as i8);
    let (element, data) = if int8 {
        let scales = vec![0.01; output_channels].into();
        (Element::Int8(Quantization::PerChannel { scales }), TensorData::I8(numbers.collect()))
    } else {
        (Element::F32, TensorData::F32(numbers.map(|x| f32::from(x) / 128.0).collect()))
    };
    let tensor = Tensor::new(shape, element, data)
        .map_err(|source| GraphError::Tensor { name: name.to_owned(), source })?;
    Ok(builder.param(name, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_can_be_built_and_fed() {
        for layer in LAYERS {
            for int8 in [false, true] {
                let graph = layer.graph(int8).unwrap();
                assert!(graph.macs() > 0);
                let inputs = inputs(&graph).unwrap();
                assert!(inputs[0].bytes().iter().any(|&byte| byte != 0));
            }
        }
    }
}
