//! Which event belongs to which response, and what becomes of the responses: the plain way, by parsing each event.

mod beside;

use std::collections::VecDeque;
use std::mem::take;
use std::time::Duration;

use base64::Engine as _;
use memchr::memmem;

use super::context::Context;
use super::counts::Counters;
use super::dialect;
use super::dialect::recognise::{recognise, recognise_cut};
use super::dialect::rule::Dialect;
use super::emit::Emitter;
use super::estimate::Family;
use super::estimate::transcript::{Channel, Transcript};
use super::event::{Facts, Finders, Found, Outline, Parsed, Read};
use super::exchange::place::Place;
use super::exchange::signs::Signs;
use super::exchange::{Exchange, Trace};
use super::failure::Failure;
use super::frame::event::{Event, Frame, Wrap};
use super::json::close::{Closed, close};
use super::json::{Json, Parser};
use super::reading::{EndedBy, Reading, Status};
use super::request::Request;
use beside::Beside;

/// Looks at events that are parsed whole, to know their like again.
pub(crate) trait Learner {
    /// An event with what was read and found in it, before its response, which had been speaking `known`, takes it in.
    fn learn(
        &mut self,
        event: Parsed<'_>,
        read: &Read<'_>,
        found: &[Found<'_>],
        known: Option<&'static Dialect>,
    );
}

/// Learns nothing.
impl Learner for () {
    fn learn(&mut self, _: Parsed<'_>, _: &Read<'_>, _: &[Found<'_>], _: Option<&'static Dialect>) {
    }
}

/// So many bytes of text are counted while more may come.
const MANY: usize = 64 << 10;

/// The responses of one stream after the other.
#[derive(Default)]
pub(crate) struct Responses {
    pub(crate) stream: Stream,
    pub(crate) tools: Tools,
}

/// What belongs to one stream, and ends with it.
#[derive(Default)]
pub(crate) struct Stream {
    /// The response under way.
    pub(crate) exchange: Option<Exchange>,
    pub(crate) beside: Beside,
    /// Bytes of the stream that were counted to a response.
    pub(crate) counted: u64,
    pub(crate) readings: VecDeque<Reading>,
    /// Any reading was ever given.
    pub(crate) spoke: bool,
    /// Things that were no events, before any response began.
    pub(crate) strays: u64,
    pub(crate) now: Duration,
    /// When the last response ended: the next one is waited for since then.
    pub(crate) idle_since: Duration,
    pub(crate) trace: Trace,
    /// Nothing more will come.
    pub(crate) ending: bool,
    /// The event at hand was cut off by the end of input: how much of it came, and the offset of the string of which it
    /// is but half.
    pub(crate) cut: Option<(usize, Option<usize>)>,
    /// JSON documents that no dialect knows, where somebody asks for them.
    pub(crate) strangers: VecDeque<Vec<u8>>,
}

/// What lasts: the next stream is read with it too.
#[derive(Default)]
pub(crate) struct Tools {
    /// For what was gathered over events.
    pub(crate) parser: Parser,
    /// What the next response may use to hear with.
    pub(crate) transcript: Transcript,
    pub(crate) finders: Finders,
    pub(crate) counters: Counters,
    pub(crate) context: Context,
    pub(crate) emitter: Emitter,
    /// Somebody asks for JSON documents that no dialect knows.
    pub(crate) keeps_strangers: bool,
}

impl Responses {
    /// What the response under way speaks.
    pub(crate) fn dialect(&self) -> Option<&'static Dialect> {
        self.stream.exchange.as_ref()?.dialect
    }

    /// What the next event may be expected to speak: what was learned of a response ends with it.
    pub(crate) fn known(&self) -> Option<&'static Dialect> {
        let exchange = self.stream.exchange.as_ref();
        exchange
            .filter(|exchange| !exchange.may_be_through())?
            .dialect
    }

    /// Sees to what follows from newly heard text.
    pub(crate) fn settle(&mut self) {
        let Some(exchange) = &mut self.stream.exchange else {
            return;
        };
        if exchange.first_text.is_none() && exchange.transcript.any() {
            exchange.first_text = Some(self.stream.now);
        }
        if exchange.transcript.kept() >= MANY {
            self.fold();
        }
    }

