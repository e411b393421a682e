//! Which operator becomes which kernel.
//!
//! | operator | f32 | int8 | divided among threads by |
//! |---|---|---|---|
//! | Conv2d, Linear (see [`convolution`]) | patches, packed panels, `MatmulF32`; `MatmulBf16` if asked for | the same, `MatmulI8` | pixels or lines, or channels if pixels are few |
//! | the same at one position | 24-bit integers, or weights as they are, `LinearF32` | as above | channels |
//! | Conv2d 3x3, stride 1 or 2 | transformed tiles, `WinogradF32` where it pays | as above | lines of 4 pixels, or channels |
//! | DepthwiseConv2d | taps by channel, [`DepthwiseF32`] | pairs or fours of taps, [`depthwise_i8`] | pixels or channels |
//! | Add, Mul | [`Binary`] | [`Binary`] | bytes, or pixels where one operand is repeated |
//! | Activation | [`ActivationF32`] | 256-byte [`Table`] | bytes |
//! | Quantize, Dequantize | [`QuantizeF32`], [`DequantizeF32`] | [`Table`] | bytes |
//! | Normalize | [`NormalizePixels`] | | pixels |
//! | Pool2d | [`Pool`] | [`Pool`] | pixels or channels |
//! | Softmax | [`SoftmaxF32`] | [`SoftmaxI8`] | positions |
//! | ConvTranspose2d | [`ConvTransposeF32`] | [`ConvTransposeI8`] | pixels |
//! | ArgMax | [`ArgMaxKernel`] | [`ArgMaxKernel`] | pixels |
//! | Resize | [`ResizeF32`] | [`ResizeI8`] | lines |
//! | DetectionPostprocess | [`DetectionKernel`] | [`DetectionKernel`] | not at all |
//! | Concat, Pad | [`ConcatKernel`], [`PadKernel`] | the same | rows or bytes |
//! | Input, Constant, Reshape | none: bytes of the arena | none | |

mod convolution;

use pocketvision_core::op::{
    ActivationKind, Axis, Concat, Conv2d, ConvTranspose2d, DepthwiseConv2d, Padding, Pool2d,
    PoolKind, Window,
};
use pocketvision_core::quant::{
    QuantizedAdd, QuantizedMean, QuantizedMul, QuantizedSoftmax, activation_table, concat_table,
    requantize_table, table_by_byte,
};
use pocketvision_core::{Element, Graph, Node, Op, ParamId, Shape, Tensor, TensorType};

use crate::kernels::Kernel;
use crate::kernels::activation_f32::ActivationF32;
use crate::kernels::arg_max::ArgMaxKernel;
use crate::kernels::binary::{Binary, BinaryFunction};
use crate::kernels::broadcast::Broadcast;
use crate::kernels::concat::{ConcatKernel, ConcatPart};
use crate::kernels::conv_transpose::{ConvTransposeF32, ConvTransposeI8, Gather};
use crate::kernels::depthwise::DepthwiseWindow;
use crate::kernels::depthwise_f32::DepthwiseF32;
use crate::kernels::depthwise_i8::depthwise_i8;
use crate::kernels::detection::DetectionKernel;
use crate::kernels::normalize::NormalizePixels;
use crate::kernels::pad::PadKernel;
use crate::kernels::pool::{Pool, PoolFunction};
use crate::kernels::quantize::{DequantizeF32, QuantizeF32};
use crate::kernels::requantize::Requantize;
use crate::kernels::resize::{ResizeF32, ResizeI8};
use crate::kernels::softmax::{SoftmaxF32, SoftmaxI8};
use crate::kernels::table::Table;
use crate::simd::{Bf16, Simd, Split};

/// A kernel, and how its output is divided among threads.
pub(crate) struct Lowered {
    pub(crate) kernel: Box<dyn Kernel>,
    pub(crate) split: Split,
}

/// What decides between kernels, beside the node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelChoice {
    pub(crate) simd: Simd,
    /// Whether float products are of bf16.
    pub(crate) bf16: Option<Bf16>,
    /// As in [`CpuOptions`](crate::CpuOptions).
    pub(crate) few_runs: bool,
}

