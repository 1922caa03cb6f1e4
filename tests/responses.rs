//! Which bytes belong to which response: however responses follow each other in a pipe, and wherever one is cut off,
//! each record says what is true of its own response and nothing else.

mod common;

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};
use tokensense::{EndedBy, Meter, Record};

use common::{captures, corpus, sorted};

/// How much is tried: a little by default, much where the environment says `FULL=1`.
fn times(few: usize, many: usize) -> usize {
    match std::env::var("FULL").as_deref() {
        Ok("1") => many,
        _ => few,
    }
}

type Columns = Map<String, Value>;

/// The records of a stream, by columns.
fn records(mut meter: Meter, bytes: &[u8]) -> Vec<Columns> {
    meter.feed(bytes);
    meter.finish(EndedBy::Upstream);
    let readings = std::iter::from_fn(|| meter.next_reading());
    let columns = readings.map(|reading| {
        let json = Record::new(&reading).to_json();
        serde_json::from_str(&json).expect("a record is an object")
    });
    columns.collect()
}

fn load(paths: Vec<PathBuf>) -> Vec<(String, Vec<u8>)> {
    let load = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a capture");
        (path.display().to_string(), bytes)
    };
    paths.into_iter().map(load).collect()
}

fn recordings() -> Vec<(String, Vec<u8>)> {
    let folder = corpus();
    let is_response = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && !name.starts_with("manifest") && !name.starts_with("README")
    };
    load(sorted(&folder).into_iter().filter(is_response).collect())
}

/// What a record tells of how the stream ended and came by, not of the response.
const OF_THE_END: &[&str] = &[
    "bytes",
    "cost_basis",
    "duration_ms",
    "ended_by",
    "error_message",
    "error_type",
    "estimated",
    "estimator",
    "events",
    "events_skipped",
    "lower_bound",
    "notes",
    "partial",
    "reasoning_bytes",
    "record_id",
    "started",
    "status",
    "text_bytes",
    "time",
    "usage",
];

/// Streams that correct themselves: what Anthropic's `message_start` says of the model and the input is all there is
/// to be known until a `message_delta` names another model or counts what the server's tools read.
const CORRECTED: &[(&str, &[&str])] = &[
    (
        "anthropic.messages/fallback.sse",
        &["input_tokens", "model"],
    ),
    ("anthropic.messages/compaction.sse", &["input_tokens"]),
    (
        "anthropic.messages/web_search_grows_input.sse",
        &["input_tokens"],
    ),
];

/// Whether a value tells nothing.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// What is wrong with the records of a stream that was cut off, where those of the whole one are known.
fn faults(whole: &[Columns], cut: &[Columns]) -> Vec<String> {
    if cut.len() > whole.len() {
        return vec![format!("{} records for {}", cut.len(), whole.len())];
    }
    let mut faults = Vec::new();
    for (cut, whole) in cut.iter().zip(whole) {
        let estimated = &cut["estimated"];
        let is_estimated = |column: &str| {
            let listed = estimated.as_array().into_iter().flatten();
            listed.into_iter().any(|name| name == column)
        };
        for (column, value) in cut {
            let free = OF_THE_END.contains(&column.as_str()) || column.starts_with("cost");
            if free || is_nothing(value) || is_estimated(column) {
                continue;
            }
            if whole.get(column) != Some(value) {
                let want = whole.get(column).unwrap_or(&Value::Null);
                faults.push(format!("{column} is {value}, of the whole {want}"));
            }
        }
    }
    faults
}

fn cut_anywhere(streams: &[(String, Vec<u8>)], offsets: usize) {
    let mut wrong = Vec::new();
    for (name, bytes) in streams {
        let whole = records(Meter::new(), bytes);
        let step = (bytes.len() / offsets).max(1);
        let mut seen = Vec::new();
        for cut in (1..bytes.len()).step_by(step) {
            let cut_off = records(Meter::new(), &bytes[..cut]);
            for fault in faults(&whole, &cut_off) {
                let column = fault.split(' ').next().unwrap_or_default();
                let mut corrected = CORRECTED.iter();
                if corrected.any(|(of, columns)| name.ends_with(of) && columns.contains(&column)) {
                    continue;
                }
                if !seen.contains(&fault) {
                    wrong.push(format!("{name} cut at {cut}: {fault}"));
                    seen.push(fault);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Wherever a capture is cut off, each value is that of the whole, or said to be estimated, or absent.
#[test]
fn a_cut_makes_nothing_up() {
    cut_anywhere(&load(captures()), times(60, 100_000));
}

#[test]
#[ignore = "needs the corpus"]
fn a_cut_makes_nothing_up_of_recordings() {
    cut_anywhere(&recordings(), times(40, 1000));
}
