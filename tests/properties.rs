//! The properties that are fuzzed, on generated streams: seeded, so that every run tests the same ones.

mod common;
#[allow(unreachable_pub, reason = "the fuzzer uses it as a library")]
#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use serde_json::{Map, Value};
use tokensense::Record;

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

/// A short capture.
fn capture() -> impl Strategy<Value = Vec<u8>> {
    let captures = common::captures()
        .into_iter()
        .map(|path| fs::read(path).expect("a capture"));
    let short: Vec<_> = captures.filter(|bytes| bytes.len() < 5000).collect();
    prop::sample::select(short)
}

/// Captures with pieces of each other put in.
fn spliced() -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>;
    let splice = (capture(), place(), place(), place());
    (capture(), prop::collection::vec(splice, 0..4)).prop_map(|(mut bytes, splices)| {
        for (other, from, to, at) in splices {
            let (from, to) = (from.index(other.len() + 1), to.index(other.len() + 1));
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, other[from.min(to)..from.max(to)].iter().copied());
        }
        bytes
    })
}

/// A capture, and after it copies that differ in a few bytes: other ids, numbers and texts, or something broken.
fn resembling() -> impl Strategy<Value = Vec<u8>> {
    const BYTES: &[u8] = b"0123456789abxyz_-. \\\"{}";
    let byte = prop::sample::select(BYTES);
    let edit = (any::<prop::sample::Index>(), byte, any::<bool>());
    let edits = prop::collection::vec(edit, 0..12);
    let copies = prop::collection::vec(edits, 1..4);
    (capture(), copies).prop_map(|(capture, copies)| {
        let mut bytes = capture.clone();
        for edits in copies {
            let mut copy = capture.clone();
            for (at, byte, insert) in edits {
                // A letter or digit mostly stands where it may be another one.
                let from = at.index(copy.len() + 1);
                let word = copy[from..].iter().position(u8::is_ascii_alphanumeric);
                let at = from + word.unwrap_or(0);
                let end = (at + usize::from(!insert)).min(copy.len());
                copy.splice(at..end, [byte]);
            }
            bytes.extend(copy);
        }
        bytes
    })
}

#[test]
fn twin() {
    check(1500, resembling(), |bytes| properties::twin(&bytes));
    check(6000, stream(), |bytes| properties::twin(&bytes));
    check(600, spliced(), |bytes| properties::twin(&bytes));
}

/// Logs of every form, cut anywhere.
#[test]
fn unwrap() {
    let pieces = prop::collection::vec(prop::sample::select(words()), 0..24);
    check(150, (any::<u8>(), pieces), |(seed, pieces)| {
        properties::unwrap(seed, &pieces.concat());
    });
}

/// What cannot be told yet costs little to hold, even if it comes byte by byte.
#[test]
fn undecided_is_cheap() {
    let long = format!("{{\"a\":\"{}", "x".repeat(60_000));
    let inner = format!("{{\"a\":[{}", "{},".repeat(20_000));
    let words = "some words\n".repeat(5_500);
    for text in [long, inner, words] {
        let begun = Instant::now();
        tokensense::unwrapped(text.as_bytes().chunks(1));
        let time = begun.elapsed();
        assert!(time < Duration::from_secs(4), "{time:?}: {}…", &text[..20]);
    }
}

/// What is read again is none of a transfer coding, wherever the input is cut.
#[test]
fn a_guess_taken_back() {
    for behind in [
        "A\nNaN{\"i\"\r\n0\r\n\x1d\nn",
        "8\r\ndata: a\n\r\n1\r\n\n\r\n0\r\n\r\n",
    ] {
        for nuls in 1..16 {
            let bytes = [&vec![0; nuls][..], b"\xff\xff\n\n", behind.as_bytes()].concat();
            (0..=u8::MAX).for_each(|seed| properties::cuts(seed, &bytes));
        }
    }
}

#[test]
fn cuts() {
    check(6000, (any::<u8>(), stream()), |(seed, bytes)| {
        properties::cuts(seed, &bytes)
    });
    for input in [spliced().boxed(), resembling().boxed()] {
        check(400, (any::<u8>(), input), |(seed, bytes)| {
            properties::cuts(seed, &bytes)
        });
    }
}

