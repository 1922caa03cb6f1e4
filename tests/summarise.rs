//! `summarise` with the real binary: what is read, how it is grouped and picked, and that parts merge.

mod common;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use common::{BINARY, Random, captures, corpus, scratch, sorted, tokensense};

/// Runs `summarise` with a bound on its time.
fn summarise<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    let mut command = tokensense();
    finish(command.arg("summarise").args(args))
}

fn finish(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut streams = (child.stdout.take(), child.stderr.take());
    let stderr = std::thread::spawn(move || {
        let mut text = Vec::new();
        streams
            .1
            .as_mut()
            .expect("a pipe")
            .read_to_end(&mut text)
            .map(|_| text)
    });
    let watched = child.id();
    let (done, over) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if over.recv_timeout(Duration::from_secs(60)).is_err() {
            let pid = rustix::process::Pid::from_raw(watched as i32).expect("a pid");
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    });
    let mut stdout = Vec::new();
    streams
        .0
        .as_mut()
        .expect("a pipe")
        .read_to_end(&mut stdout)
        .expect("readable");
    let status = child.wait().expect("a child");
    let _ = done.send(());
    let stderr = stderr.join().expect("a thread").expect("readable");
    Output {
        status,
        stdout,
        stderr,
    }
}

/// The summary as JSON, which must come with exit status 0.
fn summary<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Value {
    let output = finish(
        tokensense()
            .args(["summarise", "--format", "json"])
            .args(args),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    parsed(&output)
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn capture(path: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(path),
    )
    .expect("a capture")
}

/// One record as tap writes it, with some columns changed.
fn record(changes: Value) -> String {
    let mut record = serde_json::json!({
        "schema": "tokensense/1", "provider": "openai", "api": "openai.chat", "model": "gpt-4o", "status": "complete",
        "partial": false, "input_tokens": 100, "output_tokens": 10, "total_tokens": 110, "estimated": [],
        "cost_usd": 0.001, "cost_basis": "reported", "cost_reported_usd": 0.001, "bytes": 1000,
    });
    let record_members = record.as_object_mut().expect("an object");
    record_members.extend(changes.as_object().expect("an object").clone());
    record.to_string() + "\n"
}

fn records(changes: &[Value]) -> String {
    changes.iter().cloned().map(record).collect()
}

/// Groups and total, without what tells of this run's files.
fn sums(mut summary: Value) -> Value {
    summary.as_object_mut().expect("an object").remove("inputs");
    summary
}

/// One column of the groups, in order.
fn column(summary: &Value, name: &str) -> Vec<Value> {
    let groups = summary["groups"].as_array().expect("groups");
    groups.iter().map(|group| group[name].clone()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Writes a list of paths for `--files-from`.
fn list(path: &Path, files: &[PathBuf], end: &str) {
    let names: String = files
        .iter()
        .map(|file| format!("{}{end}", file.display()))
        .collect();
    fs::write(path, names).expect("a list");
}

/// Of every capture summarise has the records that tap has, save for the clock and the source.
#[test]
fn records_are_taps() {
    let scratch = scratch("summarise-tap");
    let output = scratch.join("records.jsonl");
    let mut wrong = Vec::new();
    list(&scratch.join("list"), &captures(), "\0");
    let from = format!("--files-from={}", scratch.join("list").display());
    summary([from.as_ref(), "--records".as_ref(), output.as_os_str()]);
    let text = fs::read_to_string(&output).expect("records");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for capture in captures() {
        if fs::read(&capture)
            .expect("a capture")
            .starts_with(b"\x1f\x8b")
        {
            // Tap may not unpack what goes by.
            continue;
        }
        let of = |record: &&Value| {
            let source = record["source"].as_str().expect("a source");
            source.rsplit_once('#').expect("a number").0 == capture.to_str().expect("a name")
        };
        let got: Vec<Value> = lines.iter().filter(of).cloned().collect();
        let want = fs::read_to_string(capture.with_extension("record.json")).expect("a record");
        let want: Vec<Value> = serde_json::Deserializer::from_str(&want)
            .into_iter()
            .map(|record| record.expect("JSON"))
            // What is nothing known is no response in a log.
            .filter(|record: &Value| {
                let none = ["unrecognised", "empty"]
                    .map(Value::from)
                    .contains(&record["status"]);
                !none || !record["http_status"].is_null()
            })
            .collect();
        let mut got: Vec<Value> = got;
        for (at, record) in got.iter_mut().enumerate() {
            let members = record.as_object_mut().expect("an object");
            assert_eq!(
                members["source"],
                format!("{}#{}", capture.display(), at + 1)
            );
            members.insert("source".to_owned(), Value::Null);
            for clock in ["started_at", "duration_ms", "ttft_ms", "tokens_per_second"] {
                assert_eq!(members.remove(clock), Some(Value::Null), "{clock}");
            }
        }
        if got != want {
            wrong.push(capture);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Records of parts, in any split, order, form and packing, give the summary of the whole.
#[test]
fn parts_merge() {
    let scratch = scratch("summarise-parts");
    let by = ["--by", "provider,model,status,file", "--timezone", "UTC"];
    let mut random = Random::new(7);
    list(&scratch.join("all"), &captures(), "\n");
    let all = format!("--files-from={}", scratch.join("all").display());
    let whole = sums(summary([all.as_str()].iter().chain(&by)));
    for round in [1, 2, 5] {
        let mut parts: Vec<Vec<PathBuf>> = vec![Vec::new(); round];
        for capture in captures() {
            let at = random.below(parts.len());
            parts[at].push(capture);
        }
        let mut written = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let ending = ["jsonl", "csv"][random.below(2)];
            let records = scratch.join(format!("{round}-{at}.{ending}"));
            list(&scratch.join("part"), part, "\n");
            let from = format!("--files-from={}", scratch.join("part").display());
            summary([from.as_ref(), "--records".as_ref(), records.as_os_str()]);
            if random.below(2) == 0 {
                let packed = gzip(&fs::read(&records).expect("records"));
                fs::write(&records, packed).expect("a file");
            }
            written.insert(random.below(at + 1), records.display().to_string());
        }
        let merged = summary(written.iter().map(String::as_str).chain(by));
        assert_eq!(sums(merged), whole, "{round} parts");
    }
}

/// However many threads read, and whichever of them loads a vocabulary, all comes to the same.
#[test]
fn threads_agree() {
    let scratch = scratch("summarise-threads");
    list(&scratch.join("list"), &vec![captures(); 5].concat(), "\n");
    let from = format!("--files-from={}", scratch.join("list").display());
    let run = |threads: &str| {
        let path = scratch.join(threads);
        let to = format!("--records={}", path.display());
        let summary = summary(["-j", threads, "--no-dedup", "--by=file", &to, &from]);
        let records = fs::read_to_string(&path).expect("records");
        let mut records: Vec<_> = records.lines().map(str::to_owned).collect();
        records.sort();
        (summary, records)
    };
    let (alone, records) = run("1");
    let sizes = captures()
        .into_iter()
        .map(|path| fs::metadata(path).expect("a capture").len());
    assert_eq!(alone["inputs"]["bytes_read"], 5 * sizes.sum::<u64>());
    for threads in ["2", "16"] {
        let (summary, others) = run(threads);
        assert_eq!(summary, alone, "{threads} threads");
        assert_eq!(others, records, "{threads} threads");
    }
}

/// The summary of recorded responses is that of the records tap makes of them.
#[test]
#[ignore = "needs the corpus"]
fn corpus_as_tap_records_it() {
    let corpus = corpus();
    let scratch = scratch("summarise-corpus");
    let tapped = scratch.join("tapped.jsonl");
    let mut files = sorted(&corpus);
    // A page beside them is no response, which tap has a record of all the same.
    files.retain(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "md"));
    // Of all of them, tests/accuracy.rs tells; here a third will do.
    let files: Vec<_> = files.into_iter().step_by(3).collect();
    list(&scratch.join("list"), &files, "\n");
    let from = format!("--files-from={}", scratch.join("list").display());
    for file in &files {
        let status = tokensense()
            .args(["tap", "-o"])
            .arg(&tapped)
            .stdin(File::open(file).expect("a recording"))
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("the binary").success(), "{}", file.display());
    }
    for dedup in [&["--no-dedup"][..], &[]] {
        let options = ["--by", "provider,model,api,status"].iter().chain(dedup);
        let raw = summary(options.clone().chain([&from.as_str()]));
        let from_tap = summary(options.chain([&tapped.to_str().expect("a name")]));
        assert_eq!(sums(from_tap), sums(raw));
    }
}

/// Every framing, many responses in a file, and records, told apart by content alone.
#[test]
fn what_a_file_holds() {
    let scratch = scratch("summarise-content");
    let chat = capture("openai.chat/usage.sse");
    let zstd = zstd::encode_all(&chat[..], 1).expect("memory");
    let two = [&chat[..], &capture("anthropic.messages/stream.sse")].concat();
    let json = record(serde_json::json!({}));
    let csv = "schema,model,input_tokens,label.team\ntokensense/1,gpt-4o,100,=x\nschema,model,input_tokens,label.team\n";
    for (name, bytes, input, responses) in [
        ("plain.txt", chat.clone(), 90, 1),
        ("gzip.csv", gzip(&chat), 90, 1),
        ("zstd.json", zstd, 90, 1),
        (
            "members",
            [gzip(&chat[..700]), gzip(&chat[700..])].concat(),
            90,
            1,
        ),
        ("two", two, 1090, 2),
        ("record.sse", json.clone().into_bytes(), 100, 1),
        ("record.gz", gzip(json.repeat(3).as_bytes()), 300, 3),
        ("spaced", json.replace("\":", "\": ").into_bytes(), 100, 1),
        (
            "marked",
            format!("\u{feff}{json}\r\n\n").into_bytes(),
            100,
            1,
        ),
        ("rows", csv.as_bytes().to_vec(), 100, 1),
    ] {
        let path = scratch.join(name);
        fs::write(&path, bytes).expect("a file");
        let summary = summary([path.as_os_str()]);
        assert_eq!(summary["total"]["input_tokens"], input, "{name}: {summary}");
        assert_eq!(summary["total"]["responses"], responses, "{name}");
        let size = fs::metadata(&path).expect("a file").len();
        assert_eq!(summary["inputs"]["bytes_read"], size, "{name}");
    }
    let whole = summary([scratch.as_os_str()]);
    assert_eq!(whole["inputs"]["files"], 10);
    // The chat capture is one response however often it is met.
    assert_eq!(whole["total"]["responses"], 2 + 1 + 3 + 1 + 1 + 1);
}

#[test]
fn standard_input_and_lists() {
    let scratch = scratch("summarise-inputs");
    let file = scratch.join("a b");
    fs::write(&file, capture("openai.chat/usage.sse")).expect("a file");
    let input = || File::open(&file).expect("a file");
    for args in [&["-"][..], &[], &["-", "-"]] {
        let output = finish(
            tokensense()
                .args(["summarise", "--format=json", "--by=file"])
                .args(args)
                .stdin(input()),
        );
        assert_eq!(column(&parsed(&output), "file")[0], "-", "{args:?}");
        assert_eq!(parsed(&output)["total"]["input_tokens"], 90, "{args:?}");
        assert_eq!(parsed(&output)["total"]["responses"], 1, "{args:?}");
    }
    for end in ["\n", "\0"] {
        list(&scratch.join("list"), std::slice::from_ref(&file), end);
        let list = File::open(scratch.join("list")).expect("a list");
        let output = finish(
            tokensense()
                .args(["summarise", "--format=json", "--files-from", "-"])
                .stdin(list),
        );
        assert_eq!(
            parsed(&output)["total"]["responses"],
            1,
            "{}",
            stderr(&output)
        );
    }
    let output = finish(
        common::isolated("bash")
            .args(["-c", "exec $0 summarise --format=json <(cat -)", BINARY])
            .stdin(input()),
    );
    assert_eq!(
        parsed(&output)["total"]["responses"],
        1,
        "{}",
        stderr(&output)
    );
}

#[test]
fn grouping() {
    let scratch = scratch("summarise-by");
    fs::create_dir(scratch.join("in")).expect("a folder");
    let file = scratch.join("in/records");
    let text = records(&[
        serde_json::json!({"created_at": "2026-03-29T00:30:00Z", "labels": {"team": "a"}, "cost_usd": 1}),
        serde_json::json!({"created_at": "2026-03-29T01:30:00Z", "labels": {"team": "b"}, "cost_usd": 2}),
        serde_json::json!({"started_at": "2026-12-31T23:30:00.000Z", "model": "m", "cost_usd": 4, "cost_basis": "estimated"}),
        serde_json::json!({"model": null, "request_model": "asked", "status": "error", "cost_usd": null, "estimated": ["output_tokens"]}),
    ]);
    fs::write(&file, text).expect("a file");
    for (by, want) in [
        ("model", &["m", "gpt-4o", "asked"][..]),
        ("provider", &["openai"]),
        ("api", &["openai.chat"]),
        ("status", &["complete", "error"]),
        ("label.team", &["unknown", "b", "a"]),
        (
            "hour",
            &[
                "2026-03-29T01:00+01:00",
                "2026-03-29T03:00+02:00",
                "2027-01-01T00:00+01:00",
                "unknown",
            ],
        ),
        ("day", &["2026-03-29", "2027-01-01", "unknown"]),
        ("week", &["2026-W13", "2026-W53", "unknown"]),
        ("month", &["2026-03", "2027-01", "unknown"]),
    ] {
        let summary = summary([
            file.to_str().unwrap(),
            "--by",
            by,
            "--timezone",
            "Europe/Paris",
        ]);
        assert_eq!(column(&summary, by), want, "{by}");
        assert_eq!(summary["by"], serde_json::json!([by]));
        assert_eq!(summary["total"][by], Value::Null);
    }
    for (by, want) in [("file", file.as_path()), ("dir", file.parent().unwrap())] {
        let summary = summary([file.to_str().unwrap(), "--by", by]);
        assert_eq!(column(&summary, by), [want.to_str().unwrap()]);
    }
    let nested = summary([
        file.to_str().unwrap(),
        "--by",
        "status,model",
        "--timezone=+02:00",
    ]);
    assert_eq!(column(&nested, "status"), ["complete", "complete", "error"]);
    assert_eq!(column(&nested, "model"), ["m", "gpt-4o", "asked"]);
    let group = &nested["groups"][0];
    assert_eq!(
        (&group["cost_usd"], &group["cost_basis"]),
        (&4.into(), &"estimated".into())
    );
    let total = &nested["total"];
    for (name, want) in [
        ("responses", 4),
        ("failed", 1),
        ("unpriced", 1),
        ("estimated", 1),
        ("partial", 0),
        ("cost_usd", 7),
    ] {
        assert_eq!(total[name], want, "{name}");
    }
    assert_eq!(total["cost_basis"], "estimated");
    assert_eq!(total["reasoning_tokens"], Value::Null);
}

#[test]
fn picking() {
    let scratch = scratch("summarise-pick");
    let file = scratch.join("records");
    let at = |time: &str, model: &str| serde_json::json!({"created_at": time, "model": model, "labels": {"team": model}});
    let text = records(&[
        at("2026-11-01T00:00:00Z", "gpt-4o"),
        at("2026-11-30T23:00:00Z", "gpt-4o-mini"),
        at("2026-12-01T00:00:00Z", "claude"),
        serde_json::json!({"model": "none"}),
    ]);
    fs::write(&file, text).expect("a file");
    for (options, want) in [
        (&["--since", "2026-11-30"][..], 2),
        (&["--until", "2026-12-01"], 2),
        (
            &["--since", "2026-11-01", "--until", "2026-12-01T00:00:01Z"],
            3,
        ),
        (&["--until", "2026-12-01", "--timezone", "-02:00"], 3),
        (
            &["--since", "2026-12-01T00:30", "--timezone", "Europe/Paris"],
            1,
        ),
        (&["--since", "100y"], 3),
        (&["--filter", "model=gpt-*"], 2),
        (&["--filter", "model=gpt-4o", "--filter", "model=cl*"], 2),
        (&["--filter", "label.team=*-mini"], 1),
        (&["--filter", "label.team=unknown"], 1),
        (
            &[
                "--filter",
                "model=gpt*",
                "--filter",
                "month=2026-11",
                "--filter",
                "status=complete",
            ],
            2,
        ),
        (&["--filter", "status=error"], 0),
    ] {
        let summary = summary(
            [file.to_str().unwrap(), "--timezone=UTC"]
                .iter()
                .filter(|option| !(options.contains(&"--timezone") && option.starts_with("--t")))
                .chain(options),
        );
        assert_eq!(summary["total"]["responses"], want, "{options:?}");
    }
}

/// Points in time that are named by their distance from now.
#[test]
fn since_when() {
    let file = scratch("summarise-since").join("records");
    let run = |now: jiff::Timestamp| {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).start_of_day();
        let today = today.expect("a day").timestamp();
        let hours = |count| jiff::SignedDuration::from_hours(count);
        let at = |time: jiff::Timestamp| serde_json::json!({"created_at": time.to_string()});
        let text = records(&[
            at(now),
            at(today),
            at(today - jiff::SignedDuration::from_secs(1)),
            at(today - hours(24)),
            at(today - hours(25)),
            at(now - hours(6 * 24)),
            at(now - hours(8 * 24)),
        ]);
        fs::write(&file, text).expect("a file");
        for (options, want) in [
            (&["--since", "today"][..], 2),
            (&["--since", "yesterday"], 4),
            (&["--since", "yesterday", "--until", "today"], 2),
            (&["--until", "yesterday"], 3),
            (&["--since", "7d"], 6),
            (&["--since", "1h", "--until", "12h"], 0),
            (&["--since", "2w"], 7),
        ] {
            let path = file.to_str().expect("a name");
            let summary = summary([path, "--timezone=UTC", "-q"].iter().chain(options));
            assert_eq!(summary["total"]["responses"], want, "{options:?} at {now}");
        }
    };
    // A day may begin in between: not twice.
    let day = |time: jiff::Timestamp| time.as_second() / 86400;
    let now = jiff::Timestamp::now();
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(now)));
    if let Err(why) = tried {
        match day(now) == day(jiff::Timestamp::now()) {
            true => std::panic::resume_unwind(why),
            false => run(jiff::Timestamp::now()),
        }
    }
}

