//! The API's own bytes inside whatever held them.
//!
//! Where nothing is wrapped, the plain meter is used alone. What it is, the first bytes tell: a line, or a whole JSON
//! value. What is found inside a log is unwrapped in the same way, for logs are kept in logs.

use std::collections::VecDeque;
use std::mem::take;
use std::time::Duration;

use super::cassette::Cassette;
use super::found::{Reader, Saved, Stream};
use super::json::Object;
use super::log::{Kind, Log};
use super::rows::Rows;
use super::trace::Trace;
use super::{agent, holder, prefix};
use crate::meter::{Context, Emit, EndedBy, Meter, Reading, Scan, Scanner, Status};

/// Finds responses in a stream of bytes, wrapped or not.
pub(crate) struct Unwrap {
    state: State,
    /// How many holders this is within.
    depth: u8,
    /// What the caller knows.
    context: Context,
    emit: Option<Emit>,
    emitted: Vec<u8>,
    found: VecDeque<Saved>,
    /// Something was found, now or before.
    any: bool,
    now: Duration,
    /// Bytes taken in.
    bytes: u64,
    /// Bytes at the beginning that are known to say nothing, while the form is undecided.
    passed: usize,
    /// For the next stream.
    spare: Option<Box<Meter>>,
    finished: bool,
    /// What the meter said of bytes that are no response.
    other: Option<Reading>,
    /// What was lost, once it has ended.
    lost: Option<String>,
    lost_units: u64,
    /// It was a table that is known, maybe without a row.
    table: bool,
}

enum State {
    /// An agent's log.
    Agent(Box<dyn Reader>),
    /// It cannot be told yet: all that came.
    Undecided(Vec<u8>),
    Log(Box<Log>),
    Plain {
        meter: Box<Meter>,
        /// What the meter does not know may hold something all the same.
        strangers: Option<Box<Log>>,
    },
}

/// How a stream is to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum StreamForm {
    Log(Kind),
    Plain,
}

/// Holders within holders are followed so far.
pub(super) const DEEPEST: u8 = 8;
/// What cannot be told within so many bytes is a log.
const ENOUGH: usize = 64 << 10;
/// By so many bytes it shows whether a stream begins as only the meter's do; then it takes the end of something to tell.
const TOLD_AT_ONCE: usize = 64;
/// What only the meter reads.
const PLAIN: &[&[u8]] = &[
    b"data:",
    b"event:",
    b"id:",
    b"retry:",
    b":",
    b"error:",
    b"HTTP/",
    b"\0",
    b"\x1f\x8b",
];
/// How a line of a stream begins that comes after lines of something else.
const PLAIN_LINE: &[&[u8]] = &[b"data:", b"event:", b"HTTP/"];
const BOM: &[u8] = b"\xef\xbb\xbf";

impl Unwrap {
    /// Reads a stream of which this much is known.
    pub(crate) fn new(context: Context) -> Self {
        Self::within(0, context, None)
    }

    /// As [`new`](Self::new), within so many holders.
    fn within(depth: u8, context: Context, emit: Option<Emit>) -> Self {
        Self {
            state: State::Undecided(Vec::new()),
            depth,
            context,
            emit,
            emitted: Vec::new(),
            found: VecDeque::new(),
            any: false,
            now: Duration::ZERO,
            bytes: 0,
            passed: 0,
            spare: None,
            finished: false,
            other: None,
            lost: None,
            lost_units: 0,
            table: false,
        }
    }

    /// A log, whatever it begins with.
    pub(crate) fn log() -> Self {
        let mut it = Self::new(Context::default());
        it.enter(StreamForm::Log(Kind::Lines), &[]);
        it
    }

    /// How many things were found in it that are nothing known, where it is a log.
    pub(crate) fn lost_units(&self) -> u64 {
        match &self.state {
            State::Log(log) => log.lost_units(),
            _ => self.lost_units,
        }
    }

    /// A stream that is known to be no log.
    fn plain(depth: u8, context: Context, emit: Option<Emit>) -> Self {
        let mut it = Self::within(depth, context, emit);
        it.enter(StreamForm::Plain, &[]);
        it
    }

    /// Makes it give out what it reads, to be had from [`take_emitted`](Self::take_emitted).
    pub(crate) fn emit(&mut self, emit: Emit) {
        self.emit = Some(emit);
    }

    /// What was given out since the last call.
    pub(crate) fn take_emitted(&mut self) -> Vec<u8> {
        match &mut self.state {
            State::Plain { meter, .. } => self.emitted.extend(meter.take_emitted()),
            State::Log(log) => self.emitted.extend(log.take_emitted()),
            State::Agent(_) | State::Undecided(_) => {}
        }
        take(&mut self.emitted)
    }

