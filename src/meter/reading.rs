//! What the meter says of one response.

use std::time::Duration;

use super::failure::Failure;
use super::usage::Usage;

/// What one response came to. The clock is the caller's: times count from wherever it counts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// The API, by the name the record gives it.
    pub api: Option<&'static str>,
    /// Who answered, as far as the stream tells or the caller said.
    pub provider: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The model asked for, where the request is known.
    pub request_model: Option<String>,
    /// The provider's id for the response.
    pub response_id: Option<String>,
    /// When the provider made it.
    pub created: Option<Created>,
    /// The tier it was served in.
    pub service_tier: Option<String>,
    /// The region it was asked for in, where the request's address tells.
    pub region: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Something of it is missing.
    pub partial: bool,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Why generation stopped; several choices' reasons with a comma between.
    pub finish_reason: Option<String>,
    /// What the API reported as having failed.
    pub failure: Option<Failure>,
    /// From a header block in the stream.
    pub http_status: Option<u16>,
    /// Counts, each with its provenance.
    pub usage: Usage,
    /// Passes by other models within this response, not part of its counts.
    pub passes: Vec<Pass>,
    /// What the provider says it charged.
    pub charged: Vec<Charged>,
    /// What estimates were made with.
    pub estimator: Option<String>,
    /// How far the estimates of nine in ten recordings of models like this one were off at most, in hundredths; `None`
    /// where the vocabulary is the model's own.
    pub estimate_error: Option<u32>,
    /// More was billed than could be counted.
    pub lower_bound: bool,
    /// What a user should know about these figures.
    pub notes: Vec<Note>,
    /// Bytes of generated text that came through, reasoning and tool calls included.
    pub text_bytes: u64,
    /// Those of them that are reasoning.
    pub reasoning_bytes: u64,
    /// Bytes of the stream that belong to it.
    pub bytes: u64,
    /// Events understood as such.
    pub events: u64,
    /// Events that could not be understood.
    pub events_skipped: u64,
    /// When its first byte came.
    pub began: Duration,
    /// When its first generated text came.
    pub first_text: Option<Duration>,
    /// When its last byte came.
    pub ended: Duration,
}

impl Reading {
    /// Whether another response is of the same kind by the same model, and neither lacks anything.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        let whole = |reading: &Self| reading.status == Status::Complete && !reading.partial;
        whole(self)
            && whole(other)
            && self.api == other.api
            && self.model == other.model
            && self.provider == other.provider
    }

    /// Adds a later response: both become one.
    pub(crate) fn add(&mut self, later: Self) {
        self.usage.add(later.usage);
        self.charged.extend(later.charged);
        self.finish_reason = later.finish_reason.or(self.finish_reason.take());
        self.bytes += later.bytes;
        self.events += later.events;
        self.ended = later.ended;
    }
}

words! {
    /// How a response ended.
    #[derive(Default)]
    pub enum Status {
        /// The reader, a signal or a limit ended it before its end marker.
        Cancelled = "cancelled",
        /// Its end marker came.
        Complete = "complete",
        /// Nothing came.
        #[default]
        Empty = "empty",
        /// The API reported a failure.
        Error = "error",
        /// The upstream ended without the API's end marker.
        Truncated = "truncated",
        /// Bytes came that are no known API's.
        Unrecognised = "unrecognised",
    }
}

words! {
    /// Who or what ended the stream.
    #[derive(Default)]
    pub enum EndedBy {
        /// The reader went away.
        Downstream = "downstream",
        /// A limit that the user set.
        Limit = "limit",
        /// SIGHUP came.
        Sighup = "SIGHUP",
        /// SIGINT came.
        Sigint = "SIGINT",
        /// SIGTERM came.
        Sigterm = "SIGTERM",
        /// End of input.
        #[default]
        Upstream = "upstream",
    }
}

/// When a response was made, as the provider writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Created {
    /// RFC 3339.
    Text(String),
    /// Seconds since 1970.
    Unix(u64),
}

/// A pass by another model that a response includes, as Anthropic's advisor.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Pass {
    /// The model that made it.
    pub model: Option<String>,
    /// What it used.
    pub usage: Usage,
}

/// An amount of money that the provider stated, in US dollars ÷ 10 to the power of `shift`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Charged {
    /// The number as it was written.
    pub amount: String,
    /// Decimal places to move it by.
    pub shift: u32,
}

/// What a user should know about a reading's figures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The provider counts more tokens as cached than as input.
    CacheAboveInput,
    /// A server on this machine names a model that its maker alone sells.
    Gateway,
    /// The body came compressed.
    Gzip,
    /// The stream ended well without stating usage.
    NoUsage,
    /// Several requests were made, and it cannot be told which of them this answers.
    OfSeveral,
    /// The provider's total is above its input and output together.
    TotalAbove,
    /// The provider's total is below its input and output together.
    TotalBelow,
}

impl Note {
    /// Every note.
    pub(crate) const ALL: [Self; 7] = [
        Self::CacheAboveInput,
        Self::Gateway,
        Self::Gzip,
        Self::NoUsage,
        Self::OfSeveral,
        Self::TotalAbove,
        Self::TotalBelow,
    ];

    /// The note as a sentence, with the way out.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CacheAboveInput => {
                "the provider's counts contradict each other: more tokens are cached than input"
            }
            Self::Gateway => {
                "a local server names a model that its maker alone sells: priced as the maker's; --provider decides"
            }
            Self::Gzip => "the body is gzip: add --compressed to curl",
            Self::NoUsage => {
                "usage was not reported; request it with \"stream_options\":{\"include_usage\":true}, or let tokensense run do that"
            }
            Self::OfSeveral => {
                "of several requests in one command it cannot be told which one this answers: run them one by one"
            }
            Self::TotalAbove => {
                "the provider's total is more than input and output: what else it counts is not priced"
            }
            Self::TotalBelow => {
                "the provider's counts contradict each other: the total is less than input and output"
            }
        }
    }

    /// Whether no cost can rest on the counts.
    pub fn is_contradiction(self) -> bool {
        matches!(self, Self::CacheAboveInput | Self::TotalBelow)
    }
}
