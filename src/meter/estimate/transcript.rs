//! The generated text that came through, kept for an estimate; it never leaves the meter.

use std::borrow::Cow;
use std::mem::take;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::call::{self, Call};
use super::vocabulary::{Counter, Vocabulary};

/// What kind of generated text it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::meter) enum Channel {
    Reasoning,
    Text,
    /// Arguments of a tool call.
    Tool,
}

/// Where a piece of text belongs: pieces of one voice follow each other.
pub(in crate::meter) type Voice = usize;

/// All text of one response.
#[derive(Clone, Default)]
pub(in crate::meter) struct Transcript {
    voices: Vec<Speech>,
    /// Tool calls begun.
    pub(in crate::meter) calls: u64,
    /// Bytes of text at hand.
    kept: usize,
    /// Bytes of text let go of uncounted.
    lost: u64,
    /// Bytes of text in all.
    volume: u64,
    /// The memory of texts of responses before.
    spare: Vec<Vec<u8>>,
}

/// What one voice said.
#[derive(Clone)]
pub(in crate::meter) struct Speech {
    channel: Channel,
    group: u32,
    /// UTF-8, unless a server cut a character in two.
    text: Vec<u8>,
    /// What was counted and let go of.
    tally: Option<Tally>,
    /// Bytes, those let go of too.
    volume: u64,
}

/// No model says so much in one response. What comes beyond is let go, and counted by the measure of what was kept.
const KEEP: usize = 4 << 20;
/// Many say no more than this.
const FEW: usize = 256;
/// Longer texts are not worth their memory when another response begins.
const MANY: usize = 16 << 10;
/// So many are kept.
const SPARE: usize = 4;
/// Most texts are no longer than this.
const WORD: usize = 16;

/// Texts that are stated anew with what has come to them, by where they belong.
#[derive(Clone, Default)]
pub(in crate::meter) struct Grown {
    texts: Vec<((Channel, u32), String)>,
}

/// More texts than these are not known again.
const MAX_GROWN: usize = 16;

impl Grown {
    /// What of a text was not in it before: all of it where it does not begin with what came before.
    pub(in crate::meter) fn rest<'t>(&mut self, of: (Channel, u32), text: &'t str) -> &'t str {
        let Some((_, known)) = self.texts.iter_mut().find(|(known, _)| *known == of) else {
            if self.texts.len() < MAX_GROWN {
                self.texts.push((of, text.to_owned()));
            }
            return text;
        };
        if let Some(new) = text.strip_prefix(known.as_str()) {
            known.push_str(new);
            return new;
        }
        if known.len() + text.len() <= KEEP {
            known.push_str(text);
        }
        text
    }
}

impl Transcript {
    /// Forgets all of it but the memory it took.
    pub(in crate::meter) fn renew(&mut self) {
        let (mut voices, mut spare) = (take(&mut self.voices), take(&mut self.spare));
        for Speech { mut text, .. } in voices.drain(..) {
            text.clear();
            if text.capacity() <= MANY && spare.len() < SPARE {
                spare.push(text);
            }
        }
        *self = Self {
            voices,
            spare,
            ..Self::default()
        };
    }

    /// Whether any text came by a channel.
    pub(in crate::meter) fn has(&self, channel: Channel) -> bool {
        let said = |line: &Speech| line.channel == channel && line.volume > 0;
        self.voices.iter().any(said)
    }

    /// The voice of a channel and group.
    pub(in crate::meter) fn voice(&mut self, channel: Channel, group: u32) -> Voice {
        let same = |line: &Speech| line.channel == channel && line.group == group;
        self.voices.iter().position(same).unwrap_or_else(|| {
            // A hostile stream may make up groups without end.
            if self.voices.len() >= 256 {
                return self.voices.len() - 1;
            }
            self.voices.push(Speech {
                channel,
                group,
                text: self.spare.pop().unwrap_or_else(|| Vec::with_capacity(FEW)),
                tally: None,
                volume: 0,
            });
            self.voices.len() - 1
        })
    }

    #[inline]
    pub(in crate::meter) fn push(&mut self, voice: Voice, text: &[u8]) {
        let line = &mut self.voices[voice];
        if self.kept + text.len() <= KEEP {
            line.text.extend_from_slice(text);
            self.kept += text.len();
        } else {
            self.lost += text.len() as u64;
        }
        line.volume += text.len() as u64;
        self.volume += text.len() as u64;
    }

    /// Adds the inside of a JSON string whose escapes are known to be valid and to hold no surrogates.
    pub(in crate::meter) fn push_escaped(&mut self, voice: Voice, raw: &[u8]) {
        let line = &mut self.voices[voice];
        let before = line.text.len();
        line.push_escaped(raw);
        let len = line.text.len() - before;
        if self.kept + len <= KEEP {
            self.kept += len;
        } else {
            line.text.truncate(before);
            line.text.shrink_to_fit();
            self.lost += len as u64;
        }
        line.volume += len as u64;
        self.volume += len as u64;
    }

