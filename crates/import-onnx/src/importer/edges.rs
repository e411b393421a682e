//! Where a graph begins and ends: inputs of stated shape, outputs of the file's own type.

use pocketvision_core::op::{Dequantize, Normalize, Quantize};
use pocketvision_core::{Element, NodeId, Op, TensorType};

use super::{Importer, quantized};
use crate::ImportOptions;
use crate::constant;
use crate::error::{Problem, Result};
use crate::message::{self, Attribute, DimensionValue, ValueInfo, data_type};
use crate::value::{Activation, Layout, Number, Value, graph_shape};

impl Importer<'_> {
    /// Makes the graph's inputs: those of the file that are no constants.
    pub(super) fn inputs(&mut self, inputs: &[ValueInfo], options: &ImportOptions) -> Result<()> {
        for name in options.shapes.keys() {
            let fed = |input: &ValueInfo| input.name == *name && !self.values.contains_key(name);
            if !inputs.iter().any(fed) {
                let names: Vec<&str> = inputs
                    .iter()
                    .map(|input| input.name.as_str())
                    .filter(|name| !self.values.contains_key(*name))
                    .collect();
                let reason = format!("the inputs are: {}", names.join(", "));
                return Err(Problem::StatedShape { name: name.clone(), reason });
            }
        }
        for input in inputs {
            // Files before version 4 of the format list their constants here too.
            if self.values.contains_key(&input.name) {
                continue;
            }
            let value = self.input(input, options).map_err(|problem| match problem {
                Problem::StatedShape { .. } | Problem::Graph(_) => problem,
                source => Problem::Tensor { name: input.name.clone(), source: Box::new(source) },
            })?;
            self.define(&input.name, Value::Activation(value))?;
        }
        Ok(())
    }

    fn input(&mut self, input: &ValueInfo, options: &ImportOptions) -> Result<Activation> {
        let tensor_type = input.value_type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let tensor_type = tensor_type.ok_or(Problem::Missing("tensor type of an input"))?;
        let dims = shape(input, tensor_type, options.shapes.get(&input.name))?;
        let layout = if dims.len() == 4 && !self.is_channels_last(&input.name) {
            Layout::Image
        } else {
            Layout::Rows
        };
        let shape = graph_shape(&dims, layout)?;
        let name = self.names.unique(&input.name);
        let (number, element) = match tensor_type.elem_type.unwrap_or(0) {
            data_type::FLOAT | data_type::FLOAT16 | data_type::DOUBLE => {
                (Number::Float, Element::F32)
            }
            data_type::UINT8 if self.is_picture(&input.name) => (Number::Byte, Normalize::PIXELS),
            data_type::UINT8 => (Number::UInt8, self.quantization_of_input(&input.name)?),
            data_type::INT8 => (Number::Int8, self.quantization_of_input(&input.name)?),
            other => {
                let expected = "float32, float16, float64, uint8 or int8";
                return Err(Problem::Element { actual: data_type::name(other), expected });
            }
        };
        if number != Number::UInt8 {
            let node = self.builder.input(name, TensorType::new(shape, element))?;
            return Ok(Activation { node, dims, layout, number });
        }
        let edge = quantized::as_uint8(&element);
        let fed = self.builder.input(name, TensorType::new(shape, edge))?;
        let name = self.names.unique(&format!("{}_int8", input.name));
        let node = self.builder.push_as(name, Op::Quantize(Quantize), &[fed], element)?;
        Ok(Activation { node, dims, layout, number })
    }

    /// True if every reader of an input begins by turning it from N, H, W, C, normalized or not:
    /// such an input is in our order already.
    fn is_channels_last(&self, name: &str) -> bool {
        let mut readers = self.network.readers(name).peekable();
        readers.peek().is_some() && readers.all(|node| self.turns(node))
    }

    fn turns<'n>(&'n self, mut node: &'n message::Node) -> bool {
        for _ in 0..=LONGEST_NORMALIZATION {
            match node.op_type.as_str() {
                "Transpose" => {
                    let is_order = |a: &Attribute| a.name == "perm" && a.ints == [0, 3, 1, 2];
                    return node.attribute.iter().any(is_order);
                }
                "Cast" | "Sub" | "Div" | "Mul" | "Add" => {}
                _ => return false,
            }
            let next = node.output.first().and_then(|output| self.network.only_reader(output));
            match next {
                Some((_, next)) => node = next,
                None => return false,
            }
        }
        false
    }

    /// True if a uint8 input is made float as it is: its bytes are numbers, and no scale's steps.
    fn is_picture(&self, name: &str) -> bool {
        let is = |op_type: &'static str| move |node: &message::Node| node.op_type == op_type;
        let casts = |value: &str| self.network.readers(value).any(is("Cast"));
        let turned = self.network.readers(name).filter(|node| node.op_type == "Transpose");
        let mut turned = turned.filter_map(|node| node.output.first());
        !self.network.readers(name).any(is("DequantizeLinear"))
            && (casts(name) || turned.any(|output| casts(output)))
    }

    /// The int8 element of an integer input, as the `DequantizeLinear` that reads it has it.
    fn quantization_of_input(&self, name: &str) -> Result<Element> {
        let reader = self.network.readers(name).find(|node| node.op_type == "DequantizeLinear");
        match reader {
            Some(node) => self.element_of(node),
            None => Err(Problem::Quantization(
                "an integer input must be read by DequantizeLinear, which says what it means, or, \
                 if it is uint8, by Cast"
                    .into(),
            )),
        }
    }

    /// The nodes that the caller gets, of the type that the file gives its outputs.
    pub(super) fn outputs(&mut self, outputs: &[ValueInfo]) -> Result<Vec<NodeId>> {
        if outputs.is_empty() {
            return Err(Problem::Missing("output"));
        }
        outputs.iter().map(|output| self.output(&output.name)).collect()
    }

    fn output(&mut self, name: &str) -> Result<NodeId> {
        let undefined = || {
            let source = Box::new(Problem::Undefined(name.to_owned()));
            Problem::Tensor { name: name.to_owned(), source }
        };
        let value = match self.values.get(name).cloned().ok_or_else(undefined)? {
            Value::Activation(value) => value,
            Value::Constant(constant) => {
                let layout = if constant.dims.len() == 4 { Layout::Image } else { Layout::Rows };
                self.constant_node(name, &constant, layout)?
            }
        };
        let element = self.builder.ty(value.node).element.clone();
        let (op, element) = match (value.number, &element) {
            (Number::Float, Element::Int8(_)) => (Op::Dequantize(Dequantize), Element::F32),
            (Number::UInt8, _) => (Op::Quantize(Quantize), quantized::as_uint8(&element)),
            _ => return Ok(value.node),
        };
        let name = self.names.unique(name);
        Ok(self.builder.push_as(name, op, &[value.node], element)?)
    }
}

