//! int8 depthwise convolution with the taps in fours, for AVX-512.
//!
//! `vpdpbusd` multiplies four bytes with four bytes. Here the four are neighbouring columns
//! under a row of the kernel, and each of 16 sums is a channel. The columns are read four at a
//! time, a *window*; one window serves several pixels, each with its weights shifted by as many
//! bytes as it lies further to the right.
//!
//! ```text
//! columns     0  1  2  3      3x3, stride 1: one window, two pixels
//! pixel 0    w0 w1 w2  0
//! pixel 1     0 w0 w1 w2
//! ```
//!
//! A block is 64 channels. Where fewer are left, two or four groups of pixels share its vectors,
//! with the same weights in each part: 32 channels of pixels 0 and 1, and 32 of pixels 2 and 3.
//!
//! Inputs are made unsigned by adding 128, weights are signed. Those of uint8 networks have a
//! zero point, and `w - zw` may be beyond a byte: what is left is in a second set of weights,
//! which is read for those blocks that have some.

use super::Kernel;
use super::depthwise::{DepthwiseWindow, RowWindow};
use super::requantize::Requantize;
use crate::simd::{AlignedBytes, Avx512, Inputs, Tile};

/// An int8 depthwise convolution whose window has no gaps, with its weights.
#[derive(Debug)]
pub(crate) struct DepthwiseQuadsI8 {
    proof: Avx512,
    window: DepthwiseWindow,
    rows: RowWindow,
    taps: QuadTaps,
}

impl DepthwiseQuadsI8 {
    /// Packs `weights[tap * channels + c]`; `zero_points` are those of weights and input, and
    /// `requantize` holds the plain bias. `None` if there is no kernel for the window, or a
    /// weight is 255, which is more than two bytes with a sign add up to.
    pub(crate) fn new(
        proof: Avx512,
        window: &DepthwiseWindow,
        weights: &[i8],
        zero_points: (i32, i32),
        requantize: &Requantize,
    ) -> Option<Self> {
        let rows = window.rows()?;
        let taps = QuadTaps::new(&rows, weights, zero_points, requantize.clone())?;
        Some(Self { proof, window: window.clone(), rows, taps })
    }
}

impl Kernel for DepthwiseQuadsI8 {
    fn name(&self) -> String {
        "depthwise int8 avx512 in fours".to_owned()
    }

    fn weight_bytes(&self) -> usize {
        self.taps.bytes()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let compute = crate::simd::avx512::depthwise_quads_i8::compute;
        compute(self.proof, inputs.numbers(0), &self.window, &self.rows, &self.taps, tile);
    }
}

/// Weights and epilogue of a depthwise convolution, in blocks of 64 channels.
#[derive(Debug)]
pub(crate) struct QuadTaps {
    /// For each block, row of the kernel, pixel and window: four vectors of 16 sums.
    pub(crate) weights: AlignedBytes,
    /// For each block what did not fit, in the same order, unless everything did.
    pub(crate) rest: Vec<Option<AlignedBytes>>,
    /// What taps beyond the edge read, plus 128.
    pub(crate) border: u8,
    /// Its lists are in the order of the vectors.
    pub(crate) requantize: Requantize,
    pub(crate) channels: usize,
    pub(crate) layout: QuadLayout,
}

/// Pixels that are computed together, and the windows that they share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct QuadLayout {
    pub(crate) kernel_h: usize,
    pub(crate) kernel_w: usize,
    pub(crate) stride: usize,
    pub(crate) pixels: usize,
    pub(crate) windows: usize,
}

impl QuadLayout {
    /// The layout for a window, if there is one.
    pub(crate) fn of(window: &RowWindow) -> Option<Self> {
        let RowWindow { kernel_h, kernel_w, stride_w: stride, .. } = *window;
        let (pixels, windows) = match (kernel_w, stride) {
            (3, 1) => (2, 1),
            (5, 1) => (4, 2),
            (3, 2) => (1, 1),
            (5, 2) => (1, 2),
            _ => return None,
        };
        Some(Self { kernel_h, kernel_w, stride, pixels, windows })
    }