#[test]
fn order() {
    let scratch = scratch("summarise-order");
    let file = scratch.join("records");
    let of = |model: &str, cost: u64, output: u64| serde_json::json!({"model": model, "cost_usd": cost, "output_tokens": output});
    let text = records(&[of("a", 2, 9), of("b", 3, 7), of("c", 1, 8), of("c", 1, 0)]);
    fs::write(&file, text).expect("a file");
    for (options, want) in [
        (&[][..], "bca"),
        (&["--sort", "model"], "abc"),
        (&["--sort", "model", "--reverse"], "cba"),
        (&["--sort", "output_tokens"], "acb"),
        (&["--sort", "responses", "--top", "1"], "c"),
        (&["--top", "2"], "bc"),
        (&["--reverse"], "acb"),
    ] {
        let summary = summary([file.to_str().unwrap()].iter().chain(options));
        let models: String = column(&summary, "model")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        // Two that cost the same stand in the order of their tokens.
        assert_eq!(
            models.replace("ac", "ca"),
            want.replace("ac", "ca"),
            "{options:?}"
        );
        assert_eq!(summary["total"]["responses"], 4);
    }
}

/// One id is one response, with the fullest of what its copies say.
#[test]
fn copies() {
    let scratch = scratch("summarise-copies");
    let whole = capture("openai.chat/usage.sse");
    fs::write(scratch.join("cut"), &whole[..whole.len() / 2]).expect("a file");
    fs::write(scratch.join("whole"), &whole).expect("a file");
    for paths in
        [["cut", "whole"], ["whole", "cut"]].map(|names| names.map(|name| scratch.join(name)))
    {
        let total = summary(&paths)["total"].clone();
        for (name, want) in [
            ("responses", 1),
            ("partial", 0),
            ("estimated", 0),
            ("input_tokens", 90),
            ("output_tokens", 24),
        ] {
            assert_eq!(total[name], want, "{name}");
        }
        let all = summary(
            paths
                .iter()
                .map(|path| path.as_os_str())
                .chain(["--no-dedup".as_ref()]),
        );
        assert_eq!(all["total"]["responses"], 2);
        assert_eq!(all["total"]["partial"], 1);
    }
    // Field by field: one copy knows the input, the other the output.
    let file = scratch.join("fields");
    let id = "resp_0123456789abcdef";
    let text = records(&[
        serde_json::json!({"response_id": id, "input_tokens": 7, "output_tokens": null, "cost_usd": null, "cost_basis": null}),
        serde_json::json!({"response_id": id, "input_tokens": 99, "output_tokens": 5, "estimated": ["input_tokens"], "cost_usd": 3, "cost_basis": "computed"}),
    ]);
    fs::write(&file, text).expect("a file");
    let total = summary([file])["total"].clone();
    assert_eq!(
        [
            &total["responses"],
            &total["input_tokens"],
            &total["output_tokens"],
            &total["cost_usd"],
            &total["unpriced"]
        ],
        [1, 7, 5, 3, 0]
    );
}

