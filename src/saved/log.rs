//! A log that holds streams and bodies: in lines behind prefixes, in members of JSON, in text around them.
//!
//! What a log's source wrote, line by line, is one stream again: a lane. Sources are told apart by what the log says of
//! them, and each lane unwraps what it is given, for it may be a log as well.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use memchr::{memchr, memmem};

use super::cassette::{Cassette, Exchange};
use super::found::{Saved, Stream};
use super::holder::{self, Holder};
use super::json::{Object, items, members, string, unescape};
use super::rows::Rows;
use super::trace::{Dumped, Trace};
use super::unit::{Unit, Units};
use super::{names, prefix};
use crate::meter::{Context, Emit, EndedBy, Failure, Reading, Request, Scan, Scanner, Status};
use crate::record::read::Shape;

/// Finds responses in a log.
pub(super) struct Log {
    front: Front,
    inside: Inside,
}

/// What a log consists of.
enum Front {
    Cassette(Cassette),
    Rows(Box<Rows>),
    /// Why a table cannot be read.
    Spoilt(String),
    Trace(Trace),
    Units(Units),
}

/// The forms of logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Cassette,
    /// Lines and JSON values.
    Lines,
    Rows,
    Trace,
}

/// Opens a stream within a log: a plain one or any, so deep, of which this is known and which gives that out.
pub(super) type Open = fn(bool, u8, Context, Option<Emit>) -> Box<dyn Stream>;

/// What is known of the log so far.
struct Inside {
    lanes: Lanes,
    /// What the lines of a log of JSON look like, once one held a line of a stream.
    habit: Option<Habit>,
    /// What stands around what docker's lines hold.
    lines: Option<Frame>,
    found: VecDeque<Saved>,
    /// A status line came, and its header block has not ended.
    in_head: bool,
    /// Responses found in the object at hand.
    ids: Vec<String>,
    /// Objects that were records, and units in which nothing was found.
    records: u64,
    lost: u64,
    first_lost: Option<(u64, String)>,
    /// Units so far.
    at: u64,
}

/// The streams under way, by what tells their sources apart.
struct Lanes {
    lanes: HashMap<u64, Lane>,
    depth: u8,
    context: Context,
    emit: Option<Emit>,
    emitted: Vec<u8>,
    now: Duration,
    /// Counts what is given to lanes.
    turn: u64,
    /// The lane that was given something last.
    last: u64,
    /// Lanes that have ended, for others to begin in.
    spare: Vec<Box<dyn Stream>>,
    open: Open,
}

/// One stream, put together again.
struct Lane {
    stream: Box<dyn Stream>,
    /// Not fed yet.
    pending: Vec<u8>,
    /// Its last line has no end yet: the next one makes it.
    open: bool,
    hints: Hints,
    turn: u64,
}

/// What a holder says beside the body.
#[derive(Clone, Default)]
struct Hints {
    request: Option<Vec<u8>>,
    model: Option<String>,
    tier: Option<&'static str>,
    /// A body is expected here: a bare report of a failure is one.
    body: bool,
    /// It is whole: nothing follows it.
    single: bool,
}

/// How lines of JSON that hold lines of a stream look.
struct Habit {
    /// The members, by name and in order.
    keys: Vec<Vec<u8>>,
    /// Which of them holds the line.
    line: usize,
    exact: bool,
}

/// The bytes around what a line holds, where only its time changes from line to line.
struct Frame {
    before: Vec<u8>,
    /// Up to the time, which comes last.
    behind: Vec<u8>,
    /// Where what it holds goes.
    lane: u64,
}

/// More streams are seldom under way at once.
const MOST_LANES: usize = 64;
/// Values within values are looked at so far down.
const MOST_LEVELS: u8 = 24;
/// What waits for a lane is fed together up to this size.
const PENDING: usize = 256 << 10;
/// Where the lines go that stand in the log as they are.
const DIRECT: u64 = 0;

/// Members that tell the sources of a log's lines apart.
const SOURCES: &[&str] = &[
    "stream",
    "container_id",
    "container_name",
    "container",
    "pod",
    "pod_name",
    "kubernetes",
    "host",
    "hostname",
    "_HOSTNAME",
    "_SYSTEMD_UNIT",
    "_PID",
    "CONTAINER_ID",
    "CONTAINER_NAME",
    "pid",
    "request_id",
    "requestId",
    "req_id",
    "trace_id",
    "traceId",
    "correlation_id",
    "correlationId",
    "attrs",
];

