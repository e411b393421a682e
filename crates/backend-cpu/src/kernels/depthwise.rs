//! Where the taps of a depthwise convolution are.

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::{ResolvedPadding, Window};

/// The sliding window of a depthwise convolution over one image size.
#[derive(Clone, Debug)]
pub(crate) struct DepthwiseWindow {
    input: Shape,
    output: Shape,
    window: Window,
    padding: ResolvedPadding,
    /// Output columns whose windows reach over neither side.
    inside: Range<usize>,
}

/// Neighbouring output pixels of one row whose windows have the same taps inside the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    /// Where each tap's first channel is for the first pixel, as an index of the input's
    /// elements; [`Span::BORDER`] for taps beyond the edge.
    pub(crate) taps: &'a [usize],
    /// Elements between the same tap of two neighbouring pixels.
    pub(crate) step: usize,
    /// Number of pixels.
    pub(crate) pixels: usize,
}

/// A window without gaps, and what it slides over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowWindow {
    pub(crate) kernel_h: usize,
    pub(crate) kernel_w: usize,
    pub(crate) stride_w: usize,
    /// Columns of padding before the first one of the image.
    pub(crate) left: usize,
    pub(crate) input_width: usize,
    /// Elements of a pixel.
    pub(crate) channels: usize,
}

impl RowWindow {
    /// Which of so many columns, at most 31, are over the image: a bit for each. `first` is the
    /// position of the first one in the padded image.
    #[inline(always)]
    pub(crate) fn columns_in_image(&self, first: usize, columns: usize) -> u32 {
        let before = self.left.saturating_sub(first).min(columns);
        let end = (self.left + self.input_width).saturating_sub(first).min(columns).max(before);
        (1 << end) - (1 << before)
    }
}

/// Neighbouring output pixels of one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// The number of its first pixel in the output.
    pub(crate) first_pixel: usize,
    /// The columns of its pixels.
    pub(crate) columns: Range<usize>,
    /// The rows of the kernel that are over the image.
    pub(crate) kernel_rows: Range<usize>,
    /// The input row under the first of them, as an index of the input's elements.
    pub(crate) input: usize,
}

impl Span<'_> {
    /// A tap beyond the edge.
    pub(crate) const BORDER: usize = usize::MAX;

    /// Panics unless every tap inside the image has `channels` elements of an input.
    pub(crate) fn check(&self, input: usize, channels: usize) {
        let last = self.pixels.saturating_sub(1) * self.step;
        let fits = |&tap: &usize| tap == Self::BORDER || tap + last + channels <= input;
        assert!(self.taps.iter().all(fits), "a tap is outside of the input");
    }
}

/// Several filters for each input channel: the kernels then read a copy of each pixel's taps
/// in which every channel is repeated.
#[derive(Clone, Debug)]
pub(crate) struct RepeatedChannels {
    times: usize,
    channels: usize,
    /// Where the taps are in the copy.
    taps: Vec<usize>,
}

impl RepeatedChannels {
    /// For `times` filters a channel and so many output channels; `None` for one filter.
    pub(crate) fn new(times: usize, channels: usize, taps: usize) -> Option<Self> {
        let taps = (0..taps).map(|tap| tap * channels).collect();
        (times > 1).then_some(Self { times, channels, taps })
    }

    /// Elements of the copy.
    pub(crate) const fn elements(&self) -> usize {
        self.taps.len() * self.channels
    }

    /// Calls `visit` for each pixel of a span, with its number in the span, the copy, and the
    /// pixel as a span of the copy.
    pub(crate) fn for_each_pixel<T: Copy>(
        &self,
        input: &[T],
        span: Span<'_>,
        border: T,
        copy: &mut [T],
        mut visit: impl FnMut(usize, &[T], Span<'_>),
    ) {
        let copy = &mut copy[..self.elements()];
        for pixel in 0..span.pixels {
            for (to, &tap) in copy.chunks_exact_mut(self.channels).zip(span.taps) {
                if tap == Span::BORDER {
                    to.fill(border);
                    continue;
                }
                let from = &input[tap + pixel * span.step..];
                for (to, &from) in to.chunks_exact_mut(self.times).zip(from) {
                    to.fill(from);
                }
            }
            visit(pixel, copy, Span { taps: &self.taps, step: 0, pixels: 1 });
        }
    }
}

impl DepthwiseWindow {
    pub(crate) fn new(input: Shape, output: Shape, window: Window) -> Self {
        let padding = window.resolve(input);
        // x * stride >= left, and the last tap of x is left of the image's right edge.
        let first = padding.left.div_ceil(window.stride_w).min(output.w);
        let room = (input.w + padding.left).checked_sub((window.kernel_w - 1) * window.dilation_w);
        let end = room.map_or(0, |room| room.div_ceil(window.stride_w)).min(output.w);
        Self { input, output, window, padding, inside: first..end.max(first) }
    }

