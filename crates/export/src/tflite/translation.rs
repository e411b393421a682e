//! The walk over a graph, and the tensors that it needs.

use std::borrow::Cow;
use std::collections::HashMap;

use pocketvision_core::{
    Element, Graph, Node, NodeId, Op, ParamId, Quantization, Shape, Tensor, TensorData,
};
use pocketvision_import_tflite::schema::{builtin, tensor_type};

use super::model::{FileTensor, Model, Operator, OperatorCode, Options, Scaling, TensorIndex, int};
use super::signedness::{Storage, storages};
use crate::error::refuse_reading;
use crate::{ExportError, Format, Problem};

/// A graph as TFLite's tensors and operators.
pub(super) fn translate(graph: &Graph) -> Result<Model<'_>, ExportError> {
    let mut translation = Translation {
        graph,
        storages: storages(graph)?,
        tensors: HashMap::new(),
        constants: HashMap::new(),
        results: HashMap::new(),
        model: Model {
            name: graph.name(),
            tensors: vec![],
            operators: vec![],
            inputs: vec![],
            outputs: vec![],
        },
    };
    for (id, node) in graph.iter() {
        // What is written as tensors of other shapes cannot be read again.
        refuse_reading(graph, node, is_result).map_err(|problem| refuse(node, problem))?;
        translation.node(id, node)?;
    }
    for &id in graph.outputs() {
        if is_result(&graph.node(id).op) {
            let outputs = &translation.results[&id];
            translation.model.outputs.extend(outputs);
            continue;
        }
        let storage = match graph.ty(id).element {
            Element::F32 => Storage::F32,
            Element::UInt8(_) => Storage::UInt8,
            _ => Storage::Int8,
        };
        let output = translation.read_as(id, storage);
        translation.model.outputs.push(output);
    }
    Ok(translation.model)
}

/// A node cannot be said.
pub(super) fn refuse(node: &Node, problem: Problem) -> ExportError {
    let (op, format) = (node.op.name(), Format::Tflite);
    ExportError::Node { node: node.name.clone(), op, format, problem: Box::new(problem) }
}

/// The file so far.
#[derive(Debug)]
pub(super) struct Translation<'a> {
    pub(super) graph: &'a Graph,
    /// How each node's output is stored where it is computed.
    storages: Vec<Storage>,
    /// Tensors that hold a node's output.
    tensors: HashMap<(NodeId, Storage), TensorIndex>,
    /// Tensors that hold a parameter, by its dimensions.
    constants: HashMap<(ParamId, Vec<i32>, Storage), TensorIndex>,
    /// Tensors of other types and shapes than their nodes' outputs.
    results: HashMap<NodeId, Vec<TensorIndex>>,
    model: Model<'a>,
}

/// An activation of the file that is no node's output, or not yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'e> {
    pub(super) tensor: TensorIndex,
    pub(super) storage: Storage,
    /// The element as our graphs have it: int8 for both families.
    pub(super) element: &'e Element,
}

impl<'a> Translation<'a> {
    fn node(&mut self, id: NodeId, node: &'a Node) -> Result<(), ExportError> {
        match &node.op {
            Op::Input => {
                let input = self.output(id).tensor;
                self.model.inputs.push(input);
            }
            // Written where it is read, in the type that is wanted there.
            Op::Constant(_) => {}
            Op::Conv2d(op) => self.conv_2d(id, op),
            Op::DepthwiseConv2d(op) => self.depthwise_conv_2d(id, op),
            Op::Linear(op) => self.linear(id, op),
            Op::Pool2d(op) => self.pool_2d(id, op)?,
            Op::Add(op) => self.add(id, op),
            Op::Mul(op) => self.mul(id, op),
            Op::Activation(op) => {
                let input = self.input(id, 0);
                let output = self.output(id);
                self.function(op.kind, input, output, node);
            }
            Op::Softmax(op) => self.softmax(id, op)?,
            Op::Concat(op) => self.concat(id, op),
            Op::Pad(op) => self.pad_node(id, op),
            Op::Reshape(op) => self.reshape(id, op),
            Op::Quantize(_) => self.quantize(id),
            Op::Dequantize(_) => self.dequantize(id),
            Op::Normalize(op) => self.normalize(id, op),
            Op::ConvTranspose2d(op) => self.transpose_conv(id, op)?,
            Op::ArgMax(_) => self.arg_max(id),
            Op::Resize(op) => self.resize(id, op),
            Op::DetectionPostprocess(op) => self.detection_postprocess(id, op),
        }
        Ok(())
    }

