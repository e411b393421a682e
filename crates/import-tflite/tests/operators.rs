//! What each operator of a file becomes in the graph.

use pocketvision_core::op::{
    Activation, ActivationKind, Axis, IntegerRounding, Op, Pad, Padding, Pool2d, PoolKind, Window,
};
use pocketvision_core::{Element, Graph, Node, Quantization, Shape};
use pocketvision_import_tflite::{Imported, import, import_with_operators};

#[allow(dead_code, reason = "each test uses a part of it")]
mod synthetic;

use synthetic::flatbuffer_writer::{Field, Table};
use synthetic::model::{Model, NO_ACTIVATION, RELU, RELU6, TensorSpec, UINT8, code, options};
use synthetic::networks;

#[test]
fn constants_may_follow_the_flatbuffer() {
    let network = networks::uint8_network();
    let inside = import(&network.to_bytes(), "network").unwrap();
    let outside = import(&network.to_bytes_with_data_outside(0), "network").unwrap();
    assert_eq!(inside.nodes(), outside.nodes());
    let tensors = |graph: &Graph| -> Vec<_> {
        graph.params().iter().map(|param| param.tensor.clone()).collect()
    };
    assert_eq!(tensors(&inside), tensors(&outside));
    for moved in [64, u64::MAX / 2, u64::MAX - 1_000_000] {
        let error = import(&network.to_bytes_with_data_outside(moved), "network").unwrap_err();
        assert!(error.to_string().contains("a buffer's data; the file is cut short"), "{error}");
    }
}

#[test]
fn a_uint8_network_computes_in_int8_and_keeps_its_edges() {
    let Imported { graph, operators } =
        import_with_operators(&networks::uint8_network().to_bytes(), "uint8").unwrap();
    let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "image",
            "image_int8",
            "conv",
            "swish",
            "squeezed",
            "three",
            "shifted",
            "sixth",
            "gate",
            "excited",
            "pooled_pool",
            "pooled",
            "logits",
            "scores",
            "scores_uint8"
        ]
    );
    assert_eq!(named(&graph, "image").output.element, Element::uint8(0.0078125, 128));
    assert_eq!(named(&graph, "image_int8").output.element, Element::int8(0.0078125, 0));
    assert_eq!(named(&graph, "conv").output.element, Element::int8(0.1, -118));
    assert_eq!(named(&graph, "scores").output.element, Element::int8(1.0 / 256.0, -128));
    assert_eq!(named(&graph, "scores_uint8").output.element, Element::uint8(1.0 / 256.0, 0));

    let operator_names: Vec<&str> =
        operators.iter().map(|id| graph.node(id.unwrap()).name.as_str()).collect();
    assert_eq!(
        operator_names,
        ["conv", "swish", "squeezed", "shifted", "gate", "excited", "pooled", "logits", "scores"]
    );
}

#[test]
fn uint8_constants_lose_128_and_so_do_their_zero_points() {
    let model = networks::uint8_network();
    let graph = import(&model.to_bytes(), "uint8").unwrap();
    let Op::Conv2d(conv) = &named(&graph, "conv").op else { panic!("a convolution") };
    let weight = graph.param(conv.weight);
    assert_eq!(weight.shape(), Shape::new(4, 3, 3, 3));
    assert_eq!(*weight.element(), Element::int8(0.02, -8));
    let file_weights = &model.tensors.iter().find(|t| t.name == "w0").unwrap().data;
    let expected: Vec<i8> = file_weights.iter().map(|&x| (i32::from(x) - 128) as i8).collect();
    assert_eq!(weight.as_i8().unwrap(), expected);
    assert_eq!(conv.activation, Some(ActivationKind::Relu6));

    let bias = graph.param(conv.bias.unwrap());
    assert_eq!(bias.shape(), Shape::vector(4));
    assert_eq!(bias.as_i32().unwrap()[..2], [0x02_0100, 0x06_0504]);

    let Op::Constant(three) = &named(&graph, "three").op else { panic!("a constant") };
    assert_eq!(graph.param(three.value).as_i8().unwrap(), [122]);
    assert_eq!(*graph.param(three.value).element(), Element::int8(0.012, -128));
}

#[test]
fn averages_round_as_the_type_of_the_file_does() {
    let rounding = |graph: &Graph, name: &str| match &named(graph, name).op {
        Op::Pool2d(pool) => pool.rounding,
        op => panic!("{op:?}"),
    };
    let uint8 = import(&networks::uint8_network().to_bytes(), "uint8").unwrap();
    assert_eq!(rounding(&uint8, "squeezed"), IntegerRounding::HalfUp);
    let int8 = import(&networks::int8_network().to_bytes(), "int8").unwrap();
    assert_eq!(rounding(&int8, "mean"), IntegerRounding::HalfAwayFromZero);
}

