//! Graphs made from parts of others.

use pocketvision_core::{Graph, GraphBuilder};

/// An empty graph with the params of another, whose ids stay what they are there. The numbers are
/// shared.
pub(crate) fn with_params_of(graph: &Graph, name: &str) -> GraphBuilder {
    let mut builder = GraphBuilder::new(name);
    for param in graph.params() {
        builder.param(param.name.clone(), param.tensor.clone());
    }
    builder
}
