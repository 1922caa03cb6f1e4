//! Logs of coding agents with the real binary: each call once, whatever repeats it; where they are found; what of them
//! is kept out of records; and how they are shown.

mod common;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use common::bounded::feed;
use common::{Random, scratch, tokensense};

fn run(args: &[&str], home: &Path) -> Output {
    let mut command = tokensense();
    command.env("HOME", home).arg("summarise").args(args);
    command.output().expect("the binary")
}

fn summary(args: &[&str], home: &Path) -> Value {
    let output = run(
        &[&["--format", "json", "--no-progress"], args].concat(),
        home,
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("room");
}

/// What calls come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    responses: u64,
    input: u64,
    read: u64,
    write: u64,
    output: u64,
}

impl Sum {
    fn of(total: &Value) -> Self {
        let n = |name: &str| total[name].as_u64().unwrap_or(0);
        Self {
            responses: n("responses"),
            input: n("input_tokens"),
            read: n("cache_read_tokens"),
            write: n("cache_write_tokens"),
            output: n("output_tokens"),
        }
    }

    fn add(&mut self, call: [u64; 4]) {
        let [input, read, write, output] = call;
        self.responses += 1;
        self.input += input + read + write;
        self.read += read;
        self.write += write;
        self.output += output;
    }
}

/// A line of Claude Code's log.
fn claude(id: usize, session: &str, side: bool, output: u64, call: [u64; 4]) -> String {
    let [input, read, write, _] = call;
    let request = if side {
        format!("req_side_{id}")
    } else {
        format!("req_{id}")
    };
    let line = json!({
        "parentUuid": null, "isSidechain": side, "cwd": "/home/me/secretproject", "sessionId": session, "type": "assistant",
        "requestId": request, "uuid": format!("u-{session}-{id}-{output}"),
        "timestamp": format!("2025-11-{:02}T{:02}:00:00.000Z", id % 28 + 1, id % 24),
        "message": {"id": format!("msg_{id:024}"), "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "text", "text": "a secret answer with \"usage\":{\"input_tokens\":999999}"}],
            "usage": {"input_tokens": input, "cache_read_input_tokens": read, "cache_creation_input_tokens": write,
                "output_tokens": output, "service_tier": "standard"}},
    });
    format!("{line}\n")
}

