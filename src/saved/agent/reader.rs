//! Reads one log of an agent: bytes in, calls out, each once.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use memchr::{memchr, memmem, memrchr};

use super::call::{self, Said, Totals};
use super::ready::{Ready, ready};
use super::rule::{Agent, Fact, Form, Named, Shape, Tally};
use super::split::Splitter;
use super::spoken::Spoken;
use super::sqlite;
use super::walk::{Spans, Stop};
use crate::meter::{EndedBy, Failure, Measure, Reading, Status};
use crate::record::created_at;
use crate::saved::found::{Reader, Saved};

/// Reads one log.
pub(super) struct AgentLog {
    agent: &'static Agent,
    form: &'static Form,
    ready: &'static Ready,
    needles: Vec<memmem::Finder<'static>>,
    source: Source,
    /// The beginning of a line that is not whole yet.
    carry: Vec<u8>,
    /// What is left of a line too long to be kept.
    long: bool,
    spans: Spans,
    known: Known,
    /// Calls that later rows may change.
    recent: VecDeque<Call>,
    /// Calls of forms whose ranks are known at the end only.
    held: Vec<Call>,
    done: VecDeque<Saved>,
    /// All calls of a model are one record.
    summed: bool,
    /// How many times a row has ended what was under way, and whether something has been since.
    turn: u32,
    under_way: bool,
    /// Calls of this turn were told.
    told: bool,
    /// Rows that could not be read.
    torn: u64,
}

/// Where rows come from.
enum Source {
    /// The names of the columns, once they are known.
    Csv(Option<Vec<String>>),
    Document(Splitter),
    Lines,
    /// A database, which lies there.
    Table(Option<PathBuf>),
}

/// What holds for all rows from here on.
#[derive(Default)]
struct Known {
    model: Option<String>,
    provider: Option<String>,
    session: Option<String>,
    /// What the path says of it.
    named: Option<String>,
    project: Option<String>,
    /// The path that it is the end of.
    path: String,
    totals: Option<Totals>,
    /// The session that this one began with a copy of.
    parent: Option<String>,
    /// The time of the last row of the copy, as far as it goes.
    copied: Option<Timestamp>,
    /// When the session began.
    began: Option<Timestamp>,
}

/// One call, before it is said who made it.
struct Call {
    reading: Reading,
    session: Option<String>,
    project: Option<String>,
    rank: u8,
    group: Option<String>,
    copied_from: Option<String>,
    /// What was said where it is still to be counted.
    spoken: Option<Spoken>,
    turn: u32,
}

/// A longer line says nothing.
const MAX_LINE: usize = 16 << 20;
/// So many calls may be under way at once.
const RECENT: usize = 64;
/// Rows of a copy follow each other faster than any model answers.
const COPIED: Duration = Duration::from_secs(1);

impl AgentLog {
    pub(super) fn new(agent: &'static Agent, form: &'static Form, path: Option<&Path>) -> Self {
        let name = |path: &Path| {
            let name = path.file_name()?.to_str()?;
            Some(name.split('.').next().unwrap_or(name).to_owned())
        };
        let named = path.and_then(|path| match form.session {
            Named::Folder => name(path.parent()?),
            Named::Nowhere => None,
            Named::Stem => name(path),
        });
        Self {
            agent,
            form,
            ready: ready(form),
            needles: form.needles.iter().map(memmem::Finder::new).collect(),
            source: match form.shape {
                Shape::Csv(_) => Source::Csv(None),
                Shape::Items(arrays) => Source::Document(Splitter::new(Some(arrays))),
                Shape::Lines => Source::Lines,
                Shape::Table(..) => Source::Table(path.map(Path::to_owned)),
                Shape::Whole => Source::Document(Splitter::new(None)),
            },
            carry: Vec::new(),
            long: false,
            spans: Spans::new(),
            known: Known {
                named,
                ..Known::default()
            },
            recent: VecDeque::new(),
            held: Vec::new(),
            done: VecDeque::new(),
            summed: false,
            turn: 0,
            under_way: ready(form).has_end,
            told: false,
            torn: 0,
        }
    }

