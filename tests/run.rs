//! `tokensense run -- curl …` against a server that behaves as the providers do: real sockets, the real curl.

mod common;
mod server;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use common::{isolated, scratch, terminal, tokensense};
use server::{Sent, Server, asked_only, begin_stream, chunk, need_curl, stated, status};

const ASK: &str = r#","stream_options":{"include_usage":true}"#;
const KEY: &str = "sk-proj-0123456789abcdefghijklmn";
const PROMPT: &str = "The heron stands in the reeds at dawn";

/// A run with its record in a file.
struct Run {
    command: Command,
    record: PathBuf,
}

impl Run {
    fn new(name: &str, options: &[&str]) -> Self {
        let record = scratch(&format!("run-{name}")).join("record.json");
        let mut command = tokensense();
        command.arg("run").arg("-o").arg(&record);
        command.args(options).arg("--");
        Self { command, record }
    }

    fn curl(name: &str, arguments: &[&str]) -> Self {
        need_curl();
        let mut run = Self::new(name, &[]);
        run.command.args(["curl", "-sS"]).args(arguments);
        run
    }

    fn output(&mut self) -> Output {
        self.command.output().expect("the binary")
    }

    /// Runs it, with this on standard input.
    fn output_with(&mut self, input: &[u8]) -> Output {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the binary");
        // A command need not read it.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        child.wait_with_output().expect("an end")
    }

    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.record).expect("a record file");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect()
    }

    fn only_record(&self) -> Value {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }
}

fn body() -> String {
    format!(
        "{{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{PROMPT}\"}}]}}"
    )
}

/// The body with usage asked for.
fn asking(body: &str) -> String {
    body.replacen("\"stream\":true", &format!("\"stream\":true{ASK}"), 1)
}

/// How a provider takes the field.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    /// States usage only when asked.
    Asked,
    /// Answers 400 or 422 where the field is there, and states usage unasked.
    Rejects,
    /// States it either way.
    Unasked,
}

