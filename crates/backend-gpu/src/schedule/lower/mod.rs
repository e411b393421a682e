//! From nodes to dispatches, one file a family of operators.

mod arg_max;
mod conv_transpose2d;
mod convolution;
mod elementwise;
mod fused;
mod layer;
mod moves;
mod normalize;
mod pool2d;
mod resize;
mod signs;
mod squeeze_excite;
mod tables;
mod weights;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use bytemuck::allocation;
use pocketvision_core::op::{ActivationKind, Window};
use pocketvision_core::quant::Multiplier;
use pocketvision_core::{CompileError, Element, Graph, Keep, Node, NodeId, Op, Shape, TensorType};
use pocketvision_shaders::params::{self, ParamsLayout, activation};
use pocketvision_shaders::{Variant, Work};

use self::signs::Signs;
use super::groups::{Activated, Role};
use super::{
    Blob, BlobKind, Conversion, Dispatch, FixedParams, Kernel, Limits, Operand, Port, Schedule,
    Value,
};
use super::{grouping, tiles};
use crate::tuning::Fixed;
use crate::{BACKEND_NAME, layout};

/// Lowers every node; values have no buffers yet.
pub(super) fn lower(graph: &Graph, keep: Keep, limits: Limits) -> Result<Schedule, CompileError> {
    let schedule = Schedule {
        blobs: vec![],
        values: vec![],
        slot_bytes: vec![],
        dispatches: vec![],
        inputs: vec![],
        outputs: vec![],
    };
    let roles = grouping::find(graph, keep, &limits);
    let signs = if keep == Keep::Outputs { signs::find(graph) } else { Signs::default() };
    let mut lowering = Lowering {
        graph,
        limits,
        schedule,
        signs,
        pictures: grouping::pictures(graph, keep, &limits),
        operands: Vec::with_capacity(graph.nodes().len()),
        pooled: HashMap::new(),
    };
    for ((id, node), role) in graph.iter().zip(roles) {
        let first = lowering.schedule.dispatches.len();
        let operand = match role {
            Role::Alone => lowering.node(id, node)?,
            Role::Absorbed => NOWHERE,
            Role::Ends(group) => {
                let operand = lowering.group(&group)?;
                for dispatch in &mut lowering.schedule.dispatches[first..] {
                    dispatch.nodes = group.nodes();
                }
                operand
            }
        };
        lowering.operands.push(operand);
    }
    let port = |id: NodeId| lowering.output_port(id);
    let outputs = match keep {
        Keep::Outputs => graph.outputs().iter().copied().map(port).collect(),
        Keep::EveryNode => graph.iter().map(|(id, _)| port(id)).collect(),
    };
    Ok(Schedule { outputs, ..lowering.schedule })
}

/// A schedule on its way.
struct Lowering<'g> {
    graph: &'g Graph,
    limits: Limits,
    schedule: Schedule,
    /// Where the output of each node so far is found.
    operands: Vec<Operand>,
    /// Sums over bands that a depthwise convolution left, and how many bands there are.
    pooled: HashMap<NodeId, (Operand, u32)>,
    signs: Signs,
    /// Inputs that are read as the caller has them.
    pictures: HashSet<NodeId>,
}

/// The operand of a node that has none: nothing reads it.
const NOWHERE: Operand = Operand::Value(usize::MAX);

