//! How far a float result may be from the exact one, derived and not tuned.
//!
//! A sum of `k` products in f32, in any order and with or without fused multiply-add, is
//! within `gamma(k) * sum |a * b|` of the exact sum, where `gamma(k) = k u / (1 - k u)` and
//! `u = 2^-24` (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1).
//! `sum |a * b|` is itself a convolution, of absolute inputs with absolute weights, and the
//! reference computes it. Activations multiply the bound by their steepest slope and add
//! their own few roundings.
//!
//! [`local_bound`] bounds one node's error given exact inputs; [`propagated_bound`] says how
//! errors of the inputs grow through the node. Integers have no tolerance, with one
//! exception: a float exactly between two integers (to within the rounding of a division)
//! may be quantized to either.

use pocketvision_core::op::{ActivationKind, Constant, PoolKind};
use pocketvision_core::{
    Element, Graph, GraphBuilder, GraphError, Node, NodeId, Op, ParamId, Shape, Tensor, TensorType,
};

use crate::evaluate;

/// Half the distance between 1 and the next f32.
pub const UNIT_ROUNDOFF: f64 = 1.0 / (1u64 << 24) as f64;

/// Results this small may be flushed to zero by a device without denormal numbers.
pub const SMALLEST: f64 = 1.2e-38;

/// The classic bound on the relative error of `k` roundings.
///
/// ```
/// use pocketvision_reference::tolerance::{UNIT_ROUNDOFF, gamma};
///
/// assert_eq!(gamma(0), 0.0);
/// // A little more than so many half steps.
/// let ratio = gamma(1000) / (1000.0 * UNIT_ROUNDOFF);
/// assert!(ratio > 1.0 && ratio < 1.001);
/// ```
pub fn gamma(k: usize) -> f64 {
    let ku = k as f64 * UNIT_ROUNDOFF;
    ku / (1.0 - ku)
}

/// For each element of a float node, how far it may be from `exact` if the inputs are exact.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::op::Add;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// use pocketvision_reference::tolerance::local_bound;
///
/// # let mut builder = GraphBuilder::new("twice");
/// # let x = builder.input("x", TensorType::new(Shape::vector(2), Element::F32))?;
/// let y = builder.push("y", Op::Add(Add { activation: None }), &[x, x])?;
/// let graph = builder.finish(&[y])?;
/// let input = Tensor::from_f32(Shape::vector(2), vec![1.0, 1000.0])?;
/// let bound = local_bound(&graph, graph.node(y), &[&input, &input], &[2.0, 2000.0])?;
/// // Larger sums may be further off, but not by much.
/// assert!(bound[0] < bound[1] && bound[1] < 1e-3);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Never for nodes of a valid graph.
pub fn local_bound(
    graph: &Graph,
    node: &Node,
    inputs: &[&Tensor],
    exact: &[f32],
) -> Result<Vec<f64>, GraphError> {
    let rounding = |y: f32| f64::from(y).abs() * UNIT_ROUNDOFF + SMALLEST;
    let (terms, magnitude) = match &node.op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::ConvTranspose2d(_) | Op::Linear(_) => {
            let terms = fan_in(graph, &node.op) + 1;
            (terms, absolute_twin(graph, node, true, &absolutes(inputs))?)
        }
        Op::Pool2d(op) if op.kind != PoolKind::Max => {
            (op.window.taps() + 1, absolute_twin(graph, node, true, &absolutes(inputs))?)
        }
        Op::Add(_) | Op::Mul(_) => (1, absolute_twin(graph, node, true, &absolutes(inputs))?),
        // Two weights, two products and three sums each; the magnitudes of the weights along
        // either side add up to 2 at most.
        Op::Resize(_) => {
            let twin = absolute_twin(graph, node, true, &absolutes(inputs))?;
            (7, twin.into_iter().map(|magnitude| 4.0 * magnitude).collect())
        }
        // Two roundings here; on a device a difference, a reciprocal and a product.
        Op::Normalize(_) => (5, exact.iter().map(|&y| f64::from(y).abs()).collect()),
        Op::Activation(_) => (0, exact_magnitude(inputs[0])),
        Op::Softmax(op) => {
            let largest = exact_magnitude(inputs[0]).iter().copied().fold(0.0, f64::max);
            // Each exponential is good to 3 + 2|x| units (the WGSL specification's
            // allowance), the sum to one a term, the division to three.
            let scores = inputs[0].shape().c as f64;
            let units = scores + 2.0 * (3.0 + 4.0 * largest * f64::from(op.beta)) + 3.0;
            let bound = |&y: &f32| f64::from(y) * units * UNIT_ROUNDOFF + SMALLEST;
            return Ok(exact.iter().map(bound).collect());
        }
        _ => return Ok(exact.iter().map(|&y| rounding(y)).collect()),
    };
    let activation = match &node.op {
        Op::Activation(op) => Some(op.kind),
        op => op.fused_activation(),
    };
    let bound = |(&y, &magnitude): (&f32, &f64)| {
        slope(activation) * gamma(terms) * magnitude
            + activation_roundings(activation, magnitude, y) * UNIT_ROUNDOFF
            + rounding(y)
    };
    Ok(exact.iter().zip(&magnitude).map(bound).collect())
}

