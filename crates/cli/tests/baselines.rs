//! `bench --save` and `--against`, and `compare --models`: what is kept, compared and refused.

mod command;

use std::fs;
use std::path::Path;

use command::{json, pocketvision, stdout, text};
use serde_json::Value;

/// A simulated time is the same in every run, so that a test knows what comes out.
const SIMULATED: [&str; 5] = ["bench", "--model", "mobilenet-v1-0.25", "--backend", "edgetpu-sim"];
const TIMED: [&str; 9] =
    ["bench", "--model", "mobilenet-v1-0.25", "--size", "64", "--threads", "1", "--runs", "5"];

fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn in_folder<'a>(folder: &'a Path, command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, &["--baselines", text(folder)], more].concat()
}

/// Changes a baseline's file.
fn change(file: &Path, by: impl FnOnce(&mut Value)) {
    let mut baseline: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    by(&mut baseline);
    fs::write(file, baseline.to_string()).unwrap();
}

#[test]
fn a_baseline_keeps_every_run_and_what_was_timed() {
    let folder = tempfile::tempdir().unwrap();
    let report = json(&in_folder(folder.path(), &TIMED, &["--save", "main"]));
    let file = folder.path().join("main.json");
    assert_eq!(report["saved_to"], text(&file));
    let baseline: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let times: Vec<f64> =
        baseline["times_ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    assert_eq!(times.len(), 5);
    let mut sorted = times;
    sorted.sort_by(f64::total_cmp);
    assert_eq!(report["median_ms"].as_f64(), Some(sorted[2]));
    for field in ["model", "backend", "device", "system", "version", "saved_at", "macs"] {
        assert!(!baseline[field].is_null(), "{field}: {baseline}");
    }
    let against = &json(&in_folder(folder.path(), &TIMED, &["--against", "main"]))["against"];
    let [low, ratio, high] =
        ["ratio_low", "ratio", "ratio_high"].map(|field| against[field].as_f64().unwrap());
    assert!(0.0 < low && low <= ratio && ratio <= high, "{against}");
}

#[test]
fn a_regression_fails_only_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    json(&in_folder(folder.path(), &SIMULATED, &["--save", "main"]));
    let file = folder.path().join("main.json");
    // As if it had been a tenth faster.
    change(&file, |baseline| {
        let ms = baseline["times_ms"][0].as_f64().unwrap();
        baseline["times_ms"] = vec![ms / 1.1].into();
    });
    let report = json(&in_folder(folder.path(), &SIMULATED, &["--against", "main"]));
    assert_eq!(report["against"]["verdict"], "slower");
    assert!((report["against"]["ratio"].as_f64().unwrap() - 1.1).abs() < 1e-9);
    let with_limit =
        |limit| in_folder(folder.path(), &SIMULATED, &["--against", "main", "--fail-over", limit]);
    json(&with_limit("11"));
    let stderr = failure(&with_limit("9"));
    assert!(stderr.contains("by 10.0 % at the least") && stderr.lines().count() == 1, "{stderr}");
    // The table is there, whether or not the command fails.
    let output = pocketvision(&with_limit("9")).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("+10.0 %"));
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let against = |name| in_folder(folder.path(), &SIMULATED, &["--against", name]);
    assert!(failure(&against("main")).contains("no baseline 'main'"));
    json(&in_folder(folder.path(), &SIMULATED, &["--save", "release-1"]));
    assert!(failure(&against("relase-1")).contains("did you mean 'release-1'?"));

    let other_model = ["bench", "--model", "mobilenet-v1-0.5", "--backend", "edgetpu-sim"];
    let stderr = failure(&in_folder(folder.path(), &other_model, &["--against", "release-1"]));
    assert!(stderr.contains("its model is mobilenet-v1-0.25, and now it is"), "{stderr}");
    let other_chip =
        in_folder(folder.path(), &SIMULATED, &["--chip", "coral-pcie", "--against", "release-1"]);
    assert!(failure(&other_chip).contains("its chip is coral-usb, and now it is coral-pcie"));

    json(&in_folder(folder.path(), &TIMED, &["--save", "timed"]));
    let threads: Vec<&str> = TIMED.map(|word| if word == "1" { "2" } else { word }).into();
    let stderr = failure(&in_folder(folder.path(), &threads, &["--against", "timed"]));
    assert!(stderr.contains("its threads is 1, and now it is 2"), "{stderr}");
    change(&folder.path().join("timed.json"), |baseline| {
        baseline["device"] = "another processor".into();
    });
    let stderr = failure(&in_folder(folder.path(), &TIMED, &["--against", "timed"]));
    assert!(stderr.contains("its device is another processor, and now it is"), "{stderr}");

    fs::write(folder.path().join("timed.json"), "{\"format\": 1, \"name\"").unwrap();
    let stderr = failure(&in_folder(folder.path(), &TIMED, &["--against", "timed"]));
    assert!(stderr.contains("timed.json: is no baseline") && stderr.lines().count() == 1);
    let stderr = failure(&in_folder(folder.path(), &TIMED, &["--against", "../timed"]));
    assert!(stderr.contains("a name of letters"), "{stderr}");
}

#[test]
fn many_models_make_a_matrix_a_plot_and_a_table_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let [svg, png, csv] =
        ["front.svg", "front.png", "front.csv"].map(|name| folder.path().join(name));
    let models = "mobilenet-v1-0.25,mobilenet-v1-0.5,mobilenet-v2-0.35";
    let compare = ["compare", "--models", models, "--backends", "edgetpu-sim"];
    let files = ["--plot", text(&svg), "--csv", text(&csv)];
    let report = json(&[&compare[..], &files].concat());
    let rows = report["models"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["model"].as_str().unwrap()).collect();
    assert_eq!(names.join(","), models);
    // The figures of TensorFlow-slim's READMEs.
    let top1: Vec<f64> = rows.iter().map(|row| row["top1"].as_f64().unwrap()).collect();
    assert_eq!(top1, [49.8, 63.3, 60.3]);
    let latency = |row: &Value| row["backends"][1]["median_ms"].as_f64().unwrap();
    for (row, accuracy) in rows.iter().zip(&top1) {
        assert_eq!(row["backends"][1]["backend"], "edgetpu-sim");
        assert_eq!(row["backends"][1]["agreement"]["identical"], true, "{row}");
        let beaten = rows
            .iter()
            .zip(&top1)
            .any(|(other, better)| latency(other) < latency(row) && better > accuracy);
        assert_eq!(row["pareto"].as_array().unwrap().is_empty(), beaten, "{row}");
    }
    let svg = fs::read_to_string(&svg).unwrap();
    assert!(names.iter().all(|name| svg.contains(name)) && svg.contains("top-1"), "{svg}");
    let lines = fs::read_to_string(&csv).unwrap();
    assert_eq!(lines.lines().count(), 1 + 3 * 2, "a header, and the reference for each model too");

    // Of a network of another size nothing is published, but it can be stated.
    let small = ["compare", "--models", "mobilenet-v1-0.25", "--size", "64"];
    let small = [&small[..], &["--backends", "edgetpu-sim", "--plot", text(&png)]].concat();
    assert!(failure(&small).contains("--top1 mobilenet-v1-0.25=75.0"));
    let stated = [&small[..], &["--top1", "mobilenet-v1-0.25=41.5"]].concat();
    let table = stdout(&pocketvision(&stated).output().unwrap());
    assert!(table.contains("41.5"), "{table}");
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    let unknown = [&small[..], &["--top1", "mobilenet-v9=41.5"]].concat();
    assert!(failure(&unknown).contains("none of the models"));
}
