//! Weights for instructions that multiply fours of bytes, AVX-512 VNNI and AVX-VNNI.
//!
//! Such an instruction takes unsigned numbers on one side and signed ones on the other. Rows of
//! int8 become unsigned by adding 128, which only changes the bias, so weights without a zero
//! point are the signed side as they are. Weights of uint8 networks have a zero point, and
//! `w - zw` may be beyond a byte. There are two ways out:
//!
//! - [`QuadPanels::split`], for AVX-512: `w - zw` is cut to a byte, and what is left becomes
//!   further fours that are added behind the others ([`RestQuad`]). Zero points are near the
//!   middle of the weights' range, so that few weights are left: in the published uint8
//!   MobileNetEdgeTPU and MobileNetV2 these are 1 and 2.5 hundredths of the work.
//! - [`QuadPanels::with_zero_point`], for AVX-VNNI: the weights are the unsigned side, and `zw`
//!   times the sum of the row is subtracted from each of its sums.

use crate::simd::AlignedBytes;

/// Weights in panels of neighbouring output channels: for each four of k, the four weights of
/// one channel after those of the other. The last panel is as wide as vectors of 16 channels
/// allow; what is missing in depth or channels is 0.
#[derive(Debug)]
pub(crate) struct QuadPanels {
    /// The packed weights: i8, or `w + 128` as u8 with a zero point.
    pub(crate) weights: AlignedBytes,
    /// For each panel what did not fit.
    pub(crate) rest: Vec<Vec<RestQuad>>,
    /// Channels of a panel.
    pub(crate) width: usize,
    /// Fours of k.
    pub(crate) quads: usize,
    /// Numbers of a run; each is padded to fours.
    pub(crate) run: usize,
    /// Output channels.
    pub(crate) columns: usize,
    /// The zero point of the weights as packed, unless it is 0.
    pub(crate) zero_point: Option<i32>,
}

/// What is left of four weights of each channel of a panel.
#[repr(align(64))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RestQuad {
    /// As in [`QuadPanels::weights`], for the widest panel.
    pub(crate) weights: [i8; 4 * QuadPanels::COLUMNS],
    /// Which run of a row it is multiplied with, and with which four numbers of it.
    pub(crate) run: usize,
    pub(crate) quad: usize,
}

impl QuadPanels {
    /// Channels of a panel for AVX-512.
    pub(crate) const COLUMNS: usize = 32;
    /// Channels of a panel for AVX-VNNI.
    pub(crate) const COLUMNS_AVX_VNNI: usize = 16;

    /// Packs `weights[n * depth + k] - zero_point`, for rows of so many runs.
    pub(crate) fn split(weights: &[i8], depth: usize, runs: usize, zero_point: i32) -> Self {
        let real = |w: i8| i32::from(w) - zero_point;
        let byte = |w: i8| fitting(real(w)) as u8;
        let panels = Self::new(Self::COLUMNS, weights, depth, runs, |column| column, byte);
        if zero_point == 0 {
            return panels;
        }
        let run = panels.run;
        let of_panel = |filters: &[i8]| {
            let mut list = Vec::new();
            for quad in 0..panels.quads {
                let (run_index, quad) = (quad / run.div_ceil(4), quad % run.div_ceil(4));
                let mut left = [0; 4 * Self::COLUMNS];
                for (column, filter) in filters.chunks_exact(depth).enumerate() {
                    let run = &filter[run_index * run..][..run];
                    for (byte, &w) in run[quad * 4..].iter().take(4).enumerate() {
                        left[column * 4 + byte] = real(w) - i32::from(fitting(real(w)));
                    }
                }
                // Something may be left twice: 255 is more than two signed bytes.
                while left.iter().any(|&left| left != 0) {
                    let weights = left.map(fitting);
                    left.iter_mut().zip(weights).for_each(|(left, w)| *left -= i32::from(w));
                    list.push(RestQuad { weights, run: run_index, quad });
                }
            }
            list
        };
        let rest = weights.chunks(Self::COLUMNS * depth).map(of_panel).collect();
        Self { rest, ..panels }
    }

    /// Packs `weights[n * depth + k]` and remembers their zero point, for rows of so many runs.
    /// A channel is put where `place` says among the others.
    pub(crate) fn with_zero_point(
        weights: &[i8],
        depth: usize,
        runs: usize,
        zero_point: i32,
        place: fn(usize) -> usize,
    ) -> Self {
        let flip = if zero_point == 0 { 0 } else { 0x80 };
        let byte = |w: i8| w as u8 ^ flip;
        let panels = Self::new(Self::COLUMNS_AVX_VNNI, weights, depth, runs, place, byte);
        Self { zero_point: (zero_point != 0).then_some(zero_point + 128), ..panels }
    }

    fn new(
        panel: usize,
        weights: &[i8],
        depth: usize,
        runs: usize,
        place: fn(usize) -> usize,
        byte: impl Fn(i8) -> u8,
    ) -> Self {
        let columns = weights.len() / depth;
        let run = depth / runs;
        let quads = runs * run.div_ceil(4);
        let padded = columns.next_multiple_of(16);
        let mut packed = AlignedBytes::zeroed(padded * quads * 4);
        let bytes = packed.bytes_mut();
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let column = place(column);
            let first = column / panel * panel;
            let width = panel.min(padded - first);
            for (k, &w) in filter.iter().enumerate() {
                let quad = k / run * run.div_ceil(4) + k % run / 4;
                let within = (quad * width + column - first) * 4 + k % run % 4;
                bytes[first * quads * 4 + within] = byte(w);
            }
        }
        let rest = vec![Vec::new(); columns.div_ceil(panel)];
        Self { weights: packed, rest, width: panel, quads, run, columns, zero_point: None }
    }

    /// Bytes of all weights.
    pub(crate) fn bytes(&self) -> usize {
        let rest: usize = self.rest.iter().map(Vec::len).sum();
        self.weights.len() + rest * size_of::<RestQuad>()
    }
}

/// The nearest number that is a signed byte.
fn fitting(number: i32) -> i8 {
    number.clamp(i32::from(i8::MIN), i32::from(i8::MAX)) as i8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::random::Random;

    proptest! {
        #[test]
        fn bytes_and_what_is_left_are_the_weights(
            (depth, runs, columns) in (1usize..12, 1usize..4, 1usize..80),
            zero_point in -128i32..128, seed: u64,
        ) {
            let depth = depth * runs;
            let weights: Vec<i8> = Random::new(seed).bytes(columns * depth);
            let panels = QuadPanels::split(&weights, depth, runs, zero_point);
            let run = depth / runs;
            for (column, filter) in weights.chunks_exact(depth).enumerate() {
                let first = column / 32 * 32;
                let width = 32.min(columns.next_multiple_of(16) - first);
                for (k, &w) in filter.iter().enumerate() {
                    let (run, quad, byte) = (k / run, k % run / 4, k % run % 4);
                    let at = (run * panels.run.div_ceil(4) + quad) * width + column - first;
                    let packed = panels.weights.bytes()[(first * panels.quads + at) * 4 + byte];
                    let rest: i32 = panels.rest[column / 32]
                        .iter()
                        .filter(|rest| (rest.run, rest.quad) == (run, quad))
                        .map(|rest| i32::from(rest.weights[(column - first) * 4 + byte]))
                        .sum();
                    prop_assert_eq!(i32::from(packed as i8) + rest, i32::from(w) - zero_point);
                }
            }
        }
    }
}
