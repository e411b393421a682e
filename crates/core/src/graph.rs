//! The immutable network.

use std::fmt;
use std::sync::Arc;

use crate::{GraphError, Op, Tensor, TensorError, TensorType};

/// A validated network. Nodes are in the order they run; cloning shares the weights.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let graph = network.build(&network.options())?;
/// for (id, node) in graph.iter().take(3) {
///     println!("{id} {}: {} -> {}", node.name, node.op.name(), node.output);
/// }
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.c, 10);
/// assert_eq!(graph.macs(), graph.nodes().iter().map(|node| graph.node_macs(node)).sum());
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Graph {
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<Param>,
    pub(crate) inputs: Vec<NodeId>,
    pub(crate) outputs: Vec<NodeId>,
}

impl Graph {
    /// The network's name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All nodes, in the order they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All nodes with their ids, in the order they run.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index as u32), node))
    }

    /// One node.
    ///
    /// # Panics
    /// If the id is of another, longer graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Shape and element of a node's output.
    pub fn ty(&self, id: NodeId) -> &TensorType {
        &self.node(id).output
    }

    /// Types of what a node reads.
    pub fn input_types(&self, node: &Node) -> Vec<&TensorType> {
        node.inputs.iter().map(|&id| self.ty(id)).collect()
    }

    /// All constant tensors.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// One constant tensor.
    ///
    /// # Panics
    /// If the id is of another, longer graph.
    pub fn param(&self, id: ParamId) -> &Tensor {
        &self.params[id.index()].tensor
    }

    /// The nodes that the caller feeds, in the order of `Plan::run`'s inputs.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The nodes that the caller gets back, in order.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// Multiply-accumulates of one node.
    pub fn node_macs(&self, node: &Node) -> u64 {
        node.op.macs(&self.input_types(node), &node.output, self)
    }

    /// Multiply-accumulates of one inference: convolutions and linear layers, as papers
    /// count them.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().map(|node| self.node_macs(node)).sum()
    }

    /// Number of weights and biases that the nodes use.
    pub fn parameters(&self) -> u64 {
        self.params.iter().map(|p| p.tensor.shape().elements() as u64).sum()
    }

    /// Bytes of weights and biases.
    pub fn parameter_bytes(&self) -> u64 {
        self.params.iter().map(|p| p.tensor.bytes().len() as u64).sum()
    }

    /// The same network with other outputs. Nodes that none of them depends on stay, until
    /// [`remove_unused`](crate::passes::remove_unused).
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let graph = network.build(&network.options())?;
    /// let scores = graph.outputs()[0];
    /// let features = graph.node(scores).inputs[0];
    /// let both = graph.with_outputs(&[scores, features])?;
    /// assert_eq!(both.outputs(), [scores, features]);
    /// assert_eq!(both.nodes(), graph.nodes());
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If there are no outputs, or one is no node of this graph.
    pub fn with_outputs(&self, outputs: &[NodeId]) -> Result<Self, GraphError> {
        self.clone().ending_in(outputs)
    }

    /// The same network with these outputs.
    pub(crate) fn ending_in(mut self, outputs: &[NodeId]) -> Result<Self, GraphError> {
        if outputs.is_empty() {
            return Err(GraphError::Empty("outputs"));
        }
        if let Some(unknown) = outputs.iter().find(|id| id.index() >= self.nodes.len()) {
            return Err(GraphError::UnknownOutput { output: unknown.index() });
        }
        self.outputs = outputs.to_vec();
        Ok(self)
    }

    /// The same network with other numbers in some of its constant tensors: `replacement` is
    /// asked for each, by its place in [`Self::params`].
    ///
    /// ```
    /// use pocketvision_core::models::{self, BuildOptions, Precision};
    /// use pocketvision_core::{GraphError, Tensor};
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let options = BuildOptions { precision: Precision::F32, ..network.options() };
    /// let graph = network.build(&options)?;
    /// let doubled = graph.with_params(|_, param| {
    ///     let values = param.tensor.to_f32().iter().map(|value| 2.0 * value).collect();
    ///     Tensor::from_f32(param.tensor.shape(), values).map(Some)
    /// })?;
    /// let first = |graph: &pocketvision_core::Graph| graph.params()[0].tensor.to_f32()[0];
    /// assert_eq!(first(&doubled), 2.0 * first(&graph));
    /// # Ok::<(), GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If a replacement fails, or has another shape or element than what it replaces.
    pub fn with_params(
        &self,
        mut replacement: impl FnMut(usize, &Param) -> Result<Option<Tensor>, TensorError>,
    ) -> Result<Self, GraphError> {
        let mut graph = self.clone();
        for (index, param) in graph.params.iter_mut().enumerate() {
            let invalid = |source| GraphError::Tensor { name: param.name.clone(), source };
            let Some(tensor) = replacement(index, param).map_err(invalid)? else { continue };
            if tensor.ty() != param.tensor.ty() {
                let (expected, actual) = (param.tensor.ty().to_string(), tensor.ty().to_string());
                return Err(invalid(TensorError::Replacement { expected, actual }));
            }
            param.tensor = Arc::new(tensor);
        }
        Ok(graph)
    }

    /// For each node, the nodes that read it.
    ///
    /// ```
    /// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
    /// # let mut builder = GraphBuilder::new("tiny");
    /// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
    /// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
    /// # let positive = builder.push("positive", relu, &[image])?;
    /// # let graph = builder.finish(&[positive])?;
    ///
    /// assert_eq!(graph.consumers()[image.index()], [positive]);
    /// assert!(graph.consumers()[positive.index()].is_empty());
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for (id, node) in self.iter() {
            for input in &node.inputs {
                consumers[input.index()].push(id);
            }
        }
        consumers
    }
}

/// One step of a network: an operator, what it reads, and the type of its one output.
///
/// ```
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let node = graph.node(positive);
/// assert_eq!((node.name.as_str(), node.op.name()), ("positive", "Activation"));
/// assert_eq!(node.inputs, [image]);
/// assert_eq!(node.output.to_string(), "1x8x8x3 f32");
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// A name for people and for comparing backends layer by layer.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes that it reads, all before it.
    pub inputs: Vec<NodeId>,
    /// Shape and element of its output.
    pub output: TensorType,
}

/// A constant tensor of a graph: weights, a bias, a constant operand.
///
/// ```
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let graph = network.build(&network.options())?;
/// assert_eq!(graph.params()[0].name, "stem/weight");
/// assert_eq!(graph.params()[0].tensor.shape().dims(), [16, 3, 3, 3]);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// Its name in the file it came from.
    pub name: String,
    /// Its numbers, shared between graphs that passes derive from each other.
    pub tensor: Arc<Tensor>,
}

/// A node of one graph, by position.
///
/// ```
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// assert_eq!((image.index(), positive.index()), (0, 1));
/// assert_eq!(positive.to_string(), "#1");
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A constant tensor of one graph, by position.
///
/// ```
/// use pocketvision_core::{GraphBuilder, Shape, Tensor, TensorError};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let bias = builder.param("bias", Tensor::from_f32(Shape::vector(2), vec![0.5, 1.5])?);
/// assert_eq!(bias.index(), 0);
/// # Ok::<(), pocketvision_core::TensorError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ParamId(pub(crate) u32);

impl ParamId {
    /// Position in [`Graph::params`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
