//! What a case's operators read: inputs, constants, weights.

use std::sync::Arc;

use pocketvision_core::models::SplitMix64;
use pocketvision_core::op::{Constant, Normalize};
use pocketvision_core::{
    Element, GraphError, Op, ParamId, Quantization, Shape, Tensor, TensorData, TensorType,
};

use super::numbers::{FLOAT_RANGE, INTEGER_DEVIATION, numbers};
use super::{Build, Feature};
use crate::case::{Elements, Operand};

impl Build {
    pub(super) fn input(&mut self, name: &str, shape: Shape) -> Result<Feature, GraphError> {
        let ty = TensorType::new(shape, self.activation_element());
        let node = self.builder.input(name, ty)?;
        Ok(Feature { node, deviation: self.input_deviation() })
    }

    /// A picture's bytes.
    pub(super) fn picture(&mut self, name: &str, shape: Shape) -> Result<Feature, GraphError> {
        let node = self.builder.input(name, TensorType::new(shape, Normalize::PIXELS))?;
        Ok(Feature { node, deviation: INTEGER_DEVIATION })
    }

    pub(super) fn operand(&mut self, name: &str, operand: &Operand) -> Result<Feature, GraphError> {
        match *operand {
            Operand::Earlier(position) => Ok(self.features[position]),
            Operand::Input(shape) => self.input(&format!("{name}/operand"), shape.into()),
            Operand::Constant(shape) => {
                let ty = TensorType::new(shape.into(), self.activation_element());
                let tensor = numbers(&mut self.random, &ty, self.fill);
                let value = self.builder.param(format!("{name}/constant"), tensor);
                let op = Op::Constant(Constant { value });
                let node = self.builder.push(format!("{name}/operand"), op, &[])?;
                Ok(Feature { node, deviation: self.input_deviation() })
            }
        }
    }

    /// Weights, bias, and the deviation of their sums.
    pub(super) fn weights(
        &mut self,
        x: Feature,
        shape: Shape,
        channels: usize,
        fan_in: usize,
    ) -> (ParamId, ParamId, f32) {
        let sum_deviation = |weight: f32| (fan_in as f32).sqrt() * weight * x.deviation;
        let Element::Int8(input) = self.builder.ty(x.node).element.clone() else {
            let ty = TensorType::new(shape, Element::F32);
            let weight = numbers(&mut self.random, &ty, self.fill);
            let bias_ty = TensorType::new(Shape::vector(channels), Element::F32);
            let bias = numbers(&mut self.random, &bias_ty, self.fill);
            let deviation = sum_deviation(self.input_deviation());
            return (
                self.builder.param("weight", weight),
                self.builder.param("bias", bias),
                deviation,
            );
        };
        let quantization = match self.elements {
            Elements::Int8PerTensor => {
                let zero_point = self.random.integer(-40, 40);
                Quantization::PerTensor { scale: WEIGHT_SCALE, zero_point }
            }
            _ => {
                let factor = |random: &mut SplitMix64| 1.0 + 0.7 * random.signed_unit();
                let scales: Arc<[f32]> =
                    (0..channels).map(|_| WEIGHT_SCALE * factor(&mut self.random)).collect();
                Quantization::PerChannel { scales }
            }
        };
        let element = Element::Int8(quantization.clone());
        let weight = numbers(&mut self.random, &TensorType::new(shape, element), self.fill);
        let sum_scale = |scale: f32| scale * input.scale(0);
        let sum_quantization = match quantization {
            Quantization::PerTensor { scale, .. } => {
                Quantization::PerTensor { scale: sum_scale(scale), zero_point: 0 }
            }
            Quantization::PerChannel { scales } => {
                Quantization::PerChannel { scales: scales.iter().map(|&s| sum_scale(s)).collect() }
            }
        };
        let largest = 5000;
        let bias = (0..channels).map(|_| self.random.integer(-largest, largest)).collect();
        let bias = Tensor::new(
            Shape::vector(channels),
            Element::Int32(sum_quantization),
            TensorData::I32(bias),
        )
        .expect("a bias is a vector of valid scales");
        let deviation = sum_deviation(INTEGER_DEVIATION * WEIGHT_SCALE);
        (self.builder.param("weight", weight), self.builder.param("bias", bias), deviation)
    }

    const fn activation_element(&self) -> Element {
        match self.elements {
            Elements::F32 => Element::F32,
            Elements::Int8 | Elements::Int8PerTensor => Element::int8(INPUT_SCALE, 7),
        }
    }

    pub(super) fn input_deviation(&self) -> f32 {
        match self.elements {
            Elements::F32 => FLOAT_RANGE / 3f32.sqrt(),
            Elements::Int8 | Elements::Int8PerTensor => INTEGER_DEVIATION * INPUT_SCALE,
        }
    }
}

/// Scale of int8 inputs.
const INPUT_SCALE: f32 = 0.04;
/// Scale of int8 weights, before each channel's own factor.
const WEIGHT_SCALE: f32 = 0.01;
