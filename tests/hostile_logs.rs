//! Logs made to break things: `summarise` reads them in bounded memory and time, and destroys nothing.

mod common;
#[path = "common/page.rs"]
mod page;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use common::bounded::{Run, end, feed};
use common::{BINARY, isolated, scratch, tokensense};

page::rows! {
    endless: "a line, an event, a record of 1 GiB" => "passed over",
    bombs: "1 GiB of zeros in gzip or zstd" => "read to the end; named as not recognised, exit 1",
    window: "zstd that needs 2 GiB of memory to unpack" => "one sentence names the file, exit 1",
    nested: "gzip within gzip" => "unpacked once; named as not recognised, exit 1",
    copies: "one response twenty thousand times over, packed" => "counted once",
    names: "labels and file names with line ends, escapes, bidirectional overrides" => "one row each; never reach the table, JSON or CSV as they are",
    sums: "counts and costs whose sums overflow" => "sums stop at the largest number",
    traps: "`--records` that is an input by any name: a link, `..`, standard input, a list, a price file" => "exit 2 before a byte is read or written",
    folder: "`--records` that is a folder or stands in none" => "exit 2 before a byte is read",
}

#[test]
fn page_is_true() {
    page::check("Hostile logs", ROWS);
}

/// A summary by one thread, in so little address space that nothing large is kept.
fn bounded() -> Command {
    let mut command = isolated("sh");
    let script = "ulimit -v 200000; exec \"$TAP\" summarise -j1 --format=json \"$@\"";
    command.args(["-c", script, "sh"]).env("TAP", BINARY);
    command
}

fn total(run: &Run) -> Value {
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    let summary: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    summary["total"].clone()
}

/// Holds that the one file was read to its end and found to be nothing known; gives how long it was.
fn nothing_known(run: &Run) -> u64 {
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("nothing that is known"),
        "{}",
        run.stderr
    );
    let summary: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(summary["total"]["responses"], 0);
    assert_eq!(summary["inputs"]["files_unrecognised"], 1);
    summary["inputs"]["bytes_read"].as_u64().expect("a number")
}

fn capture() -> Vec<u8> {
    fs::read("testdata/openai.chat/usage.sse").expect("a capture")
}

fn record(model: &str, label: &str) -> String {
    let record = json!({
        "schema": "tokensense/1", "model": model, "status": "complete", "partial": false,
        "input_tokens": u64::MAX, "output_tokens": u64::MAX,
        "cost_usd": "COST", "labels": {"team": label},
    });
    // No JSON value of serde_json's holds so great a number.
    let cost = "50000000000000000000000000000";
    record.to_string().replace("\"COST\"", cost) + "\n"
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

fn endless() {
    let started = record("m", "") + "{\"schema\":\"";
    for begin in ["data: ", "{\"a\":\"", &started] {
        let mut command = bounded();
        command.arg("-").stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(begin.as_bytes()).expect("a reader");
        let block = vec![b'x'; 1 << 20];
        for _ in 0..1024 {
            input.write_all(&block).expect("a reader");
        }
        drop(input);
        let run = end(child);
        assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
        let summary: Value = serde_json::from_slice(&run.stdout).expect("JSON");
        assert!(summary["inputs"]["bytes_read"].as_u64() > Some(1 << 30));
    }
}

fn bombs() {
    let folder = scratch("logs-bombs");
    let zeros = vec![0; 16 << 20];
    for (name, packed) in [("zeros.gz", gzip(&zeros)), ("zeros.zst", zstd(&zeros))] {
        let file = folder.join(name);
        // Packed streams may stand one after another.
        fs::write(&file, packed.repeat(64)).expect("a file");
        let read = nothing_known(&feed(bounded().arg(&file), b""));
        assert_eq!(read, packed.len() as u64 * 64);
    }
}

fn window() {
    let file = scratch("logs-window").join("wide.zst");
    // No length, a window of 2^31, one last block of a byte as it is.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3, 9, 0, 0, b'x'];
    fs::write(&file, frame).expect("a file");
    let run = feed(bounded().arg(&file), b"");
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stderr.contains("wide.zst: "), "{}", run.stderr);
}

fn nested() {
    let file = scratch("logs-nested").join("twice.gz");
    fs::write(&file, gzip(&gzip(&capture()))).expect("a file");
    nothing_known(&feed(bounded().arg(&file), b""));
}