/// Every host of the table: what is done, and how the host behaves.
const HOSTS: &[(&str, &str, Habit)] = &[
    (
        "api.openai.com/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    ("api.openai.com/v1/completions", "injected", Habit::Asked),
    (
        "eu.api.openai.com/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "me.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        "injected",
        Habit::Asked,
    ),
    (
        "me.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-09-01-preview",
        "injected",
        Habit::Asked,
    ),
    (
        "me.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-06-01",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "me.openai.azure.com/openai/deployments/d/chat/completions",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "me.openai.azure.com/openai/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "me.cognitiveservices.azure.com/openai/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "me.services.ai.azure.com/openai/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "me.services.ai.azure.com/models/chat/completions?api-version=2024-10-21",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "me.eastus.models.ai.azure.com/chat/completions",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "api.groq.com/openai/v1/chat/completions",
        "injected",
        Habit::Unasked,
    ),
    (
        "api.mistral.ai/v1/chat/completions",
        "not_needed",
        Habit::Rejects,
    ),
    (
        "api.deepseek.com/chat/completions",
        "injected",
        Habit::Asked,
    ),
    ("api.x.ai/v1/chat/completions", "injected", Habit::Asked),
    (
        "api.together.xyz/v1/chat/completions",
        "injected",
        Habit::Unasked,
    ),
    (
        "api.together.ai/v1/chat/completions",
        "injected",
        Habit::Unasked,
    ),
    (
        "api.fireworks.ai/inference/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "openrouter.ai/api/v1/chat/completions",
        "not_needed",
        Habit::Unasked,
    ),
    (
        "api.perplexity.ai/chat/completions",
        "not_needed",
        Habit::Unasked,
    ),
    (
        "api.cerebras.ai/v1/chat/completions",
        "unsupported",
        Habit::Unasked,
    ),
    (
        "integrate.api.nvidia.com/v1/chat/completions",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "api.cohere.ai/compatibility/v1/chat/completions",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "api.cohere.com/compatibility/v1/chat/completions",
        "unsupported",
        Habit::Rejects,
    ),
    (
        "generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        "unsupported",
        Habit::Unasked,
    ),
    (
        "router.huggingface.co/v1/chat/completions",
        "unsupported",
        Habit::Unasked,
    ),
    (
        "api.sambanova.ai/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "api.moonshot.ai/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "api.moonshot.cn/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "open.bigmodel.cn/api/paas/v4/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "api.z.ai/api/paas/v4/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "api.minimax.io/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "ark.cn-beijing.volces.com/api/v3/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "api.siliconflow.cn/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "inference.baseten.co/v1/chat/completions",
        "injected",
        Habit::Asked,
    ),
    (
        "x.cloud.databricks.com/serving-endpoints/chat/completions",
        "unsupported",
        Habit::Unasked,
    ),
    (
        "api.deepinfra.com/v1/openai/chat/completions",
        "unsupported",
        Habit::Unasked,
    ),
    (
        "models.github.ai/inference/chat/completions",
        "injected",
        Habit::Asked,
    ),
    ("localhost/v1/chat/completions", "injected", Habit::Asked),
    ("127.0.0.1:8000/v1/completions", "injected", Habit::Asked),
    ("[::1]:8000/v1/chat/completions", "injected", Habit::Asked),
    (
        "gateway.example/v1/chat/completions",
        "unknown_host",
        Habit::Rejects,
    ),
    // Never on these paths, whoever serves them.
    (
        "api.anthropic.com/v1/messages",
        "not_needed",
        Habit::Rejects,
    ),
    ("localhost/v1/messages", "not_needed", Habit::Rejects),
    ("api.openai.com/v1/responses", "not_needed", Habit::Rejects),
    (
        "generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent",
        "not_needed",
        Habit::Rejects,
    ),
    ("localhost:11434/api/chat", "not_needed", Habit::Rejects),
    ("localhost:11434/api/generate", "not_needed", Habit::Rejects),
    ("api.cohere.com/v2/chat", "not_needed", Habit::Rejects),
    (
        "bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream",
        "not_needed",
        Habit::Rejects,
    ),
    (
        "api.openai.com/v1/embeddings",
        "unsupported",
        Habit::Rejects,
    ),
];

#[test]
fn every_host_of_the_table() {
    let server = Server::new(|sent, out| {
        let habit = HOSTS[header(sent, "row").parse::<usize>().expect("a row")].2;
        match habit {
            Habit::Rejects if sent.text().contains("stream_options") => {
                status(
                    out,
                    "400 Bad Request",
                    r#"{"error":{"message":"extra field","type":"invalid_request_error"}}"#,
                );
            }
            Habit::Asked => asked_only(sent, out),
            Habit::Rejects | Habit::Unasked => stated(sent, out),
        }
    });
    let connect = format!("::127.0.0.1:{}", server.port);
    for (row, (url, want, _)) in HOSTS.iter().enumerate() {
        let row = format!("row: {row}");
        let mut run = Run::curl(
            "hosts",
            &[
                "-g",
                "--connect-to",
                &connect,
                "-H",
                &row,
                "-d",
                &body(),
                &format!("http://{url}"),
            ],
        );
        let output = run.output();
        assert!(output.status.success(), "{url}: {output:?}");
        let want_body = if *want == "injected" {
            asking(&body())
        } else {
            body()
        };
        assert_eq!(server.only().text(), want_body, "{url}");
        let record = run.only_record();
        assert_eq!(record["usage_request"], *want, "{url}");
        assert_eq!(record["request_model"], "gpt-4o", "{url}");
        assert_eq!(
            record["input_tokens"], 11,
            "{url}: usage is stated: {record}"
        );
        assert_eq!(record["estimated"], Value::Array(Vec::new()), "{url}");
    }
}

fn header<'a>(sent: &'a Sent, name: &str) -> &'a str {
    let lines = sent.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .next()
        .unwrap_or_else(|| panic!("no {name} in {}", sent.head))
}

/// The provider and the model come from the address, where the stream and the body do not say.
#[test]
fn the_address_tells_provider_and_model() {
    let server = Server::new(stated);
    let connect = format!("::127.0.0.1:{}", server.port);
    for (url, provider, model) in [
        (
            "http://me.openai.azure.com/openai/deployments/my-gpt/chat/completions",
            "azure",
            "my-gpt",
        ),
        (
            "http://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent",
            "google",
            "gemini-x",
        ),
        (
            "http://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.a.b-v1%3A0/converse-stream",
            "aws",
            "eu.a.b-v1:0",
        ),
    ] {
        let mut run = Run::curl("address", &["--connect-to", &connect, "-d", "{}", url]);
        assert!(run.output().status.success());
        let record = run.only_record();
        assert_eq!(
            (&record["provider"], &record["request_model"]),
            (&provider.into(), &model.into())
        );
    }
}

