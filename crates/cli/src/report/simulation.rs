//! What a profile of the simulated Edge TPU tells beyond other profiles.

use std::collections::BTreeMap;
use std::io::{self, Write};

use pocketvision::edgetpu_sim::{Chip, Estimate, LayerEstimate, Place};
use pocketvision::{Clock, Model};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::MILLIJOULES_PER_PICOJOULE;
use super::table::{bytes, short_name};
use super::trace::{Event, Trace};

/// What a call costs in memory, transfers and energy.
#[derive(Debug, Serialize)]
pub(crate) struct Simulation {
    pub chip: String,
    /// Bytes of parameters that stay on the chip between calls.
    pub cached_parameter_bytes: u64,
    /// Bytes of parameters sent with every call.
    pub streamed_parameter_bytes: u64,
    /// Most bytes of activations that one tile holds at once.
    pub narrow_bytes_per_tile: u64,
    /// Bytes of program.
    pub instruction_bytes: u64,
    /// The first call after loading, which also sends the parameters that stay.
    pub first_call_ms: f64,
    /// Share of the chip's peak arithmetic over the whole call.
    pub average_utilization: f64,
    /// Energy by where it goes.
    pub energy_by_level_mj: BTreeMap<&'static str, f64>,
    /// The node that ends the chip's part, with the reason; null if all runs on the chip.
    pub cut: Option<String>,
    /// Calls a second that were asked about.
    pub calls_per_second: Option<f64>,
    /// Watts on average at so many calls; null if calls take too long for that.
    pub average_power_w: Option<f64>,
}

/// What is known of a simulated layer beyond its cost.
#[derive(Debug, Serialize)]
pub(crate) struct LayerSimulation {
    /// `chip` or `host`.
    pub place: &'static str,
    pub start_ms: f64,
    /// Waiting for parameters after its own time.
    pub dma_stall_ms: f64,
    /// Strips of its output that are computed one after another; 1 if all at once.
    pub strips: u64,
    pub parameter_bytes: u64,
    /// Whether those are sent with every call.
    pub streamed: bool,
    pub cycles_by_cause: BTreeMap<&'static str, f64>,
    /// What takes most of its time; empty if it takes none.
    pub bound_by: &'static str,
}

impl Simulation {
    pub(crate) fn new(estimate: &Estimate, chip: &Chip, calls_per_second: Option<f64>) -> Self {
        let energy = &estimate.energy;
        let levels = [
            ("multiply_accumulates", energy.mac_pj),
            ("narrow_memory", energy.narrow_pj),
            ("wide_memory", energy.wide_pj),
            ("ring", energy.ring_pj),
            ("link", energy.link_pj),
            ("host", energy.host_pj),
            ("idle", energy.idle_pj),
        ];
        let on_chip = estimate.layers.iter().filter(|layer| layer.place == Place::Chip);
        let macs: u64 = on_chip.map(|layer| layer.layer.macs).sum();
        let peak = chip.array.peak_macs_per_cycle() as f64 * chip.array.clock_mhz * 1e3;
        Self {
            chip: chip.name.clone(),
            cached_parameter_bytes: estimate.cached_parameter_bytes,
            streamed_parameter_bytes: estimate.streamed_parameter_bytes,
            narrow_bytes_per_tile: estimate.narrow_bytes_per_tile,
            instruction_bytes: estimate.instruction_bytes,
            first_call_ms: estimate.first_call_ms(chip),
            average_utilization: macs as f64 / (peak * estimate.latency_ms).max(f64::MIN_POSITIVE),
            energy_by_level_mj: levels
                .map(|(level, pj)| (level, pj * MILLIJOULES_PER_PICOJOULE))
                .into(),
            cut: estimate.cut.as_ref().map(ToString::to_string),
            calls_per_second,
            average_power_w: calls_per_second
                .and_then(|calls| estimate.average_power_w(calls, chip)),
        }
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        writeln!(out, "parameters kept on the chip  {}", bytes(self.cached_parameter_bytes))?;
        writeln!(out, "parameters sent each call    {}", bytes(self.streamed_parameter_bytes))?;
        writeln!(out, "activations on a tile        {}", bytes(self.narrow_bytes_per_tile))?;
        writeln!(out, "program                      {}", bytes(self.instruction_bytes))?;
        writeln!(out, "first call                   {:.2} ms", self.first_call_ms)?;
        let levels: Vec<String> = self
            .energy_by_level_mj
            .iter()
            .filter(|(_, mj)| **mj > 0.0)
            .map(|(level, mj)| format!("{} {mj:.3}", level.replace('_', " ")))
            .collect();
        writeln!(out, "energy in mJ                 {}", levels.join(", "))?;
        if let Some(cut) = &self.cut {
            writeln!(out, "the rest runs on the host    {cut}")?;
        }
        match (self.calls_per_second, self.average_power_w) {
            (Some(calls), Some(watts)) => {
                writeln!(out, "average power                {watts:.3} W at {calls} calls a second")
            }
            (Some(calls), None) => {
                writeln!(out, "average power                none: {calls} calls take over a second")
            }
            (None, _) => Ok(()),
        }
    }
}

