//! Bills worked out by hand: each fee, tier and term of the user's own, from the answer to the record's cost.
//!
//! Rates are those of the built-in table: US dollars for a million tokens, a thousand searches or pages, an hour.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{scratch, tokensense};
use serde_json::{Value, json};

/// The record of an answer.
fn record(command: &mut Command, answer: &str) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tokensense");
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(answer.as_bytes());
    let output = child.wait_with_output().expect("an end");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn tap(options: &[&str], answer: &str) -> Value {
    record(
        tokensense()
            .args(["tap", "--emit", "none", "-o", "-"])
            .args(options),
        answer,
    )
}

/// Holds what an answer costs, how sure that is, and part of what is said of it.
#[track_caller]
fn costs(options: &[&str], answer: &Value, want: &str, basis: &str, says: &str) -> Value {
    let record = tap(options, &answer.to_string());
    let said = format!("{} {}", record["cost_note"], record["price_match"]);
    let cost = record["cost_usd"].as_f64().unwrap_or(f64::NAN);
    let want: f64 = want.parse().expect("a cost");
    assert!((cost - want).abs() < 1e-12, "{cost}, want {want}: {said}");
    assert_eq!(record["cost_basis"], basis, "{said}");
    assert!(said.contains(says), "{said}");
    record
}

/// OpenAI's Responses: 1000 tokens in and 100 out of gpt-5-mini, 0.25 and 2, are 0.00025 + 0.0002 = 0.00045.
fn responses(output: Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_795_700_000, "status": "completed",
        "model": "gpt-5-mini", "output": output,
        "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    })
}

fn chat(model: &str, created: u64, usage: Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": created, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Ebb."}, "finish_reason": "stop"}],
        "usage": usage,
    })
}

fn tokens(input: u64, output: u64) -> Value {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

fn gemini(model: &str, grounding: Value) -> Value {
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": "Ebb."}]}, "finishReason": "STOP",
            "groundingMetadata": grounding,
        }],
        "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100},
        "modelVersion": model, "responseId": "r1",
    })
}

#[test]
fn tools_of_responses() {
    let search = |id: &str, action: &str| json!({"id": id, "type": "web_search_call", "action": {"type": action}});
    // Two searches at 10 a thousand; opening a page, or looking for a word in it, is none.
    let output = json!([
        search("a", "search"),
        search("b", "open_page"),
        search("c", "find_in_page"),
        search("d", "search")
    ]);
    let record = costs(&[], &responses(output), "0.02045", "computed", "");
    assert_eq!(record["web_search_requests"], 2);
    // An old one without an action searched.
    let output = json!([{"id": "a", "type": "web_search_call"}]);
    costs(&[], &responses(output), "0.01045", "computed", "");
    // Two searches of files at 2.5 a thousand.
    let output =
        json!([{"id": "a", "type": "file_search_call"}, {"id": "b", "type": "file_search_call"}]);
    costs(
        &[],
        &responses(output),
        "0.00545",
        "computed",
        "file searches: 2",
    );
    // One container at 0.03, in which two calls ran.
    let call =
        |id: &str| json!({"id": id, "type": "code_interpreter_call", "container_id": "cntr_1"});
    costs(
        &[],
        &responses(json!([call("a"), call("b")])),
        "0.03045",
        "computed",
        "containers: 1",
    );
    // A model without a rate for searches: the rest is the least.
    let mut answer = responses(json!([search("a", "search")]));
    answer["model"] = "gpt-3.5-turbo".into();
    // 1000 × 0.5 and 100 × 1.5.
    costs(
        &[],
        &answer,
        "0.00065",
        "lower_bound",
        "no price for web_searches_kcount",
    );
}

