//! A picture of our own, for when there is no photo at hand.
//!
//! A scarlet macaw on a branch, painted back to front from soft-edged ellipses. Only
//! additions, multiplications, divisions and square roots are used, which IEEE 754 defines
//! to the bit: every machine paints the same pixels.

use crate::Image;

/// A painted macaw, in any size and shape from 1x1; a wide or high picture shows more of
/// the forest. The same pixels on every machine.
///
/// Cost: about a microsecond a pixel.
///
/// # Panics
/// If a side is zero or there are more than [`Image::MAX_PIXELS`].
pub fn sample_picture(width: usize, height: usize) -> Image {
    let count = width.saturating_mul(height);
    assert!(
        (1..=Image::MAX_PIXELS).contains(&count),
        "a picture of {width}x{height} is empty or too large"
    );
    let side = width.min(height) as f32;
    let shapes = macaw_on_a_branch();
    let mut pixels = Vec::with_capacity(count * 3);
    for row in 0..height {
        for column in 0..width {
            let point = [
                (column as f32 + 0.5 - width as f32 / 2.0) / side,
                (row as f32 + 0.5 - height as f32 / 2.0) / side,
            ];
            let mut color = mix(SKY, FOREST, (point[1] + 0.5).clamp(0.0, 1.0));
            for shape in &shapes {
                color = shape.paint_over(color, point, 1.0 / side);
            }
            pixels.extend(color.map(|value| (value + 0.5).clamp(0.0, 255.0) as u8));
        }
    }
    Image::new(width, height, pixels).expect("the size was checked")
}

/// An ellipse. Lengths are shares of the picture's shorter side; the origin is the middle,
/// the second coordinate grows downwards.
struct Ellipse {
    centre: [f32; 2],
    /// Half of its length and half of its breadth.
    radii: [f32; 2],
    /// Direction of its length.
    along: [f32; 2],
    /// Colour towards the light, at the upper left, and away from it.
    colors: [Color; 2],
    /// Width of the soft edge, beyond one pixel.
    blur: f32,
}

impl Ellipse {
    fn paint_over(&self, below: Color, point: [f32; 2], pixel: f32) -> Color {
        let [x, y] = [point[0] - self.centre[0], point[1] - self.centre[1]];
        let length = (self.along[0] * self.along[0] + self.along[1] * self.along[1]).sqrt();
        let [cos, sin] = self.along.map(|part| part / length);
        let [a, b] = [(x * cos + y * sin) / self.radii[0], (y * cos - x * sin) / self.radii[1]];
        let from_centre = (a * a + b * b).sqrt();
        // Distance to the edge, exact where it matters: across the slope at the edge.
        let [across, down] = [a / self.radii[0], b / self.radii[1]];
        let slope = (across * across + down * down).sqrt();
        let distance = if slope > 0.0 { (from_centre - 1.0) * from_centre / slope } else { -1.0 };
        let cover = (0.5 - distance / (pixel + self.blur)).clamp(0.0, 1.0);
        if cover == 0.0 {
            return below;
        }
        let reach = self.radii[0].max(self.radii[1]);
        let shade = (0.5 + (x * 0.6 + y * 0.8) / reach * 0.5).clamp(0.0, 1.0);
        mix(below, mix(self.colors[0], self.colors[1], shade), cover)
    }
}

