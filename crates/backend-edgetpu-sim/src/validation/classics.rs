//! Larger networks that the Coral project published times for.

use pocketvision_core::op::Padding::{Same, Valid};

use super::builder::Builder;
use crate::Workload;

/// Pools, classifies and finishes.
fn classified(mut b: Builder, x: usize, classes: usize) -> Workload {
    let pooled = b.global_pool(x);
    let scores = b.conv(pooled, 1, classes, 1, Same);
    let output = b.pointwise(scores);
    b.finish(&[output])
}

pub(super) fn inception_v1() -> Workload {
    let (mut b, mut x) = Builder::image(224, 224, 3);
    x = b.conv(x, 7, 64, 2, Same);
    x = b.pool(x, 3, 2, Same);
    x = b.conv(x, 1, 64, 1, Same);
    x = b.conv(x, 3, 192, 1, Same);
    x = b.pool(x, 3, 2, Same);
    // 1x1, 3x3 reduced and full, 5x5 reduced and full, pooled.
    let modules = [
        [64, 96, 128, 16, 32, 32],
        [128, 128, 192, 32, 96, 64],
        [192, 96, 208, 16, 48, 64],
        [160, 112, 224, 24, 64, 64],
        [128, 128, 256, 24, 64, 64],
        [112, 144, 288, 32, 64, 64],
        [256, 160, 320, 32, 128, 128],
        [256, 160, 320, 32, 128, 128],
        [384, 192, 384, 48, 128, 128],
    ];
    for (index, [a, b1, b3, c1, c3, d]) in modules.into_iter().enumerate() {
        if index == 2 {
            x = b.pool(x, 3, 2, Same);
        }
        if index == 7 {
            x = b.pool(x, 2, 2, Same);
        }
        let first = b.conv(x, 1, a, 1, Same);
        let second = b.conv(x, 1, b1, 1, Same);
        let second = b.conv(second, 3, b3, 1, Same);
        let third = b.conv(x, 1, c1, 1, Same);
        let third = b.conv(third, 3, c3, 1, Same);
        let fourth = b.pool(x, 3, 1, Same);
        let fourth = b.conv(fourth, 1, d, 1, Same);
        x = b.concat(&[first, second, third, fourth]);
    }
    classified(b, x, 1001)
}

pub(super) fn inception_v4() -> Workload {
    let (mut b, mut x) = Builder::image(299, 299, 3);
    x = b.conv(x, 3, 32, 2, Valid);
    x = b.conv(x, 3, 32, 1, Valid);
    x = b.conv(x, 3, 64, 1, Same);
    let (pool, conv) = (b.pool(x, 3, 2, Valid), b.conv(x, 3, 96, 2, Valid));
    x = b.concat(&[pool, conv]);
    let short = b.conv(x, 1, 64, 1, Same);
    let short = b.conv(short, 3, 96, 1, Valid);
    let long = chain(&mut b, x, &[((1, 1), 64), ((1, 7), 64), ((7, 1), 64)]);
    let long = b.conv(long, 3, 96, 1, Valid);
    x = b.concat(&[short, long]);
    let (conv, pool) = (b.conv(x, 3, 192, 2, Valid), b.pool(x, 3, 2, Valid));
    x = b.concat(&[conv, pool]);
    for _ in 0..4 {
        let first = b.conv(x, 1, 96, 1, Same);
        let second = chain(&mut b, x, &[((1, 1), 64), ((3, 3), 96)]);
        let third = chain(&mut b, x, &[((1, 1), 64), ((3, 3), 96), ((3, 3), 96)]);
        let fourth = b.pool(x, 3, 1, Same);
        let fourth = b.conv(fourth, 1, 96, 1, Same);
        x = b.concat(&[first, second, third, fourth]);
    }
    let first = b.conv(x, 3, 384, 2, Valid);
    let second = chain(&mut b, x, &[((1, 1), 192), ((3, 3), 224)]);
    let second = b.conv(second, 3, 256, 2, Valid);
    let third = b.pool(x, 3, 2, Valid);
    x = b.concat(&[first, second, third]);
    for _ in 0..7 {
        let first = b.conv(x, 1, 384, 1, Same);
        let second = chain(&mut b, x, &[((1, 1), 192), ((1, 7), 224), ((7, 1), 256)]);
        let third = [((1, 1), 192), ((7, 1), 192), ((1, 7), 224), ((7, 1), 224), ((1, 7), 256)];
        let third = chain(&mut b, x, &third);
        let fourth = b.pool(x, 3, 1, Same);
        let fourth = b.conv(fourth, 1, 128, 1, Same);
        x = b.concat(&[first, second, third, fourth]);
    }
    let first = b.conv(x, 1, 192, 1, Same);
    let first = b.conv(first, 3, 192, 2, Valid);
    let second = chain(&mut b, x, &[((1, 1), 256), ((1, 7), 256), ((7, 1), 320)]);
    let second = b.conv(second, 3, 320, 2, Valid);
    let third = b.pool(x, 3, 2, Valid);
    x = b.concat(&[first, second, third]);
    for _ in 0..3 {
        let first = b.conv(x, 1, 256, 1, Same);
        let second = b.conv(x, 1, 384, 1, Same);
        let third = chain(&mut b, x, &[((1, 1), 384), ((3, 1), 448), ((1, 3), 512)]);
        let mut parts = vec![first];
        for from in [second, third] {
            parts.push(b.conv_of(from, (1, 3), 256));
            parts.push(b.conv_of(from, (3, 1), 256));
        }
        let fourth = b.pool(x, 3, 1, Same);
        parts.push(b.conv(fourth, 1, 256, 1, Same));
        x = b.concat(&parts);
    }
    classified(b, x, 1001)
}

