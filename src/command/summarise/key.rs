//! What responses are grouped by and picked by: keys, times, globs.

use std::borrow::Cow;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::meter::Status;
use crate::nearest::meant;
use crate::record::Record;

/// Something that responses are told apart by.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    of: Of,
}

#[derive(Clone, Debug)]
enum Of {
    Label(String),
    /// What its source says.
    Place(fn(&Record) -> Option<&str>),
    Text(fn(&Record) -> Option<&str>),
    /// A format of its time.
    Time(&'static str),
    /// The hour, from which windows are made once all responses are known.
    Window(&'static str),
}

/// Stands for a key that a response does not tell.
pub(super) const UNKNOWN: &str = "unknown";

/// The keys beside labels.
const KEYS: &[(&str, Of)] = &[
    ("model", Of::Text(model)),
    ("provider", Of::Text(|record| record.provider.as_deref())),
    ("api", Of::Text(|record| record.api.as_deref())),
    (
        "status",
        Of::Text(|record| record.status.map(Status::as_str)),
    ),
    ("file", Of::Place(file)),
    ("dir", Of::Place(dir)),
    // The offset tells the hour that comes twice in autumn.
    ("hour", Of::Time("%Y-%m-%dT%H:00%:z")),
    ("day", Of::Time("%Y-%m-%d")),
    ("week", Of::Time("%G-W%V")),
    ("month", Of::Time("%Y-%m")),
    ("block", Of::Window("%Y-%m-%dT%H:00%:z")),
];

/// The keys beside label.NAME.
pub(super) fn names() -> Vec<&'static str> {
    let names = KEYS.iter().map(|(name, _)| *name);
    names.chain(LABELS.iter().copied()).collect()
}

/// Labels that are keys by their own names.
const LABELS: &[&str] = &["agent", "project", "session"];

impl Key {
    /// Reads a key's name.
    ///
    /// # Errors
    /// A sentence that says which names there are.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let label = name
            .strip_prefix("label.")
            .filter(|label| !label.is_empty())
            .or_else(|| LABELS.iter().find(|label| **label == name).copied());
        let known = KEYS.iter().find(|(known, _)| *known == name);
        let of = label.map(|label| Of::Label(label.to_owned()));
        let of = of
            .or_else(|| known.map(|(_, of)| of.clone()))
            .ok_or_else(|| {
                let names = KEYS.iter().map(|(name, _)| *name);
                let names = names.chain(LABELS.iter().copied());
                let names: Vec<_> = names.chain(["label.NAME"]).collect();
                format!("there is no key {name:?}: {}", meant(name, &names))
            })?;
        let name = name.to_owned();
        Ok(Self { name, of })
    }

    pub(super) fn is_time(&self) -> bool {
        matches!(self.of, Of::Time(_) | Of::Window(_))
    }

    pub(super) fn is_block(&self) -> bool {
        matches!(self.of, Of::Window(_))
    }

    /// Whether it is of the file that a response was found in.
    pub(super) fn is_place(&self) -> bool {
        matches!(self.of, Of::Place(_))
    }

    /// What a response says there.
    pub(super) fn of<'r>(&self, record: &'r Record, zone: &TimeZone) -> Cow<'r, str> {
        let text: Option<Cow<'r, str>> = match &self.of {
            Of::Label(name) => record.labels.get(name).map(Cow::from),
            Of::Place(get) | Of::Text(get) => get(record).map(Cow::from),
            Of::Time(format) | Of::Window(format) => record.at().map(|at| {
                let at = at.to_zoned(zone.clone());
                at.strftime(format).to_string().into()
            }),
        };
        let text = text.filter(|text| !text.is_empty());
        text.unwrap_or(UNKNOWN.into())
    }
}

fn model(record: &Record) -> Option<&str> {
    record.model.as_deref().or(record.request_model.as_deref())
}

fn file(record: &Record) -> Option<&str> {
    let (file, _) = record.source.as_deref()?.rsplit_once('#')?;
    Some(file)
}

fn dir(record: &Record) -> Option<&str> {
    match Path::new(file(record)?).parent()?.to_str()? {
        "" => Some("."),
        dir => Some(dir),
    }
}

/// Which responses are counted.
#[derive(Debug, Default)]
pub(super) struct Picks {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    /// One of each key's globs has to fit.
    pub(super) globs: Vec<(Key, Vec<GlobMatcher>)>,
}

impl Picks {
    /// Adds a filter of the form `KEY=GLOB`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(super) fn add(&mut self, filter: &str) -> Result<(), String> {
        let (name, glob) = filter
            .split_once('=')
            .ok_or_else(|| format!("{filter:?} is not of the form KEY=GLOB"))?;
        let key = Key::parse(name)?;
        let glob = GlobBuilder::new(glob)
            .build()
            .map_err(|error| error.to_string())?
            .compile_matcher();
        match self
            .globs
            .iter_mut()
            .find(|(known, _)| known.name == key.name)
        {
            Some((_, globs)) => globs.push(glob),
            None => self.globs.push((key, vec![glob])),
        }
        Ok(())
    }

    /// Whether a filter asks for the file that a response was found in.
    pub(super) fn ask_place(&self) -> bool {
        self.globs.iter().any(|(key, _)| key.is_place())
    }

    pub(super) fn take(&self, record: &Record, zone: &TimeZone) -> bool {
        if self.since.is_some() || self.until.is_some() {
            let Some(at) = record.at() else { return false };
            if self.since.is_some_and(|since| at < since)
                || self.until.is_some_and(|until| at >= until)
            {
                return false;
            }
        }
        self.globs.iter().all(|(key, globs)| {
            let text = key.of(record, zone);
            globs.iter().any(|glob| glob.is_match(&*text))
        })
    }
}

/// Reads a point in time: a date, a time in `zone` or in a zone of its own, or how long before `now`.
///
/// # Errors
/// A sentence that shows how to write one.
pub(super) fn point(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    use jiff::{Span, civil::DateTime};

    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let days_ago = |days: i64| {
        let today = now.to_zoned(zone.clone()).start_of_day();
        let day = today.and_then(|today| today.checked_sub(Span::new().days(days)));
        day.map(|day| day.timestamp())
            .map_err(|error| error.to_string())
    };
    match text {
        "today" => return days_ago(0),
        "yesterday" => return days_ago(1),
        _ => {}
    }
    let local = text
        .parse::<DateTime>()
        .and_then(|at| at.to_zoned(zone.clone()));
    let ago = || {
        let span: Span = text.parse()?;
        now.to_zoned(zone.clone()).checked_sub(span.abs())
    };
    local.or_else(|_| ago()).map(|at| at.timestamp()).map_err(|_| {
        format!(
            "{text:?} is not a time: write today, yesterday, 7d (seven days ago), 2026-11-30, 2026-11-30T18:00 or 2026-11-30T18:00:00Z"
        )
    })
}
