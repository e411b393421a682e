//! The input of a convolution as the tiles read it.

use std::ops::Range;

use pocketvision_core::op::{ResolvedPadding, Window};
use pocketvision_core::{CompileError, Shape};

/// Where everything lies in an input image that has been given its border, whole words of
/// channels, and numbers whose zero is 0.
///
/// With the border in place, no tap of any window has to ask whether it is inside, and a
/// padded position or channel adds nothing to a sum.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Image {
    input: Shape,
    padding: ResolvedPadding,
    window: Window,
    /// Columns, border included.
    width: usize,
    /// Channels of the input that the image holds.
    channels: usize,
    /// Times that each channel is repeated.
    repeats: usize,
    /// Channels of one pixel, those repeated and padded included.
    pixel: usize,
    zero_point: i32,
}

impl Image {
    /// An image of `channels` channels of the input, each repeated `repeats` times and the
    /// whole padded to a multiple of `multiple`.
    pub(super) fn new(
        input: Shape,
        window: Window,
        channels: usize,
        repeats: usize,
        multiple: usize,
        zero_point: i32,
    ) -> Self {
        let padding = window.resolve(input);
        let width = input.w + padding.left + padding.right;
        let pixel = (channels * repeats).next_multiple_of(multiple);
        Self { input, padding, window, width, channels, repeats, pixel, zero_point }
    }

    /// Numbers that [`Self::fill`] needs room for.
    pub(super) const fn length(&self) -> usize {
        let height = self.input.h + self.padding.top + self.padding.bottom;
        height.saturating_mul(self.width).saturating_mul(self.pixel)
    }

    /// Refuses an image that is absurdly large for its input: a file may ask for any border.
    pub(super) fn check(&self, node: &str) -> Result<(), CompileError> {
        if self.length() <= Shape::MAX_ELEMENTS {
            return Ok(());
        }
        let bytes = |length: usize| (length as u64).saturating_mul(size_of::<i16>() as u64);
        Err(CompileError::TooLarge {
            backend: crate::NAME,
            node: node.to_owned(),
            needed_bytes: bytes(self.length()),
            limit_bytes: bytes(Shape::MAX_ELEMENTS),
        })
    }

    /// Numbers of one pixel.
    pub(super) const fn pixel(&self) -> usize {
        self.pixel
    }

    /// Writes the image of the channels from `first_channel` on. `image` has
    /// [`Self::length`] numbers.
    pub(super) fn fill(&self, input: &[i8], first_channel: usize, image: &mut [i16]) {
        image.fill(0);
        let zero_point = self.zero_point as i16;
        let (columns, channels) = (self.input.w, self.input.c);
        let taken: Range<usize> = first_channel..first_channel + self.channels;
        for (y, row) in input.chunks_exact(columns * channels).enumerate() {
            let start = ((y + self.padding.top) * self.width + self.padding.left) * self.pixel;
            let to = image[start..][..columns * self.pixel].chunks_exact_mut(self.pixel);
            for (to, pixel) in to.zip(row.chunks_exact(channels)) {
                let pixel = &pixel[taken.clone()];
                if self.repeats == 1 {
                    to.iter_mut().zip(pixel).for_each(|(to, &x)| *to = i16::from(x) - zero_point);
                } else {
                    let repeated = pixel.iter().flat_map(|x| std::iter::repeat_n(x, self.repeats));
                    to.iter_mut()
                        .zip(repeated)
                        .for_each(|(to, &x)| *to = i16::from(x) - zero_point);
                }
            }
        }
    }

    /// Where the window of an output position starts.
    pub(super) const fn start(&self, y: usize, x: usize) -> usize {
        (y * self.window.stride_h * self.width + x * self.window.stride_w) * self.pixel
    }

    /// Where each tap lies from the start of its window, row by row.
    pub(super) fn taps(&self) -> Vec<usize> {
        let window = self.window;
        let rows = (0..window.kernel_h).map(|row| row * window.dilation_h * self.width);
        let offset = |(row, column)| (row + column * window.dilation_w) * self.pixel;
        rows.flat_map(|row| (0..window.kernel_w).map(move |column| (row, column)))
            .map(offset)
            .collect()
    }
}
