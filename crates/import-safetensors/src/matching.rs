//! Which definition a checkpoint belongs to, and that network with its weights.

use std::collections::BTreeSet;

use pocketvision_core::models::{
    self, BatchNorm, BuildOptions, Definition, LayerRequest, LayerWeights, PaddingStyle, Precision,
    WeightSource,
};

use crate::checkpoint::Tensors;
use crate::error::Mismatch;
use crate::naming::LayerTensors;
use crate::{Checkpoint, ImportError, ImportOptions, Naming};

/// The network that the tensors are of.
pub(crate) fn build(
    file: &str,
    tensors: &Tensors<'_>,
    options: &ImportOptions,
) -> Result<Checkpoint, ImportError> {
    let naming = Naming::of(tensors.names()).ok_or_else(|| ImportError::Naming {
        file: file.to_owned(),
        first: tensors.names().next().unwrap_or_default().to_owned(),
    })?;
    let noted = tensors.metadata.get("network").and_then(|name| models::find(name));
    let definition = match options.definition.or(noted) {
        Some(definition) => definition,
        None => nearest(tensors, naming),
    };
    let (fit, mismatch) = Fit::of(definition, naming, tensors);
    let Some(fit) = fit.filter(|_| mismatch.count() == 0) else {
        let (file, network, naming) = (file.to_owned(), definition.name, naming.name());
        let mismatch = Box::new(mismatch);
        return Err(ImportError::Mismatch { file, network, naming, mismatch });
    };
    let mut source = fit.read(tensors, options)?;
    let padding = if options.tensorflow_port { PaddingStyle::Same } else { naming.padding() };
    let build = BuildOptions { padding, ..fit.options };
    let built = if definition.is_classifier() {
        naming.adapted(definition.name, definition.architecture(None)).build(
            definition.name,
            &build,
            &mut source,
        )
    } else {
        definition.build_with(&build, &mut source)
    };
    let graph = built.map_err(|source| ImportError::Build { file: file.to_owned(), source })?;
    Ok(Checkpoint { graph, network: definition.name, naming })
}

/// The definition whose tensors differ least from those of the file.
fn nearest(tensors: &Tensors<'_>, naming: Naming) -> &'static Definition {
    models::ALL
        .iter()
        .min_by_key(|definition| {
            let (fit, mismatch) = Fit::of(definition, naming, tensors);
            let other_size = naming.input_size().is_some_and(|size| size != definition.input_size);
            (fit.is_none(), mismatch.count(), other_size)
        })
        .expect("a definition")
}

/// A definition's layers with the names of their tensors.
struct Fit {
    definition: &'static Definition,
    naming: Naming,
    options: BuildOptions,
    layers: Vec<(LayerRequest, LayerTensors)>,
}

impl Fit {
    /// The names that a definition's layers have, and how the file's tensors differ. Nothing
    /// if the convention has no such network.
    fn of(
        definition: &'static Definition,
        naming: Naming,
        tensors: &Tensors<'_>,
    ) -> (Option<Self>, Mismatch) {
        let own = BuildOptions { precision: Precision::F32, ..definition.options() };
        let architecture = definition.architecture(None);
        let name = |layer: &LayerRequest| naming.tensors(definition.name, &architecture, layer);
        let foreign = || {
            let extra = tensors.names().map(str::to_owned).collect();
            (None, Mismatch { extra, ..Mismatch::default() })
        };
        // The last layer's bias says how many classes there are.
        let channels = |last: &LayerRequest| {
            let channels = tensors.shape(&name(last)?.bias?)?.first().copied();
            channels.filter(|&channels| channels <= MAX_CHANNELS)
        };
        let Ok((options, size)) = definition.size_for_weights(&own, channels) else {
            return foreign();
        };
        let named: Option<Vec<_>> =
            size.layers.iter().map(|layer| Some((*layer, name(layer)?))).collect();
        let Some(layers) = named else { return foreign() };

        let mut mismatch = Mismatch::default();
        let mut needed = BTreeSet::new();
        let mut need = |name: &str, expected: Vec<usize>| {
            needed.insert(name.to_owned());
            match tensors.shape(name) {
                None => mismatch.missing.push(name.to_owned()),
                Some(actual) if actual != expected => {
                    mismatch
                        .misshaped
                        .push(format!("{name} is {actual:?} instead of {expected:?}"));
                }
                Some(_) => {}
            }
        };
        for (layer, names) in &layers {
            need(&names.weight, naming.weight_shape(layer));
            let vectors = names.bias.iter().chain(&names.scale);
            let vectors = vectors.chain(names.normalization.iter().flatten());
            for vector in vectors {
                need(vector, vec![layer.channels()]);
            }
        }
        let is_extra = |name: &&str| !needed.contains(*name) && !naming.is_constant(name);
        mismatch.extra = tensors.names().filter(is_extra).map(str::to_owned).collect();
        (Some(Self { definition, naming, options, layers }), mismatch)
    }

    /// The weights of every layer, batch normalisation folded.
    fn read(
        &self,
        tensors: &Tensors<'_>,
        options: &ImportOptions,
    ) -> Result<FoldedWeights, ImportError> {
        let epsilon =
            if options.tensorflow_port { 1e-3 } else { self.naming.epsilon(self.definition.name) };
        let mut folded = Vec::with_capacity(self.layers.len());
        for (layer, names) in &self.layers {
            let mut weight = self.naming.reorder(tensors.values(&names.weight)?, layer);
            if let Some(scale) = &names.scale {
                let scales = tensors.values(scale)?;
                let of_channel = weight.len() / layer.channels();
                for (index, weight) in weight.iter_mut().enumerate() {
                    // Depthwise weights have the channels innermost.
                    let channel =
                        if layer.depthwise { index % scales.len() } else { index / of_channel };
                    *weight *= scales[channel];
                }
            }
            folded.push(match &names.normalization {
                None => LayerWeights {
                    weight,
                    bias: names.bias.as_ref().map_or(Ok(vec![]), |bias| tensors.values(bias))?,
                },
                Some([gamma, beta, mean, variance]) => BatchNorm {
                    gamma: tensors.values(gamma)?,
                    beta: tensors.values(beta)?,
                    mean: tensors.values(mean)?,
                    variance: tensors.values(variance)?,
                    epsilon,
                }
                .fold(weight, layer.depthwise),
            });
        }
        Ok(FoldedWeights(folded.into_iter()))
    }
}

/// Weights in the order of the network.
struct FoldedWeights(std::vec::IntoIter<LayerWeights>);

impl WeightSource for FoldedWeights {
    fn layer(&mut self, _: &LayerRequest) -> LayerWeights {
        // Layers were listed by the same definition with the same options.
        self.0.next().unwrap_or_default()
    }
}

/// More channels than the last layer has for any dataset.
const MAX_CHANNELS: usize = 1 << 20;
