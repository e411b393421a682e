//! `docs/ops.md` says what the backends say.
#![cfg(feature = "gpu")]

use std::fs;
use std::io::Write as _;

use pocketvision::{Backend, BackendOptions, backend};

#[test]
fn the_support_table_is_up_to_date() {
    let mut backends: Vec<Box<dyn Backend>> = Vec::new();
    for name in pocketvision::BACKEND_NAMES {
        match backend(name, &BackendOptions::default()) {
            Ok(backend) => backends.push(backend),
            Err(error) if std::env::var_os("POCKETVISION_REQUIRE_GPU").is_none_or(|v| v != "1") => {
                // Not eprintln: the test harness would keep it to itself.
                let _ =
                    writeln!(std::io::stderr(), "\n*** docs/ops.md IS NOT CHECKED: {error} ***\n");
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let backends: Vec<&dyn Backend> = backends.iter().map(AsRef::as_ref).collect();
    let page = pocketvision_conformance::support_table(&backends).expect("the cases are valid");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ops.md");
    if std::env::var_os("POCKETVISION_BLESS").is_some() {
        fs::write(path, &page).expect("docs/ops.md can be written");
    }
    let written = fs::read_to_string(path).expect("docs/ops.md is in the repository");
    assert!(written == page, "docs/ops.md is stale: run this test with POCKETVISION_BLESS=1");
}