/// What the server gets, byte by byte, for each way to give curl a body.
#[test]
fn bodies_from_everywhere() {
    let server = Server::new(asked_only);
    let folder = scratch("run-bodies-files");
    let pretty = body()
        .replace(',', ",\r\n  ")
        .replace("\"model\"", "\"x\": 1e400, \"x\" : 1E+2,\"model\"");
    let file = folder.join("body.json");
    fs::write(&file, &pretty).expect("a file");
    let at = format!("@{}", file.display());
    let url = server.url("/v1/chat/completions");
    let flat = pretty.replace("\r\n", "");
    let half = pretty.len() / 2;
    let (first, last) = pretty.split_at(pretty.find("\"stream\"").expect("there"));
    let (first, last) = (first.to_owned(), last.to_owned());
    let broken = body().replace("reeds at dawn", "reeds&at dawn");
    let (broken_first, broken_last) = broken.split_once('&').expect("there");
    let large = body().replace(PROMPT, &PROMPT.repeat(2500));
    let piped = pretty.as_bytes();
    let cases: &[(&[&str], &[u8], &str)] = &[
        (&["-d", &pretty], b"", &pretty),
        (&[&format!("-d{pretty}")], b"", &pretty),
        (&[&format!("-sNd{pretty}")], b"", &pretty),
        (&["-sNd", &pretty], b"", &pretty),
        (&["--data", &pretty], b"", &pretty),
        (&["--data-ascii", &pretty], b"", &pretty),
        (&["--data-raw", &pretty], b"", &pretty),
        (&["--data-binary", &pretty], b"", &pretty),
        (&["--data-b", &pretty], b"", &pretty),
        (&["--json", &pretty], b"", &pretty),
        (&["-d", &at], b"", &flat),
        (&[&format!("-d{at}")], b"", &flat),
        (&["--data-ascii", &at], b"", &flat),
        (&["--data-binary", &at], b"", &pretty),
        (&["--json", &at], b"", &pretty),
        (&["-d", "@-"], piped, &flat),
        (&["--json", "@-"], piped, &pretty),
        (&["-sd@-"], piped, &flat),
        (&["--data-binary", "@/dev/stdin"], piped, &pretty),
        (
            &["--json", &pretty[..half], "--json", &pretty[half..]],
            b"",
            &pretty,
        ),
        (
            &["--json", &first, "--json", "@-"],
            last.as_bytes(),
            &pretty,
        ),
        (&["-d", broken_first, "-d", broken_last], b"", &broken),
        // So large that it would not fit into an argument any more.
        (&["-d", &large], b"", &large),
        (&["--data-raw", &large], b"", &large),
        (&[&format!("-sNd{large}")], b"", &large),
        (&["--json", &large], b"", &large),
        (&["--data-binary", "@-"], large.as_bytes(), &large),
    ];
    for (arguments, input, want) in cases {
        let mut run = Run::curl("bodies", arguments);
        run.command.arg(&url);
        let output = run.output_with(input);
        let shown: Vec<_> = arguments
            .iter()
            .map(|text| &text[..text.len().min(20)])
            .collect();
        assert!(output.status.success(), "{shown:?}: {output:?}");
        let sent = server.only();
        assert!(sent.text() == asking(want), "{shown:?}");
        let kind = match arguments.contains(&"--json") {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        assert_eq!(header(&sent, "content-type"), kind, "{shown:?}");
        let record = run.only_record();
        assert_eq!(record["usage_request"], "injected", "{shown:?}");
        assert_eq!(record["output_tokens"], 2, "{shown:?}");
    }
}

/// Heredocs, FIFOs and process substitution: what can be read but once still reaches curl.
#[test]
fn bodies_from_a_shell() {
    need_curl();
    let server = Server::new(asked_only);
    let url = server.url("/v1/chat/completions");
    let want = asking(&body());
    let binary = common::BINARY;
    let fifo = scratch("run-shell").join("fifo");
    let fifo = fifo.display();
    for script in [
        format!(
            "{binary} run -q -- curl -s {url} -d @- <<'END'\n{}\nEND\n",
            body()
        ),
        format!(
            "{binary} run -q curl -s {url} --json @<(cat <<< '{}' | tr -d '\\n')",
            body()
        ),
        format!(
            "mkfifo {fifo}; (printf %s '{}' > {fifo}) & {binary} run -q -- curl -s {url} -d@{fifo}",
            body()
        ),
    ] {
        let output = isolated("bash")
            .args(["-c", &script])
            .output()
            .expect("bash on PATH");
        assert!(output.status.success(), "{script}: {output:?}");
        assert_eq!(server.only().text(), want, "{script}");
    }
}

const SAID: &str = r#"{"stream":true,"stream_options":{"include_usage":true}}"#;
const DECLINED: &str = r#"{"stream_options":{"include_usage":false},"stream":true}"#;
const STREAM: &str = r#"{"stream":true}"#;

/// Options, what comes on standard input, the body that arrives, and what is said of it. `FILE` and `RC` are paths.
const KEPT: &[(&[&str], &str, &str, &str)] = &[
    (&["-d", SAID], "", SAID, "present"),
    (&["-d", DECLINED], "", DECLINED, "opted_out"),
    (&["-d", "{}"], "", "{}", "not_a_stream"),
    (
        &["-d", r#"{"stream":"true"}"#],
        "",
        r#"{"stream":"true"}"#,
        "not_a_stream",
    ),
    (&["-d", "a=b", "-d", "c"], "", "a=b&c", "not_understood"),
    (&["-d", "@FILE"], "", "{\"stream\":true,", "not_understood"),
    (
        &["--data-binary", "@FILE"],
        "",
        "{\"stream\":true,\n",
        "not_understood",
    ),
    (
        &["--data-binary", "@-"],
        "no\r\nJSON",
        "no\r\nJSON",
        "not_understood",
    ),
    (&["-d", "@-"], "no\r\nJSON", "noJSON", "not_understood"),
    (&["--data-raw", "@-"], "", "@-", "not_understood"),
    (
        &["-d", STREAM, "-H", "content-length: 15"],
        "",
        STREAM,
        "unsupported",
    ),
    (
        &["-d", STREAM, "-H", "Content-Digest: x"],
        "",
        STREAM,
        "unsupported",
    ),
    (
        &["-d", STREAM, "-H", "Digest: x"],
        "",
        STREAM,
        "unsupported",
    ),
    (
        &["-d", STREAM, "-H", "Signature-Input: x"],
        "",
        STREAM,
        "unsupported",
    ),
    (&["-d", STREAM, "-K", "RC"], "", STREAM, "not_understood"),
    (
        &["--data-urlencode", "a=b c"],
        "",
        "a=b+c",
        "not_understood",
    ),
    (&["-G", "-d", "a=b"], "", "", "not_a_stream"),
    (&[], "", "", "not_a_stream"),
];

/// Also where nothing is asked for, or the body is no JSON, what was read once is handed on.
#[test]
fn bodies_that_stay() {
    let server = Server::new(stated);
    let folder = scratch("run-stay-files");
    let file = folder.join("body");
    fs::write(&file, "{\"stream\":true,\n").expect("a file");
    let url = server.url("/v1/chat/completions");
    let variables = folder.join("curlrc");
    fs::write(&variables, "silent\n").expect("a file");
    let variables = variables.display().to_string();
    let file = file.display().to_string();
    for (arguments, input, want, outcome) in KEPT {
        let place = |text: &&str| text.replace("FILE", &file).replace("RC", &variables);
        let arguments: Vec<_> = arguments.iter().map(place).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut run = Run::curl("stay", &arguments);
        run.command.arg(&url);
        let output = run.output_with(input.as_bytes());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(server.only().text(), *want, "{arguments:?}");
        assert_eq!(
            run.only_record()["usage_request"],
            *outcome,
            "{arguments:?}"
        );
    }
}

#[test]
fn azure_with_data_sources_is_left_alone() {
    let server = Server::new(asked_only);
    let connect = format!("::127.0.0.1:{}", server.port);
    let body = r#"{"stream":true,"data_sources":[]}"#;
    let url = "http://me.openai.azure.com/openai/v1/chat/completions";
    let mut run = Run::curl("sources", &["--connect-to", &connect, "-d", body, url]);
    assert!(run.output().status.success());
    assert_eq!(server.only().text(), body);
    assert_eq!(run.only_record()["usage_request"], "unsupported");
}

#[test]
fn always_and_never() {
    need_curl();
    let server = Server::new(stated);
    let connect = format!("::127.0.0.1:{}", server.port);
    for (inject, url, want) in [
        (
            "always",
            "http://gateway.example/v1/chat/completions",
            "injected",
        ),
        (
            "always",
            "http://api.mistral.ai/v1/chat/completions",
            "injected",
        ),
        (
            "always",
            "http://api.anthropic.com/v1/messages",
            "not_needed",
        ),
        ("always", "http://gateway.example/v1/other", "unsupported"),
        (
            "never",
            "http://api.openai.com/v1/chat/completions",
            "opted_out",
        ),
    ] {
        for by_environment in [false, true] {
            let mut run = Run::new(
                "inject",
                &["--inject", inject][..if by_environment { 0 } else { 2 }],
            );
            if by_environment {
                run.command.env("TOKENSENSE_INJECT", inject);
            }
            run.command
                .args(["curl", "-s", "--connect-to", &connect, "-d", &body(), url]);
            assert!(run.output().status.success());
            assert_eq!(server.only().asks(), want == "injected", "{inject} {url}");
            assert_eq!(run.only_record()["usage_request"], want, "{inject} {url}");
        }
    }
}

/// Each of several requests is treated on its own, and each record knows its own.
#[test]
fn several_requests() {
    let server = Server::new(asked_only);
    let url = server.url("/v1/chat/completions");
    let other = body().replace("gpt-4o", "gpt-4.1");
    let plain = "{\"model\":\"gpt-5\"}";
    let mut run = Run::curl(
        "several",
        &[
            "-d",
            &body(),
            &url,
            "--next",
            "-s",
            "-d",
            plain,
            &url,
            "-:",
            "--json",
            &other,
            &url,
            &url,
        ],
    );
    let output = run.output();
    assert!(output.status.success(), "{output:?}");
    let sent: Vec<_> = server.sent().iter().map(Sent::text).collect();
    assert_eq!(
        sent,
        [
            asking(&body()),
            plain.to_owned(),
            asking(&other),
            asking(&other)
        ]
    );
    let records = run.records();
    let said: Vec<_> = records
        .iter()
        .map(|record| {
            [&record["request_model"], &record["usage_request"]]
                .map(|value| value.as_str().expect("text"))
        })
        .collect();
    assert_eq!(
        said,
        [
            ["gpt-4o", "injected"],
            ["gpt-5", "not_a_stream"],
            ["gpt-4.1", "injected"],
            ["gpt-4.1", "injected"]
        ]
    );
}

/// Where responses come in no order, none is said to be another's.
#[test]
fn requests_at_once() {
    let server = Server::new(asked_only);
    let url = server.url("/v1/chat/completions");
    let other = body().replace("gpt-4o", "gpt-4.1");
    for (arguments, want) in [
        (
            vec!["-Z", "-d", &body(), &url, "--next", "-d", &other, &url],
            Value::Null,
        ),
        (vec!["-Z", "-d", &body(), &url, &url], "gpt-4o".into()),
        (
            vec!["-d", &body(), &(url.clone() + "?{a,b}")],
            "gpt-4o".into(),
        ),
        (
            vec![
                "-d",
                &body(),
                &(url.clone() + "?[1-2]"),
                "--next",
                "-d",
                &other,
                &url,
            ],
            Value::Null,
        ),
    ] {
        let mut run = Run::curl("at-once", &arguments);
        assert!(run.output().status.success());
        assert!(server.sent().iter().all(Sent::asks));
        for record in run.records() {
            assert_eq!(record["request_model"], want, "{arguments:?}");
        }
    }
}

/// A body from a file or a pipe, or a large one, is not in the arguments, where everyone could read it.
#[test]
fn bodies_stay_out_of_arguments() {
    let folder = scratch("run-arguments-files");
    let fake = folder.join("curl");
    std::os::unix::fs::symlink("/bin/echo", &fake).expect("a link");
    let file = folder.join("body.json");
    fs::write(&file, body()).expect("a file");
    let at = format!("@{}", file.display());
    // No request is made: the program is echo.
    let url = "https://api.openai.com/v1/chat/completions";
    let large = body().replace(PROMPT, &PROMPT.repeat(2500));
    for (arguments, want) in [
        (vec!["-d", &at], "-N -d @/dev/fd/"),
        (vec!["-d@-"], "-N -d@/dev/fd/"),
        (vec!["-sd", &large], "-N -s --data-binary @/dev/fd/"),
        (vec!["--data-raw", &large], "-N --data-binary @/dev/fd/"),
        (vec!["-q", "-d", &at], "-q -N -d @/dev/fd/"),
        (vec!["-qd", &at], "-qd @/dev/fd/"),
    ] {
        let mut run = Run::new("arguments", &["-q"]);
        run.command.arg(&fake).args(arguments).arg(url);
        let output = run.output_with(body().as_bytes());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with(want), "{text}");
        assert!(!text.contains("heron"), "{text}");
    }
}

/// Neither key nor prompt comes up in a message, a record or a command that is shown.
#[test]
fn dry_run_keeps_secrets() {
    let folder = scratch("run-dry");
    let file = folder.join("body.json");
    fs::write(&file, body()).expect("a file");
    let at = format!("@{}", file.display());
    let url = "https://api.openai.com/v1/chat/completions";
    let bearer = format!("Authorization: Bearer {KEY}");
    let cases: &[(&[&str], &str)] = &[
        (
            &[url, "-H", &bearer, "-d", &body()],
            "-N https://api.openai.com/v1/chat/completions -H 'Authorization: ***' -d '{\"model\":\"gpt-4o\",\"stream\":true,\"stream_options\":{\"include_usage\":true},…}'",
        ),
        (
            &[url, "-d", &at],
            "-N https://api.openai.com/v1/chat/completions -d @/dev/fd/3 # /dev/fd/3 is {\"model\":\"gpt-4o\",\"stream\":true,\"stream_options\":{\"include_usage\":true},…}",
        ),
        (
            &["x", "-H", &format!("x-api-key: {KEY}")],
            "-N x -H 'x-api-key: ***'",
        ),
        (
            &["x", &format!("-Hapi-key: {KEY}")],
            "-N x '-Hapi-key: ***'",
        ),
        (
            &["x", "-H", &format!("X-Goog-Api-Key:{KEY}")],
            "-N x -H 'X-Goog-Api-Key: ***'",
        ),
        (&["x", &format!("-sume:{KEY}")], "-N x '-su***'"),
        (&["x", "--user", KEY], "-N x --user '***'"),
        (
            &["x", &format!("--oauth2-bearer={KEY}")],
            "-N x '--oauth2-bearer=***'",
        ),
        (
            &[&format!("https://a/b?key={KEY}&alt=sse")],
            "-N 'https://a/b?key=***&alt=sse'",
        ),
        (&[&format!("https://me:{KEY}@a/b")], "-N 'https://***@a/b'"),
        (&["-b", KEY, "x"], "-N -b '***' x"),
        (&["x", "-d", PROMPT], "-N x -d …"),
        (&["x", "-F", PROMPT], "-N x -F …"),
        (&["--next-unknown", PROMPT, KEY], "-N … … …"),
        (
            &["-d", "it's", "x", "-A", "it's"],
            r"-N -d … x -A 'it'\''s'",
        ),
    ];
    for (arguments, want) in cases {
        let mut command = tokensense();
        let output = command
            .args(["run", "--dry-run", "--", "curl"])
            .args(*arguments)
            .output()
            .expect("the binary");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(
            text.trim_end()
                .strip_prefix("curl ")
                .map(|text| text.replace("'…'", "…"))
                .as_deref(),
            Some(*want)
        );
        assert!(!text.contains(KEY) && !text.contains("heron"), "{text}");
        assert!(output.stderr.is_empty());
    }
}

/// On a terminal curl shows no progress, so it shows none through us; with a file for the body it does.
#[test]
fn progress_meter_is_as_without_us() {
    for (arguments, want) in [(&["x"][..], true), (&["x", "-o", "y"], false)] {
        let (user, programs) = terminal();
        let mut command = tokensense();
        command.args(["run", "--dry-run", "curl"]).args(arguments);
        assert!(
            command
                .stdout(programs)
                .status()
                .expect("the binary")
                .success()
        );
        let mut line = String::new();
        BufReader::new(user).read_line(&mut line).expect("a line");
        assert_eq!(line.contains("--no-progress-meter -N"), want, "{line}");
    }
}

/// A proxy states in a header what an answer cost: it is read where the user asks for no headers, and nothing that is
/// shown changes.
#[test]
fn costs_in_headers() {
    let answer = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1795700000,"model":"gpt-5-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Ebb."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}"#;
    let server = Server::new(move |_, out| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-LiteLLM-Response-Cost: 0.0123\r\n";
        let length = answer.len();
        let _ = write!(
            out,
            "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
        );
    });
    let url = server.url("/v1/chat/completions");
    let body = r#"{"model":"gpt-5-mini","messages":[]}"#;
    let folder = scratch("run-headers");
    let dump = folder.join("headers").display().to_string();
    // 1000 × 0.25 and 100 × 2.
    let (stated, computed) = ((0.0123, "reported"), (0.00045, "computed"));
    let two: &[&str] = &[&url, "-d", body, "--next", &url, "-d", body];
    for (name, more, want) in [
        ("plain", &[&url, "-d", body][..], stated),
        ("shown", &[&url, "-i", "-d", body], stated),
        // The headers are the user's, where he asks for them.
        ("dumped", &["-D", &dump, &url, "-d", body], computed),
        ("streamed", &["-D", "-", &url, "-d", body], stated),
        ("two", two, computed),
    ] {
        let mut run = Run::curl(&format!("headers-{name}"), more);
        let output = run.output();
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(output.stderr.is_empty(), "{name}: {output:?}");
        let shown = String::from_utf8(output.stdout).expect("text");
        let plain = isolated("curl")
            .arg("-sS")
            .args(more)
            .output()
            .expect("curl");
        assert_eq!(
            shown,
            String::from_utf8(plain.stdout).expect("text"),
            "{name}"
        );
        for record in run.records() {
            let cost = (record["cost_usd"].as_f64(), record["cost_basis"].as_str());
            assert_eq!(cost, (Some(want.0), Some(want.1)), "{name}");
            assert_eq!(record["cost_computed_usd"], 0.00045, "{name}");
        }
    }
    assert!(
        fs::read_to_string(&dump)
            .expect("headers")
            .contains("0.0123")
    );
    let mut command = tokensense();
    command.args(["run", "--dry-run", "curl", "-d", body, &url]);
    let output = command.output().expect("the binary");
    let line = String::from_utf8(output.stdout).expect("text");
    assert!(
        line.starts_with("curl --dump-header /dev/fd/3 -N -d ")
            && line.contains("# /dev/fd/3 is for the answer's headers"),
        "{line}"
    );
}

