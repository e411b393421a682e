//! What the sample pictures are painted with: soft-edged shapes, laid over each other.
//!
//! Only additions, multiplications, divisions and square roots are used, which IEEE 754
//! defines to the bit: every machine paints the same pixels.

/// Red, green and blue, 0 to 255.
pub(super) type Color = [f32; 3];

/// A point. Lengths are shares of the picture's shorter side; the origin is the middle, the
/// second coordinate grows downwards.
pub(super) type Point = [f32; 2];

/// Something to lay over what is painted already.
pub(super) struct Shape {
    outline: Outline,
    centre: Point,
    /// Half of its larger side.
    reach: f32,
    /// Colour towards the light, at the upper left, and away from it.
    colors: [Color; 2],
    /// Width of the soft edge, beyond one pixel.
    blur: f32,
}

enum Outline {
    Ellipse {
        /// Half of its length and half of its breadth.
        radii: [f32; 2],
        /// Direction of its length, of length 1.
        along: [f32; 2],
    },
    /// Corners in the order of a clock's hands, relative to the centre; convex.
    Polygon(Vec<Point>),
}

impl Shape {
    /// An ellipse: half of its length and breadth, and the direction of its length.
    pub(super) fn ellipse(
        centre: Point,
        radii: [f32; 2],
        along: [f32; 2],
        colors: [Color; 2],
        blur: f32,
    ) -> Self {
        let length = (along[0] * along[0] + along[1] * along[1]).sqrt();
        let outline = Outline::Ellipse { radii, along: along.map(|part| part / length) };
        Self { outline, centre, reach: radii[0].max(radii[1]), colors, blur }
    }

    /// A convex polygon, its corners in the order of a clock's hands.
    pub(super) fn polygon(corners: &[Point], colors: [Color; 2]) -> Self {
        let range = |axis: usize| {
            let values = corners.iter().map(|corner| corner[axis]);
            values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        };
        let [(left, right), (top, bottom)] = [range(0), range(1)];
        let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
        let corners = corners.iter().map(|c| [c[0] - centre[0], c[1] - centre[1]]).collect();
        let reach = ((right - left) / 2.0).max((bottom - top) / 2.0);
        Self { outline: Outline::Polygon(corners), centre, reach, colors, blur: 0.0 }
    }

    /// The colour of a point once the shape covers it; `pixel` is the length of a pixel.
    pub(super) fn paint_over(&self, below: Color, point: Point, pixel: f32) -> Color {
        let [x, y] = [point[0] - self.centre[0], point[1] - self.centre[1]];
        let cover = (0.5 - self.outline.distance([x, y]) / (pixel + self.blur)).clamp(0.0, 1.0);
        if cover == 0.0 {
            return below;
        }
        let shade = (0.5 + (x * 0.6 + y * 0.8) / self.reach * 0.5).clamp(0.0, 1.0);
        mix(below, mix(self.colors[0], self.colors[1], shade), cover)
    }
}

impl Outline {
    /// Distance of a point to the edge, negative inside; exact where it matters, at the edge.
    fn distance(&self, [x, y]: Point) -> f32 {
        match self {
            Self::Ellipse { radii, along: [cos, sin] } => {
                let [a, b] = [(x * cos + y * sin) / radii[0], (y * cos - x * sin) / radii[1]];
                let from_centre = (a * a + b * b).sqrt();
                // Across the slope at the edge.
                let [across, down] = [a / radii[0], b / radii[1]];
                let slope = (across * across + down * down).sqrt();
                if slope > 0.0 { (from_centre - 1.0) * from_centre / slope } else { -1.0 }
            }
            Self::Polygon(corners) => {
                let next = corners.iter().cycle().skip(1);
                let edges = corners.iter().zip(next).map(|(from, to)| {
                    let [along, down] = [to[0] - from[0], to[1] - from[1]];
                    let length = (along * along + down * down).sqrt();
                    ((x - from[0]) * down - (y - from[1]) * along) / length
                });
                edges.fold(f32::NEG_INFINITY, f32::max)
            }
        }
    }
}

pub(super) fn mix(from: Color, to: Color, share: f32) -> Color {
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share)
}
