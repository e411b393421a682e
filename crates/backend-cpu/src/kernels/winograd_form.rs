//! The convolutions of 3x3 taps that Winograd's transforms are written for: with stride 1, and
//! with stride 2.
//!
//! Both cover the output with tiles of 4x4 pixels and evaluate polynomials at a few *points* in
//! either direction. A pair of points is a *position*; the products of a position are a matrix
//! product of their own. With stride 1 each channel of a tile becomes one number at each of 36
//! positions. With stride 2 it becomes up to four at each of 25, which are summed like channels:
//! the numbers of even and odd lines and columns, see [`super::winograd_stride2`].

use pocketvision_core::op::Window;

use super::winograd_tiles::side;
use super::winograd_transform::OUTPUT;
use super::{winograd_stride2, winograd_transform};

/// Which convolution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// F(4x4, 3x3): 36 products in the place of 144.
    Stride1,
    /// Four convolutions of 2x2, 2x1, 1x2 and 1x1 taps: 81 products in the place of 144.
    Stride2,
}

/// Where a transformed number goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    /// The position.
    pub(crate) position: usize,
    /// Which of the position's numbers of a channel it is.
    pub(crate) number: usize,
}

impl Form {
    /// The form of a window, if there is one.
    pub(crate) fn of(window: Window) -> Option<Self> {
        let is_dense = (window.kernel_h, window.kernel_w) == (3, 3)
            && (window.dilation_h, window.dilation_w) == (1, 1);
        match (window.stride_h, window.stride_w) {
            (1, 1) if is_dense => Some(Self::Stride1),
            (2, 2) if is_dense => Some(Self::Stride2),
            _ => None,
        }
    }

    /// Distance between the windows of neighbouring outputs.
    pub(crate) const fn stride(self) -> usize {
        match self {
            Self::Stride1 => 1,
            Self::Stride2 => 2,
        }
    }

    /// Height and width of the pixels that a tile reads, and of the numbers that those of a
    /// channel become.
    pub(crate) const fn side(self) -> usize {
        side(OUTPUT, self.stride())
    }

    /// Products for each pair of input and output channel.
    pub(crate) const fn products(self) -> usize {
        self.side() * self.side()
    }

    /// Points of a direction.
    pub(crate) const fn points(self) -> usize {
        match self {
            Self::Stride1 => winograd_transform::INPUT,
            Self::Stride2 => winograd_stride2::POINTS,
        }
    }

    /// Pairs of points.
    pub(crate) const fn positions(self) -> usize {
        self.points() * self.points()
    }

    /// Numbers of a channel at a position.
    pub(crate) const fn numbers(self, position: usize) -> usize {
        match self {
            Self::Stride1 => 1,
            Self::Stride2 => winograd_stride2::numbers(position),
        }
    }

    /// The most of [`Self::numbers`].
    pub(crate) const fn most_numbers(self) -> usize {
        self.numbers(0)
    }

    /// Where the number in a line and column of the [`Self::side`] squared transformed ones goes.
    pub(crate) const fn slot(self, line: usize, column: usize) -> Slot {
        match self {
            Self::Stride1 => {
                Slot { position: line * winograd_transform::INPUT + column, number: 0 }
            }
            Self::Stride2 => winograd_stride2::slot(line, column),
        }
    }

    /// Calls `visit` with the line, the column and the value of each of the transformed taps of one
    /// pair of channels, in f64; line after line.
    pub(crate) fn for_each_weight(self, taps: [[f64; 3]; 3], visit: impl FnMut(usize, usize, f64)) {
        match self {
            Self::Stride1 => for_each(&winograd_transform::weights(taps), visit),
            Self::Stride2 => for_each(&winograd_stride2::weights(taps), visit),
        }
    }
}

fn for_each<const SIDE: usize>(
    weights: &[[f64; SIDE]; SIDE],
    mut visit: impl FnMut(usize, usize, f64),
) {
    for (i, line) in weights.iter().enumerate() {
        line.iter().enumerate().for_each(|(j, &weight)| visit(i, j, weight));
    }
}
