//! A command as a line for the shell, without what nobody else should see.

use std::ffi::{OsStr, OsString};

use super::Curl;
use super::args::{Line, Means, Takes, Word};
use super::body::Members;
use crate::secret::{MASK, is_secret_name, masked};

/// What is shown for something that is left out.
const ELIDED: &str = "…";

/// Members of a body that tell nothing of the prompt.
const HARMLESS: &[&str] = &["model", "stream", "stream_options", "service_tier"];

/// Commands that only start another one: their options that take the next word, and how many words stand before the
/// command itself.
#[rustfmt::skip]
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("env", &["-u", "--unset", "-C", "--chdir"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("nohup", &[], 0),
    ("stdbuf", &["-i", "--input", "-o", "--output", "-e", "--error"], 0),
    ("sudo", &["-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-r", "-t", "-T", "-U", "-D"], 0),
    ("time", &["-f", "--format", "-o", "--output"], 0),
    ("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
];

/// The command that would run: quoted, secrets masked, bodies cut down to what tells nothing of the prompt.
pub(crate) fn show(program: &OsStr, arguments: &[OsString], curl: Option<&Curl>) -> String {
    let mut parts = vec![quoted(&shown(&program.to_string_lossy()))];
    let Some(curl) = curl else {
        let words = std::iter::once(program).chain(arguments.iter().map(OsString::as_os_str));
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        return command(&words.iter().map(|word| &**word).collect::<Vec<_>>()).join(" ");
    };
    let mut handed = Vec::new();
    parts.extend(curl.words.iter().map(|word| {
        let before = String::from_utf8_lossy(&word.before);
        let mut hand = |what: String| {
            handed.push(what);
            format!("/dev/fd/{}", handed.len() + 2)
        };
        let text = match word {
            word if word.heard => hand("for the answer's headers".to_owned()),
            word if word.fed => "@".to_owned() + &hand(body(&word.text)),
            word => visible(word),
        };
        quoted(&(before + &*text))
    }));
    let notes = handed.iter().enumerate().map(|(at, body)| {
        let number = at + 3;
        format!("# /dev/fd/{number} is {body}")
    });
    parts.extend(notes);
    parts.join(" ")
}

/// A command that is no curl, or only starts one.
fn command(words: &[&str]) -> Vec<String> {
    let Some((program, arguments)) = words.split_first() else {
        return Vec::new();
    };
    let mut parts = vec![quoted(&shown(program))];
    let name = program.rsplit('/').next().unwrap_or_default();
    if name.contains("curl") {
        let line = Line::read(arguments.iter().map(OsString::from).collect());
        parts.extend(line.words.iter().map(|word| {
            let before = String::from_utf8_lossy(&word.before);
            quoted(&(before + &*visible(word)))
        }));
        return parts;
    }
    let inner = WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name);
    let inner = inner.map_or(arguments.len(), |(_, valued, before)| {
        behind_wrapper(arguments, valued, *before)
    });
    let (own, inner) = arguments.split_at(inner);
    let mut named = false;
    parts.extend(own.iter().map(|word| {
        let secret = std::mem::take(&mut named);
        named = word.starts_with('-') && !word.contains('=') && is_secret_name(word);
        quoted(&match secret && !word.starts_with('-') {
            true => MASK.to_owned(),
            false => shown(word),
        })
    }));
    parts.extend(command(inner));
    parts
}

/// Where the command stands among a wrapper's arguments.
fn behind_wrapper(arguments: &[&str], valued: &[&str], mut before: usize) -> usize {
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        if word.starts_with('-') && *word != "-" {
            at += 1 + usize::from(valued.contains(word));
            continue;
        }
        if !word.contains('=') {
            if before == 0 {
                return at;
            }
            before -= 1;
        }
        at += 1;
    }
    arguments.len()
}

/// An argument whose meaning is not known, without what may be a secret or a prompt.
fn shown(text: &str) -> String {
    if let Some((name, value)) = text.split_once('=') {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.chars().all(is_name) && !value.is_empty() {
            return match is_secret_name(name) {
                true => format!("{name}={MASK}"),
                false => format!("{name}={}", shown(value)),
            };
        }
    }
    let begin = text.trim_start();
    if begin.starts_with(['{', '[']) {
        return body(text.as_bytes());
    }
    let is_header = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
    match text.split_once(':') {
        Some((name, value)) if value.starts_with("//") && is_header(name) => address(text),
        Some((name, _)) if is_header(name) && is_secret_name(name) => header(text),
        _ if text.contains(char::is_whitespace) => ELIDED.to_owned(),
        // A user and a password; a host and its port are none.
        Some((user, password))
            if is_header(user) && !password.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("{}:{MASK}", masked(user))
        }
        _ if text.contains(['?', '&', ';', '#']) => address(text),
        _ => masked(text),
    }
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
        _ if of.takes == Takes::Secret => MASK.to_owned(),
        "data" | "data-ascii" | "data-binary" | "json" if text.starts_with('@') => {
            text.into_owned()
        }
        "data" | "data-ascii" | "data-binary" | "data-raw" | "json" => body(&word.text),
        "data-urlencode" | "form" | "form-string" | "url-query" | "variable" => ELIDED.to_owned(),
        "header" | "proxy-header" => header(&text),
        // Words where an address belongs were meant for something else.
        "url" if text.contains(char::is_whitespace) => ELIDED.to_owned(),
        _ if text.trim_start().starts_with(['{', '[']) => body(&word.text),
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
        Some((name, value)) if is_secret_name(name) && !value.trim().is_empty() => {
            format!("{name}: {MASK}")
        }
        _ => masked(text),
    }
}

/// A URL, or what may hold one: no user in it, and no value of a parameter that is named like a secret.
fn address(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let rest = match rest[..host_ends].rfind('@') {
        Some(at) => format!("{MASK}{}", &rest[at..]),
        None => rest.to_owned(),
    };
    let mut shown = String::new();
    for part in rest.split_inclusive(['?', '&', ';', '#']) {
        let end = part.trim_end_matches(['?', '&', ';', '#']);
        shown += &match end.split_once('=') {
            Some((name, _)) if is_secret_name(name) => format!("{name}={MASK}"),
            _ => masked(end),
        };
        shown += &part[end.len()..];
    }
    match scheme {
        "" => shown,
        _ => format!("{scheme}://{shown}"),
    }
}

/// Quoted for a shell, where that is needed.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
