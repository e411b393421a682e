//! What is wrong with the input is said in one line, with exit code 1.

mod command;

use std::fs;
use std::path::Path;

use command::{json, pocketvision, shared, text};
use npyz::WriterBuilder;
use pocketvision::vision::SamplePicture;

/// Runs a command that must fail, and returns the one line it says.
fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{arguments:?}: {stderr}");
    let message = lines[0].strip_prefix("error: ").expect("a line that says that it is an error");
    message.to_owned()
}

/// Runs a command that must fail, with words that its one line must have.
fn fails_with(arguments: &[&str], words: &[&str]) {
    let message = failure(arguments);
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
}

#[test]
fn missing_files_are_named() {
    fails_with(&["classify", "no/such/photo.jpg"], &["no/such/photo.jpg", "cannot be read"]);
    fails_with(&["compare", "no/such/photo.jpg"], &["no/such/photo.jpg"]);
    fails_with(&["inspect", "no/such/model.tflite"], &["no/such/model.tflite: no such file"]);
    fails_with(
        &["run", "mobilenet-edgetpu-0.5", "--input", "no/such.npy", "--output", "out"],
        &["no/such.npy: cannot be read"],
    );
    fails_with(&["evaluate", "mobilenet-edgetpu-0.5", "no/such/folder"], &["no/such/folder"]);
}

#[test]
fn a_text_file_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.tflite");
    fs::write(&file, "These are not weights, only some words about them.").unwrap();
    fails_with(&["inspect", text(&file)], &["notes.tflite", "not a TFLite file"]);
    fs::write(&file, "").unwrap();
    fails_with(&["bench", "--model", text(&file)], &["notes.tflite"]);
}

#[test]
fn a_folder_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    fails_with(&["inspect", text(folder.path())], &[text(folder.path()), "it is a folder"]);
}

#[test]
fn two_models_of_one_name_are_not_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let [here, there] = ["here", "there"].map(|name| folder.path().join(name).join("net.tflite"));
    for file in [&here, &there] {
        fs::create_dir(file.parent().unwrap()).unwrap();
        json(&["convert", "mobilenet-v1-0.25", text(file), "--size", "32"]);
    }
    let compare = ["compare", "--backends", "edgetpu-sim", "--models"];
    let two = format!("{},{}", text(&here), text(&there));
    fails_with(&[&compare[..], &[&two]].concat(), &["called net", text(&here), text(&there)]);
    // The same file by another path is the same model.
    let other_path = folder.path().join("there/../here/net.tflite");
    let one = format!("{},{}", text(&here), text(&other_path));
    let report = json(&[&compare[..], &[&one]].concat());
    assert_eq!(report["models"].as_array().unwrap().len(), 1);
}

#[test]
fn formats_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.pb");
    fs::write(&file, "anything").unwrap();
    fails_with(&["inspect", text(&file)], &["network.pb", ".pb files are not supported"]);
}

