//! Streams made to break things: they come out whole, in bounded memory and linear time, and do no harm where they
//! are shown.

mod common;
#[path = "common/page.rs"]
mod page;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokensense::{EndedBy, Meter};

use common::bounded::{Run, end, feed};
use common::{BINARY, isolated, scratch, tokensense};

page::rows! {
    endless_line: "a line of 1 GiB" => "passed over; `unrecognised`",
    endless_answer: "an answer of 300 MB that states no usage" => "estimated, in 250 MB of address space",
    big_event: "events of more than 16 MiB" => "passed over and counted as skipped, the rest is metered",
    dense_event: "an event of 16 MiB that is all brackets and commas" => "passed over beyond two million values, the rest is metered, in 500 MB of address space",
    deep: "JSON nested 100,000 deep, in an event, a body, a usage object" => "passed over, the rest is metered",
    numbers: "counts beyond 64 bits, negative, NaN, 1e999, fractional" => "unknown, never wrong",
    running_count: "a running count of 2^64 - 1, and text after it" => "stays there, `estimated`",
    text: "lone surrogates, NUL, invalid UTF-8, raw control characters" => "metered as if they were replaced",
    duplicates: "duplicate keys" => "the last one counts",
    long_keys: "keys and names of 1 MB" => "metered; names are cut at 200 characters",
    empty_events: "a million empty events" => "metered",
    new_usage: "usage with new members in every event" => "some 256 KB of it are kept",
    new_voices: "text in endlessly many choices" => "metered",
    new_shapes: "a hundred thousand events, each of another shape" => "metered",
    stray_bytes: "NULs, gzip magic, random bytes where an event may begin: a rotated log, a torn download" => "passed over to the next line or event and counted as skipped, the rest is metered, of two responses too",
    torn_frames: "AWS frames damaged, cut off, out of step" => "only the damaged frame is lost, nothing after it",
    bomb: "a gzip bomb" => "not unpacked; the record says how to have curl unpack it",
    escapes: "terminal escapes, bidirectional overrides in names and messages" => "never reach stderr, JSON, CSV or `line` as they are",
    formulas: "names that a spreadsheet would run as a formula" => "a quote stands before them in CSV",
    labels: "labels with newlines, quotes, escapes" => "one JSON line; whole CSV fields",
    huge_costs: "costs and counts whose sums overflow" => "sums stop at the largest number, limits still hold",
}

#[test]
fn page_is_true() {
    page::check("Hostile streams", ROWS);
}

/// A tap in so many megabytes of address space, of which glibc reserves 64 for a thread.
fn within(megabytes: usize) -> Command {
    let mut command = isolated("sh");
    let script = format!("ulimit -v {}; exec \"$TAP\" tap", megabytes * 1000);
    command.args(["-c", &script]).env("TAP", BINARY);
    command
}

/// Sends pieces through a tap, holds what comes out to what went in, and gives the records.
fn through(megabytes: usize, pieces: usize, piece: impl Fn(usize) -> Vec<u8> + Sync) -> Vec<Value> {
    let mut command = within(megabytes);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut stdin = std::io::BufWriter::with_capacity(64 << 10, &mut stdin);
            let sent = (0..pieces).try_for_each(|at| stdin.write_all(&piece(at)));
            sent.and_then(|()| stdin.flush()).expect("a reader");
        });
        let mut stdout = std::io::BufReader::with_capacity(64 << 10, &mut stdout);
        let mut came = Vec::new();
        for at in 0..pieces {
            let want = piece(at);
            came.resize(want.len(), 0);
            stdout.read_exact(&mut came).expect("as much as went in");
            assert!(came == want, "piece {at}");
        }
    });
    drop(stdin);
    let run = end(child);
    assert_eq!(run.status.code(), Some(0), "{}", brief(&run.stderr));
    records(&run)
}

fn records(run: &Run) -> Vec<Value> {
    // What a provider states is kept as it is written, beyond what a test can read too.
    let record = |line: &str| serde_json::from_str(&line.replace("1e999", "null"));
    let records = run.stderr.lines().map(record);
    records.map(|record| record.expect("a record")).collect()
}

fn brief(text: &str) -> String {
    text.chars().take(500).collect()
}

