//! Convolutions and linear layers, in the order of the array.
//!
//! Each tile takes its block of positions (or, where there is one position, its share of
//! output channels) through passes of `lanes_per_tile` output channels. A lane adds up its
//! dot product word by word. A processor has fewer registers than a tile has lanes, so a
//! pass is cut into blocks of [`LANES`] lanes here; sums of integers do not mind.

use pocketvision_core::op::{Conv2d, Linear, Padding, Window};
use pocketvision_core::{CompileError, Graph, Node, Op, ParamId, Shape};

use super::image::Image;
use super::output_stage::OutputStage;
use super::tiles::{Block, blocks};
use crate::chip::Array;

/// A convolution or linear layer made ready.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Convolution {
    image: Image,
    taps: Vec<usize>,
    output: Shape,
    passes: Vec<Pass>,
    /// Which passes the tiles run on which block of positions, tile after tile.
    work: Vec<(usize, Block)>,
    /// Input channels that one group of output channels reads.
    group_channels: usize,
    output_stage: OutputStage,
}

/// Output channels that one tile computes at once, with their weights.
#[derive(Clone, PartialEq, Debug)]
struct Pass {
    group: usize,
    first_channel: usize,
    channels: usize,
    /// For each block of lanes, each tap and each pair of input channels: one row.
    weights: Vec<Row>,
}

/// Weights of one pair of input channels for a block of lanes, minus their zero point.
type Row = [[i16; LANES]; PAIR];

impl Convolution {
    /// Packs the weights of a [`Op::Conv2d`] or [`Op::Linear`] node.
    pub(super) fn new(graph: &Graph, node: &Node, array: &Array) -> Result<Self, CompileError> {
        let (window, weight, bias, groups, activation) = match &node.op {
            Op::Conv2d(Conv2d { window, weight, bias, groups, activation }) => {
                (*window, *weight, *bias, *groups, *activation)
            }
            Op::Linear(Linear { weight, bias, activation }) => {
                (Window::square(1, 1, Padding::Valid), *weight, *bias, 1, *activation)
            }
            op => unreachable!("{} is not a convolution", op.name()),
        };
        let input = graph.ty(node.inputs[0]);
        let zero_point = input.element.quantization().map_or(0, |q| q.zero_point());
        let output = node.output.shape;
        let group_channels = input.shape.c / groups;
        let image = Image::new(input.shape, window, group_channels, 1, PAIR, zero_point);
        image.check(&node.name)?;
        let passes = pack(graph, weight, output.c / groups, groups, array);
        let work = schedule(&passes, output, array);
        Ok(Self {
            taps: image.taps(),
            image,
            output,
            passes,
            work,
            group_channels,
            output_stage: OutputStage::new(
                graph,
                &input.element,
                weight,
                bias,
                activation,
                &node.output,
            ),
        })
    }

    /// Numbers of scratch memory that [`Self::run`] needs.
    pub(super) const fn scratch_length(&self) -> usize {
        self.image.length()
    }

    /// Bytes of weights.
    pub(super) fn weight_bytes(&self) -> u64 {
        let packed: usize = self.passes.iter().map(|pass| size_of_val(&pass.weights[..])).sum();
        packed as u64 + self.output_stage.bytes()
    }

    /// Runs the layer.
    pub(super) fn run(&self, input: &[i8], output: &mut [i8], scratch: &mut [i16]) {
        let image = &mut scratch[..self.image.length()];
        let mut filled = None;
        for (pass, block) in &self.work {
            let pass = &self.passes[*pass];
            if filled != Some(pass.group) {
                self.image.fill(input, pass.group * self.group_channels, image);
                filled = Some(pass.group);
            }
            self.run_pass(pass, block, image, output);
        }
    }

