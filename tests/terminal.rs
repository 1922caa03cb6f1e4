//! What a person sees on a terminal: short lines instead of JSON, on lines of their own; tables that fit; sentences where
//! nothing else would tell.

mod common;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::termios::{Winsize, tcsetwinsize};

use common::{ended, scratch, terminal, tokensense};

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn input(name: &str) -> Stdio {
    File::open(capture(name)).expect("a capture").into()
}

/// Where a stream of the command goes.
#[derive(Clone, Copy, PartialEq)]
enum To {
    Nowhere,
    Terminal,
}

/// All that a terminal shows of a command, without colours; and how it ended.
fn shown(command: &mut Command, stdout: To, columns: u16) -> (String, Option<i32>) {
    let (user, programs) = terminal();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&programs, size).expect("a size");
    let side = || Stdio::from(programs.try_clone().expect("a descriptor"));
    command.stderr(side());
    command.stdout(match stdout {
        To::Terminal => side(),
        To::Nowhere => Stdio::null(),
    });
    let child = command.spawn().expect("the binary");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    drop(programs);
    let reader = std::thread::spawn(move || {
        let (mut user, mut seen) = (user, Vec::new());
        // It ends with an error when nobody holds the other side.
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = user.read(&mut bytes) {
            seen.extend_from_slice(&bytes[..len]);
        }
        seen
    });
    let status = ended(child);
    let seen = String::from_utf8(reader.join().expect("an end")).expect("text");
    let plain = anstream_free(&seen.replace("\r\n", "\n"));
    (plain, status.code())
}

/// The text without sequences that set colours.
fn anstream_free(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out += before;
        rest = after
            .split_once(|c: char| c.is_ascii_alphabetic())
            .map_or("", |(_, rest)| rest);
    }
    out + rest
}

fn tap(args: &[&str], name: &str, stdout: To) -> String {
    let mut command = tokensense();
    command.arg("tap").args(args).stdin(input(name));
    shown(&mut command, stdout, 100).0
}

const USAGE: &str = "openai.chat/usage.sse";
const LINE: &str = "gpt-4o-mini-2024-07-18  90 in (64 cached) · 24 out  $";

#[test]
fn a_record_is_a_short_line() {
    let seen = tap(&[], USAGE, To::Nowhere);
    assert!(
        seen.starts_with(LINE) && seen.lines().count() == 1,
        "{seen}"
    );
    // Columns that were chosen are shown; a variable for all files chooses none for the terminal.
    let seen = tap(&["--columns", "model"], USAGE, To::Nowhere);
    assert_eq!(seen, "{\"model\":\"gpt-4o-mini-2024-07-18\"}\n");
    let mut command = tokensense();
    command
        .arg("tap")
        .env("TOKENSENSE_COLUMNS", "model")
        .stdin(input(USAGE));
    assert!(shown(&mut command, To::Nowhere, 100).0.starts_with(LINE));
    // The option and the variable have their say.
    let seen = tap(&["--format", "json"], USAGE, To::Nowhere);
    assert!(seen.starts_with("{\"schema\""), "{seen}");
    let mut command = tokensense();
    command
        .arg("tap")
        .env("TOKENSENSE_FORMAT", "csv")
        .stdin(input(USAGE));
    assert!(
        shown(&mut command, To::Nowhere, 100)
            .0
            .starts_with("schema,")
    );
}

#[test]
fn a_pipe_gets_json() {
    let output = tokensense().arg("tap").stdin(input(USAGE)).output();
    let output = output.expect("the binary");
    assert!(output.stderr.starts_with(b"{\"schema\""), "{output:?}");
}

/// Behind an answer that does not end its line, the record begins another one; behind one that does, no line is empty.
#[test]
fn a_record_begins_a_line() {
    let seen = tap(&["--emit", "text"], USAGE, To::Terminal);
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(lines.len(), 2, "{seen}");
    assert!(lines[1].starts_with(LINE), "{seen}");
    let seen = tap(&["--emit", "data"], USAGE, To::Terminal);
    assert!(!seen.contains("\n\n"), "{seen}");
    assert!(
        seen.lines()
            .last()
            .is_some_and(|last| last.starts_with(LINE)),
        "{seen}"
    );
    // Raw bytes too.
    let folder = scratch("terminal-raw");
    let body = fs::read_to_string(capture("openai.chat/body.json")).expect("a capture");
    fs::write(folder.join("body"), body.trim_end()).expect("a file");
    let mut command = tokensense();
    command
        .arg("tap")
        .stdin(File::open(folder.join("body")).expect("a file"));
    let (seen, _) = shown(&mut command, To::Terminal, 1000);
    let last = seen.lines().last().unwrap_or_default();
    assert!(last.contains(" in") && !last.contains('{'), "{seen}");
}

