//! Replays the files that mutation found: see `regressions/README.md`.

use std::path::Path;

use pocketvision_import_tflite::open;

#[test]
fn every_file_is_imported_or_refused_as_its_name_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regressions"));
    let (mut valid, mut refused) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if name.starts_with("valid_") {
            let graph = open(&path).unwrap_or_else(|error| panic!("{error}"));
            assert!(!graph.outputs().is_empty());
            valid += 1;
        } else if name.starts_with("refused_") {
            let message = open(&path).expect_err(&name).to_string();
            assert!(message.starts_with(&path.display().to_string()), "{message}");
            assert!(!message.contains('\n'), "one line: {message}");
            refused += 1;
        } else {
            assert_eq!(name, "README.md", "a file whose name does not say what is expected");
        }
    }
    assert!(valid >= 3 && refused >= 20, "{valid} valid and {refused} refused files");
}