pub(super) fn inception_resnet_v2() -> Workload {
    let (mut b, mut x) = Builder::image(299, 299, 3);
    x = b.conv(x, 3, 32, 2, Valid);
    x = b.conv(x, 3, 32, 1, Valid);
    x = b.conv(x, 3, 64, 1, Same);
    x = b.pool(x, 3, 2, Valid);
    x = b.conv(x, 1, 80, 1, Same);
    x = b.conv(x, 3, 192, 1, Valid);
    x = b.pool(x, 3, 2, Valid);
    let first = b.conv(x, 1, 96, 1, Same);
    let second = chain(&mut b, x, &[((1, 1), 48), ((5, 5), 64)]);
    let third = chain(&mut b, x, &[((1, 1), 64), ((3, 3), 96), ((3, 3), 96)]);
    let fourth = b.pool(x, 3, 1, Same);
    let fourth = b.conv(fourth, 1, 64, 1, Same);
    x = b.concat(&[first, second, third, fourth]);
    for _ in 0..10 {
        let first = b.conv(x, 1, 32, 1, Same);
        let second = chain(&mut b, x, &[((1, 1), 32), ((3, 3), 32)]);
        let third = chain(&mut b, x, &[((1, 1), 32), ((3, 3), 48), ((3, 3), 64)]);
        x = residual(&mut b, x, &[first, second, third]);
    }
    let first = b.conv(x, 3, 384, 2, Valid);
    let second = chain(&mut b, x, &[((1, 1), 256), ((3, 3), 256)]);
    let second = b.conv(second, 3, 384, 2, Valid);
    let third = b.pool(x, 3, 2, Valid);
    x = b.concat(&[first, second, third]);
    for _ in 0..20 {
        let first = b.conv(x, 1, 192, 1, Same);
        let second = chain(&mut b, x, &[((1, 1), 128), ((1, 7), 160), ((7, 1), 192)]);
        x = residual(&mut b, x, &[first, second]);
    }
    let first = b.conv(x, 1, 256, 1, Same);
    let first = b.conv(first, 3, 384, 2, Valid);
    let second = b.conv(x, 1, 256, 1, Same);
    let second = b.conv(second, 3, 288, 2, Valid);
    let third = chain(&mut b, x, &[((1, 1), 256), ((3, 3), 288)]);
    let third = b.conv(third, 3, 320, 2, Valid);
    let fourth = b.pool(x, 3, 2, Valid);
    x = b.concat(&[first, second, third, fourth]);
    for _ in 0..10 {
        let first = b.conv(x, 1, 192, 1, Same);
        let second = chain(&mut b, x, &[((1, 1), 192), ((1, 3), 224), ((3, 1), 256)]);
        x = residual(&mut b, x, &[first, second]);
    }
    x = b.conv(x, 1, 1536, 1, Same);
    classified(b, x, 1001)
}