    /// Lets `say` add texts to a voice, not more than `most` bytes in all; `None` if that could be more than is kept.
    #[inline]
    pub(in crate::meter) fn run<T>(
        &mut self,
        voice: Voice,
        most: usize,
        say: impl FnOnce(&mut Speech) -> T,
    ) -> Option<T> {
        if self.kept + most > KEEP {
            return None;
        }
        let line = &mut self.voices[voice];
        let before = line.text.len();
        let said = say(line);
        let len = line.text.len() - before;
        self.kept += len;
        line.volume += len as u64;
        self.volume += len as u64;
        Some(said)
    }

    /// Whether anything was generated.
    pub(in crate::meter) fn any(&self) -> bool {
        self.calls > 0 || self.voices.iter().any(Speech::any)
    }

    /// The choices whose text was heard, one for each of their voices.
    pub(in crate::meter) fn groups(&self) -> impl Iterator<Item = u32> {
        let texts = |line: &&Speech| line.channel != Channel::Tool;
        self.voices.iter().filter(texts).map(|line| line.group)
    }

    /// Bytes of text so far.
    pub(in crate::meter) fn volume(&self) -> u64 {
        self.volume
    }

    /// Tool calls whose arguments came whole.
    pub(in crate::meter) fn closed_calls(&self) -> u64 {
        let last = self
            .voices
            .iter()
            .rev()
            .find(|line| line.channel == Channel::Tool);
        let open = last.is_some_and(|line| {
            let text = &line.text;
            let arguments = memchr(b'{', text).map(|at| &text[at..]);
            let whole =
                arguments.is_some_and(|json| serde_json::from_slice::<IgnoredAny>(json).is_ok());
            !whole && line.tally.is_none()
        });
        self.calls.saturating_sub(u64::from(open))
    }

    /// Bytes of reasoning so far.
    pub(in crate::meter) fn reasoning(&self) -> u64 {
        let reasoning = |line: &&Speech| line.channel == Channel::Reasoning;
        self.voices
            .iter()
            .filter(reasoning)
            .map(|line| line.volume)
            .sum()
    }

    /// Whether reasoning was heard.
    pub(in crate::meter) fn reasoned(&self) -> bool {
        let reasoning = |line: &&Speech| line.channel == Channel::Reasoning;
        self.voices.iter().filter(reasoning).any(Speech::any)
    }

    /// Bytes of text at hand.
    pub(in crate::meter) fn kept(&self) -> usize {
        self.kept
    }

    /// Counts what was kept and lets go of it. From here on the vocabulary stays.
    pub(in crate::meter) fn fold(&mut self, vocabulary: Vocabulary) {
        for at in 0..self.voices.len() {
            if self.voices[at].text.is_empty() {
                continue;
            }
            let tally = self.voices[at].tally.take();
            let mut tally = tally.unwrap_or_else(|| self.tally(at, vocabulary));
            let line = &mut self.voices[at];
            tally.push(&line.utf8());
            tally.counter.settle();
            line.tally = Some(tally);
            line.text.clear();
            // Of endlessly many voices, each might keep as much.
            line.text.shrink_to(MANY);
        }
        self.kept = 0;
    }

