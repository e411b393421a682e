//! Any bytes give a graph or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pocketvision_import_tflite::import;

fuzz_target!(|bytes: &[u8]| {
    // Most bytes are no TFLite file; the identifier alone would take the fuzzer long to find.
    let mut file = bytes.to_vec();
    if let Some(identifier) = file.get_mut(4..8) {
        identifier.copy_from_slice(b"TFL3");
    }
    let _ = import(&file, "fuzz");
});
