//! A program that uses this library: its own JSON is what it would be without, and the examples run.

mod common;
mod server;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokensense::{EndedBy, Record, Recorder};

use server::Server;

/// What breaks as soon as a crate anywhere switches on serde_json's `arbitrary_precision`.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: f64 },
    Square { side: f64, name: Option<String> },
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Size {
    Number(f64),
    Word(String),
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Outer {
    #[serde(flatten)]
    inner: Inner,
    size: Size,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Inner {
    ratio: f64,
}

/// The record of a capture, as a program gets it.
fn record() -> Record {
    let mut records = Vec::new();
    let mut recorder = Recorder::new(|record| records.push(record));
    recorder.feed(&fs::read("testdata/openai.chat/usage.sse").expect("a capture"));
    recorder.finish(EndedBy::Upstream);
    drop(recorder);
    records.pop().expect("a record")
}

#[test]
fn json_of_the_host_is_its_own() {
    let circle = json!({"kind": "circle", "radius": 1.5});
    let read: Shape = serde_json::from_value(circle.clone()).expect("a tagged number");
    assert_eq!(read, Shape::Circle { radius: 1.5 });
    let read: Shape = serde_json::from_str(&circle.to_string()).expect("a tagged number");
    assert_eq!(serde_json::to_value(read).expect("JSON"), circle);
    let outer: Outer = serde_json::from_str(r#"{"size":2.5,"ratio":0.1}"#).expect("a flat number");
    assert_eq!(outer.size, Size::Number(2.5));
    assert_eq!(outer.inner.ratio, 0.1);
    // A map is sorted, as it is without preserve_order; a number is its value, not its text.
    let value: Value = serde_json::from_str(r#"{"b":1.50,"a":1}"#).expect("JSON");
    assert_eq!(value.to_string(), r#"{"a":1,"b":1.5}"#);
}

#[test]
fn a_record_is_read_back() {
    let record = record();
    let json = record.to_json();
    assert_eq!(serde_json::to_string(&record).expect("JSON"), json);
    assert_eq!(
        serde_json::from_str::<Record>(&json).expect("a record"),
        record
    );
    let value = serde_json::to_value(&record).expect("JSON");
    let back: Record = serde_json::from_value(value).expect("a record");
    assert_eq!(back.total_tokens, record.total_tokens);
    assert_eq!(back.status, record.status);
    // One that a later version wrote has more columns.
    let later = json.replacen('{', r#"{"a_later_column":[1],"#, 1);
    assert_eq!(
        serde_json::from_str::<Record>(&later).expect("a record"),
        record
    );
    let error = serde_json::from_str::<Record>(r#"{"input_tokens":"many"}"#);
    assert!(error.is_err_and(|error| error.to_string().contains("input_tokens")));
}

/// Both examples against a server: what they print of the answer, and the record of it.
#[test]
fn examples() {
    let stream = fs::read("testdata/openai.chat/usage.sse").expect("a capture");
    let events = stream
        .split(|b| *b == b'\n')
        .filter(|line| line.starts_with(b"data: "));
    let data: Vec<_> = events
        .map(|line| String::from_utf8_lossy(&line[6..]).into_owned())
        .collect();
    let sent = stream.clone();
    let server = Server::new(move |_, connection| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            sent.len()
        );
        connection.write_all(head.as_bytes()).expect("a client");
        connection.write_all(&sent).expect("a client");
    });
    for (example, want) in [
        ("blocking", String::from_utf8(stream.clone()).expect("text")),
        ("reqwest", data.join("\n") + "\n"),
    ] {
        let output = common::isolated(example_path(example).to_str().expect("a path"))
            .args([
                &server.url("/v1/chat/completions"),
                r#"{"model":"gpt-4o-mini"}"#,
            ])
            .output()
            .expect("the example");
        assert!(output.status.success(), "{example}: {output:?}");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed.trim_end(), want.trim_end(), "{example}");
        let told: Record = serde_json::from_slice(&output.stderr).expect("a record");
        let record = record();
        assert_eq!(told.output_tokens, record.output_tokens, "{example}");
        assert_eq!(told.cost_usd, record.cost_usd, "{example}");
        assert_eq!(told.status, record.status, "{example}");
    }
}

/// Where cargo has put an example, beside the tests.
fn example_path(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let folder = own
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a folder");
    let path = folder.join("examples").join(name);
    if !path.exists() {
        // A test that is run alone has not built them.
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--offline", "--example", name])
            .status();
        assert!(
            cargo.is_ok_and(|status| status.success()),
            "{name} cannot be built"
        );
    }
    path
}