impl LayerSimulation {
    pub(super) fn new(layer: &LayerEstimate) -> Self {
        let causes = layer.cycles.causes().into_iter().filter(|(_, cycles)| *cycles > 0.0);
        Self {
            place: place_name(layer.place),
            start_ms: layer.start_ms,
            dma_stall_ms: layer.dma_stall_ms,
            strips: layer.strips,
            parameter_bytes: layer.parameter_bytes,
            streamed: layer.streamed,
            cycles_by_cause: causes.collect(),
            bound_by: layer.bound_by(),
        }
    }
}

const fn place_name(place: Place) -> &'static str {
    match place {
        Place::Chip => "chip",
        Place::Host => "host",
    }
}

/// The timeline of a call: the host, the link in both directions, and every tile.
pub(crate) fn timeline(model: &Model, estimate: &Estimate, chip: &Chip) -> Trace {
    let nodes = model.graph().nodes();
    let array = &chip.array;
    let mut tracks = vec!["host".to_owned(), "link to chip".into(), "link from chip".into()];
    tracks.push("parameters (DMA)".into());
    let first_tile = tracks.len();
    for row in 0..array.tile_rows {
        tracks.extend((0..array.tile_columns).map(|column| format!("tile {row},{column}")));
    }
    let mut events = Vec::new();
    let mut push = |track, name: &str, start_ms: f64, duration_ms: f64, details| {
        if duration_ms > 0.0 {
            // The difference of sums may be a little less than nothing, which is no time.
            let start_ms = f64::max(start_ms, 0.0);
            events.push(Event { track, name: name.to_owned(), start_ms, duration_ms, details });
        }
    };
    let overheads = &estimate.overheads;
    let begin = estimate.layers.iter().find(|layer| layer.cycles.total > 0);
    let chip_start = begin.map_or(0.0, |layer| layer.start_ms);
    let mut end_ms = chip_start;
    let inputs_start = chip_start - overheads.inputs.latency_ms;
    let program_start = inputs_start - overheads.instructions.latency_ms;
    let sent = |bytes: u64| Map::from_iter([("bytes".to_owned(), Value::from(bytes))]);
    push(
        0,
        "runtime",
        program_start - overheads.fixed.latency_ms,
        overheads.fixed.latency_ms,
        Map::new(),
    );
    push(
        1,
        "program",
        program_start,
        overheads.instructions.latency_ms,
        sent(overheads.instructions.bytes),
    );
    push(1, "inputs", inputs_start, overheads.inputs.latency_ms, sent(overheads.inputs.bytes));
    for layer in &estimate.layers {
        let name = short_name(&nodes[layer.index].name);
        if layer.place == Place::Host {
            push(0, &name, layer.start_ms, layer.latency_ms, Map::new());
            end_ms = end_ms.max(layer.start_ms + layer.latency_ms);
            continue;
        }
        if layer.streamed {
            let rate = chip.link.host_to_device_bytes_per_second;
            let duration = layer.parameter_bytes as f64 / rate * 1e3;
            push(3, &name, layer.start_ms, duration, sent(layer.parameter_bytes));
        }
        if layer.cycles.total == 0 {
            continue;
        }
        end_ms = layer.start_ms + layer.latency_ms + layer.dma_stall_ms;
        let details = Map::from_iter([
            ("multiply-accumulates".to_owned(), json!(layer.layer.macs)),
            ("cycles".to_owned(), json!(layer.cycles.total)),
            ("utilization".to_owned(), json!(layer.utilization)),
            ("bound by".to_owned(), json!(layer.bound_by())),
            ("strips".to_owned(), json!(layer.strips)),
        ]);
        let output = layer.layer.output;
        let own = |length: usize, parts: usize, part: usize| {
            let block = length.div_ceil(parts);
            length.saturating_sub(part * block).min(block) as f64 / block.max(1) as f64
        };
        for row in 0..array.tile_rows {
            for column in 0..array.tile_columns {
                // Tiles with smaller blocks are done earlier; a single position is shared out
                // by channels.
                let share = match output.pixels() {
                    1 => 1.0,
                    _ => {
                        own(output.h, array.tile_rows, row)
                            * own(output.w, array.tile_columns, column)
                    }
                };
                let track = first_tile + row * array.tile_columns + column;
                push(track, &name, layer.start_ms, layer.latency_ms * share, details.clone());
            }
        }
    }
    let fetched = &overheads.outputs;
    push(2, "outputs", end_ms, fetched.latency_ms, sent(fetched.bytes));
    let process = format!("{} on simulated {}", model.name(), chip.name);
    Trace { process, clock: Clock::Simulated, tracks, events }
}
