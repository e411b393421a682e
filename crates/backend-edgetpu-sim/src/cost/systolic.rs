//! Closed forms of a textbook systolic array.
//!
//! A product of M x K by K x N on an array of R rows and C columns is cut into folds that run
//! one after another. With sums in place, a fold takes K cycles and as many more as its last
//! operands need to cross the array; with weights or positions in place, they are loaded
//! first, a row a cycle. The forms are SCALE-Sim's, whose report is one cycle less (its issue
//! 125); a simulation of every register, in this crate's tests, agrees with them.

use super::product;
use crate::chip::{Array, Dataflow};
use crate::{Layer, LayerKind, Mapping};

/// Sizes of a product: `m` positions, `k` products in a sum, `n` output channels.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::chip::Dataflow;
/// use pocketvision_backend_edgetpu_sim::cost::systolic::{Gemm, gemm_cycles};
///
/// // One product on one element: a cycle.
/// let one = Gemm { m: 1, k: 1, n: 1 };
/// assert_eq!(gemm_cycles(one, 1, 1, Dataflow::OutputStationary), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gemm {
    /// Rows of the left factor: output positions.
    pub m: u64,
    /// Columns of the left factor: products in a sum.
    pub k: u64,
    /// Columns of the right factor: output channels.
    pub n: u64,
}

/// Cycles of a product on an array of so many rows and columns.
///
/// Zero for [`Dataflow::Tiled`], which is no systolic array.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::chip::Dataflow;
/// use pocketvision_backend_edgetpu_sim::cost::systolic::{Gemm, gemm_cycles};
///
/// // Sums in place: 64 cycles, and what the last operands need to cross 8 rows and 8 columns.
/// let product = Gemm { m: 8, k: 64, n: 8 };
/// assert_eq!(gemm_cycles(product, 8, 8, Dataflow::OutputStationary), 64 + 14);
/// // Twice as many positions take twice as many folds.
/// let twice = Gemm { m: 16, ..product };
/// assert_eq!(gemm_cycles(twice, 8, 8, Dataflow::OutputStationary), 2 * 78);
/// ```
pub fn gemm_cycles(gemm: Gemm, rows: u64, columns: u64, dataflow: Dataflow) -> u64 {
    let Gemm { m, k, n } = gemm;
    let (folds, fold) = match dataflow {
        Dataflow::Tiled => return 0,
        Dataflow::OutputStationary => {
            ([m.div_ceil(rows), n.div_ceil(columns)], k.saturating_add(rows + columns - 2))
        }
        Dataflow::WeightStationary => {
            ([k.div_ceil(rows), n.div_ceil(columns)], m.saturating_add(2 * rows + columns - 2))
        }
        Dataflow::InputStationary => {
            ([k.div_ceil(rows), m.div_ceil(columns)], n.saturating_add(2 * rows + columns - 2))
        }
    };
    product([folds[0], folds[1], fold])
}

/// Cycles of a layer's products. A depthwise channel is a product of its own with a single
/// column, which is why such arrays are slow on them.
pub(super) fn layer_cycles(layer: &Layer, mapping: &Mapping, array: &Array) -> u64 {
    let (rows, columns) = (array.dot_depth as u64, array.lanes_per_tile as u64);
    let m = mapping.positions;
    let (gemm, times) = match layer.kind {
        LayerKind::Convolution { taps, input_channels, groups } => {
            let k = (taps * input_channels) as u64;
            (Gemm { m, k, n: (layer.output.c / groups) as u64 }, groups as u64)
        }
        LayerKind::Depthwise { taps } => (Gemm { m, k: taps as u64, n: 1 }, layer.output.c as u64),
        _ => return 0,
    };
    product([gemm_cycles(gemm, rows, columns, array.dataflow), times])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SCALE-Sim 3.0.0 reports on an array of 16 rows and 8 columns, one less than the
    /// cycles that pass.
    #[test]
    fn twelve_products_take_what_scale_sim_says() {
        let gemms = [(16, 8, 20), (20, 8, 20), (33, 17, 40), (100, 30, 50)];
        let expected = [
            (Dataflow::OutputStationary, [41, 83, 557, 2015]),
            (Dataflow::WeightStationary, [107, 115, 638, 2207]),
            (Dataflow::InputStationary, [183, 275, 824, 3535]),
        ];
        for (dataflow, reported) in expected {
            for ((m, n, k), reported) in gemms.into_iter().zip(reported) {
                let cycles = gemm_cycles(Gemm { m, k, n }, 16, 8, dataflow);
                assert_eq!(cycles - 1, reported, "{dataflow:?}: {m} x {k} by {k} x {n}");
            }
        }
    }
}
