//! Events understood once and known again, in this response or a later one.
//!
//! A response repeats the events of the one before it with another id, other times, texts and numbers. A shape keeps
//! a parsed event cut at those, with its tape and what the dialect's rules found in it: where another event equals
//! the fixed parts, the tape is filled in anew and nothing is parsed, recognised or searched. Sound because
//! nothing that decides how an event is understood may stand in a hole: see [`dialect::mention`].

use simd_json::{Node, StaticNode};

use super::dialect::{self, Dialect, Means, rule::Test};
use super::exchange::pads;
use super::frame::Wrap;
use super::json::{Hit, INDEX, Json};
use super::memo::{Filling, Pattern, Span};
use super::plan::Found;
use super::usage::Merge;

/// What an event says, by the dialect it speaks.
pub(super) struct Sense<'e> {
    pub(super) json: Json<'e>,
    /// The bytes it was parsed from.
    pub(super) data: &'e [u8],
    pub(super) wrap: Wrap,
    pub(super) name: &'e str,
    pub(super) dialect: &'static Dialect,
    pub(super) kind: &'e str,
    /// It begins a response.
    pub(super) begins: bool,
    /// As a JSON document it is a whole response.
    pub(super) whole: bool,
    pub(super) found: Vec<Found<'e>>,
}

/// An event known again by its bytes. Places are offsets in its data.
pub(super) struct Shape {
    /// Where in the event its data begins.
    pub(super) begin: usize,
    /// How many bytes of the event follow its data.
    after: usize,
    pattern: Option<Pattern>,
    holes: Vec<Hole>,
    nodes: Vec<Kept>,
    found: Vec<Place>,
    wrap: Wrap,
    name: Box<str>,
    kind: Box<str>,
    begins: bool,
    whole: bool,
    dialect: &'static Dialect,
    /// What the response had been speaking.
    known: Option<&'static Dialect>,
    /// The shape that last came after it.
    pub(super) then: usize,
    /// It comes several times in a row.
    pub(super) repeats: bool,
}

/// A value that may differ.
struct Hole {
    from: usize,
    to: usize,
    filling: Filling,
    /// Questions that decide how an event is understood, and how they were answered.
    asked: Vec<(&'static Test, bool)>,
}

/// A node of the tape.
enum Kept {
    As(Node<'static>),
    /// A string that stays.
    Text {
        at: Spot,
        len: usize,
    },
    /// One that was not written as it reads.
    Own(Box<str>),
    Hole(usize),
}

/// A place between holes.
struct Spot {
    /// How many holes are before it.
    holes: usize,
    at: usize,
}

/// Where a rule found a value.
struct Place {
    rule: u16,
    path: u16,
    group: u32,
    node: usize,
    after_key: Spot,
}

/// A longer event is not worth keeping.
const MAX_DATA: usize = 8 << 10;
const MAX_HOLES: usize = 32;

impl Shape {
    /// Learns the shape of an event whose response had been speaking `known`; `None` where none can be told.
    pub(super) fn of(sense: &Sense<'_>, known: Option<&'static Dialect>) -> Option<Self> {
        // A dialect settled before would look for other values than were found.
        let other =
            |known: &Dialect| !known.generic && !std::ptr::eq(known.rules, sense.dialect.rules);
        if sense.data.len() > MAX_DATA || known.is_some_and(other) {
            return None;
        }
        let mut shape = Self {
            begin: 0,
            after: 0,
            pattern: None,
            holes: Vec::new(),
            nodes: Vec::new(),
            found: Vec::new(),
            wrap: sense.wrap,
            name: sense.name.into(),
            kind: sense.kind.into(),
            begins: sense.begins,
            whole: sense.whole,
            dialect: sense.dialect,
            known,
            then: 0,
            repeats: false,
        };
        shape.keep(sense, sense.json, None)?;
        for Found { rule, path, hit } in &sense.found {
            let place = Place {
                rule: *rule,
                path: *path,
                group: hit.group,
                node: sense.json.place_of(hit.value),
                after_key: shape.spot(hit.after_key),
            };
            shape.found.push(place);
        }
        shape.lighten(sense);
        Some(shape)
    }

    /// Drops from the tape what nobody reads: all but what the rules found, padding, and what questions are asked of.
    fn lighten(&mut self, sense: &Sense<'_>) {
        let mut reads = vec![false; self.nodes.len()];
        for place in &self.found {
            let whole = match sense.dialect.rules[usize::from(place.rule)].means {
                // Its text is taken as it is.
                Means::Usage(_) | Means::UsageSoFar
                    if !matches!(sense.dialect.merge, Merge::Whole(_)) =>
                {
                    1
                }
                _ => sense.json.at_place(place.node).len(),
            };
            reads[place.node..place.node + whole].fill(true);
        }
        for (_, value) in sense.json.members().filter(|(name, _)| pads(name)) {
            let value = sense.json.place_of(value);
            reads[value - 1..=value].fill(true);
        }
        for (kept, reads) in self.nodes.iter_mut().zip(reads) {
            let asked = match kept {
                Kept::Hole(at) => !self.holes[*at].asked.is_empty(),
                Kept::Text { .. } | Kept::Own(_) => false,
                Kept::As(_) => true,
            };
            if !reads && !asked {
                *kept = Kept::As(Node::String(""));
            }
        }
    }

