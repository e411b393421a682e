//! Scaling channels of neighbouring layers to be alike (after Nagel et al., 2019, "Data-free
//! quantization through weight equalization and bias correction", section 4.1).
//!
//! Between two layers with nothing but a ReLU between them, each channel may be divided by a
//! positive number in the first layer and multiplied by it in the second: the function stays,
//! the ranges change. Nagel et al. choose the number so that both layers' weights have the
//! same range, because they quantize with one scale a layer. With a scale for each output
//! channel it is the activations in between that share a scale, so there the number makes
//! their largest values alike, as far as the second layer's weights can bear it.

use std::collections::BTreeMap;

use pocketvision_core::op::ActivationKind;
use pocketvision_core::{Graph, GraphError, NodeId, Op, ParamId, Tensor};

use crate::calibrate::{Calibration, ChannelStatistics};
use crate::layer::Layer;
use crate::weights::largest_weights;

/// Two layers whose channels may be scaled against each other.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// The node of the first layer.
    id: NodeId,
    first: Layer,
    second: Layer,
    clamp: Clamp,
}

/// What lies between two layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Clamp {
    None,
    Relu,
    Relu6,
}

/// Equalises every pair of layers of a prepared network that was run on samples. Returns the
/// network and the number of pairs.
///
/// # Errors
/// If the network cannot be rebuilt, which no prepared network should cause.
pub(crate) fn equalize(
    graph: &Graph,
    calibration: &Calibration,
    per_channel: bool,
) -> Result<(Graph, usize), GraphError> {
    // Weights that share a scale gain everywhere. Activations gain behind a clamp, where many
    // channels are hardly ever active; those of a linear bottleneck are alike as trained.
    let gains = |pair: &Pair| !per_channel || pair.clamp != Clamp::None;
    let pairs: Vec<Pair> = pairs(graph).into_iter().filter(gains).collect();
    let mut params: Vec<Option<Vec<f32>>> = vec![None; graph.params().len()];
    for pair in &pairs {
        let weights = [Some(pair.first.weight), pair.first.bias, Some(pair.second.weight)];
        for param in weights.into_iter().flatten() {
            params[param.index()] = Some(graph.param(param).to_f32());
        }
    }
    let mut grown: Vec<Vec<f32>> = pairs.iter().map(|p| vec![1.0; p.first.channels]).collect();
    // Activations follow from the samples once; weights of a layer between two pairs depend on
    // both pairs and settle in a few rounds.
    for _ in 0..if per_channel { 1 } else { WEIGHT_ROUNDS } {
        for (pair, grown) in pairs.iter().zip(&mut grown) {
            let weights = |layer: &Layer| params[layer.weight.index()].as_deref().expect("taken");
            let (first, second) = (weights(&pair.first), weights(&pair.second));
            let seen = Seen::of(&calibration.channels[pair.id.index()], pair.clamp);
            let wanted = match per_channel {
                true => growth_by_activations(&seen, &pair.second, second),
                false => growth_by_weights(pair, first, second, grown),
            };
            let most = if per_channel { MOST_ACTIVATION_GROWTH } else { MOST_WEIGHT_GROWTH };
            let target = wanted.iter().zip(&seen.largest).map(|(&wanted, largest)| {
                let room = seen.whole / largest;
                match pair.clamp {
                    // No weights, or never active: there is nothing to go by.
                    _ if !wanted.is_finite() || wanted <= 0.0 => 1.0,
                    Clamp::Relu6 => wanted.min(room).clamp(1.0, MOST_ACTIVATION_GROWTH),
                    _ => wanted.clamp(most.recip(), most),
                }
            });
            let target: Vec<f32> = target.collect();
            let growth: Vec<f32> = target.iter().zip(&*grown).map(|(new, old)| new / old).collect();
            *grown = target;
            scale(pair, &growth, &mut params);
        }
    }
    Ok((with_params(graph, params)?, pairs.len()))
}

