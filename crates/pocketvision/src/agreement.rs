//! How far two runs of one network are apart, and at which node they part.

use pocketvision_reference::tolerance::{is_quantization_tie, local_bound};
use pocketvision_reference::{EvaluateError, evaluate};
use thiserror::Error;

use crate::{Graph, GraphError, Node, NodeId, Op, Outputs, Tensor, TensorData};

/// How far results are from those of a yardstick.
///
/// ```
/// use pocketvision::agreement::Agreement;
/// use pocketvision::{Shape, Tensor};
///
/// let expected = Tensor::from_f32(Shape::vector(3), vec![1.0, 2.0, 3.0])?;
/// let actual = Tensor::from_f32(Shape::vector(3), vec![1.0, 2.0, 3.5])?;
/// let agreement = Agreement::between(&actual, &expected);
/// assert_eq!(agreement.max_abs_difference, 0.5);
/// assert_eq!((agreement.differing_values, agreement.values), (1, 3));
/// # Ok::<(), pocketvision::TensorError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Agreement {
    /// True if every byte is the same.
    pub identical: bool,
    /// The largest difference: of integers as they are stored, in steps; of floats as they
    /// are. Infinite if one is NaN and the other is not.
    pub max_abs_difference: f64,
    /// Number of values that differ.
    pub differing_values: usize,
    /// Number of values compared.
    pub values: usize,
}

impl Agreement {
    /// Compares two tensors. Tensors of different types differ in everything, infinitely.
    pub fn between(actual: &Tensor, expected: &Tensor) -> Self {
        let values = expected.shape().elements();
        if actual.ty() != expected.ty() {
            return Self {
                identical: false,
                max_abs_difference: f64::INFINITY,
                differing_values: values,
                values,
            };
        }
        let mut agreement = Self {
            identical: actual.bytes() == expected.bytes(),
            max_abs_difference: 0.0,
            differing_values: 0,
            values,
        };
        if !agreement.identical {
            for (a, e) in numbers(actual).into_iter().zip(numbers(expected)) {
                let difference = difference(a, e);
                agreement.differing_values += usize::from(difference > 0.0);
                agreement.max_abs_difference = agreement.max_abs_difference.max(difference);
            }
        }
        agreement
    }

    /// Compares all outputs of two runs of one network. Outputs of different networks differ
    /// in everything, infinitely.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::agreement::Agreement;
    /// use pocketvision::{BackendOptions, CompileOptions, Model, backend, vision::SamplePicture};
    ///
    /// let model = Model::load("mobilenet-edgetpu-cifar10")?;
    /// let input = [model.preprocess(&SamplePicture::Macaw.paint(64, 64))?];
    /// let run = |name| -> Result<_, Box<dyn std::error::Error>> {
    ///     let backend = backend(name, &BackendOptions::default())?;
    ///     Ok(backend.compile(model.graph(), &CompileOptions::default())?.run(&input)?)
    /// };
    /// // Integers are the same everywhere, to the bit.
    /// assert!(Agreement::of_outputs(&run("cpu")?, &run("edgetpu-sim")?).identical);
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_outputs(actual: &Outputs, expected: &Outputs) -> Self {
        let pairs = actual.iter().zip(expected.iter());
        let each = pairs.map(|((_, actual), (_, expected))| Self::between(actual, expected));
        let same_count = actual.len() == expected.len();
        let all = Self {
            identical: same_count,
            max_abs_difference: if same_count { 0.0 } else { f64::INFINITY },
            differing_values: 0,
            values: 0,
        };
        each.fold(all, |all, one| Self {
            identical: all.identical && one.identical,
            max_abs_difference: all.max_abs_difference.max(one.max_abs_difference),
            differing_values: all.differing_values + one.differing_values,
            values: all.values + one.values,
        })
    }
}

/// The first node of a network that a backend did not compute as it should.
#[derive(Clone, PartialEq, Debug)]
pub struct FirstDifference {
    /// The node.
    pub node: NodeId,
    /// How far its output is from what the reference makes of the same inputs.
    pub agreement: Agreement,
    /// Number of values that are beyond the tolerance.
    pub values_beyond_tolerance: usize,
}

