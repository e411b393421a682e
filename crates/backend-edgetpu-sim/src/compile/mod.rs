//! From a network to what the chip is told: places, memory, tiles, a program.
//!
//! Each file is one decision of the compiler, in the order in which it is taken:
//!
//! * [`partition`]: which nodes run on the chip, which on the host;
//! * `blocks`: which part of each activation lies on a tile, borders included;
//! * `strips`: which activations are never whole on the chip, because they do not fit;
//! * `placement`: where in a tile's memory the blocks lie;
//! * `parameters`: which weights stay on the chip from call to call;
//! * `instructions`: how long the program is;
//! * [`log`]: what the real compiler would print.

mod blocks;
mod instructions;
pub mod log;
mod parameters;
pub mod partition;
mod placement;
mod strips;

use crate::mapping::Mapping;
use crate::{Chip, Place, Workload};

/// What the compiler decided about a network.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::compile::Program;
/// use pocketvision_backend_edgetpu_sim::{Chip, Partition, Workload};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let workload = Workload::new(&graph);
/// let places = Partition::new(&graph).places;
/// let program = Program::new(&workload, &places, &chip).map_err(|_| "a layer is too large")?;
/// assert_eq!(program.layers.len(), workload.layers().len());
/// println!("{} bytes of parameters stay on the chip", program.cached_parameter_bytes);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// One row a layer.
    pub layers: Vec<LayerProgram>,
    /// Most bytes of activations that one tile holds at once.
    pub narrow_bytes_per_tile: u64,
    /// Bytes of parameters that stay on the chip between calls.
    pub cached_parameter_bytes: u64,
    /// Bytes of parameters sent with every call, because they do not fit.
    pub streamed_parameter_bytes: u64,
    /// Bytes of instructions.
    pub instruction_bytes: u64,
}

/// What the compiler decided about a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LayerProgram {
    /// How it is spread over the chip.
    pub mapping: Mapping,
    /// In how many strips its rows are computed, one after another; 1 if all at once.
    pub strips: u64,
    /// Bytes of activations that it sends to the host and fetches back for lack of memory.
    pub spilled_bytes: u64,
    /// Bytes of its parameters in the chip's memory, padding included.
    pub parameter_bytes: u64,
    /// Whether those are sent with every call.
    pub streamed: bool,
    /// Words that the busiest tile fetches from its neighbours.
    pub halo_words_per_tile: u64,
}

/// A layer that no tiling makes fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// Its index.
    pub layer: usize,
    /// Bytes that each tile would need.
    pub needed_bytes: u64,
    /// Bytes that each tile has.
    pub limit_bytes: u64,
}

impl Program {
    /// Compiles a network whose layers run at the stated places.
    ///
    /// # Errors
    /// [`TooLarge`] if a single row of some layer does not fit on the tiles.
    pub fn new(workload: &Workload, places: &[Place], chip: &Chip) -> Result<Self, TooLarge> {
        let array = &chip.array;
        let blocks = blocks::blocks(workload, places, array);
        let tiling = strips::cut(workload, places, &blocks, chip)?;
        let mut layers = Vec::with_capacity(workload.layers().len());
        for (index, layer) in workload.layers().iter().enumerate() {
            let on_chip = places[index] == Place::Chip && layer.kind.works();
            let mapping = match on_chip {
                true => Mapping::with_rows(layer, tiling.rows_per_tile[index], array),
                false => Mapping::new(layer, array),
            };
            let parameter_bytes = match places[index] {
                Place::Chip => parameters::bytes(layer, &mapping, array),
                Place::Host => 0,
            };
            layers.push(LayerProgram {
                mapping,
                strips: tiling.strips[index],
                spilled_bytes: tiling.spilled_bytes[index],
                parameter_bytes,
                streamed: false,
                halo_words_per_tile: if on_chip { blocks[index].halo_words } else { 0 },
            });
        }
        let (cached_parameter_bytes, streamed_parameter_bytes) =
            parameters::keep(&mut layers, chip);
        let instruction_bytes = instructions::bytes(workload, places, &layers, array);
        Ok(Self {
            layers,
            narrow_bytes_per_tile: tiling.narrow_bytes_per_tile,
            cached_parameter_bytes,
            streamed_parameter_bytes,
            instruction_bytes,
        })
    }
}
