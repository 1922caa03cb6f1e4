//! The short way past events that are like one already understood: runs of them in one response, and shapes that
//! come in any.
//!
//! Most events of a stream differ only in a piece of text and some padding. Once one of them has been parsed, its
//! bytes are kept, cut at those holes; an event that equals the fixed parts needs no parsing, its text is
//! what fills the hole. That costs a comparison where a parse costs ten times as much. Sound because
//! the fixed parts cover all the rest, framing included, and a hole takes only what a JSON string or number may hold.

use wide::i8x16;

use super::dialect::Dialect;
use super::estimate::transcript::{Heard, Line, Voice};
use super::shape::Shape;

/// Events learned.
#[derive(Default)]
pub(super) struct Memo {
    /// Runs of events in the response under way, which differ only in their texts.
    templates: Vec<Template>,
    /// So many of them hold; the memory of the others is used again.
    live: usize,
    /// What was learned from this response, less one for every few hits: how far trying is from paying off.
    debt: u64,
    hits: u64,
    /// What fills the holes of the event at hand.
    spans: [Span; HOLES],
    /// Events of any response.
    shapes: Vec<Shape>,
    /// The shape of the event before.
    last: usize,
    /// Which one is to be forgotten for another.
    oldest: usize,
    shape_spans: Vec<Span>,
}

/// What may fill a hole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filling {
    /// A number that means nothing here.
    Number,
    /// A text that means nothing here.
    Padding,
    /// A text to be heard.
    Text {
        voice: Voice,
        /// An empty text would let another place count.
        required: bool,
    },
}

/// A place in an event's data that may differ from event to event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hole {
    /// Offset of its first byte, within the quotes if it is a text.
    pub(super) at: usize,
    pub(super) filling: Filling,
}

#[derive(Default)]
struct Template {
    holes: Vec<Hole>,
    /// The event with its numbers as they were, as they mostly stay: fewer runs to compare.
    still: Cut,
    /// Its numbers change.
    moves: bool,
    /// With all its holes; made once it has been missed.
    moving: Cut,
    misses: u32,
}

/// Bytes as fixed runs and the holes between them.
#[derive(Default)]
pub(super) struct Pattern {
    /// As they were when they were cut.
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Where the last hole ended.
    end: usize,
}

/// An event that comes in runs.
#[derive(Default)]
struct Cut {
    /// After the event stands the beginning of another one like it.
    pattern: Pattern,
    /// Where the event ends.
    len: usize,
    /// The hole that is to be heard, if it is but one.
    text: Option<usize>,
}

/// A fixed run of bytes, from where to where, and the hole after it.
struct Part {
    from: usize,
    to: usize,
    filling: Filling,
}

/// What fills a hole: from where to where, and whether it holds escapes.
pub(super) type Span = (usize, usize, bool);

const TEMPLATES: usize = 6;
const SHAPES: usize = 16;
/// Beyond this debt a response is not worth learning from any more.
const MAX_DEBT: u64 = 48;
const HOLES: usize = 8;
/// A longer event is not worth its memory.
const MAX_EVENT: usize = 64 << 10;

impl Memo {
    /// Forgets the events of this response: what they mean has changed.
    pub(super) fn forget(&mut self) {
        self.live = 0;
    }

