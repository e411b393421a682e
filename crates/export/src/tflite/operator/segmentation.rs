//! Operators of segmentation networks: other sizes, and the class of each pixel.

use pocketvision_core::NodeId;
use pocketvision_core::op::{CoordinateMode, Resize, ResizeKind};
use pocketvision_import_tflite::schema::options::{
    arg_max, resize_bilinear, resize_nearest_neighbor,
};
use pocketvision_import_tflite::schema::{builtin, tensor_type};

use crate::tflite::model::{FileTensor, OperatorCode, Options, int};
use crate::tflite::translation::Translation;

impl Translation<'_> {
    pub(in crate::tflite) fn resize(&mut self, id: NodeId, op: &Resize) {
        let input = self.input(id, 0);
        let name = format!("{}/size", self.graph.node(id).name);
        let size = self.integers(name, vec![2], &[int(op.height), int(op.width)]);
        let (builtin, union_type, align_corners, half_pixel_centers) = match op.kind {
            ResizeKind::Bilinear => (
                builtin::RESIZE_BILINEAR,
                resize_bilinear::UNION_TYPE,
                resize_bilinear::ALIGN_CORNERS,
                resize_bilinear::HALF_PIXEL_CENTERS,
            ),
            ResizeKind::Nearest => (
                builtin::RESIZE_NEAREST_NEIGHBOR,
                resize_nearest_neighbor::UNION_TYPE,
                resize_nearest_neighbor::ALIGN_CORNERS,
                resize_nearest_neighbor::HALF_PIXEL_CENTERS,
            ),
        };
        let is = |mode| i8::from(op.coordinates == mode);
        let options = Options::new(union_type)
            .byte(align_corners, is(CoordinateMode::AlignCorners))
            .byte(half_pixel_centers, is(CoordinateMode::HalfPixel));
        // Half pixels came last, and corners of nearest neighbours with them.
        let is_late = match op.coordinates {
            CoordinateMode::Asymmetric => false,
            CoordinateMode::AlignCorners => op.kind == ResizeKind::Nearest,
            CoordinateMode::HalfPixel => true,
        };
        let version = if is_late { 3 } else { input.storage.version(2) };
        let output = self.output(id);
        self.emit(builtin, version, vec![input.tensor, size], output, Some(options));
    }

    /// Classes as 32-bit integers, without the dimension of the scores.
    pub(in crate::tflite) fn arg_max(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let input = self.input_as_it_is(id, 0);
        let axis = self.integers(format!("{}/axis", node.name), vec![1], &[-1]);
        let shape = node.output.shape;
        let output = FileTensor {
            name: node.name.clone(),
            dims: [shape.n, shape.h, shape.w].map(int).to_vec(),
            kind: tensor_type::INT32,
            scaling: None,
            data: None,
        };
        let options =
            Options::new(arg_max::UNION_TYPE).byte(arg_max::OUTPUT_TYPE, tensor_type::INT32);
        let version = input.storage.version(2);
        let code = OperatorCode { builtin: builtin::ARG_MAX, custom: None, version };
        self.emit_result(id, code, vec![input.tensor, axis], vec![output], Some(options), None);
    }
}
