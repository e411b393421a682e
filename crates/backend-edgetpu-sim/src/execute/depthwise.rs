//! Depthwise convolutions, in the order of the array: block after block of positions, word
//! after word of channels, tap after tap.

use pocketvision_core::op::DepthwiseConv2d;
use pocketvision_core::{CompileError, Graph, Node, Shape};

use super::image::Image;
use super::output_stage::OutputStage;
use super::tiles::{Block, blocks};
use crate::chip::Array;

/// A depthwise convolution made ready.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Depthwise {
    image: Image,
    taps: Vec<usize>,
    output: Shape,
    blocks: Vec<Block>,
    /// For each block of channels and each tap: weights minus their zero point.
    weights: Vec<[i16; CHANNELS]>,
    output_stage: OutputStage,
}

impl Depthwise {
    /// Packs the weights.
    pub(super) fn new(
        graph: &Graph,
        node: &Node,
        op: &DepthwiseConv2d,
        array: &Array,
    ) -> Result<Self, CompileError> {
        let input = graph.ty(node.inputs[0]);
        let zero_point = input.element.quantization().map_or(0, |q| q.zero_point());
        let output = node.output.shape;
        let (channels, repeats) = (input.shape.c, output.c / input.shape.c);
        let image = Image::new(input.shape, op.window, channels, repeats, CHANNELS, zero_point);
        image.check(&node.name)?;

        let weight = graph.param(op.weight);
        let weight_zero = weight.element().quantization().map_or(0, |q| q.zero_point()) as i16;
        let values = weight.as_i8().expect("int8 weights");
        let taps = image.taps();
        let mut weights = vec![[0; CHANNELS]; image.pixel() / CHANNELS * taps.len()];
        for (tap, values) in values.chunks_exact(output.c).enumerate() {
            for (channel, &value) in values.iter().enumerate() {
                let row = &mut weights[channel / CHANNELS * taps.len() + tap];
                row[channel % CHANNELS] = i16::from(value) - weight_zero;
            }
        }
        let stage = OutputStage::new(
            graph,
            &input.element,
            op.weight,
            op.bias,
            op.activation,
            &node.output,
        );
        let blocks = blocks(output, array);
        Ok(Self { image, taps, output, blocks, weights, output_stage: stage })
    }

    /// Numbers of scratch memory that [`Self::run`] needs.
    pub(super) const fn scratch_length(&self) -> usize {
        self.image.length()
    }

    /// Bytes of weights.
    pub(super) fn weight_bytes(&self) -> u64 {
        size_of_val(&self.weights[..]) as u64 + self.output_stage.bytes()
    }

    /// Runs the layer.
    pub(super) fn run(&self, input: &[i8], output: &mut [i8], scratch: &mut [i16]) {
        let image = &mut scratch[..self.image.length()];
        self.image.fill(input, 0, image);
        for block in &self.blocks {
            for y in block.rows.clone() {
                for x in block.columns.clone() {
                    let at = (y * self.output.w + x) * self.output.c;
                    let outputs = &mut output[at..][..self.output.c];
                    self.run_position(&image[self.image.start(y, x)..], outputs);
                }
            }
        }
    }

    /// Computes all channels of one position; `image` begins at its window.
    fn run_position(&self, image: &[i16], outputs: &mut [i8]) {
        let weights = self.weights.chunks_exact(self.taps.len());
        for (index, (outputs, weights)) in outputs.chunks_mut(CHANNELS).zip(weights).enumerate() {
            let first = index * CHANNELS;
            let mut sums = [0i32; CHANNELS];
            for (&tap, row) in self.taps.iter().zip(weights) {
                let word = &image[tap + first..][..CHANNELS];
                for ((sum, &x), &w) in sums.iter_mut().zip(word).zip(row) {
                    *sum = sum.wrapping_add(i32::from(x) * i32::from(w));
                }
            }
            self.output_stage.write(first, &sums, outputs);
        }
    }
}

/// Channels computed at once in a processor's registers: four words of the chip.
const CHANNELS: usize = 16;