/// Packs one node for the machine.
#[derive(Clone, Copy)]
pub(crate) struct Lowering<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) choice: KernelChoice,
    pub(crate) threads: usize,
}

/// Why a node cannot run here; nothing if it can.
pub(crate) fn check_supported(graph: &Graph, node: &Node) -> Result<(), String> {
    let inputs = node.inputs.iter().map(|&id| ("an input", &graph.ty(id).element));
    let activations = inputs.chain([("the output", &node.output.element)]);
    let moves_indices = matches!(node.op, Op::ArgMax(_) | Op::Reshape(_));
    for (what, element) in activations.clone() {
        if matches!(element, Element::Int32(_)) && !moves_indices {
            return Err(format!("{what} is int32; activations are f32, int8 or uint8 here"));
        }
    }
    let params = node.op.params().into_iter().map(|id| ("a parameter", graph.param(id).element()));
    for (what, element) in activations.chain(params) {
        if *element == Element::F16 {
            return Err(format!("{what} is f16; the processor computes f32 and int8: use f32"));
        }
    }
    Ok(())
}

impl Lowering<'_> {
    /// The kernel of a node that [`check_supported`] lets pass; `None` if there is nothing to
    /// compute. The number is that of the operand which the node overwrites.
    pub(crate) fn lower(self, node: &Node, overwritten: Option<usize>) -> Option<Lowered> {
        let simd = self.choice.simd;
        let inputs = self.graph.input_types(node);
        let output = &node.output;
        let float = output.element == Element::F32;
        Some(match &node.op {
            Op::Input | Op::Constant(_) | Op::Reshape(_) => return None,
            Op::Conv2d(op) => self.convolution(op, inputs[0], output),
            Op::Linear(op) => {
                let window = Window::square(1, 1, Padding::Valid);
                let (weight, bias, activation) = (op.weight, op.bias, op.activation);
                let op = Conv2d { window, weight, bias, groups: 1, activation };
                self.convolution(&op, inputs[0], output)
            }
            Op::DepthwiseConv2d(op) => self.depthwise(op, inputs[0], output),
            Op::Pool2d(op) => self.pool(op, inputs[0], output),
            Op::Add(op) => self.binary(
                &inputs,
                output,
                overwritten,
                match float {
                    true => BinaryFunction::AddF32(op.activation),
                    false => BinaryFunction::AddI8(QuantizedAdd::new(
                        &inputs[0].element,
                        &inputs[1].element,
                        &output.element,
                        op.activation,
                    )),
                },
            ),
            Op::Mul(op) => self.binary(
                &inputs,
                output,
                overwritten,
                match float {
                    true => BinaryFunction::MulF32(op.activation),
                    false => BinaryFunction::MulI8(QuantizedMul::new(
                        &inputs[0].element,
                        &inputs[1].element,
                        &output.element,
                        op.activation,
                    )),
                },
            ),
            Op::Activation(op) if float => flat(output, ActivationF32::new(simd, op.kind)),
            Op::Activation(op) => flat(output, self.activation_lookup(op.kind, inputs[0], output)),
            Op::Softmax(op) => {
                let kernel: Box<dyn Kernel> = if float {
                    Box::new(SoftmaxF32 { beta: op.beta })
                } else {
                    let constants = QuantizedSoftmax::new(&inputs[0].element, op.beta);
                    Box::new(SoftmaxI8 { constants: Box::new(constants) })
                };
                let split = Split::rows(positions(output.shape), row_bytes(output), 1);
                Lowered { kernel, split }
            }
            Op::ConvTranspose2d(op) => self.conv_transpose(op, inputs[0], output),
            Op::ArgMax(_) => {
                let channels = inputs[0].shape.c;
                match inputs[0].element {
                    Element::F32 => flat(output, ArgMaxKernel::<f32>::new(simd, channels)),
                    _ => flat(output, ArgMaxKernel::<i8>::new(simd, channels)),
                }
            }
            Op::Resize(op) => {
                let (from, to) = (inputs[0].shape, output.shape);
                let kernel: Box<dyn Kernel> = match float {
                    true => Box::new(ResizeF32::new(simd, op, from, to)),
                    false => Box::new(ResizeI8::new(simd, op, from, to)),
                };
                Lowered { kernel, split: Split::rows(to.n * to.h, to.w * row_bytes(output), 1) }
            }
            Op::DetectionPostprocess(op) => {
                let elements = [inputs[0].element.clone(), inputs[1].element.clone()];
                let kernel = DetectionKernel::new(op, self.graph.param(op.anchors), elements);
                Lowered { kernel: Box::new(kernel), split: Split::rows(1, output.bytes(), 1) }
            }
            Op::Concat(op) => self.concat(op, &inputs, output),
            Op::Pad(pad) => {
                let (input, element) = (inputs[0].shape, &output.element);
                let border = element.quantization().map_or(0, |q| q.zero_point() as u8);
                let kernel = PadKernel::new(input, output.shape, *pad, element.bytes(), border);
                Lowered { kernel: Box::new(kernel), split: self.by_pixels_or_channels(output) }
            }
            Op::Quantize(_) if inputs[0].element == Element::F32 => {
                flat(output, QuantizeF32::new(simd, &output.element))
            }
            Op::Quantize(_) => {
                let table = requantize_table(&inputs[0].element, &output.element);
                flat(output, Table::new(simd, "quantize", table))
            }
            Op::Dequantize(_) => flat(output, DequantizeF32::new(simd, &inputs[0].element)),
            Op::Normalize(op) => {
                let kernel = Box::new(NormalizePixels::new(simd, *op));
                let split = Split::rows(positions(output.shape), row_bytes(output), 1);
                Lowered { kernel, split }
            }
        })
    }

    fn depthwise(self, op: &DepthwiseConv2d, input: &TensorType, output: &TensorType) -> Lowered {
        let weights = self.graph.param(op.weight);
        let window = DepthwiseWindow::new(input.shape, output.shape, op.window);
        let channel_multiplier = output.shape.c / input.shape.c;
        let kernel: Box<dyn Kernel> = if input.element == Element::F32 {
            Box::new(DepthwiseF32::new(
                self.choice.simd,
                window,
                channel_multiplier,
                weights.as_f32().expect("f32 weights"),
                &self.bias_f32(op.bias, output.shape.c),
                op.activation,
            ))
        } else {
            let (_, input_zero_point) = input.element.per_tensor().expect("one scale");
            let quantization = weights.element().quantization().expect("int8 weights");
            depthwise_i8(
                self.choice.simd,
                window,
                channel_multiplier,
                weights.as_i8().expect("int8 weights"),
                (quantization.zero_point(), input_zero_point),
                self.requantize(op.bias, op.activation, input, weights, output),
            )
        };
        Lowered { kernel, split: self.by_pixels_or_channels(output) }
    }

    fn pool(self, op: &Pool2d, input: &TensorType, output: &TensorType) -> Lowered {
        let float = input.element == Element::F32;
        let function = match (op.kind, float) {
            (PoolKind::Average | PoolKind::Mean, true) => PoolFunction::AverageF32,
            (PoolKind::Max, true) => PoolFunction::MaxF32,
            (PoolKind::Average, false) => PoolFunction::AverageI8(op.rounding),
            (PoolKind::Max, false) => PoolFunction::MaxI8,
            (PoolKind::Mean, false) => PoolFunction::MeanI8(QuantizedMean::new(
                &input.element,
                &output.element,
                op.window.taps(),
            )),
        };
        let kernel = Pool::new(self.choice.simd, input.shape, output.shape, op.window, function);
        Lowered { kernel: Box::new(kernel), split: self.by_pixels_or_channels(output) }
    }

    fn binary(
        self,
        inputs: &[&TensorType],
        output: &TensorType,
        overwritten: Option<usize>,
        function: BinaryFunction,
    ) -> Lowered {
        let (a, b) = (inputs[0].shape, inputs[1].shape);
        let broadcast = Broadcast::new(a, b, output.shape, overwritten);
        let kernel = Binary::new(self.choice.simd, broadcast, function);
        if kernel.is_flat() {
            flat(output, kernel)
        } else {
            Lowered { kernel: Box::new(kernel), split: self.by_pixels_or_channels(output) }
        }
    }

    fn activation_lookup(
        self,
        kind: ActivationKind,
        input: &TensorType,
        output: &TensorType,
    ) -> Table {
        let table = activation_table(kind, &input.element, &output.element);
        Table::new(self.choice.simd, "activation", table_by_byte(&table))
    }

    fn conv_transpose(
        self,
        op: &ConvTranspose2d,
        input: &TensorType,
        output: &TensorType,
    ) -> Lowered {
        let (simd, weights) = (self.choice.simd, self.graph.param(op.weight));
        let gather = Gather::new(op, input.shape, weights.shape(), output.shape);
        let kernel: Box<dyn Kernel> = if let Some(numbers) = weights.as_f32() {
            Box::new(ConvTransposeF32 {
                simd,
                gather,
                weights: numbers.to_vec(),
                bias: self.bias_f32(op.bias, output.shape.c),
                activation: op.activation,
            })
        } else {
            let (_, input_zero_point) = input.element.per_tensor().expect("one scale");
            let zero_point =
                weights.element().quantization().expect("int8 weights").zero_point() as i16;
            let numbers = weights.as_i8().expect("int8 weights").iter();
            Box::new(ConvTransposeI8 {
                simd,
                gather,
                weights: numbers.map(|&w| i16::from(w) - zero_point).collect(),
                input_zero_point: input_zero_point as i16,
                requantize: self.requantize(op.bias, op.activation, input, weights, output),
            })
        };
        let split = Split::rows(positions(output.shape), row_bytes(output), 1);
        Lowered { kernel, split }
    }

    fn concat(self, op: &Concat, inputs: &[&TensorType], output: &TensorType) -> Lowered {
        let run_elements = |shape: Shape| match op.axis {
            Axis::Height => shape.h * shape.w * shape.c,
            Axis::Width => shape.w * shape.c,
            Axis::Channels => shape.c,
        };
        let element_bytes = output.element.bytes();
        let part = |input: &&TensorType| ConcatPart {
            run_bytes: run_elements(input.shape) * element_bytes,
            table: concat_table(op.rescaling, &input.element, &output.element),
        };
        let row_bytes = run_elements(output.shape) * element_bytes;
        let rows = output.bytes() / row_bytes;
        Lowered {
            kernel: Box::new(ConcatKernel::new(inputs.iter().map(part).collect())),
            split: Split::balanced(rows, row_bytes, 1, 64, self.threads),
        }
    }

    /// A row for each pixel; columns are cut where those of a product are.
    fn by_pixels_or_channels(self, output: &TensorType) -> Split {
        let channels = if output.element == Element::F32 { 32 } else { 64 };
        let column_bytes = channels * output.element.bytes();
        let (rows, row_bytes) = (positions(output.shape), row_bytes(output));
        Split::balanced(rows, row_bytes, 1, column_bytes, self.threads)
    }

    fn bias_f32(self, bias: Option<ParamId>, channels: usize) -> Vec<f32> {
        match bias {
            Some(id) => self.graph.param(id).as_f32().expect("an f32 bias").to_vec(),
            None => vec![0.0; channels],
        }
    }

    fn requantize(
        self,
        bias: Option<ParamId>,
        activation: Option<ActivationKind>,
        input: &TensorType,
        weights: &Tensor,
        output: &TensorType,
    ) -> Requantize {
        let zeros;
        let bias = match bias {
            Some(id) => self.graph.param(id).as_i32().expect("an int32 bias"),
            None => {
                zeros = vec![0; output.shape.c];
                &zeros
            }
        };
        let quantization = weights.element().quantization().expect("int8 weights");
        let rounding = self.choice.simd.rounding();
        Requantize::new(rounding, &input.element, quantization, bias, activation, &output.element)
    }
}

/// A kernel that takes its output as one run of bytes.
fn flat(output: &TensorType, kernel: impl Kernel + 'static) -> Lowered {
    Lowered { kernel: Box::new(kernel), split: Split::flat(output.bytes()) }
}

/// Pixels of all images of a batch.
const fn positions(shape: Shape) -> usize {
    shape.n * shape.h * shape.w
}

const fn row_bytes(ty: &TensorType) -> usize {
    ty.shape.c * ty.element.bytes()
}
