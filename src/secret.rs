//! One masker for all that is recorded or shown: keys, tokens and passwords, wherever they stand in a text.

use std::borrow::Cow;

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "***";

/// How keys of known makes begin.
const KEYS: &[&str] = &[
    "sk-",
    "sk_",
    "pk-",
    "key-",
    "xai-",
    "gsk_",
    "hf_",
    "AIza",
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "ya29",
    "eyJhbGci",
    "nvapi-",
    "csk-",
    "fw_",
    "r8_",
    "tgp_",
    "AQ.Ab",
];

/// How keys begin that share it with names of models, as `pplx-embed-v1-0.6b`: in a key, no hyphen follows.
const SHARED_KEYS: &[&str] = &["pplx-"];

/// Parts of the names of headers, parameters, variables and options that hold secrets, in lower case.
const NAMES: &[&str] = &[
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "cred",
    "jwt",
    "key",
    "passphrase",
    "passw",
    "pwd",
    "secret",
    "session",
    "sig",
    "token",
];

/// Such names in whole.
const WHOLE_NAMES: &[&str] = &["code", "pass", "pin", "pin-value", "pin-source", "sid"];

/// Words that may stand behind `Bearer` in a sentence.
const PROSE: &[&str] = &[
    "auth",
    "authentication",
    "authorization",
    "credential",
    "credentials",
    "error",
    "format",
    "header",
    "headers",
    "in",
    "is",
    "key",
    "not",
    "or",
    "prefix",
    "realm",
    "scheme",
    "token",
    "tokens",
    "was",
];

/// Whether something of this name is not to be shown.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name
        .trim_matches(['-', '"', '\'', ' '])
        .to_ascii_lowercase();
    // Counts of tokens are none.
    let name = name.replace("tokens", "").replace("tokenize", "");
    WHOLE_NAMES.contains(&&*name) || NAMES.iter().any(|part| name.contains(part))
}

/// The text without anything like a secret: keys of known makes, what follows a name like a key's, `Bearer …`,
/// user:password in an address, and long random words.
pub(crate) fn masked(text: &str) -> String {
    mask(text, true)
}

/// The text without what is certainly a secret: keys of known makes, and `Bearer …`. Names and numbers stay.
pub(crate) fn without_keys(text: &str) -> Cow<'_, str> {
    let mut words = text.split(|c| !is_word(c));
    match words.any(|word| has_known_beginning(word) || is_scheme(word)) {
        true => mask(text, false).into(),
        false => text.into(),
    }
}

/// What a word says of the one after it.
#[derive(Clone, Copy, PartialEq)]
enum Lead {
    Nothing,
    /// It is the name of a secret.
    Name,
    /// It is the scheme of a credential.
    Scheme,
}

fn mask(text: &str, thorough: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut lead = Lead::Nothing;
    while !rest.is_empty() {
        let (between, tail) = rest.split_at(rest.find(is_word).unwrap_or(rest.len()));
        let (between, tail) = match between.find("://") {
            Some(_) if thorough => match user_end(tail) {
                Some(end) => (format!("{between}{MASK}"), &tail[end..]),
                None => (between.to_owned(), tail),
            },
            _ => (between.to_owned(), tail),
        };
        out += &between;
        let run = tail.find(ends_value).unwrap_or(tail.len());
        let run = tail[..run].trim_end_matches(['.', ':', '!', '?']).len();
        if announces(lead, &between, &tail[..run], thorough) {
            out += MASK;
            rest = &tail[run..];
            lead = Lead::Nothing;
            continue;
        }
        let long = |c: char| is_word(c) || matches!(c, '/' | '+' | '=' | '~' | '.');
        let (wide, _) = tail.split_at(tail.find(|c| !long(c)).unwrap_or(tail.len()));
        if thorough && is_random(wide.trim_end_matches(['.', '='])) {
            out += MASK;
            rest = &tail[wide.len()..];
            lead = Lead::Nothing;
            continue;
        }
        let (word, tail) = tail.split_at(tail.find(|c| !is_word(c)).unwrap_or(tail.len()));
        let secret = has_known_beginning(word) || (thorough && is_long_and_mixed(word));
        out += if secret { MASK } else { word };
        lead = match word {
            _ if is_scheme(word) => Lead::Scheme,
            _ if thorough && (is_secret_name(word) || word == "provided") => Lead::Name,
            _ => Lead::Nothing,
        };
        rest = tail;
    }
    out
}

