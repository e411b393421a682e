//! Any bytes give a graph or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pocketvision_import_onnx::{ImportOptions, import};

fuzz_target!(|bytes: &[u8]| {
    let _ = import(bytes, "fuzz", &ImportOptions::default());
});
