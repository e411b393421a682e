//! A window sliding over an image: which positions it covers.

use pocketvision_core::Shape;
use pocketvision_core::op::{ResolvedPadding, Window};

/// A window over images of one size, and where it stands for each output pixel.
#[derive(Clone, Copy)]
pub(crate) struct Sliding {
    window: Window,
    padding: ResolvedPadding,
    input: Shape,
    output: Shape,
}

impl Sliding {
    pub(crate) fn new(window: Window, input: Shape, output: Shape) -> Self {
        Self { window, padding: window.resolve(input), input, output }
    }

    /// Taps of the window.
    pub(crate) const fn taps(self) -> usize {
        self.window.taps()
    }

    /// All places where the window stands, in the order of the output's pixels.
    pub(crate) fn places(self) -> impl Iterator<Item = Place> {
        let Shape { n, h, w, .. } = self.output;
        (0..n).flat_map(move |n| {
            (0..h).flat_map(move |y| (0..w).map(move |x| Place { sliding: self, n, y, x }))
        })
    }
}

/// Where the window stands for one output pixel.
pub(crate) struct Place {
    sliding: Sliding,
    n: usize,
    y: usize,
    x: usize,
}

impl Place {
    /// The taps that lie on the image, not on its border: each one's position in the kernel
    /// (row by row) and the input pixel it covers, counted over the whole batch.
    pub(crate) fn taps(&self) -> impl Iterator<Item = (usize, usize)> {
        let Sliding { window, padding, input, .. } = self.sliding;
        let (n, y, x) = (self.n, self.y, self.x);
        (0..window.kernel_h)
            .filter_map(move |ky| {
                let row = y * window.stride_h + ky * window.dilation_h;
                row.checked_sub(padding.top).filter(|&row| row < input.h).map(|row| (ky, row))
            })
            .flat_map(move |(ky, row)| {
                (0..window.kernel_w).filter_map(move |kx| {
                    let column = x * window.stride_w + kx * window.dilation_w;
                    let column = column.checked_sub(padding.left).filter(|&c| c < input.w)?;
                    Some((ky * window.kernel_w + kx, (n * input.h + row) * input.w + column))
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Padding;

    use super::*;

    #[test]
    fn taps_on_the_border_are_left_out() {
        let window = Window::square(3, 2, Padding::Same);
        let sliding = Sliding::new(window, Shape::new(2, 4, 4, 1), Shape::new(2, 2, 2, 1));
        let places: Vec<Place> = sliding.places().collect();
        assert_eq!(places.len(), 8);
        let all = |place: &Place| place.taps().collect::<Vec<_>>();
        // Of a 4x4 image under SAME padding and stride 2, the border is below and to the right.
        assert_eq!(all(&places[0]).len(), 9);
        assert_eq!(all(&places[3]), [(0, 10), (1, 11), (3, 14), (4, 15)]);
        assert_eq!(all(&places[7]), [(0, 26), (1, 27), (3, 30), (4, 31)]);
    }
}
