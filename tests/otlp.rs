//! `--format otlp`: spans that say what records say.

mod common;

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use common::{scratch, tokensense};

const CAPTURES: &[&str] = &[
    "openai.chat/usage.sse",
    "openai.chat/no_usage.sse",
    "openai.chat/error.json",
    "anthropic.messages/stream.sse",
    "gemini/stream.sse",
    "openai.responses/truncated.sse",
    "framing/html.html",
];

/// What tap writes of a capture.
fn tap(capture: &str, args: &[&str]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let stdin = File::open(path.join(capture)).expect("a capture");
    let output = tokensense()
        .args([
            "tap",
            "--emit",
            "none",
            "-o",
            "-",
            "--label",
            "team=\"a b\"",
        ])
        .args(args)
        .stdin(stdin)
        .output()
        .expect("the binary");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), 1, "{capture}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// An attribute's value, whatever its kind.
fn attribute<'v>(span: &'v Value, name: &str) -> Option<&'v Value> {
    let attributes = span["attributes"].as_array().expect("attributes");
    let mut named = attributes.iter().filter(|pair| pair["key"] == name);
    let value = named.next()?["value"].as_object().expect("a value");
    assert!(named.next().is_none() && value.len() == 1, "{name}: {span}");
    value.values().next()
}

#[test]
fn spans_say_what_records_say() {
    let mut ids = HashSet::new();
    for capture in CAPTURES {
        let line = tap(capture, &["--format", "otlp"]);
        let record = tap(capture, &["--format", "json"]);
        let spans = &line["resourceSpans"][0]["scopeSpans"][0]["spans"];
        assert_eq!(spans.as_array().map(Vec::len), Some(1), "{line}");
        let span = &spans[0];
        for (name, len) in [("traceId", 32), ("spanId", 16)] {
            let id = span[name].as_str().expect("an id");
            assert!(
                id.len() == len && id.bytes().all(|b| b.is_ascii_hexdigit()),
                "{id}"
            );
            assert!(ids.insert(id.to_owned()), "twice: {id}");
        }
        let nanos = |name: &str| -> u64 {
            let text = span[name].as_str().expect("a time as text");
            text.parse().expect("a time")
        };
        assert!(
            nanos("startTimeUnixNano") > 1_700_000_000_000_000_000,
            "{span}"
        );
        assert!(
            nanos("endTimeUnixNano") >= nanos("startTimeUnixNano"),
            "{span}"
        );
        for (name, column) in [
            ("gen_ai.response.model", "model"),
            ("gen_ai.response.id", "response_id"),
            ("gen_ai.usage.input_tokens", "input_tokens"),
            ("gen_ai.usage.output_tokens", "output_tokens"),
            ("gen_ai.usage.cache_read.input_tokens", "cache_read_tokens"),
            ("tokensense.status", "status"),
            ("tokensense.cost_usd", "cost_usd"),
            ("tokensense.cost_basis", "cost_basis"),
        ] {
            let said = attribute(span, name);
            // A whole number is a text in OTLP.
            let want = match &record[column] {
                Value::Null => None,
                Value::Number(number) if number.is_u64() && column.ends_with("tokens") => {
                    Some(Value::String(number.to_string()))
                }
                value => Some(value.clone()),
            };
            assert_eq!(said, want.as_ref(), "{capture} {name}: {span}");
        }
        let failed = record["status"] == "error";
        assert_eq!(span["status"]["code"] == 2, failed, "{span}");
        assert_eq!(attribute(span, "error.type").is_some(), failed, "{span}");
        let label = attribute(span, "tokensense.label.team").expect("a label");
        assert_eq!(label, "\"a b\"");
    }
}

/// What is written is read back: the same counts, each from the span alone.
#[test]
fn spans_are_read_back() {
    let path = scratch("otlp").join("spans.jsonl");
    let mut text = String::new();
    let (mut input, mut output) = (0, 0);
    for capture in [
        "openai.chat/usage.sse",
        "gemini/stream.sse",
        "anthropic.messages/stream.sse",
        "openai.chat/error.json",
    ] {
        text += &format!("{}\n", tap(capture, &["--format", "otlp"]));
        let record = tap(capture, &["--format", "json"]);
        input += record["input_tokens"].as_u64().unwrap_or(0);
        output += record["output_tokens"].as_u64().unwrap_or(0);
    }
    fs::write(&path, text).expect("a file");
    let summary = tokensense()
        .args(["summarise", "--format", "json"])
        .arg(&path)
        .output()
        .expect("the binary");
    let summary: Value = serde_json::from_slice(&summary.stdout).expect("JSON");
    assert_eq!(summary["total"]["input_tokens"], input, "{summary}");
    assert_eq!(summary["total"]["output_tokens"], output, "{summary}");
    assert_eq!(summary["total"]["responses"], 4, "{summary}");
    assert_eq!(summary["total"]["failed"], 1, "{summary}");
}

/// It goes into files of JSON lines, and into no table; what it lacks for budgets is said.
#[test]
fn where_spans_go() {
    let folder = scratch("otlp-files");
    for (ending, code) in [("jsonl", 0), ("json", 0), ("csv", 2), ("tsv", 2)] {
        let output = tokensense()
            .args(["tap", "--format", "otlp", "-o"])
            .arg(folder.join(format!("spans.{ending}")))
            .output();
        let output = output.expect("the binary");
        assert_eq!(output.status.code(), Some(code), "{ending}: {output:?}");
    }
    let output = tokensense()
        .args(["tap", "--format", "otlp", "--budget", "5/day", "-o"])
        .arg(folder.join("spans"))
        .output()
        .expect("the binary");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--format otlp cannot be read back"), "{said}");
}

/// Lines are OTLP as its own schema has it: each is an export request that a collector takes.
#[test]
#[ignore = "needs python3"]
fn fits_the_schema() {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("otlp-venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&venv)
            .status();
        assert!(made.expect("python3").success());
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["opentelemetry-proto==1.38.0", "protobuf"])
            .status();
        assert!(installed.expect("pip").success());
    }
    let lines: String = CAPTURES
        .iter()
        .map(|capture| format!("{}\n", tap(capture, &["--format", "otlp"])))
        .collect();
    let file = scratch("otlp-schema").join("spans.jsonl");
    fs::write(&file, lines).expect("room");
    // Ids are hexadecimal in OTLP's JSON, where protobuf's own has base64.
    let script = "import json, sys
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
for line in open(sys.argv[1]):
    request = json.loads(line)
    for spans in request['resourceSpans']:
        for scope in spans['scopeSpans']:
            for span in scope['spans']:
                assert len(bytes.fromhex(span['traceId'])) == 16 and len(bytes.fromhex(span['spanId'])) == 8
                span['traceId'] = span['spanId'] = ''
    message = Parse(json.dumps(request), ExportTraceServiceRequest())
    span = message.resource_spans[0].scope_spans[0].spans[0]
    assert span.name and span.end_time_unix_nano >= span.start_time_unix_nano > 0
    print(len(span.attributes))";
    let output = Command::new(&python)
        .args(["-c", script])
        .arg(&file)
        .output()
        .expect("python");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let counts = String::from_utf8(output.stdout).expect("text");
    assert_eq!(counts.lines().count(), CAPTURES.len());
}
