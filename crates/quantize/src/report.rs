//! How near the int8 network is to the float network, node by node.

use pocketvision_core::{Backend, CompileOptions, GraphError, Keep, Outputs, Tensor};

use crate::convert::{Conversion, Converted, quantize_tensor};
use crate::{InputElement, QuantizeError, Stage};

/// What quantization did.
///
/// ```
/// use pocketvision_quantize::{LayerReport, QuantizeReport};
///
/// /// The layer that int8 suits least.
/// fn noisiest(report: &QuantizeReport) -> Option<&LayerReport> {
///     report.layers.iter().min_by(|a, b| a.signal_to_noise_db.total_cmp(&b.signal_to_noise_db))
/// }
/// # let layer = |name: &str, signal_to_noise_db| LayerReport {
/// #     name: name.into(), op: "Conv2d", scale: 0.1, zero_point: 0, range: (-12.8, 12.7),
/// #     signal_to_noise_db,
/// # };
/// # let layers = vec![layer("stem", 40.0), layer("head", 20.0)];
/// # let report = QuantizeReport { layers, equalized_pairs: 0 };
/// assert_eq!(noisiest(&report).map(|layer| layer.name.as_str()), Some("head"));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct QuantizeReport {
    /// Every node of the int8 network that stands for a node of the float network, in order.
    pub layers: Vec<LayerReport>,
    /// Pairs of layers whose channels were scaled to be alike.
    pub equalized_pairs: usize,
}

/// What quantization did to one node.
#[derive(Clone, PartialEq, Debug)]
pub struct LayerReport {
    /// The node's name.
    pub name: String,
    /// The operator's name.
    pub op: &'static str,
    /// Real distance between two neighbouring integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// The real numbers of the smallest and the largest integer.
    pub range: (f32, f32),
    /// Power of the float network's values over that of the int8 network's errors, in
    /// decibels, on the samples; infinite if there is no error. Errors of all layers before
    /// are in it. What the node's only reader cannot tell apart is no error.
    pub signal_to_noise_db: f64,
}

/// Runs both networks on all samples.
///
/// # Errors
/// If the backend cannot.
pub(crate) fn compare(
    conversion: &Conversion<'_>,
    converted: &Converted,
    backend: &dyn Backend,
    samples: &[Vec<Tensor>],
    progress: &mut dyn FnMut(Stage, usize, usize),
) -> Result<Vec<LayerReport>, QuantizeError> {
    let options = CompileOptions { keep: Keep::EveryNode };
    let mut float_plan = backend.compile(conversion.float, &options)?;
    let mut int8_plan = backend.compile(&converted.graph, &options)?;
    let mut float = Outputs::for_signature(float_plan.signature());
    let mut int8 = Outputs::for_signature(int8_plan.signature());
    let mut powers = vec![Power::default(); conversion.float.nodes().len()];
    for (index, sample) in samples.iter().enumerate() {
        progress(Stage::Compare, index, samples.len());
        float_plan.run_into(sample, &mut float)?;
        int8_plan.run_into(&fed(conversion, converted, sample)?, &mut int8)?;
        for (id, power) in powers.iter_mut().enumerate() {
            if let Some(node) = converted.nodes[id] {
                let signal = float[id].as_f32().expect("a float network");
                power.add(signal, &int8[node.index()].to_f32(), conversion.elements.domains[id]);
            }
        }
    }
    progress(Stage::Compare, samples.len(), samples.len());

    let nodes = powers.iter().zip(&converted.nodes);
    let layers = nodes.filter_map(|(power, node)| node.map(|node| (power, node)));
    Ok(layers
        .map(|(power, node)| {
            let node = converted.graph.node(node);
            let (scale, zero_point) =
                node.output.element.per_tensor().expect("activations have one scale");
            let (low, high) = node.output.element.integer_range().expect("an integer element");
            let real = |integer: i32| scale * (integer - zero_point) as f32;
            LayerReport {
                name: node.name.clone(),
                op: node.op.name(),
                scale,
                zero_point,
                range: (real(low), real(high)),
                signal_to_noise_db: power.decibels(),
            }
        })
        .collect())
}

/// A float sample as the int8 network is fed it.
fn fed(
    conversion: &Conversion<'_>,
    converted: &Converted,
    sample: &[Tensor],
) -> Result<Vec<Tensor>, QuantizeError> {
    if conversion.options.input == InputElement::F32 {
        return Ok(sample.to_vec());
    }
    let graph = &converted.graph;
    let inputs = graph.inputs().iter().zip(sample);
    let quantize = |(&input, tensor): (_, &Tensor)| {
        let node = graph.node(input);
        quantize_tensor(tensor, &node.output.element)
            .map_err(|source| GraphError::Tensor { name: node.name.clone(), source }.into())
    };
    inputs.map(quantize).collect()
}

/// Sums of squares.
#[derive(Clone, Copy, Default, Debug)]
struct Power {
    signal: f64,
    noise: f64,
}

impl Power {
    fn add(&mut self, signal: &[f32], actual: &[f32], (low, high): (f64, f64)) {
        for (&signal, &actual) in signal.iter().zip(actual) {
            let signal = f64::from(signal).clamp(low, high);
            let actual = f64::from(actual).clamp(low, high);
            self.signal += signal * signal;
            self.noise += (signal - actual) * (signal - actual);
        }
    }

    fn decibels(self) -> f64 {
        if self.noise == 0.0 { f64::INFINITY } else { 10.0 * (self.signal / self.noise).log10() }
    }
}