/// Multiplies each channel between two layers, and leaves what the second layer yields.
fn scale(Pair { first, second, .. }: &Pair, growth: &[f32], params: &mut [Option<Vec<f32>>]) {
    let mut scale = |param: ParamId, factor: &dyn Fn(usize, usize) -> f32| {
        let values = params[param.index()].as_mut().expect("taken before");
        let count = values.len();
        values.iter_mut().enumerate().for_each(|(index, value)| *value *= factor(index, count));
    };
    scale(first.weight, &|index, count| growth[first.output_channel(index, count)]);
    if let Some(bias) = first.bias {
        scale(bias, &|index, _| growth[index]);
    }
    scale(second.weight, &|index, _| growth[second.input_channel(index)].recip());
}

/// Every pair of layers of which the first is read by nothing but the second.
fn pairs(graph: &Graph) -> Vec<Pair> {
    let consumers = graph.consumers();
    let mut users: BTreeMap<ParamId, usize> = BTreeMap::new();
    graph.nodes().iter().flat_map(|node| node.op.params()).for_each(|param| {
        *users.entry(param).or_default() += 1;
    });
    let owned = |layer: &Layer| {
        [Some(layer.weight), layer.bias].into_iter().flatten().all(|param| users[&param] == 1)
    };
    let only_reader = |id: NodeId| match consumers[id.index()].as_slice() {
        [reader] if !graph.outputs().contains(&id) => Some(*reader),
        _ => None,
    };
    let second_of = |first: NodeId| {
        let mut clamp = Clamp::None;
        let mut reader = only_reader(first)?;
        loop {
            let node = graph.node(reader);
            match &node.op {
                Op::Activation(activation) => match (activation.kind, clamp) {
                    (ActivationKind::Relu, Clamp::None) => clamp = Clamp::Relu,
                    (ActivationKind::Relu6, Clamp::None) => clamp = Clamp::Relu6,
                    _ => return None,
                },
                // They move or average the numbers of each channel.
                Op::Pool2d(_) | Op::Pad(_) => {}
                Op::Reshape(reshape) if reshape.shape.c == graph.ty(node.inputs[0]).shape.c => {}
                _ => return Layer::of(graph, node).map(|layer| (layer, clamp)),
            }
            reader = only_reader(reader)?;
        }
    };
    graph
        .iter()
        .filter_map(|(id, node)| {
            let first = Layer::of(graph, node)?;
            let (second, clamp) = second_of(id)?;
            let fits = owned(&first) && owned(&second) && !second.is_grouped;
            fits.then_some(Pair { id, first, second, clamp })
        })
        .collect()
}

/// What was seen of the channels between two layers.
struct Seen {
    /// The largest magnitude of each channel.
    largest: Vec<f32>,
    /// What the largest may become. A ReLU6 is scaled along only where that makes no
    /// difference: a channel that stayed below 6 may grow until it nearly reaches 6, and no
    /// channel may shrink.
    whole: f32,
}

impl Seen {
    fn of(channels: &ChannelStatistics, clamp: Clamp) -> Self {
        let bounds = channels.min.iter().zip(&channels.max);
        let largest: Vec<f32> = bounds
            .map(|(min, max)| match clamp {
                Clamp::None => max.max(-min),
                Clamp::Relu => max.max(0.0),
                Clamp::Relu6 => max.clamp(0.0, 6.0),
            })
            .collect();
        let whole = match clamp {
            Clamp::Relu6 => 6.0 / RELU6_MARGIN,
            _ => largest.iter().copied().fold(0.0, f32::max),
        };
        Self { largest, whole }
    }
}

/// What makes the largest values of all channels alike.
///
/// A depthwise convolution has a weight scale for each channel, so it bears anything. In other
/// layers all input channels share their scale: there the burden is shared, half for the
/// activations and half for the weights (as in SmoothQuant; Xiao et al., 2023, section 4).
fn growth_by_activations(seen: &Seen, second: &Layer, weights: &[f32]) -> Vec<f32> {
    let importance = importance(second, weights, seen.largest.len());
    let growth = seen.largest.iter().zip(importance).map(|(largest, importance)| {
        let room = seen.whole / largest;
        if second.is_depthwise() { room } else { (room * importance).sqrt() }
    });
    growth.collect()
}