#[test]
fn a_model_that_was_cut_off_is_refused() {
    let Some(shared) = shared() else { return };
    let model = fs::read(shared.join("models/v3-small_224_1.0_uint8.tflite")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.tflite");
    for part in [1, 8, 100, model.len() / 3, model.len() / 2, model.len() - 1] {
        fs::write(&file, &model[..part]).unwrap();
        fails_with(&["inspect", text(&file)], &["cut.tflite: "]);
    }
}

#[test]
fn an_empty_picture_is_refused_and_thin_ones_work() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.jpg");
    fs::write(&empty, "").unwrap();
    fails_with(&["classify", text(&empty)], &["empty.jpg", "the file is empty"]);
    for (width, height) in [(1, 1), (20_000, 1), (1, 20_000)] {
        let picture = folder.path().join("thin.png");
        SamplePicture::Macaw.paint(width, height).save_png(&picture).unwrap();
        let model = ["--model", "mobilenet-edgetpu-0.5", "--top", "3"];
        let report = json(&[&["classify", text(&picture)], &model[..]].concat());
        assert_eq!(report["images"][0]["top"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn unknown_names_get_the_nearest() {
    fails_with(&["bench", "--backend", "gppu"], &["unknown backend 'gppu'", "'gpu'"]);
    fails_with(&["compare", "--backends", "cpu,edgetpu"], &["unknown backend", "'edgetpu-sim'"]);
    fails_with(
        &["bench", "--model", "mobilenet-edgtpu-1.0"],
        &["unknown model 'mobilenet-edgtpu-1.0'", "'mobilenet-edgetpu-1.0'"],
    );
    fails_with(
        &["profile", "--backend", "edgetpu-sim", "--chip", "corral"],
        &["unknown chip 'corral'", "'coral'"],
    );
}

#[test]
fn a_float_model_on_the_edge_tpu_is_to_be_quantized() {
    let model = ["--model", "mobilenet-edgetpu-0.5", "--precision", "f32"];
    for command in ["bench", "profile"] {
        let arguments = [&[command, "--backend", "edgetpu-sim"], &model[..]].concat();
        fails_with(&arguments, &["edgetpu-sim", "f32", "quantize"]);
    }
}

#[test]
fn what_takes_pixels_is_neither_quantized_nor_written_as_weights_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pixels.safetensors");
    let float = ["--precision", "f32", "--size", "32", "--pixels"];
    let convert = ["convert", "mobilenet-v3-small", text(&file)];
    fails_with(
        &[&convert[..], &float].concat(),
        &["holds the weights of a network that is built in"],
    );
    let model = ["--model", "mobilenet-edgetpu-0.5"];
    let bench = [&["bench", "--backend", "edgetpu-sim"], &model[..], &float[..]].concat();
    fails_with(&bench, &["edgetpu-sim", "f32", "quantize"]);
}

#[test]
fn a_float_file_is_not_quantized_on_the_way_and_a_file_keeps_its_batch() {
    let Some(shared) = shared() else { return };
    let float = shared.join("models/mobilenet_v2-b0353104.safetensors");
    fails_with(&["bench", "--model", text(&float), "--precision", "int8"], &["int8", "f32"]);
    fails_with(&["bench", "--model", text(&float), "--size", "96"], &["--size", "built-in"]);
    let model = shared.join("models/v3-small_224_1.0_uint8.tflite");
    fails_with(&["bench", "--model", text(&model), "--batch", "4"], &["batches of 1"]);
}

fn write_npy<T: npyz::AutoSerialize + Copy>(
    path: &Path,
    shape: &[u64],
    order: npyz::Order,
    value: T,
) {
    let options = npyz::WriteOptions::new().default_dtype().shape(shape).order(order);
    let mut npy = options.writer(fs::File::create(path).unwrap()).begin_nd().unwrap();
    npy.extend((0..shape.iter().product()).map(|_| value)).unwrap();
    npy.finish().unwrap();
}

/// An `.npy` file that says this about its numbers, and has none.
fn with_header(header: &str) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap();
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], header.as_bytes()].concat()
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    use npyz::Order::{C, Fortran};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.npy");
    let output = folder.path().join("out");
    let run = |words: &[&str]| {
        let files = ["--input", text(&file), "--output", text(&output)];
        fails_with(&[&["run", "mobilenet-edgetpu-0.5"], &files[..]].concat(), words);
    };
    write_npy(&file, &[1, 96, 224, 3], C, 1u8);
    run(&["x.npy", "uint8 [1,96,224,3]", "uint8 [1,224,224,3]"]);
    write_npy(&file, &[1, 224, 3, 224], C, 1u8);
    run(&["uint8 [1,224,3,224]", "uint8 [1,224,224,3]"]);
    write_npy(&file, &[1, 224, 224, 3], C, 1f32);
    run(&["float32 [1,224,224,3]", "uint8 [1,224,224,3]"]);
    write_npy(&file, &[1, 224, 224, 3], Fortran, 1u8);
    run(&["Fortran order"]);
    write_npy(&file, &[1, 224, 224, 3], C, 1u8);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    run(&["x.npy", "cut off"]);
    fs::write(&file, &whole[..40]).unwrap();
    run(&["x.npy", "not an .npy file"]);
    fs::write(&file, "words").unwrap();
    run(&["x.npy", "not an .npy file"]);
    fs::write(&file, with_header(&"(".repeat(60_000))).unwrap();
    run(&["x.npy", "not an .npy file"]);
    let shape = "(1099511627776, 1099511627776, 7)";
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    fs::write(&file, with_header(&header)).unwrap();
    run(&["x.npy", "[1099511627776,1099511627776,7]"]);
    assert!(!output.exists(), "nothing is made before the input is known to be good");
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.npy");
    write_npy(&file, &[1, 224, 224, 3], npyz::Order::C, 1u8);
    let below_a_file = file.join("out");
    let run = ["run", "mobilenet-edgetpu-0.5", "--input", text(&file), "--output"];
    fails_with(&[&run[..], &[text(&below_a_file)]].concat(), &["out: cannot be made a folder"]);
    let twice = [&run[..4], &["--input", text(&file), "--output", "out"]].concat();
    fails_with(&twice, &["given 2 times", "takes 1: 'image'"]);
}

#[test]
fn a_backend_that_is_missing_is_a_row_unless_it_is_named() {
    let compare = ["compare", "--model", "mobilenet-edgetpu-0.5", "--runs", "1", "--json"];
    let adapter = ["--adapter", "no such adapter"];
    let report = json(&[&compare[..5], &adapter[..]].concat());
    let gpu = report["backends"].as_array().unwrap().iter().find(|row| row["backend"] == "gpu");
    assert!(gpu.unwrap()["error"].is_string());

    let named = [&compare[..], &adapter[..], &["--backends", "cpu,gpu"]].concat();
    let output = pocketvision(&named).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["backends"][1]["error"].is_null(), "the others are reported all the same");
}

#[test]
fn command_lines_that_cannot_be_parsed_are_usage_errors() {
    for arguments in [
        &["frobnicate"][..],
        &["compare", "--runs", "0"],
        &["bench", "--threads", "many"],
        &["run", "mobilenet-edgetpu-0.5"],
        &["bench", "--precision", "f7"],
        &["bench", "--size", "0"],
        &["bench", "--size", "96x"],
        &["bench", "--size", "96x64x3"],
        &[],
    ] {
        let output = pocketvision(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    use std::io::Read;
    use std::process::Stdio;
    let mut child = pocketvision(&["profile", "--model", "mobilenet-edgetpu-0.5", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before the report, which is larger than a pipe's buffer would need to be.
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(status.success(), "{stderr}");
    assert_eq!(stderr, "");
}
