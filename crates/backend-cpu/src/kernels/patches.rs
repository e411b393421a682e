//! The patches of an image that a convolution multiplies with its weights.

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::{ResolvedPadding, Window};

/// Copies patches into the rows of a matrix (im2col): row `n, y, x` holds what the window
/// sees at output position `y, x`, tap after tap, the channels of each tap together.
///
/// Works on bytes, for elements of any size. Rows are padded with zeros to `row_bytes`, or, if
/// they are made of runs, each run is padded alike: see [`Self::in_runs`].
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
    /// Pieces of a row that are padded by themselves: 1, or the rows of the kernel.
    runs: usize,
}

/// Neighbouring rows of the matrix, and where they come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// They lie in the image as they are, from this byte on, [`Patches::direct_stride`] apart.
    Direct { start: usize, count: usize },
    /// They have to be gathered.
    Gathered { count: usize },
}

impl Piece {
    /// Number of rows.
    pub(crate) const fn count(&self) -> usize {
        match *self {
            Self::Direct { count, .. } | Self::Gathered { count } => count,
        }
    }
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
            runs: 1,
        }
    }

    /// True for windows whose patches can be read from the image itself, in a run for each row
    /// of the kernel, and are worth it: a wide image, of which few pixels are at an edge.
    pub(crate) fn may_be_read_in_runs(window: Window, output: Shape) -> bool {
        !window.is_pointwise()
            && (window.dilation_h, window.dilation_w) == (1, 1)
            && output.w >= NARROWEST_IN_RUNS
    }

    /// The same patches with a run for each row of the kernel, padded by itself, and read from
    /// the image where the window is inside. All channels must be copied.
    pub(crate) fn in_runs(self) -> Self {
        assert_eq!(self.channels.len(), self.pixel_bytes, "all channels");
        assert!(self.row_bytes.is_multiple_of(self.window.kernel_h), "runs of equal length");
        Self { runs: self.window.kernel_h, ..self }
    }

    /// Runs of a row.
    pub(crate) const fn runs(&self) -> usize {
        self.runs
    }

    /// Bytes between the runs of a row in the image.
    pub(crate) const fn run_stride(&self) -> usize {
        self.input.w * self.pixel_bytes
    }

    /// Bytes between neighbouring rows in the image.
    pub(crate) const fn direct_stride(&self) -> usize {
        self.window.stride_w * self.pixel_bytes
    }

    /// The rows from one on, of one kind, at most so many; `image_bytes` must not be read over.
    pub(crate) fn piece(&self, row: usize, most: usize, image_bytes: usize) -> Piece {
        if self.runs == 1 {
            return Piece::Gathered { count: most };
        }
        let Shape { h, w, .. } = self.output;
        let (n, y, x) = (row / (h * w), row / w % h, row % w);
        let most = most.min(w - x);
        let Window { kernel_h, kernel_w, stride_h, stride_w, .. } = self.window;
        // Output columns whose windows reach over neither side.
        let first = self.padding.left.div_ceil(stride_w);
        let room = (self.input.w + self.padding.left).saturating_sub(kernel_w - 1);
        let end = room.div_ceil(stride_w).min(w);
        let top = (y * stride_h).wrapping_sub(self.padding.top);
        let inside = top < self.input.h && top + kernel_h <= self.input.h;
        if !inside || x >= end || first >= end {
            return Piece::Gathered { count: most };
        }
        if x < first {
            return Piece::Gathered { count: most.min(first - x) };
        }
        let count = most.min(end - x);
        let left = x * stride_w - self.padding.left;
        let start = ((n * self.input.h + top) * self.input.w + left) * self.pixel_bytes;
        let last_run =
            start + (count - 1) * self.direct_stride() + (kernel_h - 1) * self.run_stride();
        if last_run + self.row_bytes / self.runs > image_bytes {
            // The padding of the last run would be beyond the image's end.
            return Piece::Gathered { count };
        }
        Piece::Direct { start, count }
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

        let run_bytes = self.row_bytes / self.runs;
        let mut at = 0;
        for ky in 0..window.kernel_h {
            if self.runs > 1 && ky > 0 {
                row[at..ky * run_bytes].fill(0);
                at = ky * run_bytes;
            }
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

/// With fewer pixels to a line, too many are at an edge.
const NARROWEST_IN_RUNS: usize = 28;

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

        /// What is read in runs from the image is what would have been gathered.
        #[test]
        fn runs_of_the_image_are_the_rows_of_the_matrix(
            (n, h, w, c) in (1usize..3, 1usize..9, 28usize..70, 1usize..9),
            (kernel_h, kernel_w) in (1usize..4, 2usize..6),
            (stride_h, stride_w) in (1usize..3, 1usize..3),
            (top, bottom, left, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            padding_elements in 0usize..5, most in 1usize..40,
        ) {
            let padding = Padding::Explicit { top, bottom, left, right };
            let window = Window {
                kernel_h, kernel_w, stride_h, stride_w, dilation_h: 1, dilation_w: 1, padding,
            };
            let input = Shape::new(n, h, w, c);
            let Ok((oh, ow)) = window.output(input) else { return Ok(()) };
            let output = Shape::new(n, oh, ow, 1);
            if !Patches::may_be_read_in_runs(window, output) { return Ok(()) }
            let image: Vec<u8> = (0..input.elements()).map(|i| (i * 7 % 251) as u8).collect();
            let (run, padded) = (kernel_w * c, kernel_w * c + padding_elements);
            let depth = kernel_h * padded;
            let patches = Patches::new(input, output, window, 0..c, 1, 255, depth).in_runs();
            let rows = n * oh * ow;
            let mut matrix = vec![77; rows * depth + Patches::SLACK_BYTES];
            patches.gather(&image, 0..rows, &mut matrix);

            let mut row = 0;
            while row < rows {
                let piece = patches.piece(row, most.min(rows - row), image.len());
                prop_assert!((1..=most).contains(&piece.count()));
                if let Piece::Direct { start, count } = piece {
                    for (index, ky) in (0..count).flat_map(|i| (0..kernel_h).map(move |ky| (i, ky))) {
                        let at = start + index * patches.direct_stride() + ky * patches.run_stride();
                        let gathered = &matrix[(row + index) * depth + ky * padded..][..padded];
                        prop_assert_eq!(&image[at..at + run], &gathered[..run]);
                        prop_assert!(gathered[run..].iter().all(|&byte| byte == 0));
                        prop_assert!(at + padded <= image.len());
                    }
                }
                row += piece.count();
            }
        }
    }

    #[test]
    fn a_stem_is_read_from_the_image_but_for_its_edge() {
        let (input, output) = (Shape::new(1, 224, 224, 3), Shape::new(1, 112, 112, 16));
        let window = Window::square(3, 2, Padding::Same);
        let patches = Patches::new(input, output, window, 0..3, 1, 0, 36).in_runs();
        let (mut row, mut direct) = (0, 0);
        while row < 112 * 112 {
            let piece = patches.piece(row, 504, input.elements());
            row += piece.count();
            direct += if matches!(piece, Piece::Direct { .. }) { piece.count() } else { 0 };
        }
        assert_eq!(direct, 111 * 111);
    }
}