/// An SSE event.
fn sse(json: &str) -> Vec<u8> {
    format!("data: {json}\n\n").into_bytes()
}

/// An ordinary response, metered to the end.
fn ordinary() -> Vec<u8> {
    std::fs::read("testdata/openai.chat/usage.sse").expect("a capture")
}

fn assert_metered(record: &Value) {
    assert_eq!(record["status"], "complete", "{record}");
    assert_eq!(record["output_tokens"], 24, "{record}");
}

fn only(records: Vec<Value>) -> Value {
    let [record] = &records[..] else {
        panic!("{} records", records.len())
    };
    record.clone()
}

/// What the records of `bytes` say, with an ordinary response after them if so wished.
fn read(bytes: &[u8]) -> Value {
    only(through(200, 1, |_| bytes.to_vec()))
}

fn endless_line() {
    let record = only(through(200, 16 << 10, |_| vec![b'x'; 64 << 10]));
    assert_eq!(record["status"], "unrecognised");
    assert_eq!(record["bytes"], 1 << 30);
    assert_eq!(record["events_skipped"], 1);
}

fn big_event() {
    for (head, tail) in [
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"",
            "\"}}]}\n\n",
        ),
        ("{\"a\":\"", "\"}\n"),
    ] {
        let record = only(through(200, 300, |at| match at {
            0 => head.into(),
            299 => [tail.into(), ordinary()].concat(),
            _ => vec![b'x'; 64 << 10],
        }));
        assert_metered(&record);
        assert_eq!(record["events_skipped"], 1);
    }
}

