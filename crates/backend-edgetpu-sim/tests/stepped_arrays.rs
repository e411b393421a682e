//! Arrays that move data through registers, cycle by cycle: what they count and compute is what
//! the closed forms say, for every small product.

use pocketvision_backend_edgetpu_sim::chip::Dataflow;
use pocketvision_backend_edgetpu_sim::cost::cycles::layer_cycles;
use pocketvision_backend_edgetpu_sim::cost::systolic::{Gemm, gemm_cycles};
use pocketvision_backend_edgetpu_sim::{Chip, Layer, LayerKind, LoopOrder, Mapping};
use pocketvision_core::Shape;

/// A matrix by rows.
type Matrix = Vec<Vec<i32>>;

fn matrix(rows: usize, columns: usize, seed: usize) -> Matrix {
    let value = |i: usize| ((i * 37 + seed * 11) % 23) as i32 - 11;
    (0..rows).map(|r| (0..columns).map(|c| value(r * columns + c)).collect()).collect()
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let dot = |row: &Vec<i32>, c: usize| row.iter().zip(b).map(|(x, y)| x * y[c]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|c| dot(row, c)).collect()).collect()
}

fn transposed(a: &Matrix) -> Matrix {
    (0..a[0].len()).map(|c| a.iter().map(|row| row[c]).collect()).collect()
}

/// Element of a matrix; zero outside.
fn at(a: &Matrix, row: usize, column: usize) -> i32 {
    a.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
}

/// A systolic array: one register for each flow in each cell.
struct Array {
    rows: usize,
    columns: usize,
    /// Moves one column to the right in each cycle.
    rightward: Matrix,
    /// Moves one row down in each cycle.
    downward: Matrix,
    /// Stays.
    resident: Matrix,
    cycles: u64,
}

impl Array {
    fn new(rows: usize, columns: usize) -> Self {
        let zeros = vec![vec![0; columns]; rows];
        let (rightward, downward) = (zeros.clone(), zeros.clone());
        Self { rows, columns, rightward, downward, resident: zeros, cycles: 0 }
    }

    /// One cycle: operands move on, new ones enter at the left and top, each cell works.
    fn step(
        &mut self,
        left: impl Fn(usize) -> i32,
        top: impl Fn(usize) -> i32,
        work: impl Fn(i32, i32, &mut i32) -> i32,
    ) {
        for r in (0..self.rows).rev() {
            for c in (0..self.columns).rev() {
                let from_left = if c == 0 { left(r) } else { self.rightward[r][c - 1] };
                let from_top = if r == 0 { top(c) } else { self.downward[r - 1][c] };
                self.rightward[r][c] = from_left;
                self.downward[r][c] = work(from_left, from_top, &mut self.resident[r][c]);
            }
        }
        self.cycles += 1;
    }
}

/// Sums stay; both factors flow, each row and column a cycle behind the one before.
fn output_stationary(a: &Matrix, b: &Matrix, rows: usize, columns: usize) -> (Matrix, u64) {
    let (m, k, n) = (a.len(), b.len(), b[0].len());
    let mut result = vec![vec![0; n]; m];
    let mut cycles = 0;
    for first_row in (0..m).step_by(rows) {
        for first_column in (0..n).step_by(columns) {
            let mut array = Array::new(rows, columns);
            // Until the last cell has seen the last operands.
            for t in 0..k + rows + columns - 2 {
                array.step(
                    |r| t.checked_sub(r).map_or(0, |i| at(a, first_row + r, i)),
                    |c| t.checked_sub(c).map_or(0, |i| at(b, i, first_column + c)),
                    |x, y, sum| {
                        *sum += x * y;
                        y
                    },
                );
            }
            for (r, row) in array.resident.iter().enumerate().take(m - first_row) {
                for (c, sum) in row.iter().enumerate().take(n - first_column) {
                    result[first_row + r][first_column + c] = *sum;
                }
            }
            cycles += array.cycles;
        }
    }
    (result, cycles)
}

/// One factor is loaded from the top, a row in each cycle, and stays; the other flows to the
/// right and sums flow down.
fn operand_stationary(a: &Matrix, b: &Matrix, rows: usize, columns: usize) -> (Matrix, u64) {
    let (m, k, n) = (a.len(), b.len(), b[0].len());
    let mut result = vec![vec![0; n]; m];
    let mut cycles = 0;
    for first_row in (0..k).step_by(rows) {
        for first_column in (0..n).step_by(columns) {
            let mut array = Array::new(rows, columns);
            for t in 0..rows {
                let row = first_row + rows - 1 - t;
                array.step(|_| 0, |c| at(b, row, first_column + c), |_, y, _| y);
            }
            array.resident = std::mem::replace(&mut array.downward, vec![vec![0; columns]; rows]);
            for t in 0..m + rows + columns - 2 {
                array.step(
                    |r| t.checked_sub(r).map_or(0, |i| at(a, i, first_row + r)),
                    |_| 0,
                    |x, sum, weight| sum + x * *weight,
                );
                for c in 0..columns.min(n - first_column) {
                    let left_at = t.checked_sub(rows - 1 + c).filter(|&i| i < m);
                    if let Some(i) = left_at {
                        result[i][first_column + c] += array.downward[rows - 1][c];
                    }
                }
            }
            cycles += array.cycles;
        }
    }
    (result, cycles)
}

