//! A thousand taps that append to one file at once: a thousand whole lines, one header.

mod common;

use std::collections::HashSet;
use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use common::bounded::wait;
use common::{BINARY, isolated, scratch};

const TAPS: usize = 1000;
/// So many run at the same moment.
const ABREAST: usize = 50;

/// Starts them all, each with a label of its own, appending to a file of this name; gives what is in it.
fn crowd(name: &str) -> String {
    let file = scratch(&format!("concurrent-{name}")).join(name);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= TAPS {
                        break;
                    }
                    let mut command = isolated(BINARY);
                    command
                        .args(["tap", "--label", &format!("n={at}"), "-o"])
                        .arg(&file);
                    let capture = "testdata/openai.chat/usage.sse";
                    command.stdin(fs::File::open(capture).expect("a capture"));
                    let mut child = command.stdout(Stdio::null()).spawn().expect("the binary");
                    assert!(wait(&mut child).success());
                }
            });
        }
    });
    fs::read_to_string(file).expect("a file")
}

fn assert_all(labels: impl Iterator<Item = Value>) {
    let numbers: Vec<Value> = labels.map(|labels| labels["n"].clone()).collect();
    assert_eq!(numbers.len(), TAPS);
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), TAPS);
}

#[test]
fn json() {
    let text = crowd("records.json");
    let record = |line| serde_json::from_str::<Value>(line).expect("a whole record");
    assert_all(text.lines().map(|line| record(line)["labels"].clone()));
}

#[test]
fn csv() {
    let text = crowd("records.csv");
    assert_eq!(text.matches("schema,started_at,").count(), 1);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().expect("a header").clone();
    let at = headers
        .iter()
        .position(|name| name == "labels")
        .expect("a column");
    let labels = |row: csv::Result<csv::StringRecord>| {
        serde_json::from_str(&row.expect("a whole row")[at]).expect("JSON")
    };
    assert_all(reader.records().map(labels));
}
