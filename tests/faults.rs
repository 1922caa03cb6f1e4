//! The fault table: what each fault around a tap gives, with the real binary.

mod common;
#[path = "common/page.rs"]
mod page;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use common::bounded::{Leash, Run, end, feed, until, wait};
use common::{BINARY, isolated, scratch, tokensense};

page::rows! {
    stdin_closed: "stdin closed" => "an `empty` record, exit 0",
    stdout_closed: "stdout closed" => "as `>/dev/null`: the record is complete, exit 0",
    stderr_closed: "stderr closed" => "whole, exit 0; only `--output` gets the record",
    stdout_full: "stdout on a full disk" => "one sentence, the record counts what went out, exit 1",
    stderr_full: "stderr on a full disk" => "whole, exit 0",
    stderr_stalled: "stderr that nobody reads for a while" => "whole, no record is lost; once its pipe is full the stream waits for it",
    stderr_stalled_signal: "a signal, or the reader gone, while nobody reads stderr" => "ends by that signal, after 3 s; the record in flight is lost",
    record_full: "record file on a full disk" => "whole; the record goes to stderr, one sentence names the file, exit 1",
    record_stdout_full: "`--output -` to a full disk" => "the record goes to stderr, one sentence, exit 1",
    record_half: "disk full in the middle of a record (`ulimit -f`)" => "whole; the file keeps whole lines only, the rest goes to stderr, exit 1",
    record_removed: "record file removed or replaced while running" => "whole; the next record begins a new file",
    record_folder_removed: "record file's folder removed while running" => "whole; the record goes to stderr, exit 1",
    record_unusable: "record file that cannot be opened" => "exit 2 before the first byte is read",
    record_header: "record file with another CSV header" => "exit 2 before the first byte is read",
    record_locked: "record file locked by another program" => "whole; it waits once for the lock, for 0.1 s",
    record_broken: "record file that ends in half a line" => "the next record begins a line of its own",
    read_error: "read error in the middle of the stream" => "what came is forwarded, the record says `truncated`, one sentence, exit 1",
    read_folder: "stdin that cannot be read" => "one sentence, exit 1",
    non_blocking: "non-blocking stdin and stdout" => "whole, exit 0; the descriptors stay as they are",
    pipe_ignored: "SIGPIPE ignored by the parent" => "a reader that goes away still ends it by SIGPIPE, the record is written",
    hangup_ignored: "SIGHUP ignored by the parent (`nohup`)" => "stays ignored, whole, exit 0",
    signals_blocked: "signals blocked by the parent" => "stay blocked, whole; a reader that goes away still ends it by SIGPIPE",
    stopped: "SIGSTOP and SIGCONT" => "whole, exit 0",
    killed: "SIGKILL" => "only the record in flight is lost, the file holds whole lines",
    few_descriptors: "few descriptors: `ulimit -n 4` and up (with 3 no program can load its libraries)" => "whole, the record is on stderr, signals still end it",
    little_memory: "little memory: `ulimit -v` of 40 MB, of 200 MB where tokens are to be estimated" => "whole, the record is complete, exit 0",
    bare_environment: "no environment, HOME read-only, TMPDIR unset" => "whole, exit 0",
    clock: "clock set back while running" => "durations come from a clock that never goes back, and are never negative",
}

#[test]
fn page_is_true() {
    page::check("Faults", ROWS);
}

fn capture() -> Vec<u8> {
    fs::read("testdata/openai.chat/usage.sse").expect("a capture")
}

/// A shell that knows the binary as `$TAP`.
fn shell(script: &str) -> Command {
    let mut command = isolated("sh");
    command.args(["-c", script]).env("TAP", BINARY);
    command
}

fn run(script: &str) -> Run {
    feed(&mut shell(script), &capture())
}

/// The records in a text, and the other lines.
fn parse(text: &str) -> (Vec<Value>, Vec<&str>) {
    let (records, others): (Vec<&str>, _) = text.lines().partition(|line| line.starts_with('{'));
    let record = |line: &&str| serde_json::from_str(line).expect("a whole record");
    (records.iter().map(record).collect(), others)
}

