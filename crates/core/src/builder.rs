//! The only way to make a graph.

use std::sync::Arc;

use crate::{
    Element, Graph, GraphError, Node, NodeId, Op, Param, ParamId, Shape, ShapeError, Tensor,
    TensorError, TensorType,
};

/// Builds a [`Graph`] node by node, inferring and checking each shape as it goes.
///
/// ```
/// use pocketvision_core::op::{Activation, ActivationKind};
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// let op = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let positive = builder.push("positive", op, &[image])?;
/// let graph = builder.finish(&[positive])?;
/// assert_eq!(graph.ty(positive).shape, Shape::new(1, 8, 8, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// Most nodes of a graph. The largest network we know of has under a thousand.
    pub const MAX_NODES: usize = 100_000;

    /// An empty graph with a name for people.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let graph = Graph { name, nodes: vec![], params: vec![], inputs: vec![], outputs: vec![] };
        Self { graph }
    }

    /// A graph without nodes that has the constant tensors of another: their ids stay what they are
    /// there, and the numbers are shared. What graphs made from others begin with.
    ///
    /// ```
    /// use pocketvision_core::{GraphBuilder, models};
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let graph = network.build(&network.options())?;
    /// let mut builder = GraphBuilder::with_params_of(&graph, "part");
    /// let image = builder.input("image", graph.ty(graph.inputs()[0]).clone())?;
    /// assert_eq!(builder.finish(&[image])?.params(), graph.params());
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    pub fn with_params_of(graph: &Graph, name: impl Into<String>) -> Self {
        let mut builder = Self::new(name);
        builder.graph.params.clone_from(&graph.params);
        builder
    }

    /// A tensor that the caller feeds.
    ///
    /// ```
    /// use pocketvision_core::{Element, GraphBuilder, Shape, TensorType};
    ///
    /// let mut builder = GraphBuilder::new("tiny");
    /// let photo = TensorType::new(Shape::new(1, 224, 224, 3), Element::uint8(1.0 / 128.0, 128));
    /// let id = builder.input("photo", photo.clone())?;
    /// assert_eq!(*builder.ty(id), photo);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If the shape is empty or too large, or the quantization is not per tensor.
    pub fn input(&mut self, name: impl Into<String>, ty: TensorType) -> Result<NodeId, GraphError> {
        let name = name.into();
        let invalid = |source| GraphError::Tensor { name: name.clone(), source };
        if ty.shape.checked_elements().is_none() {
            return Err(invalid(TensorError::Size { shape: ty.shape }));
        }
        let one_scale = || {
            ty.element.per_tensor().is_some()
                && ty.element.quantization().is_some_and(crate::Quantization::is_valid)
        };
        if !ty.element.is_float() && !one_scale() {
            return Err(invalid(TensorError::Quantization { element: ty.element.to_string() }));
        }
        let id = self.append(Node { name, op: Op::Input, inputs: vec![], output: ty })?;
        self.graph.inputs.push(id);
        Ok(id)
    }

    /// A constant tensor, for operators to name.
    ///
    /// ```
    /// use pocketvision_core::op::Linear;
    /// use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut builder = GraphBuilder::new("tiny");
    /// let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
    /// let weight = Tensor::from_f32(Shape::new(2, 1, 1, 3), vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0])?;
    /// let weight = builder.param("weight", weight);
    /// let first_two = Op::Linear(Linear { weight, bias: None, activation: None });
    /// let y = builder.push("first two", first_two, &[x])?;
    /// assert_eq!(builder.ty(y).shape, Shape::vector(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn param(&mut self, name: impl Into<String>, tensor: impl Into<Arc<Tensor>>) -> ParamId {
        self.graph.params.push(Param { name: name.into(), tensor: tensor.into() });
        ParamId(self.graph.params.len() as u32 - 1)
    }

    /// A node whose element follows from its inputs: every float operator, and integer
    /// operators that only move numbers.
    ///
    /// ```
    /// use pocketvision_core::op::Add;
    /// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
    ///
    /// let mut builder = GraphBuilder::new("tiny");
    /// let a = builder.input("a", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
    /// let b = builder.input("b", TensorType::new(Shape::new(1, 8, 8, 4), Element::F32))?;
    /// builder.push("twice", Op::Add(Add { activation: None }), &[a, a])?;
    /// let error = builder.push("sum", Op::Add(Add { activation: None }), &[a, b]).unwrap_err();
    /// assert!(error.to_string().starts_with("node 'sum' (Add)"));
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If the operator does not fit its inputs.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[NodeId],
    ) -> Result<NodeId, GraphError> {
        self.push_node(name.into(), op, inputs, None)
    }

    /// A node with a stated output element: every integer operator that computes.
    ///
    /// ```
    /// use pocketvision_core::op::Quantize;
    /// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
    ///
    /// let mut builder = GraphBuilder::new("tiny");
    /// let x = builder.input("x", TensorType::new(Shape::vector(4), Element::F32))?;
    /// let int8 = Element::int8(0.25, 0);
    /// let y = builder.push_as("y", Op::Quantize(Quantize), &[x], int8.clone())?;
    /// assert_eq!(builder.ty(y).element, int8);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If the operator does not fit its inputs or cannot yield this element.
    pub fn push_as(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[NodeId],
        element: Element,
    ) -> Result<NodeId, GraphError> {
        self.push_node(name.into(), op, inputs, Some(element))
    }

    /// The type of a node pushed earlier.
    pub fn ty(&self, id: NodeId) -> &TensorType {
        self.graph.ty(id)
    }

    /// A node pushed earlier.
    ///
    /// ```
    /// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
    /// let mut builder = GraphBuilder::new("tiny");
    /// let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
    /// let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
    /// let positive = builder.push("positive", relu, &[image])?;
    /// assert_eq!(builder.node(positive).inputs, [image]);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Panics
    /// If the id is of another, longer graph.
    pub fn node(&self, id: NodeId) -> &Node {
        self.graph.node(id)
    }

    /// The finished graph.
    ///
    /// ```
    /// use pocketvision_core::{GraphBuilder, GraphError};
    ///
    /// assert_eq!(GraphBuilder::new("empty").finish(&[]), Err(GraphError::Empty("inputs")));
    /// ```
    ///
    /// # Errors
    /// If it has no inputs, or no outputs are named, or one that was not pushed.
    pub fn finish(self, outputs: &[NodeId]) -> Result<Graph, GraphError> {
        if self.graph.inputs.is_empty() {
            return Err(GraphError::Empty("inputs"));
        }
        self.graph.ending_in(outputs)
    }

    fn push_node(
        &mut self,
        name: String,
        op: Op,
        inputs: &[NodeId],
        element: Option<Element>,
    ) -> Result<NodeId, GraphError> {
        if let Some(unknown) = inputs.iter().find(|id| id.index() >= self.graph.nodes.len()) {
            return Err(GraphError::UnknownInput { node: name, input: unknown.index() });
        }
        let types: Vec<&TensorType> = inputs.iter().map(|&id| self.graph.ty(id)).collect();
        let inferred = op.infer(&types, &self.graph, element.as_ref()).and_then(|ty| {
            match ty.shape.checked_elements() {
                Some(_) => Ok(ty),
                None => Err(ShapeError::TooLarge { shape: ty.shape }),
            }
        });
        let output = match inferred {
            Ok(output) => output,
            Err(source) => {
                let (op, source) = (op.name(), Box::new(source));
                return Err(GraphError::Node { node: name, op, source });
            }
        };
        self.append(Node { name, op, inputs: inputs.to_vec(), output })
    }

    fn append(&mut self, node: Node) -> Result<NodeId, GraphError> {
        if self.graph.nodes.len() >= Self::MAX_NODES {
            return Err(GraphError::TooManyNodes);
        }
        self.graph.nodes.push(node);
        Ok(NodeId(self.graph.nodes.len() as u32 - 1))
    }
}

