//! What the records of a file have cost since a time: its end is read, and a side file spares reading it again.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use memchr::{memchr, memrchr};
use rust_decimal::Decimal;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Labels;
use super::write::{Format, Picked, Selection, Writer, unguarded};

/// What is asked of a record file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// Seconds since 1970: records of responses waited for since then count.
    pub(crate) since: i64,
    /// Only those with this label, if there is one: its name and value.
    pub(crate) label: Option<(String, String)>,
}

/// Where in a line of the file stands what counts.
#[derive(Debug)]
pub(crate) struct Ledger {
    format: Format,
    started_at: Place,
    duration_ms: Option<Place>,
    cost_usd: Place,
    labels: Option<Place>,
    /// Labels with a column of their own.
    label: Vec<(String, Place)>,
}

/// A member's name and a column's number.
#[derive(Debug)]
struct Place {
    name: String,
    at: usize,
}

/// Up to so many bytes the file is read anew each time.
const SMALL: u64 = 1 << 20;
/// What is read at once, from the end.
const PIECE: u64 = 1 << 20;
/// Clocks of writers differ by less, in seconds.
const MARGIN: i64 = 3600;

impl Ledger {
    /// How a writer's records are read; or what they lack.
    ///
    /// # Errors
    /// The column that is missing.
    pub(crate) fn of(writer: &Writer, labels: &[&str]) -> Result<Self, String> {
        let (format, Selection(picks)) = writer.parts();
        let unread = [(Format::Line, "line"), (Format::Otlp, "otlp")];
        if let Some((_, word)) = unread.iter().find(|(unread, _)| *unread == format) {
            return Err(format!("--format {word} cannot be read back: leave it out"));
        }
        let place = |wanted: &dyn Fn(&Picked) -> bool| {
            let at = picks.iter().position(|pick| wanted(&pick.from))?;
            let name = picks[at].name.clone();
            Some(Place { name, at })
        };
        let column = |name: &str| {
            place(&|from| matches!(from, Picked::Column(column) if column.name == name))
        };
        let needed = |name: &str| column(name).ok_or_else(|| format!("add {name} to --columns"));
        let mut ledger = Self {
            format,
            started_at: needed("started_at")?,
            duration_ms: column("duration_ms"),
            cost_usd: needed("cost_usd")?,
            labels: column("labels"),
            label: Vec::new(),
        };
        for label in labels {
            match place(&|from| matches!(from, Picked::Label(name) if name == label)) {
                Some(place) => ledger.label.push(((*label).to_owned(), place)),
                None if ledger.labels.is_some() => {}
                None => {
                    return Err(format!("add label.{label} to --columns"));
                }
            }
        }
        Ok(ledger)
    }

