//! Bytes in, readings out. Knows no files, pipes, clocks or money.

mod context;
mod counts;
mod dialect;
mod emit;
mod estimate;
mod event;
mod exchange;
mod failure;
mod fast;
mod frame;
mod json;
mod local;
mod pattern;
mod reading;
mod request;
mod responses;
mod usage;

use std::cell::RefCell;
use std::time::Duration;

use counts::Counters;
use exchange::Exchange;
use fast::Fast;
use json::{Json, Parser};
use responses::{Responses, Tools};

pub(crate) use frame::http::cost as cost_of_headers;
pub(crate) use json::end::{Scan, Scanner};

pub use context::Context;
pub use emit::Emit;
pub use estimate::TokenCounter;
pub use failure::Failure;
pub(crate) use frame::Framer;
#[cfg(feature = "tokio")]
pub(crate) use frame::event::{Frame, MAX_EVENT};
pub use reading::{Charged, Created, EndedBy, Note, Pass, Reading, Status};
pub use request::Request;
pub use usage::stated::RawUsage;
pub use usage::{Count, Measure, Usage};

/// Meters the responses in a stream of bytes.
///
/// It is fed slices cut anywhere, never fails, and touches neither IO nor a clock.
///
/// ```
/// use tokensense::{EndedBy, Meter};
///
/// let mut meter = Meter::new();
/// meter.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],");
/// meter.feed(b"\"model\":\"m\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n");
/// meter.finish(EndedBy::Upstream);
/// let reading = meter.next_reading().expect("one response");
/// assert_eq!(reading.usage.total(), Some(6));
/// ```
pub struct Meter {
    framer: Framer,
    parser: Parser,
    responses: Responses,
    /// The fast way, if it may be taken.
    fast: Option<Fast>,
}

/// Where it is in the stream, and nothing of what the stream says.
impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut meter = f.debug_struct("Meter");
        meter.field("offset", &self.framer.offset());
        meter.finish_non_exhaustive()
    }
}

/// Reads the counts of a usage object again that an API's response has stated.
pub(crate) fn recount(api: Option<&str>, usage: &RawUsage, reading: &mut Reading) {
    thread_local! {
        static READY: RefCell<(Parser, Counters)> = RefCell::new((Parser::new(), Counters::remembering()));
    }
    let provider = reading.provider.as_deref();
    if let Some(dialect) = dialect::named(api, provider) {
        let exchange = Exchange::restating(usage);
        READY.with_borrow_mut(|(parser, counters)| {
            exchange.count(dialect, parser, counters, reading)
        });
    }
}

