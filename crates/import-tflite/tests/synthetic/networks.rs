//! Three small networks that use every operator between them.

use super::model::{FLOAT16, Model, NO_ACTIVATION, RELU, RELU6, TensorSpec, code, options};

/// A uint8 network quantized per tensor, as of quantization-aware training: convolutions,
/// a squeeze-and-excite block with constant operands, a pool, a classifier.
pub(crate) fn uint8_network() -> Model {
    let mut model = Model::default();
    let image = model.input(TensorSpec::uint8("image", &[1, 8, 8, 3], 0.0078125, 128));
    let weights = model.tensor(TensorSpec::uint8("w0", &[4, 3, 3, 3], 0.02, 120).filled());
    let bias = model.tensor(TensorSpec::int32("b0", &[4], &[0.0078125 * 0.02]).filled());
    let map = model.operator(
        code::CONV_2D,
        &[image, weights, bias],
        TensorSpec::uint8("conv", &[1, 3, 3, 4], 0.1, 10),
        options::conv_2d(2, 1, RELU6),
    );
    let swish = model.operator(
        code::HARD_SWISH,
        &[map],
        TensorSpec::uint8("swish", &[1, 3, 3, 4], 0.05, 7),
        None,
    );
    let squeezed = model.operator(
        code::AVERAGE_POOL_2D,
        &[swish],
        TensorSpec::uint8("squeezed", &[1, 1, 1, 4], 0.05, 7),
        options::pool_2d(3, 3, NO_ACTIVATION),
    );
    let three = model.tensor(TensorSpec::uint8("three", &[], 0.012, 0).with_bytes(&[250]));
    let shifted = model.operator(
        code::ADD,
        &[squeezed, three],
        TensorSpec::uint8("shifted", &[1, 1, 1, 4], 0.024, 0),
        options::add(RELU6),
    );
    let sixth = model.tensor(TensorSpec::uint8("sixth", &[1], 0.00065, 0).with_bytes(&[255]));
    let gate = model.operator(
        code::MUL,
        &[shifted, sixth],
        TensorSpec::uint8("gate", &[1, 1, 1, 4], 0.004, 0),
        options::mul(NO_ACTIVATION),
    );
    let excited = model.operator(
        code::MUL,
        &[swish, gate],
        TensorSpec::uint8("excited", &[1, 3, 3, 4], 0.05, 7),
        options::mul(NO_ACTIVATION),
    );
    let pooled = model.operator(
        code::AVERAGE_POOL_2D,
        &[excited],
        TensorSpec::uint8("pooled", &[1, 1, 1, 4], 0.05, 7),
        options::pool_2d(3, 1, RELU),
    );
    let weights = model.tensor(TensorSpec::uint8("w1", &[5, 4], 0.01, 128).filled());
    let bias = model.tensor(TensorSpec::int32("b1", &[5], &[0.05 * 0.01]).filled());
    let logits = model.operator(
        code::FULLY_CONNECTED,
        &[pooled, weights, bias],
        TensorSpec::uint8("logits", &[1, 5], 0.1, 90),
        options::fully_connected(NO_ACTIVATION, false),
    );
    let scores = model.operator(
        code::SOFTMAX,
        &[logits],
        TensorSpec::uint8("scores", &[1, 5], 1.0 / 256.0, 0),
        options::softmax(1.0),
    );
    model.outputs.push(scores);
    model
}

