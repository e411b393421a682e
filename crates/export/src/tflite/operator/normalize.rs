//! A picture's bytes to numbers.

use pocketvision_core::op::Normalize;
use pocketvision_core::{Element, NodeId, Shape, Tensor};
use pocketvision_import_tflite::schema::options::{cast, div, sub};
use pocketvision_import_tflite::schema::{activation, builtin, tensor_type};

use crate::tflite::model::{Options, TensorIndex};
use crate::tflite::signedness::Storage;
use crate::tflite::translation::Translation;

impl Translation<'_> {
    /// As it is defined, so that every runtime rounds alike: a difference and a quotient.
    pub(in crate::tflite) fn normalize(&mut self, id: NodeId, op: &Normalize) {
        let (name, shape) = (&self.graph.node(id).name, self.graph.ty(id).shape);
        let pixels = self.input_as_it_is(id, 0);
        let float = self.place(format!("{name}/float"), shape, &Element::F32, Storage::F32);
        let types = Options::new(cast::UNION_TYPE)
            .byte(cast::IN_DATA_TYPE, tensor_type::UINT8)
            .byte(cast::OUT_DATA_TYPE, tensor_type::FLOAT32);
        self.emit(builtin::CAST, 1, vec![pixels.tensor], float, Some(types));

        let mean = self.colours(format!("{name}/mean"), op.mean);
        let centred = self.place(format!("{name}/centred"), shape, &Element::F32, Storage::F32);
        let plain = Options::new(sub::UNION_TYPE).byte(sub::FUSED_ACTIVATION, activation::NONE);
        self.emit(builtin::SUB, 1, vec![float.tensor, mean], centred, Some(plain));

        let std = self.colours(format!("{name}/std"), op.std);
        let output = self.output(id);
        let plain = Options::new(div::UNION_TYPE).byte(div::FUSED_ACTIVATION, activation::NONE);
        self.emit(builtin::DIV, 1, vec![centred.tensor, std], output, Some(plain));
    }

    /// A number for red, green and blue.
    fn colours(&mut self, name: String, values: [f32; 3]) -> TensorIndex {
        let tensor = Tensor::from_f32(Shape::vector(3), values.to_vec()).expect("three numbers");
        self.new_constant(name, vec![3], &tensor, Storage::F32)
    }
}