#[test]
fn a_file_gets_the_record_and_the_terminal_a_line() {
    let folder = scratch("terminal-file");
    let path = folder.join("usage.jsonl");
    let name = path.to_str().expect("a name");
    let seen = tap(&["-o", name], USAGE, To::Nowhere);
    assert!(
        seen.starts_with(LINE) && seen.lines().count() == 1,
        "{seen}"
    );
    assert_eq!(tap(&["-q", "-o", name], USAGE, To::Nowhere), "");
    let kept = fs::read_to_string(&path).expect("records");
    assert_eq!(
        kept.lines()
            .filter(|line| line.starts_with("{\"schema\""))
            .count(),
        2,
        "{kept}"
    );
}

/// A file's ending chooses its format whatever the variable says; an option that says otherwise is refused.
#[test]
fn endings_win() {
    let folder = scratch("terminal-endings");
    for (ending, begins) in [
        ("jsonl", "{\"model\""),
        ("json", "{\"model\""),
        ("csv", "model,status\n"),
        ("tsv", "model\tstatus\n"),
        ("txt", "gpt-4o-mini"),
    ] {
        let path = folder.join(format!("records.{ending}"));
        let run = |args: &[&str]| {
            let mut command = tokensense();
            command
                .args(["tap", "--columns", "model,status", "-o"])
                .arg(&path)
                .args(args);
            command.env("TOKENSENSE_FORMAT", "line").stdin(input(USAGE));
            command.output().expect("the binary")
        };
        assert!(run(&[]).status.success(), "{ending}");
        let kept = fs::read_to_string(&path).expect("a record");
        assert!(kept.starts_with(begins), "{ending}: {kept}");
        if ending == "txt" {
            continue;
        }
        for format in ["line", "json", "csv", "tsv"] {
            let output = run(&["--format", format]);
            let said = String::from_utf8_lossy(&output.stderr);
            if begins.starts_with('{') == (format == "json")
                && (format == "json" || format == ending)
            {
                assert!(output.status.success(), "{format} {ending}: {said}");
            } else if format != ending {
                assert_eq!(output.status.code(), Some(2), "{format} {ending}: {said}");
                assert!(
                    said.contains("does not fit") && output.stdout.is_empty(),
                    "{said}"
                );
            }
        }
    }
    let output = tokensense()
        .arg("tap")
        .env("TOKENSENSE_FORMAT", "jsno")
        .output();
    let output = output.expect("the binary");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("did you mean json?"),
        "{said}"
    );
}

/// Tab-separated values: as many fields in each line, whatever the fields hold.
#[test]
fn tsv() {
    let output = tokensense()
        .args(["tap", "--emit", "none", "-o", "-", "--format", "tsv"])
        .args(["--label", "a=x\ty", "--label", "b=\"q"])
        .args(["--columns", "model,a=label.a,b=label.b,usage,status"])
        .stdin(input(USAGE))
        .output()
        .expect("the binary");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Vec<_>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0], ["model", "a", "b", "usage", "status"]);
    assert_eq!(lines[1][1..3], ["x y", "\"\"\"q\""], "{text}");
    assert!(lines[1][3].starts_with("{\"prompt_tokens\":90,"), "{text}");
    assert_eq!(lines[1][4], "complete");
}

/// A slow stream, and what the terminal shows of its progress; `to` is where the stream goes, in the shell's words.
fn progress(to: &str) -> String {
    let script = format!(
        "(head -c 2000 '{capture}'; sleep 0.6; tail -c +2001 '{capture}') | tokensense tap -q --progress {to}",
        capture = capture(USAGE).display()
    );
    let mut command = common::isolated("sh");
    let folder = Path::new(common::BINARY).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .args(["-c", &script])
        .env("PATH", format!("{}:{path}", folder.display()));
    shown(&mut command, To::Terminal, 100).0
}