/// What makes the weights of both layers alike, on top of what the channels have grown.
fn growth_by_weights(pair: &Pair, first: &[f32], second: &[f32], grown: &[f32]) -> Vec<f32> {
    let from = largest_weights(&pair.first, first);
    let mut to = vec![0.0f32; from.len()];
    for (index, weight) in second.iter().enumerate() {
        let largest = &mut to[pair.second.input_channel(index)];
        *largest = largest.max(weight.abs());
    }
    let ratios = from.iter().zip(to).map(|(from, to)| (to / from).sqrt());
    ratios.zip(grown).map(|(ratio, grown)| ratio * grown).collect()
}

/// How large the weights of each input channel are, beside the largest weight of the same
/// output channel, which is what decides its scale.
fn importance(layer: &Layer, weights: &[f32], input_channels: usize) -> Vec<f32> {
    let largest = largest_weights(layer, weights);
    let mut importance = vec![0.0f32; input_channels];
    for (index, weight) in weights.iter().enumerate() {
        let scale = largest[layer.output_channel(index, weights.len())];
        if scale > 0.0 {
            let share = &mut importance[layer.input_channel(index)];
            *share = share.max(weight.abs() / scale);
        }
    }
    importance
}

/// The graph with other numbers for some of its parameters.
fn with_params(graph: &Graph, mut changed: Vec<Option<Vec<f32>>>) -> Result<Graph, GraphError> {
    graph.with_params(|index, param| {
        let values = changed[index].take();
        values.map(|values| Tensor::from_f32(param.tensor.shape(), values)).transpose()
    })
}

/// A channel that is hardly ever active on the samples may be so on another input: to make
/// activations alike it grows this much at most, or shrinks.
const MOST_ACTIVATION_GROWTH: f32 = 4.0;
/// Weights do not depend on the input; this only keeps numbers sane.
const MOST_WEIGHT_GROWTH: f32 = 1024.0;
/// How much further than on the samples a channel may reach on other inputs before ReLU6
/// wrongly cuts it off.
const RELU6_MARGIN: f32 = 2.0;
/// Rounds over all pairs after which their weights hardly change.
const WEIGHT_ROUNDS: usize = 10;

#[cfg(test)]
mod tests {
    use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
    use pocketvision_core::models::{self, BuildOptions, InputSize, Precision, SplitMix64};
    use pocketvision_core::passes::rebuild;
    use pocketvision_core::{Backend, CompileOptions};

    use super::*;
    use crate::RangeMethod;
    use crate::calibrate::calibrate;
    use crate::prepare::prepare;

    fn samples(graph: &Graph, seed: u64) -> Vec<Vec<Tensor>> {
        let shape = graph.ty(graph.inputs()[0]).shape;
        let mut random = SplitMix64::new(seed);
        let mut sample = || (0..shape.elements()).map(|_| random.signed_unit()).collect();
        (0..3).map(|_| vec![Tensor::from_f32(shape, sample()).unwrap()]).collect()
    }

    /// A built-in network whose weights are scaled by wildly different numbers, channel by
    /// channel, without changing what it computes but for the rounding.
    fn uneven(name: &str) -> Graph {
        let options = BuildOptions {
            input_size: InputSize::square(32),
            classes: 10,
            precision: Precision::F32,
            ..Default::default()
        };
        let graph = models::find(name).unwrap().build(&options).unwrap();
        let graph = with_relu(&prepare(&graph).unwrap());
        let mut random = SplitMix64::new(3);
        let mut params: Vec<Option<Vec<f32>>> =
            graph.params().iter().map(|param| Some(param.tensor.to_f32())).collect();
        for pair in pairs(&graph) {
            let factor = |_| 2f32.powi(random.integer(-6, 6));
            let growth: Vec<f32> = (0..pair.first.channels).map(factor).collect();
            scale(&pair, &growth, &mut params);
        }
        with_params(&graph, params).unwrap()
    }

