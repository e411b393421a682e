//! Running the float network on the samples and watching every node.

use pocketvision_core::{Backend, CompileOptions, Graph, Keep, NodeId, Outputs, RunError, Tensor};

use crate::layer::Layer;
use crate::range::ValueStatistics;
use crate::{QuantizeError, RangeMethod, Stage};

/// What was seen of each node, in graph order.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    /// Values of all nodes.
    pub(crate) values: Vec<ValueStatistics>,
    /// Channels of the nodes that have weights; empty for others.
    pub(crate) channels: Vec<ChannelStatistics>,
}

/// What was seen of one node's channels.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChannelStatistics {
    /// Sum over all pixels and samples.
    pub(crate) sum: Vec<f64>,
    /// Number of pixels of all samples.
    pub(crate) count: u64,
    /// Smallest value.
    pub(crate) min: Vec<f32>,
    /// Largest value.
    pub(crate) max: Vec<f32>,
}

impl ChannelStatistics {
    /// Takes in a tensor of channels side by side.
    pub(crate) fn add(&mut self, values: &[f32], channels: usize) {
        self.sum.resize(channels, 0.0);
        self.min.resize(channels, f32::INFINITY);
        self.max.resize(channels, f32::NEG_INFINITY);
        self.count += (values.len() / channels) as u64;
        for pixel in values.chunks_exact(channels) {
            let bounds = self.min.iter_mut().zip(&mut self.max);
            for ((sum, (min, max)), &value) in self.sum.iter_mut().zip(bounds).zip(pixel) {
                *sum += f64::from(value);
                *min = min.min(value);
                *max = max.max(value);
            }
        }
    }

    /// Mean of each channel.
    pub(crate) fn means(&self) -> impl Iterator<Item = f64> {
        self.sum.iter().map(|sum| sum / self.count.max(1) as f64)
    }
}

/// Runs a prepared network on all samples.
///
/// # Errors
/// If the backend cannot, a sample does not fit, or a value is not finite.
pub(crate) fn calibrate(
    graph: &Graph,
    backend: &dyn Backend,
    samples: &[Vec<Tensor>],
    method: RangeMethod,
    progress: &mut dyn FnMut(Stage, usize, usize),
) -> Result<Calibration, QuantizeError> {
    let nodes = graph.nodes().len();
    let mut calibration = Calibration {
        values: vec![ValueStatistics::new(); nodes],
        channels: vec![ChannelStatistics::default(); nodes],
    };
    let mut plan = backend.compile(graph, &CompileOptions { keep: Keep::EveryNode })?;
    let mut outputs = Outputs::for_signature(plan.signature());
    for (sample, inputs) in samples.iter().enumerate() {
        progress(Stage::Calibrate, sample, samples.len());
        plan.run_into(inputs, &mut outputs).map_err(|source| of_sample(source, sample))?;
        for (id, tensor) in outputs.iter() {
            let values = finite(graph, id, tensor, sample)?;
            calibration.values[id.index()].add(values, method);
            if Layer::of(graph, graph.node(id)).is_some() {
                calibration.channels[id.index()].add(values, tensor.shape().c);
            }
        }
    }
    progress(Stage::Calibrate, samples.len(), samples.len());
    Ok(calibration)
}

/// An input that does not fit is the sample's fault, a failing device is not.
fn of_sample(source: RunError, sample: usize) -> QuantizeError {
    match source {
        RunError::InputCount { .. } | RunError::InputType { .. } | RunError::NotFinite { .. } => {
            QuantizeError::Sample { sample, source }
        }
        failure => QuantizeError::Run(failure),
    }
}

fn finite<'a>(
    graph: &Graph,
    id: NodeId,
    tensor: &'a Tensor,
    sample: usize,
) -> Result<&'a [f32], QuantizeError> {
    tensor.as_f32().filter(|values| values.iter().all(|x| x.is_finite())).ok_or_else(|| {
        QuantizeError::ActivationNotFinite { node: graph.node(id).name.clone(), sample }
    })
}
