//! Logs in the forms in which people keep them: whatever holds a capture, it gives the same record as the capture alone.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{captures, scratch, tokensense};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};

/// Wraps a text as some logger would.
type Wrap = fn(&str) -> String;

/// Holders of lines: each line of what they hold becomes one of theirs.
const LINES: &[(&str, Wrap)] = &[
    ("docker logs -t", |text| {
        lines(text, |at, line| {
            format!("2026-11-18T10:00:{:02}.123456789Z {line}\n", at % 60)
        })
    }),
    ("CRI", |text| lines(text, cri)),
    ("compose", |text| {
        lines(text, |_, line| format!("app-1  | {line}\n"))
    }),
    ("journald", |text| {
        lines(text, |at, line| {
            format!("Nov 18 10:00:{:02} host app[17]: {line}\n", at % 60)
        })
    }),
    ("syslog", |text| {
        lines(text, |_, line| {
            format!("<34>1 2026-11-18T10:00:00Z host app 17 - - {line}\n")
        })
    }),
    ("kubectl --prefix", |text| {
        lines(text, |_, line| format!("[pod/web-0/main] {line}\n"))
    }),
    ("docker json-file", |text| {
        lines(text, |_, line| {
            json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-18T10:00:00Z"})
                .to_string()
                + "\n"
        })
    }),
    ("a log of JSON", |text| {
        lines(text, |_, line| {
            json!({"level": "info", "pid": 7, "msg": line}).to_string() + "\n"
        })
    }),
];

/// Holders of whole bodies.
const BODIES: &[(&str, Wrap)] = &[
    ("a member", |text| {
        json!({"ts": "2026-11-18", "level": "info", "response_body": text}).to_string() + "\n"
    }),
    ("a member within", |text| {
        json!({"http": {"response": {"status": 200, "body": text}}}).to_string() + "\n"
    }),
    ("base64", |text| {
        json!({"body": STANDARD.encode(text), "encoding": "base64"}).to_string() + "\n"
    }),
    ("HAR", |text| har(json!({"mimeType": "x", "text": text}))),
    ("HAR in base64", |text| {
        har(json!({"encoding": "base64", "text": STANDARD.encode(text)}))
    }),
    ("a cassette", |text| {
        let quoted = json!(text).to_string();
        format!(
            "interactions:\n- request:\n    body: null\n    uri: https://x\n  response:\n    body:\n      string: {quoted}\n    status:\n      code: 200\nversion: 1\n"
        )
    }),
    ("a cassette's block", |text| {
        let block = lines(text, |_, line| format!("        {line}\n"));
        format!(
            "interactions:\n- request:\n    body: ''\n  response:\n    body:\n      string: |+\n{block}    status:\n      code: 200\nversion: 1\n"
        )
    }),
    ("curl --trace", |text| {
        let mut dump = format!(
            "== Info: Connected\n=> Send header, 9 bytes (0x9)\n0000: POST / x\n<= Recv data, {0} bytes (0x{0:x})\n",
            text.len()
        );
        for (at, row) in text.as_bytes().chunks(16).enumerate() {
            let digits: String = row.iter().map(|b| format!("{b:02x} ")).collect();
            let shown: String = row
                .iter()
                .map(|b| {
                    if (32..127).contains(b) {
                        *b as char
                    } else {
                        '.'
                    }
                })
                .collect();
            dump += &format!("{:04x}: {digits:<48}{shown}\n", at * 16);
        }
        dump + "== Info: Closed\n"
    }),
];

fn lines(text: &str, wrap: impl Fn(usize, &str) -> String) -> String {
    text.split_terminator('\n')
        .enumerate()
        .map(|(at, line)| wrap(at, line))
        .collect()
}

/// A line as CRI keeps it: long ones in pieces.
fn cri(at: usize, line: &str) -> String {
    let prefix = format!("2026-11-18T10:00:{:02}.1Z stdout", at % 60);
    match line
        .char_indices()
        .nth(30)
        .map(|(cut, _)| line.split_at(cut))
    {
        Some((begin, rest)) if at.is_multiple_of(3) => {
            format!("{prefix} P {begin}\n{prefix} F {rest}\n")
        }
        _ => format!("{prefix} F {line}\n"),
    }
}

fn har(content: Value) -> String {
    let entry = json!({
        "startedDateTime": "2026-11-18T10:00:00Z",
        "request": {"method": "POST", "url": "https://x", "headers": []},
        "response": {"status": 200, "headers": [], "content": content},
    });
    format!(
        "{:#}\n",
        json!({"log": {"version": "1.2", "entries": [entry]}})
    )
}

/// Captures that a text can hold and that end with a line's end, with how many responses are in each.
fn texts() -> Vec<(PathBuf, String)> {
    let all = captures().into_iter().filter_map(|path| {
        let mut text = fs::read_to_string(&path).ok()?;
        // What loggers do with other line ends, and with a BOM, is theirs.
        let plain =
            !text.contains(['\r', '\u{feff}', '\0']) && text.trim_start().len() == text.len();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let framing = path
            .parent()
            .is_some_and(|folder| folder.ends_with("framing"));
        (plain && !framing && text.len() < 64 << 10).then_some((path, text))
    });
    all.collect()
}

