//! What the compiler has to say about a network, in the words of the real one.

use std::collections::BTreeMap;
use std::fmt;

use pocketvision_core::op::{ActivationKind, PoolKind};
use pocketvision_core::{Graph, Op};

use crate::{Chip, Estimate, Partition, Place, maps};

/// What became of the operators and parameters of a network.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, CompilerLog, Estimate};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let log = CompilerLog::new(&graph, &Estimate::new(&graph, &chip)?, &chip);
/// println!("{log}");
/// assert_eq!(log.subgraphs, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct CompilerLog {
    network: String,
    chip: String,
    cached_bytes: u64,
    remaining_bytes: u64,
    streamed_bytes: u64,
    /// 1, or 0 if nothing runs on the chip.
    pub subgraphs: usize,
    /// One row for each kind of operator and each thing that became of it.
    pub operators: Vec<OperatorStatus>,
}

/// How many operators of a kind had one fate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperatorStatus {
    /// The operator's name in a TFLite file.
    pub operator: String,
    /// How many.
    pub count: usize,
    /// What became of them.
    pub status: String,
}

impl CompilerLog {
    /// The log of an estimate of a graph.
    pub fn new(graph: &Graph, estimate: &Estimate, chip: &Chip) -> Self {
        let partition = Partition::new(graph);
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (id, node) in graph.iter() {
            if matches!(node.op, Op::Input | Op::Constant(_)) {
                continue;
            }
            let status = match (partition.places[id.index()], maps(graph, node)) {
                (Place::Chip, _) => "Mapped to Edge TPU".to_owned(),
                (Place::Host, Err(unsupported)) => unsupported.reason,
                (Place::Host, Ok(())) => "More than one subgraph is not supported".to_owned(),
            };
            *counts.entry((tflite_name(&node.op), status)).or_default() += 1;
        }
        let tiles = chip.array.tiles() as u64;
        let capacity = chip.memory.parameter_bytes_per_tile.saturating_mul(tiles);
        let on_chip = estimate.layers.iter().any(|layer| layer.cycles.total > 0);
        Self {
            network: graph.name().to_owned(),
            chip: chip.name.clone(),
            cached_bytes: estimate.cached_parameter_bytes,
            remaining_bytes: capacity.saturating_sub(estimate.cached_parameter_bytes),
            streamed_bytes: estimate.streamed_parameter_bytes,
            subgraphs: usize::from(on_chip),
            operators: counts
                .into_iter()
                .map(|((operator, status), count)| OperatorStatus { operator, count, status })
                .collect(),
        }
    }
}

impl fmt::Display for CompilerLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Simulated Edge TPU compiler, chip {}", self.chip)?;
        writeln!(f, "Input model: {}", self.network)?;
        let memory = [
            ("On-chip memory used for caching model parameters", self.cached_bytes),
            ("On-chip memory remaining for caching model parameters", self.remaining_bytes),
            ("Off-chip memory used for streaming uncached model parameters", self.streamed_bytes),
        ];
        for (what, bytes) in memory {
            writeln!(f, "{what}: {}", binary(bytes))?;
        }
        let operations: usize = self.operators.iter().map(|row| row.count).sum();
        writeln!(f, "Number of Edge TPU subgraphs: {}", self.subgraphs)?;
        writeln!(f, "Total number of operations: {operations}")?;
        writeln!(f)?;
        writeln!(f, "{:<30} {:<10} Status", "Operator", "Count")?;
        writeln!(f)?;
        for OperatorStatus { operator, count, status } in &self.operators {
            writeln!(f, "{operator:<30} {count:<10} {status}")?;
        }
        Ok(())
    }
}

/// Bytes as the real log writes them.
fn binary(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes}.00B"),
        1024..1_048_576 => format!("{:.2}KiB", bytes as f64 / 1024.0),
        _ => format!("{:.2}MiB", bytes as f64 / 1_048_576.0),
    }
}

/// What a TFLite file calls an operator.
fn tflite_name(op: &Op) -> String {
    let name = match op {
        Op::Conv2d(_) => "CONV_2D",
        Op::DepthwiseConv2d(_) => "DEPTHWISE_CONV_2D",
        Op::Linear(_) => "FULLY_CONNECTED",
        Op::Concat(_) => "CONCATENATION",
        Op::Pool2d(pool) => match pool.kind {
            PoolKind::Average => "AVERAGE_POOL_2D",
            PoolKind::Max => "MAX_POOL_2D",
            PoolKind::Mean => "MEAN",
        },
        Op::Activation(activation) if activation.kind == ActivationKind::Sigmoid => "LOGISTIC",
        Op::Activation(activation) => return upper_snake(&format!("{:?}", activation.kind)),
        op => return upper_snake(op.name()),
    };
    name.to_owned()
}

/// `HardSwish` to `HARD_SWISH`.
fn upper_snake(name: &str) -> String {
    let mut words = String::new();
    for (index, letter) in name.chars().enumerate() {
        if index > 0 && letter.is_uppercase() {
            words.push('_');
        }
        words.extend(letter.to_uppercase());
    }
    words
}