impl Log {
    pub(super) fn new(
        kind: Kind,
        depth: u8,
        context: Context,
        emit: Option<Emit>,
        open: Open,
    ) -> Self {
        let front = match kind {
            Kind::Cassette => Front::Cassette(Cassette::default()),
            Kind::Trace => Front::Trace(Trace::default()),
            // Which table it is, its header tells.
            Kind::Lines | Kind::Rows => Front::Units(Units::default()),
        };
        Self {
            front,
            inside: Inside {
                lanes: Lanes {
                    lanes: HashMap::new(),
                    depth: depth + 1,
                    context,
                    emit,
                    emitted: Vec::new(),
                    now: Duration::ZERO,
                    turn: 0,
                    last: DIRECT,
                    spare: Vec::new(),
                    open,
                },
                habit: None,
                lines: None,
                found: VecDeque::new(),
                in_head: false,
                ids: Vec::new(),
                records: 0,
                lost: 0,
                first_lost: None,
                at: 0,
            },
        }
    }

    /// Whether an object holds anything that is known.
    pub(super) fn holds(object: &[u8], open: Open) -> bool {
        let mut log = Self::new(Kind::Lines, 0, Context::default(), None, open);
        log.inside.value(object, DIRECT, &Hints::default(), 0)
    }

    /// Says of a table that this is its header.
    pub(super) fn head(&mut self, line: &[u8]) {
        match Rows::recognise(line) {
            Some(Ok(rows)) => self.front = Front::Rows(Box::new(rows)),
            Some(Err(error)) => self.front = Front::Spoilt(error),
            None => {}
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], now: Duration) {
        let Self { front, inside } = self;
        inside.lanes.now = now;
        match front {
            Front::Cassette(cassette) => {
                cassette.feed(bytes, &mut |exchange| inside.exchange(exchange));
            }
            Front::Rows(rows) => rows.feed(bytes, &mut |saved| inside.row(saved)),
            Front::Spoilt(_) => {}
            Front::Trace(trace) => inside.trace(trace, Some(bytes)),
            Front::Units(units) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    if inside.lines.is_some() {
                        units.pass(&mut rest, |lines| inside.pass(lines));
                    }
                    if !rest.is_empty() {
                        units.feed_some(&mut rest, &mut |unit| inside.take(unit));
                    }
                }
            }
        }
        inside.settle();
    }

    pub(super) fn finish(&mut self, by: EndedBy, now: Duration) {
        let Self { front, inside } = self;
        inside.lanes.now = now;
        match front {
            Front::Cassette(cassette) => cassette.finish(&mut |exchange| inside.exchange(exchange)),
            Front::Rows(rows) => rows.finish(&mut |saved| inside.row(saved)),
            Front::Spoilt(_) => {}
            Front::Trace(trace) => inside.trace(trace, None),
            Front::Units(units) => units.finish(&mut |unit| inside.take(unit)),
        }
        inside.settle();
        inside.lanes.finish(by, &mut inside.found);
    }

    pub(super) fn next(&mut self) -> Option<Saved> {
        let mut found = self.inside.found.pop_front()?;
        found.reading.events_skipped += self.take_skipped();
        Some(found)
    }

    /// How many units were too long to be read, since the last response.
    pub(super) fn take_skipped(&mut self) -> u64 {
        match &mut self.front {
            Front::Units(units) => units.take_too_long(),
            _ => 0,
        }
    }

    /// What was lost of a log of records, in a sentence.
    pub(super) fn lost(&self) -> Option<String> {
        let inside = &self.inside;
        let (what, lost, first) = match &self.front {
            Front::Spoilt(error) => return Some(error.clone()),
            Front::Rows(rows) => ("line", rows.lost, &rows.first_lost),
            _ if inside.records > 0 => ("part", inside.lost, &inside.first_lost),
            _ => return None,
        };
        let (at, why) = first.as_ref()?;
        let others = match lost {
            0 | 1 => String::new(),
            lost => format!(" (and {} more)", lost - 1),
        };
        Some(format!("{what} {at} is no record{others}: {why}"))
    }

    /// Whether it holds records, maybe none.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.front, Front::Rows(_) | Front::Spoilt(_))
    }

    /// How many units there were in which nothing was found.
    pub(super) fn lost_units(&self) -> u64 {
        self.inside.lost
    }

    pub(super) fn take_emitted(&mut self) -> Vec<u8> {
        self.inside.lanes.take_emitted()
    }

    pub(super) fn so_far(&mut self) -> Option<Reading> {
        let lanes = &mut self.inside.lanes;
        lanes.lanes.get_mut(&lanes.last)?.stream.so_far()
    }

    pub(super) fn under_way(&self) -> Option<(Option<&str>, Option<&str>)> {
        let lanes = &self.inside.lanes;
        lanes.lanes.get(&lanes.last)?.stream.under_way()
    }
}

impl Inside {
    /// Takes one exchange of a cassette.
    fn exchange(&mut self, exchange: Exchange) {
        let hints = Hints {
            request: exchange.request,
            body: true,
            single: true,
            ..Hints::default()
        };
        let body = match exchange.body.starts_with(GZIP) {
            true => unpacked(&exchange.body),
            false => exchange.body,
        };
        self.give(hashed(DIRECT, b"body"), &body, true, &hints);
    }

