//! What comes out beside the bytes: --emit, --columns, and lines for people.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};

use common::{captures, ended, scratch, tokensense};

fn capture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What tap makes of an input that a file holds.
fn tap(args: &[&str], input: &[u8]) -> Output {
    let mut child = tokensense()
        .arg("tap")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A tap that refuses its options reads nothing.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("an end")
    })
}

fn emitted(what: &str, input: &[u8]) -> String {
    let output = tap(&["-q", "--emit", what], input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The JSON that stands in the `data:` lines of a stream, parted by blank lines.
fn payloads(sse: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(sse).replace("\r\n", "\n");
    let data = text.split("\n\n").filter_map(|event| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).ok()
    });
    data.collect()
}

fn lines(text: &str) -> Vec<Value> {
    let parsed = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    parsed.collect()
}

const ANSWER: &str =
    "The tide turns twice a day, says the harbour master: \"mind the ropes\" – voilà.";

#[test]
fn data_of_sse() {
    for name in [
        "openai.chat/usage.sse",
        "openai.responses/completed.sse",
        "anthropic.messages/stream.sse",
        "anthropic.messages/no_final_newline.sse",
        "gemini/stream.sse",
    ] {
        let sse = capture(name);
        assert_eq!(lines(&emitted("data", &sse)), payloads(&sse), "{name}");
    }
}

/// Payloads go out byte for byte; only the line breaks of a pretty one become spaces.
#[test]
fn data_is_verbatim() {
    let ndjson = capture("ollama.chat/stream.ndjson");
    assert_eq!(emitted("data", &ndjson).into_bytes(), ndjson);
    let odd = "data: {\"choices\":[ {\"delta\":{\"content\":\"\\u00e9\"}}],\"n\":1.50,\"n\":2}\n\n";
    assert_eq!(emitted("data", odd.as_bytes()), &odd[6..odd.len() - 1]);
}

#[test]
fn data_of_bodies_and_arrays() {
    let body = capture("openai.chat/body.json");
    let whole: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(lines(&emitted("data", &body)), [whole]);
    let array = capture("gemini/array.json");
    let parts: Vec<Value> = serde_json::from_slice(&array).expect("JSON");
    assert_eq!(lines(&emitted("data", &array)), parts);
}

/// A frame becomes an object under its event's name, as the SDKs have it; a wrapped event becomes itself.
#[test]
fn data_of_aws_frames() {
    let converse = lines(&emitted("data", &capture("bedrock.converse/stream.bin")));
    let names: Vec<_> = converse
        .iter()
        .map(|event| {
            let event = event.as_object().expect("an object");
            assert_eq!(event.len(), 1);
            event.keys().next().expect("a name").as_str()
        })
        .collect();
    assert_eq!(names.first(), Some(&"messageStart"));
    assert_eq!(names.last(), Some(&"metadata"));
    let text: String = converse
        .iter()
        .filter_map(|event| event["contentBlockDelta"]["delta"]["text"].as_str())
        .collect();
    assert_eq!(text, ANSWER);

    let invoked = lines(&emitted("data", &capture("bedrock.invoke/anthropic.bin")));
    assert_eq!(invoked[0]["type"], "message_start");
}

/// Headers, ends of streams and comments are no payload.
#[test]
fn data_behind_curl_i() {
    let sse = capture("framing/curl_i.sse");
    let events = lines(&emitted("data", &sse));
    assert!(events.len() > 10);
    assert!(events.iter().all(Value::is_object));
    assert_eq!(emitted("text", &sse), ANSWER);
    assert_eq!(emitted("data", &capture("framing/curl_i_html.html")), "");
    assert_eq!(emitted("data", b": keep-alive\n\ndata: [DONE]\n\n"), "");
}

/// An event that the end cut off is no payload; its text came all the same.
#[test]
fn an_event_cut_off_at_the_end() {
    let sse = capture("openai.chat/usage.sse");
    let at = memchr::memmem::find(&sse, b" turns").expect("the word") + 4;
    let events = lines(&emitted("data", &sse[..at]));
    assert_eq!(events, payloads(&sse[..at])[..events.len()]);
    assert_eq!(events.len(), 3);
    assert_eq!(emitted("text", &sse[..at]), "The tide tur");
}