    fn spot(&self, at: usize) -> Spot {
        let holes = self.holes.partition_point(|hole| hole.to <= at);
        Spot { holes, at }
    }

    /// Keeps the nodes of a value, in their order, and what may differ in it. A member stands under its key.
    fn keep(
        &mut self,
        sense: &Sense<'_>,
        value: Json<'_>,
        member: Option<(&str, Hit<'_>)>,
    ) -> Option<()> {
        let key = member.map_or("", |(key, _)| key);
        let kept = match value.node() {
            Node::String(text) => self.keep_text(sense, value, key, text)?,
            Node::Static(number) => {
                let at = match (number, member) {
                    (StaticNode::U64(_), Some((key, hit))) if key != INDEX => {
                        hit.number(sense.data)
                    }
                    _ => None,
                };
                match at {
                    Some(at) => self.hole(sense, at, Filling::Number, Vec::new())?,
                    None => Kept::As(Node::Static(number)),
                }
            }
            Node::Object { len, count } => Kept::As(Node::Object { len, count }),
            Node::Array { len, count } => Kept::As(Node::Array { len, count }),
        };
        self.nodes.push(kept);
        for (name, value) in value.members() {
            let hit = sense.json.root().member(name, value);
            let at = hit.after_key.checked_sub(name.len() + 1)?;
            let as_written = sense.data.get(at..)?.starts_with(name.as_bytes());
            self.nodes.push(Kept::Text {
                at: as_written.then(|| self.spot(at))?,
                len: name.len(),
            });
            self.keep(sense, value, Some((name, hit)))?;
        }
        for item in value.items() {
            self.keep(sense, item, None)?;
        }
        Some(())
    }

    fn keep_text(
        &mut self,
        sense: &Sense<'_>,
        value: Json<'_>,
        key: &str,
        text: &str,
    ) -> Option<Kept> {
        let place = sense.json.place_of(value);
        let at = value.text_offset()?;
        let varies = |found: &Found<'_>| {
            let means = sense.dialect.rules[usize::from(found.rule)].means;
            sense.json.place_of(found.hit.value) == place
                && matches!(means, Means::Created | Means::Id | Means::Text(_))
        };
        let mention = dialect::mention(key);
        let may_vary = mention.is_none_or(|mention| {
            !mention.decides && (pads(key) || sense.found.iter().any(varies))
        });
        if may_vary {
            let tests = mention.map_or(&[][..], |mention| &mention.tests);
            let answer = |test: &&'static Test| (*test, test.holds(Some(value), sense.name));
            return self.hole(
                sense,
                at,
                Filling::Padding,
                tests.iter().map(answer).collect(),
            );
        }
        let written = sense.data.get(at..).unwrap_or_default();
        let as_written =
            written.starts_with(text.as_bytes()) && written.get(text.len()) == Some(&b'"');
        Some(if as_written {
            let (at, len) = (self.spot(at), text.len());
            Kept::Text { at, len }
        } else {
            Kept::Own(text.into())
        })
    }

    fn hole(
        &mut self,
        sense: &Sense<'_>,
        from: usize,
        filling: Filling,
        asked: Vec<(&'static Test, bool)>,
    ) -> Option<Kept> {
        let (len, _) = filling.span(sense.data.get(from..)?)?;
        let last = self.holes.last().map_or(0, |hole| hole.to);
        if from < last || self.holes.len() == MAX_HOLES {
            return None;
        }
        self.holes.push(Hole {
            from,
            to: from + len,
            filling,
            asked,
        });
        Some(Kept::Hole(self.holes.len() - 1))
    }

    /// Learns what stands around the data, which is so long and begins at `begin` of the event.
    pub(super) fn frame(&mut self, event: &[u8], begin: usize, len: usize) {
        self.begin = begin;
        self.after = event.len() - begin - len;
        let holes = self
            .holes
            .iter()
            .map(|hole| (begin + hole.from, hole.filling));
        self.pattern = Pattern::new(event, holes);
    }

    /// The length of the event at the front of `input` if it is of this shape; `spans` become what fills its holes.
    pub(super) fn fits(
        &self,
        input: &[u8],
        known: Option<&'static Dialect>,
        spans: &mut Vec<Span>,
    ) -> Option<usize> {
        let same = match (known, self.known) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.pattern.as_ref().filter(|_| same)?.fits(input, spans)
    }

    /// The data of an event of this shape.
    pub(super) fn data<'e>(&self, event: &'e [u8]) -> &'e [u8] {
        &event[self.begin..event.len() - self.after]
    }