    fn row(&mut self, saved: Saved) {
        self.records += u64::from(saved.record.is_some());
        self.found.push_back(saved);
    }

    /// Takes the next bytes of a dump, or its end.
    fn trace(&mut self, trace: &mut Trace, bytes: Option<&[u8]>) {
        let key = hashed(DIRECT, b"trace");
        // What was sent is known when the first answer comes.
        let mut came: Vec<Option<Vec<u8>>> = Vec::new();
        let mut found = |found: Dumped<'_>| match found {
            Dumped::Request => came.push(None),
            Dumped::Bytes(bytes) => came.push(Some(bytes.to_owned())),
        };
        match bytes {
            Some(bytes) => trace.feed(bytes, &mut found),
            None => trace.finish(&mut found),
        }
        for bytes in came {
            let Some(bytes) = bytes else {
                self.lanes.end(key, EndedBy::Upstream, &mut self.found);
                continue;
            };
            let request = match self.lanes.has(key) {
                true => None,
                false => Some(trace.take_request()).filter(|body| !body.is_empty()),
            };
            let hints = Hints {
                request,
                ..Hints::default()
            };
            let lane = self.lanes.lane(key, &hints, &mut self.found);
            lane.add(&bytes, true);
        }
    }

    /// Takes one unit of the log.
    fn take(&mut self, unit: Unit<'_>) {
        self.at += 1;
        match unit {
            Unit::Object(text) => self.object(text),
            Unit::Line(text, ended) => self.line(text, ended),
        }
    }

    /// Feeds what waits.
    fn settle(&mut self) {
        self.lanes.settle(&mut self.found);
    }

    fn line(&mut self, text: &[u8], ended: bool) {
        let direct = |inside: &mut Self| {
            let lane = inside
                .lanes
                .lane(DIRECT, &Hints::default(), &mut inside.found);
            lane.add(text, true);
            if ended {
                lane.add(b"\n", true);
            }
        };
        let blank = text.trim_ascii().is_empty();
        if self.in_head {
            self.in_head = !blank;
            return direct(self);
        }
        if blank {
            if self.lanes.has(DIRECT) {
                direct(self);
            }
            return;
        }
        if let Some(stripped) = prefix::strip(text) {
            let lane = self
                .lanes
                .lane(stripped.source, &Hints::default(), &mut self.found);
            lane.add(stripped.rest, true);
            if ended && !stripped.partial {
                lane.add(b"\n", true);
            }
            if lane.pending.len() > PENDING {
                self.settle();
            }
            return;
        }
        if is_field(text) {
            self.in_head = text.starts_with(b"HTTP/");
            return direct(self);
        }
        if !self.embedded(text) {
            self.lose("it holds nothing known");
        }
    }

    /// Finds what stands in the midst of a line of text; gives whether there was anything.
    fn embedded(&mut self, text: &[u8]) -> bool {
        let path = hashed(0, b"text");
        let hints = Hints::default();
        let mut rest = text;
        for _ in 0..MOST_TRIES {
            let Some(at) = memchr(b'{', rest) else {
                break;
            };
            let (before, object) = rest.split_at(at);
            if let Some(data) = memmem::rfind(before, b"data: ").filter(|data| data + 6 == at) {
                self.give(path, &[&rest[data..], b"\n"].concat(), false, &hints);
                return true;
            }
            if object.starts_with(b"{\\\"") && before.ends_with(b"\"") {
                // A text in quotes, as logfmt has it.
                return self.text(&rest[at - 1..], None, path, &hints);
            }
            let step = match object.get(1) {
                Some(b'"' | b' ' | b'}') => Scanner::default().scan(object),
                _ => Scan::Broken(1),
            };
            match step {
                Scan::Whole(n) if self.value(&object[..n], path, &hints, 1) => return true,
                Scan::Whole(n) | Scan::Broken(n) => rest = &object[n.max(1)..],
                Scan::More => break,
            }
        }
        let done = memmem::find(text, b"data: [DONE]");
        if let Some(at) = done.filter(|_| self.lanes.has(path)) {
            self.give(path, &[&text[at..], b"\n"].concat(), false, &hints);
        }
        done.is_some()
    }

    /// Looks at an object that stands in the log by itself.
    fn object(&mut self, text: &[u8]) {
        if self.by_habit(text) {
            return;
        }
        self.ids.clear();
        let before = self.found.len();
        let object = Object::new(text);
        let sources = object.members.iter();
        let source = sources
            .filter(|(key, _)| SOURCES.iter().any(|name| name.as_bytes() == *key))
            .fold(0, |hash, (_, value)| hashed(hash, value));
        self.habit = None;
        if !self.within(&object, source, &Hints::default(), 0) {
            self.lose("it holds nothing known");
        }
        // One response may be told of twice in one object.
        let mut at = before;
        while at < self.found.len() {
            let id = self.found[at].reading.response_id.clone();
            match id {
                Some(id) if self.ids.contains(&id) => drop(self.found.remove(at)),
                id => {
                    self.ids.extend(id);
                    at += 1;
                }
            }
        }
    }

    fn lose(&mut self, why: &str) {
        self.lost += 1;
        self.first_lost
            .get_or_insert_with(|| (self.at, why.to_owned()));
    }

    /// Takes a line of JSON that looks as the one before it did; gives whether it does.
    fn by_habit(&mut self, text: &[u8]) -> bool {
        let Some(habit) = &self.habit else {
            return false;
        };
        let (mut source, mut line, mut at) = (0, None, 0);
        for (key, value) in members(text) {
            if habit.keys.get(at).is_none_or(|known| known != key) {
                return false;
            }
            if at == habit.line {
                line = Some(value);
            } else if SOURCES.iter().any(|name| name.as_bytes() == key) {
                source = hashed(source, value);
            }
            at += 1;
        }
        let Some(inside) = line
            .filter(|_| at == habit.keys.len())
            .and_then(|line| line.strip_prefix(b"\"")?.strip_suffix(b"\""))
        else {
            return false;
        };
        let key = hashed(source, &habit.keys[habit.line]);
        let exact = habit.exact;
        let goes_on = (inside.is_empty() || is_blank_line(inside)) && self.lanes.has(key);
        if !exact && !looks(inside) && !goes_on {
            self.lanes.feed(key, &mut self.found);
            if !self.lanes.is_open(key) {
                return false;
            }
        }
        let lane = self.lanes.lane(key, &Hints::default(), &mut self.found);
        lane.add_escaped(inside, exact);
        if lane.pending.len() > PENDING {
            self.settle();
        }
        if exact {
            self.lines = Frame::around(text, inside, key);
        }
        true
    }

    /// Passes over whole lines that are as the last one was, but for their time; gives how many bytes they take.
    fn pass(&mut self, lines: &[u8]) -> usize {
        let Self {
            lines: frame,
            lanes,
            found,
            at,
            ..
        } = self;
        let Some(frame) = frame else { return 0 };
        let mut rest = lines;
        if !rest.starts_with(&frame.before) {
            return 0;
        }
        loop {
            let lane = lanes.lane(frame.lane, &Hints::default(), found);
            while lane.pending.len() <= PENDING {
                let Some(used) = frame.read(rest, &mut lane.pending) else {
                    return lines.len() - rest.len();
                };
                lane.open = false;
                *at += 1;
                rest = &rest[used..];
            }
            lanes.feed(frame.lane, found);
        }
    }

    /// Looks for responses in a value; gives whether there were any.
    fn value(&mut self, text: &[u8], path: u64, hints: &Hints, level: u8) -> bool {
        match text.first() {
            _ if level > MOST_LEVELS => false,
            Some(b'{') => self.within(&Object::new(text), path, hints, level),
            Some(b'[') => self.list(text, path, hints, level),
            Some(b'"') => self.text(text, None, path, hints),
            _ => false,
        }
    }

    fn list(&mut self, text: &[u8], path: u64, hints: &Hints, level: u8) -> bool {
        let first = items(text).next().unwrap_or_default();
        if first.starts_with(b"{") && holder::is_response(&Object::new(first)) && level > 0 {
            // The events of one stream, or bodies: the meter knows arrays.
            self.give(path, text, false, hints);
            return true;
        }
        let mut any = false;
        for item in items(text) {
            any |= self.value(item, path, hints, level + 1);
        }
        any
    }

    fn within(&mut self, object: &Object<'_>, path: u64, hints: &Hints, level: u8) -> bool {
        if object
            .member("schema")
            .is_some_and(|schema| schema.starts_with(b"\"tokensense"))
        {
            return self.record(object.text);
        }
        if let Some(holder) = holder::recognise(object) {
            return self.held(holder, object, path, hints, level);
        }
        if let Some(table) = names::recognise(object) {
            return self.named(table, object, path, hints, level);
        }
        let whole = object.text.ends_with(b"}");
        let response = match hints.body || level == 0 {
            true if whole => holder::is_response(object),
            false if whole => holder::is_body(object),
            _ => holder::seems_response(object),
        };
        if response {
            self.give(path, object.text, false, hints);
            return true;
        }
        let mut inner = Hints {
            single: hints.single,
            ..hints.clone()
        };
        if let Some(request) = request_in(object) {
            inner.request = Some(request);
            inner.single = true;
        }
        let encoding = object.member("encoding").and_then(string);
        let exact = level == 0 && is_docker(object);
        let mut any = false;
        let mut lines = Vec::new();
        for (at, &(key, value)) in object.members.iter().enumerate() {
            if is_request_key(key) {
                continue;
            }
            let path = hashed(path, key);
            let mut inner = Cow::Borrowed(&inner);
            if !inner.body && is_body_key(key) {
                inner.to_mut().body = true;
            }
            let found = match value[0] {
                b'"' if exact && key == b"log" => {
                    self.exact_line(value, path);
                    true
                }
                b'"' => self.text(value, encoding.as_deref(), path, &inner),
                _ => self.value(value, path, &inner, level + 1),
            };
            if found && value[0] == b'"' {
                lines.push(at);
            }
            any |= found;
        }
        if let [line] = lines[..]
            && level == 0
            && inner.request.is_none()
        {
            self.learn(object, line, exact);
        }
        any
    }

    /// A piece of a line as docker keeps it: its end is part of it.
    fn exact_line(&mut self, value: &[u8], path: u64) {
        let content = string(value).unwrap_or_default();
        let lane = self.lanes.lane(path, &Hints::default(), &mut self.found);
        lane.add(&content, true);
    }

    /// Notes how a log's lines look.
    fn learn(&mut self, object: &Object<'_>, line: usize, exact: bool) {
        let keys = object.members.iter().map(|(key, _)| key.to_vec()).collect();
        self.habit = Some(Habit { keys, line, exact });
    }

    /// Takes a record that was written by us.
    fn record(&mut self, object: &[u8]) -> bool {
        let flat = flat(object);
        match Shape::Json.read(&flat) {
            Ok(record) => {
                self.records += 1;
                self.found.push_back(Saved {
                    record: Some(Box::new(record)),
                    ..Saved::default()
                });
            }
            Err(error) => {
                self.records += 1;
                self.lose(&error);
            }
        }
        true
    }

    /// Takes what a known kind of holder holds.
    fn held(
        &mut self,
        holder: &'static Holder,
        object: &Object<'_>,
        path: u64,
        hints: &Hints,
        level: u8,
    ) -> bool {
        let at = |paths: &[&str]| paths.iter().find_map(|path| given(object.at(path)));
        let request = at(holder.request).map(|text| match string(text) {
            Some(text) => text.into_owned(),
            None => text.to_owned(),
        });
        let inner = Hints {
            model: at(holder.model).and_then(text_of),
            tier: holder.tier.or(hints.tier),
            request: request.or_else(|| hints.request.clone()),
            body: true,
            single: true,
        };
        let path = hashed(path, b"body");
        for body in holder.body {
            if let Some(body) = given(object.at(body))
                && self.value(body, path, &inner, level + 1)
            {
                return true;
            }
        }
        let Some(error) = at(holder.error) else {
            return false;
        };
        self.failed(error, &inner);
        true
    }

    /// Adds a response of which only the failure is known.
    fn failed(&mut self, error: &[u8], hints: &Hints) {
        let whole = error;
        let error = Object::new(error);
        let text = |path: &str| text_of(error.at(path)?);
        let first = |paths: &[&str]| paths.iter().find_map(|path| text(path));
        let failure = Failure {
            kind: first(&["error/type", "type", "code", "status", "errorCode"]),
            message: first(&["error/message", "message", "errorMessage", "detail"])
                .or_else(|| text_of(whole).filter(|_| !whole.starts_with(b"{"))),
        };
        let mut reading = Reading {
            status: Status::Error,
            failure: Some(failure),
            ..Reading::default()
        };
        hints.fill(&mut reading);
        self.found.push_back(reading.into());
    }

    /// Takes the counts of an object that has them under names of its own, or of the body in it.
    fn named(
        &mut self,
        table: &'static names::Table,
        object: &Object<'_>,
        path: u64,
        hints: &Hints,
        level: u8,
    ) -> bool {
        if table.is_none() {
            // Sums over calls that are told of one by one.
            let within = |path: &&str| Some(object.at(path)?.to_owned());
            let mut any = false;
            for value in table.within.iter().filter_map(within) {
                any |= self.value(&value, path, hints, level + 1);
            }
            return any;
        }
        let mut inner = Hints {
            body: true,
            single: true,
            ..hints.clone()
        };
        inner.request = request_in(object).or(inner.request);
        let before = self.found.len();
        for body in table.body {
            if let Some(body) = given(object.at(body)) {
                self.value(body, hashed(path, b"body"), &inner, level + 1);
            }
        }
        let reported = |saved: &Saved| saved.reading.usage.is_reported();
        if self.found.range(before..).any(reported) {
            return true;
        }
        self.found.truncate(before);
        let found = table.read(&mut |path| names::within(object, path));
        let any = found.is_some();
        self.found.extend(found.map(Saved::from));
        // Others may stand beside or below it.
        for within in table.within {
            if let Some(value) = object.at(within) {
                self.value(value, path, hints, level + 1);
            }
        }
        any
    }

    /// Takes a text that may be a body, a stream, a line of one, or another log.
    fn text(&mut self, value: &[u8], encoding: Option<&[u8]>, path: u64, hints: &Hints) -> bool {
        let inside = value.strip_prefix(b"\"").unwrap_or(value);
        if inside == b"\"" || inside == b"\\n\"" {
            // The blank line after an event.
            let known = self.lanes.has(path);
            if known {
                self.give(path, b"", false, hints);
            }
            return known;
        }
        let encoded = encoding == Some(b"base64") || is_base64(inside);
        let goes_on = || self.lanes.is_open(path) || self.lanes.has(path) && is_blank_line(inside);
        if !encoded && !looks(inside) && !goes_on() {
            return false;
        }
        let Some(content) = string(value) else {
            return false;
        };
        if encoded {
            let kept = content.iter().filter(|b| !b.is_ascii_whitespace());
            let kept: Vec<u8> = kept.copied().collect();
            let Some(mut bytes) = decoded(&kept) else {
                return false;
            };
            if bytes.starts_with(GZIP) {
                bytes = unpacked(&bytes);
            }
            let single = Hints {
                single: true,
                ..hints.clone()
            };
            self.give(path, &bytes, true, &single);
            return true;
        }
        if is_request_text(&content) && !hints.body {
            return false;
        }
        self.give(path, &content, false, hints);
        true
    }

    /// Gives a stream's bytes to its lane.
    fn give(&mut self, path: u64, content: &[u8], exact: bool, hints: &Hints) {
        let Self { lanes, found, .. } = self;
        if hints.single {
            lanes.end(path, EndedBy::Upstream, found);
        }
        let lane = lanes.lane(path, hints, found);
        lane.add(content, exact);
        lanes.feed(path, found);
        if hints.single || lanes.is_done(path) {
            lanes.end(path, EndedBy::Upstream, found);
        }
    }
}

