//! The short way past events that are like one already understood: runs of them in one response, and shapes that
//! come in any.
//!
//! Most events of a stream differ only in a piece of text and some padding. Once one of them has been parsed, its
//! bytes are kept, cut at those holes; an event that equals the fixed parts needs no parsing, its text is
//! what fills the hole. That costs a comparison where a parse costs ten times as much. Sound because
//! the fixed parts cover all the rest, framing included, and a hole takes only what a JSON string or number may hold.

mod partial;
mod shape;
mod template;
mod varies;

use memchr::memmem;

use super::dialect::rule::Dialect;
use super::event::{Found, Parsed, Read};
use super::exchange::place::Place;
use super::exchange::signs::Signs;
use super::frame::Framer;
use super::json::Parser;
use super::responses::{Learner, Responses};
use partial::Partial;
use shape::{Known, Shape, Shapes};
use template::Templates;

/// What was learned of the events that have come.
#[derive(Default)]
pub(crate) struct Fast {
    templates: Templates,
    shapes: Shapes,
    /// The beginning of an event whose end is still to come.
    partial: Partial,
    /// What was learned from this response, less one for every few hits: how far trying is from paying off.
    debt: u64,
    hits: u64,
}

/// Takes the shape of an event while it is parsed.
struct Lesson {
    wanted: bool,
    shape: Option<Shape>,
}

/// What most streams of OpenAI's grammar end with.
const DONE: &[u8] = b"data: [DONE]\n\n";
/// Beyond this debt a response is not worth learning from any more.
const MAX_DEBT: u64 = 48;

impl Learner for Lesson {
    fn learn(
        &mut self,
        event: Parsed<'_>,
        read: &Read<'_>,
        found: &[Found<'_>],
        known: Option<&'static Dialect>,
    ) {
        if self.wanted {
            self.shape = Shape::of(event, read, found, known);
        }
    }
}

impl Fast {
    /// Makes it ready for another stream. The shapes that it knows stay.
    pub(crate) fn renew(&mut self) {
        self.restart();
        self.partial = Partial::default();
    }

    /// Bytes that were taken and not yet understood.
    pub(crate) fn pending(&self) -> &[u8] {
        self.partial.bytes()
    }

    /// Takes in the next bytes of the stream.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        framer: &mut Framer,
        responses: &mut Responses,
        parser: &mut Parser,
    ) {
        let mut rest = bytes;
        if !self.partial.bytes().is_empty() {
            let Some(event) = self.partial.fill(&mut rest) else {
                return;
            };
            self.take_in(&event, false, framer, responses, parser);
            self.partial.spare(event);
        }
        self.take_in(rest, true, framer, responses, parser);
    }

    /// Takes in what is pending: no more will come.
    pub(crate) fn finish(
        &mut self,
        framer: &mut Framer,
        responses: &mut Responses,
        parser: &mut Parser,
    ) {
        let partial = std::mem::take(&mut self.partial);
        self.take_in(partial.bytes(), false, framer, responses, parser);
    }