/// The first node, in graph order, whose output is not what the reference computes from the
/// inputs that the backend itself fed that node; `None` if there is none.
///
/// `nodes` is what a plan compiled with [`crate::Keep::EveryNode`] yields. Integers must be
/// identical: while every node before is, this is the first node that differs from the
/// reference's own run. Floats must be within the error that the operator's arithmetic
/// allows ([`pocketvision_reference::tolerance`]), which does not grow from layer to layer
/// because each node is judged alone.
///
/// Costs about one run of the reference, two for floats.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision::agreement::first_difference;
/// use pocketvision::{BackendOptions, CompileOptions, Keep, Model, backend, vision::SamplePicture};
///
/// let model = Model::load("mobilenet-edgetpu-cifar10")?;
/// let cpu = backend("cpu", &BackendOptions::default())?;
/// let mut plan = cpu.compile(model.graph(), &CompileOptions { keep: Keep::EveryNode })?;
/// let nodes = plan.run(&[model.preprocess(&SamplePicture::Macaw.paint(64, 64))?])?;
/// assert_eq!(first_difference(model.graph(), &nodes)?, None);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If a node was not kept, or the reference cannot compute it.
pub fn first_difference(
    graph: &Graph,
    nodes: &Outputs,
) -> Result<Option<FirstDifference>, DifferenceError> {
    let kept = |id: NodeId| {
        let not_kept = || DifferenceError::NotKept { node: graph.node(id).name.clone() };
        nodes.get(id).ok_or_else(not_kept)
    };
    for (id, node) in graph.iter().filter(|(_, node)| node.op != Op::Input) {
        let inputs: Vec<&Tensor> =
            node.inputs.iter().map(|&input| kept(input)).collect::<Result<_, _>>()?;
        let (actual, expected) = (kept(id)?, evaluate(graph, id, &inputs)?);
        let agreement = Agreement::between(actual, &expected);
        if agreement.identical {
            continue;
        }
        let values_beyond_tolerance = if actual.ty() == expected.ty() {
            count_beyond_tolerance(graph, node, &inputs, actual, &expected)?
        } else {
            agreement.values
        };
        if values_beyond_tolerance > 0 {
            return Ok(Some(FirstDifference { node: id, agreement, values_beyond_tolerance }));
        }
    }
    Ok(None)
}

fn count_beyond_tolerance(
    graph: &Graph,
    node: &Node,
    inputs: &[&Tensor],
    actual: &Tensor,
    expected: &Tensor,
) -> Result<usize, GraphError> {
    let bound = match expected.as_f32() {
        Some(exact) => Some(local_bound(graph, node, inputs, exact)?),
        None => None,
    };
    // Only a float on its way to an integer may fall to either side of a tie.
    let quantized_float = match (&node.op, expected.element().per_tensor()) {
        (Op::Quantize(_), Some((scale, _))) => inputs[0].as_f32().map(|floats| (floats, scale)),
        _ => None,
    };
    let beyond = |&(index, (actual, expected)): &(usize, (f64, f64))| {
        let allowed = bound.as_ref().map_or(0.0, |bound| bound[index]);
        let tie = quantized_float.is_some_and(|(floats, scale)| {
            is_quantization_tie(floats[index], scale, expected as i32, actual as i32)
        });
        difference(actual, expected) > allowed && !tie
    };
    let pairs = numbers(actual).into_iter().zip(numbers(expected));
    Ok(pairs.enumerate().filter(beyond).count())
}

/// A network's nodes could not be judged.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum DifferenceError {
    /// A node's output is not there.
    #[error("the output of node '{node}' was not kept: compile with Keep::EveryNode")]
    NotKept {
        /// The node's name.
        node: String,
    },
    /// The reference cannot compute a node.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// A node's tolerance cannot be derived.
    #[error(transparent)]
    Tolerance(#[from] GraphError),
}

fn difference(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        0.0
    } else if a.is_nan() || b.is_nan() {
        f64::INFINITY
    } else {
        (a - b).abs()
    }
}

