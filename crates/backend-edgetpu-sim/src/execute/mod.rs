//! The arithmetic of the chip: exact int8, in the order of its tiles and lanes.
//!
//! [`Step::new`] prepares a node, [`Step::run`] computes it. The rounding rules are those
//! of [`pocketvision_core::quant`], as everywhere; only the order of the work is the chip's.

mod convolution;
mod depthwise;
mod elementwise;
mod image;
mod layout;
mod output_stage;
mod pool;
mod tiles;

use pocketvision_core::op::Axis;
use pocketvision_core::quant::{
    QuantizedAdd, QuantizedMul, QuantizedSoftmax, activation_table, concat_table, requantize_table,
    table_by_byte,
};
use pocketvision_core::{CompileError, Graph, NodeId, Op, RunError, Shape, Tensor, TensorSliceMut};

use crate::Place;
use crate::chip::Array;
use convolution::Convolution;
use depthwise::Depthwise;
use elementwise::Sum;
use pool::Pool;

/// One node made ready to run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    /// Its numbers are there already: an input or a constant.
    Given,
    /// The same bytes under another name.
    Copy,
    /// The reference backend computes it: standing for the host, or where the order of the
    /// chip's work makes no difference.
    Reference,
    Convolution(Box<Convolution>),
    Depthwise(Box<Depthwise>),
    Pool(Box<Pool>),
    Sum(Box<Sum>),
    Product(QuantizedMul),
    Table(Box<[u8; 256]>),
    Softmax(Box<QuantizedSoftmax>),
    /// For each input the table that changes its scale, where it differs.
    Concat(Axis, Vec<Option<Box<[u8; 256]>>>),
    Pad(pocketvision_core::op::Pad),
}

impl Step {
    /// Prepares a node that runs at `place`; its kind must be supported there.
    pub(crate) fn new(
        graph: &Graph,
        id: NodeId,
        place: Place,
        array: &Array,
    ) -> Result<Self, CompileError> {
        let node = graph.node(id);
        let element = |input: usize| &graph.ty(node.inputs[input]).element;
        let output = &node.output.element;
        if matches!(node.op, Op::Input | Op::Constant(_)) {
            return Ok(Self::Given);
        }
        if place == Place::Host {
            return Ok(Self::Reference);
        }
        Ok(match &node.op {
            Op::Input | Op::Constant(_) => Self::Given,
            Op::Conv2d(_) | Op::Linear(_) => {
                Self::Convolution(Box::new(Convolution::new(graph, node, array)?))
            }
            Op::DepthwiseConv2d(op) => {
                Self::Depthwise(Box::new(Depthwise::new(graph, node, op, array)?))
            }
            Op::Pool2d(op) => Self::Pool(Box::new(Pool::new(graph, node, op))),
            Op::Add(op) => {
                let rule = QuantizedAdd::new(element(0), element(1), output, op.activation);
                Self::Sum(Box::new(Sum::new(rule)))
            }
            Op::Mul(op) => {
                Self::Product(QuantizedMul::new(element(0), element(1), output, op.activation))
            }
            Op::Activation(op) => {
                let table = activation_table(op.kind, element(0), output);
                Self::Table(Box::new(table_by_byte(&table)))
            }
            Op::Softmax(op) => Self::Softmax(Box::new(QuantizedSoftmax::new(element(0), op.beta))),
            Op::Concat(op) => {
                let table = |input: usize| concat_table(op.rescaling, element(input), output);
                Self::Concat(op.axis, (0..node.inputs.len()).map(table).collect())
            }
            Op::Pad(op) => Self::Pad(*op),
            Op::Reshape(_) => Self::Copy,
            Op::Quantize(_) => Self::Table(Box::new(requantize_table(element(0), output))),
            Op::ConvTranspose2d(_)
            | Op::ArgMax(_)
            | Op::Resize(_)
            | Op::Dequantize(_)
            | Op::Normalize(_)
            | Op::DetectionPostprocess(_) => Self::Reference,
        })
    }

