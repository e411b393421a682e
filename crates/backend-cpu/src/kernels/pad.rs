//! A border around an image.

use pocketvision_core::Shape;
use pocketvision_core::op::Pad;

use super::Kernel;
use crate::simd::{Inputs, Tile};

/// Copies pixels, and writes the border. Works on bytes; a row of the output is a pixel.
#[derive(Debug)]
pub(crate) struct PadKernel {
    input: Shape,
    output: Shape,
    pad: Pad,
    pixel_bytes: usize,
    /// The byte that elements of the border are made of.
    border: u8,
}

impl PadKernel {
    pub(crate) const fn new(
        input: Shape,
        output: Shape,
        pad: Pad,
        element_bytes: usize,
        border: u8,
    ) -> Self {
        Self { input, output, pad, pixel_bytes: input.c * element_bytes, border }
    }
}

impl Kernel for PadKernel {
    fn name(&self) -> String {
        "pad".into()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let image = inputs.bytes(0);
        let columns = tile.columns();
        for row in tile.rows() {
            let (line, x) = (row / self.output.w, row % self.output.w);
            let (n, y) = (line / self.output.h, line % self.output.h);
            // Positions in the border above and to the left wrap to large numbers.
            let (y, x) = (y.wrapping_sub(self.pad.top), x.wrapping_sub(self.pad.left));
            if y < self.input.h && x < self.input.w {
                let pixel = ((n * self.input.h + y) * self.input.w + x) * self.pixel_bytes;
                let bytes = pixel + columns.start..pixel + columns.end;
                tile.row(row).copy_from_slice(&image[bytes]);
            } else {
                tile.row(row).fill(self.border);
            }
        }
    }
}
