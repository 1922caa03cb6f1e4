//! The one promise above all: every byte read comes out, unchanged, in order.

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;

use common::{Random, captures, scratch, tokensense};

/// Writes in pieces and reads in pieces of these sizes, through the binary.
fn through(input: &[u8], write: usize, read: usize) -> Vec<u8> {
    let mut child = tokensense()
        .args(["tap", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let output = pump(&mut child, input, write, read);
    wait(child);
    output
}

/// Writes all to a child in pieces of one size, and reads in pieces of another what it gives.
fn pump(child: &mut Child, input: &[u8], write: usize, read: usize) -> Vec<u8> {
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || {
            for piece in input.chunks(write) {
                stdin.write_all(piece).expect("a reader");
            }
        });
        let mut output = Vec::with_capacity(input.len());
        let mut buffer = vec![0; read];
        loop {
            match stdout.read(&mut buffer).expect("readable") {
                0 => break output,
                n => output.extend_from_slice(&buffer[..n]),
            }
        }
    })
}

fn random(len: usize) -> Vec<u8> {
    let mut random = Random::new(3);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

#[test]
fn captures_come_out_as_they_went_in() {
    for capture in captures() {
        let input = fs::read(&capture).expect("a capture");
        assert!(through(&input, 700, 300) == input, "{}", capture.display());
    }
}

#[test]
fn random_bytes_in_every_chunk_size() {
    let all = random(64 << 20);
    for (write, read, len) in [
        (1, 1 << 16, 50_000),
        (1 << 16, 1, 50_000),
        (7, 5000, 1 << 20),
        (4096, 4096, 16 << 20),
        (65_536, 65_537, 64 << 20),
        (1 << 20, 1 << 20, 64 << 20),
    ] {
        assert!(
            through(&all[..len], write, read) == all[..len],
            "{write} in, {read} out"
        );
    }
}

/// In bulk, bytes go from pipe to pipe before they are read: what was sent on is metered once, and whole.
#[test]
fn bulk_is_metered_whole() {
    let capture = fs::read_to_string("testdata/openai.chat/usage.sse").expect("a capture");
    let responses = 4000;
    let of = |n| capture.replace("chatcmpl-A1", &format!("chatcmpl-{n}"));
    let input: String = (0..responses).map(of).collect();
    let scratch = scratch("bulk");
    let records = scratch.join("records.jsonl");
    for (write, read) in [(1 << 20, 1 << 20), (65_536, 1000), (200_000, 33_000)] {
        let _ = fs::remove_file(&records);
        let mut child = tokensense()
            .args(["tap", "--output"])
            .arg(&records)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        assert!(pump(&mut child, input.as_bytes(), write, read) == input.as_bytes());
        wait(child);
        let records = fs::read_to_string(&records).expect("records");
        let records: Vec<serde_json::Value> = records
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect();
        assert_eq!(records.len(), responses, "{write} in, {read} out");
        let bytes: u64 = records.iter().filter_map(|r| r["bytes"].as_u64()).sum();
        assert_eq!(bytes, input.len() as u64, "{write} in, {read} out");
        let whole = |record: &serde_json::Value| {
            record["output_tokens"] == 24 && record["events_skipped"] == 0
        };
        assert!(records.iter().all(whole), "{write} in, {read} out");
    }
}

fn wait(mut child: Child) {
    assert!(child.wait().expect("an end").success());
}

#[test]
fn files_at_both_ends() {
    let scratch = scratch("passthrough");
    let (from, to) = (scratch.join("in"), scratch.join("out"));
    let input = random(3_000_001);
    fs::write(&from, &input).expect("a file");
    let mut command = tokensense();
    command
        .args(["tap", "-q"])
        .stdin(File::open(&from).expect("a file"));
    wait(
        command
            .stdout(File::create(&to).expect("a file"))
            .spawn()
            .expect("the binary"),
    );
    assert!(fs::read(&to).expect("a file") == input);
}

#[test]
fn sockets_at_both_ends() {
    let (mut ours_in, theirs_in) = UnixStream::pair().expect("a socket");
    let (mut ours_out, theirs_out) = UnixStream::pair().expect("a socket");
    let input = random(5_000_000);
    let mut command = tokensense();
    command
        .args(["tap", "-q"])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs_in)));
    let child = command
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs_out)))
        .spawn()
        .expect("the binary");
    drop(command);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            ours_in.write_all(&input).expect("a reader");
            ours_in.shutdown(std::net::Shutdown::Write).expect("open");
        });
        let mut output = Vec::new();
        ours_out.read_to_end(&mut output).expect("readable");
        output
    });
    wait(child);
    assert!(output == input);
}

/// Descriptors that someone made non-blocking.
#[test]
fn non_blocking_ends() {
    let (mut ours_in, theirs_in) = UnixStream::pair().expect("a socket");
    let (mut ours_out, theirs_out) = UnixStream::pair().expect("a socket");
    theirs_in.set_nonblocking(true).expect("a socket");
    theirs_out.set_nonblocking(true).expect("a socket");
    let input = random(3_000_000);
    let mut command = tokensense();
    command
        .args(["tap", "-q"])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs_in)));
    let child = command
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs_out)))
        .spawn()
        .expect("the binary");
    drop(command);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            for piece in input.chunks(100_000) {
                ours_in.write_all(piece).expect("a reader");
            }
            ours_in.shutdown(std::net::Shutdown::Write).expect("open");
        });
        let mut output = Vec::new();
        ours_out.read_to_end(&mut output).expect("readable");
        output
    });
    wait(child);
    assert!(output == input);
}