/// A sum says how far its estimates may be off, weighted by their tokens: what was not estimated, and what does not say how
/// far it may be off, is not weighed.
#[test]
fn sums_carry_the_error_of_estimates() {
    let scratch = scratch("summarise-error");
    let off = |tokens: u64, error: Value| serde_json::json!({"model": "m", "input_tokens": 900, "output_tokens": tokens, "estimated": ["output_tokens"], "estimate_error": error});
    for (rows, want) in [
        (vec![off(100, 0.1.into())], serde_json::json!(0.1)),
        (
            vec![off(300, 0.1.into()), off(100, 0.5.into())],
            serde_json::json!(0.2),
        ),
        (
            vec![off(100, 0.1.into()), off(1, 0.11.into())],
            serde_json::json!(0.11),
        ),
        (
            vec![off(100, 0.4.into()), off(100, Value::Null)],
            serde_json::json!(0.4),
        ),
        (vec![off(100, Value::Null)], Value::Null),
        (
            vec![serde_json::json!({"estimated": [], "estimate_error": 0.3})],
            Value::Null,
        ),
    ] {
        let paths: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let path = scratch.join(format!("{at}"));
                fs::write(&path, records(std::slice::from_ref(row))).expect("a file");
                path
            })
            .collect();
        let summary = summary(paths.iter().map(|path| path.as_os_str()));
        assert_eq!(summary["total"]["estimate_error"], want, "{rows:?}");
        assert_eq!(summary["groups"][0]["estimate_error"], want, "{rows:?}");
    }
}

