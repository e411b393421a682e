//! What a plan takes and yields, and whether tensors are that.

use half::f16;

use crate::finite::first_not;
use crate::{CompileOptions, Graph, Keep, NodeId, RunError, Tensor, TensorData, TensorType};

/// What a plan takes and yields.
///
/// ```
/// use pocketvision_core::{CompileOptions, Outputs, Signature, Tensor};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions::default());
/// let input = Tensor::zeros(&signature.inputs[0].ty);
/// assert_eq!(signature.check_inputs(&[input]), Ok(()));
/// assert_eq!(signature.check_outputs(&Outputs::for_signature(&signature)), Ok(()));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Signature {
    /// What `run` takes, in order.
    pub inputs: Vec<Port>,
    /// What `run` yields, in order.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// The signature of a graph compiled with these options.
    pub fn new(graph: &Graph, options: &CompileOptions) -> Self {
        let port = |id: NodeId| Port {
            node: id,
            name: graph.node(id).name.clone(),
            ty: graph.ty(id).clone(),
        };
        let outputs = match options.keep {
            Keep::Outputs => graph.outputs().iter().copied().map(port).collect(),
            Keep::EveryNode => graph.iter().map(|(id, _)| port(id)).collect(),
        };
        Self { inputs: graph.inputs().iter().copied().map(port).collect(), outputs }
    }

    /// Checks count, shapes, element types and, for floats, that all numbers are finite.
    /// Every plan calls this first.
    ///
    /// # Errors
    /// Names the first input that does not fit.
    pub fn check_inputs(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.check_input_types(inputs)?;
        for (port, tensor) in self.inputs.iter().zip(inputs) {
            let bad = match tensor.data() {
                TensorData::F32(v) => first_not(f32::is_finite, v),
                TensorData::F16(v) => first_not(f16::is_finite, v),
                _ => None,
            };
            if let Some(index) = bad {
                return Err(RunError::NotFinite { name: port.name.clone(), index });
            }
        }
        Ok(())
    }

    /// Checks count, shapes and element types: for a plan that looks at the numbers itself.
    ///
    /// # Errors
    /// Names the first input that does not fit.
    pub fn check_input_types(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        if inputs.len() != self.inputs.len() {
            let (expected, actual) = (self.inputs.len(), inputs.len());
            return Err(RunError::InputCount { expected, actual });
        }
        for (port, tensor) in self.inputs.iter().zip(inputs) {
            if *tensor.ty() != port.ty {
                return Err(RunError::InputType {
                    name: port.name.clone(),
                    expected: Box::new(port.ty.clone()),
                    actual: Box::new(tensor.ty().clone()),
                });
            }
        }
        Ok(())
    }

    /// Checks that outputs were made for this signature. Every plan calls this second.
    ///
    /// # Errors
    /// If they were not.
    pub fn check_outputs(&self, outputs: &Outputs) -> Result<(), RunError> {
        let fits = outputs.tensors.len() == self.outputs.len()
            && outputs
                .tensors
                .iter()
                .zip(&self.outputs)
                .all(|((id, tensor), port)| *id == port.node && *tensor.ty() == port.ty);
        if fits { Ok(()) } else { Err(RunError::ForeignOutputs) }
    }
}

/// One input or output of a network.
///
/// ```
/// use pocketvision_core::{CompileOptions, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions::default());
/// assert_eq!(signature.inputs[0].name, "image");
/// assert_eq!(signature.outputs[0].node, positive);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Port {
    /// The node of the graph.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// Its shape and element.
    pub ty: TensorType,
}

/// What a run yields: one tensor for each output port, in order.
///
/// ```
/// use pocketvision_core::{CompileOptions, Keep, Outputs, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions { keep: Keep::EveryNode });
/// let outputs = Outputs::for_signature(&signature);
/// assert_eq!(outputs.len(), 2);
/// assert_eq!(outputs.get(positive), Some(&outputs[1]));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Outputs {
    tensors: Vec<(NodeId, Tensor)>,
}

impl Outputs {
    /// Tensors of zeros, to be filled by [`crate::Plan::run_into`].
    pub fn for_signature(signature: &Signature) -> Self {
        let zeros = |port: &Port| (port.node, Tensor::zeros(&port.ty));
        Self { tensors: signature.outputs.iter().map(zeros).collect() }
    }

    /// The tensor of one node, if the plan keeps it.
    pub fn get(&self, node: NodeId) -> Option<&Tensor> {
        self.tensors.iter().find(|(id, _)| *id == node).map(|(_, tensor)| tensor)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The tensors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (NodeId, &Tensor)> {
        self.tensors.iter().map(|(id, tensor)| (*id, tensor))
    }

    /// The tensors in order, to be filled.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (NodeId, &mut Tensor)> {
        self.tensors.iter_mut().map(|(id, tensor)| (*id, tensor))
    }
}

impl std::ops::Index<usize> for Outputs {
    type Output = Tensor;

    fn index(&self, index: usize) -> &Tensor {
        &self.tensors[index].1
    }
}