/// The only record in a text, and the only other line if there is one.
fn only(text: &str) -> (Value, &str) {
    let (mut records, others) = parse(text);
    assert_eq!((records.len(), others.len().max(1)), (1, 1), "{text}");
    (
        records.remove(0),
        others.first().copied().unwrap_or_default(),
    )
}

fn records(path: &Path) -> Vec<Value> {
    parse(&fs::read_to_string(path).unwrap_or_default()).0
}

fn assert_complete(record: &Value) {
    assert_eq!(record["status"], "complete", "{record}");
    assert_eq!(record["output_tokens"], 24, "{record}");
}

fn assert_whole(run: &Run) {
    assert!(run.stdout == capture(), "{} bytes came", run.stdout.len());
}

/// A tap under way, its stream in the test's hand.
struct Tap {
    child: Leash,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
}

impl Tap {
    fn new(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the command");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let child = Leash(child);
        Self {
            child,
            stdin,
            stdout,
        }
    }

    fn append_to(record: &Path) -> Self {
        Self::new(tokensense().arg("tap").arg("-o").arg(record))
    }

    /// Sends bytes and waits until they have come out.
    fn pass(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(bytes).expect("a reader");
        let mut came = vec![0; bytes.len()];
        let stdout = self.stdout.as_mut().expect("open");
        stdout.read_exact(&mut came).expect("all of it");
        assert!(came == bytes);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).expect("a living process");
    }

    /// Ends its input: its exit status.
    fn close(mut self) -> Option<i32> {
        self.stdin = None;
        wait(&mut self.child.0).code()
    }

    /// The signal that ends it.
    fn ended_by(mut self) -> Option<i32> {
        wait(&mut self.child.0).signal()
    }
}

fn stdin_closed() {
    let run = run("exec \"$TAP\" tap <&-");
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(only(&run.stderr).0["status"], "empty");
}

fn stdout_closed() {
    let run = run("exec \"$TAP\" tap >&-");
    assert_eq!(run.status.code(), Some(0));
    assert_complete(&only(&run.stderr).0);
}

fn stderr_closed() {
    let run = run("exec \"$TAP\" tap 2>&-");
    assert_eq!(run.status.code(), Some(0));
    assert_whole(&run);
}

fn stdout_full() {
    let run = run("exec \"$TAP\" tap >/dev/full");
    assert_eq!(run.status.code(), Some(1));
    let (record, sentence) = only(&run.stderr);
    assert_eq!(record["bytes"], 0);
    assert!(sentence.contains("standard output"), "{sentence}");
}

fn stderr_full() {
    let run = run("exec \"$TAP\" tap 2>/dev/full");
    assert_eq!(run.status.code(), Some(0));
    assert_whole(&run);
}

fn stderr_stalled() {
    let input = capture().repeat(200);
    let mut command = tokensense();
    command
        .arg("tap")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary");
    let (mut stdin, mut stdout) = (
        child.stdin.take().expect("a pipe"),
        child.stdout.take().expect("a pipe"),
    );
    let mut came = Vec::new();
    let stderr = std::thread::scope(|scope| {
        scope.spawn(|| {
            stdin.write_all(&input).expect("a reader");
            drop(stdin);
        });
        scope.spawn(|| stdout.read_to_end(&mut came).expect("readable"));
        std::thread::sleep(Duration::from_millis(300));
        end(child).stderr
    });
    assert!(came == input);
    assert_eq!(parse(&stderr).0.len(), 200);
}

fn stderr_stalled_signal() {
    let mut command = tokensense();
    let mut tap = Tap::new(command.arg("tap").stderr(Stdio::piped()));
    let mut stdin = tap.stdin.take().expect("a pipe");
    let mut stdout = tap.stdout.take().expect("a pipe");
    let writer = std::thread::spawn(move || while stdin.write_all(&capture()).is_ok() {});
    let reader = std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    let stderr = tap.child.0.stderr.take().expect("a pipe");
    // How much a pipe holds depends on the length of what is written: it is full when no more comes.
    let mut held = (0, Instant::now());
    until("stderr is full", || {
        let now = rustix::io::ioctl_fionread(&stderr).expect("a pipe");
        if now != held.0 {
            held = (now, Instant::now());
        }
        held.0 > 10_000 && held.1.elapsed() > Duration::from_millis(200)
    });
    tap.signal(Signal::TERM);
    assert_eq!(tap.ended_by(), Some(15));
    writer.join().expect("the writer");
    reader.join().expect("the reader").expect("readable");
}

