//! A provider's own usage object, kept as it was written and read only when somebody asks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::{memchr, memmem};
use serde::de::{MapAccess, Visitor};
use serde::{Deserializer as _, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::meter::json;
use crate::meter::json::mend::mend;

/// A provider's own usage object, merged over the stream, fields not known yet included.
///
/// It is kept as text: its numbers keep their digits, its members their order.
#[derive(Clone, Debug, Default)]
pub struct RawUsage {
    /// The one object that was stated; empty where there is none, or several were merged.
    text: String,
    /// What several objects came to: a member's name, its place, and its value as JSON.
    merged: BTreeMap<String, (usize, String)>,
    /// The place of the next new member.
    next: usize,
}

/// How a later usage object of the same response changes an earlier one.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Merge {
    /// Key by key; the last that is not null counts.
    Keys,
    /// As `Keys`, but an object that has the named key replaces all that was said before.
    Whole(&'static str),
    /// Key by key; the greatest number counts.
    Greatest,
    /// Key by key; numbers add up. Only for bodies that state usage in parts.
    Sum,
}

impl Merge {
    /// The number that an earlier and a later value come to, both JSON, where this way of merging reckons.
    pub(crate) fn number(self, earlier: &str, later: &str) -> Option<u64> {
        let reckon: fn(u64, u64) -> u64 = match self {
            Self::Greatest => u64::max,
            Self::Sum => u64::saturating_add,
            Self::Keys | Self::Whole(_) => return None,
        };
        let count = |json: &str| count_of(&serde_json::from_str(json).ok()?);
        Some(reckon(count(earlier)?, count(later)?))
    }

    /// The object that two come to, where members within members add up as well.
    fn object(self, earlier: &str, later: &str) -> Option<String> {
        let are_objects = earlier.starts_with('{') && later.starts_with('{');
        if self != Self::Sum || !are_objects {
            return None;
        }
        let mut sum = RawUsage::stated(earlier);
        sum.merge(self, RawUsage::stated(later));
        Some(sum.to_json())
    }
}

/// A count in a usage object that was read.
pub(crate) fn count_of(value: &Value) -> Option<u64> {
    let text = || match value {
        Value::Number(n) => json::count(&n.to_string()),
        Value::String(text) => json::count(text),
        _ => None,
    };
    value.as_u64().or_else(text)
}

/// An object nested deeper than this is not kept: few programs could read the record.
const MAX_DEPTH: usize = 100;

impl RawUsage {
    /// The object as JSON on one line: as it was written, save for white space between its parts.
    pub fn to_json(&self) -> String {
        let json = if self.text.is_empty() {
            self.joined()
        } else {
            readable(&self.text).and_then(|text| compact(&text))
        };
        json.unwrap_or_else(|| "{}".to_owned())
    }

    /// The object as a JSON value. A number that its type cannot hold makes its member null.
    pub fn to_value(&self) -> Value {
        let json = self.to_json();
        let members = members(&json).unwrap_or_default();
        let value = |json: &str| serde_json::from_str(json).unwrap_or_default();
        let members = members.into_iter().map(|(name, json)| (name, value(json)));
        Value::Object(members.collect())
    }

    /// One member; `None` where it was not stated.
    pub fn get(&self, key: &str) -> Option<Value> {
        let value = |json: &str| serde_json::from_str(json).ok();
        if self.text.is_empty() {
            return value(&self.merged.get(key)?.1);
        }
        if self.lacks(key) {
            return None;
        }
        let text = readable(&self.text)?;
        value(member(&text, key)?)
    }

    /// What stands at a path of names and places in lists, as JSON.
    pub(crate) fn at(&self, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let json = self.to_json();
        let mut value = member(&json, first)?;
        for key in rest {
            value = match key.parse() {
                Ok(at) if value.starts_with('[') => item(value, at)?,
                _ => member(value, key)?,
            };
        }
        Some(value.to_owned())
    }

    /// Whether nothing was stated.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.merged.is_empty()
    }

    /// Keeps the text of an object that a parser has taken.
    pub(crate) fn stated(text: &str) -> Self {
        // An object without a key says nothing.
        let text = text.contains('"').then(|| text.to_owned());
        Self {
            text: text.unwrap_or_default(),
            ..Self::default()
        }
    }

    /// An object of these members, each with its value as JSON.
    pub(crate) fn of<'m>(members: impl Iterator<Item = (&'m str, &'m str)>) -> Self {
        let mut usage = Self::default();
        for (name, json) in members {
            if let Some(json) = readable(json).and_then(|json| compact(&json)) {
                usage.insert(name, &json);
            }
        }
        usage
    }

    /// Whether it may have a member of that name that is zero, as far as can be told without reading.
    pub(crate) fn has_zero(&self, key: &str) -> bool {
        if self.text.is_empty() {
            return self.merged.contains_key(key);
        }
        // Most have no number that begins with a zero, which is sooner seen.
        let text = self.text.as_bytes();
        let begins = |at: usize| at > 0 && b": \t\n\r\"".contains(&text[at - 1]);
        if !memchr::memchr_iter(b'0', text).any(begins) {
            return false;
        }
        let mut places = memmem::find_iter(text, key);
        places.any(|at| {
            let rest = self.text.as_bytes()[at + key.len()..].iter();
            let value = rest.copied().find(|b| !b"\\\": \t\n\r".contains(b));
            matches!(value, Some(b'0'))
        })
    }

    /// Keeps only the members whose names fit.
    pub(crate) fn retain(&mut self, fits: impl Fn(&str) -> bool) {
        self.part();
        self.merged.retain(|name, _| fits(name));
    }

    /// The object for a parser that mends what it reads by itself.
    pub(crate) fn parsable(&self) -> Cow<'_, str> {
        match self.text.as_str() {
            "" => self.to_json().into(),
            text => text.into(),
        }
    }

    /// Sets one member to a value that is JSON.
    pub(crate) fn insert(&mut self, name: &str, json: &str) {
        self.part();
        let next = self.next;
        let member = self.merged.entry(name.to_owned()).or_insert_with(|| {
            self.next += 1;
            (next, String::new())
        });
        json.clone_into(&mut member.1);
    }

    /// Takes in what was stated later.
    pub(crate) fn merge(&mut self, merge: Merge, mut later: Self) {
        let replaces = merge == Merge::Keys
            && !self.text.is_empty()
            && are_alike(self.text.as_bytes(), later.text.as_bytes());
        if self.is_empty() || replaces {
            *self = later;
            return;
        }
        later.part();
        if let Merge::Whole(key) = merge
            && later
                .merged
                .get(key)
                .is_some_and(|(_, json)| json != "null")
        {
            *self = later;
            return;
        }
        self.part();
        let mut members: Vec<_> = later.merged.into_iter().collect();
        members.sort_unstable_by_key(|(_, (place, _))| *place);
        for (name, (_, json)) in members {
            match self.merged.get(&name) {
                Some(_) if json == "null" => {}
                Some((_, old)) => {
                    let number = merge.number(old, &json).map(|number| number.to_string());
                    let json = number.or_else(|| merge.object(old, &json)).unwrap_or(json);
                    self.insert(&name, &json);
                }
                None => self.insert(&name, &json),
            }
        }
    }

    /// Takes the one object apart into its members.
    fn part(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let text = readable(&text).unwrap_or_default();
        for (name, json) in members(&text).unwrap_or_default() {
            if let Some(json) = compact(json) {
                self.insert(&name, &json);
            }
        }
    }

    /// The members in their order, as an object.
    fn joined(&self) -> Option<String> {
        let mut members: Vec<_> = self.merged.iter().collect();
        members.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut object = crate::object::Object::default();
        for (name, (_, json)) in members {
            object.add_json(name, json);
        }
        Some(object.finish())
    }

    /// Whether no member of that name can be there, as far as can be told without reading.
    fn lacks(&self, key: &str) -> bool {
        memchr(b'\\', self.text.as_bytes()).is_none() && !self.text.contains(key)
    }
}

