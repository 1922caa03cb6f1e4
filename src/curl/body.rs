//! A request's JSON body: what it says of streams, and the smallest edit that asks for usage.

use std::fmt;
use std::ops::Range;

use serde_json::value::RawValue;

/// What a body says of the usage of its stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    /// No stream is asked for.
    NoStream,
    /// Usage is asked for, or declined.
    Said(bool),
    /// Nothing: with this edit it would ask.
    Silent(Edit),
}

/// Text to be put in place of a range of a body's bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: &'static str,
}

/// The members of an object in the order of the text. Where a key stands twice, the last one counts.
pub(super) struct Members<'b>(Vec<(String, &'b RawValue)>);

impl<'b> Members<'b> {
    /// Reads an object whose values stay as they were written; `None` where the text is none.
    pub(super) fn read(text: &'b [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'b RawValue> {
        let mut members = self.0.iter().rev();
        members
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'b str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.get()))
    }
}

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Reads what `body` says of the usage of its stream; `None` where it cannot be understood.
pub(super) fn wish(body: &[u8]) -> Option<Wish> {
    let members = Members::read(body)?;
    let place = |value: &RawValue| {
        let start = value.get().as_ptr() as usize - body.as_ptr() as usize;
        start..start + value.get().len()
    };
    let stream = members.get("stream").filter(|value| value.get() == "true");
    let Some(stream) = stream else {
        return Some(Wish::NoStream);
    };
    let edit = |range, text| Some(Wish::Silent(Edit { range, text }));
    let Some(options) = members.get("stream_options") else {
        let end = place(stream).end;
        return edit(end..end, r#","stream_options":{"include_usage":true}"#);
    };
    if options.get() == "null" {
        return edit(place(options), r#"{"include_usage":true}"#);
    }
    let inner = Members::read(options.get().as_bytes())?;
    match inner.get("include_usage").map(|value| (value, value.get())) {
        None => {
            let after = place(options).start + 1;
            let text = match inner.0.is_empty() {
                true => r#""include_usage":true"#,
                false => r#""include_usage":true,"#,
            };
            edit(after..after, text)
        }
        Some((_, "false")) => Some(Wish::Said(false)),
        Some((_, "true")) => Some(Wish::Said(true)),
        Some((value, "null")) => edit(place(value), "true"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body as it would be sent; `None` where it stays.
    fn asked(body: &str) -> Option<String> {
        match wish(body.as_bytes())? {
            Wish::Silent(Edit { range, text }) => {
                let mut body = body.to_owned();
                body.replace_range(range, text);
                Some(body)
            }
            Wish::NoStream | Wish::Said(_) => None,
        }
    }

    #[test]
    fn the_smallest_edit() {
        let asks = r#","stream_options":{"include_usage":true}"#;
        for body in [
            "{\"stream\":true@}",
            "{\n  \"model\": \"m\",\n  \"stream\": true@,\n  \"x\": 1e400\n}\n",
            "{\"stream\":false,\"stream\":true@,\"a\":1,\"a\":2}",
            "{\"str\\u0065am\":true@}",
            "{\"a\":{\"stream_options\":{}},\"stream\":true@,\"s\":\"\\ud800\"}",
        ] {
            let want = body.replace('@', asks);
            assert_eq!(asked(&body.replace('@', "")), Some(want));
        }
        for (body, want) in [
            (
                r#"{"stream":true,"stream_options":{}}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream_options":{ "x":1 },"stream":true}"#,
                r#"{"stream_options":{"include_usage":true, "x":1 },"stream":true}"#,
            ),
            (
                r#"{"stream":true,"stream_options":null}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":null}}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
        ] {
            assert_eq!(asked(body).as_deref(), Some(want));
        }
    }

    #[test]
    fn what_is_said_or_unclear_stays() {
        for (body, want) in [
            ("{}", Some(Wish::NoStream)),
            (r#"{"stream":false}"#, Some(Wish::NoStream)),
            (r#"{"stream":1}"#, Some(Wish::NoStream)),
            (r#"{"stream":true,"stream":false}"#, Some(Wish::NoStream)),
            (
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
                Some(Wish::Said(true)),
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
                Some(Wish::Said(false)),
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
                None,
            ),
            (r#"{"stream":true,"stream_options":[]}"#, None),
            (r#"{"stream":true"#, None),
            (r#"{"stream":true}x"#, None),
            (r#"[{"stream":true}]"#, None),
            ("\u{feff}{\"stream\":true}", None),
            ("", None),
        ] {
            assert_eq!(wish(body.as_bytes()), want, "{body}");
        }
        let deep = format!(
            "{{\"a\":{}{},\"stream\":true}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(matches!(wish(deep.as_bytes()), Some(Wish::Silent(_))));
    }
}