fn record_full() {
    let run = run("exec \"$TAP\" tap -o /dev/full");
    assert_eq!(run.status.code(), Some(1));
    assert_whole(&run);
    let (record, sentence) = only(&run.stderr);
    assert_complete(&record);
    assert!(sentence.contains("/dev/full"), "{sentence}");
}

fn record_stdout_full() {
    let run = run("exec \"$TAP\" tap --emit none -o - >/dev/full");
    assert_eq!(run.status.code(), Some(1));
    let (record, sentence) = only(&run.stderr);
    assert_complete(&record);
    assert!(sentence.contains("standard output"), "{sentence}");
}

fn record_half() {
    let file = scratch("faults-half").join("records.json");
    let input = capture().repeat(5);
    // In blocks of 512 bytes.
    let mut command = shell("ulimit -f 7; exec \"$TAP\" tap -o \"$FILE\"");
    let run = feed(command.env("FILE", &file), &input);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stdout == input);
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.ends_with('\n'), "{text}");
    let (kept, others) = parse(&text);
    let (told, _) = parse(&run.stderr);
    assert!(others.is_empty() && !kept.is_empty() && !told.is_empty());
    assert_eq!(kept.len() + told.len(), 5);
    kept.iter().chain(&told).for_each(assert_complete);
    // Not even where there is no stream.
    let mut command = shell("ulimit -f 0; exec \"$TAP\" tap -o \"$FILE\"");
    let run = feed(command.env("FILE", &file), b"");
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(only(&run.stderr).0["status"], "empty");
}

fn record_removed() {
    let folder = scratch("faults-removed");
    let (file, moved) = (folder.join("records.csv"), folder.join("records.csv.1"));
    let mut tap = Tap::append_to(&file);
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default().lines().count();
    tap.pass(&capture());
    // What begins a response ends the one before.
    tap.pass(&capture());
    until("the first record is written", || lines(&file) == 2);
    fs::rename(&file, &moved).expect("a file");
    tap.pass(&capture());
    until("the second record is written", || lines(&file) == 2);
    fs::remove_file(&file).expect("a file");
    assert_eq!(tap.close(), Some(0));
    assert_eq!(
        (lines(&moved), lines(&file)),
        (2, 2),
        "a header and a record each"
    );
}

fn record_folder_removed() {
    let folder = scratch("faults-folder");
    let file = folder.join("records.json");
    let mut command = tokensense();
    command
        .arg("tap")
        .arg("-o")
        .arg(&file)
        .stderr(Stdio::piped());
    let mut tap = Tap::new(&mut command);
    tap.pass(&capture());
    fs::remove_dir_all(&folder).expect("a folder");
    tap.stdin = None;
    let mut stderr = String::new();
    let from = tap.child.0.stderr.as_mut().expect("a pipe");
    from.read_to_string(&mut stderr).expect("readable");
    let (record, sentence) = only(&stderr);
    assert_complete(&record);
    assert!(sentence.contains("records.json"), "{sentence}");
    assert_eq!(tap.close(), Some(1));
}

