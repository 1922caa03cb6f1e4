//! One response under way: what its events have said so far, and the reading that comes of it.

pub(crate) mod finish;
pub(crate) mod place;
pub(crate) mod signs;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::dialect;
use super::dialect::rule::{Dialect, Done, Means, Merge};
use super::estimate::transcript::{Channel, Grown, Transcript};
use super::event::{Content, Fact, Facts, Padding};
use super::failure::Failure;
use super::frame::http::Tokens;
use super::pattern::{Filling, Hole};
use super::reading::Created;
use super::usage::Measure;
use super::usage::stated::RawUsage;
use signs::{Ids, Signs, brief};

/// Everything known of the response under way.
#[derive(Clone, Default)]
pub(crate) struct Exchange {
    pub(crate) dialect: Option<&'static Dialect>,
    /// The events came wrapped in Bedrock's Invoke frames.
    pub(crate) invoked: bool,
    /// Its place in the order in which responses began.
    pub(crate) number: u64,
    /// Bytes of the stream that belong to it.
    pub(crate) bytes: u64,
    pub(crate) began: Duration,
    /// When anything of it came last.
    pub(crate) last: Duration,
    pub(crate) first_text: Option<Duration>,
    pub(crate) http_status: Option<u16>,
    /// What a header block says was used.
    pub(crate) tokens: Tokens,
    /// What a header says that it cost, in US dollars ÷ 10^12.
    pub(crate) cost: Option<u64>,
    pub(crate) gzip: bool,
    pub(crate) transcript: Transcript,
    grown: Grown,
    pub(crate) failure: Option<Failure>,
    /// The API's own end marker was seen, or the whole body.
    pub(crate) over: bool,
    pub(crate) events: u64,
    pub(crate) skipped: u64,
    /// Counts every change that an event made to what is known: what was learned before may no longer hold.
    pub(crate) version: u64,
    /// A body that the end of input cut off.
    pub(crate) cut: bool,
    /// Its events stand as bare lines of JSON: what ends a stream on the wire may not have been kept.
    pub(crate) lines: bool,
    /// Its events stand in an array.
    pub(crate) elements: bool,
    /// It came as one body.
    pub(crate) whole: bool,
    said: Said,
    ids: Ids,
    /// The same events as if each id were a response of its own, as long as that may be so.
    pub(crate) apart: Vec<Exchange>,
    /// How many responses had begun when it was left open.
    pub(crate) left: u64,
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

/// The name or word that a fact states, if it does.
fn word<'f>(fact: &'f Fact<'_>) -> Option<&'f str> {
    match fact.content {
        Content::Text(text) => Some(brief(text)).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// What reading one event taught about its shape.
#[derive(Default)]
pub(crate) struct Trace {
    /// Where its like may differ from it.
    pub(crate) holes: Vec<Hole>,
    /// It did something that its like would do again.
    pub(crate) unique: bool,
    states_usage: bool,
}

/// More choices are not told apart.
const MAX_CHOICES: usize = 128;
/// More searches and the like are not counted.
const MAX_CALLS: usize = 4096;
/// Usage beyond this is no usage.
const MAX_USAGE: usize = 256 << 10;

impl Exchange {
    /// `transcript` is empty, and has the memory for what is to be heard.
    pub(crate) fn new(number: u64, began: Duration, skipped: u64, transcript: Transcript) -> Self {
        Self {
            number,
            began,
            last: began,
            skipped,
            transcript,
            ..Self::default()
        }
    }

    /// A response of which only the usage is known.
    pub(crate) fn restating(usage: &RawUsage) -> Self {
        let mut exchange = Self::default();
        exchange.said.usage.clone_from(usage);
        exchange
    }

    /// Whether nothing but an end marker is missing.
    pub(crate) fn awaits_end(&self) -> bool {
        !self.over && !self.said.finish.is_empty()
    }

    /// Whether the next event may be another response's.
    pub(crate) fn may_be_through(&self) -> bool {
        let ends = |dialect: &Dialect| dialect.done == Done::Finish;
        self.over || (self.awaits_end() && self.dialect.is_some_and(ends))
    }

    /// Takes note of the id that an event bears, or that it bears none.
    pub(crate) fn identify(&mut self, next: &Signs<'_>) {
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
    pub(crate) fn identify_like(&mut self, events: u64) {
        self.ids.events += events;
    }

    /// Whether anything beyond headers has been seen.
    pub(crate) fn has_content(&self) -> bool {
        self.dialect.is_some() || self.failure.is_some() || self.gzip || self.events > 0
    }

    /// Whether it has begun, and its end has not come.
    pub(crate) fn is_under_way(&self) -> bool {
        self.has_content() && !self.over
    }

    /// Whether it has got beyond its first words: a proxy may announce a response under an id of its own.
    fn is_used(&self) -> bool {
        let said = &self.said;
        self.transcript.any() || !said.usage.is_empty() || !said.finish.is_empty()
    }

    /// Counts an event, and notes the dialect it speaks.
    pub(crate) fn adopt(&mut self, dialect: &'static Dialect) {
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
    pub(crate) fn take(&mut self, facts: &impl Facts, trace: &mut Trace) {
        trace.unique |= facts.outline().odd;
        let before = self.transcript.volume();
        let (mut choice, finishes) = (None, self.said.finishes);
        facts.each(|fact| {
            if fact.means.channel().is_some() || fact.means == Means::Finish {
                choice.get_or_insert(fact.group);
            }
            self.note(fact, trace);
        });
        self.said.goes_on |= facts.outline().speaks && self.said.finishes == finishes;
        if trace.states_usage {
            // A running count includes the text that came with it.
            self.said.usage_at = self.transcript.volume();
            self.note_choice(choice, self.transcript.volume() > before);
        }
        // A time that is not known yet is more than padding: the next event may state it.
        let dated = self.said.created.is_some();
        facts.padding(|Padding { hole, dates }| {
            if dated || !dates {
                trace.holes.push(hole);
            }
        });
    }

    /// Takes in one fact.
    fn note(&mut self, fact: &Fact<'_>, trace: &mut Trace) {
        match fact.means {
            Means::Text(_)
            | Means::TextElse(_)
            | Means::TextSoFar(_)
            | Means::Tool
            | Means::Rest => self.note_text(fact, trace),
            Means::Usage(_) | Means::UsageSoFar | Means::UsageKeys(_) => {
                self.note_usage(fact, trace)
            }
            Means::Finish | Means::FinishElse | Means::End | Means::Error => {
                self.note_end(fact, trace)
            }
            Means::Call(_)
            | Means::Created
            | Means::Id
            | Means::Model
            | Means::Served
            | Means::Tier => self.note_name(fact, trace),
        }
    }

    /// Takes in a name: of the response, its model or tier, or of something called.
    fn note_name(&mut self, fact: &Fact<'_>, trace: &mut Trace) {
        let text = word(fact);
        match fact.means {
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
                self.said.created = match fact.content {
                    Content::Number(seconds) if seconds > 0 => Some(Created::Unix(seconds)),
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
                let slot = match fact.means {
                    Means::Id => &mut self.said.id,
                    Means::Tier => &mut self.said.tier,
                    _ => &mut self.said.served,
                };
                if text.is_some() && slot.as_deref() != text {
                    *slot = text.map(str::to_owned);
                    self.version += 1;
                }
            }
            _ => {}
        }
    }

    /// Takes in what ends the response.
    fn note_end(&mut self, fact: &Fact<'_>, trace: &mut Trace) {
        let text = word(fact);
        match fact.means {
            Means::Finish | Means::FinishElse => {
                let reason = match fact.content {
                    Content::Number(n) => n.to_string(),
                    _ => text.unwrap_or_default().to_owned(),
                };
                trace.unique = true;
                self.version += 1;
                self.said.finishes += 1;
                if fact.means == Means::FinishElse {
                    self.said.finish_else = Some(reason);
                    return;
                }
                let finish = &mut self.said.finish;
                let same = |(choice, _): &(u32, _)| *choice == fact.group;
                match finish.iter().position(same) {
                    Some(at) => finish[at].1 = reason,
                    None if finish.len() < 16 => finish.push((fact.group, reason)),
                    None => {}
                }
            }
            Means::End if self.over => {}
            Means::End => {
                trace.unique = true;
                self.version += 1;
                self.over = true;
            }
            Means::Error => {
                if let Content::Failure(failure) = &fact.content {
                    trace.unique = true;
                    self.fail(Some(failure.as_ref().clone()));
                }
            }
            _ => {}
        }
    }

    /// Takes in a usage object, or some members of one.
    fn note_usage(&mut self, fact: &Fact<'_>, trace: &mut Trace) {
        match fact.means {
            Means::Usage(_) | Means::UsageSoFar => {
                if let Content::Object(raw, replaces) = fact.content {
                    trace.unique = true;
                    self.version += 1;
                    trace.states_usage |= self.state(fact.means, raw, replaces);
                }
            }
            Means::UsageKeys(_) => {
                let members = match &fact.content {
                    Content::Members(members) => members.as_slice(),
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
            _ => {}
        }
    }

    /// Takes in something generated.
    fn note_text(&mut self, fact: &Fact<'_>, trace: &mut Trace) {
        match fact.means {
            Means::Tool => {
                if let Some(name) = word(fact) {
                    trace.unique = true;
                    self.transcript.calls += 1;
                    let voice = self.transcript.voice(Channel::Tool, fact.group);
                    self.transcript.push(voice, name.as_bytes());
                }
            }
            Means::Rest => {
                trace.unique = true;
                self.said.rest_at = self.transcript.volume();
            }
            Means::TextElse(channel) => {
                if let Content::Text(text) = fact.content
                    && !self.transcript.has(channel)
                {
                    trace.unique = true;
                    let voice = self.transcript.voice(channel, fact.group);
                    self.transcript.push(voice, text.as_bytes());
                }
            }
            Means::TextSoFar(channel) => {
                let voice = self.transcript.voice(channel, fact.group);
                trace.unique = true;
                if let Content::Text(text) = fact.content {
                    let new = self.grown.rest((channel, fact.group), text);
                    self.transcript.push(voice, new.as_bytes());
                }
            }
            Means::Text(channel) => {
                let voice = self.transcript.voice(channel, fact.group);
                match fact.content {
                    Content::Text(text) => {
                        self.transcript.push(voice, text.as_bytes());
                        let required = fact.required;
                        let filling = Filling::Text { voice, required };
                        let hole = fact.at.map(|at| Hole { at, filling });
                        trace.holes.extend(hole);
                    }
                    Content::Object(raw, _) => {
                        self.transcript.push(voice, raw.as_bytes());
                        trace.unique = true;
                    }
                    _ => {}
                }
            }
            _ => {}
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
        // Objects that replace each other are the response's.
        if matches!(dialect.merge, Merge::Whole(_)) {
            return;
        }
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
            if !replaces {
                dialect.drop_total(&mut self.said.usage, &stated);
            }
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
    pub(crate) fn fail(&mut self, failure: Option<Failure>) {
        self.version += 1;
        if self.failure.is_none() {
            self.failure = failure;
        }
    }

    /// The model that answers, as far as it is known.
    pub(crate) fn model(&self) -> Option<&str> {
        self.said.served.as_deref().or(self.said.model.as_deref())
    }
}

impl Trace {
    /// Of an event that nothing can be learned from.
    pub(crate) fn unique() -> Self {
        Self {
            unique: true,
            ..Self::default()
        }
    }
}
