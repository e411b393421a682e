//! `devices`: what can run networks on this machine.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::{table, write_table};

/// All backends.
#[derive(Debug, Serialize)]
pub(crate) struct Devices {
    pub backends: Vec<DeviceReport>,
    /// Names of all GPU adapters, best first, for `--adapter`.
    pub gpu_adapters: Vec<String>,
}

/// One backend's device.
#[derive(Debug, Serialize)]
pub(crate) struct DeviceReport {
    pub backend: &'static str,
    /// Null if the backend is not available.
    pub device: Option<String>,
    /// How its profiles are timed: `measured`, `device timestamps` or `simulated`.
    pub clock: Option<String>,
    pub details: BTreeMap<&'static str, String>,
    /// Why it is not available; null if it is.
    pub error: Option<String>,
}

impl Report for Devices {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&["backend", "device", "clock of profiles", "details"], &[]);
        for row in &self.backends {
            let details: Vec<String> =
                row.details.iter().map(|(what, value)| format!("{what} {value}")).collect();
            rows.add_row(vec![
                row.backend.to_owned(),
                row.device.clone().unwrap_or_else(|| "not available".into()),
                row.clock.clone().unwrap_or_else(|| "-".into()),
                row.error.clone().unwrap_or_else(|| details.join(", ")),
            ]);
        }
        write_table(&rows, out)?;
        if self.gpu_adapters.len() > 1 {
            writeln!(out, "\nGPU adapters, best first (choose with --adapter):")?;
            self.gpu_adapters.iter().try_for_each(|adapter| writeln!(out, "  {adapter}"))?;
        }
        Ok(())
    }
}
