//! The walk over the graph's nodes: what each value is called, and integers.

use pocketvision_core::{Element, Graph, Node, NodeId, Op, ParamId, Shape, TensorData};
use pocketvision_import_onnx::message::data_type;

use super::model::{File, int, nchw, to_nchw};
use super::operator;
use crate::error::refuse_reading;
use crate::{ExportError, Format, Problem};

/// Says a graph in ONNX's words.
pub(super) fn translate(graph: &Graph) -> Result<File, ExportError> {
    let (file, readers) = (File::new(graph.name()), graph.consumers());
    let mut translation = Translation { graph, readers, file, values: Vec::new() };
    for (id, node) in graph.iter() {
        // Indices are no numbers to compute with.
        let checked = refuse_reading(graph, node, |op| matches!(op, Op::ArgMax(_)));
        let value = checked.and_then(|()| translation.node(id, node));
        let value = value.map_err(|problem| ExportError::Node {
            node: node.name.clone(),
            op: node.op.name(),
            format: Format::Onnx,
            problem: Box::new(problem),
        })?;
        translation.values.push(value);
    }
    for &id in graph.outputs() {
        translation.output(id);
    }
    Ok(translation.file)
}

/// The state of one export.
#[derive(Debug)]
pub(super) struct Translation<'a> {
    pub(super) graph: &'a Graph,
    /// The nodes that read each node.
    readers: Vec<Vec<NodeId>>,
    pub(super) file: File,
    /// One for each node so far.
    values: Vec<Value>,
}

/// A node's result in the file.
#[derive(Clone, Debug)]
struct Value {
    /// Its real numbers.
    float: String,
    /// Its integers, if it is made of them.
    integer: Option<String>,
    /// Whether it has the two dimensions N, C instead of four.
    flat: bool,
}