    /// Computes the node's output from its inputs, in the node's order.
    ///
    /// # Errors
    /// If the host cannot compute a node that was left to it.
    pub(crate) fn run(
        &self,
        graph: &Graph,
        id: NodeId,
        inputs: &[&Tensor],
        output: &mut Tensor,
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        let shape = output.shape();
        match self {
            Self::Given => {}
            Self::Copy => output.bytes_mut().copy_from_slice(inputs[0].bytes()),
            Self::Reference => {
                pocketvision_reference::evaluate_into(graph, id, inputs, output)
                    .map_err(|error| device_error(error.to_string()))?;
            }
            Self::Convolution(step) => {
                step.run(i8s(inputs[0]), i8s_mut(output), &mut scratch.image);
            }
            Self::Depthwise(step) => {
                step.run(i8s(inputs[0]), i8s_mut(output), &mut scratch.image);
            }
            Self::Pool(step) => step.run(i8s(inputs[0]), i8s_mut(output), &mut scratch.sums),
            Self::Sum(step) => {
                step.run(operand(inputs[0]), operand(inputs[1]), (i8s_mut(output), shape));
            }
            Self::Product(rule) => {
                let (a, b) = (operand(inputs[0]), operand(inputs[1]));
                elementwise::multiply(rule, a, b, (i8s_mut(output), shape));
            }
            Self::Table(table) => {
                elementwise::look_up(table, inputs[0].bytes(), output.bytes_mut());
            }
            Self::Softmax(rule) => {
                let scores = i8s(inputs[0]).chunks_exact(shape.c);
                let positions = scores.zip(i8s_mut(output).chunks_exact_mut(shape.c));
                positions.for_each(|(scores, output)| rule.apply(scores, output));
            }
            Self::Concat(axis, tables) => {
                let mut offset = 0;
                for (input, table) in inputs.iter().zip(tables) {
                    let from = (input.bytes(), input.shape());
                    let to = (output.bytes_mut(), shape);
                    offset = layout::place_beside(*axis, from, to, offset, table.as_deref());
                }
            }
            Self::Pad(op) => {
                let from = (inputs[0].bytes(), inputs[0].shape());
                layout::pad(op, inputs[0].element(), from, (output.bytes_mut(), shape));
            }
        }
        Ok(())
    }

    /// Bytes of packed weights and tables.
    pub(crate) fn weight_bytes(&self) -> u64 {
        match self {
            Self::Convolution(step) => step.weight_bytes(),
            Self::Depthwise(step) => step.weight_bytes(),
            _ => 0,
        }
    }

    const fn image_length(&self) -> usize {
        match self {
            Self::Convolution(step) => step.scratch_length(),
            Self::Depthwise(step) => step.scratch_length(),
            _ => 0,
        }
    }
}

/// Memory that steps use while they run, one after another.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Scratch {
    image: Vec<i16>,
    sums: Vec<i32>,
}

impl Scratch {
    /// Enough for each of these steps.
    pub(crate) fn new(steps: &[Step], widest_channels: usize) -> Self {
        let image = steps.iter().map(Step::image_length).max().unwrap_or(0);
        Self { image: vec![0; image], sums: Vec::with_capacity(widest_channels) }
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> u64 {
        (size_of_val(&self.image[..]) + self.sums.capacity() * size_of::<i32>()) as u64
    }
}

fn operand(tensor: &Tensor) -> (&[i8], Shape) {
    (i8s(tensor), tensor.shape())
}

/// The numbers of a tensor that runs on the chip.
fn i8s(tensor: &Tensor) -> &[i8] {
    tensor.as_i8().expect("the partition leaves nothing but int8 to the chip")
}

fn i8s_mut(tensor: &mut Tensor) -> &mut [i8] {
    match tensor.slice_mut() {
        TensorSliceMut::I8(values) => values,
        _ => unreachable!("the partition leaves nothing but int8 to the chip"),
    }
}

fn device_error(message: String) -> RunError {
    RunError::Device { backend: crate::NAME, message }
}
