//! The meter's answer does not depend on how the stream is cut, and nothing makes it panic.

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokensense::{EndedBy, Meter, Reading};

use common::{Random, captures, corpus, sorted};

/// Feeds pieces and gives all readings.
fn read<'a>(mut meter: Meter, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Reading> {
    for piece in pieces {
        meter.feed(piece);
    }
    meter.finish(EndedBy::Upstream);
    std::iter::from_fn(|| meter.next_reading()).collect()
}

fn whole(bytes: &[u8]) -> Vec<Reading> {
    read(Meter::new(), std::iter::once(bytes))
}

fn load(paths: Vec<PathBuf>) -> Vec<(PathBuf, Vec<u8>)> {
    let load = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a capture");
        (path, bytes)
    };
    paths.into_iter().map(load).collect()
}

/// The recordings of real responses.
fn recordings() -> Vec<(PathBuf, Vec<u8>)> {
    let paths = sorted(&corpus());
    load(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// The fast meter and the plain one, which parses every event, say the same.
#[test]
fn fast_is_plain() {
    assert_fast_is_plain(load(captures()));
}

/// Nor is it later: by a running clock, both have come as far after every piece.
#[test]
fn fast_is_never_late() {
    assert_never_late(load(captures()));
}

/// Feeds two meters the same pieces, a millisecond apart, and holds them to the same at each.
fn assert_twins<'a>(pieces: impl Iterator<Item = &'a [u8]>, what: &str) {
    let (mut fast, mut plain) = (Meter::new(), Meter::plain());
    let mut now = Duration::ZERO;
    for (at, piece) in pieces.enumerate() {
        now += Duration::from_millis(1);
        fast.feed_at(piece, now);
        plain.feed_at(piece, now);
        let what = format!("{what}, after piece {at}: {}", piece.escape_ascii());
        assert_eq!(fast.so_far(), plain.so_far(), "{what}");
        assert_eq!(fast.next_reading(), plain.next_reading(), "{what}");
    }
    now += Duration::from_millis(1);
    for meter in [&mut fast, &mut plain] {
        meter.finish_at(EndedBy::Upstream, now);
    }
    let rest = |mut meter: Meter| std::iter::from_fn(move || meter.next_reading());
    assert!(rest(fast).eq(rest(plain)), "{what}");
}

/// Each stream three times over, so that the fast meter knows its events, with every kind of line end.
fn assert_never_late(streams: Vec<(PathBuf, Vec<u8>)>) {
    let mut random = Random::new(3);
    for (path, bytes) in streams {
        if bytes.len() > 20_000 {
            continue;
        }
        let is_text = str::from_utf8(&bytes).is_ok();
        for line_end in ["\n", "\r\n", "\r"] {
            let mut stream = bytes.clone();
            if line_end != "\n" {
                if !is_text {
                    break;
                }
                stream = String::from_utf8_lossy(&bytes)
                    .replace("\r\n", "\n")
                    .replace('\n', line_end)
                    .into_bytes();
            }
            stream = stream.repeat(3);
            let what = format!("{} with {line_end:?}", path.display());
            if bytes.len() < 600 {
                assert_twins(stream.chunks(1), &what);
            }
            {
                // Small pieces and large ones.
                let most = [12, 300][random.below(2)];
                let mut rest = stream.as_slice();
                // A long stream is looked at as often as a short one.
                let least = stream.len() / 100;
                let pieces = std::iter::from_fn(|| {
                    let len = least + 1 + random.below(most);
                    let (piece, tail) = rest.split_at(len.min(rest.len()));
                    rest = tail;
                    (!piece.is_empty()).then_some(piece)
                });
                assert_twins(pieces, &what);
            }
        }
    }
}

#[test]
fn byte_by_byte() {
    assert_cut_by_the_byte(load(captures()));
}

#[test]
fn random_cuts() {
    assert_cut_at_random(load(captures()));
}

#[test]
#[ignore = "needs the corpus"]
fn recordings_however_cut() {
    assert_fast_is_plain(recordings());
    assert_never_late(recordings());
    assert_cut_by_the_byte(recordings());
    assert_cut_at_random(recordings());
}

fn assert_fast_is_plain(streams: Vec<(PathBuf, Vec<u8>)>) {
    for (path, bytes) in streams {
        let plain = read(Meter::plain(), std::iter::once(bytes.as_slice()));
        assert_eq!(whole(&bytes), plain, "{}", path.display());
    }
}

fn assert_cut_by_the_byte(streams: Vec<(PathBuf, Vec<u8>)>) {
    for (path, bytes) in streams {
        if bytes.len() <= 200_000 {
            let got = read(Meter::new(), bytes.chunks(1));
            assert_eq!(got, whole(&bytes), "{}", path.display());
        }
    }
}

/// Every capture cut in two, at every offset.
#[test]
fn every_cut() {
    for (path, bytes) in load(captures()) {
        let want = whole(&bytes);
        // The estimate's vocabulary is by far the dearest part; long captures are cut at every third place.
        let step = if bytes.len() > 3000 { 7 } else { 1 };
        for cut in (0..bytes.len()).step_by(step) {
            let (front, back) = bytes.split_at(cut);
            let got = read(Meter::new(), [front, back].into_iter());
            assert_eq!(got, want, "{} cut at {cut}", path.display());
        }
    }
}

fn assert_cut_at_random(streams: Vec<(PathBuf, Vec<u8>)>) {
    let mut random = Random::new(1);
    for (path, bytes) in streams {
        let want = whole(&bytes);
        for _ in 0..10 {
            let mut pieces = Vec::new();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(1 + random.below(rest.len().min(900)));
                pieces.push(piece);
                rest = tail;
            }
            assert_eq!(
                read(Meter::new(), pieces.into_iter()),
                want,
                "{}",
                path.display()
            );
        }
    }
}