fn copies() {
    let file = scratch("logs-copies").join("copies.gz");
    let packed = gzip(&capture().repeat(1000));
    fs::write(&file, packed.repeat(20)).expect("a file");
    let total = total(&feed(bounded().arg(&file), b""));
    assert_eq!(
        (&total["responses"], &total["output_tokens"]),
        (&1.into(), &24.into())
    );
}

fn names() {
    let odd = "a\u{1b}[31m\u{9b}1m\u{7f}\u{202e}\u{2066}\r\n\tb";
    let file = scratch("logs-names").join(odd);
    fs::write(&file, record(odd, odd).replace("18446744073709551615", "1")).expect("a file");
    for (format, lines) in [("table", 3), ("json", 1), ("csv", 2)] {
        let mut command = tokensense();
        command.args([
            "summarise",
            "--by=model,label.team,file",
            "--format",
            format,
        ]);
        let run = feed(command.arg(&file), b"");
        let text = String::from_utf8(run.stdout).expect("UTF-8");
        assert_eq!(text.lines().count(), lines, "{}", text.escape_debug());
        let harmful =
            |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2066}'));
        assert!(!text.contains(harmful), "{}", text.escape_debug());
        if format == "json" {
            let summary: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(summary["groups"][0]["label.team"], odd);
        }
    }
}

fn sums() {
    let file = scratch("logs-sums").join("records");
    let records: String = (0..5).map(|n| record(&format!("m{n}"), "")).collect();
    fs::write(&file, records).expect("a file");
    let run = feed(bounded().arg(&file), b"");
    assert_eq!(total(&run)["input_tokens"], u64::MAX);
    let summary = String::from_utf8(run.stdout).expect("text");
    let total = common::json::member(&summary, "total");
    assert_eq!(
        common::json::member(&total, "cost_usd"),
        "79228162514264337593543950335"
    );
    // Its shares too are more than a hundredth of that.
    let run = feed(tokensense().arg("summarise").arg(&file), b"");
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
}

/// That nothing is touched of a file of logs, with these arguments and this on standard input.
fn assert_refused(logs: &Path, inputs: &[&Path], stdin: Option<&Path>, records: &Path) {
    fs::write(logs, capture()).expect("a file");
    let mut command = tokensense();
    command
        .arg("summarise")
        .args(inputs)
        .arg("--records")
        .arg(records);
    if let Some(stdin) = stdin {
        command.stdin(File::open(stdin).expect("a file"));
    }
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = end(output.spawn().expect("the binary"));
    assert_eq!(run.status.code(), Some(2), "{}", records.display());
    assert!(
        run.stderr.contains("--records") && run.stderr.lines().count() == 1,
        "{}",
        run.stderr
    );
    assert!(
        fs::read(logs).expect("a file") == capture(),
        "{}",
        records.display()
    );
}

fn traps() {
    let folder = scratch("logs-traps");
    let logs = folder.join("logs");
    fs::write(&logs, capture()).expect("a file");
    let [soft, hard] = ["soft", "hard"].map(|name| folder.join(name));
    symlink(&logs, &soft).expect("a link");
    fs::hard_link(&logs, &hard).expect("a link");
    let around: PathBuf = [&folder, Path::new("../logs-traps/logs")]
        .into_iter()
        .collect();
    for records in [&logs, &soft, &hard, &around] {
        assert_refused(&logs, &[&logs], None, records);
        assert_refused(&logs, &["-".as_ref()], Some(&logs), records);
    }
    for input in [&folder, &soft, &hard] {
        assert_refused(&logs, &[input], None, &logs);
    }
    let prices = folder.join("prices");
    fs::write(&prices, r#"{"m":{"input_cost_per_token":0.1}}"#).expect("a file");
    assert_refused(&logs, &["--prices".as_ref(), &prices, &logs], None, &prices);
    assert_refused(&logs, &["--files-from".as_ref(), &logs], None, &logs);
    assert!(fs::metadata(&prices).expect("a file").len() > 0);
}

fn folder() {
    let folder = scratch("logs-folder");
    let logs = folder.join("logs");
    for records in [
        folder.clone(),
        folder.join("none/records.csv"),
        logs.join("records.csv"),
    ] {
        assert_refused(&logs, &[&logs], None, &records);
    }
}
