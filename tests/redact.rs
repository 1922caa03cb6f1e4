//! `tokensense redact`: a capture without its words gives the record that it gave with them.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use common::bounded::{Run, feed};
use common::{captures, tokensense};

/// Columns that tell of this run, or of the capture's length.
const OWN: &[&str] = &[
    "started_at",
    "duration_ms",
    "ttft_ms",
    "tokens_per_second",
    "bytes",
    "estimate_error",
];

fn redact(input: &[u8]) -> Run {
    let mut command = tokensense();
    feed(command.arg("redact"), input)
}

fn records(capture: &[u8]) -> Vec<Map<String, Value>> {
    let mut command = tokensense();
    let run = feed(
        command.args(["tap", "--format", "json", "--emit", "none"]),
        capture,
    );
    let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
    let record = |line| serde_json::from_str(line).expect("a record");
    lines.map(record).collect()
}

/// What differs between the records of a capture and of its copy; estimates may by a tenth, or a token.
fn difference(want: &Map<String, Value>, got: &Map<String, Value>) -> Vec<String> {
    let estimated = want["estimated"].to_string();
    let any = want["estimated"]
        .as_array()
        .is_some_and(|all| !all.is_empty());
    let mut found = Vec::new();
    for (column, value) in want
        .iter()
        .filter(|(column, _)| !OWN.contains(&column.as_str()))
    {
        let other = &got[column];
        let loose = estimated.contains(&format!("\"{column}\"")) || any && column.contains("cost");
        let near = || match (value.as_f64(), other.as_f64()) {
            (Some(one), Some(two)) if column.contains("cost") => (one - two).abs() <= one * 0.25,
            (Some(one), Some(two)) => (one - two).abs() <= (one * 0.1).max(1.0),
            _ => value == other,
        };
        if value != other && !(loose && near()) {
            found.push(format!("{column} is {other}, was {value}"));
        }
    }
    found
}

#[test]
fn the_record_stays() {
    let mut wrong = Vec::new();
    for path in captures() {
        let capture = fs::read(&path).expect("a capture");
        let run = redact(&capture);
        let raw = path.ends_with("framing/curl_raw.sse");
        if raw || capture.starts_with(b"\x1f\x8b") {
            assert_ne!(run.status.code(), Some(0));
            continue;
        }
        assert_eq!(
            run.status.code(),
            Some(0),
            "{}: {}",
            path.display(),
            run.stderr
        );
        assert_eq!(run.stdout.len(), capture.len(), "{}", path.display());
        let (want, got) = (records(&capture), records(&run.stdout));
        if want.len() != got.len() {
            wrong.push(format!(
                "{}: {} records for {}",
                path.display(),
                got.len(),
                want.len()
            ));
        }
        for (want, got) in want.iter().zip(&got) {
            wrong.extend(
                difference(want, got)
                    .into_iter()
                    .map(|it| format!("{}: {it}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The texts in a value: what has words in it and is no error, and all that is given to tools.
fn texts(value: &Value, key: &str, tool: bool, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let error = [
                "message",
                "error",
                "detail",
                "error_msg",
                "Message",
                "status_msg",
                "created_at",
                "code",
                "model",
            ];
            let words = text.contains(' ') && !error.contains(&key);
            let generated = [
                "content",
                "text",
                "arguments",
                "partial_json",
                "thinking",
                "delta",
                "b64_json",
            ];
            if (words || tool || generated.contains(&key)) && text.len() >= 12 {
                into.insert(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, tool, into)),
        Value::Object(members) => {
            for (name, value) in members {
                let tool = tool || ["input", "args"].contains(&name.as_str()) && value.is_object();
                texts(value, name, tool, into);
            }
        }
        _ => {}
    }
}

/// Every JSON value that stands in bytes, on lines or behind `data:`.
fn values(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let whole = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'))
        .into_iter::<Value>();
    found.extend(whole.map_while(Result::ok));
    for line in text.lines() {
        let line = line.strip_prefix("data:").unwrap_or(line).trim();
        found.extend(serde_json::from_str::<Value>(line));
    }
    found
}

#[test]
fn no_text_is_left() {
    let mut wrong = Vec::new();
    for path in captures() {
        let capture = fs::read(&path).expect("a capture");
        let mut all = BTreeSet::new();
        values(&capture)
            .iter()
            .for_each(|value| texts(value, "", false, &mut all));
        let copy = redact(&capture).stdout;
        let mut left = BTreeSet::new();
        values(&copy)
            .iter()
            .for_each(|value| texts(value, "", false, &mut left));
        let left: String = left.into_iter().collect::<Vec<_>>().join("\n");
        for text in all {
            let windows = text.as_bytes().windows(12);
            let mut windows = windows.filter(|window| window.iter().any(u8::is_ascii_alphanumeric));
            let stays =
                windows.find(|window| memchr::memmem::find(left.as_bytes(), window).is_some());
            if let Some(window) = stays {
                wrong.push(format!("{}: {}", path.display(), window.escape_ascii()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Keys, prompts and headers go; what an error says stays.
#[test]
fn secrets() {
    let capture = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nSet-Cookie: sid=Zq7MarkZq7Mark\r\n\
        openai-organization: zq-mark-inc\r\n\r\n\
        {\"error\":{\"message\":\"Incorrect API key provided: sk-proj-Zq7MarkZq7MarkZq7Mark.\",\"type\":\"invalid_request_error\",\
        \"code\":\"invalid_api_key\"},\"metadata\":{\"customer\":\"Zq7Mark 12345678\"}}\n";
    let copy = String::from_utf8(redact(capture.as_bytes()).stdout).expect("text");
    for gone in ["Zq7Mark", "zq-mark", "12345678"] {
        assert!(!copy.contains(gone), "{gone}: {copy}");
    }
    for kept in [
        "401 Unauthorized",
        "application/json",
        "Incorrect API key provided: sk-p",
        "invalid_api_key",
    ] {
        assert!(copy.contains(kept), "{kept}: {copy}");
    }
}

/// Two copies differ: nobody can turn one back.
#[test]
fn chance_has_a_part() {
    let capture = fs::read("testdata/openai.chat/usage.sse").expect("a capture");
    assert_ne!(redact(&capture).stdout, redact(&capture).stdout);
}

/// An event is out as soon as it is in, and a reader that leaves ends it as it ends cat.
#[test]
fn in_a_pipe() {
    let mut child = tokensense()
        .arg("redact")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let (mut input, mut output) = (
        child.stdin.take().expect("a pipe"),
        child.stdout.take().expect("a pipe"),
    );
    let event = b"data: {\"choices\":[{\"delta\":{\"content\":\"Low tide\"}}]}\n\n";
    for _ in 0..3 {
        input.write_all(event).expect("a reader");
        let mut came = vec![0; event.len()];
        std::io::Read::read_exact(&mut output, &mut came).expect("an event");
        assert!(
            came != event && came.starts_with(b"data: {\"choices\":[{\"delta\":{\"content\":\"")
        );
    }
    drop((input, output));
    assert!(child.wait().expect("an end").success());
    let script =
        "yes 'data: {\"content\":\"Low tide\"}' | { \"$TAP\" redact; echo $? >&2; } | head -n 1";
    let output = Command::new("sh")
        .args(["-c", script])
        .env("TAP", env!("CARGO_BIN_EXE_tokensense"))
        .output()
        .expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "141");
    let missing = tokensense()
        .args(["redact", "/nonexistent/a.sse"])
        .output()
        .expect("the binary");
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        !missing.status.success() && said.contains("/nonexistent/a.sse"),
        "{said}"
    );
}