/// The API whose body or event this is, by the signs of its dialect.
pub(crate) fn api_of(json: &[u8]) -> Option<&'static str> {
    thread_local! {
        static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
    }
    let api =
        |json: Json<'_>| dialect::recognise::recognise(json, "", None).map(|dialect| dialect.api);
    PARSER.with_borrow_mut(|parser| parser.parse(json, api).flatten())
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// A meter that knows nothing beyond the stream.
    pub fn new() -> Self {
        Self::with_context(Context::default())
    }

    /// A meter that is told what the stream may not say.
    pub fn with_context(context: Context) -> Self {
        Self {
            framer: Framer::default(),
            parser: Parser::new(),
            responses: Responses {
                tools: Tools {
                    context,
                    counters: Counters::remembering(),
                    ..Tools::default()
                },
                ..Responses::default()
            },
            fast: Some(Fast::default()),
        }
    }

    /// A meter that parses every event whole and remembers none: the standard that tests hold the fast one to.
    #[doc(hidden)]
    pub fn plain() -> Self {
        Self {
            responses: Responses::default(),
            fast: None,
            ..Self::new()
        }
    }

    /// Makes the meter ready for another stream. What it has built to read events with stays.
    pub(crate) fn renew(&mut self) {
        self.framer.renew();
        if let Some(fast) = &mut self.fast {
            fast.renew();
        }
        self.responses.renew();
    }

    /// Makes the meter keep JSON documents that no dialect knows, to be had from [`next_stranger`](Self::next_stranger).
    pub(crate) fn keep_strangers(&mut self) {
        self.responses.tools.keeps_strangers = true;
    }

    /// The next document that no dialect knew.
    pub(crate) fn next_stranger(&mut self) -> Option<Vec<u8>> {
        self.responses.stream.strangers.pop_front()
    }

    /// Says which request the responses to come answer.
    pub(crate) fn expect(&mut self, context: Context) {
        self.responses.tools.context = context;
    }

    /// Makes the meter give out what it reads, to be had from [`take_emitted`](Self::take_emitted).
    pub fn emit(&mut self, emit: Emit) {
        self.responses.tools.emitter.what = Some(emit);
        // What is given out has to be read whole.
        self.fast = None;
    }

    /// What was given out since the last call.
    pub fn take_emitted(&mut self) -> Vec<u8> {
        self.responses.tools.emitter.take()
    }

    /// Takes in the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.feed_at(bytes, Duration::ZERO);
    }

    /// As [`feed`](Self::feed), with the time at which the bytes came, on any clock that does not run backwards.
    pub fn feed_at(&mut self, bytes: &[u8], now: Duration) {
        let Self {
            framer,
            parser,
            responses,
            fast,
        } = self;
        responses.stream.now = now;
        match fast {
            Some(fast) => fast.feed(bytes, framer, responses, parser),
            None => {
                let mut rest = bytes;
                while let Some(found) = framer.next(&mut rest) {
                    responses.take(found.frame, found.start, parser, &mut ());
                }
            }
        }
    }

    /// Ends the stream: what is under way becomes the last reading.
    pub fn finish(&mut self, ended_by: EndedBy) {
        self.finish_at(ended_by, self.responses.stream.now);
    }

    /// As [`finish`](Self::finish), with the time.
    pub fn finish_at(&mut self, ended_by: EndedBy, now: Duration) {
        let Self {
            framer,
            parser,
            responses,
            fast,
        } = self;
        responses.stream.now = now;
        if let Some(fast) = fast {
            fast.finish(framer, responses, parser);
        }
        responses.stream.ending = true;
        while let Some(found) = framer.finish() {
            responses.take(found.frame, found.start, parser, &mut ());
        }
        responses.finish(ended_by, framer.offset());
    }

    /// Bytes that were taken and not yet understood.
    fn pending(&self) -> usize {
        self.fast.as_ref().map_or(0, |fast| fast.pending().len())
    }

    /// Whether the response under way has its end, or a reason to finish, after which some servers send nothing.
    pub(crate) fn has_ended(&self) -> bool {
        let ended = |exchange: &Exchange| exchange.over || exchange.awaits_end();
        self.responses.stream.exchange.as_ref().is_some_and(ended) && self.pending() == 0
    }

    /// Whether the response under way has ended by its own word, and nothing has come after it.
    pub(crate) fn is_done(&self) -> bool {
        let over = |exchange: &Exchange| exchange.over;
        self.responses.stream.exchange.as_ref().is_some_and(over)
            && self.responses.stream.beside.is_empty()
            && self.framer.at_boundary()
            && self.pending() == 0
    }

    /// Whether a JSON value has begun and not ended.
    pub(crate) fn is_amid(&self) -> bool {
        self.framer.in_document()
    }

    /// The next response that has ended.
    pub fn next_reading(&mut self) -> Option<Reading> {
        self.responses.stream.readings.pop_front()
    }

    /// What the response under way has come to so far: its counts are estimates until they are stated.
    pub fn so_far(&mut self) -> Option<Reading> {
        let offset = self.framer.offset() + self.pending() as u64;
        self.responses.so_far(offset)
    }

    /// The model and provider of the response under way, as soon as they are known.
    pub fn under_way(&self) -> Option<(Option<&str>, Option<&str>)> {
        let exchange = self.responses.stream.exchange.as_ref()?;
        Some((exchange.model(), exchange.speaker(None)))
    }
}
