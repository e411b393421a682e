//! How a photo of any shape is laid into a network's input, and the way back.

use pocketvision_core::detection::BoundingBox;

use crate::Crop;

/// How a photo of any shape becomes a picture of the input's shape.
///
/// ```
/// use pocketvision_vision::Fit;
///
/// let shown = |fit: Fit| {
///     let placement = fit.place((600, 300), (300, 300));
///     (placement.source.width, placement.target.height)
/// };
/// assert_eq!(shown(Fit::CentreCrop(1.0)), (300, 300));
/// assert_eq!(shown(Fit::Stretch), (600, 300));
/// assert_eq!(shown(Fit::Letterbox), (600, 150));
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fit {
    /// The square in the middle whose side is this share of the shorter side, above 0 and at
    /// most 1; the rest is not looked at. How classifiers are measured, with 0.875.
    CentreCrop(f32),
    /// All of the photo, its proportions given up. How SSD and DeepLab see photos.
    Stretch,
    /// All of the photo in its proportions, in the middle, between bars of middle grey.
    Letterbox,
}

impl Fit {
    /// Where a photo of this size comes to lie in an input of this size; both are width and
    /// height in pixels, and at least 1.
    pub fn place(self, photo: (usize, usize), input: (usize, usize)) -> Placement {
        let whole = |(width, height)| Crop { x: 0, y: 0, width, height };
        let (source, target) = match self {
            Self::CentreCrop(fraction) => (Crop::centre_square(photo, fraction), whole(input)),
            Self::Stretch => (whole(photo), whole(input)),
            Self::Letterbox => (whole(photo), letterbox(photo, input)),
        };
        Placement { photo, input, source, target }
    }
}

/// The largest rectangle of the photo's proportions in the middle of the input.
fn letterbox(photo: (usize, usize), input: (usize, usize)) -> Crop {
    let ratio = |input: usize, photo: usize| input as f64 / photo as f64;
    let scale = ratio(input.0, photo.0).min(ratio(input.1, photo.1));
    let side = |photo: usize, input: usize| {
        ((photo as f64 * scale).round_ties_even() as usize).clamp(1, input)
    };
    let (width, height) = (side(photo.0, input.0), side(photo.1, input.1));
    Crop { x: (input.0 - width) / 2, y: (input.1 - height) / 2, width, height }
}

/// Which part of a photo fills which part of a network's input. All sizes are width and
/// height in pixels.
///
/// ```
/// use pocketvision_vision::{BoundingBox, Fit};
///
/// let placement = Fit::CentreCrop(1.0).place((600, 300), (224, 224));
/// let all = BoundingBox { top: 0.0, left: 0.0, bottom: 1.0, right: 1.0 };
/// // What the network saw is the middle of the photo.
/// let seen = placement.to_photo(&all);
/// assert_eq!((seen.left, seen.right), (150.0, 450.0));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// Size of the photo.
    pub photo: (usize, usize),
    /// Size of the network's input.
    pub input: (usize, usize),
    /// The part of the photo that the network sees.
    pub source: Crop,
    /// The part of the input that it fills.
    pub target: Crop,
}

impl Placement {
    /// A box in shares of the input's sides, as detectors yield them, in pixels of the photo.
    /// What reaches beyond the photo is cut off.
    pub fn to_photo(&self, shares: &BoundingBox) -> BoundingBox {
        let Self { photo, input, source, target } = self;
        let map = |share: f32,
                   (photo, input): (usize, usize),
                   (target_start, target): (usize, usize),
                   (source_start, source): (usize, usize)| {
            let seen = f64::from(share) * input as f64 - target_start as f64;
            let position = seen * source as f64 / target as f64 + source_start as f64;
            position.clamp(0.0, photo as f64) as f32
        };
        let sides = (photo.0, input.0);
        let x = |share| map(share, sides, (target.x, target.width), (source.x, source.width));
        let sides = (photo.1, input.1);
        let y = |share| map(share, sides, (target.y, target.height), (source.y, source.height));
        BoundingBox {
            top: y(shares.top),
            left: x(shares.left),
            bottom: y(shares.bottom),
            right: x(shares.right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: BoundingBox = BoundingBox { top: 0.0, left: 0.0, bottom: 1.0, right: 1.0 };

    fn bounding_box(left: f32, top: f32, right: f32, bottom: f32) -> BoundingBox {
        BoundingBox { top, left, bottom, right }
    }

    #[test]
    fn the_centre_square_rounds_like_python() {
        let square = |width, height| {
            let Crop { x, y, width, height } =
                Fit::CentreCrop(0.875).place((width, height), (224, 224)).source;
            assert_eq!(width, height);
            (x, y, width)
        };
        assert_eq!(square(500, 375), (86, 23, 328));
        // 0.875 * 4 = 3.5 and 0.875 * 12 = 10.5, halves to even.
        assert_eq!(square(4, 9), (0, 2, 4));
        assert_eq!(square(20, 12), (5, 1, 10));
        assert_eq!(square(1, 1), (0, 0, 1));
        assert_eq!(square(20_000, 1), (9_999, 0, 1));
    }

    #[test]
    fn a_letterbox_keeps_proportions_and_never_vanishes() {
        let target = |photo| Fit::Letterbox.place(photo, (300, 300)).target;
        assert_eq!(target((600, 300)), Crop { x: 0, y: 75, width: 300, height: 150 });
        assert_eq!(target((100, 300)), Crop { x: 100, y: 0, width: 100, height: 300 });
        assert_eq!(target((20_000, 1)), Crop { x: 0, y: 149, width: 300, height: 1 });
        assert_eq!(target((10, 10)), Crop { x: 0, y: 0, width: 300, height: 300 });
    }

    #[test]
    fn boxes_come_back_to_the_photo_they_were_seen_in() {
        let photo = (640, 480);
        let back = |fit: Fit, shares: &BoundingBox| fit.place(photo, (300, 300)).to_photo(shares);
        assert_eq!(back(Fit::Stretch, &ALL), bounding_box(0.0, 0.0, 640.0, 480.0));
        assert_eq!(
            back(Fit::Stretch, &bounding_box(0.25, 0.5, 0.5, 1.0)),
            bounding_box(160.0, 240.0, 320.0, 480.0)
        );
        // 300 x 225 pixels, 37 below the top.
        let seen = bounding_box(0.0, 37.0 / 300.0, 1.0, 262.0 / 300.0);
        let BoundingBox { top, left, bottom, right } = back(Fit::Letterbox, &seen);
        let expected = [0.0, 0.0, 640.0, 480.0];
        for (actual, expected) in [left, top, right, bottom].into_iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-3, "{actual} is not {expected}");
        }
        assert_eq!(back(Fit::Letterbox, &ALL), bounding_box(0.0, 0.0, 640.0, 480.0));
        assert_eq!(
            back(Fit::CentreCrop(1.0), &ALL),
            bounding_box(80.0, 0.0, 560.0, 480.0),
            "the square in the middle"
        );
    }
}
