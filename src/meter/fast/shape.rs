//! Events understood once and known again, in this response or a later one.
//!
//! A response repeats the events of the one before it with another id, other times, texts and numbers. A shape keeps
//! a parsed event cut at those, with what it said and where: where another event equals the fixed parts, nothing
//! is parsed, recognised or searched, and it says the same of what stands in the holes. Sound because
//! nothing that decides how an event is understood may stand in a hole: see [`varies::mention`].

use simd_json::{Node, StaticNode};

use super::varies;
use crate::meter::dialect::rule::{Dialect, Means, Test};
use crate::meter::event::{
    self, Content, Fact, Facts, Found, Outline, Padding, Parsed, Read, pads,
};
use crate::meter::json::{Hit, INDEX, Json};
use crate::meter::pattern::{self, Filling, Pattern, Span};

/// Events of any response.
#[derive(Default)]
pub(crate) struct Shapes {
    all: Vec<Shape>,
    /// The shape of the event before.
    last: usize,
    /// Which one is to be forgotten for another.
    oldest: usize,
    spans: Vec<Span>,
}

/// An event known again by its bytes. Places are offsets in its data.
pub(crate) struct Shape {
    /// Where in the event its data begins.
    pub(crate) begin: usize,
    pattern: Option<Pattern>,
    holes: Vec<Varying>,
    facts: Vec<Kept>,
    /// Which holes only pad the event, and whether they date it.
    padding: Vec<(usize, bool)>,
    outline: Outline,
    /// What the response had been speaking.
    known: Option<&'static Dialect>,
    /// The shape that last came after it.
    pub(crate) then: usize,
    /// It comes several times in a row.
    pub(crate) repeats: bool,
}

/// A value that may differ.
struct Varying {
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
    Varying(usize),
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
pub(crate) struct Known<'e> {
    pub(crate) event: &'e [u8],
    /// Where what fills its holes stands.
    pub(crate) spans: &'e [Span],
    /// Those of its texts that hold escapes, by their holes.
    pub(crate) unescaped: &'e [(usize, String)],
}

/// A longer event is not worth keeping.
const MAX_DATA: usize = 8 << 10;
const MAX_HOLES: usize = 32;
const SHAPES: usize = 16;

impl Shapes {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Learns the shape of an event.
    pub(crate) fn learn(&mut self, shape: Shape) {
        let at = if self.all.len() < SHAPES {
            self.all.push(shape);
            self.all.len() - 1
        } else {
            self.oldest = (self.oldest + 1) % SHAPES;
            self.all[self.oldest] = shape;
            self.oldest
        };
        self.follow(at);
    }

    /// Knows the event at the front of `input` by its shape. Gives the shape, what fills its holes, the event's length,
    /// and whether it mostly comes several times in a row.
    pub(crate) fn know(
        &mut self,
        input: &[u8],
        known: Option<&'static Dialect>,
    ) -> Option<(&Shape, &[Span], usize, bool)> {
        let spans = &mut self.spans;
        let mut fits = |at: &usize| self.all.get(*at)?.fits(input, known, spans);
        let likely = self.all.get(self.last)?.then;
        let mut all = std::iter::once(likely).chain(0..self.all.len());
        let (at, len) = all.find_map(|at| Some((at, fits(&at)?)))?;
        self.all[at].repeats |= at == self.last;
        self.follow(at);
        let shape = &self.all[at];
        Some((shape, &self.spans, len, shape.repeats))
    }

    fn follow(&mut self, at: usize) {
        self.all[self.last].then = at;
        self.last = at;
    }
}

