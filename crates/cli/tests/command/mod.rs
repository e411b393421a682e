//! Runs the command as a user does, away from the user's own models.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The command with these arguments, without any models but those that are built in.
pub(crate) fn pocketvision(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pocketvision"));
    command.args(arguments);
    command.env_remove("POCKETVISION_MODELS");
    for home in ["XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"] {
        command.env(home, concat!(env!("CARGO_TARGET_TMPDIR"), "/empty home"));
    }
    command
}

/// What it wrote on stdout, after it succeeded.
pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Runs it with `--json` and reads its report.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn json(arguments: &[&str]) -> Value {
    json_of(pocketvision(arguments).arg("--json"))
}

/// Runs a command that writes JSON and reads its report.
pub(crate) fn json_of(command: &mut Command) -> Value {
    serde_json::from_str(&stdout(&command.output().unwrap())).expect("JSON")
}

/// The folder of models and pictures that are not part of the repository; `None`, loudly, if
/// it is absent and not required.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn shared() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var_os("POCKETVISION_SHARED").unwrap_or_else(|| default.into());
    let folder = PathBuf::from(folder);
    if folder.join("models").is_dir() {
        return Some(folder);
    }
    let required = std::env::var("POCKETVISION_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "{} has no models, and they are required", folder.display());
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(std::io::stderr(), "IGNORED: {} has no models", folder.display());
    None
}

/// Whether there is a graphics adapter; if not, says so loudly, and fails if one is required.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn there_is_a_gpu() -> bool {
    let devices = json(&["devices"]);
    let rows = devices["backends"].as_array().expect("a list");
    let gpu = rows.iter().find(|row| row["backend"] == "gpu").expect("a row of the gpu");
    let there = gpu["error"].is_null();
    let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(there || !required, "a GPU is required: {gpu}");
    if !there {
        // Not eprintln: the test harness would keep it to itself.
        let _ = writeln!(std::io::stderr(), "IGNORED: no GPU: {gpu}");
    }
    there
}

/// A network that is small enough for tests.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) const SMALL: [&str; 6] =
    ["--model", "mobilenet-edgetpu-0.5", "--size", "64", "--classes", "20"];

/// A path as an argument.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}
