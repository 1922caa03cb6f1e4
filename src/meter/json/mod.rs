//! One event's JSON, parsed whole and once; values are found by path.
//!
//! A path names members by key, with a dot between them. `[]` takes each element of an array, and a condition
//! may stand in the brackets: `parts[thought=true].text`, `choices[!delta].text`, or several with `&` between:
//! `item[type=call&action.type!=open].id`. On an object, brackets test the object itself. Where a key stands twice, the last one counts.

pub(crate) mod close;
pub(crate) mod end;
pub(crate) mod mend;
pub(crate) mod paths;

use end::{Scan, Scanner};
use memchr::memchr3_iter;
use mend::{mend, mend_numbers};
use serde_json::value::RawValue;
use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};

/// Parses events one after the other, reusing its memory.
pub(crate) struct Parser {
    scratch: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

/// A JSON value of the event at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'t> {
    nodes: &'t [Node<'t>],
    /// Address of the event's first byte.
    base: usize,
}

/// A value that a path led to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'t> {
    pub(crate) value: Json<'t>,
    /// Offset in the event just after the key it stands under.
    pub(crate) after_key: usize,
    /// Tells elements of arrays apart: by their `index` member, else by position.
    pub(crate) group: u32,
}

/// The member that tells elements of arrays apart.
pub(crate) const INDEX: &str = "index";
/// An event of more values is none.
const MAX_VALUES: usize = 2 << 20;

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    pub(crate) fn new() -> Self {
        Self {
            scratch: Vec::new(),
            buffers: Buffers::new(0),
            tape: Tape(Vec::new()),
        }
    }

    /// Parses `raw` and hands its value to `read`; `None` where it is no JSON.
    pub(crate) fn parse<R>(
        &mut self,
        raw: &[u8],
        mut read: impl FnMut(Json<'_>) -> R,
    ) -> Option<R> {
        // Parsed, values take many times their bytes.
        if raw.len() > MAX_VALUES && memchr3_iter(b',', b'[', b'{', raw).count() > MAX_VALUES {
            return None;
        }
        self.load(raw);
        let result = self.attempt(raw.len(), &mut read).or_else(|| {
            // A server that cuts a character in two between events is no reason to lose the event.
            self.load(raw);
            let bytes = &mut self.scratch[..raw.len()];
            let strings = mend(bytes);
            if !(mend_numbers(bytes) || strings) {
                return None;
            }
            self.attempt(raw.len(), &mut read)
        });
        if self.scratch.capacity() > 1 << 20 {
            *self = Self::new();
        }
        result
    }

    fn load(&mut self, raw: &[u8]) {
        self.scratch.clear();
        self.scratch.reserve(raw.len() + INPUT_PADDING);
        self.scratch.extend_from_slice(raw);
        self.scratch.resize(raw.len() + INPUT_PADDING, b' ');
    }

    fn attempt<R>(&mut self, len: usize, read: &mut impl FnMut(Json<'_>) -> R) -> Option<R> {
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let base = self.scratch.as_ptr() as usize;
        let good =
            simd_json::fill_tape_padded(&mut self.scratch, len, &mut self.buffers, &mut tape);
        let result = (good.is_ok() && !tape.0.is_empty()).then(|| {
            let nodes = &tape.0;
            read(Json { nodes, base })
        });
        self.tape = tape.reset();
        result
    }
}

impl<'t> Json<'t> {
    /// The first node of its tape.
    pub(crate) fn node(self) -> Node<'t> {
        self.nodes[0]
    }

    /// Which node of this tape a value within begins at.
    pub(crate) fn place_of(self, within: Json<'_>) -> usize {
        let bytes = (within.nodes.as_ptr() as usize).wrapping_sub(self.nodes.as_ptr() as usize);
        bytes / size_of::<Node<'_>>()
    }

    pub(crate) fn as_str(self) -> Option<&'t str> {
        match self.nodes[0] {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// Offset in the event of a string's first character.
    pub(crate) fn text_offset(self) -> Option<usize> {
        self.as_str()
            .map(|text| (text.as_ptr() as usize).wrapping_sub(self.base))
    }

    pub(crate) fn as_u64(self) -> Option<u64> {
        match self.nodes[0] {
            Node::Static(StaticNode::U64(n)) => Some(n),
            Node::Static(StaticNode::I64(n)) => u64::try_from(n).ok(),
            Node::Static(StaticNode::F64(n)) => whole(n),
            _ => None,
        }
    }

    /// A number of things: stated as a whole number, be it in a string. A fraction is none.
    pub(crate) fn as_count(self) -> Option<u64> {
        self.as_u64().or_else(|| count(self.as_str()?))
    }

    /// Seconds, as billionths of one.
    pub(crate) fn as_nanoseconds(self) -> Option<u64> {
        match self.nodes[0] {
            Node::Static(StaticNode::F64(n)) => nanoseconds(n),
            Node::String(text) => nanoseconds(text.trim().parse().ok()?),
            _ => self.as_u64()?.checked_mul(NANOSECONDS),
        }
    }

    /// Whole seconds.
    pub(crate) fn as_seconds(self) -> Option<u64> {
        match self.nodes[0] {
            Node::Static(StaticNode::F64(n)) => whole(n.trunc()),
            _ => self.as_u64(),
        }
    }

    pub(crate) fn is_bool(self) -> bool {
        matches!(self.nodes[0], Node::Static(StaticNode::Bool(_)))
    }

    pub(crate) fn is_true(self) -> bool {
        matches!(self.nodes[0], Node::Static(StaticNode::Bool(true)))
    }

    pub(crate) fn is_number(self) -> bool {
        use StaticNode::{Bool, Null};
        matches!(self.nodes[0], Node::Static(node) if !matches!(node, Bool(_) | Null))
    }

    pub(crate) fn is_object(self) -> bool {
        matches!(self.nodes[0], Node::Object { .. })
    }

    pub(crate) fn is_array(self) -> bool {
        matches!(self.nodes[0], Node::Array { .. })
    }

    /// Neither `null` nor `false`.
    pub(crate) fn is_given(self) -> bool {
        use StaticNode::{Bool, Null};
        !matches!(self.nodes[0], Node::Static(Null | Bool(false)))
    }

    /// The member under `key`.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        let mut found = None;
        for (name, value) in self.members() {
            if name == key {
                found = Some(value);
            }
        }
        found
    }

    /// The first value, in the order of the text, that `path` leads to.
    pub(crate) fn at(self, path: &str) -> Option<Self> {
        let mut found = None;
        self.walk(path, &mut |hit| {
            found.get_or_insert(hit.value);
        });
        found
    }

    /// Every value that `path` leads to.
    pub(crate) fn walk(self, path: &str, found: &mut dyn FnMut(Hit<'t>)) {
        self.root().follow(Step::of(path), found);
    }

    /// The value itself as a hit.
    pub(crate) fn root(self) -> Hit<'t> {
        Hit {
            value: self,
            after_key: 0,
            group: 0,
        }
    }

    /// Members of an object: none of anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let mut rest = if self.is_object() {
            &self.nodes[1..]
        } else {
            &[]
        };
        let base = self.base;
        std::iter::from_fn(move || {
            let (key, tail) = rest.split_first()?;
            let Node::String(key) = *key else { return None };
            let (value, tail) = tail.split_at(span(tail));
            rest = tail;
            Some((key, Self { nodes: value, base }))
        })
    }

    /// Elements of an array: none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let mut rest = if self.is_array() {
            &self.nodes[1..]
        } else {
            &[]
        };
        let base = self.base;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (value, tail) = rest.split_at(span(rest));
            rest = tail;
            Some(Self { nodes: value, base })
        })
    }

    /// Whether the condition between a path's brackets holds.
    fn meets(self, condition: &str) -> bool {
        if let Some((one, others)) = condition.split_once('&') {
            return self.meets(one) && self.meets(others);
        }
        if condition.is_empty() {
            return true;
        }
        if let Some((path, other)) = condition.split_once("!=") {
            return self.at(path).and_then(Json::as_str) != Some(other);
        }
        if let Some(key) = condition.strip_prefix('!') {
            return !self.get(key).is_some_and(Self::is_given);
        }
        let Some((key, want)) = condition.split_once('=') else {
            return self.get(condition).is_some_and(Self::is_given);
        };
        self.get(key).is_some_and(|value| match value.nodes[0] {
            Node::String(text) => text == want,
            Node::Static(StaticNode::Bool(truth)) => want == if truth { "true" } else { "false" },
            _ => false,
        })
    }
}

