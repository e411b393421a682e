//! What one call of a whole network costs, without running it.

use pocketvision_core::{CompileError, Graph, NodeId, Op, Unsupported};

use crate::cost::cycles::layer_cycles;
use crate::cost::energy::{chip_energy, host_energy};
use crate::cost::traffic::{layer_traffic, parameter_bytes};
use crate::cost::{Energy, LayerCycles, Traffic};
use crate::residency::resident_bytes_per_tile;
use crate::{Chip, Layer, LayerKind, Mapping, Partition, Place};

/// The predicted cost of one call.
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
    /// Bytes of program sent with every call.
    pub instruction_bytes: u64,
    /// Most bytes of activations that one tile holds at once, before any are spilled.
    pub narrow_bytes_per_tile: u64,
    /// Time from inputs handed in to outputs handed back, in milliseconds. The parameters
    /// are already on the chip: the first call after loading a network takes longer.
    pub latency_ms: f64,
    /// Energy of the call by where it goes: the chip's, and the host's own where it
    /// computes.
    pub energy: Energy,
}

/// The predicted cost of one node.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LayerEstimate {
    /// The node.
    pub node: NodeId,
    /// Where it runs.
    pub place: Place,
    /// Its sizes.
    pub layer: Layer,
    /// How it is spread over the chip.
    pub mapping: Mapping,
    /// Cycles on the chip; zero on the host.
    pub cycles: LayerCycles,
    /// Bytes through each memory of the chip.
    pub traffic: Traffic,
    /// Bytes of its parameters in the chip's memory.
    pub parameter_bytes: u64,
    /// Its time, stalls and transfers aside, in milliseconds.
    pub latency_ms: f64,
    /// Its energy, transfers aside.
    pub energy: Energy,
    /// Share of the chip's peak arithmetic, 0 to 1.
    pub utilization: f64,
}

/// What a call costs beyond its layers.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Overheads {
    /// What any call costs.
    pub fixed: Overhead,
    /// Cycles by which the chip is slower than its layers add up to.
    pub stalls: Overhead,
    /// Sending the program.
    pub instructions: Overhead,
    /// Sending parameters that do not fit on the chip.
    pub parameters: Overhead,
    /// Moving activations out and back in that do not fit on the chip.
    pub spills: Overhead,
    /// Sending inputs.
    pub inputs: Overhead,
    /// Fetching outputs.
    pub outputs: Overhead,
}

impl Overheads {
    /// Each with a name for people.
    pub const fn rows(&self) -> [(&'static str, Overhead); 7] {
        [
            ("(fixed cost of a call)", self.fixed),
            ("(stalls)", self.stalls),
            ("(send program)", self.instructions),
            ("(send parameters)", self.parameters),
            ("(spill activations)", self.spills),
            ("(send inputs)", self.inputs),
            ("(fetch outputs)", self.outputs),
        ]
    }
}

/// One thing that a call costs beyond its layers.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Overhead {
    /// Milliseconds.
    pub latency_ms: f64,
    /// Bytes between host and chip.
    pub bytes: u64,
    /// Energy.
    pub energy: Energy,
}

impl Overhead {
    fn waiting(latency_ms: f64, chip: &Chip) -> Self {
        let energy = chip_energy(0, &Traffic::default(), latency_ms, chip);
        Self { latency_ms, bytes: 0, energy }
    }

    fn transfer(bytes: u64, bytes_per_second: f64, chip: &Chip) -> Self {
        let latency_ms = bytes as f64 / bytes_per_second * 1e3;
        let traffic = Traffic { link_bytes: bytes, ..Traffic::default() };
        Self { latency_ms, bytes, energy: chip_energy(0, &traffic, latency_ms, chip) }
    }
}

impl Estimate {
    /// Predicts the cost of one call. Costs microseconds a node: weights are never read.
    ///
    /// # Errors
    /// [`CompileError::Unsupported`] if the network computes in float, and
    /// [`CompileError::Device`] if the chip has a figure that no chip can have.
    pub fn new(graph: &Graph, chip: &Chip) -> Result<Self, CompileError> {
        crate::backend::check(graph, chip)?;
        Ok(Self::of_partition(graph, &Partition::new(graph), chip))
    }

