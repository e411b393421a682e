//! Operators with weights.

use pocketvision_core::op::{
    ActivationKind, Conv2d, DepthwiseConv2d, Linear, Padding, ResolvedPadding, Window,
};
use pocketvision_core::{Element, NodeId, ParamId, Quantization, Shape, Tensor, TensorType};
use pocketvision_import_tflite::schema::options::{conv_2d, depthwise_conv_2d, fully_connected};
use pocketvision_import_tflite::schema::{builtin, padding};

use super::fused;
use crate::tflite::model::{Options, TensorIndex, int};
use crate::tflite::translation::{Place, Translation, dims};

impl<'a> Translation<'a> {
    pub(in crate::tflite) fn conv_2d(&mut self, id: NodeId, op: &Conv2d) {
        let storage = self.storage(id);
        let (input, padding) = self.bordered(id, op.window);
        let weight =
            self.constant(op.weight, dims(self.graph.param(op.weight).shape()), 0, storage);
        let inputs = self.weighted_inputs(id, input, (op.weight, weight), op.bias);
        let options = Options::new(conv_2d::UNION_TYPE)
            .byte(conv_2d::PADDING, padding)
            .int(conv_2d::STRIDE_W, op.window.stride_w)
            .int(conv_2d::STRIDE_H, op.window.stride_h)
            .byte(conv_2d::FUSED_ACTIVATION, fused(op.activation))
            .int(conv_2d::DILATION_W, op.window.dilation_w)
            .int(conv_2d::DILATION_H, op.window.dilation_h);
        let version = if op.groups > 1 { 6 } else { storage.version(3) };
        self.emit_activated(id, op.activation, builtin::CONV_2D, version, inputs, options);
    }

    pub(in crate::tflite) fn depthwise_conv_2d(&mut self, id: NodeId, op: &DepthwiseConv2d) {
        let storage = self.storage(id);
        let source = self.graph.node(id).inputs[0];
        let channels = self.graph.ty(source).shape.c;
        let (input, padding) = self.bordered(id, op.window);
        let shape = self.graph.param(op.weight).shape();
        let weight = self.constant(op.weight, dims(shape), 3, storage);
        let inputs = self.weighted_inputs(id, input, (op.weight, weight), op.bias);
        let options = Options::new(depthwise_conv_2d::UNION_TYPE)
            .byte(depthwise_conv_2d::PADDING, padding)
            .int(depthwise_conv_2d::STRIDE_W, op.window.stride_w)
            .int(depthwise_conv_2d::STRIDE_H, op.window.stride_h)
            .int(depthwise_conv_2d::DEPTH_MULTIPLIER, shape.c / channels)
            .byte(depthwise_conv_2d::FUSED_ACTIVATION, fused(op.activation))
            .int(depthwise_conv_2d::DILATION_W, op.window.dilation_w)
            .int(depthwise_conv_2d::DILATION_H, op.window.dilation_h);
        let is_dilated = (op.window.dilation_h, op.window.dilation_w) != (1, 1);
        let version = storage.version(3).max(if is_dilated { 2 } else { 1 });
        self.emit_activated(
            id,
            op.activation,
            builtin::DEPTHWISE_CONV_2D,
            version,
            inputs,
            options,
        );
    }

    pub(in crate::tflite) fn linear(&mut self, id: NodeId, op: &Linear) {
        let storage = self.storage(id);
        let input = self.input(id, 0);
        let param = self.graph.param(op.weight);
        let shape = param.shape();
        let weight = self.constant(op.weight, vec![int(shape.n), int(shape.c)], 0, storage);
        let inputs = self.weighted_inputs(id, input, (op.weight, weight), op.bias);
        let options = Options::new(fully_connected::UNION_TYPE)
            .byte(fully_connected::FUSED_ACTIVATION, fused(op.activation))
            .byte(fully_connected::WEIGHTS_FORMAT, 0)
            .byte(fully_connected::KEEP_NUM_DIMS, 1);
        let version = match param.element().quantization() {
            Some(Quantization::PerChannel { .. }) => 12,
            _ => 5,
        };
        self.emit_activated(id, op.activation, builtin::FULLY_CONNECTED, version, inputs, options);
    }