    /// Makes one record of all calls of a model, if this is printed for whoever started the agent.
    pub(super) fn in_pipe(mut self) -> Self {
        self.summed = self.form.printed;
        self
    }

    /// Takes in lines, the last of which may be cut.
    fn lines(&mut self, mut bytes: &[u8]) {
        if self.long || !self.carry.is_empty() {
            let end = memchr(b'\n', bytes).map(|end| end + 1);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.long || self.carry.len() + line.len() > MAX_LINE {
                self.long = true;
                self.carry.clear();
            } else {
                self.carry.extend_from_slice(line);
            }
            if end.is_none() {
                return;
            }
            let mut line = std::mem::take(&mut self.carry);
            if std::mem::take(&mut self.long) {
                self.torn += 1;
            } else {
                self.line(&line);
            }
            line.clear();
            self.carry = line;
            bytes = rest;
        }
        let Some(end) = memrchr(b'\n', bytes) else {
            self.carry.extend_from_slice(bytes);
            return;
        };
        let (whole, cut) = bytes.split_at(end + 1);
        self.carry.extend_from_slice(cut);
        self.whole_lines(whole);
    }

    fn whole_lines(&mut self, whole: &[u8]) {
        let mut at = 0;
        while at < whole.len() {
            // One needle is looked for over many lines at once: most hold none.
            let start = match &self.needles[..] {
                [needle] => match needle.find(&whole[at..]) {
                    Some(hit) => at + memrchr(b'\n', &whole[at..at + hit]).map_or(0, |end| end + 1),
                    None => return,
                },
                _ => at,
            };
            let end = memchr(b'\n', &whole[start..]).map_or(whole.len(), |end| start + end);
            self.line(&whole[start..end]);
            at = end + 1;
        }
    }

    fn line(&mut self, line: &[u8]) {
        match &mut self.source {
            Source::Csv(columns) => {
                if let Some(row) = csv_row(columns, line) {
                    self.row(&row, true);
                }
            }
            _ => self.row(line, true),
        }
    }

    /// Takes in one row; what is `beside` the calls of a document holds for all of them.
    fn row(&mut self, text: &[u8], own: bool) {
        if own
            && !self.needles.is_empty()
            && !self
                .needles
                .iter()
                .any(|needle| needle.find(text).is_some())
        {
            return;
        }
        let unfolded;
        let text = match self.form.unfold.filter(|_| own) {
            Some(unfold) => match unfold(text) {
                Some(text) => {
                    unfolded = text;
                    &unfolded[..]
                }
                None => return,
            },
            None => text,
        };
        let mut spans = std::mem::take(&mut self.spans);
        let walked = self.ready.tree.walk(text, &mut spans);
        let is_object = text.trim_ascii_start().starts_with(b"{");
        self.torn += u64::from(is_object && walked == Err(Stop::Torn));
        let row = walked.ok().and_then(|_| self.ready.row(text, &spans));
        if let Some(row) = row {
            let facts = &row.facts;
            let said = Said {
                text,
                spans: &spans,
                facts,
            };
            self.known.take(&said, row.is_call);
            if row.is_call || said.text(Fact::Failure).is_some() {
                self.calls(row, &said);
            }
            self.turn += u32::from(row.ends);
            self.under_way = !row.ends && self.ready.has_end;
            self.told &= !row.ends;
        }
        self.spans = spans;
    }

