//! Facts found in a JSON text without building anything of it: what no path leads to is passed over, strings at the
//! speed of memchr.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Paths of members, merged so that one walk finds all of them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The first one is the text's own value.
    nodes: Vec<Node>,
    /// How many slots there are.
    pub(super) slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    members: Vec<(&'static str, usize)>,
    slot: Option<usize>,
    /// The walk goes on only if the value is one of these strings; empty where any will do.
    only: Vec<&'static str>,
}

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// A value is none of those that are wanted there.
    Other,
    /// The text ends first, or is no JSON.
    Torn,
}

/// Where a value stands in the text; `None` where there is none.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

impl Tree {
    /// The slot of a path, such as `message.usage.input_tokens`. A name that has dots of its own stands between
    /// slashes: `attributes./gen_ai.usage.input_tokens/`.
    pub(super) fn slot(&mut self, path: &'static str) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for name in names(path) {
            let known = self.nodes[at].members.iter().find(|(own, _)| *own == name);
            at = match known {
                Some((_, node)) => *node,
                None => {
                    let node = self.nodes.len();
                    self.nodes.push(Node::default());
                    self.nodes[at].members.push((name, node));
                    node
                }
            };
        }
        let slots = &mut self.slots;
        *self.nodes[at].slot.get_or_insert_with(|| {
            *slots += 1;
            *slots - 1
        })
    }

    /// Lets the walk end at once where the value in a slot is none of these.
    pub(super) fn only(&mut self, slot: usize, values: Vec<&'static str>) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.slot == Some(slot)) {
            node.only = values;
        }
    }

    /// Walks an object, and fills the slots. Gives where it ends. What was found until it stops stays.
    pub(super) fn walk(&self, text: &[u8], spans: &mut Spans) -> Result<usize, Stop> {
        spans.clear();
        spans.resize(self.slots, None);
        let at = blank(text, 0);
        if self.nodes.is_empty() || text.get(at) != Some(&b'{') {
            return Err(Stop::Torn);
        }
        self.object(text, at, 0, spans)
    }

    /// As deep as the paths are, at most.
    fn object(
        &self,
        text: &[u8],
        at: usize,
        node: usize,
        spans: &mut Spans,
    ) -> Result<usize, Stop> {
        let byte = |at: usize| text.get(at).copied().ok_or(Stop::Torn);
        let mut at = blank(text, at + 1);
        while byte(at)? != b'}' {
            let name = at + 1;
            let end = string(text, at).ok_or(Stop::Torn)?;
            let name = &text[name..end - 1];
            at = blank(text, end);
            if byte(at)? != b':' {
                return Err(Stop::Torn);
            }
            at = blank(text, at + 1);
            let members = &self.nodes[node].members;
            let known = members.iter().find(|(own, _)| own.as_bytes() == name);
            at = match known {
                Some((_, node)) => self.value(text, at, *node, spans)?,
                None => skip(text, at).ok_or(Stop::Torn)?,
            };
            at = blank(text, at);
            match byte(at)? {
                b',' => at = blank(text, at + 1),
                b'}' => {}
                _ => return Err(Stop::Torn),
            }
        }
        Ok(at + 1)
    }

    fn value(&self, text: &[u8], at: usize, node: usize, spans: &mut Spans) -> Result<usize, Stop> {
        let here = &self.nodes[node];
        if let Some(slot) = here.slot {
            // That it is there is known even where it is cut off.
            spans[slot] = Some((at, text.len()));
        }
        let is_object = text.get(at) == Some(&b'{');
        let end = if is_object && !here.members.is_empty() {
            self.object(text, at, node, spans)?
        } else {
            skip(text, at).ok_or(Stop::Torn)?
        };
        if let Some(slot) = here.slot {
            spans[slot] = Some((at, end));
            let value = &text[at..end];
            if !here.only.is_empty() && !here.only.iter().any(|only| is(value, only)) {
                return Err(Stop::Other);
            }
        }
        Ok(end)
    }
}

