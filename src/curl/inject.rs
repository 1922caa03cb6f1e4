//! Whether a request is to ask for usage, and what became of that.

use std::io::Read as _;

use super::body::{Edit, Members, Wish, wish};
use super::data::regular;
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

/// Whether a header, or the file of them, holds for one body alone. Of a file that only curl can read this has to be
/// assumed.
pub(super) fn header_seals(text: &[u8]) -> bool {
    let seals = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.any(|(name, value)| seals(name, value))
    };
    let Some(path) = text.strip_prefix(b"@") else {
        return seals(text);
    };
    let mut bytes = Vec::new();
    let read = regular(path).map(|mut file| file.read_to_end(&mut bytes));
    !matches!(read, Some(Ok(_))) || seals(&bytes)
}

/// Names of headers that state a body's length or digest, in part.
const DIGESTS: &[&str] = &[
    "checksum",
    "digest",
    "md5",
    "sha1",
    "sha-1",
    "sha256",
    "sha-256",
    "sha512",
    "signature",
    "hmac",
];

/// How credentials begin that sign a request, in part.
const SIGNING: &[&str] = &["acs", "aws", "hmac", "oss", "sharedkey", "signature", "tc3"];

fn seals(name: &str, value: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let scheme = value
        .trim()
        .split([' ', ':', ','])
        .next()
        .unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    name == "content-length"
        || DIGESTS.iter().any(|part| name.contains(part))
        || (name.ends_with("authorization") && SIGNING.iter().any(|part| scheme.contains(part)))
}