/// Tries to find an object in a line.
const MOST_TRIES: usize = 6;

impl Lanes {
    fn has(&self, key: u64) -> bool {
        self.lanes.contains_key(&key)
    }

    /// The lane of this key, begun now if there is none.
    fn lane(&mut self, key: u64, hints: &Hints, found: &mut VecDeque<Saved>) -> &mut Lane {
        self.turn += 1;
        self.last = key;
        if !self.has(key) && self.lanes.len() >= MOST_LANES {
            let oldest = self.lanes.iter().min_by_key(|(_, lane)| lane.turn);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.end(oldest, EndedBy::Upstream, found);
            }
        }
        let (depth, turn) = (self.depth, self.turn);
        let (context, emit, spare, open) = (&self.context, self.emit, &mut self.spare, self.open);
        let lane = self.lanes.entry(key).or_insert_with(|| {
            let context = hints.context(context);
            let stream = match key {
                DIRECT => open(true, depth, context, emit),
                _ => match spare.pop() {
                    Some(mut stream) => {
                        stream.renew(context);
                        stream
                    }
                    None => open(false, depth, context, emit),
                },
            };
            Lane {
                stream,
                pending: Vec::new(),
                open: false,
                hints: hints.clone(),
                turn,
            }
        });
        lane.turn = turn;
        lane
    }

    /// Feeds what waits for all lanes, the one first that was given something first.
    fn settle(&mut self, found: &mut VecDeque<Saved>) {
        let waits = self
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.pending.is_empty());
        let mut keys: Vec<_> = waits.map(|(key, lane)| (lane.turn, *key)).collect();
        keys.sort_unstable();
        for (_, key) in keys {
            self.feed(key, found);
        }
    }

    fn feed(&mut self, key: u64, found: &mut VecDeque<Saved>) {
        let now = self.now;
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        let mut pending = std::mem::take(&mut lane.pending);
        if !pending.is_empty() {
            lane.stream.feed_at(&pending, now);
        }
        pending.clear();
        lane.pending = pending;
        lane.collect(found);
    }

    /// Whether a lane is amid something that any line may belong to.
    fn is_open(&self, key: u64) -> bool {
        self.lanes
            .get(&key)
            .is_some_and(|lane| lane.stream.is_open())
    }

    fn is_done(&self, key: u64) -> bool {
        self.lanes
            .get(&key)
            .is_some_and(|lane| lane.stream.is_done())
    }

    /// Ends a lane: what comes under its key is another stream.
    fn end(&mut self, key: u64, by: EndedBy, found: &mut VecDeque<Saved>) {
        self.feed(key, found);
        let Some(mut lane) = self.lanes.remove(&key) else {
            return;
        };
        lane.stream.finish_at(by, self.now);
        lane.collect(found);
        self.emitted.extend(lane.stream.take_emitted());
        if key != DIRECT && self.spare.len() < 4 {
            self.spare.push(lane.stream);
        }
    }

    fn finish(&mut self, by: EndedBy, found: &mut VecDeque<Saved>) {
        let mut keys: Vec<_> = self
            .lanes
            .iter()
            .map(|(key, lane)| (lane.turn, *key))
            .collect();
        keys.sort_unstable();
        for (_, key) in keys {
            self.end(key, by, found);
        }
    }

    fn take_emitted(&mut self) -> Vec<u8> {
        for lane in self.lanes.values_mut() {
            self.emitted.extend(lane.stream.take_emitted());
        }
        std::mem::take(&mut self.emitted)
    }
}

