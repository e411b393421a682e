//! A network as the cost model sees it: sizes and who reads what.

use pocketvision_core::{Graph, NodeId};

use crate::Layer;

/// A network without names and weights: all that its cost depends on.
///
/// Made from a [`Graph`], or layer by layer for networks whose weights nobody has.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::Workload;
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let workload = Workload::new(&graph);
/// assert_eq!(workload.layers().len(), graph.nodes().len());
/// assert_eq!(workload.macs(), graph.macs());
/// assert_eq!(workload.inputs(1), [0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Workload {
    layers: Vec<Layer>,
    /// What all layers read, one after another.
    inputs: Vec<usize>,
    /// Where each layer's inputs end in `inputs`.
    ends: Vec<usize>,
    outputs: Vec<usize>,
}

impl Workload {
    /// The workload of a graph: one layer a node, in graph order.
    pub fn new(graph: &Graph) -> Self {
        let count = graph.nodes().len();
        let mut workload = Self {
            layers: Vec::with_capacity(count),
            inputs: Vec::with_capacity(count + count / 4),
            ends: Vec::with_capacity(count),
            outputs: graph.outputs().iter().map(|id| id.index()).collect(),
        };
        for node in graph.nodes() {
            workload.layers.push(Layer::new(graph, node));
            workload.inputs.extend(node.inputs.iter().map(|id: &NodeId| id.index()));
            workload.ends.push(workload.inputs.len());
        }
        workload
    }

    /// Appends a layer that reads layers before it; returns its index.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_backend_edgetpu_sim::{Layer, Workload};
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
    /// let graph = network.build(&network.options())?;
    /// let mut first_two = Workload::default();
    /// let input = first_two.push(Layer::new(&graph, &graph.nodes()[0]), &[]);
    /// let next = first_two.push(Layer::new(&graph, &graph.nodes()[1]), &[input]);
    /// first_two.set_outputs(vec![next]);
    /// assert_eq!(first_two.outputs(), [1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If an input is not before it.
    pub fn push(&mut self, layer: Layer, inputs: &[usize]) -> usize {
        let index = self.layers.len();
        assert!(inputs.iter().all(|&input| input < index), "a layer reads what comes before it");
        self.layers.push(layer);
        self.inputs.extend(inputs);
        self.ends.push(self.inputs.len());
        index
    }

    /// Says which layers' results are fetched.
    pub fn set_outputs(&mut self, outputs: Vec<usize>) {
        self.outputs = outputs;
    }

    /// The same network with one scale for all channels of a layer's weights, as networks
    /// of 2019 were quantized.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_backend_edgetpu_sim::Workload;
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
    /// let workload = Workload::new(&network.build(&network.options())?).with_per_tensor_scales();
    /// assert!(workload.layers().iter().all(|layer| !layer.per_channel_scales));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_per_tensor_scales(mut self) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.per_channel_scales = false);
        self
    }

    /// All layers, in the order they run.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What a layer reads.
    pub fn inputs(&self, layer: usize) -> &[usize] {
        let start = layer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.inputs[start..self.ends[layer]]
    }

    /// What is fetched.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Multiply-accumulates of a call.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }
}
