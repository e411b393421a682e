//! An integer network as float.

use pocketvision_core::op::ActivationKind;
use pocketvision_core::{
    Element, Graph, GraphBuilder, GraphError, NodeId, Op, ParamId, Quantization, Tensor, TensorType,
};

/// The float network that an integer network approximates: every weight and bias as the real
/// number that it stands for, every activation in f32. Inputs and outputs become f32 of the same
/// real values, and what quantized or dequantized in between is gone. Float parts stay as they
/// are, and so do pixels that [`pocketvision_core::op::Normalize`] alone reads.
///
/// Integers that cannot go below the real number 0 are an activation, whether the file states
/// one or not: TOCO left ReLU to the saturation of its output. Such layers get their ReLU, or
/// ReLU6 where they end at 6. Otherwise what integers cannot hold is cut off in the original
/// and not in the result.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
/// use pocketvision_quantize::dequantize;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let int8 = network.build(&network.options())?;
/// let float = dequantize(&int8)?;
/// assert!(float.nodes().iter().all(|node| node.output.element.is_float()));
/// assert_eq!(float.macs(), int8.macs());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the graph cannot be rebuilt: where `Normalize` reads anything but an input, or pixels that
/// another operator reads too.
pub fn dequantize(graph: &Graph) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new(graph.name());
    let mut rebuilt: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    let consumers = graph.consumers();
    for (id, node) in graph.iter() {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| rebuilt[input.index()]).collect();
        let normalizes = |reader: &NodeId| matches!(graph.node(*reader).op, Op::Normalize(_));
        let readers = &consumers[id.index()];
        let id = match &node.op {
            Op::Input if !readers.is_empty() && readers.iter().all(normalizes) => {
                builder.input(&node.name, node.output.clone())?
            }
            Op::Input => {
                builder.input(&node.name, TensorType::new(node.output.shape, Element::F32))?
            }
            Op::Quantize(_) | Op::Dequantize(_) => inputs[0],
            op => {
                let mut op = with_float_params(graph, &mut builder, &node.name, op)?;
                state_activation(&mut op, &node.output.element);
                builder.push(&node.name, op, &inputs)?
            }
        };
        rebuilt.push(id);
    }
    let outputs: Vec<NodeId> = graph.outputs().iter().map(|id| rebuilt[id.index()]).collect();
    builder.finish(&outputs)
}

/// The operator with its parameters in f32.
fn with_float_params(
    graph: &Graph,
    builder: &mut GraphBuilder,
    node: &str,
    op: &Op,
) -> Result<Op, GraphError> {
    let mut float = |param: ParamId, innermost: bool| -> Result<ParamId, GraphError> {
        let tensor = graph.param(param);
        let values = real_values(tensor, innermost);
        let name = graph.params()[param.index()].name.clone();
        let tensor = Tensor::from_f32(tensor.shape(), values)
            .map_err(|source| GraphError::Tensor { name: node.to_owned(), source })?;
        Ok(builder.param(name, tensor))
    };
    let mut op = op.clone();
    match &mut op {
        Op::Conv2d(conv) => {
            conv.weight = float(conv.weight, false)?;
            conv.bias = conv.bias.map(|bias| float(bias, true)).transpose()?;
        }
        Op::DepthwiseConv2d(conv) => {
            conv.weight = float(conv.weight, true)?;
            conv.bias = conv.bias.map(|bias| float(bias, true)).transpose()?;
        }
        Op::ConvTranspose2d(conv) => {
            conv.weight = float(conv.weight, false)?;
            conv.bias = conv.bias.map(|bias| float(bias, true)).transpose()?;
        }
        Op::DetectionPostprocess(op) => op.anchors = float(op.anchors, true)?,
        Op::Linear(linear) => {
            linear.weight = float(linear.weight, false)?;
            linear.bias = linear.bias.map(|bias| float(bias, true)).transpose()?;
        }
        Op::Constant(constant) => constant.value = float(constant.value, true)?,
        _ => {}
    }
    Ok(op)
}

/// Gives a layer without an activation the one that the range of its integers amounts to.
fn state_activation(op: &mut Op, output: &Element) {
    let (Element::Int8(_), Some((scale, LOWEST))) = (output, output.per_tensor()) else { return };
    if op.fused_activation().is_none() {
        let ends_at_6 = (scale * 255.0 - 6.0).abs() < scale;
        let kind = if ends_at_6 { ActivationKind::Relu6 } else { ActivationKind::Relu };
        if let Some(stated) = op.with_activation(Some(kind)) {
            *op = stated;
        }
    }
}

/// The zero point at which int8 begins: nothing lies below the real number 0.
const LOWEST: i32 = i8::MIN as i32;

/// Numbers as the reals that they stand for. Channels with scales of their own are the
/// innermost dimension, or the outermost.
fn real_values(tensor: &Tensor, innermost: bool) -> Vec<f32> {
    let Some(Quantization::PerChannel { scales }) = tensor.element().quantization() else {
        return tensor.to_f32();
    };
    let integers: Vec<i32> = match (tensor.as_i8(), tensor.as_i32()) {
        (Some(values), _) => values.iter().map(|value| i32::from(*value)).collect(),
        (_, Some(values)) => values.to_vec(),
        _ => return tensor.to_f32(),
    };
    let per_channel = (integers.len() / scales.len().max(1)).max(1);
    let scale = |index: usize| {
        if innermost { scales[index % scales.len()] } else { scales[index / per_channel] }
    };
    integers.iter().enumerate().map(|(index, value)| *value as f32 * scale(index)).collect()
}