/// Mutated captures: the meter answers, and the fast one still says what the plain one says, however cut.
#[test]
fn mutations() {
    let mut random = Random::new(2);
    let captures = load(captures());
    for round in 0..60 {
        for (path, bytes) in &captures {
            let mut bytes = bytes.clone();
            if bytes.is_empty() {
                continue;
            }
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                let other = &captures[random.below(captures.len())].1;
                match random.below(6) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => bytes[at] = random.next() as u8,
                    2 => bytes.truncate(at.max(1)),
                    3 => drop(bytes.drain(at..(at + random.below(40)).min(bytes.len()))),
                    4 => {
                        let piece = bytes[at..(at + random.below(400)).min(bytes.len())].to_vec();
                        bytes.splice(at..at, piece);
                    }
                    _ => {
                        let from = random.below(other.len().max(1)).min(other.len());
                        let to = (from + random.below(400)).min(other.len());
                        bytes.splice(at..at, other[from..to].iter().copied());
                    }
                }
                if bytes.is_empty() {
                    bytes.push(b'{');
                }
            }
            let want = read(Meter::plain(), std::iter::once(bytes.as_slice()));
            assert_eq!(whole(&bytes), want, "{} round {round}", path.display());
            let size = 1 + random.below(64);
            let got = read(Meter::new(), bytes.chunks(size));
            assert_eq!(got, want, "{} round {round} by {size}", path.display());
            let total: u64 = want.iter().map(|reading| reading.bytes).sum();
            assert_eq!(
                total,
                bytes.len() as u64,
                "{} round {round}",
                path.display()
            );
        }
    }
}

/// What must not cost more than linear time.
#[test]
fn linear() {
    let begun = Instant::now();
    let mega = 1 << 20;
    let line = vec![b'x'; 40 * mega];
    let mut endless = b"data: {\"choices\":[{\"delta\":{\"content\":\"".to_vec();
    endless.resize(20 * mega, b'y');
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("an endless line", line),
        ("an endless event", endless),
        ("a million empty events", b"data:\n\n".repeat(mega)),
        ("a million data lines", b"data: x\n".repeat(mega)),
        ("a million openings", b"{".repeat(mega)),
        ("nested arrays", b"[".repeat(mega)),
        ("a deep object", b"{\"a\":".repeat(mega)),
        ("zero bytes", vec![0; 8 * mega]),
        ("templates that miss", {
            let event = |i: usize| {
                format!(
                    "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\",\"n\":{i}}}}}],\"id\":\"c\"}}\n\n"
                )
            };
            (0..100_000).map(event).collect::<String>().into_bytes()
        }),
        ("choices without end", {
            let event = |i: usize| {
                format!(
                    "data: {{\"choices\":[{{\"index\":{i},\"delta\":{{\"content\":\"x\"}}}}]}}\n\n"
                )
            };
            (0..50_000).map(event).collect::<String>().into_bytes()
        }),
    ];
    for (name, bytes) in hostile {
        let start = Instant::now();
        let readings = read(Meter::new(), bytes.chunks(1000));
        assert!(!readings.is_empty(), "{name}");
        println!("{name}: {:?}", start.elapsed());
    }
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "took {:?}",
        begun.elapsed()
    );
}