/// Nothing runs, and no record file is begun.
#[test]
fn dry_run_runs_nothing() {
    let folder = scratch("run-nothing");
    let (touched, record) = (folder.join("touched"), folder.join("record"));
    let mut command = tokensense();
    command
        .arg("run")
        .arg("--dry-run")
        .arg("-o")
        .arg(&record)
        .arg("touch")
        .arg(&touched);
    let output = command.output().expect("the binary");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("touch {}\n", touched.display())
    );
    assert!(!touched.exists() && !record.exists());
    let mut command = tokensense();
    let output = command
        .args([
            "run",
            "--dry-run",
            "env",
            &format!("OPENAI_API_KEY={KEY}"),
            "python",
            "chat.py",
        ])
        .output();
    assert_eq!(
        String::from_utf8_lossy(&output.expect("the binary").stdout),
        "env 'OPENAI_API_KEY=***' python chat.py\n"
    );
}

#[test]
fn records_and_messages_keep_secrets() {
    let server = Server::new(|sent, out| {
        let text = format!(
            "Incorrect API key {} for: {}",
            header(sent, "authorization"),
            &sent.text()[..30]
        );
        status(
            out,
            "401 Unauthorized",
            &format!("{{\"error\":{{\"message\":{text:?},\"type\":\"auth\"}}}}"),
        );
    });
    let url = server.url(&format!("/v1/chat/completions?key={KEY}"));
    let bearer = format!("Authorization: Bearer {KEY}");
    let mut run = Run::curl("secrets", &["-H", &bearer, "-d", &body(), &url]);
    let output = run.output();
    let record = run.only_record();
    assert_eq!(record["status"], "error");
    assert_eq!(record["usage_request"], "injected");
    let said = record.to_string() + &String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains(KEY) && !said.contains("heron"), "{said}");
}

