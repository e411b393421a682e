//! The commands of the simulated Edge TPU.

mod command;

use std::fs;

use command::{json, json_of, pocketvision, shared, stdout, text};
use serde_json::Value;

fn rows<'a>(report: &'a Value, field: &str) -> &'a Vec<Value> {
    report[field].as_array().unwrap_or_else(|| panic!("{field} is no list in {report}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// What a command that must fail says.
fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn check_profile(report: &Value, name: &str) {
    for field in ["cycles", "latency_ms", "energy_mj", "instruction_bytes", "first_call_ms"] {
        assert!(number(&report[field]) > 0.0, "{name}: {field}");
    }
    for field in ["cached_parameter_bytes", "streamed_parameter_bytes", "narrow_bytes_per_tile"] {
        assert!(report[field].is_u64(), "{name}: {field}");
    }
    let layers = rows(report, "layers");
    let sum: f64 = layers.iter().map(|layer| number(&layer["latency_ms"])).sum();
    let total = number(&report["latency_ms"]);
    assert!((sum - total).abs() < 1e-6 * total, "{name}: {sum} and {total}");
    let cycles: f64 = layers.iter().filter_map(|layer| layer["cycles"].as_f64()).sum();
    assert_eq!(cycles, number(&report["cycles"]), "{name}");
}

#[test]
fn networks_are_profiled_on_every_chip() {
    for chip in
        ["coral-usb", "coral-pcie", "pixel4", "edgetpu-v1", "edgetpu-v2", "edgetpu-v3", "systolic"]
    {
        let model = ["--model", "mobilenet-v2-0.35"];
        let chip_options = ["--backend", "edgetpu-sim", "--chip", chip];
        let report = json(&[&["profile"][..], &model, &chip_options].concat());
        check_profile(&report, chip);
        assert_eq!((&report["chip"], &report["clock"]), (&chip.into(), &"simulated".into()));
    }
}

#[test]
fn files_of_networks_are_profiled() {
    let Some(shared) = shared() else { return };
    for entry in fs::read_dir(shared.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Float networks are refused, with advice.
        if !name.ends_with(".tflite") || name.contains("float") || name.contains("selfie") {
            continue;
        }
        let file = text(&path);
        let report = json_of(
            pocketvision(&["profile", "--backend", "edgetpu-sim", "--model", file]).arg("--json"),
        );
        check_profile(&report, &name);
    }
}

#[test]
fn a_timeline_and_a_roofline_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (trace, roof) = (folder.path().join("t.json"), folder.path().join("r.svg"));
    let files = ["--trace", text(&trace), "--roofline", text(&roof), "--fps", "30"];
    let report = json(
        &[&["profile", "--backend", "edgetpu-sim", "--model", "mobilenet-edgetpu-0.5"], &files[..]]
            .concat(),
    );
    assert!(number(&report["average_power_w"]) > 0.0);
    let trace: Value = serde_json::from_str(&fs::read_to_string(&trace).unwrap()).unwrap();
    let events = rows(&trace, "traceEvents");
    let names: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert!(names.contains(&"host") && names.contains(&"tile 3,3"), "{names:?}");
    let end = events
        .iter()
        .filter(|event| event["ph"] == "X")
        .map(|event| number(&event["ts"]) + number(&event["dur"]))
        .fold(0.0, f64::max);
    assert!((end / 1e3 - number(&report["latency_ms"])).abs() < 1e-3, "{end}");
    assert!(fs::read_to_string(&roof).unwrap().starts_with("<svg"));
    // Other backends have a timeline too.
    let measured = folder.path().join("cpu.json");
    let model = ["--model", "mobilenet-edgetpu-0.5", "--size", "32"];
    json(&[&["profile", "--trace", text(&measured)], &model[..]].concat());
    assert!(fs::read_to_string(&measured).unwrap().contains("traceEvents"));
}

#[test]
fn the_compiler_says_what_it_does_with_each_operator() {
    let log = |model: &str| {
        let arguments = ["profile", "--backend", "edgetpu-sim", "--compiler-log", "--model", model];
        stdout(&pocketvision(&arguments).output().unwrap())
    };
    let whole = log("mobilenet-v2-1.0");
    assert!(whole.contains("Number of Edge TPU subgraphs: 1"), "{whole}");
    assert!(
        whole.contains("DEPTHWISE_CONV_2D              17         Mapped to Edge TPU"),
        "{whole}"
    );
    let cut = log("mobilenet-v3-small");
    assert!(cut.contains("hard-swish does not map"), "{cut}");
    assert!(cut.contains("More than one subgraph is not supported"), "{cut}");
}

#[test]
fn sweeps_combine_all_values_and_write_tables_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, svg) = (folder.path().join("s.csv"), folder.path().join("s.svg"));
    let vary =
        ["--vary", "clock=250,500", "--vary", "tiles=2,4", "--vary", "energy.mac_pj=0.1,0.2"];
    let files = ["--csv", text(&csv), "--svg", text(&svg)];
    let report = json(&[&["sweep", "--models", "mobilenet-v2-0.35"][..], &vary, &files].concat());
    let points = rows(&report, "points");
    assert_eq!(points.len(), 8);
    let latency = |values: [f64; 3]| {
        let point = points.iter().find(|point| point["values"] == serde_json::json!(values));
        number(&point.expect("a point for each combination")["latency_ms"])
    };
    assert!(latency([250.0, 4.0, 0.1]) > latency([500.0, 4.0, 0.1]));
    assert!(latency([500.0, 2.0, 0.1]) > latency([500.0, 4.0, 0.1]));
    assert_eq!(latency([500.0, 4.0, 0.1]), latency([500.0, 4.0, 0.2]));
    assert!(points.iter().any(|point| point["pareto"] == true));
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), 9);
    assert!(fs::read_to_string(&svg).unwrap().contains("mobilenet-v2-0.35"));
}

