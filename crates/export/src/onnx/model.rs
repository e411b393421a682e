//! The file as messages that grow node by node.

use pocketvision_core::{Shape, UniqueNames};
use pocketvision_import_onnx::message::{
    Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Tensor, TensorShape,
    TensorType, ValueInfo, ValueType, attribute_kind, data_type,
};
use prost::Message;

/// An ONNX file that is being written.
#[derive(Debug)]
pub(super) struct File {
    graph: Graph,
    names: UniqueNames,
}

impl File {
    pub(super) fn new(name: &str) -> Self {
        let graph = Graph { name: name.to_owned(), ..Graph::default() };
        let mut names = UniqueNames::default();
        // No name is an input that is left out.
        names.unique("");
        Self { graph, names }
    }

    /// Adds a node with one output, and returns the output's name.
    pub(super) fn node(
        &mut self,
        name: &str,
        op_type: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) -> String {
        let output = self.names.unique(name);
        self.graph.node.push(Node {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.clone()],
            name: output.clone(),
            op_type: op_type.to_owned(),
            attribute,
            domain: String::new(),
        });
        output
    }

    /// Adds a constant of the ONNX type `element`, from its little-endian bytes.
    pub(super) fn constant(
        &mut self,
        name: &str,
        element: i32,
        dims: &[usize],
        bytes: Vec<u8>,
    ) -> String {
        let name = self.names.unique(name);
        self.graph.initializer.push(Tensor {
            dims: signed(dims),
            data_type: Some(element),
            name: name.clone(),
            raw_data: Some(bytes.into()),
            ..Tensor::default()
        });
        name
    }

    /// Adds a constant of floats.
    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, data_type::FLOAT, dims, bytes)
    }

    /// Adds a list of integers: a shape, a border.
    pub(super) fn integers(&mut self, name: &str, values: &[usize]) -> String {
        let bytes = values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect();
        self.constant(name, data_type::INT64, &[values.len()], bytes)
    }

    /// Adds an input of the network.
    pub(super) fn input(&mut self, name: &str, element: i32, dims: &[usize]) -> String {
        let name = self.names.unique(name);
        self.graph.input.push(value_info(&name, element, dims));
        name
    }

    /// Makes a value an output of the network, under a name of its own.
    pub(super) fn output(&mut self, name: &str, value: &str, element: i32, dims: &[usize]) {
        let output = self.names.unique(name);
        let yielded = self.graph.node.iter().any(|node| node.output[0] == value);
        if yielded && !self.graph.output.iter().any(|output| output.name == value) {
            self.rename(value, &output);
        } else {
            let (input, output) = (vec![value.to_owned()], vec![output.clone()]);
            let (name, op_type) = (output[0].clone(), "Identity".to_owned());
            self.graph.node.push(Node { input, output, name, op_type, ..Node::default() });
        }
        self.graph.output.push(value_info(&output, element, dims));
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let opset_import = vec![OperatorSet { domain: String::new(), version: Some(OPSET) }];
        let model = Model {
            ir_version: Some(IR_VERSION),
            producer_name: "pocketvision".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            opset_import,
            metadata_props: vec![],
        };
        model.encode_to_vec()
    }

    fn rename(&mut self, old: &str, new: &str) {
        let names = |node: &mut Node| {
            for name in node.input.iter_mut().chain(&mut node.output) {
                if name == old {
                    new.clone_into(name);
                }
            }
        };
        self.graph.node.iter_mut().for_each(names);
    }
}

/// An integer attribute.
pub(super) fn int(name: &str, value: usize) -> Attribute {
    let (i, kind) = (Some(value as i64), Some(attribute_kind::INT));
    Attribute { name: name.to_owned(), i, kind, ..Attribute::default() }
}

/// A text attribute.
pub(super) fn text(name: &str, value: &str) -> Attribute {
    let (s, kind) = (Some(value.as_bytes().to_vec().into()), Some(attribute_kind::STRING));
    Attribute { name: name.to_owned(), s, kind, ..Attribute::default() }
}

/// A list of integers.
pub(super) fn ints(name: &str, values: &[usize]) -> Attribute {
    let (ints, kind) = (signed(values), Some(attribute_kind::INTS));
    Attribute { name: name.to_owned(), ints, kind, ..Attribute::default() }
}

/// A float attribute.
pub(super) fn float(name: &str, value: f32) -> Attribute {
    let (f, kind) = (Some(value), Some(attribute_kind::FLOAT));
    Attribute { name: name.to_owned(), f, kind, ..Attribute::default() }
}

/// ONNX's dimensions of an image of ours.
pub(super) const fn nchw(shape: Shape) -> [usize; 4] {
    [shape.n, shape.c, shape.h, shape.w]
}

/// Numbers in N, H, W, C order put in N, C, H, W order.
pub(super) fn to_nchw<T: Copy>(values: &[T], shape: Shape) -> Vec<T> {
    let Shape { n, h, w, c } = shape;
    let mut out = Vec::with_capacity(values.len());
    for image in 0..n {
        for channel in 0..c {
            out.extend((0..h * w).map(|pixel| values[(image * h * w + pixel) * c + channel]));
        }
    }
    out
}

fn value_info(name: &str, element: i32, dims: &[usize]) -> ValueInfo {
    let sizes = signed(dims).into_iter().map(DimensionValue::Size);
    let dim = sizes.map(|size| Dimension { value: Some(size) }).collect();
    let tensor_type = TensorType { elem_type: Some(element), shape: Some(TensorShape { dim }) };
    let value_type = Some(ValueType { tensor_type: Some(tensor_type) });
    ValueInfo { name: name.to_owned(), value_type }
}

fn signed(values: &[usize]) -> Vec<i64> {
    values.iter().map(|&value| value as i64).collect()
}

/// The first operator set with all that we need: `HardSwish` came with 14, and what runs 17
/// is everywhere.
const OPSET: i64 = 17;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 8;
