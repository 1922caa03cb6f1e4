//! One response under way: what its events have said so far, and the reading that comes of it.

use std::cell::LazyCell;
use std::time::Duration;

use serde_json::{Map, Value};

use super::dialect::{Dialect, Done, Means};
use super::estimate::Family;
use super::failure::Failure;
use super::heard::{Channel, Heard};
use super::json::{Hit, Json, Parser};
use super::memo::{Filling, Hole};
use super::plan::{Found, Plans};
use super::raw::RawUsage;
use super::reading::{Created, EndedBy, Note, Reading, Status};
use super::request::Request;
use super::shape::{Sense, Shape};
use super::usage::{Measure, Merge};

/// Everything known of the response under way.
#[derive(Default)]
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
    pub(super) gzip: bool,
    pub(super) heard: Heard,
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
#[derive(Default)]
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
    /// How much had been heard when usage was last stated.
    usage_at: u64,
    /// How much had been heard when a part of the message was last complete.
    rest_at: u64,
}

impl Said {
    /// Why it ended: each reason that a choice gave, once.
    fn reason(&self) -> Option<String> {
        let mut reasons: Vec<&str> = Vec::new();
        for (_, reason) in &self.finish {
            if !reasons.contains(&reason.as_str()) {
                reasons.push(reason);
            }
        }
        (!reasons.is_empty())
            .then(|| reasons.join(","))
            .or_else(|| self.finish_else.clone())
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
const NO_REASON: &[&str] = &["", "not_finished", "null"];
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
/// No name or word is longer, in bytes.
const MAX_WORD: usize = 4 << 10;
/// Usage beyond this is no usage.
const MAX_USAGE: usize = 256 << 10;

impl Exchange {
    pub(super) fn new(start: u64, began: Duration, skipped: u64) -> Self {
        Self {
            start,
            began,
            last: began,
            skipped,
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

    /// Whether its end would wait for a vocabulary that another thread is loading.
    pub(super) fn is_early(&self) -> bool {
        let counts = self.heard.any() && self.said.usage.is_empty();
        counts && !Family::of(self.model()).vocabulary.is_at_hand()
    }

    /// Whether it has got beyond its first words: a proxy may announce a response under an id of its own.
    fn is_used(&self) -> bool {
        let said = &self.said;
        self.heard.any() || !said.usage.is_empty() || !said.finish.is_empty()
    }

    /// Takes in what the rules of its dialect found in an event.
    pub(super) fn take(
        &mut self,
        json: Json<'_>,
        found: &[Found<'_>],
        kind: &str,
        data: &[u8],
        trace: &mut Trace,
    ) {
        let Some(dialect) = self.dialect else { return };
        for found in found.chunk_by(|a, b| a.rule == b.rule) {
            let rule = &dialect.rules[usize::from(found[0].rule)];
            if !rule.applies(kind) {
                continue;
            }
            if let Means::Text(channel) = rule.means {
                self.hear(channel, found, data, trace);
                continue;
            }
            let mut chosen = None;
            for found in found {
                if chosen.is_none_or(|chosen| chosen == found.path)
                    && self.note(rule.means, found.hit, data, trace)
                {
                    chosen = Some(found.path);
                }
            }
        }
        if trace.states_usage {
            // A running count includes the text that came with it.
            self.said.usage_at = self.heard.volume();
        }
        for (key, value) in json.members() {
            // A time that is not known yet is more than padding: the next event may state it.
            if pads(key) && (self.said.created.is_some() || !key.starts_with("created")) {
                trace.pad(json.root().member(key, value), data);
            }
        }
    }

    /// Hears texts: those of the first path where there are any.
    fn hear(&mut self, channel: Channel, found: &[Found<'_>], data: &[u8], trace: &mut Trace) {
        let says = |hit: &Hit<'_>| match hit.value.as_str() {
            Some(text) => !text.is_empty(),
            None => channel == Channel::Tool && hit.value.is_object(),
        };
        let chosen = found
            .iter()
            .find(|found| says(&found.hit))
            .unwrap_or(&found[0])
            .path;
        let required = found.iter().any(|found| found.path != chosen);
        for Found { path, hit, .. } in found {
            if *path == chosen {
                let voice = self.heard.voice(channel, hit.group);
                match hit.value.as_str() {
                    Some(text) => self.heard.push(voice, text.as_bytes()),
                    None if says(hit) => {
                        self.heard.push(voice, hit.raw(data).as_bytes());
                        trace.unique = true;
                    }
                    None => {}
                }
                trace.hole(hit.value, Filling::Text { voice, required });
            } else if *path > chosen {
                trace.hole(hit.value, Filling::Padding);
            }
        }
    }

    /// Notes one value; gives whether there was something to note.
    fn note(&mut self, means: Means, hit: Hit<'_>, data: &[u8], trace: &mut Trace) -> bool {
        let value = hit.value;
        let text = value.as_str().map(brief).filter(|text| !text.is_empty());
        let first = |slot: &mut Option<String>, version: &mut u64| {
            if let (None, Some(text)) = (&slot, text) {
                *slot = Some(text.to_owned());
                *version += 1;
            }
            text.is_some()
        };
        match means {
            Means::Created => {
                let unix = value
                    .as_u64()
                    .filter(|seconds| *seconds > 0)
                    .map(Created::Unix);
                let created = unix.or_else(|| text.map(|text| Created::Text(text.to_owned())));
                if self.said.created.is_none() && created.is_some() {
                    self.said.created = created;
                    self.version += 1;
                }
                self.said.created.is_some()
            }
            Means::Model => first(&mut self.said.model, &mut self.version),
            Means::Id | Means::Served | Means::Tier => {
                let slot = match means {
                    Means::Id => &mut self.said.id,
                    Means::Tier => &mut self.said.tier,
                    _ => &mut self.said.served,
                };
                if text.is_some() && slot.as_deref() != text {
                    *slot = text.map(str::to_owned);
                    self.version += 1;
                }
                text.is_some()
            }
            Means::Finish | Means::FinishElse => {
                let number = || value.as_u64().map(|n| n.to_string());
                let reason = text.map(str::to_owned).or_else(number);
                let Some(reason) = reason.filter(|r| !NO_REASON.contains(&r.as_str())) else {
                    return false;
                };
                trace.unique = true;
                self.version += 1;
                if means == Means::FinishElse {
                    self.said.finish_else = Some(reason);
                } else {
                    let finish = &mut self.said.finish;
                    let known = finish.iter().position(|(choice, _)| *choice == hit.group);
                    match known {
                        Some(at) => finish[at].1 = reason,
                        None if finish.len() < 16 => finish.push((hit.group, reason)),
                        None => {}
                    }
                }
                true
            }
            Means::End => {
                let ends = value.is_given() && !self.over;
                if ends {
                    trace.unique = true;
                    self.version += 1;
                    self.over = true;
                }
                ends
            }
            Means::Tool => {
                if let Some(name) = text {
                    trace.unique = true;
                    self.heard.calls += 1;
                    let voice = self.heard.voice(Channel::Tool, hit.group);
                    self.heard.push(voice, name.as_bytes());
                }
                text.is_some()
            }
            Means::Error => {
                let failure = Failure::of(value);
                let fails = failure.is_some();
                if fails {
                    trace.unique = true;
                    self.fail(failure);
                }
                fails
            }
            Means::Usage(_) | Means::UsageSoFar => {
                if !value.is_object() {
                    return false;
                }
                trace.unique = true;
                self.version += 1;
                let raw = hit.raw(data);
                if !raw.starts_with('{') || !self.said.has_room(raw.len()) {
                    return false;
                }
                let stated = RawUsage::stated(raw);
                match means {
                    Means::Usage(name) if !name.is_empty() => {
                        let stated = Value::Object(stated.into());
                        self.said
                            .usage
                            .change(|usage| drop(usage.insert(name.to_owned(), stated)));
                    }
                    _ => match self.merge() {
                        // All that was said before is void: nothing of it need be read.
                        Merge::Whole(key) if value.get(key).is_some_and(Json::is_number) => {
                            self.said.usage = stated;
                        }
                        merge => self.said.usage.merge(merge, stated),
                    },
                }
                self.said.output_is_placeholder = means == Means::UsageSoFar;
                trace.states_usage = true;
                true
            }
            Means::UsageKeys(keys) => {
                let mut some = Map::new();
                for key in keys {
                    value.walk(key, &mut |hit| {
                        let raw = hit.raw(data);
                        if self.said.has_room(raw.len())
                            && let Ok(value) = serde_json::from_str(raw)
                            && hit.value.is_given()
                        {
                            some.insert((*key).to_owned(), value);
                        }
                    });
                }
                let any = !some.is_empty();
                if any {
                    trace.unique = true;
                    self.version += 1;
                    self.said.usage.merge(self.merge(), some.into());
                    trace.states_usage = true;
                }
                any
            }
            Means::Rest => {
                trace.unique = true;
                self.said.rest_at = self.heard.volume();
                true
            }
            Means::Text(_) => false,
        }
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
        &self,
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

        let model = end
            .model
            .map(str::to_owned)
            .or_else(|| self.model().map(str::to_owned));
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
                .or_else(|| self.provider()),
            request_model,
            response_id: self.said.id.clone(),
            created: self.said.created.clone(),
            // Which tier `auto` came to only the response can tell.
            service_tier: self.said.tier.clone().or_else(|| {
                let asked = end.request?.tier().filter(|tier| *tier != "auto");
                asked.map(str::to_owned)
            }),
            status,
            partial,
            ended_by,
            finish_reason: self.said.reason(),
            failure: self.failure.clone(),
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
        reading.model = model;
        if let Some(dialect) = dialect {
            self.count(dialect, parser, plans, &mut reading);
        }
        self.estimate(end.request, &mut reading);
        reading.usage.raw.clone_from(&self.said.usage);
        reading
    }

    /// Who answers, as far as the stream tells.
    fn provider(&self) -> Option<String> {
        if self.invoked {
            return Some("aws".to_owned());
        }
        let provider = self.dialect?.provider;
        (!provider.is_empty()).then(|| provider.to_owned())
    }

    /// Reads the counts out of the usage the provider stated.
    pub(super) fn count(
        &self,
        dialect: &'static Dialect,
        parser: &mut Parser,
        plans: &mut Plans,
        reading: &mut Reading,
    ) {
        let stated = self.said.usage.to_json();
        plans.counts(dialect).read(&stated, parser, reading);
        if self.said.output_is_placeholder && !self.over {
            reading.usage.forget(Measure::Output);
            reading.usage.forget(Measure::Total);
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
        if self.heard.any() && (stated.is_none() || (since > 0 && reading.partial)) {
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
            if finished && !self.whole && reading.api.is_some_and(|api| ASKABLE.contains(&api)) {
                reading.notes.push(Note::NoUsage);
            }
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
        let mut signs = Self::none(false);
        signs.dialect = Some(sense.dialect);
        signs.begins = sense.begins;
        signs.whole = sense.whole;
        for found in &sense.found {
            let rule = &sense.dialect.rules[usize::from(found.rule)];
            match rule.means {
                Means::Id if rule.applies(sense.kind) && signs.id.is_none() => {
                    let id = found.hit.value.as_str().map(brief);
                    signs.id = id.filter(|id| !id.is_empty());
                }
                Means::Text(_) | Means::Tool => signs.speaks |= rule.applies(sense.kind),
                _ => {}
            }
        }
        signs
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

    fn hole(&mut self, value: Json<'_>, filling: Filling) {
        match value.text_offset() {
            Some(at) => self.holes.push(Hole { at, filling }),
            None => self.unique |= matches!(filling, Filling::Text { .. }) && value.is_given(),
        }
    }

    fn pad(&mut self, hit: Hit<'_>, data: &[u8]) {
        if let Some(at) = hit.value.text_offset() {
            let filling = Filling::Padding;
            self.holes.push(Hole { at, filling });
        } else if hit.value.as_u64().is_some()
            && let Some(at) = hit.number(data)
        {
            let filling = Filling::Number;
            self.holes.push(Hole { at, filling });
        }
    }
}