/// Images that a tool made are another model's: of none that is named they are no part of the sum, and that is said.
#[test]
fn images_of_a_tool() {
    let mut answer = responses(json!([]));
    let used = |input: u64, output: u64| {
        json!({"image_gen": {"input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "output_tokens_details": {"image_tokens": output, "text_tokens": 0}}})
    };
    answer["tool_usage"] = used(20, 1000);
    let record = costs(
        &[],
        &answer,
        "0.00045",
        "lower_bound",
        "a pass is not priced",
    );
    assert_eq!(record["output_tokens"], 100);
    assert!(record["image_output_tokens"].is_null());
    // Said of a response that used none, it costs nothing; and that is not learned of the next one.
    answer["tool_usage"] = used(0, 0);
    let none = answer.to_string();
    answer["tool_usage"] = used(20, 1000);
    let all = tokensense()
        .args([
            "tap",
            "--emit",
            "none",
            "-o",
            "-",
            "--columns",
            "cost_basis",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let input = format!("{none}\n{none}\n{none}\n{answer}\n");
            let _ = child
                .stdin
                .take()
                .expect("a pipe")
                .write_all(input.as_bytes());
            child.wait_with_output()
        })
        .expect("tokensense");
    let lines = String::from_utf8(all.stdout).expect("text");
    let bases: Vec<_> = lines
        .lines()
        .map(|line| line.contains("lower_bound"))
        .collect();
    assert_eq!(bases, [false, false, false, true], "{lines}");
}

/// These search for each answer, and chat completions do not say so: 1000 × 2.5 and 100 × 10, and a search at 25 a
/// thousand by the second source; 1000 × 0.15 and 100 × 0.6 of the small one, and a search at 10.
#[test]
fn models_that_always_search() {
    for (model, want) in [
        ("gpt-4o-search-preview", "0.0285"),
        ("gpt-4o-mini-search-preview-2025-03-11", "0.01021"),
    ] {
        let record = costs(
            &[],
            &chat(model, 1_795_700_000, tokens(1000, 100)),
            want,
            "computed",
            "",
        );
        assert!(record["web_search_requests"].is_null());
    }
}

/// A search is told when it is done, and again with the whole response: it is one. Of a stream that is cut, too.
#[test]
fn searches_of_a_stream() {
    let item = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}});
    let mut stream = String::new();
    let mut event = |event: Value| stream += &format!("data: {event}\n\n");
    event(
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5-mini", "created_at": 1_795_700_000}}),
    );
    event(
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "ws_1", "type": "web_search_call"}}),
    );
    event(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    let cut = stream.clone();
    stream += &format!(
        "data: {}\n\n",
        json!({"type": "response.completed", "response": responses(json!([item]))})
    );
    for _ in 0..2 {
        // The same again, as a shell loop gives it: what was learned of the first holds for the others.
        let record = tap(&[], &stream);
        assert_eq!(
            (
                record["web_search_requests"].as_u64(),
                record["cost_usd"].as_f64()
            ),
            (Some(1), Some(0.01045))
        );
    }
    assert_eq!(tap(&[], &cut)["web_search_requests"], 1);
    let all = tokensense()
        .args([
            "tap",
            "--emit",
            "none",
            "-o",
            "-",
            "--columns",
            "web_search_requests",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let _ = child
                .stdin
                .take()
                .expect("a pipe")
                .write_all(stream.repeat(5).replace("resp_1\"", "resp_x\"").as_bytes());
            child.wait_with_output()
        })
        .expect("tokensense");
    let lines = String::from_utf8(all.stdout).expect("text");
    assert!(
        lines
            .lines()
            .all(|line| line == r#"{"web_search_requests":1}"#),
        "{lines}"
    );
}

#[test]
fn grounding() {
    let queries = json!({"webSearchQueries": ["copper", "zinc", "copper"]});
    // Gemini 3: 1000 × 0.5 and 100 × 3, and two queries at 14 a thousand.
    let record = costs(
        &[],
        &gemini("gemini-3-flash-preview", queries.clone()),
        "0.0288",
        "computed",
        "",
    );
    assert_eq!(record["web_search_requests"], 2);
    // Gemini 2.5: 1000 × 0.3 and 100 × 2.5, and one prompt at 35 a thousand.
    costs(
        &[],
        &gemini("gemini-2.5-flash", queries),
        "0.03555",
        "computed",
        "",
    );
    // Maps: one prompt at 25 a thousand, by the second source.
    let places = json!({"groundingChunks": [{"maps": {"uri": "https://maps/1"}}, {"maps": {"uri": "https://maps/2"}}]});
    costs(
        &[],
        &gemini("gemini-2.5-flash", places),
        "0.02555",
        "computed",
        "maps_kcount of litellm",
    );
    costs(
        &[],
        &gemini("gemini-2.5-flash", json!({})),
        "0.00055",
        "computed",
        "",
    );
}

#[test]
fn sound_images_and_pages() {
    let usage = json!({
        "prompt_tokens": 300, "completion_tokens": 200, "total_tokens": 500,
        "prompt_tokens_details": {"audio_tokens": 200}, "completion_tokens_details": {"audio_tokens": 150},
    });
    // 100 × 2.5 + 200 × 40 + 50 × 10 + 150 × 80, the 40 and 80 by the second source.
    costs(
        &[],
        &chat("gpt-4o-audio-preview", 1_795_700_000, usage.clone()),
        "0.02075",
        "computed",
        "input_audio_mtok, output_audio_mtok of litellm",
    );
    // No rate for sound anywhere: 300 × 0.15 + 200 × 0.6 is the least.
    costs(
        &[],
        &chat("gpt-4o-mini", 1_795_700_000, usage),
        "0.000165",
        "lower_bound",
        "no price for input_audio_mtok, output_audio_mtok",
    );
    // An image: 100 × 5 and 1000 × 32.
    let image = json!({
        "created": 1_795_700_000, "data": [{"b64_json": "aGk="}],
        "usage": {"input_tokens": 100, "output_tokens": 1000, "total_tokens": 1100},
    });
    costs(
        &["--model", "gpt-image-1.5"],
        &image,
        "0.0325",
        "computed",
        "",
    );
    // Three pages at 1 a thousand; annotated at 3.
    let mut pages = json!({"pages": [{}, {}, {}], "model": "mistral-ocr-2505", "usage_info": {"pages_processed": 3}});
    costs(&[], &pages, "0.003", "computed", "mistral/mistral-ocr-2505");
    pages["document_annotation"] = "{}".into();
    costs(&[], &pages, "0.009", "computed", "");
    // Groq charges ten seconds at least: 0.04 × 10 ÷ 3600, and 0.04 × 36.5 ÷ 3600.
    for (seconds, want) in [(4.2, "0.000111111111"), (36.5, "0.000405555556")] {
        let spoken = json!({"task": "transcribe", "duration": seconds, "text": "Ebb.", "x_groq": {"id": "r"}});
        costs(
            &["--model", "whisper-large-v3-turbo"],
            &spoken,
            want,
            "computed",
            "groq/",
        );
    }
}

#[test]
fn requests_by_how_much_they_read() {
    // 1000 × 1 and 100 × 1, and a request at 5, 8 or 12 a thousand.
    for (size, want) in [("low", "0.0061"), ("medium", "0.0091"), ("high", "0.0131")] {
        let mut usage = tokens(1000, 100);
        usage["search_context_size"] = size.into();
        costs(
            &["--provider", "perplexity"],
            &chat("sonar", 1_795_700_000, usage),
            want,
            "computed",
            "",
        );
    }
}

#[test]
fn tiers() {
    let body = chat("gpt-5-mini", 1_795_700_000, tokens(1000, 100));
    costs(&[], &body, "0.00045", "computed", "");
    // Half of it in a batch.
    costs(
        &["--service-tier", "batch"],
        &body,
        "0.000225",
        "computed",
        "batch",
    );
    // What the answer says counts: 1000 × 0.45 and 100 × 3.6.
    let mut priority = body.clone();
    priority["service_tier"] = "priority".into();
    costs(
        &["--service-tier", "batch"],
        &priority,
        "0.00081",
        "computed",
        "priority",
    );
    // `auto` says nothing.
    priority["service_tier"] = "auto".into();
    costs(
        &["--service-tier", "flex"],
        &priority,
        "0.000225",
        "computed",
        "flex",
    );
    // DeepSeek's peak, twice the price, is on workdays: a million tokens at 0.66 or 1.32.
    for (created, want) in [
        (1_795_226_400, "0.66"), // Saturday 02:00
        (1_795_338_000, "0.66"), // Sunday 09:00
        (1_795_399_200, "1.32"), // Monday 02:00
        (1_795_773_599, "1.32"), // Friday 09:59:59
        (1_795_773_600, "0.66"), // Friday 10:00
    ] {
        costs(
            &["--provider", "deepseek"],
            &chat("deepseek-v4-pro", created, tokens(1_000_000, 0)),
            want,
            "computed",
            "",
        );
    }
}

/// Rates for long prompts go by one pass, not by the sum of several.
#[test]
fn passes() {
    let usage = json!({"input_tokens": 300_000, "output_tokens": 1000, "server_tool_use": {"web_search_requests": 4}});
    let message = |usage: &Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "usage": usage,
            "content": [{"type": "text", "text": "Ebb."}], "stop_reason": "end_turn",
        })
    };
    // 300,000 × 3 and 1000 × 15, and four searches at 10 a thousand: the least, where no pass is known.
    costs(
        &[],
        &message(&usage),
        "0.955",
        "lower_bound",
        "several passes",
    );
    let listed = |longest: u64| {
        let mut usage = usage.clone();
        usage["iterations"] = json!([
            {"type": "message", "input_tokens": 300_000 - longest, "output_tokens": 1},
            {"type": "message", "input_tokens": 0, "cache_read_input_tokens": longest, "output_tokens": 999},
        ]);
        message(&usage)
    };
    costs(&[], &listed(180_000), "0.955", "computed", "");
    // Twice 3, and half as much again as 15.
    costs(
        &[],
        &listed(250_000),
        "1.8625",
        "computed",
        "prompt above 200000",
    );
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 3000, "output_tokens": 1}}});
    let delta =
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage});
    let record = tap(
        &[],
        &format!("data: {start}\n\ndata: {delta}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"),
    );
    assert_eq!(
        (record["cost_usd"].as_f64(), record["cost_basis"].as_str()),
        (Some(0.955), Some("computed"))
    );
}