/// Nothing of the input is taken: what comes after it in a shell still has it.
fn assert_refused(record: &Path) {
    let input = scratch("faults-refused").join("input");
    fs::write(&input, capture()).expect("a file");
    let mut command = shell("\"$TAP\" tap -o \"$FILE\"; echo $?; exec cat");
    command.env("FILE", record);
    command.stdin(File::open(&input).expect("a file"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = end(command.spawn().expect("a shell"));
    assert!(run.stdout == [b"2\n", capture().as_slice()].concat());
    let name = record.display().to_string();
    assert!(run.stderr.contains(&name), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

fn record_unusable() {
    assert_refused(Path::new("/"));
    assert_refused(Path::new("/nonexistent/records.json"));
}

fn record_header() {
    let file = scratch("faults-header").join("records.csv");
    fs::write(&file, "model,cost\n").expect("a file");
    assert_refused(&file);
}

fn record_locked() {
    for name in ["records.json", "records.csv"] {
        let file = scratch("faults-locked").join(name);
        assert_eq!(Tap::append_to(&file).close(), Some(0));
        let held = File::open(&file).expect("a file");
        flock(&held, FlockOperation::LockExclusive).expect("a lock");
        let mut tap = Tap::append_to(&file);
        tap.pass(&capture());
        assert_eq!(tap.close(), Some(0));
        let text = fs::read_to_string(&file).expect("a file");
        assert!(text.contains("openai.chat"), "{name}");
    }
}

fn record_broken() {
    let file = scratch("faults-broken").join("records.json");
    fs::write(&file, "{\"schema\":\"tokense").expect("a file");
    let mut tap = Tap::append_to(&file);
    tap.pass(&capture());
    assert_eq!(tap.close(), Some(0));
    let text = fs::read_to_string(&file).expect("a file");
    let last = text.lines().nth(1).expect("a second line");
    assert_complete(&serde_json::from_str(last).expect("a whole record"));
}

fn read_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut ours = TcpStream::connect(address).expect("a connection");
    let (theirs, _) = listener.accept().expect("a connection");
    let mut command = tokensense();
    command.arg("tap").stdin(OwnedFd::from(theirs));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    drop(command);
    let half = &capture()[..1000];
    ours.write_all(half).expect("a reader");
    let mut came = vec![0; half.len()];
    let stdout = child.stdout.as_mut().expect("a pipe");
    stdout.read_exact(&mut came).expect("what was sent");
    assert!(came == half);
    // A connection that is reset, not closed.
    let at_once = Some(Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(&ours, at_once).expect("a socket");
    drop(ours);
    let run = end(child);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    let (record, sentence) = only(&run.stderr);
    assert_eq!(record["status"], "truncated");
    assert!(sentence.contains("cannot read"), "{sentence}");
}

fn read_folder() {
    let run = run("exec \"$TAP\" tap </");
    assert_eq!(run.status.code(), Some(1));
    assert!(
        only(&run.stderr).1.contains("cannot read"),
        "{}",
        run.stderr
    );
}

fn non_blocking() {
    let (input, mut ours_in) = std::io::pipe().expect("a pipe");
    let (mut ours_out, output) = std::io::pipe().expect("a pipe");
    for fd in [
        OwnedFd::from(input.try_clone().expect("a pipe")),
        output.try_clone().expect("a pipe").into(),
    ] {
        fcntl_setfl(&fd, OFlags::NONBLOCK).expect("a pipe");
    }
    let kept = input.try_clone().expect("a pipe");
    let mut command = tokensense();
    command.args(["tap", "-q"]).stdin(input).stdout(output);
    let mut child = Leash(command.spawn().expect("the binary"));
    drop(command);
    // More than a pipe holds, to a reader that comes late.
    let sent = capture().repeat(100);
    let mut came = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for piece in sent.chunks(30_000) {
                ours_in.write_all(piece).expect("a reader");
            }
            drop(ours_in);
        });
        std::thread::sleep(Duration::from_millis(50));
        ours_out.read_to_end(&mut came).expect("readable");
    });
    assert!(came == sent);
    assert_eq!(wait(&mut child.0).code(), Some(0));
    let flags = rustix::fs::fcntl_getfl(&kept).expect("a pipe");
    assert!(flags.contains(OFlags::NONBLOCK));
}

/// A tap whose signals are set so, by coreutils' `env`.
fn under(setting: &str, record: &Path) -> Tap {
    let mut command = isolated("env");
    command.args([setting, BINARY, "tap", "-o"]).arg(record);
    Tap::new(&mut command)
}

