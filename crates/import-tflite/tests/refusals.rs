//! Files that must be refused, each with an error that says what is wrong and where.

use pocketvision_import_tflite::{MAX_OPERATORS, import, open};

#[allow(dead_code, reason = "each test uses a part of it")]
mod synthetic;

use synthetic::flatbuffer_writer::Table;
use synthetic::model::{FLOAT16, Model, NO_ACTIVATION, TensorSpec, code, options};
use synthetic::networks::{float_network, int8_network, uint8_network};

/// The message for one of the small networks, damaged.
fn refusal(mut model: Model, damage: impl FnOnce(&mut Model)) -> String {
    damage(&mut model);
    import(&model.to_bytes(), "net").expect_err("a refusal").to_string()
}

fn tensor<'a>(model: &'a mut Model, name: &str) -> &'a mut TensorSpec {
    model.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

/// The operator that writes a tensor.
fn writer<'a>(model: &'a mut Model, name: &str) -> &'a mut synthetic::model::OperatorSpec {
    let index = model.tensors.iter().position(|tensor| tensor.name == name).unwrap() as i32;
    model.operators.iter_mut().find(|operator| operator.outputs == [index]).unwrap()
}

#[test]
fn things_that_are_not_tflite_files_are_called_so() {
    let message = "net: not a TFLite file (no TFL3 identifier)";
    for bytes in [&b""[..], b"TFL3", b"# Just some text in a file of the wrong name\n", &[0; 64]] {
        assert_eq!(import(bytes, "net").unwrap_err().to_string(), message);
    }
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let message = open(text).unwrap_err().to_string();
    assert_eq!(message, format!("{text}: not a TFLite file (no TFL3 identifier)"));
    let message = open("no/such/file.tflite").unwrap_err().to_string();
    assert!(message.starts_with("no/such/file.tflite: cannot be read: "), "{message}");
    assert!(open(env!("CARGO_MANIFEST_DIR")).is_err(), "a folder");
}

#[test]
fn unknown_operators_are_named_with_their_place() {
    let rename = |code: i32, custom: Option<&str>| {
        let custom_code = custom.map(str::to_owned);
        refusal(uint8_network(), |model| {
            let operator = writer(model, "pooled");
            operator.code = code;
            operator.custom_code = custom_code;
        })
    };
    let cannot = "which PocketVision cannot import";
    assert_eq!(rename(39, None), format!("net: operator 6 is TRANSPOSE, {cannot}"));
    assert_eq!(rename(999, None), format!("net: operator 6 is builtin operator 999, {cannot}"));
    assert_eq!(
        rename(32, Some("Warp")),
        format!("net: operator 6 is the custom operator 'Warp', {cannot}")
    );
}

#[test]
fn errors_are_one_line_whatever_the_names_are() {
    let message = refusal(uint8_network(), |model| {
        let tensor = tensor(model, "swish");
        tensor.name = "two\nlines\u{1b}[31m".into();
        tensor.kind = 7;
    });
    assert!(message.contains("'two\u{fffd}lines\u{fffd}[31m'"), "{message}");
}

#[test]
fn shapes_that_are_not_static_are_refused() {
    for dims in [&[1, -1, 8, 3][..], &[1, 0, 8, 3], &[1, 1, 8, 8, 3], &[]] {
        let message = refusal(uint8_network(), |m| tensor(m, "image").dims = dims.to_vec());
        assert!(message.starts_with("net: tensor 0 'image': shape is ["), "{message}");
        assert!(message.contains("convert the network with static shapes"), "{message}");
    }
}

#[test]
fn shapes_of_any_size_are_refused_before_anything_is_allocated() {
    for dims in [[1, i32::MAX, i32::MAX, 3], [i32::MAX; 4], [1, 1 << 15, 1 << 15, 1]] {
        let message = refusal(uint8_network(), |m| tensor(m, "image").dims = dims.to_vec());
        assert!(message.contains("has no elements or more than 268435456"), "{message}");
    }
    let weights =
        |dims: [i32; 4]| refusal(uint8_network(), |m| tensor(m, "w0").dims = dims.to_vec());
    assert!(weights([i32::MAX; 4]).contains("108 bytes of data; the shape needs "));
    assert!(weights([4, 3, 3, 4]).contains("108 bytes of data; the shape needs 144"));
}