    /// Emits a node's operator, and the node's activation after it where it cannot be fused:
    /// in float alone, as only clamps are fused in integers.
    pub(super) fn emit_activated(
        &mut self,
        id: NodeId,
        activation: Option<ActivationKind>,
        builtin: i32,
        version: i32,
        inputs: Vec<TensorIndex>,
        options: Options,
    ) {
        let node = self.graph.node(id);
        match activation {
            Some(kind) if !kind.is_clamp() => {
                let name = format!("{}/sum", node.name);
                let ty = &node.output;
                let sum = self.place(name, ty.shape, &ty.element, self.storage(id));
                self.emit(builtin, version, inputs, sum, Some(options));
                let output = self.output(id);
                self.function(kind, sum, output, node);
            }
            _ => {
                let output = self.output(id);
                self.emit(builtin, version, inputs, output, Some(options));
            }
        }
    }

    /// What a window slides over, and the code of its padding. A border that TFLite has no
    /// word for is added by an operator of its own.
    fn bordered(&mut self, id: NodeId, window: Window) -> (Place<'a>, i8) {
        let input = self.input(id, 0);
        let node = self.graph.node(id);
        let shape = self.graph.ty(node.inputs[0]).shape;
        match padding_code(window, shape) {
            Ok(code) => (input, code),
            Err(border) => {
                let padded = self.padded(format!("{}/border", node.name), shape, input, border);
                (padded, padding::VALID)
            }
        }
    }

    /// Input, weights and bias. TFLite's reference convolution insists on a bias: it is zeros
    /// where there is none.
    fn weighted_inputs(
        &mut self,
        id: NodeId,
        input: Place<'_>,
        (weight_id, weight): (ParamId, TensorIndex),
        bias: Option<ParamId>,
    ) -> Vec<TensorIndex> {
        let node = self.graph.node(id);
        let channels = node.output.shape.c;
        let bias = match bias {
            Some(bias) => self.constant(bias, vec![int(channels)], 0, input.storage),
            None => {
                let weight = self.graph.param(weight_id).element().quantization();
                let element = match (weight, input.element.per_tensor()) {
                    (Some(weight), Some((scale, _))) => Element::Int32(sum_scale(scale, weight)),
                    _ => Element::F32,
                };
                let name = format!("{}/zeros", node.name);
                let zeros = TensorType::new(Shape::vector(channels), element);
                let dims = vec![int(channels)];
                self.new_constant(name, dims, &Tensor::zeros(&zeros), input.storage)
            }
        };
        vec![input.tensor, weight, bias]
    }
}

/// What one unit of a sum of products stands for.
fn sum_scale(input: f32, weight: &Quantization) -> Quantization {
    match weight {
        Quantization::PerTensor { scale, .. } => {
            Quantization::PerTensor { scale: input * scale, zero_point: 0 }
        }
        Quantization::PerChannel { scales } => {
            Quantization::PerChannel { scales: scales.iter().map(|scale| input * scale).collect() }
        }
    }
}

/// SAME or VALID if one of them puts this border around an image of this shape, else the
/// border.
pub(super) fn padding_code(window: Window, shape: Shape) -> Result<i8, ResolvedPadding> {
    let resolved = window.resolve(shape);
    let none = ResolvedPadding { top: 0, bottom: 0, left: 0, right: 0 };
    match window.padding {
        Padding::Same => Ok(padding::SAME),
        Padding::Valid => Ok(padding::VALID),
        Padding::Explicit { .. } if resolved == none => Ok(padding::VALID),
        Padding::Explicit { .. }
            if resolved == (Window { padding: Padding::Same, ..window }).resolve(shape) =>
        {
            Ok(padding::SAME)
        }
        Padding::Explicit { .. } => Err(resolved),
    }
}
