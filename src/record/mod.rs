//! One response as one flat object: a single ordered list of columns gives JSON, CSV, and reading back.

mod basis;
mod cell;
mod otlp;
pub(crate) mod read;
#[cfg(feature = "cli")]
pub(crate) mod sink;
#[cfg(feature = "cli")]
pub(crate) mod spent;
mod text;
pub(crate) mod write;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::meter::{Charged, Created, EndedBy, Measure, Note, RawUsage, Reading, Status, recount};
use crate::object::Object;
use crate::price::{Deal, NOTED, Parts, PriceBook, Query, Quote, add_note};
pub use basis::CostBasis;
pub(crate) use cell::Cell;
pub use cell::Labels;
pub(crate) use text::{clean, escape};
use text::{message, short};

/// Text that came within so few microseconds lay ready: how fast it was generated cannot be told.
const MIN_SPAN: u64 = 10_000;

const RFC_3339: DateTimePrinter = DateTimePrinter::new();

/// The first column's value: it names the shape of a record.
pub(crate) const SCHEMA: &str = "tokensense/1";

/// A column of the record.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// What stands in it.
    pub(crate) help: &'static str,
    pub(crate) get: fn(&Record) -> &dyn Cell,
    pub(crate) get_mut: fn(&mut Record) -> &mut dyn Cell,
}

macro_rules! columns {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        /// What is written of one response. Unknown is `None`, never zero.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Record {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        /// Every column, in the order of JSON and CSV.
        pub(crate) static COLUMNS: &[Column] = &[
            $(Column {
                name: stringify!($name),
                help: concat!($($doc),+),
                get: |record| &record.$name,
                get_mut: |record| &mut record.$name,
            },)+
        ];
    };
}

columns! {
    /// `tokensense/1`.
    schema: Option<Cow<'static, str>>,
    /// When tokensense began to wait for the response: RFC 3339, UTC.
    started_at: Option<String>,
    /// Milliseconds from `started_at` to the last byte of the response.
    duration_ms: Option<u64>,
    /// Milliseconds from `started_at` to the first generated text.
    ttft_ms: Option<u64>,
    /// Output tokens per second, counted from the first one.
    tokens_per_second: Option<Decimal>,
    /// In summarise: the file, and the number of the response in it.
    source: Option<String>,
    /// The provider that answered.
    provider: Option<String>,
    /// The API that it answered with, such as openai.chat.
    api: Option<Cow<'static, str>>,
    /// The model that answered.
    model: Option<String>,
    /// The model asked for.
    request_model: Option<String>,
    /// The provider's id for the response.
    response_id: Option<String>,
    /// When the provider made it: RFC 3339, UTC.
    created_at: Option<String>,
    /// The service tier, such as batch, flex or priority.
    service_tier: Option<String>,
    /// `complete`, `truncated` (it ended early), `cancelled` (by the reader, a signal or a limit), `error`, `unrecognised` or `empty`.
    status: Option<Status>,
    /// Whether part of the response is missing.
    partial: bool,
    /// What ended it: `upstream` (the server), `downstream` (the reader), `limit`, or a signal's name.
    ended_by: Option<EndedBy>,
    /// Why generation stopped, in the API's words.
    finish_reason: Option<String>,
    /// The API's name for the error.
    error_type: Option<String>,
    /// The API's message about the error, shortened, with keys masked.
    error_message: Option<String>,
    /// The HTTP status, if the stream holds headers (curl -i).
    http_status: Option<u64>,
    /// All prompt tokens, cached ones included.
    input_tokens: Option<u64>,
    /// Part of `input_tokens`: read from a cache.
    cache_read_tokens: Option<u64>,
    /// Part of `input_tokens`: written to a cache.
    cache_write_tokens: Option<u64>,
    /// Part of `cache_write_tokens`: cached for an hour.
    cache_write_1h_tokens: Option<u64>,
    /// All billed generated tokens, reasoning included.
    output_tokens: Option<u64>,
    /// Part of `output_tokens`.
    reasoning_tokens: Option<u64>,
    /// Part of `input_tokens`.
    audio_input_tokens: Option<u64>,
    /// Part of `output_tokens`.
    audio_output_tokens: Option<u64>,
    /// Part of `input_tokens`.
    image_input_tokens: Option<u64>,
    /// Part of `output_tokens`.
    image_output_tokens: Option<u64>,
    /// Web searches that the provider ran for the response.
    web_search_requests: Option<u64>,
    /// Input plus output.
    total_tokens: Option<u64>,
    /// Names of the columns that hold estimates.
    estimated: Vec<String>,
    /// How the estimates were made: the vocabulary, and `exact` or the factor for the model's family.
    estimator: Option<String>,
    /// How far nine in ten such estimates were off at most: `0.12` is 12 %. None where they are exact, and where that was not
    /// measured.
    estimate_error: Option<Decimal>,
    /// Cost in US dollars: as reported by the provider, or else as computed.
    cost_usd: Option<Decimal>,
    /// `reported` (by the provider), `computed` (from reported tokens), `estimated` or `lower_bound` (part of the tokens is not known).
    cost_basis: Option<CostBasis>,
    /// The cost that the provider reported.
    cost_reported_usd: Option<Decimal>,
    /// The cost by the price table.
    cost_computed_usd: Option<Decimal>,
    /// Part of `cost_computed_usd`: uncached input.
    input_cost_usd: Option<Decimal>,
    /// Part of `cost_computed_usd`.
    cache_read_cost_usd: Option<Decimal>,
    /// Part of `cost_computed_usd`.
    cache_write_cost_usd: Option<Decimal>,
    /// Part of `cost_computed_usd`.
    output_cost_usd: Option<Decimal>,
    /// Part of `cost_computed_usd`: searches, requests, and work by other models.
    other_cost_usd: Option<Decimal>,
    /// The price entry used.
    price_match: Option<String>,
    /// Why there is no cost, or what to know about it.
    cost_note: Option<String>,
    /// What run did to get usage reported: injected, present, not_needed, unsupported, unknown_host, not_a_stream, opted_out or not_understood.
    usage_request: Option<String>,
    /// Bytes of the response.
    bytes: Option<u64>,
    /// Events that were understood.
    events: Option<u64>,
    /// Events that could not be understood.
    events_skipped: Option<u64>,
    /// The labels given with --label.
    labels: Labels,
    /// The provider's usage object, unchanged.
    usage: Option<RawUsage>,
}

