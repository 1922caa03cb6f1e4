//! How a well-behaved filter treats its surroundings: with the real binary.

mod common;
#[path = "common/page.rs"]
mod page;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::pipe::fcntl_getpipe_size;
use serde_json::Value;

use common::bounded::{end, feed};
use common::{BINARY, isolated, scratch, tokensense};

page::rows! {
    empty_variables: "a variable that is empty: `TOKENSENSE_OUTPUT=`" => "treated as not set",
    odd_label: "a label that is not UTF-8" => "one sentence says so, exit 2",
    usage_errors: "wrong usage" => "exit 2, and no file is begun",
    broken_pipes: "a reader that is gone before the first output, for every command" => "ends by SIGPIPE, 141 in a shell",
    crlf_lists: "`--files-from` with lines that end in CRLF" => "the files are found",
    skippable_frame: "zstd that begins with a skippable frame" => "read as it is",
    formulas_within: "a formula behind a `;` in a cell of CSV" => "a quote stands before it, and is taken off when it is read back",
    huge_numbers: "a number out of range, such as 1e400" => "only that member is ignored, not the event",
    emitted_json: "damaged events with `--emit data`" => "what comes out is JSON, line by line",
    pipe_sizes: "pipes that were grown for a bulk stream" => "stay within a fair share, and shrink again at the end",
    shared_input: "two taps that read from one pipe" => "each byte comes out of one of them if both run when the stream begins; one that starts later may lose or repeat bytes",
    large_body: "a body of 200 MB from a file" => "curl reads all of it; tokensense keeps no copy",
}

#[test]
fn page_is_true() {
    page::check("Manners", ROWS);
}

fn capture() -> Vec<u8> {
    fs::read("testdata/openai.chat/usage.sse").expect("a capture")
}

fn empty_variables() {
    for name in ["OUTPUT", "FORMAT", "COLUMNS", "LABELS", "PRICES", "INJECT"] {
        let name = format!("TOKENSENSE_{name}");
        for command in [&["tap"][..], &["run", "cat"]] {
            let run = feed(tokensense().args(command).env(&name, ""), &capture());
            assert_eq!(run.status.code(), Some(0), "{name}: {}", run.stderr);
            let record: Value = serde_json::from_str(&run.stderr).expect("a record");
            assert_eq!(record["output_tokens"], 24, "{name}");
        }
    }
}

