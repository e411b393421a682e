//! Hostile and damaged ends of detectors and segmentation networks: each is refused with an
//! error that says what is wrong, or imports; none panics or fills the memory.

use pocketvision_core::{Op, Shape};
use pocketvision_import_tflite::import;
use proptest::prelude::*;

#[allow(dead_code, reason = "each test uses a part of it")]
mod synthetic;

use synthetic::flatbuffer_writer::Table;
use synthetic::model::{Model, TensorSpec, VALID, code};

fn message(model: &Model) -> String {
    import(&model.to_bytes(), "net").expect_err("a refusal").to_string()
}

/// An image that an operator with a constant operand reads.
fn with_operand(operator: i32, operand: &[i32], options: Option<(u8, Table)>) -> Model {
    let mut model = Model::default();
    let image = model.input(TensorSpec::f32("image", &[1, 1, 3, 64]));
    let operand = model.tensor(TensorSpec::integers("operand", &[operand.len() as i32], operand));
    let output = model.operator(operator, &[image, operand], TensorSpec::f32("out", &[]), options);
    model.outputs.push(output);
    model
}

fn resize(size: &[i32], align_corners: u8, half_pixel_centers: u8) -> Model {
    let options = Table::default().u8(2, align_corners).u8(3, half_pixel_centers);
    with_operand(code::RESIZE_BILINEAR, size, Some((15, options)))
}

#[test]
fn sizes_that_no_image_has_are_refused() {
    assert!(import(&resize(&[7, 9], 1, 0).to_bytes(), "net").is_ok());
    for size in [[0, 5], [5, -1], [1 << 20, 4], [i32::MAX, i32::MAX], [i32::MIN, 1]] {
        let message = message(&resize(&size, 0, 0));
        assert!(message.contains("RESIZE_BILINEAR") && message.contains("1 to 16384"), "{message}");
    }
    assert!(message(&resize(&[4, 5, 6], 0, 0)).contains("height and width"));
    assert!(message(&resize(&[4, 5], 1, 1)).contains("at most one of them"));
    // Each side is possible, but not their product.
    let message = message(&resize(&[16384, 16384], 0, 0));
    assert!(message.contains("has no elements or more than"), "{message}");
}

#[test]
fn only_a_single_row_or_column_is_repeated() {
    let tile = |multiples: &[i32]| with_operand(code::TILE, multiples, None);
    assert!(import(&tile(&[1, 9, 1, 1]).to_bytes(), "net").is_ok());
    for multiples in [&[1, 1, 2, 1][..], &[2, 1, 1, 1], &[1, 0, 1, 1], &[1, -9, 1, 1], &[1, 1]] {
        let message = message(&tile(multiples));
        assert!(message.contains("other tilings are not supported"), "{message}");
    }
}

#[test]
fn classes_are_counted_along_the_last_dimension_and_end_a_network() {
    let arg_max = |axis: i32| with_operand(code::ARG_MAX, &[axis], None);
    let graph = import(&arg_max(-1).to_bytes(), "net").unwrap();
    assert_eq!(graph.ty(graph.outputs()[0]).shape, Shape::new(1, 1, 3, 1));
    for axis in [0, 1, 2, 4, -5, i32::MIN] {
        message(&arg_max(axis));
    }
    let mut model = arg_max(3);
    let classes = model.outputs[0];
    let doubled = TensorSpec::f32("doubled", &[]);
    let output = model.operator(code::ADD, &[classes, classes], doubled, None);
    model.outputs = vec![output];
    assert!(message(&model).contains("only end a network"), "{}", message(&model));
}

/// A transposed convolution of MediaPipe's with these bytes for attributes.
fn transposed(custom_options: Vec<u8>) -> Model {
    let mut model = Model::default();
    let image = model.input(TensorSpec::f32("image", &[1, 4, 4, 2]));
    let kernel = model.tensor(TensorSpec::f32("kernel", &[3, 2, 2, 2]).filled());
    let bias = model.tensor(TensorSpec::f32("bias", &[3]).filled());
    let output = TensorSpec::f32("out", &[]);
    let output = model.operator(code::CUSTOM, &[image, kernel, bias], output, None);
    let operator = &mut model.operators[0];
    operator.custom_code = Some("Convolution2DTransposeBias".to_owned());
    operator.custom_options = custom_options;
    model.outputs.push(output);
    model
}