/// What the price table says where a cost lacks the input.
const NO_INPUT: &str = "input tokens unknown";
/// The way out of that.
const PASS_REQUEST: &str = ": use run, or tap --request FILE, to estimate them";

/// A note as it stands in a record, by what was done about usage.
fn said_as(note: Note, usage_request: Option<&str>) -> &'static str {
    match note {
        Note::NoUsage => unreported(usage_request),
        other => other.as_str(),
    }
}

/// Why usage is missing, and what helps, by what was done about it.
fn unreported(usage_request: Option<&str>) -> &'static str {
    match usage_request {
        Some("injected" | "present") => {
            "the server did not report usage, although it was requested"
        }
        Some("opted_out") => {
            "usage was not reported, because include_usage or --inject turned it off"
        }
        Some("unsupported") => {
            "usage was not reported, and this server is not known to accept a request for it"
        }
        Some("unknown_host") => {
            "usage was not requested, because the host is not known; pass --inject always if it accepts stream_options"
        }
        Some("not_understood") => {
            "usage was not requested, because the request body could not be read; add \"stream_options\":{\"include_usage\":true} to it"
        }
        _ => Note::NoUsage.as_str(),
    }
}

/// A column of tokens, or of other things counted.
pub(crate) struct Counted {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    pub(crate) get: fn(&Record) -> Option<u64>,
    pub(crate) slot: fn(&mut Record) -> &mut Option<u64>,
}

macro_rules! counted {
    ($($name:ident: $measure:ident,)+) => {
        /// The columns that hold a measure of the usage.
        pub(crate) static COUNTED: [Counted; COUNTS] = [
            $(Counted {
                name: stringify!($name),
                measure: Measure::$measure,
                get: |record| record.$name,
                slot: |record| &mut record.$name,
            },)+
        ];

        /// How many columns that are.
        pub(crate) const COUNTS: usize = [$(stringify!($name)),+].len();

        impl Record {
            /// What is in them.
            pub(crate) fn counts(&self) -> [Option<u64>; COUNTS] {
                [$(self.$name),+]
            }
        }
    };
}

