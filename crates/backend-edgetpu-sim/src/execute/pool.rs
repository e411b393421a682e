//! Averages, maxima and means over windows.

use std::ops::Range;

use pocketvision_core::op::{Pool2d, PoolKind, ResolvedPadding};
use pocketvision_core::quant::{QuantizedMean, average};
use pocketvision_core::{Graph, Node, Shape};

/// A pool made ready.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pool {
    op: Pool2d,
    padding: ResolvedPadding,
    input: Shape,
    output: Shape,
    /// For [`PoolKind::Mean`] alone.
    mean: Option<QuantizedMean>,
}

impl Pool {
    pub(super) fn new(graph: &Graph, node: &Node, op: &Pool2d) -> Self {
        let input = graph.ty(node.inputs[0]);
        let padding = op.window.resolve(input.shape);
        // A mean's window is the whole image, less what its border covers.
        let count = || {
            let window = op.window;
            let rows =
                covered(0, 1, window.kernel_h, window.dilation_h, padding.top, input.shape.h);
            let columns =
                covered(0, 1, window.kernel_w, window.dilation_w, padding.left, input.shape.w);
            (rows.count() * columns.count()).max(1)
        };
        let mean = (op.kind == PoolKind::Mean)
            .then(|| QuantizedMean::new(&input.element, &node.output.element, count()));
        Self { op: *op, padding, input: input.shape, output: node.output.shape, mean }
    }

    /// Pools. `sums` is scratch memory that is kept between runs.
    pub(super) fn run(&self, input: &[i8], output: &mut [i8], sums: &mut Vec<i32>) {
        let (channels, window) = (self.output.c, self.op.window);
        for (index, out) in output.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (index / self.output.w, index % self.output.w);
            let rows = covered(
                y,
                window.stride_h,
                window.kernel_h,
                window.dilation_h,
                self.padding.top,
                self.input.h,
            );
            let columns = covered(
                x,
                window.stride_w,
                window.kernel_w,
                window.dilation_w,
                self.padding.left,
                self.input.w,
            );
            let start = if self.op.kind == PoolKind::Max { i32::from(i8::MIN) } else { 0 };
            sums.clear();
            sums.resize(channels, start);
            let mut count = 0;
            for row in rows {
                for column in columns.clone() {
                    let pixel = &input[(row * self.input.w + column) * channels..][..channels];
                    let pairs = sums.iter_mut().zip(pixel);
                    match self.op.kind {
                        PoolKind::Max => pairs.for_each(|(m, &x)| *m = (*m).max(i32::from(x))),
                        _ => pairs.for_each(|(sum, &x)| *sum = sum.wrapping_add(i32::from(x))),
                    }
                    count += 1;
                }
            }
            for (out, &sum) in out.iter_mut().zip(sums.iter()) {
                *out = match (&self.mean, self.op.kind) {
                    (Some(mean), _) => mean.apply(sum),
                    (None, PoolKind::Max) => sum as i8,
                    // A window that lies in the border alone has nothing to average.
                    (None, _) => {
                        average(sum, count.max(1), self.op.rounding).clamp(-128, 127) as i8
                    }
                };
            }
        }
    }
}

/// Input rows (or columns) that one window covers, without those in the border.
fn covered(
    position: usize,
    stride: usize,
    kernel: usize,
    dilation: usize,
    before: usize,
    size: usize,
) -> std::iter::StepBy<Range<usize>> {
    let start = position * stride;
    let skipped = before.saturating_sub(start).div_ceil(dilation);
    let first = (start + skipped * dilation).saturating_sub(before);
    let end = (start + (kernel - 1) * dilation + 1).saturating_sub(before).min(size);
    (first..end.max(first)).step_by(dilation)
}
