//! One response under way: what its events have said so far, and the reading that comes of it.

use std::cell::LazyCell;
use std::time::Duration;

use super::dialect::{Dialect, Done, Means};
use super::estimate::Family;
use super::estimate::transcript::{Channel, Grown, Heard};
use super::failure::Failure;
use super::frame::Tokens;
use super::json::Parser;
use super::memo::{Filling, Hole};
use super::plan::Plans;
use super::raw::RawUsage;
use super::reading::{Created, EndedBy, Note, Reading, Status};
use super::request::Request;
use super::sense::{Gist, Padding, Saying, Sense, Value};
use super::shape::Shape;
use super::usage::{Measure, Merge};

/// Everything known of the response under way.
#[derive(Clone, Default)]
pub(super) struct Exchange {
    pub(super) dialect: Option<&'static Dialect>,
    /// The events came wrapped in Bedrock's Invoke frames.
    pub(super) invoked: bool,
    /// Offset of its first byte.
    pub(super) start: u64,
    pub(super) began: Duration,
    /// When anything of it came last.
    pub(super) last: Duration,
    pub(super) first_text: Option<Duration>,
    pub(super) http_status: Option<u16>,
    /// What a header block says was used.
    pub(super) tokens: Tokens,
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
/// No name or word is longer, in bytes.
const MAX_WORD: usize = 4 << 10;
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
    pub(super) fn new(start: u64, began: Duration, skipped: u64, heard: Heard) -> Self {
        Self {
            start,
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

    /// Whether an event cannot belong to this response and begins another.
    pub(super) fn is_left_by(&self, next: &Signs<'_>) -> bool {
        let (Some(dialect), Some(other)) = (self.dialect, next.dialect) else {
            return match next.dialect {
                // A failure or an unknown event: it is ours unless we are done.
                None => self.over && next.fails,
                Some(_) => self.has_content(),
            };
        };
        if dialect.api != other.api || next.whole {
            return self.has_content();
        }
        let same = next.id.is_some() && next.id == self.said.id.as_deref();
        let different = next.id.is_some() && self.said.id.is_some() && !same;
        if self.over {
            return next.begins || different || (!same && next.speaks);
        }
        if next.begins && self.is_used() {
            return different || !dialect.has_ids();
        }
        different && next.speaks && !self.said.finish.is_empty()
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

    /// Takes in what an event says.
    pub(super) fn take(&mut self, sense: &Sense<'_>, trace: &mut Trace) {
        trace.unique |= sense.gist.odd;
        let before = self.heard.volume();
        let mut choice = None;
        sense.each(|saying| {
            if saying.means.channel().is_some() || saying.means == Means::Finish {
                choice.get_or_insert(saying.group);
            }
            self.note(saying, trace);
        });
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
                .or_else(|| end.request?.provider())
                .map(str::to_owned)
                .or_else(|| self.provider(end.model.or_else(|| end.request?.model()))),
            request_model,
            model: told.or(self.said.served.take()).or(self.said.model.take()),
            response_id: self.said.id.take(),
            created: self.said.created.take(),
            // Which tier `auto` came to only the response can tell.
            service_tier: self.said.tier.take().or_else(|| {
                let asked = end.request?.tier().filter(|tier| *tier != "auto");
                asked.map(str::to_owned)
            }),
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
            bytes: end.offset - self.start,
            events: self.events,
            events_skipped: self.skipped,
            began: self.began,
            first_text: self.first_text,
            ended: self.last,
            ..Reading::default()
        };
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
        by_choice && !self.heard.groups().all(finished)
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
        if spent
            && usage.get(Measure::Input).is_none()
            && let Some(tokens) = request.and_then(|request| request.tokens(&family))
        {
            usage.estimate(Measure::Input, tokens);
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
    /// Offset of the first byte that is no longer part of it.
    pub(super) offset: u64,
}

/// What tells whether an event belongs to the response under way.
pub(super) struct Signs<'s> {
    pub(super) dialect: Option<&'static Dialect>,
    pub(super) begins: bool,
    /// It is a failure and nothing else.
    pub(super) fails: bool,
    id: Option<&'s str>,
    /// It has a place for generated text.
    speaks: bool,
    /// It is a whole response.
    pub(super) whole: bool,
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
        }
    }

    pub(super) fn of(sense: &Sense<'s>) -> Self {
        let Gist {
            dialect,
            begins,
            speaks,
            whole,
            ..
        } = sense.gist;
        Self {
            dialect: Some(dialect),
            begins,
            fails: false,
            id: sense.id().map(brief).filter(|id| !id.is_empty()),
            speaks,
            whole,
        }
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