/// Each event is there within 5 ms of its arrival: what came last does not wait for what comes next.
#[test]
fn bytes_are_not_held_back() {
    const EVENTS: usize = 12;
    let (tell, told) = mpsc::channel();
    let server = Server::new(move |_, out| {
        begin_stream(out);
        for _ in 0..EVENTS {
            std::thread::sleep(Duration::from_millis(25));
            tell.send(Instant::now()).expect("a listener");
            let _ = out.write_all(chunk("word").as_bytes());
        }
    });
    let url = server.url("/v1/chat/completions");
    let mut late: Vec<Duration> = Vec::new();
    // Of some tries one has to be undisturbed by the rest of the machine.
    for _ in 0..12 {
        let mut run = Run::curl("paced", &["-d", &body(), &url]);
        let mut child = run
            .command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut out = child.stdout.take().expect("a pipe");
        late.clear();
        let mut event = vec![0; chunk("word").len()];
        for _ in 0..EVENTS {
            out.read_exact(&mut event).expect("an event");
            let sent = told.recv_timeout(Duration::from_secs(10)).expect("a time");
            late.push(sent.elapsed());
        }
        assert!(child.wait().expect("an end").success());
        late.sort();
        if late[EVENTS - 1] < Duration::from_millis(5) {
            println!(
                "median {:?}, longest {:?}",
                late[EVENTS / 2],
                late[EVENTS - 1]
            );
            return;
        }
    }
    panic!("too late: {late:?}");
}