/// Any calls as Claude Code writes them: in blocks, resumed, replayed by sidechains, with lines that are none between.
fn claude_home(folder: &Path, seed: u64) -> Sum {
    let mut random = Random::new(seed);
    let (mut sum, mut past) = (Sum::default(), String::new());
    for session in 0..4 {
        let name = format!("0000000{session}-0000-4000-8000-000000000000");
        // A session that was resumed begins with what was before.
        let mut text = if session % 2 == 1 {
            past.clone()
        } else {
            String::new()
        };
        let mut side = String::new();
        for _ in 0..random.below(12) + 1 {
            let id = random.next() as usize % 1_000_000;
            let call = [9000; 4].map(|most| random.below(most) as u64 + 1);
            let blocks = random.below(3);
            for block in 0..=blocks {
                text += &claude(
                    id,
                    &name,
                    false,
                    if block == blocks { call[3] } else { 1 },
                    call,
                );
                text += "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"{\\\"usage\\\":{\\\"output_tokens\\\":7}}\"},\"toolUseResult\":{\"usage\":{\"input_tokens\":77777}},\"isSidechain\":false}\n";
            }
            if random.below(3) == 0 {
                side += &claude(id, &name, true, call[3], call);
            }
            sum.add(call);
        }
        past.clone_from(&text);
        write(
            &folder.join(format!("-home-me-secretproject/{name}.jsonl")),
            &text,
        );
        if !side.is_empty() {
            write(
                &folder.join(format!(
                    "-home-me-secretproject/{name}/subagents/agent-a.jsonl"
                )),
                &side,
            );
        }
    }
    sum
}

/// A session of Codex: events repeated, null, cumulative beside last; forks begin with a copy, stamped anew.
fn codex_home(folder: &Path, seed: u64) -> Sum {
    let mut random = Random::new(seed);
    let mut sum = Sum::default();
    let mut copied: Vec<([u64; 4], [u64; 4])> = Vec::new();
    for session in 0..4 {
        let fork = session > 0 && random.below(2) == 0;
        if !fork {
            copied.clear();
        }
        let hour = format!("2025-11-0{}T10", session + 1);
        let mut text = format!(
            "{{\"timestamp\":\"{hour}:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"s{session}\",\"cwd\":\"/w/p\",\"forked_from_id\":{}}}}}\n",
            if fork {
                format!("\"s{}\"", session - 1)
            } else {
                "null".to_owned()
            }
        );
        let _ = writeln!(
            text,
            "{{\"timestamp\":\"{hour}:00:00.001Z\",\"type\":\"turn_context\",\"payload\":{{\"model\":\"gpt-5.1\"}}}}"
        );
        let usage = |[input, cached, _, output]: [u64; 4]| json!({"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output, "reasoning_output_tokens": 0, "total_tokens": input + output});
        let event = |at: String, last, total| {
            let info = json!({"last_token_usage": usage(last), "total_token_usage": usage(total)});
            format!(
                "{}\n",
                json!({"timestamp": at, "type": "event_msg", "payload": {"type": "token_count", "info": info}})
            )
        };
        for (at, (last, total)) in copied.iter().enumerate() {
            text += &event(format!("{hour}:00:00.{:03}Z", 10 + at), *last, *total);
        }
        let mut total = copied.last().map_or([0; 4], |(_, total)| *total);
        for minute in 1..random.below(9) + 2 {
            let input = random.below(50_000) as u64 + 2;
            let last = [
                input,
                random.below(input as usize) as u64,
                0,
                random.below(900) as u64 + 1,
            ];
            for (total, last) in total.iter_mut().zip(last) {
                *total += last;
            }
            text += "{\"timestamp\":\"2025-11-09T00:00:00Z\",\"type\":\"event_msg\",\"payload\":{\"type\":\"token_count\",\"info\":null}}\n".replace("2025-11-09T00", &hour).replace(":00:00Z", &format!(":{minute:02}:00Z")).as_str();
            for second in 1..random.below(3) + 2 {
                text += &event(format!("{hour}:{minute:02}:{second:02}.000Z"), last, total);
            }
            copied.push((last, total));
            sum.add([last[0] - last[1], last[1], 0, last[3]]);
        }
        write(
            &folder.join(format!("2025/11/0{}/rollout-{session}.jsonl", session + 1)),
            &text,
        );
    }
    sum
}

/// Whatever repeats a call, it counts once, in every order and on any number of threads.
#[test]
fn each_call_once() {
    for seed in 1..20 {
        let home = scratch(&format!("agents-once-{seed}"));
        let sum = claude_home(&home.join(".claude/projects"), seed);
        let other = codex_home(&home.join(".codex/sessions"), seed);
        for threads in ["1", "3"] {
            let found = summary(&["--agents", "--by", "agent", "-j", threads], &home);
            let group = |agent: &str| {
                let groups = found["groups"].as_array().expect("groups");
                groups
                    .iter()
                    .find(|group| group["agent"] == agent)
                    .map(Sum::of)
            };
            assert_eq!(group("claude"), Some(sum), "seed {seed}");
            assert_eq!(group("codex"), Some(other), "seed {seed}");
        }
        fs::remove_dir_all(&home).expect("a folder");
    }
}

/// A log that was cut anywhere gives what was whole, and never more than the whole does.
#[test]
fn torn_logs() {
    let home = scratch("agents-torn");
    let text: String = (1..4)
        .map(|id| claude(id, "s", false, 10, [1, 2, 3, 10]))
        .collect();
    let path = home.join("log.jsonl");
    let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
    for cut in (ends[0]..=text.len())
        .step_by(97)
        .chain(ends.iter().copied())
    {
        fs::write(&path, &text.as_bytes()[..cut]).expect("room");
        let found = summary(&[path.to_str().expect("a path")], &home);
        let whole = ends.iter().filter(|end| **end <= cut).count() as u64;
        assert_eq!(Sum::of(&found["total"]).responses, whole, "{cut}");
        assert_eq!(Sum::of(&found["total"]).output, 10 * whole, "{cut}");
    }
    // What tears a line costs itself alone.
    let torn = text.replacen("\"usage\":{", "\"usage\":{\0{{", 1);
    fs::write(&path, &torn).expect("room");
    let output = run(&["--format", "json", path.to_str().expect("a path")], &home);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("log.jsonl"));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(Sum::of(&found["total"]).responses, 2);
    // So do versions to come that say more.
    let later = text.replace(
        "\"usage\":{",
        "\"later\":[{\"usage\":{}}],\"usage\":{\"later\":{\"output_tokens\":5},",
    );
    fs::write(&path, &later).expect("room");
    assert_eq!(
        Sum::of(&summary(&[path.to_str().expect("a path")], &home)["total"]).output,
        30
    );
}

/// A large log, with one line that is too long to be a call: more than 2 GiB of both with `FULL=1`.
#[test]
fn large_log() {
    let (calls, long) = match std::env::var_os("FULL") {
        Some(_) => (1100, 2100),
        None => (20, 20),
    };
    let home = scratch("agents-large");
    let path = home.join("log.jsonl");
    let mut file = std::io::BufWriter::new(File::create(&path).expect("a file"));
    let mut put = |text: &str| file.write_all(text.as_bytes()).expect("room");
    let text = "x".repeat(1 << 20);
    for id in 0..calls {
        put(&claude(id, "s", false, 10, [1, 2, 3, 10]));
        for _ in 0..2 {
            put(&format!("{}\n", json!({"type": "user", "message": text})));
        }
    }
    put("{\"type\":\"assistant\",\"message\":\"");
    (0..long).for_each(|_| put(&text));
    put("\"}\n");
    put(&claude(calls, "s", false, 10, [1, 2, 3, 10]));
    drop(file);
    let output = run(&["--format", "json", path.to_str().expect("a path")], &home);
    fs::remove_dir_all(&home).expect("a folder");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(Sum::of(&found["total"]).responses, calls as u64 + 1);
    assert_eq!(Sum::of(&found["total"]).output, 10 * (calls as u64 + 1));
    // The line is named as lost.
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("log.jsonl") && said.contains("one row of it is damaged"),
        "{said}"
    );
}

/// Neither texts nor file names come into records, nor where that is asked the project.
#[test]
fn private() {
    let home = scratch("agents-private");
    let folder = home.join(".claude/projects");
    claude_home(&folder, 5);
    let records = home.join("records.jsonl");
    let path = records.to_str().expect("a path");
    for (args, named) in [(&["--no-project"][..], false), (&[], true)] {
        let found = summary(
            &[&["--agents", "--by", "project", "--records", path], args].concat(),
            &home,
        );
        let text = fs::read_to_string(&records).expect("records");
        assert!(
            !text.contains("a secret answer")
                && !text.contains(".jsonl")
                && !text.contains(".claude"),
            "{text}"
        );
        assert_eq!(text.contains("secretproject"), named);
        let project = if named { "secretproject" } else { "unknown" };
        assert_eq!(found["groups"][0]["project"], project);
        let first: Value =
            serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        let session = first["labels"]["session"].as_str().expect("a session");
        assert_eq!(first["source"], format!("claude:{session}"));
        // What is written is summed up to the same.
        let again = summary(&[path, "--by", "project"], &home);
        assert_eq!(
            again["total"]["input_tokens"],
            found["total"]["input_tokens"]
        );
        assert_eq!(again["total"]["responses"], found["total"]["responses"]);
    }
    let args = ["--agents", "--by", "dir,file", "--format", "csv"];
    let text = |more: &[&str]| {
        String::from_utf8(run(&[&args, more].concat(), &home).stdout).expect("text")
    };
    assert!(text(&[]).contains("secretproject"));
    assert!(!text(&["--no-project"]).contains("secretproject"));
}

/// Agents are found where they or their variables are; a name that is none is said.
#[test]
fn found_at_home() {
    let home = scratch("agents-home");
    let sum = claude_home(&home.join("elsewhere/projects"), 3);
    codex_home(&home.join(".codex/sessions"), 3);
    let elsewhere = home.join("elsewhere");
    let ask = |names: &[&str]| {
        let mut command = tokensense();
        command
            .env("HOME", &home)
            .env("CLAUDE_CONFIG_DIR", &elsewhere);
        command.args(["summarise", "--format", "json"]).args(names);
        command.output().expect("the binary")
    };
    let total = |names: &[&str]| {
        let found: Value = serde_json::from_slice(&ask(names).stdout).expect("JSON");
        Sum::of(&found["total"])
    };
    assert_eq!(total(&["--agents", "claude"]), sum);
    assert!(total(&["--agents", "claude,codex"]).responses > sum.responses);
    assert_eq!(total(&["--agents"]), total(&["--agents=codex,claude"]));
    let none = ask(&["--agents", "clod"]);
    assert_eq!(none.status.code(), Some(2));
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("clod") && said.contains("codex"), "{said}");
    // Nothing there is nothing read, not standard input.
    let nothing = run(&["--agents", "goose"], &home);
    assert_eq!(nothing.status.code(), Some(1));
}

