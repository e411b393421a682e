//! The architecture's arrows: which of our crates may know which.
//!
//! To add an arrow, first ask whether the thing needed belongs in a crate that both may
//! know; then change this table and `docs/architecture.md` together.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// For each crate: what it may depend on, and what its tests may use besides.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("pocketvision-core", &[], &[]),
    ("pocketvision-shaders", &[], &[]),
    ("pocketvision-reference", &["core"], &["conformance", "import-tflite"]),
    ("pocketvision-backend-cpu", &["core"], &["conformance", "import-tflite", "reference"]),
    (
        "pocketvision-backend-gpu",
        &["core", "reference", "shaders"],
        &["conformance", "import-tflite"],
    ),
    ("pocketvision-backend-edgetpu-sim", &["core", "reference"], &["conformance", "import-tflite"]),
    ("pocketvision-import-tflite", &["core"], &["reference"]),
    ("pocketvision-import-onnx", &["core"], &["backend-cpu", "reference", "vision"]),
    ("pocketvision-import-safetensors", &["core"], &["backend-cpu", "vision"]),
    (
        "pocketvision-export",
        &["core", "import-onnx", "import-tflite"],
        &["conformance", "import-safetensors", "reference"],
    ),
    ("pocketvision-quantize", &["core"], &["backend-cpu", "reference"]),
    ("pocketvision-vision", &["core"], &[]),
    ("pocketvision-conformance", &["core", "reference"], &[]),
    (
        "pocketvision",
        &[
            "core",
            "reference",
            "backend-cpu",
            "backend-gpu",
            "backend-edgetpu-sim",
            "export",
            "import-tflite",
            "import-onnx",
            "import-safetensors",
            "quantize",
            "vision",
        ],
        &["conformance"],
    ),
    ("pocketvision-web", &["core", "backend-gpu", "import-tflite", "vision"], &["backend-cpu"]),
    ("pocketvision-download", &[], &[]),
    ("pocketvision-cli", &["pocketvision", "download"], &["conformance"]),
    ("pocketvision-benches", &["pocketvision"], &["backend-gpu", "conformance"]),
];

#[test]
fn no_crate_knows_more_of_our_crates_than_the_architecture_says() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let ours: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let full_name = |short: &&str| match *short {
        "pocketvision" => "pocketvision".to_owned(),
        short => format!("pocketvision-{short}"),
    };
    let allowed: BTreeMap<&str, [BTreeSet<String>; 2]> = ALLOWED
        .iter()
        .map(|(name, normal, tests)| {
            let normal: BTreeSet<String> = normal.iter().map(full_name).collect();
            let tests = normal.iter().cloned().chain(tests.iter().map(full_name)).collect();
            (*name, [normal, tests])
        })
        .collect();

    let mut forbidden = Vec::new();
    for package in metadata.workspace_packages() {
        let Some([normal, tests]) = allowed.get(package.name.as_str()) else {
            forbidden.push(format!("{} is not in the table of allowed arrows", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| ours.contains(&d.name)) {
            let may = if dependency.kind == DependencyKind::Development { tests } else { normal };
            if !may.contains(&dependency.name) {
                forbidden
                    .push(format!("{} -> {} ({})", package.name, dependency.name, dependency.kind));
            }
        }
    }
    assert!(forbidden.is_empty(), "arrows that the architecture does not have: {forbidden:#?}");
    let listed: BTreeSet<&str> = allowed.keys().copied().collect();
    let existing: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
    assert_eq!(listed, existing, "the table and the workspace list different crates");
}

/// Names of every crate that the facade is built of.
fn crates_of_the_facade(options: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "pocketvision", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(options)
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names of crates");
    lines.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[test]
fn without_its_features_the_facade_brings_no_gpu() {
    let all = crates_of_the_facade(&[]);
    let gpu = ["wgpu", "naga", "pocketvision-backend-gpu", "pocketvision-shaders"];
    assert!(gpu.iter().all(|name| all.contains(*name)), "{all:?}");
    let without = crates_of_the_facade(&["--no-default-features"]);
    assert!(gpu.iter().all(|name| !without.contains(*name)), "{without:?}");
    assert!(without.contains("pocketvision-backend-cpu"));
}