/// A server that tells when its client went away.
fn endless() -> (Server, mpsc::Receiver<Instant>) {
    let (tell, told) = mpsc::channel();
    let server = Server::new(move |_, out| {
        begin_stream(out);
        let _ = out.write_all(chunk("one").as_bytes());
        let _ = out.write_all(chunk(" two three four five six seven").as_bytes());
        // Nothing more comes: only a client that goes away ends this.
        let _ = out.read(&mut [0]);
        let _ = tell.send(Instant::now());
    });
    (server, told)
}

/// The client is stopped though the server says nothing, so that no further tokens are bought.
#[test]
fn reader_gone_stops_the_client() {
    let (server, told) = endless();
    let url = server.url("/v1/chat/completions");
    let mut run = Run::curl("gone", &["-d", &body(), &url]);
    let mut child = run
        .command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut vec![0; chunk("one").len()])
        .expect("an event");
    drop(out);
    let gone = Instant::now();
    let closed = told
        .recv_timeout(Duration::from_secs(10))
        .expect("the client goes away");
    assert!(closed.saturating_duration_since(gone) < Duration::from_secs(1));
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.wait().expect("an end").signal(), Some(13));
    let record = run.only_record();
    assert_eq!(
        (&record["status"], &record["ended_by"]),
        (&"cancelled".into(), &"downstream".into())
    );
    // The prompt is known from the request.
    assert!(
        record["input_tokens"]
            .as_u64()
            .is_some_and(|tokens| tokens > 5 && tokens < 30),
        "{record}"
    );
    assert!(
        record["estimated"].to_string().contains("input_tokens"),
        "{record}"
    );
}

