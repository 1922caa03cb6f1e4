//! One response under way: what its events have said so far, and the reading that comes of it.

use std::cell::LazyCell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::dialect::{self, Dialect, Done, Means};
use super::estimate::Family;
use super::estimate::transcript::{Channel, Grown, Heard};
use super::failure::Failure;
use super::frame::{Tokens, Wrap};
use super::json::Parser;
use super::local::{self, LOCAL};
use super::memo::{Filling, Hole};
use super::plan::Plans;
use super::raw::RawUsage;
use super::reading::{Charged, Created, EndedBy, Note, Reading, Status};
use super::request::Request;
use super::responses::Place;
use super::sense::{Gist, Padding, Saying, Sense, Value};
use super::shape::Shape;
use super::usage::{Measure, Merge};

/// Everything known of the response under way.
#[derive(Clone, Default)]
pub(super) struct Exchange {
    pub(super) dialect: Option<&'static Dialect>,
    /// The events came wrapped in Bedrock's Invoke frames.
    pub(super) invoked: bool,
    /// Its place in the order in which responses began.
    pub(super) number: u64,
    /// Bytes of the stream that belong to it.
    pub(super) bytes: u64,
    pub(super) began: Duration,
    /// When anything of it came last.
    pub(super) last: Duration,
    pub(super) first_text: Option<Duration>,
    pub(super) http_status: Option<u16>,
    /// What a header block says was used.
    pub(super) tokens: Tokens,
    /// What a header says that it cost, in US dollars ÷ 10^12.
    pub(super) cost: Option<u64>,
    pub(super) gzip: bool,
    pub(super) heard: Heard,
    grown: Grown,
    pub(super) failure: Option<Failure>,
    /// The API's own end marker was seen, or the whole body.
    pub(super) over: bool,
    pub(super) events: u64,
    pub(super) skipped: u64,
    /// Counts every change that an event made to what is known: what was learned before may no longer hold.
    pub(super) version: u64,
    /// A body that the end of input cut off.
    pub(super) cut: bool,
    /// Its events stand as bare lines of JSON: what ends a stream on the wire may not have been kept.
    pub(super) lines: bool,
    /// It came as one body.
    pub(super) whole: bool,
    said: Said,
    ids: Ids,
    /// The same events as if each id were a response of its own, as long as that may be so.
    pub(super) apart: Vec<Exchange>,
    /// How many responses had begun when it was left open.
    pub(super) left: u64,
}

/// The ids that a response's events have borne: some servers give each event a fresh one.
#[derive(Clone, Default)]
struct Ids {
    latest: Option<String>,
    /// Events since the latest one came up.
    events: u64,
    /// So many ids in a row came up for one event each, and the latest one.
    streak: u64,
    /// An event has come that bore none.
    lack: bool,
    /// The event that brought the latest one begins a response.
    begins: bool,
    /// Nothing has come back after another id for so long that it will not.
    settled: bool,
}

/// What a response's events have said of it.
#[derive(Clone, Default)]
struct Said {
    id: Option<String>,
    model: Option<String>,
    served: Option<String>,
    created: Option<Created>,
    tier: Option<String>,
    /// The last reason of each choice.
    finish: Vec<(u32, String)>,
    finish_else: Option<String>,
    /// Reasons given, those that repeat one too.
    finishes: u64,
    /// An event with a place for text gave none.
    goes_on: bool,
    usage: RawUsage,
    /// Bytes of usage taken in, or of what it came to when last measured.
    usage_len: usize,
    usage_is_full: bool,
    /// The output stated so far is no count.
    output_is_placeholder: bool,
    /// The prompt at the start: where a server's tools were used, that at the end is the sum of several.
    first_input: Option<u64>,
    /// What running counts said of each choice's output.
    choices: Vec<(u32, u64)>,
    /// Running counts are of the choice that they come with, not of all.
    counts_by_choice: bool,
    /// What was charged by the piece: what of, and which, by a hash of its name.
    calls: Vec<(Measure, u64)>,
    /// How much had been heard when usage was last stated.
    usage_at: u64,
    /// How much had been heard when a part of the message was last complete.
    rest_at: u64,
}

impl Said {
    /// Why it ended: each reason that a choice gave, once.
    fn reason(&mut self) -> Option<String> {
        if let [(_, reason)] = &mut *self.finish
            && !reason.is_empty()
        {
            return Some(std::mem::take(reason));
        }
        let mut all = String::new();
        for (at, (_, reason)) in self.finish.iter().enumerate() {
            if self.finish[..at].iter().any(|(_, other)| other == reason) {
                continue;
            }
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(reason);
        }
        (!all.is_empty())
            .then_some(all)
            .or_else(|| self.finish_else.take())
    }

