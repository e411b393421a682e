//! Laws that hold for any shape and any numbers.
//!
//! Float cases use small integers, whose sums are exact in any order: equal means equal.

use pocketvision_core::op::{Conv2d, DepthwiseConv2d, Linear, Pad, Padding, Window};
use pocketvision_core::{Element, Op, Quantization, Shape, Tensor, TensorData};
use proptest::prelude::*;

use crate::single::{bias, pointwise, run, run_i8};

/// An image and a window that fits it.
#[derive(Clone, Debug)]
struct Case {
    image: Shape,
    window: Window,
    output: (usize, usize),
    seed: u64,
}

/// Any image and window, channels a multiple of `groups`.
fn cases(groups: usize) -> impl Strategy<Value = Case> {
    let image = (1usize..3, 1usize..8, 1usize..8, 1usize..4);
    let taps = (1usize..4, 1usize..4, 1usize..4, 1usize..4, 1usize..3, 1usize..3);
    let padding = prop_oneof![
        Just(Padding::Same),
        Just(Padding::Valid),
        (0usize..3, 0usize..3, 0usize..3, 0usize..3)
            .prop_map(|(top, bottom, left, right)| Padding::Explicit { top, bottom, left, right }),
    ];
    let parts = (image, taps, padding, any::<u64>());
    parts.prop_filter_map("the window fits", move |(image, taps, padding, seed)| {
        let (n, h, w, c) = image;
        let (kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w) = taps;
        let image = Shape::new(n, h, w, c * groups);
        let window =
            Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, padding };
        let output = window.output(image).ok()?;
        Some(Case { image, window, output, seed })
    })
}

/// Integers from -20 to 20, reproducible.
fn integers(count: usize, seed: u64) -> Vec<i8> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % 41) as i8 - 20
    };
    (0..count).map(|_| next()).collect()
}

fn floats(shape: Shape, seed: u64) -> Tensor {
    let values = integers(shape.elements(), seed).into_iter().map(f32::from).collect();
    Tensor::from_f32(shape, values).unwrap()
}

fn int8s(shape: Shape, element: Element, seed: u64) -> Tensor {
    Tensor::new(shape, element, TensorData::I8(integers(shape.elements(), seed))).unwrap()
}

/// The definition of a convolution, index by index, over numbers that stand for themselves.
fn definition(case: &Case, groups: usize, input: &[i8], weight: &[i8], outputs: usize) -> Vec<i64> {
    let (image, window) = (case.image, case.window);
    let padding = window.resolve(image);
    let (height, width) = case.output;
    let group_inputs = image.c / groups;
    let mut sums = Vec::new();
    for n in 0..image.n {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for o in 0..outputs {
                let group = o / (outputs / groups);
                let mut sum = 0;
                for ky in 0..window.kernel_h {
                    for kx in 0..window.kernel_w {
                        let row = (y * window.stride_h + ky * window.dilation_h) as i64
                            - padding.top as i64;
                        let column = (x * window.stride_w + kx * window.dilation_w) as i64
                            - padding.left as i64;
                        let inside = (0..image.h as i64).contains(&row)
                            && (0..image.w as i64).contains(&column);
                        for c in (0..group_inputs).filter(|_| inside) {
                            let pixel = (n * image.h + row as usize) * image.w + column as usize;
                            let a = input[pixel * image.c + group * group_inputs + c];
                            let tap = (o * window.kernel_h + ky) * window.kernel_w + kx;
                            sum += i64::from(a) * i64::from(weight[tap * group_inputs + c]);
                        }
                    }
                }
                sums.push(sum);
            }
        }
    }
    sums
}

fn conv(window: Window, weight: Tensor, groups: usize) -> impl FnOnce(&mut Builder) -> Op {
    move |builder| {
        let weight = builder.param("weight", weight);
        Op::Conv2d(Conv2d { window, weight, bias: None, groups, activation: None })
    }
}

type Builder = pocketvision_core::GraphBuilder;

fn kernel(case: &Case, outputs: usize, inputs: usize) -> Shape {
    Shape::new(outputs, case.window.kernel_h, case.window.kernel_w, inputs)
}

