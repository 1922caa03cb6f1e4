//! Whether a request is to ask for usage, and what became of that.

use super::body::{Edit, Members, Wish, wish};
use super::host::{Address, Answer};

/// When usage is asked for in a request that does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inject {
    /// Wherever the field is of the API, whoever serves it.
    Always,
    /// Where the API is known to take it.
    Auto,
    /// Nowhere.
    Never,
}

/// What was done to have usage stated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UsageRequest {
    Injected,
    NotAStream,
    NotNeeded,
    NotUnderstood,
    OptedOut,
    Present,
    UnknownHost,
    Unsupported,
}

impl UsageRequest {
    /// The record's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::NotAStream => "not_a_stream",
            Self::NotNeeded => "not_needed",
            Self::NotUnderstood => "not_understood",
            Self::OptedOut => "opted_out",
            Self::Present => "present",
            Self::UnknownHost => "unknown_host",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Decides for one request; gives the edit of the body where there is to be one. A `sealed` request states its
/// body's length or digest.
pub(super) fn decide(
    address: &Address,
    body: &[u8],
    sealed: bool,
    inject: Inject,
) -> (UsageRequest, Option<Edit>) {
    use UsageRequest::*;
    if address.states_unasked() {
        return (NotNeeded, None);
    }
    let edit = match wish(body) {
        None => return (NotUnderstood, None),
        Some(Wish::NoStream) => return (NotAStream, None),
        Some(Wish::Said(true)) => return (Present, None),
        Some(Wish::Said(false)) => return (OptedOut, None),
        Some(Wish::Silent(edit)) => edit,
    };
    let host = address.host();
    let outcome = match host.map(|host| host.answer) {
        _ if inject == Inject::Never => OptedOut,
        _ if sealed || !address.asks() => Unsupported,
        _ if inject == Inject::Always => Injected,
        None => UnknownHost,
        Some(Answer::Azure) => match address.is_recent_azure() && !has_data_sources(body) {
            true => Injected,
            false => Unsupported,
        },
        Some(Answer::Inject) => Injected,
        Some(Answer::NotNeeded) => NotNeeded,
        Some(Answer::Unsupported) => Unsupported,
    };
    (outcome, (outcome == Injected).then_some(edit))
}

/// Azure rejects the field beside them.
fn has_data_sources(body: &[u8]) -> bool {
    Members::read(body).is_some_and(|members| members.get("data_sources").is_some())
}

/// Whether a header of this name holds for one body alone.
pub(super) fn seals(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    matches!(name.as_str(), "content-length" | "content-md5")
        || name.contains("digest")
        || name.contains("signature")
}
