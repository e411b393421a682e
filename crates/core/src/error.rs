//! One error type for each stage a network goes through.

use thiserror::Error;

use crate::{Shape, TensorType};

/// A tensor's parts contradict each other.
///
/// ```
/// use pocketvision_core::{Shape, Tensor, TensorError};
///
/// let error = Tensor::from_f32(Shape::vector(3), vec![1.0]).unwrap_err();
/// assert!(matches!(error, TensorError::Length { expected: 3, actual: 1, .. }));
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum TensorError {
    /// A dimension is zero, or the tensor is beyond [`Shape::MAX_ELEMENTS`].
    #[error("a tensor of {shape} has no elements or more than {}", Shape::MAX_ELEMENTS)]
    Size {
        /// The shape asked for.
        shape: Shape,
    },
    /// More or fewer numbers than the shape has elements.
    #[error("a tensor of {shape} needs {expected} elements, got {actual}")]
    Length {
        /// The shape asked for.
        shape: Shape,
        /// Elements of the shape.
        expected: usize,
        /// Elements given.
        actual: usize,
    },
    /// Numbers of another type than the element.
    #[error("a tensor of {element} cannot hold {actual} numbers")]
    Kind {
        /// The element asked for.
        element: &'static str,
        /// The type of the numbers given.
        actual: &'static str,
    },
    /// A scale that is zero, negative or not finite.
    #[error("{element}: a scale must be finite and above zero")]
    Quantization {
        /// The element asked for.
        element: String,
    },
    /// A tensor in the place of one of another shape or element.
    #[error("{actual} cannot take the place of {expected}")]
    Replacement {
        /// Shape and element of what is to be replaced.
        expected: String,
        /// Those of the tensor given.
        actual: String,
    },
}

/// An operator does not fit its inputs.
///
/// ```
/// use pocketvision_core::op::{Padding, Window};
/// use pocketvision_core::{Shape, ShapeError};
///
/// let window = Window::square(9, 1, Padding::Valid);
/// let error = window.output(Shape::new(1, 4, 4, 3)).unwrap_err();
/// assert!(matches!(error, ShapeError::Attribute { .. }), "{error}");
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ShapeError {
    /// Too many or too few inputs.
    #[error("takes {expected} inputs, got {actual}")]
    InputCount {
        /// Inputs that the operator takes.
        expected: usize,
        /// Inputs given.
        actual: usize,
    },
    /// Two shapes that must agree do not.
    #[error("{what}: {left} does not fit {right}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// The first shape.
        left: Shape,
        /// The second shape.
        right: Shape,
    },
    /// An element type that the operator is not defined for.
    #[error("{what}: {actual} is not allowed here, expected {expected}")]
    Element {
        /// Which tensor.
        what: &'static str,
        /// Its element.
        actual: String,
        /// What would be right.
        expected: String,
    },
    /// An attribute outside its range.
    #[error("{attribute} = {value} is out of range for an input of {input}")]
    Attribute {
        /// The attribute's name.
        attribute: &'static str,
        /// Its value.
        value: String,
        /// The input it was applied to.
        input: Shape,
    },
    /// The result is beyond [`Shape::MAX_ELEMENTS`].
    #[error("the output {shape} has no elements or more than {}", Shape::MAX_ELEMENTS)]
    TooLarge {
        /// The output's shape.
        shape: Shape,
    },
    /// A parameter that the graph does not have.
    #[error("parameter {index} does not exist")]
    MissingParam {
        /// The index asked for.
        index: usize,
    },
}