fn odd_label() {
    let odd = OsStr::from_bytes(b"user=caf\xe9");
    for by_variable in [false, true] {
        let mut command = tokensense();
        command.arg("tap");
        match by_variable {
            true => command.env("TOKENSENSE_LABELS", odd),
            false => command.arg("--label").arg(odd),
        };
        let run = feed(&mut command, &capture());
        assert_eq!(run.status.code(), Some(2), "{}", run.stderr);
        assert!(
            run.stderr.contains("not UTF-8") && run.stderr.contains("label"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stdout.is_empty());
    }
}

fn usage_errors() {
    let folder = scratch("manners-usage");
    let file = folder.join("records.jsonl");
    for wrong in [
        &["--label", "nothing"][..],
        &["--columns", "no_such_column"],
        &["--prices", "/no/such/file"],
        &["--request", "/no/such/file"],
        &["--max-cost", "much"],
        &["--no-such-option"],
        &["--format", "no"],
    ] {
        for command in [&["tap"][..], &["run"]] {
            let mut tokensense = tokensense();
            tokensense.args(command).arg("-o").arg(&file).args(wrong);
            tokensense.args(&["--", "cat"][..2 * usize::from(command == ["run"])]);
            let run = feed(&mut tokensense, &capture());
            assert_eq!(run.status.code(), Some(2), "{wrong:?}: {}", run.stderr);
            assert!(
                run.stdout.is_empty() && !file.exists(),
                "{command:?} {wrong:?}"
            );
        }
    }
}

fn broken_pipes() {
    let folder = scratch("manners-broken");
    fs::write(folder.join("log"), capture()).expect("a file");
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["tap", "--help"],
        &["prices"],
        &["prices", "--format", "json"],
        &["prices", "--model", "gpt-4o"],
        &["completions", "bash"],
        &["man"],
        &["summarise", "log"],
        &["summarise", "--format", "json", "log"],
        &["summarise", "--format", "csv", "log"],
        &["run", "--dry-run", "curl", "x"],
        &["tap", "-q"],
        &["run", "-q", "cat", "log"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = tokensense();
        command
            .args(arguments)
            .current_dir(&folder)
            .stdout(writer)
            .stderr(Stdio::piped());
        command.stdin(fs::File::open(folder.join("log")).expect("a file"));
        let run = end(command.spawn().expect("the binary"));
        assert_eq!(
            run.status.signal(),
            Some(13),
            "{arguments:?}: {:?} {}",
            run.status,
            run.stderr
        );
        assert!(
            !run.stderr.contains("panicked") && !run.stderr.contains("cannot write"),
            "{}",
            run.stderr
        );
    }
}

/// What a summary says of how many responses there are.
fn responses(run: &common::bounded::Run) -> Value {
    let summary: Value = serde_json::from_slice(&run.stdout).expect("a summary");
    summary["total"]["responses"].clone()
}

fn crlf_lists() {
    let folder = scratch("manners-crlf");
    for name in ["one", "two\r"] {
        fs::write(folder.join(name), capture()).expect("a file");
    }
    let list = format!("{0}/one\r\n\r\n{0}/two\r\n", folder.display());
    let mut command = tokensense();
    command.args([
        "summarise",
        "--format",
        "json",
        "--no-dedup",
        "--files-from",
        "-",
    ]);
    let run = feed(&mut command, list.as_bytes());
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    assert_eq!(responses(&run), 2, "{}", run.stderr);
}

fn skippable_frame() {
    let folder = scratch("manners-skippable");
    let file = folder.join("log.zst");
    let packed = zstd::encode_all(&capture()[..], 1).expect("memory");
    for number in [0x50, 0x5f] {
        let skipped = [&[number, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
        fs::write(&file, [&skipped[..], &packed, &skipped].concat()).expect("a file");
        let run = feed(
            tokensense()
                .args(["summarise", "--format", "json"])
                .arg(&file),
            b"",
        );
        assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
        let summary: Value = serde_json::from_slice(&run.stdout).expect("a summary");
        assert_eq!(summary["total"]["output_tokens"], 24, "{summary}");
    }
}

fn formulas_within() {
    let folder = scratch("manners-formulas");
    let file = folder.join("records.csv");
    for value in ["a;=1+1", "a;@b;-2;+3", "a;'=b", "'a;b", ";;=x", "a;b"] {
        let _ = fs::remove_file(&file);
        let mut command = tokensense();
        command.args([
            "tap",
            "--columns",
            "schema,model,label.x",
            "--label",
            &format!("x={value}"),
            "-o",
        ]);
        feed(command.arg(&file), &capture());
        let text = fs::read_to_string(&file).expect("records");
        let row = text.lines().nth(1).expect("a row");
        let cells = row.trim_matches('"').split([';', ',']);
        for cell in cells {
            assert!(
                !cell.trim_matches('"').starts_with(['=', '+', '-', '@']),
                "{value}: {row}"
            );
        }
        let run = feed(
            tokensense()
                .args(["summarise", "--format", "json", "--by", "label.x"])
                .arg(&file),
            b"",
        );
        let summary: Value = serde_json::from_slice(&run.stdout).expect("a summary");
        assert_eq!(summary["groups"][0]["label.x"], value, "{summary}");
    }
}

fn huge_numbers() {
    for number in ["1e400", "-1e400", "1E+999", &"9".repeat(400)] {
        let chunk = format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"odd\":{number},\"choices\":[{{\"index\":0,\"delta\":\
             {{\"content\":\"x\"}},\"logprob\":{number},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":5,\
             \"completion_tokens\":7,\"odd\":{number}}}}}\n\ndata: [DONE]\n\n"
        );
        let run = feed(tokensense().arg("tap"), chunk.as_bytes());
        let record: Value =
            serde_json::from_str(&run.stderr.replace(number, "null")).expect("a record");
        assert_eq!(
            (&record["input_tokens"], &record["output_tokens"]),
            (&5.into(), &7.into()),
            "{record}"
        );
        assert_eq!(
            (&record["status"], &record["events_skipped"]),
            (&"complete".into(), &0.into()),
            "{record}"
        );
    }
}

fn emitted_json() {
    let event = |text: &[u8]| {
        let (before, after) = (
            &b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a"[..],
            &b"b\"}}]}\n\n"[..],
        );
        [before, text, after].concat()
    };
    for odd in [
        &b"\xff\xfe"[..],
        b"\x01\x1f",
        b"\\ud83d",
        b"\xed\xa0\x80",
        b"\0",
        b"\xc3",
        b"\\u12",
        b"\\x",
    ] {
        let input = [event(b""), event(odd), event(b"")].concat();
        let run = feed(tokensense().args(["tap", "-q", "--emit", "data"]), &input);
        let lines: Vec<_> = run
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .collect();
        assert!(lines.len() >= 2, "{}", odd.escape_ascii());
        for line in lines {
            let text = std::str::from_utf8(line).expect("UTF-8");
            let json: Result<&serde_json::value::RawValue, _> = serde_json::from_str(text);
            assert!(json.is_ok(), "{}: {text}", odd.escape_ascii());
        }
    }
}

fn pipe_sizes() {
    let (reader, mut input) = std::io::pipe().expect("a pipe");
    let (mut output, writer) = std::io::pipe().expect("a pipe");
    let size = |pipe: &dyn std::os::fd::AsFd| fcntl_getpipe_size(pipe.as_fd()).expect("a pipe");
    let before = (size(&input), size(&output));
    let mut command = tokensense();
    command.args(["tap", "-q"]).stdin(reader).stdout(writer);
    let mut child = command.spawn().expect("the binary");
    drop(command);
    let keep = input.try_clone().expect("a descriptor");
    let largest = std::thread::scope(|scope| {
        scope.spawn(move || {
            let piece = vec![b'x'; 64 << 10];
            for _ in 0..200 {
                input.write_all(&piece).expect("a reader");
            }
        });
        let mut largest = 0;
        let mut buffer = vec![0; 64 << 10];
        for _ in 0..200 {
            output.read_exact(&mut buffer).expect("as much as went in");
            largest = largest.max(size(&output));
        }
        largest
    });
    // Forty bulk streams, of two pipes each, have room within what a user may have.
    assert!(largest <= (64 << 20) / 80, "{largest}");
    let watched = keep.try_clone().expect("a descriptor");
    drop(keep);
    // The other end of the input is closed with the child: what it was is seen before.
    drop(watched);
    assert!(common::bounded::wait(&mut child).success());
    assert_eq!(size(&output), before.1);
}

fn shared_input() {
    let lines: Vec<u8> = (0..400_000)
        .flat_map(|n| format!("{n:07}\n").into_bytes())
        .collect();
    let folder = scratch("manners-shared");
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut taps = Vec::new();
    for name in ["one", "two"] {
        let mut command = isolated("sh");
        command.args([
            "-c",
            &format!(
                "exec 3<&0; \"$TAP\" tap -q <&3 | cat > {}/{name}",
                folder.display()
            ),
        ]);
        command
            .env("TAP", BINARY)
            .stdin(reader.try_clone().expect("a descriptor"));
        taps.push(command.spawn().expect("a shell"));
    }
    drop(reader);
    // Both wait for it.
    std::thread::sleep(std::time::Duration::from_millis(500));
    for piece in lines.chunks(64 << 10) {
        writer.write_all(piece).expect("readers");
    }
    drop(writer);
    for mut tap in taps {
        assert!(common::bounded::wait(&mut tap).success());
    }
    let came: usize = ["one", "two"]
        .map(|name| fs::metadata(folder.join(name)).expect("a file").len() as usize)
        .iter()
        .sum();
    assert_eq!(came, lines.len());
}

fn large_body() {
    let folder = scratch("manners-large");
    let file = folder.join("body");
    let megabytes = if std::env::var_os("FULL").is_some() {
        200
    } else {
        60
    };
    let piece = vec![b'x'; 1 << 20];
    let mut body = fs::File::create(&file).expect("a file");
    body.write_all(b"{\"stream\":true,\"x\":\"").expect("space");
    for _ in 0..megabytes {
        body.write_all(&piece).expect("space");
    }
    body.write_all(b"\"}").expect("space");
    // A stand-in that says how much of its file it was given.
    let curl = folder.join("curl");
    let script =
        "#!/bin/sh\nwhile [ \"$1\" != --data-binary ]; do shift; done\nwc -c < \"${2#@}\"\n";
    fs::write(&curl, script).expect("a script");
    Command::new("chmod")
        .arg("+x")
        .arg(&curl)
        .status()
        .expect("chmod");
    // In address space that has no room for it.
    let run = feed(
        isolated("sh")
            .args(["-c", "ulimit -v 150000; exec \"$TAP\" run -q -- \"$CURL\" --data-binary @\"$FILE\" localhost/v1/chat/completions"])
            .envs([("TAP", BINARY.as_ref()), ("CURL", curl.as_os_str()), ("FILE", file.as_os_str())]),
        b"",
    );
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    let came: u64 = String::from_utf8_lossy(&run.stdout)
        .trim()
        .parse()
        .expect("a number");
    assert_eq!(came, fs::metadata(&file).expect("a file").len());
    fs::remove_file(&file).expect("the file");
}
