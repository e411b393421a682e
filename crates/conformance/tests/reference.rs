//! The reference backend against itself: its plans must equal its single nodes.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_conformance::Subject;
use pocketvision_reference::ReferenceBackend;

fn main() -> ExitCode {
    let backend = Arc::new(ReferenceBackend::new());
    pocketvision_conformance::main(vec![Subject::new("reference", backend)])
}