    /// Starts afresh with a new response.
    pub(super) fn restart(&mut self) {
        self.forget();
        (self.debt, self.hits) = (0, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    pub(super) fn has_shapes(&self) -> bool {
        !self.shapes.is_empty()
    }

    pub(super) fn is_learning(&self) -> bool {
        self.debt < MAX_DEBT
    }

    /// Learns from an event, whose data begins at `begin`, what may be a run of its like: the holes are offsets in
    /// the data.
    pub(super) fn learn(&mut self, event: &[u8], begin: usize, holes: &mut [Hole]) {
        self.debt += 1;
        if event.len() > MAX_EVENT {
            return;
        }
        for hole in holes.iter_mut() {
            hole.at += begin;
        }
        let at = self.live.min(TEMPLATES - 1);
        if self.templates.len() == at {
            self.templates.push(Template::default());
        }
        if self.templates[at].learn(event, holes) {
            self.templates[..=at].rotate_right(1);
            self.live = at + 1;
        } else {
            self.live = at;
        }
    }

    /// Learns the shape of an event.
    pub(super) fn learn_shape(&mut self, shape: Shape) {
        self.debt += 1;
        let at = if self.shapes.len() < SHAPES {
            self.shapes.push(shape);
            self.shapes.len() - 1
        } else {
            self.oldest = (self.oldest + 1) % SHAPES;
            self.shapes[self.oldest] = shape;
            self.oldest
        };
        self.follow(at);
    }

    /// Knows the event at the front of `input` by its shape. Gives the shape, what fills its holes, the event's length,
    /// and whether it mostly comes several times in a row.
    pub(super) fn know(
        &mut self,
        input: &[u8],
        known: Option<&'static Dialect>,
    ) -> Option<(&Shape, &[Span], usize, bool)> {
        if !self.is_learning() {
            return None;
        }
        let spans = &mut self.shape_spans;
        let mut fits = |at: &usize| self.shapes.get(*at)?.fits(input, known, spans);
        let likely = self.shapes.get(self.last)?.then;
        let mut all = std::iter::once(likely).chain(0..self.shapes.len());
        let (at, len) = all.find_map(|at| Some((at, fits(&at)?)))?;
        self.debt = self.debt.saturating_sub(1);
        self.shapes[at].repeats |= at == self.last;
        self.follow(at);
        let shape = &self.shapes[at];
        Some((shape, &self.shape_spans, len, shape.repeats))
    }

    fn follow(&mut self, at: usize) {
        self.shapes[self.last].then = at;
        self.last = at;
    }

    /// Recognises the events at the front of `input` and hears their texts. Gives their length and how many they are.
    pub(super) fn recall(&mut self, input: &[u8], heard: &mut Heard) -> Option<(usize, u64)> {
        let spans = &mut self.spans;
        let run = |template: &mut Template| template.run(input, spans, heard);
        let (which, len, events) = self.templates[..self.live]
            .iter_mut()
            .map(run)
            .enumerate()
            .find_map(|(which, (len, events))| (events > 0).then_some((which, len, events)))?;
        if which > 0 {
            self.templates.swap(0, which);
        }
        self.hits += events;
        self.debt = self.debt.saturating_sub(self.hits / 4);
        self.hits %= 4;
        Some((len, events))
    }
}

impl Template {
    /// Cuts an event at its holes; gives whether they are what they should be.
    fn learn(&mut self, event: &[u8], holes: &mut [Hole]) -> bool {
        holes.sort_by_key(|hole| hole.at);
        let moves = |hole: &&Hole| hole.filling != Filling::Number;
        (self.moves, self.misses) = (false, 0);
        self.holes.clear();
        self.holes.extend_from_slice(holes);
        holes.len() <= HOLES && self.still.learn(event, holes.iter().filter(moves))
    }

    fn run(&mut self, input: &[u8], spans: &mut [Span; HOLES], heard: &mut Heard) -> (usize, u64) {
        if !self.moves {
            let (len, events) = self.still.run(input, spans, heard);
            if events > 0 || self.holes.len() == self.still.pattern.parts.len() {
                return (len, events);
            }
        }
        self.misses = self.misses.saturating_add(1);
        if self.misses == 1 {
            // Most likely the run is over.
            return (0, 0);
        }
        if self.misses == 2 && !self.moving.learn(self.still.event(), self.holes.iter()) {
            // They are none that may change.
            self.holes.retain(|hole| hole.filling != Filling::Number);
            return (0, 0);
        }
        let (len, events) = self.moving.run(input, spans, heard);
        self.moves |= events > 0;
        (len, events)
    }
}

impl Pattern {
    /// Cuts bytes at their holes; `None` where one is not what it should be.
    pub(super) fn new(bytes: &[u8], holes: impl Iterator<Item = (usize, Filling)>) -> Option<Self> {
        let mut pattern = Self::default();
        pattern.learn(bytes, holes)?;
        Some(pattern)
    }

    /// As [`new`](Self::new), in the memory of another one.
    fn learn(&mut self, bytes: &[u8], holes: impl Iterator<Item = (usize, Filling)>) -> Option<()> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.parts.clear();
        self.end = 0;
        for (to, filling) in holes {
            let from = self.end;
            bytes.get(from..to)?;
            let (len, _) = filling.span(&bytes[to..])?;
            self.parts.push(Part { from, to, filling });
            self.end = to + len;
        }
        Some(())
    }

    /// How much of the front of `input` is like it; `spans` become what fills its holes.
    pub(super) fn fits(&self, input: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
        spans.clear();
        let mut at = 0;
        for part in &self.parts {
            at = past(self.fixed(part), input, at)?;
            let (len, escaped) = part.filling.span(&input[at..])?;
            spans.push((at, at + len, escaped));
            at += len;
        }
        past(&self.bytes[self.end..], input, at)
    }

    #[inline]
    fn fixed(&self, part: &Part) -> &[u8] {
        &self.bytes[part.from..part.to]
    }
}

impl Cut {
    /// Cuts an event at its holes, in the memory of another one; gives whether they are what they should be.
    fn learn<'h>(&mut self, event: &[u8], holes: impl Iterator<Item = &'h Hole>) -> bool {
        let pattern = &mut self.pattern;
        let holes = holes.map(|hole| (hole.at, hole.filling));
        if pattern.learn(event, holes).is_none() {
            return false;
        }
        // Lines of JSON end before their line break.
        if !event[pattern.end..].ends_with(b"\n") {
            pattern.bytes.push(b'\n');
        }
        let begin = pattern.parts.first().map_or(event.len(), |part| part.to);
        pattern.bytes.extend_from_slice(&event[..begin]);
        let is_text = |part: &Part| matches!(part.filling, Filling::Text { .. });
        let first = pattern.parts.iter().position(is_text);
        self.text = first.filter(|first| !pattern.parts[first + 1..].iter().any(is_text));
        self.len = event.len();
        true
    }

