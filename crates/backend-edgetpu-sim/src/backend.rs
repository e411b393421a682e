//! The simulator as a backend.

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Graph, Node, Op, Plan, Unsupported,
};
use pocketvision_reference::ReferenceBackend;

use crate::plan::SimulatedPlan;
use crate::{Chip, ChipError, Estimate, NAME};

/// A simulated Edge TPU.
///
/// Results are exact; time and energy are the chip model's predictions and depend on
/// nothing of the machine it runs on.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
/// use pocketvision_core::{Backend, CompileOptions, Tensor, models};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let simulator = EdgeTpuSim::new(Chip::preset("coral-usb")?);
/// let mut plan = simulator.compile(&graph, &CompileOptions::default())?;
/// let inputs = [Tensor::zeros(graph.ty(graph.inputs()[0]))];
/// assert_eq!(plan.run(&inputs)?[0].shape().c, 10);
/// assert_eq!(plan.profile(&inputs)?.latency_ms, simulator.estimate(&graph)?.latency_ms);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeTpuSim {
    chip: Chip,
}

impl EdgeTpuSim {
    /// The simulator of a chip.
    pub const fn new(chip: Chip) -> Self {
        Self { chip }
    }

    /// The chip.
    pub const fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Predicts what one call of a network costs, without preparing or running it: a
    /// fraction of a millisecond for a mobile network.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
    /// let graph = network.build(&network.options())?;
    /// let chip = Chip::preset("coral-usb")?;
    /// let estimate = EdgeTpuSim::new(chip).estimate(&graph)?;
    /// println!("{:.2} ms, {:.1} mJ", estimate.latency_ms, estimate.energy.total_pj() / 1e9);
    /// assert!(estimate.cut.is_none(), "all of it runs on the chip");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Estimate::new`].
    pub fn estimate(&self, graph: &Graph) -> Result<Estimate, CompileError> {
        Estimate::new(graph, &self.chip)
    }
}

impl Backend for EdgeTpuSim {
    fn name(&self) -> &'static str {
        NAME
    }

    fn device(&self) -> DeviceInfo {
        let array = &self.chip.array;
        DeviceInfo {
            backend: NAME,
            name: "simulated Edge TPU".to_owned(),
            details: vec![
                ("chip", self.chip.name.clone()),
                ("clock_mhz", array.clock_mhz.to_string()),
                ("tiles", format!("{}x{}", array.tile_rows, array.tile_columns)),
            ],
            clock: Clock::Simulated,
        }
    }

    /// What runs here, on the chip or on the host that the simulator stands in for. What
    /// the chip itself can run is said by [`crate::maps`].
    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        runs(graph, node)
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        Ok(Box::new(SimulatedPlan::new(graph, options, &self.chip)?))
    }
}

/// Whether this chip, with its host, runs this graph.
pub(crate) fn check(graph: &Graph, chip: &Chip) -> Result<(), CompileError> {
    let bad_chip =
        |error: ChipError| CompileError::Device { backend: NAME, message: error.to_string() };
    chip.check().map_err(bad_chip)?;
    graph.nodes().iter().try_for_each(|node| Ok(runs(graph, node)?))
}

/// Whether a node runs on the chip or on its host: anything but arithmetic in float.
pub(crate) fn runs(graph: &Graph, node: &Node) -> Result<(), Unsupported> {
    // Detections and normalized pixels are float by nature, and the host's.
    let may_be_float = matches!(
        node.op,
        Op::Input
            | Op::Quantize(_)
            | Op::Dequantize(_)
            | Op::Normalize(_)
            | Op::Reshape(_)
            | Op::DetectionPostprocess(_)
    );
    let is_float = node.output.element.is_float()
        || node.inputs.iter().any(|&id| graph.ty(id).element.is_float());
    if is_float && !may_be_float {
        let element = node.output.element.name();
        return Err(Unsupported {
            backend: NAME,
            node: node.name.clone(),
            op: node.op.name(),
            reason: format!(
                "it computes in {element}, and an Edge TPU in int8 only; quantize the network first"
            ),
        });
    }
    ReferenceBackend::new()
        .supports(graph, node)
        .map_err(|unsupported| Unsupported { backend: NAME, ..unsupported })
}