fn pipe_ignored() {
    let file = scratch("faults-pipe").join("records.json");
    let mut tap = under("--ignore-signal=PIPE", &file);
    tap.pass(&capture()[..1000]);
    tap.stdout = None;
    assert_eq!(tap.ended_by(), Some(13));
    assert_eq!(records(&file)[0]["ended_by"], "downstream");
}

fn hangup_ignored() {
    let file = scratch("faults-hangup").join("records.json");
    let mut tap = under("--ignore-signal=HUP", &file);
    let (front, back) = (&capture()[..1000], &capture()[1000..]);
    tap.pass(front);
    tap.signal(Signal::HUP);
    tap.pass(back);
    assert_eq!(tap.close(), Some(0));
    assert_complete(&records(&file)[0]);
}

fn signals_blocked() {
    let file = scratch("faults-blocked").join("records.json");
    let mut tap = under("--block-signal", &file);
    let (front, back) = (&capture()[..1000], &capture()[1000..]);
    tap.pass(front);
    tap.signal(Signal::TERM);
    tap.pass(back);
    tap.stdout = None;
    assert_eq!(tap.ended_by(), Some(13));
    assert_complete(&records(&file)[0]);
}

fn stopped() {
    let file = scratch("faults-stopped").join("records.json");
    let mut tap = Tap::append_to(&file);
    let (front, back) = (&capture()[..1000], &capture()[1000..]);
    tap.pass(front);
    tap.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(100));
    tap.signal(Signal::CONT);
    tap.pass(back);
    assert_eq!(tap.close(), Some(0));
    assert_complete(&records(&file)[0]);
}

fn killed() {
    let file = scratch("faults-killed").join("records.json");
    let mut tap = Tap::append_to(&file);
    for _ in 0..5 {
        tap.pass(&capture());
    }
    until("four records are written", || records(&file).len() == 4);
    tap.signal(Signal::KILL);
    assert_eq!(tap.ended_by(), Some(9));
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.ends_with('\n'));
    records(&file).iter().for_each(assert_complete);
}

fn few_descriptors() {
    for limit in 4..16 {
        let script = format!("ulimit -n {limit}; exec \"$TAP\" tap");
        let run = run(&script);
        assert_eq!(run.status.code(), Some(0), "{limit}: {}", run.stderr);
        assert_whole(&run);
        assert_complete(&only(&run.stderr).0);
        for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
            let mut tap = Tap::new(shell(&script).stderr(Stdio::null()));
            tap.pass(&capture()[..1000]);
            tap.signal(signal);
            assert_eq!(tap.ended_by(), Some(signal.as_raw()), "{limit}");
        }
    }
}

fn little_memory() {
    let run = run("ulimit -v 40000; exec \"$TAP\" tap");
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    assert_whole(&run);
    assert_complete(&only(&run.stderr).0);
    let half = &capture()[..3000];
    let run = feed(&mut shell("ulimit -v 200000; exec \"$TAP\" tap"), half);
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    assert!(run.stdout == half);
    assert_eq!(only(&run.stderr).0["status"], "truncated");
}

fn bare_environment() {
    for script in [
        "exec env -i \"$TAP\" tap",
        "unset TMPDIR; HOME=/proc exec \"$TAP\" tap",
    ] {
        let run = run(script);
        assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
        assert_whole(&run);
        assert_complete(&only(&run.stderr).0);
    }
}

/// No test may set the machine's clock: this one hands the meter times that go back.
fn clock() {
    use tokensense::{EndedBy, Measure, Meter};
    let mut meter = Meter::new();
    for (at, piece) in capture().chunks(500).enumerate() {
        meter.feed_at(piece, Duration::from_secs(1000 - at as u64));
    }
    meter.finish_at(EndedBy::Upstream, Duration::ZERO);
    let reading = meter.next_reading().expect("a reading");
    assert_eq!(reading.usage.value(Measure::Output), Some(24));
    let whole = Duration::from_secs(1000 - (capture().len() / 500) as u64);
    assert_eq!(reading.ended.saturating_sub(reading.began), whole);
}
