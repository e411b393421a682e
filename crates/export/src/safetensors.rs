//! The weights of a network that we define, as safetensors.
//!
//! A checkpoint does not say what its tensors are for; reading it back needs the definition.
//! So a graph is written only if the definition, built with the graph's own weights, is that
//! graph: then whoever reads the file gets the same network.

use std::collections::HashMap;

use pocketvision_core::models::{
    self, BuildOptions, Definition, InputSize, LayerRequest, LayerWeights, Precision, WeightSource,
};
use pocketvision_core::{Element, Graph, Param, Tensor, passes};
use safetensors::{Dtype, tensor::TensorView};

use crate::ExportError;

/// The bytes of a file that holds the graph's weights.
pub(crate) fn to_bytes(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let refuse =
        |reason: String| ExportError::NotDefined { network: graph.name().to_owned(), reason };
    if let Some(param) = graph.params().iter().find(|p| *p.tensor.element() != Element::F32) {
        let (name, element) = (&param.name, param.tensor.element().name());
        return Err(refuse(format!("'{name}' is {element}, and only f32 networks are")));
    }
    let definition = definition_of(graph)
        .ok_or_else(|| refuse("its layers or their names are those of none of them".into()))?;
    let metadata = HashMap::from([
        ("format".to_owned(), "pocketvision".to_owned()),
        ("network".to_owned(), definition.name.to_owned()),
    ]);
    // What follows from the definition, as a detector's anchors do, is not written.
    let of_layers =
        |param: &&Param| ["/weight", "/bias"].iter().any(|end| param.name.ends_with(end));
    let views = graph.params().iter().filter(of_layers).map(|param| {
        let shape = shape_of(&param.name, &param.tensor);
        let view = TensorView::new(Dtype::F32, shape, param.tensor.bytes());
        view.map(|view| (param.name.as_str(), view)).map_err(|error| refuse(error.to_string()))
    });
    let views: Vec<_> = views.collect::<Result<_, _>>()?;
    safetensors::serialize(views, Some(metadata)).map_err(|error| refuse(error.to_string()))
}

/// The definition that a graph is of: by its name, or else whichever fits.
fn definition_of(graph: &Graph) -> Option<&'static Definition> {
    let named = models::find(graph.name());
    let others = models::ALL.iter().filter(|other| other.name != graph.name());
    named.into_iter().chain(others).find(|definition| is_of(definition, graph))
}

/// Whether the definition with the graph's weights is the graph.
fn is_of(definition: &Definition, graph: &Graph) -> bool {
    let [input] = graph.inputs() else { return false };
    let input = graph.ty(*input).shape;
    let tensors = graph.params().iter().map(|p| (p.name.as_str(), &*p.tensor)).collect();
    let mut weights = GraphWeights { tensors };
    let own = BuildOptions {
        input_size: InputSize { height: input.h, width: input.w },
        batch: input.n,
        precision: Precision::F32,
        ..definition.options()
    };
    let sized = definition.size_for_weights(&own, |layer| weights.channels(layer));
    let Ok((options, size)) = sized else { return false };
    if !size.layers.iter().all(|layer| weights.fits(layer)) {
        return false;
    }
    let built = definition.build_with(&options, &mut weights);
    let built = built.and_then(|built| passes::optimize(&built));
    matches!((built, passes::optimize(graph)), (Ok(built), Ok(graph)) if is_alike(&built, &graph))
}

/// Whether two graphs are equal but for their names.
fn is_alike(a: &Graph, b: &Graph) -> bool {
    a.nodes() == b.nodes()
        && a.params() == b.params()
        && a.inputs() == b.inputs()
        && a.outputs() == b.outputs()
}

/// The weights of a graph by name.
struct GraphWeights<'a> {
    tensors: HashMap<&'a str, &'a Tensor>,
}

impl GraphWeights<'_> {
    fn fits(&self, layer: &LayerRequest) -> bool {
        let has = |part: &str, shape| {
            let tensor = self.tensors.get(format!("{}/{part}", layer.name).as_str());
            tensor.is_some_and(|tensor| tensor.shape() == shape)
        };
        has("weight", layer.shape)
            && has("bias", pocketvision_core::Shape::vector(layer.channels()))
    }

    /// Output channels that a layer's bias has here.
    fn channels(&self, layer: &LayerRequest) -> Option<usize> {
        let bias = self.tensors.get(format!("{}/bias", layer.name).as_str())?;
        Some(bias.shape().c)
    }

    fn values(&self, layer: &LayerRequest, part: &str) -> Vec<f32> {
        let tensor = self.tensors.get(format!("{}/{part}", layer.name).as_str());
        tensor.and_then(|tensor| tensor.as_f32()).unwrap_or_default().to_vec()
    }
}

impl WeightSource for GraphWeights<'_> {
    fn layer(&mut self, request: &LayerRequest) -> LayerWeights {
        LayerWeights { weight: self.values(request, "weight"), bias: self.values(request, "bias") }
    }
}

/// Weights have four dimensions, biases one.
fn shape_of(name: &str, tensor: &Tensor) -> Vec<usize> {
    if name.ends_with("/bias") { vec![tensor.shape().c] } else { tensor.shape().dims().to_vec() }
}
