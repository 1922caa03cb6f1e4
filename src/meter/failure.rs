//! What an API says when it fails, in the many shapes it says it in.

use super::json::Json;

/// A failure as the API reported it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// The API's name for the kind of failure.
    pub kind: Option<String>,
    /// What it says to people.
    pub message: Option<String>,
}

/// Where a message and a kind stand in an error object, in the order they are asked for.
const MESSAGES: &[&str] = &[
    "message",
    "Message",
    "detail",
    "detail[].msg",
    "error",
    "reason",
    "errorMessage",
];
const KINDS: &[&str] = &[
    "type",
    "status",
    "__type",
    "error_type",
    "code",
    "http_status_code",
    "metadata.error_type",
];

/// Members that a failure may have, one of which it has.
const SIGNS: &[&str] = &["error", "errors", "type", "message", "Message", "detail"];

impl Failure {
    /// Reads the value of a member that stands for an error: an object, or only a text.
    pub(super) fn of(value: Json<'_>) -> Option<Self> {
        if let Some(text) = value.as_str() {
            let message = Some(text.to_owned()).filter(|text| !text.is_empty());
            return message.is_some().then_some(Self {
                kind: None,
                message,
            });
        }
        if !value.is_object() {
            return None;
        }
        let text = |path: &&str| {
            let at = value.at(path)?;
            let number = || at.as_u64().map(|n| n.to_string());
            at.as_str().map(str::to_owned).or_else(number)
        };
        Some(Self {
            kind: KINDS.iter().find_map(text),
            message: MESSAGES.iter().find_map(text),
        })
    }

    /// Recognises an event that is nothing but an error report and speaks no dialect.
    pub(super) fn recognise(json: Json<'_>, name: &str) -> Option<Self> {
        // The cheap look first: most unknown events are no failures.
        if name != "error" && !json.members().any(|(key, _)| SIGNS.contains(&key)) {
            return None;
        }
        if let Some(error) = json.get("error").filter(|error| error.is_given()) {
            let mut failure = Self::of(error)?;
            let beside = || Self::of(json).and_then(|outer| outer.kind);
            failure.kind = failure
                .kind
                .or_else(|| beside().filter(|kind| kind != "error"));
            return Some(failure);
        }
        if let Some(first) = json.at("errors[]").filter(|error| error.is_object()) {
            return Self::of(first);
        }
        let is_error = name == "error" || json.get("type").and_then(Json::as_str) == Some("error");
        let says = |key: &str| json.get(key).is_some_and(|value| value.as_str().is_some());
        let details = json.get("detail").is_some_and(Json::is_given);
        if is_error || says("message") || says("Message") || details {
            let mut failure = Self::of(json)?;
            if failure.kind.as_deref() == Some("error") {
                let code = json.get("code");
                failure.kind = code.and_then(Json::as_str).map(str::to_owned);
            }
            return Some(failure);
        }
        None
    }
}