#[test]
fn the_activation_of_a_pool_is_a_node_of_its_own() {
    let graph = import(&networks::uint8_network().to_bytes(), "uint8").unwrap();
    let relu = named(&graph, "pooled");
    assert_eq!(relu.op, Op::Activation(Activation { kind: ActivationKind::Relu }));
    assert_eq!(graph.node(relu.inputs[0]).name, "pooled_pool");
    assert_eq!(graph.node(relu.inputs[0]).output.element, relu.output.element);
}

#[test]
fn an_int8_network_maps_one_to_one() {
    let Imported { graph, operators } =
        import_with_operators(&networks::int8_network().to_bytes(), "int8").unwrap();
    assert_eq!(graph.nodes().len(), 1 + operators.len());
    assert_eq!(named(&graph, "input").output.element, Element::int8(0.01, -1));
    assert_eq!(named(&graph, "output").output.element, Element::uint8(1.0 / 256.0, 0));
    assert_eq!(graph.node(graph.outputs()[0]).name, "output");
}

#[test]
fn depthwise_weights_have_a_scale_per_channel_and_a_dilated_window() {
    let graph = import(&networks::int8_network().to_bytes(), "int8").unwrap();
    let node = named(&graph, "depthwise");
    let Op::DepthwiseConv2d(conv) = &node.op else { panic!("a depthwise convolution") };
    let weight = graph.param(conv.weight);
    assert_eq!(weight.shape(), Shape::new(1, 3, 3, 4));
    let scales = [0.01, 0.02, 0.03, 0.04].into();
    assert_eq!(*weight.element(), Element::Int8(Quantization::PerChannel { scales }));
    let window = Window { dilation_h: 2, dilation_w: 2, ..Window::square(3, 1, Padding::Same) };
    assert_eq!(conv.window, window);
    assert_eq!(node.output.shape, Shape::new(1, 8, 8, 4), "two filters for each of two channels");
}

#[test]
fn layout_operators_keep_their_attributes() {
    let graph = import(&networks::int8_network().to_bytes(), "int8").unwrap();
    let pad = Pad { top: 1, bottom: 1, left: 2, right: 0 };
    assert_eq!(named(&graph, "padded").op, Op::Pad(pad));
    let Op::Concat(concat) = &named(&graph, "joined").op else { panic!("a concatenation") };
    assert_eq!(concat.axis, Axis::Channels);
    assert_eq!(named(&graph, "joined").output.shape, Shape::new(1, 4, 4, 8));
    let Op::Pool2d(mean) = &named(&graph, "mean").op else { panic!("a mean") };
    assert_eq!((mean.kind, mean.window), (PoolKind::Mean, Window::square(4, 1, Padding::Valid)));
    assert_eq!(named(&graph, "vector").output.shape, Shape::vector(8));
}

#[test]
fn float_weights_in_16_bits_become_f32_and_open_shapes_are_inferred() {
    let Imported { graph, operators } =
        import_with_operators(&networks::float_network().to_bytes(), "float").unwrap();
    assert_eq!(operators[0], None, "the weights' DEQUANTIZE is folded");
    let Op::Conv2d(conv) = &named(&graph, "conv").op else { panic!("a convolution") };
    assert_eq!(conv.bias, None);
    let weight = graph.param(conv.weight);
    assert_eq!(weight.shape(), Shape::new(3, 1, 1, 2));
    assert_eq!(weight.as_f32().unwrap(), [0.5, -1.5, 2.0, 0.25, 1.0, -4.0]);
    let Op::Linear(linear) = &named(&graph, "logits").op else { panic!("a linear layer") };
    assert_eq!(graph.param(linear.weight).shape(), Shape::new(2, 1, 1, 3));
    assert_eq!(named(&graph, "output").output.shape, Shape::vector(2));
    assert_eq!(named(&graph, "output").output.element, Element::F32);
}

#[test]
fn int8_weights_of_a_float_network_become_f32() {
    let mut model = Model::default();
    let input = model.input(TensorSpec::f32("input", &[1, 1, 1, 2]));
    let stored = model.tensor(TensorSpec::int8("stored", &[1, 2], 0.5, 1).with_bytes(&[5, 0xff]));
    let weights = TensorSpec::f32("weights", &[1, 2]);
    let weights = model.operator(code::DEQUANTIZE, &[stored], weights, None);
    let output = model.operator(
        code::FULLY_CONNECTED,
        &[input, weights],
        TensorSpec::f32("output", &[1, 1]),
        options::fully_connected(NO_ACTIVATION, false),
    );
    model.outputs.push(output);
    let graph = import(&model.to_bytes(), "float").unwrap();
    let Op::Linear(linear) = &named(&graph, "output").op else { panic!("a linear layer") };
    assert_eq!(graph.param(linear.weight).as_f32().unwrap(), [2.0, -1.0]);
}

