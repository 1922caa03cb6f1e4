//! Records and responses in the forms in which people keep them: tables, pretty JSON, packed files, provider's reports.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::bounded::{Run, feed};
use common::{BINARY, isolated, scratch, tokensense};
use serde_json::{Value, json};

fn capture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(path);
    fs::read_to_string(path).expect("a capture")
}

/// A record as tap writes it: the `n`th, with counts of its own.
fn record(n: u64) -> Value {
    json!({
        "schema": "tokensense/1", "started_at": "2026-11-18T10:00:00.000Z", "provider": "openai", "api": "openai.chat",
        "model": "gpt-4o", "status": "complete", "partial": false, "input_tokens": 100 + n, "output_tokens": 10 + n,
        "response_id": format!("chatcmpl-{n}"), "cost_usd": 0.001,
    })
}

fn run(args: &[&str], input: &[u8]) -> Run {
    feed(tokensense().arg("summarise").args(args), input)
}

/// The summary of what stands on standard input.
fn summary(input: &[u8]) -> Value {
    let run = run(&["-q", "--format=json", "-"], input);
    serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

/// Responses and the sums of their counts.
fn sums(input: &[u8]) -> [Value; 3] {
    let total = &summary(input)["total"];
    ["responses", "input_tokens", "output_tokens"].map(|name| total[name].clone())
}

fn are(responses: u64, input: u64, output: u64) -> [Value; 3] {
    [responses.into(), input.into(), output.into()]
}

fn tap(out: &Path, stream: &str) -> Run {
    feed(
        tokensense().args(["tap", "-q", "-o"]).arg(out),
        stream.as_bytes(),
    )
}

/// A CSV whose header is a subset of ours, in any order, goes on with its own columns.
#[test]
fn a_csv_with_fewer_columns_goes_on() {
    let folder = scratch("forms-fewer");
    let stream = capture("openai.chat/usage.sse");
    for (nth, header) in [
        "schema,model,input_tokens",
        "output_tokens,model,schema,status",
    ]
    .iter()
    .enumerate()
    {
        let file = folder.join(format!("{nth}.csv"));
        fs::write(&file, format!("{header}\n")).expect("a file");
        for _ in 0..2 {
            let run = tap(&file, &stream);
            assert!(run.status.success(), "{}", run.stderr);
        }
        let text = fs::read_to_string(&file).expect("a table");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines[0], lines.len()), (*header, 3), "{text}");
        assert_eq!(
            lines[1].split(',').count(),
            header.split(',').count(),
            "{text}"
        );
        assert!(
            lines[1].contains("tokensense/1") && lines[1] == lines[2],
            "{text}"
        );
    }
}

/// A header that has a column of nobody's is not continued, and the file stays as it was.
#[test]
fn a_csv_of_others_stays() {
    let file = scratch("forms-others").join("usage.csv");
    fs::write(&file, "model,colour\ngpt-4o,red\n").expect("a file");
    let run = tap(&file, &capture("openai.chat/usage.sse"));
    assert!(!run.stderr.is_empty());
    let text = fs::read_to_string(&file).expect("a table");
    assert_eq!(text, "model,colour\ngpt-4o,red\n");
}

/// What is on the command line is checked before the output is made.
#[test]
fn a_usage_error_leaves_no_output() {
    let file = scratch("forms-usage").join("usage.csv");
    let mut command = tokensense();
    command
        .args(["tap", "--columns=nothing_of_ours", "-o"])
        .arg(&file);
    assert_eq!(feed(&mut command, b"").status.code(), Some(2));
    assert!(!file.exists());
}

/// Tables with other delimiters, names that people give, columns of their own, and any order.
#[test]
fn tables() {
    for table in [
        "schema\tmodel\tinput_tokens\toutput_tokens\ntokensense/1\tgpt-4o\t100\t10\ntokensense/1\tgpt-4o\t200\t20\n",
        "output_tokens;input_tokens;model;schema\n10;100;gpt-4o;tokensense/1\n20;200;gpt-4o;tokensense/1\n",
        "model,in,out,cost\ngpt-4o,100,10,0.1\ngpt-4o,200,20,0.2\n",
        "who,model,input_tokens,note,output_tokens\nann,gpt-4o,100,\"a, b\",10\nbob,gpt-4o,200,,20\n",
        "\u{feff}model,input_tokens,output_tokens\r\ngpt-4o,100,10\r\ngpt-4o,200,20\r\n",
    ] {
        assert_eq!(sums(table.as_bytes()), are(2, 300, 30), "{table}");
    }
}

