//! How an output is covered with tiles of `OUTPUT` x `OUTPUT` pixels: 4x4 in f32, 2x2 in int8.

use std::ops::Range;

use bytemuck::Pod;
use pocketvision_core::Shape;
use pocketvision_core::op::ResolvedPadding;

/// The pixels that a tile reads, of some channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch<'a, T> {
    /// Numbers, from the first channel of the first pixel on.
    pub(crate) numbers: &'a [T],
    /// Distance between lines of pixels.
    pub(crate) line_stride: usize,
    /// Distance between pixels of a line.
    pub(crate) pixel_stride: usize,
}

impl<T> Patch<'_, T> {
    /// Panics unless all of so many pixels a side hold so many channels.
    pub(crate) fn check_channels(&self, pixels: usize, channels: usize) {
        let last = (pixels - 1) * (self.line_stride + self.pixel_stride);
        assert!(self.numbers.len() >= last + channels, "the patch is too small");
    }
}

/// The tiles of an output, from left to right, top to bottom, image after image. They start at
/// multiples of `OUTPUT` of each image, so that a pixel's value does not depend on who computes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WinogradTiles<const OUTPUT: usize> {
    input: Shape,
    output: Shape,
    top: usize,
    left: usize,
    stride: usize,
}

/// Height and width of the pixels under 3x3 taps for so many outputs a side.
pub(crate) const fn side(outputs: usize, stride: usize) -> usize {
    (outputs - 1) * stride + 3
}

/// One tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OutputTile {
    /// Image of the batch.
    n: usize,
    /// The first pixel's line and column.
    y: usize,
    x: usize,
}

/// Where the pixels of a tile are in the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TilePixels<const OUTPUT: usize> {
    /// The first pixel, counted through the whole output.
    first: usize,
    /// Pixels of a line of the output.
    line: usize,
    /// Bit `OUTPUT * line + column` says that the pixel is to be written.
    mask: u16,
}

impl<const OUTPUT: usize> WinogradTiles<OUTPUT> {
    /// The tiles of a convolution of 3x3 taps with these shapes.
    pub(crate) const fn new(
        input: Shape,
        output: Shape,
        padding: ResolvedPadding,
        stride: usize,
    ) -> Self {
        Self { input, output, top: padding.top, left: padding.left, stride }
    }

    /// Height and width of the pixels that a tile reads.
    pub(crate) const fn side(&self) -> usize {
        side(OUTPUT, self.stride)
    }

    /// Number of tiles.
    pub(crate) const fn count(&self) -> usize {
        self.output.n * self.bands() * self.across()
    }

    /// Pixels of the smallest share of an output that wastes nothing: whole bands of tiles.
    pub(crate) const fn granule(&self) -> usize {
        let Shape { n, h, w, .. } = self.output;
        if n == 1 || h.is_multiple_of(OUTPUT) { OUTPUT * w } else { h * w }
    }

    /// The tiles that some pixels are in, and others beside them.
    pub(crate) fn covering(&self, pixels: &Range<usize>) -> Range<usize> {
        let band = |pixel: usize| {
            let line = pixel / self.output.w;
            line / self.output.h * self.bands() + line % self.output.h / OUTPUT
        };
        match pixels.is_empty() {
            true => 0..0,
            false => band(pixels.start) * self.across()..(band(pixels.end - 1) + 1) * self.across(),
        }
    }

    /// One of the tiles.
    pub(crate) const fn tile(&self, index: usize) -> OutputTile {
        let (band, x) = (index / self.across(), index % self.across());
        OutputTile { n: band / self.bands(), y: band % self.bands() * OUTPUT, x: x * OUTPUT }
    }

    /// Those of a tile's pixels that are among `wanted`.
    pub(crate) fn pixels(&self, tile: OutputTile, wanted: &Range<usize>) -> TilePixels<OUTPUT> {
        let Shape { h, w, .. } = self.output;
        let first = (tile.n * h + tile.y) * w + tile.x;
        let mut pixels = TilePixels { first, line: w, mask: 0 };
        for bit in 0..OUTPUT * OUTPUT {
            let inside = tile.y + bit / OUTPUT < h && tile.x + bit % OUTPUT < w;
            if inside && wanted.contains(&pixels.pixel(bit)) {
                pixels.mask |= 1 << bit;
            }
        }
        pixels
    }

