//! Operators of detectors and segmentation networks, against the formulas of the ONNX
//! specification in ONNX's own order of dimensions.

#[allow(dead_code, reason = "each test uses a part of it")]
mod network;

use network::{Network, int, ints, numbers, operators, text};
use pocketvision_core::{Element, Shape, Tensor};
use pocketvision_import_onnx::message::{Attribute, data_type};

/// One image of N, C, H, W as N, H, W, C.
fn image([c, h, w]: [usize; 3], values: &[f32]) -> Tensor {
    let pixels = (0..h * w).flat_map(|pixel| (0..c).map(move |c| (c, pixel)));
    let turned = pixels.map(|(c, pixel)| values[c * h * w + pixel]).collect();
    Tensor::from_f32(Shape::new(1, h, w, c), turned).unwrap()
}

#[track_caller]
fn assert_close(actual: &Tensor, expected: &Tensor) {
    assert_eq!(actual.shape(), expected.shape());
    for (a, e) in actual.to_f32().iter().zip(expected.to_f32()) {
        assert!((a - e).abs() <= 1e-5, "{a} is not {e}");
    }
}

/// Where an output lies in the input, by the name of a `coordinate_transformation_mode`.
fn original(mode: &str, x: usize, from: usize, to: usize) -> f64 {
    let (x, scale) = (x as f64, to as f64 / from as f64);
    match mode {
        "half_pixel" => (x + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if to > 1 => (x + 0.5) / scale - 0.5,
        "align_corners" if to > 1 => x * (from - 1) as f64 / (to - 1) as f64,
        "asymmetric" => x / scale,
        _ => 0.0,
    }
}

/// What `Resize` makes of a row, linearly or by a rounding of places.
fn resized(row: &[f32], to: usize, mode: &str, nearest: Option<fn(f64) -> f64>) -> Vec<f32> {
    let last = row.len() as i64 - 1;
    let at = |place: i64| row[place.clamp(0, last) as usize];
    let value = |x| {
        let place = original(mode, x, row.len(), to);
        match nearest {
            Some(round) => at(round(place) as i64),
            None => {
                let share = (place - place.floor()) as f32;
                let lower = place.floor() as i64;
                (1.0 - share) * at(lower) + share * at(lower + 1)
            }
        }
    };
    (0..to).map(value).collect()
}

/// Rows, then columns, of every channel.
fn resized_image(
    [c, h, w]: [usize; 3],
    values: &[f32],
    [to_h, to_w]: [usize; 2],
    mode: &str,
    nearest: Option<fn(f64) -> f64>,
) -> Tensor {
    let mut out = Vec::new();
    for channel in values.chunks(h * w).take(c) {
        let rows: Vec<Vec<f32>> =
            channel.chunks(w).map(|row| resized(row, to_w, mode, nearest)).collect();
        let columns: Vec<Vec<f32>> = (0..to_w)
            .map(|x| {
                let column: Vec<f32> = rows.iter().map(|row| row[x]).collect();
                resized(&column, to_h, mode, nearest)
            })
            .collect();
        out.extend((0..to_h).flat_map(|y| columns.iter().map(move |column| column[y])));
    }
    image([c, to_h, to_w], &out)
}

fn resize(dims: [usize; 3], to: [usize; 2], attributes: &[Attribute]) -> Network {
    let [c, h, w] = dims;
    Network::new(13)
        .input("x", &[1, c, h, w])
        .int64s("sizes", &[1, c as i64, to[0] as i64, to[1] as i64])
        .node("Resize", &["x", "", "", "sizes"], "y", attributes)
        .output("y")
}

const SIZES: [([usize; 3], [usize; 2]); 5] = [
    ([2, 3, 4], [6, 8]),
    ([1, 5, 7], [9, 13]),
    ([3, 8, 6], [4, 3]),
    ([1, 1, 1], [4, 5]),
    ([1, 9, 9], [2, 2]),
];

#[test]
fn pixels_are_interpolated_where_onnx_puts_them() {
    for (dims, to) in SIZES {
        let values = numbers(dims.iter().product(), 3);
        for mode in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"] {
            let attributes = [text("mode", "linear"), text("coordinate_transformation_mode", mode)];
            let ours = resize(dims, to, &attributes).run(image(dims, &values));
            assert_close(&ours, &resized_image(dims, &values, to, mode, None));
        }
    }
}