/// How many of them a second has.
pub(crate) const NANOSECONDS: u64 = 1_000_000_000;

/// A number without a fraction; beyond 2^53 nobody can tell.
fn whole(n: f64) -> Option<u64> {
    ((0.0..=(1_u64 << 53) as f64).contains(&n) && n.fract() == 0.0).then_some(n as u64)
}

/// A whole number in words of JSON: digits, and perhaps a fraction of zeros.
pub(crate) fn count(text: &str) -> Option<u64> {
    let (digits, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b == b'0');
    digits.parse().ok().filter(|_| plain)
}

fn nanoseconds(seconds: f64) -> Option<u64> {
    whole((seconds * NANOSECONDS as f64).round())
}

impl<'t> Hit<'t> {
    /// The text of the value in `event`, the bytes it was parsed from; empty where it stands under no key.
    pub(crate) fn json_in<'e>(&self, event: &'e [u8]) -> &'e str {
        let text = event
            .get(self.after_key..)
            .unwrap_or_default()
            .trim_ascii_start();
        let Some(text) = text.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else {
            return "";
        };
        if text.starts_with(b"{")
            && let Scan::Whole(len) = Scanner::default().scan(text)
        {
            return str::from_utf8(&text[..len]).unwrap_or_default();
        }
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(raw)) => raw.get(),
            _ => "",
        }
    }

    /// Offset in `event` of its first digit, if the value may be a number.
    pub(crate) fn number(&self, event: &[u8]) -> Option<usize> {
        let rest = event.get(self.after_key..)?;
        let skip = rest.iter().take_while(|b| matches!(b, b':' | b' ')).count();
        Some(self.after_key + skip)
    }

    fn follow<'p>(
        self,
        mut path: impl Iterator<Item = Step<'p>> + Clone,
        found: &mut dyn FnMut(Self),
    ) {
        let Some(step) = path.next() else {
            return found(self);
        };
        let mut hit = self;
        if !step.key.is_empty() {
            let named = |(name, _): &(&str, Json<'_>)| *name == step.key;
            let Some((key, value)) = self.value.members().filter(named).last() else {
                return;
            };
            hit = self.member(key, value);
        }
        hit.pick(step.condition, &mut |hit| hit.follow(path.clone(), found));
    }

    /// The value of a member.
    pub(crate) fn member(self, key: &str, value: Json<'t>) -> Self {
        Self {
            value,
            after_key: (key.as_ptr() as usize).wrapping_sub(value.base) + key.len() + 1,
            group: self.group,
        }
    }

    /// What a step's brackets take of the value: all of it without brackets, else each element that meets
    /// their condition, or the object itself if it does.
    pub(crate) fn pick(self, condition: Option<&str>, found: &mut dyn FnMut(Self)) {
        let Some(condition) = condition else {
            return found(self);
        };
        if self.value.is_array() {
            for (at, value) in self.value.items().enumerate() {
                if value.meets(condition) {
                    let index = value.get(INDEX).and_then(Json::as_u64);
                    let index = index.unwrap_or(at as u64) as u32;
                    let group = self.group.wrapping_mul(1000).wrapping_add(index);
                    found(Self {
                        value,
                        group,
                        ..self
                    });
                }
            }
        } else if self.value.is_object() && self.value.meets(condition) {
            found(self);
        }
    }
}

