//! `profile`: what each layer cost.

use std::io::{self, Write};

use pocketvision::edgetpu_sim::{Chip, Estimate};
use pocketvision::{LayerCost, Model, Profile};
use serde::Serialize;

use super::Report;
use super::simulation::{LayerSimulation, Simulation};
use super::table::{bytes, count, percent, short_name, table, write_table};

/// One run, layer by layer.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileReport {
    pub model: String,
    pub backend: &'static str,
    pub device: String,
    /// How time was taken: `measured`, `device timestamps` or `simulated`.
    pub clock: String,
    /// The sum of the layers'.
    pub latency_ms: f64,
    /// Simulated clock cycles; null elsewhere.
    pub cycles: Option<u64>,
    /// Modelled energy; null where there is no model.
    pub energy_mj: Option<f64>,
    /// What only the simulator knows.
    #[serde(flatten)]
    pub simulation: Option<Simulation>,
    /// The last is named `(other)`: time that no layer accounts for.
    pub layers: Vec<LayerCostReport>,
}

/// One layer.
#[derive(Debug, Serialize)]
pub(crate) struct LayerCostReport {
    pub name: String,
    /// The operator; the last one, where several were fused. Null for overheads.
    pub op: Option<&'static str>,
    /// The kernel, shader or mapping that ran.
    pub kernel: String,
    pub latency_ms: f64,
    pub macs: u64,
    pub bytes: u64,
    pub cycles: Option<u64>,
    pub energy_mj: Option<f64>,
    /// Share of the device's peak arithmetic, 0 to 1; null where the peak is unknown.
    pub utilization: Option<f64>,
    /// What only the simulator knows.
    #[serde(flatten)]
    pub simulation: Option<LayerSimulation>,
}

impl ProfileReport {
    pub(crate) fn new(model: &Model, device: String, profile: &Profile) -> Self {
        let graph = model.graph();
        let layer = |layer: &LayerCost| LayerCostReport {
            name: layer.name.clone(),
            op: layer.node.map(|node| graph.node(node).op.name()),
            kernel: layer.kernel.clone(),
            latency_ms: layer.latency_ms,
            macs: layer.macs,
            bytes: layer.bytes,
            cycles: layer.cycles,
            energy_mj: layer.energy_pj.map(|pj| pj * MILLIJOULES_PER_PICOJOULE),
            utilization: layer.utilization,
            simulation: None,
        };
        Self {
            model: model.name().to_owned(),
            backend: profile.backend,
            device,
            clock: profile.clock.to_string(),
            latency_ms: profile.latency_ms,
            cycles: profile.cycles,
            energy_mj: profile.energy_pj.map(|pj| pj * MILLIJOULES_PER_PICOJOULE),
            simulation: None,
            layers: profile.layers.iter().map(layer).collect(),
        }
    }

    /// Of a simulated call, with what only the simulator knows. `fps` is how often a second it is
    /// called, to state a power for.
    pub(crate) fn of_estimate(
        model: &Model,
        device: String,
        estimate: &Estimate,
        chip: &Chip,
        fps: Option<f64>,
    ) -> Self {
        let mut report = Self::new(model, device, &estimate.profile(model.graph()));
        report.simulation = Some(Simulation::new(estimate, chip, fps));
        for (row, layer) in report.layers.iter_mut().zip(&estimate.layers) {
            row.simulation = Some(LayerSimulation::new(layer));
        }
        report
    }
}

impl Report for ProfileReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { model, backend, device, clock, .. } = self;
        writeln!(out, "{model} on {backend} ({device}), times {clock}\n")?;
        // Columns that this backend has nothing to say in are left out.
        let has = |known: fn(&LayerCostReport) -> bool| self.layers.iter().any(known);
        let (cycles, energy, utilization) = (
            has(|layer| layer.cycles.is_some()),
            has(|layer| layer.energy_mj.is_some()),
            has(|layer| layer.utilization.is_some()),
        );
        let mut header = vec!["layer", "kernel", "ms", "share", "MACs", "bytes"];
        header.extend(cycles.then_some("cycles"));
        header.extend(energy.then_some("energy mJ"));
        header.extend(utilization.then_some("use of peak"));
        let bounds = self.simulation.is_some();
        header.extend(bounds.then_some("bound by"));
        let right: Vec<usize> = (2..header.len() - usize::from(bounds)).collect();
        let mut rows = table(&header, &right);
        for layer in &self.layers {
            let mut row = vec![
                short_name(&layer.name),
                layer.kernel.clone(),
                format!("{:.3}", layer.latency_ms),
                percent(layer.latency_ms / self.latency_ms),
                count(layer.macs),
                bytes(layer.bytes),
            ];
            row.extend(cycles.then(|| optional(layer.cycles, |cycles| cycles.to_string())));
            row.extend(energy.then(|| optional(layer.energy_mj, |mj| format!("{mj:.4}"))));
            row.extend(utilization.then(|| optional(layer.utilization, percent)));
            row.extend(layer.simulation.as_ref().map(|layer| layer.bound_by.to_owned()));
            rows.add_row(row);
        }
        let sum = |of: fn(&LayerCostReport) -> u64| self.layers.iter().map(of).sum::<u64>();
        let mut total = vec![
            "total".into(),
            String::new(),
            format!("{:.3}", self.latency_ms),
            percent(1.0),
            count(sum(|layer| layer.macs)),
            bytes(sum(|layer| layer.bytes)),
        ];
        total.extend(cycles.then(|| optional(self.cycles, |cycles| cycles.to_string())));
        total.extend(energy.then(|| optional(self.energy_mj, |mj| format!("{mj:.4}"))));
        rows.add_row(total);
        write_table(&rows, out)?;
        match &self.simulation {
            Some(simulation) => simulation.write_text(out),
            None => Ok(()),
        }
    }
}

fn optional<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".into(), show)
}

/// A picojoule is 1e-12 joules, a millijoule 1e-3.
pub(crate) const MILLIJOULES_PER_PICOJOULE: f64 = 1e-9;