    /// Counts the text heard so far and lets go of it.
    fn fold(&mut self) {
        let Some(exchange) = &mut self.stream.exchange else {
            return;
        };
        let request = self.tools.context.requests.first().and_then(Request::model);
        let told = self.tools.context.model.as_deref();
        let api = exchange.dialect.map(|dialect| dialect.api);
        let name = told.or(exchange.model()).or(request).or(api);
        let family = Family::of(name);
        exchange.transcript.fold(family.vocabulary);
    }

    pub(crate) fn version(&self) -> u64 {
        self.stream
            .exchange
            .as_ref()
            .map_or(0, |exchange| exchange.version)
    }

    /// Takes one frame in; gives whether it began a new response.
    pub(crate) fn take(
        &mut self,
        frame: Frame<'_>,
        start: u64,
        parser: &mut Parser,
        learner: &mut dyn Learner,
    ) -> bool {
        self.stream.trace = Trace::unique();
        match frame {
            Frame::ArrayEnd => {
                if let Some(exchange) = &mut self.stream.exchange {
                    exchange.over = true;
                    exchange.version += 1;
                }
                false
            }
            Frame::Cut(data) => self.take_cut(data, start, parser),
            Frame::Event(event) => self.take_event(event, start, parser, learner),
            // Amid a response these are stray bytes, not another one.
            Frame::Gzip
                if self
                    .stream
                    .exchange
                    .as_ref()
                    .is_some_and(Exchange::is_under_way) =>
            {
                self.skip();
                false
            }
            Frame::Gzip => {
                let place = self.stream.exchange.as_ref().map(Exchange::leave);
                let fresh = self.turn(start, place.unwrap_or(Place::Here));
                self.begin(start).gzip = true;
                fresh
            }
            Frame::Head(head) => {
                let place = self.stream.exchange.as_ref().map(Exchange::leave);
                let fresh = self.turn(start, place.unwrap_or(Place::Here));
                let exchange = self.begin(start);
                // The server has more to say after 100 Continue and its like.
                exchange.http_status = Some(head.status).filter(|status| *status >= 200);
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
    pub(crate) fn take_done(&mut self) {
        let waits = self
            .stream
            .exchange
            .as_ref()
            .is_some_and(Exchange::awaits_end);
        if !waits && let Some(mut exchange) = self.stream.beside.take_finished() {
            exchange.events += 1;
            exchange.over = true;
            self.end(exchange, EndedBy::Upstream, true);
            return;
        }
        if let Some(exchange) = &mut self.stream.exchange {
            exchange.events += 1;
            exchange.version += 1;
            exchange.over = true;
            exchange.last = self.stream.now;
        }
    }

    fn take_event(
        &mut self,
        event: Event<'_>,
        start: u64,
        parser: &mut Parser,
        learner: &mut dyn Learner,
    ) -> bool {
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
            let fresh = self.take_json(inner, &native, start, parser, &mut ());
            if let Some(exchange) = &mut self.stream.exchange {
                exchange.invoked = true;
            }
            self.stream.trace = Trace::unique();
            return fresh.unwrap_or(false);
        }
        if let Some(fresh) = self.take_json(event, data, start, parser, learner) {
            return fresh;
        }
        let mut fresh = false;
        let several = memmem::find(data, b"\n{").is_some();
        if self.stream.ending && data.first() == Some(&b'{') && !several {
            return self.take_cut(data, start, parser);
        }
        // Some servers leave out the blank line between events.
        if event.wrap == Wrap::Sse && data.contains(&b'\n') {
            for line in data.split(|b| *b == b'\n') {
                let event = Event {
                    data: line,
                    ..event
                };
                fresh |= self.take_event(event, start, parser, &mut ());
            }
            self.stream.trace = Trace::unique();
            return fresh;
        }
        self.take_text(event, data, start)
    }

    /// Takes in an event that is no JSON: Replicate's text, an error in words, or a damaged one.
    pub(crate) fn take_text(&mut self, event: Event<'_>, data: &[u8], start: u64) -> bool {
        let text = String::from_utf8_lossy(data);
        match event.name {
            b"output" => {
                let speaks = dialect::text_stream();
                let place = match &self.stream.exchange {
                    Some(exchange) if exchange.over => Place::Next,
                    Some(exchange) if exchange.dialect.is_some_and(|it| it.api != speaks.api) => {
                        exchange.leave()
                    }
                    _ => Place::Here,
                };
                let fresh = self.turn(start, place);
                let exchange = self.begin(start);
                exchange.dialect.get_or_insert(speaks);
                exchange.events += 1;
                let voice = exchange.transcript.voice(Channel::Text, 0);
                // A space at either end is part of it.
                let text = String::from_utf8_lossy(event.data);
                exchange.transcript.push(voice, text.as_bytes());
                self.tools.emitter.text(0, &text);
                self.settle();
                fresh
            }
            b"error" => {
                let message = Some(text.into_owned()).filter(|text| !text.is_empty());
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
    pub(crate) fn take_json(
        &mut self,
        event: Event<'_>,
        data: &[u8],
        start: u64,
        parser: &mut Parser,
        learner: &mut dyn Learner,
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
            self.take_parsed(event, start, &mut *learner)
        };
        let fresh = parser.parse(data, take).flatten();
        if fresh.is_some() {
            self.settle();
        }
        fresh
    }

    /// Takes in a parsed event; gives whether it began a new response. `None` where the end of input left but half of a
    /// value in it that is no text.
    pub(crate) fn take_parsed(
        &mut self,
        event: Parsed<'_>,
        start: u64,
        learner: &mut dyn Learner,
    ) -> Option<bool> {
        let Parsed {
            json, wrap, name, ..
        } = event;
        let mut known = self.known();
        let call = match self.stream.cut {
            Some(_) => recognise_cut,
            None => recognise,
        };
        let half = self.stream.cut.and_then(|(_, half)| half);
        let Some(mut dialect) = call(json, name, known) else {
            return half.is_none().then(|| self.take_unknown(event, start));
        };
        let mut found = self.tools.finders.of(dialect.rules).find(json);
        let mut read = Read::new(event, dialect, &found);
        if half.is_some_and(|at| !read.is_text_at(at)) {
            return None;
        }
        // What tells a grammar that many share from another one may not have come.
        if self.stream.cut.is_some() && known.is_none() && dialect.generic && !read.generates() {
            return Some(self.take_unknown(event, start));
        }
        let place = self
            .stream
            .beside
            .place(self.stream.exchange.as_ref(), &Signs::of(&read));
        let fresh = self.turn(start, place);
        if fresh && known.is_some() {
            // It is not of the response that was expected to go on.
            known = self.known();
            dialect = call(json, name, known).unwrap_or(dialect);
            found = self.tools.finders.of(dialect.rules).find(json);
            read = Read::new(event, dialect, &found);
        }
        if wrap.is_bare() {
            learner.learn(event, &read, &found, known);
        }
        self.begin_with(&read, start, place);
        self.emit(event);
        let settled = self.dialect().unwrap_or(dialect);
        if !std::ptr::eq(settled.rules, dialect.rules) {
            // A dialect settled before holds: its rules, not those of what this one event looks like.
            let whole = read.outline.whole;
            found = self.tools.finders.of(settled.rules).find(json);
            read = Read::new(event, settled, &found);
            read.outline.whole = whole;
        }
        if let Some((came, _)) = self.stream.cut {
            read.trim(event.data, came);
        }
        self.say(&read);
        let kind = settled.kind(json, name);
        self.tools.emitter.found(settled.rules, &found, kind);
        Some(fresh)
    }

    /// Takes in an event of no known dialect: a failure, or one that says nothing.
    pub(crate) fn take_unknown(&mut self, event: Parsed<'_>, start: u64) -> bool {
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
        let place = self
            .stream
            .beside
            .place(self.stream.exchange.as_ref(), &signs);
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
        // An event type we do not know is the norm; one of no known API is not, nor is another array than the response's.
        let stands_alone = matches!(wrap, Wrap::Document | Wrap::Element);
        match (&mut self.stream.exchange, known) {
            (Some(exchange), Some(known))
                if !stands_alone || wrap == Wrap::Element && exchange.elements =>
            {
                exchange.events += 1;
                let found = self.tools.finders.of(known.rules).find(json);
                let mut read = Read::new(event, known, &found);
                if let Some((came, _)) = self.stream.cut {
                    read.trim(event.data, came);
                }
                exchange.take(&read, &mut self.stream.trace);
                self.stream.trace.unique = true;
            }
            _ => {
                if self.tools.keeps_strangers && stands_alone {
                    self.stream.strangers.push_back(event.data.to_vec());
                }
                self.skip();
            }
        }
        fresh
    }

    /// Sees to it that there is a response for an event to belong to.
    pub(crate) fn begin_with(&mut self, facts: &impl Facts, start: u64, place: Place) {
        self.count(start);
        let now = self.stream.now;
        let exchange = self.begin(start);
        if place == Place::Unclear {
            exchange.divide(now);
        }
        exchange.identify(&Signs::of(facts));
        exchange.adopt(facts.outline().dialect);
    }

    /// Takes in what an event of the response under way says.
    pub(crate) fn say(&mut self, facts: &impl Facts) {
        let Some(exchange) = &mut self.stream.exchange else {
            return;
        };
        let mut trace = Trace::default();
        trace.holes = take(&mut self.stream.trace.holes);
        trace.holes.clear();
        exchange.take(facts, &mut trace);
        let Outline { whole, wrap, .. } = facts.outline();
        exchange.over |= whole;
        exchange.whole |= whole;
        exchange.lines |= wrap == Wrap::Document && !whole;
        exchange.elements |= wrap == Wrap::Element;
        exchange.take_doubtful(facts, &mut trace, self.stream.now);
        trace.unique |= exchange.over || !wrap.is_bare();
        self.stream.trace = trace;
    }

    /// Gives out an event's data. What was added to one that was cut off never came.
    pub(crate) fn emit(&mut self, event: Parsed<'_>) {
        if event.wrap != Wrap::Cut {
            let named = if event.wrap == Wrap::Aws {
                event.name
            } else {
                ""
            };
            self.tools.emitter.data(named, event.data);
        }
    }

    /// Reads what there is of an event that the end of input cut off, by closing what it left open.
    pub(crate) fn take_cut(&mut self, data: &[u8], start: u64, parser: &mut Parser) -> bool {
        let was_over = self
            .stream
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.over);
        let mut fresh = None;
        // Half a text came through; half of anything else is nothing.
        for Closed { whole, came, half } in close(data).into_iter().flatten() {
            let event = Event {
                name: &[],
                data: &whole,
                wrap: Wrap::Cut,
            };
            self.stream.cut = Some((came, half));
            fresh = self.take_json(event, &whole, start, parser, &mut ());
            if fresh.is_some() {
                break;
            }
        }
        self.stream.cut = None;
        match &mut self.stream.exchange {
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
    pub(crate) fn turn(&mut self, start: u64, place: Place) -> bool {
        if matches!(place, Place::Here | Place::Unclear) {
            return self.stream.exchange.is_none();
        }
        self.count(start);
        if let Place::Apart(at) = place {
            self.part(at);
            return true;
        }
        let back = match place {
            Place::Back(at) => Some(self.stream.beside.take_up(at)),
            _ => None,
        };
        if let Some(exchange) = std::mem::replace(&mut self.stream.exchange, back) {
            if place == Place::Next || exchange.over {
                self.end(exchange, EndedBy::Upstream, true);
            } else {
                self.stream.idle_since = exchange.last;
                self.stream.beside.leave(exchange);
            }
        }
        while let Some(exchange) = self.stream.beside.take_stale(false) {
            self.end(exchange, EndedBy::Upstream, true);
        }
        true
    }

    /// Makes one of several responses, which seemed one, the one under way.
    pub(crate) fn part(&mut self, at: usize) {
        let Some(exchange) = self.stream.exchange.take() else {
            return;
        };
        let first = exchange.number;
        for (which, mut part) in exchange.apart.into_iter().enumerate() {
            part.number = match which {
                0 => first,
                _ => self.stream.beside.number(),
            };
            if which == at {
                self.stream.exchange = Some(part);
            } else {
                self.stream.beside.leave(part);
            }
        }
    }

    /// Counts the bytes before an offset to the response under way.
    pub(crate) fn count(&mut self, offset: u64) {
        let Some(exchange) = &mut self.stream.exchange else {
            return;
        };
        let bytes = offset.saturating_sub(self.stream.counted);
        self.stream.counted += bytes;
        exchange.bytes += bytes;
        if let Some(last) = exchange.apart.last_mut() {
            last.bytes += bytes;
        }
    }

    /// The response under way, begun now if there is none.
    pub(crate) fn begin(&mut self, start: u64) -> &mut Exchange {
        if self.stream.exchange.is_none() {
            let exchange = self.stream.beside.take_blank().unwrap_or_else(|| {
                let number = self.stream.beside.number();
                let (strays, transcript) = (
                    take(&mut self.stream.strays),
                    take(&mut self.tools.transcript),
                );
                Exchange::new(number, self.stream.idle_since, strays, transcript)
            });
            self.stream.exchange = Some(exchange);
            self.count(start);
        }
        let now = self.stream.now;
        let exchange = self.stream.exchange.get_or_insert_default();
        exchange.last = now;
        exchange
    }

    pub(crate) fn skip(&mut self) {
        match &mut self.stream.exchange {
            Some(exchange) => exchange.skipped += 1,
            None => self.stream.strays += 1,
        }
    }

    /// Makes it ready for another stream.
    pub(crate) fn renew(&mut self) {
        self.stream = Stream::default();
    }

    /// Ends the stream after so many bytes: what is under way becomes the last reading.
    pub(crate) fn finish(&mut self, ended_by: EndedBy, bytes: u64) {
        self.close_all(ended_by, bytes);
        if self.stream.spoke {
            return;
        }
        let unrecognised = self.stream.strays > 0;
        let Context {
            provider, requests, ..
        } = &self.tools.context;
        let request = requests.first();
        let asked = request.and_then(Request::provider).map(str::to_owned);
        self.put(Reading {
            request_model: request.and_then(Request::model).map(str::to_owned),
            provider: provider.clone().or(asked),
            status: if unrecognised {
                Status::Unrecognised
            } else {
                Status::Empty
            },
            ended_by,
            bytes,
            events_skipped: self.stream.strays,
            ended: self.stream.now,
            ..Reading::default()
        });
    }

    /// Ends every response.
    pub(crate) fn close_all(&mut self, ended_by: EndedBy, offset: u64) {
        self.count(offset);
        if let Some(exchange) = self.stream.exchange.take() {
            self.stream.beside.leave(exchange);
        }
        while let Some(exchange) = self.stream.beside.take_stale(true) {
            let followed = !self.stream.beside.is_last(&exchange);
            self.end(exchange, ended_by, followed);
        }
    }

    /// Ends a response, which may have been several.
    pub(crate) fn end(&mut self, mut exchange: Exchange, ended_by: EndedBy, followed: bool) {
        self.stream.idle_since = exchange.last;
        let Some(parts) = exchange.take_apart() else {
            return self.read(exchange, ended_by, followed);
        };
        let last = parts.len() - 1;
        for (which, mut part) in parts.into_iter().enumerate() {
            if which > 0 {
                part.number = self.stream.beside.number();
            }
            self.read(part, ended_by, followed || which < last);
        }
    }

    pub(crate) fn read(&mut self, mut exchange: Exchange, ended_by: EndedBy, followed: bool) {
        self.tools.emitter.part();
        let ending = self.tools.context.ending(exchange.number, followed);
        let reading = exchange.finish(
            ended_by,
            &ending,
            &mut self.tools.parser,
            &mut self.tools.counters,
        );
        self.tools.transcript = take(&mut exchange.transcript);
        self.tools.transcript.renew();
        self.stream.beside.hold(exchange.number, reading);
        while let Some(reading) = self.stream.beside.release(self.stream.exchange.as_ref()) {
            self.put(reading);
        }
    }

    pub(crate) fn so_far(&mut self, offset: u64) -> Option<Reading> {
        self.fold();
        let mut exchange = self.stream.exchange.clone()?;
        exchange.bytes += offset.saturating_sub(self.stream.counted);
        let ending = self.tools.context.ending(exchange.number, false);
        Some(exchange.finish(
            EndedBy::Limit,
            &ending,
            &mut self.tools.parser,
            &mut self.tools.counters,
        ))
    }

    pub(crate) fn put(&mut self, reading: Reading) {
        self.stream.spoke = true;
        self.stream.readings.push_back(reading);
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