/// The shape of a named parameter; a typed error if there is none of that id.
pub(crate) fn param_shape(graph: &Graph, id: ParamId) -> Result<Shape, ShapeError> {
    param(graph, id).map(Tensor::shape)
}

/// A named parameter; a typed error if there is none of that id.
pub(crate) fn param(graph: &Graph, id: ParamId) -> Result<&Tensor, ShapeError> {
    let param = graph.params.get(id.index());
    param.map(|p| &*p.tensor).ok_or(ShapeError::MissingParam { index: id.index() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Add, Reshape};

    fn image(builder: &mut GraphBuilder, c: usize) -> NodeId {
        builder.input("image", TensorType::new(Shape::new(1, 4, 4, c), Element::F32)).unwrap()
    }

    #[test]
    fn errors_name_the_node_and_both_shapes() {
        let mut builder = GraphBuilder::new("test");
        let a = image(&mut builder, 3);
        let b = image(&mut builder, 5);
        let error = builder.push("sum", Op::Add(Add { activation: None }), &[a, b]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "node 'sum' (Add): the operands cannot be broadcast: 1x4x4x3 does not fit 1x4x4x5"
        );
    }

    #[test]
    fn a_graph_needs_inputs_and_outputs() {
        assert_eq!(GraphBuilder::new("a").finish(&[]), Err(GraphError::Empty("inputs")));
        let mut builder = GraphBuilder::new("b");
        image(&mut builder, 3);
        assert_eq!(builder.finish(&[]), Err(GraphError::Empty("outputs")));
        let mut builder = GraphBuilder::new("c");
        image(&mut builder, 3);
        let unknown = Err(GraphError::UnknownOutput { output: 1 });
        assert_eq!(builder.finish(&[NodeId(1)]), unknown);
    }

    #[test]
    fn a_graph_takes_other_outputs_and_numbers_of_the_same_type_alone() {
        let mut builder = GraphBuilder::new("test");
        let x = image(&mut builder, 3);
        let ones = Tensor::from_f32(Shape::vector(2), vec![1.0; 2]).unwrap();
        builder.param("ones", ones.clone());
        let sum = builder.push("sum", Op::Add(Add { activation: None }), &[x, x]).unwrap();
        let graph = builder.finish(&[sum]).unwrap();
        assert_eq!(graph.with_outputs(&[x]).unwrap().outputs(), [x]);
        assert_eq!(graph.with_outputs(&[]), Err(GraphError::Empty("outputs")));
        let replaced = |values: Vec<f32>| {
            graph.with_params(|_, _| {
                Tensor::from_f32(Shape::vector(values.len()), values.clone()).map(Some)
            })
        };
        let twos = replaced(vec![2.0; 2]).unwrap();
        assert_eq!(twos.params()[0].tensor.as_f32().unwrap(), [2.0; 2]);
        assert_eq!(twos.nodes(), graph.nodes());
        let message = replaced(vec![2.0; 3]).unwrap_err().to_string();
        assert!(message.starts_with("'ones': ") && message.contains("1x1x1x3"), "{message}");
        assert_eq!(graph.with_params(|_, _| Ok(None)).unwrap(), graph);
    }

    #[test]
    fn reading_a_later_node_is_refused() {
        let mut builder = GraphBuilder::new("test");
        image(&mut builder, 3);
        let op = Op::Reshape(Reshape { shape: Shape::vector(48) });
        let error = builder.push("flat", op, &[NodeId(7)]).unwrap_err();
        assert_eq!(error, GraphError::UnknownInput { node: "flat".into(), input: 7 });
    }
}