    /// Notes something charged by the piece, which may be named again.
    fn call(&mut self, measure: Measure, name: &str) {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let call = (measure, hasher.finish());
        if self.calls.len() < MAX_CALLS && !self.calls.contains(&call) {
            self.calls.push(call);
        }
    }

    /// Whether usage of so many bytes more can be kept: a stream may state new members without end.
    fn has_room(&mut self, more: usize) -> bool {
        if more > MAX_USAGE || self.usage_is_full {
            return false;
        }
        self.usage_len += more;
        if self.usage_len > 2 * MAX_USAGE {
            // Most of it said the same again.
            self.usage_len = self.usage.to_json().len();
            self.usage_is_full = self.usage_len > MAX_USAGE;
        }
        !self.usage_is_full
    }
}

/// What reading one event taught about its shape.
#[derive(Default)]
pub(super) struct Trace {
    /// Where its like may differ from it.
    pub(super) holes: Vec<Hole>,
    /// It did something that its like would do again.
    pub(super) unique: bool,
    pub(super) shape: Option<Shape>,
    states_usage: bool,
}

/// Values that stand where a reason to finish will come.
const NO_REASON: &[&str] = &["", "in_progress", "not_finished", "null", "queued"];
/// Whether a text is a reason to finish.
pub(super) fn is_reason(text: &str) -> bool {
    !NO_REASON.contains(&text)
}

/// Members that pad an event or number it.
const PADDING: &[&str] = &[
    "obfuscation",
    "sequence_number",
    "p",
    "created",
    "created_at",
];
/// Whether a member only pads an event or numbers it.
pub(super) fn pads(key: &str) -> bool {
    PADDING.contains(&key)
}

/// APIs that state usage in a stream only when asked to.
const ASKABLE: &[&str] = &["openai.chat", "openai.completions"];
/// More choices are not told apart.
const MAX_CHOICES: usize = 128;
/// So many responses may turn out to be in what seems one.
const MAX_APART: usize = 32;
/// So many events after another id came up it is known whether the one before comes back.
const MAX_DOUBTFUL: u64 = 256;
/// No name or word is longer, in bytes.
const MAX_WORD: usize = 4 << 10;
/// More searches and the like are not counted.
const MAX_CALLS: usize = 4096;
/// Usage beyond this is no usage.
const MAX_USAGE: usize = 256 << 10;

/// Counts that grow while a response is generated; where each usage replaces the one before, input does too.
const RUNNING: &[Measure] = &[
    Measure::Output,
    Measure::Reasoning,
    Measure::AudioOutput,
    Measure::ImageOutput,
];

impl Exchange {
    /// `heard` is empty, and has the memory for what is to be heard.
    pub(super) fn new(number: u64, began: Duration, skipped: u64, heard: Heard) -> Self {
        Self {
            number,
            began,
            last: began,
            skipped,
            heard,
            ..Self::default()
        }
    }

    /// A response of which only the usage is known.
    pub(super) fn restating(usage: &RawUsage) -> Self {
        let mut exchange = Self::default();
        exchange.said.usage.clone_from(usage);
        exchange
    }

    /// Where an event belongs that bears the id of no other response.
    pub(super) fn place(&self, next: &Signs<'_>) -> Place {
        let (Some(dialect), Some(other)) = (self.dialect, next.dialect) else {
            return match next.dialect {
                // A failure or an unknown event: it is ours unless we are done.
                None if self.over && next.fails => Place::Next,
                Some(_) if self.has_content() => Place::Next,
                _ => Place::Here,
            };
        };
        if dialect.api != other.api || next.whole {
            return self.leave();
        }
        let (same, finished) = (self.has_id(next), !self.said.finish.is_empty());
        let different = next.id.is_some() && self.ids.latest.is_some() && !same;
        // Where each event has a fresh id, another id says nothing.
        let fresh = different && self.ids.streak > 1 && self.ids.events == 1;
        let empty = !next.whole && !next.generates();
        // Another server's sign is no part of what has ended.
        let other_server = !same && !other.generic && dialect.provider != other.provider;
        if finished && other_server && next.id.is_none() && self.ids.latest.is_some() {
            return Place::Next;
        }
        if self.over {
            let begins = next.begins || different || (!same && next.speaks);
            let tail = fresh && empty && !next.begins;
            let begins = begins || other_server;
            return if begins && !tail {
                Place::Next
            } else {
                Place::Here
            };
        }
        if different && finished && (next.speaks || next.begins) {
            return if fresh && empty {
                Place::Here
            } else {
                self.leave()
            };
        }
        if different && next.begins {
            let model = next.model();
            let other_model = model.is_some() && self.said.model.as_deref() != model;
            let stable = self.ids.events > 1 && empty && !next.finishes();
            // A role may stand in every event; what else begins a response stands at its beginning alone.
            let formal = !dialect.finishes_by_choice();
            if self.is_used() && (other_model || stable || formal) {
                return self.leave();
            }
        }
        if different {
            let open = !self.ids.settled && self.apart.len() < MAX_APART;
            return if open { Place::Unclear } else { Place::Here };
        }
        if next.begins && self.is_used() && !dialect.has_ids() {
            return Place::Next;
        }
        if !same && self.is_repeated_by(next) {
            return Place::Next;
        }
        Place::Here
    }