impl Lane {
    /// Adds a line, or exactly these bytes.
    fn add(&mut self, content: &[u8], exact: bool) {
        let begun = self.begin_line(exact);
        self.pending.extend_from_slice(content);
        self.end_line(begun, exact);
    }

    /// As [`add`](Self::add), with escapes in it.
    fn add_escaped(&mut self, inside: &[u8], exact: bool) {
        let begun = self.begin_line(exact);
        unescape(inside, &mut self.pending);
        self.end_line(begun, exact);
    }

    /// Ends the line before; gives where this one begins.
    fn begin_line(&mut self, exact: bool) -> usize {
        if std::mem::take(&mut self.open) && !exact {
            self.pending.push(b'\n');
        }
        self.pending.len()
    }

    fn end_line(&mut self, begun: usize, exact: bool) {
        self.open = !exact && !self.pending[begun..].ends_with(b"\n");
    }

    fn collect(&mut self, found: &mut VecDeque<Saved>) {
        while let Some(mut saved) = self.stream.next_found() {
            if saved.record.is_none() {
                self.hints.fill(&mut saved.reading);
            }
            found.push_back(saved);
        }
    }
}

impl Frame {
    /// What stands around `inside` in a line, if its time comes last.
    fn around(line: &[u8], inside: &[u8], lane: u64) -> Option<Self> {
        let begin = inside.as_ptr().addr() - line.as_ptr().addr();
        let (before, behind) = (&line[..begin], &line[begin + inside.len()..]);
        let time = memmem::find(behind, b"\"time\":\"")? + 8;
        let is_last = memchr(b'"', &behind[time..])? + 2 == behind.len() - time;
        is_last.then(|| Self {
            before: before.to_owned(),
            behind: behind[..time].to_owned(),
            lane,
        })
    }