impl Lowering<'_> {
    fn node(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        match &node.op {
            Op::Input => {
                let value = match self.pictures.contains(&id) {
                    true => {
                        let bytes = node.output.shape.elements() * node.output.element.bytes();
                        self.value_of_bytes(id, bytes.next_multiple_of(4) as u64)?
                    }
                    false => self.value(id, &node.output)?,
                };
                let operand = Operand::Value(value);
                let conversion = self.conversion(id, self.signs.inputs.contains(&id));
                self.schedule.inputs.push(Port { operand, conversion });
                Ok(operand)
            }
            Op::Constant(op) => self.constant(id, op),
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::Linear(_) => {
                self.layer(&Activated::alone(id))
            }
            Op::ConvTranspose2d(op) => self.conv_transpose2d(id, node, op),
            Op::Pool2d(op) => self.pool2d(id, node, op),
            Op::Add(op) => self.add(id, node, op),
            Op::Mul(op) => self.mul(id, node, op),
            Op::Activation(op) => self.activation(id, node, op.kind),
            Op::Softmax(op) => self.softmax(id, node, op),
            Op::ArgMax(_) => self.arg_max(id, node),
            Op::Resize(op) => self.resize(id, node, op),
            Op::Concat(op) => self.concat(id, node, op),
            Op::Pad(op) => self.pad(id, node, op),
            Op::Reshape(_) => self.reshape(id, node),
            Op::Quantize(_) if self.signs.free.contains(&id) => Ok(self.input(node, 0).0),
            Op::Quantize(_) => self.quantize(id, node),
            Op::Dequantize(_) => self.dequantize(id, node),
            Op::Normalize(op) => self.normalize(id, node, op),
            Op::DetectionPostprocess(_) => Err(CompileError::Device {
                backend: BACKEND_NAME,
                message: format!("'{}' is computed by the host; use Backend::compile", node.name),
            }),
        }
    }

    /// A new value of a node's type.
    fn value(&mut self, node: NodeId, ty: &TensorType) -> Result<usize, CompileError> {
        self.value_of_bytes(node, self.device_bytes(ty))
    }

    /// A new value.
    fn value_of_bytes(&mut self, node: NodeId, bytes: u64) -> Result<usize, CompileError> {
        self.limits.check(&self.graph.node(node).name, bytes)?;
        self.schedule.values.push(Value { bytes, slot: usize::MAX });
        Ok(self.schedule.values.len() - 1)
    }

    /// Bytes of a tensor on the device.
    fn device_bytes(&self, ty: &TensorType) -> u64 {
        let bytes = layout::device_bytes(ty.shape, &ty.element);
        if self.limits.is_half && ty.element.is_float() { bytes / 2 } else { bytes }
    }

    /// How a node's tensor changes on its way to or from the device.
    fn conversion(&self, id: NodeId, is_flipped: bool) -> Conversion {
        let ty = self.graph.ty(id);
        match ty.element {
            _ if self.pictures.contains(&id) => Conversion::Dense,
            Element::F32 if self.limits.is_half => Conversion::Half,
            _ if is_flipped => Conversion::FlipSigns,
            _ if ty.shape.c.is_multiple_of(layout::LANES) => Conversion::Dense,
            _ => Conversion::Padded,
        }
    }

    fn output_port(&self, id: NodeId) -> Port {
        let conversion = self.conversion(id, self.signs.outputs.contains(&id));
        Port { operand: self.operands[id.index()], conversion }
    }

    /// New constant bytes, not copied if they are words that nobody else has. Equal tables are kept
    /// once.
    fn blob<'a, T: bytemuck::Pod>(
        &mut self,
        node: NodeId,
        kind: BlobKind,
        items: impl Into<Cow<'a, [T]>>,
    ) -> Result<Operand, CompileError> {
        let words = allocation::try_cast_vec(items.into().into_owned());
        let words = words.unwrap_or_else(|(_, items)| allocation::pod_collect_to_vec(&items));
        let blob = Blob { kind, words };
        self.limits.check(&self.graph.node(node).name, blob.bytes().len() as u64)?;
        let known = match kind {
            BlobKind::Table => self.schedule.blobs.iter().position(|known| *known == blob),
            BlobKind::Weights => None,
        };
        Ok(Operand::Blob(known.unwrap_or_else(|| {
            self.schedule.blobs.push(blob);
            self.schedule.blobs.len() - 1
        })))
    }

    /// A dispatch that writes a new value of the node's type.
    fn compute<P: ParamsLayout>(
        &mut self,
        id: NodeId,
        kernel: impl Into<Kernel>,
        params: &P,
        reads: &[Operand],
        work: Work,
    ) -> Result<Operand, CompileError> {
        let output = self.value(id, self.graph.ty(id))?;
        self.dispatch(id, kernel, params, reads, &[output], work);
        Ok(Operand::Value(output))
    }

    /// A dispatch that writes existing values.
    fn dispatch<P: ParamsLayout>(
        &mut self,
        node: NodeId,
        kernel: impl Into<Kernel>,
        params: &P,
        reads: &[Operand],
        outputs: &[usize],
        work: Work,
    ) {
        let mut kernel = kernel.into();
        kernel.variant.is_half = self.limits.is_half;
        kernel.variant.has_tiles = self.has_tiles();
        debug_assert_eq!(kernel.shader.writes().len(), outputs.len(), "{kernel:?}");
        debug_assert_eq!(kernel.shader.reads().len(), reads.len(), "{kernel:?}");
        debug_assert_eq!(kernel.shader.params(), P::FIELDS, "{kernel:?}");
        debug_assert!(!kernel.variant.has_subgroups || kernel.shader.can_use_subgroups());
        debug_assert!(!kernel.variant.has_fours || kernel.shader.can_use_fours());
        let params = params.words();
        if kernel.shader.can_fix_params() {
            kernel.params = match self.limits.tuning.fixed {
                Fixed::Nothing => None,
                Fixed::Kind => FixedParams::of_kind(&kernel.shader.kind_of(&params)),
                Fixed::All => FixedParams::new(&params),
            };
        }
        self.schedule.dispatches.push(Dispatch {
            nodes: vec![node],
            kernel,
            params,
            reads: reads.to_vec(),
            outputs: outputs.to_vec(),
            workgroups: self.limits.workgroups(work),
        });
    }

    /// Whether dense float weights are tiles: where invocations do not read side by side.
    fn has_tiles(&self) -> bool {
        !self.limits.tuning.is_parallel()
    }

    /// The variant of a kernel whose workgroups share sums and that has no tiles.
    fn sharing(&self) -> Variant {
        Variant {
            workgroup_size: tiles::workgroup_of_pool(&self.limits),
            has_subgroups: self.limits.subgroup_size.is_some(),
            ..Variant::default()
        }
    }

    /// Where a node's input is found, and its type.
    fn input(&self, node: &Node, index: usize) -> (Operand, &TensorType) {
        let id = node.inputs[index];
        (self.operands[id.index()], self.graph.ty(id))
    }
}