#[test]
fn times_of_files() {
    let scratch = scratch("summarise-mtime");
    let path = scratch.join("stream");
    fs::write(&path, capture("anthropic.messages/stream.sse")).expect("a file");
    let modified = Duration::from_secs(1_790_000_000);
    let file = File::options().append(true).open(&path).expect("a file");
    file.set_modified(std::time::UNIX_EPOCH + modified)
        .expect("a time");
    let by = |options: &[&str]| {
        column(
            &summary(
                ["--by=day", "--timezone=UTC", path.to_str().unwrap()]
                    .iter()
                    .chain(options),
            ),
            "day",
        )
    };
    assert_eq!(by(&[]), ["unknown"]);
    assert_eq!(by(&["--mtime"]), ["2026-09-21"]);
    let records = scratch.join("records");
    by(&["--mtime", "--records", records.to_str().unwrap()]);
    let record: Value =
        serde_json::from_str(&fs::read_to_string(&records).expect("records")).expect("JSON");
    assert_eq!(record["started_at"], "2026-09-21T14:13:20.000Z");
}

/// What was priced stays as it was, unless today's prices are wanted; what the provider charged stays anyway.
#[test]
fn repricing() {
    let scratch = scratch("summarise-reprice");
    let file = scratch.join("records");
    let text = records(&[
        serde_json::json!({"model": "computed", "cost_usd": 77, "cost_basis": "computed", "cost_reported_usd": null, "cost_computed_usd": 77, "model": "no such model"}),
        serde_json::json!({"cost_usd": 5, "cost_reported_usd": 5}),
    ]);
    fs::write(&file, text).expect("a file");
    assert_eq!(summary([&file])["total"]["cost_usd"], 82);
    let anew = summary([file.as_os_str(), "--reprice".as_ref()])["total"].clone();
    assert_eq!(
        (&anew["cost_usd"], &anew["unpriced"]),
        (&5.into(), &1.into())
    );
}

