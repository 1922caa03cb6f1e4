//! What an object is: the API's own words, or something that holds them.

use super::json::{Object, string};
use crate::meter::api_of;

/// A holder that is known by its members, and where things stand in it.
pub(super) struct Holder {
    /// Members that it has, each a path of keys with slashes between.
    signs: &'static [&'static str],
    /// Where the response's body stands.
    pub(super) body: &'static [&'static str],
    /// Where the request's body stands.
    pub(super) request: &'static [&'static str],
    /// Where the model's name stands.
    pub(super) model: &'static [&'static str],
    /// Where it says what failed.
    pub(super) error: &'static [&'static str],
    /// At which tier its responses are billed.
    pub(super) tier: Option<&'static str>,
}

const PLAIN: Holder = Holder {
    signs: &[],
    body: &[],
    request: &[],
    model: &[],
    error: &[],
    tier: None,
};

static HOLDERS: &[Holder] = &[
    // https://platform.openai.com/docs/guides/batch: Mistral, Groq, Together and Azure write the same.
    Holder {
        signs: &["custom_id", "response"],
        body: &["response/body", "response"],
        error: &["error"],
        tier: Some("batch"),
        ..PLAIN
    },
    Holder {
        signs: &["custom_id", "error"],
        error: &["error"],
        tier: Some("batch"),
        ..PLAIN
    },
    // https://docs.anthropic.com/en/docs/build-with-claude/batch-processing
    Holder {
        signs: &["custom_id", "result"],
        body: &["result/message"],
        error: &["result/error", "result"],
        tier: Some("batch"),
        ..PLAIN
    },
    // https://ai.google.dev/gemini-api/docs/batch-api
    Holder {
        signs: &["key", "response"],
        body: &["response"],
        error: &["error"],
        tier: Some("batch"),
        ..PLAIN
    },
    Holder {
        signs: &["key", "error"],
        error: &["error"],
        tier: Some("batch"),
        ..PLAIN
    },
    // https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini
    Holder {
        signs: &["processed_time", "request"],
        body: &["response"],
        request: &["request"],
        error: &["status"],
        tier: Some("batch"),
        ..PLAIN
    },
    // https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
    Holder {
        signs: &["recordId", "modelInput"],
        body: &["modelOutput"],
        request: &["modelInput"],
        error: &["error"],
        tier: Some("batch"),
        ..PLAIN
    },
    // https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
    Holder {
        signs: &["schemaType", "modelId", "output"],
        body: &["output/outputBodyJson"],
        request: &["input/inputBodyJson"],
        model: &["modelId"],
        error: &["errorCode"],
        ..PLAIN
    },
];

/// The kind of holder that an object is, if it is a known one.
pub(super) fn recognise(object: &Object<'_>) -> Option<&'static Holder> {
    let has = |sign: &&str| object.member(sign).is_some();
    HOLDERS.iter().find(|holder| holder.signs.iter().all(has))
}

/// Whether an object is a response's body or event, or an API's report of a failure.
pub(super) fn is_response(object: &Object<'_>) -> bool {
    if recognise(object).is_some() {
        return false;
    }
    match api_of(object.text) {
        Some("cloudflare") => is_cloudflares(object),
        Some(_) => true,
        None => is_failure(object),
    }
}

/// A text under `response` is Cloudflare's only where little stands beside it: logs have that name too.
fn is_cloudflares(object: &Object<'_>) -> bool {
    let own = |key: &[u8]| {
        let own = [
            "response",
            "p",
            "usage",
            "tool_calls",
            "result",
            "success",
            "errors",
            "messages",
        ];
        own.iter().any(|name| name.as_bytes() == key)
    };
    object.members.iter().all(|(key, _)| own(key))
}

/// Members of an API's report of a failure, and no others: a logger's line has its own.
const FAILURE: &[&str] = &[
    "error",
    "errors",
    "type",
    "code",
    "status",
    "message",
    "Message",
    "detail",
    "request_id",
    "requestId",
    "param",
    "user_id",
    "documentation_url",
    "__type",
    "statusCode",
    "object",
    "id",
    "error_type",
    "trace_id",
    "success",
    "result",
    "messages",
    "base_resp",
    "error_code",
    "error_msg",
];

/// Whether an object is an API's report of a failure, and nothing else.
fn is_failure(object: &Object<'_>) -> bool {
    let own = |key: &[u8]| FAILURE.iter().any(|name| name.as_bytes() == key);
    if !object.members.iter().all(|(key, _)| own(key)) {
        return false;
    }
    let given = |key: &str| object.member(key).filter(|text| *text != b"null");
    let says = |key: &str| {
        given(key)
            .and_then(string)
            .is_some_and(|text| !text.is_empty())
    };
    given("error_code").is_some_and(|code| !matches!(code, b"0" | b"\"\""))
        || given("error").is_some_and(|error| matches!(error[0], b'{' | b'"'))
        || given("errors").is_some_and(|errors| errors.starts_with(b"[{"))
        || ["message", "Message", "detail"].into_iter().any(says)
        || given("detail").is_some_and(|detail| detail[0] != b'"')
}

/// Members of which a response has one, and few logs.
const SIGNS: &[&str] = &[
    "choices",
    "candidates",
    "usageMetadata",
    "promptFeedback",
    "predictions",
    "embeddings",
    "embedding",
    "generated_text",
    "generations",
    "model_version",
    "b64_json",
];
/// What `object` and `type` say of a response.
const KINDS: &[&str] = &[
    "chat.completion",
    "text_completion",
    "response",
    "message",
    "list",
];

/// Whether an object of which the end is missing looks like a response's.
pub(super) fn seems_response(object: &Object<'_>) -> bool {
    object.members.iter().any(|(key, value)| {
        let is = |name: &&str| name.as_bytes() == *key;
        let kind = || {
            let kind = string(value).unwrap_or_default();
            KINDS.iter().any(|known| kind.starts_with(known.as_bytes()))
        };
        SIGNS.iter().any(is) || (is(&"object") || is(&"type")) && kind()
    }) || api_of_cut(object)
}

/// As [`is_response`], of what there is of an object whose end is missing.
fn api_of_cut(object: &Object<'_>) -> bool {
    object.member("created_at").and_then(string).is_some() && object.member("done").is_some()
}

/// What a request's body has of which a response has none.
const ASKS: &[&str] = &[
    "messages",
    "contents",
    "prompt",
    "input",
    "inputs",
    "instructions",
    "max_tokens",
    "stream",
];

/// Whether an object is a request's body.
pub(super) fn is_request(text: &[u8]) -> bool {
    // Docker's logs have a member of that name too, which says where a line went.
    let asks = |(key, value): &(&[u8], &[u8])| {
        let asked = ASKS.iter().any(|name| name.as_bytes() == *key);
        asked && (*key != b"stream" || matches!(*value, b"true" | b"false"))
    };
    // Cloudflare's answers have messages too, beside how it went.
    let tells = |(key, _): &(&[u8], &[u8])| *key == b"success" || *key == b"errors";
    let object = Object::new(text);
    object.members.iter().any(asks) && !object.members.iter().any(tells)
}

/// Whether an object is a response's body or event by the signs of its API alone.
pub(super) fn is_body(object: &Object<'_>) -> bool {
    match api_of(object.text) {
        Some("cloudflare") => is_cloudflares(object),
        api => api.is_some(),
    }
}
