//! Events understood once and known again, in this response or a later one.
//!
//! A response repeats the events of the one before it with another id, other times, texts and numbers. A shape keeps
//! a parsed event cut at those, with what it said and where: where another event equals the fixed parts, nothing
//! is parsed, recognised or searched, and it says the same of what stands in the holes. Sound because
//! nothing that decides how an event is understood may stand in a hole: see [`dialect::mention`].

use simd_json::{Node, StaticNode};

use super::dialect::{self, Dialect, Means, rule::Test};
use super::exchange::pads;
use super::json::{Hit, INDEX, Json};
use super::memo::{self, Filling, Pattern, Span};
use super::plan::Found;
use super::sense::{self, Gist, Padding, Parsed, Saying, Says, Sense, Value};

/// An event known again by its bytes. Places are offsets in its data.
pub(super) struct Shape {
    /// Where in the event its data begins.
    pub(super) begin: usize,
    pattern: Option<Pattern>,
    holes: Vec<Hole>,
    sayings: Vec<Kept>,
    /// Which holes only pad the event, and whether they date it.
    padding: Vec<(usize, bool)>,
    gist: Gist,
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
    /// Whether it has to be empty, or must not be: which of several places counts depends on it.
    empty: Option<bool>,
}

/// Something said, and where that stands.
struct Kept {
    means: Means,
    group: u32,
    source: Source,
    required: bool,
}

/// Where it is taken from.
enum Source {
    Given,
    Hole(usize),
    Members(Vec<(&'static str, Stretch)>),
    Number(u64),
    Object(Stretch, bool),
    /// A text that stays, and where it stands if that is known.
    Text(Box<str>, Option<Spot>),
}

/// A place between holes.
struct Spot {
    /// How many holes are before it.
    holes: usize,
    at: usize,
}

/// From one place to another.
type Stretch = (Spot, Spot);

/// An event of a known shape.
#[derive(Clone, Copy)]
pub(super) struct Known<'e> {
    pub(super) event: &'e [u8],
    /// Where what fills its holes stands.
    pub(super) spans: &'e [Span],
    /// Those of its texts that hold escapes, by their holes.
    pub(super) unescaped: &'e [(usize, String)],
}

/// A longer event is not worth keeping.
const MAX_DATA: usize = 8 << 10;
const MAX_HOLES: usize = 32;

impl Shape {
    /// Learns the shape of an event whose response had been speaking `known`; `None` where none can be told.
    pub(super) fn of(
        event: Parsed<'_>,
        sense: &Sense<'_>,
        found: &[Found<'_>],
        known: Option<&'static Dialect>,
    ) -> Option<Self> {
        let dialect = sense.gist.dialect;
        // A dialect settled before would look for other values than were found.
        let other = |known: &Dialect| !known.generic && !std::ptr::eq(known.rules, dialect.rules);
        let Says::Read { sayings, padding } = &sense.says else {
            return None;
        };
        if event.data.len() > MAX_DATA || known.is_some_and(other) {
            return None;
        }
        let mut shape = Self {
            begin: 0,
            pattern: None,
            holes: Vec::new(),
            sayings: Vec::new(),
            padding: Vec::new(),
            gist: sense.gist,
            known,
            then: 0,
            repeats: false,
        };
        let varies = |found: &&Found<'_>| {
            let means = dialect.rules[usize::from(found.rule)].means;
            matches!(means, Means::Call(_) | Means::Created | Means::Id)
                || means.channel().is_some()
        };
        let vary: Vec<_> = found
            .iter()
            .filter(varies)
            .map(|found| event.json.place_of(found.hit.value))
            .collect();
        shape.cut(event, &vary, event.json, None)?;
        for found in found.chunk_by(|a, b| a.rule == b.rule) {
            if found.iter().any(|other| other.path != found[0].path) {
                shape.hold(event, found)?;
            }
        }
        for saying in sayings {
            let kept = shape.keep(event, saying)?;
            shape.sayings.push(kept);
        }
        for Padding { hole, dates } in padding {
            let hole = shape.hole_at(hole.at).map(|hole| (hole, *dates));
            shape.padding.extend(hole);
        }
        Some(shape)
    }

