//! Transposed convolutions.

use pocketvision_core::NodeId;
use pocketvision_core::op::ConvTranspose2d;
use pocketvision_import_tflite::schema::options::transpose_conv;
use pocketvision_import_tflite::schema::{activation, builtin, padding};

use super::fused;
use crate::tflite::model::{Options, int};
use crate::tflite::translation::{Translation, dims, refuse};
use crate::{ExportError, Problem};

impl Translation<'_> {
    pub(in crate::tflite) fn transpose_conv(
        &mut self,
        id: NodeId,
        op: &ConvTranspose2d,
    ) -> Result<(), ExportError> {
        let node = self.graph.node(id);
        let storage = self.storage(id);
        let kernel = self.graph.param(op.weight).shape();
        let same = [
            ConvTranspose2d::same_crop(op.output_h, kernel.h, op.stride_h),
            ConvTranspose2d::same_crop(op.output_w, kernel.w, op.stride_w),
        ];
        let code = match [op.crop_top, op.crop_left] {
            [0, 0] => padding::VALID,
            crop if crop == same => padding::SAME,
            [crop_top, crop_left] => {
                return Err(refuse(node, Problem::Crop { crop_top, crop_left }));
            }
        };
        let input = self.input(id, 0);
        let output_dims = dims(node.output.shape);
        let size = self.integers(format!("{}/size", node.name), vec![4], &output_dims);
        let weight = self.constant(op.weight, dims(kernel), 0, storage);
        let mut inputs = vec![size, weight, input.tensor];
        if let Some(bias) = op.bias {
            let channels = int(self.graph.param(bias).shape().c);
            inputs.push(self.constant(bias, vec![channels], 0, storage));
        }
        let fused = fused(op.activation);
        let options = Options::new(transpose_conv::UNION_TYPE)
            .byte(transpose_conv::PADDING, code)
            .int(transpose_conv::STRIDE_W, op.stride_w)
            .int(transpose_conv::STRIDE_H, op.stride_h)
            .byte(transpose_conv::FUSED_ACTIVATION, fused);
        // Activations came last, biases before.
        let version = match (fused, op.bias) {
            (activation::NONE, None) => storage.version(2),
            (activation::NONE, Some(_)) => 3,
            _ => 4,
        };
        self.emit_activated(id, op.activation, builtin::TRANSPOSE_CONV, version, inputs, options);
        Ok(())
    }
}
