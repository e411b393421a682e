//! Whether a backend computed what it should.

use std::fmt;

use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, Keep, NodeId, Op, Outputs, Tensor,
};
use pocketvision_reference::evaluate;

use crate::tolerance::{is_quantization_tie, local_bound, propagated_bound};

/// What was found.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// Everything agrees.
    Agrees,
    /// One element is beyond its tolerance.
    Differs {
        /// The node's name.
        node: String,
        /// Which way of compiling showed it.
        plan: &'static str,
        /// The element's index in NHWC order.
        index: usize,
        /// What the backend computed.
        actual: f64,
        /// What the reference computed.
        expected: f64,
        /// How far apart they may be.
        allowed: f64,
        /// How many elements of the node are beyond their tolerance.
        count: usize,
    },
    /// The same inputs gave other results the second time.
    Unrepeatable,
    /// The backend failed.
    Failed(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agrees => f.write_str("agrees"),
            Self::Differs { node, plan, index, actual, expected, allowed, count } => write!(
                f,
                "node '{node}' ({plan}): element {index} is {actual}, the reference has \
                 {expected} and allows {allowed:.3e}; {count} elements are off"
            ),
            Self::Unrepeatable => f.write_str("a second run on the same inputs differs"),
            Self::Failed(message) => f.write_str(message),
        }
    }
}

/// Runs a graph on a backend in both ways of compiling it and compares with the reference.
///
/// `inputs` are two sets of inputs. Costs four runs on the backend and a few on the
/// reference.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_conformance::{Verdict, build, cases, judge};
/// use pocketvision_reference::ReferenceBackend;
///
/// let case = &cases()?[0];
/// let built = build(case, case.elements[0])?;
/// let (first, second) = (built.inputs(1), built.inputs(2));
/// let verdict = judge(&ReferenceBackend::new(), &built.graph, [&first, &second]);
/// assert!(matches!(verdict, Verdict::Agrees), "{verdict}");
/// # Ok(())
/// # }
/// ```
pub fn judge(backend: &dyn Backend, graph: &Graph, inputs: [&[Tensor]; 2]) -> Verdict {
    match try_judge(backend, graph, inputs) {
        Ok(()) => Verdict::Agrees,
        Err(verdict) => *verdict,
    }
}

fn try_judge(
    backend: &dyn Backend,
    graph: &Graph,
    inputs: [&[Tensor]; 2],
) -> Result<(), Box<Verdict>> {
    let failed = |error: &dyn fmt::Display| Box::new(Verdict::Failed(error.to_string()));
    let every_node = CompileOptions { keep: Keep::EveryNode };
    let mut plan = backend.compile(graph, &every_node).map_err(|e| failed(&e))?;
    let nodes = plan.run(inputs[0]).map_err(|e| failed(&e))?;
    judge_each_node(graph, &nodes)?;

    let mut plan = backend.compile(graph, &CompileOptions::default()).map_err(|e| failed(&e))?;
    let mut run = |inputs| plan.run(inputs).map_err(|e| failed(&e));
    let (first, other, again) = (run(inputs[0])?, run(inputs[1])?, run(inputs[0])?);
    if first != again {
        return Err(Box::new(Verdict::Unrepeatable));
    }
    judge_outputs(graph, inputs[0], &first)?;
    judge_outputs(graph, inputs[1], &other)
}

/// Each node against the reference, on the inputs that the backend itself produced.
fn judge_each_node(graph: &Graph, nodes: &Outputs) -> Result<(), Box<Verdict>> {
    let result = |id: NodeId| nodes.get(id).expect("every node was kept");
    for (id, node) in graph.iter().filter(|(_, node)| node.op != Op::Input) {
        let inputs: Vec<&Tensor> = node.inputs.iter().map(|&i| result(i)).collect();
        let expected = reference_value(graph, id, &inputs);
        let bound = if expected.element().is_float() {
            local_bound(graph, node, &inputs, &expected.to_f32()).expect("a valid node")
        } else {
            vec![0.0; expected.shape().elements()]
        };
        let from_float = match (&node.op, inputs.first()) {
            (Op::Quantize(_), Some(input)) => input.as_f32(),
            _ => None,
        };
        compare(&node.name, "every node", result(id), &expected, &bound, from_float)?;
    }
    Ok(())
}