/// An int8 network quantized per channel after training, with uint8 at its edges.
pub(crate) fn int8_network() -> Model {
    let mut model = Model::default();
    let image = model.input(TensorSpec::uint8("image", &[1, 6, 6, 2], 0.01, 127));
    let input = model.operator(
        code::QUANTIZE,
        &[image],
        TensorSpec::int8("input", &[1, 6, 6, 2], 0.01, -1),
        None,
    );
    let paddings =
        model.tensor(TensorSpec::integers("paddings", &[4, 2], &[0, 0, 1, 1, 2, 0, 0, 0]));
    let padded = model.operator(
        code::PAD,
        &[input, paddings],
        TensorSpec::int8("padded", &[1, 8, 8, 2], 0.01, -1),
        None,
    );
    let scales = [0.01, 0.02, 0.03, 0.04];
    let weights = TensorSpec::int8("w0", &[1, 3, 3, 4], 1.0, 0).per_channel(&scales, 3).filled();
    let weights = model.tensor(weights);
    let bias_scales = scales.map(|scale| scale * 0.01);
    let bias = model.tensor(TensorSpec::int32("b0", &[4], &bias_scales).filled());
    let map = model.operator(
        code::DEPTHWISE_CONV_2D,
        &[padded, weights, bias],
        TensorSpec::int8("depthwise", &[1, 8, 8, 4], 0.05, 3),
        options::depthwise_conv_2d(1, 2, RELU),
    );
    let smaller = model.operator(
        code::MAX_POOL_2D,
        &[map],
        TensorSpec::int8("smaller", &[1, 4, 4, 4], 0.05, 3),
        options::pool_2d(2, 2, NO_ACTIVATION),
    );
    let relu = model.operator(
        code::RELU,
        &[smaller],
        TensorSpec::int8("relu", &[1, 4, 4, 4], 0.025, -128),
        None,
    );
    let sum = model.operator(
        code::ADD,
        &[relu, smaller],
        TensorSpec::int8("sum", &[1, 4, 4, 4], 0.06, 0),
        options::add(NO_ACTIVATION),
    );
    let joined = model.operator(
        code::CONCATENATION,
        &[sum, relu],
        TensorSpec::int8("joined", &[1, 4, 4, 8], 0.06, 0),
        options::concatenation(-1),
    );
    let axes = model.tensor(TensorSpec::integers("axes", &[2], &[1, -2]));
    let mean = model.operator(
        code::MEAN,
        &[joined, axes],
        TensorSpec::int8("mean", &[1, 1, 1, 8], 0.03, 5),
        options::reducer(true),
    );
    let shape = model.tensor(TensorSpec::integers("shape", &[2], &[-1, 8]));
    let vector = model.operator(
        code::RESHAPE,
        &[mean, shape],
        TensorSpec::int8("vector", &[1, 8], 0.03, 5),
        options::reshape(&[1, 8]),
    );
    let sigmoid = model.operator(
        code::LOGISTIC,
        &[vector],
        TensorSpec::int8("sigmoid", &[1, 8], 1.0 / 256.0, -128),
        None,
    );
    let output = model.operator(
        code::QUANTIZE,
        &[sigmoid],
        TensorSpec::uint8("output", &[1, 8], 1.0 / 256.0, 0),
        None,
    );
    model.outputs.push(output);
    model
}

/// A float network whose weights are stored in 16 bits, and that leaves its shapes open.
pub(crate) fn float_network() -> Model {
    let mut model = Model::default();
    let image = model.input(TensorSpec::f32("image", &[1, 4, 4, 2]));
    let halves = TensorSpec::new("w0_half", FLOAT16, &[3, 1, 1, 2], &[], 0);
    let halves = model.tensor(halves.with_f16s(&[0.5, -1.5, 2.0, 0.25, 1.0, -4.0]));
    let weights =
        model.operator(code::DEQUANTIZE, &[halves], TensorSpec::f32("w0", &[3, 1, 1, 2]), None);
    let map = model.operator(
        code::CONV_2D,
        &[image, weights, -1],
        TensorSpec::f32("conv", &[]),
        options::conv_2d(1, 1, NO_ACTIVATION),
    );
    let relu = model.operator(code::RELU6, &[map], TensorSpec::f32("relu", &[]), None);
    let pooled = model.operator(
        code::AVERAGE_POOL_2D,
        &[relu],
        TensorSpec::f32("pooled", &[]),
        options::pool_2d(4, 1, NO_ACTIVATION),
    );
    let vector = model.operator(
        code::SQUEEZE,
        &[pooled],
        TensorSpec::f32("vector", &[]),
        options::squeeze(&[1, 2]),
    );
    let weights = TensorSpec::f32("w1", &[2, 3]).with_f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let weights = model.tensor(weights);
    let logits = model.operator(
        code::FULLY_CONNECTED,
        &[vector, weights],
        TensorSpec::f32("logits", &[]),
        options::fully_connected(RELU, false),
    );
    let quantized =
        model.operator(code::QUANTIZE, &[logits], TensorSpec::int8("quantized", &[], 0.1, 3), None);
    let output =
        model.operator(code::DEQUANTIZE, &[quantized], TensorSpec::f32("output", &[]), None);
    model.outputs.push(output);
    model
}

/// All of them.
pub(crate) fn all() -> [Model; 3] {
    [uint8_network(), int8_network(), float_network()]
}