#[test]
fn the_nearest_pixels_are_onnxs_or_the_network_is_refused() {
    type Rounding = (&'static str, fn(f64) -> f64);
    let roundings: [Rounding; 4] = [
        ("floor", f64::floor),
        ("ceil", f64::ceil),
        ("round_prefer_floor", |x: f64| (x - 0.5).ceil()),
        ("round_prefer_ceil", |x: f64| (x + 0.5).floor()),
    ];
    let mut read = 0;
    for (dims, to) in SIZES {
        let values = numbers(dims.iter().product(), 4);
        for mode in ["half_pixel", "align_corners", "asymmetric"] {
            for (rounding, round) in roundings {
                let attributes =
                    [text("coordinate_transformation_mode", mode), text("nearest_mode", rounding)];
                let network = resize(dims, to, &attributes);
                if let Ok(graph) = network.import() {
                    let ours = network::run(&graph, image(dims, &values));
                    assert_close(&ours, &resized_image(dims, &values, to, mode, Some(round)));
                    read += 1;
                } else {
                    assert!(network.refusal().contains("nearest_mode"), "{}", network.refusal());
                }
            }
        }
    }
    assert!(read >= 30, "{read} of 60");
}

#[test]
fn scales_say_the_size_too() {
    let values = numbers(2 * 3 * 5, 5);
    let by = |scales: &[f32]| {
        Network::new(11)
            .input("x", &[1, 2, 3, 5])
            .floats("roi", &[0], &[])
            .floats("scales", &[scales.len()], scales)
            .node("Resize", &["x", "roi", "scales"], "y", &[text("mode", "linear")])
            .output("y")
    };
    let ours = by(&[1.0, 1.0, 3.0, 1.6]).run(image([2, 3, 5], &values));
    assert_close(&ours, &resized_image([2, 3, 5], &values, [9, 8], "half_pixel", None));
    for scales in [&[1.0, 2.0, 3.0, 3.0][..], &[1.0, 1.0, 1.5, 1.5], &[2.0, 2.0], &[]] {
        assert!(by(scales).refusal().contains("sizes or scales"), "{scales:?}");
    }
}

#[test]
fn other_resizes_are_refused_by_name() {
    let refusal = |attribute| resize([1, 4, 4], [8, 8], &[attribute]).refusal();
    for (attribute, word) in [
        (text("mode", "cubic"), "cubic"),
        (text("coordinate_transformation_mode", "tf_crop_and_resize"), "tf_crop_and_resize"),
        (int("antialias", 1), "antialias"),
        (ints("axes", &[2, 3]), "axes"),
        (text("keep_aspect_ratio_policy", "not_larger"), "not_larger"),
    ] {
        assert!(refusal(attribute).contains(word), "{word}");
    }
}

#[test]
fn transposed_convolutions_add_up_where_kernels_overlap() {
    let (dims, out) = ([3, 4, 5], 2);
    let [c, h, w] = dims;
    let values = numbers(c * h * w, 6);
    for (kernel, stride, pads, more) in [
        ([2, 2], [2, 2], [0, 0, 0, 0], [0, 0]),
        ([3, 3], [2, 2], [1, 1, 1, 1], [1, 1]),
        ([4, 3], [2, 1], [1, 0, 2, 1], [0, 0]),
    ] {
        let weights = numbers(c * out * kernel[0] * kernel[1], 7);
        let bias = numbers(out, 8);
        let size = |axis: usize, input: usize| {
            (input - 1) * stride[axis] + kernel[axis] + more[axis] - pads[axis] - pads[axis + 2]
        };
        let (to_h, to_w) = (size(0, h), size(1, w));
        let mut expected: Vec<f32> =
            (0..out * to_h * to_w).map(|index| bias[index / (to_h * to_w)]).collect();
        for (index, value) in values.iter().enumerate() {
            let (channel, y, x) = (index / (h * w), index / w % h, index % w);
            for (tap, weight) in weights.iter().enumerate() {
                let (of, tap) = (tap / (kernel[0] * kernel[1]), tap % (kernel[0] * kernel[1]));
                let (from, to) = (of / out, of % out);
                let row = (y * stride[0] + tap / kernel[1]).wrapping_sub(pads[0]);
                let column = (x * stride[1] + tap % kernel[1]).wrapping_sub(pads[1]);
                if from == channel && row < to_h && column < to_w {
                    expected[(to * to_h + row) * to_w + column] += value * weight;
                }
            }
        }
        let signed = |list: &[usize]| -> Vec<i64> { list.iter().map(|&n| n as i64).collect() };
        let attributes = [
            ints("strides", &signed(&stride)),
            ints("pads", &signed(&pads)),
            ints("output_padding", &signed(&more)),
        ];
        let ours = Network::new(13)
            .input("x", &[1, c, h, w])
            .floats("w", &[c, out, kernel[0], kernel[1]], &weights)
            .floats("b", &[out], &bias)
            .node("ConvTranspose", &["x", "w", "b"], "y", &attributes)
            .output("y")
            .run(image(dims, &values));
        assert_close(&ours, &image([out, to_h, to_w], &expected));
    }
}

#[test]
fn transposed_convolutions_of_groups_or_gaps_are_refused() {
    let refusal = |attribute: Attribute| {
        Network::new(13)
            .input("x", &[1, 4, 3, 3])
            .floats("w", &[4, 2, 2, 2], &numbers(32, 9))
            .node("ConvTranspose", &["x", "w"], "y", &[attribute])
            .output("y")
            .refusal()
    };
    assert!(refusal(int("group", 2)).contains("group"));
    assert!(refusal(ints("dilations", &[2, 2])).contains("dilations"));
    assert!(refusal(text("auto_pad", "SAME_UPPER")).contains("SAME_UPPER"));
    assert!(refusal(text("auto_pad", "SAME_LOWER")).contains("SAME_LOWER"));
    assert!(refusal(ints("output_shape", &[6, 6])).contains("output_shape"));
    assert!(refusal(ints("pads", &[9, 9, 9, 9])).contains("pads"));
    assert!(refusal(ints("kernel_shape", &[3, 2])).contains("kernel_shape"));
}

#[test]
fn a_valid_transposed_convolution_cuts_nothing_off() {
    let values = numbers(2 * 3 * 3, 10);
    let enlarged = |attributes: &[Attribute]| {
        Network::new(13)
            .input("x", &[1, 2, 3, 3])
            .floats("w", &[2, 4, 2, 2], &numbers(32, 9))
            .node("ConvTranspose", &["x", "w"], "y", attributes)
            .output("y")
            .run(image([2, 3, 3], &values))
    };
    let valid = enlarged(&[text("auto_pad", "VALID"), ints("pads", &[1, 1, 1, 1])]);
    assert_eq!(valid.shape(), Shape::new(1, 4, 4, 4));
    assert_eq!(valid, enlarged(&[]));
}

#[test]
fn transposed_convolutions_of_bare_integers_or_another_bias_are_refused() {
    let network = || Network::new(13).input("x", &[1, 4, 3, 3]).output("y");
    let integers = network().integers("w", data_type::INT8, &[4, 2, 2, 2], &[1; 32]).node(
        "ConvTranspose",
        &["x", "w"],
        "y",
        &[],
    );
    assert!(integers.refusal().contains("DequantizeLinear"), "{}", integers.refusal());
    let bias = network()
        .floats("w", &[4, 2, 2, 2], &numbers(32, 9))
        .floats("b", &[3], &[0.0; 3])
        .node("ConvTranspose", &["x", "w", "b"], "y", &[]);
    assert!(bias.refusal().contains("the bias"), "{}", bias.refusal());
}

#[test]
fn the_class_of_each_pixel_is_the_first_largest() {
    let values = [0.1, 0.5, 0.9, 0.2, 0.3, 0.5, 0.1, 0.8, 0.2, 0.5, 0.9, 0.8];
    let input = image([3, 2, 2], &values);
    for (keep, cast) in [(1, false), (0, false), (0, true)] {
        let attributes = [int("axis", 1), int("keepdims", keep)];
        let network = Network::new(13).input("x", &[1, 3, 2, 2]);
        let network = if cast {
            let to = [int("to", 2)];
            network.node("ArgMax", &["x"], "index", &attributes).node("Cast", &["index"], "y", &to)
        } else {
            network.node("ArgMax", &["x"], "y", &attributes)
        };
        let network = network.output("y");
        assert_eq!(operators(&network.import().unwrap()), ["Input", "ArgMax"]);
        let map = network.run(input.clone());
        assert_eq!(map.shape(), Shape::new(1, 2, 2, 1));
        assert_eq!(*map.element(), Element::uint8(1.0, 0));
        assert_eq!(map.as_u8().unwrap(), [1, 0, 0, 1]);
    }
    let of = |axis| {
        let attributes = [int("axis", axis)];
        let network = Network::new(13).input("x", &[1, 3, 2, 2]);
        network.node("ArgMax", &["x"], "y", &attributes).output("y").refusal()
    };
    assert!(of(2).contains("axis") && of(9).contains("axis"));
    let computed = Network::new(13)
        .input("x", &[1, 3, 2, 2])
        .node("ArgMax", &["x"], "index", &[int("axis", 1)])
        .node("Relu", &["index"], "y", &[])
        .output("y");
    assert!(computed.refusal().contains("index"), "{}", computed.refusal());
}