/// One step of a path: a member, and the condition in brackets after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step<'p> {
    /// Empty for the value itself.
    pub(crate) key: &'p str,
    pub(crate) condition: Option<&'p str>,
}

impl<'p> Step<'p> {
    /// The steps of a path.
    pub(crate) fn of(path: &'p str) -> impl Iterator<Item = Self> + Clone {
        let mut rest = path;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            // A condition may hold dots.
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, mut tail) = rest.split_at(end);
            let mut condition = None;
            if let Some(inside) = tail.strip_prefix('[') {
                let (within, after) = inside.split_once(']').unwrap_or((inside, ""));
                condition = Some(within);
                tail = after;
            }
            rest = tail.strip_prefix('.').unwrap_or(tail);
            Some(Self { key, condition })
        })
    }
}

/// How many nodes the first value takes.
fn span(nodes: &[Node<'_>]) -> usize {
    match nodes.first() {
        Some(Node::Object { count, .. } | Node::Array { count, .. }) => count + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str, path: &str) -> Vec<(String, u32)> {
        let mut out = Vec::new();
        Parser::new()
            .parse(json.as_bytes(), |value| {
                value.walk(path, &mut |hit| {
                    let text = hit.value.as_str().map(str::to_owned);
                    let text = text.or_else(|| hit.value.as_u64().map(|n| n.to_string()));
                    out.push((text.unwrap_or_default(), hit.group));
                });
            })
            .expect("JSON");
        out
    }

    #[test]
    fn paths() {
        let json = r#"{"a":{"b":[{"t":"x","k":"u"},{"t":"y","k":"v","ok":true},{"index":7,"t":"z"}]},"n":1,"n":2,"d":{"k":"a.b","t":"w"}}"#;
        let table: &[(&str, &[(&str, u32)])] = &[
            ("a.b[].t", &[("x", 0), ("y", 1), ("z", 7)]),
            ("a.b[k=v].t", &[("y", 1)]),
            ("a.b[ok].t", &[("y", 1)]),
            ("a.b[ok=true].t", &[("y", 1)]),
            ("a.b[!ok].t", &[("x", 0), ("z", 7)]),
            ("a[!c].b[k=u].t", &[("x", 0)]),
            ("d[k=a.b].t", &[("w", 0)]),
            ("[n].n", &[("2", 0)]),
            ("n", &[("2", 0)]),
            ("a.b.t", &[]),
            ("n.x", &[]),
        ];
        for (path, want) in table {
            let got = texts(json, path);
            let got: Vec<_> = got.iter().map(|(t, g)| (t.as_str(), *g)).collect();
            assert_eq!(&got, want, "{path}");
        }
    }

    /// What the memo of templates rests on: a string's place in the event, escapes before it or not.
    #[test]
    fn offsets() {
        let json = r#" {"a\n":"\u00e9 x","longer \"key\"" : ["b", "c\\d"], "u": {"x": 1}}"#;
        Parser::new().parse(json.as_bytes(), |value| {
            for (text, head) in [("b", "b\""), ("c\\d", "c\\\\d\"")] {
                value.walk("longer \"key\"[]", &mut |hit| {
                    if hit.value.as_str() == Some(text) {
                        let at = hit.value.text_offset().unwrap();
                        assert!(json[at..].starts_with(head), "{}", &json[at..]);
                    }
                });
            }
            value.walk("u", &mut |hit| {
                assert_eq!(&json[hit.after_key..], ": {\"x\": 1}}")
            });
        });
    }

    #[test]
    fn mended() {
        let table: &[(&[u8], Option<&str>)] = &[
            (br#"{"t":"\ud83d"}"#, Some("\u{fffd}")),
            (br#"{"t":"\ude00 \ud83d\ude00"}"#, Some("\u{fffd} 😀")),
            (b"{\"t\":\"a\xff\xfeb\"}", Some("a??b")),
            (b"{\"t\":\"a\tb\"}", Some("a b")),
            (
                br#"{"t":123456789012345678901234567890,"t":"x"}"#,
                Some("x"),
            ),
            (br#"{"u":1e400,"v":[-1E+999],"t":"x"}"#, Some("x")),
            (br#"{"t":"x"}{}"#, None),
            (br#"{"t":"x""#, None),
            (b"", None),
        ];
        let mut parser = Parser::new();
        for (raw, want) in table {
            let got = parser.parse(raw, |value| value.get("t")?.as_str().map(str::to_owned));
            assert_eq!(got.flatten().as_deref(), *want, "{}", raw.escape_ascii());
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(parser.parse(deep.as_bytes(), |_| ()).is_none());
    }
}