fn names(path: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let whole = rest?;
        // `/` ends a name that has dots of its own.
        let end = match whole.strip_prefix('/') {
            Some(quoted) => {
                let end = quoted.find('/').unwrap_or(quoted.len());
                rest = quoted.get(end + 2..);
                return Some(&quoted[..end]);
            }
            None => whole.find('.').unwrap_or(whole.len()),
        };
        rest = whole.get(end + 1..);
        Some(&whole[..end])
    })
}

/// Whether a value is this very string.
pub(super) fn is(value: &[u8], want: &str) -> bool {
    value.len() == want.len() + 2
        && value[0] == b'"'
        && &value[1..value.len() - 1] == want.as_bytes()
}

/// The members of an object, in their order, as far as they can be read.
pub(super) fn members(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = blank(text, 0);
    let mut open = text.get(at) == Some(&b'{');
    std::iter::from_fn(move || {
        if !open {
            return None;
        }
        open = false;
        let name = blank(text, at + 1);
        let end = string(text, name)?;
        let colon = blank(text, end);
        let from = blank(text, colon + 1);
        let to = skip(text, from)?;
        at = blank(text, to);
        open = text.get(at) == Some(&b',');
        Some((&text[name..end], &text[from..to]))
    })
}

/// A string's text; `None` for any other value.
pub(super) fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr(b'\\', inner).is_some() {
        return serde_json::from_slice::<String>(value).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// A count: a whole number, also where it is written as a string or with a fraction of zero.
pub(super) fn count(value: &[u8]) -> Option<u64> {
    let digits = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    let digits = digits.strip_suffix(b".0").unwrap_or(digits);
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

fn blank(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Where the string that begins here ends.
fn string(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value that begins here ends.
pub(super) fn skip(text: &[u8], mut at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string(text, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = string(text, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let rest = &text[at..];
            let end = rest
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))?;
            (end > 0).then_some(at + end)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u32>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],:é\n ]{0,8}".prop_map(Value::from),
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let name = "[a\"\\\\{}b]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..4)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// A walk finds what a parser finds, whatever stands around it; of a text that was cut, nothing false.
        #[test]
        fn as_a_parser_finds(around in any_value(), wanted in any_value(), n in any::<u64>(), spaced in any::<bool>()) {
            let whole = json!({"a": around, "m": {"x": wanted, "b": around, "n": n}, "z": around});
            let text = if spaced { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) };
            let text = text.expect("JSON");
            let mut tree = Tree::default();
            let [x, n_at, none] = ["m.x", "m.n", "m.y"].map(|path| tree.slot(path));
            let mut spans = Spans::new();
            prop_assert_eq!(tree.walk(text.as_bytes(), &mut spans), Ok(text.len()));
            let get = |slot: usize, spans: &Spans| spans[slot].map(|(from, to)| serde_json::from_str::<Value>(&text[from..to]).expect("JSON"));
            prop_assert_eq!(get(x, &spans), Some(whole["m"]["x"].clone()));
            prop_assert_eq!(get(none, &spans), None);
            let (from, to) = spans[n_at].expect("found");
            if n < 10_u64.pow(18) {
                prop_assert_eq!(count(&text.as_bytes()[from..to]), Some(n));
            }
            for cut_at in 0..text.len() {
                let mut cut_spans = Spans::new();
                prop_assert_eq!(tree.walk(&text.as_bytes()[..cut_at], &mut cut_spans), Err(Stop::Torn));
                for (cut, whole) in cut_spans.iter().zip(&spans) {
                    prop_assert!(cut.is_none_or(|(_, end)| end == cut_at) || cut == whole);
                }
            }
        }
    }

    #[test]
    fn names_with_dots() {
        let all: Vec<_> = names("a./gen_ai.usage.x/.b").collect();
        assert_eq!(all, ["a", "gen_ai.usage.x", "b"]);
        assert_eq!(names("/a.b/").collect::<Vec<_>>(), ["a.b"]);
    }
}