#[test]
fn progress_stays_out_of_the_way() {
    let seen = progress("> /dev/null");
    assert!(
        seen.contains("waiting") || seen.contains("tokens"),
        "not drawn: {seen:?}"
    );
    // On the stream's own terminal; between the lines of a reader; of a reader's reader.
    for to in ["", "| cat", "| cat | cat"] {
        let seen = progress(to);
        assert!(
            !seen.contains(" tokens ·") && !seen.contains("waiting"),
            "{to}: {seen:?}"
        );
        assert!(seen.contains("[DONE]"), "{to}: {seen:?}");
    }
}

/// Where --emit swallows the body, an error and a page are told of.
#[test]
fn swallowed_bodies() {
    for emit in ["text", "data", "none"] {
        for quiet in [&[][..], &["-q"]] {
            let run = |name| {
                let mut command = tokensense();
                command
                    .args(["tap", "--emit", emit])
                    .args(quiet)
                    .stdin(input(name));
                let output = command.output().expect("the binary");
                String::from_utf8(output.stderr).expect("text")
            };
            let said = run("openai.chat/error.json");
            let sentences = said
                .matches("tokensense: the API answered with an error")
                .count();
            assert_eq!(sentences, 1, "{emit}: {said}");
            let said = run("framing/html.html");
            let sentences = said.matches("not one of a known LLM API").count();
            assert_eq!(sentences, 1, "{emit}: {said}");
            let said = run(USAGE);
            assert!(!said.contains("tokensense:"), "{emit}: {said}");
        }
    }
    // On a terminal the line says it already.
    let seen = tap(&["--emit", "text"], "openai.chat/error.json", To::Terminal);
    assert_eq!(seen.lines().count(), 1, "{seen}");
    // As it came, it can be seen.
    let seen = tap(&["-q"], "framing/html.html", To::Nowhere);
    assert_eq!(seen, "");
}

#[test]
fn a_limit_is_told_of() {
    for (option, value) in [("--max-output-tokens", "3"), ("--max-cost", "0.00000001")] {
        let mut command = tokensense();
        command
            .args(["tap", "-q", option, value])
            .stdin(input(USAGE));
        let (seen, code) = shown(&mut command, To::Nowhere, 200);
        assert_eq!(code, Some(4), "{seen}");
        assert!(
            seen.contains("tokensense: stopped: ") && seen.contains(option),
            "{seen}"
        );
    }
}

/// A stream without usage: what helps depends on what was tried.
#[test]
fn ways_out() {
    let note = |args: &[&str]| {
        let mut command = tokensense();
        command.args(args).stdin(input("openai.chat/no_usage.sse"));
        let (seen, _) = shown(&mut command, To::Nowhere, 400);
        assert!(seen.contains('≈'), "{seen}");
        seen
    };
    let seen = note(&["tap"]);
    assert!(
        seen.contains("? in") && seen.contains("include_usage"),
        "{seen}"
    );
    assert!(seen.contains("tap --request FILE"), "{seen}");
    // Who has given the request is not told to.
    let body = scratch("terminal-request").join("body.json");
    fs::write(
        &body,
        r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    )
    .expect("a file");
    let seen = note(&["tap", "--request", body.to_str().expect("a name")]);
    assert!(
        !seen.contains("--request") && !seen.contains("? in"),
        "{seen}"
    );

    // A server that does not heed what was injected.
    let folder = scratch("terminal-curl");
    let curl = folder.join("curl");
    let mut file = File::create(&curl).expect("a script");
    write!(
        file,
        "#!/bin/sh\ncat '{}'\n",
        capture("openai.chat/no_usage.sse").display()
    )
    .expect("a script");
    drop(file);
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut fs::metadata(&curl).expect("it").permissions(),
        0o755,
    );
    fs::set_permissions(&curl, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a script");
    let curl = curl.to_str().expect("a name");
    let data = r#"{"model":"gpt-4o","stream":true,"messages":[]}"#;
    for (address, inject, says) in [
        (
            "https://api.openai.com/v1/chat/completions",
            "auto",
            "although it was requested",
        ),
        (
            "https://api.openai.com/v1/chat/completions",
            "never",
            "turned it off",
        ),
        (
            "https://llm.example.org/v1/chat/completions",
            "auto",
            "--inject always",
        ),
    ] {
        let seen = note(&["run", "--inject", inject, "--", curl, address, "-d", data]);
        assert!(seen.contains(says), "{address}: {seen}");
        assert!(!seen.contains("include_usage\":true"), "{address}: {seen}");
    }
}