#[test]
fn limit_stops_the_client() {
    need_curl();
    let (server, told) = endless();
    let url = server.url("/v1/chat/completions");
    let mut run = Run::new("limit", &["--max-output-tokens", "3"]);
    run.command.args(["curl", "-s", "-d", &body(), &url]);
    assert_eq!(run.output().status.code(), Some(4));
    told.recv_timeout(Duration::from_secs(10))
        .expect("the client goes away");
    assert_eq!(run.only_record()["ended_by"], "limit");
}

#[test]
fn broken_stream_is_estimated() {
    let server = Server::new(|_, out| {
        begin_stream(out);
        let _ = out.write_all((chunk("Hello") + &chunk(" there")).as_bytes());
    });
    let body = body().replace("\"stream\"", "\"service_tier\":\"flex\",\"stream\"");
    let url = server.url("/v1/chat/completions");
    let mut run = Run::curl("broken", &["-d", &body, &url]);
    assert!(run.output().status.success());
    let record = run.only_record();
    assert_eq!(record["status"], "truncated");
    assert_eq!(record["service_tier"], "flex");
    assert_eq!(record["request_model"], "gpt-4o");
    assert!(
        record["input_tokens"]
            .as_u64()
            .is_some_and(|tokens| tokens > 5),
        "{record}"
    );
    assert_eq!(
        record["estimated"].as_array().map(Vec::len),
        Some(3),
        "{record}"
    );
}