fn dense_event() {
    for unit in ["{},", "0,", "[[[[]]]],", "{\"delta\":{\"content\":\"x\"}},"] {
        let record = only(through(500, 257, |at| match at {
            0 => b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[".to_vec(),
            256 => [b"{}]}\n\n".to_vec(), ordinary()].concat(),
            _ => unit.repeat(65_000 / unit.len()).into_bytes(),
        }));
        assert_eq!(record["status"], "complete", "{unit}");
        assert_eq!(record["input_tokens"], 90, "{unit}: {record}");
    }
}

fn deep() {
    let nest = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    for json in [
        nest("[", "]"),
        nest("{\"a\":", "}"),
        format!("{{\"choices\":[],\"usage\":{}}}", nest("{\"a\":", "}")),
    ] {
        for event in [sse(&json), json.clone().into_bytes(), json[..50_000].into()] {
            let record = read(&[&event, &b"\n"[..], &ordinary()].concat());
            assert_metered(&record);
            read(&event);
        }
    }
}

fn numbers() {
    for (number, want) in [
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("99999999999999999999999999", None),
        ("-5", None),
        ("NaN", None),
        ("1e999", None),
        // Whole numbers are counts, however they are written; fractions are none, and never rounded.
        ("\"7\"", Some(7)),
        ("\" 7.0 \"", Some(7)),
        ("7.0", Some(7)),
        ("7.00e0", Some(7)),
        ("1.5e3", Some(1500)),
        ("7.5", None),
        ("7.0000001", None),
        ("0.4", None),
        ("1.5e0", None),
        ("9.1e15", None),
        ("\"7.5\"", None),
        ("\"7 tokens\"", None),
        ("\"-7\"", None),
        ("\"0x7\"", None),
        ("\"\"", None),
        ("true", None),
        ("[7]", None),
        ("{\"n\":7}", None),
        ("null", None),
    ] {
        let usage = format!(
            "{{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"x\"}},\"finish_reason\":\"stop\"}}],\
             \"model\":\"gpt-4o\",\"usage\":{{\"prompt_tokens\":{number},\"completion_tokens\":3,\"total_tokens\":{number}}}}}"
        );
        let record = read(&[sse(&usage), b"data: [DONE]\n\n".to_vec()].concat());
        assert_eq!(record["input_tokens"].as_u64(), want, "{number}: {record}");
        assert_ne!(record["cost_basis"], "computed", "{number}: {record}");
    }
}

fn running_count() {
    let event = |usage: &str| {
        sse(&format!(
            "{{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"delta\":{{\"content\":\"a word\"}}}}]{usage}}}"
        ))
    };
    let counted = event(",\"usage\":{\"completion_tokens\":18446744073709551615}");
    let record = read(&[counted, event("").repeat(100)].concat());
    assert_eq!(record["status"], "truncated");
    assert_eq!(record["output_tokens"], u64::MAX);
}

fn text() {
    let capture = ordinary();
    let place = capture
        .windows(11)
        .position(|w| w == b"\"content\":\"")
        .expect("a text");
    let place = capture[place + 11..]
        .windows(11)
        .position(|w| w == b"\"content\":\"")
        .expect("a text")
        + place
        + 22;
    for odd in [
        &b"\\ud83d"[..],
        b"\\ude00\\ud83d",
        b"\0",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"\\u0000",
    ] {
        let bytes = [&capture[..place], odd, &capture[place..]].concat();
        let record = read(&bytes);
        assert_metered(&record);
        assert_eq!(record["events_skipped"], 0, "{}", odd.escape_ascii());
    }
}

fn duplicates() {
    let body = "{\"object\":\"chat.completion\",\"model\":\"one\",\"model\":\"two\",\"choices\":[],\
        \"usage\":{\"prompt_tokens\":1,\"prompt_tokens\":2,\"completion_tokens\":3}}";
    let record = read(body.as_bytes());
    assert_eq!(
        (&record["model"], &record["input_tokens"]),
        (&"two".into(), &2.into())
    );
}

fn long_keys() {
    let long = "k".repeat(1 << 20);
    let event = format!(
        "{{\"{long}\":\"{long}\",\"id\":\"{long}\",\"object\":\"chat.completion.chunk\",\"model\":\"{long}\",\
         \"service_tier\":\"{long}\",\"choices\":[{{\"delta\":{{\"{long}\":1}}}}],\"usage\":{{\"{long}\":1}}}}"
    );
    let record = read(&[sse(&event), sse(&event), ordinary()].concat());
    assert!(record.to_string().len() < 10_000);
    assert_eq!(record["model"].as_str().map(str::len), Some(200));
}

fn empty_events() {
    let record = only(through(200, 1001, |at| match at {
        1000 => ordinary(),
        _ => b"data:\n\n".repeat(1000),
    }));
    assert_metered(&record);
}

fn new_usage() {
    let record = only(through(200, 1001, |at| {
        match at {
        1000 => ordinary(),
        _ => (0..100).flat_map(|n| {
            sse(&format!(
                "{{\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{{\"n{at}x{n}\":{{\"a\":[1,2,3,4,5]}}}}}}"
            ))
        }).collect(),
    }
    }));
    let usage = record["usage"].to_string().len();
    assert!((1000..1_000_000).contains(&usage), "{usage} bytes of usage");
}

fn new_voices() {
    let text = "word ".repeat(200_000);
    let record = only(through(200, 301, |at| match at {
        300 => ordinary(),
        _ => sse(&format!(
            "{{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":{at},\"delta\":{{\"content\":\"{text}\"}}}}]}}"
        )),
    }));
    assert_eq!(record["status"], "complete");
}

fn new_shapes() {
    let record = only(through(200, 101, |at| {
        match at {
        100 => ordinary(),
        _ => (0..1000).flat_map(|n| {
            sse(&format!(
                "{{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"delta\":{{\"content\":\"\",\"n{at}x{n}\":0}}}}]}}"
            ))
        }).collect(),
    }
    }));
    assert_metered(&record);
}

/// Bytes that a framing could begin with, and that begin none.
fn stray() -> Vec<Vec<u8>> {
    let mut noise: Vec<u8> = (0..4000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    noise.push(b'\n');
    vec![
        b"\0\n".to_vec(),
        b"\0".to_vec(),
        vec![0; 5000],
        [vec![0; 70_000], b"half\":\"of an event\"}\n\n".to_vec()].concat(),
        b"\x1f\x8b\n".to_vec(),
        b"\x1f\x1f\x8b\x09\0\n".to_vec(),
        [b"\0".to_vec(), noise.clone()].concat(),
        [b"\x1f\x8b".to_vec(), noise].concat(),
        b"\0\0\0\x10\0\0\0\0\0\0\0\0".to_vec(),
    ]
}

/// Whether before, within or between responses: what is there is metered, in any framing.
fn stray_bytes() {
    let chat = ordinary();
    let lines = std::fs::read("testdata/ollama.chat/stream.ndjson").expect("a capture");
    let responses = [(&chat, "\n\n"), (&lines, "\n")];
    // Amid a response, what begins a gzip body is no other response.
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03rest\n".to_vec();
    for (at, stray) in stray().into_iter().chain([gzip]).enumerate() {
        let amid = at == self::stray().len();
        for (bytes, event_end) in responses {
            let want = read(bytes);
            let counts = |record: &Value| {
                let columns = [
                    "status",
                    "model",
                    "input_tokens",
                    "output_tokens",
                    "cost_usd",
                ];
                columns.map(|column| record[column].clone())
            };
            let text = String::from_utf8_lossy(bytes);
            let ends: Vec<_> = text
                .match_indices(event_end)
                .map(|(at, end)| at + end.len())
                .collect();
            let from = usize::from(amid);
            for at in [0, ends[0], ends[2], ends[ends.len() - 2]]
                .into_iter()
                .skip(from)
            {
                let input = [&bytes[..at], &stray, &bytes[at..]].concat();
                let record = read(&input);
                let shown: Vec<u8> = stray.iter().copied().take(20).collect();
                assert_eq!(
                    counts(&record),
                    counts(&want),
                    "{} at {at}: {record}",
                    shown.escape_ascii()
                );
                let skipped = record["events_skipped"].as_u64();
                assert!((1..40).contains(&skipped.expect("a number")), "{record}");
            }
            // Two responses stay two.
            if amid {
                continue;
            }
            let records = through(200, 1, |_| [&bytes[..], &stray, &bytes[..]].concat());
            assert_eq!(records.len(), 2, "{records:?}");
            for record in &records {
                assert_eq!(counts(record), counts(&want), "{record}");
            }
        }
        let tap = |emit: &str, input: &[u8]| {
            feed(tokensense().args(["tap", "-q", "--emit", emit]), input)
        };
        for emit in ["text", "data"] {
            let whole = tap(emit, &chat).stdout;
            let at = 2 + chat
                .windows(2)
                .position(|pair| pair == b"\n\n")
                .expect("an event");
            let came = tap(emit, &[&chat[..at], &stray, &chat[at..]].concat()).stdout;
            assert!(came == whole, "{emit}");
        }
    }
}

/// A stream of frames, of which some bytes are changed, missing, or too many.
fn torn_frames() {
    let stream = std::fs::read("testdata/bedrock.converse/stream.bin").expect("a capture");
    let want = read(&stream);
    let mut starts = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        starts.push(at);
        let len: [u8; 4] = stream[at..at + 4].try_into().expect("four bytes");
        at += u32::from_be_bytes(len) as usize;
    }
    // A frame of text in the middle.
    let (begin, end) = (starts[2], starts[3]);
    for (what, input) in [
        (
            "changed",
            [&stream[..end - 9], b"#", &stream[end - 8..]].concat(),
        ),
        (
            "changed length",
            [&stream[..begin + 3], b"#", &stream[begin + 4..]].concat(),
        ),
        ("cut off", [&stream[..end - 20], &stream[end..]].concat()),
        (
            "without its head",
            [&stream[..begin], &stream[begin + 12..]].concat(),
        ),
        (
            "a NUL too many",
            [&stream[..begin], b"\0", &stream[begin..]].concat(),
        ),
        (
            "bytes between",
            [
                &stream[..begin],
                b"\0\0\x01\0{some noise}\x07",
                &stream[begin..],
            ]
            .concat(),
        ),
    ] {
        let record = read(&input);
        for column in ["status", "input_tokens", "output_tokens", "total_tokens"] {
            assert_eq!(record[column], want[column], "{what}: {record}");
        }
        let skipped = record["events_skipped"].as_u64().expect("a number");
        assert!((1..6).contains(&skipped), "{what}: {record}");
    }
    // The next response is none of the frame that was cut off.
    let records = through(200, 1, |_| [&stream[..end - 20], &stream].concat());
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[1]["output_tokens"], want["output_tokens"]);
}

