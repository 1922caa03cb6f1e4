//! Texts that come from the wire, as they may stand in a record: harmless to a terminal, cut, and without keys.

use std::borrow::Cow;

use crate::secret::{masked, without_keys};

/// Messages are cut here, in characters.
const MAX_MESSAGE: usize = 300;
/// The longest of the short texts, in characters.
const MAX_TEXT: usize = 200;

/// A short text, as a model's name.
pub(super) fn short(text: String) -> String {
    // All of it is looked at, since many bytes at once take less time than one after the other.
    let is_plain = |plain, b| plain & matches!(b, b' '..=b'~');
    let is_short = text.len() <= MAX_TEXT;
    if is_short && (text.bytes().fold(true, is_plain) || !text.contains(is_active)) {
        return match without_keys(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        };
    }
    // What is far beyond the cut is not looked at: the beginning of a key is enough.
    let text: String = text.chars().take(MAX_TEXT * 2).collect();
    without_keys(&clean(&text)).chars().take(MAX_TEXT).collect()
}

/// An error message: anything like a key masked.
pub(super) fn message(text: &str) -> String {
    // A key cut in two would not look like one: the cut comes last, and the first one far behind it.
    let text: String = text.chars().take(MAX_MESSAGE * 40).collect();
    masked(&clean(&text)).chars().take(MAX_MESSAGE).collect()
}

/// The text with a space for each character that a terminal would act on instead of showing it.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    replace(text, |_| " ".to_owned())
}

/// JSON with those characters escaped: it means the same.
pub(crate) fn escape(json: &str) -> Cow<'_, str> {
    replace(json, |c| format!("\\u{:04x}", u32::from(c)))
}

fn replace(text: &str, by: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) {
            out += &by(c);
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Control characters, and those that turn or hide the text around them. All are below U+10000.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for (text, want) in [
            (
                "Incorrect API key: sk-abcdefgh1. Try again",
                "Incorrect API key: ***. Try again",
            ),
            ("api_key=sk-abcdefgh1,x", "api_key=***,x"),
            (
                "{\"token\":\"abcdefghijklmnopqrstuvwx12\"}",
                "{\"token\":\"***\"}",
            ),
            (
                "Authorization:Bearer abcd1234abcd1234abcd1234",
                "Authorization:Bearer ***",
            ),
            ("a\u{1b}[31m\u{9b}1m\u{202e}b\nc", "a [31m 1m b c"),
            (
                "the requested model does not exist",
                "the requested model does not exist",
            ),
            ("", ""),
        ] {
            assert_eq!(message(text), want, "{text}");
        }
        let long = "word ".repeat(59) + "sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1";
        assert!(!message(&long).contains("sk-"), "{}", message(&long));
    }

    #[test]
    fn escaped_json_means_the_same() {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{feff}é😀\n";
        let json = serde_json::to_string(text).expect("a string");
        let escaped = escape(&json);
        assert!(!escaped.contains(is_active), "{escaped}");
        let back: String = serde_json::from_str(&escaped).expect("JSON");
        assert_eq!(back, text);
    }
}