    /// Adds what a line holds, if these bytes begin with a whole one; gives how many it takes.
    fn read(&self, line: &[u8], into: &mut Vec<u8>) -> Option<usize> {
        let begun = into.len();
        let inside = line.strip_prefix(&*self.before)?;
        let mut end = || {
            let behind = super::json::unescape_string(inside, into)?;
            let time = behind.strip_prefix(&*self.behind)?;
            let end = time
                .iter()
                .take(64)
                .position(|b| matches!(b, b'"' | b'\\' | b'\n'))?;
            time[end..].strip_prefix(b"\"}\n")
        };
        let Some(rest) = end() else {
            into.truncate(begun);
            return None;
        };
        Some(line.len() - rest.len())
    }
}

impl Hints {
    /// What a meter is to know of the response.
    fn context(&self, base: &Context) -> Context {
        let mut context = base.clone();
        let request = self
            .request
            .as_deref()
            .filter(|body| holder::is_request(body));
        if let Some(request) = request.and_then(Request::parse) {
            context.requests = vec![request];
        }
        context
    }

    /// Adds what the response does not say itself.
    fn fill(&self, reading: &mut Reading) {
        if let Some(tier) = self.tier {
            reading.service_tier = Some(tier.to_owned());
        }
        if reading.model.is_none() {
            reading.model.clone_from(&self.model);
        }
    }
}

