//! `inspect`: what a network is made of.

use std::io::{self, Write};

use pocketvision::MemoryUse;
use serde::Serialize;

use super::Report;
use super::table::{bytes, count, short_name, table, write_table};

/// One network.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    pub model: String,
    /// The file, or `built in`.
    pub origin: String,
    /// `trained` or `seeded`.
    pub weights: &'static str,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Number of weights and biases.
    pub parameters: u64,
    pub parameter_bytes: u64,
    /// Number of classes; null if the network is no classifier.
    pub classes: Option<usize>,
    /// True if names of the classes were found.
    pub labels: bool,
    pub inputs: Vec<PortReport>,
    pub outputs: Vec<PortReport>,
    pub layers: Vec<LayerReport>,
    /// What each backend of this machine makes of it.
    pub backends: Vec<Support>,
}

/// An input or output.
#[derive(Debug, Serialize)]
pub(crate) struct PortReport {
    pub name: String,
    /// Batch, height, width, channels.
    pub shape: [usize; 4],
    /// The element, quantization included.
    pub element: String,
}

/// One node.
#[derive(Debug, Serialize)]
pub(crate) struct LayerReport {
    pub index: usize,
    pub name: String,
    pub op: &'static str,
    /// What the operator's attributes say, for people.
    pub attributes: String,
    /// The nodes it reads, by index.
    pub inputs: Vec<usize>,
    /// Batch, height, width, channels of its output.
    pub shape: [usize; 4],
    /// Its output's element, quantization included.
    pub element: String,
    pub parameters: u64,
    pub macs: u64,
    /// Backends that cannot run it.
    pub unsupported_by: Vec<&'static str>,
}

/// Whether a backend can run the network.
#[derive(Debug, Serialize)]
pub(crate) struct Support {
    pub backend: String,
    /// Number of nodes that it supports; null if the backend could not be opened.
    pub supported_layers: Option<usize>,
    /// Its first refusal, or why it could not be opened; null if it runs everything.
    pub reason: Option<String>,
    /// Every node that it refuses.
    pub refusals: Vec<Refusal>,
    /// What a plan holds; null if there is none.
    pub memory: Option<MemoryReport>,
}

/// A node that a backend cannot run.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    /// The node's index in `layers`.
    pub index: usize,
    pub reason: String,
}

/// Memory that a compiled network holds on a backend.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct MemoryReport {
    pub weight_bytes: u64,
    pub activation_bytes: u64,
    pub scratch_bytes: u64,
    pub total_bytes: u64,
}

impl From<MemoryUse> for MemoryReport {
    fn from(memory: MemoryUse) -> Self {
        Self {
            weight_bytes: memory.weight_bytes,
            activation_bytes: memory.activation_bytes,
            scratch_bytes: memory.scratch_bytes,
            total_bytes: memory.total_bytes(),
        }
    }
}

impl Report for Inspection {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} ({}, {} weights)", self.model, self.origin, self.weights)?;
        for (what, ports) in [("input", &self.inputs), ("output", &self.outputs)] {
            for port in ports {
                let shape = dimensions(&port.shape);
                writeln!(out, "  {what:<11} '{}' {shape} {}", port.name, port.element)?;
            }
        }
        let (parameters, size) = (count(self.parameters), bytes(self.parameter_bytes));
        writeln!(out, "  parameters  {parameters} ({size})")?;
        writeln!(out, "  MACs        {}", count(self.macs))?;
        if let Some(classes) = self.classes {
            let named = if self.labels { "named" } else { "without names" };
            writeln!(out, "  classes     {classes}, {named}")?;
        }
        writeln!(out)?;

        let header = [
            "",
            "layer",
            "operator",
            "attributes",
            "reads",
            "output",
            "element",
            "parameters",
            "MACs",
            "not on",
        ];
        let mut rows = table(&header, &[0, 7, 8]);
        for layer in &self.layers {
            let reads: Vec<String> = layer.inputs.iter().map(ToString::to_string).collect();
            rows.add_row(vec![
                layer.index.to_string(),
                short_name(&layer.name),
                layer.op.to_owned(),
                layer.attributes.clone(),
                reads.join(" "),
                dimensions(&layer.shape),
                layer.element.clone(),
                count(layer.parameters),
                count(layer.macs),
                layer.unsupported_by.join(" "),
            ]);
        }
        write_table(&rows, out)?;

        writeln!(out)?;
        for backend in &self.backends {
            let verdict = match (&backend.supported_layers, &backend.reason) {
                (None, Some(reason)) => format!("not available: {reason}"),
                (_, None) => "runs every layer".into(),
                (Some(supported), Some(reason)) => {
                    format!("runs {supported} of {} layers; {reason}", self.layers.len())
                }
            };
            let memory = backend.memory.as_ref().map(|memory| {
                format!(
                    "; {} of memory ({} weights, {} activations)",
                    bytes(memory.total_bytes),
                    bytes(memory.weight_bytes),
                    bytes(memory.activation_bytes)
                )
            });
            writeln!(out, "{:<12} {verdict}{}", backend.backend, memory.unwrap_or_default())?;
        }
        Ok(())
    }
}

fn dimensions(shape: &[usize; 4]) -> String {
    shape.map(|dimension| dimension.to_string()).join("x")
}
