//! Taking back the mean error of quantized weights (Nagel et al., 2019, "Data-free
//! quantization through weight equalization and bias correction", section 4.2).
//!
//! Rounded weights shift the mean of each output channel, and the shifts pile up from layer
//! to layer. Here the shift is measured on the samples, layer by layer in the order in which
//! they run: each layer is fed what the int8 layers before it, corrected already, really
//! yield. Its mean sum is compared with the float network's and the difference taken off the
//! bias. That costs two more runs of the network for each sample, not one for each layer.

use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, GraphBuilder, GraphError, NodeId, Op, Tensor,
    TensorError, TensorType,
};

use crate::calibrate::{Calibration, ChannelStatistics};
use crate::convert::{Conversion, quantize_tensor};
use crate::layer::with_params;
use crate::{QuantizeError, Stage};

/// Changes the biases of a conversion so that the mean of every layer's sums on the samples is
/// the float network's.
///
/// Holds the int8 activations of all samples that are still to be read.
///
/// # Errors
/// If the backend cannot run the layers.
pub(crate) fn correct_biases(
    conversion: &mut Conversion<'_>,
    calibration: &Calibration,
    backend: &dyn Backend,
    samples: &[Vec<Tensor>],
    progress: &mut dyn FnMut(Stage, usize, usize),
) -> Result<(), QuantizeError> {
    let float = conversion.float;
    let mut last_readers = last_readers(conversion);
    let mut values: Vec<Vec<Tensor>> = vec![Vec::new(); float.nodes().len()];
    let nodes = float.nodes().len();
    for (id, node) in float.iter() {
        progress(Stage::CorrectBias, id.index(), nodes);
        if conversion.elements.of_node[id.index()].is_none() {
            continue;
        }
        let layer_node = conversion.layer_node(id);
        let inputs = &float.node(layer_node).inputs;
        let invalid = |source| invalid(&node.name, source);
        let element = conversion.elements.get(id);
        values[id.index()] = match &node.op {
            Op::Input => {
                let position = float.inputs().iter().position(|input| *input == id);
                let position = position.expect("inputs are listed");
                let quantized =
                    samples.iter().map(|sample| quantize_tensor(&sample[position], element));
                quantized.collect::<Result<_, _>>().map_err(invalid)?
            }
            Op::Constant(constant) => {
                let value = quantize_tensor(float.param(constant.value), element);
                vec![value.map_err(invalid)?; samples.len()]
            }
            _ => {
                let inputs: Vec<Vec<Tensor>> = (0..samples.len())
                    .map(|sample| {
                        inputs.iter().map(|i| values[i.index()][sample].clone()).collect()
                    })
                    .collect();
                correct_layer(conversion, calibration, backend, layer_node, &inputs)?;
                run_node(conversion, backend, id, &inputs)?
            }
        };
        for read in last_readers[id.index()].drain(..) {
            values[read.index()] = Vec::new();
        }
    }
    progress(Stage::CorrectBias, nodes, nodes);
    Ok(())
}

/// For each node, the nodes whose values nobody needs after it.
fn last_readers(conversion: &Conversion<'_>) -> Vec<Vec<NodeId>> {
    let mut last = vec![None; conversion.float.nodes().len()];
    for (id, _) in conversion.float.iter() {
        for input in &conversion.float.node(conversion.layer_node(id)).inputs {
            last[input.index()] = Some(id);
        }
    }
    let mut freed = vec![Vec::new(); last.len()];
    for (id, _) in conversion.float.iter() {
        if let Some(reader) = last[id.index()] {
            freed[reader.index()].push(id);
        }
    }
    freed
}

/// Sets a layer's bias by what its quantized weights make of these int8 inputs.
fn correct_layer(
    conversion: &mut Conversion<'_>,
    calibration: &Calibration,
    backend: &dyn Backend,
    id: NodeId,
    inputs: &[Vec<Tensor>],
) -> Result<(), QuantizeError> {
    let Some(weights) = conversion.weights(id) else { return Ok(()) };
    let (layer, weights) = weights?;
    let node = conversion.float.node(id);
    let invalid = |source| invalid(&node.name, source);
    let (weight, bias) = weights.real(&layer).map_err(invalid)?;
    let graph = real_layer(conversion, id, weight, bias)?;
    let mut plan = backend.compile(&graph, &CompileOptions::default())?;
    let mut sums = ChannelStatistics::default();
    for tensors in inputs {
        let real = Tensor::from_f32(tensors[0].shape(), tensors[0].to_f32()).map_err(invalid)?;
        let outputs = plan.run(&[real])?;
        sums.add(outputs[0].as_f32().expect("a float layer"), layer.channels);
    }
    let expected = calibration.channels[id.index()].means();
    let shifts = sums.means().zip(expected).map(|(actual, expected)| actual - expected);
    let bias = conversion.bias(id, &layer);
    let corrected = bias.iter().zip(shifts).map(|(bias, shift)| (f64::from(*bias) - shift) as f32);
    conversion.biases[id.index()] = Some(corrected.collect());
    Ok(())
}

/// A network of one float layer, with these weights instead of its own.
fn real_layer(
    conversion: &Conversion<'_>,
    id: NodeId,
    weight: Tensor,
    bias: Tensor,
) -> Result<Graph, GraphError> {
    let node = conversion.float.node(id);
    let mut builder = GraphBuilder::new(&node.name);
    let shape = conversion.float.ty(node.inputs[0]).shape;
    let input = builder.input("input", TensorType::new(shape, Element::F32))?;
    let weight = builder.param("weight", weight);
    let bias = builder.param("bias", bias);
    let output = builder.push(&node.name, with_params(&node.op, weight, Some(bias)), &[input])?;
    builder.finish(&[output])
}

/// The int8 values of one node from those of its inputs.
fn run_node(
    conversion: &Conversion<'_>,
    backend: &dyn Backend,
    id: NodeId,
    inputs: &[Vec<Tensor>],
) -> Result<Vec<Tensor>, QuantizeError> {
    let node = conversion.float.node(conversion.layer_node(id));
    let mut builder = GraphBuilder::new(&node.name);
    let mut fed = Vec::with_capacity(node.inputs.len());
    for (position, &input) in node.inputs.iter().enumerate() {
        let element = conversion.elements.get(input).clone();
        let ty = TensorType::new(conversion.float.ty(input).shape, element);
        fed.push((input, builder.input(format!("input{position}"), ty)?));
    }
    let of = |input| fed.iter().find(|(id, _)| *id == input).expect("all inputs are fed").1;
    let output = conversion.push(&mut builder, id, of)?;
    let graph = builder.finish(&[output])?;
    let mut plan = backend.compile(&graph, &CompileOptions::default())?;
    let mut values = Vec::with_capacity(inputs.len());
    for tensors in inputs {
        values.push(plan.run(tensors)?[0].clone());
    }
    Ok(values)
}

fn invalid(name: &str, source: TensorError) -> GraphError {
    GraphError::Tensor { name: name.to_owned(), source }
}
