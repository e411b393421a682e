//! A tensor in ONNX's own order of dimensions.

use pocketvision_core::{Shape, Tensor};

use crate::network::numbers;

/// A tensor in N, C, H, W.
#[derive(Clone, Debug)]
pub(crate) struct Nchw {
    pub(crate) dims: [usize; 4],
    pub(crate) values: Vec<f32>,
}

impl Nchw {
    pub(crate) fn random(dims: [usize; 4], seed: u64) -> Self {
        Self { dims, values: numbers(dims.iter().product(), seed) }
    }

    pub(crate) fn at(&self, n: usize, c: usize, y: i64, x: i64) -> Option<f32> {
        let [_, channels, h, w] = self.dims;
        let inside = (0..h as i64).contains(&y) && (0..w as i64).contains(&x);
        inside.then(|| self.values[((n * channels + c) * h + y as usize) * w + x as usize])
    }

    pub(crate) fn to_nhwc(&self) -> Tensor {
        let [n, c, h, w] = self.dims;
        let mut values = Vec::new();
        for image in 0..n {
            for y in 0..h as i64 {
                for x in 0..w as i64 {
                    values.extend((0..c).map(|channel| self.at(image, channel, y, x).unwrap()));
                }
            }
        }
        Tensor::from_f32(Shape::new(n, h, w, c), values).unwrap()
    }

    pub(crate) fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self { dims: self.dims, values: self.values.iter().map(|&x| f(x)).collect() }
    }
}

#[track_caller]
pub(crate) fn assert_close(actual: &Tensor, expected: &Nchw) {
    let expected = expected.to_nhwc();
    assert_eq!(actual.shape(), expected.shape());
    for (a, e) in actual.to_f32().iter().zip(expected.to_f32()) {
        assert!((a - e).abs() <= 1e-5 * e.abs().max(1.0), "{a} is not {e}");
    }
}