/// Sums up an SQLite file made by the statements, while others hold it open or not.
fn sqlite(path: &Path, statements: &str) {
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nfor s in sys.argv[2].split(';;'):\n    c.execute(s)\nprint('ready',flush=True)\nsys.stdin.read()";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .arg(statements)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut ready = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("ready");
    let folder = path.parent().expect("a folder");
    let list = || {
        let mut names: Vec<PathBuf> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        names.sort();
        names
    };
    let before = list();
    let found = summary(&[path.to_str().expect("a path"), "--by", "session"], folder);
    assert_eq!(list(), before, "nothing is made beside it");
    // Sixty rows, long ones on pages of their own, and nothing of a transaction under way.
    let sum = Sum {
        responses: 60,
        input: 60 * 11,
        read: 60 * 4,
        write: 60 * 2,
        output: 60 * 3,
    };
    assert_eq!(Sum::of(&found["total"]), sum, "{statements}");
    drop(child.stdin.take());
    let _ = child.wait();
}

const ROWS: &str = "create table message (id text primary key, session_id text, time_created integer, data text);;\
    with recursive n(i) as (select 1 union all select i+1 from n where i<60) insert into message \
    select printf('msg_%026d', i), 'ses', i, json_object('role','assistant','modelID','claude-sonnet-4-5','providerID','anthropic',\
    'pad', hex(zeroblob(i*200)), 'time', json_object('created', 1762400000000+i), 'cost', 0, \
    'tokens', json_object('input',5,'output',3,'reasoning',0,'cache',json_object('read',4,'write',2))) from n";