/// Floats as they are, integers as stored.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor.data() {
        TensorData::F32(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::F16(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::I8(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::U8(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::I32(v) => v.iter().map(|&x| x.into()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{self, BuildOptions, InputSize, Precision};
    use crate::{BackendOptions, CompileOptions, Element, Keep, Shape, backend};

    fn f32s(values: &[f32]) -> Tensor {
        Tensor::from_f32(Shape::vector(values.len()), values.to_vec()).unwrap()
    }

    #[test]
    fn differences_are_counted_in_stored_numbers() {
        let int8 = |values: &[i8]| {
            let data = TensorData::I8(values.to_vec());
            Tensor::new(Shape::vector(values.len()), Element::int8(0.25, 3), data).unwrap()
        };
        let agreement = Agreement::between(&int8(&[-128, 1, 2]), &int8(&[127, 1, 3]));
        assert_eq!(
            agreement,
            Agreement {
                identical: false,
                max_abs_difference: 255.0,
                differing_values: 2,
                values: 3
            }
        );
        assert!(Agreement::between(&int8(&[1]), &int8(&[1])).identical);
    }

    #[test]
    fn a_number_and_no_number_are_infinitely_far_apart() {
        let agreement = Agreement::between(&f32s(&[f32::NAN, 1.0]), &f32s(&[0.0, 1.0]));
        assert_eq!((agreement.max_abs_difference, agreement.differing_values), (f64::INFINITY, 1));
        let agreement = Agreement::between(&f32s(&[1.0]), &f32s(&[1.0, 2.0]));
        assert_eq!((agreement.max_abs_difference, agreement.differing_values), (f64::INFINITY, 2));
        let zeros = Agreement::between(&f32s(&[-0.0]), &f32s(&[0.0]));
        assert_eq!((zeros.identical, zeros.max_abs_difference), (false, 0.0));
    }

    /// A small network's nodes as the reference computes them.
    fn reference_nodes(precision: Precision) -> (Graph, Outputs) {
        let options = BuildOptions {
            input_size: InputSize::square(32),
            classes: 10,
            precision,
            ..Default::default()
        };
        let graph = models::ALL[0].build(&options).unwrap();
        let reference = backend("reference", &BackendOptions::default()).unwrap();
        let mut plan =
            reference.compile(&graph, &CompileOptions { keep: Keep::EveryNode }).unwrap();
        let nodes = plan.run(&[Tensor::zeros(graph.ty(graph.inputs()[0]))]).unwrap();
        (graph, nodes)
    }

    /// Changes one value of one node, and returns the first difference found.
    fn tampered(
        precision: Precision,
        node: usize,
        tamper: impl Fn(&mut Tensor),
    ) -> Option<FirstDifference> {
        let (graph, mut nodes) = reference_nodes(precision);
        tamper(nodes.iter_mut().nth(node).unwrap().1);
        first_difference(&graph, &nodes).unwrap()
    }

    #[test]
    fn one_step_of_one_integer_is_found_where_it_happened() {
        let tamper = |tensor: &mut Tensor| tensor.bytes_mut()[5] ^= 1;
        let found = tampered(Precision::Int8, 20, tamper).unwrap();
        assert_eq!((found.node.index(), found.values_beyond_tolerance), (20, 1));
        assert_eq!(found.agreement.max_abs_difference, 1.0);
        assert_eq!(tampered(Precision::Int8, 20, |_| ()), None);
    }

    #[test]
    fn floats_may_be_off_by_a_rounding_but_not_by_a_thousandth() {
        let scale = |factor: f32| {
            move |tensor: &mut Tensor| {
                let scaled: Vec<f32> = tensor.to_f32().iter().map(|x| x * factor).collect();
                tensor.bytes_mut().copy_from_slice(bytemuck::cast_slice(&scaled));
            }
        };
        // Of the last node, since others would be judged on what was changed before them.
        let last = reference_nodes(Precision::F32).0.nodes().len() - 1;
        assert_eq!(tampered(Precision::F32, last, scale(1.0 + f32::EPSILON)), None);
        assert!(tampered(Precision::F32, last, scale(1.001)).is_some());
        let found = tampered(Precision::F32, 12, scale(1.001)).unwrap();
        assert_eq!(found.node.index(), 12);
    }

    #[test]
    fn every_node_must_have_been_kept() {
        let (graph, _) = reference_nodes(Precision::Int8);
        let reference = backend("reference", &BackendOptions::default()).unwrap();
        let mut plan = reference.compile(&graph, &CompileOptions::default()).unwrap();
        let outputs = plan.run(&[Tensor::zeros(graph.ty(graph.inputs()[0]))]).unwrap();
        let error = first_difference(&graph, &outputs).unwrap_err();
        assert!(matches!(error, DifferenceError::NotKept { .. }), "{error}");
    }
}