    /// Whether an event without an id says more of a choice that had its end: the end was the response's.
    fn is_repeated_by(&self, next: &Signs<'_>) -> bool {
        let dialect = self.dialect.filter(|dialect| dialect.done == Done::Finish);
        let Some(dialect) = dialect.filter(|it| next.begins || it.begins.is_empty()) else {
            return false;
        };
        let finished = |choice: u32| self.said.finish.iter().any(|(of, _)| *of == choice);
        let goes_on = next.is_element || (!self.said.goes_on && next.finishes());
        !goes_on && next.says_in(&|group| finished(dialect.choice(group)))
    }

    /// Where an event belongs that is none of this response's: it may go on if it has not ended.
    pub(super) fn leave(&self) -> Place {
        let ended = !self.said.finish.is_empty() && !self.said.usage.is_empty();
        if !self.has_content() {
            Place::Here
        } else if self.over || ended || self.ids.latest.is_none() {
            Place::Next
        } else {
            Place::Beside
        }
    }

    /// Whether an event bears the id that this response's last one bore.
    pub(super) fn has_id(&self, next: &Signs<'_>) -> bool {
        let same_api = match (self.dialect, next.dialect) {
            (Some(one), Some(other)) => one.api == other.api,
            _ => false,
        };
        same_api && next.id.is_some() && next.id == self.ids.latest.as_deref()
    }

    /// Whether an event that bears no id may go on with this response.
    pub(super) fn can_hold(&self, next: &Signs<'_>) -> bool {
        let api = |dialect: &'static Dialect| dialect.api;
        !self.over && self.dialect.map(api) == next.dialect.map(api)
    }

    /// Whether some of its events bore no id.
    pub(super) fn lacks_ids(&self) -> bool {
        self.ids.lack
    }

    /// Whether nothing but an end marker is missing.
    pub(super) fn awaits_end(&self) -> bool {
        !self.over && !self.said.finish.is_empty()
    }

    /// Takes note of the id that an event bears, or that it bears none.
    pub(super) fn identify(&mut self, next: &Signs<'_>) {
        let ids = &mut self.ids;
        match next.id {
            Some(id) if ids.latest.as_deref() != Some(id) => {
                ids.streak = if ids.events == 1 { ids.streak + 1 } else { 1 };
                ids.latest = Some(id.to_owned());
                (ids.events, ids.begins) = (1, next.begins);
                self.version += 1;
            }
            id => {
                ids.events += 1;
                ids.lack |= id.is_none();
            }
        }
    }

    /// As [`identify`](Self::identify), for events like the last one.
    pub(super) fn identify_like(&mut self, events: u64) {
        self.ids.events += events;
    }

    /// From here on, keeps in mind that the event at hand may be of a response beside this one.
    pub(super) fn divide(&mut self, now: Duration) {
        if self.apart.is_empty() {
            self.apart.push(self.clone());
        }
        self.apart.push(Self::new(0, now, 0, Heard::default()));
    }

    /// Ends the doubt whether it is several responses.
    fn settle(&mut self) {
        self.apart = Vec::new();
        self.ids.settled = true;
    }

