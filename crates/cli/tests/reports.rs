//! Every command on models that are built in: what it reports, and that scripts can read it.

mod command;

use std::fs::{self, File};
use std::path::Path;

use command::{json, pocketvision, stdout, text};
use npyz::{NpyFile, WriterBuilder};
use pocketvision::vision::SamplePicture;
use serde_json::Value;

/// Small enough for tests.
const MODEL: &str = "mobilenet-edgetpu-0.5";

fn rows<'a>(report: &'a Value, field: &str) -> &'a Vec<Value> {
    report[field].as_array().unwrap_or_else(|| panic!("{field} is no list in {report}"))
}

#[test]
fn compare_finds_every_backend_identical_to_the_reference() {
    let report = json(&["compare", "--model", MODEL, "--runs", "2", "--layers"]);
    assert_eq!((&report["model"], &report["weights"]), (&MODEL.into(), &"seeded".into()));
    let backends = rows(&report, "backends");
    let names: Vec<&str> = backends.iter().filter_map(|row| row["backend"].as_str()).collect();
    assert_eq!(names, ["reference", "cpu", "gpu", "edgetpu-sim"]);
    let reference = &backends[0];
    for row in backends.iter().filter(|row| row["error"].is_null()) {
        let simulated = row["backend"] == "edgetpu-sim";
        assert_eq!(row["clock"], if simulated { "simulated" } else { "measured" });
        assert_eq!(row["energy_mj"].is_number(), simulated);
        assert!(row["min_ms"].as_f64().unwrap() <= row["median_ms"].as_f64().unwrap());
        assert!(row["median_ms"].as_f64().unwrap() <= row["p95_ms"].as_f64().unwrap());
        assert_eq!(rows(row, "top").len(), 5);
        assert_eq!(row["output_sha256"], reference["output_sha256"], "{row}");
        assert_eq!(row["agreement"]["identical"], true);
        assert_eq!(row["agreement"]["max_abs_difference"], 0.0);
        assert_eq!(row["agreement"]["differing_values"], 0);
        assert!(row["first_difference"].is_null());
    }
    for required in ["reference", "cpu", "edgetpu-sim"] {
        let row = backends.iter().find(|row| row["backend"] == required).unwrap();
        assert!(row["error"].is_null(), "{row}");
    }
}

#[test]
fn seeded_weights_are_said_to_mean_nothing_in_one_line() {
    let output = pocketvision(&["classify", "--model", MODEL]).output().unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("POCKETVISION_MODELS") && stderr.contains("mean nothing"), "{stderr}");
    assert!(stdout(&output).contains("painted macaw"));
}

/// With nothing on the machine, the network that comes trained names the pictures that come with
/// it.
#[test]
fn without_arguments_our_own_pictures_are_recognised() {
    let report = json(&["classify"]);
    assert_eq!(report["weights"], "trained");
    for (picture, class) in [("macaw", "bird"), ("ship", "ship"), ("truck", "truck")] {
        let images = rows(&report, "images");
        let row = images.iter().find(|row| row["image"] == format!("painted {picture}")).unwrap();
        assert_eq!(row["top"][0]["label"], class, "{row}");
    }
    let report = json(&["compare", "--runs", "1"]);
    assert_eq!(report["weights"], "trained");
    for row in rows(&report, "backends").iter().filter(|row| row["error"].is_null()) {
        assert_eq!(row["top"][0]["label"], "bird", "{row}");
        assert_eq!(row["agreement"]["identical"], true, "{row}");
    }
}

#[test]
fn floats_are_judged_by_a_tolerance() {
    let model = ["--model", MODEL, "--precision", "f32"];
    let report =
        json(&[&["compare", "--layers", "--runs", "1", "--backends", "cpu"], &model[..]].concat());
    let cpu = &rows(&report, "backends")[1];
    assert!(cpu["first_difference"].is_null(), "{cpu}");
    assert!(cpu["agreement"]["max_abs_difference"].as_f64().unwrap() < 1e-3);
}