    /// Pixels of a block of channels that share its vectors.
    pub(crate) const fn groups(channels: usize) -> usize {
        match channels {
            0..=16 => 4,
            17..=32 => 2,
            _ => 1,
        }
    }

    /// Bytes of a block's weights.
    pub(crate) const fn block_bytes(&self) -> usize {
        self.kernel_h * self.pixels * self.windows * QuadTaps::BLOCK * 4
    }
}

impl QuadTaps {
    /// Channels of a block.
    pub(crate) const BLOCK: usize = Requantize::PADDING;

    /// See [`DepthwiseQuadsI8::new`].
    fn new(
        window: &RowWindow,
        weights: &[i8],
        (weight_zero_point, input_zero_point): (i32, i32),
        mut requantize: Requantize,
    ) -> Option<Self> {
        let channels = window.channels;
        let padded = channels.next_multiple_of(Self::BLOCK);
        let layout = QuadLayout::of(window)?;
        let real = |tap: usize, channel: usize| {
            i32::from(weights[tap * channels + channel]) - weight_zero_point
        };
        let taps = layout.kernel_h * layout.kernel_w;
        for channel in 0..channels {
            let sum = (0..taps).map(|tap| real(tap, channel)).fold(0, i32::wrapping_add);
            let constant = sum.wrapping_mul(input_zero_point + 128);
            requantize.bias[channel] = requantize.bias[channel].wrapping_sub(constant);
        }
        // The channel of a lane of one of a block's four vectors.
        let channel_of = |block: usize, vector: usize, lane: usize| {
            let start = block * Self::BLOCK;
            start + place_of(vector, lane) % (Self::BLOCK / QuadLayout::groups(channels - start))
        };
        let mut first = AlignedBytes::zeroed(padded / Self::BLOCK * layout.block_bytes());
        let mut rest = AlignedBytes::zeroed(first.len());
        for at in 0..first.len() {
            let (byte, lane) = (at % 4, at / 4 % 16);
            let (vector, window) = (at / 64 % 4, at / 256 % layout.windows);
            let pixel = at / 256 / layout.windows % layout.pixels;
            let ky = at / 256 / layout.windows / layout.pixels % layout.kernel_h;
            let channel = channel_of(at / layout.block_bytes(), vector, lane);
            let column = (4 * window + byte).wrapping_sub(pixel * layout.stride);
            if column < layout.kernel_w && channel < channels {
                let weight = real(ky * layout.kernel_w + column, channel);
                let fitting = weight.clamp(-128, 127);
                first.bytes_mut()[at] = fitting as u8;
                rest.bytes_mut()[at] = i8::try_from(weight - fitting).ok()? as u8;
            }
        }
        let order =
            |index: usize| channel_of(index / Self::BLOCK, index % Self::BLOCK / 16, index % 16);
        let of_block =
            |rest: &[u8]| rest.iter().any(|&byte| byte != 0).then(|| AlignedBytes::copied(rest));
        Some(Self {
            weights: first,
            rest: rest.bytes().chunks(layout.block_bytes()).map(of_block).collect(),
            border: (input_zero_point + 128) as u8,
            requantize: requantize.reordered(order),
            channels,
            layout,
        })
    }

    /// Bytes of weights and lists.
    pub(crate) fn bytes(&self) -> usize {
        let rest: usize = self.rest.iter().flatten().map(AlignedBytes::len).sum();
        self.weights.len() + rest + self.requantize.bytes()
    }
}

/// The byte, of four times 64, whose sum is in a lane of one of four vectors, after bytes and
/// then pairs of bytes were interleaved within lanes of 16 bytes.
const fn place_of(vector: usize, lane: usize) -> usize {
    lane / 4 * 16 + vector * 4 + lane % 4
}