    /// Takes in the next bytes, which came at that time.
    pub(crate) fn feed_at(&mut self, bytes: &[u8], now: Duration) {
        self.now = now;
        self.bytes += bytes.len() as u64;
        let State::Undecided(held) = &mut self.state else {
            return self.take_in(bytes);
        };
        if held.len() >= TOLD_AT_ONCE
            && held.len() + bytes.len() < ENOUGH
            && memchr::memchr3(b'\n', b'}', b']', bytes).is_none()
        {
            // Nothing ends here, so no more can be told than before.
            held.extend_from_slice(bytes);
            return;
        }
        let mut all = take(held);
        let text = if all.is_empty() {
            bytes
        } else {
            all.extend_from_slice(bytes);
            &all
        };
        let form = match self.emit {
            // What every event holds is given out, known or not.
            Some(Emit::Data) => Some(StreamForm::Plain),
            _ => form(text, false, self.depth, &mut self.passed),
        };
        match form {
            Some(form) => {
                self.enter(form, text);
                self.take_in(text);
            }
            None => {
                if all.is_empty() {
                    all.extend_from_slice(bytes);
                }
                self.state = State::Undecided(all);
            }
        }
    }

    /// Ends the stream.
    pub(crate) fn finish_at(&mut self, by: EndedBy, now: Duration) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.now = now;
        if let State::Undecided(held) = &mut self.state {
            let held = take(held);
            let form = form(&held, true, self.depth, &mut self.passed);
            self.enter(form.unwrap_or(StreamForm::Plain), &held);
            self.take_in(&held);
        }
        match &mut self.state {
            State::Undecided(_) => {}
            State::Agent(reader) => {
                reader.finish(by);
                self.lost = reader.lost();
            }
            State::Log(log) => {
                log.finish(by, now);
                self.table = log.is_table();
                self.lost = log.lost();
                self.lost_units = log.lost_units();
            }
            State::Plain { meter, strangers } => {
                meter.finish_at(by, now);
                if let Some(log) = strangers {
                    log.finish(by, now);
                }
            }
        }
        self.collect();
        let skipped = match &mut self.state {
            State::Log(log) => log.take_skipped(),
            _ => 0,
        };
        self.release();
        if self.depth == 0 && !self.any && !self.table {
            let nothing = self.other.take();
            let mut nothing = nothing.unwrap_or_else(|| self.nothing(by));
            nothing.events_skipped += skipped;
            self.found.push_back(nothing.into());
        }
    }

    /// The next response that has ended.
    pub(crate) fn next_found(&mut self) -> Option<Saved> {
        self.found.pop_front()
    }

    /// What the response under way has come to so far, where only one can be.
    pub(crate) fn so_far(&mut self) -> Option<Reading> {
        match &mut self.state {
            State::Agent(_) | State::Undecided(_) => None,
            State::Log(log) => log.so_far(),
            State::Plain { meter, .. } => meter.so_far(),
        }
    }

    /// Whether the response under way has ended by its own word.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(&self.state, State::Plain { meter, .. } if meter.has_ended())
    }

    /// The model and provider of the response under way, as soon as they are known.
    pub(crate) fn under_way(&self) -> Option<(Option<&str>, Option<&str>)> {
        match &self.state {
            State::Agent(_) | State::Undecided(_) => None,
            State::Log(log) => log.under_way(),
            State::Plain { meter, .. } => meter.under_way(),
        }
    }

    fn enter(&mut self, form: StreamForm, beginning: &[u8]) {
        if self.depth == 0
            && !is_stream(beginning)
            && let Some(reader) = agent::in_pipe(beginning)
        {
            self.state = State::Agent(reader);
            return;
        }
        self.state = match form {
            StreamForm::Log(kind) => {
                let mut log = self.log_within(kind);
                if kind == Kind::Rows {
                    log.head(first_line(beginning));
                }
                State::Log(log)
            }
            StreamForm::Plain => {
                let mut meter = self.spare.take().unwrap_or_default();
                meter.renew();
                meter.expect(self.context.clone());
                meter.keep_strangers();
                if let Some(emit) = self.emit {
                    meter.emit(emit);
                }
                State::Plain {
                    meter,
                    strangers: None,
                }
            }
        };
    }

    fn log_within(&self, kind: Kind) -> Box<Log> {
        let log = Log::new(kind, self.depth, self.context.clone(), self.emit, open);
        Box::new(log)
    }

    fn take_in(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Agent(reader) => reader.feed(bytes),
            State::Undecided(_) => {}
            State::Log(log) => log.feed(bytes, self.now),
            State::Plain { meter, .. } => meter.feed_at(bytes, self.now),
        }
        self.collect();
    }

    /// Takes over what was found.
    fn collect(&mut self) {
        let depth = self.depth;
        let before = self.found.len();
        match &mut self.state {
            State::Agent(reader) => self.found.extend(std::iter::from_fn(|| reader.next())),
            State::Undecided(_) => {}
            State::Log(log) => self.found.extend(std::iter::from_fn(|| log.next())),
            State::Plain { meter, strangers } => {
                while let Some(stranger) = meter.next_stranger() {
                    if depth < DEEPEST {
                        let log = strangers.get_or_insert_with(|| {
                            let (context, emit) = (self.context.clone(), self.emit);
                            Box::new(Log::new(Kind::Lines, depth, context, emit, open))
                        });
                        log.feed(&stranger, self.now);
                    }
                }
                while let Some(reading) = meter.next_reading() {
                    match is_response(&reading) {
                        true => self.found.push_back(reading.into()),
                        false => self.other = Some(reading),
                    }
                }
                if let Some(log) = strangers {
                    self.found.extend(std::iter::from_fn(|| log.next()));
                }
            }
        }
        self.any |= self.found.len() > before;
    }

    /// What is to be said of a stream in which nothing was found.
    fn nothing(&self, ended_by: EndedBy) -> Reading {
        Reading {
            status: match self.bytes {
                0 => Status::Empty,
                _ => Status::Unrecognised,
            },
            ended_by,
            bytes: self.bytes,
            ended: self.now,
            ..Reading::default()
        }
    }

    /// Keeps the meter for another stream, and lets go of the rest.
    fn release(&mut self) {
        self.emitted = self.take_emitted();
        let state = std::mem::replace(&mut self.state, State::Undecided(Vec::new()));
        if let State::Plain { meter, .. } = state {
            self.spare = Some(meter);
        }
    }
}

