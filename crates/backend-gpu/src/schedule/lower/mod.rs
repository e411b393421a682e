//! From nodes to dispatches, one file a family of operators.

mod arg_max;
mod conv_transpose2d;
mod convolution;
mod elementwise;
mod moves;
mod pool2d;
mod resize;
mod tables;
mod weights;

use pocketvision_core::op::{ActivationKind, Window};
use pocketvision_core::quant::Multiplier;
use pocketvision_core::{CompileError, Element, Graph, Keep, Node, NodeId, Op, Shape, TensorType};
use pocketvision_shaders::Work;
use pocketvision_shaders::params::{self, ParamsLayout, activation};

use super::{Blob, BlobKind, Dispatch, Kernel, Limits, Operand, Schedule, Value};
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
    let operands = Vec::with_capacity(graph.nodes().len());
    let mut lowering = Lowering { graph, limits, schedule, operands };
    for (id, node) in graph.iter() {
        let operand = lowering.node(id, node)?;
        lowering.operands.push(operand);
    }
    let Lowering { mut schedule, operands, .. } = lowering;
    schedule.outputs = match keep {
        Keep::Outputs => graph.outputs().iter().map(|id| operands[id.index()]).collect(),
        Keep::EveryNode => operands,
    };
    Ok(schedule)
}

/// A schedule on its way.
struct Lowering<'g> {
    graph: &'g Graph,
    limits: Limits,
    schedule: Schedule,
    /// Where the output of each node so far is found.
    operands: Vec<Operand>,
}

impl Lowering<'_> {
    fn node(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        match &node.op {
            Op::Input => {
                let value = self.value(id, &node.output)?;
                self.schedule.inputs.push(value);
                Ok(Operand::Value(value))
            }
            Op::Constant(op) => self.constant(id, op),
            Op::Conv2d(op) => self.conv2d(id, node, op),
            Op::DepthwiseConv2d(op) => self.depthwise_conv2d(id, node, op),
            Op::ConvTranspose2d(op) => self.conv_transpose2d(id, node, op),
            Op::Linear(op) => self.linear(id, node, op),
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
            Op::Quantize(_) => self.quantize(id, node),
            Op::Dequantize(_) => self.dequantize(id, node),
            Op::DetectionPostprocess(_) => Err(CompileError::Device {
                backend: BACKEND_NAME,
                message: format!("'{}' is computed by the host; use Backend::compile", node.name),
            }),
        }
    }

    /// A new value of a node's type.
    fn value(&mut self, node: NodeId, ty: &TensorType) -> Result<usize, CompileError> {
        let bytes = layout::device_bytes(ty.shape, &ty.element);
        self.limits.check(&self.graph.node(node).name, bytes)?;
        self.schedule.values.push(Value { bytes, slot: usize::MAX });
        Ok(self.schedule.values.len() - 1)
    }

    /// New constant bytes. Equal tables are kept once.
    fn blob<T: bytemuck::Pod>(
        &mut self,
        node: NodeId,
        kind: BlobKind,
        items: &[T],
    ) -> Result<Operand, CompileError> {
        let bytes: Vec<u8> = bytemuck::cast_slice(items).to_vec();
        self.limits.check(&self.graph.node(node).name, bytes.len() as u64)?;
        let blob = Blob { kind, bytes };
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
        self.dispatch(id, kernel, params, reads, output, work);
        Ok(Operand::Value(output))
    }

    /// A dispatch that writes an existing value.
    fn dispatch<P: ParamsLayout>(
        &mut self,
        node: NodeId,
        kernel: impl Into<Kernel>,
        params: &P,
        reads: &[Operand],
        output: usize,
        work: Work,
    ) {
        let kernel = kernel.into();
        debug_assert_eq!(kernel.shader.reads().len(), reads.len(), "{kernel:?}");
        debug_assert_eq!(kernel.shader.params(), P::FIELDS, "{kernel:?}");
        self.schedule.dispatches.push(Dispatch {
            node,
            kernel,
            params: params.words(),
            reads: reads.to_vec(),
            output,
            workgroups: self.limits.workgroups(work),
        });
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