/// One invocation for each quad.
fn quad_work(shape: Shape) -> Work {
    Work::Invocations(layout::tensor_quads(shape) as u32)
}

/// Quads of a tensor, as a shader counts them.
fn elements(shape: Shape) -> u32 {
    layout::tensor_quads(shape) as u32
}

/// Channels in quads, as a shader counts them.
fn quads(channels: usize) -> u32 {
    layout::quads(channels) as u32
}

/// Positions of all images.
fn pixels(shape: Shape) -> u32 {
    (shape.n * shape.pixels()) as u32
}

/// A window from an input of one shape to an output of another, as shaders see it.
fn window_params(window: &Window, input: Shape, output: Shape) -> params::Window {
    let padding = window.resolve(input);
    params::Window {
        input_height: input.h as u32,
        input_width: input.w as u32,
        input_quads: quads(input.c),
        output_height: output.h as u32,
        output_width: output.w as u32,
        output_quads: quads(output.c),
        output_channels: output.c as u32,
        pixels: pixels(output),
        kernel_height: window.kernel_h as u32,
        kernel_width: window.kernel_w as u32,
        stride_height: window.stride_h as u32,
        stride_width: window.stride_w as u32,
        dilation_height: window.dilation_h as u32,
        dilation_width: window.dilation_w as u32,
        padding_top: padding.top as u32,
        padding_left: padding.left as u32,
    }
}

/// The number by which shaders know an activation.
fn activation_number(kind: Option<ActivationKind>) -> u32 {
    match kind {
        None => activation::NONE,
        Some(ActivationKind::Relu) => activation::RELU,
        Some(ActivationKind::Relu6) => activation::RELU6,
        Some(ActivationKind::HardSwish) => activation::HARD_SWISH,
        Some(ActivationKind::HardSigmoid) => activation::HARD_SIGMOID,
        Some(ActivationKind::Sigmoid) => activation::SIGMOID,
    }
}

/// Mantissa, shift to the left and shift to the right.
fn multiplier_words(multiplier: Multiplier) -> (i32, u32, u32) {
    let (left, right) = multiplier.shifts();
    (multiplier.mantissa, left, right)
}

/// Zero point of an 8-bit element.
fn zero_point(element: &Element) -> i32 {
    element.per_tensor().map_or(0, |(_, zero_point)| zero_point)
}