    fn event(&self) -> &[u8] {
        &self.pattern.bytes[..self.len]
    }

    /// What an event begins with.
    #[inline]
    fn begin(&self) -> &[u8] {
        let first = self.pattern.parts.first();
        &self.pattern.bytes[..first.map_or(0, |part| part.to)]
    }

    /// What follows the last hole.
    #[inline]
    fn end(&self) -> &[u8] {
        &self.pattern.bytes[self.pattern.end..self.len]
    }

    /// The same and the beginning of another event: what mostly follows the last hole.
    #[inline]
    fn joint(&self) -> &[u8] {
        &self.pattern.bytes[self.pattern.end..]
    }

    /// Takes events from the front of `input` while they are like this one, and hears their texts. Gives their length
    /// and how many they are.
    fn run(&self, input: &[u8], spans: &mut [Span; HOLES], heard: &mut Heard) -> (usize, u64) {
        let (mut done, mut events) = (0, 0);
        let Some(mut at) = past(self.begin(), input, 0) else {
            return (done, events);
        };
        if let Some(hole) = self.text
            && let Filling::Text { voice, required } = self.pattern.parts[hole].filling
            && let Some(run) = heard.run(voice, input.len(), |line| {
                self.run_texts(input, at, hole, required, line)
            })
        {
            return run;
        }
        let (last, joint) = (self.end(), self.joint());
        while let Some(end) = self.fill(input, at, spans) {
            let rest = &input[end..];
            let goes_on = rest.starts_with(joint);
            if !goes_on && !rest.starts_with(last) {
                break;
            }
            self.hear(input, spans, heard);
            done = end + last.len();
            events += 1;
            if !goes_on || self.pattern.parts.is_empty() {
                break;
            }
            at = end + joint.len();
        }
        (done, events)
    }

    /// As [`run`](Self::run), where this hole alone is to be heard; the first hole is at `at`.
    fn run_texts(
        &self,
        input: &[u8],
        mut at: usize,
        hole: usize,
        required: bool,
        line: &mut Line,
    ) -> (usize, u64) {
        let pattern = &self.pattern;
        let parts = &*pattern.parts;
        let (before, after) = (&parts[..hole], &parts[hole + 1..]);
        let find = |mut at: usize| {
            for (part, next) in before.iter().zip(&parts[1..]) {
                at += part.filling.span(&input[at..])?.0;
                at = past(pattern.fixed(next), input, at)?;
            }
            let from = at;
            let (len, escaped) = string(&input[at..])?;
            if len == 0 && required {
                return None;
            }
            at += len;
            for part in after {
                at = past(pattern.fixed(part), input, at)?;
                at += part.filling.span(&input[at..])?.0;
            }
            Some((from, len, escaped, at))
        };
        let (last, joint) = (self.end(), self.joint());
        let (mut done, mut events) = (0, 0);
        while let Some((from, len, escaped, end)) = find(at) {
            let rest = &input[end..];
            let goes_on = rest.starts_with(joint);
            if !goes_on && !rest.starts_with(last) {
                break;
            }
            if escaped {
                line.push_escaped(&input[from..from + len]);
            } else {
                line.push(&input[from..], len);
            }
            done = end + last.len();
            events += 1;
            if !goes_on {
                break;
            }
            at = end + joint.len();
        }
        (done, events)
    }

