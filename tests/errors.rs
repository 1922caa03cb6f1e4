//! What a user sees who mistook something: one clear sentence, and the way out.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use common::{ended, scratch, tokensense};

fn output(args: &[&str]) -> Output {
    tokensense().args(args).output().expect("the binary")
}

/// What is said, and that nothing else happened.
fn refused(args: &[&str]) -> String {
    let output = output(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn no_command_shows_help() {
    let said = refused(&[]);
    assert!(said.contains("Usage: tokensense"), "{said}");
    assert!(
        said.contains("tap") && said.contains("completions"),
        "{said}"
    );
}

#[test]
fn a_mistyped_word_is_recognised() {
    for (args, meant) in [
        (&["tpa"][..], "'tap'"),
        (&["tab"], "'tap'"),
        (&["completion", "bash"], "'completions'"),
        (&["tap", "--outptu", "x"], "'--output'"),
        (&["tap", "--emit", "date"], "'data'"),
        (&["tap", "--format", "jsonl"], "'json'"),
        // An option of tap's, without tap.
        (&["--emit", "data"], "'tap --emit'"),
    ] {
        let said = refused(args);
        assert!(
            said.contains("tip: ") && said.contains(meant),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = scratch("errors");
    let request = folder.join("request.txt");
    std::fs::write(&request, "hello").expect("a file");
    let path = |path: &PathBuf| path.to_str().expect("a name").to_owned();
    let (request, missing) = (path(&request), path(&folder.join("no/such")));
    for (args, says) in [
        (&["tap", "-o", &missing][..], missing.as_str()),
        (&["tap", "--request", &missing], missing.as_str()),
        (&["tap", "--request", &request], "is not a JSON object"),
        (&["tap", "--label", "team"], "KEY=VALUE"),
        (&["tap", "--label", "=x"], "no key"),
        (&["tap", "--columns", "tokens"], "did you mean"),
        (&["tap", "-o", "-"], "--emit none"),
        (&["tap", "--max-cost", "much"], "--max-cost"),
        (&["man", "tee"], "tap"),
    ] {
        let said = refused(args);
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// One sentence says what to type instead, in words that are not a programmer's.
#[test]
fn what_to_type_is_said() {
    let folder = scratch("errors-typed");
    let file = folder.join("answer.sse");
    std::fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("a name");
    let (filter, summary) = (format!("tap < {file}"), format!("summarise {file}"));
    for (args, code, says) in [
        (&["tap", file][..], 2, filter.as_str()),
        (&["tap", file], 2, summary.as_str()),
        (
            &["summarise", "--by", "modle", file],
            2,
            "did you mean model?",
        ),
        (
            &["summarise", "--by", "day,provder", file],
            2,
            "did you mean provider?",
        ),
        (
            &["summarise", "--sort", "cots_usd", file],
            2,
            "did you mean cost_usd?",
        ),
        (&["summarise", "--sort", "xyzzy", file], 2, "choose from"),
        (
            &["prices", "--model", "openai/gpt-4o-mni"],
            1,
            "did you mean gpt-4o-mini?",
        ),
        (&["prices", "claud-opus-4-1"], 1, "did you mean claude-opus"),
        (&["help", "tpa"], 2, "did you mean tap?"),
        (&["man", "sumarise"], 2, "did you mean summarise?"),
        (&["summarise", "--top", "ten", file], 2, "a whole number"),
        (&["summarise", "--top", "1.5", file], 2, "a whole number"),
        (&["summarise", "-j", "0", file], 2, "a whole number"),
        (&["tap", "--max-output-tokens", "many"], 2, "a whole number"),
        (&["tap", "--max-cost", "much"], 2, "an amount of US dollars"),
        (&["tap", "--max-cost", "-1"], 2, "cannot be negative"),
        (
            &["summarise", "--currency", "EUR", file],
            2,
            "CODE=RATE, such as EUR=0.92",
        ),
        (
            &["tap", "--discount", "much"],
            2,
            "a percentage such as 12%",
        ),
        (&["tap", "--budget", "5/day"], 2, "pass --output FILE"),
        (&["tap", "--budget", "5", "-o", file], 2, "such as 5/day"),
        (
            &["tap", "--budget", "5/fortnight", "-o", file],
            2,
            "hour, day, week, month or year",
        ),
    ] {
        let output = output(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
        for word in [
            "invalid digit",
            "ParseIntError",
            "Invalid decimal",
            "panicked",
            "Some(",
        ] {
            assert!(!said.contains(word), "{args:?}: {said}");
        }
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    }
}

/// `help` says what `--help` does.
#[test]
fn help_of_commands() {
    let shown = |args: &[&str]| {
        let output = output(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(shown(&["help"]), shown(&["--help"]));
    for name in ["tap", "run", "summarise", "prices", "completions", "man"] {
        assert_eq!(shown(&["help", name]), shown(&[name, "--help"]));
    }
    assert_eq!(
        shown(&["help", "summarize"]),
        shown(&["summarise", "--help"])
    );
}

/// A terminal, as the program sees it and as its user does.
struct Terminal {
    theirs: OwnedFd,
    ours: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn new() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("a terminal");
        unlockpt(&ours).expect("a terminal");
        let name = ptsname(&ours, Vec::new()).expect("a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let theirs = rustix::fs::open(name, flags, Mode::empty()).expect("a terminal");
        let ours = File::from(ours);
        let mut reader = ours.try_clone().expect("a descriptor");
        let (sender, screen) = channel();
        // It ends when nobody holds the other side.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len) = reader.read(&mut bytes) {
                let _ = sender.send(bytes[..len].to_vec());
            }
        });
        Self {
            theirs,
            ours,
            screen,
            seen: String::new(),
        }
    }

    fn side(&self) -> Stdio {
        self.theirs.try_clone().expect("a descriptor").into()
    }

    /// Waits until this stands on the screen.
    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.seen.contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(error) => panic!("no {text:?} ({error}) in {:?}", self.seen),
            }
        }
    }

    fn types(&mut self, text: &[u8]) {
        self.ours.write_all(text).expect("a terminal");
    }
}

/// Nothing was piped in: a hint, and then it reads on as `cat` does.
#[test]
fn tap_on_a_terminal() {
    let mut terminal = Terminal::new();
    let child = tokensense()
        .args(["tap", "--format", "line"])
        .stdin(terminal.side())
        .stdout(terminal.side())
        .stderr(terminal.side())
        .env("TERM", "xterm")
        .spawn()
        .expect("the binary");
    terminal.wait_for("curl -N … | tokensense tap");
    terminal.types(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"model\":\"m-1\"}\n\n");
    terminal.types(b"data: [DONE]\n\n");
    terminal.types(&[4]);
    // In colours, since it is a terminal.
    terminal.wait_for("\u{1b}[1mm-1\u{1b}[0m");
    assert_eq!(ended(child).code(), Some(0));
}

/// Where the stream is piped in there is nothing to hint at.
#[test]
fn no_hint_in_a_pipe() {
    let output = output(&["tap", "-q"]);
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn no_colours_on_a_terminal_that_wants_none() {
    for (args, environment) in [
        (&["--color", "never"][..], ("X", "")),
        (&[], ("NO_COLOR", "1")),
        (&[], ("TERM", "dumb")),
    ] {
        let mut terminal = Terminal::new();
        let child = tokensense()
            .args(["tap", "--format", "line"])
            .args(args)
            .env(environment.0, environment.1)
            .stdout(Stdio::null())
            .stderr(terminal.side())
            .spawn()
            .expect("the binary");
        terminal.wait_for("empty");
        assert!(!terminal.seen.contains('\u{1b}'), "{:?}", terminal.seen);
        assert_eq!(ended(child).code(), Some(0));
    }
}

/// What a model writes does not steer the terminal; in a pipe it stays as it is.
#[test]
fn text_on_a_terminal_is_plain() {
    let input = scratch("errors-text").join("in");
    std::fs::write(
        &input,
        br#"data: {"choices":[{"delta":{"content":"a\u001b[2Jb\u0007\tc\nd"}}]}"#,
    )
    .expect("a file");
    let run = |stdout: Stdio| {
        let mut command = tokensense();
        command.args(["tap", "-q", "--emit", "text"]).stdout(stdout);
        command.stdin(File::open(&input).expect("a file"));
        command.spawn().expect("the binary")
    };
    let mut terminal = Terminal::new();
    let child = run(terminal.side());
    terminal.wait_for("d");
    assert!(
        !terminal.seen.contains(['\u{1b}', '\u{7}']),
        "{:?}",
        terminal.seen
    );
    assert!(terminal.seen.starts_with("a[2Jb"), "{:?}", terminal.seen);
    assert_eq!(ended(child).code(), Some(0));

    let output = run(Stdio::piped()).wait_with_output().expect("an end");
    assert_eq!(output.stdout, b"a\x1b[2Jb\x07\tc\nd");
}
