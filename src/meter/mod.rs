//! Bytes in, readings out. Knows no files, pipes, clocks or money.

mod dialect;
mod emit;
mod estimate;
mod exchange;
mod failure;
mod frame;
mod json;
mod local;
mod memo;
mod plan;
mod raw;
mod reading;
mod request;
mod responses;
mod sense;
mod shape;
mod tail;
mod tree;
mod usage;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::take;
use std::time::Duration;

use base64::Engine as _;
use dialect::Dialect;
use emit::Emitter;
use estimate::Family;
use estimate::transcript::{Channel, Heard};
use exchange::{Ending, Exchange, Signs, Trace};
use frame::{Event, Frame, Framer, Wrap};
use json::{Json, Parser};
use memchr::memmem;
use memo::Memo;
use plan::Plans;
use responses::{Beside, Place};
use sense::{Gist, Parsed, Sense};
use shape::{Known, Shape};
use tail::Tail;

pub use emit::Emit;
pub use failure::Failure;
pub(crate) use frame::{Scan, Scanner};
pub use raw::RawUsage;
pub use reading::{Charged, Created, EndedBy, Note, Pass, Reading, Status};
pub use request::Request;
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
    memo: Memo,
    parser: Parser,
    core: Core,
    tail: Tail,
    naive: bool,
}

/// What most streams of OpenAI's grammar end with.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// The meter without its framing.
struct Core {
    /// For what was gathered over events.
    parser: Parser,
    /// The response under way.
    exchange: Option<Exchange>,
    beside: Beside,
    /// Bytes of the stream that were counted to a response.
    counted: u64,
    /// What the next response may use to hear with.
    heard: Heard,
    readings: VecDeque<Reading>,
    /// Any reading was ever given.
    spoke: bool,
    /// Things that were no events, before any response began.
    strays: u64,
    context: Context,
    plans: Plans,
    now: Duration,
    /// When the last response ended: the next one is waited for since then.
    idle_since: Duration,
    trace: Trace,
    /// The shape of the event at hand is wanted.
    learns: bool,
    emitter: Emitter,
    /// Nothing more will come.
    ending: bool,
    /// The event at hand was cut off by the end of input: how much of it came, and the offset of the string of which it
    /// is but half.
    cut: Option<(usize, Option<usize>)>,
    /// JSON documents that no dialect knows, where somebody asks for them.
    strangers: Option<VecDeque<Vec<u8>>>,
}

/// What the caller knows that the stream may not say.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    /// The model that answers, whatever the stream says.
    pub model: Option<String>,
    /// Who answers, whatever the stream says.
    pub provider: Option<String>,
    /// The requests in the order of their responses. The last one counts for all that follow.
    pub requests: Vec<Request>,
}

impl Context {
    fn ending(&self, number: u64, followed: bool) -> Ending<'_> {
        let own = usize::try_from(number)
            .ok()
            .and_then(|at| self.requests.get(at));
        Ending {
            model: self.model.as_deref(),
            provider: self.provider.as_deref(),
            request: own.or(self.requests.last()),
            followed,
        }
    }
}

/// Reads the counts of a usage object again that an API's response has stated.
pub(crate) fn recount(api: Option<&str>, usage: &RawUsage, reading: &mut Reading) {
    thread_local! {
        static READY: RefCell<(Parser, Plans)> = RefCell::new((Parser::new(), Plans::default()));
    }
    let provider = reading.provider.as_deref();
    if let Some(dialect) = dialect::named(api, provider) {
        let exchange = Exchange::restating(usage);
        READY.with_borrow_mut(|(parser, plans)| exchange.count(dialect, parser, plans, reading));
    }
}

