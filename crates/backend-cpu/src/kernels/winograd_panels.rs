//! Winograd's transformed weights, in panels of output channels.

use super::epilogue_f32::EpilogueF32;
use super::winograd_form::{Form, Slot};
use super::winograd_transform::LANES;
use crate::simd::{AlignedBytes, Simd};

/// Transformed weights.
#[derive(Debug)]
pub(crate) struct WinogradPanels {
    form: Form,
    /// Panel after panel, position after position, number after number of the position, input
    /// channel after input channel, those of a panel's output channels.
    weights: AlignedBytes,
    /// Numbers of a channel at all positions before each one.
    starts: Vec<usize>,
    /// One for each output channel, padded to whole vectors.
    bias: Vec<f32>,
    /// Input channels.
    depth: usize,
    /// Output channels.
    columns: usize,
    /// Output channels of a panel; the last one has fewer.
    pub(crate) panel_columns: usize,
}

/// A panel's columns, and what its sums are followed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelEnd<'a> {
    /// The first column, counted in the output.
    pub(crate) first: usize,
    /// Number of columns.
    pub(crate) columns: usize,
    /// One for each column, and zeros up to whole vectors.
    pub(crate) bias: &'a [f32],
    /// The activation.
    pub(crate) epilogue: EpilogueF32,
}

impl WinogradPanels {
    /// Transforms `filters[((n * 3 + y) * 3 + x) * depth + c]`.
    pub(crate) fn new(simd: Simd, form: Form, filters: &[f32], depth: usize, bias: &[f32]) -> Self {
        let padded = bias.len().next_multiple_of(LANES);
        let panel_columns = match simd {
            // Panels of one size, and if possible an even number of them for two threads.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) if padded.is_multiple_of(48) && !padded.is_multiple_of(128) => 48,
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) => 64,
            _ => LANES,
        };
        let starts = (0..form.positions()).map(|end| (0..end).map(|p| form.numbers(p)).sum());
        let numbers = form.products() * depth * padded;
        let mut panels = Self {
            form,
            weights: AlignedBytes::zeroed(numbers * 4),
            starts: starts.collect(),
            bias: bias.to_vec(),
            depth,
            columns: bias.len(),
            panel_columns,
        };
        panels.bias.resize(padded, 0.0);
        for (column, filter) in filters.chunks_exact(9 * depth).enumerate() {
            let first = column / panel_columns * panel_columns;
            let width = panels.width(first);
            let packed = bytemuck::cast_slice_mut(panels.weights.bytes_mut());
            let packed: &mut [f32] =
                &mut packed[form.products() * depth * first + column - first..];
            for channel in 0..depth {
                let tap = |y: usize, x: usize| f64::from(filter[(y * 3 + x) * depth + channel]);
                let taps = std::array::from_fn(|y| std::array::from_fn(|x| tap(y, x)));
                form.for_each_weight(taps, |line, column, weight| {
                    let Slot { position, number } = form.slot(line, column);
                    let row = (panels.starts[position] + number) * depth + channel;
                    packed[row * width] = weight as f32;
                });
            }
        }
        panels
    }

    /// Columns of the panel that starts at a column, padded to whole vectors.
    pub(crate) fn width(&self, first: usize) -> usize {
        self.panel_columns.min(self.bias.len() - first)
    }

    /// A panel's weights at one position, `[row][column]`.
    pub(crate) fn weights(&self, first: usize, position: usize) -> &[f32] {
        let row = self.depth * self.width(first);
        let start = self.form.products() * self.depth * first + self.starts[position] * row;
        &self.weights.as_slice()[start..][..self.form.numbers(position) * row]
    }

    /// What follows a panel's sums.
    pub(crate) fn end(&self, first: usize, epilogue: EpilogueF32) -> PanelEnd<'_> {
        let bias = &self.bias[first..first + self.width(first)];
        PanelEnd { first, columns: bias.len().min(self.columns - first), bias, epilogue }
    }

    /// Bytes of weights and bias.
    pub(crate) fn bytes(&self) -> usize {
        self.weights.len() + self.bias.len() * 4
    }
}
