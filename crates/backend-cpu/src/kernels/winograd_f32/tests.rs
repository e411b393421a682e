//! Winograd's convolution against the definition, within its bound.

use pocketvision_core::op::Padding;
use proptest::prelude::*;

use super::*;
use crate::SimdLevel;
use crate::kernels::random::Random;
use crate::kernels::winograd_transform::tests::matrices;
use crate::simd::{AlignedBytes, Split};

/// A convolution without activation in f64, and the magnitude that its error is relative
/// to: for each output pixel and channel.
fn exact(
    window: Window,
    input: Shape,
    output: Shape,
    image: &[f32],
    filters: &[f32],
    bias: &[f32],
) -> (Vec<f64>, Vec<f64>) {
    let padding = window.resolve(input);
    let pixel = |n: usize, y: usize, x: usize, c: usize| {
        let (y, x) = (y.wrapping_sub(padding.top), x.wrapping_sub(padding.left));
        let inside = y < input.h && x < input.w;
        if inside { f64::from(image[((n * input.h + y) * input.w + x) * input.c + c]) } else { 0.0 }
    };
    let tap = |column: usize, y: usize, x: usize, c: usize| {
        f64::from(filters[((column * 3 + y) * 3 + x) * input.c + c])
    };
    let form = Form::of(window).unwrap();
    let (side, points, stride) = (form.side(), form.points(), form.stride());
    let (b, a) = matrices(form);
    // What each tap contributes to each transformed weight, without signs.
    let shares: Vec<Vec<f64>> = (0..9)
        .map(|at| {
            let mut taps = [[0.0; 3]; 3];
            taps[at / 3][at % 3] = 1.0;
            let mut weights = Vec::new();
            form.for_each_weight(taps, |_, _, weight| weights.push(weight.abs()));
            weights
        })
        .collect();
    let (mut sums, mut sizes) = (Vec::new(), Vec::new());
    for n in 0..output.n {
        for y in 0..output.h {
            for x in 0..output.w {
                let (tile_y, tile_x) = (y / OUTPUT * OUTPUT * stride, x / OUTPUT * OUTPUT * stride);
                let mut products = vec![vec![0.0; form.positions()]; output.c];
                for c in 0..input.c {
                    let mut half = vec![vec![0.0; side]; side];
                    let mut patch = vec![vec![0.0; side]; side];
                    for (i, j, k) in cube(side) {
                        half[i][j] += b[i][k].abs() * pixel(n, tile_y + k, tile_x + j, c).abs();
                    }
                    for (i, j, k) in cube(side) {
                        patch[i][j] += half[i][k] * b[j][k].abs();
                    }
                    for column in 0..output.c {
                        for (i, j) in square(side) {
                            let weight: f64 = (0..9)
                                .map(|at| {
                                    shares[at][i * side + j] * tap(column, at / 3, at % 3, c).abs()
                                })
                                .sum();
                            let position = form.slot(i, j).position;
                            products[column][position] += weight * patch[i][j];
                        }
                    }
                }
                for column in 0..output.c {
                    let mut sum = f64::from(bias[column]);
                    for c in 0..input.c {
                        for (i, j) in square(3) {
                            sum +=
                                pixel(n, y * stride + i, x * stride + j, c) * tap(column, i, j, c);
                        }
                    }
                    let mut size = f64::from(bias[column]).abs();
                    for (i, j) in square(points) {
                        size += a[y % OUTPUT][i].abs()
                            * products[column][i * points + j]
                            * a[x % OUTPUT][j].abs();
                    }
                    sums.push(sum);
                    sizes.push(size);
                }
            }
        }
    }
    (sums, sizes)
}

fn square(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size * size).map(move |at| (at / size, at % size))
}

fn cube(size: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    square(size).flat_map(move |(i, j)| (0..size).map(move |k| (i, j, k)))
}