    /// Finds what may differ in a value. A member stands under its key.
    fn cut(
        &mut self,
        event: Parsed<'_>,
        vary: &[usize],
        value: Json<'_>,
        member: Option<(&str, Hit<'_>)>,
    ) -> Option<()> {
        let key = member.map_or("", |(key, _)| key);
        match (value.node(), member) {
            (Node::String(_), _) => self.cut_text(event, vary, value, key)?,
            (Node::Static(StaticNode::U64(_)), Some((_, hit))) if key != INDEX => {
                if let Some(at) = hit.number(event.data) {
                    self.hole(event, at, Filling::Number, Vec::new())?;
                }
            }
            _ => {}
        }
        for (name, value) in value.members() {
            let hit = event.json.root().member(name, value);
            let at = hit.after_key.checked_sub(name.len() + 1)?;
            if !event.data.get(at..)?.starts_with(name.as_bytes()) {
                return None;
            }
            self.cut(event, vary, value, Some((name, hit)))?;
        }
        for item in value.items() {
            self.cut(event, vary, item, None)?;
        }
        Some(())
    }

    fn cut_text(
        &mut self,
        event: Parsed<'_>,
        vary: &[usize],
        value: Json<'_>,
        key: &str,
    ) -> Option<()> {
        let mention = dialect::mention(key);
        let decides = mention.is_some_and(|mention| mention.decides);
        let says_little = mention.is_none() || pads(key);
        let varies = says_little || vary.contains(&event.json.place_of(value));
        if decides || !varies {
            return Some(());
        }
        let tests = mention.map_or(&[][..], |mention| &mention.tests);
        let text = value.as_str()?;
        let answer = |test: &&'static Test| (*test, test.fits(text.as_bytes()));
        let asked = tests.iter().map(answer).collect();
        self.hole(event, value.text_offset()?, Filling::Padding, asked)
    }

    fn hole(
        &mut self,
        event: Parsed<'_>,
        from: usize,
        filling: Filling,
        asked: Vec<(&'static Test, bool)>,
    ) -> Option<()> {
        let (len, _) = filling.span(event.data.get(from..)?)?;
        let last = self.holes.last().map_or(0, |hole| hole.to);
        if from < last || self.holes.len() == MAX_HOLES {
            return None;
        }
        let (to, empty) = (from + len, None);
        self.holes.push(Hole {
            from,
            to,
            filling,
            asked,
            empty,
        });
        Some(())
    }

    /// Holds to which of several places counts.
    fn hold(&mut self, event: Parsed<'_>, found: &[Found<'_>]) -> Option<()> {
        for Found { hit, .. } in found {
            let number = || hit.value.as_u64().and_then(|_| hit.number(event.data));
            let at = hit.value.text_offset().or_else(number);
            let Some(hole) = at.and_then(|at| self.hole_at(at)) else {
                continue;
            };
            let hole = &mut self.holes[hole];
            if hole.filling == Filling::Number {
                return None;
            }
            hole.empty = Some(hole.from == hole.to);
        }
        Some(())
    }

    fn keep(&self, event: Parsed<'_>, saying: &Saying<'_>) -> Option<Kept> {
        let hole = saying.at.and_then(|at| self.hole_at(at));
        let stretch = |raw: &str| {
            let from = sense::offset(raw, event.data);
            let to = from.checked_add(raw.len())?;
            let stands = event.data.get(from..to)? == raw.as_bytes();
            stands.then(|| (self.spot(from), self.spot(to)))
        };
        let source = match (&saying.value, hole) {
            (Value::Failure(_), _) => return None,
            (Value::Given, _) => Source::Given,
            (Value::Members(members), _) => {
                let member = |(key, raw): &(&'static str, &str)| Some((*key, stretch(raw)?));
                Source::Members(members.iter().map(member).collect::<Option<_>>()?)
            }
            (Value::Object(raw, replaces), _) => Source::Object(stretch(raw)?, *replaces),
            (_, Some(hole)) => Source::Hole(hole),
            (Value::Number(n), None) => Source::Number(*n),
            (Value::Text(text), None) => {
                Source::Text((*text).into(), saying.at.map(|at| self.spot(at)))
            }
        };
        Some(Kept {
            means: saying.means,
            group: saying.group,
            source,
            required: saying.required,
        })
    }

    /// The hole that begins at an offset.
    fn hole_at(&self, at: usize) -> Option<usize> {
        self.holes.binary_search_by_key(&at, |hole| hole.from).ok()
    }

    fn spot(&self, at: usize) -> Spot {
        let holes = self.holes.partition_point(|hole| hole.to <= at);
        Spot { holes, at }
    }

    /// Learns what stands around the data, which begins at `begin` of the event.
    pub(super) fn frame(&mut self, event: &[u8], begin: usize) {
        self.begin = begin;
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

    /// What an event of this shape says; `None` where it has to be parsed after all.
    pub(super) fn sense<'e>(&'e self, event: Known<'e>) -> Option<Sense<'e>> {
        let alike = |(hole, at): (&Hole, usize)| hole.is_answered(event.bytes(at));
        let mut holes = self.holes.iter().zip(0..).filter(|(hole, _)| hole.asks());
        holes.all(alike).then_some(Sense {
            gist: self.gist,
            says: Says::Alike(self, event),
        })
    }

    /// Gives each thing that an event of this shape says.
    #[inline]
    pub(super) fn each<'e>(&'e self, event: Known<'e>, mut take: impl FnMut(&Saying<'e>)) {
        for kept in &self.sayings {
            // It is not moved: a copy would wait until all its parts are written.
            if let Some(saying) = &self.say(kept, event) {
                take(saying);
            }
        }
    }

    /// The first text of this meaning in an event.
    pub(super) fn name<'e>(&'e self, event: Known<'e>, means: Means) -> Option<&'e str> {
        let alike = self.sayings.iter().filter(|kept| kept.means == means);
        alike
            .filter_map(|kept| self.say(kept, event))
            .find_map(|saying| saying.name(means))
    }

    /// The places of an event whose values say nothing.
    pub(super) fn padding(&self, event: Known<'_>) -> impl Iterator<Item = Padding> {
        self.padding.iter().map(move |&(hole, dates)| {
            let at = event.spans[hole].0 - self.begin;
            let filling = self.holes[hole].filling;
            let hole = memo::Hole { at, filling };
            Padding { hole, dates }
        })
    }

    fn say<'e>(&'e self, kept: &'e Kept, event: Known<'e>) -> Option<Saying<'e>> {
        let stretch = |(from, to): &Stretch| {
            let [from, to] = [from, to].map(|spot| self.begin + self.now(spot, event.spans));
            str::from_utf8(event.event.get(from..to)?).ok()
        };
        let mut at = None;
        let value = match &kept.source {
            Source::Given => Value::Given,
            Source::Hole(hole) => {
                let (from, to, _) = event.spans[*hole];
                at = Some(from - self.begin);
                match self.holes[*hole].filling {
                    Filling::Number => Value::Number(memo::value(&event.event[from..to])),
                    _ => Value::Text(event.text(*hole)?),
                }
            }
            Source::Members(members) => {
                let member = |(key, raw): &(&'static str, Stretch)| Some((*key, stretch(raw)?));
                Value::Members(members.iter().map(member).collect::<Option<_>>()?)
            }
            Source::Number(n) => Value::Number(*n),
            Source::Object(raw, replaces) => Value::Object(stretch(raw)?, *replaces),
            Source::Text(text, spot) => {
                at = spot.as_ref().map(|spot| self.now(spot, event.spans));
                Value::Text(text)
            }
        };
        Some(Saying {
            means: kept.means,
            group: kept.group,
            value,
            at,
            required: kept.required,
        })
    }

