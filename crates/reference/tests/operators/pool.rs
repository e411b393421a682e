//! Pools by hand.

use pocketvision_core::op::{IntegerRounding, Padding, Pool2d, PoolKind, Window};
use pocketvision_core::{Element, GraphBuilder, Op};

use crate::single::{counting, int8s, run_f32, run_i8};

fn pool(kind: PoolKind, window: Window) -> impl FnOnce(&mut GraphBuilder) -> Op {
    move |_| Op::Pool2d(Pool2d { kind, window, rounding: IntegerRounding::HalfAwayFromZero })
}

fn whole(height: usize, width: usize) -> Window {
    Window { kernel_h: height, kernel_w: width, ..Window::square(1, 1, Padding::Valid) }
}

#[test]
fn an_average_does_not_count_the_border() {
    let window = Window::square(3, 1, Padding::Same);
    let averages = run_f32(&[counting([1, 3, 3, 1])], pool(PoolKind::Average, window));
    assert_eq!(averages, [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0]);
}

#[test]
fn the_largest_may_be_negative_next_to_the_border() {
    let element = Element::int8(0.1, 5);
    let image = int8s([1, 2, 2, 1], element.clone(), &[-9, -8, -7, -100]);
    let window = Window::square(2, 1, Padding::Same);
    assert_eq!(run_i8(&[image], element, pool(PoolKind::Max, window)), [-7, -8, -7, -100]);
}

#[test]
fn channels_are_pooled_apart() {
    let largest = run_f32(&[counting([1, 2, 2, 2])], pool(PoolKind::Max, whole(2, 2)));
    assert_eq!(largest, [7.0, 8.0]);
    let averages = run_f32(&[counting([1, 2, 2, 2])], pool(PoolKind::Mean, whole(2, 2)));
    assert_eq!(averages, [4.0, 5.0]);
}

#[test]
fn halves_round_as_asked() {
    let element = Element::int8(1.0, 0);
    let average = |rounding| {
        // Averages of -1.5, 1.5, -0.5 and 0.5.
        let image = int8s([1, 1, 8, 1], element.clone(), &[-3, 0, 3, 0, -1, 0, 1, 0]);
        let window = Window { kernel_h: 1, stride_h: 1, ..Window::square(2, 2, Padding::Valid) };
        run_i8(&[image], element.clone(), |_| {
            Op::Pool2d(Pool2d { kind: PoolKind::Average, window, rounding })
        })
    };
    assert_eq!(average(IntegerRounding::HalfAwayFromZero), [-2, 2, -1, 1]);
    assert_eq!(average(IntegerRounding::HalfUp), [-1, 2, 0, 1]);
}

#[test]
fn an_integer_mean_takes_the_outputs_scale() {
    // The mean of 0.5, 1, 1.5 and 3 is 1.5, which is 6 steps of 0.25.
    let image = int8s([1, 2, 2, 1], Element::int8(0.5, -1), &[0, 1, 2, 5]);
    let mean = run_i8(&[image], Element::int8(0.25, 10), pool(PoolKind::Mean, whole(2, 2)));
    assert_eq!(mean, [16]);
}
