//! Operators that move numbers.

use pocketvision_core::op::{Axis, Concat, Pad, Rescaling, Reshape, ResolvedPadding};
use pocketvision_core::{NodeId, Shape};
use pocketvision_import_tflite::schema::builtin;
use pocketvision_import_tflite::schema::options::{concatenation, reshape};

use crate::tflite::model::{Options, int};
use crate::tflite::signedness::Storage;
use crate::tflite::translation::{Place, Translation, dims};

impl Translation<'_> {
    /// TFLite's int8 kernels take inputs of the output's scale: others are rescaled first. Its
    /// uint8 kernels rescale in float.
    pub(in crate::tflite) fn concat(&mut self, id: NodeId, op: &Concat) {
        let node = self.graph.node(id);
        let storage = self.storage(id);
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (position, &source) in node.inputs.iter().enumerate() {
            let mut input = self.input(id, position);
            let is_rescaled = op.rescaling == Rescaling::Float && storage == Storage::UInt8;
            if *input.element != node.output.element && !is_rescaled {
                let name = format!("{}/input{position}", node.name);
                let shape = self.graph.ty(source).shape;
                input = self.requantized(name, shape, input, &node.output.element, storage);
            }
            inputs.push(input.tensor);
        }
        let axis = match op.axis {
            Axis::Height => 1,
            Axis::Width => 2,
            Axis::Channels => 3,
        };
        let output = self.output(id);
        let options = Options::new(concatenation::UNION_TYPE).int(concatenation::AXIS, axis);
        self.emit(builtin::CONCATENATION, storage.version(2), inputs, output, Some(options));
    }

    pub(in crate::tflite) fn pad_node(&mut self, id: NodeId, op: &Pad) {
        let input = self.input(id, 0);
        let output = self.output(id);
        let name = format!("{}/paddings", self.graph.node(id).name);
        let Pad { top, bottom, left, right } = *op;
        self.pad(name, input, ResolvedPadding { top, bottom, left, right }, output);
    }

    /// An image with a border of zeros.
    pub(super) fn padded<'e>(
        &mut self,
        name: String,
        shape: Shape,
        input: Place<'e>,
        border: ResolvedPadding,
    ) -> Place<'e> {
        let ResolvedPadding { top, bottom, left, right } = border;
        let wider = Shape { h: shape.h + top + bottom, w: shape.w + left + right, ..shape };
        let paddings = format!("{name}/paddings");
        let output = self.place(name, wider, input.element, input.storage);
        self.pad(paddings, input, border, output);
        output
    }

    fn pad(&mut self, name: String, input: Place<'_>, border: ResolvedPadding, output: Place<'_>) {
        let [top, bottom, left, right] =
            [border.top, border.bottom, border.left, border.right].map(int);
        let paddings = [0, 0, top, bottom, left, right, 0, 0];
        let paddings = self.integers(name, vec![4, 2], &paddings);
        let version = input.storage.version(2);
        self.emit(builtin::PAD, version, vec![input.tensor, paddings], output, None);
    }

    pub(in crate::tflite) fn reshape(&mut self, id: NodeId, op: &Reshape) {
        let input = self.input(id, 0);
        let output = self.output(id);
        let shape = dims(op.shape);
        let name = format!("{}/shape", self.graph.node(id).name);
        let operand = self.integers(name, vec![4], &shape);
        let options = Options::new(reshape::UNION_TYPE).ints(reshape::NEW_SHAPE, shape);
        self.emit(builtin::RESHAPE, 1, vec![input.tensor, operand], output, Some(options));
    }
}
