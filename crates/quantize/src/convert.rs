//! The int8 network of a float network whose elements have been chosen.

use pocketvision_core::op::{Constant, Dequantize, Quantize};
use pocketvision_core::{
    Element, Graph, GraphBuilder, GraphError, NodeId, Op, ParamId, Shape, Tensor, TensorData,
    TensorError, TensorType,
};

use crate::elements::Elements;
use crate::ends::End;
use crate::layer::{Layer, with_params};
use crate::weights::QuantizedWeights;
use crate::{InputElement, OutputElement, QuantizeOptions};

/// A float network, and all that decides its int8 network.
#[derive(Debug)]
pub(crate) struct Conversion<'a> {
    /// The prepared float network.
    pub(crate) float: &'a Graph,
    /// The int8 element of each node.
    pub(crate) elements: &'a Elements,
    /// What the float network's outputs become.
    pub(crate) ends: &'a [End],
    /// What the caller chose.
    pub(crate) options: &'a QuantizeOptions,
    /// The bias of each layer, by its node, where it is not the float network's own.
    pub(crate) biases: Vec<Option<Vec<f32>>>,
}

/// The int8 network, and which of its nodes are the float network's.
#[derive(Debug)]
pub(crate) struct Converted {
    /// The network.
    pub(crate) graph: Graph,
    /// For each node of the float network, the int8 node of the same value.
    pub(crate) nodes: Vec<Option<NodeId>>,
}