    /// Finds what fills the holes of the event whose first hole is at `at`. Gives where the last one ends.
    #[inline]
    fn fill(&self, input: &[u8], mut at: usize, spans: &mut [Span; HOLES]) -> Option<usize> {
        for (n, (part, span)) in self.pattern.parts.iter().zip(spans).enumerate() {
            if n > 0 {
                at = past(self.pattern.fixed(part), input, at)?;
            }
            let (len, escaped) = part.filling.span(&input[at..])?;
            *span = (at, at + len, escaped);
            at += len;
        }
        Some(at)
    }

    #[inline]
    fn hear(&self, input: &[u8], spans: &[Span; HOLES], heard: &mut Heard) {
        for (part, &(from, to, escaped)) in self.pattern.parts.iter().zip(spans) {
            if let Filling::Text { voice, .. } = part.filling
                && from < to
            {
                let text = &input[from..to];
                if escaped {
                    heard.push_escaped(voice, text);
                } else {
                    heard.push(voice, text);
                }
            }
        }
    }
}

/// Where the fixed bytes end that are to be at `at`.
#[inline]
fn past(fixed: &[u8], input: &[u8], at: usize) -> Option<usize> {
    input[at..].starts_with(fixed).then_some(at + fixed.len())
}

impl Filling {
    /// How far a filling reaches, and whether it holds escapes.
    #[inline]
    pub(super) fn span(self, bytes: &[u8]) -> Option<(usize, bool)> {
        let required = match self {
            Self::Number => return number(bytes),
            Self::Padding => false,
            Self::Text { required, .. } => required,
        };
        string(bytes).filter(|(len, _)| *len > 0 || !required)
    }
}

/// The number that fills a hole.
pub(super) fn value(digits: &[u8]) -> u64 {
    let digit = |n: u64, digit: &u8| n.wrapping_mul(10).wrapping_add(u64::from(digit & 0xf));
    digits.iter().fold(0, digit)
}

/// The length of a number that means nothing.
fn number(bytes: &[u8]) -> Option<(usize, bool)> {
    let len = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let plain = len == 1 || (len > 1 && len < 20 && bytes[0] != b'0');
    let ends = matches!(
        bytes.get(len),
        Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r')
    );
    (plain && ends).then_some((len, false))
}

/// The length of a JSON string's inside, if it is one that any parser takes, and whether it holds escapes.
/// Surrogates are left to the parser.
#[inline(always)]
fn string(bytes: &[u8]) -> Option<(usize, bool)> {
    let at = plain::<false>(bytes);
    // Most texts are a word in ASCII.
    if bytes.get(at) == Some(&b'"') {
        return Some((at, false));
    }
    any_string(bytes, at)
}

/// As [`string`], where so many bytes are plain.
fn any_string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    let mut ascii = true;
    loop {
        at += match *bytes.get(at)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                1 + escape(&bytes[at + 1..])?
            }
            0..0x20 => return None,
            byte => {
                ascii &= byte.is_ascii();
                1
            }
        };
        at += if ascii {
            plain::<false>(&bytes[at..])
        } else {
            plain::<true>(&bytes[at..])
        };
    }
    if !ascii && std::str::from_utf8(&bytes[..at]).is_err() {
        return None;
    }
    Some((at, escaped))
}

/// How many bytes in front are neither control characters, quotes nor backslashes, nor beyond ASCII unless those are
/// taken too. May stop early.
#[inline(always)]
fn plain<const HIGH: bool>(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<16>()) {
        let word = i8x16::new(word.map(u8::cast_signed));
        let equal = |byte: u8| word.simd_eq(i8x16::splat(byte.cast_signed()));
        // What is beyond ASCII is negative.
        let low = word.simd_lt(i8x16::splat(0x20));
        let low = if HIGH { low & !word } else { low };
        let special = (low | equal(b'"') | equal(b'\\')).to_bitmask();
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += 16;
    }
    at
}