    /// What the records in a file cost, for each of some questions.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn spent(&self, path: &Path, asks: &[Ask]) -> io::Result<Vec<Decimal>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(vec![Decimal::ZERO; asks.len()]);
            }
            Err(error) => return Err(error),
        };
        let meta = file.metadata()?;
        let own;
        let this = match self.format {
            Format::Csv => {
                own = self.by_header(&file)?;
                &own
            }
            _ => self,
        };
        let end = last_line_end(&file, meta.len())?;
        let mut sums = vec![Decimal::ZERO; asks.len()];
        if end <= SMALL {
            this.read(&file, 0..end, asks, &mut sums)?;
            return Ok(sums);
        }
        let side = Side::of(path, meta.ino());
        let known = side.read();
        let mut grown = false;
        for (ask, sum) in asks.iter().zip(&mut sums) {
            let ask = std::slice::from_ref(ask);
            let sum = std::slice::from_mut(sum);
            let from = match known.iter().find(|known| known.ask == ask[0]) {
                Some(known) if known.offset <= end => {
                    sum[0] = known.sum;
                    known.offset
                }
                _ => this.begin(&file, end, ask[0].since)?,
            };
            grown |= end - from > SMALL / 4;
            this.read(&file, from..end, ask, sum)?;
        }
        if grown || known.len() != asks.len() {
            let known = asks.iter().zip(&sums).map(|(ask, sum)| Known {
                ask: ask.clone(),
                offset: end,
                sum: *sum,
            });
            // Without it the file is read again, that is all.
            let _ = side.write(&known.collect::<Vec<_>>());
        }
        Ok(sums)
    }

    /// The same columns where a file's own header has them.
    fn by_header(&self, file: &File) -> io::Result<Self> {
        let end = line_end(file, 0, file.metadata()?.len())?;
        let mut header = vec![0; usize::try_from(end).unwrap_or(0)];
        file.read_exact_at(&mut header, 0)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&header[..]);
        let header = reader
            .records()
            .next()
            .and_then(Result::ok)
            .unwrap_or_default();
        let found = |place: &Place| {
            let at = header
                .iter()
                .position(|name| name.trim_start_matches('\u{feff}') == place.name);
            Place {
                name: place.name.clone(),
                at: at.unwrap_or(usize::MAX),
            }
        };
        Ok(Self {
            format: self.format,
            started_at: found(&self.started_at),
            duration_ms: self.duration_ms.as_ref().map(found),
            cost_usd: found(&self.cost_usd),
            labels: self.labels.as_ref().map(found),
            label: self
                .label
                .iter()
                .map(|(name, place)| (name.clone(), found(place)))
                .collect(),
        })
    }

    /// Where the records of a time begin at the latest. Lines are appended when a response ends: what stands before one
    /// that ended earlier was over by then, however long it had been under way.
    fn begin(&self, file: &File, end: u64, since: i64) -> io::Result<u64> {
        let mut at = end;
        while at > 0 {
            let from = at.saturating_sub(PIECE);
            let mut is_old = self.duration_ms.is_some();
            let mut any = false;
            self.lines(file, from..at, |line| {
                any |= line.ended.is_some();
                is_old &= line.ended.is_none_or(|ended| ended < since - MARGIN);
            })?;
            at = from;
            if is_old && any {
                break;
            }
        }
        // The piece may begin within a line: that one is older still.
        Ok(at)
    }

    fn read(
        &self,
        file: &File,
        range: Range<u64>,
        asks: &[Ask],
        sums: &mut [Decimal],
    ) -> io::Result<()> {
        let mut at = range.start;
        while at < range.end {
            let to = line_end(file, (at + PIECE).min(range.end), range.end)?;
            self.lines(file, at..to, |line| {
                for (ask, sum) in asks.iter().zip(&mut *sums) {
                    if line.started.is_some_and(|started| started >= ask.since)
                        && line.has(&ask.label)
                    {
                        *sum = sum.saturating_add(line.cost);
                    }
                }
            })?;
            at = to;
        }
        Ok(())
    }

    /// Gives each record of a part of the file.
    fn lines(&self, file: &File, range: Range<u64>, mut take: impl FnMut(&Line)) -> io::Result<()> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
        file.read_exact_at(&mut bytes, range.start)?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let len = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(len);
            rest = after;
            // What is no record has cost nothing.
            let line = match self.format {
                Format::Csv => self.row(line),
                _ => self.object(line),
            };
            if let Some(line) = line {
                take(&line);
            }
        }
        Ok(())
    }

    fn object(&self, line: &[u8]) -> Option<Line> {
        let mut json = serde_json::Deserializer::from_slice(line);
        json.deserialize_map(Members(self)).ok()
    }

    fn row(&self, line: &[u8]) -> Option<Line> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line);
        let row = reader.records().next()?.ok()?;
        let field = |place: &Place| row.get(place.at).unwrap_or_default();
        let labels = self.labels.as_ref().map(field);
        let mut labels = labels
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        for (name, place) in &self.label {
            set(&mut labels, name, &unguarded(field(place)));
        }
        let ms = self
            .duration_ms
            .as_ref()
            .and_then(|place| field(place).parse().ok());
        Some(Line::new(
            field(&self.started_at),
            ms,
            field(&self.cost_usd),
            labels,
        ))
    }
}

/// A label that a record carries.
fn set(labels: &mut Labels, name: &str, value: &str) {
    if !value.is_empty() {
        labels.insert(name.to_owned(), value.to_owned());
    }
}

/// What of a record counts. Times are in seconds since 1970.
struct Line {
    started: Option<i64>,
    ended: Option<i64>,
    cost: Decimal,
    labels: Labels,
}

impl Line {
    fn new(started: &str, ms: Option<u64>, cost: &str, labels: Labels) -> Self {
        let started = started.parse().ok().map(Timestamp::as_second);
        let seconds = ms.and_then(|ms| i64::try_from(ms / 1000).ok());
        Self {
            started,
            ended: started
                .zip(seconds)
                .and_then(|(at, after)| at.checked_add(after)),
            cost: amount(cost),
            labels,
        }
    }