    /// How a node's output is stored where it is computed.
    pub(super) fn storage(&self, id: NodeId) -> Storage {
        self.storages[id.index()]
    }

    /// A new tensor for a node's output, where it is computed.
    pub(super) fn output(&mut self, id: NodeId) -> Place<'a> {
        let (node, storage) = (self.graph.node(id), self.storage(id));
        let place = self.place(node.name.clone(), node.output.shape, &node.output.element, storage);
        self.tensors.insert((id, storage), place.tensor);
        place
    }

    /// Makes a tensor that is there already a node's output.
    pub(super) fn alias(&mut self, id: NodeId, tensor: TensorIndex) {
        self.tensors.insert((id, self.storage(id)), tensor);
    }

    /// What a node reads, in the type that the node is computed in.
    pub(super) fn input(&mut self, id: NodeId, position: usize) -> Place<'a> {
        let (source, storage) = (self.graph.node(id).inputs[position], self.storage(id));
        let tensor = self.read_as(source, storage);
        Place { tensor, storage, element: &self.graph.ty(source).element }
    }

    /// What a node reads, in the type in which it happens to be.
    pub(super) fn input_as_it_is(&mut self, id: NodeId, position: usize) -> Place<'a> {
        let source = self.graph.node(id).inputs[position];
        let storage = self.storage(source);
        let tensor = self.read_as(source, storage);
        Place { tensor, storage, element: &self.graph.ty(source).element }
    }

    /// The tensor that holds a node's output in a type; converted, once, from the other one.
    fn read_as(&mut self, id: NodeId, storage: Storage) -> TensorIndex {
        if let Some(&tensor) = self.tensors.get(&(id, storage)) {
            return tensor;
        }
        let node = self.graph.node(id);
        let tensor = if let Op::Constant(op) = node.op {
            let dims = dims(node.output.shape);
            self.constant(op.value, dims, 0, storage)
        } else {
            let (computed, element) = (self.storage(id), &node.output.element);
            let tensor = self.tensors[&(id, computed)];
            let source = Place { tensor, storage: computed, element };
            let name = format!("{}/{}", node.name, storage.name());
            self.requantized(name, node.output.shape, source, element, storage).tensor
        };
        self.tensors.insert((id, storage), tensor);
        tensor
    }

    /// The same numbers in another 8-bit type or at another scale.
    pub(super) fn requantized<'e>(
        &mut self,
        name: String,
        shape: Shape,
        source: Place<'_>,
        element: &'e Element,
        storage: Storage,
    ) -> Place<'e> {
        let place = self.place(name, shape, element, storage);
        self.emit(builtin::QUANTIZE, 1, vec![source.tensor], place, None);
        place
    }

    /// A new activation.
    pub(super) fn place<'e>(
        &mut self,
        name: String,
        shape: Shape,
        element: &'e Element,
        storage: Storage,
    ) -> Place<'e> {
        let scaling = element.quantization().map(|q| scaling(q, element, 0, storage));
        let (dims, kind) = (dims(shape), storage.kind());
        let tensor = self.tensor(FileTensor { name, dims, kind, scaling, data: None });
        Place { tensor, storage, element }
    }

    /// A new float activation of other dimensions than any node's.
    pub(super) fn flat_place(&mut self, name: String, dims: Vec<i32>) -> Place<'static> {
        let kind = tensor_type::FLOAT32;
        let tensor = self.tensor(FileTensor { name, dims, kind, scaling: None, data: None });
        Place { tensor, storage: Storage::F32, element: &Element::F32 }
    }

    /// A parameter as a constant of these dimensions, of which one may have several scales.
    pub(super) fn constant(
        &mut self,
        id: ParamId,
        dims: Vec<i32>,
        dimension: i32,
        storage: Storage,
    ) -> TensorIndex {
        if let Some(&tensor) = self.constants.get(&(id, dims.clone(), storage)) {
            return tensor;
        }
        let param = &self.graph.params()[id.index()];
        let key = (id, dims.clone(), storage);
        let tensor = constant_tensor(param.name.clone(), dims, dimension, &param.tensor, storage);
        let tensor = self.tensor(tensor);
        self.constants.insert(key, tensor);
        tensor
    }

    /// A constant that is no parameter of the graph.
    pub(super) fn new_constant(
        &mut self,
        name: String,
        dims: Vec<i32>,
        value: &Tensor,
        storage: Storage,
    ) -> TensorIndex {
        let made = constant_tensor(name, dims, 0, value, storage);
        let data = made.data.map(|data| Cow::Owned(data.into_owned()));
        self.tensor(FileTensor { data, ..made })
    }

    /// A list of numbers that an operator takes as an operand.
    pub(super) fn integers(&mut self, name: String, dims: Vec<i32>, values: &[i32]) -> TensorIndex {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let data = Some(Cow::Owned(data));
        self.tensor(FileTensor { name, dims, kind: tensor_type::INT32, scaling: None, data })
    }

    /// One step, the last one so far.
    pub(super) fn emit(
        &mut self,
        builtin: i32,
        version: i32,
        inputs: Vec<TensorIndex>,
        output: Place<'_>,
        options: Option<Options>,
    ) {
        let code = OperatorCode { builtin, custom: None, version };
        let (outputs, custom_options) = (vec![output.tensor], None);
        self.model.operators.push(Operator { code, inputs, outputs, options, custom_options });
    }

    /// A node that is one or several tensors, of types and shapes of their own, which only the
    /// network's caller sees.
    pub(super) fn emit_result(
        &mut self,
        id: NodeId,
        code: OperatorCode,
        inputs: Vec<TensorIndex>,
        outputs: Vec<FileTensor<'a>>,
        options: Option<Options>,
        custom_options: Option<Vec<u8>>,
    ) {
        let outputs: Vec<TensorIndex> =
            outputs.into_iter().map(|output| self.tensor(output)).collect();
        self.results.insert(id, outputs.clone());
        self.model.operators.push(Operator { code, inputs, outputs, options, custom_options });
    }

    fn tensor(&mut self, tensor: FileTensor<'a>) -> TensorIndex {
        self.model.tensors.push(tensor);
        int(self.model.tensors.len() - 1)
    }
}