    /// Predicts the cost of a graph that is cut as stated.
    pub(crate) fn of_partition(graph: &Graph, partition: &Partition, chip: &Chip) -> Self {
        let sizes: Vec<Layer> = graph.nodes().iter().map(|node| Layer::new(graph, node)).collect();
        let layers: Vec<LayerEstimate> = graph
            .iter()
            .map(|(id, _)| {
                layer_estimate(id, &sizes[id.index()], partition.places[id.index()], chip)
            })
            .collect();
        let resident = resident_bytes_per_tile(graph, &partition.places, &sizes, &chip.array);

        let parameters = layers.iter().map(|layer| layer.parameter_bytes);
        let (cached_parameter_bytes, streamed_parameter_bytes) = split_parameters(parameters, chip);
        let working = layers.iter().filter(|layer| layer.cycles.total > 0).count() as u64;
        let instruction_bytes = working.saturating_mul(chip.link.instruction_bytes_per_operator);
        let (input_bytes, output_bytes) = crossing_bytes(graph, partition);
        let cycles: u64 = layers.iter().map(|layer| layer.cycles.total).sum();

        let send =
            |bytes| Overhead::transfer(bytes, chip.link.host_to_device_bytes_per_second, chip);
        let fetch =
            |bytes| Overhead::transfer(bytes, chip.link.device_to_host_bytes_per_second, chip);
        let uses_chip = working > 0;
        let stall_ms = chip.array.milliseconds(cycles as f64) * chip.cycles.stall_fraction;
        let fixed_ms = if uses_chip { chip.link.fixed_call_ms } else { 0.0 };
        let spilled = spilled_bytes(&resident, chip);
        let (out, back) = (fetch(spilled), send(spilled));
        let overheads = Overheads {
            fixed: Overhead::waiting(fixed_ms, chip),
            stalls: Overhead::waiting(stall_ms, chip),
            instructions: send(instruction_bytes),
            parameters: send(streamed_parameter_bytes),
            spills: Overhead {
                latency_ms: out.latency_ms + back.latency_ms,
                bytes: out.bytes.saturating_add(back.bytes),
                energy: out.energy + back.energy,
            },
            inputs: send(input_bytes),
            outputs: fetch(output_bytes),
        };

        let mut latency_ms: f64 = layers.iter().map(|layer| layer.latency_ms).sum();
        let mut energy = Energy::default();
        layers.iter().for_each(|layer| energy += layer.energy);
        for (_, overhead) in overheads.rows() {
            latency_ms += overhead.latency_ms;
            energy += overhead.energy;
        }
        Self {
            layers,
            overheads,
            cut: partition.cut.clone(),
            cycles,
            cached_parameter_bytes,
            streamed_parameter_bytes,
            instruction_bytes,
            narrow_bytes_per_tile: resident.into_iter().max().unwrap_or(0),
            latency_ms,
            energy,
        }
    }
}

fn layer_estimate(node: NodeId, layer: &Layer, place: Place, chip: &Chip) -> LayerEstimate {
    let mapping = Mapping::new(layer, &chip.array);
    let idle = LayerEstimate {
        node,
        place,
        layer: *layer,
        mapping,
        cycles: LayerCycles::default(),
        traffic: Traffic::default(),
        parameter_bytes: 0,
        latency_ms: 0.0,
        energy: Energy::default(),
        utilization: 0.0,
    };
    if place == Place::Host {
        return on_host(idle, chip);
    }
    let cycles = layer_cycles(layer, &mapping, chip);
    let traffic = layer_traffic(layer, &mapping, chip);
    let latency_ms = chip.array.milliseconds(cycles.total as f64);
    LayerEstimate {
        cycles,
        traffic,
        parameter_bytes: parameter_bytes(layer, &mapping, chip),
        latency_ms,
        energy: chip_energy(layer.macs, &traffic, latency_ms, chip),
        utilization: cycles.utilization(layer, chip),
        ..idle
    }
}

fn on_host(idle: LayerEstimate, chip: &Chip) -> LayerEstimate {
    let layer = &idle.layer;
    if matches!(layer.kind, LayerKind::Relabel | LayerKind::Constant) {
        return idle;
    }
    let bytes = (layer.input_bytes + layer.output_bytes) as f64;
    let seconds =
        layer.macs as f64 / chip.host.macs_per_second + bytes / chip.host.bytes_per_second;
    let latency_ms = seconds * 1e3;
    LayerEstimate { latency_ms, energy: host_energy(layer.macs, latency_ms, chip), ..idle }
}

/// Bytes that stay on the chip and bytes sent with every call: layers are kept in the order
/// they run until one does not fit.
fn split_parameters(layers: impl Iterator<Item = u64>, chip: &Chip) -> (u64, u64) {
    let tiles = chip.array.tiles() as u64;
    let capacity = chip.memory.parameter_bytes_per_tile.saturating_mul(tiles);
    let (mut cached, mut streamed) = (0u64, 0u64);
    for bytes in layers {
        if streamed == 0 && cached.saturating_add(bytes) <= capacity {
            cached += bytes;
        } else {
            streamed = streamed.saturating_add(bytes);
        }
    }
    (cached, streamed)
}

/// Bytes that the chip is fed by the host, and bytes that the host gets back.
fn crossing_bytes(graph: &Graph, partition: &Partition) -> (u64, u64) {
    let places = &partition.places;
    let is_input = |id: NodeId| graph.node(id).op == Op::Input;
    let mut fed = vec![false; places.len()];
    let mut fetched = vec![false; places.len()];
    for (id, node) in graph.iter() {
        for &input in &node.inputs {
            let from_host = places[input.index()] == Place::Host || is_input(input);
            match places[id.index()] {
                Place::Chip => fed[input.index()] |= from_host,
                Place::Host => fetched[input.index()] |= !from_host,
            }
        }
    }
    for &id in graph.outputs() {
        fetched[id.index()] |= places[id.index()] == Place::Chip && !is_input(id);
    }
    let bytes = |marked: &[bool]| {
        let marked = graph.iter().filter(|(id, _)| marked[id.index()]);
        marked.map(|(id, _)| graph.ty(id).bytes() as u64).sum()
    };
    (bytes(&fed), bytes(&fetched))
}

/// Bytes of activations that leave the chip because they do not fit, and come back: what
/// each tile holds beyond its memory, at every rise of that excess.
fn spilled_bytes(resident: &[u64], chip: &Chip) -> u64 {
    let capacity = chip.memory.narrow_bytes_per_tile;
    let (mut spilled, mut before) = (0u64, 0u64);
    for bytes in resident {
        let excess = bytes.saturating_sub(capacity);
        spilled = spilled.saturating_add(excess.saturating_sub(before));
        before = excess;
    }
    spilled.saturating_mul(chip.array.tiles() as u64)
}