fn hashed(base: u64, text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    base.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// A value that is not null, and not empty.
fn given(text: Option<&[u8]>) -> Option<&[u8]> {
    text.filter(|text| !matches!(*text, b"null" | b"\"\"" | b"{}" | b"[]"))
}

/// What a string or a number says.
fn text_of(value: &[u8]) -> Option<String> {
    let text = match string(value) {
        Some(text) => String::from_utf8_lossy(&text).into_owned(),
        None if value
            .first()
            .is_some_and(|b| b.is_ascii_digit() || *b == b'-') =>
        {
            String::from_utf8_lossy(value).into_owned()
        }
        None => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A line of docker's own log files: `{"log":"…\n","stream":"stdout","time":"…"}`.
fn is_docker(object: &Object<'_>) -> bool {
    let has = |key: &&str| object.member(key).is_some();
    ["log", "stream", "time"].iter().all(has)
}

/// An object on one line, as records are read.
fn flat(object: &[u8]) -> Cow<'_, [u8]> {
    match memchr(b'\n', object) {
        None => object.into(),
        // Line breaks in JSON only stand between values.
        Some(_) => object
            .iter()
            .map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b })
            .collect(),
    }
}

/// Whether a line may be one of a stream as it came.
fn is_field(line: &[u8]) -> bool {
    FIELDS.iter().any(|field| line.starts_with(field))
}

const FIELDS: &[&[u8]] = &[
    b"data:", b"event:", b"id:", b"retry:", b":", b"error:", b"HTTP/",
];