    fn has(&self, label: &Option<(String, String)>) -> bool {
        let is = |(name, value): &(String, String)| self.labels.get(name) == Some(value);
        label.as_ref().is_none_or(is)
    }
}

/// A cost as it is written; what is unknown is counted as nothing.
fn amount(text: &str) -> Decimal {
    let text = text.trim_matches('"');
    let amount = text.parse().or_else(|_| Decimal::from_scientific(text));
    amount.unwrap_or_default()
}

/// Takes of an object's members those that count.
struct Members<'l>(&'l Ledger);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Line;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Line, A::Error> {
        let Self(ledger) = self;
        let named = |place: &Option<Place>, name: &str| {
            place.as_ref().is_some_and(|place| place.name == name)
        };
        let (mut started, mut cost, mut ms) = (None, Cow::Borrowed(""), None);
        let mut labels = Labels::new();
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            if *name == ledger.started_at.name {
                started = members.next_value::<Option<Cow<'_, str>>>()?;
            } else if *name == ledger.cost_usd.name {
                cost = members.next_value::<&RawValue>()?.get().into();
            } else if named(&ledger.duration_ms, &name) {
                ms = members.next_value()?;
            } else if named(&ledger.labels, &name) {
                labels = members.next_value::<Option<Labels>>()?.unwrap_or_default();
            } else if let Some((label, _)) =
                ledger.label.iter().find(|(_, place)| place.name == *name)
            {
                let value: Option<Cow<'_, str>> = members.next_value()?;
                set(&mut labels, label, value.as_deref().unwrap_or_default());
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Line::new(
            started.as_deref().unwrap_or_default(),
            ms,
            &cost,
            labels,
        ))
    }
}

/// The offset after the last whole line among the first `len` bytes.
fn last_line_end(file: &File, len: u64) -> io::Result<u64> {
    let mut at = len;
    while at > 0 {
        let from = at.saturating_sub(64 << 10);
        let mut bytes = vec![0; usize::try_from(at - from).unwrap_or(0)];
        file.read_exact_at(&mut bytes, from)?;
        if let Some(found) = memrchr(b'\n', &bytes) {
            return Ok(from + found as u64 + 1);
        }
        at = from;
    }
    Ok(0)
}

/// The offset after the line that goes on at `at`, no further than `end`.
fn line_end(file: &File, mut at: u64, end: u64) -> io::Result<u64> {
    while at < end {
        let mut bytes = vec![0; usize::try_from((end - at).min(16 << 10)).unwrap_or(0)];
        file.read_exact_at(&mut bytes, at)?;
        match memchr(b'\n', &bytes) {
            Some(found) => return Ok(at + found as u64 + 1),
            None => at += bytes.len() as u64,
        }
    }
    Ok(end)
}

/// What was found the last time, beside the record file: how far it was read, and what that came to.
struct Side {
    path: PathBuf,
    /// Which file it is about.
    inode: u64,
}

#[derive(Debug)]
struct Known {
    ask: Ask,
    offset: u64,
    sum: Decimal,
}

impl Side {
    fn of(path: &Path, inode: u64) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".spent");
        Self {
            path: name.into(),
            inode,
        }
    }

    /// What it knows of the file; nothing where it is missing, or broken, or about another file.
    fn read(&self) -> Vec<Known> {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if value["inode"].as_u64() != Some(self.inode) {
            return Vec::new();
        }
        let known = |value: &Value| {
            let label = match (value["label"].as_str(), value["value"].as_str()) {
                (Some(name), Some(text)) => Some((name.to_owned(), text.to_owned())),
                _ => None,
            };
            let ask = Ask {
                since: value["since"].as_i64()?,
                label,
            };
            let sum = value["usd"].as_str()?.parse().ok()?;
            Some(Known {
                ask,
                offset: value["offset"].as_u64()?,
                sum,
            })
        };
        value["sums"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(known)
            .collect()
    }

    /// Puts it in place at once: another process reads the old one or the new one.
    fn write(&self, known: &[Known]) -> io::Result<()> {
        let sum = |known: &Known| {
            let (label, value) = known.ask.label.clone().unzip();
            json!({
                "since": known.ask.since, "label": label, "value": value,
                "offset": known.offset, "usd": known.sum.to_string(),
            })
        };
        let sums: Vec<_> = known.iter().map(sum).collect();
        let text = json!({"inode": self.inode, "sums": sums}).to_string();
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let mut options = File::options();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&name)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&name, &self.path)
    }
}