#[test]
fn headers_in_the_stream_give_the_status() {
    let server = Server::new(|sent, out| match sent.head.starts_with("POST /v1/chat") {
        true => asked_only(sent, out),
        false => status(
            out,
            "503 Busy",
            r#"{"error":{"message":"busy","type":"overloaded"}}"#,
        ),
    });
    for (path, want, code) in [
        ("/v1/chat/completions", 200, 0),
        ("/busy/v1/chat/completions", 503, 22),
    ] {
        let mut run = Run::curl(
            "status",
            &["-i", "--fail-with-body", "-d", &body(), &server.url(path)],
        );
        assert_eq!(
            run.output().status.code(),
            Some(code),
            "curl's own exit status"
        );
        assert_eq!(run.only_record()["http_status"], want);
    }
}

#[test]
fn a_body_in_a_file_is_not_metered() {
    let server = Server::new(asked_only);
    let file = scratch("run-file").join("out");
    let url = server.url("/v1/chat/completions");
    let mut run = Run::curl(
        "file",
        &["-d", &body(), &url, "-o", &file.display().to_string()],
    );
    let output = run.output();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("not metered") && said.contains("-o"),
        "{said}"
    );
    assert!(fs::read_to_string(file).expect("a body").contains("Hello"));
    let mut run = Run::curl("file", &["-d", &body(), &url, "-o", "-"]);
    assert!(run.output().stderr.is_empty());
}

/// A connection that is refused is curl's to report, in words and as exit status.
#[test]
fn refused_connection() {
    let closed = TcpStream::connect("127.0.0.1:1");
    assert!(closed.is_err(), "something listens on port 1");
    let mut run = Run::curl(
        "refused",
        &["-d", &body(), "http://127.0.0.1:1/v1/chat/completions"],
    );
    let output = run.output();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("curl: (7)"));
    assert_eq!(run.only_record()["status"], "empty");
}

/// Where there is no /dev/fd, an edited body could not reach curl: that is said, and the request is sent as it is.
#[test]
#[ignore = "needs unshare"]
fn no_way_to_hand_a_body_over() {
    need_curl();
    let server = Server::new(asked_only);
    let folder = scratch("run-no-fd");
    fs::write(folder.join("body.json"), body()).expect("a file");
    let script = "mount -t tmpfs none /dev && exec \"$@\"";
    let output = isolated("unshare")
        .args([
            "-rm",
            "sh",
            "-c",
            script,
            "sh",
            env!("CARGO_BIN_EXE_tokensense"),
        ])
        .args(["run", "--format", "json", "--", "curl", "-sS", "-d"])
        .arg(format!("@{}", folder.join("body.json").display()))
        .arg(server.url("/v1/chat/completions"))
        .stdin(Stdio::piped())
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(server.only().text(), body(), "{said}");
    assert!(said.contains("there is no /dev/fd here"), "{said}");
    let record = said
        .lines()
        .find(|line| line.starts_with('{'))
        .expect("a record");
    let record: Value = serde_json::from_str(record).expect("JSON");
    assert_eq!(record["status"], "complete", "{record}");
}