/// 32 KB of gzip that would be 32 MB.
fn bomb() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b'x'; 32 << 20]).expect("memory");
    let record = read(&packer.finish().expect("memory"));
    assert!(
        record["cost_note"].to_string().contains("--compressed"),
        "{record}"
    );
}

/// Whatever a terminal would act on, in all places of a response that a record repeats.
fn odd_response(odd: &str) -> Vec<u8> {
    let odd = Value::from(odd);
    [
        format!(
            "{{\"id\":{odd},\"object\":\"chat.completion\",\"model\":{odd},\"service_tier\":{odd},\
             \"choices\":[{{\"message\":{{\"content\":\"x\"}},\"finish_reason\":{odd}}}],\
             \"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1,\"x\":{odd},{odd}:1}}}}\n"
        ),
        format!("{{\"error\":{{\"message\":{odd},\"type\":{odd}}}}}\n"),
    ]
    .concat()
    .into_bytes()
}

fn escapes() {
    let odd = "a\u{1b}]0;t\u{7}\u{9b}31m\u{7f}\u{202e}\u{2066}\u{feff}\u{200b}\r\n\tb";
    let input = odd_response(odd);
    let harmless =
        |c: char| c == '\n' || !(c.is_control() || odd.contains(c)) || "a]0;t31mb".contains(c);
    for format in ["json", "csv", "line"] {
        let label = format!("x={odd}");
        let mut command = tokensense();
        command.args(["tap", "--format", format, "--label", &label]);
        let run = feed(&mut command, &input);
        assert_eq!(run.status.code(), Some(0));
        assert!(
            run.stderr.chars().all(harmless),
            "{format}: {}",
            run.stderr.escape_debug()
        );
        let lines = run.stderr.lines().count();
        assert_eq!(lines, if format == "csv" { 3 } else { 2 }, "{format}");
        if format == "json" {
            // Escaped, not lost: it means what it meant.
            let records = records(&run);
            assert_eq!(records[0]["usage"]["x"], odd);
            assert_eq!(records[0]["labels"]["x"], odd);
        }
    }
    // Nor by the columns of one's own choice, or the sentences of errors.
    let mut command = tokensense();
    command.args([
        "tap",
        "--format",
        "csv",
        "--columns",
        "usage.x,label.x",
        "--label",
    ]);
    let run = feed(command.arg(format!("x={odd}")), &input);
    assert!(
        run.stderr.chars().all(harmless),
        "{}",
        run.stderr.escape_debug()
    );
    let run = feed(
        tokensense()
            .args(["tap", "-o"])
            .arg(format!("/nonexistent/{odd}")),
        &input,
    );
    assert!(
        run.stderr.chars().all(harmless),
        "{}",
        run.stderr.escape_debug()
    );
}