/// Everything in the picture, the farthest first.
fn macaw_on_a_branch() -> Vec<Ellipse> {
    let shape = |centre, radii, along, colors, blur| Ellipse { centre, radii, along, colors, blur };
    let leaf =
        |x, y, length, along, colors| shape([x, y], [length, length * 0.36], along, colors, 0.02);
    let mut shapes = vec![
        // Light between trees, leaves out of focus.
        shape([-0.24, -0.30], [0.30, 0.24], [1.0, 0.0], [SUN, SKY], 0.30),
        shape([0.55, 0.05], [0.40, 0.30], [1.0, 0.2], [LEAF, FOREST], 0.20),
        shape([-0.60, 0.22], [0.42, 0.26], [1.0, -0.2], [LEAF, FOREST], 0.20),
        leaf(0.34, -0.36, 0.20, [1.0, 0.5], [LEAF_LIT, LEAF]),
        leaf(0.46, -0.18, 0.19, [0.8, -0.5], [LEAF, FOREST]),
        leaf(-0.44, -0.02, 0.18, [0.6, 0.7], [LEAF_LIT, LEAF]),
        leaf(-0.38, 0.42, 0.20, [1.0, -0.6], [LEAF_LIT, FOREST]),
        leaf(0.40, 0.40, 0.22, [1.0, 0.3], [LEAF, FOREST]),
        // Tail, behind the branch.
        shape([0.130, 0.345], [0.200, 0.034], [0.30, 1.0], [BLUE, NIGHT], 0.0),
        shape([0.105, 0.335], [0.215, 0.030], [0.26, 1.0], [RED, CRIMSON], 0.0),
        shape([0.082, 0.315], [0.170, 0.024], [0.24, 1.0], [SCARLET, CRIMSON], 0.0),
        // Branch.
        shape([0.05, 0.285], [0.95, 0.036], [1.0, -0.08], [BARK, BARK_DARK], 0.0),
        shape([-0.02, 0.276], [0.70, 0.010], [1.0, -0.08], [BARK_LIT, BARK], 0.015),
        // Body and the far side of the neck.
        shape([0.000, 0.055], [0.245, 0.125], [0.22, 1.0], [SCARLET, CRIMSON], 0.0),
        shape([-0.045, -0.110], [0.150, 0.105], [0.30, 1.0], [SCARLET, RED], 0.01),
        // Wing: blue flight feathers, a yellow band, red shoulder.
        shape([0.082, 0.115], [0.225, 0.076], [0.24, 1.0], [BLUE, NIGHT], 0.0),
    ];
    for feather in 0..4 {
        let step = feather as f32;
        let centre = [0.056 + 0.026 * step, 0.190 + 0.012 * step];
        shapes.push(shape(centre, [0.120, 0.006], [0.22, 1.0], [SKY_BLUE, BLUE], 0.006));
    }
    shapes.extend([
        shape([0.058, 0.035], [0.130, 0.080], [0.24, 1.0], [YELLOW, GREEN], 0.012),
        shape([0.046, -0.020], [0.105, 0.080], [0.24, 1.0], [SCARLET, RED], 0.010),
        // Feet.
        shape([-0.055, 0.272], [0.034, 0.015], [0.3, 1.0], [CLAW_LIT, CLAW], 0.0),
        shape([-0.020, 0.272], [0.034, 0.015], [0.2, 1.0], [CLAW_LIT, CLAW], 0.0),
        // Head, bare face, beak, eye.
        shape([-0.070, -0.225], [0.122, 0.112], [1.0, 0.3], [SCARLET, RED], 0.0),
        shape([-0.142, -0.152], [0.046, 0.034], [0.3, 1.0], [CLAW, BLACK], 0.0),
        shape([-0.122, -0.205], [0.078, 0.060], [0.5, 1.0], [WHITE, CREAM], 0.008),
        shape([-0.186, -0.208], [0.082, 0.046], [-0.50, 1.0], [IVORY, SAND], 0.0),
        shape([-0.212, -0.150], [0.040, 0.018], [-0.10, 1.0], [SAND, BLACK], 0.0),
        shape([-0.112, -0.235], [0.022, 0.021], [1.0, 0.0], [YELLOW, SUN], 0.0),
        shape([-0.112, -0.235], [0.013, 0.013], [1.0, 0.0], [BLACK, BLACK], 0.0),
        shape([-0.117, -0.240], [0.004, 0.004], [1.0, 0.0], [WHITE, WHITE], 0.0),
    ]);
    shapes
}

/// Red, green and blue, 0 to 255.
type Color = [f32; 3];

fn mix(from: Color, to: Color, share: f32) -> Color {
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

const SKY: Color = [168.0, 208.0, 196.0];
const SUN: Color = [250.0, 244.0, 196.0];
const FOREST: Color = [34.0, 84.0, 52.0];
const LEAF: Color = [62.0, 128.0, 62.0];
const LEAF_LIT: Color = [142.0, 190.0, 92.0];
const BARK_LIT: Color = [176.0, 138.0, 98.0];
const BARK: Color = [122.0, 88.0, 60.0];
const BARK_DARK: Color = [62.0, 42.0, 30.0];
const SCARLET: Color = [244.0, 62.0, 38.0];
const RED: Color = [206.0, 28.0, 30.0];
const CRIMSON: Color = [128.0, 10.0, 26.0];
const YELLOW: Color = [255.0, 214.0, 54.0];
const GREEN: Color = [96.0, 156.0, 62.0];
const SKY_BLUE: Color = [76.0, 152.0, 226.0];
const BLUE: Color = [34.0, 98.0, 192.0];
const NIGHT: Color = [16.0, 36.0, 104.0];
const WHITE: Color = [255.0, 253.0, 248.0];
const CREAM: Color = [236.0, 218.0, 200.0];
const IVORY: Color = [250.0, 236.0, 206.0];
const SAND: Color = [190.0, 160.0, 120.0];
const CLAW_LIT: Color = [128.0, 124.0, 124.0];
const CLAW: Color = [62.0, 58.0, 60.0];
const BLACK: Color = [18.0, 16.0, 20.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_can_be_painted() {
        for (width, height) in [(1, 1), (1, 300), (300, 1), (7, 5)] {
            let picture = sample_picture(width, height);
            assert_eq!((picture.width(), picture.height()), (width, height));
        }
    }

    #[test]
    fn the_bird_has_a_red_breast_a_white_face_and_a_blue_wing() {
        let picture = sample_picture(400, 300);
        let at = |x: f32, y: f32| {
            picture.pixel((200.0 + x * 300.0) as usize, (150.0 + y * 300.0) as usize)
        };
        let [r, g, b] = at(-0.06, 0.08);
        assert!(r > 150 && g < 80 && b < 80, "breast");
        assert!(at(-0.12, -0.19).iter().all(|&value| value > 200), "face");
        let [r, _, b] = at(0.12, 0.22);
        assert!(b > 80 && b > 2 * r, "wing");
    }

    #[test]
    fn a_larger_picture_is_the_same_picture() {
        let small = sample_picture(80, 60);
        let reduced = sample_picture(320, 240).resize(80, 60).unwrap();
        let difference: u32 = small
            .pixels()
            .iter()
            .zip(reduced.pixels())
            .map(|(&a, &b)| u32::from(a.abs_diff(b)))
            .sum();
        assert!(difference / (80 * 60 * 3) < 4, "pictures differ by {difference} in all");
    }
}