/// The length of an escape after its backslash.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => {
            let hex = bytes.get(1..5)?;
            let surrogate = matches!(hex[0], b'd' | b'D') && !matches!(hex[1], b'0'..=b'7');
            (!surrogate && hex.iter().all(u8::is_ascii_hexdigit)).then_some(5)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimate::transcript::Channel;
    use super::*;
    use crate::meter::estimate::vocabulary::Vocabulary;

    #[test]
    fn strings() {
        for (input, want) in [
            (&b"abc\" rest"[..], Some((3, false))),
            (b"\"", Some((0, false))),
            (br#"a\n\u00e9""#, Some((9, true))),
            ("é😀\"".as_bytes(), Some((6, false))),
            (br#"\ud83d\ude00""#, None),
            (br#"\uD7FF""#, Some((6, true))),
            (br#"\x""#, None),
            (b"a\nb\"", None),
            (b"\xff\"", None),
            (b"abc", None),
            (b"abc\\", None),
            (b"\\u12", None),
        ] {
            assert_eq!(string(input), want, "{}", input.escape_ascii());
        }
    }

    /// What a string is, a parser says, wherever in a word it ends.
    #[test]
    fn strings_of_all_sorts() {
        let sorts: [&[u8]; 7] = [
            b"a",
            b"\"",
            b"\\",
            b"\n",
            "é".as_bytes(),
            "😀".as_bytes(),
            b"\x80",
        ];
        let many = sorts.len().pow(4);
        for (before, which) in (0..20).flat_map(|before| (0..many).map(move |n| (before, n))) {
            let mut input = b"a".repeat(before);
            input.extend((0..4).flat_map(|at| sorts[which / sorts.len().pow(at) % sorts.len()]));
            input.extend(b"a\" and what follows it");
            let quoted = [b"\"", &*input].concat();
            let mut parser = serde_json::Deserializer::from_slice(&quoted).into_iter::<String>();
            let want = parser.next().and_then(Result::ok).map(|_| {
                let len = parser.byte_offset() - 2;
                (len, input[..len].contains(&b'\\'))
            });
            assert_eq!(string(&input), want, "{}", input.escape_ascii());
        }
    }

    /// Every byte ends what is plain, or does not, wherever it stands and whatever follows.
    #[test]
    fn plain_bytes() {
        for len in 0..=20 {
            for pair in 0..=u16::MAX {
                let mut input = [b'a'; 40];
                input[len..len + 2].copy_from_slice(&pair.to_be_bytes());
                let special = |b: &u8| matches!(b, 0..0x20 | b'"' | b'\\');
                let low = input.iter().position(special).unwrap_or(32);
                let high = input.iter().position(|b| !b.is_ascii()).unwrap_or(32);
                assert_eq!(plain::<true>(&input), low, "{}", input.escape_ascii());
                assert_eq!(
                    plain::<false>(&input),
                    low.min(high),
                    "{}",
                    input.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn recall() {
        let event =
            |text: &str, n: u64| format!("data: {{\"t\":\"{text}\",\"n\":{n},\"z\":1}}\n\n");
        let mut heard = Heard::default();
        let voice = heard.voice(Channel::Text, 0);
        let mut memo = Memo::default();
        let first = event("Hello", 7);
        let at = |text: &str| first.find(text).unwrap();
        let mut holes = [
            Hole {
                at: at("7"),
                filling: Filling::Number,
            },
            Hole {
                at: at("Hello"),
                filling: Filling::Text {
                    voice,
                    required: true,
                },
            },
        ];
        memo.learn(first.as_bytes(), 0, &mut holes);
        let mut say = |text: &str| memo.recall(text.as_bytes(), &mut heard);
        let second = event(" \\\"world\\\"\\n", 12_345);
        let more = second.clone() + "data: x";
        assert_eq!(say(&more), None, "a run is over at the first miss");
        assert_eq!(say(&more), Some((second.len(), 1)));
        for other in [
            event("", 1),
            event("a", 1).replace("z", "y"),
            "data: {\"t\":\"a".into(),
        ] {
            assert_eq!(say(&other), None, "{other}");
        }
        for n in ["01", "1.5", "-1", "x"] {
            assert_eq!(say(&event("a", 9).replace('9', n)), None, "{n}");
        }
        let want = Vocabulary::O200k.count(" \"world\"\n");
        assert_eq!(heard.tokens(Vocabulary::O200k), want);
    }
}
