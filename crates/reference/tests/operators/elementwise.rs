//! Sums, products, activations and softmax by hand.

use pocketvision_core::op::{Activation, ActivationKind, Add, Mul, Softmax};
use pocketvision_core::{Element, Op};

use crate::single::{counting, floats, int8s, run_f32, run_i8};

#[test]
fn a_product_repeats_dimensions_of_one() {
    let map = counting([1, 2, 2, 2]);
    let by_channel = floats([1, 1, 1, 2], &[10.0, 100.0]);
    let mul = |_: &mut _| Op::Mul(Mul { activation: None });
    let expected = [10.0, 200.0, 30.0, 400.0, 50.0, 600.0, 70.0, 800.0];
    assert_eq!(run_f32(&[map.clone(), by_channel.clone()], mul), expected);
    assert_eq!(run_f32(&[by_channel, map], mul), expected);
    let (column, row) = (counting([1, 2, 1, 1]), floats([1, 1, 3, 1], &[1.0, 10.0, 100.0]));
    assert_eq!(run_f32(&[column, row], mul), [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
}

#[test]
fn batches_are_repeated_too() {
    let add = |_: &mut _| Op::Add(Add { activation: Some(ActivationKind::Relu) });
    let batch = counting([2, 1, 1, 2]);
    assert_eq!(run_f32(&[batch, floats([1, 1, 1, 2], &[-2.0, 10.0])], add), [0.0, 12.0, 1.0, 14.0]);
}

#[test]
fn an_integer_sum_meets_at_a_common_scale() {
    let a = int8s([1, 1, 1, 3], Element::int8(1.0, 0), &[3, -3, 100]);
    let b = int8s([1, 1, 1, 3], Element::int8(0.5, 2), &[6, 6, 102]);
    // 3 + 2, -3 + 2 and 100 + 50, over 1, minus 1.
    let add = |_: &mut _| Op::Add(Add { activation: None });
    assert_eq!(run_i8(&[a.clone(), b.clone()], Element::int8(1.0, -1), add), [4, -2, 127]);
    let clamped = |_: &mut _| Op::Add(Add { activation: Some(ActivationKind::Relu6) });
    assert_eq!(run_i8(&[a, b], Element::int8(1.0, -1), clamped), [4, -1, 5]);
}

#[test]
fn an_integer_product_takes_off_both_zero_points() {
    let a = int8s([1, 1, 1, 2], Element::int8(0.5, 1), &[5, -7]);
    let b = int8s([1, 1, 1, 1], Element::int8(0.25, -2), &[4]);
    // (2, -4) * 1.5 over 0.5, plus 3.
    let mul = |_: &mut _| Op::Mul(Mul { activation: None });
    assert_eq!(run_i8(&[a, b], Element::int8(0.5, 3), mul), [9, -9]);
}

#[test]
fn activations_have_the_values_they_are_defined_by() {
    let values = |kind| {
        let input = floats([1, 1, 1, 5], &[-4.0, -3.0, 0.0, 1.0, 8.0]);
        run_f32(&[input], |_| Op::Activation(Activation { kind }))
    };
    assert_eq!(values(ActivationKind::Relu), [0.0, 0.0, 0.0, 1.0, 8.0]);
    assert_eq!(values(ActivationKind::Relu6), [0.0, 0.0, 0.0, 1.0, 6.0]);
    assert_eq!(values(ActivationKind::HardSwish), [0.0, 0.0, 0.0, 4.0 / 6.0, 8.0]);
    assert_eq!(values(ActivationKind::HardSigmoid), [0.0, 0.0, 0.5, 4.0 / 6.0, 1.0]);
    assert_eq!(values(ActivationKind::Sigmoid)[2], 0.5);
    let [low, .., high] = values(ActivationKind::Sigmoid)[..] else { unreachable!() };
    assert!((f64::from(low) - 1.0 / (1.0 + 4f64.exp())).abs() < 1e-9, "{low}");
    assert!((f64::from(high) - 1.0 / (1.0 + (-8f64).exp())).abs() < 1e-7, "{high}");
}

#[test]
fn an_integer_activation_rescales() {
    let input = int8s([1, 1, 1, 4], Element::int8(0.5, -8), &[-20, -8, -4, 127]);
    let relu6 = |_: &mut _| Op::Activation(Activation { kind: ActivationKind::Relu6 });
    assert_eq!(run_i8(&[input], Element::int8(0.25, 0), relu6), [0, 0, 8, 24]);
}

#[test]
fn softmax_is_taken_over_channels_and_does_not_overflow() {
    let ln3 = 3f32.ln();
    let scores = floats([1, 1, 3, 2], &[0.0, ln3, 1000.0, 1000.0, -1000.0, 0.0]);
    let softmax = |beta| {
        let input = scores.clone();
        run_f32(&[input], move |_| Op::Softmax(Softmax { beta }))
    };
    let close =
        |ours: &[f32], exact: &[f32]| ours.iter().zip(exact).all(|(a, b)| (a - b).abs() <= 1e-7);
    assert!(close(&softmax(1.0), &[0.25, 0.75, 0.5, 0.5, 0.0, 1.0]), "{:?}", softmax(1.0));
    assert!(close(&softmax(2.0), &[0.1, 0.9, 0.5, 0.5, 0.0, 1.0]), "{:?}", softmax(2.0));
}

#[test]
fn integer_probabilities_of_equal_scores_are_equal() {
    let scores = int8s([1, 1, 2, 4], Element::int8(0.1, 0), &[7, 7, 7, 7, 127, -128, -128, -128]);
    let softmax = |_: &mut _| Op::Softmax(Softmax { beta: 1.0 });
    let probabilities = run_i8(&[scores], Element::int8(1.0 / 256.0, -128), softmax);
    assert_eq!(probabilities, [-64, -64, -64, -64, 127, -128, -128, -128]);
}
