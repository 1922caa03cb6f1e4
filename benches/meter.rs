//! The meter by itself: each API and framing, in pieces of several sizes, beside the meter that parses every event whole.
//!
//! `cargo bench --bench meter`. Every run's answer is checked.

use std::fs;
use std::path::Path;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tokensense::{EndedBy, Measure, Meter, Reading, Status};

/// Captures; the event that says " twice" stands in each, and is repeated.
const CAPTURES: &[&str] = &[
    "anthropic.messages/stream.sse",
    "gemini/stream.sse",
    "ollama.chat/stream.ndjson",
    "openai.chat/usage.sse",
    "openai.completions/usage.sse",
    "openai.responses/completed.sse",
];

/// A complete response in each framing.
const FRAMINGS: &[&str] = &[
    "anthropic.messages/stream.sse",
    "bedrock.converse/stream.bin",
    "gemini/array.json",
    "ollama.chat/stream.ndjson",
    "openai.chat/body.json",
];

/// Bytes fed at once.
const PIECES: &[usize] = &[1, 300, 4 << 10, 256 << 10];

/// How often: a long answer.
const TIMES: usize = 2000;

fn main() {
    divan::main();
}

#[divan::bench(args = CAPTURES)]
fn by_api(bencher: Bencher<'_, '_>, capture: &str) {
    bench(bencher, &long(capture), 256 << 10, Meter::new);
}

#[divan::bench(args = CAPTURES)]
fn by_api_plain(bencher: Bencher<'_, '_>, capture: &str) {
    bench(bencher, &long(capture), 256 << 10, Meter::plain);
}

#[divan::bench(args = PIECES)]
fn by_piece(bencher: Bencher<'_, '_>, piece: usize) {
    bench(bencher, &long("openai.chat/usage.sse"), piece, Meter::new);
}

#[divan::bench(args = FRAMINGS)]
fn by_framing(bencher: Bencher<'_, '_>, capture: &str) {
    let capture = read(capture);
    bencher.counter(BytesCount::of_slice(&capture)).bench(|| {
        let reading = meter(black_box(&capture), 4 << 10, Meter::new).remove(0);
        assert_eq!(
            (reading.status, reading.events_skipped),
            (Status::Complete, 0)
        );
    });
}

/// A stream cut short, whose output has to be estimated: the vocabulary is loaded once, beforehand.
#[divan::bench]
fn estimate(bencher: Bencher<'_, '_>) {
    let capture = read("openai.chat/truncated.sse");
    bencher.counter(BytesCount::of_slice(&capture)).bench(|| {
        let reading = meter(black_box(&capture), 256 << 10, Meter::new).remove(0);
        let output = reading.usage.get(Measure::Output).expect("an estimate");
        assert!(output.estimated && output.value > 0);
    });
}

fn bench(bencher: Bencher<'_, '_>, stream: &[u8], piece: usize, new: fn() -> Meter) {
    bencher.counter(BytesCount::of_slice(stream)).bench(|| {
        let readings = meter(black_box(stream), piece, new);
        let [reading] = &readings[..] else {
            panic!("{} responses", readings.len())
        };
        assert!(reading.usage.total() > Some(0) && reading.text_bytes > 6 * TIMES as u64);
    });
}

fn meter(stream: &[u8], piece: usize, new: fn() -> Meter) -> Vec<Reading> {
    let mut meter = new();
    for piece in stream.chunks(piece) {
        meter.feed(piece);
    }
    meter.finish(EndedBy::Upstream);
    std::iter::from_fn(|| meter.next_reading()).collect()
}

fn long(capture: &str) -> Vec<u8> {
    let text = String::from_utf8(read(capture)).expect("text");
    let ends = ["\r\n\r\n", "\n\n", "\n"];
    let end = ends.into_iter().find(|end| text.contains(end));
    let end = end.expect("an event");
    let event = |event: &str| {
        // The last event of some APIs says the whole text once more.
        let piece = event.contains(" twice") && !event.contains("harbour");
        event.repeat(if piece { TIMES } else { 1 })
    };
    text.split_inclusive(end)
        .map(event)
        .collect::<String>()
        .into_bytes()
}

fn read(capture: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(capture);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
