//! Weights and rows as 16-bit numbers, for instructions that multiply pairs of them, and for plain
//! Rust.

use super::requantize::Requantize;
use super::rows::Rows;
use crate::simd::{AlignedBytes, Simd, Tile};

/// `w - zw` as i16, in panels of 16 channels: for each pair of k, the two weights of one
/// channel after those of the other. What is missing in depth or channels is 0.
#[derive(Debug)]
pub(crate) struct PairPanels {
    /// The packed weights.
    pub(crate) weights: AlignedBytes,
    /// Pairs of k; each run is padded to pairs.
    pub(crate) pairs: usize,
    /// Output channels.
    pub(crate) columns: usize,
}

impl PairPanels {
    /// Channels of a panel.
    pub(crate) const COLUMNS: usize = 16;

    pub(super) fn new(
        place: fn(usize) -> usize,
        weights: &[i8],
        depth: usize,
        runs: usize,
        zero_point: i32,
    ) -> Self {
        let columns = weights.len() / depth;
        let run = depth / runs;
        let run_pairs = run.div_ceil(2);
        let pairs = runs * run_pairs;
        let mut packed = vec![0i16; columns.next_multiple_of(Self::COLUMNS) * pairs * 2];
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let (panel, lane) = (column / Self::COLUMNS, place(column) % Self::COLUMNS);
            for (k, &w) in filter.iter().enumerate() {
                let pair = k / run * run_pairs + k % run / 2;
                let index = ((panel * pairs + pair) * Self::COLUMNS + lane) * 2 + k % run % 2;
                packed[index] = (i32::from(w) - zero_point) as i16;
            }
        }
        Self { weights: AlignedBytes::copied(&packed), pairs, columns }
    }

    /// The weights of one panel.
    pub(crate) fn panel(&self, panel: usize) -> &[i16] {
        let length = self.pairs * 2 * Self::COLUMNS;
        &self.weights.as_slice()[panel * length..][..length]
    }

    /// The panels, by number, that the columns of a tile need.
    pub(crate) fn panels_of(&self, tile: &Tile<'_>, first_column: usize) -> std::ops::Range<usize> {
        let columns = tile.columns();
        let first = columns.start.saturating_sub(first_column);
        let end = columns.end.saturating_sub(first_column).min(self.columns);
        first / Self::COLUMNS..end.div_ceil(Self::COLUMNS)
    }
}

/// Rows of int8 as i16: those of a matrix with a 0 behind an odd depth, bands as they are.
pub(super) fn widen<'a>(
    simd: Simd,
    rows: Rows<'_, i8>,
    depth: usize,
    wide: &'a mut [i16],
) -> Rows<'a, i16> {
    if rows.runs > 1 {
        let wide = &mut wide[..rows.numbers.len()];
        widen_run(simd, rows.numbers, wide);
        let Rows { stride, count, line, line_stride, runs, run_stride, .. } = rows;
        return Rows { numbers: wide, stride, count, line, line_stride, runs, run_stride };
    }
    let stride = depth.next_multiple_of(2);
    let wide = &mut wide[..rows.count * stride];
    if rows.stride == stride {
        widen_run(simd, &rows.numbers[..wide.len()], wide);
    } else {
        for (row, wide) in wide.chunks_exact_mut(stride).enumerate() {
            widen_run(simd, rows.row(row, depth), wide);
            wide[depth..].fill(0);
        }
    }
    Rows::whole(wide, stride, rows.count)
}

fn widen_run(simd: Simd, narrow: &[i8], wide: &mut [i16]) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (wide, &narrow) in wide.iter_mut().zip(narrow) {
                *wide = i16::from(narrow);
            }
        },
    );
}

/// The product in plain Rust: one row, 16 columns at a time.
pub(super) fn multiply(
    rows: Rows<'_, i16>,
    panels: &PairPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    const COLUMNS: usize = PairPanels::COLUMNS;
    for panel in panels.panels_of(tile, first_column) {
        let weights = panels.panel(panel);
        let column = panel * COLUMNS;
        let width = COLUMNS.min(panels.columns - column);
        for row in 0..rows.count {
            let mut sums = [0i32; COLUMNS];
            let pairs = rows.row(row, panels.pairs * 2).chunks_exact(2);
            for (a, w) in pairs.zip(weights.chunks_exact(2 * COLUMNS)) {
                let (a0, a1) = (i32::from(a[0]), i32::from(a[1]));
                for lane in 0..COLUMNS {
                    let (w0, w1) = (i32::from(w[2 * lane]), i32::from(w[2 * lane + 1]));
                    sums[lane] = sums[lane].wrapping_add(a0 * w0 + a1 * w1);
                }
            }
            let start = first_column + column;
            let out = tile.row_columns(first_row + row, start..start + width);
            for (lane, out) in out.iter_mut().enumerate() {
                let sum = sums[lane].wrapping_add(q.bias[column + lane]);
                *out = q.apply(column + lane, sum) as u8;
            }
        }
    }
}
