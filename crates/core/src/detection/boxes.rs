//! A box, and how a network codes it.

/// A box by its edges, as fractions of the image: 0 is the top or left, 1 the bottom or right.
///
/// ```
/// use pocketvision_core::detection::BoundingBox;
///
/// let left_half = BoundingBox { top: 0.0, left: 0.0, bottom: 1.0, right: 0.5 };
/// let all = BoundingBox { right: 1.0, ..left_half };
/// assert_eq!(left_half.area(), 0.5);
/// assert_eq!(left_half.intersection_over_union(&all), 0.5);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct BoundingBox {
    /// Upper edge.
    pub top: f32,
    /// Left edge.
    pub left: f32,
    /// Lower edge.
    pub bottom: f32,
    /// Right edge.
    pub right: f32,
}

impl BoundingBox {
    /// Height times width; negative if one of them is.
    pub const fn area(&self) -> f32 {
        (self.bottom - self.top) * (self.right - self.left)
    }

    /// The common area over the area of both together; 0 if one of them has no area.
    pub fn intersection_over_union(&self, other: &Self) -> f32 {
        let (area, other_area) = (self.area(), other.area());
        if area <= 0.0 || other_area <= 0.0 {
            return 0.0;
        }
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let width = self.right.min(other.right) - self.left.max(other.left);
        let common = height.max(0.0) * width.max(0.0);
        common / (area + other_area - common)
    }
}

/// Faster R-CNN's coding of a box relative to an anchor (Ren et al., 2015, section 3.1.2):
/// the distance of the centres in anchor sizes, and the logarithm of the sizes' ratio, each
/// multiplied by a scale.
///
/// ```
/// use pocketvision_core::detection::{BoundingBox, BoxCoder};
///
/// // Centre y and x, height and width.
/// let anchor = [0.5, 0.5, 0.5, 0.25];
/// let itself = BoundingBox { top: 0.25, left: 0.375, bottom: 0.75, right: 0.625 };
/// assert_eq!(BoxCoder::SSD.decode([0.0; 4], anchor), itself);
/// // One anchor height further down.
/// assert_eq!(BoxCoder::SSD.decode([10.0, 0.0, 0.0, 0.0], anchor).top, 0.75);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BoxCoder {
    /// Scale of the vertical distance.
    pub y_scale: f32,
    /// Scale of the horizontal distance.
    pub x_scale: f32,
    /// Scale of the height's logarithm.
    pub h_scale: f32,
    /// Scale of the width's logarithm.
    pub w_scale: f32,
}

impl BoxCoder {
    /// What TensorFlow's SSD detectors are trained with.
    pub const SSD: Self = Self { y_scale: 10.0, x_scale: 10.0, h_scale: 5.0, w_scale: 5.0 };

    /// True if all scales are finite and above 0.
    pub(crate) fn is_valid(&self) -> bool {
        let scales = [self.y_scale, self.x_scale, self.h_scale, self.w_scale];
        scales.iter().all(|scale| scale.is_finite() && *scale > 0.0)
    }

    /// The box of an encoding (y, x, height, width) relative to an anchor (centre y, centre x,
    /// height, width). In f64, rounded where TFLite rounds.
    pub fn decode(&self, encoding: [f32; 4], anchor: [f32; 4]) -> BoundingBox {
        let [y, x, h, w] = encoding.map(f64::from);
        let [anchor_y, anchor_x, anchor_h, anchor_w] = anchor.map(f64::from);
        let center_y = (y / f64::from(self.y_scale) * anchor_h + anchor_y) as f32;
        let center_x = (x / f64::from(self.x_scale) * anchor_w + anchor_x) as f32;
        let half_h = (0.5 * (h / f64::from(self.h_scale)).exp() * anchor_h) as f32;
        let half_w = (0.5 * (w / f64::from(self.w_scale)).exp() * anchor_w) as f32;
        BoundingBox {
            top: center_y - half_h,
            left: center_x - half_w,
            bottom: center_y + half_h,
            right: center_x + half_w,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_decode_to_the_anchor() {
        let decoded = BoxCoder::SSD.decode([0.0; 4], [0.5, 0.25, 0.5, 0.25]);
        let expected = BoundingBox { top: 0.25, left: 0.125, bottom: 0.75, right: 0.375 };
        assert_eq!(decoded, expected);
    }

    #[test]
    fn a_step_moves_by_a_tenth_and_grows_by_the_exponential() {
        let twice = 5.0 * std::f32::consts::LN_2;
        let decoded = BoxCoder::SSD.decode([1.0, -1.0, twice, 0.0], [0.5, 0.5, 0.2, 0.2]);
        let expected = [0.32, 0.38, 0.72, 0.58];
        let edges = [decoded.top, decoded.left, decoded.bottom, decoded.right];
        for (edge, expected) in edges.iter().zip(expected) {
            assert!((edge - expected).abs() < 1e-6, "{decoded:?}");
        }
    }

    #[test]
    fn overlap_is_the_common_share() {
        let unit = BoundingBox { top: 0.0, left: 0.0, bottom: 1.0, right: 1.0 };
        let half = BoundingBox { right: 0.5, ..unit };
        let beside = BoundingBox { left: 2.0, right: 3.0, ..unit };
        let empty = BoundingBox { bottom: 0.0, ..unit };
        assert!((unit.intersection_over_union(&half) - 0.5).abs() < 1e-7);
        assert_eq!(unit.intersection_over_union(&beside), 0.0);
        assert_eq!(unit.intersection_over_union(&empty), 0.0);
    }
}
