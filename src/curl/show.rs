//! A command as a line for the shell, without what nobody else should see.

use std::ffi::{OsStr, OsString};

use super::Curl;
use super::args::{Means, Takes, Word};
use super::body::Members;
use crate::record::masked;

/// What is shown for something that is left out.
const ELIDED: &str = "…";
const MASKED: &str = "***";

/// Members of a body that tell nothing of the prompt.
const HARMLESS: &[&str] = &["model", "stream", "stream_options", "service_tier"];

/// Parts of the names of headers and parameters that hold secrets.
const SECRET: &[&str] = &[
    "auth", "cookie", "key", "passw", "secret", "session", "sig", "token",
];

/// The command that would run: quoted, secrets masked, bodies cut down to what tells nothing of the prompt.
pub(crate) fn show(program: &OsStr, arguments: &[OsString], curl: Option<&Curl>) -> String {
    let mut parts = vec![quoted(&program.to_string_lossy())];
    let mut handed = Vec::new();
    match curl {
        Some(curl) => parts.extend(curl.words.iter().map(|word| {
            let before = String::from_utf8_lossy(&word.before);
            let text = match word.fed {
                true => {
                    handed.push(body(&word.text));
                    format!("@/dev/fd/{}", handed.len() + 2)
                }
                false => visible(word),
            };
            quoted(&(before + &*text))
        })),
        None => parts.extend(
            arguments
                .iter()
                .map(|argument| quoted(&masked(&argument.to_string_lossy()))),
        ),
    }
    let notes = handed.iter().enumerate().map(|(at, body)| {
        let number = at + 3;
        format!("# /dev/fd/{number} is {body}")
    });
    parts.extend(notes);
    parts.join(" ")
}

/// A word's text as it may be seen.
fn visible(word: &Word) -> String {
    let text = String::from_utf8_lossy(&word.text);
    let Means::Value { of, .. } = word.means else {
        return match word.means {
            Means::Unknown => ELIDED.to_owned(),
            _ => text.into_owned(),
        };
    };
    match of.name {
        _ if of.takes == Takes::Secret => MASKED.to_owned(),
        "data" | "data-ascii" | "data-binary" | "json" if text.starts_with('@') => {
            text.into_owned()
        }
        "data" | "data-ascii" | "data-binary" | "data-raw" | "json" => body(&word.text),
        "data-urlencode" | "form" | "form-string" | "url-query" | "variable" => ELIDED.to_owned(),
        "header" | "proxy-header" => header(&text),
        _ => address(&text),
    }
}

/// A body without its prompt.
fn body(bytes: &[u8]) -> String {
    let Some(members) = Members::read(bytes) else {
        return ELIDED.to_owned();
    };
    let shown = members
        .iter()
        .filter(|(name, _)| HARMLESS.contains(name))
        .map(|(name, value)| format!("\"{name}\":{}", masked(&value.replace(['\n', '\r'], " "))));
    let shown: Vec<_> = shown.chain([ELIDED.to_owned()]).collect();
    format!("{{{}}}", shown.join(","))
}

fn header(text: &str) -> String {
    match text.split_once(':') {
        Some((name, value)) if is_secret(name) && !value.trim().is_empty() => {
            format!("{name}: {MASKED}")
        }
        _ => masked(text),
    }
}

/// A URL, or what may hold one.
fn address(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let rest = match rest[..host_ends].rfind('@') {
        Some(at) => format!("{MASKED}{}", &rest[at..]),
        None => rest.to_owned(),
    };
    let (path, query) = rest.split_once('?').unwrap_or((&rest, ""));
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={MASKED}"),
            _ => masked(pair),
        })
        .collect();
    let mut shown = masked(path);
    if !query.is_empty() {
        shown = shown + "?" + &pairs.join("&");
    }
    match scheme {
        "" => shown,
        _ => format!("{scheme}://{shown}"),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// Quoted for a shell, where that is needed.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
