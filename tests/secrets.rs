//! Prompts, answers, headers and keys never reach a record, a message or the progress line.

mod common;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use common::bounded::{end, feed};
use common::{BINARY, captures, isolated, scratch, tokensense};

/// What stands where only the user may read it.
const MARK: &str = "Zq7Mark";
/// Keys of many makes, each as it may stand in an error message.
const KEYS: &[&str] = &[
    "sk-proj-Zq7MarkZq7MarkZq7MarkZq7Mark",
    "sk-ant-api03-Zq7MarkZq7MarkZq7Mark",
    "AIzaSyZq7MarkZq7MarkZq7Mark",
    "gsk_Zq7MarkZq7Mark",
    "xai-Zq7MarkZq7Mark",
    "hf_Zq7MarkZq7Mark",
    "AKIAZq7MarkZq7Mark",
    "9aZq7Mark4f6bZq7Mark1c2d3e",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJacTdNYXJrIn0Zq7Mark1.dBjftJeZ4CVPZq7MarkmB92K27uhbUJU1p1r",
];

/// All that a tap says beside the stream: by stderr, and by records in a file of this format.
fn said(test: &str, format: &str, options: &[&str], input: &[u8]) -> String {
    let file = scratch(&format!("secrets-{test}")).join(format!("records.{format}"));
    let mut command = tokensense();
    command.args(["tap", "--format", format, "-o"]).arg(&file);
    let run = feed(command.args(options), input);
    run.stderr + &fs::read_to_string(&file).expect("a file")
}

fn assert_clean(said: &str, what: &str) {
    // The words of the mark, not the text around it: a failing test tells nothing either.
    assert!(
        !said.contains(MARK),
        "{what}: a mark came through, {} bytes in all",
        said.len()
    );
    assert!(
        !said.contains("Zq7") && !said.contains("7Mark"),
        "{what}: part of a mark came through"
    );
}

/// Where generated text stands.
const TEXTS: &[&str] = &[
    "arguments",
    "completion",
    "content",
    "delta",
    "generated_text",
    "generation",
    "outputText",
    "partial_json",
    "reasoning_content",
    "response",
    "text",
    "thinking",
    "token",
];

/// Every generated text of every capture marked; some cut in the middle.
#[test]
fn answers() {
    let captures = captures().into_iter().map(fs::read_to_string);
    let mut marked = 0;
    for (at, capture) in captures.flatten().enumerate() {
        let mut text = capture.clone();
        for key in TEXTS {
            for gap in ["", " "] {
                let (from, to) = (
                    format!("\"{key}\":{gap}\""),
                    format!("\"{key}\":{gap}\"{MARK} "),
                );
                text = text.replace(&from, &to);
            }
        }
        marked += usize::from(text != capture);
        let (format, len) = match at % 4 {
            0 => ("csv", text.len() * 2 / 3),
            _ => ("json", text.len()),
        };
        let said = said("answers", format, &[], &text.as_bytes()[..len]);
        assert_clean(&said, &format!("capture {at} in {format}"));
    }
    assert!(marked > 80, "{marked} captures have text");
}

/// A marked prompt is counted, with a key in the headers, and neither is told.
#[test]
fn prompts_and_headers() {
    let request = scratch("secrets-request").join("request.json");
    let prompt = format!("{MARK} ").repeat(100);
    let body = format!(
        "{{\"model\":\"gpt-4o\",\"stream\":true,\"user\":\"{MARK}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
    );
    fs::write(&request, body).expect("a file");
    let stream = fs::read("testdata/openai.chat/truncated.sse").expect("a capture");
    let head = format!("HTTP/1.1 200 OK\r\nset-cookie: {MARK}\r\nx-api-key: {MARK}\r\n\r\n");
    let input = [head.as_bytes(), &stream].concat();
    let request = request.to_str().expect("UTF-8");
    for format in ["json", "csv", "line"] {
        let said = said("prompts", format, &["--request", request], &input);
        assert!(said.contains("gpt-4o"), "{format}");
        assert_clean(&said, format);
    }
}

/// Providers repeat a wrong key in their message.
#[test]
fn keys_in_errors() {
    let mut errors = String::new();
    for key in KEYS {
        for around in [
            "Incorrect API key provided: KEY. You can find yours at https://example.com.",
            "api_key=KEY,org=x",
            "Authorization: Bearer KEY",
            "{\\\"key\\\":\\\"KEY\\\"}",
            "https://example.com/v1?key=KEY&alt=sse",
        ] {
            let message = around.replace("KEY", key);
            errors += &format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"auth\"}}}}\n");
        }
    }
    for format in ["json", "csv", "line"] {
        let said = said("errors", format, &[], errors.as_bytes());
        let masked = said.lines().filter(|line| line.contains("***"));
        assert_eq!(masked.count(), errors.lines().count(), "{format}");
        assert_clean(&said, format);
    }
}

#[test]
fn progress() {
    let stream = format!(
        "data: {{\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"delta\":{{\"content\":\"{MARK}\"}}}}]}}\n\n"
    );
    let file = scratch("secrets-progress").join("records.json");
    let mut command = tokensense();
    command
        .args(["tap", "--progress", "--progress", "-o"])
        .arg(&file);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(stream.as_bytes()).expect("a reader");
    std::thread::sleep(Duration::from_millis(1500));
    drop(stdin);
    let run = end(child);
    assert!(run.stderr.contains("tokens"), "no progress was shown");
    assert_clean(&run.stderr, "progress");
}

#[test]
fn record_files_are_private() {
    for name in ["records.json", "records.csv"] {
        let file = scratch("secrets-mode").join(name);
        let mut command = isolated("sh");
        command.args(["-c", "umask 0; exec \"$TAP\" tap -o \"$FILE\""]);
        feed(command.env("TAP", BINARY).env("FILE", &file), b"{}");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
