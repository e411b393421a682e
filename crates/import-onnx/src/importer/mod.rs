//! From the file's messages to a graph: the walk over its nodes.

mod edges;
mod quantized;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use pocketvision_core::op::{self, Dequantize, Pad};
use pocketvision_core::{
    Element, Graph, GraphBuilder, NodeId, Op, ParamId, Shape, Tensor, TensorData, UniqueNames,
    passes,
};

use crate::ImportOptions;
use crate::budget::Budget;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::external_data::Folder;
use crate::message::{self, Model};
use crate::network::Network;
use crate::operator;
use crate::skeleton::Skeleton;
use crate::value::{Activation, Layout, Number, Value, graph_shape};

/// Turns a file into a graph.
pub(crate) fn import(
    skeleton: Skeleton<'_>,
    file_bytes: usize,
    name: &str,
    folder: Option<&Folder>,
    options: &ImportOptions,
) -> Result<Graph> {
    let Skeleton { model, mut numbers } = skeleton;
    let opset = opset(&model)?;
    let graph = model.graph.ok_or(Problem::Missing("graph"))?;
    let message::Graph { node, initializer, input, output, .. } = graph;
    let network = Network::new(node, &output);
    let mut importer = Importer {
        network: &network,
        opset,
        folder,
        builder: GraphBuilder::new(name),
        budget: Budget::for_file(file_bytes),
        names: UniqueNames::default(),
        values: HashMap::new(),
        absorbed: HashMap::new(),
        meanings: HashMap::new(),
        floats: HashMap::new(),
    };
    for (index, tensor) in initializer.into_iter().enumerate() {
        let budget = &mut importer.budget;
        let constant = match numbers.place(index) {
            Some(place) => Constant::read_at(&tensor, place, &mut numbers, budget)?,
            None => Constant::read(&tensor, folder, budget)?,
        };
        importer.define(&tensor.name, Value::Constant(Rc::new(constant)))?;
    }
    importer.inputs(&input, options)?;
    for (index, node) in network.nodes.iter().enumerate() {
        importer.node(index, node).map_err(|problem| match problem {
            Problem::Node { .. } | Problem::Graph(_) => problem,
            source => Problem::Node {
                node: node_name(node).to_owned(),
                operator: operator_name(node),
                source: Box::new(source),
            },
        })?;
    }
    let outputs = importer.outputs(&output)?;
    Ok(passes::remove_unused(&importer.builder.finish(&outputs)?)?)
}

/// The state of one import.
#[derive(Debug)]
pub(crate) struct Importer<'a> {
    pub(crate) network: &'a Network,
    pub(crate) opset: i64,
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) builder: GraphBuilder,
    pub(crate) budget: Budget,
    names: UniqueNames,
    values: HashMap<String, Value>,
    /// Nodes whose work an earlier node does: their result, by index.
    absorbed: HashMap<usize, Activation>,
    /// What is known of some nodes of the graph, for those that follow.
    meanings: HashMap<NodeId, Meaning>,
    /// The f32 version of nodes that yield integers.
    floats: HashMap<NodeId, NodeId>,
}

/// What a float node computes, seen as a part of something larger that has a better name.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// A convolution that batch normalization may still be folded into.
    Convolution(Convolution),
    /// A border of zeros around another node.
    Padded { source: NodeId, pad: Pad },
    /// `x + 3`.
    PlusThree(NodeId),
    /// `clip(x + 3, 0, 6)`.
    HardSigmoidTimesSix(NodeId),
    /// `clip(x + 3, 0, 6) / 6`.
    HardSigmoid(NodeId),
    /// `x * clip(x + 3, 0, 6)`.
    HardSwishTimesSix(NodeId),
}

/// The parts of a float convolution or linear layer.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) input: NodeId,
    pub(crate) op: Op,
    pub(crate) weight: Arc<Tensor>,
    pub(crate) bias: Option<Arc<Tensor>>,
}

