//! An estimate as the profile that every backend has.

use pocketvision_core::{Clock, Graph, LayerCost, Node, NodeId, Profile};

use crate::{Estimate, LayerEstimate, LayerKind, LoopOrder, NAME, Place, Split};

impl Estimate {
    /// The estimate of a graph as a profile: a row for each node, then a row for each thing that
    /// a call costs beyond its nodes.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_backend_edgetpu_sim::{Chip, Estimate};
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
    /// let graph = network.build(&network.options())?;
    /// let chip = Chip::preset("coral-usb")?;
    /// let estimate = Estimate::new(&graph, &chip)?;
    /// let profile = estimate.profile(&graph);
    /// assert_eq!(profile.cycles, Some(estimate.cycles));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the estimate is of a network with fewer nodes.
    pub fn profile(&self, graph: &Graph) -> Profile {
        let nodes = graph.iter().zip(&self.layers);
        let mut rows: Vec<LayerCost> =
            nodes.map(|((id, node), row)| layer_cost(id, node, row)).collect();
        for (name, overhead) in self.overheads.rows() {
            rows.push(LayerCost {
                latency_ms: overhead.latency_ms,
                bytes: overhead.bytes,
                energy_pj: Some(overhead.energy.total_pj()),
                ..LayerCost::new(None, name, "link and runtime")
            });
        }
        Profile {
            cycles: Some(self.cycles),
            energy_pj: Some(self.energy.total_pj()),
            ..Profile::new(NAME, Clock::Simulated, rows, self.latency_ms)
        }
    }
}

fn layer_cost(id: NodeId, node: &Node, layer: &LayerEstimate) -> LayerCost {
    let on_host = layer.place == Place::Host;
    let moved = layer.layer.input_bytes.saturating_add(layer.layer.output_bytes);
    LayerCost {
        latency_ms: layer.latency_ms,
        macs: layer.layer.macs,
        bytes: if on_host { moved } else { layer.traffic.total_bytes() },
        cycles: (!on_host).then_some(layer.cycles.total),
        energy_pj: Some(layer.energy.total_pj()),
        utilization: (!on_host && layer.layer.macs > 0).then_some(layer.utilization),
        ..LayerCost::new(Some(id), node.name.clone(), kernel_name(layer))
    }
}

/// What the chip does for a layer, in a few words.
fn kernel_name(layer: &LayerEstimate) -> String {
    let mapping = &layer.mapping;
    let name = match (layer.place, layer.layer.kind) {
        (_, kind) if !kind.works() => return "nothing to do".into(),
        (Place::Host, _) => return "host".into(),
        (_, LayerKind::Convolution { .. }) => match (mapping.split, mapping.loop_order) {
            (Split::Channels, _) => "multiply, tiles split channels".to_owned(),
            (Split::Positions, LoopOrder::PositionOuter) => "multiply, positions outer".to_owned(),
            (Split::Positions, LoopOrder::Chunked { words }) => {
                format!("multiply, chunks of {words} words")
            }
        },
        (_, LayerKind::Depthwise { .. }) => "depthwise".to_owned(),
        (_, LayerKind::GlobalPool) => "gather, vector".to_owned(),
        _ => "vector".to_owned(),
    };
    if layer.strips > 1 { format!("{name}, {} strips", layer.strips) } else { name }
}
