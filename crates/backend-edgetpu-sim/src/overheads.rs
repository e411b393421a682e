//! What a call costs beyond its layers.

use crate::Chip;
use crate::cost::energy::chip_energy;
use crate::cost::{Energy, Traffic};

/// What a call costs beyond its layers.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, Estimate};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// for (name, overhead) in Estimate::new(&graph, &chip)?.overheads.rows() {
///     println!("{name}: {:.3} ms, {} bytes", overhead.latency_ms, overhead.bytes);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Overheads {
    /// What any call costs.
    pub fixed: Overhead,
    /// Sending the program.
    pub instructions: Overhead,
    /// Waiting for parameters that do not fit on the chip. They are sent while layers before
    /// theirs run, so this is less than sending them takes.
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
    pub const fn rows(&self) -> [(&'static str, Overhead); 6] {
        [
            ("(fixed cost of a call)", self.fixed),
            ("(send program)", self.instructions),
            ("(wait for parameters)", self.parameters),
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
    pub(crate) fn waiting(latency_ms: f64, chip: &Chip) -> Self {
        Self::of(0, latency_ms, chip)
    }

    pub(crate) fn of(bytes: u64, latency_ms: f64, chip: &Chip) -> Self {
        let traffic = Traffic { link_bytes: bytes, ..Traffic::default() };
        Self { latency_ms, bytes, energy: chip_energy(0, &traffic, latency_ms, chip) }
    }
}