/// Opens a stream within a log.
fn open(plain: bool, depth: u8, context: Context, emit: Option<Emit>) -> Box<dyn Stream> {
    Box::new(match plain {
        true => Unwrap::plain(depth, context, emit),
        false => Unwrap::within(depth, context, emit),
    })
}

impl Stream for Unwrap {
    fn renew(&mut self, context: Context) {
        self.release();
        self.state = State::Undecided(Vec::new());
        self.context = context;
        self.found.clear();
        (self.any, self.finished) = (false, false);
        (self.bytes, self.passed) = (0, 0);
        (self.other, self.lost, self.lost_units) = (None, None, 0);
        self.table = false;
    }

    fn feed_at(&mut self, bytes: &[u8], now: Duration) {
        Self::feed_at(self, bytes, now);
    }

    fn finish_at(&mut self, by: EndedBy, now: Duration) {
        Self::finish_at(self, by, now);
    }

    fn next_found(&mut self) -> Option<Saved> {
        Self::next_found(self)
    }

    fn is_done(&self) -> bool {
        matches!(&self.state, State::Plain { meter, .. } if meter.is_done())
    }

    fn is_open(&self) -> bool {
        match &self.state {
            State::Agent(_) => false,
            State::Log(_) => true,
            State::Plain { meter, .. } => meter.is_amid(),
            State::Undecided(held) => !held.is_empty(),
        }
    }

    fn so_far(&mut self) -> Option<Reading> {
        Self::so_far(self)
    }

    fn under_way(&self) -> Option<(Option<&str>, Option<&str>)> {
        Self::under_way(self)
    }

    fn take_emitted(&mut self) -> Vec<u8> {
        Self::take_emitted(self)
    }
}

impl Reader for Unwrap {
    fn feed(&mut self, bytes: &[u8]) {
        self.feed_at(bytes, Duration::ZERO);
    }

    fn finish(&mut self, by: EndedBy) {
        self.finish_at(by, Duration::ZERO);
    }

    fn next(&mut self) -> Option<Saved> {
        self.next_found()
    }

    fn is_table(&self) -> bool {
        self.table
    }

    fn lost(&self) -> Option<String> {
        self.lost.clone()
    }
}

/// Whether there was a response at all: bytes that are no known API's are none, unless a status line says so.
pub(crate) fn is_response(reading: &Reading) -> bool {
    !matches!(reading.status, Status::Empty | Status::Unrecognised) || reading.http_status.is_some()
}

/// Whether the plain meter alone can read what begins so; `None` while that cannot be told.
pub(super) fn is_plain(beginning: &[u8]) -> Option<bool> {
    let form = form(beginning, false, 0, &mut 0);
    form.map(|form| form == StreamForm::Plain)
}

