//! The patches of an image that a convolution multiplies with its weights.
//!
//! They are copied into the rows of a matrix, or, where that is possible, read from a band of
//! the image: some of its lines, copied with their border, so that every patch is a run of each
//! line under the kernel.

use std::ops::Range;

use bytemuck::Pod;
use pocketvision_core::Shape;
use pocketvision_core::op::{ResolvedPadding, Window};

use super::rows::Rows;

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
    /// How they are read from bands of the image, if they are.
    band: Option<Band>,
}

/// Some lines of the image with their border.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Band {
    /// Lines of the output that are computed of one band.
    lines: usize,
    /// Bytes of a line of the image.
    line_bytes: usize,
    /// Bytes that are read of each line for one position.
    run_bytes: usize,
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
            band: None,
        }
    }

    /// True for windows whose patches can be read from a band, in a run for each row of the
    /// kernel.
    pub(crate) fn may_be_read_in_bands(window: Window, output: Shape) -> bool {
        !window.is_pointwise()
            && (window.dilation_h, window.dilation_w) == (1, 1)
            && output.w >= NARROWEST_IN_BANDS
    }

    /// The same patches, read from bands. Each row of the matrix is a run for each row of the
    /// kernel, padded by itself. All channels must be read.
    pub(crate) fn in_bands(self) -> Self {
        let Window { kernel_h, kernel_w, stride_h, stride_w, .. } = self.window;
        assert_eq!(self.channels.len(), self.pixel_bytes, "all channels");
        assert!(self.row_bytes.is_multiple_of(kernel_h), "runs of equal length");
        let line_bytes = ((self.output.w - 1) * stride_w + kernel_w) * self.pixel_bytes;
        let fit = (BAND_BYTES / line_bytes).saturating_sub(kernel_h) / stride_h + 1;
        let lines = fit.max(FEWEST_LINES).min(self.output.h);
        let run_bytes = self.row_bytes / kernel_h;
        Self { band: Some(Band { lines, line_bytes, run_bytes }), ..self }
    }

    /// Rows of the matrix that are made at once, if the patches are read from bands: those of
    /// some lines of the output.
    pub(crate) fn band_rows(&self) -> Option<usize> {
        self.band.map(|band| band.lines * self.output.w)
    }

    /// Bytes of a band.
    pub(crate) fn band_bytes(&self) -> usize {
        self.band.map_or(0, |band| self.lines_under(band.lines) * band.line_bytes + band.run_bytes)
    }

    /// Lines of the image under so many of the output.
    const fn lines_under(&self, lines: usize) -> usize {
        (lines - 1) * self.window.stride_h + self.window.kernel_h
    }

    /// Copies a band for the rows from one on, at most so many, and as many as there are in a
    /// band; returns these rows. Both numbers are multiples of the output's width.
    pub(crate) fn rows_of_band<'a, T: Pod>(
        &self,
        image: &[u8],
        first: usize,
        most: usize,
        copy: &'a mut [u8],
    ) -> Rows<'a, T> {
        let band = self.band.expect("patches that are read from bands");
        let Shape { h, w, .. } = self.output;
        let (line, most) = (first / w, most / w);
        let (n, y) = (line / h, line % h);
        let lines = band.lines.min(most).min(h - y);
        let copy = &mut copy[..self.lines_under(lines) * band.line_bytes + band.run_bytes];
        let input_bytes = self.input.w * self.pixel_bytes;
        let left_bytes = self.padding.left * self.pixel_bytes;
        let to = left_bytes.min(band.line_bytes)..band.line_bytes.min(left_bytes + input_bytes);
        for (index, line) in copy.chunks_exact_mut(band.line_bytes).enumerate() {
            let y = (y * self.window.stride_h + index).wrapping_sub(self.padding.top);
            if y < self.input.h {
                let image = &image[(n * self.input.h + y) * input_bytes..][..to.len()];
                line[..to.start].fill(self.border);
                line[to.clone()].copy_from_slice(image);
                line[to.end..].fill(self.border);
            } else {
                line.fill(self.border);
            }
        }
        let elements = |bytes: usize| bytes / size_of::<T>();
        Rows {
            numbers: bytemuck::cast_slice(copy),
            stride: elements(self.window.stride_w * self.pixel_bytes),
            count: lines * w,
            line: w,
            line_stride: elements(self.window.stride_h * band.line_bytes),
            runs: self.window.kernel_h,
            run_stride: elements(band.line_bytes),
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

/// Narrower images make tiles of too few rows.
const NARROWEST_IN_BANDS: usize = 7;

/// A band of so many bytes stays in the first-level cache beside a panel of weights.
const BAND_BYTES: usize = 24 << 10;

/// With fewer lines, more would be copied again for the next band than are new.
const FEWEST_LINES: usize = 4;

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

        /// What is read in runs from bands is what would have been gathered.
        #[test]
        fn runs_of_bands_are_the_rows_of_the_matrix(
            (n, h, w, c) in (1usize..3, 1usize..30, 7usize..50, 1usize..9),
            (kernel_h, kernel_w) in (1usize..4, 2usize..6),
            (stride_h, stride_w) in (1usize..4, 1usize..4),
            (top, bottom, left, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            padding_elements in 0usize..5, most_lines in 1usize..40,
        ) {
            let padding = Padding::Explicit { top, bottom, left, right };
            let window = Window {
                kernel_h, kernel_w, stride_h, stride_w, dilation_h: 1, dilation_w: 1, padding,
            };
            let input = Shape::new(n, h, w, c);
            let Ok((oh, ow)) = window.output(input) else { return Ok(()) };
            let output = Shape::new(n, oh, ow, 1);
            if !Patches::may_be_read_in_bands(window, output) { return Ok(()) }
            let image: Vec<u8> = (0..input.elements()).map(|i| (i * 7 % 251) as u8).collect();
            let (run, padded) = (kernel_w * c, kernel_w * c + padding_elements);
            let patches = |depth| Patches::new(input, output, window, 0..c, 1, 255, depth);
            let (gathered, bands) = (patches(kernel_h * run), patches(kernel_h * padded).in_bands());
            let rows = n * oh * ow;
            let mut matrix = vec![77; rows * kernel_h * run + Patches::SLACK_BYTES];
            gathered.gather(&image, 0..rows, &mut matrix);

            let mut copy = vec![77; bands.band_bytes()];
            let mut first = 0;
            while first < rows {
                let most = (most_lines * ow).min(rows - first);
                let band: Rows<'_, u8> = bands.rows_of_band(&image, first, most, &mut copy);
                prop_assert!(band.count > 0 && band.count <= most);
                prop_assert!(band.count <= bands.band_rows().unwrap());
                band.check_depth(kernel_h * padded);
                for row in 0..band.count {
                    for ky in 0..kernel_h {
                        let at = band.start(row) + ky * band.run_stride;
                        let expected = &matrix[(first + row) * kernel_h * run + ky * run..][..run];
                        prop_assert_eq!(&band.numbers[at..at + run], expected);
                    }
                }
                first += band.count;
            }
        }
    }
}