#[test]
fn a_fully_connected_layer_flattens_what_it_reads() {
    let build = |keep_dims: bool, weight_columns: i32, output_dims: &[i32]| {
        let mut model = Model::default();
        let input = model.input(TensorSpec::f32("input", &[2, 3, 1, 4]));
        let weights = model.tensor(TensorSpec::f32("weights", &[5, weight_columns]).filled());
        let output = model.operator(
            code::FULLY_CONNECTED,
            &[input, weights],
            TensorSpec::f32("output", output_dims),
            options::fully_connected(NO_ACTIVATION, keep_dims),
        );
        model.outputs.push(output);
        import(&model.to_bytes(), "linear")
    };
    let rows = build(false, 12, &[2, 5]).unwrap();
    assert_eq!(named(&rows, "output_rows").output.shape, Shape::new(1, 1, 2, 12));
    assert_eq!(named(&rows, "output").output.shape, Shape::new(1, 1, 2, 5));
    let kept = build(true, 4, &[2, 3, 1, 5]).unwrap();
    assert_eq!(kept.nodes().len(), 2);
    assert_eq!(named(&kept, "output").output.shape, Shape::new(2, 3, 1, 5));
    assert!(build(false, 7, &[]).unwrap_err().to_string().contains("element counts"));
    assert!(build(true, 12, &[]).is_err());
}

#[test]
fn a_mean_without_kept_dimensions_moves_the_batch() {
    let build = |keep_dims: bool, output_dims: &[i32]| {
        let mut model = Model::default();
        let input = model.input(TensorSpec::f32("input", &[2, 3, 5, 4]));
        let axes = model.tensor(TensorSpec::integers("axes", &[2], &[2, 1]));
        let output = TensorSpec::f32("output", output_dims);
        let output =
            model.operator(code::MEAN, &[input, axes], output, options::reducer(keep_dims));
        model.outputs.push(output);
        import(&model.to_bytes(), "mean").unwrap()
    };
    let kept = build(true, &[2, 1, 1, 4]);
    assert_eq!(named(&kept, "output").output.shape, Shape::new(2, 1, 1, 4));
    let window = Window { kernel_h: 3, kernel_w: 5, ..Window::square(1, 1, Padding::Valid) };
    let rounding = IntegerRounding::HalfAwayFromZero;
    let pool = Pool2d { kind: PoolKind::Mean, window, rounding };
    assert_eq!(named(&kept, "output").op, Op::Pool2d(pool));
    let dropped = build(false, &[2, 4]);
    assert_eq!(named(&dropped, "output_mean").op, Op::Pool2d(pool));
    assert_eq!(named(&dropped, "output").output.shape, Shape::new(1, 1, 2, 4));
}

#[test]
fn convolutions_with_fewer_input_channels_than_the_image_are_grouped() {
    let mut model = Model::default();
    let input = model.input(TensorSpec::f32("input", &[1, 3, 3, 8]));
    let weights = model.tensor(TensorSpec::f32("weights", &[6, 1, 1, 4]).filled());
    let bias = model.tensor(TensorSpec::f32("bias", &[6]).filled());
    let output = TensorSpec::f32("output", &[1, 3, 3, 6]);
    let inputs = [input, weights, bias];
    let output = model.operator(code::CONV_2D, &inputs, output, options::conv_2d(1, 1, RELU));
    model.outputs.push(output);
    let graph = import(&model.to_bytes(), "grouped").unwrap();
    let Op::Conv2d(conv) = &named(&graph, "output").op else { panic!("a convolution") };
    assert_eq!(conv.groups, 2);
    assert_eq!(conv.activation, Some(ActivationKind::Relu));
}

