//! Built-in networks that come with trained weights: we trained them, so they may be carried
//! here. `docs/built-in-network.md` is their model card.

use super::{Model, ModelError, Origin, Weights, optimize};
use crate::Graph;
use crate::models::{BuildOptions, Definition, Precision};
use crate::vision::Fit;

/// The trained weights of a definition.
pub(super) struct TrainedNetwork {
    /// Name of the definition.
    name: &'static str,
    /// A checkpoint with our own names, in half precision.
    float: &'static [u8],
    /// The network that `quantize` made of it, as a TFLite file.
    int8: &'static [u8],
}

static NETWORKS: &[TrainedNetwork] = &[
    #[cfg(feature = "built-in-network")]
    TrainedNetwork {
        name: "mobilenet-edgetpu-cifar10",
        float: include_bytes!("../../networks/mobilenet-edgetpu-cifar10.safetensors"),
        int8: include_bytes!("../../networks/mobilenet-edgetpu-cifar10-int8.tflite"),
    },
];

/// The trained weights of a definition, if there are any for these options.
pub(super) fn network(
    definition: &Definition,
    options: &BuildOptions,
) -> Option<&'static TrainedNetwork> {
    let BuildOptions { precision, seed, .. } = *options;
    let as_trained = *options == BuildOptions { precision, seed, ..definition.options() };
    NETWORKS.iter().find(|network| as_trained && network.name == definition.name)
}

impl TrainedNetwork {
    pub(super) fn open(
        &self,
        definition: &'static Definition,
        precision: Precision,
    ) -> Result<Model, ModelError> {
        let name = definition.name.to_owned();
        let failed = |source| ModelError::Definition { name: name.clone(), source };
        let graph = optimize(&self.graph(definition, precision)?).map_err(failed)?;
        let origin = Origin::BuiltIn(definition);
        let model = Model::assemble(name, graph, None, origin, Weights::Trained);
        let labels = model.dataset().and_then(|dataset| dataset.labels(definition.classes));
        // Its training pictures were seen whole.
        Ok(model.with_labels(labels).with_fit(Fit::CentreCrop(1.0)))
    }

    fn graph(
        &self,
        definition: &'static Definition,
        precision: Precision,
    ) -> Result<Graph, ModelError> {
        Ok(match precision {
            Precision::F32 => {
                let options = pocketvision_import_safetensors::ImportOptions {
                    definition: Some(definition),
                    tensorflow_port: false,
                };
                let file = format!("{}.safetensors", self.name);
                pocketvision_import_safetensors::import(&file, self.float, &options)?.graph
            }
            Precision::Int8 => pocketvision_import_tflite::import(self.int8, self.name)?,
        })
    }
}
