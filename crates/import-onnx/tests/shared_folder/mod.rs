//! Files that the repository does not hold: trained networks.

use std::io::Write as _;
use std::path::PathBuf;

/// A folder of `$POCKETVISION_SHARED`, or of `../shared` next to the repository. Without it
/// the calling test is to return, unless `POCKETVISION_REQUIRE_SHARED` is 1.
pub(crate) fn find(folder: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let found = shared.join(folder);
    if found.is_dir() {
        return Some(found);
    }
    let required = std::env::var_os("POCKETVISION_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "{} does not exist", found.display());
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "IGNORED: {} does not exist; set POCKETVISION_SHARED",
        found.display()
    );
    None
}