#[test]
fn classify_ranks_each_picture() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    SamplePicture::Macaw.paint(300, 200).save_png(&picture).unwrap();
    let report =
        json(&["classify", text(&picture), text(&picture), "--model", MODEL, "--top", "7"]);
    let images = rows(&report, "images");
    assert_eq!(images.len(), 2);
    assert_eq!(images[0]["top"], images[1]["top"]);
    let scores: Vec<f64> =
        rows(&images[0], "top").iter().map(|class| class["score"].as_f64().unwrap()).collect();
    assert_eq!(scores.len(), 7);
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn evaluate_counts_hits() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    SamplePicture::Macaw.paint(300, 200).save_png(&picture).unwrap();
    let top = json(&["classify", text(&picture), "--model", MODEL]);
    let top = rows(&top["images"][0], "top");
    let class = |rank: usize| top[rank]["index"].to_string();
    // One picture whose class is the best, one whose class is the third, one of neither.
    let none = (0..9).map(|i| i.to_string()).find(|i| (0..5).all(|rank| class(rank) != *i));
    let data = folder.path().join("data");
    for name in [class(0), class(2), none.unwrap()] {
        fs::create_dir_all(data.join(&name)).unwrap();
        fs::copy(&picture, data.join(&name).join("a.png")).unwrap();
    }
    for backend in ["cpu", "reference"] {
        let report = json(&["evaluate", MODEL, text(&data), "--backend", backend]);
        assert_eq!(report["images"], 3);
        assert!((report["top1"].as_f64().unwrap() - 100.0 / 3.0).abs() < 1e-9, "{report}");
        assert!((report["top5"].as_f64().unwrap() - 200.0 / 3.0).abs() < 1e-9, "{report}");
    }
}

/// An image as a network takes it, with pixels that differ.
fn write_image(path: &Path, shape: &[u64]) {
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut npy = options.writer(File::create(path).unwrap()).begin_nd().unwrap();
    npy.extend((0..224 * 224 * 3u32).map(|index| (index * 7 % 251) as u8)).unwrap();
    npy.finish().unwrap();
}

#[test]
fn run_writes_the_same_bytes_on_every_backend_and_for_every_way_to_write_a_shape() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("x.npy");
    let mut written = Vec::new();
    for (backend, shape) in [
        ("reference", &[1, 224, 224, 3][..]),
        ("cpu", &[224, 224, 3]),
        ("edgetpu-sim", &[1, 1, 224, 224, 3]),
    ] {
        write_image(&input, shape);
        let output = folder.path().join(backend);
        let files = ["--input", text(&input), "--output", text(&output), "--backend", backend];
        let report = json(&[&["run", MODEL], &files[..]].concat());
        let outputs = rows(&report, "outputs");
        assert_eq!(outputs.len(), 1);
        written.push(fs::read(outputs[0]["file"].as_str().unwrap()).unwrap());
        assert_eq!(fs::read_dir(&output).unwrap().count(), 1, "no partial file is left");
    }
    assert!(written.iter().all(|bytes| *bytes == written[0]));
    let npy = NpyFile::new(&written[0][..]).unwrap();
    assert_eq!(npy.shape(), [1, 1001]);
    let scores: Vec<u8> = npy.into_vec().unwrap();
    assert!(scores.iter().any(|score| *score != scores[0]));
}

#[test]
fn run_can_write_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("x.npy");
    write_image(&input, &[1, 224, 224, 3]);
    let output = folder.path().join("nodes");
    let files = ["--input", text(&input), "--output", text(&output), "--every-node"];
    let listed = stdout(&pocketvision(&[&["run", MODEL], &files[..]].concat()).output().unwrap());
    let layers = rows(&json(&["inspect", MODEL]), "layers").len();
    assert_eq!(listed.lines().count(), layers);
    assert_eq!(fs::read_dir(&output).unwrap().count(), layers);
    assert!(listed.lines().all(|file| Path::new(file).is_file()));
    // The first node is the input itself, row for row.
    let first = fs::read(listed.lines().next().unwrap()).unwrap();
    assert_eq!(first[first.len() - 100..], fs::read(&input).unwrap()[first.len() - 100..]);
}

#[test]
fn bench_reports_latency_with_units() {
    let report = json(&["bench", "--model", MODEL, "--runs", "3", "--threads", "1"]);
    for field in ["median_ms", "min_ms", "p95_ms", "compile_ms", "images_per_second", "macs"] {
        assert!(report[field].as_f64().unwrap() > 0.0, "{field}: {report}");
    }
    assert_eq!((&report["runs"], &report["clock"]), (&3.into(), &"measured".into()));

    let simulated = json(&["bench", "--model", MODEL, "--backend", "edgetpu-sim"]);
    assert_eq!((&simulated["runs"], &simulated["clock"]), (&1.into(), &"simulated".into()));
    assert!(simulated["energy_mj"].as_f64().unwrap() > 0.0);

    let pair = json(&["bench", "--model", MODEL, "--runs", "1", "--batch", "2"]);
    assert_eq!(pair["macs"].as_u64().unwrap(), 2 * report["macs"].as_u64().unwrap());
}