/// The API whose body or event this is, by the signs of its dialect.
pub(crate) fn api_of(json: &[u8]) -> Option<&'static str> {
    thread_local! {
        static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
    }
    let api = |json: Json<'_>| dialect::recognise(json, "", None).map(|dialect| dialect.api);
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
            memo: Memo::default(),
            parser: Parser::new(),
            core: Core {
                parser: Parser::new(),
                exchange: None,
                beside: Beside::default(),
                counted: 0,
                heard: Heard::default(),
                readings: VecDeque::new(),
                spoke: false,
                strays: 0,
                context,
                plans: Plans::default(),
                now: Duration::ZERO,
                idle_since: Duration::ZERO,
                trace: Trace::default(),
                learns: false,
                emitter: Emitter::default(),
                ending: false,
                cut: None,
                strangers: None,
            },
            tail: Tail::default(),
            naive: false,
        }
    }

    /// A meter that parses every event whole: the standard that tests hold the fast one to.
    #[doc(hidden)]
    pub fn naive() -> Self {
        Self {
            naive: true,
            ..Self::new()
        }
    }

    /// Makes the meter ready for another stream. What it has built to read events with stays.
    pub(crate) fn renew(&mut self) {
        self.framer.renew();
        self.memo.restart();
        self.tail = Tail::default();
        let core = &mut self.core;
        core.exchange = None;
        (core.beside, core.counted) = (Beside::default(), 0);
        core.readings.clear();
        if let Some(strangers) = &mut core.strangers {
            strangers.clear();
        }
        (core.spoke, core.ending, core.strays) = (false, false, 0);
        (core.now, core.idle_since) = (Duration::ZERO, Duration::ZERO);
    }

    /// Makes the meter keep JSON documents that no dialect knows, to be had from [`next_stranger`](Self::next_stranger).
    pub(crate) fn keep_strangers(&mut self) {
        self.core.strangers.get_or_insert_default();
    }

    /// The next document that no dialect knew.
    pub(crate) fn next_stranger(&mut self) -> Option<Vec<u8>> {
        self.core.strangers.as_mut()?.pop_front()
    }

    /// Says which request the responses to come answer.
    pub(crate) fn expect(&mut self, context: Context) {
        self.core.context = context;
    }

    /// Makes the meter give out what it reads, to be had from [`take_emitted`](Self::take_emitted).
    pub fn emit(&mut self, emit: Emit) {
        self.core.emitter.what = Some(emit);
        // What is given out has to be read whole.
        self.naive = true;
    }

    /// What was given out since the last call.
    pub fn take_emitted(&mut self) -> Vec<u8> {
        self.core.emitter.take()
    }

    /// Takes in the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.feed_at(bytes, Duration::ZERO);
    }

    /// As [`feed`](Self::feed), with the time at which the bytes came, on any clock that does not run backwards.
    pub fn feed_at(&mut self, bytes: &[u8], now: Duration) {
        self.core.now = now;
        let mut rest = bytes;
        if !self.tail.bytes().is_empty() {
            let Some(event) = self.tail.fill(&mut rest) else {
                return;
            };
            self.take_in(&event, false);
            self.tail.spare(event);
        }
        self.take_in(rest, true);
    }

    /// Takes in bytes; of an event that they break off, the beginning may be kept for later.
    fn take_in(&mut self, bytes: &[u8], keeps: bool) {
        let Self {
            framer,
            memo,
            parser,
            core,
            tail,
            naive,
        } = self;
        let base = framer.offset();
        let mut rest = bytes;
        loop {
            if !*naive && !rest.is_empty() && framer.at_boundary() {
                core.recall(framer, memo, &mut rest);
                if rest.starts_with(DONE) {
                    framer.pass(&mut rest, DONE.len());
                    core.take_done();
                    memo.forget();
                    continue;
                }
                if core.know(framer, memo, &mut rest) {
                    continue;
                }
                if keeps && memo.has_shapes() && tail.keep(rest) {
                    break;
                }
            }
            let before = framer.offset();
            let Some(found) = framer.next(&mut rest) else {
                break;
            };
            // An event that something else came in the midst of is like no other.
            let unbroken = found.start >= before;
            let start = found.start.checked_sub(base).map(|start| start as usize);
            let version = core.version();
            core.learns = !*naive && unbroken && start.is_some() && memo.is_learning();
            let fresh = core.take(found.frame, found.start, parser);
            if *naive {
                continue;
            }
            core.turn_memo(memo, fresh, version);
            if let Some(start) = start
                && core.learns
                && core.trace.teaches()
                && framer.at_boundary()
            {
                let event = &bytes[start..bytes.len() - rest.len()];
                core.learn(memo, event, framer.last_data().trim_ascii());
            }
        }
    }

    /// Ends the stream: what is under way becomes the last reading.
    pub fn finish(&mut self, ended_by: EndedBy) {
        self.finish_at(ended_by, self.core.now);
    }

    /// As [`finish`](Self::finish), with the time.
    pub fn finish_at(&mut self, ended_by: EndedBy, now: Duration) {
        self.core.now = now;
        let tail = take(&mut self.tail);
        self.take_in(tail.bytes(), false);
        self.core.ending = true;
        while let Some(found) = self.framer.finish() {
            self.core.take(found.frame, found.start, &mut self.parser);
        }
        self.core.close_all(ended_by, self.framer.offset());
        if !self.core.spoke {
            let unrecognised = self.core.strays > 0;
            let Context {
                provider, requests, ..
            } = &self.core.context;
            let request = requests.first();
            let asked = request.and_then(Request::provider).map(str::to_owned);
            self.core.put(Reading {
                request_model: request.and_then(Request::model).map(str::to_owned),
                provider: provider.clone().or(asked),
                status: if unrecognised {
                    Status::Unrecognised
                } else {
                    Status::Empty
                },
                ended_by,
                bytes: self.framer.offset(),
                events_skipped: self.core.strays,
                ended: now,
                ..Reading::default()
            });
        }
    }

    /// Whether the response under way has its end, or a reason to finish, after which some servers send nothing.
    pub(crate) fn has_ended(&self) -> bool {
        let ended = |exchange: &Exchange| exchange.over || exchange.awaits_end();
        self.core.exchange.as_ref().is_some_and(ended) && self.tail.bytes().is_empty()
    }

    /// Whether the response under way has ended by its own word, and nothing has come after it.
    pub(crate) fn is_done(&self) -> bool {
        let over = |exchange: &Exchange| exchange.over;
        self.core.exchange.as_ref().is_some_and(over)
            && self.core.beside.is_empty()
            && self.framer.at_boundary()
            && self.tail.bytes().is_empty()
    }

    /// Whether a JSON value has begun and not ended.
    pub(crate) fn is_amid(&self) -> bool {
        self.framer.in_document()
    }

    /// The next response that has ended.
    pub fn next_reading(&mut self) -> Option<Reading> {
        self.core.readings.pop_front()
    }

    /// What the response under way has come to so far: its counts are estimates until they are stated.
    pub fn so_far(&mut self) -> Option<Reading> {
        let offset = self.framer.offset() + self.tail.bytes().len() as u64;
        self.core.so_far(offset)
    }

    /// The model and provider of the response under way, as soon as they are known.
    pub fn under_way(&self) -> Option<(Option<&str>, Option<&str>)> {
        let exchange = self.core.exchange.as_ref()?;
        Some((exchange.model(), exchange.speaker(None)))
    }
}