    /// What a tile reads: a part of the image, or if the tile touches its border or channels
    /// are to be padded, a copy with `border` around it in `room`, which holds so many channels
    /// for each pixel.
    pub(crate) fn patch<'a, T: Pod>(
        &self,
        tile: OutputTile,
        image: &'a [T],
        border: T,
        padded_channels: usize,
        room: &'a mut [T],
    ) -> Patch<'a, T> {
        let Shape { h, w, c, .. } = self.input;
        let side = self.side();
        let (first_y, first_x) = (tile.y * self.stride, tile.x * self.stride);
        // Plus padding, so that they are never negative.
        let inside =
            |at: usize, before: usize, size: usize| at >= before && at + side <= size + before;
        let start = |y: usize, x: usize| ((tile.n * h + y) * w + x) * c;
        if c == padded_channels && inside(first_y, self.top, h) && inside(first_x, self.left, w) {
            let numbers = &image[start(first_y - self.top, first_x - self.left)..];
            return Patch { numbers, line_stride: w * c, pixel_stride: c };
        }
        for (bit, pixel) in room.chunks_exact_mut(padded_channels).take(side * side).enumerate() {
            let y = (first_y + bit / side).wrapping_sub(self.top);
            let x = (first_x + bit % side).wrapping_sub(self.left);
            if y < h && x < w {
                let (channels, rest) = pixel.split_at_mut(c);
                channels.copy_from_slice(&image[start(y, x)..][..c]);
                rest.fill(border);
            } else {
                pixel.fill(border);
            }
        }
        let line_stride = side * padded_channels;
        Patch { numbers: room, line_stride, pixel_stride: padded_channels }
    }

    /// Tiles above each other in an image.
    const fn bands(&self) -> usize {
        self.output.h.div_ceil(OUTPUT)
    }

    /// Tiles beside each other.
    const fn across(&self) -> usize {
        self.output.w.div_ceil(OUTPUT)
    }
}

impl<const OUTPUT: usize> TilePixels<OUTPUT> {
    /// A pixel of the tile, counted through the whole output.
    pub(crate) const fn pixel(&self, bit: usize) -> usize {
        self.first + bit / OUTPUT * self.line + bit % OUTPUT
    }

    /// Whether a pixel is to be written.
    pub(crate) const fn is_wanted(&self, bit: usize) -> bool {
        self.mask >> bit & 1 == 1
    }

    /// From the first to the last pixel that is to be written, counted through the whole
    /// output; nothing if there is none.
    pub(crate) const fn wanted(&self) -> Option<(usize, usize)> {
        if self.mask == 0 {
            return None;
        }
        let last = (u16::BITS - 1 - self.mask.leading_zeros()) as usize;
        Some((self.pixel(self.mask.trailing_zeros() as usize), self.pixel(last)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_tiles_of_some_pixels_hold_each_of_them_once(
            (n, h, w) in (1usize..4, 1usize..11, 1usize..11), start in 0usize..200, length in 0usize..200,
        ) {
            let shape = Shape::new(n, h, w, 1);
            let padding = ResolvedPadding { top: 1, bottom: 1, left: 1, right: 1 };
            let tiles = WinogradTiles::<4>::new(shape, shape, padding, 1);
            let start = start.min(n * h * w);
            let wanted = start..(start + length).min(n * h * w);
            let mut written = vec![0; n * h * w];
            for index in tiles.covering(&wanted) {
                let pixels = tiles.pixels(tiles.tile(index), &wanted);
                let bits = (0..16).filter(|&bit| pixels.is_wanted(bit));
                let found: Vec<usize> = bits.map(|bit| pixels.pixel(bit)).collect();
                let ends = found.first().map(|&first| (first, *found.last().unwrap()));
                prop_assert_eq!(ends, pixels.wanted());
                found.into_iter().for_each(|pixel| written[pixel] += 1);
            }
            for (pixel, count) in written.into_iter().enumerate() {
                prop_assert_eq!(count, usize::from(wanted.contains(&pixel)));
            }
        }
    }
}
