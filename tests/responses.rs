//! Which bytes belong to which response: however responses follow each other in a pipe, and wherever one is cut off,
//! each record says what is true of its own response and nothing else.

mod common;

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};
use tokensense::{EndedBy, Meter, Record};

use common::{Random, captures, corpus, sorted};

/// How much is tried: a little by default, much where the environment says `FULL=1`.
fn times(few: usize, many: usize) -> usize {
    if full() { many } else { few }
}

fn full() -> bool {
    std::env::var("FULL").is_ok_and(|full| full == "1")
}

type Columns = Map<String, Value>;

/// The records of a stream, by columns.
fn records(mut meter: Meter, bytes: &[u8]) -> Vec<Columns> {
    meter.feed(bytes);
    meter.finish(EndedBy::Upstream);
    let readings = std::iter::from_fn(|| meter.next_reading());
    let columns = readings.map(|reading| {
        let json = Record::new(&reading).to_json();
        serde_json::from_str(&json).expect("a record is an object")
    });
    columns.collect()
}

fn load(paths: Vec<PathBuf>) -> Vec<(String, Vec<u8>)> {
    let load = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a capture");
        (path.display().to_string(), bytes)
    };
    paths.into_iter().map(load).collect()
}

fn recordings() -> Vec<(String, Vec<u8>)> {
    let folder = corpus();
    let is_response = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && !name.starts_with("manifest") && !name.starts_with("README")
    };
    load(sorted(&folder).into_iter().filter(is_response).collect())
}

/// What a record tells of how the stream ended and came by, not of the response.
const OF_THE_END: &[&str] = &[
    "bytes",
    "cost_basis",
    "duration_ms",
    "ended_by",
    "estimate_error",
    "estimated",
    "estimator",
    "events",
    "events_skipped",
    "lower_bound",
    "notes",
    "partial",
    "reasoning_bytes",
    "record_id",
    "started",
    "status",
    "text_bytes",
    "time",
    "usage",
];

/// What can be taken for what until a later event: Copilot speaks as Azure and Anthropic do until its last words, and a
/// reason that every event repeats may give way to another one.
const LATE: &[(&str, &str, &str)] = &[
    ("provider", "anthropic", "github-copilot"),
    ("provider", "azure", "github-copilot"),
    ("finish_reason", "STOP", "RECITATION"),
];

/// Whether a value is what the provider had stated up to the cut, and states anew later: an input that its tools made
/// longer, another model that took over, a count that runs on. No sum or guess of ours passes.
fn was_stated(column: &str, bytes: &[u8], cut: &Columns, whole: &Columns) -> bool {
    let usage = cut["usage"].to_string();
    let counts = |column: &str| {
        let value = cut[column].as_u64().unwrap_or_default();
        let mut numbers = usage.split(|c: char| !c.is_ascii_digit());
        numbers.any(|number| number == value.to_string())
    };
    let runs_on = || {
        let count = |record: &Columns| record["output_tokens"].as_u64();
        counts("output_tokens") && count(cut) > Some(1) && count(cut) <= count(whole)
    };
    match column {
        "input_tokens" => counts(column),
        "output_tokens" => runs_on(),
        "total_tokens" => counts("input_tokens") && runs_on(),
        "model" => memchr::memmem::find(bytes, cut[column].to_string().as_bytes()).is_some(),
        _ => false,
    }
}

/// Whether a value tells nothing.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// What is wrong with the records of a stream that was cut off, where those of the whole one are known.
fn faults(bytes: &[u8], whole: &[Columns], cut: &[Columns]) -> Vec<String> {
    if cut.len() > whole.len() {
        return vec![format!("{} records for {}", cut.len(), whole.len())];
    }
    let mut faults = Vec::new();
    for (cut, whole) in cut.iter().zip(whole) {
        let estimated = &cut["estimated"];
        let is_estimated = |column: &str| {
            let listed = estimated.as_array().into_iter().flatten();
            listed.into_iter().any(|name| name == column)
        };
        for (column, value) in cut {
            let free = OF_THE_END.contains(&column.as_str());
            if free || is_nothing(value) || is_estimated(column) {
                continue;
            }
            let late = |(of, early, late): &(&str, &str, &str)| {
                column == of && value == early && whole[column] == *late
            };
            if whole.get(column) != Some(value)
                && !was_stated(column, bytes, cut, whole)
                && !LATE.iter().any(late)
            {
                let want = whole.get(column).unwrap_or(&Value::Null);
                faults.push(format!("{column} is {value}, of the whole {want}"));
            }
        }
    }
    faults
}