impl Storage {
    /// As people call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
        }
    }

    /// `if_int8` for int8, else 1: how versions of operators count.
    pub(super) const fn version(self, if_int8: i32) -> i32 {
        if matches!(self, Self::Int8) { if_int8 } else { 1 }
    }

    const fn kind(self) -> i8 {
        match self {
            Self::F32 => tensor_type::FLOAT32,
            Self::Int8 => tensor_type::INT8,
            Self::UInt8 => tensor_type::UINT8,
        }
    }
}

/// True for operators whose outputs the file has as tensors of other types and shapes.
const fn is_result(op: &Op) -> bool {
    matches!(op, Op::ArgMax(_) | Op::DetectionPostprocess(_))
}

/// All four dimensions.
pub(super) fn dims(shape: Shape) -> Vec<i32> {
    shape.dims().map(int).to_vec()
}

/// A constant; int8 weights become uint8 where everything around them is.
fn constant_tensor(
    name: String,
    dims: Vec<i32>,
    dimension: i32,
    value: &Tensor,
    storage: Storage,
) -> FileTensor<'_> {
    let element = value.element();
    let (kind, data) = match value.data() {
        TensorData::I8(numbers) if storage == Storage::UInt8 => {
            let moved = numbers.iter().map(|&number| number as u8 ^ 0x80).collect();
            (tensor_type::UINT8, Cow::Owned(moved))
        }
        TensorData::F32(_) => (tensor_type::FLOAT32, Cow::Borrowed(value.bytes())),
        TensorData::F16(_) => (tensor_type::FLOAT16, Cow::Borrowed(value.bytes())),
        TensorData::I8(_) => (tensor_type::INT8, Cow::Borrowed(value.bytes())),
        TensorData::U8(_) => (tensor_type::UINT8, Cow::Borrowed(value.bytes())),
        TensorData::I32(_) => (tensor_type::INT32, Cow::Borrowed(value.bytes())),
    };
    let scaling = element.quantization().map(|q| scaling(q, element, dimension, storage));
    FileTensor { name, dims, kind, scaling, data: Some(data) }
}

/// Scales and zero points as the file has them.
fn scaling(
    quantization: &Quantization,
    element: &Element,
    dimension: i32,
    storage: Storage,
) -> Scaling {
    let from_int8 = matches!(element, Element::Int8(_)) && storage == Storage::UInt8;
    let moved = if from_int8 { 128 } else { 0 };
    match quantization {
        Quantization::PerTensor { scale, zero_point } => Scaling {
            scales: vec![*scale],
            zero_points: vec![i64::from(*zero_point) + moved],
            dimension: 0,
        },
        Quantization::PerChannel { scales } => {
            Scaling { scales: scales.to_vec(), zero_points: vec![0; scales.len()], dimension }
        }
    }
}
