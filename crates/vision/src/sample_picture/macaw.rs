//! A scarlet macaw on a branch.

use super::brush::{Color, Shape};

pub(super) const BACKGROUND: [Color; 2] = [SKY, FOREST];

/// Everything in the picture, the farthest first.
pub(super) fn shapes() -> Vec<Shape> {
    let shape = Shape::ellipse;
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
