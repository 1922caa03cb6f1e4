//! A provider's own usage object, kept as it was written and read only when somebody asks.

use std::borrow::Cow;
use std::sync::OnceLock;

use memchr::{memchr, memmem};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::json::mend;
use super::usage::Merge;

/// A provider's own usage object, merged over the stream, unknown fields included.
#[derive(Clone, Debug, Default)]
pub struct RawUsage {
    /// The one object that was stated; empty where there is none, or more went into the map.
    text: String,
    map: OnceLock<Map<String, Value>>,
}

impl RawUsage {
    /// The object's members.
    pub fn as_map(&self) -> &Map<String, Value> {
        let mended = |_| {
            let mut text = self.text.clone().into_bytes();
            mend(&mut text);
            serde_json::from_slice(&text)
        };
        let read = || serde_json::from_str(&self.text).or_else(mended);
        self.map.get_or_init(|| read().unwrap_or_default())
    }

    /// One member.
    pub fn get(&self, key: &str) -> Option<&Value> {
        if self.map.get().is_none() && self.lacks(key) {
            return None;
        }
        self.as_map().get(key)
    }

    /// Whether nothing was stated.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.map.get().is_none_or(Map::is_empty)
    }

    /// Keeps the text of an object that a parser has taken.
    pub(super) fn stated(text: &str) -> Self {
        // An object without a key says nothing.
        let text = text.contains('"').then(|| text.to_owned());
        Self {
            text: text.unwrap_or_default(),
            map: OnceLock::new(),
        }
    }

    /// Whether it may have a member of that name that is zero, as far as can be told without reading.
    pub(super) fn has_zero(&self, key: &str) -> bool {
        if self.text.is_empty() {
            return self.get(key).is_some();
        }
        let mut places = memmem::find_iter(self.text.as_bytes(), key);
        places.any(|at| {
            let rest = self.text.as_bytes()[at + key.len()..].iter();
            let value = rest.copied().find(|b| !b"\\\": \t\n\r".contains(b));
            matches!(value, Some(b'0'))
        })
    }

    /// The object as JSON.
    pub(super) fn to_json(&self) -> Cow<'_, str> {
        if self.text.is_empty() {
            return serde_json::to_string(self.as_map())
                .unwrap_or_default()
                .into();
        }
        self.text.as_str().into()
    }

    /// Takes in what was stated later.
    pub(super) fn merge(&mut self, merge: Merge, later: Self) {
        let replaces = merge == Merge::Keys
            && !self.text.is_empty()
            && are_alike(self.text.as_bytes(), later.text.as_bytes());
        if self.is_empty() || replaces {
            *self = later;
        } else {
            self.change(|map| merge.apply(map, later.into()));
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut map = Map::from(std::mem::take(self));
        change(&mut map);
        *self = map.into();
    }

    /// Whether no member of that name can be there, as far as can be told without reading.
    fn lacks(&self, key: &str) -> bool {
        memchr(b'\\', self.text.as_bytes()).is_none() && !self.text.contains(key)
    }
}

/// Whether two objects differ in nothing but numbers: a running count is stated again and again.
fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
    let (mut one, mut other) = (one.iter(), other.iter());
    let (mut in_string, mut escaped) = (false, false);
    loop {
        let (a, b) = match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) => (*a, *b),
            _ => return false,
        };
        let begins = |b: u8| !in_string && (b.is_ascii_digit() || b == b'-');
        if begins(a) && begins(b) {
            for rest in [&mut one, &mut other] {
                let len = rest.as_slice().iter().take_while(|b| is_part(b)).count();
                *rest = rest.as_slice()[len..].iter();
            }
        } else if a != b {
            return false;
        }
        in_string ^= a == b'"' && !escaped;
        escaped = in_string && a == b'\\' && !escaped;
    }
}

impl PartialEq for RawUsage {
    fn eq(&self, other: &Self) -> bool {
        self.as_map() == other.as_map()
    }
}

impl From<Map<String, Value>> for RawUsage {
    fn from(map: Map<String, Value>) -> Self {
        Self {
            text: String::new(),
            map: map.into(),
        }
    }
}

impl From<RawUsage> for Map<String, Value> {
    fn from(raw: RawUsage) -> Self {
        raw.as_map();
        raw.map.into_inner().unwrap_or_default()
    }
}

impl Serialize for RawUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_map().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        for (text, key, want) in [
            (r#"{"speed":"fast"}"#, "speed", Some("fast")),
            (r#"{"speedy":"fast","top":"speed"}"#, "speed", None),
            (r#"{"\u0073peed":"fast"}"#, "speed", Some("fast")),
            (r#"{"a":{"speed":"fast"}}"#, "speed", None),
            // What the parser of events mends is mended here too.
            (r#"{"speed":"fast","x":"\ud800"}"#, "speed", Some("fast")),
            ("{}", "speed", None),
        ] {
            let raw = RawUsage::stated(text);
            assert_eq!(raw.get(key).and_then(Value::as_str), want, "{text}");
            assert_eq!(raw.is_empty(), text == "{}");
            assert_eq!(
                serde_json::to_string(&raw).expect("JSON"),
                serde_json::to_string(raw.as_map()).expect("JSON")
            );
        }
    }

    #[test]
    fn merged() {
        let mut raw = RawUsage::from(Map::from_iter([("in".to_owned(), 5.into())]));
        raw.merge(Merge::Keys, RawUsage::stated("{}"));
        assert_eq!(raw.get("in"), Some(&5.into()));
        let mut raw = RawUsage::stated(r#"{"in": 5, "out": 1}"#);
        raw.merge(Merge::Keys, RawUsage::stated(r#"{"out": 7, "in": null}"#));
        assert_eq!(raw.to_json(), r#"{"in":5,"out":7}"#);
        raw.merge(Merge::Greatest, RawUsage::stated(r#"{"in": 4}"#));
        assert_eq!(raw.get("in"), Some(&5.into()));
    }

    #[test]
    fn alike() {
        for (one, other, want) in [
            (r#"{"a": 1}"#, r#"{"a": 12}"#, true),
            (r#"{"a":-1.5e3,"b":[0]}"#, r#"{"a":7,"b":[10]}"#, true),
            (r#"{"a":1}"#, r#"{"a":null}"#, false),
            (r#"{"a1":1}"#, r#"{"a2":1}"#, false),
            (r#"{"a\"1":1}"#, r#"{"a\"2":1}"#, false),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        ] {
            assert_eq!(are_alike(one.as_bytes(), other.as_bytes()), want, "{one}");
        }
    }
}