/// For each element of a float node, how far it may move if its inputs are off by no more
/// than `errors`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::op::{Activation, ActivationKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// use pocketvision_reference::tolerance::propagated_bound;
///
/// # let mut builder = GraphBuilder::new("positive");
/// # let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let y = builder.push("y", relu, &[x])?;
/// let graph = builder.finish(&[y])?;
/// let input = Tensor::from_f32(Shape::vector(3), vec![-1.0, 0.5, 2.0])?;
/// let errors = [vec![0.1, 0.1, 0.1]];
/// let bound = propagated_bound(&graph, graph.node(y), &[&input], &errors, &[0.0, 0.5, 2.0])?;
/// // A ReLU does not make errors larger.
/// assert!(bound.iter().all(|&bound| bound <= 0.1));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Never for nodes of a valid graph.
pub fn propagated_bound(
    graph: &Graph,
    node: &Node,
    inputs: &[&Tensor],
    errors: &[Vec<f64>],
    exact: &[f32],
) -> Result<Vec<f64>, GraphError> {
    let as_tensor = |errors: &Vec<f64>, shape: Shape| {
        // Rounded up, so that the bound stays a bound.
        let rounded = errors.iter().map(|&e| (e * (1.0 + 1e-6)) as f32).collect();
        Tensor::from_f32(shape, rounded).expect("one error an element")
    };
    let error_tensors: Vec<Tensor> =
        errors.iter().zip(inputs).map(|(e, input)| as_tensor(e, input.shape())).collect();
    let grown = match &node.op {
        Op::Input | Op::Constant(_) => vec![0.0; exact.len()],
        // Probabilities move by at most twice the largest move of a score, times themselves.
        Op::Softmax(op) => {
            let largest = errors[0].iter().copied().fold(0.0, f64::max) * f64::from(op.beta);
            let factor = (2.0 * largest).exp() - 1.0;
            exact.iter().map(|&y| f64::from(y) * factor).collect()
        }
        // |a b| grows to (|a| + ea)(|b| + eb).
        Op::Mul(_) => {
            let before = absolutes(inputs);
            let after: Vec<Tensor> = before
                .iter()
                .zip(&error_tensors)
                .map(|(x, e)| {
                    let sum = x.to_f32().iter().zip(e.to_f32()).map(|(x, e)| x + e).collect();
                    Tensor::from_f32(x.shape(), sum).expect("one sum an element")
                })
                .collect();
            let before = absolute_twin(graph, node, false, &before)?;
            let after = absolute_twin(graph, node, false, &after)?;
            before.iter().zip(after).map(|(before, after)| after - before).collect()
        }
        Op::Activation(_) => errors[0].clone(),
        Op::Normalize(op) => {
            let stds = op.std.iter().cycle();
            errors[0].iter().zip(stds).map(|(error, &std)| error / f64::from(std)).collect()
        }
        // A class or a detection may change altogether.
        Op::ArgMax(_) | Op::DetectionPostprocess(_) => {
            let exact_inputs = errors.iter().flatten().all(|&error| error == 0.0);
            vec![if exact_inputs { 0.0 } else { f64::INFINITY }; exact.len()]
        }
        _ => absolute_twin(graph, node, false, &error_tensors)?,
    };
    let activation = match &node.op {
        Op::Activation(op) => Some(op.kind),
        op => op.fused_activation(),
    };
    Ok(grown.into_iter().map(|e| slope(activation) * e).collect())
}

/// Whether a float may have been quantized to `actual` where the exact result is `expected`:
/// its neighbour, if the quotient lies halfway between the two to within a division's
/// rounding.
///
/// ```
/// use pocketvision_reference::tolerance::is_quantization_tie;
///
/// // 2.5 steps: both 2 and 3 are right.
/// assert!(is_quantization_tie(1.25, 0.5, 3, 2));
/// assert!(!is_quantization_tie(1.2, 0.5, 2, 3));
/// ```
pub fn is_quantization_tie(x: f32, scale: f32, expected: i32, actual: i32) -> bool {
    let quotient = f64::from(x) / f64::from(scale);
    let distance_to_tie = ((quotient - quotient.floor()) - 0.5).abs();
    (expected - actual).abs() == 1 && distance_to_tie <= 4.0 * UNIT_ROUNDOFF * quotient.abs()
}