/// A record holds all that its price depends on: at the same prices, what it cost is what it costs.
#[test]
fn repricing_at_the_same_prices() {
    let scratch = scratch("summarise-reprice-all");
    let records = scratch.join("records.jsonl");
    list(&scratch.join("list"), &captures(), "\n");
    let from = format!("--files-from={}", scratch.join("list").display());
    let by = ["--no-dedup", "--by=file"];
    let records_option = format!("--records={}", records.display());
    let whole = summary([from.as_str(), &records_option].into_iter().chain(by));
    let anew = summary(
        ["--reprice", records.to_str().expect("a name")]
            .into_iter()
            .chain(by),
    );
    let (whole, anew) = (&whole["groups"], &anew["groups"]);
    let groups = whole
        .as_array()
        .expect("groups")
        .iter()
        .zip(anew.as_array().expect("groups"));
    let wrong: Vec<_> = groups.filter(|(whole, anew)| whole != anew).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn formats() {
    let scratch = scratch("summarise-formats");
    let file = scratch.join("records");
    let text = records(&[
        serde_json::json!({"model": "=evil\u{1b}[31m", "input_tokens": 1_234_567, "cost_usd": 1234.5}),
        serde_json::json!({"status": "truncated", "partial": true, "cost_usd": 1, "cost_basis": "lower_bound"}),
    ]);
    fs::write(&file, text).expect("a file");
    let output = summarise([
        file.to_str().unwrap(),
        "--format",
        "csv",
        "--by",
        "model,label.x",
    ]);
    let csv = stdout(&output);
    let mut lines = csv.lines();
    let header = "model,label.x,responses,partial,estimated,failed,unpriced,input_tokens,";
    assert!(
        lines.next().is_some_and(|line| line.starts_with(header)),
        "{csv}"
    );
    assert!(
        lines.next().is_some_and(|line| line.starts_with("'=evil")),
        "{csv}"
    );
    assert_eq!(lines.count(), 1);
    let table = stdout(&summarise([&file]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    for part in ["1,234,567", "1,234.50", "99.9 %", "=evil [31m"] {
        assert!(lines[1].contains(part), "{part}: {table}");
    }
    assert!(lines[2].contains("≥ 1.00"), "{table}");
    assert!(
        lines[3].starts_with("total") && lines[3].contains("≥ 1,235.50"),
        "{table}"
    );
    let ends: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{table}");
    assert!(!table.contains('\u{1b}'));
    let coloured = stdout(&summarise([file.to_str().unwrap(), "--color=always"]));
    assert!(coloured.contains("\u{1b}[1mmodel"), "{coloured}");
    let alias = finish(tokensense().arg("summarize").arg(&file));
    assert_eq!(stdout(&alias), table);
}

/// A response that is over is not the end of what is read: another may follow, be it much later or behind any number of
/// bytes.
/// Each line is a comment or a sample, as Prometheus' text format has them; the figures are JSON's.
#[test]
fn metrics() {
    let file = scratch("summarise-metrics").join("records");
    let odd = "q\"b\\n\nl\u{1b}[31m";
    let text = records(&[
        serde_json::json!({"labels": {"a-b": odd, "a_b": "x"}}),
        serde_json::json!({"model": "none", "cost_usd": null, "cost_basis": null, "cost_reported_usd": null}),
    ]);
    fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a name");
    let by = "model,label.a-b,label.a_b";
    let output = summarise([file, "--by", by, "--format", "prometheus"]);
    let page = stdout(&output);
    let mut samples = std::collections::HashMap::new();
    let mut named = "";
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            named = rest.strip_suffix(" gauge").expect("a gauge");
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(series.starts_with(&format!("{named}{{")), "{line}");
        assert!(samples.insert(series, value).is_none(), "twice: {line}");
    }
    let first = r#"{model="gpt-4o",label_a_b="q\"b\\n l [31m",label_a_b_="x"}"#;
    let other = r#"{model="none",label_a_b="unknown",label_a_b_="unknown"}"#;
    for (series, value) in [
        (format!("tokensense_responses{first}"), Some("1")),
        (format!("tokensense_input_tokens{first}"), Some("100")),
        (format!("tokensense_cost_usd{first}"), Some("0.001")),
        (format!("tokensense_cost_usd{other}"), None),
        (format!("tokensense_unpriced{other}"), Some("1")),
        (format!("tokensense_reasoning_tokens{first}"), None),
    ] {
        assert_eq!(
            samples.get(series.as_str()).copied(),
            value,
            "{series}\n{page}"
        );
    }
    let json = summary([file, "--by", by]);
    let known = json["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| {
            let members = group.as_object().expect("an object").values();
            members.filter(|value| value.is_number())
        });
    assert_eq!(known.count(), samples.len(), "{page}");
}

#[test]
fn after_a_response() {
    let scratch = scratch("summarise-after");
    let [first, second] = ["usage", "late"].map(|name| scratch.join(name));
    let chat = capture("openai.chat/usage.sse");
    let other = String::from_utf8(chat.clone()).expect("text");
    fs::write(&first, &chat).expect("a file");
    fs::write(&second, other.replace("chatcmpl-A1", "chatcmpl-B2")).expect("a file");
    for shell in [
        "(cat usage; sleep 0.3; cat late) | $0 summarise --format=json -",
        "mkfifo f; (cat usage; sleep 0.3; cat late) > f & $0 summarise --format=json f; wait",
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", shell, BINARY]).current_dir(&scratch);
        let output = finish(&mut command);
        let responses = &parsed(&output)["total"]["responses"];
        assert_eq!(responses, 2, "{shell}: {}", stderr(&output));
    }
    let late = fs::read(&second).expect("a file");
    // Reads end at a page, or where their buffer does.
    for size in [8 << 10, 12 << 10, 32 << 10, (32 << 10) + (1 << 20)] {
        let comment = [b":", " ".repeat(size - chat.len() - 3).as_bytes(), b"\n\n"].concat();
        let whole = [comment, chat.clone(), late.clone()].concat();
        assert_eq!(whole.len(), size + late.len());
        fs::write(&first, whole).expect("a file");
        assert_eq!(summary([&first])["total"]["responses"], 2, "behind {size}");
    }
}

/// Where few files may be open, fewer are, and all are read.
#[test]
fn few_descriptors() {
    let folder = scratch("summarise-few");
    for nth in 0..200 {
        fs::write(
            folder.join(nth.to_string()),
            capture("openai.chat/usage.sse"),
        )
        .expect("a file");
    }
    let mut command = Command::new("sh");
    let shell = "ulimit -n 20; $0 summarise --threads 4 --no-dedup --format=json .";
    command.args(["-c", shell, BINARY]).current_dir(&folder);
    let output = finish(&mut command);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(parsed(&output)["total"]["responses"], 200);
}

/// What of it is named, and what is said of it.
const BAD: &[(&str, &str)] = &[
    ("deep/loop", "leads back to"),
    ("dangling", "No such file"),
    ("cut.gz", "cannot read"),
    ("tiny.gz", "cannot read"),
    ("fifo", "is a FIFO"),
    ("lonely", "nobody writes"),
    ("socket", "is a socket"),
    ("broken.jsonl", "line 2 is no record (and 1 more)"),
    ("later", "tokensense/2"),
    ("summary", "--records"),
    ("columns.csv", "colour"),
    ("vanished", "No such file"),
    ("/dev/zero", "is a device"),
];

/// Files of records that are none, or none that can be read.
fn broken_files(folder: &Path) {
    let broken = [
        record(serde_json::json!({})),
        "{\"schema\":\"tokensense/1\",\n".repeat(2),
    ]
    .concat();
    fs::write(folder.join("broken.jsonl"), broken).expect("a file");
    fs::write(folder.join("later"), "{\"schema\":\"tokensense/2\"}\n").expect("a file");
    fs::write(
        folder.join("summary"),
        "{\"schema\":\"tokensense.summary/1\"}\n",
    )
    .expect("a file");
    fs::write(
        folder.join("columns.csv"),
        "schema,colour\ntokensense/1,red\n",
    )
    .expect("a file");
}

/// What cannot be read is named, all else is read, and the exit status is 1.
#[test]
fn bad_inputs() {
    let scratch = scratch("summarise-bad");
    let chat = capture("openai.chat/usage.sse");
    let folder = scratch.join("logs");
    fs::create_dir_all(folder.join("deep")).expect("a folder");
    fs::write(folder.join("deep/good"), &chat).expect("a file");
    symlink("..", folder.join("deep/loop")).expect("a link");
    symlink("nowhere", folder.join("dangling")).expect("a link");
    let packed = gzip(&chat.repeat(40));
    fs::write(folder.join("cut.gz"), &packed[..packed.len() / 2]).expect("a file");
    let packed = gzip(&capture("anthropic.messages/stream.sse"));
    fs::write(folder.join("tiny.gz"), &packed[..packed.len() * 3 / 4]).expect("a file");
    let mkfifo = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status().expect("mkfifo");
        assert!(made.success());
    };
    mkfifo(&folder.join("fifo"));
    mkfifo(&scratch.join("lonely"));
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("a socket");
    broken_files(&folder);
    let mut want = BAD.to_vec();
    let locked = folder.join("locked");
    fs::write(&locked, &chat).expect("a file");
    if rustix::process::geteuid().is_root() {
        println!("root may read everything: no permission is not tested");
    } else {
        fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o000))
            .expect("a mode");
        want.push(("locked", "ermission denied"));
    }
    let begun = Instant::now();
    let [lonely, vanished] = ["lonely", "vanished"].map(|name| scratch.join(name));
    let mut command = tokensense();
    command
        .args(["summarise", "--format=json"])
        .args([&folder, &lonely, &vanished])
        .arg("/dev/zero");
    let output = finish(&mut command);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for (name, reason) in want {
        let named = said
            .lines()
            .any(|line| line.contains(name) && line.contains(reason));
        assert!(named, "{name}: {reason}\n{said}");
    }
    let summary = parsed(&output);
    // The good one, the record, and as much as there was of the tiny one.
    assert_eq!(summary["total"]["responses"], 3, "{said}");
    assert_eq!(summary["total"]["partial"], 1, "{said}");
    assert_eq!(
        summary["inputs"]["files_failed"].as_u64(),
        Some(said.lines().count() as u64),
        "{said}"
    );
}