    /// Takes in bytes; of an event that they break off, the beginning may be kept for later.
    fn take_in(
        &mut self,
        bytes: &[u8],
        keeps: bool,
        framer: &mut Framer,
        responses: &mut Responses,
        parser: &mut Parser,
    ) {
        let base = framer.offset();
        let mut rest = bytes;
        loop {
            if !rest.is_empty() && framer.at_boundary() {
                self.recall(framer, responses, &mut rest);
                if rest.starts_with(DONE) {
                    framer.pass(&mut rest, DONE.len());
                    responses.take_done();
                    self.templates.forget();
                    continue;
                }
                if self.know(framer, responses, &mut rest) {
                    continue;
                }
                if keeps && !self.shapes.is_empty() && self.partial.keep(rest) {
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
            let version = responses.version();
            let mut lesson = Lesson {
                wanted: unbroken && start.is_some() && self.is_learning(),
                shape: None,
            };
            let fresh = responses.take(found.frame, found.start, parser, &mut lesson);
            self.turn(responses, fresh, version);
            let teaches = lesson.shape.is_some() || !responses.stream.trace.unique;
            if let Some(start) = start
                && lesson.wanted
                && teaches
                && framer.at_boundary()
            {
                let event = &bytes[start..bytes.len() - rest.len()];
                self.learn(
                    responses,
                    lesson.shape,
                    event,
                    framer.last_data().trim_ascii(),
                );
            }
        }
    }

    /// Takes in runs of events like one that this response has had.
    #[inline]
    fn recall(&mut self, framer: &mut Framer, responses: &mut Responses, rest: &mut &[u8]) {
        framer.skip_blank(rest);
        let exchange = responses.stream.exchange.as_mut();
        let Some(exchange) = exchange.filter(|_| !self.templates.is_empty()) else {
            return;
        };
        while let Some((len, events)) = self.templates.recall(rest, &mut exchange.transcript) {
            self.hits += events;
            self.debt = self.debt.saturating_sub(self.hits / 4);
            self.hits %= 4;
            framer.pass(rest, len);
            framer.skip_blank(rest);
            exchange.events += events;
            exchange.identify_like(events);
            exchange.last = responses.stream.now;
        }
        responses.settle();
    }

    /// Takes in the next event if its like was parsed before; gives whether it was.
    fn know(&mut self, framer: &mut Framer, responses: &mut Responses, rest: &mut &[u8]) -> bool {
        let version = responses.version();
        if !self.is_learning() {
            return false;
        }
        let Some((shape, spans, len, repeats)) = self.shapes.know(rest, responses.known()) else {
            return false;
        };
        self.debt = self.debt.saturating_sub(1);
        let (event, begin) = (&rest[..len], shape.begin);
        let Some(unescaped) = shape::unescape(event, spans) else {
            return false;
        };
        let known = Known {
            event,
            spans,
            unescaped: &unescaped,
        };
        let Some(facts) = shape.facts(known) else {
            return false;
        };
        let place = responses
            .stream
            .beside
            .place(responses.stream.exchange.as_ref(), &Signs::of(&facts));
        // What the response under way speaks says nothing of another one.
        let here = matches!(place, Place::Here | Place::Unclear);
        if !here
            && (responses.known().is_some() || matches!(place, Place::Apart(_) | Place::Back(_)))
        {
            return false;
        }
        let start = framer.pass(rest, len);
        let fresh = responses.turn(start, place);
        responses.begin_with(&facts, start, place);
        responses.say(&facts);
        responses.settle();
        self.turn(responses, fresh, version);
        // A text that was unescaped does not stand in the event.
        if repeats && unescaped.is_empty() && !responses.stream.trace.unique && self.is_learning() {
            self.learn_run(event, begin, responses);
        }
        true
    }

    /// Learns from the event just taken in.
    fn learn(
        &mut self,
        responses: &mut Responses,
        shape: Option<Shape>,
        event: &[u8],
        data: &[u8],
    ) {
        // Data of several lines does not stand in the event as it is.
        let front = &data[..data.len().min(8)];
        let mut places = memmem::find_iter(event, front);
        let Some(begin) = places.find(|at| event[*at..].starts_with(data)) else {
            return;
        };
        if let Some(mut shape) = shape {
            shape.frame(event, begin);
            self.debt += 1;
            self.shapes.learn(shape);
        }
        if !responses.stream.trace.unique {
            self.learn_run(event, begin, responses);
        }
    }

    fn learn_run(&mut self, event: &[u8], begin: usize, responses: &mut Responses) {
        self.debt += 1;
        let holes = &mut responses.stream.trace.holes;
        self.templates.learn(event, begin, holes);
    }

    /// Forgets what no longer holds after an event.
    fn turn(&mut self, responses: &Responses, fresh: bool, version: u64) {
        if fresh {
            self.restart();
        } else if responses.version() != version {
            self.templates.forget();
        }
    }

    /// Starts afresh with a new response.
    fn restart(&mut self) {
        self.templates.forget();
        (self.debt, self.hits) = (0, 0);
    }

    fn is_learning(&self) -> bool {
        self.debt < MAX_DEBT
    }
}
