//! What the cost of a node depends on: sizes, without names or weights.

use pocketvision_core::op::{Pool2d, PoolKind, Window};
use pocketvision_core::{Element, Graph, Node, Op, Quantization, Shape};

/// One node as the cost model sees it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Layer, LayerKind};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let layers = graph.nodes().iter().map(|node| Layer::new(&graph, node));
/// assert_eq!(layers.clone().map(|layer| layer.macs).sum::<u64>(), graph.macs());
/// assert!(layers.clone().any(|layer| matches!(layer.kind, LayerKind::Depthwise { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layer {
    /// Which hardware does the work.
    pub kind: LayerKind,
    /// The window that slides over the input, where there is one: it reaches into the
    /// neighbours' blocks.
    pub window: Option<Window>,
    /// Shape of the largest input.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
    /// Bytes of all inputs.
    pub input_bytes: u64,
    /// Bytes of the output.
    pub output_bytes: u64,
    /// Multiply-accumulates, as papers count them.
    pub macs: u64,
    /// Whether each output channel has a scale of its own.
    pub per_channel_scales: bool,
}

/// Which hardware does a layer's work.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::LayerKind;
///
/// assert!(LayerKind::Depthwise { taps: 9 }.works());
/// assert!(!LayerKind::Relabel.works());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerKind {
    /// Dot products over input channels: convolutions and linear layers.
    Convolution {
        /// Taps of the window; 1 for a linear layer.
        taps: usize,
        /// Input channels that one output channel reads.
        input_channels: usize,
        /// Groups of channels that do not mix.
        groups: usize,
    },
    /// Convolution of each channel on its own.
    Depthwise {
        /// Taps of the window.
        taps: usize,
    },
    /// Word by word, without weights: sums, small pools, tables, softmax.
    Vector,
    /// The average of a whole image, which is gathered for it on one tile.
    GlobalPool,
    /// Numbers that lie beside the weights.
    Constant,
    /// Numbers that the host brings.
    Input,
    /// Nothing to do: reshapes, changes of signedness.
    Relabel,
}

impl LayerKind {
    /// True if the node takes time on the chip.
    pub const fn works(self) -> bool {
        !matches!(self, Self::Constant | Self::Input | Self::Relabel)
    }
}

impl Layer {
    /// What the cost of a node of this graph depends on. Allocates nothing.
    pub fn new(graph: &Graph, node: &Node) -> Self {
        let output = node.output.shape;
        let inputs = || node.inputs.iter().map(|&id| graph.ty(id));
        let input = inputs().map(|ty| ty.shape).max_by_key(Shape::elements).unwrap_or(output);
        let kind = match &node.op {
            Op::Conv2d(op) => LayerKind::Convolution {
                taps: op.window.taps(),
                input_channels: input.c / op.groups,
                groups: op.groups,
            },
            Op::Linear(_) => LayerKind::Convolution { taps: 1, input_channels: input.c, groups: 1 },
            Op::DepthwiseConv2d(op) => LayerKind::Depthwise { taps: op.window.taps() },
            Op::Pool2d(op) if is_global(op, input, output) => LayerKind::GlobalPool,
            Op::Constant(_) => LayerKind::Constant,
            Op::Input => LayerKind::Input,
            Op::Reshape(_) => LayerKind::Relabel,
            Op::Quantize(_) if is_relabelling(graph, node) => LayerKind::Relabel,
            _ => LayerKind::Vector,
        };
        let window = match &node.op {
            Op::Conv2d(op) => Some(op.window),
            Op::DepthwiseConv2d(op) => Some(op.window),
            Op::Pool2d(op) if kind == LayerKind::Vector => Some(op.window),
            _ => None,
        };
        let macs = match &node.op {
            Op::Linear(_) => output.elements() as u64 * input.c as u64,
            op => op.macs(&[], &node.output, graph),
        };
        Self {
            kind,
            window,
            input,
            output,
            input_bytes: inputs().map(|ty| ty.bytes() as u64).sum(),
            output_bytes: node.output.bytes() as u64,
            macs,
            per_channel_scales: has_per_channel_scales(graph, &node.op),
        }
    }
}

/// True for a pool whose one window is the whole image.
fn is_global(op: &Pool2d, input: Shape, output: Shape) -> bool {
    output.pixels() == 1
        && input.pixels() > 1
        && op.kind != PoolKind::Max
        && op.window.kernel_h >= input.h
        && op.window.kernel_w >= input.w
}

fn has_per_channel_scales(graph: &Graph, op: &Op) -> bool {
    let weight = match op {
        Op::Conv2d(op) => op.weight,
        Op::DepthwiseConv2d(op) => op.weight,
        Op::Linear(op) => op.weight,
        _ => return false,
    };
    matches!(graph.param(weight).element().quantization(), Some(Quantization::PerChannel { .. }))
}

/// True for a change between 8-bit elements that leaves the real numbers as they are: the
/// same scale, and zero points that differ as the signedness does. The chip keeps uint8 and
/// int8 in one form.
pub(crate) fn is_relabelling(graph: &Graph, node: &Node) -> bool {
    let [input] = node.inputs[..] else { return false };
    let unsigned_zero = |element: &Element| {
        let (scale, zero_point) = element.per_tensor()?;
        match element.name() {
            "int8" => Some((scale, zero_point + 128)),
            "uint8" => Some((scale, zero_point)),
            _ => None,
        }
    };
    let (from, to) = (&graph.ty(input).element, &node.output.element);
    unsigned_zero(from).is_some() && unsigned_zero(from) == unsigned_zero(to)
}