impl Translation<'_> {
    fn node(&mut self, id: NodeId, node: &Node) -> Result<Value, Problem> {
        let (name, ty) = (node.name.as_str(), &node.output);
        if ty.element == Element::F16 {
            return Err(Problem::Element { element: ty.element.to_string() });
        }
        match &node.op {
            Op::Input => {
                let element = element_number(&ty.element);
                let input = self.file.input(name, element, &nchw(ty.shape));
                if ty.element.is_float() {
                    return Ok(Value { float: input, integer: None, flat: false });
                }
                let float = if self.is_only_normalized(id) {
                    let to = vec![int("to", data_type::FLOAT as usize)];
                    self.file.node(&format!("{name}/float"), "Cast", &[&input], to)
                } else {
                    self.dequantize(name, &input, &ty.element)
                };
                Ok(Value { float, integer: Some(input), flat: false })
            }
            Op::Dequantize(_) => {
                let value = &self.values[node.inputs[0].index()];
                Ok(Value { integer: None, ..value.clone() })
            }
            Op::ArgMax(_) => {
                let (scores, _) = operator::translate(self, node, &node.op)?;
                let axis = vec![int("axis", 1), int("keepdims", 1)];
                let index = self.file.node(&format!("{name}/index"), "ArgMax", &[&scores], axis);
                let to = vec![int("to", element_number(&ty.element) as usize)];
                let integer = self.file.node(name, "Cast", &[&index], to);
                Ok(Value { float: integer.clone(), integer: Some(integer), flat: false })
            }
            op => {
                let computed = operator::translate(self, node, op)?;
                Ok(self.quantized(node, computed))
            }
        }
    }

    /// True if pixels are normalized wherever they are read: bytes that no scale belongs to.
    fn is_only_normalized(&self, id: NodeId) -> bool {
        let readers = &self.readers[id.index()];
        let normalizes = |&reader: &NodeId| matches!(self.graph.node(reader).op, Op::Normalize(_));
        !readers.is_empty() && readers.iter().all(normalizes)
    }

    /// The result as the integers that the graph says it is rounded to.
    fn quantized(&mut self, node: &Node, (float, flat): (String, bool)) -> Value {
        let element = &node.output.element;
        if element.is_float() {
            return Value { float, integer: None, flat };
        }
        let integer = self.quantize(&node.name, &float, element);
        let float = self.dequantize(&node.name, &integer, element);
        Value { float, integer: Some(integer), flat }
    }

    /// The real numbers of an input with four dimensions N, C, H, W.
    pub(super) fn image(&mut self, id: NodeId) -> String {
        let value = &self.values[id.index()];
        let float = value.float.clone();
        if !value.flat {
            return float;
        }
        let shape = self.file.integers("shape", &nchw(self.graph.ty(id).shape));
        self.file.node(&format!("{float}/image"), "Reshape", &[&float, &shape], vec![])
    }

    /// The real numbers of an input of one pixel with two dimensions N, C.
    pub(super) fn flat(&mut self, id: NodeId) -> String {
        let value = &self.values[id.index()];
        let float = value.float.clone();
        if value.flat {
            return float;
        }
        self.file.node(&format!("{float}/flat"), "Flatten", &[&float], vec![int("axis", 1)])
    }

    /// The real numbers of an input, and whether they have two dimensions.
    pub(super) fn either(&self, id: NodeId) -> (String, bool) {
        let value = &self.values[id.index()];
        (value.float.clone(), value.flat)
    }

    fn output(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let shape = node.output.shape;
        let value = self.values[id.index()].clone();
        let source = value.integer.unwrap_or(value.float);
        let element = element_number(&node.output.element);
        if (shape.h, shape.w) != (1, 1) {
            self.file.output(&node.name, &source, element, &nchw(shape));
            return;
        }
        let flat = if value.flat {
            source
        } else {
            let name = format!("{}/flat", node.name);
            self.file.node(&name, "Flatten", &[&source], vec![int("axis", 1)])
        };
        self.file.output(&node.name, &flat, element, &[shape.n, shape.c]);
    }

    fn quantize(&mut self, name: &str, float: &str, element: &Element) -> String {
        let [scale, zero_point] = self.scale(name, element);
        let name = format!("{name}/quantized");
        self.file.node(&name, "QuantizeLinear", &[float, &scale, &zero_point], vec![])
    }

    fn dequantize(&mut self, name: &str, integer: &str, element: &Element) -> String {
        let [scale, zero_point] = self.scale(name, element);
        let name = format!("{name}/dequantized");
        self.file.node(&name, "DequantizeLinear", &[integer, &scale, &zero_point], vec![])
    }

    /// Scale and zero point of integers with one of each, as constants.
    fn scale(&mut self, name: &str, element: &Element) -> [String; 2] {
        let (scale, zero_point) = element.per_tensor().unwrap_or((1.0, 0));
        let number = element_number(element);
        let bytes = match number {
            data_type::INT32 => zero_point.to_le_bytes().to_vec(),
            _ => vec![zero_point as u8],
        };
        let scale = self.file.floats(&format!("{name}/scale"), &[], &[scale]);
        [scale, self.file.constant(&format!("{name}/zero_point"), number, &[], bytes)]
    }

    /// A parameter as real numbers under ONNX's dimensions. Its numbers are put in N, C, H, W
    /// order; several scales belong to the first dimension.
    pub(super) fn param(
        &mut self,
        id: ParamId,
        name: &str,
        dims: &[usize],
    ) -> Result<String, Problem> {
        let tensor = self.graph.param(id);
        let (shape, element) = (tensor.shape(), tensor.element());
        let bytes: Vec<u8> = match tensor.data() {
            TensorData::F32(values) => {
                return Ok(self.file.floats(name, dims, &to_nchw(values, shape)));
            }
            TensorData::I8(values) => {
                to_nchw(values, shape).into_iter().map(i8::cast_unsigned).collect()
            }
            TensorData::U8(values) => to_nchw(values, shape),
            TensorData::I32(values) => {
                let values = to_nchw(values, shape);
                values.into_iter().flat_map(i32::to_le_bytes).collect()
            }
            TensorData::F16(_) => return Err(Problem::Element { element: element.to_string() }),
        };
        let number = element_number(element);
        let integers = self.file.constant(&format!("{name}/integers"), number, dims, bytes);
        let Some(pocketvision_core::Quantization::PerChannel { scales }) = element.quantization()
        else {
            return Ok(self.dequantize(name, &integers, element));
        };
        let width = if number == data_type::INT32 { 4 } else { 1 };
        let zeros = vec![0; scales.len() * width];
        let count = [scales.len()];
        let scale = self.file.floats(&format!("{name}/scale"), &count, scales);
        let zero_point = self.file.constant(&format!("{name}/zero_point"), number, &count, zeros);
        let inputs = [integers.as_str(), &scale, &zero_point];
        let name = format!("{name}/dequantized");
        Ok(self.file.node(&name, "DequantizeLinear", &inputs, vec![int("axis", 0)]))
    }

    /// The shape of an input.
    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.graph.ty(id).shape
    }
}

/// ONNX's number for an element type.
const fn element_number(element: &Element) -> i32 {
    match element {
        Element::F32 => data_type::FLOAT,
        Element::F16 => data_type::FLOAT16,
        Element::Int8(_) => data_type::INT8,
        Element::UInt8(_) => data_type::UINT8,
        Element::Int32(_) => data_type::INT32,
    }
}