    /// Tokens of all text so far; where the message has `ended`, of what closes its tool calls too.
    pub(in crate::meter) fn tokens(&self, vocabulary: Vocabulary, ended: bool) -> u64 {
        let of = |(at, line): (usize, &Speech)| {
            let open = |tally: &Tally| line.text.is_empty() && (tally.call.is_none() || !ended);
            match &line.tally {
                Some(tally) if open(tally) => return tally.counter.total(),
                None if !self.writes(line, vocabulary) && self.is_first(at) => {
                    return vocabulary.count(&line.utf8());
                }
                _ => {}
            }
            let tally = line.tally.clone();
            let mut tally = tally.unwrap_or_else(|| self.tally(at, vocabulary));
            tally.push(&line.utf8());
            if ended {
                tally.close();
            }
            tally.counter.total()
        };
        let mut counted: u64 = self.voices.iter().enumerate().map(of).sum();
        if self.calls > 0 && vocabulary.is_claude() {
            let text = self
                .voices
                .iter()
                .any(|line| line.channel == Channel::Text && line.any());
            let around = |text: &str| {
                let mut counter = Counter::within(vocabulary);
                counter.push(text);
                counter.total()
            };
            counted += around(&[if text { "\n\n" } else { "" }, &call::before()].concat());
            if ended {
                counted += around(&call::behind());
            }
        }
        if self.lost == 0 {
            return counted;
        }
        let share = u128::from(self.volume - self.lost).max(1);
        let tokens = u128::from(counted) * u128::from(self.volume) / share;
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    /// Tokens of the beginning of the only call, where there is nothing else.
    pub(super) fn given_call(&self, vocabulary: Vocabulary) -> u64 {
        let said = |line: &&Speech| line.any();
        let mut voices = self.voices.iter().filter(said);
        let (Some(call), None, 1) = (voices.next(), voices.next(), self.calls) else {
            return 0;
        };
        // Of a long one, only the count is kept.
        if call.channel != Channel::Tool || call.tally.is_some() {
            return 0;
        }
        let text = call.utf8();
        let name = text.split('{').next().unwrap_or_default();
        let mut counter = Counter::within(vocabulary);
        counter.push(&call::given(name));
        counter.total()
    }

    /// What counts a voice.
    fn tally(&self, voice: Voice, vocabulary: Vocabulary) -> Tally {
        let call = self
            .writes(&self.voices[voice], vocabulary)
            .then(Call::default);
        let counter = match call.is_none() && self.is_first(voice) {
            true => Counter::new(vocabulary),
            false => Counter::within(vocabulary),
        };
        Tally { counter, call }
    }

    /// Whether what a voice says is generated in another form than it is shown.
    fn writes(&self, line: &Speech, vocabulary: Vocabulary) -> bool {
        line.channel == Channel::Tool && vocabulary.is_claude()
    }

    /// Whether a message, or its reasoning, begins with a voice.
    fn is_first(&self, voice: Voice) -> bool {
        let channel = self.voices[voice].channel;
        !self.voices[..voice]
            .iter()
            .any(|line| line.channel == channel)
    }
}

/// What one voice said, counted.
#[derive(Clone)]
struct Tally {
    counter: Counter,
    /// Where it says a tool call that is generated in another form.
    call: Option<Call>,
}

impl Tally {
    fn push(&mut self, text: &str) {
        let Some(call) = &mut self.call else {
            self.counter.push(text);
            return;
        };
        let mut out = Vec::new();
        call.push(text.as_bytes(), &mut out);
        self.counter.push(&String::from_utf8_lossy(&out));
    }

    fn close(&mut self) {
        if let Some(call) = &mut self.call {
            let mut out = Vec::new();
            call.close(&mut out);
            self.counter.push(&String::from_utf8_lossy(&out));
        }
    }
}

impl Speech {
    /// Adds the first `len` of these bytes, uncounted.
    #[inline]
    pub(in crate::meter) fn push(&mut self, bytes: &[u8], len: usize) {
        match bytes.first_chunk::<WORD>() {
            // To copy more is cheaper than to ask how much.
            Some(word) if len <= WORD => {
                self.text.extend_from_slice(word);
                self.text.truncate(self.text.len() - WORD + len);
            }
            _ => self.text.extend_from_slice(&bytes[..len]),
        }
    }

    /// Adds the inside of a JSON string as [`Transcript::push_escaped`] does, uncounted.
    pub(in crate::meter) fn push_escaped(&mut self, raw: &[u8]) {
        let text = &mut self.text;
        let mut rest = raw;
        while let Some(at) = memchr(b'\\', rest)
            && let Some(&escape) = rest.get(at + 1)
        {
            text.extend_from_slice(&rest[..at]);
            rest = &rest[at + 2..];
            text.push(match escape {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'b' => 0x8,
                b'f' => 0xc,
                b'u' => {
                    let hex = rest.get(..4).and_then(|hex| str::from_utf8(hex).ok());
                    let unit = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                    let char = unit.and_then(char::from_u32);
                    let char = char.unwrap_or(char::REPLACEMENT_CHARACTER);
                    text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = rest.get(4..).unwrap_or_default();
                    continue;
                }
                other => other,
            });
        }
        text.extend_from_slice(rest);
    }

    fn utf8(&self) -> Cow<'_, str> {
        // Looking for what is to be replaced takes ten times as long as finding that nothing is.
        match str::from_utf8(&self.text) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(&self.text),
        }
    }

    fn any(&self) -> bool {
        self.volume > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text without end takes no memory without end, and is counted by the measure of its beginning.
    #[test]
    fn more_than_is_kept() {
        let text = "The tide turns twice a day. ".repeat(1000);
        let mut transcript = Transcript::default();
        let voice = transcript.voice(Channel::Text, 0);
        let times = 3 * KEEP / text.len();
        for _ in 0..times {
            transcript.push(voice, text.as_bytes());
        }
        assert!(transcript.voices[voice].text.len() <= KEEP);
        assert_eq!(transcript.volume(), (times * text.len()) as u64);
        let once = Vocabulary::O200k.count(&text);
        let share = transcript.tokens(Vocabulary::O200k, false) * 1000 / (once * times as u64);
        assert!((990..=1010).contains(&share), "{share} in 1000");
    }
}