    /// The network with every ReLU6 a ReLU.
    fn with_relu(graph: &Graph) -> Graph {
        let rebuilt = rebuild(graph, |builder, id, inputs| {
            let node = graph.node(id);
            let mut op = node.op.clone();
            if let Op::Activation(activation) = &mut op
                && activation.kind == ActivationKind::Relu6
            {
                activation.kind = ActivationKind::Relu;
            }
            builder.push(&node.name, op, inputs)
        });
        rebuilt.unwrap()
    }

    fn backend() -> CpuBackend {
        CpuBackend::new(CpuOptions::default()).unwrap()
    }

    /// The first output that the network before its softmax yields.
    fn run(graph: &Graph, inputs: &[Tensor]) -> Vec<f32> {
        let mut plan = backend().compile(graph, &CompileOptions::default()).unwrap();
        plan.run(inputs).unwrap()[0].to_f32()
    }

    fn equalized(graph: &Graph, inputs: &[Vec<Tensor>], per_channel: bool) -> (Graph, usize) {
        let method = RangeMethod::MinMax;
        let seen = calibrate(graph, &backend(), inputs, method, &mut |_, _, _| ()).unwrap();
        equalize(graph, &seen, per_channel).unwrap()
    }

    fn assert_same(a: &[f32], b: &[f32]) {
        let range = a.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 1e-4 * range, "{a} {b}");
        }
    }

    #[test]
    fn the_function_stays_on_inputs_that_were_never_seen() {
        for name in ["mobilenet-v2-0.35", "mobilenet-v1-0.25"] {
            let graph = uneven(name);
            for per_channel in [true, false] {
                let (even, pairs) = equalized(&graph, &samples(&graph, 1), per_channel);
                assert!(pairs > 10, "{name}: {pairs}");
                assert_ne!(even.params(), graph.params());
                for inputs in samples(&graph, 2) {
                    assert_same(&run(&graph, &inputs), &run(&even, &inputs));
                }
            }
        }
    }

    #[test]
    fn a_relu6_is_scaled_only_where_the_samples_do_not_notice() {
        let options = BuildOptions {
            input_size: InputSize::square(32),
            precision: Precision::F32,
            ..Default::default()
        };
        let graph = models::find("mobilenet-v2-0.35").unwrap().build(&options).unwrap();
        let graph = prepare(&graph).unwrap();
        let inputs = samples(&graph, 1);
        let (even, _) = equalized(&graph, &inputs, true);
        assert_ne!(even.params(), graph.params());
        for inputs in inputs {
            assert_same(&run(&graph, &inputs), &run(&even, &inputs));
        }
    }

    #[test]
    fn weights_that_share_a_scale_come_to_have_like_ranges() {
        let graph = uneven("mobilenet-v1-0.25");
        let (even, _) = equalized(&graph, &samples(&graph, 1), false);
        // The largest over the smallest of a layer's channels, on average over the layers.
        let spread = |graph: &Graph| {
            let spreads = pairs(graph).into_iter().map(|pair| {
                let weights = graph.param(pair.first.weight).to_f32();
                let largest = largest_weights(&pair.first, &weights);
                let bounds = largest
                    .iter()
                    .fold((f32::MAX, 0.0f32), |(low, high), &x| (low.min(x), high.max(x)));
                (bounds.1 / bounds.0).log2()
            });
            let spreads: Vec<f32> = spreads.collect();
            spreads.iter().sum::<f32>() / spreads.len() as f32
        };
        let (before, after) = (spread(&graph), spread(&even));
        assert!(after < before / 3.0, "2^{before} to 2^{after}");
    }
}
