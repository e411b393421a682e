//! An airliner above clouds.

use super::brush::{Color, Shape};

pub(super) const BACKGROUND: [Color; 2] = [[92.0, 150.0, 214.0], [186.0, 214.0, 238.0]];

/// Everything in the picture, the farthest first.
#[rustfmt::skip]
pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::ellipse([-0.45, 0.36], [0.4, 0.08], [1.0, 0.0], CLOUD, 0.2),
        Shape::ellipse([0.5, 0.4], [0.35, 0.06], [1.0, 0.0], CLOUD, 0.2),
        Shape::polygon(&[[-0.1, -0.22], [-0.02, -0.22], [0.15, -0.02], [-0.02, -0.02]], FAR_WING),
        Shape::polygon(&[[-0.44, -0.13], [-0.36, -0.13], [-0.3, -0.03], [-0.4, -0.01]], FAR_WING),
        Shape::polygon(&[[-0.44, -0.22], [-0.36, -0.22], [-0.25, -0.04], [-0.42, -0.03]], FIN),
        Shape::ellipse([-0.02, 0.0], [0.44, 0.068], [1.0, 0.0], FUSELAGE, 0.0),
        Shape::polygon(&[[-0.46, -0.035], [-0.2, -0.06], [-0.2, 0.055], [-0.46, -0.005]], FUSELAGE),
        Shape::ellipse([0.36, -0.018], [0.03, 0.018], [1.0, 0.0], COCKPIT, 0.0),
        Shape::polygon(&[[-0.06, 0.03], [0.16, 0.03], [-0.06, 0.3], [-0.16, 0.3]], NEAR_WING),
        Shape::polygon(&[[-0.43, -0.015], [-0.31, -0.015], [-0.4, 0.08], [-0.47, 0.08]], NEAR_WING),
        Shape::ellipse([0.1, 0.13], [0.055, 0.027], [1.0, 0.0], ENGINE, 0.0),
        Shape::ellipse([0.0, 0.22], [0.05, 0.024], [1.0, 0.0], ENGINE, 0.0),
        Shape::ellipse([-0.26, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([-0.212, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([-0.164, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([-0.116, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([-0.068, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([-0.02, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.028, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.076, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.124, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.172, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.22, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::ellipse([0.268, -0.022], [0.01, 0.01], [1.0, 0.0], WINDOW, 0.0),
        Shape::polygon(&[[-0.42, 0.0], [0.4, 0.0], [0.4, 0.012], [-0.42, 0.012]], STRIPE),
    ]
}

const CLOUD: [Color; 2] = [[250.0, 250.0, 252.0], [225.0, 235.0, 245.0]];
const FAR_WING: [Color; 2] = [[196.0, 202.0, 210.0], [120.0, 130.0, 146.0]];
const FIN: [Color; 2] = [[214.0, 60.0, 52.0], [140.0, 26.0, 34.0]];
const FUSELAGE: [Color; 2] = [[245.0, 247.0, 250.0], [176.0, 184.0, 196.0]];
const COCKPIT: [Color; 2] = [[50.0, 70.0, 100.0], [30.0, 44.0, 70.0]];
const NEAR_WING: [Color; 2] = [[245.0, 247.0, 250.0], [120.0, 130.0, 146.0]];
const ENGINE: [Color; 2] = [[150.0, 158.0, 170.0], [80.0, 88.0, 102.0]];
const WINDOW: [Color; 2] = [[60.0, 80.0, 110.0], [40.0, 58.0, 86.0]];
const STRIPE: [Color; 2] = [[214.0, 60.0, 52.0], [170.0, 40.0, 40.0]];
