//! A float network as int8.

use pocketvision_core::{Backend, Graph, Tensor};

use crate::bias_correction::correct_biases;
use crate::calibrate::calibrate;
use crate::convert::Conversion;
use crate::elements::Elements;
use crate::ends::cut;
use crate::equalize::equalize;
use crate::prepare::prepare;
use crate::report::compare;
use crate::{InputElement, QuantizeError, QuantizeOptions, QuantizeReport, RangeMethod};

/// A quantized network, and how good it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantized {
    /// The int8 network.
    pub graph: Graph,
    /// How near it is to the float network.
    pub report: QuantizeReport,
}

/// What is being done, for a progress bar.
///
/// ```
/// use pocketvision_quantize::Stage;
///
/// fn show(stage: Stage, done: usize, of: usize) {
///     println!("{stage:?}: {done} of {of}");
/// }
/// let progress: &mut dyn FnMut(Stage, usize, usize) = &mut show;
/// progress(Stage::Calibrate, 3, 32);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The float network runs, and its values are watched; counted in samples. Twice if
    /// layers were equalised in between.
    Calibrate,
    /// Layers are corrected one by one; counted in nodes.
    CorrectBias,
    /// Both networks run, for the report; counted in samples.
    Compare,
}

/// The int8 network of a float network, by the ranges that its activations have on samples. Class
/// maps and detections at its end read the integers.
///
/// A sample is the network's inputs, of which a few dozen typical ones are enough. The float
/// network, single layers and the int8 network are run by `backend`; the result suits every
/// backend. `progress` is told the stage, how much of it is done, and how much there is.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_cpu::CpuBackend;
/// use pocketvision_core::Tensor;
/// use pocketvision_core::models::{self, BuildOptions, Precision, SplitMix64};
/// use pocketvision_quantize::{QuantizeOptions, quantize};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let options = BuildOptions { precision: Precision::F32, ..network.options() };
/// let float = network.build(&options)?;
/// // In earnest: a few dozen photos, preprocessed.
/// let shape = float.ty(float.inputs()[0]).shape;
/// let mut random = SplitMix64::new(1);
/// let pixels = (0..shape.elements()).map(|_| random.signed_unit()).collect();
/// let samples = [vec![Tensor::from_f32(shape, pixels)?]];
/// let options = QuantizeOptions { correct_bias: false, ..QuantizeOptions::default() };
/// let cpu = CpuBackend::with_defaults()?;
/// let quantized = quantize(&float, &cpu, &samples, &options, &mut |_, _, _| ())?;
/// assert!(quantized.graph.parameter_bytes() * 3 < float.parameter_bytes());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the network is not f32 throughout or has weights that are not finite, if there are no
/// samples or one does not fit, if an option is out of its range, or the backend fails.
pub fn quantize(
    graph: &Graph,
    backend: &dyn Backend,
    samples: &[Vec<Tensor>],
    options: &QuantizeOptions,
    progress: &mut dyn FnMut(Stage, usize, usize),
) -> Result<Quantized, QuantizeError> {
    check(options)?;
    if samples.is_empty() {
        return Err(QuantizeError::NoSamples);
    }
    let (body, ends) = cut(graph)?;
    let mut float = prepare(&body)?;
    let mut equalized_pairs = 0;
    if options.equalize {
        let calibration = calibrate(&float, backend, samples, RangeMethod::MinMax, progress)?;
        (float, equalized_pairs) = equalize(&float, &calibration, options.per_channel)?;
    }
    let calibration = calibrate(&float, backend, samples, options.ranges, progress)?;
    let elements = Elements::choose(&float, &calibration, options);
    let biases = vec![None; float.nodes().len()];
    let ends = &ends;
    let mut conversion = Conversion { float: &float, elements: &elements, ends, options, biases };
    if options.correct_bias {
        correct_biases(&mut conversion, &calibration, backend, samples, progress)?;
    }
    let converted = conversion.convert()?;
    let layers = compare(&conversion, &converted, backend, samples, progress)?;
    Ok(Quantized { graph: converted.graph, report: QuantizeReport { layers, equalized_pairs } })
}

fn check(options: &QuantizeOptions) -> Result<(), QuantizeError> {
    let wrong = |option, value: f64, expected| {
        Err(QuantizeError::Option { option, value: value.to_string(), expected })
    };
    match options.ranges {
        RangeMethod::MovingAverage { momentum } if !(0.0..1.0).contains(&momentum) => {
            return wrong("momentum", momentum, "a number from 0 to below 1");
        }
        RangeMethod::Percentile(percent) if !(percent > 50.0 && percent <= 100.0) => {
            return wrong("percentile", percent, "a number above 50, at most 100");
        }
        _ => {}
    }
    match options.input {
        InputElement::UInt8 { scale, .. } if !(scale.is_finite() && scale > 0.0) => {
            wrong("the input's scale", scale.into(), "a finite number above 0")
        }
        _ => Ok(()),
    }
}