    /// The texts of an event of this shape that hold escapes, by their holes.
    pub(super) fn unescape(&self, event: &[u8], spans: &[Span]) -> Vec<(usize, String)> {
        let escaped = spans.iter().enumerate().filter(|(_, span)| span.2);
        let text = |(hole, &(from, to, _)): (usize, &Span)| {
            let text = serde_json::from_slice(&event[from - 1..=to]).ok();
            Some((hole, text?))
        };
        escaped.filter_map(text).collect()
    }

    /// The tape of an event of this shape; `None` where it has to be parsed after all.
    pub(super) fn tape<'e>(
        &'e self,
        event: &'e [u8],
        spans: &[Span],
        unescaped: &'e [(usize, String)],
    ) -> Option<Vec<Node<'e>>> {
        let data = self.data(event);
        let text = |from: usize, to: usize| std::str::from_utf8(data.get(from..to)?).ok();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for kept in &self.nodes {
            nodes.push(match kept {
                Kept::As(node) => *node,
                Kept::Own(text) => Node::String(text),
                Kept::Text { at, len } => {
                    let at = self.now(at, spans);
                    Node::String(text(at, at + len)?)
                }
                Kept::Hole(at) => {
                    let (from, to, escaped) = spans[*at];
                    let text = if escaped {
                        &unescaped.iter().find(|(hole, _)| hole == at)?.1
                    } else {
                        text(from - self.begin, to - self.begin)?
                    };
                    let hole = &self.holes[*at];
                    match hole.filling {
                        Filling::Number => Node::Static(StaticNode::U64(text.parse().ok()?)),
                        _ if !hole.is_answered(text, &self.name) => return None,
                        _ => Node::String(text),
                    }
                }
            });
        }
        Some(nodes)
    }

    /// What an event of this shape says, by its tape.
    pub(super) fn sense<'e>(
        &'e self,
        event: &'e [u8],
        nodes: &'e [Node<'e>],
        spans: &[Span],
    ) -> Sense<'e> {
        let data = self.data(event);
        let json = Json::new(nodes, data);
        let found = self.found.iter().map(|place| Found {
            rule: place.rule,
            path: place.path,
            hit: Hit {
                value: json.at_place(place.node),
                after_key: self.now(&place.after_key, spans),
                group: place.group,
            },
        });
        Sense {
            json,
            data,
            wrap: self.wrap,
            name: &self.name,
            dialect: self.dialect,
            kind: &self.kind,
            begins: self.begins,
            whole: self.whole,
            found: found.collect(),
        }
    }

    /// Where in the data of an event a place is.
    fn now(&self, spot: &Spot, spans: &[Span]) -> usize {
        match spot.holes.checked_sub(1) {
            None => spot.at,
            Some(last) => spot.at - self.holes[last].to + spans[last].1 - self.begin,
        }
    }
}

impl Hole {
    /// Whether all that was asked of the text that stood here is answered alike by another.
    fn is_answered(&self, text: &str, name: &str) -> bool {
        let nodes = [Node::String(text)];
        let value = Json::new(&nodes, text.as_bytes());
        let alike = |(test, answer): &(&Test, bool)| test.holds(Some(value), name) == *answer;
        self.asked.iter().all(alike)
    }
}

#[cfg(test)]
mod tests {
    use crate::meter::{EndedBy, Measure, Meter, Reading};

    /// The last of some responses that are alike but for what stands in the holes.
    fn reading(id: &str, input: u64) -> Reading {
        let mut meter = Meter::new();
        // The second one is known to follow one of its kind, as the last one does.
        for stream in [
            message("msg_00", 5),
            message("msg_01", 6),
            message(id, input),
        ] {
            meter.feed(stream.as_bytes());
        }
        meter.finish(EndedBy::Upstream);
        std::iter::from_fn(|| meter.next_reading())
            .last()
            .expect("a response")
    }

    fn message(id: &str, input: u64) -> String {
        format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"{id}\",\"type\":\"message\",\
             \"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":\
             {{\"input_tokens\":{input},\"output_tokens\":1}}}}}}\n\n"
        )
    }

    /// How an id begins may tell who answers: then the event is not the same, whatever else is.
    #[test]
    fn what_decides_is_asked_again() {
        for (id, provider) in [
            ("msg_02", "anthropic"),
            ("msg_vrtx_02", "google"),
            ("msg_\\u0076rtx_02", "google"),
        ] {
            assert_eq!(reading(id, 7).provider.as_deref(), Some(provider), "{id}");
        }
    }

    /// A number takes any value that a count may have.
    #[test]
    fn numbers() {
        for input in [0, 7, 9_999_999_999_999_999_999, u64::MAX] {
            let usage = reading("msg_02", input).usage;
            assert_eq!(usage.value(Measure::Input), Some(input));
            assert_eq!(usage.raw.as_map()["input_tokens"], input);
        }
    }
}