fn run(kernel: &WinogradF32, split: Split, parts: usize, image: &[f32], output: Shape) -> Vec<f32> {
    let mut result = vec![99f32; output.elements()];
    let mut scratch = AlignedBytes::zeroed(kernel.scratch_bytes());
    // Scratch memory may hold anything.
    scratch.bytes_mut().fill(0xff);
    Inputs::with(&[bytemuck::cast_slice(image)], |inputs| {
        for part in 0..parts {
            let bytes = bytemuck::cast_slice_mut(&mut result);
            let mut tile = Tile::part_of(bytes, &split, split.part(part, parts));
            kernel.run(inputs, &mut tile, scratch.bytes_mut());
        }
    });
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn every_level_is_within_rounding_of_the_definition(
        (stride, n, h, w) in (1usize..3, 1usize..3, 1usize..20, 1usize..20),
        (channels, columns) in (1usize..36, 1usize..70),
        (top, bottom, left, right) in (0usize..3, 1usize..3, 0usize..3, 1usize..3),
        activation in prop_oneof![
            Just(None), Just(Some(ActivationKind::Relu6)), Just(Some(ActivationKind::HardSwish)),
            Just(Some(ActivationKind::Sigmoid)),
        ],
        (parts, block_tiles, seed) in (1usize..5, 1usize..20, any::<u64>()),
    ) {
        let padding = Padding::Explicit { top, bottom, left, right };
        let window = Window::square(3, stride, padding);
        let input = Shape::new(n, h, w, channels);
        let Ok((oh, ow)) = window.output(input) else { return Ok(()) };
        let output = Shape::new(n, oh, ow, columns);
        let mut random = Random::new(seed);
        let image = random.numbers(input.elements());
        let filters = random.numbers(columns * 9 * channels);
        let bias = random.numbers(columns);
        let (sums, sizes) = exact(window, input, output, &image, &filters, &bias);

        for level in SimdLevel::available() {
            let simd = Simd::new(level).unwrap();
            let form = Form::of(window).unwrap();
            let shapes = (window, input, output);
            let mut kernel = WinogradF32::new(simd, form, shapes, &filters, &bias, activation);
            kernel.block_tiles = block_tiles.min(kernel.tiles.count());
            let (pixels, row_bytes) = (n * oh * ow, columns * 4);
            let whole = run(&kernel, Split::rows(pixels, row_bytes, 1), 1, &image, output);
            for ((&x, sum), size) in whole.iter().zip(&sums).zip(&sizes) {
                let exact = activation.map_or(*sum as f32, |kind| kind.apply(*sum as f32));
                // Slopes are at most 1.5, and activations round a few times.
                let terms = (form.most_numbers() * channels + 20) as f64;
                let roundings = terms + 8.0 * (1.0 + sum.abs()) / size;
                let bound = 1.5 * roundings * f64::from(f32::EPSILON) / 2.0 * size;
                let error = f64::from(x - exact).abs();
                prop_assert!(error <= bound, "{level}: {x} for {exact}: {error} > {bound}");
            }
            // Whoever computes a pixel, whichever other pixels with it.
            let by_pixels = Split::rows(pixels, row_bytes, 1);
            prop_assert_eq!(&whole, &run(&kernel, by_pixels, parts, &image, output));
            let by_columns = Split::columns(pixels, row_bytes, kernel.column_granule() * 4);
            prop_assert_eq!(&whole, &run(&kernel, by_columns, parts, &image, output));
        }
    }
}

/// On numbers of like size, the transforms cost little precision: where a direct sum may
/// be off by as many units as it has terms, this one is off by a few.
#[test]
fn numbers_of_like_size_lose_few_units() {
    for (seed, stride) in [(0, 1), (1, 1), (2, 2), (3, 2)] {
        let input = Shape::new(1, 16 * stride, 16 * stride, 32);
        let output = Shape::new(1, 16, 16, 16);
        let window = Window::square(3, stride, Padding::Same);
        let mut random = Random::new(seed);
        let image = random.numbers(input.elements());
        let filters = random.numbers(16 * 9 * 32);
        let bias = vec![0.0; 16];
        let absolute = |numbers: &[f32]| numbers.iter().map(|x| x.abs()).collect::<Vec<_>>();
        let (sums, _) = exact(window, input, output, &image, &filters, &bias);
        let (sizes, _) =
            exact(window, input, output, &absolute(&image), &absolute(&filters), &bias);
        for level in SimdLevel::available() {
            let simd = Simd::new(level).unwrap();
            let form = Form::of(window).unwrap();
            let shapes = (window, input, output);
            let kernel = WinogradF32::new(simd, form, shapes, &filters, &bias, None);
            let result = run(&kernel, Split::rows(256, 64, 1), 1, &image, output);
            for ((x, sum), size) in result.iter().zip(&sums).zip(&sizes) {
                let units = (f64::from(*x) - sum).abs() / size * f64::from(1u32 << 24);
                assert!(units <= 16.0, "{level}: {units} units of the last place");
            }
        }
    }
}

#[test]
fn convolutions_that_gain_nothing_are_left_alone() {
    let pays = |window: Window, input: Shape, columns: usize| {
        let (h, w) = window.output(input).unwrap();
        WinogradF32::pays(window, input, Shape::new(1, h, w, columns))
    };
    let square = |stride| Window::square(3, stride, Padding::Same);
    let (one, two) = (Some(Form::Stride1), Some(Form::Stride2));
    assert_eq!(pays(square(1), Shape::new(1, 56, 56, 32), 128), one);
    assert_eq!(pays(square(1), Shape::new(1, 28, 28, 48), 192), one);
    assert_eq!(pays(square(2), Shape::new(1, 112, 112, 16), 128), two);
    assert_eq!(pays(square(2), Shape::new(1, 56, 56, 32), 256), two);
    // Another stride or size; few channels, whose transforms cost more than they save; few
    // pixels, so that the larger weights are read for nothing.
    let wide = Window { stride_h: 1, ..square(2) };
    assert_eq!(pays(wide, Shape::new(1, 56, 56, 32), 128), None);
    assert_eq!(pays(square(3), Shape::new(1, 56, 56, 32), 128), None);
    assert_eq!(pays(Window::square(5, 1, Padding::Same), Shape::new(1, 56, 56, 32), 128), None);
    for stride in [1, 2] {
        assert_eq!(pays(square(stride), Shape::new(1, 224, 224, 3), 16), None);
        assert_eq!(pays(square(stride), Shape::new(1, 2 * stride, 2 * stride, 128), 128), None);
    }
}