    fn calls(&mut self, row: &super::ready::ReadyRow, said: &Said<'_>) {
        let totals = said.running();
        let before = self.known.totals;
        if let Some(totals) = totals {
            if before == Some(totals) {
                // The status line was drawn anew.
                return;
            }
            self.known.totals = Some(totals);
        }
        let mut readings = call::readings(row, said.text, said.spans);
        if self.form.tally == Tally::Running
            && let Some(totals) = totals
        {
            let beyond = call::since(&totals, &before.unwrap_or_default());
            match (&mut readings[..], beyond) {
                // What was used between two states is exact; what is said of the last call may be of none.
                ([reading], Some(beyond)) if before.is_some() => call::restate(reading, &beyond),
                ([], Some(beyond)) => {
                    let mut reading = Reading {
                        created: said.time(),
                        events: 1,
                        ..Reading::default()
                    };
                    call::restate(&mut reading, &beyond);
                    readings.push(reading);
                }
                _ => {}
            }
        }
        let failure = said.text(Fact::Failure).map(|message| Failure {
            message: Some(message.into_owned()),
            ..Failure::default()
        });
        if failure.is_some() && readings.is_empty() {
            readings.push(Reading::default());
        }
        let spoken = said.first(Fact::Message).and_then(Spoken::count);
        let group = said.text(Fact::Group).map(|group| group.into_owned());
        for mut reading in readings {
            if failure.is_some() {
                reading.status = Status::Error;
                reading.failure.clone_from(&failure);
            }
            reading.api = Some(self.form.api);
            let session = said.text(Fact::Session).map(|session| session.into_owned());
            let session = session
                .or_else(|| self.known.session.clone())
                .or_else(|| self.known.named.clone());
            reading.response_id =
                self.id(said, totals, session.as_deref(), reading.model.as_deref());
            let model = said.text(Fact::Model).map(|model| model.into_owned());
            reading.model = reading.model.or(model).or_else(|| self.known.model.clone());
            let provider = said
                .text(Fact::Provider)
                .map(|provider| provider.into_owned());
            reading.provider = provider.or_else(|| self.known.provider.clone());
            self.put(Call {
                reading,
                session,
                project: self.known.project.clone(),
                rank: row.rank,
                copied_from: self.known.copied.and(self.known.parent.clone()),
                group: group.clone(),
                spoken: spoken.clone(),
                turn: self.turn,
            });
        }
    }

    /// What tells this call from all others, wherever it is repeated.
    fn id(
        &self,
        said: &Said<'_>,
        totals: Option<Totals>,
        session: Option<&str>,
        model: Option<&str>,
    ) -> Option<String> {
        if self.form.tally == Tally::Running {
            // Whoever repeats the session's past repeats its running counts.
            let owner = match self.known.copied {
                Some(_) => self.known.parent.as_deref(),
                None => session,
            };
            let [input, cached, output, reasoning] = totals?;
            return Some(format!("{}/{input}-{cached}-{output}-{reasoning}", owner?));
        }
        if let Some(id) = said.text(Fact::Id) {
            return Some(id.into_owned());
        }
        let request = said.text(Fact::Request)?;
        let parts = [session, Some(&*request), model];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        Some(parts.join("/"))
    }

    /// Says of what is under way that its end is missing.
    fn cut(&mut self, by: EndedBy) {
        let status = match by {
            EndedBy::Upstream => Status::Truncated,
            _ => Status::Cancelled,
        };
        let calls = self.recent.iter_mut().chain(&mut self.held);
        for call in calls.filter(|call| call.turn == self.turn) {
            let reading = &mut call.reading;
            (reading.status, reading.partial, reading.ended_by) = (status, true, by);
        }
        if !self.told {
            let reading = Reading {
                api: Some(self.form.api),
                model: self.known.model.clone(),
                provider: self.known.provider.clone(),
                status,
                partial: true,
                ended_by: by,
                ..Reading::default()
            };
            self.end(Call {
                reading,
                session: None,
                project: None,
                rank: u8::MAX,
                group: None,
                copied_from: None,
                spoken: None,
                turn: self.turn,
            });
        }
    }

    fn put(&mut self, call: Call) {
        self.told = true;
        if self.form.tally == Tally::Ranked {
            self.held.push(call);
            return;
        }
        if self.form.tally == Tally::Last && call.reading.response_id.is_some() {
            let same = |own: &&mut Call| own.reading.response_id == call.reading.response_id;
            if let Some(own) = self.recent.iter_mut().rev().find(same) {
                own.renew(call);
                return;
            }
            self.recent.push_back(call);
            if self.recent.len() > RECENT
                && let Some(call) = self.recent.pop_front()
            {
                self.end(call);
            }
            return;
        }
        self.end(call);
    }

