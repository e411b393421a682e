//! From the file's tables to a graph: the walk over its operators.

mod constants;

pub(crate) use constants::Role;

use std::collections::{HashMap, HashSet};

use pocketvision_core::op::{Constant, Normalize, Quantize};
use pocketvision_core::{
    Element, Graph, GraphBuilder, NodeId, Op, ParamId, Shape, TensorType, UniqueNames,
};

use crate::budget::Budget;
use crate::error::{Problem, Result};
use crate::flatbuffer::{File, Table, Tables, Vector};
use crate::operator::FileOperator;
use crate::schema::{FILE_IDENTIFIER, model, subgraph};
use crate::tensor::{FileTensor, data_of, format_dims, shape_of};
use crate::{Imported, MAX_OPERATORS, MAX_TENSORS, trailer};

/// Reads a whole file.
pub(crate) fn import(bytes: &[u8], name: &str) -> Result<Imported> {
    if bytes.get(4..8) != Some(FILE_IDENTIFIER.as_bytes()) {
        return Err(Problem::NotTflite);
    }
    let file = File::new(bytes);
    let root = Table::root(&file)?;
    let version = root.scalar(model::VERSION, 0)?;
    if version != 3 {
        return Err(Problem::Version(version));
    }
    let network = root.tables(model::SUBGRAPHS)?.get(0)?.ok_or(Problem::Missing("subgraph"))?;
    let operators = network.tables(subgraph::OPERATORS)?;
    let tensors = network.tables(subgraph::TENSORS)?;
    let outputs = network.vector(subgraph::OUTPUTS)?;
    for (what, count, limit) in [
        ("operators", operators.len(), MAX_OPERATORS),
        ("tensors", tensors.len(), MAX_TENSORS),
        ("outputs", outputs.len(), MAX_TENSORS),
    ] {
        if count > limit {
            return Err(Problem::TooMany { what, count, limit });
        }
    }
    let mut importer = Importer {
        tensors,
        buffers: root.tables(model::BUFFERS)?,
        builder: GraphBuilder::new(name),
        values: vec![None; tensors.len()],
        dequantized: HashMap::new(),
        params: HashMap::new(),
        outputs: outputs.iter().collect(),
        names: UniqueNames::default(),
        budget: Budget::for_file(bytes.len()),
    };
    importer.inputs(network.vector(subgraph::INPUTS)?)?;
    let codes = root.tables(model::OPERATOR_CODES)?;
    let mut nodes = Vec::with_capacity(operators.len());
    for index in 0..operators.len() {
        let table = operators.get(index)?.ok_or(Problem::Missing("operator"))?;
        let operator = FileOperator::read(index, table, codes)?;
        let node = importer.operator(&operator).map_err(|problem| operator.wrong(problem))?;
        nodes.push(node);
    }
    read_the_rest(&root)?;
    trailer::check(bytes, &file)?;
    Ok(Imported { graph: importer.finish(outputs)?, operators: nodes })
}

/// Looks at the parts that no operator needs, so that a file cut among them is refused.
fn read_the_rest(root: &Table<'_>) -> Result<()> {
    root.bytes(model::DESCRIPTION)?;
    let buffers = root.tables(model::BUFFERS)?;
    for index in 0..buffers.len() {
        data_of(&buffers.get(index)?.ok_or(Problem::Missing("buffer"))?)?;
    }
    Ok(())
}

/// The graph so far and what of the file it covers.
#[derive(Debug)]
pub(crate) struct Importer<'a> {
    tensors: Tables<'a>,
    buffers: Tables<'a>,
    pub(crate) builder: GraphBuilder,
    /// For each tensor of the file, what became of it.
    values: Vec<Option<Value>>,
    /// Constants that a DEQUANTIZE made of other constants.
    dequantized: HashMap<usize, usize>,
    params: HashMap<(usize, Shape), Constants>,
    outputs: HashSet<i32>,
    names: UniqueNames,
    pub(crate) budget: Budget,
}

/// A tensor of the file as a node of the graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// The node that yields it.
    pub(crate) node: NodeId,
    /// How many dimensions it has in the file: the last ones of the node's four.
    pub(crate) rank: usize,
    /// The same in int8, where the node is uint8 and somebody computes with it.
    int8: Option<NodeId>,
    /// How the node's output stands for the tensor.
    form: Form,
}

/// How a node's output stands for a tensor of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// As it is.
    Whole,
    /// Without its last dimension, which is 1.
    ClassMap,
    /// As one of several columns.
    Detections,
}

/// A constant tensor of the file as a parameter of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) param: ParamId,
    pub(crate) element: Element,
}

impl Value {
    pub(crate) const fn new(node: NodeId, rank: usize) -> Self {
        Self { node, rank, int8: None, form: Form::Whole }
    }

    /// A node whose channels went: the tensor has one dimension less, `rank` of them.
    pub(crate) const fn class_map(node: NodeId, rank: usize) -> Self {
        Self { form: Form::ClassMap, ..Self::new(node, rank) }
    }
}

impl<'a> Importer<'a> {
    fn inputs(&mut self, inputs: Vector<'a, i32>) -> Result<()> {
        for index in inputs.iter() {
            let tensor = self.tensor(index)?;
            let dims = tensor.dims()?;
            let element =
                if tensor.is_bytes()? { Normalize::PIXELS } else { tensor.edge_element()? };
            if dims.is_empty() {
                return Err(tensor.wrong(Problem::Dynamic { shape: "[]".into() }));
            }
            let name = self.name(&tensor, "")?;
            let ty = TensorType::new(shape_of(&dims), element);
            let node = self.builder.input(name, ty)?;
            self.define(&tensor, Value::new(node, dims.len()))?;
        }
        Ok(())
    }

