//! Between element types.

use pocketvision_core::{NodeId, Op};
use pocketvision_import_tflite::schema::builtin;

use crate::tflite::translation::Translation;

impl Translation<'_> {
    /// Nothing, where what is read is already stored in the type and at the scale wanted.
    pub(in crate::tflite) fn quantize(&mut self, id: NodeId) {
        let input = self.input_as_it_is(id, 0);
        if self.is_stored_alike(id) {
            self.alias(id, input.tensor);
            return;
        }
        let output = self.output(id);
        self.emit(builtin::QUANTIZE, 1, vec![input.tensor], output, None);
    }

    pub(in crate::tflite) fn dequantize(&mut self, id: NodeId) {
        let input = self.input_as_it_is(id, 0);
        let output = self.output(id);
        let version = input.storage.version(2);
        self.emit(builtin::DEQUANTIZE, version, vec![input.tensor], output, None);
    }

    /// Whether a node and what it reads are the same bytes. What the caller feeds is never
    /// also what the caller gets.
    fn is_stored_alike(&self, id: NodeId) -> bool {
        let graph = self.graph;
        let source = graph.node(id).inputs[0];
        let unsigned = |id: NodeId| {
            let element = &graph.ty(id).element;
            let (scale, zero_point) = element.per_tensor()?;
            let moved = if element.name() == "int8" { 128 } else { 0 };
            Some((scale, zero_point + moved))
        };
        let is_edge = matches!(graph.node(source).op, Op::Input | Op::Constant(_))
            && graph.outputs().contains(&id);
        self.storage(id) == self.storage(source) && unsigned(id) == unsigned(source) && !is_edge
    }
}