impl Conversion<'_> {
    /// The int8 network.
    ///
    /// # Errors
    /// If it cannot be built, which no prepared network should cause.
    pub(crate) fn convert(&self) -> Result<Converted, GraphError> {
        let mut builder = GraphBuilder::new(self.float.name());
        let mut nodes: Vec<Option<NodeId>> = Vec::with_capacity(self.float.nodes().len());
        for (id, _) in self.float.iter() {
            let node = match self.elements.of_node[id.index()] {
                None => None,
                Some(_) => Some(self.push(&mut builder, id, |input| {
                    nodes[input.index()].expect("only its own activation reads a fused sum")
                })?),
            };
            nodes.push(node);
        }
        let mut outputs = Vec::with_capacity(self.ends.len());
        for end in self.ends {
            let float = |place: usize| self.float.outputs()[place];
            let int8 = |place| nodes[float(place).index()].expect("outputs are not fused");
            outputs.push(match end {
                End::Value(place) => self.push_output(&mut builder, float(*place), int8(*place))?,
                End::Result(end) => end.attach(&mut builder, int8)?,
            });
        }
        Ok(Converted { graph: builder.finish(&outputs)?, nodes })
    }

    /// The layer that a node computes, itself or as the clamp fused into it.
    pub(crate) fn layer_node(&self, id: NodeId) -> NodeId {
        self.elements.fused_sum[id.index()].unwrap_or(id)
    }

    /// The weights of a node that is a layer.
    ///
    /// # Errors
    /// If they do not fit each other, which no prepared network should cause.
    pub(crate) fn weights(
        &self,
        id: NodeId,
    ) -> Option<Result<(Layer, QuantizedWeights), GraphError>> {
        let node = self.float.node(id);
        let layer = Layer::of(self.float, node)?;
        let bias = self.bias(id, &layer);
        let (weight, input) = (self.float.param(layer.weight), self.elements.get(node.inputs[0]));
        let per_channel = self.options.per_channel;
        let weights = QuantizedWeights::new(&layer, weight, &bias, input, per_channel);
        Some(weights.map(|weights| (layer, weights)).map_err(invalid(&node.name)))
    }

    /// The real bias of a node that is a layer.
    pub(crate) fn bias(&self, id: NodeId, layer: &Layer) -> Vec<f32> {
        match (&self.biases[id.index()], layer.bias) {
            (Some(bias), _) => bias.clone(),
            (None, Some(bias)) => self.float.param(bias).to_f32(),
            (None, None) => vec![0.0; layer.channels],
        }
    }

    /// The int8 node of a float node whose inputs have theirs.
    ///
    /// # Errors
    /// As [`Self::convert`].
    pub(crate) fn push(
        &self,
        builder: &mut GraphBuilder,
        id: NodeId,
        int8: impl Fn(NodeId) -> NodeId,
    ) -> Result<NodeId, GraphError> {
        let node = self.float.node(id);
        let element = self.elements.get(id).clone();
        let computed = self.float.node(self.layer_node(id));
        let op = match &node.op {
            Op::Input => return self.push_input(builder, &node.name, node.output.shape, element),
            Op::Constant(constant) => {
                let value = self.float.param(constant.value);
                let name = self.param_name(constant.value);
                let int8 = quantize_tensor(value, &element).map_err(invalid(name))?;
                let value = builder.param(name, int8);
                return builder.push(&node.name, Op::Constant(Constant { value }), &[]);
            }
            Op::Activation(activation) if self.layer_node(id) != id => {
                computed.op.with_activation(Some(activation.kind)).expect("chosen as fusable")
            }
            op => op.clone(),
        };
        let op = match self.weights(self.layer_node(id)) {
            None => op,
            Some(weights) => {
                let (layer, weights) = weights?;
                let name = |param: Option<ParamId>, ending: &str| match param {
                    Some(param) => self.param_name(param).to_owned(),
                    None => format!("{}/{ending}", node.name),
                };
                let weight = builder.param(name(Some(layer.weight), "weight"), weights.weight);
                let bias = builder.param(name(layer.bias, "bias"), weights.bias);
                with_params(&op, weight, Some(bias))
            }
        };
        let inputs: Vec<NodeId> = computed.inputs.iter().map(|&input| int8(input)).collect();
        let inputs = self.of_one_scale(builder, &op, &node.name, inputs, &element)?;
        builder.push_as(&node.name, op, &inputs, element)
    }

    fn param_name(&self, param: ParamId) -> &str {
        &self.float.params()[param.index()].name
    }

    /// The parts of a concatenation at the scale of the whole, as TFLite needs them.
    fn of_one_scale(
        &self,
        builder: &mut GraphBuilder,
        op: &Op,
        name: &str,
        mut inputs: Vec<NodeId>,
        element: &Element,
    ) -> Result<Vec<NodeId>, GraphError> {
        if matches!(op, Op::Concat(_)) {
            for (part, input) in inputs.iter_mut().enumerate() {
                if builder.ty(*input).element != *element {
                    let name = format!("{name}/part{part}");
                    let op = Op::Quantize(Quantize);
                    *input = builder.push_as(name, op, &[*input], element.clone())?;
                }
            }
        }
        Ok(inputs)
    }

    fn push_input(
        &self,
        builder: &mut GraphBuilder,
        name: &str,
        shape: Shape,
        int8: Element,
    ) -> Result<NodeId, GraphError> {
        let fed = match self.options.input {
            InputElement::Int8 => return builder.input(name, TensorType::new(shape, int8)),
            InputElement::UInt8 { scale, zero_point } => {
                Element::uint8(scale, i32::from(zero_point))
            }
            InputElement::F32 => Element::F32,
        };
        let fed = builder.input(name, TensorType::new(shape, fed))?;
        builder.push_as(format!("{name}/int8"), Op::Quantize(Quantize), &[fed], int8)
    }

    fn push_output(
        &self,
        builder: &mut GraphBuilder,
        id: NodeId,
        node: NodeId,
    ) -> Result<NodeId, GraphError> {
        let name = &self.float.node(id).name;
        match self.options.output {
            OutputElement::Int8 => Ok(node),
            OutputElement::UInt8 => {
                let (scale, zero_point) =
                    self.elements.get(id).per_tensor().expect("activations have one scale");
                let uint8 = Element::uint8(scale, zero_point + 128);
                builder.push_as(format!("{name}/uint8"), Op::Quantize(Quantize), &[node], uint8)
            }
            OutputElement::F32 => {
                builder.push(format!("{name}/f32"), Op::Dequantize(Dequantize), &[node])
            }
        }
    }
}

/// The integers nearest to a float tensor: what a network of that input is fed.
///
/// # Errors
/// Never, for an 8-bit element of one scale.
pub(crate) fn quantize_tensor(tensor: &Tensor, element: &Element) -> Result<Tensor, TensorError> {
    let (scale, zero_point) = element.per_tensor().expect("activations have one scale");
    let (low, high) = element.integer_range().expect("an integer element");
    let integers = tensor.to_f32().into_iter().map(|value| {
        let steps = (value / scale).round() + zero_point as f32;
        steps.clamp(low as f32, high as f32)
    });
    let data = match element {
        Element::UInt8(_) => TensorData::U8(integers.map(|integer| integer as u8).collect()),
        _ => TensorData::I8(integers.map(|integer| integer as i8).collect()),
    };
    Tensor::new(tensor.shape(), element.clone(), data)
}

fn invalid(name: &str) -> impl FnOnce(TensorError) -> GraphError {
    let name = name.to_owned();
    move |source| GraphError::Tensor { name, source }
}
