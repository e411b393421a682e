//! What one call of a whole network costs, without running it.

mod layer;

pub use layer::LayerEstimate;
use pocketvision_core::{CompileError, Graph, Unsupported};

use crate::compile::{Program, TooLarge};
use crate::cost::Energy;
use crate::{Chip, LayerKind, NAME, Overhead, Overheads, Partition, Place, Workload};

/// The predicted cost of one call.
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
/// let slowest = estimate.layers.iter().max_by_key(|layer| layer.cycles.total).ok_or("no layers")?;
/// println!("{:.2} ms; {} is slowest", estimate.latency_ms, graph.nodes()[slowest.index].name);
/// assert!(estimate.first_call_ms(&chip) >= estimate.latency_ms);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Estimate {
    /// One row a node, in graph order.
    pub layers: Vec<LayerEstimate>,
    /// What the call costs beyond its layers.
    pub overheads: Overheads,
    /// The first node that runs on the host because the chip cannot, if there is one.
    pub cut: Option<Unsupported>,
    /// Cycles of all layers on the chip. Comparable with what Google's compiler estimates.
    pub cycles: u64,
    /// Bytes of parameters that stay on the chip between calls.
    pub cached_parameter_bytes: u64,
    /// Bytes of parameters sent with every call, because they do not fit.
    pub streamed_parameter_bytes: u64,
    /// Bytes of program.
    pub instruction_bytes: u64,
    /// Most bytes of activations that one tile holds at once.
    pub narrow_bytes_per_tile: u64,
    /// Time from inputs handed in to outputs handed back, in milliseconds. The parameters
    /// are already on the chip: the first call after loading a network takes longer, see
    /// [`Estimate::first_call_ms`].
    pub latency_ms: f64,
    /// Energy of the call by where it goes: the chip's, and the host's own where it
    /// computes.
    pub energy: Energy,
}

impl Estimate {
    /// Predicts the cost of one call of a graph. Costs microseconds a node: weights are never
    /// read.
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
    /// let mut faster = chip.clone();
    /// faster.array.clock_mhz *= 2.0;
    /// assert!(Estimate::new(&graph, &faster)?.latency_ms < estimate.latency_ms);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CompileError::Unsupported`] if the network computes in float,
    /// [`CompileError::TooLarge`] if no tiling makes a layer fit, and [`CompileError::Device`]
    /// if the chip has a figure that no chip can have.
    pub fn new(graph: &Graph, chip: &Chip) -> Result<Self, CompileError> {
        crate::backend::check(graph, chip)?;
        Self::of_partition(graph, Partition::new(graph), chip)
    }

    /// Predicts the cost of a graph that is cut as stated.
    pub(crate) fn of_partition(
        graph: &Graph,
        partition: Partition,
        chip: &Chip,
    ) -> Result<Self, CompileError> {
        let workload = Workload::new(graph);
        let estimate = Self::of_workload(&workload, &partition.places, chip);
        let named = |TooLarge { layer, needed_bytes, limit_bytes }| CompileError::TooLarge {
            backend: NAME,
            node: graph.nodes()[layer].name.clone(),
            needed_bytes,
            limit_bytes,
        };
        Ok(Self { cut: partition.cut, ..estimate.map_err(named)? })
    }

