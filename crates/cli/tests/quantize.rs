//! `quantize`: what it reports, writes and refuses.

mod command;

use std::fs;
use std::path::Path;

use command::{json, pocketvision, stdout, text};
use pocketvision::vision::SamplePicture;

/// A float network that is small enough for tests.
const NETWORK: [&str; 7] =
    ["mobilenet-v3-small", "--precision", "f32", "--size", "64", "--classes", "4"];

/// Pictures in a folder for each class.
fn photos(folder: &Path, count: usize) {
    for index in 0..count {
        let class = folder.join((index % 4).to_string());
        fs::create_dir_all(&class).unwrap();
        let picture = SamplePicture::Macaw.paint(64 + 8 * index, 64);
        picture.save_png(class.join(format!("{index}.png"))).unwrap();
    }
}

/// What it says when it fails.
fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    stderr.lines().last().unwrap().strip_prefix("error: ").unwrap().to_owned()
}

/// The command on a folder, with the small network.
fn quantize<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let [name, options @ ..] = NETWORK;
    [&["quantize", name, text(folder)], &options[..], more].concat()
}

#[test]
fn the_report_scores_photos_that_were_not_calibrated_on() {
    let folder = tempfile::tempdir().unwrap();
    photos(folder.path(), 10);
    let file = folder.path().join("int8.tflite");
    let more = ["--calibration-count", "6", "--output", text(&file)];
    let report = json(&quantize(folder.path(), &more));
    assert_eq!((&report["calibration_images"], &report["weights"]), (&6.into(), &"seeded".into()));
    let accuracy = &report["accuracy"];
    assert_eq!(accuracy["images"], 4);
    for network in ["float", "int8"] {
        let top1 = accuracy[network]["top1"].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&top1), "{report}");
    }
    assert!(accuracy["signal_to_noise_db"].as_f64().unwrap() > 12.0, "{accuracy}");
    let (float, int8) = (&report["float_parameter_bytes"], &report["int8_parameter_bytes"]);
    assert!(int8.as_u64().unwrap() < float.as_u64().unwrap() / 3, "{float} {int8}");
    for layer in report["layers"].as_array().unwrap() {
        assert!(layer["scale"].as_f64().unwrap() > 0.0, "{layer}");
        assert!((-128..=127).contains(&layer["zero_point"].as_i64().unwrap()), "{layer}");
    }

    // The file is the network: other commands run it, in integers.
    let written = json(&["inspect", text(&file)]);
    let macs = json(&["inspect", NETWORK[0], "--size", "64", "--classes", "4"])["macs"].clone();
    assert_eq!(written["macs"], macs);
    let scored = json(&["evaluate", text(&file), text(folder.path())]);
    assert_eq!(scored["images"], 10);
}

#[test]
fn photos_without_a_class_are_calibrated_on_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["beach.png", "forest.png"] {
        SamplePicture::Macaw.paint(80, 60).save_png(folder.path().join(name)).unwrap();
    }
    let output = pocketvision(&quantize(folder.path(), &["--ranges", "min-max"])).output().unwrap();
    assert!(stdout(&output).contains("calibrated on 2 images"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("not scored") && stderr.contains("beach.png"), "{stderr}");
    let report = json(&quantize(folder.path(), &["--no-equalize", "--per-tensor"]));
    assert!(report["accuracy"].is_null());
    assert_eq!(report["equalized_pairs"], 0);
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let message = failure(&quantize(&missing, &[]));
    assert!(message.contains("missing: cannot be read as a folder"), "{message}");
    let message = failure(&quantize(folder.path(), &[]));
    assert!(message.contains("no JPEG, PNG or BMP pictures"), "{message}");

    photos(folder.path(), 1);
    let int8 = ["quantize", "mobilenet-v3-small", text(folder.path()), "--size", "64"];
    let message = failure(&[&int8[..], &["--classes", "4"]].concat());
    assert!(message.contains("quantized already"), "{message}");
    let percentile = ["--ranges", "percentile", "--percentile", "101"];
    let message = failure(&quantize(folder.path(), &percentile));
    assert!(message.contains("percentile = 101"), "{message}");
    let pixels = ["--input-type", "uint8", "--normalization", "torchvision"];
    let message = failure(&quantize(folder.path(), &pixels));
    assert!(message.contains("--input-type int8"), "{message}");

    fs::write(folder.path().join("0/0.png"), "no picture").unwrap();
    let message = failure(&quantize(folder.path(), &[]));
    assert!(message.contains("0.png"), "{message}");
}

#[test]
fn files_that_cannot_be_written_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no photos");
    for (name, words) in [("a.pb", "a.pb"), ("a.safetensors", "float weights")] {
        let file = folder.path().join(name);
        let message = failure(&quantize(&missing, &["--output", text(&file)]));
        assert!(message.contains(words), "{message}");
    }
    let file = folder.path().join("a.tflite");
    fs::write(&file, "precious").unwrap();
    let message = failure(&quantize(&missing, &["--output", text(&file)]));
    assert!(message.contains("exists already"), "{message}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}
