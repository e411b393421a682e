//! Operators that move numbers or change their type, by hand.

use pocketvision_core::op::{
    Axis, Concat, Constant, Dequantize, Normalize, Pad, Quantize, Reshape,
};
use pocketvision_core::{Element, Op, Shape, Tensor, TensorData};

use crate::single::{counting, floats, int8s, run, run_f32, run_i8};

#[test]
fn tensors_are_joined_along_any_dimension() {
    let (a, b) = (counting([1, 2, 2, 1]), floats([1, 2, 2, 1], &[10.0, 20.0, 30.0, 40.0]));
    let join = |axis| run_f32(&[a.clone(), b.clone()], move |_| Op::Concat(Concat::along(axis)));
    assert_eq!(join(Axis::Height), [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(join(Axis::Width), [1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0]);
    assert_eq!(join(Axis::Channels), [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0]);
}

#[test]
fn joined_integers_take_the_outputs_scale() {
    let a = int8s([1, 1, 1, 2], Element::int8(0.5, 0), &[2, -3]);
    let b = int8s([1, 1, 1, 1], Element::int8(0.25, 4), &[8]);
    let concat = |_: &mut _| Op::Concat(Concat::along(Axis::Channels));
    assert_eq!(run_i8(&[a, b], Element::int8(0.25, 4), concat), [8, -2, 8]);
}

#[test]
fn a_border_stands_for_zero() {
    let pad = Pad { top: 1, bottom: 0, left: 0, right: 2 };
    let padded = run_f32(&[counting([1, 1, 2, 1])], |_| Op::Pad(pad));
    assert_eq!(padded, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);

    let image = int8s([2, 1, 1, 2], Element::int8(0.1, -9), &[1, 2, 3, 4]);
    let pad = Pad { top: 0, bottom: 1, left: 1, right: 0 };
    let padded = run(&[image], None, |_| Op::Pad(pad));
    assert_eq!(
        padded.as_i8().unwrap(),
        [-9, -9, 1, 2, -9, -9, -9, -9, -9, -9, 3, 4, -9, -9, -9, -9]
    );
}

#[test]
fn uint8_images_are_padded_with_their_own_zero_point() {
    let image =
        Tensor::new(Shape::vector(1), Element::uint8(0.1, 200), TensorData::U8(vec![3])).unwrap();
    let pad = Pad { top: 0, bottom: 0, left: 1, right: 1 };
    assert_eq!(run(&[image], None, |_| Op::Pad(pad)).as_u8().unwrap(), [200, 3, 200]);
}

#[test]
fn reshaping_keeps_the_order() {
    let shape = Shape::vector(4);
    let output = run(&[counting([1, 2, 2, 1])], None, |_| Op::Reshape(Reshape { shape }));
    assert_eq!(output, counting([1, 1, 1, 4]));
}

#[test]
fn a_constant_is_what_it_was_made_of() {
    let mut builder = pocketvision_core::GraphBuilder::new("constant");
    let input = builder.input("x", counting([1, 1, 1, 2]).ty().clone()).unwrap();
    let value = builder.param("value", floats([1, 1, 1, 2], &[5.0, 7.0]));
    let constant = builder.push("constant", Op::Constant(Constant { value }), &[]).unwrap();
    let add = Op::Add(pocketvision_core::op::Add { activation: None });
    let sum = builder.push("sum", add, &[input, constant]).unwrap();
    let graph = builder.finish(&[sum]).unwrap();
    let value = pocketvision_reference::evaluate(&graph, constant, &[]).unwrap();
    assert_eq!(value.as_f32().unwrap(), [5.0, 7.0]);
    let sum = pocketvision_reference::evaluate(&graph, sum, &[&counting([1, 1, 1, 2]), &value]);
    assert_eq!(sum.unwrap().as_f32().unwrap(), [6.0, 9.0]);
}

#[test]
fn quantizing_rounds_half_away_and_clamps() {
    let input = floats([1, 1, 1, 6], &[0.25, -0.25, 0.7, -0.7, 1e9, -1e9]);
    let quantize = |_: &mut _| Op::Quantize(Quantize);
    let int8 = run_i8(std::slice::from_ref(&input), Element::int8(0.5, 10), quantize);
    assert_eq!(int8, [11, 9, 11, 9, 127, -128]);
    let uint8 = run(&[input], Some(Element::uint8(0.5, 10)), quantize);
    assert_eq!(uint8.as_u8().unwrap(), [11, 9, 11, 9, 255, 0]);
}

#[test]
fn integers_change_scale_and_signedness() {
    let element = Element::uint8(0.5, 100);
    let input =
        Tensor::new(Shape::vector(3), element, TensorData::U8(vec![100, 103, 255])).unwrap();
    let quantize = |_: &mut _| Op::Quantize(Quantize);
    // 0, 1.5 and 77.5 in steps of 1, half away from zero.
    assert_eq!(run_i8(&[input], Element::int8(1.0, -5), quantize), [-5, -3, 73]);
}

#[test]
fn dequantizing_gives_the_real_numbers() {
    let dequantize = |_: &mut _| Op::Dequantize(Dequantize);
    let signed = int8s([1, 1, 1, 3], Element::int8(0.5, -2), &[-128, -2, 127]);
    assert_eq!(run_f32(&[signed], dequantize), [-63.0, 0.0, 64.5]);
    let unsigned = TensorData::U8(vec![0, 128, 255]);
    let unsigned = Tensor::new(Shape::vector(3), Element::uint8(0.5, 128), unsigned).unwrap();
    assert_eq!(run_f32(&[unsigned], dequantize), [-64.0, 0.0, 63.5]);
}

#[test]
fn pixels_are_normalized_by_their_channel() {
    let op = Normalize { mean: [127.5, 10.0, 0.0], std: [127.5, 4.0, 0.5] };
    let pixels = TensorData::U8(vec![0, 10, 1, 255, 255, 255]);
    let pixels = Tensor::new(Shape::new(1, 2, 1, 3), Normalize::PIXELS, pixels).unwrap();
    assert_eq!(run_f32(&[pixels], |_| Op::Normalize(op)), [-1.0, 0.0, 2.0, 1.0, 61.25, 510.0]);
}