    /// The shape of windows whose taps are neighbours, for kernels that read whole rows.
    pub(crate) fn rows(&self) -> Option<RowWindow> {
        let Window { kernel_h, kernel_w, stride_w, dilation_h, dilation_w, .. } = self.window;
        (dilation_h == 1 && dilation_w == 1).then_some(RowWindow {
            kernel_h,
            kernel_w,
            stride_w,
            left: self.padding.left,
            input_width: self.input.w,
            channels: self.input.c,
        })
    }

    /// Calls `visit` for the lines that together make up some output pixels.
    pub(crate) fn for_each_line(&self, pixels: Range<usize>, mut visit: impl FnMut(Line)) {
        let Shape { h, w, .. } = self.output;
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let (line, x) = (pixel / w, pixel % w);
            let count = (w - x).min(pixels.end - pixel);
            let (n, top) = (line / h, line % h * self.window.stride_h);
            // Kernel rows from the image's first row on, and before its last.
            let first = self.padding.top.saturating_sub(top).min(self.window.kernel_h);
            let room = (self.input.h + self.padding.top).saturating_sub(top);
            let kernel_rows = first..self.window.kernel_h.min(room).max(first);
            let y = (top + first).saturating_sub(self.padding.top).min(self.input.h);
            let input = (n * self.input.h + y) * self.input.w * self.input.c;
            visit(Line { first_pixel: pixel, columns: x..x + count, kernel_rows, input });
            pixel += count;
        }
    }

    /// Taps of the window.
    pub(crate) const fn taps(&self) -> usize {
        self.window.taps()
    }

    /// Bytes of scratch memory for the positions of taps.
    pub(crate) const fn scratch_bytes(&self) -> usize {
        (self.taps() * size_of::<usize>()).next_multiple_of(64)
    }

    /// Calls `visit` for spans that together make up some output pixels, each with the number
    /// of its first pixel. `taps` is scratch memory for [`Self::taps`] positions.
    pub(crate) fn for_each_span(
        &self,
        pixels: Range<usize>,
        taps: &mut [usize],
        mut visit: impl FnMut(usize, Span<'_>),
    ) {
        let taps = &mut taps[..self.taps()];
        let width = self.output.w;
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let (line, x) = (pixel / width, pixel % width);
            let line_end = (width - x).min(pixels.end - pixel);
            let count =
                if self.inside.contains(&x) { line_end.min(self.inside.end - x) } else { 1 };
            self.locate(line / self.output.h, line % self.output.h, x, taps);
            let step = self.window.stride_w * self.input.c;
            visit(pixel, Span { taps, step, pixels: count });
            pixel += count;
        }
    }

    fn locate(&self, n: usize, y: usize, x: usize, taps: &mut [usize]) {
        let Window { kernel_w, stride_h, stride_w, dilation_h, dilation_w, .. } = self.window;
        for (index, tap) in taps.iter_mut().enumerate() {
            let (ky, kx) = (index / kernel_w, index % kernel_w);
            // Positions beyond the top and left wrap to numbers larger than any image.
            let iy = (y * stride_h + ky * dilation_h).wrapping_sub(self.padding.top);
            let ix = (x * stride_w + kx * dilation_w).wrapping_sub(self.padding.left);
            *tap = if iy < self.input.h && ix < self.input.w {
                ((n * self.input.h + iy) * self.input.w + ix) * self.input.c
            } else {
                Span::BORDER
            };
        }
    }
}
