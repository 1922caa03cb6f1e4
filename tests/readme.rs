//! Every command block of the README is run, in the order it stands there, as a reader would who has the files it names.
//!
//! The network is a stand-in for `curl` that answers with captures from `testdata/`. Other programs the README
//! mentions are used where the machine has them, and said to be stood in for where not.

mod common;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the stand-in for `curl` answers, by a piece of the address.
const ANSWERS: &[(&str, &str)] = &[
    ("anthropic.com", "anthropic.messages/stream.sse"),
    ("bedrock-runtime", "bedrock.converse/stream.bin"),
    ("localhost:11434", "ollama.chat/stream.ndjson"),
    ("api.openai.com", "openai.chat/usage.sse"),
    ("openrouter.ai", "openai.chat/openrouter.sse"),
];

/// Programs that are none of ours and change nothing of what ours do.
const OTHERS: &[&str] = &["duckdb", "jq"];

#[test]
fn command_blocks_run() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md");
    let place = place();
    let blocks: Vec<String> = blocks(&readme);
    assert!(blocks.len() > 8, "{} command blocks", blocks.len());
    for block in &blocks {
        run(&place, block);
    }
    let records = fs::read_to_string(place.join("usage.jsonl")).expect("usage.jsonl");
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        assert_eq!(record["status"], "complete", "{line}");
    }
    let table = fs::read_to_string(place.join("costs.csv")).expect("costs.csv");
    assert_eq!(table.lines().count(), 1 + 2, "{table}");
    fs::remove_dir_all(&place).expect("the place to be removed");
}

/// The table of the record names every column, in the record's order, and no other.
#[test]
fn columns_are_all_told() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md");
    let (_, table) = readme.split_once("## The record\n").expect("the record");
    let (table, _) = table.split_once("\n`--columns`").expect("its end");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: Vec<_> = rows
        .filter_map(|row| row.split(" |").next())
        .flat_map(|names| names.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let capture = Path::new(ROOT).join("testdata/openai.chat/usage.sse");
    let output = common::tokensense()
        .arg("tap")
        .stdin(fs::File::open(capture).expect("a capture"))
        .output()
        .expect("a record");
    let record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&output.stderr).expect("a record");
    assert_eq!(told, record.keys().collect::<Vec<_>>());
}

/// The README's blocks of shell commands.
fn blocks(readme: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = readme;
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```").expect("the block's end");
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

/// A folder with the files that the README takes for granted.
fn place() -> PathBuf {
    let place = common::scratch("readme");
    for folder in ["bin", "logs", "prompts"] {
        fs::create_dir_all(place.join(folder)).expect("a folder");
    }
    let data = Path::new(ROOT).join("testdata");
    symlink(&data, place.join("testdata")).expect("a link");
    symlink(
        env!("CARGO_BIN_EXE_tokensense"),
        place.join("bin/tokensense"),
    )
    .expect("a link");
    let body =
        r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    for file in ["body.json", "prompts/one.json", "prompts/two.json"] {
        fs::write(place.join(file), body).expect("a body");
    }
    for (from, to) in [
        ("openai.chat/usage.sse", "answer.sse"),
        ("anthropic.messages/stream.sse", "logs/one.sse"),
        ("gemini/stream.sse", "logs/two.sse"),
        ("openai.responses/completed.sse", "logs/three.sse"),
    ] {
        fs::copy(data.join(from), place.join(to)).expect("a capture");
    }
    let answers = ANSWERS.iter().map(|(address, capture)| {
        format!(
            "    *{address}*) cat '{}' ;;\n",
            data.join(capture).display()
        )
    });
    let curl = format!(
        "case \"$*\" in *@-*) cat > /dev/null ;; esac\nfor word; do\n  case $word in\n{}  esac\ndone\n",
        answers.collect::<String>()
    );
    script(&place, "curl", &curl);
    // The README's first two commands build what this test already runs.
    script(
        &place,
        "cargo",
        "[ \"$1\" = test ] && exit\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec tokensense \"$@\"\n",
    );
    for other in OTHERS {
        let known = Command::new(other).arg("--version").output().is_ok();
        if !known {
            eprintln!("{other} is not installed: something that reads its input stands in for it");
            script(
                &place,
                other,
                "case $1 in -c) [ -t 0 ] || cat > /dev/null ;; esac\n",
            );
        }
    }
    place
}

fn script(place: &Path, name: &str, text: &str) {
    let path = place.join("bin").join(name);
    let mut file = fs::File::create(&path).expect("a script");
    write!(file, "#!/bin/sh\n{text}").expect("a script");
    let mode = fs::Permissions::from_mode(0o755);
    file.set_permissions(mode).expect("a script");
}

fn run(place: &Path, block: &str) {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut child = Command::new("sh")
        .args(["-euc", block])
        .current_dir(place)
        .env("PATH", format!("{}:{path}", place.join("bin").display()))
        .env("OPENAI_API_KEY", "sk-readme")
        .env("HOME", place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("does not end:\n{block}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = std::io::Read::read_to_string(&mut stderr, &mut said);
    }
    assert!(status.success(), "{status}:\n{block}\n{said}");
    assert!(!said.contains("sk-readme"), "a key was said:\n{block}");
}