#[test]
fn regions() {
    let claude = |id: &str, model: &str| {
        json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "Ebb."}], "usage": {"input_tokens": 1000, "output_tokens": 100},
        })
    };
    // 1000 × 5 and 100 × 25; a tenth more in a region of Vertex.
    let vertex = claude("msg_vrtx_1", "claude-opus-4-5");
    costs(&[], &vertex, "0.0075", "computed", "");
    costs(&["--region", "global"], &vertex, "0.0075", "computed", "");
    costs(
        &["--region", "europe-west1"],
        &vertex,
        "0.00825",
        "computed",
        "region europe-west1 ×1.1",
    );
    // 1000 × 0.25 and 100 × 1.25 wherever it is.
    costs(
        &["--region", "europe-west1"],
        &claude("msg_vrtx_1", "claude-3-haiku"),
        "0.000375",
        "computed",
        "",
    );
    // 1000 × 2.2 and 100 × 11 on Bedrock; 12/11 of it for the government.
    let bedrock = claude("msg_bdrk_1", "anthropic.claude-sonnet-5-v1:0");
    costs(&[], &bedrock, "0.0033", "computed", "");
    costs(
        &["--region", "us-gov-west-1"],
        &bedrock,
        "0.0036",
        "computed",
        "×1.0909",
    );
    // 1000 × 2.5 and 100 × 15.
    let body = chat("gpt-5.4", 1_795_700_000, tokens(1000, 100));
    costs(
        &["--provider", "openai", "--region", "EU"],
        &body,
        "0.0044",
        "computed",
        "region eu ×1.1",
    );
}