/// The outputs against the reference, with the error that may have built up on the way.
fn judge_outputs(graph: &Graph, inputs: &[Tensor], outputs: &Outputs) -> Result<(), Box<Verdict>> {
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes().len());
    let mut errors: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes().len());
    let mut fed = inputs.iter();
    for (id, node) in graph.iter() {
        if node.op == Op::Input {
            let tensor = fed.next().expect("one tensor an input").clone();
            errors.push(vec![0.0; tensor.shape().elements()]);
            values.push(tensor);
            continue;
        }
        let node_inputs: Vec<&Tensor> = node.inputs.iter().map(|i| &values[i.index()]).collect();
        let value = reference_value(graph, id, &node_inputs);
        let exact = value.to_f32();
        let from_integers = node_inputs.iter().all(|x| !x.element().is_float());
        let error = match value.element() {
            Element::F32 if from_integers => {
                local_bound(graph, node, &node_inputs, &exact).expect("a valid node")
            }
            Element::F32 => {
                let input_errors: Vec<Vec<f64>> =
                    node.inputs.iter().map(|i| errors[i.index()].clone()).collect();
                let local = local_bound(graph, node, &node_inputs, &exact).expect("valid");
                let grown = propagated_bound(graph, node, &node_inputs, &input_errors, &exact);
                local.iter().zip(grown.expect("valid")).map(|(a, b)| a + b).collect()
            }
            // A float that is off by its tolerance may be quantized one step off.
            _ if !from_integers && errors[node.inputs[0].index()].iter().any(|&e| e > 0.0) => {
                vec![1.0; exact.len()]
            }
            _ => vec![0.0; exact.len()],
        };
        values.push(value);
        errors.push(error);
    }
    for &id in graph.outputs() {
        let actual = outputs.get(id).expect("an output");
        let (expected, bound) = (&values[id.index()], &errors[id.index()]);
        compare(&graph.node(id).name, "outputs", actual, expected, bound, None)?;
    }
    Ok(())
}

fn compare(
    node: &str,
    plan: &'static str,
    actual: &Tensor,
    expected: &Tensor,
    bound: &[f64],
    from_float: Option<&[f32]>,
) -> Result<(), Box<Verdict>> {
    if actual.ty() != expected.ty() {
        let (a, e) = (actual.ty(), expected.ty());
        return Err(Box::new(Verdict::Failed(format!("node '{node}' is {a}, expected {e}"))));
    }
    let (actual_values, expected_values) = (plain_numbers(actual), plain_numbers(expected));
    let scale = expected.element().per_tensor().map_or(1.0, |(scale, _)| scale);
    let off = |&i: &usize| {
        let (a, e) = (actual_values[i], expected_values[i]);
        let excused =
            from_float.is_some_and(|x| is_quantization_tie(x[i], scale, e as i32, a as i32));
        // NaN is within no bound.
        let within = (a - e).abs() <= bound[i];
        !(within || excused)
    };
    let mut offenders = (0..actual_values.len()).filter(off);
    let Some(index) = offenders.next() else { return Ok(()) };
    Err(Box::new(Verdict::Differs {
        node: node.to_owned(),
        plan,
        index,
        actual: actual_values[index],
        expected: expected_values[index],
        allowed: bound[index],
        count: 1 + offenders.count(),
    }))
}

/// What the reference computes for one node.
///
/// # Panics
/// If the node is f16: no case is.
fn reference_value(graph: &Graph, id: NodeId, inputs: &[&Tensor]) -> Tensor {
    evaluate(graph, id, inputs).expect("the reference evaluates every f32 and int8 node")
}

/// Floats as they are, integers as stored.
fn plain_numbers(tensor: &Tensor) -> Vec<f64> {
    use pocketvision_core::TensorData;
    match tensor.data() {
        TensorData::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::F16(v) => v.iter().map(|&x| f64::from(x.to_f32())).collect(),
        TensorData::I8(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::U8(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::{
        CompileError, DeviceInfo, MemoryUse, Node, Plan, Profile, RunError, Signature,
        TensorSliceMut, Unsupported,
    };
    use pocketvision_reference::ReferenceBackend;

    use super::*;
    use crate::{Elements, build, cases};

    /// The reference with one number of each result nudged.
    struct Wrong(ReferenceBackend);
    struct WrongPlan(Box<dyn Plan>);

    impl Backend for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn device(&self) -> DeviceInfo {
            self.0.device()
        }
        fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
            self.0.supports(graph, node)
        }
        fn compile(
            &self,
            graph: &Graph,
            options: &CompileOptions,
        ) -> Result<Box<dyn Plan>, CompileError> {
            Ok(Box::new(WrongPlan(self.0.compile(graph, options)?)))
        }
    }

    impl Plan for WrongPlan {
        fn signature(&self) -> &Signature {
            self.0.signature()
        }
        fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
            self.0.run_into(inputs, outputs)?;
            let (_, last) = outputs.iter_mut().last().expect("an output");
            match last.slice_mut() {
                TensorSliceMut::F32(v) => v[0] += 1.0,
                TensorSliceMut::I8(v) => v[0] = v[0].wrapping_add(1),
                TensorSliceMut::U8(v) => v[0] = v[0].wrapping_add(1),
                _ => {}
            }
            Ok(())
        }
        fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
            self.0.profile(inputs)
        }
        fn memory(&self) -> MemoryUse {
            self.0.memory()
        }
    }

    #[test]
    fn one_wrong_number_is_found_in_every_case() {
        let wrong = Wrong(ReferenceBackend::new());
        for case in cases().unwrap() {
            for elements in [Elements::F32, Elements::Int8] {
                if !case.elements.contains(&elements) || case.name.contains("extremes") {
                    continue;
                }
                let built = build(&case, elements).unwrap();
                let verdict = judge(&wrong, &built.graph, [&built.inputs(1), &built.inputs(2)]);
                assert!(
                    matches!(verdict, Verdict::Differs { .. }),
                    "{}/{}: {verdict}",
                    case.group,
                    case.name
                );
            }
        }
    }
}