/// The text as JSON that any reader takes; `None` where it is none.
fn readable(text: &str) -> Option<Cow<'_, str>> {
    let is_json = |text: &str| serde_json::from_str::<&RawValue>(text).is_ok();
    let mut bytes = text.as_bytes().to_vec();
    if !mend(&mut bytes) {
        return is_json(text).then_some(text.into());
    }
    let mended = String::from_utf8(bytes).ok()?;
    is_json(&mended).then_some(mended.into())
}

/// The members of a JSON object in their order, each with its value as JSON; `None` where it is no object.
fn members(json: &str) -> Option<Vec<(String, &str)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de str)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                members.push((name, value.get()));
            }
            Ok(members)
        }
    }

    let mut json = serde_json::Deserializer::from_str(json);
    json.deserialize_map(Members).ok()
}

/// The member of that name, the last of several, as JSON.
fn member<'j>(json: &'j str, name: &str) -> Option<&'j str> {
    let members = members(json)?;
    let found = members.iter().rev().find(|(other, _)| other == name);
    found.map(|(_, json)| *json)
}

/// The item at that place in a list, as JSON.
fn item(json: &str, at: usize) -> Option<&str> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    items.get(at).map(|item| item.get())
}

/// JSON without white space between its parts; `None` where it is nested too deep.
fn compact(json: &str) -> Option<String> {
    let (mut out, mut depth) = (String::with_capacity(json.len()), 0_usize);
    let mut rest = json;
    while let Some(at) =
        rest.find(|c: char| matches!(c, '"' | '{' | '[' | '}' | ']') || c.is_ascii_whitespace())
    {
        out.push_str(&rest[..at]);
        let end = match rest.as_bytes()[at] {
            b'"' => at + string_end(&rest[at..]),
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => {
                rest = &rest[at + 1..];
                continue;
            }
        };
        if depth > MAX_DEPTH {
            return None;
        }
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}

/// Where the string ends that JSON begins with.
fn string_end(json: &str) -> usize {
    let mut escaped = false;
    let is_end = |(_, b): &(usize, u8)| {
        let ends = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        ends
    };
    let end = json.bytes().enumerate().skip(1).find(is_end);
    end.map_or(json.len(), |(at, _)| at + 1)
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
        self.to_value() == other.to_value()
    }
}