fn cut_anywhere(streams: &[(String, Vec<u8>)], offsets: usize) {
    let mut wrong = Vec::new();
    for (name, bytes) in streams {
        let whole = records(Meter::new(), bytes);
        let step = (bytes.len() / offsets).max(1);
        let mut seen = Vec::new();
        for cut in (1..bytes.len()).step_by(step) {
            let cut_off = records(Meter::new(), &bytes[..cut]);
            for fault in faults(&bytes[..cut], &whole, &cut_off) {
                if !seen.contains(&fault) {
                    wrong.push(format!("{name} cut at {cut}: {fault}"));
                    seen.push(fault);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Wherever a capture is cut off, each value is that of the whole, or said to be estimated, or absent.
#[test]
fn a_cut_makes_nothing_up() {
    cut_anywhere(&load(captures()), times(60, 100_000));
}

#[test]
#[ignore = "needs the corpus"]
fn a_cut_makes_nothing_up_of_recordings() {
    cut_anywhere(&recordings(), times(40, 1000));
}

/// What is the same of a response whether it comes alone or after another one.
fn own(mut record: Columns) -> Columns {
    // What comes between two of them, and says nothing, may be either's.
    for column in [
        "bytes",
        "events",
        "events_skipped",
        "record_id",
        "time",
        "started",
    ] {
        record.remove(column);
    }
    record
}

/// What comes after a stream before another one: blank lines, or nothing where its framing tells its end.
fn between(stream: &[u8], random: &mut Random) -> &'static [u8] {
    let ends = stream.ends_with(b"\n\n") || stream.ends_with(b"\r\n\r\n");
    let is_lines = stream.starts_with(b"{") && stream.ends_with(b"\n");
    let is_body =
        matches!(stream[0], b'{' | b'[') && matches!(stream[stream.len() - 1], b'}' | b']');
    match random.below(3) {
        0 if ends || is_lines || is_body => b"",
        // The last line of a stream of events may come without the blank one.
        0 | 1 if stream.ends_with(b"\n") => b"",
        1 => b"\n",
        _ => b"\n\n",
    }
}

/// How the records of a pipe of so many bytes differ from those of its responses alone.
fn differs(got: &[Columns], want: &[Columns], len: usize) -> Option<String> {
    let counted = sum(got, &["bytes"]);
    if counted != len as u64 {
        return Some(format!("{counted} bytes of {len} are counted"));
    }
    let pieces = ["events", "events_skipped"];
    let all = |records: &[Columns]| records.iter().cloned().map(own).collect::<Vec<_>>();
    let (one, other) = (all(got), all(want));
    if one == other {
        let is_framed = |record: &Columns| {
            record["api"]
                .as_str()
                .is_some_and(|api| api.starts_with("bedrock"))
        };
        // Behind AWS's frames what is no event is not told apart: a comment, a byte order mark.
        if want.iter().any(is_framed) {
            return None;
        }
        let (one, other) = (sum(got, &pieces), sum(want, &pieces));
        return (one != other).then(|| format!("{one} events for {other}"));
    }
    let of = |records: &[Columns], at: usize| records.get(at).cloned().unwrap_or_default();
    let at = (0..one.len().max(other.len())).find(|at| of(&one, *at) != of(&other, *at))?;
    let (this, that) = (of(&one, at), of(&other, at));
    let columns: Vec<_> = that
        .keys()
        .filter(|column| this.get(*column) != that.get(*column))
        .collect();
    Some(format!(
        "{} records for {}, record {at} differs in {columns:?}",
        got.len(),
        want.len()
    ))
}

/// What records count, all together.
fn sum(records: &[Columns], columns: &[&str]) -> u64 {
    let count = |record: &Columns| {
        columns
            .iter()
            .filter_map(|column| record[*column].as_u64())
            .sum::<u64>()
    };
    records.iter().map(count).sum()
}

/// How some streams are, alone and one after the other.
fn concatenated(streams: &[(String, Vec<u8>)], rounds: usize) {
    let can_be_followed = |bytes: &[u8]| {
        let records = records(Meter::new(), bytes);
        let ends = |record: &Columns| record["status"] == "complete";
        // What has no end goes on with whatever follows it, as nothing tells where it ends.
        !records.is_empty() && records.iter().all(ends)
    };
    let whole: Vec<_> = streams
        .iter()
        .filter(|(_, bytes)| can_be_followed(bytes))
        .collect();
    assert!(whole.len() > 50, "only {} streams have an end", whole.len());
    let mut random = Random::new(17);
    let mut wrong = Vec::new();
    let pairs = if full() { whole.len() * whole.len() } else { 0 };
    for round in 0..pairs + rounds {
        let mut bytes = Vec::new();
        let (mut want, mut names) = (Vec::new(), Vec::new());
        let picks = match round.checked_sub(rounds) {
            Some(pair) => vec![pair / whole.len(), pair % whole.len()],
            None => (0..2 + random.below(4))
                .map(|_| random.below(whole.len()))
                .collect(),
        };
        for pick in picks {
            let (name, stream) = whole[pick];
            bytes.extend_from_slice(stream);
            bytes.extend_from_slice(between(stream, &mut random));
            want.extend(records(Meter::new(), stream));
            names.push(name.as_str());
        }
        // An id that comes again is the same response.
        let ids = want
            .iter()
            .filter_map(|record| record["response_id"].as_str());
        let mut ids: Vec<_> = ids.collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < all {
            continue;
        }
        let got = [Meter::new(), Meter::plain()].map(|meter| records(meter, &bytes));
        let fault = got.iter().find_map(|got| differs(got, &want, bytes.len()));
        if let Some(fault) = fault {
            wrong.push(format!("round {round}: {fault}: {names:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Streams and bodies of any API one after the other in one pipe give the records that each gives alone.
#[test]
fn one_after_the_other() {
    let captures = load(captures());
    // A body under no encoding of ours ends with the input.
    let plain = |(_, bytes): &(String, Vec<u8>)| !bytes.starts_with(&[0x1f, 0x8b]);
    let captures: Vec<_> = captures.into_iter().filter(plain).collect();
    concatenated(&captures, times(300, 5000));
}

#[test]
#[ignore = "needs the corpus"]
fn recordings_one_after_the_other() {
    concatenated(&recordings(), times(500, 5000));
}

/// A chunk of a stream in OpenAI's grammar.
struct Chunk<'a> {
    id: &'a str,
    model: &'a str,
    role: bool,
    text: &'a str,
    finish: bool,
}

impl Chunk<'_> {
    fn event(&self) -> String {
        let role = if self.role {
            "\"role\":\"assistant\","
        } else {
            ""
        };
        let finish = if self.finish { "\"stop\"" } else { "null" };
        format!(
            "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"{}\",\
             \"choices\":[{{\"index\":0,\"delta\":{{{role}\"content\":\"{}\"}},\"finish_reason\":{finish}}}]}}\n\n",
            self.id, self.model, self.text
        )
    }
}

/// The events of one response, its text in so many pieces; how many tokens it states tells it from others.
fn response(id: &str, roles: bool, pieces: usize, tokens: u64) -> Vec<String> {
    let chunk = |at: usize, text: &str, finish| {
        let role = roles || at == 0;
        let model = "gpt-4o-mini";
        let chunk = Chunk {
            id,
            model,
            role,
            text,
            finish,
        };
        chunk.event()
    };
    let mut events = vec![chunk(0, "", false)];
    events.extend((1..=pieces).map(|at| chunk(at, &format!(" tide {at}"), false)));
    events.push(chunk(1, "", true));
    events.push(format!(
        "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"gpt-4o-mini\",\
         \"choices\":[],\"usage\":{{\"prompt_tokens\":{tokens},\"completion_tokens\":{pieces},\"total_tokens\":{}}}}}\n\n",
        tokens + pieces as u64
    ));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// What a stream comes to by the fast way, which is that of the plain one.
fn both_ways(bytes: &[u8]) -> Vec<Columns> {
    let fast = records(Meter::new(), bytes);
    assert_eq!(fast, records(Meter::plain(), bytes));
    fast
}

/// Responses whose events come by turns are told apart by their ids, however they alternate.
#[test]
fn interleaved() {
    let mut random = Random::new(3);
    for round in 0..times(200, 5000) {
        let many = 2 + random.below(4);
        let roles = random.below(2) == 0;
        let mut streams: Vec<_> = (0..many)
            .map(|which| {
                let id = format!("chatcmpl-{round}x{which}");
                let pieces = 2 + random.below(12);
                (
                    id.clone(),
                    pieces,
                    response(&id, roles, pieces, 100 + which as u64),
                )
            })
            .collect();
        // The first events of all come first: each is begun before another one is through.
        let mut bytes = String::new();
        for (_, _, events) in &mut streams {
            bytes.extend(events.drain(..2));
        }
        loop {
            let open: Vec<_> = (0..many).filter(|at| !streams[*at].2.is_empty()).collect();
            let Some(at) = open.get(random.below(open.len())) else {
                break;
            };
            // An end marker bears no id: it comes with the event before it.
            let events = &mut streams[*at].2;
            let run = if events.len() <= 2 { 2 } else { 1 };
            bytes.extend(events.drain(..run));
        }
        let got = both_ways(bytes.as_bytes());
        assert_eq!(got.len(), many, "round {round}: {got:#?}\n{bytes}");
        for (record, (which, (id, pieces, _))) in got.iter().zip(streams.iter().enumerate()) {
            assert_eq!(record["response_id"], id.as_str(), "round {round}");
            assert_eq!(record["input_tokens"], 100 + which, "round {round}");
            assert_eq!(record["output_tokens"], *pieces, "round {round}");
            assert_eq!(record["status"], "complete", "round {round}");
        }
        let counted: u64 = got
            .iter()
            .filter_map(|record| record["bytes"].as_u64())
            .sum();
        assert_eq!(counted, bytes.len() as u64, "round {round}");
    }
}

/// A server that gives each event an id of its own, with or without a role, sends one response.
#[test]
fn fresh_ids() {
    for roles in [false, true] {
        for pieces in [1, 2, 3, 40, 300] {
            let chunk = |at: usize, text: &str, finish| {
                let id = format!("chat.id.{at}");
                let role = roles || at == 0;
                let model = "gemini-2.0-flash";
                let chunk = Chunk {
                    id: &id,
                    model,
                    role,
                    text,
                    finish,
                };
                chunk.event()
            };
            let mut bytes: String = (0..pieces).map(|at| chunk(at, "tide ", false)).collect();
            bytes.push_str(&chunk(pieces, "", true));
            bytes.push_str(&chunk(pieces + 1, "", false).replace(
                "}]}",
                "}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7,\"total_tokens\":16}}",
            ));
            bytes.push_str("data: [DONE]\n\n");
            // And once more the same, under other ids.
            let twice = bytes.clone() + &bytes.replace("chat.id.", "chat.no.");
            for (stream, responses) in [(&bytes, 1), (&twice, 2)] {
                let got = both_ways(stream.as_bytes());
                assert_eq!(got.len(), responses, "{pieces} pieces, roles {roles}");
                for record in got {
                    assert_eq!(
                        record["status"], "complete",
                        "{pieces} pieces, roles {roles}"
                    );
                    assert_eq!(record["input_tokens"], 9, "{pieces} pieces, roles {roles}");
                    assert_eq!(record["output_tokens"], 7, "{pieces} pieces, roles {roles}");
                }
            }
        }
    }
}

/// What ends a response may come in one event under an id of its own, as Perplexity's sums do.
#[test]
fn an_end_under_another_id() {
    for roles in [false, true] {
        let mut events = response("chatcmpl-a", roles, 5, 50);
        let end = events.split_off(6);
        let last = end[1].replace("chatcmpl-a", "chatcmpl-z");
        let text = "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]";
        events.push(last.replace("\"choices\":[]", text));
        let got = both_ways(events.concat().as_bytes());
        assert_eq!(got.len(), 1, "roles {roles}: {got:#?}");
        assert_eq!(got[0]["status"], "complete", "roles {roles}");
        assert_eq!(got[0]["output_tokens"], 5, "roles {roles}");
    }
}

/// A response that broke off is another one than that which follows it.
#[test]
fn after_a_broken_one() {
    for roles in [false, true] {
        let mut bytes = response("chatcmpl-a", roles, 9, 50)[..6].concat();
        bytes.push_str(&response("chatcmpl-b", roles, 4, 60).concat());
        let got = both_ways(bytes.as_bytes());
        let states: Vec<_> = got.iter().map(|record| &record["status"]).collect();
        assert_eq!(states, ["truncated", "complete"], "roles {roles}");
        assert_eq!(got[1]["input_tokens"], 60, "roles {roles}");
        assert_eq!(got[1]["output_tokens"], 4, "roles {roles}");
    }
}

/// Who answered once says nothing of who answers next.
#[test]
fn nothing_carries_over() {
    let groq = "data: {\"id\":\"chatcmpl-g\",\"model\":\"llama-3.3-70b-versatile\",\"x_groq\":{\"id\":\"req_1\"},\
                \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Low\"}}]}\n\n";
    let end = "data: {\"id\":\"chatcmpl-g\",\"model\":\"llama-3.3-70b-versatile\",\
               \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let other = response("chatcmpl-o", false, 3, 20).concat();
    let alone = both_ways(other.as_bytes());
    for first in [groq.to_owned() + end, groq.repeat(3)] {
        let got = both_ways((first + &other).as_bytes());
        assert_eq!(got.len(), 2, "{got:#?}");
        assert_eq!(got[0]["provider"], "groq");
        assert_eq!(got[1]["provider"], alone[0]["provider"], "{got:#?}");
    }
}

/// What tells one response from the next where neither a role nor `[DONE]` stands between them.
#[test]
fn what_begins_another() {
    let gemini = |id: &str, part: &str| {
        let usage = "\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":3,\"totalTokenCount\":10}";
        format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{part}],\"role\":\"model\"}},\"finishReason\":\"STOP\",\
             \"index\":0}}],{usage},\"modelVersion\":\"gemini-2.5-flash\"{id}}}"
        )
    };
    let sse = |event: &str| format!("data: {event}\n\n");
    let (text, named) = ("{\"text\":\"Low tide.\"}", ",\"responseId\":\"kKQ1\"");
    let image = "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgo=\"}}";
    let chat = |id: &str, model: &str| {
        let chunk = |text, finish| {
            Chunk {
                id,
                model,
                role: false,
                text,
                finish,
            }
            .event()
        };
        let usage =
            "}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}";
        chunk("Low tide.", false) + &chunk("", true).replace("}]}", usage)
    };
    let cases = [
        (
            "images under another id",
            sse(&gemini(named, text)) + &sse(&gemini(&named.replace("kK", "zZ"), image)),
        ),
        (
            "images under an id after none",
            sse(&gemini("", text)) + &sse(&gemini(named, image)),
        ),
        (
            "images without an id",
            sse(&gemini(named, text)) + &sse(&gemini("", image)),
        ),
        (
            "an id after none",
            sse(&gemini("", text)) + &sse(&gemini(named, text)),
        ),
        (
            "an array",
            sse(&gemini("", text)) + "[" + &gemini("", text) + "]\n",
        ),
        (
            "another id",
            chat("chat-a", "tide-1") + &chat("chat-b", "tide-1"),
        ),
        (
            "another model",
            chat("chat-a", "tide-1") + &chat("chat-b", "tide-2"),
        ),
    ];
    for (name, bytes) in cases {
        let got = both_ways(bytes.as_bytes());
        assert_eq!(got.len(), 2, "{name}: {got:#?}");
        for record in got {
            let counts = [&record["input_tokens"], &record["output_tokens"]];
            assert_eq!(counts, [7, 3], "{name}");
        }
    }
}
