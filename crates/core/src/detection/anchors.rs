//! The boxes that a single-shot detector starts from.

/// Rules for the anchors of an SSD detector (Liu et al., 2016, section 2.2), as TensorFlow's
/// object detection API generates them.
///
/// Each cell of each feature map has a few boxes around its centre. Sizes grow evenly from the
/// finest map to the coarsest; each map has one box for each aspect ratio, and a square one
/// between its own size and the next map's.
///
/// ```
/// use pocketvision_core::detection::SsdAnchors;
///
/// let grids = [20, 10, 5, 3, 2, 1].map(|side| [side, side]);
/// assert_eq!(SsdAnchors::TENSORFLOW.generate(&grids, [320, 320]).len(), 2034);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SsdAnchors {
    /// Size on the finest map, as a fraction of the image's shorter side.
    pub min_scale: f64,
    /// Size on the coarsest map, likewise.
    pub max_scale: f64,
    /// Width over height of each box.
    pub aspect_ratios: &'static [f64],
    /// Whether the finest map has three boxes alone: a small square, and the second and third
    /// aspect ratio.
    pub reduce_lowest: bool,
}

impl SsdAnchors {
    /// The rules of TensorFlow's SSD and SSDLite detectors, from MobileNetV1 to MobileDet.
    pub const TENSORFLOW: Self = Self {
        min_scale: 0.2,
        max_scale: 0.95,
        aspect_ratios: &[1.0, 2.0, 0.5, 3.0, 0.3333],
        reduce_lowest: true,
    };

    /// Boxes of each cell of a map, counted from the finest.
    pub(crate) const fn per_cell(&self, map: usize) -> usize {
        if map == 0 && self.reduce_lowest { 3 } else { self.aspect_ratios.len() + 1 }
    }

    /// Centre y, centre x, height and width of each anchor, as fractions of the image: map by
    /// map, row by row, column by column, box by box. `grids` are the maps' heights and widths,
    /// `image` is the image's.
    ///
    /// ```
    /// use pocketvision_core::detection::SsdAnchors;
    ///
    /// // One cell: all boxes are in the middle of the image.
    /// let anchors = SsdAnchors::TENSORFLOW.generate(&[[1, 1]], [320, 320]);
    /// assert_eq!(anchors.len(), 3);
    /// assert!(anchors.iter().all(|[y, x, ..]| (*y, *x) == (0.5, 0.5)));
    /// ```
    pub fn generate(&self, grids: &[[usize; 2]], image: [usize; 2]) -> Vec<[f32; 4]> {
        let shorter = image[0].min(image[1]) as f64;
        let [of_height, of_width] = image.map(|side| shorter / side as f64);
        let scale = |map: usize| match grids.len() - 1 {
            _ if map == grids.len() => 1.0,
            0 => self.min_scale,
            last => self.min_scale + (self.max_scale - self.min_scale) * map as f64 / last as f64,
        };
        let mut anchors = Vec::new();
        for (map, &grid) in grids.iter().enumerate() {
            let sizes = self.sizes(map, scale(map), scale(map + 1));
            for row in 0..grid[0] {
                for column in 0..grid[1] {
                    let y = (row as f64 + 0.5) / grid[0] as f64;
                    let x = (column as f64 + 0.5) / grid[1] as f64;
                    let anchor = |&(h, w): &(f64, f64)| {
                        [y, x, h * of_height, w * of_width].map(|number| number as f32)
                    };
                    anchors.extend(sizes.iter().map(anchor));
                }
            }
        }
        anchors
    }

    /// Height and width of the boxes of a map, as fractions of the shorter side.
    fn sizes(&self, map: usize, scale: f64, next_scale: f64) -> Vec<(f64, f64)> {
        let size = |scale: f64, ratio: f64| (scale / ratio.sqrt(), scale * ratio.sqrt());
        if map == 0 && self.reduce_lowest {
            return vec![size(LOWEST_SQUARE, 1.0), size(scale, 2.0), size(scale, 0.5)];
        }
        let between = size((scale * next_scale).sqrt(), 1.0);
        self.aspect_ratios.iter().map(|&ratio| size(scale, ratio)).chain([between]).collect()
    }
}

/// Side of the small square of a reduced map.
const LOWEST_SQUARE: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_have_as_many_anchors_as_published() {
        let count = |sides: [usize; 6]| {
            SsdAnchors::TENSORFLOW.generate(&sides.map(|side| [side, side]), [300, 300]).len()
        };
        // SSDLite at 320 pixels (the compiled MobileDet's output has so many rows), SSD at 300.
        assert_eq!(count([20, 10, 5, 3, 2, 1]), 2034);
        assert_eq!(count([19, 10, 5, 3, 2, 1]), 1917);
    }

    #[test]
    fn sizes_follow_the_aspect_ratio_and_grow() {
        let anchors = SsdAnchors::TENSORFLOW.generate(&[[2, 2], [1, 1]], [64, 64]);
        assert_eq!(anchors.len(), 4 * 3 + 6);
        assert_eq!(anchors[0], [0.25, 0.25, 0.1, 0.1]);
        let [_, _, h, w] = anchors[1];
        assert!((w / h - 2.0).abs() < 1e-6 && (w * h - 0.04).abs() < 1e-6);
        assert_eq!(anchors[3][..2], [0.25, 0.75]);
        let square = anchors[17];
        assert!((square[2] - 0.95f32.sqrt()).abs() < 1e-6, "{square:?}");
    }

    /// `multiple_grid_anchor_generator.py` scales its base anchor so.
    #[test]
    fn squares_are_square_in_pixels() {
        let anchors = SsdAnchors::TENSORFLOW.generate(&[[2, 4], [1, 2]], [100, 200]);
        assert_eq!(anchors.len(), 8 * 3 + 2 * 6);
        assert_eq!(anchors[3], [0.25, 0.375, 0.1, 0.05]);
    }
}