/// The same operator on absolute numbers, without its activation: sums of magnitudes.
fn absolute_twin(
    graph: &Graph,
    node: &Node,
    with_bias: bool,
    inputs: &[Tensor],
) -> Result<Vec<f64>, GraphError> {
    let mut builder = GraphBuilder::new("absolute twin");
    let mut op = node.op.clone();
    let twin_param = |id: &mut ParamId, builder: &mut GraphBuilder| {
        *id = builder.param("absolute", absolute(graph.param(*id)));
    };
    match &mut op {
        Op::Conv2d(conv) => {
            twin_param(&mut conv.weight, &mut builder);
            conv.bias = conv.bias.filter(|_| with_bias);
            conv.bias.iter_mut().for_each(|id| twin_param(id, &mut builder));
            conv.activation = None;
        }
        Op::DepthwiseConv2d(conv) => {
            twin_param(&mut conv.weight, &mut builder);
            conv.bias = conv.bias.filter(|_| with_bias);
            conv.bias.iter_mut().for_each(|id| twin_param(id, &mut builder));
            conv.activation = None;
        }
        Op::ConvTranspose2d(conv) => {
            twin_param(&mut conv.weight, &mut builder);
            conv.bias = conv.bias.filter(|_| with_bias);
            conv.bias.iter_mut().for_each(|id| twin_param(id, &mut builder));
            conv.activation = None;
        }
        Op::Linear(linear) => {
            twin_param(&mut linear.weight, &mut builder);
            linear.bias = linear.bias.filter(|_| with_bias);
            linear.bias.iter_mut().for_each(|id| twin_param(id, &mut builder));
            linear.activation = None;
        }
        Op::Add(add) => add.activation = None,
        Op::Mul(mul) => mul.activation = None,
        Op::Constant(Constant { value }) => twin_param(value, &mut builder),
        _ => {}
    }
    let ids: Vec<NodeId> = inputs
        .iter()
        .map(|x| builder.input("input", TensorType::new(x.shape(), Element::F32)))
        .collect::<Result<_, _>>()?;
    let twin = builder.push("twin", op, &ids)?;
    let twin_graph = builder.finish(&[twin])?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let magnitudes = evaluate(&twin_graph, twin, &inputs).expect("every f32 node is evaluated");
    Ok(magnitudes.to_f32().into_iter().map(f64::from).collect())
}

fn absolute(tensor: &Tensor) -> Tensor {
    let values = tensor.to_f32().into_iter().map(f32::abs).collect();
    Tensor::from_f32(tensor.shape(), values).expect("one magnitude an element")
}

fn absolutes(tensors: &[&Tensor]) -> Vec<Tensor> {
    tensors.iter().map(|tensor| absolute(tensor)).collect()
}

fn exact_magnitude(tensor: &Tensor) -> Vec<f64> {
    tensor.to_f32().into_iter().map(|x| f64::from(x.abs())).collect()
}

fn fan_in(graph: &Graph, op: &Op) -> usize {
    let elements = |id: ParamId| graph.param(id).shape();
    match op {
        Op::Conv2d(conv) => {
            let weight = elements(conv.weight);
            weight.h * weight.w * weight.c
        }
        Op::DepthwiseConv2d(conv) => conv.window.taps(),
        // At most; most taps fall between two inputs.
        Op::ConvTranspose2d(conv) => {
            let weight = elements(conv.weight);
            weight.h * weight.w * weight.c
        }
        Op::Linear(linear) => elements(linear.weight).c,
        _ => 0,
    }
}

/// The steepest slope of an activation.
const fn slope(activation: Option<ActivationKind>) -> f64 {
    match activation {
        None | Some(ActivationKind::Relu | ActivationKind::Relu6) => 1.0,
        Some(ActivationKind::HardSwish) => 1.5,
        Some(ActivationKind::HardSigmoid) => 1.0 / 6.0,
        Some(ActivationKind::Sigmoid) => 0.25,
    }
}

/// Roundings inside an activation, in units of [`UNIT_ROUNDOFF`], for an argument of at
/// most `magnitude`.
fn activation_roundings(activation: Option<ActivationKind>, magnitude: f64, result: f32) -> f64 {
    match activation {
        None | Some(ActivationKind::Relu | ActivationKind::Relu6) => 0.0,
        // The sum x + 3, the constant 1/6 and its product, and for the swish one more.
        Some(ActivationKind::HardSigmoid) => (magnitude.min(6.0) + 3.0) / 6.0 + 2.0,
        Some(ActivationKind::HardSwish) => magnitude * ((magnitude.min(6.0) + 3.0) / 6.0 + 3.0),
        // An exponential good to 3 + 2|x| units, a sum, a division of three.
        Some(ActivationKind::Sigmoid) => f64::from(result) * (3.0 + 2.0 * magnitude + 4.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_neighbours_of_a_tie_are_excused() {
        assert!(is_quantization_tie(0.25, 0.1, 3, 2));
        assert!(!is_quantization_tie(0.25, 0.1, 4, 2));
        assert!(!is_quantization_tie(0.26, 0.1, 3, 2));
    }

    #[test]
    fn gamma_grows_a_little_faster_than_the_count() {
        assert!(gamma(1000) > 1000.0 * UNIT_ROUNDOFF);
        assert!(gamma(1000) < 1001.0 * UNIT_ROUNDOFF);
    }
}
