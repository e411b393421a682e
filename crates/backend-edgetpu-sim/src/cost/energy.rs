//! Energy of a layer.

use std::ops::{Add, AddAssign};

use super::Traffic;
use crate::Chip;

/// Modelled energy in picojoules, by where it goes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_edgetpu_sim::{Chip, Estimate};
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-1.0").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let chip = Chip::preset("coral-usb")?;
/// let energy = Estimate::new(&graph, &chip)?.energy;
/// println!("{:.0} % of it is arithmetic", 100.0 * energy.mac_pj / energy.total_pj());
/// assert_eq!(energy.host_pj, 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Energy {
    /// Multiply-accumulates on the chip.
    pub mac_pj: f64,
    /// Activation memory.
    pub narrow_pj: f64,
    /// Memory of weights and partial sums.
    pub wide_pj: f64,
    /// Broadcast of weights.
    pub ring_pj: f64,
    /// Between host and chip.
    pub link_pj: f64,
    /// Multiply-accumulates on the host.
    pub host_pj: f64,
    /// What the chip takes for being on, over the time.
    pub idle_pj: f64,
}

impl Energy {
    /// All of it.
    pub fn total_pj(&self) -> f64 {
        self.mac_pj
            + self.narrow_pj
            + self.wide_pj
            + self.ring_pj
            + self.link_pj
            + self.host_pj
            + self.idle_pj
    }
}

impl Add for Energy {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            mac_pj: self.mac_pj + other.mac_pj,
            narrow_pj: self.narrow_pj + other.narrow_pj,
            wide_pj: self.wide_pj + other.wide_pj,
            ring_pj: self.ring_pj + other.ring_pj,
            link_pj: self.link_pj + other.link_pj,
            host_pj: self.host_pj + other.host_pj,
            idle_pj: self.idle_pj + other.idle_pj,
        }
    }
}

impl AddAssign for Energy {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Energy of work on the chip that took `latency_ms`.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::Chip;
/// use pocketvision_backend_edgetpu_sim::cost::Traffic;
/// use pocketvision_backend_edgetpu_sim::cost::energy::chip_energy;
///
/// let chip = Chip::preset("coral-usb")?;
/// let energy = chip_energy(1000, &Traffic::default(), 0.0, &chip);
/// assert_eq!(energy.total_pj(), 1000.0 * chip.energy.mac_pj);
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
pub fn chip_energy(macs: u64, traffic: &Traffic, latency_ms: f64, chip: &Chip) -> Energy {
    let costs = &chip.energy;
    Energy {
        mac_pj: macs as f64 * costs.mac_pj,
        narrow_pj: traffic.narrow_read_bytes as f64 * costs.narrow_read_pj_per_byte
            + traffic.narrow_write_bytes as f64 * costs.narrow_write_pj_per_byte,
        wide_pj: traffic.wide_read_bytes as f64 * costs.wide_read_pj_per_byte
            + traffic.wide_write_bytes as f64 * costs.wide_write_pj_per_byte,
        ring_pj: traffic.ring_bytes as f64 * costs.ring_pj_per_byte,
        link_pj: traffic.link_bytes as f64 * costs.link_pj_per_byte,
        host_pj: 0.0,
        idle_pj: idle_energy_pj(latency_ms, chip),
    }
}

/// Energy of multiply-accumulates on the host that took `latency_ms`, while the chip waits.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::Chip;
/// use pocketvision_backend_edgetpu_sim::cost::energy::host_energy;
///
/// let chip = Chip::preset("coral-usb")?;
/// assert_eq!(host_energy(1000, 0.0, &chip).host_pj, 1000.0 * chip.host.mac_pj);
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
pub fn host_energy(macs: u64, latency_ms: f64, chip: &Chip) -> Energy {
    Energy {
        host_pj: macs as f64 * chip.host.mac_pj,
        idle_pj: idle_energy_pj(latency_ms, chip),
        ..Energy::default()
    }
}

fn idle_energy_pj(latency_ms: f64, chip: &Chip) -> f64 {
    // Watts times milliseconds are millijoules: 1e9 picojoules.
    chip.energy.idle_w * latency_ms * 1e9
}
