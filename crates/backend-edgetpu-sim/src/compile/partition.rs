//! Which nodes run on the chip.

use pocketvision_core::op::{ActivationKind, ResizeKind};
use pocketvision_core::{Element, Graph, Node, Op, Unsupported};

use crate::layer::is_relabelling;

/// Where a node runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// On the chip.
    Chip,
    /// On the host, before or after the chip.
    Host,
}

/// Where each node of a graph runs, and what ended the chip's part.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Partition, Place};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let partition = Partition::new(&graph);
/// assert!(partition.cut.is_none());
/// assert!(partition.places.contains(&Place::Chip));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Partition {
    /// One place a node, in graph order.
    pub places: Vec<Place>,
    /// The first node that the chip cannot run, with the reason, if there is one.
    pub cut: Option<Unsupported>,
}

impl Partition {
    /// Cuts a graph as the real compiler does: the chip gets one segment, which ends at the
    /// first operator it cannot run; that one and all after it run on the host, even those
    /// that the chip could run.
    ///
    /// Converting the network's own inputs from float comes before the segment, not after
    /// it, and does not end it.
    pub fn new(graph: &Graph) -> Self {
        let mut cut = None;
        let place = |(_, node)| {
            if cut.is_some() || is_edge_conversion(graph, node) {
                return Place::Host;
            }
            match maps(graph, node) {
                Ok(()) => Place::Chip,
                Err(unsupported) => {
                    cut = Some(unsupported);
                    Place::Host
                }
            }
        };
        let places = graph.iter().map(place).collect();
        Self { places, cut }
    }
}

/// Whether the chip itself, without the host, can run a node.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::maps;
/// use pocketvision_core::op::{Activation, ActivationKind};
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
///
/// let mut builder = GraphBuilder::new("float");
/// let x = builder.input("x", TensorType::new(Shape::vector(4), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let y = builder.push("y", relu, &[x])?;
/// let graph = builder.finish(&[y])?;
/// let refusal = maps(&graph, graph.node(y)).unwrap_err();
/// println!("{refusal}");
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
///
/// # Errors
/// Returns the reason, if it cannot.
pub fn maps(graph: &Graph, node: &Node) -> Result<(), Unsupported> {
    let refuse = |reason: String| {
        let (node, op) = (node.name.clone(), node.op.name());
        Err(Unsupported { backend: crate::NAME, node, op, reason })
    };
    // The network's inputs and outputs may be float or uint8; the host holds them.
    if node.op == Op::Input {
        return Ok(());
    }
    let mut types = node.inputs.iter().map(|&id| graph.ty(id)).chain([&node.output]);
    if let Some(ty) = types.find(|ty| ty.shape.n != 1) {
        return refuse(format!("a batch of {} does not map: run images one by one", ty.shape.n));
    }
    let int8 = |name: &str| name == "int8";
    let eight_bit = |name: &str| int8(name) || name == "uint8";
    let elements = || {
        let inputs = node.inputs.iter().map(|&id| &graph.ty(id).element);
        inputs.chain([&node.output.element]).map(Element::name)
    };
    match &node.op {
        Op::Quantize(_) if is_relabelling(graph, node) || elements().all(eight_bit) => Ok(()),
        Op::Reshape(_) | Op::Constant(_) if elements().all(eight_bit) => Ok(()),
        Op::DetectionPostprocess(_) => {
            refuse("decoding and suppressing boxes runs on the host".to_owned())
        }
        Op::ArgMax(_) => refuse("an index of the largest does not map".to_owned()),
        Op::ConvTranspose2d(_) => {
            refuse("transposed convolutions are not modelled; this runs on the host".to_owned())
        }
        Op::Resize(op) if op.kind == ResizeKind::Bilinear && enlarges(graph, node) => {
            refuse("an interpolation that enlarges does not map, to keep its precision".to_owned())
        }
        _ if !elements().all(int8) => {
            refuse("the chip computes with int8 only; this runs on the host".to_owned())
        }
        Op::Activation(activation) if activation.kind == ActivationKind::HardSwish => {
            refuse("hard-swish does not map, and ends the chip's part of the network".to_owned())
        }
        Op::Softmax(_) if node.output.shape.c > MAX_SOFTMAX_CHANNELS => {
            refuse(format!("softmax over more than {MAX_SOFTMAX_CHANNELS} channels does not map"))
        }
        _ => Ok(()),
    }
}

/// The real compiler leaves such a resize of DeepLab (33 pixels from 1, 513 from 33) to the host,
/// and maps one that keeps the size, and repeated pixels.
fn enlarges(graph: &Graph, node: &Node) -> bool {
    let (input, output) = (graph.ty(node.inputs[0]).shape, node.output.shape);
    output.h > input.h || output.w > input.w
}

/// True for the conversion of a network's own float input to an integer.
fn is_edge_conversion(graph: &Graph, node: &Node) -> bool {
    matches!(node.op, Op::Quantize(_))
        && node
            .inputs
            .iter()
            .all(|&id| graph.node(id).op == Op::Input && graph.ty(id).element.is_float())
}

/// Limit of the real compiler.
const MAX_SOFTMAX_CHANNELS: usize = 16_000;
