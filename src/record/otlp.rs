//! Records as spans of OpenTelemetry's generative AI conventions, in OTLP's JSON: what a collector's file receiver reads.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

use super::text::escape;
use super::{COLUMNS, Record};
use crate::meter::Status;
use crate::object::{Object, push_list};

/// How a value is written.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Number,
    /// Texts with commas between them.
    Texts,
}

/// The attributes of a span, and the columns that hold them. What the conventions have no name for is under our own.
const ATTRIBUTES: &[(&str, &str, Kind)] = &[
    ("gen_ai.request.model", "request_model", Kind::Text),
    ("gen_ai.response.model", "model", Kind::Text),
    ("gen_ai.response.id", "response_id", Kind::Text),
    (
        "gen_ai.response.finish_reasons",
        "finish_reason",
        Kind::Texts,
    ),
    ("gen_ai.usage.input_tokens", "input_tokens", Kind::Whole),
    ("gen_ai.usage.output_tokens", "output_tokens", Kind::Whole),
    (
        "gen_ai.usage.cache_read.input_tokens",
        "cache_read_tokens",
        Kind::Whole,
    ),
    (
        "gen_ai.usage.cache_creation.input_tokens",
        "cache_write_tokens",
        Kind::Whole,
    ),
    (
        "gen_ai.usage.reasoning.output_tokens",
        "reasoning_tokens",
        Kind::Whole,
    ),
    ("gen_ai.usage.cost", "cost_reported_usd", Kind::Number),
    ("http.response.status_code", "http_status", Kind::Whole),
    ("tokensense.api", "api", Kind::Text),
    ("tokensense.status", "status", Kind::Text),
    ("tokensense.ended_by", "ended_by", Kind::Text),
    ("tokensense.service_tier", "service_tier", Kind::Text),
    ("tokensense.ttft_ms", "ttft_ms", Kind::Whole),
    ("tokensense.cost_usd", "cost_usd", Kind::Number),
    ("tokensense.cost_basis", "cost_basis", Kind::Text),
    ("tokensense.cost_note", "cost_note", Kind::Text),
    ("tokensense.price_match", "price_match", Kind::Text),
];

/// Providers that the conventions call by another name.
const PROVIDERS: &[(&str, &str)] = &[
    ("aws", "aws.bedrock"),
    ("azure", "azure.ai.openai"),
    ("google", "gcp.gemini"),
    ("mistral", "mistral_ai"),
    ("moonshotai", "moonshot_ai"),
    ("x-ai", "x_ai"),
];

/// What an API does, by the end or the beginning of its name; all others chat.
const OPERATIONS: &[(&str, &str)] = &[
    ("embed", "embeddings"),
    ("embeddings", "embeddings"),
    ("completions", "text_completion"),
    ("complete", "text_completion"),
    ("generate", "text_completion"),
    ("gemini", "generate_content"),
];

/// One line: a trace of one span, with its line end.
pub(super) fn line(record: &Record) -> Vec<u8> {
    let mut resource = Object::default();
    let service = attribute("service.name", Kind::Text, "tokensense");
    push_list(resource.begin("attributes"), [service]);
    let mut scope = Object::default();
    scope.add("name", "tokensense");
    scope.add("version", env!("CARGO_PKG_VERSION"));
    let mut spans = Object::default();
    spans.add_json("scope", &scope.finish());
    push_list(spans.begin("spans"), [span(record)]);
    let mut of = Object::default();
    of.add_json("resource", &resource.finish());
    push_list(of.begin("scopeSpans"), [spans.finish()]);
    let mut line = Object::default();
    push_list(line.begin("resourceSpans"), [of.finish()]);
    (escape(&line.finish()).into_owned() + "\n").into_bytes()
}

fn span(record: &Record) -> String {
    let api = record.api.as_deref().unwrap_or_default();
    let operation = OPERATIONS
        .iter()
        .find(|(part, _)| api.split('.').any(|word| word == *part))
        .map_or("chat", |(_, operation)| operation);
    let model = record.model.as_ref().or(record.request_model.as_ref());
    let mut name = operation.to_owned();
    if let Some(model) = model {
        name = format!("{name} {model}");
    }
    let begun = record.started_at.as_deref().and_then(|at| at.parse().ok());
    let begun = begun.or_else(|| record.at()).unwrap_or_default();
    let nanos = |at: Timestamp| at.as_nanosecond().max(0);
    let lasted = i128::from(record.duration_ms.unwrap_or(0)) * 1_000_000;
    let mut span = Object::default();
    span.add("traceId", &format!("{}{}", id(record, 0), id(record, 1)));
    span.add("spanId", &id(record, 2));
    span.add("name", &name);
    // A client's.
    span.add("kind", &3);
    span.add("startTimeUnixNano", &nanos(begun).to_string());
    span.add("endTimeUnixNano", &(nanos(begun) + lasted).to_string());
    push_list(span.begin("attributes"), attributes(record, operation));
    if record.status == Some(Status::Error) {
        let mut status = Object::default();
        status.add("code", &2);
        if let Some(message) = &record.error_message {
            status.add("message", message);
        }
        span.add_json("status", &status.finish());
    }
    span.finish()
}

fn attributes(record: &Record, operation: &str) -> Vec<String> {
    let mut all = vec![attribute("gen_ai.operation.name", Kind::Text, operation)];
    if let Some(provider) = record.provider.as_deref() {
        let known = PROVIDERS.iter().find(|(ours, _)| *ours == provider);
        let name = known.map_or(provider, |(_, theirs)| theirs);
        all.push(attribute("gen_ai.provider.name", Kind::Text, name));
    }
    for (name, column, kind) in ATTRIBUTES {
        let column = COLUMNS.iter().find(|known| known.name == *column);
        let text = column.map(|column| (column.get)(record).to_text());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            all.push(attribute(name, *kind, &text));
        }
    }
    if record.status == Some(Status::Error) {
        let kind = record.error_type.as_deref().unwrap_or("_OTHER");
        all.push(attribute("error.type", Kind::Text, kind));
    }
    if !record.estimated.is_empty() {
        let names = record.estimated.join(",");
        all.push(attribute("tokensense.estimated", Kind::Texts, &names));
    }
    for (name, value) in &record.labels {
        let name = format!("tokensense.label.{name}");
        all.push(attribute(&name, Kind::Text, value));
    }
    all
}

/// A key and its value. OTLP writes whole numbers as texts.
fn attribute(name: &str, kind: Kind, text: &str) -> String {
    let string = |text: &str| {
        let mut value = Object::default();
        value.add("stringValue", text);
        value.finish()
    };
    let value = match kind {
        Kind::Text => string(text),
        Kind::Whole => {
            let mut value = Object::default();
            value.add("intValue", text);
            value.finish()
        }
        Kind::Number => {
            let mut value = Object::default();
            value.add_json("doubleValue", text);
            value.finish()
        }
        Kind::Texts => {
            let mut values = Object::default();
            push_list(values.begin("values"), text.split(',').map(string));
            let mut value = Object::default();
            value.add_json("arrayValue", &values.finish());
            value.finish()
        }
    };
    let mut attribute = Object::default();
    attribute.add("key", name);
    attribute.add_json("value", &value);
    attribute.finish()
}

/// Sixteen digits that another record of another process has not, and the same record has again. Never only zeros.
fn id(record: &Record, salt: u8) -> String {
    let mut hasher = DefaultHasher::new();
    (salt, std::process::id(), record.to_json()).hash(&mut hasher);
    format!("{:016x}", hasher.finish().max(1))
}
