//! `--pixels`: a float network that takes the photo's bytes.

mod command;

use command::{json, text, there_is_a_gpu};

const FLOAT: [&str; 4] = ["--model", "mobilenet-edgetpu-cifar10", "--precision", "f32"];

#[test]
fn classes_are_those_of_normalized_pixels() {
    for normalization in ["symmetric", "torchvision"] {
        let top = |pixels: &[&str]| {
            let how = ["--backend", "cpu", "--normalization", normalization];
            let report = json(&[&["classify"], &FLOAT[..], &how, pixels].concat());
            let images = report["images"].as_array().unwrap();
            images.iter().map(|image| image["top"].clone()).collect::<Vec<_>>()
        };
        let expected = top(&[]);
        assert_eq!(expected.len(), 5);
        assert_eq!(top(&["--pixels"]), expected);
    }
}

#[test]
fn the_input_of_a_float_network_is_bytes() {
    let command = ["inspect", "mobilenet-edgetpu-cifar10", "--precision"];
    let first = |options: &[&str]| {
        let report = json(&[&command, options].concat());
        report["inputs"][0].to_string()
    };
    assert!(first(&["f32"]).contains("f32"));
    assert!(first(&["f32", "--pixels"]).contains("uint8"));
    // It has bytes anyway.
    assert_eq!(first(&["int8", "--pixels"]), first(&["int8"]));
}

#[test]
fn a_gpu_normalizes_in_no_dispatch_of_its_own() {
    if !there_is_a_gpu() {
        return;
    }
    let dispatches = |pixels: &[&str]| {
        let bench = ["bench", "--backend", "gpu", "--runs", "1"];
        json(&[&bench, &FLOAT[..], pixels].concat())["dispatches"].as_u64().unwrap()
    };
    assert_eq!(dispatches(&["--pixels"]), dispatches(&[]));
}

/// A file that makes floats of bytes itself says what the network said.
#[test]
fn a_file_takes_the_photos_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let how = ["--normalization", "torchvision", "--pixels"];
    let scores = |model: &[&str]| {
        let classify = ["classify", "--backend", "cpu", "--fit", "letterbox"];
        let report = json(&[&classify, model].concat());
        let images = report["images"].as_array().unwrap();
        let score = |row: &serde_json::Value| (row["index"].clone(), row["score"].clone());
        let top = |image: &serde_json::Value| {
            image["top"].as_array().unwrap().iter().map(score).collect::<Vec<_>>()
        };
        images.iter().map(top).collect::<Vec<_>>()
    };
    let expected = scores(&[&FLOAT[..], &how].concat());
    assert_eq!(expected.len(), 5);
    for name in ["pixels.onnx", "pixels.tflite"] {
        let file = folder.path().join(name);
        json(&[&["convert", FLOAT[1], text(&file)], &FLOAT[2..], &how].concat());
        // Whatever is said of floats: a byte is what it is.
        let model = ["--model", text(&file), "--normalization", "symmetric"];
        assert_eq!(scores(&model), expected, "{name}");
    }
}