impl<'a> Importer<'a> {
    fn node(&mut self, index: usize, node: &'a message::Node) -> Result<()> {
        let output = node.output.first().ok_or(Problem::Count {
            what: "outputs",
            actual: 0,
            expected: "one",
        })?;
        if node.output.iter().skip(1).any(|extra| self.network.readers(extra).next().is_some()) {
            return Err(Problem::Count {
                what: "outputs that are read",
                actual: node.output.len(),
                expected: "one",
            });
        }
        let value = match self.absorbed.remove(&index) {
            Some(activation) => Value::Activation(activation),
            None => operator::lower(self, node)?,
        };
        self.define(output, value)
    }

    /// Gives a name its value.
    fn define(&mut self, name: &str, value: Value) -> Result<()> {
        if name.is_empty() || self.values.contains_key(name) {
            return Err(Problem::Redefined(name.to_owned()));
        }
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// An input of a node, if it is there.
    pub(crate) fn optional(&self, node: &message::Node, index: usize) -> Result<Option<Value>> {
        match node.input.get(index).filter(|name| !name.is_empty()) {
            None => Ok(None),
            Some(name) => match self.values.get(name) {
                Some(value) => Ok(Some(value.clone())),
                None => Err(Problem::Undefined(name.clone())),
            },
        }
    }

    /// An input of a node.
    pub(crate) fn value(&self, node: &message::Node, index: usize) -> Result<Value> {
        let (actual, expected) = (node.input.len(), if index == 0 { "one" } else { "more" });
        self.optional(node, index)?.ok_or(Problem::Count { what: "inputs", actual, expected })
    }

    /// An input of a node that is known before the network runs.
    pub(crate) fn constant(&self, node: &message::Node, index: usize) -> Result<Rc<Constant>> {
        match self.value(node, index)? {
            Value::Constant(constant) => Ok(constant),
            Value::Activation(_) => Err(Problem::NotConstant(node.input[index].clone())),
        }
    }

    /// The weights of a node, which are the caller's alone if no other node reads them.
    pub(crate) fn take_constant(
        &mut self,
        node: &message::Node,
        index: usize,
    ) -> Result<Rc<Constant>> {
        let constant = self.constant(node, index)?;
        let name = &node.input[index];
        if self.network.only_reader(name).is_some()
            && let Some(value) = self.values.get_mut(name)
        {
            // Nobody will ask again.
            *value = Value::Constant(Rc::new(Constant::list(vec![])));
        }
        Ok(constant)
    }

    /// An input of a node that is known before the network runs, if it is there.
    pub(crate) fn optional_constant(
        &self,
        node: &message::Node,
        index: usize,
    ) -> Result<Option<Rc<Constant>>> {
        match self.optional(node, index)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(Value::Activation(_)) => Err(Problem::NotConstant(node.input[index].clone())),
        }
    }

    /// Integers that an operator takes as an input: axes, a shape.
    pub(crate) fn integers(&self, node: &message::Node, index: usize) -> Result<Option<Vec<i64>>> {
        let Some(constant) = self.optional_constant(node, index)? else { return Ok(None) };
        let actual = constant.element().into();
        let expected = "int64";
        constant.to_integers().ok_or(Problem::Element { actual, expected }).map(Some)
    }

    /// An input of a node as a node of the graph: a constant becomes one here.
    pub(crate) fn activation(&mut self, node: &message::Node, index: usize) -> Result<Activation> {
        match self.value(node, index)? {
            Value::Activation(activation) => Ok(activation),
            Value::Constant(constant) => {
                let layout = if constant.dims.len() == 4 { Layout::Image } else { Layout::Rows };
                self.constant_node(&node.input[index], &constant, layout)
            }
        }
    }

    /// A constant as a node that yields real numbers: f32, or int8 if it was quantized.
    pub(crate) fn constant_node(
        &mut self,
        name: &str,
        constant: &Constant,
        layout: Layout,
    ) -> Result<Activation> {
        let tensor = self.constant_tensor(constant, layout)?;
        let param = self.param(name, tensor);
        let name = self.names.unique(name);
        let node = self.builder.push(name, Op::Constant(op::Constant { value: param }), &[])?;
        let dims = constant.dims.clone();
        Ok(Activation { node, dims, layout, number: Number::Float })
    }

