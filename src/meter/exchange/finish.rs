//! The end of a response: the reading that comes of what it said.

use std::cell::LazyCell;

use super::{Exchange, Said};
use crate::meter::counts::Counters;
use crate::meter::dialect::is_shared;
use crate::meter::dialect::rule::{Dialect, Done, Merge};
use crate::meter::estimate::Family;
use crate::meter::frame::http::Tokens;
use crate::meter::json::Parser;
use crate::meter::local::{self, LOCAL};
use crate::meter::reading::{Charged, EndedBy, Note, Reading, Status};
use crate::meter::request::Request;
use crate::meter::usage::Measure;

/// APIs that state usage in a stream only when asked to.
const ASKABLE: &[&str] = &["openai.chat", "openai.completions"];
/// Reasons to finish that say that a limit was reached.
const CUT_OFF: &[&str] = &["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"];

/// Counts that grow while a response is generated; where each usage replaces the one before, input does too.
const RUNNING: &[Measure] = &[
    Measure::Output,
    Measure::Reasoning,
    Measure::AudioOutput,
    Measure::ImageOutput,
];

/// What the end of a response takes from outside.
pub(crate) struct Ending<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) request: Option<&'a Request>,
    /// Another response began after it: that it had a reason to finish is enough.
    pub(crate) followed: bool,
}

impl Exchange {
    /// Ends the response and says what it came to.
    pub(crate) fn finish(
        &mut self,
        ended_by: EndedBy,
        end: &Ending<'_>,
        parser: &mut Parser,
        counters: &mut Counters,
    ) -> Reading {
        let status = self.status(ended_by, end.followed);
        let generated = self.transcript.any();
        let partial = match status {
            Status::Truncated | Status::Cancelled => true,
            Status::Error => generated,
            _ => false,
        };

        let (provider, gateway) = self.answerer(end);
        let told = end.model.map(str::to_owned);
        let request_model = end.request.and_then(Request::model).map(str::to_owned);
        let mut reading = Reading {
            api: match self.dialect {
                Some(_) if self.invoked => Some("bedrock.invoke"),
                Some(dialect) => Some(dialect.api),
                None => None,
            },
            provider,
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
            text_bytes: self.transcript.volume(),
            reasoning_bytes: self.transcript.reasoning(),
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
        if let Some(dialect) = self.dialect {
            self.count(dialect, parser, counters, &mut reading);
        }
        self.estimate(end.request, &mut reading);
        reading.usage.raw = std::mem::take(&mut self.said.usage);
        reading
    }

    /// How it ended.
    fn status(&self, ended_by: EndedBy, followed: bool) -> Status {
        let finishes = self.dialect.is_some_and(|it| it.done == Done::Finish);
        let soft =
            (finishes || followed || self.lines) && !self.cut && !self.said.finish.is_empty();
        let http_error = self.http_status.is_some_and(|status| status >= 400);
        if self.failure.is_some() || (http_error && !self.over) {
            Status::Error
        } else if self.dialect.is_none() {
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
        }
    }

    /// Who answered, and whether a server on this machine passed the request on to them.
    fn answerer(&self, end: &Ending<'_>) -> (Option<String>, bool) {
        let name = end.model.or_else(|| end.request?.model());
        let here = end.provider.is_none() && end.request.is_some_and(Request::is_local);
        let gateway = here
            && !self
                .provider(name)
                .is_some_and(|provider| local::is_server(&provider))
            && self.model().or(name).is_some_and(local::is_sold_alone);
        let provider = end
            .provider
            .or_else(|| end.request?.provider().filter(|_| !here))
            .map(str::to_owned)
            .or_else(|| self.provider(name))
            .filter(|provider| !here || gateway || local::is_server(provider))
            .or_else(|| here.then(|| LOCAL.to_owned()).filter(|_| !gateway));
        (provider, gateway)
    }

    /// Whether a choice that has begun has not finished.
    fn goes_on(&self) -> bool {
        let finished = |choice: u32| self.said.finish.iter().any(|(of, _)| *of == choice);
        let by_choice = self.dialect.is_some_and(Dialect::finishes_by_choice);
        let choices = self.dialect.into_iter().flat_map(|dialect| {
            let choice = |group| dialect.choice(group);
            self.transcript.groups().map(choice)
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
    pub(crate) fn speaker(&self, model: Option<&str>) -> Option<&'static str> {
        let dialect = self.dialect?;
        let model = self.model().or(model).unwrap_or_default();
        if self.cut && self.events <= 1 && model.is_empty() && is_shared(dialect) {
            // What tells who of several speaks it may not have come.
            return None;
        }
        let provider = dialect.provider_of(model);
        Some(provider).filter(|provider| !provider.is_empty())
    }

    /// Reads the counts out of the usage the provider stated.
    pub(crate) fn count(
        &self,
        dialect: &'static Dialect,
        parser: &mut Parser,
        counters: &mut Counters,
        reading: &mut Reading,
    ) {
        let stated = self.said.usage.parsable();
        counters.of(dialect).read(&stated, parser, reading);
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
            && !self.transcript.any()
        {
            usage.report(Measure::Output, 0);
        }
    }

    /// Counts what is charged by the piece, where the provider does not state how often. Of what was cut off, more
    /// may have been charged than came.
    fn count_calls(&self, reading: &mut Reading) {
        for (measure, _) in &self.said.calls {
            if reading.usage.get(*measure).is_none() {
                let all = self.said.calls.iter().filter(|(of, _)| of == measure);
                match reading.partial {
                    false => reading.usage.report(*measure, all.count() as u64),
                    true => reading.usage.estimate(*measure, all.count() as u64),
                }
            }
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
            self.transcript.volume(),
            self.transcript.volume() - self.said.usage_at,
        );
        let mut estimated = false;
        // What is charged by the second has no tokens.
        let timed = usage.get(Measure::AudioNanoseconds).is_some() && stated.is_none();
        if self.transcript.any() && !timed && (stated.is_none() || (since > 0 && reading.partial)) {
            // What comes with the end of a message is part of it once all its text is there.
            let at_rest = !self.said.finish.is_empty() || self.said.rest_at == volume;
            // What was cut off at a limit has no end.
            let reason = reading.finish_reason.as_deref();
            let short = reason.is_some_and(|reason| CUT_OFF.contains(&reason));
            let ended = (finished || at_rest) && !short;
            let all = family.output(&self.transcript, ended);
            let output = match stated {
                None => all,
                // To a running count comes what was heard after it.
                Some(so_far) => {
                    let transcript = u128::from(all) * u128::from(since) / u128::from(volume);
                    so_far.saturating_add(transcript as u64)
                }
            };
            usage.estimate(Measure::Output, output);
            if reading.partial {
                usage.forget(Measure::Total);
            }
            estimated = true;
            if family.hides(&self.transcript) {
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
        let spent = self.transcript.any() || usage.is_reported();
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
            let exact = family.is_exact(&self.transcript);
            reading.estimator = Some(family.estimator(exact));
            reading.estimate_error = family.error(exact);
        }
    }
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
}
