//! The timeline of every backend, by the rules of the trace-event format that Perfetto and
//! chrome://tracing read ("Trace Event Format", Google, sections "JSON Object Format",
//! "Complete Events" and "Metadata Events").

mod command;

use std::collections::BTreeMap;
use std::fs;

use command::{SMALL, json, text, there_is_a_gpu};
use serde_json::Value;

/// One event that takes time.
struct Slice {
    name: String,
    track: (u64, u64),
    start_us: f64,
    duration_us: f64,
}

/// The slices of a file that is as the format says.
fn slices(file: &Value) -> Vec<Slice> {
    assert!(["ms", "ns"].contains(&file["displayTimeUnit"].as_str().unwrap()));
    let mut slices = Vec::new();
    let mut named = Vec::new();
    for event in file["traceEvents"].as_array().unwrap() {
        let name = event["name"].as_str().unwrap().to_owned();
        let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        assert!(event["args"].is_object(), "{event}");
        match event["ph"].as_str().unwrap() {
            "M" => match name.as_str() {
                "process_name" => assert!(event["args"]["name"].is_string(), "{event}"),
                "thread_name" => {
                    assert!(event["args"]["name"].is_string(), "{event}");
                    named.push(track);
                }
                "thread_sort_index" => assert!(event["args"]["sort_index"].is_u64(), "{event}"),
                other => panic!("'{other}' is no name of metadata that viewers know"),
            },
            "X" => {
                let [start_us, duration_us] = ["ts", "dur"].map(|key| event[key].as_f64().unwrap());
                assert!(start_us >= 0.0 && duration_us > 0.0, "{event}");
                slices.push(Slice { name, track, start_us, duration_us });
            }
            other => panic!("no event of phase '{other}' is written"),
        }
    }
    assert!(slices.iter().all(|slice| named.contains(&slice.track)), "every track has a name");
    slices
}

/// What a viewer cannot draw: slices of one track that overlap without one holding the other.
fn assert_drawable(slices: &[Slice]) {
    let mut tracks: BTreeMap<(u64, u64), Vec<&Slice>> = BTreeMap::new();
    slices.iter().for_each(|slice| tracks.entry(slice.track).or_default().push(slice));
    for track in tracks.values_mut() {
        track.sort_by(|a, b| a.start_us.total_cmp(&b.start_us));
        for pair in track.windows(2) {
            let end_us = pair[0].start_us + pair[0].duration_us;
            // A thousandth of a nanosecond of rounding.
            let (first, second) = (&pair[0].name, &pair[1].name);
            assert!(end_us <= pair[1].start_us + 1e-6 * end_us, "{first} overlaps {second}");
        }
    }
}

#[test]
fn every_backend_writes_a_timeline_that_viewers_open() {
    let folder = tempfile::tempdir().unwrap();
    for backend in ["cpu", "gpu", "reference", "edgetpu-sim"] {
        if backend == "gpu" && !there_is_a_gpu() {
            continue;
        }
        let file = folder.path().join(format!("{backend}.json"));
        let options = ["profile", "--backend", backend, "--trace", text(&file)];
        let report = json(&[&options[..], &SMALL].concat());
        let trace: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(trace["otherData"]["clock"], report["clock"], "{backend}");
        let slices = slices(&trace);
        assert_drawable(&slices);

        let layers = report["layers"].as_array().unwrap();
        let timed = layers.iter().filter(|layer| layer["latency_ms"].as_f64().unwrap() > 0.0);
        let total_us = report["latency_ms"].as_f64().unwrap() * 1e3;
        let ends = slices.iter().map(|slice| slice.start_us + slice.duration_us);
        let end_us = ends.fold(0.0, f64::max);
        if backend == "edgetpu-sim" {
            // Parts that run at once are on tracks of their own: the last ends with the call.
            assert!((end_us - total_us).abs() <= 0.02 * total_us, "{end_us} of {total_us}");
            assert!(slices.iter().any(|slice| slice.name == "outputs"));
        } else {
            let names: Vec<&str> = slices.iter().map(|slice| slice.name.as_str()).collect();
            let expected: Vec<&str> = timed.map(|layer| layer["name"].as_str().unwrap()).collect();
            assert_eq!(names, expected, "{backend}");
            assert!((end_us - total_us).abs() <= 1e-6 * total_us, "{backend}: {end_us}");
        }
    }
}