/// Records however they are laid out, and whatever stands around them.
#[test]
fn records_anywhere() {
    let all = json!([record(0), record(1), record(2)]);
    let lines: String = (0..3).map(|n| record(n).to_string() + "\n").collect();
    let pretty: String = (0..3).map(|n| format!("{:#}\n", record(n))).collect();
    let stream = capture("openai.chat/usage.sse");
    let (input, output) = (303, 33);
    for (form, text) in [
        ("lines", lines.clone()),
        ("pretty", pretty.clone()),
        ("an array", all.to_string()),
        ("a pretty array", format!("{all:#}\n")),
        (
            "behind a complaint",
            format!("curl: (18) transfer closed with outstanding read data remaining\n{lines}"),
        ),
        (
            "before a complaint",
            format!("{lines}curl: (28) Operation timed out\n"),
        ),
        (
            "pretty behind a complaint",
            format!("curl: (6) Could not resolve host: x\n{pretty}"),
        ),
    ] {
        assert_eq!(sums(text.as_bytes()), are(3, input, output), "{form}");
    }
    let [_, more_input, more_output] =
        sums(stream.as_bytes()).map(|n| n.as_u64().expect("a number"));
    for (form, text) in [
        ("behind a stream", format!("{stream}{lines}")),
        ("before a stream", format!("{lines}{stream}")),
        ("pretty behind a stream", format!("{stream}{pretty}")),
        ("an array behind a stream", format!("{stream}{all}")),
        (
            "a pretty array behind a stream",
            format!("{stream}{all:#}\n"),
        ),
    ] {
        assert_eq!(
            sums(text.as_bytes()),
            are(4, input + more_input, output + more_output),
            "{form}"
        );
    }
}

/// A row that a full disk tore costs itself alone, be the next one glued to it or not; that is named, with exit 1.
#[test]
fn torn_rows() {
    let header = "schema,model,input_tokens,output_tokens\n";
    let row = |n: u64| format!("tokensense/1,gpt-4o,{},{n}\n", n * 10);
    let rows: String = (1..4).map(row).collect();
    // As tap writes it: what it is stands first.
    let line = |n: u64| {
        let mut record = record(n);
        let schema = record
            .as_object_mut()
            .and_then(|members| members.remove("schema"));
        format!(
            "{{\"schema\":{},{}\n",
            schema.expect("a schema"),
            &record.to_string()[1..]
        )
    };
    for (form, text, want) in [
        (
            "a row glued",
            format!("{header}{}tokensense/1,gpt{rows}", row(4)),
            are(4, 100, 10),
        ),
        (
            "a row in quotes",
            format!("{header}{}tokensense/1,\"gpt\n{rows}", row(4)),
            are(4, 100, 10),
        ),
        (
            "the last row",
            format!("{header}{rows}tokensense/1,\"gp"),
            are(3, 60, 6),
        ),
        (
            "a line glued",
            format!(
                "{}{{\"schema\":\"tokensense/1\",\"mod{}{}",
                line(0),
                line(1),
                line(2)
            ),
            are(3, 303, 33),
        ),
        (
            "the last line",
            format!("{}{}{{\"schema\":\"tokensense/1\",\"mod", line(0), line(1)),
            are(2, 201, 21),
        ),
    ] {
        let run = run(&["-q", "--format=json", "-"], text.as_bytes());
        let summary: Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let total = &summary["total"];
        let found = ["responses", "input_tokens", "output_tokens"].map(|name| total[name].clone());
        assert_eq!(found, want, "{form}: {}", run.stderr);
        assert_eq!(run.status.code(), Some(1), "{form}: {}", run.stderr);
        assert!(run.stderr.contains("line"), "{form}: {}", run.stderr);
    }
}