    /// The responses that it was in truth, where it was several: each went on for a while, and the next one had a
    /// beginning.
    pub(super) fn take_apart(&mut self) -> Option<Vec<Exchange>> {
        let (_, others) = self.apart.split_first()?;
        let (_, before) = self.apart.split_last()?;
        let unmarked = self.dialect.is_none_or(|dialect| dialect.begins.is_empty());
        // One event under another id is an end that a server adds.
        let goes_on = |other: &Exchange| other.ids.events > 1 && (other.ids.begins || unmarked);
        let several = others.iter().all(goes_on) && before.iter().all(|other| other.ids.events > 2);
        if !several {
            return None;
        }
        let mut apart = std::mem::take(&mut self.apart);
        if let Some(last) = apart.last_mut() {
            (last.over, last.cut, last.lines) = (self.over, self.cut, self.lines);
            last.failure = self.failure.take();
        }
        apart[0].number = self.number;
        Some(apart)
    }

    /// Whether anything beyond headers has been seen.
    pub(super) fn has_content(&self) -> bool {
        self.dialect.is_some() || self.failure.is_some() || self.gzip || self.events > 0
    }

    /// Whether it has begun, and its end has not come.
    pub(super) fn is_under_way(&self) -> bool {
        self.has_content() && !self.over
    }

    /// Whether it has got beyond its first words: a proxy may announce a response under an id of its own.
    fn is_used(&self) -> bool {
        let said = &self.said;
        self.heard.any() || !said.usage.is_empty() || !said.finish.is_empty()
    }

    /// Takes in what an event says, as if it belonged to the last of the responses that this one may be.
    pub(super) fn take_doubtful(&mut self, sense: &Sense<'_>, trace: &mut Trace, now: Duration) {
        let Some(last) = self.apart.last_mut() else {
            return;
        };
        last.identify(&Signs::of(sense));
        last.adopt(sense.gist.dialect);
        last.take(sense, &mut Trace::default());
        last.last = now;
        last.first_text = last.first_text.or(last.heard.any().then_some(now));
        // What was learned of a run of events knows of one response alone.
        self.version += 1;
        trace.unique = true;
        if self.events - self.apart[0].events > MAX_DOUBTFUL {
            self.settle();
        }
    }

    /// Counts an event, and notes the dialect it speaks.
    pub(super) fn adopt(&mut self, dialect: &'static Dialect) {
        self.events += 1;
        if self.dialect.is_none_or(|known| known.generic) {
            let better = self
                .dialect
                .is_none_or(|known| dialect::is_narrower(dialect, known));
            if better {
                self.dialect = Some(dialect);
                self.version += 1;
            }
        }
    }

    /// Takes in what an event says.
    pub(super) fn take(&mut self, sense: &Sense<'_>, trace: &mut Trace) {
        trace.unique |= sense.gist.odd;
        let before = self.heard.volume();
        let (mut choice, finishes) = (None, self.said.finishes);
        sense.each(|saying| {
            if saying.means.channel().is_some() || saying.means == Means::Finish {
                choice.get_or_insert(saying.group);
            }
            self.note(saying, trace);
        });
        self.said.goes_on |= sense.gist.speaks && self.said.finishes == finishes;
        if trace.states_usage {
            // A running count includes the text that came with it.
            self.said.usage_at = self.heard.volume();
            self.note_choice(choice, self.heard.volume() > before);
        }
        // A time that is not known yet is more than padding: the next event may state it.
        let dated = self.said.created.is_some();
        sense.pads(|Padding { hole, dates }| {
            if dated || !dates {
                trace.holes.push(hole);
            }
        });
    }

