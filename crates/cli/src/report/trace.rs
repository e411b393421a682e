//! A timeline that Perfetto and chrome://tracing open: the trace-event format.

use std::path::Path;

use anyhow::Result;
use pocketvision::{Clock, Model, Profile};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::output_file;

/// One thing that takes time on one track.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The track, by its place in [`Trace::tracks`].
    pub track: usize,
    pub name: String,
    pub start_ms: f64,
    pub duration_ms: f64,
    /// What is shown when the event is selected.
    pub details: Map<String, Value>,
}

/// A timeline: tracks, and what happens on them.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// The name above all tracks.
    pub process: String,
    /// How times were taken. A viewer shows it among the file's information.
    pub clock: Clock,
    pub tracks: Vec<String>,
    pub events: Vec<Event>,
}

impl Trace {
    /// The rows of a profile, one after another: for backends that run one thing at a time. Time
    /// that is no layer's is at the end, wherever it was.
    pub(crate) fn of_profile(process: &str, model: &Model, profile: &Profile) -> Self {
        let mut now_ms = 0.0;
        let mut events = Vec::with_capacity(profile.layers.len());
        for layer in profile.layers.iter().filter(|layer| layer.latency_ms > 0.0) {
            let op = layer.node.map(|node| model.graph().node(node).op.name());
            let details = [
                ("operator", Value::from(op)),
                ("kernel", layer.kernel.clone().into()),
                ("multiply-accumulates", layer.macs.into()),
                ("bytes", layer.bytes.into()),
            ];
            events.push(Event {
                track: 0,
                name: layer.name.clone(),
                start_ms: now_ms,
                duration_ms: layer.latency_ms,
                details: details.map(|(key, value)| (key.to_owned(), value)).into_iter().collect(),
            });
            now_ms += layer.latency_ms;
        }
        let tracks = vec![profile.backend.to_owned()];
        Self { process: process.to_owned(), clock: profile.clock, tracks, events }
    }

    /// Writes the timeline as a JSON file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        output_file::write(path, &self.to_json()?)
    }

    fn to_json(&self) -> Result<String> {
        let mut events = vec![metadata("process_name", 0, json!({ "name": self.process }))];
        for (track, name) in self.tracks.iter().enumerate() {
            events.push(metadata("thread_name", track, json!({ "name": name })));
            events.push(metadata("thread_sort_index", track, json!({ "sort_index": track })));
        }
        for event in &self.events {
            events.push(TraceEvent {
                name: &event.name,
                phase: "X",
                process: 1,
                track: event.track,
                start_us: Some(event.start_ms * 1e3),
                duration_us: Some(event.duration_ms * 1e3),
                details: Value::Object(event.details.clone()),
            });
        }
        let about = json!({
            "clock": self.clock.to_string(),
            "program": concat!("pocketvision ", env!("CARGO_PKG_VERSION")),
        });
        let file = json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events });
        Ok(serde_json::to_string(&file)?)
    }
}

/// An event as the format names its fields; times are microseconds.
#[derive(Serialize)]
struct TraceEvent<'a> {
    name: &'a str,
    #[serde(rename = "ph")]
    phase: &'static str,
    #[serde(rename = "pid")]
    process: u32,
    #[serde(rename = "tid")]
    track: usize,
    #[serde(rename = "ts", skip_serializing_if = "Option::is_none")]
    start_us: Option<f64>,
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    duration_us: Option<f64>,
    #[serde(rename = "args")]
    details: Value,
}

const fn metadata(name: &'static str, track: usize, details: Value) -> TraceEvent<'static> {
    TraceEvent { name, phase: "M", process: 1, track, start_us: None, duration_us: None, details }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_fields_of_the_format() {
        let event = Event {
            track: 0,
            name: "conv".into(),
            start_ms: 0.5,
            duration_ms: 0.25,
            details: Map::from_iter([("macs".to_owned(), 7.into())]),
        };
        let trace = Trace {
            process: "chip".into(),
            clock: Clock::Simulated,
            tracks: vec!["tile".into()],
            events: vec![event],
        };
        let json: Value = serde_json::from_str(&trace.to_json().unwrap()).unwrap();
        assert_eq!(json["otherData"]["clock"], "simulated");
        let events = json["traceEvents"].as_array().unwrap();
        assert_eq!((events.len(), &events[1]["args"]["name"]), (4, &json!("tile")));
        let expected = json!({
            "name": "conv", "ph": "X", "pid": 1, "tid": 0, "ts": 500.0, "dur": 250.0,
            "args": { "macs": 7 },
        });
        assert_eq!(events[3], expected);
    }
}
