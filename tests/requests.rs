//! What the request tells: who is likely to answer on this machine, and how long the prompt is where no answer says.

mod common;
mod server;

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use common::bounded::feed;
use common::{scratch, tokensense};
use server::{Server, begin_stream, need_curl};

/// The only record of a command that writes it to stderr.
fn record(stderr: &str) -> Value {
    let mut lines = stderr.lines();
    let record = serde_json::from_str(lines.next().expect("a record")).expect("JSON");
    assert_eq!(lines.next(), None);
    record
}

/// A server on this machine is local, whatever grammar it speaks; it is a gateway for what only its maker sells.
#[test]
fn who_answers_here() {
    need_curl();
    let server = Server::new(|sent, out| {
        let request: Value = serde_json::from_slice(&sent.body).expect("a body");
        let model = &request["model"];
        let answer = match sent.head.split(' ').nth(1).expect("a path") {
            "/v1/messages" => {
                json!({"id": "msg_01", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": "At noon."}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 9, "output_tokens": 4}})
            }
            "/v1/responses" => {
                json!({"id": "resp_01", "object": "response", "status": "completed", "model": model,
                "output": [], "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}})
            }
            _ => json!({"id": "chatcmpl-1", "object": "chat.completion", "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "At noon."},
                "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}),
        };
        let answer = answer.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let _ = write!(
            out,
            "{head}content-length: {}\r\n\r\n{answer}",
            answer.len()
        );
    });
    let (open, none) = (["llama-3.3-70b-instruct", "tide-7b", "qwen3:8b"], None);
    let open = open.map(|model| (model, none, "local", false));
    let sold = [
        ("gpt-4o-mini", none, "openai", true),
        ("o3-mini", none, "openai", true),
        ("claude-sonnet-4-5", none, "anthropic", true),
        ("gemini-2.5-flash", none, "google", true),
        ("llama-3.3-70b-versatile", Some("groq"), "groq", false),
        ("gpt-4o-mini", Some("azure"), "azure", false),
    ];
    for path in ["/v1/chat/completions", "/v1/responses", "/v1/messages"] {
        for (model, option, provider, priced) in open.iter().chain(&sold) {
            let mut command = tokensense();
            command.args(["run", "--format", "json"]);
            command.args(
                option
                    .map(|name| ["--provider", name])
                    .into_iter()
                    .flatten(),
            );
            command.args(["--", "curl", "-sS", "-d"]);
            command.arg(json!({"model": model, "messages": [], "input": "When?"}).to_string());
            let run = feed(command.arg(server.url(path)), b"");
            let record = record(&run.stderr);
            let at = format!("{path} {model} {option:?}");
            match priced {
                // Priced as the maker's, whoever it comes through.
                true => {
                    let price = record["price_match"].as_str().unwrap_or_default();
                    assert_eq!(price.split('/').next(), Some(*provider), "{at}: {record}");
                }
                false => assert_eq!(record["provider"], *provider, "{at}: {record}"),
            }
            let note = record["cost_note"].as_str().unwrap_or_default();
            assert_eq!(
                note.contains("its maker alone sells"),
                *priced,
                "{at}: {note}"
            );
            assert_eq!(
                record["cost_usd"].is_number(),
                *priced || option.is_some(),
                "{at}: {note}"
            );
            assert_eq!(record["input_tokens"], 9, "{at}");
        }
    }
}

/// What a stream's record says of the prompt when the stream ends before any usage.
fn estimate(api: &str, request: &Value) -> u64 {
    let file = scratch(&format!("requests-{api}")).join("request.json");
    fs::write(&file, serde_json::to_string_pretty(request).expect("JSON")).expect("a file");
    let stream = match api {
        "responses" => {
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"At\"}\n\n"
        }
        "converse" => {
            "{\"contentBlockDelta\":{\"contentBlockIndex\":0,\"delta\":{\"text\":\"At\"}}}\n"
        }
        "messages" => {
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"At\"}}\n\n"
        }
        _ => {
            "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"At\"}}]}\n\n"
        }
    };
    let mut command = tokensense();
    command
        .args(["tap", "--format", "json", "--request"])
        .arg(file);
    let record = record(&feed(&mut command, stream.as_bytes()).stderr);
    let estimated = record["estimated"].as_array().expect("a list");
    assert!(
        estimated.iter().any(|name| name == "input_tokens"),
        "{record}"
    );
    record["input_tokens"].as_u64().expect("a count")
}

/// Each thing that the model reads counts once, and nothing that it does not read.
#[test]
fn prompts() {
    let words = |n: usize| "the heron stands in the reeds ".repeat(n);
    let message = |text: String| json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]});
    let plain = estimate("responses", &json!({"model": "gpt-5", "input": words(20)}));
    assert!((100..=160).contains(&plain), "{plain}");
    let near = |got: u64, want: u64, what: &str| {
        assert!(got.abs_diff(want) * 10 <= want, "{what}: {got} for {want}");
    };
    let items = json!({"model": "gpt-5", "input": [message(words(20))]});
    near(estimate("responses", &items), plain, "a text and an item");
    // A model's thoughts come back sealed: what they hold is not what they are long.
    let sealed = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB".repeat(4000)});
    let items = json!({"model": "gpt-5", "input": [sealed, message(words(20))]});
    near(estimate("responses", &items), plain, "sealed thoughts");
    let call = |text: String| {
        json!({"model": "gpt-5", "input": [message(words(20)),
            {"type": "function_call", "call_id": "call_1", "name": "tide", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": text}]})
    };
    let more = estimate("responses", &call(words(40))) - estimate("responses", &call(words(20)));
    assert!(
        (100..=160).contains(&more),
        "{more} for what a function gave"
    );

    let schema = json!({"type": "object", "properties": {"harbour": {"type": "string", "description": words(20)}}});
    let converse = |tools: Value| json!({"messages": [{"role": "user", "content": [{"text": words(20)}]}], "toolConfig": tools});
    let tool = json!({"tools": [{"toolSpec": {"name": "tide", "description": "Tide", "inputSchema": {"json": schema}}}]});
    let (without, with) = (
        estimate("converse", &converse(json!({}))),
        estimate("converse", &converse(tool)),
    );
    assert!(with > without + 100, "{with} for {without}");

    // Read as compact JSON, however it was written: the file above is indented.
    let chat = |tools: &str| {
        let tools: Value = serde_json::from_str(tools).expect("JSON");
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "When?"}], "tools": tools})
    };
    let flat = estimate(
        "chat",
        &chat(r#"[{"type":"function","function":{"name":"tide","parameters":{"type":"object"}}}]"#),
    );
    assert!(flat < 60, "{flat}");
}

/// What is known of a request whose answer never said a word.
#[test]
fn before_the_first_word() {
    need_curl();
    let role = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    let server = Server::new(move |sent, out| {
        if sent.head.contains("/role/") {
            begin_stream(out);
            let _ = out.write_all(role.as_bytes());
        } else if sent.head.contains("/head/") {
            begin_stream(out);
        }
    });
    let words = "the heron stands in the reeds ".repeat(20);
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": words}]});
    for place in ["role", "head", "silent"] {
        let url = server.url(&format!("/{place}/v1/chat/completions"));
        let mut command = tokensense();
        command.args([
            "run",
            "--format",
            "json",
            "--provider",
            "openai",
            "--",
            "curl",
            "-s",
            "-d",
        ]);
        let run = feed(command.args([&body.to_string(), &url]), b"");
        let record = record(&run.stderr);
        assert_eq!(record["request_model"], "gpt-4o", "{place}: {record}");
        assert_ne!(record["status"], "complete", "{place}");
        let stated = record["output_tokens"].as_u64();
        assert_eq!(stated.unwrap_or(0), 0, "{place}: {record}");
        if place == "role" {
            let input = record["input_tokens"].as_u64();
            assert!(input.is_some_and(|n| (100..=160).contains(&n)), "{record}");
            assert_eq!(record["cost_basis"], "lower_bound", "{record}");
        }
    }
}