/// Programs that print only text.
#[test]
fn text_clients() {
    let folder = scratch("terminal-clients");
    for name in ["llm", "openai"] {
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\necho 'The tide turns.'\n").expect("a script");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a script");
        let mut command = tokensense();
        command.args(["run", "--"]).arg(&path).arg("hello");
        let (seen, code) = shown(&mut command, To::Terminal, 200);
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.starts_with("The tide turns.\n"), "{seen}");
        assert_eq!(
            seen.matches(&format!("tokensense: {name} prints only the text"))
                .count(),
            1,
            "{seen}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tables fit the terminal, to the last line; what is left out is said.
#[test]
fn tables_fit() {
    let logs = scratch("terminal-logs");
    for (at, name) in [
        USAGE,
        "anthropic.messages/stream.sse",
        "gemini/stream.sse",
        "openai.responses/completed.sse",
        "openai.chat/truncated.sse",
    ]
    .iter()
    .enumerate()
    {
        let folder = logs.join("a-folder-with-a-long-name-of-its-own");
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(capture(name), folder.join(format!("{at}.sse"))).expect("a capture");
    }
    let logs = logs.to_str().expect("a name");
    for columns in [40, 60, 80, 200] {
        for args in [
            &["summarise", "--no-progress", logs][..],
            &["summarise", "--no-progress", logs, "--by", "file"],
            &[
                "summarise",
                "--no-progress",
                logs,
                "--by",
                "provider,model,status",
            ],
            &["summarise", "--no-progress", logs, "--top", "2"],
            &["prices", "claude"],
            &["prices", "gpt-4o*"],
            &["prices", "--model", "gpt-4o"],
        ] {
            let mut command = tokensense();
            command.args(args);
            let (seen, code) = shown(&mut command, To::Terminal, columns);
            assert_eq!(code, Some(0), "{args:?}: {seen}");
            // Addresses are not cut.
            let is_table = |line: &&str| !line.starts_with("see ") && !line.starts_with("why ");
            for line in seen.lines().filter(is_table) {
                let width = line.chars().count();
                assert!(
                    width <= columns.into(),
                    "{width} of {columns}, {args:?}:\n{seen}"
                );
            }
            if args[0] == "summarise" && columns >= 60 {
                assert!(seen.contains("cost $"), "{columns}, {args:?}:\n{seen}");
            }
        }
    }
    let table = |args: &[&str], columns| {
        let mut command = tokensense();
        command.args(args);
        shown(&mut command, To::Terminal, columns).0
    };
    let narrow = table(&["summarise", "--no-progress", logs], 60);
    assert!(narrow.contains("not shown: "), "{narrow}");
    // Where names alone take more than half of it, they are shortened, never broken.
    let by = ["summarise", "--no-progress", logs, "--by", "provider,model"];
    let narrow = table(&by, 60);
    assert!(
        narrow.contains('…')
            && narrow
                .lines()
                .filter(|line| line.contains("claude"))
                .count()
                == 1,
        "{narrow}"
    );
    let wide = table(&["summarise", "--no-progress", logs], 200);
    assert!(
        !wide.contains("not shown") && wide.contains("claude-sonnet-4-5-20250929"),
        "{wide}"
    );
    let top = table(&["summarise", "--no-progress", logs, "--top", "2"], 200);
    assert!(top.contains("3 more"), "{top}");
    let twice = table(&["summarise", "--no-progress", logs, logs], 200);
    assert!(twice.contains("copies"), "{twice}");
    let prices = table(&["prices", "gpt-4o*"], 80);
    assert_eq!(prices.matches("genai-prices").count(), 1, "{prices}");
    assert_eq!(prices.matches("US dollars").count(), 1, "{prices}");
    assert!(prices.contains("openai/gpt-4o"), "{prices}");
}
