//! Records as JSON lines, CSV, or one calm line for people.

use std::borrow::Cow;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{COLUMNS, Column, Record};

/// How records are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    #[default]
    Json,
    /// A short line for people.
    Line,
}

impl Format {
    /// The format that a file's name asks for.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Self::Csv,
            _ => Self::Json,
        }
    }
}

/// Which columns are written, in which order, under which names.
#[derive(Clone, Debug)]
pub(crate) struct Selection(pub(super) Vec<Pick>);

#[derive(Clone, Debug)]
pub(super) struct Pick {
    name: String,
    pub(super) from: From,
}

#[derive(Clone)]
pub(super) enum From {
    Column(&'static Column),
    Label(String),
    /// Keys into the usage object.
    Usage(Vec<String>),
}

/// Turns records into bytes: one call, one whole record.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    format: Format,
    selection: Selection,
}

impl Default for Selection {
    fn default() -> Self {
        let pick = |column: &'static Column| Pick {
            name: column.name.to_owned(),
            from: From::Column(column),
        };
        Self(COLUMNS.iter().map(pick).collect())
    }
}

impl Selection {
    /// Reads `model,in=input_tokens,up=usage.cost_details.x,team=label.team`.
    ///
    /// # Errors
    /// A sentence that names the part which is no column.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let mut picks: Vec<Pick> = Vec::new();
        for part in list
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (name, path) = part.split_once('=').unwrap_or((part, part));
            let from =
                if let Some(label) = path.strip_prefix("label.").or(path.strip_prefix("labels.")) {
                    From::Label(label.to_owned())
                } else if let Some(keys) = path.strip_prefix("usage.") {
                    From::Usage(keys.split('.').map(str::to_owned).collect())
                } else {
                    let column = COLUMNS.iter().find(|column| column.name == path);
                    From::Column(column.ok_or_else(|| unknown(path))?)
                };
            if picks.iter().any(|pick| pick.name == name) {
                return Err(format!(
                    "column {name:?} is named twice; rename one: other={path}"
                ));
            }
            let name = name.to_owned();
            picks.push(Pick { name, from });
        }
        if picks.is_empty() {
            return Err(
                "no column is named; the record's columns are listed in the manual".to_owned(),
            );
        }
        Ok(Self(picks))
    }
}

/// What to say of a column that does not exist.
fn unknown(path: &str) -> String {
    let near = |column: &&Column| column.name.contains(path) || path.contains(column.name);
    let near: Vec<_> = COLUMNS
        .iter()
        .filter(near)
        .map(|column| column.name)
        .collect();
    let hint = match near.is_empty() {
        true => "a column of the record, usage.PATH or label.NAME is meant".to_owned(),
        false => format!("did you mean {}?", near.join(" or ")),
    };
    format!("there is no column {path:?}: {hint}")
}

impl Writer {
    pub(crate) fn new(format: Format, selection: Selection) -> Self {
        Self { format, selection }
    }

    /// The line that a file begins with.
    pub(crate) fn header(&self) -> Option<Vec<u8>> {
        let names = self.selection.0.iter().map(|pick| pick.name.as_str());
        (self.format == Format::Csv).then(|| csv_line(names))
    }

    /// One record, its line end included.
    pub(crate) fn record(&self, record: &Record) -> Vec<u8> {
        match self.format {
            Format::Csv => csv_line(self.selection.0.iter().map(|pick| pick.from.text(record))),
            Format::Json => {
                let mut object = Map::new();
                for pick in &self.selection.0 {
                    object.insert(pick.name.clone(), pick.from.json(record));
                }
                let mut line = serde_json::to_vec(&object).unwrap_or_default();
                line.push(b'\n');
                line
            }
            Format::Line => (person_line(record) + "\n").into_bytes(),
        }
    }
}

impl From {
    fn json(&self, record: &Record) -> Value {
        match self {
            Self::Column(column) => (column.get)(record).to_json(),
            Self::Label(name) => record.labels.get(name).cloned().unwrap_or_default(),
            Self::Usage(keys) => usage_at(record, keys).cloned().unwrap_or_default(),
        }
    }