fn words(words: [i32; 3]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn attributes_of_a_transposed_convolution_are_checked() {
    let graph = import(&transposed(words([1, 2, 2])).to_bytes(), "net").unwrap();
    assert_eq!(graph.ty(graph.outputs()[0]).shape, Shape::new(1, 8, 8, 3));
    for length in 0..12 {
        let message = message(&transposed(words([1, 2, 2])[..length].to_vec()));
        assert!(message.contains("expected 12 bytes"), "{message}");
    }
    for wrong in [[0, 2, 2], [3, 2, 2], [1, 0, 2], [1, 2, -2], [1, i32::MAX, 2], [1, 2, i32::MIN]] {
        message(&transposed(words(wrong)));
    }
    // Possible strides, an impossible output.
    message(&transposed(words([2, 16384, 16384])));
}

#[test]
fn output_shapes_of_a_transposed_convolution_are_checked() {
    let with_shape = |shape: &[i32]| {
        let mut model = Model::default();
        let image = model.input(TensorSpec::f32("image", &[1, 4, 4, 2]));
        let size = TensorSpec::integers("size", &[shape.len() as i32], shape);
        let size = model.tensor(size);
        let kernel = model.tensor(TensorSpec::f32("kernel", &[3, 2, 2, 2]).filled());
        let options = Table::default().i8(0, VALID).i32(1, 2).i32(2, 2);
        let output = model.operator(
            code::TRANSPOSE_CONV,
            &[size, kernel, image],
            TensorSpec::f32("out", &[]),
            Some((49, options)),
        );
        model.outputs.push(output);
        model
    };
    let graph = import(&with_shape(&[1, 8, 8, 3]).to_bytes(), "net").unwrap();
    let Op::ConvTranspose2d(op) = &graph.node(graph.outputs()[0]).op else { panic!() };
    assert_eq!((op.output_h, op.stride_h, op.crop_top), (8, 2, 0));
    for shape in [&[1, 8, 8][..], &[1, -8, 8, 3], &[1, 0, 8, 3], &[1, i32::MAX, 8, 3]] {
        message(&with_shape(shape));
    }
}

/// A FlexBuffer map of integers and floats, four bytes each; names must be sorted.
fn flexbuffer(entries: &[(&str, u32, bool)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let names: Vec<usize> = entries
        .iter()
        .map(|(name, ..)| {
            let place = bytes.len();
            bytes.extend(name.as_bytes());
            bytes.push(0);
            place
        })
        .collect();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let word = |bytes: &mut Vec<u8>, word: u32| bytes.extend(word.to_le_bytes());
    word(&mut bytes, entries.len() as u32);
    let keys = bytes.len();
    for name in names {
        let distance = bytes.len() - name;
        word(&mut bytes, distance as u32);
    }
    let distance = bytes.len() - keys;
    word(&mut bytes, distance as u32);
    word(&mut bytes, 4);
    word(&mut bytes, entries.len() as u32);
    let values = bytes.len();
    entries.iter().for_each(|&(_, value, _)| word(&mut bytes, value));
    let types =
        entries.iter().map(|&(_, _, is_float)| if is_float { 3 << 2 | 2 } else { 1 << 2 | 2 });
    bytes.extend(types);
    let distance = bytes.len() - values;
    bytes.push(distance as u8);
    bytes.extend([9 << 2 | 2, 1]);
    bytes
}

const ENTRIES: [(&str, f32); 9] = [
    ("h_scale", 5.0),
    ("max_classes_per_detection", -1.0),
    ("max_detections", -20.0),
    ("nms_iou_threshold", 0.6),
    ("nms_score_threshold", 0.1),
    ("num_classes", -2.0),
    ("w_scale", 5.0),
    ("x_scale", 10.0),
    ("y_scale", 10.0),
];

/// The attributes of a detector, one of them changed. Integers are written as negative floats in
/// [`ENTRIES`].
fn attributes(changed: &str, value: i32) -> Vec<u8> {
    let entry = |&(name, number): &(&'static str, f32)| {
        let (bits, is_float) =
            if number < 0.0 { ((-number) as u32, false) } else { (number.to_bits(), true) };
        if name == changed { (name, value as u32, false) } else { (name, bits, is_float) }
    };
    flexbuffer(&ENTRIES.iter().map(entry).collect::<Vec<_>>())
}

fn detector(custom_options: Vec<u8>, anchors: i32) -> Model {
    let mut model = Model::default();
    let boxes = model.input(TensorSpec::f32("boxes", &[1, 6, 4]));
    let scores = model.input(TensorSpec::f32("scores", &[1, 6, 3]));
    let anchors =
        TensorSpec::f32("anchors", &[anchors, 4]).with_f32s(&vec![
            0.5;
            4 * usize::try_from(anchors)
                .unwrap()
        ]);
    let anchors = model.tensor(anchors);
    let first = TensorSpec::f32("first", &[]);
    model.operator(code::CUSTOM, &[boxes, scores, anchors], first, None);
    let rest = ["second", "third", "fourth"].map(|name| model.tensor(TensorSpec::f32(name, &[])));
    let operator = &mut model.operators[0];
    operator.custom_code = Some("TFLite_Detection_PostProcess".to_owned());
    operator.custom_options = custom_options;
    operator.outputs.extend(rest);
    model.outputs = operator.outputs.clone();
    model
}

#[test]
fn four_outputs_of_a_detector_are_one_tensor_of_rows() {
    let graph = import(&detector(attributes("", 0), 6).to_bytes(), "net").unwrap();
    let [only] = graph.outputs() else { panic!("{:?}", graph.outputs()) };
    assert_eq!(graph.ty(*only).shape, Shape::new(1, 1, 20, 6));
}

#[test]
fn attributes_of_a_detector_are_checked() {
    let whole = attributes("", 0);
    for length in 0..whole.len() {
        message(&detector(whole[..length].to_vec(), 6));
    }
    for (name, values) in [
        ("num_classes", &[0, -1, 1, 90, i32::MAX, i32::MIN][..]),
        ("max_detections", &[0, -1, i32::MAX]),
        ("max_classes_per_detection", &[0, -1, i32::MAX]),
        ("nms_iou_threshold", &[0, 2, -1]),
        ("h_scale", &[0, -5]),
    ] {
        for &value in values {
            let message = message(&detector(attributes(name, value), 6));
            assert!(
                message.contains("TFLite_Detection_PostProcess"),
                "{name} = {value}: {message}"
            );
        }
    }
    for anchors in [1, 5, 7, 100_000] {
        let message = message(&detector(attributes("", 0), anchors));
        assert!(message.contains("'anchors'") && message.contains("bytes"), "{message}");
    }
}

proptest! {
    #[test]
    fn any_attributes_give_a_detector_or_an_error(
        place in 0usize..400, value: u8, bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut damaged = attributes("", 0);
        let place = place % damaged.len();
        damaged[place] = value;
        for options in [damaged, bytes] {
            let _ = import(&detector(options, 6).to_bytes(), "net");
        }
    }
}