/// The records of files, in their order, without what tells where and when.
fn records(folder: &Path) -> Vec<(String, Vec<Value>)> {
    let out = folder.with_extension("jsonl");
    let mut command = tokensense();
    command
        .args([
            "summarise",
            "--no-dedup",
            "-q",
            "--format=json",
            "--records",
        ])
        .arg(&out)
        .arg(folder);
    let output = command.output().expect("a summary");
    assert!(
        output.stdout.starts_with(b"{"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(&out).expect("records");
    let mut files: std::collections::BTreeMap<String, Vec<Value>> = Default::default();
    for line in text.lines() {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        let source = record["source"].as_str().expect("a source").to_owned();
        let (file, _) = source.rsplit_once('#').expect("a number");
        let name = Path::new(file)
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        record["source"] = Value::Null;
        // Blank lines at the ends belong to the holder.
        record["bytes"] = Value::Null;
        files.entry(name).or_default().push(record);
    }
    files.into_iter().collect()
}

fn cases() -> u32 {
    match std::env::var_os("FULL") {
        Some(_) => 20_000,
        None => 600,
    }
}

/// A holder, by its place: lines first, and bodies behind them.
fn wrap(text: &str, at: usize) -> (&'static str, String) {
    let (name, wrap) = LINES
        .iter()
        .chain(BODIES)
        .nth(at % (LINES.len() + BODIES.len()))
        .expect("a holder");
    (name, wrap(text))
}

/// Any capture, in one to three holders, gives the records it gives bare.
#[test]
fn wrapped_is_bare() {
    let texts = texts();
    assert!(texts.len() > 50, "{}", texts.len());
    let folder = scratch("saved-bare").join("f");
    fs::create_dir_all(&folder).expect("a folder");
    for (at, (_, text)) in texts.iter().enumerate() {
        fs::write(folder.join(format!("{at:05}")), text).expect("a file");
    }
    let bare: std::collections::BTreeMap<_, _> = records(&folder).into_iter().collect();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (0..texts.len(), prop::collection::vec(0..100_usize, 1..=3));
    let folder = scratch("saved-wrapped").join("f");
    let mut made = Vec::new();
    let mut left = cases();
    let mut wrong = Vec::new();
    while left > 0 {
        let few = left.min(500);
        left -= few;
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        made.clear();
        for nth in 0..few {
            let (at, holders) = strategy.new_tree(&mut runner).expect("a case").current();
            let (mut text, mut names) = (texts[at].1.clone(), Vec::new());
            for holder in holders {
                let (name, wrapped) = wrap(&text, holder);
                text = wrapped;
                names.push(name);
            }
            fs::write(folder.join(format!("{nth:05}")), &text).expect("a file");
            made.push((at, names));
        }
        let found: std::collections::BTreeMap<_, _> = records(&folder).into_iter().collect();
        for (nth, (at, names)) in made.iter().enumerate() {
            let (got, want) = (
                found.get(&format!("{nth:05}")),
                bare.get(&format!("{at:05}")),
            );
            if got != want {
                wrong.push(format!(
                    "{} in {names:?}: {}",
                    texts[*at].0.display(),
                    difference(got, want)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {:#?}",
        wrong.len(),
        cases(),
        &wrong[..wrong.len().min(12)]
    );
}

fn difference(got: Option<&Vec<Value>>, want: Option<&Vec<Value>>) -> String {
    let (Some(got), Some(want)) = (got, want) else {
        return format!(
            "{} responses instead of {}",
            got.map_or(0, Vec::len),
            want.map_or(0, Vec::len)
        );
    };
    if got.len() != want.len() {
        return format!("{} responses instead of {}", got.len(), want.len());
    }
    let pairs = got.iter().zip(want).filter(|(got, want)| got != want);
    let columns = pairs.flat_map(|(got, want)| {
        let columns = want.as_object().expect("a record").keys();
        columns
            .filter(|column| got[*column] != want[*column])
            .map(|column| format!("{column} {} not {}", got[column], want[column]))
            .collect::<Vec<_>>()
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// A folder of all forms comes to the sum of what they hold, in tap as well.
#[test]
fn all_forms_mixed() {
    let folder = scratch("saved-mixed").join("f");
    fs::create_dir_all(&folder).expect("a folder");
    let template = fs::read_to_string("testdata/openai.chat/usage.sse").expect("a capture");
    let id = template
        .split("\"id\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("an id");
    let all = LINES.iter().chain(BODIES);
    let mut count = 0;
    for (nth, (name, wrap)) in all.enumerate() {
        let text = template.replace(id, &format!("chatcmpl-of-its-own-{nth:04}"));
        let wrapped = wrap(&text);
        fs::write(folder.join(nth.to_string()), &wrapped).expect("a file");
        count += 1;
        let mut child = tokensense();
        let out = folder.with_extension(nth.to_string());
        child.args(["tap", "-q", "--format=json", "-o"]).arg(&out);
        child.stdin(fs::File::open(folder.join(nth.to_string())).expect("a file"));
        let output = child.output().expect("tap");
        assert_eq!(output.stdout, wrapped.as_bytes(), "{name}");
        let record: Value =
            serde_json::from_str(&fs::read_to_string(out).expect("a record")).expect(name);
        assert_eq!(
            (&record["status"], &record["input_tokens"]),
            (&"complete".into(), &90.into()),
            "{name}"
        );
    }
    fs::write(
        folder.join("notes"),
        "Tide notes: high at six, low at noon.\n",
    )
    .expect("a file");
    let output = tokensense()
        .args(["summarise", "-q", "--format=json"])
        .arg(&folder)
        .output()
        .expect("a summary");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["total"]["responses"], count);
    assert_eq!(summary["total"]["input_tokens"], 90 * count);
    assert_eq!(summary["inputs"]["files_unrecognised"], 1);
    assert!(output.status.success());
}

/// What is made to be hard to unwrap stays bounded in time and memory.
#[test]
fn hostile_wrappings() {
    let folder = scratch("saved-hostile");
    let base64 = STANDARD.encode(fs::read("testdata/openai.chat/usage.sse").expect("a capture"));
    let deep = |open: &str, close: &str| open.repeat(1000) + &close.repeat(1000);
    let mut nested = fs::read_to_string("testdata/openai.chat/usage.sse").expect("a capture");
    for _ in 0..12 {
        if nested.len() < 1 << 20 {
            nested = json!({"body": nested}).to_string();
        }
    }
    let cases = [
        ("deep objects", deep("{\"a\":", "}")),
        ("deep arrays", deep("[", "]")),
        ("deep both", deep("{\"a\":[", "]}")),
        ("open objects", "{\"a\":\n".repeat(200_000)),
        ("open braces", "{\n".repeat(500_000)),
        ("braces in text", "x {\"a\":1 ".repeat(200_000) + "\n"),
        (
            "cut base64",
            json!({"body": &base64[..base64.len() / 2]}).to_string(),
        ),
        ("texts in texts", nested),
        (
            "many sources",
            (0..20_000)
                .map(|n| format!("app-{n}  | data: {{\"choices\":[]}}\n"))
                .collect(),
        ),
        (
            "torn rows",
            "schema,model,input_tokens\n".to_owned() + &"tokensense/1,\"a,1\n".repeat(100_000),
        ),
        (
            "line ends in quotes",
            "schema,model,input_tokens\ntokensense/1,\"".to_owned() + &"\n".repeat(512 << 10),
        ),
        (
            "a cassette without end",
            "interactions:\n- response:\n    body:\n      string: \"".to_owned()
                + &"x\n".repeat(500_000),
        ),
        (
            "dumps of nothing",
            "<= Recv data, 1 bytes (0x1)\n0000: zz\n".repeat(50_000),
        ),
    ];
    for (name, text) in cases {
        let file = folder.join(name.replace(' ', "-"));
        fs::write(&file, text).expect("a file");
        let begun = std::time::Instant::now();
        let script =
            "ulimit -v 400000; ulimit -t 20; exec \"$TAP\" summarise -j1 -q --format=json \"$1\"";
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(&file)
            .env("TAP", env!("CARGO_BIN_EXE_tokensense"));
        let output = command.output().expect("a summary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{name}: {:?} {said}",
            output.status
        );
        assert!(output.stdout.starts_with(b"{"), "{name}: {said}");
        assert!(begun.elapsed().as_secs() < 60, "{name}");
    }
}

/// A text as long as a disk is given on and let go of: 64 MiB here, 1 GiB with `FULL=1`.
#[test]
fn a_text_without_end() {
    let mib = if std::env::var_os("FULL").is_some() {
        1024
    } else {
        64
    };
    for piece in ["x", "data: {\\\"a\\\":1}\\n", "QUJD"] {
        let megabyte = piece.repeat((1 << 20) / piece.len());
        for command in ["tap", "summarise -q --format=json"] {
            let script = format!("ulimit -v 400000; ulimit -t 60; exec \"$TAP\" {command}");
            let mut child = std::process::Command::new("sh")
                .args(["-c", &script])
                .env("TAP", env!("CARGO_BIN_EXE_tokensense"))
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("a shell");
            let mut input = child.stdin.take().expect("a pipe");
            let written = (|| {
                input.write_all(b"{\"body\":\"")?;
                (0..mib).try_for_each(|_| input.write_all(megabyte.as_bytes()))?;
                input.write_all(b"\"}\n")
            })();
            drop(input);
            let output = child.wait_with_output().expect("an end");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(written.is_ok(), "{piece} {command}: {written:?} {said}");
            // Nothing in it is known, and that is said.
            let code = if command == "tap" { 0 } else { 1 };
            assert_eq!(
                output.status.code(),
                Some(code),
                "{piece} {command}: {said}"
            );
        }
    }
}