/// The dimensions of an input, in ONNX's order.
fn shape(
    input: &ValueInfo,
    tensor_type: &message::TensorType,
    stated: Option<&Vec<usize>>,
) -> Result<Vec<usize>> {
    let Some(shape) = &tensor_type.shape else {
        return stated.cloned().ok_or_else(|| Problem::Dynamic {
            name: input.name.clone(),
            shape: "not given".into(),
            example: "1x3x224x224".into(),
        });
    };
    let fixed: Vec<Option<i64>> = shape
        .dim
        .iter()
        .map(|dim| match &dim.value {
            Some(DimensionValue::Size(size)) if *size != 0 && *size != -1 => Some(*size),
            _ => None,
        })
        .collect();
    if let Some(stated) = stated {
        let fits = fixed.len() == stated.len()
            && fixed.iter().zip(stated).all(|(f, &s)| f.is_none_or(|f| f == s as i64));
        if !fits {
            let reason = format!("the file has it as {}", as_written(shape));
            return Err(Problem::StatedShape { name: input.name.clone(), reason });
        }
        return Ok(stated.clone());
    }
    let batch_alone = fixed.len() > 1 && fixed[1..].iter().all(Option::is_some);
    if fixed.iter().all(Option::is_some) || batch_alone {
        return constant::dims(&fixed.iter().map(|dim| dim.unwrap_or(1)).collect::<Vec<_>>());
    }
    let example = |(axis, dim): (usize, &Option<i64>)| {
        dim.unwrap_or(match axis {
            0 => 1,
            1 => 3,
            _ => 224,
        })
        .to_string()
    };
    Err(Problem::Dynamic {
        name: input.name.clone(),
        shape: as_written(shape),
        example: fixed.iter().enumerate().map(example).collect::<Vec<_>>().join("x"),
    })
}

fn as_written(shape: &message::TensorShape) -> String {
    let dim = |dim: &message::Dimension| match &dim.value {
        Some(DimensionValue::Size(size)) => size.to_string(),
        Some(DimensionValue::Name(name)) => name.clone(),
        None => "?".to_owned(),
    };
    format!("[{}]", shape.dim.iter().map(dim).collect::<Vec<_>>().join(", "))
}

/// Most operators between an input and the `Transpose` that says its order: a `Cast`, then what Keras
/// writes of its `Rescaling`, its `Normalization` and a second `Rescaling`.
const LONGEST_NORMALIZATION: usize = 7;