/// As JSON, with serde_json its numbers keep their digits.
impl Serialize for RawUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?;
        json.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found() {
        for (text, key, want) in [
            (r#"{"speed":"fast"}"#, "speed", Some("fast")),
            (r#"{"speedy":"fast","top":"speed"}"#, "speed", None),
            (r#"{"\u0073peed":"fast"}"#, "speed", Some("fast")),
            (r#"{"a":{"speed":"fast"}}"#, "speed", None),
            (r#"{"speed":"slow","speed":"fast"}"#, "speed", Some("fast")),
            // What the parser of events mends is mended here too.
            (r#"{"speed":"fast","x":"\ud800"}"#, "speed", Some("fast")),
            ("{}", "speed", None),
        ] {
            let mut raw = RawUsage::stated(text);
            let found = |raw: &RawUsage| {
                raw.get(key)
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            assert_eq!(found(&raw).as_deref(), want, "{text}");
            assert_eq!(raw.is_empty(), text == "{}");
            raw.part();
            assert_eq!(found(&raw).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn kept_as_written() {
        for (text, want) in [
            (
                r#"{"a" : 1.5e3, "b": 1E400, "c": 0.10}"#,
                Some(r#"{"a":1.5e3,"b":1E400,"c":0.10}"#),
            ),
            (
                "{\n  \"a b\": [ 1,\t2 ],\r\n \"q\\\" ]\": {} }",
                Some(r#"{"a b":[1,2],"q\" ]":{}}"#),
            ),
            (r#"{"n":123456789012345678901234567890.0000}"#, None),
            (
                "{\"t\":\"a\tb\",\"u\":\"\\ud800\"}",
                Some(r#"{"t":"a b","u":"\ufffd"}"#),
            ),
            (r#"{"broken":}"#, Some("{}")),
        ] {
            let mut raw = RawUsage::stated(text);
            assert_eq!(raw.to_json(), want.unwrap_or(text));
            assert_eq!(serde_json::to_string(&raw).expect("JSON"), raw.to_json());
            raw.part();
            assert_eq!(raw.to_json(), want.unwrap_or(text));
        }
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let raw = |depth| RawUsage::stated(&deep(depth)).to_json();
        assert_eq!(raw(MAX_DEPTH - 1), deep(MAX_DEPTH - 1));
        assert_eq!(raw(MAX_DEPTH), "{}");
        assert_eq!(raw(100_000), "{}");
    }

    #[test]
    fn merged() {
        let mut raw = RawUsage::of([("in", "5")].into_iter());
        raw.merge(Merge::Keys, RawUsage::stated("{}"));
        assert_eq!(raw.get("in"), Some(5.into()));
        let mut raw = RawUsage::stated(r#"{"in": 5, "out": 1}"#);
        raw.merge(
            Merge::Keys,
            RawUsage::stated(r#"{"out": 7.50, "in": null, "a": 1}"#),
        );
        assert_eq!(raw.to_json(), r#"{"in":5,"out":7.50,"a":1}"#);
        raw.merge(Merge::Greatest, RawUsage::stated(r#"{"in": 4}"#));
        assert_eq!(raw.get("in"), Some(5.into()));
        raw.merge(Merge::Sum, RawUsage::stated(r#"{"in": 4}"#));
        assert_eq!(raw.get("in"), Some(9.into()));
        raw.merge(Merge::Whole("b"), RawUsage::stated(r#"{"b": 4}"#));
        assert_eq!(raw.to_json(), r#"{"b":4}"#);
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