    /// Predicts the cost of a network without names and weights, whose layers run at the stated
    /// places. The chip is not checked: see [`Chip::check`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_backend_edgetpu_sim::{Chip, Estimate, Partition, Workload};
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
    /// let graph = network.build(&network.options())?;
    /// let chip = Chip::preset("coral-usb")?;
    /// let today = Estimate::new(&graph, &chip)?;
    /// // As if it had been quantized in 2019.
    /// let workload = Workload::new(&graph).with_per_tensor_scales();
    /// let places = Partition::new(&graph).places;
    /// let then =
    ///     Estimate::of_workload(&workload, &places, &chip).map_err(|_| "a layer is too large")?;
    /// assert!(then.cached_parameter_bytes <= today.cached_parameter_bytes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`] if no tiling makes a layer fit.
    pub fn of_workload(
        workload: &Workload,
        places: &[Place],
        chip: &Chip,
    ) -> Result<Self, TooLarge> {
        let program = Program::new(workload, places, chip)?;
        let (input_bytes, output_bytes) = crossing_bytes(workload, places);
        let mut layers: Vec<LayerEstimate> = (0..workload.layers().len())
            .map(|index| LayerEstimate::new(index, workload, places[index], &program, chip))
            .collect();

        let rate = chip.link.host_to_device_bytes_per_second;
        let back_rate = chip.link.device_to_host_bytes_per_second;
        let milliseconds = |bytes: u64, rate: f64| bytes as f64 / rate * 1e3;
        let uses_chip = layers.iter().any(|layer| layer.cycles.total > 0);
        let program_bytes = if chip.link.sends_program { program.instruction_bytes } else { 0 };
        let fixed_ms = if uses_chip { chip.link.fixed_call_ms } else { 0.0 };
        let inputs = Overhead::of(input_bytes, milliseconds(input_bytes, rate), chip);
        let instructions = Overhead::of(program_bytes, milliseconds(program_bytes, rate), chip);
        let outputs = Overhead::of(output_bytes, milliseconds(output_bytes, back_rate), chip);

        // Host work before the chip, then what the chip is sent, then its layers; parameters
        // that do not stay flow meanwhile, in the order of their layers.
        let mut now = 0.0;
        let mut sent = 0;
        let mut stream_begins = 0.0;
        let begins = layers.iter().position(|layer| layer.cycles.total > 0);
        let (mut waited_ms, mut spilled_ms, mut spilled_bytes) = (0.0, 0.0, 0);
        for layer in &mut layers {
            if Some(layer.index) == begins {
                now += fixed_ms + instructions.latency_ms + inputs.latency_ms;
                stream_begins = now;
            }
            layer.start_ms = now;
            if layer.cycles.total > 0 {
                let bytes = program.layers[layer.index].spilled_bytes;
                let spill_ms = (milliseconds(bytes, rate) + milliseconds(bytes, back_rate)) / 2.0;
                let busy_until = now + layer.latency_ms + spill_ms;
                if layer.streamed {
                    sent += layer.parameter_bytes;
                    let arrived = stream_begins + milliseconds(sent, rate);
                    layer.dma_stall_ms = (arrived - busy_until).max(0.0);
                }
                now = busy_until + layer.dma_stall_ms;
                waited_ms += layer.dma_stall_ms;
                spilled_ms += spill_ms;
                spilled_bytes += bytes;
            } else {
                now += layer.latency_ms;
            }
        }
        let overheads = Overheads {
            fixed: Overhead::waiting(fixed_ms, chip),
            instructions,
            parameters: Overhead::of(program.streamed_parameter_bytes, waited_ms, chip),
            spills: Overhead::of(spilled_bytes, spilled_ms, chip),
            inputs,
            outputs,
        };

        let mut latency_ms: f64 = layers.iter().map(|layer| layer.latency_ms).sum();
        let mut energy = Energy::default();
        layers.iter().for_each(|layer| energy += layer.energy);
        for (_, overhead) in overheads.rows() {
            latency_ms += overhead.latency_ms;
            energy += overhead.energy;
        }
        Ok(Self {
            cycles: layers.iter().map(|layer| layer.cycles.total).sum(),
            layers,
            overheads,
            cut: None,
            cached_parameter_bytes: program.cached_parameter_bytes,
            streamed_parameter_bytes: program.streamed_parameter_bytes,
            instruction_bytes: program.instruction_bytes,
            narrow_bytes_per_tile: program.narrow_bytes_per_tile,
            latency_ms,
            energy,
        })
    }

    /// Milliseconds of the first call after loading the network, which also sends the
    /// parameters that stay.
    pub fn first_call_ms(&self, chip: &Chip) -> f64 {
        let rate = chip.link.host_to_device_bytes_per_second;
        self.latency_ms + self.cached_parameter_bytes as f64 / rate * 1e3
    }

    /// Watts on average at so many calls a second, idle time between them included; `None` if
    /// calls take too long for that.
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
    /// assert_eq!(estimate.average_power_w(0.0, &chip), Some(chip.energy.idle_w));
    /// assert_eq!(estimate.average_power_w(1e6, &chip), None, "a million calls a second");
    /// # Ok(())
    /// # }
    /// ```
    pub fn average_power_w(&self, calls_per_second: f64, chip: &Chip) -> Option<f64> {
        let busy = calls_per_second * self.latency_ms / 1e3;
        // Millijoules a call, times calls a second, are milliwatts.
        let active_mj = (self.energy.total_pj() - self.energy.idle_pj) / 1e9;
        (busy <= 1.0).then_some(chip.energy.idle_w + active_mj * calls_per_second / 1e3)
    }
}

/// Bytes that the chip is fed by the host, and bytes that the host gets back; each tensor in
/// whole units of the link.
fn crossing_bytes(workload: &Workload, places: &[Place]) -> (u64, u64) {
    let count = places.len();
    let is_input = |index: usize| workload.layers()[index].kind == LayerKind::Input;
    let (mut fed, mut fetched) = (vec![false; count], vec![false; count]);
    for index in 0..count {
        for &input in workload.inputs(index) {
            let from_host = places[input] == Place::Host || is_input(input);
            match places[index] {
                Place::Chip => fed[input] |= from_host,
                Place::Host => fetched[input] |= !from_host,
            }
        }
    }
    for &output in workload.outputs() {
        fetched[output] |= places[output] == Place::Chip && !is_input(output);
    }
    let bytes = |marked: &[bool]| -> u64 {
        let layers = workload.layers().iter().zip(marked).filter(|(_, marked)| **marked);
        layers.map(|(layer, _)| layer.output_bytes.next_multiple_of(LINK_UNIT_BYTES)).sum()
    };
    (bytes(&fed), bytes(&fetched))
}

/// Transfers are padded to this.
const LINK_UNIT_BYTES: u64 = 8;