/// TFLite multiplies the scales of an int8 convolution in f64 for each channel, also where
/// the weights have only one; those of a uint8 convolution in f32.
#[test]
fn int8_convolutions_have_a_scale_a_channel_and_uint8_ones_keep_theirs() {
    let weights_of = |spec: fn(&str, &[i32], f32, i64) -> TensorSpec, zero: i64| {
        let mut model = Model::default();
        let input = model.input(spec("input", &[1, 3, 3, 2], 0.1, zero));
        let weights = model.tensor(spec("weights", &[4, 1, 1, 2], 0.02, zero).filled());
        let bias = model.tensor(TensorSpec::int32("bias", &[4], &[0.1 * 0.02]).filled());
        let output = spec("conv", &[1, 3, 3, 4], 0.3, zero);
        let inputs = [input, weights, bias];
        let output = model.operator(code::CONV_2D, &inputs, output, options::conv_2d(1, 1, RELU));
        model.outputs.push(output);
        let graph = import(&model.to_bytes(), "one scale").unwrap();
        let Op::Conv2d(conv) = &named(&graph, "conv").op else { panic!("a convolution") };
        graph.param(conv.weight).element().clone()
    };
    let scales = [0.02; 4].into();
    let int8 = weights_of(TensorSpec::int8, 0);
    assert_eq!(int8, Element::Int8(Quantization::PerChannel { scales }));
    assert_eq!(weights_of(TensorSpec::uint8, 128), Element::int8(0.02, 0));
}

#[test]
fn codes_beyond_a_byte_and_codes_of_old_files_are_both_read() {
    // HARD_SWISH is 117: `builtin_code` alone, then the deprecated byte alone.
    for (code_table, expected) in [
        (Table::default().i8(0, 117), true),
        (Table::default().i32(3, 117), true),
        (Table::default().i8(0, 127).i32(3, 200), false),
    ] {
        let mut model = Model::default();
        let input = model.input(TensorSpec::f32("input", &[1, 1, 1, 2]));
        let output = TensorSpec::f32("output", &[1, 1, 1, 2]);
        let output = model.operator(code::HARD_SWISH, &[input], output, None);
        model.outputs.push(output);
        let file = model.to_table().exchanging(1, Field::Repeated(1, code_table)).to_file(b"TFL3");
        match import(&file, "codes") {
            Ok(_) => assert!(expected),
            Err(error) => {
                assert!(!expected, "{error}");
                assert!(error.to_string().contains("builtin operator 200"), "{error}");
            }
        }
    }
}

#[test]
fn a_constant_that_two_operators_read_is_one_parameter() {
    let mut model = Model::default();
    let a = model.input(TensorSpec::int8("a", &[1, 2, 2, 3], 0.1, 0));
    let weights = model.tensor(TensorSpec::int8("weights", &[3, 1, 1, 3], 0.1, 0).filled());
    let mut last = a;
    for name in ["first", "second"] {
        let output = TensorSpec::int8(name, &[1, 2, 2, 3], 0.1, 0);
        let options = options::conv_2d(1, 1, RELU6);
        last = model.operator(code::CONV_2D, &[last, weights], output, options);
    }
    model.outputs.push(last);
    assert_eq!(import(&model.to_bytes(), "shared").unwrap().params().len(), 1);
}

#[test]
fn equal_names_get_a_suffix_and_no_name_gets_one_of_ours() {
    let mut model = Model::default();
    let input = model.input(TensorSpec::f32("same", &[1, 1, 1, 2]));
    let first = TensorSpec::f32("same", &[1, 1, 1, 2]);
    let first = model.operator(code::RELU, &[input], first, None);
    let output = TensorSpec::f32("", &[1, 1, 1, 2]);
    let output = model.operator(code::RELU, &[first], output, None);
    model.outputs.push(output);
    let graph = import(&model.to_bytes(), "names").unwrap();
    let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["same", "same_2", "tensor_2"]);
}

#[test]
fn an_output_may_be_read_inside_too() {
    let mut model = Model::default();
    let input = model.input(TensorSpec::int8("input", &[1, 1, 1, 2], 0.1, 0));
    let middle = TensorSpec::new("middle", UINT8, &[1, 1, 1, 2], &[0.1], 128);
    let middle = model.operator(code::QUANTIZE, &[input], middle, None);
    let last = TensorSpec::uint8("last", &[1, 1, 1, 2], 0.1, 128);
    let last = model.operator(code::RELU, &[middle], last, None);
    model.outputs.extend([middle, last, middle, input]);
    let graph = import(&model.to_bytes(), "outputs").unwrap();
    let outputs: Vec<&str> =
        graph.outputs().iter().map(|&id| graph.node(id).name.as_str()).collect();
    assert_eq!(outputs, ["middle", "last_uint8", "middle", "input"]);
    assert_eq!(graph.node(named(&graph, "last").inputs[0]).name, "middle_int8");
}

fn named<'a>(graph: &'a Graph, name: &str) -> &'a Node {
    let node = graph.nodes().iter().find(|node| node.name == name);
    node.unwrap_or_else(|| panic!("no node '{name}'"))
}