#[test]
fn shapes_that_contradict_the_operator_are_refused() {
    let message = refusal(uint8_network(), |m| tensor(m, "swish").dims = vec![1, 3, 4, 4]);
    assert_eq!(
        message,
        "net: operator 1 (HARD_SWISH): tensor 4 'swish': shape is [1, 3, 4, 4] in the file, but \
         the operator yields [1, 3, 3, 4]"
    );
}

#[test]
fn quantization_that_makes_no_sense_is_refused() {
    for scale in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
        let message = refusal(uint8_network(), |m| tensor(m, "swish").scales = vec![scale]);
        assert!(message.contains("tensor 4 'swish': quantization: scale"), "{message}");
    }
    for (scales, zero_points, expected) in [
        (vec![], vec![], "0 scales, expected one"),
        (vec![0.1; 4], vec![0; 4], "4 scales, expected one"),
        (vec![0.1], vec![256], "zero point 256 is not from 0 to 255"),
        (vec![0.1], vec![-1], "zero point -1 is not from 0 to 255"),
        (vec![0.1], vec![0; 2], "zero point"),
        (vec![0.1], vec![i64::MIN], "zero point"),
    ] {
        let message = refusal(uint8_network(), |model| {
            let tensor = tensor(model, "swish");
            (tensor.scales, tensor.zero_points) = (scales, zero_points);
        });
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn scales_per_channel_must_lie_along_the_output_channels() {
    let message = refusal(int8_network(), |m| tensor(m, "w0").quantized_dimension = 0);
    assert!(message.contains("4 scales along dimension 0, expected 4 along 3"), "{message}");
    let message = refusal(int8_network(), |m| tensor(m, "w0").scales.push(0.1));
    assert!(message.contains("5 scales along dimension 3"), "{message}");
    let message = refusal(int8_network(), |m| tensor(m, "w0").zero_points[2] = 1);
    assert!(message.contains("zero points of scales per channel must all be 0"), "{message}");
    let message = refusal(int8_network(), |m| tensor(m, "w0").scales[1] = f32::NAN);
    assert!(message.contains("a scale must be finite and above zero"), "{message}");
}

#[test]
fn a_bias_must_fit_its_layer() {
    let message = refusal(uint8_network(), |m| tensor(m, "b0").scales = vec![0.5]);
    assert!(message.contains("scale 0.5 is not 0.00015625, input times weights"), "{message}");
    let message = refusal(uint8_network(), |m| tensor(m, "b0").zero_points = vec![1]);
    assert!(message.contains("a bias needs zero point 0"), "{message}");
    let message = refusal(uint8_network(), |m| tensor(m, "b0").data.truncate(12));
    assert!(message.contains("12 bytes of data; the shape needs 16"), "{message}");
}

#[test]
fn attributes_out_of_range_are_refused() {
    let with = |writer_of: &str, options: Option<(u8, Table)>| {
        refusal(uint8_network(), |model| writer(model, writer_of).options = options)
    };
    let conv = |table: Table| with("conv", Some((1, table)));
    let message = with("conv", options::conv_2d(0, 1, NO_ACTIVATION));
    assert_eq!(message, "net: operator 0 (CONV_2D): stride_h is 0; expected 1 or more");
    assert!(with("conv", options::conv_2d(-3, 1, 0)).contains("stride_h is -3"));
    assert!(with("conv", options::conv_2d(1, 0, 0)).contains("dilation_h_factor is 0"));
    assert!(with("conv", options::conv_2d(i32::MAX, 1, 0)).contains("window"));
    assert!(with("conv", options::conv_2d(2, 1, 4)).contains("fused_activation_function is 4"));
    assert!(conv(Table::default().i8(0, 2).i32(1, 1).i32(2, 1)).contains("padding is 2"));
    assert!(with("conv", None).contains("builtin_options is absent"));
    assert!(with("conv", options::add(0)).contains("builtin_options_type is 11; expected 1"));
    assert!(with("scores", options::softmax(f32::NAN)).contains("beta is NaN"));
    assert!(with("squeezed", options::pool_2d(i32::MAX, 1, 0)).contains("window is"));
    assert!(with("squeezed", options::pool_2d(5, 1, 0)).contains("window"));
}

#[test]
fn layouts_that_four_dimensions_cannot_hold_are_refused() {
    let int8 = |name: &str, values: &[i32]| {
        refusal(int8_network(), |model| {
            *tensor(model, name) = tensor(model, name).clone().with_i32s(values);
        })
    };
    assert!(int8("paddings", &[0, 0, 1, 1, 2, 0, 0, 1]).contains("height and width alone"));
    assert!(int8("paddings", &[0, 0, 1, -1, 2, 0, 0, 0]).contains("0 to 16384"));
    assert!(int8("axes", &[1, 3]).contains("axes is [1, 3]; expected height and width"));
    assert!(int8("axes", &[1, 9]).contains("axis is 9"));
    assert!(int8("shape", &[3, -1]).contains("new_shape is [3, -1]"));
    let message = refusal(int8_network(), |m| {
        writer(m, "joined").options = options::concatenation(0);
    });
    assert!(message.contains("axis is 0; expected height, width or channels"), "{message}");
    let message = refusal(float_network(), |m| {
        writer(m, "vector").options = options::squeeze(&[3]);
    });
    assert!(message.contains("squeeze_dims is [3]"), "{message}");
}

#[test]
fn elements_that_we_do_not_compute_with_are_named() {
    let message = refusal(uint8_network(), |m| tensor(m, "swish").kind = 7);
    assert!(message.contains("'swish': elements are INT16"), "{message}");
    let message = refusal(float_network(), |m| tensor(m, "image").kind = FLOAT16);
    assert!(message.contains("'image': elements are FLOAT16"), "{message}");
    let message = refusal(uint8_network(), |m| tensor(m, "w0").kind = 17);
    assert!(message.contains("'w0': elements are INT4"), "{message}");
}

#[test]
fn tensors_that_nobody_writes_or_two_do_are_refused() {
    let message = refusal(uint8_network(), |m| m.operators.swap(0, 1));
    assert!(message.contains("'conv': read before an operator has written it"), "{message}");
    let message = refusal(uint8_network(), |m| {
        let last = m.operators.last_mut().unwrap();
        last.inputs = last.outputs.clone();
    });
    assert!(message.contains("read before an operator has written it"), "{message}");
    let message = refusal(uint8_network(), |m| {
        let first = m.operators[0].clone();
        m.operators.push(first);
    });
    assert!(message.contains("'conv': defined more than once"), "{message}");
    let message = refusal(uint8_network(), |m| m.inputs.push(m.inputs[0]));
    assert!(message.contains("'image': defined more than once"), "{message}");
    let message = refusal(uint8_network(), |m| tensor(m, "w0").data.clear());
    assert!(message.contains("'w0': not a constant"), "{message}");
}

#[test]
fn indices_that_point_at_nothing_are_refused() {
    let message = refusal(uint8_network(), |m| m.operators[1].inputs = vec![999]);
    assert_eq!(
        message,
        format!(
            "net: operator 1 (HARD_SWISH): tensor 999 does not exist; there are {}",
            uint8_network().tensors.len()
        )
    );
    assert!(refusal(uint8_network(), |m| m.operators[1].inputs = vec![-1]).contains("tensor -1"));
    assert!(refusal(uint8_network(), |m| m.outputs = vec![i32::MIN]).contains("does not exist"));
    let message = refusal(uint8_network(), |m| m.outputs.clear());
    assert_eq!(message, "net: the graph has no outputs");
    let message = refusal(uint8_network(), |m| m.operators[1].inputs.clear());
    assert!(message.contains("has 0 inputs, expected 1"), "{message}");
    let message = refusal(uint8_network(), |m| m.operators[1].outputs = vec![4, 5]);
    assert!(message.contains("has 2 outputs, expected 1"), "{message}");
}

#[test]
fn more_operators_than_any_network_has_are_refused() {
    let mut model = Model::default();
    let mut last = model.input(TensorSpec::f32("input", &[1, 1, 1, 2]));
    for _ in 0..MAX_OPERATORS {
        last = model.operator(code::RELU, &[last], TensorSpec::f32("", &[]), None);
    }
    model.outputs.push(last);
    assert_eq!(import(&model.to_bytes(), "net").unwrap().nodes().len(), MAX_OPERATORS + 1);
    let last = model.operator(code::RELU, &[last], TensorSpec::f32("", &[]), None);
    model.outputs = vec![last];
    let message = import(&model.to_bytes(), "net").unwrap_err().to_string();
    assert_eq!(message, "net: 8193 operators; at most 8192 are read");
}

#[test]
fn other_versions_of_the_format_are_refused() {
    let file = Table::default().i32(0, 4).to_file(b"TFL3");
    let message = import(&file, "net").unwrap_err().to_string();
    assert_eq!(message, "net: version 4 of the TFLite format; only version 3 is known");
    let file = Table::default().i32(0, 3).to_file(b"TFL3");
    let message = import(&file, "net").unwrap_err().to_string();
    assert_eq!(message, "net: there is no subgraph; the file is damaged");
}