    fn note(&mut self, saying: &Saying<'_>, trace: &mut Trace) {
        let text = match saying.value {
            Value::Text(text) => Some(brief(text)).filter(|text| !text.is_empty()),
            _ => None,
        };
        match saying.means {
            Means::Call(measure) => {
                if let Some(text) = text {
                    trace.unique = true;
                    self.version += 1;
                    self.said.call(measure, text);
                }
            }
            Means::Created => {
                if self.said.created.is_some() {
                    return;
                }
                let text = || text.map(|text| Created::Text(text.to_owned()));
                self.said.created = match saying.value {
                    Value::Number(seconds) if seconds > 0 => Some(Created::Unix(seconds)),
                    _ => text(),
                };
                self.version += u64::from(self.said.created.is_some());
            }
            Means::Model => {
                if let (None, Some(text)) = (&self.said.model, text) {
                    self.said.model = Some(text.to_owned());
                    self.version += 1;
                }
            }
            Means::Id if self.said.id.is_some() => {}
            Means::Id | Means::Served | Means::Tier => {
                let slot = match saying.means {
                    Means::Id => &mut self.said.id,
                    Means::Tier => &mut self.said.tier,
                    _ => &mut self.said.served,
                };
                if text.is_some() && slot.as_deref() != text {
                    *slot = text.map(str::to_owned);
                    self.version += 1;
                }
            }
            Means::Finish | Means::FinishElse => {
                let reason = match saying.value {
                    Value::Number(n) => n.to_string(),
                    _ => text.unwrap_or_default().to_owned(),
                };
                trace.unique = true;
                self.version += 1;
                self.said.finishes += 1;
                if saying.means == Means::FinishElse {
                    self.said.finish_else = Some(reason);
                    return;
                }
                let finish = &mut self.said.finish;
                let same = |(choice, _): &(u32, _)| *choice == saying.group;
                match finish.iter().position(same) {
                    Some(at) => finish[at].1 = reason,
                    None if finish.len() < 16 => finish.push((saying.group, reason)),
                    None => {}
                }
            }
            Means::End => {
                if !self.over {
                    trace.unique = true;
                    self.version += 1;
                    self.over = true;
                }
            }
            Means::Tool => {
                if let Some(name) = text {
                    trace.unique = true;
                    self.heard.calls += 1;
                    let voice = self.heard.voice(Channel::Tool, saying.group);
                    self.heard.push(voice, name.as_bytes());
                }
            }
            Means::Error => {
                if let Value::Failure(failure) = &saying.value {
                    trace.unique = true;
                    self.fail(Some(failure.as_ref().clone()));
                }
            }
            Means::Usage(_) | Means::UsageSoFar => {
                if let Value::Object(raw, replaces) = saying.value {
                    trace.unique = true;
                    self.version += 1;
                    trace.states_usage |= self.state(saying.means, raw, replaces);
                }
            }
            Means::UsageKeys(_) => {
                let members = match &saying.value {
                    Value::Members(members) => members.as_slice(),
                    _ => &[],
                };
                let fits = |(_, raw): &&(&str, &str)| self.said.has_room(raw.len());
                let some = RawUsage::of(members.iter().filter(fits).copied());
                if !some.is_empty() {
                    trace.unique = true;
                    self.version += 1;
                    self.said.usage.merge(self.merge(), some);
                    trace.states_usage = true;
                }
            }
            Means::Rest => {
                trace.unique = true;
                self.said.rest_at = self.heard.volume();
            }
            Means::TextElse(channel) => {
                if let Value::Text(text) = saying.value
                    && !self.heard.has(channel)
                {
                    trace.unique = true;
                    let voice = self.heard.voice(channel, saying.group);
                    self.heard.push(voice, text.as_bytes());
                }
            }
            Means::TextSoFar(channel) => {
                let voice = self.heard.voice(channel, saying.group);
                trace.unique = true;
                if let Value::Text(text) = saying.value {
                    let new = self.grown.rest((channel, saying.group), text);
                    self.heard.push(voice, new.as_bytes());
                }
            }
            Means::Text(channel) => {
                let voice = self.heard.voice(channel, saying.group);
                match saying.value {
                    Value::Text(text) => {
                        self.heard.push(voice, text.as_bytes());
                        let required = saying.required;
                        let filling = Filling::Text { voice, required };
                        let hole = saying.at.map(|at| Hole { at, filling });
                        trace.holes.extend(hole);
                    }
                    Value::Object(raw, _) => {
                        self.heard.push(voice, raw.as_bytes());
                        trace.unique = true;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Notes what the usage of an event says of the one choice in it. Where a count does not grow with another choice's
    /// text, counts are not of all choices.
    fn note_choice(&mut self, choice: Option<u32>, grew: bool) {
        let said = &mut self.said;
        let (Some(choice), Some(dialect)) = (choice, self.dialect) else {
            // Usage without a choice is that of all.
            said.choices.clear();
            return;
        };
        let Some(output) = dialect.output_of(&said.usage) else {
            return;
        };
        let last = said.choices.last().filter(|_| grew);
        said.counts_by_choice |=
            last.is_some_and(|(last, count)| *last != choice && output <= *count);
        said.choices.retain(|(known, _)| *known != choice);
        if said.choices.len() < MAX_CHOICES {
            said.choices.push((choice, output));
        }
    }

    /// Takes in a usage object; gives whether there was room for it.
    fn state(&mut self, means: Means, raw: &str, mut replaces: bool) -> bool {
        if !raw.starts_with('{') || !self.said.has_room(raw.len()) {
            return false;
        }
        let mut stated = RawUsage::stated(raw);
        let unnamed = matches!(means, Means::Usage("") | Means::UsageSoFar);
        if unnamed && let Some(dialect) = self.dialect {
            replaces &= !dialect.drop_zeros(&self.said.usage, &mut stated);
            if stated.is_empty() {
                return true;
            }
            dialect.drop_total(&mut self.said.usage, &stated);
            if means == Means::UsageSoFar {
                self.said.output_is_placeholder = true;
                self.said.first_input = dialect.input_of(&stated);
            } else if self.said.output_is_placeholder && dialect.output_of(&stated).is_some() {
                self.said.output_is_placeholder = false;
            }
        }
        match means {
            Means::Usage(name) if !name.is_empty() => {
                self.said.usage.insert(name, &stated.to_json());
            }
            // All that was said before is void: nothing of it need be read.
            _ if replaces => self.said.usage = stated,
            _ => self.said.usage.merge(self.merge(), stated),
        }
        true
    }

    fn merge(&self) -> Merge {
        self.dialect.map_or(Merge::Keys, |dialect| dialect.merge)
    }

    /// Notes a failure; the first one counts.
    pub(super) fn fail(&mut self, failure: Option<Failure>) {
        self.version += 1;
        if self.failure.is_none() {
            self.failure = failure;
        }
    }

    /// The model that answers, as far as it is known.
    pub(super) fn model(&self) -> Option<&str> {
        self.said.served.as_deref().or(self.said.model.as_deref())
    }

    /// Ends the response and says what it came to.
    pub(super) fn finish(
        &mut self,
        ended_by: EndedBy,
        end: &Ending<'_>,
        parser: &mut Parser,
        plans: &mut Plans,
    ) -> Reading {
        let dialect = self.dialect;
        let finishes = dialect.is_some_and(|dialect| dialect.done == Done::Finish);
        let soft =
            (finishes || end.followed || self.lines) && !self.cut && !self.said.finish.is_empty();
        let http_error = self.http_status.is_some_and(|status| status >= 400);
        let status = if self.failure.is_some() || (http_error && !self.over) {
            Status::Error
        } else if dialect.is_none() {
            if self.has_content() || self.skipped > 0 {
                Status::Unrecognised
            } else {
                Status::Empty
            }
        } else if self.over || soft {
            Status::Complete
        } else if ended_by == EndedBy::Upstream {
            Status::Truncated
        } else {
            Status::Cancelled
        };
        let generated = self.heard.any();
        let partial = match status {
            Status::Truncated | Status::Cancelled => true,
            Status::Error => generated,
            _ => false,
        };

        let name = end.model.or_else(|| end.request?.model());
        let here = end.provider.is_none() && end.request.is_some_and(Request::is_local);
        let gateway = here
            && !self
                .provider(name)
                .is_some_and(|provider| local::is_server(&provider))
            && self.model().or(name).is_some_and(local::is_sold_alone);
        let told = end.model.map(str::to_owned);
        let request_model = end.request.and_then(Request::model).map(str::to_owned);
        let mut reading = Reading {
            api: match dialect {
                Some(_) if self.invoked => Some("bedrock.invoke"),
                Some(dialect) => Some(dialect.api),
                None => None,
            },
            provider: end
                .provider
                .or_else(|| end.request?.provider().filter(|_| !here))
                .map(str::to_owned)
                .or_else(|| self.provider(name))
                .filter(|provider| !here || gateway || local::is_server(provider))
                .or_else(|| here.then(|| LOCAL.to_owned()).filter(|_| !gateway)),
            request_model,
            model: told.or(self.said.served.take()).or(self.said.model.take()),
            response_id: self.said.id.take(),
            created: self.said.created.take(),
            // Which tier `auto` came to only the response can tell.
            service_tier: self.said.tier.take().or_else(|| {
                let asked = end.request?.tier().filter(|tier| *tier != "auto");
                asked.map(str::to_owned)
            }),
            region: end.request.and_then(Request::region).map(str::to_owned),
            status,
            partial,
            ended_by,
            finish_reason: if partial && self.goes_on() {
                None
            } else {
                self.said.reason()
            },
            failure: self.failure.take(),
            http_status: self.http_status,
            text_bytes: self.heard.volume(),
            reasoning_bytes: self.heard.reasoning(),
            bytes: self.bytes,
            events: self.events,
            events_skipped: self.skipped,
            began: self.began,
            first_text: self.first_text,
            ended: self.last,
            ..Reading::default()
        };
        if gateway {
            reading.notes.push(Note::Gateway);
        }
        if self.gzip {
            reading.notes.push(Note::Gzip);
        }
        if let Some(dialect) = dialect {
            self.count(dialect, parser, plans, &mut reading);
        }
        self.estimate(end.request, &mut reading);
        reading.usage.raw = std::mem::take(&mut self.said.usage);
        reading
    }

    /// Whether a choice that has begun has not finished.
    fn goes_on(&self) -> bool {
        let finished = |choice: u32| self.said.finish.iter().any(|(of, _)| *of == choice);
        let by_choice = self.dialect.is_some_and(Dialect::finishes_by_choice);
        let choices = self.dialect.into_iter().flat_map(|dialect| {
            let choice = |group| dialect.choice(group);
            self.heard.groups().map(choice)
        });
        by_choice && !choices.into_iter().all(finished)
    }

    /// Who answers, as far as the stream tells, by a model of this name if it has none of its own.
    fn provider(&self, model: Option<&str>) -> Option<String> {
        if self.invoked || self.tokens != Tokens::default() {
            return Some("aws".to_owned());
        }
        self.speaker(model).map(str::to_owned)
    }

    /// Who answers in its dialect by its model.
    pub(super) fn speaker(&self, model: Option<&str>) -> Option<&'static str> {
        let model = self.model().or(model).unwrap_or_default();
        let provider = self.dialect?.provider_of(model);
        Some(provider).filter(|provider| !provider.is_empty())
    }

    /// Counts what is charged by the piece, where the provider does not state how often.
    fn count_calls(&self, reading: &mut Reading) {
        for (measure, _) in &self.said.calls {
            if reading.usage.get(*measure).is_none() {
                let all = self.said.calls.iter().filter(|(of, _)| of == measure);
                reading.usage.report(*measure, all.count() as u64);
            }
        }
    }

    /// Reads the counts out of the usage the provider stated.
    pub(super) fn count(
        &self,
        dialect: &'static Dialect,
        parser: &mut Parser,
        plans: &mut Plans,
        reading: &mut Reading,
    ) {
        let stated = self.said.usage.parsable();
        plans.counts(dialect).read(&stated, parser, reading);
        self.count_calls(reading);
        let usage = &mut reading.usage;
        if self.said.output_is_placeholder {
            usage.forget(Measure::Output);
            usage.forget(Measure::Total);
        }
        if self.said.counts_by_choice && reading.partial {
            let sum = |sum: u64, (_, output): &(u32, u64)| sum.saturating_add(*output);
            let all = self.said.choices.iter().fold(0, sum);
            usage.report(
                Measure::Output,
                all.max(usage.value(Measure::Output).unwrap_or(0)),
            );
            usage.forget(Measure::Total);
        }
        if let Some(cost) = self.cost.filter(|_| reading.charged.is_empty()) {
            let amount = cost.to_string();
            reading.charged.push(Charged { amount, shift: 12 });
        }
        let counted = [
            (Measure::Input, self.tokens.input),
            (Measure::Output, self.tokens.output),
        ];
        for (measure, tokens) in counted {
            if let (None, Some(tokens)) = (usage.get(measure), tokens) {
                usage.report(measure, tokens);
            }
        }
        let searched = usage.value(Measure::WebSearches).unwrap_or(0) > 0;
        if let Some(first) = self.said.first_input.filter(|first| searched && *first > 0) {
            usage.report(Measure::PassInput, first);
        }
        if let (Some(input), false) = (usage.value(Measure::Input), dialect.generates()) {
            usage.report(Measure::Total, input);
        }
        // Nothing was generated where the total is the prompt.
        let input = usage.value(Measure::Input);
        if usage.get(Measure::Output).is_none()
            && input.is_some()
            && input == usage.value(Measure::Total)
            && dialect.generates()
            && !self.heard.any()
        {
            usage.report(Measure::Output, 0);
        }
    }

    /// Fills in what the provider did not state from what came through.
    fn estimate(&self, request: Option<&Request>, reading: &mut Reading) {
        // A model that nobody names is most likely one of its provider's own.
        let names = [&reading.model, &reading.request_model].map(Option::as_deref);
        let name = names.into_iter().flatten().next().or(reading.api);
        let family = LazyCell::new(|| Family::of(name));
        let finished = reading.status == Status::Complete;
        let usage = &mut reading.usage;
        let stated = usage.value(Measure::Output);
        let (volume, since) = (
            self.heard.volume(),
            self.heard.volume() - self.said.usage_at,
        );
        let mut estimated = false;
        // What is charged by the second has no tokens.
        let timed = usage.get(Measure::AudioNanoseconds).is_some() && stated.is_none();
        if self.heard.any() && !timed && (stated.is_none() || (since > 0 && reading.partial)) {
            // What comes with the end of a message is part of it once all its text is there.
            let at_rest = !self.said.finish.is_empty() || self.said.rest_at == volume;
            let all = family.output(&self.heard, finished || at_rest);
            let output = match stated {
                None => all,
                // To a running count comes what was heard after it.
                Some(so_far) => {
                    let heard = u128::from(all) * u128::from(since) / u128::from(volume);
                    so_far.saturating_add(heard as u64)
                }
            };
            usage.estimate(Measure::Output, output);
            if reading.partial {
                usage.forget(Measure::Total);
            }
            estimated = true;
            if family.hides(&self.heard) {
                reading.lower_bound = true;
            }
            let silent = finished && !self.whole && self.said.usage.is_empty();
            if silent && reading.api.is_some_and(|api| ASKABLE.contains(&api)) {
                reading.notes.push(Note::NoUsage);
            }
        }
        let ended = !self.said.finish.is_empty() && !self.cut;
        if reading.partial && !ended && stated.is_some() {
            // As far as it went: what was generated after the last count is not known.
            let whole = matches!(self.merge(), Merge::Whole(_));
            for measure in RUNNING.iter().chain(whole.then_some(&Measure::Input)) {
                if let Some(so_far) = usage.value(*measure) {
                    usage.estimate(*measure, so_far);
                }
            }
            usage.forget(Measure::Total);
            estimated = true;
        }
        let spent = self.heard.any() || usage.is_reported();
        // Whoever goes away before the first word has asked all the same.
        let asked = reading.partial && reading.status != Status::Error;
        if (spent || asked)
            && let Some(request) = request
            && request.estimate(&family, usage)
        {
            reading.lower_bound |= !spent;
            estimated = true;
        }
        if estimated {
            reading.estimator = Some(family.estimator());
        }
    }
}

/// A text that is a name or a word, cut where it is neither.
fn brief(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_WORD)]
}

/// What the end of a response takes from outside.
pub(super) struct Ending<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) provider: Option<&'a str>,
    pub(super) request: Option<&'a Request>,
    /// Another response began after it: that it had a reason to finish is enough.
    pub(super) followed: bool,
}