/// A database is read as it was last committed, also while it is written to and in a folder nobody may write to.
#[test]
#[ignore = "needs python3"]
fn databases() {
    for (at, (before, after)) in [
        ("", ""),
        ("pragma page_size=512;;", ""),
        ("pragma encoding='UTF-16le';;", ""),
        ("pragma journal_mode=wal;;pragma wal_autocheckpoint=0;;", ""),
        (
            "pragma journal_mode=wal;;",
            ";;begin;;delete from message where id<'msg_00000000000000000000000030'",
        ),
        (
            "pragma cache_size=1;;pragma cache_spill=1;;",
            ";;begin;;update message set data='{}'",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = scratch(&format!("agents-sqlite-{at}"));
        let path = folder.join("opencode.db");
        sqlite(&path, &format!("{before}{ROWS}{after}"));
    }
    let folder = scratch("agents-sqlite-closed");
    let path = folder.join("opencode.db");
    sqlite(&path, &format!("pragma journal_mode=wal;;{ROWS}"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("a folder");
    let found = summary(&[path.to_str().expect("a path")], Path::new("/"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("a folder");
    assert_eq!(Sum::of(&found["total"]).responses, 60);
    // One that is damaged is read as far as it goes, and nothing breaks.
    let bytes = fs::read(&path).expect("a file");
    let mut random = Random::new(9);
    for _ in 0..60 {
        let mut damaged = bytes.clone();
        for _ in 0..random.below(40) {
            let at = 100 + random.below(damaged.len() - 100);
            damaged[at] = random.next() as u8;
        }
        damaged.truncate(random.below(bytes.len()).max(600));
        File::create(folder.join("damaged.db"))
            .expect("a file")
            .write_all(&damaged)
            .expect("room");
        let output = run(
            &[folder.join("damaged.db").to_str().expect("a path")],
            &folder,
        );
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    }
}

/// A database of a tool that keeps its answers in rows: `llm`'s, as it makes it.
#[test]
#[ignore = "needs python3"]
fn rows_of_answers() {
    let path = scratch("agents-llm").join("logs.db");
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
        c.execute('create table responses (id text primary key, model text, prompt text, system text, \
        prompt_json text, options_json text, response text, response_json text, conversation_id text, \
        duration_ms integer, datetime_utc text, input_tokens integer, output_tokens integer, token_details text, \
        schema_id text, resolved_model text)')\n\
        for i in range(40): c.execute('insert into responses (id, model, prompt, response, datetime_utc, \
        input_tokens, output_tokens, token_details, resolved_model) values (?,?,?,?,?,?,?,?,?)', ('r%d' % i, 'gpt-4o-mini', \
        'SECRET-PROMPT', 'x' * i * 100, '2026-11-26T10:00:00+00:00', 10 + i if i % 4 else None, 3 if i % 4 else None, None, None))\n\
        c.commit()"
        .replace("\n        ", "\n");
    let made = Command::new("python3")
        .args(["-c", &script])
        .arg(&path)
        .status();
    assert!(made.expect("python3").success());
    let folder = path.parent().expect("a folder");
    let found = summary(&[path.to_str().expect("a path"), "--by", "model"], folder);
    let counted: u64 = (0..40).filter(|i| i % 4 != 0).map(|i| 10 + i).sum();
    assert_eq!(found["total"]["responses"], 30, "{found}");
    assert_eq!(found["total"]["input_tokens"], counted, "{found}");
    assert_eq!(found["total"]["output_tokens"], 90, "{found}");
    assert_eq!(found["groups"][0]["model"], "gpt-4o-mini");
    assert!(!found.to_string().contains("SECRET"));
}

/// Windows of five hours, and how fast the last one is spent.
#[test]
fn blocks() {
    let home = scratch("agents-blocks");
    let now = jiff_now();
    let at = |hours: i64| now - hours * 3600;
    let mut text = String::new();
    for (id, hours) in [(1, 30), (2, 27), (3, 1), (4, 0)] {
        let line = claude(id, "s", false, 6, [1, 2, 3, 6]);
        let (head, rest) = line.split_once("\"timestamp\":\"").expect("a time");
        let _ = write!(
            text,
            "{head}\"timestamp\":\"{}\"{}",
            stamp(at(hours)),
            &rest[rest.find('"').expect("its end") + 1..]
        );
    }
    let path = home.join("log.jsonl");
    write(&path, &text);
    let path = path.to_str().expect("a path");
    let found = summary(&[path, "--by", "block", "--timezone", "UTC"], &home);
    let groups = found["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert!(groups.iter().all(|group| group["responses"] == 2));
    assert_eq!(found["burn"]["block"], groups[1]["block"]);
    assert_eq!(found["burn"]["open"], true);
    assert!(found["burn"]["tokens_per_minute"].as_f64().expect("a rate") > 0.0);
    let since = summary(&[path, "--since", "5h"], &home);
    assert_eq!(since["total"]["responses"], 2);
    let table = String::from_utf8(run(&[path, "--by", "block"], &home).stdout).expect("text");
    assert!(table.contains("tokens a minute"), "{table}");
}

fn jiff_now() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock");
    now.as_secs() as i64
}

/// A time as RFC 3339.
fn stamp(seconds: i64) -> String {
    let output = Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output();
    String::from_utf8(output.expect("date").stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// Bars beside the costs: the greatest the longest.
#[test]
fn chart() {
    let home = scratch("agents-chart");
    codex_home(&home.join(".codex/sessions"), 7);
    claude_home(&home.join(".claude/projects"), 7);
    let table = String::from_utf8(run(&["--agents", "--by", "agent", "--chart"], &home).stdout)
        .expect("text");
    let bars: Vec<_> = table
        .lines()
        .map(|line| {
            line.matches(['█', '▉', '▊', '▋', '▌', '▍', '▎', '▏'])
                .count()
        })
        .collect();
    assert_eq!(bars.first(), Some(&0), "{table}");
    assert_eq!(bars.last(), Some(&0), "{table}");
    assert!(bars[1] >= bars[2] && bars[1] > 10, "{table}");
}

fn page(name: &str) -> (PathBuf, String, Value) {
    let home = scratch(name);
    claude_home(&home.join(".claude/projects"), 11);
    codex_home(&home.join(".codex/sessions"), 11);
    let output = run(
        &["--agents", "--by", "agent,model", "--format", "html"],
        &home,
    );
    assert!(output.status.success());
    let html = String::from_utf8(output.stdout).expect("text");
    let path = home.join("page.html");
    fs::write(&path, &html).expect("room");
    let total = summary(&["--agents", "--by", "agent,model"], &home);
    (path, html, total)
}

/// The page names nothing that lies elsewhere, and says what the table says.
#[test]
fn html() {
    let (_, html, found) = page("agents-html");
    for outside in [
        "http:",
        "https:",
        "//",
        "src=",
        "@import",
        "url(",
        "<script",
        "a secret answer",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    for word in [
        "By model",
        "By project",
        "Over time",
        "secretproject",
        "prefers-color-scheme: dark",
    ] {
        assert!(html.contains(word), "{word}");
    }
    let input = found["total"]["input_tokens"].as_u64().expect("a count");
    let grouped: String = {
        let digits = input.to_string();
        let cut = |(at, c): (usize, char)| {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                format!(",{c}")
            } else {
                c.to_string()
            }
        };
        digits.chars().enumerate().map(cut).collect()
    };
    let foot = &html[html.find("<tfoot>").expect("totals")..];
    assert!(
        foot.replace(['\u{2009}', '\u{202f}', ' ', ','], "")
            .contains(&grouped.replace(',', "")),
        "{foot}"
    );
}

/// In a browser: no request leaves the page, and nothing sticks out of a narrow or a wide window.
#[test]
#[ignore = "needs chromium"]
fn html_in_a_browser() {
    let (path, html, _) = page("agents-browser");
    let folder = path.parent().expect("a folder");
    for width in [400, 1400] {
        // A copy that measures itself: the page itself runs nothing.
        let probe = "<script>document.title = [document.documentElement.scrollWidth, innerWidth, document.querySelector('tfoot').innerText, document.querySelectorAll('rect').length].join('|')</script></body>";
        let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";
        assert!(html.contains(policy));
        let measured = folder.join(format!("measured-{width}.html"));
        fs::write(
            &measured,
            html.replace(policy, "").replace("</body>", probe),
        )
        .expect("room");
        // A frame may be narrower than a browser's window can be.
        let frame = folder.join(format!("frame-{width}.html"));
        let outer = format!(
            "<iframe id=f src=\"measured-{width}.html\" style=\"width:{width}px;height:900px\"></iframe><script>f.onload = () => document.title = f.contentDocument.title</script>"
        );
        fs::write(&frame, outer).expect("room");
        let log = folder.join("net.json");
        let chromium = |more: &[&str], page: &Path| {
            let mut command = Command::new("chromium");
            command.args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--allow-file-access-from-files",
                "--virtual-time-budget=3000",
            ]);
            command.arg(format!(
                "--user-data-dir={}",
                folder.join("profile").display()
            ));
            command.args(more).arg(format!("file://{}", page.display()));
            command.output().expect("chromium")
        };
        let dom = String::from_utf8_lossy(&chromium(&["--dump-dom"], &frame).stdout).into_owned();
        let title = dom
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split("</title>").next())
            .unwrap_or_else(|| panic!("{dom}"));
        let parts: Vec<_> = title.split('|').collect();
        let [wide, inner] = [parts[0], parts[1]].map(|n| n.parse::<u32>().expect("a width"));
        assert!(wide <= inner && inner.abs_diff(width) <= 4, "{title}");
        assert!(parts[3].parse::<u32>().expect("bars") > 3, "{title}");
        chromium(
            &["--dump-dom", &format!("--log-net-log={}", log.display())],
            &path,
        );
        let net = fs::read_to_string(&log).expect("a log");
        // The browser's own services are told apart by their hosts; the page's would be its own.
        let asked: Vec<_> = net
            .match_indices("\"url\":\"")
            .map(|(at, found)| {
                let rest = &net[at + found.len()..];
                &rest[..rest.find('"').unwrap_or(0)]
            })
            .filter(|url| {
                !url.contains("google") && !url.contains("gvt1") && !url.starts_with("chrome")
            })
            .collect();
        assert!(
            asked
                .iter()
                .all(|url| url.starts_with("file:") || url.starts_with("data:")),
            "{asked:?}"
        );
    }
}

/// What a record must say, and what stands in it.
fn columns(record: &Value) -> Value {
    let names = [
        "status",
        "model",
        "input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost_reported_usd",
    ];
    let some = names.iter().filter(|name| !record[**name].is_null());
    some.map(|name| ((*name).to_owned(), record[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The records that `tap` makes of what an agent prints, after a check that it forwards all of it.
fn tapped(printed: &str) -> Vec<Value> {
    let run = feed(tokensense().arg("tap"), printed.as_bytes());
    assert_eq!(String::from_utf8_lossy(&run.stdout), printed);
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    records(&run.stderr)
}

fn records(lines: &str) -> Vec<Value> {
    let record = |line| serde_json::from_str(line).expect("a record");
    lines.lines().map(record).collect()
}

/// What `claude -p --output-format stream-json` prints for one session of two models.
fn claude_prints(random: &mut Random) -> (Vec<Value>, [Value; 2]) {
    let mut n = |most: usize| random.below(most) as u64 + 1;
    let mut lines = vec![
        json!({"type": "system", "subtype": "init", "cwd": "/w/p", "session_id": "s1", "model": "claude-sonnet-4-5"}),
    ];
    for turn in 0..n(4) {
        let usage = json!({"input_tokens": n(9), "cache_creation_input_tokens": n(900), "cache_read_input_tokens": n(9000), "output_tokens": 1});
        for content in [
            json!({"type": "text", "text": "a secret of some length that is told in several words"}),
            json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "cat secret.txt"}}),
        ] {
            let message = json!({"id": format!("msg_{turn}"), "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [content], "stop_reason": null, "usage": usage});
            lines.push(json!({"type": "assistant", "message": message, "parent_tool_use_id": null, "session_id": "s1"}));
            lines.push(json!({"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "{\"usage\":{\"output_tokens\":7}}"}]}, "session_id": "s1"}));
        }
    }
    let calls = [n(900), n(90_000), n(900), n(5000), n(900), 0, 0, n(500)];
    let used = |at: usize, cost: f64| {
        json!({"inputTokens": calls[at], "cacheReadInputTokens": calls[at + 1], "cacheCreationInputTokens": calls[at + 2],
            "outputTokens": calls[at + 3], "webSearchRequests": 0, "costUSD": cost, "contextWindow": 200_000})
    };
    lines.push(json!({"type": "result", "subtype": "success", "is_error": false, "result": "a secret", "session_id": "s1", "total_cost_usd": 0.75,
        "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4},
        "modelUsage": {"claude-sonnet-4-5": used(0, 0.5), "claude-haiku-4-5": used(4, 0.25)}}));
    let want = |at: usize, model: &str, cost: f64| {
        json!({"status": "complete", "model": model, "input_tokens": calls[at] + calls[at + 1] + calls[at + 2], "cache_read_tokens": calls[at + 1],
            "cache_write_tokens": calls[at + 2], "output_tokens": calls[at + 3], "cost_reported_usd": cost})
    };
    let want = [
        want(0, "claude-sonnet-4-5", 0.5),
        want(4, "claude-haiku-4-5", 0.25),
    ];
    (lines, want)
}

fn in_lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// In a pipe, what Claude Code prints is one record per model, in whichever form it prints it; what is cut short says
/// so, with an estimate of what came.
#[test]
fn claude_in_a_pipe() {
    for seed in 1..6 {
        let (lines, want) = claude_prints(&mut Random::new(seed));
        let last = lines.last().expect("a result");
        for printed in [
            in_lines(&lines),
            format!("{}\n", Value::from(lines.clone())),
            serde_json::to_string_pretty(&Value::from(lines.clone())).expect("JSON"),
            format!("{last}\n"),
            serde_json::to_string_pretty(last).expect("JSON"),
        ] {
            let found: Vec<_> = tapped(&printed).iter().map(columns).collect();
            let sorted = |all: &[Value]| {
                let mut all: Vec<_> = all.iter().map(Value::to_string).collect();
                all.sort();
                all
            };
            assert_eq!(sorted(&found), sorted(&want), "{printed}");
        }
        for cut in 1..lines.len() {
            let records = tapped(&in_lines(&lines[..cut]));
            assert!(!records.is_empty());
            let mut output = 0;
            for record in &records {
                assert_eq!(record["status"], "truncated", "{record}");
                assert_eq!(record["partial"], true);
                assert_eq!(record["labels"]["session"], "s1");
                output += record["output_tokens"].as_u64().unwrap_or(0);
            }
            // Ten words and a tool's argument are more than the one token that each message began with.
            let said = lines[..cut]
                .iter()
                .filter(|line| line["type"] == "assistant");
            assert!(output >= 10 * said.count() as u64, "{output} at {cut}");
        }
    }
}

/// `run` meters an agent that it starts, as it does curl.
#[test]
fn claude_is_run() {
    let folder = scratch("agents-run");
    let (lines, _) = claude_prints(&mut Random::new(1));
    let (printed, script) = (in_lines(&lines), folder.join("claude"));
    write(&folder.join("printed"), &printed);
    let body = format!(
        "#!/bin/sh\n[ \"$1 $2\" = '-p Hi' ] || exit 9\ncat '{}'\nexit 3\n",
        folder.join("printed").display()
    );
    write(&script, &body);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a file");
    let output = tokensense()
        .args(["run", "--"])
        .arg(&script)
        .args(["-p", "Hi", "--output-format", "stream-json"])
        .output()
        .expect("the binary");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stdout), printed);
    let records = records(&String::from_utf8_lossy(&output.stderr));
    let costs = records.iter().map(|record| record["cost_usd"].as_f64());
    assert_eq!(costs.sum::<Option<f64>>(), Some(0.75));
    assert_eq!(records.len(), 2);
}

/// What `codex exec --json` printed before version 0.44: two calls, the first one told twice.
fn old_codex() -> String {
    let usage = |input: u64, cached: u64, output: u64| json!({"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output, "reasoning_output_tokens": 1, "total_tokens": input + output});
    let info = |total: Value, last: Value| json!({"id": "0", "msg": {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": last}}});
    let lines = [
        json!({"model": "gpt-5-codex", "provider": "openai", "workdir": "/w/p"}),
        json!({"prompt": "a secret"}),
        json!({"id": "0", "msg": {"type": "task_started"}}),
        info(usage(100, 50, 10), usage(100, 50, 10)),
        info(usage(100, 50, 10), usage(100, 50, 10)),
        json!({"id": "0", "msg": {"type": "agent_message", "message": "a secret"}}),
        info(usage(300, 80, 25), usage(200, 30, 15)),
        json!({"id": "0", "msg": {"type": "task_complete"}}),
        json!({"id": "", "msg": {"type": "shutdown_complete"}}),
    ];
    in_lines(&lines)
}

/// What other agents print comes to one record per model too.
#[test]
fn others_in_a_pipe() {
    let codex = "{\"type\":\"thread.started\",\"thread_id\":\"t1\"}\n{\"type\":\"turn.started\"}\n\
        {\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"a secret\"}}\n";
    let done = "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":900,\"cached_input_tokens\":800,\"output_tokens\":70}}\n";
    let failed = "{\"type\":\"turn.failed\",\"error\":{\"message\":\"status 401\"}}\n";
    let older = "{\"id\":\"0\",\"msg\":{\"type\":\"token_count\",\"input_tokens\":100,\"cached_input_tokens\":50,\"output_tokens\":20,\"total_tokens\":120}}\n";
    let older = format!("{older}{older}{{\"id\":\"0\",\"msg\":{{\"type\":\"task_complete\"}}}}\n");
    let of_model = |prompt: u64, out: u64, cached: u64, thoughts: u64, tool: u64| json!({"api": {"totalRequests": 1}, "tokens": {"prompt": prompt, "candidates": out, "cached": cached, "thoughts": thoughts, "tool": tool, "total": prompt + out + thoughts + tool}});
    let gemini = json!({"session_id": "s", "response": "a secret", "stats": {"models": {
        "gemini-2.5-pro": of_model(1000, 20, 900, 50, 0), "gemini-2.5-flash": of_model(300, 10, 0, 0, 25)}, "tools": {"totalCalls": 1}}});
    let gemini_stream = "{\"type\":\"init\",\"session_id\":\"s\",\"model\":\"gemini-2.5-pro\",\"timestamp\":\"2025-11-05T10:00:00Z\"}\n\
        {\"type\":\"message\",\"role\":\"assistant\",\"content\":\"a secret\",\"delta\":true}\n";
    let gemini_end = "{\"type\":\"result\",\"status\":\"success\",\"stats\":{\"total_tokens\":250,\"input_tokens\":50,\"output_tokens\":200,\"cached\":10}}\n";
    let step = |at: u64, cost: f64| {
        format!(
            "{{\"type\":\"step_start\",\"sessionID\":\"ses\",\"part\":{{\"id\":\"a{at}\"}}}}\n{}\n",
            json!({"type": "step_finish", "sessionID": "ses", "part": {"id": format!("prt_{at}"), "reason": "stop", "cost": cost,
                "tokens": {"input": 10 + at, "output": 5, "reasoning": 2, "cache": {"read": 100, "write": 7}}}})
        )
    };
    let cases: Vec<(String, Value)> = vec![
        (
            format!("{codex}{done}"),
            json!([{"status": "complete", "input_tokens": 900, "cache_read_tokens": 800, "output_tokens": 70}]),
        ),
        (codex.to_owned(), json!([{"status": "truncated"}])),
        (format!("{codex}{failed}"), json!([{"status": "error"}])),
        (
            old_codex(),
            json!([{"status": "complete", "model": "gpt-5-codex", "input_tokens": 300, "cache_read_tokens": 80, "output_tokens": 25, "reasoning_tokens": 1}]),
        ),
        (
            older,
            json!([{"status": "complete", "input_tokens": 200, "cache_read_tokens": 100, "output_tokens": 40}]),
        ),
        (
            serde_json::to_string_pretty(&gemini).expect("JSON"),
            json!([
                {"status": "complete", "model": "gemini-2.5-pro", "input_tokens": 1000, "cache_read_tokens": 900, "output_tokens": 70, "reasoning_tokens": 50},
                {"status": "complete", "model": "gemini-2.5-flash", "input_tokens": 325, "cache_read_tokens": 0, "output_tokens": 10, "reasoning_tokens": 0},
            ]),
        ),
        (
            format!("{gemini_stream}{gemini_end}"),
            json!([{"status": "complete", "model": "gemini-2.5-pro", "input_tokens": 50, "cache_read_tokens": 10, "output_tokens": 200}]),
        ),
        (
            gemini_stream.to_owned(),
            json!([{"status": "truncated", "model": "gemini-2.5-pro"}]),
        ),
        (
            format!("{}{}", step(1, 0.25), step(2, 0.5)),
            json!([{"status": "complete", "input_tokens": 237, "cache_read_tokens": 200, "cache_write_tokens": 14, "output_tokens": 14,
                "reasoning_tokens": 4, "cost_reported_usd": 0.75}]),
        ),
    ];
    for (printed, want) in cases {
        let sorted = |mut all: Vec<Value>| {
            all.sort_by_key(Value::to_string);
            all
        };
        let found: Vec<_> = tapped(&printed).iter().map(columns).collect();
        let want = want.as_array().expect("records").clone();
        assert_eq!(sorted(found), sorted(want), "{printed}");
    }
    // Read as a log, each step is a response of its own.
    let home = scratch("agents-steps");
    write(
        &home.join("log"),
        &format!("{}{}", step(1, 0.25), step(2, 0.5)),
    );
    let found = summary(&[home.join("log").to_str().expect("a path")], &home);
    assert_eq!(found["total"]["responses"], 2);
    assert_eq!(found["total"]["input_tokens"], 237);
}