#[test]
fn redact() {
    check(2000, (any::<u8>(), stream()), |(seed, bytes)| {
        properties::redact(seed, &bytes)
    });
    for input in [spliced().boxed(), resembling().boxed()] {
        check(150, (any::<u8>(), input), |(seed, bytes)| {
            properties::redact(seed, &bytes)
        });
    }
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

/// A text that CSV keeps as it is, and a spreadsheet may take for a formula.
fn text() -> impl Strategy<Value = Value> {
    "[-=+@＝＋－＠'\"]?([^\\pC\\pZ]|[ ,\"']){1,12}".prop_map(Value::from)
}

/// JSON of any kind, its numbers as they are written.
fn json() -> impl Strategy<Value = Value> {
    let number = "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?(e-?[0-9]{1,3})?";
    let number = number.prop_map(|text| any_number(&text));
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        number,
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let members = prop::collection::vec((any::<String>(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Lines of records that use every column: each holds nothing, or something of its kind.
fn record() -> impl Strategy<Value = String> {
    let empty: Map<String, Value> =
        serde_json::from_str(&Record::default().to_json()).expect("an object");
    let line = |column: &str, value: &Value| {
        let mut record = Map::new();
        record.insert("schema".to_owned(), "tokensense/1".into());
        record.insert(column.to_owned(), value.clone());
        Value::from(record).to_string()
    };
    let decimal = "(0|[1-9][0-9]{0,27})(\\.[0-9]{1,14})?";
    let decimal = decimal.prop_map(|text| any_number(&text));
    let words = |words| one_of(words).prop_map(Value::from).boxed();
    let names = prop::collection::vec("[a-z_]{1,9}", 0..4).prop_map(Value::from);
    let object = json().prop_filter("an object", Value::is_object);
    // Of what the reader takes in a column, the first.
    let kinds: [(Value, BoxedStrategy<Value>); 9] = [
        (true.into(), any::<bool>().prop_map(Value::from).boxed()),
        ("x".into(), text().boxed()),
        (0.5.into(), decimal.boxed()),
        (1.into(), any::<u64>().prop_map(Value::from).boxed()),
        (Value::Array(Vec::new()), names.boxed()),
        (Value::Object(Map::new()), object.boxed()),
        ("empty".into(), words("complete empty error unrecognised")),
        ("limit".into(), words("downstream limit SIGINT upstream")),
        (
            "computed".into(),
            words("computed estimated lower_bound reported"),
        ),
    ];
    let columns: Vec<_> = empty
        .keys()
        .filter(|column| *column != "schema")
        .map(|column| {
            let fits = |example: &Value| {
                properties::read_records(line(column, example).as_bytes()).len() == 1
            };
            let (_, kind) = kinds
                .iter()
                .find(|(example, _)| fits(example))
                .unwrap_or_else(|| panic!("{column} takes nothing"));
            (Just(column.clone()), prop::option::of(kind.clone()))
        })
        .collect();
    columns.prop_map(|columns| {
        let members = columns.into_iter();
        let members = members.filter_map(|(column, value)| Some((column, value?)));
        let schema = ("schema".to_owned(), "tokensense/1".into());
        let record: Map<String, Value> = std::iter::once(schema).chain(members).collect();
        with_numbers(&record.into())
    })
}

#[test]
fn records() {
    check(2000, record(), |line| {
        let records = properties::read_records(line.as_bytes());
        assert_eq!(records.len(), 1, "{line}");
        properties::written(&records[0]);
    });
}

/// Tables with a few columns, in whatever order, and rows that may not fit.
fn table() -> impl Strategy<Value = Vec<u8>> {
    const COLUMNS: &[&str] = &[
        "schema",
        "model",
        "cost_usd",
        "input_tokens",
        "estimated",
        "label.team",
        "usage",
        "usage.x",
    ];
    const FIELDS: &[&str] = &[
        "",
        "tokensense/1",
        "m",
        "'=m",
        "1",
        "0.5",
        "-1",
        "1e400",
        "a b",
        "\"a,\"\"b\"",
        "\"\"",
        "{}",
        "'",
        " ",
        "\t",
        "\"{\"\"a\"\":1}\"",
        "\u{2028}",
    ];
    let columns = prop::sample::subsequence(COLUMNS, 2..6).prop_shuffle();
    let rows = prop::collection::vec(prop::collection::vec(prop::sample::select(FIELDS), 5), 1..5);
    (columns, rows).prop_map(|(columns, rows)| {
        let rows = rows.into_iter().map(|row| row[..columns.len()].join(","));
        let lines: Vec<_> = std::iter::once(columns.join(",")).chain(rows).collect();
        lines.join("\n").into_bytes()
    })
}

#[test]
fn tables() {
    check(4000, table(), |bytes| properties::records(&bytes));
}

/// The binary reads what it wrote: JSON lines become CSV, and CSV the same JSON lines.
#[test]
fn records_through_files() {
    let folder = common::scratch("properties-records");
    let [begin, csv, end] =
        ["begin.jsonl", "middle.csv", "end.jsonl"].map(|name| folder.join(name));
    check(20, prop::collection::vec(record(), 10), |lines| {
        fs::write(&begin, lines.join("\n")).expect("a file");
        for (from, to) in [(&begin, &csv), (&csv, &end)] {
            let mut command = common::tokensense();
            command.args(["summarise", "--no-dedup", "--records"]);
            let run = common::bounded::feed(command.arg(to).arg(from), b"");
            assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
        }
        let marked = |(at, record): (usize, &mut Record)| {
            let source = format!("{}#{}", begin.display(), at + 1);
            record.source.get_or_insert(source);
        };
        let mut want = properties::read_records(lines.join("\n").as_bytes());
        want.iter_mut().enumerate().for_each(marked);
        let found = properties::read_records(&fs::read(&end).expect("a file"));
        assert_eq!(found, want);
    });
}

/// One of the words.
/// Stands for a number of any form, which [`with_numbers`] writes: a JSON value holds few of them.
fn any_number(text: &str) -> Value {
    format!("{NUMBER}{text}{NUMBER}").into()
}

fn with_numbers(value: &Value) -> String {
    let text = value.to_string();
    text.replace(&format!("\"{NUMBER}"), "")
        .replace(&format!("{NUMBER}\""), "")
}

const NUMBER: &str = "<a number>";

fn one_of(words: &'static str) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(words.split(' ').collect::<Vec<_>>())
}

/// Price files of both formats.
fn price_file() -> impl Strategy<Value = Vec<u8>> {
    let word = one_of(
        "input_mtok output_mtok base tiers start price constraint start_date models id match \
         equals regex input_cost_per_token output_cost_per_token_above_200k_tokens_flex \
         input_cost_per_token_above_18446744073709552k_tokens search_context_cost_per_query \
         litellm_provider openai gpt-5 2025-01-01 9999-99-99 0.1",
    );
    let number = one_of(
        "0 1 0.000001 100000 1e-28 1e29 -1 0.1000000000000000000000000001 1e999 \
         18446744073709551615",
    );
    let number = number.prop_map(any_number);
    let leaf = prop_oneof![3 => number.clone(), 1 => word.clone().prop_map(Value::from), 1 => Just(Value::Null)];
    let any = leaf.prop_recursive(4, 24, 4, move |inner| {
        let members = prop::collection::btree_map(word.clone(), inner.clone(), 0..4);
        let members = members.prop_map(|members| {
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
        });
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.collect()))
        ]
    });
    let units =
        one_of("input_mtok output_mtok cache_read_mtok requests_kcount web_searches_kcount");
    let rates = prop::collection::btree_map(
        units,
        prop_oneof![4 => number.clone(), 1 => any.clone()],
        0..5,
    );
    let fields = one_of(
        "input_cost_per_token output_cost_per_token input_cost_per_token_above_200k_tokens \
         output_cost_per_token_flex litellm_provider",
    );
    let models =
        prop::collection::btree_map(fields, prop_oneof![4 => number, 1 => any.clone()], 0..5);
    prop_oneof![
        any,
        rates.prop_map(|rates| json!([{"id": "openai", "models": [{"id": "m", "match": {"equals": "m"}, "prices": rates}]}])),
        models.prop_map(|fields| json!({"m": fields})),
    ]
    .prop_map(|value| with_numbers(&value).into_bytes())
}

#[test]
fn prices() {
    check(4000, price_file(), |text| properties::prices(&text));
}

/// Bodies that may ask for a stream, in many spellings.
fn asking() -> impl Strategy<Value = String> {
    let member = prop::sample::select(vec![
        "\"stream\":true",
        "\"stream\" : true ",
        "\"str\\u0065am\":true",
        "\"stream\":false",
        "\"stream\":1",
        "\"stream_options\":{}",
        "\"stream_options\": { }",
        "\"stream_options\":null",
        "\"stream_options\":{\"include_usage\":null}",
        "\"stream_options\":{\"include_usage\":true}",
        "\"stream_options\":{\"include_usage\":false}",
        "\"stream_options\":{\"x\":[1,{\"stream\":true}]}",
        "\"stream_options\":[]",
        "\"model\":\"gpt-4o\"",
        "\"x\":1e400",
        "\"x\":\"}\\\"{\"",
        "\n\"y\":{\"stream_options\":null}",
    ]);
    (prop::collection::vec(member, 0..6), "[ \n]?")
        .prop_map(|(members, space)| format!("{space}{{{}{space}}}", members.join(",")))
}

#[test]
fn edit() {
    check(6000, asking(), |body| properties::edit(body.as_bytes()));
}

#[test]
fn curl() {
    let word = one_of(
        "-d -sNd --json --data-raw --data-binary -d@- @- --next -: -H content-length:7 -o -K -G \
         -q -X -- - -d{ --data={\"stream\":true} -Z -F https://api.openai.com/v1/chat/completions \
         localhost/v1/chat/completions localhost:1/v1/completions [::1] é",
    );
    let word = prop_oneof![3 => word.prop_map(str::to_owned), 1 => asking().prop_map(|body| body.replace('\n', ""))];
    let command = (prop::collection::vec(word, 0..10), asking());
    check(6000, command, |(words, body)| {
        properties::curl((words.join("\n") + "\n\n" + &body).as_bytes())
    });
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
    // A prompt of more tokens than there are numbers.
    properties::prices(br#"{"m":{"input_cost_per_token_above_18446744073709552k_tokens":1}}"#);
}
