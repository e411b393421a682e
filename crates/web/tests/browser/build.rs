//! Builds the page.

use std::path::Path;
use std::process::Command;

/// Has `tools/web` build the page into a folder, or says what it needs.
pub(crate) fn build(folder: &Path) -> Result<(), String> {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/web");
    let output = Command::new(tool).arg(folder).output();
    let output = output.map_err(|error| format!("{tool}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(NOT_RUN) => Err(text(&output.stdout)),
        _ => panic!("{tool} failed:\n{}\n{}", text(&output.stdout), text(&output.stderr)),
    }
}

/// How `tools/web` ends when something it needs is not there.
const NOT_RUN: i32 = 3;