#[test]
fn records_file() {
    let scratch = scratch("summarise-records");
    let folder = scratch.join("logs");
    fs::create_dir(&folder).expect("a folder");
    let input = folder.join("stream");
    fs::write(&input, capture("openai.chat/usage.sse")).expect("a file");
    symlink(&folder, scratch.join("link")).expect("a link");
    for records in [input.clone(), scratch.join("link/stream")] {
        let output = finish(
            tokensense()
                .arg("summarise")
                .arg(&folder)
                .arg("--records")
                .arg(&records),
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("is one of the inputs"),
            "{}",
            stderr(&output)
        );
        assert_eq!(
            fs::read(&input).expect("a file"),
            capture("openai.chat/usage.sse")
        );
    }
    let records = scratch.join("records.csv");
    for _ in 0..2 {
        summary([
            folder.as_os_str(),
            "--records".as_ref(),
            records.as_os_str(),
        ]);
        let text = fs::read_to_string(&records).expect("records");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    let output = finish(
        tokensense()
            .args(["summarise", "--records", "/dev/full"])
            .arg(&folder),
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot write --records"),
        "{}",
        stderr(&output)
    );
}

/// A bad row does not spoil those after it, and a field may hold a line end.
#[test]
fn bad_rows() {
    let file = scratch("summarise-rows").join("records.csv");
    let mut text = b"schema,model,input_tokens,label.team\n".to_vec();
    for row in [
        &b"tokensense/1,m,1,a"[..],
        b"tokensense/1,m,10",
        b"tokensense/1,m,100,a,b,c,d",
        b"tokensense/1,m,many,a",
        b"tokensense/1,m,-1,a",
        b"tokensense/1,\xff,1000,a",
        b"tokensense/2,m,10000,a",
        b"tokensense/1,m,2,\"a\nb \"\"c\"\"\"",
        b"tokensense/1,m,4,",
    ] {
        text.extend_from_slice(row);
        text.extend_from_slice(b"\r\n");
    }
    fs::write(&file, text).expect("a file");
    let output = summarise([file.to_str().unwrap(), "--format=json", "--by=label.team"]);
    assert!(
        stderr(&output)
            .contains("line 3 is no record (and 5 more): it has 3 fields, but the header has 4"),
        "{}",
        stderr(&output)
    );
    assert_eq!(parsed(&output)["total"]["input_tokens"], 7);
    let mut teams = column(&parsed(&output), "label.team");
    teams.sort_by_key(Value::to_string);
    assert_eq!(teams, ["a", "a\nb \"c\"", "unknown"]);
}

/// Records are known by their beginning, however long the first one is and however little of it comes at once.
#[test]
fn long_records() {
    let file = scratch("summarise-long").join("records.jsonl");
    for len in [5_000, 400_000] {
        let long = record(serde_json::json!({"usage": {"x": "y".repeat(len)}}));
        fs::write(&file, &long).expect("a file");
        let script = "{ head -c 4096 \"$1\"; sleep 0.2; tail -c +4097 \"$1\"; } | \"$0\" summarise --format=json \"$1\" -";
        let mut command = common::isolated("sh");
        let output = finish(command.args(["-c", script, BINARY]).arg(&file));
        assert_eq!(
            parsed(&output)["total"]["input_tokens"],
            200,
            "{len}: {}",
            stderr(&output)
        );
    }
}

/// Blanks at the end of a row are part of its last field.
#[test]
fn blanks() {
    let file = scratch("summarise-blanks").join("records.csv");
    fs::write(
        &file,
        "schema,label.team\r\ntokensense/1,a \r\ntokensense/1,a\r\nschema,label.team",
    )
    .expect("a file");
    let found = summary([
        file.to_str().unwrap(),
        "--by=label.team",
        "--sort=label.team",
    ]);
    assert_eq!(column(&found, "label.team"), ["a", "a "]);
}

/// What a line that is no record holds is nobody's business.
#[test]
fn nothing_is_repeated() {
    let scratch = scratch("summarise-private");
    let good = record(serde_json::json!({}));
    for line in [
        "\"my secret\"",
        "my secret",
        "{\"my secret\": 1}",
        "{\"my\\u0020secret\": 1}",
        "{\"schema\": \"tokensense/1\", \"model\": [\"my secret\"]}",
        "{\"schema\": \"tokensense/1\", \"cost_usd\": \"my secret\"}",
    ] {
        let file = scratch.join("records");
        fs::write(&file, format!("{good}{line}\n{good}")).expect("a file");
        let output = summarise([&file]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains("line 2 is no record"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn nothing_found() {
    let scratch = scratch("summarise-empty");
    let output = finish(
        tokensense()
            .args(["summarise", "--format=json"])
            .arg(&scratch),
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("no responses"),
        "{}",
        stderr(&output)
    );
    assert_eq!(parsed(&output)["groups"], serde_json::json!([]));
    assert_eq!(parsed(&output)["total"]["responses"], 0);
    let quiet = finish(tokensense().args(["summarise", "-q"]).arg(&scratch));
    assert_eq!(stderr(&quiet), "");
    assert!(stdout(&quiet).contains("total"));
}

/// What the user has to mend is said before a byte is read.
#[test]
fn wrong_usage() {
    for (options, part) in [
        (&["--by", "colour"][..], "label.NAME"),
        (&["--by", "model,model"], "twice"),
        (&["--filter", "model"], "KEY=GLOB"),
        (&["--filter", "colour=red"], "colour"),
        (&["--filter", "model=["], "--filter"),
        (&["--since", "soon"], "2026-11-30"),
        (&["--timezone", "Mars/Olympus"], "Europe/Paris"),
        (&["--sort", "colour"], "cost_usd"),
        (&["--files-from", "/nonexistent"], "/nonexistent"),
        (&["--records", "/nonexistent/file"], "/nonexistent/file"),
        (&["--records", "-"], "name a file"),
        (&["-j", "0"], "threads"),
    ] {
        let output = summarise(["."].iter().chain(options));
        assert_eq!(
            output.status.code(),
            Some(2),
            "{options:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(part),
            "{options:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "");
    }
}

/// A reader that goes away ends it as it ends `cat`.
#[test]
fn reader_gone() {
    let script = "\"$0\" summarise testdata --by file --format csv | true; echo ${PIPESTATUS[0]}";
    let output = common::isolated("bash")
        .args(["-c", script, BINARY])
        .output()
        .expect("bash");
    let status = stdout(&output);
    assert!(["141\n", "0\n"].contains(&status.as_str()), "{status}");
}

/// The bar is for a terminal on stderr, and the table fits one on stdout.
#[test]
fn terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    for (options, shows) in [
        (&[][..], true),
        (&["--no-progress"], false),
        (&["-q"], false),
    ] {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).expect("a size");
        let slave = || {
            File::options()
                .read(true)
                .write(true)
                .open(name.to_str().expect("a name"))
                .expect("a terminal")
        };
        let mut child = tokensense()
            .args(["summarise", "testdata", "--by=provider,model"])
            .args(options)
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .expect("the binary");
        let keep = slave();
        let reader = std::thread::spawn(move || {
            let (mut master, mut text, mut block) = (File::from(master), Vec::new(), [0; 4096]);
            // It ends with an error once the last holder of the other side is gone.
            while let Ok(n) = master.read(&mut block) {
                text.extend_from_slice(&block[..n]);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(keep);
        let text = reader.join().expect("a thread");
        assert_eq!(text.contains(" left"), shows, "{options:?}: {text}");
        let table = &text[text.find("provider").expect("a table")..];
        for line in table.lines() {
            let plain = line.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
            assert!(plain.trim_end().chars().count() <= 80, "{line}");
        }
        assert!(table.contains("\u{1b}[1mtotal"), "{table}");
    }
}