    /// Of calls that several kinds of rows tell, those of the best kind.
    fn settle(&mut self) {
        let mut best: HashMap<Option<String>, u8> = HashMap::new();
        for call in &self.held {
            let rank = best.entry(call.group.clone()).or_insert(call.rank);
            *rank = call.rank.min(*rank);
        }
        let held = std::mem::take(&mut self.held);
        let mut calls: Vec<Call> = Vec::new();
        for call in held {
            if call.group.is_some() && best[&call.group] < call.rank {
                continue;
            }
            // What a result says holds for all of its session up to there.
            let same = |own: &&mut Call| {
                own.rank == call.rank
                    && own.group == call.group
                    && own.reading.response_id == call.reading.response_id
                    && (own.reading.response_id.is_some() || call.continues(own))
            };
            match calls.iter_mut().rev().take(RECENT).find(same) {
                Some(own) => own.renew(call),
                None => calls.push(call),
            }
        }
        calls.into_iter().for_each(|call| self.end(call));
    }

    fn end(&mut self, mut call: Call) {
        if let Some(spoken) = call.spoken.take().filter(|_| call.reading.partial) {
            spoken.tell(&mut call.reading);
        }
        let session = call
            .session
            .or_else(|| self.known.session.clone())
            .or_else(|| self.known.named.clone());
        let project = call.project.or_else(|| self.known.project.clone());
        let label = |name: &str, text: String| (name.to_owned(), text);
        let mut labels = vec![label("agent", self.agent.name.to_owned())];
        labels.extend(project.map(|project| label("project", project)));
        let source = match &session {
            Some(session) => format!("{}:{session}", self.agent.name),
            None => self.agent.name.to_owned(),
        };
        labels.extend(session.map(|session| label("session", session)));
        if self.summed {
            let mut earlier = self.done.iter_mut();
            let same =
                |own: &&mut Saved| own.labels == labels && own.reading.goes_with(&call.reading);
            if let Some(own) = earlier.find(same) {
                own.reading.add(call.reading);
                return;
            }
        }
        self.done.push_back(Saved {
            reading: call.reading,
            labels,
            source: Some(source),
            copied_from: call.copied_from,
            ..Saved::default()
        });
    }
}

impl Reader for AgentLog {
    fn feed(&mut self, bytes: &[u8]) {
        match &mut self.source {
            Source::Csv(_) | Source::Lines => self.lines(bytes),
            Source::Document(_) => {
                let Source::Document(mut splitter) =
                    std::mem::replace(&mut self.source, Source::Lines)
                else {
                    return;
                };
                splitter.feed(bytes, &mut |part, text| {
                    self.row(
                        text,
                        part == super::split::Piece::Item || self.form.shape == Shape::Whole,
                    )
                });
                self.source = Source::Document(splitter);
            }
            Source::Table(_) => {}
        }
    }

    fn finish(&mut self, by: EndedBy) {
        match std::mem::replace(&mut self.source, Source::Lines) {
            Source::Document(mut splitter) => {
                // A document that is under way still, or a session's state that was cut off.
                let torn = self.torn;
                splitter.finish(&mut |_, text| self.row(text, true));
                self.torn = torn;
            }
            Source::Table(Some(path)) => {
                if let Shape::Table(table, _) = self.form.shape {
                    sqlite::rows(&path, table, &mut |row| match row {
                        Some(row) => self.row(row, true),
                        None => self.done.clear(),
                    });
                }
            }
            source => {
                self.source = source;
                let line = std::mem::take(&mut self.carry);
                if !line.is_empty() && !self.long {
                    // The last line may be under way still.
                    let torn = self.torn;
                    self.line(&line);
                    self.torn = torn;
                }
            }
        }
        if self.under_way {
            self.cut(by);
        }
        for call in std::mem::take(&mut self.recent) {
            self.end(call);
        }
        self.settle();
        self.summed = false;
    }

    fn next(&mut self) -> Option<Saved> {
        // Until the end, each of them may grow.
        (!self.summed).then(|| self.done.pop_front())?
    }

