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
    "error_msg",
    "status_msg",
    "ErrorMsg.Msg",
];
const KINDS: &[&str] = &[
    "type",
    "status",
    "__type",
    "error_type",
    "code",
    "http_status_code",
    "metadata.error_type",
    "error_code",
    "status_code",
    "Code",
    "ErrorMsg.Code",
];

/// Where the code of a failure told with status 200 stands, beside its message: MiniMax, Baidu. Zero is none.
const CODES: &[(&str, &str)] = &[("base_resp", "status_code"), ("", "error_code")];

/// Members that a failure may have, one of which it has.
const SIGNS: &[&str] = &[
    "error",
    "errors",
    "type",
    "message",
    "Message",
    "detail",
    "base_resp",
    "error_code",
    "event",
    "Response",
];

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
        let text = |path: &&str| value.at(path)?.as_str().map(str::to_owned);
        let number = |path: &&str| Some(value.at(path)?.as_u64()?.to_string());
        // A word says more than a number.
        let any = |paths: &[&str]| {
            let word = paths.iter().find_map(text);
            word.or_else(|| paths.iter().find_map(number))
        };
        Some(Self {
            kind: any(KINDS),
            message: any(MESSAGES),
        })
    }

    /// Recognises a code other than zero beside what any API says.
    pub(super) fn coded(json: Json<'_>) -> Option<Self> {
        let coded = |(at, key): &(&str, &str)| {
            let place = if at.is_empty() { json } else { json.get(at)? };
            let code = place.get(key)?.as_count().filter(|code| *code > 0)?;
            let failure = Self::of(place)?;
            Some(Self {
                kind: Some(code.to_string()),
                ..failure
            })
        };
        CODES.iter().find_map(coded)
    }

    /// Recognises an event that is nothing but an error report and speaks no dialect. Amid a response a
    /// message may be anybody's; a body that is nothing else is an error's.
    pub(super) fn recognise(json: Json<'_>, name: &str, amid: bool, body: bool) -> Option<Self> {
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
        // Tencent's.
        if let Some(error) = json.at("Response.Error") {
            return Self::of(error);
        }
        if let Some(failure) = Self::coded(json) {
            return Some(failure);
        }
        let is = |key: &str| json.get(key).and_then(Json::as_str) == Some("error");
        let is_error = name == "error" || ["type", "event"].into_iter().any(is);
        let says = |key: &str| json.get(key).is_some_and(|value| value.as_str().is_some());
        let details = json.get("detail").is_some_and(Json::is_given);
        let speaks = says("message") || says("Message") || details;
        let coded = json
            .get("code")
            .is_some_and(|code| code.is_given() && code.as_count() != Some(0));
        if is_error || (speaks && !amid && (body || coded)) {
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