#[test]
fn profile_rows_sum_to_the_total() {
    for backend in ["cpu", "edgetpu-sim", "reference"] {
        let report = json(&["profile", "--model", MODEL, "--backend", backend]);
        let layers = rows(&report, "layers");
        assert_eq!(layers.last().unwrap()["name"], "(other)");
        let sum: f64 = layers.iter().map(|row| row["latency_ms"].as_f64().unwrap()).sum();
        let total = report["latency_ms"].as_f64().unwrap();
        assert!((sum - total).abs() <= 1e-9 * total, "{backend}: {sum} of {total}");
    }
}

#[test]
fn inspect_adds_up() {
    let report = json(&["inspect", MODEL]);
    let sum = |field: &str| -> u64 {
        rows(&report, "layers").iter().map(|layer| layer[field].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("macs"), report["macs"].as_u64().unwrap());
    assert_eq!(sum("parameters"), report["parameters"].as_u64().unwrap());
    assert_eq!(rows(&report, "inputs")[0]["shape"], serde_json::json!([1, 224, 224, 3]));
    let cpu = &rows(&report, "backends")[0];
    assert_eq!(cpu["supported_layers"].as_u64().unwrap(), rows(&report, "layers").len() as u64);
}

#[test]
fn models_and_devices_are_listed() {
    for arguments in [&["models"][..], &["models", "list"]] {
        let report = json(arguments);
        assert!(rows(&report, "models").iter().any(|model| model["name"] == MODEL));
        let large = rows(&report, "models")
            .iter()
            .find(|model| model["name"] == "mobilenet-v3-large")
            .expect("mobilenet-v3-large");
        // The paper's table 3 and TensorFlow-slim's README.
        assert_eq!(large["published_macs"], 217_000_000);
        assert_eq!(large["published_top1"], 75.2);
        assert_eq!(large["macs"].as_f64().map(|macs| (macs / 1e6).round()), Some(217.0));
        assert_eq!(large["parameters"].as_f64().map(|p| (p / 1e5).round()), Some(55.0));
    }
    let devices = json(&["devices"]);
    let names: Vec<&str> =
        rows(&devices, "backends").iter().filter_map(|row| row["backend"].as_str()).collect();
    assert_eq!(names, ["cpu", "gpu", "edgetpu-sim", "reference"]);
}

#[test]
fn every_command_says_what_it_does_with_examples() {
    for command in [
        "compare", "classify", "run", "evaluate", "bench", "profile", "inspect", "devices",
        "models",
    ] {
        let help = stdout(&pocketvision(&[command, "--help"]).output().unwrap());
        let example = format!("pocketvision {command}");
        let (_, examples) = help.split_once("Examples:").expect(command);
        assert!(examples.contains(&example), "{help}");
    }
}

#[test]
fn channels_may_come_first_and_sizes_may_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (height, width, channels) = (64u64, 64u64, 3u64);
    let value = |y: u64, x: u64, c: u64| ((y * 31 + x * 17 + c * 101) % 256) as f32 / 128.0 - 1.0;
    let write = |name: &str, shape: &[u64], values: Vec<f32>| {
        let path = folder.path().join(name);
        let options = npyz::WriteOptions::new().default_dtype().shape(shape);
        let mut npy = options.writer(File::create(&path).unwrap()).begin_nd().unwrap();
        npy.extend(values).unwrap();
        npy.finish().unwrap();
        path
    };
    let mut last = vec![];
    let mut first = vec![];
    for (y, x, c) in (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| (y, x, c))))
    {
        last.push(value(y, x, c));
    }
    for (c, y, x) in (0..channels)
        .flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x))))
    {
        first.push(value(y, x, c));
    }
    let last = write("last.npy", &[1, height, width, channels], last);
    let first = write("first.npy", &[channels, height, width], first);
    let [a, b] = [last, first].map(|input| {
        let output = folder.path().join(input.file_stem().unwrap());
        let [input, output] = [&input, &output].map(|path| path.to_str().unwrap());
        let model = ["run", "mobilenet-v3-small", "--precision", "f32", "--size", "64"];
        let options = ["--width", "0.5", "--classes", "9", "--input", input, "--output", output];
        let report = json(&[&model[..], &options].concat());
        fs::read(rows(&report, "outputs")[0]["file"].as_str().unwrap()).unwrap()
    });
    assert_eq!(a, b);
}