    /// Translates one operator and checks what it yields against what the file says.
    fn operator(&mut self, operator: &FileOperator<'a>) -> Result<Option<NodeId>> {
        operator.check_known()?;
        if operator.is_detection_postprocess() {
            let node = self.detection_postprocess(operator)?;
            for index in operator.outputs().iter() {
                let value = Value { form: Form::Detections, ..Value::new(node, 0) };
                self.define(&self.tensor(index)?, value)?;
            }
            return Ok(Some(node));
        }
        let output = self.tensor(operator.only_output()?)?;
        let Some(value) = self.translate(operator, &output)? else { return Ok(None) };
        let dims = self.dims(value);
        let stated = output.stated_dims();
        let agrees = stated.len() == dims.len()
            && stated.iter().zip(&dims).all(|(s, &dim)| s == -1 || i64::from(s) == dim as i64);
        if !agrees && !stated.is_empty() {
            let (stated, inferred) = (format_dims(stated.iter()), format_dims(dims.iter()));
            return Err(output.wrong(Problem::Shape { stated, inferred }));
        }
        self.define(&output, value)?;
        Ok(Some(value.node))
    }

    fn finish(mut self, outputs: Vector<'a, i32>) -> Result<Graph> {
        let mut nodes = Vec::with_capacity(outputs.len());
        let mut converted = HashMap::new();
        for index in outputs.iter() {
            let tensor = self.tensor(index)?;
            match self.values[tensor.index] {
                Some(Value { form: Form::Detections, node, .. }) => {
                    if !nodes.contains(&node) {
                        nodes.push(node);
                    }
                    continue;
                }
                Some(Value { form: Form::ClassMap, node, .. }) => {
                    nodes.push(node);
                    continue;
                }
                _ => {}
            }
            let mut node = self.value(&tensor)?.node;
            let element = tensor.edge_element()?;
            if self.builder.ty(node).element.name() != element.name() {
                node = match converted.get(&index) {
                    Some(&node) => node,
                    None => {
                        let name = self.name(&tensor, "_uint8")?;
                        let op = Op::Quantize(Quantize);
                        self.builder.push_as(name, op, &[node], element)?
                    }
                };
                converted.insert(index, node);
            }
            nodes.push(node);
        }
        Ok(self.builder.finish(&nodes)?)
    }

    /// What the file says about a tensor.
    pub(crate) fn tensor(&self, index: i32) -> Result<FileTensor<'a>> {
        let count = self.tensors.len();
        let missing = Problem::Index { what: "tensor", index: index.into(), count };
        let index = usize::try_from(index).map_err(|_| missing)?;
        FileTensor::read(self.tensors, self.buffers, index)
    }

    /// A tensor as a node, in the file's own type: a constant becomes a node here.
    pub(crate) fn value(&mut self, tensor: &FileTensor<'a>) -> Result<Value> {
        match self.values[tensor.index] {
            Some(value) if value.form == Form::Whole => return Ok(value),
            Some(_) => return Err(tensor.wrong(Problem::ReadResult)),
            None => {}
        }
        if !self.is_constant(tensor) {
            return Err(tensor.wrong(Problem::Undefined));
        }
        let dims = self.constant_source(tensor)?.dims()?;
        let value = self.constant(tensor, shape_of(&dims), Role::Operand)?.param;
        let name = self.name(tensor, "")?;
        let node = self.builder.push(name, Op::Constant(Constant { value }), &[])?;
        let value = Value::new(node, dims.len());
        self.values[tensor.index] = Some(value);
        Ok(value)
    }

    /// A tensor as a node to compute with: uint8 is converted to int8, once.
    pub(crate) fn operand(&mut self, tensor: &FileTensor<'a>) -> Result<Value> {
        let value = self.value(tensor)?;
        if !matches!(self.builder.ty(value.node).element, Element::UInt8(_)) {
            return Ok(value);
        }
        if let Some(node) = value.int8 {
            return Ok(Value { node, ..value });
        }
        let name = self.name(tensor, "_int8")?;
        let op = Op::Quantize(Quantize);
        let node = self.builder.push_as(name, op, &[value.node], tensor.element()?)?;
        self.values[tensor.index] = Some(Value { int8: Some(node), ..value });
        Ok(Value { node, ..value })
    }

    /// The dimensions of a value as the file counts them.
    pub(crate) fn dims(&self, value: Value) -> Vec<usize> {
        let dims = self.builder.ty(value.node).shape.dims();
        let end = 4 - usize::from(value.form == Form::ClassMap);
        dims[end - value.rank..end].to_vec()
    }

    /// A unique name for a node, from that of the tensor it yields.
    pub(crate) fn name(&mut self, tensor: &FileTensor<'a>, suffix: &str) -> Result<String> {
        // The name, its copy in the list of names, and both once more while they are made.
        self.budget.charge(4 * (tensor.name_bytes() + suffix.len()))?;
        let mut name = tensor.name();
        if name.is_empty() {
            name = format!("tensor_{}", tensor.index);
        }
        name.push_str(suffix);
        Ok(self.names.unique(&name))
    }

    /// True if an operator yields this output of the graph.
    pub(crate) fn is_output(&self, tensor: &FileTensor<'a>) -> bool {
        self.outputs.contains(&(tensor.index as i32))
    }

    fn define(&mut self, tensor: &FileTensor<'a>, value: Value) -> Result<()> {
        if self.values[tensor.index].is_some() || self.is_constant(tensor) {
            return Err(tensor.wrong(Problem::Redefined));
        }
        self.values[tensor.index] = Some(value);
        Ok(())
    }
}