fn formulas() {
    for start in ["=", "+", "-", "@", "\t=", "\r=", "＝", "＠", "'"] {
        let odd = format!("{start}cmd|' /C calc'!A0");
        let run = feed(
            tokensense().args(["tap", "--format", "csv"]),
            &odd_response(&odd),
        );
        for row in csv::Reader::from_reader(run.stderr.as_bytes()).records() {
            for field in &row.expect("a row") {
                let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'];
                assert!(!field.starts_with(formula), "{start:?}: {field}");
            }
        }
    }
}

fn labels() {
    let folder = scratch("hostile-labels");
    let label = "user=one\n\"two\",\r\n=three\u{1b}[1m";
    for name in ["records.json", "records.csv"] {
        let file = folder.join(name);
        let mut command = tokensense();
        command.args(["tap", "--label", label, "-o"]).arg(&file);
        feed(&mut command, &ordinary());
        let text = std::fs::read_to_string(&file).expect("a file");
        if name.ends_with("json") {
            assert_eq!(text.lines().count(), 1);
            let record: Value = serde_json::from_str(&text).expect("a record");
            assert_eq!(record["labels"]["user"], label["user=".len()..]);
        } else {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let at = reader
                .headers()
                .expect("a header")
                .iter()
                .position(|name| name == "labels");
            let rows: Vec<csv::StringRecord> =
                reader.records().map(|row| row.expect("a row")).collect();
            assert_eq!(rows.len(), 1);
            let labels: Value =
                serde_json::from_str(&rows[0][at.expect("a column")]).expect("JSON");
            assert_eq!(labels["user"], label["user=".len()..]);
        }
    }
}

