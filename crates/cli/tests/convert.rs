//! `convert`: what it writes can be read, and nothing is lost where it fails.

mod command;

use std::fs;

use command::{json, json_of, pocketvision, shared, text};

/// Small enough for tests.
const MODEL: &str = "mobilenet-v1-0.25";

/// The one line of a command that must fail.
fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn a_network_is_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (precision, file) in [
        ("int8", "int8.tflite"),
        ("f32", "f32.tflite"),
        ("int8", "int8.onnx"),
        ("f32", "f32.onnx"),
        ("f32", "f32.safetensors"),
    ] {
        let path = folder.path().join(file);
        let chosen = ["--precision", precision, "--classes", "9"];
        let written = json(&[&["convert", MODEL, text(&path)], &chosen[..]].concat());
        assert_eq!(written["precision"], precision);
        assert_eq!(written["weights"], "seeded");
        assert_eq!(written["bytes"], fs::metadata(&path).unwrap().len());

        let [source, read] = [&[MODEL], &[text(&path)]].map(|model| {
            let chosen = if model[0] == MODEL { &chosen[..] } else { &[] };
            json(&[&["inspect"], &model[..], chosen].concat())
        });
        for figure in ["macs", "parameters", "parameter_bytes", "classes"] {
            assert_eq!(read[figure], source[figure], "{figure} of {file}");
        }
    }
}

#[test]
fn both_files_classify_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.tflite");
    json(&["convert", MODEL, text(&path)]);
    let [built_in, file] =
        [MODEL, text(&path)].map(|model| json(&["compare", "--model", model, "--runs", "1"]));
    let score_lists = |report: &serde_json::Value| {
        report["backends"][0]["output_sha256"].as_str().map(str::to_owned)
    };
    assert!(score_lists(&built_in).is_some());
    assert_eq!(score_lists(&built_in), score_lists(&file));
}

#[test]
fn trained_uint8_networks_survive() {
    let Some(shared) = shared() else { return };
    let source = shared.join("models/v3-small_224_1.0_uint8.tflite");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.tflite");
    json(&["convert", text(&source), text(&path)]);
    let [before, after] = [&source, &path].map(|model| {
        json(&["compare", "--model", text(model), "--runs", "1", "--backends", "cpu"])
    });
    assert_eq!(before["backends"][0]["output_sha256"], after["backends"][0]["output_sha256"]);
}

#[test]
fn an_existing_file_is_replaced_only_if_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.tflite");
    fs::write(&path, "precious").unwrap();
    let message = failure(&["convert", MODEL, text(&path)]);
    assert!(message.contains("network.tflite: exists already; --force"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let mut forced = pocketvision(&["convert", MODEL, text(&path), "--force", "--json"]);
    assert_eq!(json_of(&mut forced)["format"], "TFLite");
    assert!(fs::read(&path).unwrap().len() > 100_000);
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| text(&folder.path().join(name)).to_owned();
    let message = failure(&["convert", MODEL, &file("network.h5")]);
    assert!(message.contains("network.h5: ") && message.contains(".tflite"), "{message}");
    let message = failure(&["convert", MODEL, &file("no/such/folder/network.tflite")]);
    assert!(message.contains("no/such/folder/network.tflite: cannot be written"), "{message}");
    let message = failure(&["convert", MODEL, &file("int8.safetensors")]);
    assert!(message.contains("only f32 networks are"), "{message}");
    let message = failure(&["convert", "no-such-model", &file("network.tflite")]);
    assert!(message.contains("unknown model 'no-such-model'"), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.tflite");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Who may do anything cannot be kept out.
    if fs::write(folder.path().join("probe"), "").is_err() {
        let message = failure(&["convert", MODEL, text(&path)]);
        assert!(message.contains("network.tflite: cannot be written"), "{message}");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn stated_shapes_are_checked_against_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    let file = text(&path);
    json(&["convert", MODEL, file, "--size", "64"]);
    assert!(json(&["inspect", file, "--shape", "image=1x3x64x64"])["macs"].is_u64());
    let message = failure(&["inspect", file, "--shape", "nothing=1x3x64x64"]);
    assert!(message.contains("a shape was stated for input 'nothing'"), "{message}");
    for malformed in ["image", "=1x3", "image=1x0x3", "image=axb"] {
        let output = pocketvision(&["inspect", file, "--shape", malformed]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{malformed}");
    }
}