/// What tells whether an event belongs to the response under way.
pub(super) struct Signs<'s> {
    pub(super) dialect: Option<&'static Dialect>,
    pub(super) begins: bool,
    /// It is a failure and nothing else.
    pub(super) fails: bool,
    pub(super) id: Option<&'s str>,
    /// It has a place for generated text.
    speaks: bool,
    /// It is a whole response.
    pub(super) whole: bool,
    /// It stands in an array of events.
    is_element: bool,
    sense: Option<&'s Sense<'s>>,
}

impl<'s> Signs<'s> {
    /// Of an event in no known dialect.
    pub(super) fn none(fails: bool) -> Self {
        Self {
            dialect: None,
            begins: false,
            fails,
            id: None,
            speaks: false,
            whole: false,
            is_element: false,
            sense: None,
        }
    }

    pub(super) fn of(sense: &'s Sense<'s>) -> Self {
        let Gist {
            dialect,
            begins,
            speaks,
            whole,
            wrap,
            ..
        } = sense.gist;
        Self {
            dialect: Some(dialect),
            begins,
            fails: false,
            id: sense.name(Means::Id).map(brief).filter(|id| !id.is_empty()),
            speaks,
            whole,
            is_element: wrap == Wrap::Element,
            sense: Some(sense),
        }
    }

    fn model(&self) -> Option<&'s str> {
        let model = self.sense?.name(Means::Model).map(brief);
        model.filter(|model| !model.is_empty())
    }

    /// Whether it brings anything generated.
    pub(super) fn generates(&self) -> bool {
        self.sense.is_some_and(Sense::generates)
    }

    fn finishes(&self) -> bool {
        let finish = |means: Means, _: u32| means == Means::Finish;
        self.sense.is_some_and(|sense| sense.says(finish))
    }

    /// Whether it brings a text of a choice like this.
    fn says_in(&self, choice: &dyn Fn(u32) -> bool) -> bool {
        let text = |means: Means, group: u32| matches!(means, Means::Text(_)) && choice(group);
        self.sense.is_some_and(|sense| sense.says(text))
    }
}

impl Trace {
    /// Of an event that nothing can be learned from.
    pub(super) fn unique() -> Self {
        Self {
            unique: true,
            ..Self::default()
        }
    }

    /// Whether there is anything to learn from the event.
    pub(super) fn teaches(&self) -> bool {
        self.shape.is_some() || !self.unique
    }
}
