//! Where real networks and recorded outputs lie, for the tests that need them.

use std::io::Write as _;
use std::path::PathBuf;

/// A file or folder below `$POCKETVISION_SHARED`, or below `../shared` next to the
/// repository. `None`, said loudly, where it is missing.
///
/// # Panics
/// If it is missing and `POCKETVISION_REQUIRE_SHARED` is 1.
pub(crate) fn find(path: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let file = shared.join(path);
    if file.exists() {
        return Some(file);
    }
    let message = format!("{} does not exist; set POCKETVISION_SHARED", file.display());
    let required = std::env::var_os("POCKETVISION_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "{message}");
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(std::io::stderr(), "\n*** IGNORED: {message} ***\n");
    None
}
