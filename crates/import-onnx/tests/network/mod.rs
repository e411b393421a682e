//! ONNX files made in memory, and what the specification says that their operators compute.

use pocketvision_core::{Backend, CompileOptions, Graph, Tensor};
use pocketvision_import_onnx::message::{
    self, Attribute, Dimension, DimensionValue, Model, Node, OperatorSet, TensorShape, TensorType,
    ValueInfo, ValueType, attribute_kind, data_type,
};
use pocketvision_import_onnx::{ImportError, ImportOptions, import};
use pocketvision_reference::ReferenceBackend;
use prost::Message;

/// A network that grows by one node at a time.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) model: Model,
}

impl Network {
    pub(crate) fn new(opset: i64) -> Self {
        let opset_import = vec![OperatorSet { domain: String::new(), version: Some(opset) }];
        let graph = Some(message::Graph::default());
        Self { model: Model { ir_version: Some(8), opset_import, graph, ..Model::default() } }
    }

    pub(crate) fn graph(&mut self) -> &mut message::Graph {
        self.model.graph.as_mut().unwrap()
    }

    pub(crate) fn input(mut self, name: &str, dims: &[usize]) -> Self {
        let dims: Vec<i64> = dims.iter().map(|&dim| dim as i64).collect();
        let info = value(name, data_type::FLOAT, &dims);
        self.graph().input.push(info);
        self
    }

    pub(crate) fn input_of(mut self, name: &str, element: i32, dims: &[i64]) -> Self {
        self.graph().input.push(value(name, element, dims));
        self
    }

    pub(crate) fn output(mut self, name: &str) -> Self {
        self.graph().output.push(value(name, data_type::FLOAT, &[]));
        self
    }

    pub(crate) fn floats(mut self, name: &str, dims: &[usize], values: &[f32]) -> Self {
        let tensor = message::Tensor { float_data: values.to_vec(), ..named(name, dims) };
        let data_type = Some(data_type::FLOAT);
        self.graph().initializer.push(message::Tensor { data_type, ..tensor });
        self
    }

    pub(crate) fn int64s(mut self, name: &str, values: &[i64]) -> Self {
        let tensor =
            message::Tensor { int64_data: values.to_vec(), ..named(name, &[values.len()]) };
        let data_type = Some(data_type::INT64);
        self.graph().initializer.push(message::Tensor { data_type, ..tensor });
        self
    }

    /// Integers of one of the types that are kept in bytes, or of int32.
    pub(crate) fn integers(
        mut self,
        name: &str,
        element: i32,
        dims: &[usize],
        values: &[i32],
    ) -> Self {
        let tensor = message::Tensor { int32_data: values.to_vec(), ..named(name, dims) };
        self.graph().initializer.push(message::Tensor { data_type: Some(element), ..tensor });
        self
    }

    pub(crate) fn node(
        mut self,
        op_type: &str,
        inputs: &[&str],
        output: &str,
        attribute: &[Attribute],
    ) -> Self {
        self.graph().node.push(Node {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_owned()],
            op_type: op_type.to_owned(),
            attribute: attribute.to_vec(),
            ..Node::default()
        });
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }

    pub(crate) fn import(&self) -> Result<Graph, ImportError> {
        import(&self.to_bytes(), "network", &ImportOptions::default())
    }

    /// Imports and runs the network on one input in NHWC.
    pub(crate) fn run(&self, input: Tensor) -> Tensor {
        run(&self.import().unwrap(), input)
    }

    /// The message of the error that importing yields.
    pub(crate) fn refusal(&self) -> String {
        self.import().unwrap_err().to_string()
    }
}

pub(crate) fn run(graph: &Graph, input: Tensor) -> Tensor {
    let mut plan = ReferenceBackend::new().compile(graph, &CompileOptions::default()).unwrap();
    plan.run(&[input]).unwrap()[0].clone()
}

/// The names of the operators of a graph.
pub(crate) fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|node| node.op.name()).collect()
}

pub(crate) fn int(name: &str, value: i64) -> Attribute {
    let kind = Some(attribute_kind::INT);
    Attribute { name: name.into(), i: Some(value), kind, ..Attribute::default() }
}

pub(crate) fn ints(name: &str, values: &[i64]) -> Attribute {
    let (ints, kind) = (values.to_vec(), Some(attribute_kind::INTS));
    Attribute { name: name.into(), ints, kind, ..Attribute::default() }
}

pub(crate) fn float(name: &str, value: f32) -> Attribute {
    let kind = Some(attribute_kind::FLOAT);
    Attribute { name: name.into(), f: Some(value), kind, ..Attribute::default() }
}

pub(crate) fn text(name: &str, value: &'static str) -> Attribute {
    let (s, kind) = (Some(value.as_bytes().into()), Some(attribute_kind::STRING));
    Attribute { name: name.into(), s, kind, ..Attribute::default() }
}

pub(crate) fn value(name: &str, element: i32, dims: &[i64]) -> ValueInfo {
    let dim =
        dims.iter().map(|&size| Dimension { value: Some(DimensionValue::Size(size)) }).collect();
    typed(name, element, dim)
}

pub(crate) fn typed(name: &str, element: i32, dim: Vec<Dimension>) -> ValueInfo {
    let tensor_type = TensorType { elem_type: Some(element), shape: Some(TensorShape { dim }) };
    let value_type = Some(ValueType { tensor_type: Some(tensor_type) });
    ValueInfo { name: name.into(), value_type }
}

fn named(name: &str, dims: &[usize]) -> message::Tensor {
    let dims = dims.iter().map(|&dim| dim as i64).collect();
    message::Tensor { name: name.into(), dims, ..message::Tensor::default() }
}

/// Numbers from -1 to 1 that look random.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = pocketvision_core::models::SplitMix64::new(seed);
    (0..count).map(|_| random.signed_unit()).collect()
}