/// A provider's report beside ours, in every format; without `--reconcile` it is named and counts nothing.
#[test]
fn reconciles() {
    let folder = scratch("forms-reconcile");
    let [ours, theirs] = ["ours.jsonl", "theirs.json"].map(|name| folder.join(name));
    let lines: String = (0..3).map(|n| record(n).to_string() + "\n").collect();
    fs::write(&ours, lines).expect("a file");
    let report = json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_794_960_000, "end_time": 1_795_046_400,
    "results": [
        {"object": "organization.usage.completions.result", "model": "gpt-4o", "input_tokens": 310, "output_tokens": 33},
        {"object": "organization.usage.completions.result", "model": "o3", "input_tokens": 5, "output_tokens": 1},
    ]}]});
    fs::write(&theirs, report.to_string()).expect("a file");
    let reconcile = |format: &str| {
        let mut command = tokensense();
        command.args(["summarise", "-q", "--format", format, "--reconcile"]);
        let run = feed(command.arg(&theirs).arg(&ours), b"");
        assert!(run.status.success(), "{}", run.stderr);
        String::from_utf8(run.stdout).expect("text")
    };
    let text = reconcile("json");
    assert!(text.ends_with("}\n"), "{text}");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let row = &found["rows"][0];
    assert_eq!(
        (&row["day"], &row["model"]),
        (&json!("2026-11-18"), &json!("gpt-4o")),
        "{found}"
    );
    assert_eq!(
        (&row["input_tokens"], &row["input_tokens_reported"]),
        (&json!(303), &json!(310))
    );
    assert_eq!(row["input_tokens_difference"], -7);
    assert_eq!(
        (&row["output_tokens_difference"], &row["cost_usd_reported"]),
        (&json!(0), &Value::Null)
    );
    let alone = &found["rows"][1];
    assert_eq!(
        (&alone["model"], &alone["input_tokens"]),
        (&json!("o3"), &Value::Null),
        "{found}"
    );
    assert_eq!(found["total"]["input_tokens_reported"], 315);
    let csv = reconcile("csv");
    assert!(
        csv.lines()
            .any(|line| line.starts_with("2026-11-18,gpt-4o,303,310,-7,33,33,0,")),
        "{csv}"
    );
    let table = reconcile("table");
    let line = table
        .lines()
        .find(|line| line.contains("gpt-4o"))
        .expect("a row");
    let cells: Vec<_> = line.split_whitespace().collect();
    assert_eq!(
        cells[..8],
        ["2026-11-18", "gpt-4o", "303", "310", "-7", "33", "33", "0"],
        "{table}"
    );
    let bare = feed(
        tokensense()
            .args(["summarise", "--format=json"])
            .arg(&theirs),
        b"",
    );
    assert_eq!(bare.status.code(), Some(1));
    assert!(
        bare.stderr.contains("report") && bare.stderr.contains("--reconcile"),
        "{}",
        bare.stderr
    );
}

/// Invocation logs of Bedrock hold Converse's events in an array, or one body; the request names the model.
#[test]
fn invocation_logs() {
    let events = json!([
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Slack water."}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": {"inputTokens": 21, "outputTokens": 4, "totalTokens": 25}, "metrics": {"latencyMs": 300}}},
    ]);
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "Ebb."}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 30, "outputTokens": 2, "totalTokens": 32}, "metrics": {"latencyMs": 90},
    });
    let log = |operation: &str, output: &Value| {
        json!({
            "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2026-11-18T10:00:00Z",
            "accountId": "0", "region": "eu-west-1", "requestId": "r", "operation": operation,
            "modelId": "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "input": {"inputContentType": "application/json", "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": "When?"}]}]}},
            "output": {"outputContentType": "application/json", "outputBodyJson": output},
        }).to_string() + "\n"
    };
    let text = log("ConverseStream", &events) + &log("Converse", &body);
    let summary = summary(text.as_bytes());
    let total = &summary["total"];
    assert_eq!(
        (
            &total["responses"],
            &total["input_tokens"],
            &total["output_tokens"]
        ),
        (&json!(2), &json!(51), &json!(6)),
        "{summary}"
    );
}