/// A file that the command writes to by itself is not replaced, by whatever name it is called: what
/// it holds stays, and what follows comes.
#[cfg(unix)]
#[test]
fn a_table_on_standard_output_leaves_what_is_there() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let [path, to_file, to_output] =
        ["all.txt", "to file", "to output"].map(|name| folder.path().join(name));
    symlink(&path, &to_file).unwrap();
    symlink("/dev/stdout", &to_output).unwrap();
    let sweep = |csv: &str, to_error: bool| {
        fs::write(&path, "earlier\n").unwrap();
        let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        let mut sweep =
            pocketvision(&["sweep", "--models", "mobilenet-v2-0.35", "--vary", "clock=250"]);
        sweep.args(["--csv", csv]);
        if to_error {
            sweep.stderr(file)
        } else {
            sweep.stdout(file)
        };
        assert!(sweep.output().unwrap().status.success(), "{csv}");
        let text = fs::read_to_string(&path).unwrap();
        let table = text.strip_prefix("earlier\n").expect("what was there").to_owned();
        let (header, rest) = table.split_once("\n").expect("a line");
        assert!(header.contains(','), "{csv}: {table}");
        rest.to_owned()
    };
    let names = ["/dev/stdout", "/dev/fd/1", text(&path), text(&to_file), text(&to_output)];
    for csv in names {
        let report = sweep(csv, false);
        assert!(report.contains("mobilenet-v2-0.35"), "{csv}: {report}");
        assert!(report.lines().count() > 2, "{csv}: {report}");
    }
    for csv in ["/dev/stderr", "/dev/fd/2", text(&path)] {
        assert_eq!(sweep(csv, true).lines().count(), 1, "{csv}");
    }
    assert!(to_file.is_symlink() && to_output.is_symlink());
    #[cfg(target_os = "linux")]
    for (csv, to_error) in [("/proc/self/fd/1", false), ("/proc/self/fd/2", true)] {
        assert!(sweep(csv, to_error).contains("mobilenet-v2-0.35"), "{csv}");
    }
}

#[test]
fn bad_chips_and_sweeps_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chip.toml");
    let profile = |chip: &str| {
        fs::write(&file, format!("extends = 'coral-usb'\nname = 'x'\ndescription = ''\n{chip}"))
            .unwrap();
        failure(&["profile", "--backend", "edgetpu-sim", "--chip", text(&file)])
    };
    for (chip, expected) in [
        ("[array]\ntile_rows = 0", "array.tile_rows = 0 is out of range"),
        ("[energy]\nmac_pj = -1", "energy.mac_pj = -1 is out of range"),
        ("[energy]\nmac = 1", "energy.mac is not a field of a chip; did you mean energy.mac_pj?"),
        ("[memory]\nnarrow_bytes_per_tile = 64", "needs"),
    ] {
        let message = profile(chip);
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
    for (arguments, expected) in [
        (&["sweep", "--vary", "clok=1,2"][..], "clok is not a field of a chip"),
        (&["sweep", "--vary", "tiles=0"], "array.tile_rows = 0 is out of range"),
        (&["sweep", "--svg", "no/such/folder/a.svg"], "no/such/folder/a.svg: cannot be written"),
        (&["profile", "--fps", "30"], "--fps is for --backend edgetpu-sim"),
        (
            &["profile", "--backend", "edgetpu-sim", "--temperature", "120"],
            "temperature = 120 is out of range",
        ),
    ] {
        let message = failure(arguments);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn published_figures_stand_beside_predicted_ones() {
    let report = json(&["validate"]);
    assert!(rows(&report, "rows").len() > 150);
    for row in rows(&report, "rows").iter().filter(|row| row["predicted"].is_number()) {
        let error = number(&row["predicted"]) / number(&row["published"]) - 1.0;
        assert!((number(&row["error_percent"]) - error * 100.0).abs() < 1e-6, "{row}");
    }
    let markdown = stdout(&pocketvision(&["validate", "--markdown"]).output().unwrap());
    assert!(markdown.contains("| compiler's cycles |"), "{markdown}");
}

#[test]
fn every_claim_has_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let report = json(&["claims", "--runs", "1", "--documentation", text(folder.path())]);
    let claims = rows(&report, "claims");
    let numbers: Vec<u64> = claims.iter().filter_map(|claim| claim["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=26).collect::<Vec<u64>>());
    let verdicts = ["holds", "holds_partly", "does_not_hold_in_our_model", "cannot_be_decided"];
    for claim in claims {
        assert!(verdicts.contains(&claim["verdict"].as_str().unwrap()), "{claim}");
        assert!(!claim["evidence"].as_str().unwrap().is_empty());
    }
    let page = fs::read_to_string(folder.path().join("claims.md")).unwrap();
    for picture in page.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
        if picture.0.ends_with(".svg") {
            let svg = fs::read_to_string(folder.path().join(picture.0)).unwrap();
            assert!(svg.starts_with("<svg"), "{}", picture.0);
        }
    }
}
