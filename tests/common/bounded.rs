//! Child processes that cannot hang a test.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// More than any child may take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);

/// What came of a child.
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Runs a command to its end with this on its standard input.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the command");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A child that ends early reads no more: no fault of the writer's.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let run = end(child);
    let _ = writer.join().expect("the writer");
    run
}

/// Waits for a child's end, and takes what it says in the meantime.
pub(crate) fn end(mut child: Child) -> Run {
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = wait(&mut child);
    let said = |reader: Option<JoinHandle<Vec<u8>>>| match reader {
        Some(reader) => reader.join().expect("the reader"),
        None => Vec::new(),
    };
    Run {
        status,
        stdout: said(stdout),
        stderr: String::from_utf8_lossy(&said(stderr)).into_owned(),
    }
}

/// Waits for a child's end.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let mut ended = None;
    until("the child ends", || {
        ended = child.try_wait().expect("a child");
        ended.is_some()
    });
    ended.expect("it ended")
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A child that does not outlive its test.
pub(crate) struct Leash(pub(crate) Child);

impl Drop for Leash {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).expect("readable");
        all
    })
}