    fn text<'r>(&self, record: &'r Record) -> Cow<'r, str> {
        let text = match self {
            Self::Column(column) => (column.get)(record).to_text(),
            Self::Label(name) => plain(record.labels.get(name)),
            Self::Usage(keys) => plain(usage_at(record, keys)),
        };
        guarded(text)
    }
}

impl std::fmt::Debug for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(column) => f.write_str(column.name),
            Self::Label(name) => write!(f, "label.{name}"),
            Self::Usage(keys) => write!(f, "usage.{}", keys.join(".")),
        }
    }
}

fn usage_at<'r>(record: &'r Record, keys: &[String]) -> Option<&'r Value> {
    let (first, rest) = keys.split_first()?;
    let first = record.usage.as_ref()?.get(first)?;
    rest.iter().try_fold(first, |value, key| value.get(key))
}

fn plain(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => "".into(),
        Some(Value::String(text)) => text.into(),
        Some(other) => other.to_string().into(),
    }
}

/// A field of CSV that a spreadsheet will not take for a formula: a quote stands before what looks like one.
pub(crate) fn guarded(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(FORMULA) {
        return format!("'{text}").into();
    }
    text
}

/// What was [`guarded`].
pub(super) fn unguarded(text: &str) -> &str {
    let inside = text.strip_prefix('\'');
    inside
        .filter(|inside| inside.starts_with(FORMULA))
        .unwrap_or(text)
}

const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// One line of CSV.
pub(crate) fn csv_line<T: AsRef<str>>(fields: impl Iterator<Item = T>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail.
    for field in fields {
        let _ = writer.write_field(field.as_ref());
    }
    let _ = writer.write_record(None::<&[u8]>);
    writer.into_inner().unwrap_or_default()
}

/// `gpt-4o  90 in (64 cached) · 30 out  $0.000412  1.2 s · 25 tok/s`
fn person_line(record: &Record) -> String {
    let mut parts: Vec<String> = Vec::new();
    let name = record
        .model
        .as_ref()
        .or(record.request_model.as_ref())
        .or(record.api.as_ref());
    parts.push(name.map_or("unknown model", String::as_str).to_owned());
    let about = |column: &str| record.estimated.iter().any(|name| name == column);
    let count = |column: &str, tokens: Option<u64>| match tokens {
        Some(n) => format!("{}{}", if about(column) { "≈" } else { "" }, grouped(n)),
        None => "?".to_owned(),
    };
    let mut tokens = format!("{} in", count("input_tokens", record.input_tokens));
    if let Some(cached) = record.cache_read_tokens.filter(|n| *n > 0) {
        tokens += &format!(" ({} cached)", grouped(cached));
    }
    tokens += &format!(" · {} out", count("output_tokens", record.output_tokens));
    parts.push(tokens);
    if let Some(cost) = record.cost_usd {
        let sign = match record.cost_basis.as_deref() {
            Some("lower_bound") => "≥ ",
            Some("estimated") => "≈ ",
            _ => "",
        };
        parts.push(format!("{sign}${}", money(cost)));
    } else {
        parts.push("no price".to_owned());
    }
    if let Some(ms) = record.duration_ms {
        let mut time = format!("{}.{} s", ms / 1000, ms % 1000 / 100);
        if let Some(rate) = record.tokens_per_second {
            time += &format!(" · {} tok/s", rate.round());
        }
        parts.push(time);
    }
    if let Some(status) = record
        .status
        .as_deref()
        .filter(|status| *status != "complete")
    {
        let reason = record
            .error_message
            .as_deref()
            .map(|text| format!(": {text}"));
        parts.push(status.to_owned() + &reason.unwrap_or_default());
    }
    parts.join("  ")
}

/// Dollars as people read them: cents whole, below that four figures.
pub(crate) fn money(amount: Decimal) -> String {
    let rounded = match amount {
        amount if amount.abs() >= Decimal::ONE => amount.round_dp(2),
        amount => amount.round_sf(4).unwrap_or(amount),
    };
    let mut text = rounded.normalize();
    if text.scale() < 2 {
        text.rescale(2);
    }
    text.to_string()
}

/// A number with its thousands apart.
pub(crate) fn grouped(n: impl ToString) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