impl Core {
    /// Takes in runs of events like one that this response has had.
    #[inline]
    fn recall(&mut self, framer: &mut Framer, memo: &mut Memo, rest: &mut &[u8]) {
        framer.skip_blank(rest);
        let Some(exchange) = self.exchange.as_mut().filter(|_| !memo.is_empty()) else {
            return;
        };
        while let Some((len, events)) = memo.recall(rest, &mut exchange.heard) {
            framer.pass(rest, len);
            framer.skip_blank(rest);
            exchange.events += events;
            exchange.identify_like(events);
            exchange.last = self.now;
        }
        self.settle();
    }

    /// Takes in the next event if its like was parsed before; gives whether it was.
    fn know(&mut self, framer: &mut Framer, memo: &mut Memo, rest: &mut &[u8]) -> bool {
        let version = self.version();
        let Some((shape, spans, len, repeats)) = memo.know(rest, self.known()) else {
            return false;
        };
        let (event, begin) = (&rest[..len], shape.begin);
        let Some(unescaped) = shape::unescape(event, spans) else {
            return false;
        };
        let known = Known {
            event,
            spans,
            unescaped: &unescaped,
        };
        let Some(sense) = shape.sense(known) else {
            return false;
        };
        let place = self
            .beside
            .place(self.exchange.as_ref(), &Signs::of(&sense));
        // What the response under way speaks says nothing of another one.
        let here = matches!(place, Place::Here | Place::Unclear);
        if !here && (self.known().is_some() || matches!(place, Place::Apart(_) | Place::Back(_))) {
            return false;
        }
        self.learns = false;
        let start = framer.pass(rest, len);
        let fresh = self.turn(start, place);
        self.begin_with(&sense, start, place);
        self.say(&sense);
        self.settle();
        self.turn_memo(memo, fresh, version);
        // A text that was unescaped does not stand in the event.
        if repeats && unescaped.is_empty() && !self.trace.unique && memo.is_learning() {
            memo.learn(event, begin, &mut self.trace.holes);
        }
        true
    }

