//! The networks, and how their outputs are judged.

use std::slice;

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::models::{self, BuildOptions, Precision, SplitMix64};
use pocketvision_core::op::Normalize;
use pocketvision_core::{Backend as _, CompileOptions, Element, Graph, Tensor, passes};

/// A built-in network in one precision.
pub(crate) struct Case {
    name: &'static str,
    precision: Precision,
    /// Whether it is fed a picture's bytes though it is float.
    pixels: bool,
}

pub(crate) const CASES: &[Case] = &[
    Case { name: "mobilenet-v3-large", precision: Precision::F32, pixels: false },
    Case { name: "mobilenet-v3-small", precision: Precision::Int8, pixels: false },
    Case { name: "mobilenet-edgetpu-1.0", precision: Precision::F32, pixels: true },
    Case { name: "mobilenet-edgetpu-1.0", precision: Precision::Int8, pixels: false },
];

impl Case {
    pub(crate) fn title(&self) -> String {
        let pixels = if self.pixels { ", pixels" } else { "" };
        format!("{}/{}{pixels}", self.name, self.precision_name())
    }

    /// The test's page, as it is asked for.
    pub(crate) fn address(&self) -> String {
        let pixels = if self.pixels { "&pixels" } else { "" };
        format!("check.html?name={}&precision={}{pixels}", self.name, self.precision_name())
    }

    const fn precision_name(&self) -> &'static str {
        match self.precision {
            Precision::Int8 => "int8",
            _ => "f32",
        }
    }

    pub(crate) fn graph(&self) -> Result<Graph, String> {
        let definition = models::find(self.name).ok_or("no such network")?;
        let options = BuildOptions { precision: self.precision, ..definition.options() };
        let mut graph = definition.build(&options).map_err(|error| error.to_string())?;
        if self.pixels {
            let symmetric = Normalize { mean: [127.5; 3], std: [127.5; 3] };
            graph = passes::take_pixels(&graph, symmetric).map_err(|error| error.to_string())?;
        }
        passes::optimize(&graph).map_err(|error| error.to_string())
    }

    /// Numbers without a pattern.
    pub(crate) fn input(&self, graph: &Graph) -> Tensor {
        let ty = graph.ty(graph.inputs()[0]);
        let mut numbers = SplitMix64::new(7);
        let mut tensor = Tensor::zeros(ty);
        if ty.element == Element::F32 {
            for number in tensor.bytes_mut().chunks_exact_mut(4) {
                number.copy_from_slice(&numbers.signed_unit().to_le_bytes());
            }
        } else {
            tensor.bytes_mut().iter_mut().for_each(|byte| *byte = numbers.next_u64() as u8);
        }
        tensor
    }

    /// Integers are equal; floats differ from the processor's by what another order of summing
    /// makes of them.
    pub(crate) fn judge(&self, graph: &Graph, input: &Tensor, actual: &[u8]) -> Result<(), String> {
        let backend = CpuBackend::new(CpuOptions::default()).map_err(|error| error.to_string())?;
        let plan = backend.compile(graph, &CompileOptions::default());
        let mut plan = plan.map_err(|error| error.to_string())?;
        let outputs = plan.run(slice::from_ref(input)).map_err(|error| error.to_string())?;
        let expected = &outputs[0];
        if expected.bytes().len() != actual.len() {
            return Err(format!("{} bytes instead of {}", actual.len(), expected.bytes().len()));
        }
        let Some(expected) = expected.as_f32() else {
            let wrong = expected.bytes().iter().zip(actual).filter(|(a, b)| a != b).count();
            return if wrong == 0 { Ok(()) } else { Err(format!("{wrong} bytes are wrong")) };
        };
        let actual = actual
            .chunks_exact(4)
            .map(|number| f32::from_le_bytes(number.try_into().expect("four bytes")));
        let largest = expected.iter().fold(0f32, |most, number| most.max(number.abs()));
        let allowed = largest * FLOAT_TOLERANCE;
        let is_near = |expected: f32, actual: f32| (expected - actual).abs() <= allowed;
        let wrong = expected.iter().zip(actual).find(|(a, b)| !is_near(**a, *b));
        match wrong {
            None => Ok(()),
            Some((expected, actual)) => Err(format!("{actual} instead of {expected}")),
        }
    }
}

/// Of the largest score.
const FLOAT_TOLERANCE: f32 = 1e-3;