    /// Where in the data of an event a place is.
    fn now(&self, spot: &Spot, spans: &[Span]) -> usize {
        match spot.holes.checked_sub(1) {
            None => spot.at,
            Some(last) => spot.at - self.holes[last].to + spans[last].1 - self.begin,
        }
    }
}

impl<'e> Known<'e> {
    /// The text that fills a hole.
    fn text(self, hole: usize) -> Option<&'e str> {
        str::from_utf8(self.bytes(hole)).ok()
    }

    /// What fills a hole.
    fn bytes(self, hole: usize) -> &'e [u8] {
        let (from, to, escaped) = self.spans[hole];
        let unescaped = || self.unescaped.iter().find(|text| text.0 == hole);
        match escaped.then(unescaped).flatten() {
            Some((_, text)) => text.as_bytes(),
            None => &self.event[from..to],
        }
    }
}

/// The texts of an event that hold escapes, by the holes they fill; `None` where one is no text.
pub(super) fn unescape(event: &[u8], spans: &[Span]) -> Option<Vec<(usize, String)>> {
    if spans.iter().all(|span| !span.2) {
        return Some(Vec::new());
    }
    let escaped = spans.iter().enumerate().filter(|(_, span)| span.2);
    let text = |(hole, &(from, to, _)): (usize, &Span)| {
        let text = serde_json::from_slice(&event[from - 1..=to]).ok();
        Some((hole, text?))
    };
    escaped.map(text).collect()
}

impl Hole {
    /// Whether anything is asked of what stands here.
    fn asks(&self) -> bool {
        !self.asked.is_empty() || self.empty.is_some()
    }

    /// Whether all that was asked of the text that stood here is answered alike by another.
    fn is_answered(&self, text: &[u8]) -> bool {
        let alike = |(test, answer): &(&Test, bool)| test.fits(text) == *answer;
        self.empty.is_none_or(|empty| text.is_empty() == empty) && self.asked.iter().all(alike)
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

    /// Which of several places counts depends on whether the first is empty: if it is, an event is not the same.
    #[test]
    fn an_empty_place_gives_way() {
        let event = |id: u8, first: &str, second: &str| {
            format!(
                "data: {{\"id\":\"chatcmpl-{id}\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":\
                 {{\"reasoning_content\":\"{first}\",\"reasoning\":\"{second}\"}}}}]}}\n\n"
            )
        };
        let (late, early) = (("", "turns"), ("tide", "harbour"));
        for (known, other, want) in [(late, early, "tide"), (early, late, "turns")] {
            let mut meter = Meter::new();
            for (id, (first, second)) in [(0, known), (1, known), (2, other)] {
                meter.feed(event(id, first, second).as_bytes());
                meter.feed(b"data: [DONE]\n\n");
            }
            meter.finish(EndedBy::Upstream);
            let last = std::iter::from_fn(|| meter.next_reading()).last();
            assert_eq!(last.expect("a response").reasoning_bytes, want.len() as u64);
        }
    }

    /// A number takes any value that a count may have.
    #[test]
    fn numbers() {
        for input in [0, 7, 9_999_999_999_999_999_999, u64::MAX] {
            let usage = reading("msg_02", input).usage;
            assert_eq!(usage.value(Measure::Input), Some(input));
            assert_eq!(usage.raw.to_value()["input_tokens"], input);
        }
    }
}