#[test]
fn text_of_every_framing() {
    for name in [
        "openai.chat/usage.sse",
        "openai.chat/no_blank_lines.sse",
        "openai.responses/completed.sse",
        "openai.completions/usage.sse",
        "anthropic.messages/thinking.sse",
        "bedrock.converse/stream.bin",
        "bedrock.invoke/llama.bin",
        "cohere.v1/stream.ndjson",
        "cohere.v2/stream.sse",
        "gemini/array.json",
        "gemini/stream.sse",
        "ollama.chat/stream.ndjson",
        "ollama.generate/cached_prompt.ndjson",
        "replicate/stream.sse",
        "tgi/with_details.sse",
    ] {
        assert_eq!(emitted("text", &capture(name)), ANSWER, "{name}");
    }
    assert_eq!(emitted("text", &capture("openai.chat/error.json")), "");
}

/// One answer after the other, not mixed; each response begins on a line of its own.
#[test]
fn text_of_several_answers() {
    let two = emitted("text", &capture("openai.chat/two_choices.sse"));
    let half = "The tide turns twice a day, says";
    assert_eq!(two, format!("{half}\n{half}"));
    let several = emitted("text", &capture("framing/several.sse"));
    assert_eq!(several, [ANSWER; 4].join("\n"));
    let body = br#"{"object":"chat.completion","model":"m","choices":[
        {"index":0,"message":{"content":"one\n"}},{"index":1,"message":{"content":"two"}}]}"#;
    assert_eq!(emitted("text", body), "one\ntwo");
}

/// A hostile number of choices costs neither memory nor time without end.
#[test]
fn text_of_very_many_choices() {
    let mut sse = String::new();
    for index in 0..200_000 {
        sse += &format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"x\"}}}}]}}\n\n"
        );
    }
    let text = emitted("text", sse.as_bytes());
    assert_eq!(text.matches('x').count(), 200_000);
}

#[test]
fn nothing_but_records() {
    let sse = capture("openai.chat/usage.sse");
    let output = tap(&["--emit", "none", "-o", "-"], &sse);
    let records = lines(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["output_tokens"], 24);
    assert!(output.stderr.is_empty());

    let output = tap(&["-o", "-"], &sse);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--emit none"), "{said}");
}

/// Every line is JSON, whatever the capture; what is emitted does not change what is read.
#[test]
fn every_capture() {
    use tokensense::{Emit, EndedBy, Meter};

    for path in captures() {
        let name = path.display().to_string();
        let input = fs::read(&path).expect("a capture");
        let run = |emit: Option<Emit>| {
            let mut meter = Meter::new();
            if let Some(emit) = emit {
                meter.emit(emit);
            }
            meter.feed(&input);
            meter.finish(EndedBy::Upstream);
            let out = String::from_utf8(meter.take_emitted()).expect("text");
            let readings: Vec<_> = std::iter::from_fn(|| meter.next_reading()).collect();
            (readings, out)
        };
        let (want, nothing) = run(None);
        assert_eq!(nothing, "", "{name}");
        let (readings, data) = run(Some(Emit::Data));
        assert_eq!(readings, want, "{name}");
        // One capture sends half a surrogate pair, which serde_json refuses.
        if !name.contains("lone_surrogates") {
            lines(&data);
        }
        let (readings, text) = run(Some(Emit::Text));
        assert_eq!(readings, want, "{name}");
        assert!(!text.contains("\"choices\""), "{name}");
    }
}

/// Cuts a stream behind each of its events.
fn events(stream: &[u8], end: &[u8]) -> Vec<Vec<u8>> {
    let ends = memchr::memmem::find_iter(stream, end).map(|at| at + end.len());
    let mut begin = 0;
    let mut events = Vec::new();
    for at in ends {
        events.push(stream[begin..at].to_vec());
        begin = at;
    }
    events
}

/// The frames of an AWS event stream, by the lengths they begin with.
fn frames(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((len, _)) = stream.split_first_chunk() {
        let (frame, rest) = stream.split_at(u32::from_be_bytes(*len) as usize);
        frames.push(frame.to_vec());
        stream = rest;
    }
    frames
}