#[test]
fn systolic_arrays_compute_products_in_the_cycles_of_the_closed_forms() {
    for (rows, columns) in [(1, 1), (1, 3), (2, 2), (3, 2), (4, 5)] {
        for m in 1..7 {
            for k in 1..7 {
                for n in 1..7 {
                    let (a, b) = (matrix(m, k, 1), matrix(k, n, 2));
                    let expected = product(&a, &b);
                    let gemm = Gemm { m: m as u64, k: k as u64, n: n as u64 };
                    let closed = |flow| gemm_cycles(gemm, rows as u64, columns as u64, flow);

                    let (result, cycles) = output_stationary(&a, &b, rows, columns);
                    assert_eq!(result, expected, "{gemm:?}");
                    assert_eq!(cycles, closed(Dataflow::OutputStationary), "{gemm:?}");

                    let (result, cycles) = operand_stationary(&a, &b, rows, columns);
                    assert_eq!(result, expected, "{gemm:?}");
                    assert_eq!(cycles, closed(Dataflow::WeightStationary), "{gemm:?}");

                    let (a, b) = (transposed(&a), transposed(&b));
                    let (result, cycles) = operand_stationary(&b, &a, rows, columns);
                    assert_eq!(transposed(&result), expected, "{gemm:?}");
                    assert_eq!(cycles, closed(Dataflow::InputStationary), "{gemm:?}");
                }
            }
        }
    }
}

/// What one tile did.
#[derive(Default)]
struct Counts {
    steps: u64,
    fills: u64,
    exposed_output_words: u64,
}

/// A tile that runs a 1x1 convolution in a loop order, one step of one word and one lane group
/// after another, with weights in a buffer that must have been filled.
fn run_tile(a: &Matrix, b: &Matrix, order: LoopOrder, chip: &Chip) -> (Matrix, Counts) {
    let (group, depth) = (chip.array.lane_group, chip.array.dot_depth);
    let lanes = chip.array.lanes_per_tile;
    let (positions, inputs, outputs) = (a.len(), b.len(), b[0].len());
    let words = inputs.div_ceil(depth);
    let chunk = match order {
        LoopOrder::PositionOuter => words,
        LoopOrder::Chunked { words } => words as usize,
    };
    let mut sums = vec![vec![0; outputs]; positions];
    let mut counts = Counts::default();
    for first_lane in (0..outputs).step_by(lanes) {
        let pass = first_lane..outputs.min(first_lane + lanes);
        for first_word in (0..words).step_by(chunk) {
            let loaded = first_word..words.min(first_word + chunk);
            let buffer: Matrix = (loaded.start * depth..loaded.end * depth)
                .map(|input| pass.clone().map(|lane| at(b, input, lane)).collect())
                .collect();
            counts.fills += 1;
            for position in 0..positions {
                for word in loaded.clone() {
                    for first in pass.clone().step_by(group) {
                        for lane in first..pass.end.min(first + group) {
                            let row = (word - loaded.start) * depth;
                            let weights = &buffer[row..row + depth];
                            sums[position][lane] += (0..depth)
                                .map(|i| {
                                    at(a, position, word * depth + i)
                                        * weights[i][lane - pass.start]
                                })
                                .sum::<i32>();
                        }
                        counts.steps += 1;
                    }
                }
                if order == LoopOrder::PositionOuter {
                    counts.exposed_output_words += pass.len().div_ceil(depth) as u64;
                }
            }
        }
    }
    (sums, counts)
}

#[test]
fn tiles_compute_products_in_the_cycles_of_the_cost_model() {
    let mut chip = Chip::preset("coral-usb").unwrap();
    (chip.array.tile_rows, chip.array.tile_columns) = (1, 1);
    (chip.array.lanes_per_tile, chip.array.lane_group, chip.array.dot_depth) = (8, 4, 2);
    let costs = &mut chip.cycles;
    (costs.per_multiply_step, costs.per_weight_fill) = (1.0, 1.0);
    costs.per_exposed_output_word = 1.0;
    let mut chunked = 0;
    for (h, w) in [(1, 2), (2, 3), (4, 4)] {
        for inputs in 1..40 {
            for outputs in (2..25).step_by(2) {
                let output = Shape::new(1, h, w, outputs);
                let input = Shape { c: inputs, ..output };
                let kind = LayerKind::Convolution { taps: 1, input_channels: inputs, groups: 1 };
                let layer = Layer {
                    kind,
                    window: None,
                    input,
                    output,
                    input_bytes: input.elements() as u64,
                    output_bytes: output.elements() as u64,
                    macs: (output.elements() * inputs) as u64,
                    per_channel_scales: false,
                };
                let mapping = Mapping::new(&layer, &chip.array);
                let (a, b) = (matrix(h * w, inputs, 3), matrix(inputs, outputs, 4));
                let (result, counts) = run_tile(&a, &b, mapping.loop_order, &chip);
                let cycles = layer_cycles(&layer, &mapping, 0, &chip);
                assert_eq!(result, product(&a, &b), "{layer:?}");
                assert_eq!(cycles.multiply, counts.steps as f64, "{layer:?}");
                assert_eq!(cycles.weight_fill, counts.fills as f64, "{layer:?}");
                assert_eq!(cycles.output, counts.exposed_output_words as f64, "{layer:?}");
                chunked += usize::from(mapping.loop_order != LoopOrder::PositionOuter);
            }
        }
    }
    assert!(chunked > 100, "both loop orders occur: {chunked}");
}