counted! {
    input_tokens: Input,
    cache_read_tokens: CacheRead,
    cache_write_tokens: CacheWrite,
    cache_write_1h_tokens: CacheWrite1h,
    output_tokens: Output,
    reasoning_tokens: Reasoning,
    audio_input_tokens: AudioInput,
    audio_output_tokens: AudioOutput,
    image_input_tokens: ImageInput,
    image_output_tokens: ImageOutput,
    total_tokens: Total,
    web_search_requests: WebSearches,
}

impl Record {
    /// The record of a reading, without times and without computed costs: for those, feed a [`Recorder`].
    ///
    /// [`Recorder`]: crate::Recorder
    pub fn new(reading: &Reading) -> Self {
        let mut record = Self::default();
        record.take(&mut reading.clone());
        record
    }

    /// Takes over what a reading says, its texts included.
    fn take(&mut self, reading: &mut Reading) {
        self.schema = Some(SCHEMA.into());
        self.provider = reading.provider.take().map(short);
        self.api = reading.api.map(Cow::from);
        self.model = reading.model.take().map(short);
        self.request_model = reading.request_model.take().map(short);
        self.response_id = reading.response_id.take().map(short);
        self.created_at = made_at(reading).map(|at| RFC_3339.timestamp_to_string(&at));
        self.service_tier = reading.service_tier.take().map(short);
        self.status = Some(reading.status);
        self.partial = reading.partial;
        self.ended_by = Some(reading.ended_by);
        self.finish_reason = reading.finish_reason.take().map(short);
        self.http_status = reading.http_status.map(u64::from);
        self.estimator = reading.estimator.take();
        self.estimate_error = reading
            .estimate_error
            .map(|error| Decimal::new(error.into(), 2));
        self.bytes = Some(reading.bytes);
        self.events = Some(reading.events);
        self.events_skipped = Some(reading.events_skipped);
        self.usage = Some(std::mem::take(&mut reading.usage.raw)).filter(|usage| !usage.is_empty());
        if let Some(failure) = reading.failure.take() {
            self.error_type = failure.kind.map(short);
            self.error_message = failure.message.as_deref().map(message);
        }
        for counted in &COUNTED {
            if let Some(count) = reading.usage.get(counted.measure) {
                *(counted.slot)(self) = Some(count.value);
                if count.estimated {
                    self.estimated.push(counted.name.to_owned());
                }
            }
        }
        self.total_tokens = reading.usage.total();
        if !self.estimated.is_empty() && self.total_tokens.is_some() {
            self.estimated.push("total_tokens".to_owned());
        }
    }

    /// The whole record of a reading, by the prices and by a clock that stood at zero at `origin`.
    pub(crate) fn of(mut reading: Reading, prices: &PriceBook, origin: SystemTime) -> Self {
        let began = origin + reading.began;
        let mut record = Self::priced(&mut reading, prices, began);
        record.set_times(&reading, origin);
        record
    }

    /// The record of a reading, with costs and without times. The reading loses its texts to it; `now` is when it was
    /// made if nothing tells.
    pub(crate) fn priced(reading: &mut Reading, prices: &PriceBook, now: SystemTime) -> Self {
        let at = made_at(reading).map_or(now, SystemTime::from);
        agree(reading, prices.deal());
        let quote = quote(reading, prices, at);
        let mut record = Self::default();
        record.take(reading);
        record.set_cost(reading, quote);
        record
    }

    /// The record as tap writes it: one JSON object, on one line without its end.
    pub fn to_json(&self) -> String {
        let mut object = Object::default();
        for column in COLUMNS {
            (column.get)(self).write_json(object.begin(column.name));
        }
        object.finish()
    }