/// Each event's line is out before the next event is sent.
#[test]
fn each_line_is_out_at_once() {
    let array = capture("gemini/array.json");
    let sse = capture("openai.chat/usage.sse");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let mut behind_head = vec![head];
    behind_head.extend(events(&sse, b"\n\n"));
    for (name, events) in [
        ("sse", events(&sse, b"\n\n")),
        ("curl -i", behind_head),
        (
            "crlf",
            events(&capture("anthropic.messages/bom_crlf.sse"), b"\r\n\r\n"),
        ),
        (
            "ndjson",
            events(&capture("ollama.chat/stream.ndjson"), b"\n"),
        ),
        ("array", events(&array, b"\n}")),
        ("aws", frames(&capture("bedrock.converse/stream.bin"))),
    ] {
        assert!(events.len() > 2, "{name}");
        let mut child = tokensense()
            .args(["tap", "-q", "--emit", "data"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, came) = channel();
        let reader = std::thread::spawn(move || {
            for line in stdout.lines() {
                sender.send(line.expect("a line")).expect("a receiver");
            }
        });
        let mut count = 0;
        for event in &events {
            stdin.write_all(event).expect("a reader");
            let text = String::from_utf8_lossy(event);
            if text.contains("[DONE]") || text.starts_with("HTTP") {
                continue;
            }
            let line = came.recv_timeout(Duration::from_secs(10));
            line.unwrap_or_else(|error| panic!("{name}, event {count}: {error}"));
            count += 1;
        }
        drop(stdin);
        reader.join().expect("no panic");
        assert_eq!(came.try_iter().count(), 0, "{name}: more lines than events");
        assert!(ended(child).success(), "{name}");
    }
}

/// Text too.
#[test]
fn each_word_is_out_at_once() {
    let sse = capture("openai.chat/usage.sse");
    let mut child = tokensense()
        .args(["tap", "-q", "--emit", "text"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    for (event, payload) in events(&sse, b"\n\n").iter().zip(payloads(&sse)) {
        stdin.write_all(event).expect("a reader");
        let word = payload["choices"][0]["delta"]["content"].as_str();
        let word = word.unwrap_or_default();
        let mut came = vec![0; word.len()];
        std::io::Read::read_exact(&mut stdout, &mut came).expect("readable");
        assert_eq!(String::from_utf8_lossy(&came), word);
    }
    drop(stdin);
    assert!(ended(child).success());
}

/// The reader has seen enough of the lines: as with the bytes, the stream ends, and by SIGPIPE.
#[test]
fn the_reader_of_lines_goes_away() {
    let record = scratch("outputs-gone").join("record.json");
    let mut child = tokensense()
        .args(["tap", "--emit", "data", "-o"])
        .arg(&record)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let sse = capture("anthropic.messages/stream.sse");
    stdin.write_all(&sse[..2000]).expect("a reader");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(lines(&line)[0]["type"], "message_start");
    drop(stdout);
    // The upstream is still open and silent.
    let status = ended(child);
    assert_eq!(status.signal(), Some(13));
    let record = lines(&fs::read_to_string(&record).expect("a record")).remove(0);
    assert_eq!(record["status"], "cancelled");
    assert_eq!(record["ended_by"], "downstream");
}

/// What waits for the end comes at a limit too.
#[test]
fn the_other_choice_at_a_limit() {
    let sse = capture("openai.chat/two_choices.sse");
    let output = tap(&["-q", "--emit", "text", "--max-output-tokens", "1"], &sse);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8_lossy(&output.stdout);
    let (one, other) = text.split_once('\n').expect("two choices");
    assert!(
        one.starts_with("The tide") && other.starts_with("The tide"),
        "{text}"
    );
}

/// An output that takes nothing is an error that is said, whenever it shows.
#[test]
fn a_full_output() {
    let sse = capture("openai.chat/no_blank_lines.sse");
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let input = scratch("outputs-full").join("in");
    fs::write(&input, sse).expect("a file");
    let mut command = tokensense();
    command.args(["tap", "-q", "--emit", "text"]).stdout(full);
    let output = command
        .stdin(fs::File::open(input).expect("a file"))
        .output()
        .expect("the binary");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("standard output"), "{said}");
}

/// The record of a capture with these columns, and no other.
fn columns(list: &str, name: &str) -> String {
    let output = tap(
        &["--columns", list, "--emit", "none", "-o", "-"],
        &capture(name),
    );
    assert!(output.status.success(), "{list}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn columns_in_order_under_their_names() {
    let name = "openai.chat/usage.sse";
    let list = "output_tokens, in=input_tokens,model,cached=usage.prompt_tokens_details.cached_tokens,\
                nothing=usage.no.such.thing,usage.completion_tokens";
    assert_eq!(
        columns(list, name),
        "{\"output_tokens\":24,\"in\":90,\"model\":\"gpt-4o-mini-2024-07-18\",\"cached\":64,\"nothing\":null,\
         \"usage.completion_tokens\":24}\n"
    );
}

#[test]
fn columns_of_lists() {
    let list = "n=usage.promptTokensDetails.0.tokenCount,usage.promptTokensDetails.0.modality,\
                usage.promptTokensDetails.7.modality,usage.promptTokensDetails.x";
    let record: Value = serde_json::from_str(&columns(list, "gemini/body.json")).expect("JSON");
    assert_eq!(
        record,
        json!({
            "n": 20,
            "usage.promptTokensDetails.0.modality": "TEXT",
            "usage.promptTokensDetails.7.modality": null,
            "usage.promptTokensDetails.x": null,
        })
    );
}

#[test]
fn columns_of_labels_and_in_csv() {
    let file = scratch("columns").join("records.csv");
    let path = file.to_str().expect("a name");
    let list = "team=label.team,label.env,labels.none,model,out=output_tokens,u=usage.completion_tokens_details";
    let mut args = vec!["--label", "team=search, \"rank\"", "--label", "env=prod"];
    args.extend(["--columns", list, "-o", path]);
    for _ in 0..2 {
        assert!(
            tap(&args, &capture("openai.chat/usage.sse"))
                .status
                .success()
        );
    }
    let text = fs::read_to_string(&file).expect("a file");
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("team,label.env,labels.none,model,out,u"));
    let row = rows.next().expect("a record");
    assert!(
        row.starts_with("\"search, \"\"rank\"\"\",prod,,gpt-4o-mini-2024-07-18,24,\"{"),
        "{row}"
    );
    assert_eq!(rows.next(), Some(row), "the header comes once");
    assert_eq!(rows.next(), None);

    // Other columns do not fit into that file.
    let output = tap(&["--columns", "model", "-o", path], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).expect("a file"), text);
}

/// The environment says which columns; the command line has the last word.
#[test]
fn columns_from_the_environment() {
    let run = |args: &[&str]| {
        let mut command = tokensense();
        command.env("TOKENSENSE_COLUMNS", "status").arg("tap");
        let output = command
            .args(["--emit", "none", "-o", "-"])
            .args(args)
            .output();
        String::from_utf8(output.expect("the binary").stdout).expect("text")
    };
    assert_eq!(run(&[]), "{\"status\":\"empty\"}\n");
    assert_eq!(run(&["--columns", "bytes"]), "{\"bytes\":0}\n");
}

#[test]
fn columns_that_are_none() {
    for (list, says) in [
        ("modle", "no column \"modle\": did you mean model?"),
        ("model,ouput_tokens", "did you mean output_tokens?"),
        ("in=inputtokens", "did you mean input_tokens?"),
        ("cost", "did you mean cost_usd?"),
        ("xyzzy", "no column \"xyzzy\": use a column"),
        ("usage.", "no column \"usage.\""),
        ("label.", "no column \"label.\""),
        ("in=", "no column \"\""),
        ("=model", "gives model no name"),
        ("model,model", "\"model\" appears twice"),
        ("a=model,a=status", "\"a\" appears twice"),
        ("", "the list of columns is empty"),
        (" , ", "the list of columns is empty"),
    ] {
        let output = tap(&["--columns", list], b"data: {}\n\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{list}: {said}");
        assert!(
            said.contains("--columns") && said.contains(says),
            "{list}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(output.stdout.is_empty(), "before the first byte");
    }
}

/// The line for people, without the clock's part, which differs from run to run.
fn line(args: &[&str], input: &[u8]) -> String {
    let output = tap(&[&["--format", "line"], args].concat(), input);
    let text = String::from_utf8(output.stderr).expect("text");
    let parts = text.trim_end_matches('\n').split("  ");
    let clock = |part: &&str| {
        let seconds = part.split(" s").next().unwrap_or_default();
        !(part.contains(" s") && seconds.parse::<f64>().is_ok())
    };
    let all = parts.clone().count();
    let rest: Vec<_> = parts.filter(clock).collect();
    assert_eq!(rest.len() + 1, all, "no time in {text:?}");
    rest.join("  ")
}

#[test]
fn lines_for_people() {
    for (name, want) in [
        ("framing/empty.sse", "empty"),
        ("framing/html.html", "unrecognised"),
        (
            "framing/gzip.bin",
            "unrecognised  the body is gzip: add --compressed to curl",
        ),
    ] {
        assert_eq!(line(&[], &capture(name)), want, "{name}");
    }
    // With tokens, the price table has its say: only what comes before and after it is known here.
    for (name, begins, ends) in [
        (
            "openai.chat/usage.sse",
            "gpt-4o-mini-2024-07-18  90 in (64 cached) · 24 out  ",
            "",
        ),
        (
            "anthropic.messages/stream.sse",
            "claude-sonnet-4-5-20250929  1,000 in (",
            "",
        ),
        (
            "openai.chat/truncated.sse",
            "gpt-4o-2024-08-06  ? in · ≈",
            "  truncated  input tokens unknown: use run, or tap --request FILE, to estimate them",
        ),
    ] {
        let line = line(&[], &capture(name));
        assert!(line.starts_with(begins), "{name}: {line}");
        assert!(line.ends_with(ends), "{name}: {line}");
    }
}

/// A provider's own cost needs no table.
#[test]
fn costs_for_people() {
    let body = |usage: &str| {
        format!(
            r#"{{"object":"chat.completion","id":"g","model":"a/b","provider":"P","choices":[{{"index":0,"finish_reason":"stop",
               "message":{{"content":"Hi"}}}}],"usage":{{"prompt_tokens":1234567,"completion_tokens":2{usage}}}}}"#
        )
    };
    for (usage, want) in [
        (r#","cost":0.000412345"#, "$0.0004123"),
        (r#","cost":0.5"#, "$0.50"),
        (r#","cost":12.3456"#, "$12.35"),
        (r#","cost":0"#, "$0.00"),
        (r#","cost":1e-7"#, "$0.0000001"),
    ] {
        let got = line(&[], body(usage).as_bytes());
        assert_eq!(got, format!("a/b  1,234,567 in · 2 out  {want}"), "{usage}");
    }
    let unknown = line(&[], body("").as_bytes());
    assert!(unknown.contains("no price"), "{unknown}");
}

#[test]
fn errors_for_people() {
    let error = line(&[], &capture("openai.chat/error.json"));
    assert!(error.contains("  error: "), "{error}");
    let head = line(&[], &capture("framing/curl_i_error.json"));
    assert!(head.contains("  error 4"), "{head}");
    // One line, whatever the wire says.
    let nasty = br#"{"error":{"message":"a\nb\u001b[31mc\u0007","type":"t"}}"#;
    let nasty = line(&[], nasty);
    assert!(!nasty.contains(|c: char| c.is_control()), "{nasty:?}");
}

/// Colours: where asked for; never into a pipe by themselves.
#[test]
fn colours() {
    let input = capture("openai.chat/truncated.sse");
    let run = |args: &[&str], environment: &[(&str, &str)]| {
        let path = scratch("colours").join("in");
        fs::write(&path, &input).expect("a file");
        let mut command = tokensense();
        command.args(["tap", "--format", "line"]).args(args);
        command.envs(environment.iter().copied());
        let stdin = fs::File::open(path).expect("a file");
        let output = command.stdin(stdin).output().expect("the binary");
        String::from_utf8_lossy(&output.stderr).contains('\u{1b}')
    };
    assert!(!run(&[], &[]));
    assert!(run(&["--color", "always"], &[]));
    assert!(run(&["--color=always"], &[]));
    assert!(!run(&["--color", "never"], &[]));
    assert!(!run(&[], &[("NO_COLOR", "1")]));
    assert!(
        run(&["--color", "always"], &[("NO_COLOR", "1")]),
        "the flag wins"
    );

    let help = |args: &[&str]| {
        let output = tokensense().args(args).output().expect("the binary");
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty());
        said.contains(&0x1b)
    };
    assert!(!help(&["--help"]));
    assert!(help(&["--color", "always", "--help"]));
    assert!(help(&["tap", "--help", "--color=always"]));
    assert!(help(&["--color=always", "tpa"]));
    assert!(!help(&["--color=never", "tpa"]));
    // JSON stays JSON.
    let output = tap(&["--color", "always", "--emit", "none", "-o", "-"], &input);
    assert!(!output.stdout.contains(&0x1b));
}

/// Lines for people may be kept, too.
#[test]
fn lines_in_a_file() {
    let file: PathBuf = scratch("lines").join("records.txt");
    let path = file.to_str().expect("a name");
    for _ in 0..2 {
        let output = tap(
            &["--format", "line", "-o", path],
            &capture("openai.chat/usage.sse"),
        );
        assert!(output.status.success());
    }
    let text = fs::read_to_string(&file).expect("a file");
    assert_eq!(text.lines().count(), 2, "{text}");
}
