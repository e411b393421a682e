//! int8 depthwise convolution by rows of the kernel, for AVX2.
//!
//! `vpmaddwd` multiplies two numbers of a channel with two weights. Here the two are one above
//! the other, in two rows of the kernel, so that a pair of pixels that was widened and
//! interleaved once serves all windows that it lies under. In the last row of an odd number the
//! two are neighbours.
//!
//! ```text
//! 3x3:  a b c    pairs a+d, b+e, c+f of the first two rows,
//!       d e f          g+h, i+0 of the last
//!       g h i
//! ```
//!
//! The zero point of the weights is subtracted when they are packed, as i16; that of the input
//! changes the bias, since pixels beyond the edge read it.

use super::Kernel;
use super::depthwise::{DepthwiseWindow, RowWindow};
use super::requantize::{Requantize, interleaved};
use crate::simd::avx2::depthwise_rows_i8::{CHANNELS, compute, supports};
use crate::simd::{AlignedBytes, Avx2, Inputs, Tile};

/// An int8 depthwise convolution whose window has no gaps, with its weights.
#[derive(Debug)]
pub(crate) struct DepthwiseRowsI8 {
    proof: Avx2,
    window: DepthwiseWindow,
    rows: RowWindow,
    taps: RowTaps,
}

/// Weights in pairs of taps, and what follows their sums.
#[derive(Debug)]
pub(crate) struct RowTaps {
    /// For each block of channels and each pair of taps the pairs of the block's channels, in
    /// the order that interleaving leaves.
    weights: AlignedBytes,
    /// Pairs of taps.
    pub(crate) pairs: usize,
    /// What pixels beyond the edge are, for a block of channels.
    pub(crate) border: [i8; CHANNELS],
    /// The epilogue.
    pub(crate) requantize: Requantize,
}

impl DepthwiseRowsI8 {
    /// Packs `weights[tap * channels + c]`; `zero_points` are those of weights and input, and
    /// `requantize` holds the plain bias. `None` if there is no kernel for the window.
    pub(crate) fn new(
        proof: Avx2,
        window: &DepthwiseWindow,
        weights: &[i8],
        zero_points: (i32, i32),
        requantize: &Requantize,
    ) -> Option<Self> {
        let rows = window.rows().filter(supports)?;
        let taps = RowTaps::new(&rows, weights, zero_points, requantize.clone());
        Some(Self { proof, window: window.clone(), rows, taps })
    }
}

impl Kernel for DepthwiseRowsI8 {
    fn name(&self) -> String {
        "depthwise int8 avx2 by rows".to_owned()
    }

    fn weight_bytes(&self) -> usize {
        self.taps.weights.len() + self.taps.requantize.bytes()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        compute(self.proof, inputs.numbers(0), &self.window, &self.rows, &self.taps, tile);
    }
}

impl RowTaps {
    fn new(
        window: &RowWindow,
        weights: &[i8],
        (weight_zero_point, input_zero_point): (i32, i32),
        mut requantize: Requantize,
    ) -> Self {
        let channels = window.channels;
        let pairs = pairs_of_taps(window);
        let real = |tap: usize, channel: usize| {
            i32::from(weights[tap * channels + channel]) - weight_zero_point
        };
        let mut packed = vec![0i16; channels.next_multiple_of(CHANNELS) * pairs.len() * 2];
        for channel in 0..channels {
            let (block, lane) = (channel / CHANNELS, channel % CHANNELS);
            let mut sum = 0i32;
            for (index, pair) in pairs.iter().enumerate() {
                let taps = pair.iter().enumerate().filter_map(|(half, tap)| Some((half, (*tap)?)));
                for (half, tap) in taps {
                    let at = (block * pairs.len() + index) * CHANNELS + interleaved(lane);
                    packed[at * 2 + half] = real(tap, channel) as i16;
                    sum += real(tap, channel);
                }
            }
            requantize.take_zero_point(channel, sum, input_zero_point);
        }
        Self {
            weights: AlignedBytes::copied(&packed),
            pairs: pairs.len(),
            border: [input_zero_point as i8; CHANNELS],
            requantize: requantize.interleaved(),
        }
    }

    /// The weights of one block of channels.
    pub(crate) fn block(&self, block: usize) -> &[i16] {
        let length = self.pairs * 2 * CHANNELS;
        &self.weights.as_slice()[block * length..][..length]
    }
}

/// The pairs of taps, in the order in which the kernel takes them.
fn pairs_of_taps(window: &RowWindow) -> Vec<[Option<usize>; 2]> {
    let RowWindow { kernel_h, kernel_w, .. } = *window;
    let mut pairs = Vec::new();
    for row in (0..kernel_h - kernel_h % 2).step_by(2) {
        let tap = |x: usize| row * kernel_w + x;
        pairs.extend((0..kernel_w).map(|x| [Some(tap(x)), Some(tap(x + kernel_w))]));
    }
    if kernel_h % 2 == 1 {
        let tap = |x: usize| (x < kernel_w).then_some((kernel_h - 1) * kernel_w + x);
        pairs.extend((0..kernel_w).step_by(2).map(|x| [tap(x), tap(x + 1)]));
    }
    pairs
}