/// Whether what begins so can be nothing but a stream, by its first bytes alone.
pub(super) fn is_stream(beginning: &[u8]) -> bool {
    let start = beginning.strip_prefix(BOM).unwrap_or(beginning);
    let start = start.trim_ascii_start();
    PLAIN.iter().any(|sign| start.starts_with(sign))
}

fn first_line(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start();
    &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())]
}

/// How a stream is to be read that begins so; `None` while that cannot be told. `passed` is how many bytes of it are
/// known to say nothing, for the next time, when there are more.
fn form(text: &[u8], ended: bool, depth: u8, passed: &mut usize) -> Option<StreamForm> {
    if depth >= DEEPEST {
        return Some(StreamForm::Plain);
    }
    let text = match text.strip_prefix(BOM) {
        Some(rest) => rest,
        None if BOM.starts_with(text) && !ended => return None,
        None => text,
    };
    let start = text.trim_ascii_start();
    if start.is_empty() {
        return None;
    }
    for sign in PLAIN {
        if start.starts_with(sign) {
            return Some(StreamForm::Plain);
        }
        if sign.starts_with(start) && !ended {
            return None;
        }
    }
    if is_chunked(start) {
        return Some(StreamForm::Plain);
    }
    loop {
        let rest = start.get(*passed..).unwrap_or_default().trim_ascii_start();
        if rest.is_empty() || text.len() - rest.len() >= ENOUGH {
            break;
        }
        let (step, line) = look(rest, ended, rest.len() == start.len())?;
        if step.is_some() {
            return step;
        }
        // A line that says nothing: the next one may.
        *passed = start.len() - rest.len() + line;
    }
    (text.len() >= ENOUGH).then_some(StreamForm::Log(Kind::Lines))
}

/// How a stream is to be read that begins so, and where its first line ends, which may not tell; `None` where more has
/// to come first.
fn look(text: &[u8], ended: bool, first: bool) -> Option<(Option<StreamForm>, usize)> {
    let object = match text[0] {
        b'{' => Some(text),
        b'[' => {
            let inside = text[1..].trim_ascii_start();
            if inside.is_empty() && !ended {
                return None;
            }
            inside.starts_with(b"{").then_some(inside)
        }
        _ => None,
    };
    if let Some(object) = object {
        let partly = || {
            let known = holder::seems_response(&Object::new(object));
            (
                Some(if known {
                    StreamForm::Plain
                } else {
                    StreamForm::Log(Kind::Lines)
                }),
                0,
            )
        };
        return match Scanner::default().scan(object) {
            Scan::Whole(n) => {
                let whole = &object[..n];
                let form = if holder::is_response(&Object::new(whole)) {
                    Some(StreamForm::Plain)
                } else if object.len() < text.len() || Log::holds(whole, open) {
                    Some(StreamForm::Log(Kind::Lines))
                } else {
                    // An object that says nothing is as good as such a line.
                    None
                };
                Some((form, n))
            }
            Scan::More if ended || object.len() >= ENOUGH => Some(partly()),
            Scan::More => None,
            Scan::Broken(n) => {
                let end = text.len() - object.len() + n.max(1);
                let rest = text.get(end - 1..).unwrap_or_default();
                let line = memchr::memchr(b'\n', rest).map(|at| end + at);
                match line {
                    None if !ended && text.len() < ENOUGH => None,
                    line => Some((None, line.unwrap_or(text.len()))),
                }
            }
        };
    }
    let end = match memchr::memchr(b'\n', text) {
        Some(end) => end,
        None if ended || text.len() >= ENOUGH => text.len(),
        None => return None,
    };
    let line = &text[..end];
    let form = if Trace::is_heading(line) {
        Some(StreamForm::Log(Kind::Trace))
    } else if Cassette::is(text) {
        Some(StreamForm::Log(Kind::Cassette))
    } else if first && Rows::recognise(line).is_some() {
        Some(StreamForm::Log(Kind::Rows))
    } else if PLAIN_LINE.iter().any(|sign| line.starts_with(sign)) {
        Some(StreamForm::Plain)
    } else if prefix::strip(line).is_some() || memchr::memmem::find(line, b"{\"").is_some() {
        Some(StreamForm::Log(Kind::Lines))
    } else {
        None
    };
    Some((form, end))
}

/// Whether this is a body in pieces, each behind its length: `curl --raw`.
fn is_chunked(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    (1..=8).contains(&digits)
        && (text[digits..].starts_with(b"\r\n") || text[digits..].starts_with(b";"))
}
