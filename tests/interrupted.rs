//! What becomes of a stream that does not come to its end: signals, readers that go away, limits.

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use common::{scratch, tokensense};

const STREAM: &str = "testdata/anthropic.messages/stream.sse";
const CHAT: &str = "testdata/openai.chat/usage.sse";

/// A tap between two pipes that the test holds.
struct Tap {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    record: PathBuf,
}

impl Tap {
    fn new(name: &str, options: &[&str]) -> Self {
        Self::reading(Stdio::piped(), name, options)
    }

    fn reading(stdin: Stdio, name: &str, options: &[&str]) -> Self {
        let record = scratch(&format!("interrupted-{name}")).join("record.json");
        let mut child = tokensense()
            .arg("tap")
            .arg("-o")
            .arg(&record)
            .args(options)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            child,
            record,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stdin
            .as_mut()
            .expect("open")
            .write_all(bytes)
            .expect("a reader");
    }

    /// Reads so many bytes: then they have gone through.
    fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.stdout
            .as_mut()
            .expect("open")
            .read_exact(&mut bytes)
            .expect("readable");
        bytes
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a living process");
    }

    /// Waits for the end, and says how long it took.
    fn end(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.record).expect("a record file");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a whole record"))
            .collect()
    }

    fn only_record(&self) -> Value {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bytes(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a capture")
}

const SIGNALS: [(Signal, i32, &str); 3] = [
    (Signal::INT, 2, "SIGINT"),
    (Signal::TERM, 15, "SIGTERM"),
    (Signal::HUP, 1, "SIGHUP"),
];

/// A partial Anthropic stream: the input is exact, the output an estimate and never the placeholder.
fn assert_cancelled(record: &Value, ended_by: &str) {
    assert_eq!(record["status"], "cancelled", "{record}");
    assert_eq!(record["partial"], true, "{record}");
    assert_eq!(record["ended_by"], ended_by, "{record}");
    assert_eq!(record["input_tokens"], 1000, "{record}");
    let estimated: Vec<_> = record["estimated"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert!(
        estimated.contains(&&Value::from("output_tokens")),
        "{record}"
    );
    assert!(record["output_tokens"].as_u64() > Some(1), "{record}");
}

#[test]
fn signal_while_idle() {
    let stream = bytes(STREAM);
    for (signal, number, name) in SIGNALS {
        let mut tap = Tap::new(&format!("idle-{name}"), &[]);
        tap.write(&stream[..2000]);
        assert_eq!(tap.read(2000), &stream[..2000]);
        tap.signal(signal);
        let (status, took) = tap.end();
        assert_eq!(status.signal(), Some(number), "{name}");
        assert_cancelled(&tap.only_record(), name);
        println!("{name} while idle: {took:?}");
    }
}

#[test]
fn signal_in_mid_event() {
    let stream = bytes(STREAM);
    let cut = stream
        .windows(9)
        .position(|w| w == b"\" turns\"}")
        .expect("an event")
        + 3;
    for (signal, number, name) in SIGNALS {
        let mut tap = Tap::new(&format!("mid-{name}"), &[]);
        tap.write(&stream[..cut]);
        tap.read(cut);
        tap.signal(signal);
        let (status, _) = tap.end();
        assert_eq!(status.signal(), Some(number), "{name}");
        assert_cancelled(&tap.only_record(), name);
    }
}

/// What lay ready before the tap began is read before signals are caught: none is missed for that.
#[test]
fn signal_after_what_lay_ready() {
    let stream = bytes(STREAM);
    for (signal, number, name) in SIGNALS {
        let (input, mut upstream) = std::io::pipe().expect("a pipe");
        upstream.write_all(&stream[..2000]).expect("room");
        let mut tap = Tap::reading(input.into(), &format!("ready-{name}"), &[]);
        assert_eq!(tap.read(2000), &stream[..2000], "{name}");
        tap.signal(signal);
        assert_eq!(tap.end().0.signal(), Some(number), "{name}");
        assert_cancelled(&tap.only_record(), name);
    }
}

/// What has arrived when the signal comes is still forwarded.
#[test]
fn signal_loses_nothing_that_arrived() {
    let stream = bytes(STREAM);
    for round in 0..10 {
        let mut tap = Tap::new("arrived", &[]);
        tap.write(&stream[..500]);
        let mut through = tap.read(500);
        tap.write(&stream[500..2000 + round]);
        tap.signal(Signal::TERM);
        tap.stdout
            .take()
            .expect("open")
            .read_to_end(&mut through)
            .expect("readable");
        assert_eq!(through, &stream[..2000 + round], "round {round}");
        assert_eq!(tap.only_record()["bytes"], 2000 + round);
    }
}

#[test]
fn signal_while_the_reader_stalls() {
    let stream = bytes(STREAM);
    for (signal, number, name) in SIGNALS {
        let mut tap = Tap::new(&format!("stalled-{name}"), &[]);
        tap.write(&stream[..2000]);
        tap.read(2000);
        // More than both pipes hold: the write is blocked from here on.
        let mut stdin = tap.stdin.take().expect("open");
        let filler = std::thread::spawn(move || {
            let comment = b": waiting\n\n".repeat(1000);
            while stdin.write_all(&comment).is_ok() {}
        });
        wait_until_blocked(&tap.child);
        tap.signal(signal);
        let (status, took) = tap.end();
        assert_eq!(status.signal(), Some(number), "{name}");
        assert_cancelled(&tap.only_record(), name);
        filler.join().expect("the writer ends when the tap does");
        println!("{name} while the reader stalls: {took:?}");
    }
}

/// Waits until the child's main thread sleeps in the kernel and stays there.
fn wait_until_blocked(child: &Child) {
    let stat = format!("/proc/{0}/task/{0}/stat", child.id());
    let mut asleep = 0;
    let begun = Instant::now();
    while asleep < 20 {
        let text = fs::read_to_string(&stat).expect("a living process");
        let sleeps = text
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" S"));
        asleep = if sleeps { asleep + 1 } else { 0 };
        assert!(begun.elapsed() < Duration::from_secs(10), "never blocked");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn signal_after_the_reader_went_away_and_the_rest_is_drained() {
    let stream = bytes(STREAM);
    for (signal, number, name) in SIGNALS {
        let mut tap = Tap::new(&format!("gone-{name}"), &["--drain"]);
        tap.write(&stream[..2000]);
        tap.read(2000);
        tap.stdout = None;
        tap.write(&stream[2000..2100]);
        wait_until_blocked(&tap.child);
        tap.signal(signal);
        let (status, _) = tap.end();
        assert_eq!(status.signal(), Some(number), "{name}");
        assert_cancelled(&tap.only_record(), name);
    }
}

/// Noticed although nothing is being written, so that the upstream is stopped.
#[test]
fn reader_gone_while_idle() {
    let stream = bytes(STREAM);
    let mut quickest = Duration::MAX;
    // Of a few tries one has to be undisturbed by the rest of the machine.
    for _ in 0..5 {
        let mut tap = Tap::new("gone-idle", &[]);
        tap.write(&stream);
        tap.read(stream.len());
        tap.stdout = None;
        let (status, took) = tap.end();
        assert_eq!(status.signal(), Some(13));
        quickest = quickest.min(took);
        // The end marker had been delivered.
        let record = tap.only_record();
        assert_eq!(
            (&record["status"], &record["partial"]),
            (&"complete".into(), &false.into())
        );
        assert_eq!(record["output_tokens"], 24);
        assert_eq!(record["ended_by"], "downstream");
        // The upstream learns of it.
        let error = tap
            .stdin
            .as_mut()
            .expect("open")
            .write_all(b"x")
            .expect_err("nobody reads");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
    assert!(
        quickest < Duration::from_millis(100),
        "it took {quickest:?}"
    );
}

#[test]
fn reader_gone_in_mid_stream() {
    let stream = bytes(STREAM);
    let mut tap = Tap::new("gone-mid", &[]);
    tap.write(&stream[..2000]);
    tap.read(2000);
    tap.stdout = None;
    let (status, took) = tap.end();
    assert_eq!(status.signal(), Some(13));
    assert_cancelled(&tap.only_record(), "downstream");
    println!("reader gone: {took:?}");
}

#[test]
fn drain_reads_on_for_exact_usage() {
    let stream = bytes(STREAM);
    let mut tap = Tap::new("drain", &["--drain"]);
    tap.write(&stream[..1000]);
    tap.read(1000);
    tap.stdout = None;
    tap.write(&stream[1000..]);
    tap.stdin = None;
    let (status, _) = tap.end();
    assert_eq!(status.signal(), Some(13));
    let record = tap.only_record();
    assert_eq!(record["status"], "complete");
    assert_eq!(record["output_tokens"], 24);
    assert_eq!(record["estimated"], Value::Array(Vec::new()));
}

#[test]
fn token_limit_stops_the_stream() {
    let stream = bytes(CHAT);
    let events: Vec<_> = stream.split_inclusive(|b| *b == b'\n').collect();
    let mut tap = Tap::new("limit", &["--max-output-tokens", "5"]);
    let mut forwarded = 0;
    for event in events {
        if tap.stdin.as_mut().expect("open").write_all(event).is_err() {
            break;
        }
        forwarded += event.len();
        // Only what has come out has been counted.
        let mut out = vec![0; event.len()];
        if tap
            .stdout
            .as_mut()
            .expect("open")
            .read_exact(&mut out)
            .is_err()
        {
            break;
        }
    }
    assert!(
        forwarded < stream.len() / 2,
        "{forwarded} of {} went through",
        stream.len()
    );
    let (status, _) = tap.end();
    assert_eq!(status.code(), Some(4));
    let record = tap.only_record();
    assert_eq!(record["ended_by"], "limit");
    assert_eq!(record["status"], "cancelled");
    assert!(record["output_tokens"].as_u64() > Some(5), "{record}");
    assert!(record["output_tokens"].as_u64() < Some(12), "{record}");
}

/// The limit counts all responses of a pipe.
#[test]
fn token_limit_over_several_responses() {
    let stream = bytes(CHAT);
    let mut tap = Tap::new("limit-sum", &["--max-output-tokens", "40"]);
    tap.write(&stream);
    tap.read(stream.len());
    assert_eq!(
        tap.child.try_wait().expect("a child"),
        None,
        "24 tokens are within the limit"
    );
    tap.write(&stream);
    let (status, _) = tap.end();
    assert_eq!(status.code(), Some(4));
    assert_eq!(tap.records().len(), 2);
}

fn strict(capture: &str) -> Option<i32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(capture);
    let mut command = tokensense();
    command
        .args(["tap", "-q", "--strict"])
        .stdout(Stdio::null());
    let status = command
        .stdin(fs::File::open(path).expect("a capture"))
        .status();
    status.expect("the binary").code()
}

#[test]
fn strict_exit_status() {
    for (capture, want) in [
        ("openai.chat/usage.sse", 0),
        ("openai.chat/truncated.sse", 3),
        ("openai.chat/error.json", 3),
        ("framing/html.html", 3),
        ("framing/several.sse", 0),
        ("framing/empty.sse", 0),
    ] {
        assert_eq!(strict(capture), Some(want), "{capture}");
    }
}

/// Every capture cut at twenty places: partial unless its end had come, estimated, and never a placeholder.
#[test]
fn cut_anywhere() {
    use tokensense::{EndedBy, Measure, Meter, Status};

    for capture in common::captures() {
        let name = capture.display();
        let bytes = fs::read(&capture).expect("a capture");
        for part in 1..=20 {
            let cut = bytes.len() * part / 21;
            let mut meter = Meter::new();
            meter.feed(&bytes[..cut]);
            meter.finish(EndedBy::Upstream);
            while let Some(reading) = meter.next_reading() {
                if reading.api.is_none() {
                    continue;
                }
                let output = reading.usage.get(Measure::Output);
                match reading.status {
                    Status::Complete => assert!(!reading.partial, "{name} at {cut}"),
                    Status::Truncated => {
                        assert!(reading.partial, "{name} at {cut}");
                        let anthropic = reading.api == Some("anthropic.messages");
                        if anthropic && output.is_some_and(|output| !output.estimated) {
                            // Only what a message_delta states is a count, or a body.
                            let text = String::from_utf8_lossy(&bytes[..cut]);
                            let counted = text.contains("message_delta") || text.starts_with('{');
                            assert!(counted, "{name} at {cut}");
                        }
                    }
                    Status::Error => {}
                    other => panic!("{name} at {cut}: {other:?}"),
                }
            }
        }
    }
}

/// Whoever presses Ctrl-C signals all of a pipeline at once. Where the one that writes dies first, its end is no end of
/// the stream: the record says what ended it.
#[test]
fn a_signal_to_all_of_a_pipeline() {
    let tries = match std::env::var("FULL").as_deref() {
        Ok("1") => 1000,
        _ => 20,
    };
    let begun = fs::read_to_string(CHAT).expect("a capture");
    let begun = begun.split_inclusive("\n\n").next().expect("an event");
    for number in 0..tries {
        let record = scratch("interrupted-all").join("record.json");
        let (input, mut front) = std::io::pipe().expect("a pipe");
        // Once it has been written to, the writer alone holds the pipe open.
        let mut writer = std::process::Command::new("sleep")
            .arg("100")
            .stdout(front.try_clone().expect("a descriptor"))
            .spawn()
            .expect("sleep");
        let mut tap = tokensense()
            .args(["tap", "-o"])
            .arg(&record)
            .stdin(input)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        front.write_all(begun.as_bytes()).expect("a reader");
        drop(front);
        let mut came = vec![0; begun.len()];
        let output = tap.stdout.as_mut().expect("open");
        output.read_exact(&mut came).expect("all that was sent");
        for child in [&writer, &tap] {
            kill_process(Pid::from_child(child), Signal::INT).expect("a living process");
        }
        writer.wait().expect("a child");
        let status = common::ended(tap);
        assert_eq!(status.signal(), Some(2), "try {number}: {status}");
        let text = fs::read_to_string(&record).expect("a record");
        let record: Value = serde_json::from_str(&text).expect("one record");
        assert_eq!(record["status"], "cancelled", "try {number}: {record}");
        assert_eq!(record["ended_by"], "SIGINT", "try {number}: {record}");
    }
}
