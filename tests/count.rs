//! `tokensense count`, from outside: tokens of text as `wc` counts words.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn count(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokensense"))
        .arg("count")
        .args(args)
        .env_remove("TOKENSENSE_PRICES")
        .env("HOME", "/nowhere")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the file can be written");
    path
}

/// Counts that the publishers' own tools give.
#[test]
fn standard_input() {
    for (model, want) in [
        ("gpt-4o", "4"),
        ("gpt-4-0613", "4"),
        ("claude-sonnet-4-5", "4"),
        ("deepseek-chat", "4"),
    ] {
        let got = text(&count(
            &["--model", model, "--format", "json"],
            b"Hello, world!",
        ));
        assert!(
            got.contains(&format!("\"tokens\":{want},")),
            "{model}: {got}"
        );
        assert!(got.contains(" exact\""), "{model}: {got}");
    }
    assert_eq!(text(&count(&[], b"")), "0\n");
}

/// Files are named, several have a total, and each its price.
#[test]
fn files() {
    let one = file("count-one.txt", "Hello, world!");
    let other = file("count-other.txt", "Hello");
    let (one, other) = (one.display().to_string(), other.display().to_string());
    let got = text(&count(&["--model", "gpt-4o", &one, &other], b""));
    let lines: Vec<Vec<&str>> = got
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let want = [
        ["4", "$0.00001", &one],
        ["1", "$0.0000025", &other],
        ["5", "$0.0000125", "total"],
    ];
    assert_eq!(lines, want, "{got}");
}

/// A text in the midst of a character, or with none, is counted all the same.
#[test]
fn not_utf8() {
    let got = text(&count(&["--model", "gpt-4o"], b"Hello \xff world\xe4\xbd"));
    let tokens = got
        .split_whitespace()
        .next()
        .and_then(|word| word.parse::<u64>().ok());
    assert!(tokens.is_some_and(|tokens| tokens >= 4), "{got}");
}

/// A request is counted for the model that it names: four tokens for each message and three more.
#[test]
fn requests() {
    let body = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello, world!"}]}"#;
    let got = text(&count(&["--request"], body));
    assert_eq!(got.split_whitespace().next(), Some("11"), "{got}");
    let output = count(&["--request"], b"Hello");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--request"));
}

/// What cannot be read is named, and the rest counted.
#[test]
fn missing() {
    let one = file("count-here.txt", "Hello");
    let output = count(&["/nowhere/at-all.txt", &one.display().to_string()], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/at-all.txt"));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with('1'));
}

/// A megabyte of one character, of marks, of base64: in linear time, and a pipe's memory.
#[test]
fn words_without_end() {
    for part in ["a", "\u{301}", "QmFzZTY0IGlzIG5vdCBhIHdvcmQh"] {
        let all = part.repeat((1 << 20) / part.len());
        for model in ["gpt-4o", "claude-sonnet-4-5"] {
            let got = text(&count(
                &["--model", model, "--format", "json"],
                all.as_bytes(),
            ));
            assert!(got.contains("\"tokens\":"), "{got}");
        }
    }
}
