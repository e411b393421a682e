//! Sums, products, functions of one number, softmax.

use pocketvision_core::op::{ActivationKind, Add, Mul, Softmax};
use pocketvision_core::{Element, Node, NodeId};
use pocketvision_import_tflite::schema::builtin;
use pocketvision_import_tflite::schema::options::{add, mul, softmax};

use super::fused;
use crate::tflite::model::Options;
use crate::tflite::translation::{Place, Translation, refuse};
use crate::{ExportError, Problem};

impl Translation<'_> {
    pub(in crate::tflite) fn add(&mut self, id: NodeId, op: &Add) {
        let (a, b) = (self.input(id, 0), self.input(id, 1));
        let options =
            Options::new(add::UNION_TYPE).byte(add::FUSED_ACTIVATION, fused(op.activation));
        let version = a.storage.version(2);
        let inputs = vec![a.tensor, b.tensor];
        self.emit_activated(id, op.activation, builtin::ADD, version, inputs, options);
    }

    pub(in crate::tflite) fn mul(&mut self, id: NodeId, op: &Mul) {
        let (a, b) = (self.input(id, 0), self.input(id, 1));
        let output = &self.graph.ty(id).element;
        let version = mul_version(a, b, output);
        let inputs = vec![a.tensor, b.tensor];
        self.emit_activated(
            id,
            op.activation,
            builtin::MUL,
            version,
            inputs,
            mul_options(op.activation),
        );
    }

    /// A function of one number, from one place to another of the same shape.
    pub(in crate::tflite) fn function(
        &mut self,
        kind: ActivationKind,
        input: Place<'_>,
        output: Place<'_>,
        node: &Node,
    ) {
        let storage = output.storage;
        let (builtin, version) = match kind {
            ActivationKind::Relu => (builtin::RELU, storage.version(2)),
            ActivationKind::Relu6 => (builtin::RELU6, storage.version(2)),
            ActivationKind::HardSwish => (builtin::HARD_SWISH, 1),
            ActivationKind::HardSigmoid => return self.hard_sigmoid(input, output, node),
            ActivationKind::Sigmoid => (builtin::LOGISTIC, storage.version(2)),
        };
        if kind == ActivationKind::Sigmoid && !is_probability(output.element) {
            let name = format!("{}/sigmoid", node.name);
            let element = Element::int8(1.0 / 256.0, -128);
            let sigmoid = self.place(name, node.output.shape, &element, storage);
            self.emit(builtin, version, vec![input.tensor], sigmoid, None);
            self.emit(builtin::QUANTIZE, 1, vec![sigmoid.tensor], output, None);
            return;
        }
        self.emit(builtin, version, vec![input.tensor], output, None);
    }

    pub(in crate::tflite) fn softmax(
        &mut self,
        id: NodeId,
        op: &Softmax,
    ) -> Result<(), ExportError> {
        let node = self.graph.node(id);
        if !is_probability(&node.output.element) {
            let element = node.output.element.to_string();
            return Err(refuse(node, Problem::Probabilities { element }));
        }
        let input = self.input(id, 0);
        let output = self.output(id);
        let options = Options::new(softmax::UNION_TYPE).float(softmax::BETA, op.beta);
        let version = input.storage.version(2);
        self.emit(builtin::SOFTMAX, version, vec![input.tensor], output, Some(options));
        Ok(())
    }
}

/// A product's attributes.
pub(in crate::tflite) fn mul_options(activation: Option<ActivationKind>) -> Options {
    Options::new(mul::UNION_TYPE).byte(mul::FUSED_ACTIVATION, fused(activation))
}

/// Products whose scale grows came last.
pub(in crate::tflite) fn mul_version(a: Place<'_>, b: Place<'_>, output: &Element) -> i32 {
    let scale = |element: &Element| element.per_tensor().map(|(scale, _)| scale);
    match (scale(a.element), scale(b.element), scale(output)) {
        (Some(a), Some(b), Some(output)) if a * b / output >= 1.0 => 3,
        _ => a.storage.version(2),
    }
}

/// True for float and for the scale that TFLite's kernels yield probabilities at.
fn is_probability(element: &Element) -> bool {
    element.per_tensor().is_none_or(|probability| probability == (1.0 / 256.0, -128))
}