/// Streams that many processes wrote into one file, line by line, are told apart by their ids.
#[test]
fn interleaved_streams() {
    let template = capture("openai.chat/usage.sse");
    let id = template
        .split("\"id\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("an id");
    let streams: Vec<String> = (0..5)
        .map(|n| template.replace(id, &format!("chatcmpl-of-its-own-{n}")))
        .collect();
    let events: Vec<Vec<&str>> = streams
        .iter()
        .map(|s| s.split_inclusive("\n\n").collect())
        .collect();
    let longest = events.iter().map(Vec::len).max().expect("streams");
    let mut woven = String::new();
    for at in 0..longest {
        for (nth, stream) in events.iter().enumerate() {
            // Each begins a little later than the one before.
            if let Some(event) = at.checked_sub(nth).and_then(|at| stream.get(at)) {
                woven += event;
            }
        }
    }
    for (nth, stream) in events.iter().enumerate() {
        let rest = longest.saturating_sub(nth).min(stream.len());
        woven.extend(stream[rest..].iter().copied());
    }
    let [_, input, output] = sums(template.as_bytes()).map(|n| n.as_u64().expect("a number"));
    assert_eq!(sums(woven.as_bytes()), are(5, 5 * input, 5 * output));
}

/// A response behind which there is more is whole, however little of the file comes at once.
#[test]
fn short_reads() {
    let file = scratch("forms-short").join("log");
    let stream = capture("openai.chat/usage.sse");
    fs::write(&file, &stream).expect("a file");
    let want = sums(stream.as_bytes());
    for size in [1, 7, 4096] {
        // Through a pipe that gives so many bytes at a time.
        let script =
            format!("dd if=\"$1\" bs={size} 2>/dev/null | \"$TAP\" summarise -q --format=json -");
        let mut command = isolated("sh");
        let run = feed(
            command
                .args(["-c", &script, "sh"])
                .arg(&file)
                .env("TAP", BINARY),
            b"",
        );
        let summary: Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let found = ["responses", "input_tokens", "output_tokens"]
            .map(|name| summary["total"][name].clone());
        assert_eq!(found, want, "{size}");
    }
}

/// How long the summary of a text took the processor: the least of three.
fn time(args: &[&str], text: &[u8]) -> Duration {
    let file = scratch("forms-time").join(format!("{}-{}", args.len(), text.len()));
    fs::write(&file, text).expect("a file");
    let times = (0..3).map(|_| {
        let begun = Instant::now();
        let mut command = tokensense();
        feed(
            command
                .args(["summarise", "-j1", "-q"])
                .args(args)
                .arg(&file),
            b"",
        );
        begun.elapsed()
    });
    times.min().expect("a time")
}

/// A table of many line ends, in quotes or bare, takes time with its length and not with its square.
#[test]
fn line_ends_take_linear_time() {
    let header = "schema,model,input_tokens\ntokensense/1,";
    for begin in [header.to_owned(), header.to_owned() + "\""] {
        let of = |n: usize| begin.clone() + &"\n".repeat(n);
        let (few, many) = (
            time(&[], of(128 << 10).as_bytes()),
            time(&[], of(1 << 20).as_bytes()),
        );
        assert!(
            many < few * 32 + Duration::from_millis(500),
            "{few:?} {many:?}"
        );
    }
}

/// Providers that nobody knows: the prices are not read from one end to the other for each.
#[test]
fn many_providers_are_repriced() {
    let records = |of: &dyn Fn(u64) -> String| -> String {
        let one = |n: u64| {
            let mut record = record(n);
            record["provider"] = of(n).into();
            record.to_string() + "\n"
        };
        (0..20_000).map(one).collect()
    };
    let (one, many) = (
        records(&|_| "nobody".to_owned()),
        records(&|n| format!("nobody-{n:05}")),
    );
    let (few, many) = (
        time(&["--reprice"], one.as_bytes()),
        time(&["--reprice"], many.as_bytes()),
    );
    assert!(
        many < few * 3 + Duration::from_millis(200),
        "{few:?} {many:?}"
    );
}

/// Nor are their names kept, however long they are.
#[test]
fn long_providers_are_forgotten() {
    let file = scratch("forms-long").join("records");
    let mut text = fs::File::create(&file).expect("a file");
    for n in 0..40 {
        let mut record = record(n);
        record["provider"] = format!("{n:05}").repeat(400_000).into();
        writeln!(text, "{record}").expect("a file");
    }
    let script = "ulimit -v 200000; exec \"$TAP\" summarise -j1 -q --reprice --format=json \"$1\"";
    let mut command = isolated("sh");
    let run = feed(
        command
            .args(["-c", script, "sh"])
            .arg(&file)
            .env("TAP", BINARY),
        b"",
    );
    let summary: Value =
        serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(summary["total"]["responses"], 40);
    fs::remove_file(file).expect("a file");
}

/// Names made of endings that may be taken off, one after another.
#[test]
fn names_of_endings() {
    let mut record = record(0);
    record["provider"] = "openai".into();
    record["model"] = "-latest".repeat(200_000).into();
    let run = run(
        &["-q", "--reprice", "--format=json", "-"],
        record.to_string().as_bytes(),
    );
    assert!(run.status.success(), "{}", run.stderr);
}

/// A stream of 70 and 7 tokens, as `xz` and `bzip2` pack it, in base64.
const PACKED: [(&str, &str); 2] = [
    (
        "xz",
        "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4ADQAKRdADIYSu6XVJ046JVwTYtl+k6fVCnt1XjhDvHkCdPtuQatS76YfIQO/KlONv+c25vOjfIKKACpRJSzSf57NjlKnf8zSQtRXT0PfFHwu9Agzqy/+XuOg+dn/XlRIjnFyJ4IZ17meFXAhfqVuLO/1NG6Nlp+ntLqG23/hUo72H9Qh6TUEyu5lUScSzjDLlIx/RSHe9LWnSjeDnJB26O+RH/AZnN+cpAgAN2RUShqBVHSAAHAAdEBAAASV/dwscRn+wIAAAAABFla",
    ),
    (
        "bz2",
        "QlpoOTFBWSZTWYHbwFEAADHfgAAQUAdEkAYBgAq//95KIACFDQoniaJ+pqabRGZRpgQaSYjRpoxAAAaadQQVjSd+O/39zwBNrxAA+ggNEHF0Rcgx82qdFUTJLA0iEs5Z+3SXVVxsQsDwZ6GWzRMGyiY7U17c8PGhbtB1ZGcklnEHhkDJJ0/IkUgE8RQUExwpKoWtoCAuYOinSwJbXwqVtB3oLHB5K6B0y0mJcs1/i7kinChIQO3gKIA=",
    ),
];

/// Files packed by xz and bzip2: whole, one behind another, and cut short, which is named.
#[test]
fn packed() {
    let folder = scratch("forms-packed");
    for (end, text) in PACKED {
        let bytes = STANDARD.decode(text).expect("base64");
        let file = folder.join("log").with_extension(end);
        let of = |bytes: &[u8]| {
            fs::write(&file, bytes).expect("a file");
            let run = feed(
                tokensense()
                    .args(["summarise", "-q", "--no-dedup", "--format=json"])
                    .arg(&file),
                b"",
            );
            let summary: Value =
                serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
            (
                run,
                ["responses", "input_tokens", "output_tokens"]
                    .map(|name| summary["total"][name].clone()),
            )
        };
        let (run, found) = of(&bytes);
        assert_eq!(found, are(1, 70, 7), "{end}: {}", run.stderr);
        assert!(run.status.success(), "{end}: {}", run.stderr);
        assert_eq!(of(&bytes.repeat(3)).0.status.code(), Some(0), "{end}");
        // Packed streams may stand one behind another: that the second is cut shows as well.
        for at in [bytes.len() / 3, bytes.len() - 1, bytes.len() * 5 / 3] {
            let (run, _) = of(&bytes.repeat(2)[..at]);
            assert_eq!(run.status.code(), Some(1), "{end} {at}: {}", run.stderr);
            assert!(run.stderr.contains("log."), "{end} {at}: {}", run.stderr);
        }
    }
}