/// A ResNet of bottlenecks at 299 pixels, with so many in each stage.
pub(super) fn resnet(repeats: &[usize]) -> Workload {
    let (mut b, mut x) = Builder::image(299, 299, 3);
    x = b.conv(x, 7, 64, 2, Same);
    x = b.pool(x, 3, 2, Same);
    for (stage, &count) in repeats.iter().enumerate() {
        let width = 64 << stage;
        for repeat in 0..count {
            let stride = if stage > 0 && repeat == 0 { 2 } else { 1 };
            let shortcut = match repeat {
                0 => b.conv(x, 1, 4 * width, stride, Same),
                _ => x,
            };
            x = b.conv(x, 1, width, 1, Same);
            x = b.conv(x, 3, width, stride, Same);
            x = b.conv(x, 1, 4 * width, 1, Same);
            x = b.add(x, shortcut);
        }
    }
    classified(b, x, 1001)
}

/// VGG with so many convolutions in each stage.
pub(super) fn vgg(repeats: &[usize]) -> Workload {
    let (mut b, mut x) = Builder::image(224, 224, 3);
    for (stage, &count) in repeats.iter().enumerate() {
        for _ in 0..count {
            x = b.conv(x, 3, (64 << stage).min(512), 1, Same);
        }
        x = b.pool(x, 2, 2, Valid);
    }
    for channels in [4096, 4096, 1000] {
        x = b.linear(x, channels);
    }
    let output = b.pointwise(x);
    b.finish(&[output])
}

pub(super) fn squeezenet() -> Workload {
    let (mut b, mut x) = Builder::image(224, 224, 3);
    x = b.conv(x, 3, 64, 2, Valid);
    x = b.pool(x, 3, 2, Valid);
    for (index, squeeze) in [16, 16, 32, 32, 48, 48, 64, 64].into_iter().enumerate() {
        if index == 2 || index == 4 {
            x = b.pool(x, 3, 2, Valid);
        }
        x = b.conv(x, 1, squeeze, 1, Same);
        let (small, large) =
            (b.conv(x, 1, 4 * squeeze, 1, Same), b.conv(x, 3, 4 * squeeze, 1, Same));
        x = b.concat(&[small, large]);
    }
    x = b.conv(x, 1, 1000, 1, Same);
    let pooled = b.global_pool(x);
    let output = b.pointwise(pooled);
    b.finish(&[output])
}

/// Batch normalization before a convolution cannot be folded: it is a product and a sum.
pub(super) fn densenet_121() -> Workload {
    let (mut b, mut x) = Builder::image(224, 224, 3);
    x = b.conv(x, 7, 64, 2, Same);
    x = b.pool(x, 3, 2, Same);
    for (stage, count) in [6, 12, 24, 16].into_iter().enumerate() {
        if stage > 0 {
            x = b.conv(x, 1, b.shape(x).c / 2, 1, Same);
            x = b.pool(x, 2, 2, Valid);
        }
        for _ in 0..count {
            let normalized = b.pointwise(x);
            let normalized = b.pointwise(normalized);
            let new = chain(&mut b, normalized, &[((1, 1), 128), ((3, 3), 32)]);
            x = b.concat(&[x, new]);
        }
    }
    classified(b, x, 1000)
}

/// Convolutions one after another: windows and channels.
fn chain(b: &mut Builder, from: usize, layers: &[((usize, usize), usize)]) -> usize {
    layers.iter().fold(from, |x, &(kernel, channels)| b.conv_of(x, kernel, channels))
}

/// Branches beside each other, mixed back to as many channels as came in and added to them.
fn residual(b: &mut Builder, from: usize, branches: &[usize]) -> usize {
    let mixed = b.concat(branches);
    let projected = b.conv(mixed, 1, b.shape(from).c, 1, Same);
    b.add(from, projected)
}