#[test]
fn discounts() {
    let body = chat("gpt-5-mini", 1_795_700_000, tokens(1000, 100));
    let takes = |terms: &str, want: &str, says: &str| {
        costs(&["--discount", terms], &body, want, "computed", says)
    };
    takes("12%", "0.000396", "12% discount");
    takes("12", "0.000396", "12% discount");
    takes("anthropic=5%,openai=12%", "0.000396", "12% discount");
    takes("anthropic=5%", "0.00045", "");
    takes("openai=0%,50%", "0.00045", "");
    takes("-10%", "0.000495", "10% above list price");
    let record = takes("100%", "0", "100% discount");
    assert_eq!(record["input_cost_usd"], 0);
    // What the provider says it charged is what it charged.
    let mut usage = tokens(1000, 100);
    usage["cost"] = 1.5.into();
    let record = costs(
        &["--discount", "50%"],
        &chat("gpt-5-mini", 1_795_700_000, usage),
        "1.5",
        "reported",
        "",
    );
    assert_eq!(record["cost_computed_usd"], 0.000225);
    let environment = record_in(&[("TOKENSENSE_DISCOUNT", "openai=12%")], &body);
    assert_eq!(environment["cost_usd"], 0.000396);
    for wrong in ["x", "openai=", "101%", "5%%"] {
        let output = tokensense()
            .args(["tap", "--discount", wrong])
            .stdin(Stdio::null())
            .output()
            .expect("tokensense");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

/// With `curl -i`, a proxy's header tells what it charged.
#[test]
fn costs_in_headers() {
    let body = chat("gpt-5-mini", 1_795_700_000, tokens(1000, 100));
    for (header, want, basis) in [
        ("0.0123", 0.0123, "reported"),
        ("4.5e-05", 0.000045, "reported"),
        ("0.0", 0.00045, "computed"),
        ("-1", 0.00045, "computed"),
        ("none", 0.00045, "computed"),
        ("1e999999999", 0.00045, "computed"),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nX-LiteLLM-Response-Cost: {header}\r\n\r\n{body}");
        let record = tap(&[], &answer);
        assert_eq!(
            (record["cost_usd"].as_f64(), record["cost_basis"].as_str()),
            (Some(want), Some(basis)),
            "{header}"
        );
        assert_eq!(record["cost_computed_usd"], 0.00045);
    }
}

fn record_in(environment: &[(&str, &str)], answer: &Value) -> Value {
    let mut command = tokensense();
    command
        .args(["tap", "--emit", "none", "-o", "-"])
        .envs(environment.iter().copied());
    record(&mut command, &answer.to_string())
}

/// Fees without a column of their own are there again when records are priced anew; so is a region.
#[test]
fn priced_anew() {
    let folder = scratch("bills-anew");
    let file = folder.join("records.jsonl");
    let output = json!([{"id": "a", "type": "file_search_call"}, {"id": "b", "type": "code_interpreter_call", "container_id": "c"}]);
    let mut answer = responses(output);
    answer["model"] = "gpt-5.4".into();
    // 1000 × 2.5 and 100 × 15, a tenth more in Europe, and 0.0025 and 0.03 for the tools.
    let record = tap(
        &["--region", "eu", "--provider", "openai"],
        &answer.to_string(),
    );
    assert_eq!(record["cost_usd"], 0.0369);
    fs::write(&file, format!("{record}\n")).expect("a file");
    let output = tokensense()
        .args(["summarise", "--reprice", "--format", "json"])
        .arg(&file)
        .output()
        .expect("tokensense");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("a summary");
    assert_eq!(summary["total"]["cost_usd"], 0.0369);
    let shows = |options: &[&str]| {
        let output = tokensense()
            .arg("summarise")
            .args(options)
            .arg(&file)
            .output()
            .expect("tokensense");
        String::from_utf8(output.stdout).expect("text")
    };
    // 0.0369 × 0.5.
    let table = shows(&["--currency", "EUR=0.5"]);
    assert!(
        table.contains("cost EUR") && table.contains("0.018450") && !table.contains('$'),
        "{table}"
    );
    assert_eq!(
        shows(&["--currency", "EUR=0.5", "--format", "json"]),
        shows(&["--format", "json"])
    );
    assert_eq!(
        shows(&["--currency", "EUR=0.5", "--format", "csv"]),
        shows(&["--format", "csv"])
    );
    for wrong in ["EUR", "EUR=", "=1", "EUR=0", "EUR=-1", "E R=1"] {
        let output = tokensense()
            .args(["summarise", "--currency", wrong])
            .arg(&file)
            .output()
            .expect("tokensense");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

/// A price list with so many models, of which gpt-5-mini's input costs 100.
fn list(models: usize) -> Value {
    let model = |at: usize| json!({"id": format!("m{at}"), "match": {"equals": format!("m{at}")}, "prices": {"input_mtok": 1}});
    let mut all: Vec<_> = (1..models).map(model).collect();
    all.push(json!({"id": "gpt-5-mini", "match": {"equals": "gpt-5-mini"}, "prices": {"input_mtok": 100}}));
    json!([{"id": "openai", "name": "OpenAI", "models": all}])
}

/// What gpt-5-mini costs with these settings, for an answer made then.
fn cost_with(settings: &Path, created: u64) -> f64 {
    let body = chat("gpt-5-mini", created, tokens(1000, 0));
    let record = record_in(
        &[("XDG_CONFIG_HOME", settings.to_str().expect("a path"))],
        &body,
    );
    record["cost_usd"].as_f64().expect("a cost")
}

fn update(settings: &Path, from: &str) -> (Option<i32>, String) {
    let output = tokensense()
        .args(["prices", "--update", from])
        .env("XDG_CONFIG_HOME", settings)
        .output()
        .expect("tokensense");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn prices_are_fetched() {
    let settings = scratch("bills-update");
    let from = |name: &str, list: &str| {
        let path = settings.join(name);
        fs::write(&path, list).expect("a file");
        update(&settings, path.to_str().expect("a path"))
    };
    let now = 1_900_000_000;
    assert_eq!(cost_with(&settings, now), 0.00025);
    let negative = list(2000)
        .to_string()
        .replace("{\"input_mtok\":100}", "{\"input_mtok\":-1}");
    for (name, text, says) in [
        ("few", list(100).to_string(), "the prices were not changed"),
        ("cut", list(2000).to_string()[..9000].to_owned(), "JSON"),
        ("negative", negative, "negative"),
        ("other", "[1]".to_owned(), "no id"),
    ] {
        let (status, said) = from(name, &text);
        assert_eq!(status, Some(1), "{name}: {said}");
        assert!(said.contains(says), "{said}");
        assert_eq!(cost_with(&settings, now), 0.00025, "{name}");
    }
    assert_eq!(
        from("good", &list(2000).to_string()),
        (Some(0), String::new())
    );
    assert_eq!(cost_with(&settings, now), 0.1);
    // Models that it lacks are there still.
    let other = chat("gpt-4o-mini", now, tokens(1000, 0));
    let record = record_in(
        &[("XDG_CONFIG_HOME", settings.to_str().expect("a path"))],
        &other,
    );
    assert_eq!(record["cost_usd"], 0.00015);
    // LiteLLM's list does not say since when its prices hold: what is older costs what it did.
    let model = json!({"litellm_provider": "openai", "input_cost_per_token": 0.0002, "off_peak_pricing": {
        "input_cost_per_token": 0.0001, "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}});
    let mut models: serde_json::Map<_, _> = (0..2000)
        .map(|at| (format!("m{at}"), json!({"litellm_provider": "openai"})))
        .collect();
    models.insert("gpt-5-mini".to_owned(), model);
    assert_eq!(
        from("litellm", &Value::Object(models).to_string()).0,
        Some(0)
    );
    // A Sunday, a Monday, and a day before the built-in prices were taken.
    for (created, want) in [
        (1_900_000_000, 0.1),
        (1_900_100_000, 0.2),
        (1_790_000_000, 0.00025),
    ] {
        assert_eq!(cost_with(&settings, created), want, "{created}");
    }
}

/// By the machine's curl, and only what curl brings whole.
#[test]
fn prices_come_by_curl() {
    let settings = scratch("bills-curl");
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/prices.json",
        server.local_addr().expect("an address")
    );
    let body = list(2000).to_string();
    let answers = [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]".to_owned(),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
            body.len(),
            &body[..5000]
        ),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    ];
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = server.accept() else {
                return;
            };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    for want in [Some(1), Some(1), Some(0)] {
        let before = settings.join("tokensense/fetched-prices.jsonl").exists();
        let (status, said) = update(&settings, &url);
        assert_eq!(status, want, "{said}");
        assert!(!before);
    }
    assert_eq!(cost_with(&settings, 1_900_000_000), 0.1);
}