    /// Learns from the event just taken in.
    fn learn(&mut self, memo: &mut Memo, event: &[u8], data: &[u8]) {
        // Data of several lines does not stand in the event as it is.
        let front = &data[..data.len().min(8)];
        let mut places = memmem::find_iter(event, front);
        let Some(begin) = places.find(|at| event[*at..].starts_with(data)) else {
            return;
        };
        if let Some(mut shape) = self.trace.shape.take() {
            shape.frame(event, begin);
            memo.learn_shape(shape);
        }
        if !self.trace.unique {
            memo.learn(event, begin, &mut self.trace.holes);
        }
    }

    /// Makes the memo forget what no longer holds after an event.
    fn turn_memo(&self, memo: &mut Memo, fresh: bool, version: u64) {
        if fresh {
            memo.restart();
        } else if self.version() != version {
            memo.forget();
        }
    }

    /// What the response under way speaks.
    fn dialect(&self) -> Option<&'static Dialect> {
        self.exchange.as_ref()?.dialect
    }

    /// What the next event may be expected to speak: what was learned of a response ends with it.
    fn known(&self) -> Option<&'static Dialect> {
        let exchange = self.exchange.as_ref().filter(|exchange| !exchange.over);
        exchange?.dialect
    }

    /// Sees to what follows from newly heard text.
    fn settle(&mut self) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        if exchange.first_text.is_none() && exchange.heard.any() {
            exchange.first_text = Some(self.now);
        }
    }

    fn version(&self) -> u64 {
        self.exchange
            .as_ref()
            .map_or(0, |exchange| exchange.version)
    }

    /// Takes one frame in; gives whether it began a new response.
    fn take(&mut self, frame: Frame<'_>, start: u64, parser: &mut Parser) -> bool {
        self.trace = Trace::unique();
        match frame {
            Frame::ArrayEnd => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.over = true;
                    exchange.version += 1;
                }
                false
            }
            Frame::Cut(data) => self.take_cut(data, start, parser),
            Frame::Event(event) => self.take_event(event, start, parser),
            // Amid a response these are stray bytes, not another one.
            Frame::Gzip if self.exchange.as_ref().is_some_and(Exchange::is_under_way) => {
                self.skip();
                false
            }
            Frame::Gzip => {
                let place = self.exchange.as_ref().map(Exchange::leave);
                let fresh = self.turn(start, place.unwrap_or(Place::Here));
                self.begin(start).gzip = true;
                fresh
            }
            Frame::Head(head) => {
                let place = self.exchange.as_ref().map(Exchange::leave);
                let fresh = self.turn(start, place.unwrap_or(Place::Here));
                let exchange = self.begin(start);
                exchange.http_status = Some(head.status);
                exchange.tokens = head.tokens;
                exchange.cost = head.cost;
                fresh
            }
            Frame::Junk => {
                self.skip();
                false
            }
        }
    }

    /// Takes in what OpenAI and its like end a stream with.
    fn take_done(&mut self) {
        let waits = self.exchange.as_ref().is_some_and(Exchange::awaits_end);
        if !waits && let Some(mut exchange) = self.beside.take_finished() {
            exchange.events += 1;
            exchange.over = true;
            self.end(exchange, EndedBy::Upstream, true);
            return;
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.events += 1;
            exchange.version += 1;
            exchange.over = true;
            exchange.last = self.now;
        }
    }

    fn take_event(&mut self, event: Event<'_>, start: u64, parser: &mut Parser) -> bool {
        let data = event.data.trim_ascii();
        if data == b"[DONE]" {
            self.take_done();
            return false;
        }
        if event.wrap == Wrap::Aws
            && event.name == b"chunk"
            && let Some(native) = unwrap_chunk(data, parser)
        {
            let inner = Event {
                name: &[],
                data: &native,
                wrap: Wrap::Aws,
            };
            let fresh = self.take_json(inner, &native, start, parser);
            if let Some(exchange) = &mut self.exchange {
                exchange.invoked = true;
            }
            self.trace = Trace::unique();
            return fresh.unwrap_or(false);
        }
        if let Some(fresh) = self.take_json(event, data, start, parser) {
            return fresh;
        }
        let mut fresh = false;
        let several = memmem::find(data, b"\n{").is_some();
        if self.ending && data.first() == Some(&b'{') && !several {
            return self.take_cut(data, start, parser);
        }
        // Some servers leave out the blank line between events.
        if event.wrap == Wrap::Sse && data.contains(&b'\n') {
            for line in data.split(|b| *b == b'\n') {
                let event = Event {
                    data: line,
                    ..event
                };
                fresh |= self.take_event(event, start, parser);
            }
            self.trace = Trace::unique();
            return fresh;
        }
        self.take_text(event, data, start)
    }

    /// Takes in an event that is no JSON: Replicate's text, an error in words, or a damaged one.
    fn take_text(&mut self, event: Event<'_>, data: &[u8], start: u64) -> bool {
        let text = String::from_utf8_lossy(data);
        match event.name {
            b"output" => {
                let over = self.exchange.as_ref().is_some_and(|exchange| exchange.over);
                let fresh = self.turn(start, if over { Place::Next } else { Place::Here });
                let exchange = self.begin(start);
                exchange.dialect.get_or_insert(dialect::text_stream());
                exchange.events += 1;
                let voice = exchange.heard.voice(Channel::Text, 0);
                // A space at either end is part of it.
                let text = String::from_utf8_lossy(event.data);
                exchange.heard.push(voice, text.as_bytes());
                self.emitter.text(0, &text);
                self.settle();
                fresh
            }
            b"error" => {
                let message = Some(text.into_owned());
                let failure = Failure {
                    kind: None,
                    message,
                };
                let exchange = self.begin(start);
                exchange.events += 1;
                exchange.fail(Some(failure));
                false
            }
            _ => {
                self.skip();
                false
            }
        }
    }

    /// Takes in an event by its JSON; `None` where it is none. Gives whether it began a new response.
    fn take_json(
        &mut self,
        event: Event<'_>,
        data: &[u8],
        start: u64,
        parser: &mut Parser,
    ) -> Option<bool> {
        let (wrap, name) = (event.wrap, std::str::from_utf8(event.name));
        let name = name.unwrap_or_default();
        let take = |json: Json<'_>| {
            let event = Parsed {
                json,
                data,
                wrap,
                name,
            };
            self.take_parsed(event, start)
        };
        let fresh = parser.parse(data, take).flatten();
        if fresh.is_some() {
            self.settle();
        }
        fresh
    }

    /// Takes in a parsed event; gives whether it began a new response. `None` where the end of input left but half of a
    /// value in it that is no text.
    fn take_parsed(&mut self, event: Parsed<'_>, start: u64) -> Option<bool> {
        let Parsed {
            json, wrap, name, ..
        } = event;
        let mut known = self.known();
        let recognise = match self.cut {
            Some(_) => dialect::recognise_cut,
            None => dialect::recognise,
        };
        let half = self.cut.and_then(|(_, half)| half);
        let Some(mut dialect) = recognise(json, name, known) else {
            return half.is_none().then(|| self.take_unknown(event, start));
        };
        let mut found = self.plans.of(dialect.rules).find(json);
        let mut sense = Sense::of(event, dialect, &found);
        if half.is_some_and(|at| !sense.is_text_at(at)) {
            return None;
        }
        // What tells a grammar that many share from another one may not have come.
        if self.cut.is_some() && known.is_none() && dialect.generic && !sense.generates() {
            return Some(self.take_unknown(event, start));
        }
        let place = self
            .beside
            .place(self.exchange.as_ref(), &Signs::of(&sense));
        let fresh = self.turn(start, place);
        if fresh && known.is_some() {
            // It is not of the response that was expected to go on.
            known = self.known();
            dialect = recognise(json, name, known).unwrap_or(dialect);
            found = self.plans.of(dialect.rules).find(json);
            sense = Sense::of(event, dialect, &found);
        }
        let learns = self.learns && wrap.is_bare();
        let shape = learns.then(|| Shape::of(event, &sense, &found, known));
        self.begin_with(&sense, start, place);
        self.emit(event);
        let settled = self.dialect().unwrap_or(dialect);
        if !std::ptr::eq(settled.rules, dialect.rules) {
            // A dialect settled before holds: its rules, not those of what this one event looks like.
            let whole = sense.gist.whole;
            found = self.plans.of(settled.rules).find(json);
            sense = Sense::of(event, settled, &found);
            sense.gist.whole = whole;
        }
        if let Some((came, _)) = self.cut {
            sense.trim(event.data, came);
        }
        self.say(&sense);
        let kind = settled.kind(json, name);
        self.emitter.found(settled.rules, &found, kind);
        self.trace.shape = shape.flatten();
        Some(fresh)
    }

    /// Takes in an event of no known dialect: a failure, or one that says nothing.
    fn take_unknown(&mut self, event: Parsed<'_>, start: u64) -> bool {
        let Parsed {
            json, wrap, name, ..
        } = event;
        let mut failure = None;
        // Of an event that was cut off it cannot be told what it lacks.
        if wrap != Wrap::Cut {
            // Amid a stream a message may be anybody's.
            let amid = self.dialect().is_some();
            failure = Failure::recognise(json, name, amid, wrap == Wrap::Document);
        }
        if failure.is_none() && wrap == Wrap::AwsException {
            failure = Failure::of(json);
        }
        let known = self.dialect();
        let signs = Signs::none(failure.is_some());
        let place = self.beside.place(self.exchange.as_ref(), &signs);
        let fresh = self.turn(start, place);
        self.emit(event);
        if let Some(mut failure) = failure {
            if wrap == Wrap::AwsException {
                failure.kind = Some(name.to_owned());
            }
            let exchange = self.begin(start);
            exchange.events += 1;
            exchange.over |= wrap == Wrap::Document && exchange.dialect.is_none();
            exchange.fail(Some(failure));
            return fresh;
        }
        // An event type we do not know is the norm; one of no known API is not.
        match (&mut self.exchange, known) {
            (Some(exchange), Some(known)) if wrap != Wrap::Document => {
                exchange.events += 1;
                let found = self.plans.of(known.rules).find(json);
                exchange.take(&Sense::of(event, known, &found), &mut self.trace);
                self.trace.unique = true;
            }
            _ => {
                let stands_alone = matches!(wrap, Wrap::Document | Wrap::Element);
                if let Some(strangers) = self.strangers.as_mut().filter(|_| stands_alone) {
                    strangers.push_back(event.data.to_vec());
                }
                self.skip();
            }
        }
        fresh
    }

    /// Sees to it that there is a response for an event to belong to.
    fn begin_with(&mut self, sense: &Sense<'_>, start: u64, place: Place) {
        self.count(start);
        let now = self.now;
        let exchange = self.begin(start);
        if place == Place::Unclear {
            exchange.divide(now);
        }
        exchange.identify(&Signs::of(sense));
        exchange.adopt(sense.gist.dialect);
    }

    /// Takes in what an event of the response under way says.
    fn say(&mut self, sense: &Sense<'_>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let mut trace = Trace::default();
        trace.holes = take(&mut self.trace.holes);
        trace.holes.clear();
        exchange.take(sense, &mut trace);
        let Gist { whole, wrap, .. } = sense.gist;
        exchange.over |= whole;
        exchange.whole |= whole;
        exchange.lines |= wrap == Wrap::Document && !whole;
        exchange.take_doubtful(sense, &mut trace, self.now);
        trace.unique |= exchange.over || !wrap.is_bare();
        self.trace = trace;
    }

    /// Gives out an event's data. What was added to one that was cut off never came.
    fn emit(&mut self, event: Parsed<'_>) {
        if event.wrap != Wrap::Cut {
            let named = if event.wrap == Wrap::Aws {
                event.name
            } else {
                ""
            };
            self.emitter.data(named, event.data);
        }
    }

    /// Reads what there is of an event that the end of input cut off, by closing what it left open.
    fn take_cut(&mut self, data: &[u8], start: u64, parser: &mut Parser) -> bool {
        let was_over = self.exchange.as_ref().is_some_and(|exchange| exchange.over);
        let mut fresh = None;
        // Half a text came through; half of anything else is nothing.
        for json::Closed { whole, came, half } in json::close(data).into_iter().flatten() {
            let event = Event {
                name: &[],
                data: &whole,
                wrap: Wrap::Cut,
            };
            self.cut = Some((came, half));
            fresh = self.take_json(event, &whole, start, parser);
            if fresh.is_some() {
                break;
            }
        }
        self.cut = None;
        match &mut self.exchange {
            Some(exchange) if fresh == Some(true) || !was_over => {
                exchange.over = false;
                exchange.cut = true;
                exchange.skipped += u64::from(fresh.is_none());
            }
            _ => self.skip(),
        }
        fresh.unwrap_or(false)
    }

    /// Makes the response that an event belongs to the one under way; gives whether it was none or another.
    fn turn(&mut self, start: u64, place: Place) -> bool {
        if matches!(place, Place::Here | Place::Unclear) {
            return self.exchange.is_none();
        }
        self.count(start);
        if let Place::Apart(at) = place {
            self.part(at);
            return true;
        }
        let back = match place {
            Place::Back(at) => Some(self.beside.take_up(at)),
            _ => None,
        };
        if let Some(exchange) = std::mem::replace(&mut self.exchange, back) {
            if place == Place::Next || exchange.over {
                self.end(exchange, EndedBy::Upstream, true);
            } else {
                self.idle_since = exchange.last;
                self.beside.leave(exchange);
            }
        }
        while let Some(exchange) = self.beside.take_stale(false) {
            self.end(exchange, EndedBy::Upstream, true);
        }
        true
    }

    /// Makes one of several responses, which seemed one, the one under way.
    fn part(&mut self, at: usize) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let first = exchange.number;
        for (which, mut part) in exchange.apart.into_iter().enumerate() {
            part.number = match which {
                0 => first,
                _ => self.beside.number(),
            };
            if which == at {
                self.exchange = Some(part);
            } else {
                self.beside.leave(part);
            }
        }
    }

    /// Counts the bytes before an offset to the response under way.
    fn count(&mut self, offset: u64) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let bytes = offset.saturating_sub(self.counted);
        self.counted += bytes;
        exchange.bytes += bytes;
        if let Some(last) = exchange.apart.last_mut() {
            last.bytes += bytes;
        }
    }

    /// The response under way, begun now if there is none.
    fn begin(&mut self, start: u64) -> &mut Exchange {
        if self.exchange.is_none() {
            let exchange = self.beside.take_blank().unwrap_or_else(|| {
                let number = self.beside.number();
                let (strays, heard) = (take(&mut self.strays), take(&mut self.heard));
                Exchange::new(number, self.idle_since, strays, heard)
            });
            self.exchange = Some(exchange);
            self.count(start);
        }
        let now = self.now;
        let exchange = self.exchange.get_or_insert_default();
        exchange.last = now;
        exchange
    }

    fn skip(&mut self) {
        match &mut self.exchange {
            Some(exchange) => exchange.skipped += 1,
            None => self.strays += 1,
        }
    }

    /// Ends every response.
    fn close_all(&mut self, ended_by: EndedBy, offset: u64) {
        self.count(offset);
        if let Some(exchange) = self.exchange.take() {
            self.beside.leave(exchange);
        }
        while let Some(exchange) = self.beside.take_stale(true) {
            let followed = !self.beside.is_last(&exchange);
            self.end(exchange, ended_by, followed);
        }
    }

    /// Ends a response, which may have been several.
    fn end(&mut self, mut exchange: Exchange, ended_by: EndedBy, followed: bool) {
        self.idle_since = exchange.last;
        let Some(parts) = exchange.take_apart() else {
            return self.read(exchange, ended_by, followed);
        };
        let last = parts.len() - 1;
        for (which, mut part) in parts.into_iter().enumerate() {
            if which > 0 {
                part.number = self.beside.number();
            }
            self.read(part, ended_by, followed || which < last);
        }
    }

    fn read(&mut self, mut exchange: Exchange, ended_by: EndedBy, followed: bool) {
        self.emitter.part();
        let ending = self.context.ending(exchange.number, followed);
        let reading = exchange.finish(ended_by, &ending, &mut self.parser, &mut self.plans);
        self.heard = take(&mut exchange.heard);
        self.heard.renew();
        self.beside.hold(exchange.number, reading);
        while let Some(reading) = self.beside.release(self.exchange.as_ref()) {
            self.put(reading);
        }
    }

    fn so_far(&mut self, offset: u64) -> Option<Reading> {
        let exchange = self.exchange.as_mut()?;
        let family = Family::of(exchange.model());
        exchange.heard.fold(family.vocabulary);
        let mut exchange = exchange.clone();
        exchange.bytes += offset.saturating_sub(self.counted);
        let ending = self.context.ending(exchange.number, false);
        Some(exchange.finish(EndedBy::Limit, &ending, &mut self.parser, &mut self.plans))
    }

    fn put(&mut self, reading: Reading) {
        self.spoke = true;
        self.readings.push_back(reading);
    }
}

/// The event that Bedrock's Invoke wraps.
fn unwrap_chunk(data: &[u8], parser: &mut Parser) -> Option<Vec<u8>> {
    let decode = |json: Json<'_>| {
        let bytes = json.get("bytes")?.as_str()?;
        base64::engine::general_purpose::STANDARD.decode(bytes).ok()
    };
    parser.parse(data, decode).flatten()
}
