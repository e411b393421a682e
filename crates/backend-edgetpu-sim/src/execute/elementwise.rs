//! Sums, products and functions of single numbers.

use pocketvision_core::Shape;
use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

/// A sum made ready: the 256 values that each operand can have at the common scale.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sum {
    rule: QuantizedAdd,
    scaled_a: Box<[i32; 256]>,
    scaled_b: Box<[i32; 256]>,
}

impl Sum {
    pub(super) fn new(rule: QuantizedAdd) -> Self {
        let scaled_a = Box::new(std::array::from_fn(|byte| rule.scaled_a(byte as u8 as i8)));
        let scaled_b = Box::new(std::array::from_fn(|byte| rule.scaled_b(byte as u8 as i8)));
        Self { rule, scaled_a, scaled_b }
    }

    /// Adds two tensors, repeating dimensions of 1.
    pub(super) fn run(&self, a: (&[i8], Shape), b: (&[i8], Shape), output: (&mut [i8], Shape)) {
        let scaled = |table: &[i32; 256], x: i8| table[usize::from(x as u8)];
        broadcast(a, b, output, |a, b| {
            self.rule.sum(scaled(&self.scaled_a, a), scaled(&self.scaled_b, b))
        });
    }
}

/// Multiplies two tensors, repeating dimensions of 1.
pub(super) fn multiply(
    rule: &QuantizedMul,
    a: (&[i8], Shape),
    b: (&[i8], Shape),
    output: (&mut [i8], Shape),
) {
    broadcast(a, b, output, |a, b| rule.apply(a, b));
}

/// Replaces each byte by its entry in a table.
pub(super) fn look_up(table: &[u8; 256], input: &[u8], output: &mut [u8]) {
    output.iter_mut().zip(input).for_each(|(out, &byte)| *out = table[usize::from(byte)]);
}

fn broadcast(
    (a, a_shape): (&[i8], Shape),
    (b, b_shape): (&[i8], Shape),
    (output, shape): (&mut [i8], Shape),
    function: impl Fn(i8, i8) -> i8,
) {
    if a_shape == shape && b_shape == shape {
        output.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = function(a, b));
        return;
    }
    for (index, row) in output.chunks_exact_mut(shape.c).enumerate() {
        let (y, x) = (index / shape.w % shape.h, index % shape.w);
        let a_row = row_start(a_shape, index / shape.pixels(), y, x);
        let b_row = row_start(b_shape, index / shape.pixels(), y, x);
        let step = |shape: Shape| usize::from(shape.c > 1);
        let (a_step, b_step) = (step(a_shape), step(b_shape));
        for (channel, out) in row.iter_mut().enumerate() {
            *out = function(a[a_row + channel * a_step], b[b_row + channel * b_step]);
        }
    }
}

/// Where the channels of a position lie in an operand whose dimensions of 1 are repeated.
const fn row_start(operand: Shape, n: usize, y: usize, x: usize) -> usize {
    let n = if operand.n > 1 { n } else { 0 };
    let y = if operand.h > 1 { y } else { 0 };
    let x = if operand.w > 1 { x } else { 0 };
    ((n * operand.h + y) * operand.w + x) * operand.c
}
