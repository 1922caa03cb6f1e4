//! JSON that is looked at without being parsed: members, items and strings as slices of the text they stand in.
//!
//! Nothing here judges a value. A text that was cut off gives what there is of it.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The members of an object: each key without its quotes, as it is written, and the text of its value.
pub(super) fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.strip_prefix(b"{").unwrap_or_default();
    std::iter::from_fn(move || {
        rest = skip_blank(rest, true);
        if rest.first() != Some(&b'"') {
            return None;
        }
        let (key, tail) = rest.split_at(value_end(rest));
        let tail = skip_blank(tail, false).strip_prefix(b":")?;
        let tail = skip_blank(tail, false);
        let (value, tail) = tail.split_at(value_end(tail));
        rest = tail;
        (!value.is_empty()).then(|| (quoted(key), value))
    })
}

/// An object that is asked for many members: each is looked for once.
pub(super) struct Object<'t> {
    pub(super) text: &'t [u8],
    pub(super) members: Vec<(&'t [u8], &'t [u8])>,
}

impl<'t> Object<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let members = members(text).collect();
        Self { text, members }
    }

    /// The member under this key; the first one, where it stands twice.
    pub(super) fn member(&self, key: &str) -> Option<&'t [u8]> {
        let found = self
            .members
            .iter()
            .find(|(name, _)| *name == key.as_bytes());
        found.map(|(_, value)| *value)
    }

    /// What stands at a path of keys with slashes between.
    pub(super) fn at(&self, path: &str) -> Option<&'t [u8]> {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let rest = rest.split('/').filter(|key| !key.is_empty());
        rest.fold(self.member(first), |value, key| member(value?, key))
    }
}

/// The items of an array, as text.
pub(super) fn items(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        rest = skip_blank(rest, true);
        let (item, tail) = rest.split_at(value_end(rest));
        rest = tail;
        (!item.is_empty()).then_some(item)
    })
}

/// The member of an object under this key; the first one, where it stands twice.
pub(super) fn member<'t>(object: &'t [u8], key: &str) -> Option<&'t [u8]> {
    let found = members(object).find(|(name, _)| *name == key.as_bytes());
    found.map(|(_, value)| value)
}

/// What a string says, whose text this is; `None` for any other value.
pub(super) fn string(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inside = (text.first() == Some(&b'"')).then(|| quoted(text))?;
    if memchr(b'\\', inside).is_none() {
        return Some(inside.into());
    }
    let mut plain = Vec::with_capacity(inside.len());
    unescape(inside, &mut plain);
    Some(plain.into())
}

/// What stands between a string's quotes.
fn quoted(text: &[u8]) -> &[u8] {
    let end = string_end(text).map_or(text.len(), |end| end - 1);
    text.get(1..end).unwrap_or_default()
}

/// Adds what an escaped text stands for.
pub(super) fn unescape(mut text: &[u8], into: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\\', text) {
        into.extend_from_slice(&text[..at]);
        match unescape_one(&text[at + 1..], into) {
            Some(rest) => text = rest,
            // It was cut off.
            None => return,
        }
    }
    into.extend_from_slice(text);
}

/// Adds what an escaped text stands for up to the quote that ends it; gives that and what stands behind.
pub(super) fn unescape_string<'t>(mut text: &'t [u8], into: &mut Vec<u8>) -> Option<&'t [u8]> {
    loop {
        // Escapes stand close together in JSON within JSON: a search that starts quickly is the faster one.
        let at = text
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | b'\n'))?;
        into.extend_from_slice(&text[..at]);
        text = match text[at] {
            b'"' => return Some(&text[at..]),
            b'\\' => unescape_one(&text[at + 1..], into)?,
            _ => return None,
        };
    }
}

/// Adds what an escape stands for, from behind its backslash; gives what follows it.
fn unescape_one<'t>(text: &'t [u8], into: &mut Vec<u8>) -> Option<&'t [u8]> {
    let (escape, mut text) = text.split_first()?;
    into.push(match escape {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let unit = unit(text)?;
            text = &text[4..];
            let mut code = u32::from(unit);
            if (0xd800..0xdc00).contains(&unit)
                && let Some(low) = text.strip_prefix(b"\\u").and_then(self::unit)
                && (0xdc00..0xe000).contains(&low)
            {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                text = &text[6..];
            }
            let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            into.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(text);
        }
        other => *other,
    });
    Some(text)
}

/// Four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// Where the value ends that this begins with; the end of the text where it was cut off.
fn value_end(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string_end(text).unwrap_or(text.len()),
        Some(b'{' | b'[') => nested_end(text),
        Some(_) => {
            let over = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            text.iter().position(over).unwrap_or(text.len())
        }
        None => 0,
    }
}

/// Just after the closing quote of the string that this begins with.
pub(super) fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += special(text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the next quote or backslash stands. They stand close together where JSON holds JSON, and are then found
/// sooner by looking at each byte.
fn special(text: &[u8]) -> Option<usize> {
    const NEAR: usize = 24;
    let mut near = text.iter().take(NEAR);
    let near = near.position(|b| matches!(b, b'"' | b'\\'));
    near.or_else(|| Some(NEAR + memchr2(b'"', b'\\', text.get(NEAR..)?)?))
}

fn nested_end(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_end(&text[at..]) {
                Some(len) => {
                    at += len;
                    continue;
                }
                None => return text.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn skip_blank(text: &[u8], commas: bool) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t') || commas && *b == b',';
    let begin = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    &text[begin..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z\"\\\\é]{0,3}", inner), 0..4).prop_map(|members| {
                    members
                        .into_iter()
                        .collect::<serde_json::Map<_, _>>()
                        .into()
                }),
            ]
        })
    }

    /// What is read of a value is what a parser reads of it.
    fn agrees(text: &[u8], want: &Value) {
        match want {
            Value::Object(map) => {
                let keys = members(text).count();
                assert_eq!(keys, map.len());
                for ((key, value), (name, want)) in members(text).zip(map) {
                    let mut plain = Vec::new();
                    unescape(key, &mut plain);
                    assert_eq!(plain, name.as_bytes());
                    agrees(value, want);
                }
            }
            Value::Array(list) => {
                assert_eq!(items(text).count(), list.len());
                items(text)
                    .zip(list)
                    .for_each(|(item, want)| agrees(item, want));
            }
            Value::String(want) => assert_eq!(string(text).as_deref(), Some(want.as_bytes())),
            other => assert_eq!(text, other.to_string().as_bytes()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn slices_are_what_a_parser_reads(value in value(), pretty in any::<bool>(), cut in any::<prop::sample::Index>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("text");
            agrees(text.as_bytes(), &value);
            // Whatever is cut off, nothing panics, and each walk ends.
            let cut = &text.as_bytes()[..cut.index(text.len() + 1)];
            for (_, value) in members(cut) {
                let _ = (string(value), items(value).count(), members(value).count());
            }
        }
    }
}