fn huge_costs() {
    let body = "{\"id\":\"gen-1\",\"provider\":\"x\",\"object\":\"chat.completion\",\"model\":\"gpt-4o\",\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\
        \"usage\":{\"prompt_tokens\":18446744073709551615,\"completion_tokens\":18446744073709551615,\
        \"cost\":79228162514264337593543950335,\"cost_details\":{\"upstream_inference_cost\":79228162514264337593543950335},\"is_byok\":true}}\n";
    let mut command = tokensense();
    command.args([
        "tap",
        "--max-cost",
        "9999999999999999999999999999",
        "--max-output-tokens",
        "18446744073709551614",
    ]);
    let run = feed(&mut command, body.repeat(3).as_bytes());
    assert_eq!(run.status.code(), Some(4), "{}", run.stderr);
    assert!(!run.stderr.contains("fault"), "{}", run.stderr);
}

/// What is kept of the text is bounded.
fn endless_answer() {
    let words = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    let event = sse(&format!(
        "{{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{words}\"}}}}]}}"
    ));
    let record = only(through(250, 300_000, |_| event.clone()));
    assert_eq!(record["status"], "truncated");
    assert!(
        record["output_tokens"].as_u64() > Some(60_000_000),
        "{record}"
    );
}

/// The time this thread has been at work, other programs' left out.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().expect("a number");
    Duration::from_nanos(nanoseconds.parse().expect("a number"))
}

/// Twice as much takes about twice as long, whatever comes.
#[test]
fn linear_time() {
    let event = |at: usize| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\",\"n{at}\":0}}}}],\"usage\":{{\"n{at}\":1}}}}\n\n"
        )
    };
    // Name, size of each piece, and the stream of a length.
    type Row<'a> = (&'a str, usize, &'a dyn Fn(usize) -> Vec<u8>);
    let streams: &[Row<'_>] = &[
        ("one line", 1000, &|n| vec![b'x'; n * 300]),
        ("one event by the byte", 1, &|n| {
            [b"data: ".to_vec(), vec![b'x'; n * 10]].concat()
        }),
        ("one document by the byte", 1, &|n| {
            [b"{\"a\":\"".to_vec(), vec![b'x'; n * 10]].concat()
        }),
        ("one cut document", 1000, &|n| {
            [b"{\"a\":".to_vec(), b"[".repeat(n * 30)].concat()
        }),
        ("empty events", 1000, &|n| b"data:\n\n".repeat(n * 10)),
        ("lines of one event", 1000, &|n| b"data: {}\n".repeat(n * 5)),
        ("new shapes", 1000, &|n| {
            (0..n).map(event).collect::<String>().into_bytes()
        }),
        ("broken strings", 1000, &|n| b"{\"a\":\"\n".repeat(n * 5)),
        ("chunk sizes", 1000, &|n| {
            [b"1\r\n{\r\n".to_vec(), b"1\r\nx\r\n".repeat(n * 5)].concat()
        }),
        ("responses", 1000, &|n| {
            b"{\"error\":{\"message\":\"x\"}}\n".repeat(n)
        }),
        ("escapes", 1000, &|n| {
            let mut text = "data: {\"choices\":[{\"delta\":{\"content\":\"".to_owned();
            for _ in 0..n * 10 {
                let _ = write!(text, "\\ud83d");
            }
            (text + "\"}}]}\n\n").into_bytes()
        }),
    ];
    for (name, size, make) in streams {
        let time = |n: usize| {
            let bytes = make(n);
            let begun = busy();
            let mut meter = Meter::new();
            bytes.chunks(*size).for_each(|piece| meter.feed(piece));
            meter.finish(EndedBy::Upstream);
            assert!(meter.next_reading().is_some(), "{name}");
            busy() - begun
        };
        let (short, long) = (time(8_000), time(64_000));
        println!("{name}: {short:?}, eight times as much {long:?}");
        // Quadratic time would be 64 times as long. The kernel counts in steps of some milliseconds.
        assert!(
            long < short * 24 + Duration::from_millis(100),
            "{name}: {short:?}, then {long:?}"
        );
    }
}
