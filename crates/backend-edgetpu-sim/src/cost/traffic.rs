//! Bytes that a layer moves through each level of memory.

use std::ops::{Add, AddAssign};

use super::product;
use crate::{Chip, Layer, LayerKind, LoopOrder, Mapping};

/// Bytes through each level of memory, all tiles together.
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
/// let mut traffic = estimate.layers[1].traffic;
/// for layer in &estimate.layers[2..] {
///     traffic += layer.traffic;
/// }
/// println!("{} bytes", traffic.total_bytes());
/// assert_eq!(traffic.link_bytes, 0, "that belongs to the call");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Activations read.
    pub narrow_read_bytes: u64,
    /// Activations written.
    pub narrow_write_bytes: u64,
    /// Weights read on the way to the lanes, and partial sums.
    pub wide_read_bytes: u64,
    /// Partial sums written.
    pub wide_write_bytes: u64,
    /// Weights broadcast from the tile that stores them to those that use them.
    pub ring_bytes: u64,
    /// Anything between host and chip.
    pub link_bytes: u64,
}

impl Traffic {
    /// Bytes through all levels.
    pub const fn total_bytes(&self) -> u64 {
        self.narrow_read_bytes
            .saturating_add(self.narrow_write_bytes)
            .saturating_add(self.wide_read_bytes)
            .saturating_add(self.wide_write_bytes)
            .saturating_add(self.ring_bytes)
            .saturating_add(self.link_bytes)
    }
}

impl Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            narrow_read_bytes: self.narrow_read_bytes.saturating_add(other.narrow_read_bytes),
            narrow_write_bytes: self.narrow_write_bytes.saturating_add(other.narrow_write_bytes),
            wide_read_bytes: self.wide_read_bytes.saturating_add(other.wide_read_bytes),
            wide_write_bytes: self.wide_write_bytes.saturating_add(other.wide_write_bytes),
            ring_bytes: self.ring_bytes.saturating_add(other.ring_bytes),
            link_bytes: self.link_bytes.saturating_add(other.link_bytes),
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Bytes that a layer with so many bytes of parameters moves on the chip. Link traffic belongs
/// to the call: it is zero here.
///
/// Every position reads its input words once for each pass of lanes, and with each word a
/// row of weights for every lane group: nothing is kept in registers from one position to
/// the next. Where weights come in chunks, every sum is written and read again for each
/// chunk but one.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::cost::traffic::layer_traffic;
/// use pocketvision_backend_edgetpu_sim::{Chip, Layer, Mapping};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let layer = Layer::new(&graph, &graph.nodes()[2]);
/// let mapping = Mapping::new(&layer, &chip.array);
/// let traffic = layer_traffic(&layer, &mapping, 4096, &chip);
/// assert_eq!(traffic.ring_bytes, 4096);
/// # Ok(())
/// # }
/// ```
pub fn layer_traffic(
    layer: &Layer,
    mapping: &Mapping,
    parameter_bytes: u64,
    chip: &Chip,
) -> Traffic {
    let array = &chip.array;
    let word_bytes = array.dot_depth as u64;
    let mut traffic = Traffic { ring_bytes: parameter_bytes, ..Traffic::default() };
    let reads = product([mapping.positions, mapping.words_per_position]);
    let recomputed = product([mapping.positions, layer.output.c as u64]);
    match layer.kind {
        LayerKind::Convolution { .. } => {
            traffic.narrow_read_bytes = product([reads, mapping.input_passes, word_bytes]);
            let row_bytes = (array.lane_group * array.dot_depth) as u64;
            let rows = product([reads, mapping.lane_groups, row_bytes]);
            let partial_sums = match mapping.loop_order {
                LoopOrder::PositionOuter => 0,
                LoopOrder::Chunked { words } => {
                    let again = mapping.words_per_position.div_ceil(words) - 1;
                    let lanes = product([mapping.lane_groups, array.lane_group as u64]);
                    product([mapping.positions, lanes, again, SUM_BYTES])
                }
            };
            traffic.wide_read_bytes = rows.max(parameter_bytes).saturating_add(partial_sums);
            traffic.wide_write_bytes = partial_sums;
            traffic.narrow_write_bytes = layer.output_bytes.max(recomputed);
        }
        LayerKind::Depthwise { .. } => {
            traffic.narrow_read_bytes = product([reads, word_bytes]);
            let rows = product([reads, word_bytes, word_bytes]);
            traffic.wide_read_bytes = rows.max(parameter_bytes);
            traffic.narrow_write_bytes = layer.output_bytes.max(recomputed);
        }
        LayerKind::Vector | LayerKind::GlobalPool => {
            traffic.narrow_read_bytes = layer.input_bytes;
            traffic.narrow_write_bytes = layer.output_bytes;
        }
        LayerKind::Constant | LayerKind::Input | LayerKind::Relabel => {}
    }
    traffic
}

/// A partial sum is an int32.
const SUM_BYTES: u64 = 4;