    /// Says what was done about usage, and replaces the way out of a missing count by one that helps: none that was
    /// gone already.
    pub(crate) fn advise(&mut self, usage_request: Option<&str>, knows_request: bool) {
        self.usage_request = usage_request.map(str::to_owned);
        let Some(note) = &mut self.cost_note else {
            return;
        };
        *note = note.replace(Note::NoUsage.as_str(), unreported(usage_request));
        if knows_request {
            *note = note.replace(PASS_REQUEST, "");
        }
    }

    /// Adds when it happened, by a clock that stood at zero at `origin`.
    pub(crate) fn set_times(&mut self, reading: &Reading, origin: SystemTime) {
        let whole = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let began = Timestamp::try_from(origin + reading.began);
        self.started_at = began.ok().map(|at| format!("{at:.3}"));
        self.duration_ms = Some(whole(reading.ended.saturating_sub(reading.began)));
        let Some(first) = reading.first_text else {
            return;
        };
        self.ttft_ms = Some(whole(first.saturating_sub(reading.began)));
        let span = reading.ended.saturating_sub(first).as_micros();
        if let (Some(output), Ok(span)) = (self.output_tokens, u64::try_from(span))
            && span >= MIN_SPAN
        {
            let rate = Decimal::from(output) * Decimal::from(1_000_000) / Decimal::from(span);
            self.tokens_per_second = Some(rate.round_dp(1).normalize());
        }
    }

    /// When it was made, or else waited for.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        let parse = |text: &Option<String>| text.as_deref()?.parse().ok();
        parse(&self.created_at).or_else(|| parse(&self.started_at))
    }

    /// Says anew what it cost; `now` is when it was made if nothing tells.
    pub(crate) fn reprice(&mut self, prices: &PriceBook, now: SystemTime) {
        let mut reading = self.to_reading();
        agree(&mut reading, prices.deal());
        self.service_tier.clone_from(&reading.service_tier);
        let at = self.at().map_or(now, SystemTime::from);
        self.set_cost(&reading, quote(&reading, prices, at));
    }

    /// As much of its reading as a price depends on.
    fn to_reading(&self) -> Reading {
        let mut reading = Reading {
            provider: self.provider.clone(),
            model: self.model.clone(),
            request_model: self.request_model.clone(),
            service_tier: self.service_tier.clone(),
            region: self.price_match.as_deref().and_then(region_of),
            lower_bound: self.cost_basis == Some(CostBasis::LowerBound),
            ..Reading::default()
        };
        if let Some(usage) = &self.usage {
            recount(self.api.as_deref(), usage, &mut reading);
        }
        for counted in &COUNTED {
            match (counted.get)(self) {
                Some(n) if self.estimated.iter().any(|name| name == counted.name) => {
                    reading.usage.estimate(counted.measure, n);
                }
                Some(n) => reading.usage.report(counted.measure, n),
                None => reading.usage.forget(counted.measure),
            }
        }
        let said = self.cost_note.as_deref().unwrap_or_default();
        for (measure, what) in NOTED {
            if let Some(count) = said.split("; ").find_map(|note| noted(note, what)) {
                reading.usage.report(*measure, count);
            }
        }
        let stated = |amount: &Decimal| Charged {
            amount: amount.to_string(),
            shift: 0,
        };
        reading.charged = self.cost_reported_usd.iter().map(stated).collect();
        reading.notes = Note::ALL.to_vec();
        let usage_request = self.usage_request.as_deref();
        reading.notes.retain(|note| {
            let text = said_as(*note, usage_request);
            said.contains(text)
        });
        reading
    }

    /// Adds what it cost: by the provider's word, and by the price table's.
    fn set_cost(&mut self, reading: &Reading, mut quote: Quote) {
        if reading.notes.iter().any(|note| note.is_contradiction()) {
            quote.parts = None;
        }
        self.cost_reported_usd = reported(&reading.charged);
        self.price_match = quote.entry;
        // It may name the model.
        self.cost_note = quote.note.map(short);
        let part = |of: fn(&Parts) -> Decimal| quote.parts.as_ref().map(of);
        self.input_cost_usd = part(|parts| parts.input);
        self.cache_read_cost_usd = part(|parts| parts.cache_read);
        self.cache_write_cost_usd = part(|parts| parts.cache_write);
        self.output_cost_usd = part(|parts| parts.output);
        self.other_cost_usd = part(|parts| parts.other);
        self.cost_computed_usd = part(Parts::total);
        self.cost_usd = self.cost_reported_usd.or(self.cost_computed_usd);
        self.cost_basis = if self.cost_usd.is_none() {
            None
        } else if self.cost_reported_usd.is_some() {
            Some(CostBasis::Reported)
        } else if reading.lower_bound || quote.lower_bound {
            Some(CostBasis::LowerBound)
        } else if self.estimated.is_empty() {
            Some(CostBasis::Computed)
        } else {
            Some(CostBasis::Estimated)
        };
        if let Some(note) = &mut self.cost_note
            && let Some(at) = note.find(NO_INPUT)
        {
            note.insert_str(at + NO_INPUT.len(), PASS_REQUEST);
        }
        for note in &reading.notes {
            let text = said_as(*note, self.usage_request.as_deref());
            add_note(&mut self.cost_note, text);
        }
    }
}

