//! Runs of events in one response, which differ only in their texts.

use crate::meter::estimate::transcript::{Speech, Transcript};
use crate::meter::pattern::{Filling, Hole, Part, Pattern, Span, past, string};

/// Events of the response under way that come in runs.
#[derive(Default)]
pub(crate) struct Templates {
    all: Vec<Template>,
    /// So many of them hold; the memory of the others is used again.
    live: usize,
    /// What fills the holes of the event at hand.
    spans: [Span; HOLES],
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

const TEMPLATES: usize = 6;
const HOLES: usize = 8;
/// A longer event is not worth its memory.
const MAX_EVENT: usize = 64 << 10;

impl Templates {
    /// Forgets all of them: what they mean has changed.
    pub(crate) fn forget(&mut self) {
        self.live = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Learns from an event, whose data begins at `begin`, what may be a run of its like: the holes are offsets in
    /// the data.
    pub(crate) fn learn(&mut self, event: &[u8], begin: usize, holes: &mut [Hole]) {
        if event.len() > MAX_EVENT {
            return;
        }
        for hole in holes.iter_mut() {
            hole.at += begin;
        }
        let at = self.live.min(TEMPLATES - 1);
        if self.all.len() == at {
            self.all.push(Template::default());
        }
        if self.all[at].learn(event, holes) {
            self.all[..=at].rotate_right(1);
            self.live = at + 1;
        } else {
            self.live = at;
        }
    }

    /// Recognises the events at the front of `input` and hears their texts. Gives their length and how many they are.
    pub(crate) fn recall(
        &mut self,
        input: &[u8],
        transcript: &mut Transcript,
    ) -> Option<(usize, u64)> {
        let spans = &mut self.spans;
        let run = |template: &mut Template| template.run(input, spans, transcript);
        let (which, len, events) = self.all[..self.live]
            .iter_mut()
            .map(run)
            .enumerate()
            .find_map(|(which, (len, events))| (events > 0).then_some((which, len, events)))?;
        if which > 0 {
            self.all.swap(0, which);
        }
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

    fn run(
        &mut self,
        input: &[u8],
        spans: &mut [Span; HOLES],
        transcript: &mut Transcript,
    ) -> (usize, u64) {
        if !self.moves {
            let (len, events) = self.still.run(input, spans, transcript);
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
        let (len, events) = self.moving.run(input, spans, transcript);
        self.moves |= events > 0;
        (len, events)
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
    fn run(
        &self,
        input: &[u8],
        spans: &mut [Span; HOLES],
        transcript: &mut Transcript,
    ) -> (usize, u64) {
        let (mut done, mut events) = (0, 0);
        let Some(mut at) = past(self.begin(), input, 0) else {
            return (done, events);
        };
        if let Some(hole) = self.text
            && let Filling::Text { voice, required } = self.pattern.parts[hole].filling
            && let Some(run) = transcript.run(voice, input.len(), |line| {
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
            self.add_texts(input, spans, transcript);
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
        line: &mut Speech,
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
    fn add_texts(&self, input: &[u8], spans: &[Span; HOLES], transcript: &mut Transcript) {
        for (part, &(from, to, escaped)) in self.pattern.parts.iter().zip(spans) {
            if let Filling::Text { voice, .. } = part.filling
                && from < to
            {
                let text = &input[from..to];
                if escaped {
                    transcript.push_escaped(voice, text);
                } else {
                    transcript.push(voice, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::estimate::transcript::Channel;
    use crate::meter::estimate::vocabulary::Vocabulary;

    #[test]
    fn recall() {
        let event =
            |text: &str, n: u64| format!("data: {{\"t\":\"{text}\",\"n\":{n},\"z\":1}}\n\n");
        let mut transcript = Transcript::default();
        let voice = transcript.voice(Channel::Text, 0);
        let mut templates = Templates::default();
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
        templates.learn(first.as_bytes(), 0, &mut holes);
        let mut say = |text: &str| templates.recall(text.as_bytes(), &mut transcript);
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
        assert_eq!(transcript.tokens(Vocabulary::O200k, false), want);
    }
}