    fn is_table(&self) -> bool {
        true
    }

    fn lost(&self) -> Option<String> {
        match self.torn {
            0 => None,
            1 => Some("one row of it is damaged".to_owned()),
            torn => Some(format!("{torn} rows of it are damaged")),
        }
    }
}

impl Call {
    fn output(&self) -> u64 {
        self.reading.usage.value(Measure::Output).unwrap_or(0)
    }

    /// Takes in what a later row says of the same call: it counts unless it says less.
    fn renew(&mut self, later: Self) {
        if later.output() >= self.output() {
            let began = self.reading.created.take();
            let events = self.reading.events + later.reading.events;
            let bytes = self.reading.bytes + later.reading.bytes;
            let spoken = self.spoken.take();
            *self = later;
            match (&mut self.spoken, spoken) {
                (Some(own), Some(earlier)) => own.add(earlier),
                (own, earlier) => *own = own.take().or(earlier),
            }
            self.reading.created = began.or(self.reading.created.take());
            (self.reading.events, self.reading.bytes) = (events, bytes);
        }
    }

    /// Whether it says of the same model at least what an earlier one says.
    fn continues(&self, earlier: &Self) -> bool {
        let measures = [
            Measure::Input,
            Measure::CacheRead,
            Measure::CacheWrite,
            Measure::Output,
        ];
        let count = |call: &Self, measure| call.reading.usage.value(measure).unwrap_or(0);
        self.group.is_some()
            && self.reading.model == earlier.reading.model
            && measures
                .iter()
                .all(|measure| count(self, *measure) >= count(earlier, *measure))
    }
}

impl Known {
    /// Takes in what a row says beside its counts.
    fn take(&mut self, said: &Said<'_>, is_call: bool) {
        if self.copied.is_some() {
            self.follow_copy(said);
        }
        let own = |fact| said.text(fact).map(|text| text.into_owned());
        if let Some(path) = said.text(Fact::Project)
            && self.path != path
        {
            let mut parts = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']);
            let name = parts.next().filter(|name| !name.is_empty());
            self.project = name.map(str::to_owned).or(self.project.take());
            self.path = path.into_owned();
        }
        if let Some(folder) = own(Fact::Folder) {
            self.project = Some(folder);
        }
        if is_call {
            return;
        }
        self.model = own(Fact::Model).or(self.model.take());
        self.provider = own(Fact::Provider).or(self.provider.take());
        let session = own(Fact::Session);
        let parent = own(Fact::Fork).or_else(|| {
            // A second session in one log is the one that was copied.
            let other = session
                .clone()
                .filter(|other| self.session.as_ref().is_some_and(|own| own != other));
            other.filter(|_| self.parent.is_none())
        });
        if self.session.is_none() {
            self.session = session;
        }
        if let Some(parent) = parent
            && self.parent.is_none()
        {
            self.parent = Some(parent);
            self.copied = time(said);
            self.began = self.copied;
        }
    }

    /// Sees whether the copy that a session began with goes on.
    fn follow_copy(&mut self, said: &Said<'_>) {
        let (Some(last), Some(now)) = (self.copied, time(said)) else {
            return;
        };
        let is_older = self.began.is_some_and(|began| now < began);
        let gap = now.duration_since(last).unsigned_abs();
        if !is_older {
            self.copied = (gap < COPIED).then_some(now);
        }
    }
}

fn time(said: &Said<'_>) -> Option<Timestamp> {
    created_at(&said.time()?)
}

/// A row of CSV as an object; the first one is the header.
fn csv_row(columns: &mut Option<Vec<String>>, line: &[u8]) -> Option<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(line);
    let mut row = csv::StringRecord::new();
    if !reader.read_record(&mut row).ok()? {
        return None;
    }
    let Some(columns) = columns else {
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        *columns = Some(row.iter().map(name).collect());
        return None;
    };
    let members = columns
        .iter()
        .zip(&row)
        .map(|(name, text)| (name.clone(), text.trim().into()));
    let object: serde_json::Map<_, serde_json::Value> = members.collect();
    serde_json::to_vec(&object).ok()
}