    /// A constant operand in the graph's order of dimensions.
    fn constant_tensor(&mut self, constant: &Constant, layout: Layout) -> Result<Tensor> {
        let shape = graph_shape(&constant.dims, layout)?;
        if let Some((element, values)) = quantized::per_tensor_int8(constant) {
            self.budget.charge(2 * values.len())?;
            let values = reorder(values, shape, layout);
            return Ok(Tensor::new(shape, element, TensorData::I8(values))?);
        }
        let values = constant.to_finite_f32(&mut self.budget)?;
        self.budget.charge(4 * values.len())?;
        Ok(Tensor::from_f32(shape, reorder(values, shape, layout))?)
    }

    /// A parameter of the graph.
    pub(crate) fn param(&mut self, name: &str, tensor: impl Into<Arc<Tensor>>) -> ParamId {
        self.builder.param(name, tensor)
    }

    /// The value as a node that yields f32.
    pub(crate) fn float(&mut self, value: &Activation) -> Result<NodeId> {
        if value.number != Number::Float {
            let actual = format!("{:?}", value.number).to_lowercase();
            return Err(Problem::Element { actual, expected: "float32" });
        }
        if self.builder.ty(value.node).element.is_float() {
            return Ok(value.node);
        }
        if let Some(&float) = self.floats.get(&value.node) {
            return Ok(float);
        }
        let name = self.names.unique(&format!("dequantized_{}", value.node.index()));
        let float = self.builder.push(name, Op::Dequantize(Dequantize), &[value.node])?;
        self.floats.insert(value.node, float);
        Ok(float)
    }

    /// True if ONNX sees a float that the graph has in int8.
    pub(crate) fn is_quantized(&self, value: &Activation) -> bool {
        value.number == Number::Float
            && matches!(self.builder.ty(value.node).element, Element::Int8(_))
    }

    /// Pushes an operator of the file as a node of the graph, under the file's name.
    pub(crate) fn push(
        &mut self,
        node: &message::Node,
        op: Op,
        inputs: &[NodeId],
        element: Option<Element>,
    ) -> Result<NodeId> {
        let name = self.names.unique(node_name(node));
        Ok(match element {
            Some(element) => self.builder.push_as(name, op, inputs, element)?,
            None => self.builder.push(name, op, inputs)?,
        })
    }

    /// A float value of the same dimensions as another.
    pub(crate) fn like(other: &Activation, node: NodeId) -> Activation {
        Activation { node, ..other.clone() }
    }

    /// What is known of a node.
    pub(crate) fn meaning(&self, node: NodeId) -> Option<&Meaning> {
        self.meanings.get(&node)
    }

    /// Notes what a node is a part of.
    pub(crate) fn mean(&mut self, node: NodeId, meaning: Meaning) {
        self.meanings.insert(node, meaning);
    }

    /// The shape of a node.
    pub(crate) fn shape(&self, node: NodeId) -> Shape {
        self.builder.ty(node).shape
    }
}

/// Numbers in N, C, H, W order put in N, H, W, C order; others stay.
pub(crate) fn reorder<T: Copy>(values: Vec<T>, shape: Shape, layout: Layout) -> Vec<T> {
    let Shape { n, h, w, c } = shape;
    if layout == Layout::Rows || c == 1 || h * w == 1 {
        return values;
    }
    let mut out = Vec::with_capacity(values.len());
    for image in 0..n {
        for pixel in 0..h * w {
            out.extend((0..c).map(|channel| values[(image * c + channel) * h * w + pixel]));
        }
    }
    out
}

/// A node's own name, or that of the value it writes.
pub(crate) fn node_name(node: &message::Node) -> &str {
    match node.name.as_str() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    }
}

fn operator_name(node: &message::Node) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The version of ONNX's own operators.
fn opset(model: &Model) -> Result<i64> {
    let own = |set: &&message::OperatorSet| matches!(set.domain.as_str(), "" | "ai.onnx");
    let version = model.opset_import.iter().find(own).and_then(|set| set.version);
    let version = version.ok_or(Problem::Missing("version of the operators"))?;
    if !crate::OPSETS.contains(&version) {
        return Err(Problem::Opset { version });
    }
    Ok(version)
}

impl Constant {
    /// A one-dimensional list of integers.
    pub(crate) fn list(values: Vec<i64>) -> Self {
        Self::new(vec![values.len()], Numbers::I64(values))
    }
}