/// A graph could not be built.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, InputSize};
///
/// let network = models::find("mobilenet-v3-small").unwrap();
/// let huge = BuildOptions { input_size: InputSize::square(60_000), ..network.options() };
/// println!("{}", network.build(&huge).unwrap_err());
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum GraphError {
    /// A node does not fit its inputs.
    #[error("node '{node}' ({op}): {source}")]
    Node {
        /// The node's name.
        node: String,
        /// The operator's name.
        op: &'static str,
        /// What is wrong.
        source: Box<ShapeError>,
    },
    /// A node reads one that does not exist.
    #[error("node '{node}' reads node {input}, which does not exist yet")]
    UnknownInput {
        /// The reading node's name.
        node: String,
        /// The index it asks for.
        input: usize,
    },
    /// An output that is no node.
    #[error("output {output} is no node of the graph")]
    UnknownOutput {
        /// The index asked for.
        output: usize,
    },
    /// A tensor's parts contradict each other.
    #[error("'{name}': {source}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong.
        source: TensorError,
    },
    /// A graph without inputs or without outputs.
    #[error("the graph has no {0}")]
    Empty(&'static str),
    /// More nodes than [`crate::GraphBuilder::MAX_NODES`].
    #[error("the graph has more than {} nodes", crate::GraphBuilder::MAX_NODES)]
    TooManyNodes,
}

/// Why a backend cannot run a node.
///
/// ```
/// use pocketvision_core::Unsupported;
///
/// let refusal = Unsupported {
///     backend: "mine",
///     node: "scores".into(),
///     op: "Softmax",
///     reason: "exponentials are not there yet".into(),
/// };
/// assert_eq!(
///     refusal.to_string(),
///     "mine cannot run node 'scores' (Softmax): exponentials are not there yet"
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{backend} cannot run node '{node}' ({op}): {reason}")]
pub struct Unsupported {
    /// The backend's name.
    pub backend: &'static str,
    /// The node's name.
    pub node: String,
    /// The operator's name.
    pub op: &'static str,
    /// The attribute or element that is in the way, and what to do.
    pub reason: String,
}

/// A backend could not compile a graph.
///
/// ```
/// use pocketvision_core::{CompileError, Unsupported};
///
/// fn advice(error: &CompileError) -> &'static str {
///     match error {
///         CompileError::Unsupported(Unsupported { .. }) => "run this node on another backend",
///         CompileError::Device { .. } => "look at the device",
///         CompileError::TooLarge { .. } => "use a smaller input",
///     }
/// }
/// let lost = CompileError::Device { backend: "gpu", message: "the device is lost".into() };
/// assert_eq!(advice(&lost), "look at the device");
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum CompileError {
    /// A node that the backend cannot run.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The device is missing, lost, or refused something.
    #[error("{backend}: {message}")]
    Device {
        /// The backend's name.
        backend: &'static str,
        /// What happened and what to do.
        message: String,
    },
    /// The network does not fit the device.
    #[error("{backend}: node '{node}' needs {needed_bytes} bytes, the limit is {limit_bytes}")]
    TooLarge {
        /// The backend's name.
        backend: &'static str,
        /// The node that does not fit.
        node: String,
        /// Bytes that it needs.
        needed_bytes: u64,
        /// Bytes that the device has.
        limit_bytes: u64,
    },
}

/// A plan could not run.
///
/// ```
/// use pocketvision_core::{CompileOptions, RunError, Signature};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let signature = Signature::new(&graph, &CompileOptions::default());
/// let error = signature.check_inputs(&[]).unwrap_err();
/// assert_eq!(error, RunError::InputCount { expected: 1, actual: 0 });
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum RunError {
    /// Too many or too few inputs.
    #[error("the network takes {expected} inputs, got {actual}")]
    InputCount {
        /// Inputs of the network.
        expected: usize,
        /// Inputs given.
        actual: usize,
    },
    /// An input of another shape or element.
    #[error("input '{name}' is {expected}, got {actual}")]
    InputType {
        /// The input's name.
        name: String,
        /// What the network takes.
        expected: Box<TensorType>,
        /// What was given.
        actual: Box<TensorType>,
    },
    /// A float input that holds NaN or an infinity.
    #[error("input '{name}' is not finite at element {index}")]
    NotFinite {
        /// The input's name.
        name: String,
        /// The first such element.
        index: usize,
    },
    /// Outputs that were made for another plan.
    #[error("the outputs passed in were not made by this plan: use Outputs::for_signature")]
    ForeignOutputs,
    /// The device is lost or refused something.
    #[error("{backend}: {message}")]
    Device {
        /// The backend's name.
        backend: &'static str,
        /// What happened and what to do.
        message: String,
    },
}
