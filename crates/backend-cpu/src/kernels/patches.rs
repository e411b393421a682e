//! The patches of an image that a convolution multiplies with its weights.

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::{ResolvedPadding, Window};

/// Copies patches into the rows of a matrix (im2col): row `n, y, x` holds what the window
/// sees at output position `y, x`, tap after tap, the channels of each tap together.
///
/// Works on bytes, for elements of any size. Rows are padded with zeros to `row_bytes`.
#[derive(Clone, Debug)]
pub(crate) struct Patches {
    input: Shape,
    output: Shape,
    window: Window,
    padding: ResolvedPadding,
    /// The channels that are copied, and their number in a pixel, in bytes.
    channels: Range<usize>,
    pixel_bytes: usize,
    /// The byte that elements beyond the edge are made of.
    border: u8,
    row_bytes: usize,
}

impl Patches {
    /// Bytes that must follow the last row of the destination: copying is done in blocks.
    pub(crate) const SLACK_BYTES: usize = BLOCK;

    /// The patches of `channels` of an image. `row_elements` is at least taps times channels.
    pub(crate) fn new(
        input: Shape,
        output: Shape,
        window: Window,
        channels: Range<usize>,
        element_bytes: usize,
        border: u8,
        row_elements: usize,
    ) -> Self {
        assert!(row_elements >= window.taps() * channels.len(), "a patch fits its row");
        Self {
            input,
            output,
            window,
            padding: window.resolve(input),
            channels: channels.start * element_bytes..channels.end * element_bytes,
            pixel_bytes: input.c * element_bytes,
            border,
            row_bytes: row_elements * element_bytes,
        }
    }

    /// True if the image itself is the matrix, and nothing need be copied.
    pub(crate) fn is_image(&self) -> bool {
        let no_border = ResolvedPadding { top: 0, bottom: 0, left: 0, right: 0 };
        self.window.is_pointwise()
            && self.padding == no_border
            && self.channels.len() == self.pixel_bytes
            && self.row_bytes == self.pixel_bytes
    }

    /// Bytes of a row of the matrix.
    pub(crate) const fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Writes some rows of the matrix to the start of `matrix`, which must have
    /// [`Self::SLACK_BYTES`] more than they need.
    pub(crate) fn gather(&self, image: &[u8], rows: Range<usize>, matrix: &mut [u8]) {
        let Shape { h, w, .. } = self.output;
        let (mut n, mut y, mut x) = (rows.start / (h * w), rows.start / w % h, rows.start % w);
        for index in 0..rows.len() {
            self.gather_row(image, n, y, x, &mut matrix[index * self.row_bytes..]);
            x += 1;
            if x == w {
                (x, y) = (0, y + 1);
            }
            if y == h {
                (y, n) = (0, n + 1);
            }
        }
    }

    fn gather_row(&self, image: &[u8], n: usize, y: usize, x: usize, row: &mut [u8]) {
        let window = &self.window;
        let tap_bytes = self.channels.len();
        // Input positions plus padding, so that they are never negative.
        let (top, left) = (y * window.stride_h, x * window.stride_w);
        let inside_columns = left >= self.padding.left
            && left + (window.kernel_w - 1) * window.dilation_w < self.input.w + self.padding.left;
        let whole_run = inside_columns && window.dilation_w == 1 && tap_bytes == self.pixel_bytes;

        let mut at = 0;
        for ky in 0..window.kernel_h {
            let iy = (top + ky * window.dilation_h).wrapping_sub(self.padding.top);
            if iy >= self.input.h {
                let run = window.kernel_w * tap_bytes;
                row[at..at + run].fill(self.border);
                at += run;
                continue;
            }
            let line = (n * self.input.h + iy) * self.input.w;
            if whole_run {
                let run = window.kernel_w * tap_bytes;
                let from = (line + left - self.padding.left) * self.pixel_bytes;
                copy(image, from, row, at, run);
                at += run;
                continue;
            }
            for kx in 0..window.kernel_w {
                let ix = (left + kx * window.dilation_w).wrapping_sub(self.padding.left);
                if ix < self.input.w {
                    let from = (line + ix) * self.pixel_bytes + self.channels.start;
                    copy(image, from, row, at, tap_bytes);
                } else {
                    row[at..at + tap_bytes].fill(self.border);
                }
                at += tap_bytes;
            }
        }
        row[at..self.row_bytes].fill(0);
    }
}

/// Copies `length` bytes in blocks; may write up to a block beyond them in `to`.
#[inline(always)]
fn copy(from: &[u8], from_at: usize, to: &mut [u8], to_at: usize, length: usize) {
    let rounded = length.next_multiple_of(BLOCK);
    let blocks = from.get(from_at..from_at + rounded).zip(to.get_mut(to_at..to_at + rounded));
    if let Some((from, to)) = blocks {
        for (to, from) in to.chunks_exact_mut(BLOCK).zip(from.chunks_exact(BLOCK)) {
            to.copy_from_slice(from);
        }
    } else {
        to[to_at..to_at + length].copy_from_slice(&from[from_at..from_at + length]);
    }
}

/// Bytes copied at once: a short `memcpy` costs more than the work that waits for it.
const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Padding;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_hold_what_the_window_sees(
            (n, h, w, c) in (1usize..3, 1usize..9, 1usize..9, 1usize..21),
            (kernel_h, kernel_w) in (1usize..4, 1usize..4),
            (stride_h, stride_w) in (1usize..3, 1usize..4),
            (dilation_h, dilation_w) in (1usize..3, 1usize..3),
            (top, left) in (0usize..3, 0usize..3),
            first in 0usize..3, extra in 0usize..5,
        ) {
            let padding = Padding::Explicit { top, bottom: 1, left, right: 2 };
            let window = Window {
                kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, padding,
            };
            let input = Shape::new(n, h, w, c);
            let Ok((oh, ow)) = window.output(input) else { return Ok(()) };
            let output = Shape::new(n, oh, ow, 1);
            let channels = first.min(c - 1)..c;
            let image: Vec<u8> = (0..input.elements()).map(|i| (i * 7 % 251) as u8).collect();
            let depth = window.taps() * channels.len();
            let patches =
                Patches::new(input, output, window, channels.clone(), 1, 255, depth + extra);
            let rows = n * oh * ow;
            let mut matrix = vec![77; rows * patches.row_bytes() + Patches::SLACK_BYTES];
            patches.gather(&image, 0..rows, &mut matrix);

            for row in 0..rows {
                let (b, y, x) = (row / (oh * ow), row / ow % oh, row % ow);
                let mut expected = Vec::new();
                for ky in 0..kernel_h {
                    for kx in 0..kernel_w {
                        let iy = (y * stride_h + ky * dilation_h) as isize - top as isize;
                        let ix = (x * stride_w + kx * dilation_w) as isize - left as isize;
                        for channel in channels.clone() {
                            let inside = (0..h as isize).contains(&iy)
                                && (0..w as isize).contains(&ix);
                            expected.push(if inside {
                                image[((b * h + iy as usize) * w + ix as usize) * c + channel]
                            } else {
                                255
                            });
                        }
                    }
                }
                expected.resize(depth + extra, 0);
                prop_assert_eq!(&matrix[row * patches.row_bytes()..][..depth + extra], expected);
            }
        }
    }
}