    fn run_pass(&self, pass: &Pass, block: &Block, image: &[i16], output: &mut [i8]) {
        let rows = self.taps.len() * self.image.pixel() / PAIR;
        for (index, weights) in pass.weights.chunks_exact(rows).enumerate() {
            let first = index * LANES;
            let channels = pass.first_channel + first;
            let count = LANES.min(pass.channels - first);
            for y in block.rows.clone() {
                let mut x = block.columns.start;
                while x < block.columns.end {
                    let positions = POSITIONS.min(block.columns.end - x);
                    // The last column is computed again where the number is odd.
                    let columns = std::array::from_fn(|i| x + i.min(positions - 1));
                    let starts = columns.map(|column| self.image.start(y, column));
                    let sums = dot_products(image, starts, &self.taps, self.image.pixel(), weights);
                    for (sums, column) in sums.iter().zip(columns).take(positions) {
                        let at = (y * self.output.w + column) * self.output.c + channels;
                        self.output_stage.write(channels, sums, &mut output[at..][..count]);
                    }
                    x += positions;
                }
            }
        }
    }
}

/// The sums of a block of lanes at a few positions.
fn dot_products(
    image: &[i16],
    starts: [usize; POSITIONS],
    taps: &[usize],
    pixel: usize,
    weights: &[Row],
) -> [[i32; LANES]; POSITIONS] {
    let mut sums = [[0i32; LANES]; POSITIONS];
    for (&tap, weights) in taps.iter().zip(weights.chunks_exact(pixel / PAIR)) {
        let words = starts.map(|start| image[start + tap..][..pixel].as_chunks::<PAIR>().0);
        for (index, row) in weights.iter().enumerate() {
            for (sums, words) in sums.iter_mut().zip(words) {
                let [a, b] = words[index].map(i32::from);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    let products = a * i32::from(row[0][lane]) + b * i32::from(row[1][lane]);
                    *sum = sum.wrapping_add(products);
                }
            }
        }
    }
    sums
}

/// Which pass runs on which block, tile after tile; passes of one group stay together.
fn schedule(passes: &[Pass], output: Shape, array: &Array) -> Vec<(usize, Block)> {
    let blocks = blocks(output, array);
    let groups = passes.last().map_or(0, |pass| pass.group + 1);
    let of_group = |group: usize| {
        passes.iter().enumerate().filter(move |(_, p)| p.group == group).map(|(index, _)| index)
    };
    if let [only] = &blocks[..] {
        let by_tile = |group| {
            (0..array.tiles())
                .flat_map(move |tile| of_group(group).skip(tile).step_by(array.tiles()))
        };
        return (0..groups).flat_map(by_tile).map(|pass| (pass, only.clone())).collect();
    }
    let mut work = Vec::with_capacity(blocks.len() * passes.len());
    for group in 0..groups {
        for block in &blocks {
            work.extend(of_group(group).map(|pass| (pass, block.clone())));
        }
    }
    work
}

/// Cuts the output channels of each group into passes and packs their weights.
fn pack(
    graph: &Graph,
    weight: ParamId,
    group_outputs: usize,
    groups: usize,
    array: &Array,
) -> Vec<Pass> {
    let weights = graph.param(weight);
    let shape = weights.shape();
    let zero_point = weights.element().quantization().map_or(0, |q| q.zero_point()) as i16;
    let values = weights.as_i8().expect("int8 weights");
    let (taps, inputs) = (shape.pixels(), shape.c);
    let pairs = inputs.div_ceil(PAIR);
    let mut passes = Vec::new();
    for group in 0..groups {
        for first in (0..group_outputs).step_by(array.lanes_per_tile) {
            let channels = array.lanes_per_tile.min(group_outputs - first);
            let first_channel = group * group_outputs + first;
            let lane_blocks = channels.div_ceil(LANES);
            let mut rows = vec![Row::default(); lane_blocks * taps * pairs];
            for lane in 0..channels {
                let block = &mut rows[lane / LANES * taps * pairs..][..taps * pairs];
                for tap in 0..taps {
                    let from = ((first_channel + lane) * taps + tap) * inputs;
                    for (input, &value) in values[from..][..inputs].iter().enumerate() {
                        let row = &mut block[tap * pairs + input / PAIR];
                        row[input % PAIR][lane % LANES] = i16::from(value) - zero_point;
                    }
                }
            }
            passes.push(Pass { group, first_channel, channels, weights: rows });
        }
    }
    passes
}

/// Lanes computed at once in a processor's registers.
const LANES: usize = 16;
/// Positions computed at once, to use each row of weights more than once.
const POSITIONS: usize = 2;
/// Input channels multiplied at once: half a word of the chip.
const PAIR: usize = 2;