/// Whether a value is a secret by what stands before it.
fn announces(lead: Lead, between: &str, value: &str, thorough: bool) -> bool {
    let prose = value.bytes().all(|b| b.is_ascii_lowercase());
    let plain = matches!(value, "true" | "false" | "null")
        || value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let sign = between.trim_matches([' ', '"', '\'', '\\']);
    match lead {
        _ if value.is_empty() => false,
        Lead::Scheme => {
            let coded = sign == "%" && value.starts_with("20");
            let joined = coded || (matches!(sign, "" | ":" | "=" | "+") && !between.is_empty());
            joined && !PROSE.contains(&&*value.to_ascii_lowercase())
        }
        Lead::Name if is_scheme(value) => false,
        Lead::Name if thorough && sign == "=" => !plain,
        Lead::Name if thorough && sign == ":" => {
            let quoted = between.contains(['"', '\'']) || !between.contains(' ');
            !plain && (quoted || !prose)
        }
        Lead::Name | Lead::Nothing => false,
    }
}

/// Where the user and password of an address end, if it has them.
fn user_end(address: &str) -> Option<usize> {
    let host_ends = address.find(|c: char| c.is_whitespace() || "/?#\"'<>".contains(c));
    address[..host_ends.unwrap_or(address.len())].rfind('@')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || "\"'`,;&()[]{}<>\\|".contains(c)
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn has_known_beginning(word: &str) -> bool {
    let keeps = |start: &&str| {
        let rest = word.strip_prefix(*start);
        rest.is_some_and(|rest| !rest.contains('-'))
    };
    word.len() >= 8
        && (KEYS.iter().any(|start| word.starts_with(start)) || SHARED_KEYS.iter().any(keeps))
}

/// As hexadecimal digits, a UUID, or a key of unknown make.
fn is_long_and_mixed(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    word.len() >= 24 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// As base64 is, with `/` and `+` in it: its letters change between upper case, lower case and digits far more often than
/// those of a path do.
fn is_random(word: &str) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Digit,
        Lower,
        Other,
        Upper,
    }
    let kind = |byte: &u8| match byte {
        b'0'..=b'9' => Kind::Digit,
        b'a'..=b'z' => Kind::Lower,
        b'A'..=b'Z' => Kind::Upper,
        _ => Kind::Other,
    };
    let kinds: Vec<Kind> = word.as_bytes().iter().map(kind).collect();
    // A capital at the beginning of a word is no change.
    let changes = kinds.windows(2).filter(|pair| {
        let capital = pair[0] == Kind::Upper && pair[1] == Kind::Lower;
        pair[0] != pair[1] && !capital && !pair.contains(&Kind::Other)
    });
    word.len() >= 20 && changes.count() * 6 >= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for (text, want) in [
            (
                "Authorization: Bearer Zq7MarkZ",
                "Authorization: Bearer ***",
            ),
            ("got 'bearer hunter2', no", "got 'bearer ***', no"),
            ("Bearer%20Zq7MarkZq7", "Bearer%***"),
            (
                "Authorization: Basic dXNlcjpwYXNz",
                "Authorization: Basic ***",
            ),
            (
                "secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY.",
                "secret ***",
            ),
            ("x Ab3/dE5+gH7/jK9+mN1/pQ3= y", "x *** y"),
            ("{\"password\":\"hunter\"}", "{\"password\":\"***\"}"),
            (
                "{\\\"client_secret\\\": \\\"hunter\\\"}",
                "{\\\"client_secret\\\": \\\"***\\\"}",
            ),
            ("pwd=hunter&model=m", "pwd=***&model=m"),
            (
                "https://me:hunter@example.com/a",
                "https://***@example.com/a",
            ),
            (
                "Incorrect API key provided: Zq7Mark",
                "Incorrect API key provided: ***",
            ),
        ] {
            assert_eq!(masked(text), want, "{text}");
        }
    }

    #[test]
    fn what_helps_stays() {
        for text in [
            "Bearer token is missing",
            "Invalid Bearer authentication",
            "max_tokens=4096 is above the limit of 2048 tokens: use less",
            "Unsupported parameter: 'max_tokens' is not supported with this model",
            "invalid key: expected a string",
            "{\"tokens\":\"many\",\"session_limit\":30}",
            "The model meta-llama/Llama-3.3-70B-Instruct does not exist",
            "https://platform.openai.com/account/api-keys",
            "see /usr/share/doc/Packages/MyProject2/README",
        ] {
            assert_eq!(masked(text), text);
        }
        for text in [
            "chatcmpl-A1B2C3D4E5F6G7H8I9J0K1L2",
            "claude-sonnet-4-5-20250929",
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            "pplx-embed-context-v1-0.6b",
        ] {
            assert_eq!(without_keys(text), text);
        }
        assert_eq!(without_keys("sk-abcdefgh1"), MASK);
        assert_eq!(without_keys("Bearer hunter2"), "Bearer ***");
    }
}