/// Whether a text, as JSON writes it, may be a body, a stream, a line of one, or a line of a log.
fn looks(inside: &[u8]) -> bool {
    let inside = without_blanks(inside);
    match inside.first() {
        None => return false,
        Some(b'{') => return true,
        Some(b'[') => {
            let next = without_blanks(&inside[1..]);
            if next.starts_with(b"{") || matches!(next, b"" | b"\"") {
                return true;
            }
        }
        Some(b':') => return inside.starts_with(b": "),
        Some(_) if is_field(inside) => return true,
        Some(_) => {}
    }
    let line = &inside[..memmem::find(inside, b"\\n")
        .unwrap_or(inside.len())
        .min(512)];
    let line = line.strip_suffix(b"\"").unwrap_or(line);
    FORMS.iter().any(|sign| line.starts_with(sign))
        || prefix::strip(line).is_some_and(|it| it.partial || looks(it.rest))
}

/// Whether a text is a blank line of a log within: a time or a source, and nothing behind it.
fn is_blank_line(inside: &[u8]) -> bool {
    let line = inside.strip_suffix(b"\"").unwrap_or(inside);
    let line = line.strip_suffix(b"\\n").unwrap_or(line);
    line.len() < 512 && prefix::strip(line).is_some_and(|it| it.rest.is_empty())
}

/// How other forms begin that hold streams.
const FORMS: &[&[u8]] = &[
    b"interactions:",
    b"http_interactions:",
    b"---",
    b"== Info",
    b"=> Send ",
    b"<= Recv ",
];

/// The text behind blanks, escaped ones too.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        match text
            .strip_prefix(b"\\n")
            .or_else(|| text.strip_prefix(b"\\r"))
        {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// How base64 of a stream or a body begins.
const BASE64: &[&[u8]] = &[
    b"ZGF0Y", b"ZXZlbn", b"eyI", b"eyAi", b"ewog", b"ewo", b"W3si", b"SFRUUC8", b"AAAA", b"AAAB",
    b"H4sI", b"OiB",
];

fn is_base64(inside: &[u8]) -> bool {
    let end = memchr(b'"', inside).unwrap_or(inside.len());
    let digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/=\\rn".contains(b);
    end >= 24
        && BASE64.iter().any(|sign| inside.starts_with(sign))
        && inside[..end.min(256)].iter().all(digit)
}

/// What base64 stands for; what was cut off gives what there is.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let text = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    let whole = text.len() - text.len() % 4;
    let mut bytes = STANDARD.decode(&text[..whole]).ok()?;
    let mut last = text[whole..].to_vec();
    if last.len() > 1 {
        last.resize(4, b'=');
        bytes.extend(STANDARD.decode(&last).ok().unwrap_or_default());
    }
    Some(bytes)
}

const GZIP: &[u8] = b"\x1f\x8b";

/// What gzip packed, up to what one unit may be long.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let most = super::unit::MOST as u64;
    // What came before it broke off is taken all the same.
    let _ = MultiGzDecoder::new(packed)
        .take(most)
        .read_to_end(&mut bytes);
    bytes
}

/// Whether a member is the request, whatever is in it: what it quotes is no response.
fn is_request_key(key: &[u8]) -> bool {
    let keys: &[&[u8]] = &[
        b"request",
        b"req",
        b"request_body",
        b"requestBody",
        b"http_request",
        b"httpRequest",
        b"input",
        b"inputs",
        b"prompt",
        b"messages",
        b"postData",
        b"modelInput",
        b"raw_request",
        b"proxy_server_request",
    ];
    keys.contains(&key)
}

/// Whether a body is to be expected below a member.
fn is_body_key(key: &[u8]) -> bool {
    [&b"respon"[..], b"body", b"output", b"content"]
        .iter()
        .any(|name| memmem::find(key, name).is_some())
}

/// The request that stands in an object beside its response.
fn request_in(object: &Object<'_>) -> Option<Vec<u8>> {
    let mut requests = object.members.iter().filter(|(key, _)| is_request_key(key));
    requests.find_map(|(_, value)| request_of(value, 0))
}

fn request_of(value: &[u8], level: u8) -> Option<Vec<u8>> {
    if let Some(text) = string(value) {
        return is_request_text(&text).then(|| text.into_owned());
    }
    if holder::is_request(value) {
        return Some(value.to_owned());
    }
    let carries = |key: &[u8]| {
        let keys: &[&[u8]] = &[
            b"postData",
            b"text",
            b"body",
            b"content",
            b"string",
            b"json",
            b"data",
            b"payload",
        ];
        keys.contains(&key)
    };
    let mut inner = members(value).filter(|(key, _)| carries(key) && level < 4);
    inner.find_map(|(_, value)| request_of(value, level + 1))
}

/// Whether a text is a request's body.
fn is_request_text(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    text.starts_with(b"{") && holder::is_request(text) && !holder::is_body(&Object::new(text))
}
