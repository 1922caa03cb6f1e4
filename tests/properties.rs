//! The properties that are fuzzed, on generated streams: seeded, so that every run tests the same ones.

mod common;
#[allow(unreachable_pub, reason = "the fuzzer uses it as a library")]
#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs a property on so many inputs.
fn check<T: std::fmt::Debug>(cases: u32, input: impl Strategy<Value = T>, property: impl Fn(T)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&input, |input| {
        property(input);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// The words of the fuzzer's dictionary.
fn words() -> Vec<Vec<u8>> {
    let dictionary = fs::read_to_string("fuzz/tokensense.dict").expect("the dictionary");
    dictionary
        .lines()
        .filter(|line| line.starts_with('"'))
        .map(unquote)
        .collect()
}

/// A word as libFuzzer writes it: in quotes, with `\\`, `\"` and `\xAB`.
fn unquote(line: &str) -> Vec<u8> {
    let mut rest = &line.as_bytes()[1..line.len() - 1];
    let mut word = Vec::new();
    while let Some((&byte, tail)) = rest.split_first() {
        (word, rest) = match (byte, tail) {
            (b'\\', [b'x', a, b, tail @ ..]) => {
                let hex = [*a, *b];
                let hex = std::str::from_utf8(&hex).expect("digits");
                (
                    [word, vec![u8::from_str_radix(hex, 16).expect("digits")]].concat(),
                    tail,
                )
            }
            (b'\\', [escaped, tail @ ..]) => ([word, vec![*escaped]].concat(), tail),
            _ => ([word, vec![byte]].concat(), tail),
        };
    }
    word
}

/// Streams made of the dictionary's words, JSON's marks, and bytes of any kind.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    const MARKS: &[&str] = &[
        "{", "}", "[", "]", ":", ",", "\"", "\n", "\n\n", "data: {", "}\n\n", " ",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(words()),
        4 => prop::sample::select(MARKS).prop_map(|mark| mark.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Captures with pieces of each other put in.
fn spliced() -> impl Strategy<Value = Vec<u8>> {
    let captures = common::captures()
        .into_iter()
        .map(|path| fs::read(path).expect("a capture"));
    let captures: Vec<Vec<u8>> = captures.filter(|bytes| bytes.len() < 5000).collect();
    let capture = prop::sample::select(captures);
    let place = any::<prop::sample::Index>;
    let splice = (capture.clone(), place(), place(), place());
    (capture, prop::collection::vec(splice, 0..4)).prop_map(|(mut bytes, splices)| {
        for (other, from, to, at) in splices {
            let (from, to) = (from.index(other.len() + 1), to.index(other.len() + 1));
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, other[from.min(to)..from.max(to)].iter().copied());
        }
        bytes
    })
}

#[test]
fn twin() {
    check(6000, stream(), |bytes| properties::twin(&bytes));
    check(600, spliced(), |bytes| properties::twin(&bytes));
}

#[test]
fn cuts() {
    check(6000, (any::<u8>(), stream()), |(seed, bytes)| {
        properties::cuts(seed, &bytes)
    });
    check(400, (any::<u8>(), spliced()), |(seed, bytes)| {
        properties::cuts(seed, &bytes)
    });
}

#[test]
fn aws() {
    check(2000, (any::<u8>(), stream()), |(seed, bytes)| {
        properties::aws(seed, &bytes)
    });
}

/// Bodies of requests, made of their own words.
fn body() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "\"messages\":[",
        "\"content\":",
        "\"role\":\"user\"",
        "\"text\":",
        "\"tools\":[",
        "\"input\":",
        "\"contents\":[",
        "\"parts\":[",
        "\"prompt\":",
        "\"model\":\"claude\"",
        "\"a word or two\"",
        "7",
        "null",
        ",",
        "{",
        "}",
        "[",
        "]",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..30).prop_map(|pieces| {
        let mut body = "{".to_owned() + &pieces.concat();
        // What it leaves open is closed, so that some of them are bodies.
        let mut open = Vec::new();
        for byte in body.bytes() {
            match byte {
                b'{' => open.push('}'),
                b'[' => open.push(']'),
                b'}' | b']' => drop(open.pop()),
                _ => {}
            }
        }
        body.extend(open.iter().rev());
        body.into_bytes()
    })
}

#[test]
fn request() {
    check(6000, body(), |body| properties::request(&body));
}

/// What fuzzing has found.
#[test]
fn found() {
    // A time of making that counts only from the second event on.
    let event = |created: u64, text: &str| {
        format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"created\":{created},\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let late = [event(0, "a"), event(0, "b"), event(5, "c")].concat();
    properties::twin(late.as_bytes());
    properties::cuts(7, late.as_bytes());
}