/// One flat object of all columns in order. With serde_json, amounts of money and the provider's usage keep their
/// digits.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = |column: &Column| {
            let mut json = String::new();
            (column.get)(self).write_json(&mut json);
            RawValue::from_string(json).unwrap_or_default()
        };
        let members = COLUMNS.iter().map(|column| (column.name, value(column)));
        serializer.collect_map(members)
    }
}

/// Adds what the user knows of a response's bill and the stream does not say.
fn agree(reading: &mut Reading, deal: &Deal) {
    // `auto` is what was asked for, not what it came to.
    if reading
        .service_tier
        .as_deref()
        .is_none_or(|tier| tier == "auto")
        && let Some(tier) = &deal.tier
    {
        reading.service_tier = Some(tier.clone());
    }
    if reading.region.is_none() {
        reading.region.clone_from(&deal.region);
    }
}

/// The count in a note: `containers: 2`.
fn noted(note: &str, what: &str) -> Option<u64> {
    note.strip_prefix(what)?.strip_prefix(": ")?.parse().ok()
}

/// The region that a price entry was used for: `google/claude-opus-5 (region europe-west1 ×1.1)`.
fn region_of(price_match: &str) -> Option<String> {
    let (_, rest) = price_match.split_once("region ")?;
    Some(rest.split(' ').next()?.to_owned())
}

/// What a response that was made at that time cost.
fn quote(reading: &Reading, prices: &PriceBook, at: SystemTime) -> Quote {
    let model = reading.model.as_deref();
    let query = Query {
        provider: reading.provider.as_deref(),
        model: model.or(reading.request_model.as_deref()),
        tier: reading.service_tier.as_deref(),
        region: reading.region.as_deref(),
        at,
        passes: &reading.passes,
    };
    prices.quote(&query, &reading.usage)
}

/// When a response was made, as far as it says so.
fn made_at(reading: &Reading) -> Option<Timestamp> {
    reading.created.as_ref().and_then(created_at)
}

/// When a response was made.
pub(crate) fn created_at(created: &Created) -> Option<Timestamp> {
    match created {
        Created::Text(text) => text.parse().ok(),
        Created::Unix(seconds) => {
            let seconds = i64::try_from(*seconds).ok()?;
            Timestamp::from_second(seconds).ok()
        }
    }
}

/// What a provider charged in all.
fn reported(charged: &[Charged]) -> Option<Decimal> {
    let amount = |charged: &Charged| {
        let plain = charged.amount.parse();
        let amount: Decimal = plain
            .or_else(|_| Decimal::from_scientific(&charged.amount))
            .ok()?;
        let places = amount
            .scale()
            .checked_add(charged.shift)
            .filter(|places| *places <= 28)?;
        let amount = Decimal::try_from_i128_with_scale(amount.mantissa(), places).ok()?;
        Some(amount).filter(|amount| !amount.is_sign_negative())
    };
    let sum = |amounts: &[Decimal]| {
        amounts
            .iter()
            .copied()
            .fold(Decimal::ZERO, Decimal::saturating_add)
    };
    let amounts: Vec<Decimal> = charged.iter().filter_map(amount).collect();
    (!amounts.is_empty()).then(|| sum(&amounts).round_dp(12).normalize())
}