impl Shape {
    /// Learns the shape of an event whose response had been speaking `known`; `None` where none can be told.
    pub(crate) fn of(
        event: Parsed<'_>,
        read: &Read<'_>,
        found: &[Found<'_>],
        known: Option<&'static Dialect>,
    ) -> Option<Self> {
        let dialect = read.outline.dialect;
        // A dialect settled before would look for other values than were found.
        let other = |known: &Dialect| !known.generic && !std::ptr::eq(known.rules, dialect.rules);
        if event.data.len() > MAX_DATA || known.is_some_and(other) {
            return None;
        }
        let mut shape = Self {
            begin: 0,
            pattern: None,
            holes: Vec::new(),
            facts: Vec::new(),
            padding: Vec::new(),
            outline: read.outline,
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
        for fact in &read.facts {
            let kept = shape.keep(event, fact)?;
            shape.facts.push(kept);
        }
        for Padding { hole, dates } in &read.padding {
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
        let mention = varies::mention(key);
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
        self.holes.push(Varying {
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

    fn keep(&self, event: Parsed<'_>, fact: &Fact<'_>) -> Option<Kept> {
        let hole = fact.at.and_then(|at| self.hole_at(at));
        let stretch = |raw: &str| {
            let from = event::offset(raw, event.data);
            let to = from.checked_add(raw.len())?;
            let stands = event.data.get(from..to)? == raw.as_bytes();
            stands.then(|| (self.spot(from), self.spot(to)))
        };
        let source = match (&fact.content, hole) {
            (Content::Failure(_), _) => return None,
            (Content::Given, _) => Source::Given,
            (Content::Members(members), _) => {
                let member = |(key, raw): &(&'static str, &str)| Some((*key, stretch(raw)?));
                Source::Members(members.iter().map(member).collect::<Option<_>>()?)
            }
            (Content::Object(raw, replaces), _) => Source::Object(stretch(raw)?, *replaces),
            (_, Some(hole)) => Source::Varying(hole),
            (Content::Number(n), None) => Source::Number(*n),
            (Content::Text(text), None) => {
                Source::Text((*text).into(), fact.at.map(|at| self.spot(at)))
            }
        };
        Some(Kept {
            means: fact.means,
            group: fact.group,
            source,
            required: fact.required,
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
    pub(crate) fn frame(&mut self, event: &[u8], begin: usize) {
        self.begin = begin;
        let holes = self
            .holes
            .iter()
            .map(|hole| (begin + hole.from, hole.filling));
        self.pattern = Pattern::new(event, holes);
    }

    /// The length of the event at the front of `input` if it is of this shape; `spans` become what fills its holes.
    pub(crate) fn fits(
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
    pub(crate) fn facts<'e>(&'e self, event: Known<'e>) -> Option<Alike<'e>> {
        let alike = |(hole, at): (&Varying, usize)| hole.is_answered(event.bytes(at));
        let mut holes = self.holes.iter().zip(0..).filter(|(hole, _)| hole.asks());
        let shape = self;
        holes.all(alike).then_some(Alike { shape, event })
    }

    fn fact<'e>(&'e self, kept: &'e Kept, event: Known<'e>) -> Option<Fact<'e>> {
        let stretch = |(from, to): &Stretch| {
            let [from, to] = [from, to].map(|spot| self.begin + self.now(spot, event.spans));
            str::from_utf8(event.event.get(from..to)?).ok()
        };
        let mut at = None;
        let content = match &kept.source {
            Source::Given => Content::Given,
            Source::Varying(hole) => {
                let (from, to, _) = event.spans[*hole];
                at = Some(from - self.begin);
                match self.holes[*hole].filling {
                    Filling::Number => Content::Number(pattern::value(&event.event[from..to])),
                    _ => Content::Text(event.text(*hole)?),
                }
            }
            Source::Members(members) => {
                let member = |(key, raw): &(&'static str, Stretch)| Some((*key, stretch(raw)?));
                Content::Members(members.iter().map(member).collect::<Option<_>>()?)
            }
            Source::Number(n) => Content::Number(*n),
            Source::Object(raw, replaces) => Content::Object(stretch(raw)?, *replaces),
            Source::Text(text, spot) => {
                at = spot.as_ref().map(|spot| self.now(spot, event.spans));
                Content::Text(text)
            }
        };
        Some(Fact {
            means: kept.means,
            group: kept.group,
            content,
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

/// What an event says that is of a known shape: what another one said, of what stands in its own holes.
pub(crate) struct Alike<'e> {
    shape: &'e Shape,
    event: Known<'e>,
}

impl Facts for Alike<'_> {
    fn outline(&self) -> Outline {
        self.shape.outline
    }

    #[inline]
    fn each(&self, mut take: impl FnMut(&Fact<'_>)) {
        for kept in &self.shape.facts {
            // It is not moved: a copy would wait until all its parts are written.
            if let Some(fact) = &self.shape.fact(kept, self.event) {
                take(fact);
            }
        }
    }

    #[inline]
    fn padding(&self, mut take: impl FnMut(Padding)) {
        for &(hole, dates) in &self.shape.padding {
            let at = self.event.spans[hole].0 - self.shape.begin;
            let filling = self.shape.holes[hole].filling;
            let hole = pattern::Hole { at, filling };
            take(Padding { hole, dates });
        }
    }

    fn says(&self, of: &dyn Fn(Means, u32) -> bool) -> bool {
        let mut facts = self.facts_of(|kept| of(kept.means, kept.group));
        facts.any(|fact| fact.says(of))
    }

    fn name(&self, means: Means) -> Option<&str> {
        let mut facts = self.facts_of(|kept| kept.means == means);
        facts.find_map(|fact| fact.name(means))
    }
}

impl<'e> Alike<'e> {
    /// The facts of some kind. No other is read out of the event: that costs a check of its text.
    fn facts_of(&self, wanted: impl Fn(&Kept) -> bool) -> impl Iterator<Item = Fact<'e>> {
        let kept = self.shape.facts.iter().filter(move |kept| wanted(kept));
        kept.filter_map(|kept| self.shape.fact(kept, self.event))
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
pub(crate) fn unescape(event: &[u8], spans: &[Span]) -> Option<Vec<(usize, String)>> {
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

impl Varying {
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
