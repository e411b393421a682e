//! Convolutions and linear layers by hand.

use pocketvision_core::op::{ActivationKind, Conv2d, DepthwiseConv2d, Linear, Padding, Window};
use pocketvision_core::{Element, GraphBuilder, Op, Tensor};

use crate::single::{bias, counting, floats, int8s, pointwise, run_f32, run_i8};

fn conv(window: Window, groups: usize, weight: Tensor) -> impl FnOnce(&mut GraphBuilder) -> Op {
    move |builder| {
        let weight = builder.param("weight", weight);
        Op::Conv2d(Conv2d { window, weight, bias: None, groups, activation: None })
    }
}

#[test]
fn same_padding_surrounds_the_image_with_zeros() {
    let ones = floats([1, 3, 3, 1], &[1.0; 9]);
    let sums =
        run_f32(&[counting([1, 3, 3, 1])], conv(Window::square(3, 1, Padding::Same), 1, ones));
    assert_eq!(sums, [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0]);
}

#[test]
fn stride_two_on_an_even_image_pads_at_the_bottom_right() {
    let ones = floats([1, 3, 3, 1], &[1.0; 9]);
    let sums =
        run_f32(&[counting([1, 4, 4, 1])], conv(Window::square(3, 2, Padding::Same), 1, ones));
    assert_eq!(sums, [54.0, 45.0, 72.0, 54.0]);
}

#[test]
fn dilation_spreads_the_taps() {
    let image = counting([1, 5, 5, 1]);
    let window = Window { dilation_h: 2, dilation_w: 2, ..Window::square(2, 1, Padding::Valid) };
    let sums =
        run_f32(std::slice::from_ref(&image), conv(window, 1, floats([1, 2, 2, 1], &[1.0; 4])));
    // The four taps are 0, 2, 10 and 12 after the first.
    let pixel = |y: usize, x: usize| image.as_f32().unwrap()[y * 5 + x];
    let expected: Vec<f32> =
        (0..9).map(|i| 4.0 * pixel(i / 3, i % 3) + 2.0 + 10.0 + 12.0).collect();
    assert_eq!(sums, expected);
}

#[test]
fn groups_do_not_mix() {
    let weight = floats([2, 1, 1, 2], &[1.0, 10.0, 1.0, 100.0]);
    let sums = run_f32(&[counting([1, 1, 1, 4])], conv(pointwise(), 2, weight));
    assert_eq!(sums, [21.0, 403.0]);
}

#[test]
fn each_image_of_a_batch_is_its_own() {
    let ones = floats([1, 3, 3, 1], &[1.0; 9]);
    let sums =
        run_f32(&[counting([2, 2, 2, 1])], conv(Window::square(3, 1, Padding::Same), 1, ones));
    assert_eq!(sums, [10.0, 10.0, 10.0, 10.0, 26.0, 26.0, 26.0, 26.0]);
}

#[test]
fn bias_and_activation_come_last() {
    let outputs = run_f32(&[counting([1, 1, 1, 2])], |builder| {
        let weight = builder.param("weight", floats([3, 1, 1, 2], &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]));
        let bias = Some(builder.param("bias", floats([1, 1, 1, 3], &[-4.0, -1.0, 1.0])));
        let activation = Some(ActivationKind::Relu6);
        Op::Conv2d(Conv2d { window: pointwise(), weight, bias, groups: 1, activation })
    });
    assert_eq!(outputs, [0.0, 5.0, 6.0]);
}

#[test]
fn float_sums_do_not_lose_small_terms() {
    // In f32, 2^24 + 1 is 2^24: the ones would vanish.
    let input = floats([1, 1, 1, 4], &[16_777_216.0, 1.0, 1.0, -16_777_216.0]);
    let sums = run_f32(&[input], conv(pointwise(), 1, floats([1, 1, 1, 4], &[1.0; 4])));
    assert_eq!(sums, [2.0]);
}

#[test]
fn a_depthwise_multiplier_gives_each_channel_neighbouring_outputs() {
    let outputs = run_f32(&[floats([1, 1, 1, 2], &[3.0, 5.0])], |builder| {
        let weight = builder.param("weight", floats([1, 1, 1, 4], &[1.0, 2.0, 3.0, 4.0]));
        let (window, bias, activation) = (pointwise(), None, None);
        Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation })
    });
    assert_eq!(outputs, [3.0, 6.0, 15.0, 20.0]);
}

#[test]
fn a_linear_layer_is_one_sum_for_each_output_at_each_position() {
    let outputs = run_f32(&[counting([1, 1, 2, 2])], |builder| {
        let weight = builder.param("weight", floats([2, 1, 1, 2], &[1.0, 10.0, -1.0, 1.0]));
        let bias = Some(builder.param("bias", floats([1, 1, 1, 2], &[0.5, 0.0])));
        Op::Linear(Linear { weight, bias, activation: None })
    });
    assert_eq!(outputs, [21.5, 1.0, 43.5, 1.0]);
}

#[test]
fn integer_sums_are_scaled_and_rounded_half_away_from_zero() {
    let input = int8s([1, 1, 1, 2], Element::int8(0.5, 1), &[5, -3]);
    // Both sums are 4 * 3 - 4 * 2 = 4; with the bias 14 and -14, times 0.5 * 0.25 / 0.5.
    let weight = int8s([2, 1, 1, 2], Element::int8(0.25, 0), &[3, 2, 3, 2]);
    let outputs = run_i8(&[input], Element::int8(0.5, -3), |builder| {
        let weight = builder.param("weight", weight);
        let bias = Some(builder.param("bias", bias(&[10, -18])));
        Op::Conv2d(Conv2d { window: pointwise(), weight, bias, groups: 1, activation: None })
    });
    assert_eq!(outputs, [4 - 3, -4 - 3]);
}

#[test]
fn the_border_of_an_integer_image_is_its_zero_point() {
    let image = int8s([1, 3, 3, 1], Element::int8(1.0, 7), &[8; 9]);
    let ones = int8s([1, 3, 3, 1], Element::int8(1.0, 0), &[1; 9]);
    let sums =
        run_i8(&[image], Element::int8(1.0, 0), conv(Window::square(3, 1, Padding::Same), 1, ones));
    assert_eq!(sums, [4, 6, 4, 6, 9, 6, 4, 6, 4]);
}

#[test]
fn weights_may_have_a_zero_point_of_their_own() {
    let input = int8s([1, 1, 1, 3], Element::int8(1.0, 0), &[1, 2, 3]);
    let outputs = run_i8(&[input], Element::int8(1.0, 0), |builder| {
        let weight = int8s([1, 1, 1, 3], Element::int8(1.0, 10), &[11, 12, 8]);
        let weight = builder.param("weight", weight);
        let (window, bias, activation) = (pointwise(), None, None);
        Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation })
    });
    assert_eq!(outputs, [1, 4, -6]);
}

#[test]
fn a_fused_integer_clamp_stops_at_zero_and_six() {
    let input = int8s([1, 1, 1, 1], Element::int8(0.5, 0), &[4]);
    let outputs = run_i8(&[input], Element::int8(0.5, -10), |builder| {
        let weight = int8s([3, 1, 1, 1], Element::int8(1.0, 0), &[-1, 1, 5]);
        let weight = builder.param("weight", weight);
        let activation = Some(ActivationKind::Relu6);
        Op::Conv2d(Conv2d { window: pointwise(), weight, bias: None, groups: 1, activation })
    });
    assert_eq!(outputs, [-10, 4 - 10, 12 - 10]);
}