proptest! {
    #[test]
    fn a_float_convolution_is_its_definition(
        (groups, case) in (1usize..4).prop_flat_map(|g| (Just(g), cases(g))),
        filters in 1usize..4,
    ) {
        let outputs = groups * filters;
        let input = floats(case.image, case.seed);
        let shape = kernel(&case, outputs, case.image.c / groups);
        let weight = floats(shape, case.seed ^ 1);
        let ours = run(&[input], None, conv(case.window, weight, groups));
        let numbers = integers(case.image.elements(), case.seed);
        let weights = integers(shape.elements(), case.seed ^ 1);
        let exact = definition(&case, groups, &numbers, &weights, outputs);
        let exact: Vec<f32> = exact.into_iter().map(|sum| sum as f32).collect();
        prop_assert_eq!(ours.as_f32().unwrap(), exact);
    }

    #[test]
    fn an_integer_convolution_is_within_a_step_of_the_real_one(
        case in cases(1),
        zero_point in -128i32..128,
        weight_zero_point in -10i32..10,
        scales in (0.01f32..0.1, 0.001f32..0.01, 0.05f32..0.5),
    ) {
        let (input_scale, weight_scale, output_scale) = scales;
        let shape = kernel(&case, 3, case.image.c);
        let centered = |tensor: &Tensor, zero: i32| -> Vec<i8> {
            tensor.as_i8().unwrap().iter().map(|&q| (i32::from(q) - zero) as i8).collect()
        };
        // A zero point far from the numbers would not fit the definition's int8.
        let input_zero = zero_point.clamp(-100, 100);
        let input = int8s(case.image, Element::int8(input_scale, input_zero), case.seed);
        let weight = int8s(shape, Element::int8(weight_scale, weight_zero_point), case.seed ^ 1);
        let exact = definition(
            &case, 1, &centered(&input, input_zero), &centered(&weight, weight_zero_point), 3,
        );
        let element = Element::int8(output_scale, zero_point);
        let ours = run_i8(&[input], element, conv(case.window, weight, 1));
        let factor = f64::from(input_scale) * f64::from(weight_scale) / f64::from(output_scale);
        for (ours, sum) in ours.into_iter().zip(exact) {
            let real = (sum as f64 * factor + f64::from(zero_point)).clamp(-128.0, 127.0);
            prop_assert!((f64::from(ours) - real).abs() <= 0.76, "{ours} for {real}");
        }
    }

    #[test]
    fn the_identity_kernel_changes_nothing(case in cases(1), scale in 0.01f32..1.0, zero in -128i32..128) {
        let channels = case.image.c;
        let shape = Shape::new(channels, 1, 1, channels);
        let identity: Vec<i8> =
            (0..channels * channels).map(|i| i8::from(i % (channels + 1) == 0)).collect();
        let input = floats(case.image, case.seed);
        let weight = identity.iter().map(|&w| f32::from(w)).collect();
        let weight = Tensor::from_f32(shape, weight).unwrap();
        prop_assert_eq!(&run(std::slice::from_ref(&input), None, conv(pointwise(), weight, 1)), &input);

        let element = Element::int8(scale, zero);
        let input = int8s(case.image, element.clone(), case.seed);
        let weight = Tensor::new(shape, Element::int8(1.0, 0), TensorData::I8(identity)).unwrap();
        let ours = run(std::slice::from_ref(&input), Some(element), conv(pointwise(), weight, 1));
        prop_assert_eq!(ours, input);
    }

    #[test]
    fn a_depthwise_convolution_is_one_of_as_many_groups_as_channels(
        case in cases(1), filters in 1usize..4, scale in 0.001f32..0.01,
    ) {
        let channels = case.image.c;
        let outputs = channels * filters;
        let taps = case.window.taps();
        let weight = integers(taps * outputs, case.seed ^ 1);
        // From [tap][output] to [output][tap].
        let grouped: Vec<i8> =
            (0..outputs * taps).map(|i| weight[i % taps * outputs + i / taps]).collect();
        let scales = (1..=outputs).map(|i| scale * i as f32).collect();
        let quantization = Quantization::PerChannel { scales };
        let tensor = |shape, values| {
            let data = TensorData::I8(values);
            Tensor::new(shape, Element::Int8(quantization.clone()), data).unwrap()
        };
        let depthwise_weight = tensor(kernel(&case, 1, outputs), weight);
        let grouped_weight = tensor(kernel(&case, outputs, 1), grouped);
        let biases = bias(&integers(outputs, case.seed ^ 2).iter().map(|&b| i32::from(b) * 99).collect::<Vec<_>>());

        let input = [int8s(case.image, Element::int8(0.05, -7), case.seed)];
        let element = Element::int8(0.04, 3);
        let depthwise = run_i8(&input, element.clone(), |builder| {
            let weight = builder.param("weight", depthwise_weight);
            let bias = Some(builder.param("bias", biases.clone()));
            let (window, activation) = (case.window, None);
            Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation })
        });
        let grouped = run_i8(&input, element, |builder| {
            let weight = builder.param("weight", grouped_weight);
            let bias = Some(builder.param("bias", biases));
            let (window, groups, activation) = (case.window, channels, None);
            Op::Conv2d(Conv2d { window, weight, bias, groups, activation })
        });
        prop_assert_eq!(depthwise, grouped);
    }

    #[test]
    fn a_linear_layer_is_a_pointwise_convolution(case in cases(1), outputs in 1usize..5) {
        let shape = Shape::new(outputs, 1, 1, case.image.c);
        let input = [floats(case.image, case.seed)];
        let weight = floats(shape, case.seed ^ 1);
        let linear = run(&input, None, |builder| {
            let weight = builder.param("weight", weight.clone());
            Op::Linear(Linear { weight, bias: None, activation: None })
        });
        prop_assert_eq!(linear, run(&input, None, conv(pointwise(), weight, 1)));

        let input = [int8s(case.image, Element::int8(0.1, 9), case.seed)];
        let weight = int8s(shape, Element::int8(0.02, -3), case.seed ^ 1);
        let element = Element::int8(0.3, 1);
        let linear = run_i8(&input, element.clone(), |builder| {
            let weight = builder.param("weight", weight.clone());
            Op::Linear(Linear { weight, bias: None, activation: None })
        });
        prop_assert_eq!(linear, run_i8(&input, element, conv(pointwise(), weight, 1)));
    }

    #[test]
    fn padding_first_is_padding_while_convolving(case in cases(1)) {
        let padding = case.window.resolve(case.image);
        let pad = Pad {
            top: padding.top,
            bottom: padding.bottom,
            left: padding.left,
            right: padding.right,
        };
        let element = Element::int8(0.1, 17);
        let input = int8s(case.image, element, case.seed);
        let weight = int8s(kernel(&case, 2, case.image.c), Element::int8(0.01, 2), case.seed ^ 1);
        let padded = run(std::slice::from_ref(&input), None, |_| Op::Pad(pad));
        let output = Element::int8(0.2, -4);
        let valid = Window { padding: Padding::Valid, ..case.window };
        prop_assert_eq!(
            run_i8(&[padded], output.clone(), conv(valid, weight.clone(), 1)),
            run_i8(&[input], output, conv(case.window, weight, 1))
        );
    }
}
