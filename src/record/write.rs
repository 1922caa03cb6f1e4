//! Records as JSON lines, CSV, TSV, or one calm line for people.

use std::borrow::Cow;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use rust_decimal::Decimal;

use super::otlp;
use super::text::{clean, escape};
use super::{COLUMNS, Cell as _, Column, CostBasis, Record};
use crate::meter::Status;
use crate::nearest::nearest;
use crate::object::Object;

/// How records are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    #[default]
    Json,
    /// A short line for people.
    Line,
    /// One trace of one span a line, in OTLP's JSON, with the names of OpenTelemetry's generative AI conventions.
    Otlp,
    /// Tab-separated values with a header.
    Tsv,
}

impl Format {
    /// The format that a file's ending names, if it names one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "tsv" => Some(Self::Tsv),
            _ => None,
        }
    }
}

/// Which columns are written, in which order, under which names.
#[derive(Clone, Debug)]
pub struct Selection(pub(super) Vec<Pick>);

#[derive(Clone, Debug)]
pub(super) struct Pick {
    pub(super) name: String,
    pub(super) from: Picked,
}

#[derive(Clone)]
pub(super) enum Picked {
    Column(&'static Column),
    Label(String),
    /// Keys into the usage object.
    Usage(Vec<String>),
}

/// Turns records into bytes: one call, one whole record.
#[derive(Clone, Debug)]
pub struct Writer {
    format: Format,
    selection: Selection,
    coloured: bool,
}

impl Default for Selection {
    fn default() -> Self {
        let pick = |column: &'static Column| Pick {
            name: column.name.to_owned(),
            from: Picked::Column(column),
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
            let from = match path.split_once('.') {
                Some((_, "")) => return Err(unknown(path)),
                Some(("label" | "labels", label)) => Picked::Label(label.to_owned()),
                Some(("usage", keys)) => {
                    Picked::Usage(keys.split('.').map(str::to_owned).collect())
                }
                _ => {
                    let column = COLUMNS.iter().find(|column| column.name == path);
                    Picked::Column(column.ok_or_else(|| unknown(path))?)
                }
            };
            if name.is_empty() {
                return Err(format!(
                    "{part:?} gives {path} no name: write {path}, or name={path}"
                ));
            }
            if picks.iter().any(|pick| pick.name == name) {
                return Err(format!(
                    "column {name:?} appears twice; rename one of them: other={path}"
                ));
            }
            let name = name.to_owned();
            picks.push(Pick { name, from });
        }
        if picks.is_empty() {
            return Err(
                "the list of columns is empty; tokensense man lists all columns".to_owned(),
            );
        }
        Ok(Self(picks))
    }
}

/// What to say of a column that does not exist.
fn unknown(path: &str) -> String {
    let hint = match nearest(path, COLUMNS.iter().map(|column| column.name)) {
        None => {
            "use a column of the record, usage.PATH or label.NAME; tokensense man lists all columns"
                .to_owned()
        }
        Some(near) => format!("did you mean {near}?"),
    };
    format!("there is no column {path:?}: {hint}")
}

impl Pick {
    /// A column of somebody else's.
    pub(super) fn other(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            from: Picked::Usage(vec![name.to_owned()]),
        }
    }
}

impl Writer {
    /// The writer for a table that has this header: it may lack columns of ours, and have them in another order.
    pub(super) fn continuing(self, header: &str) -> Self {
        let own = |name: &str| {
            self.selection
                .0
                .iter()
                .find(|pick| pick.name == name)
                .cloned()
        };
        let names = header.trim_end_matches(['\r', '\n']).split(',');
        let picks: Option<Vec<_>> = names.map(own).collect();
        match picks {
            Some(picks) if self.format == Format::Csv => {
                let selection = Selection(picks);
                Self { selection, ..self }
            }
            _ => self,
        }
    }

    /// A writer of these columns.
    pub fn new(format: Format, selection: Selection) -> Self {
        Self {
            format,
            selection,
            coloured: false,
        }
    }

    /// How it writes, and what.
    pub(super) fn parts(&self) -> (Format, &Selection) {
        (self.format, &self.selection)
    }

    /// Writes lines for people in colours, or not.
    pub(crate) fn coloured(self, coloured: bool) -> Self {
        Self { coloured, ..self }
    }

    /// The line that a file begins with.
    pub fn header(&self) -> Option<Vec<u8>> {
        let names = self.selection.0.iter().map(|pick| pick.name.as_str());
        match self.format {
            Format::Csv => Some(csv_line(names)),
            Format::Tsv => Some(tsv_line(names)),
            Format::Json | Format::Line | Format::Otlp => None,
        }
    }

    /// One record, its line end included.
    pub fn record(&self, record: &Record) -> Vec<u8> {
        let fields = || self.selection.0.iter().map(|pick| pick.from.text(record));
        match self.format {
            Format::Csv => csv_line(fields()),
            Format::Tsv => tsv_line(fields()),
            Format::Json => {
                let mut object = Object::default();
                for pick in &self.selection.0 {
                    pick.from.write_json(record, object.begin(&pick.name));
                }
                (escape(&object.finish()).into_owned() + "\n").into_bytes()
            }
            Format::Line => (person_line(record, self.coloured) + "\n").into_bytes(),
            Format::Otlp => otlp::line(record),
        }
    }
}

impl Picked {
    fn write_json(&self, record: &Record, json: &mut String) {
        let value = match self {
            Self::Column(column) => return (column.get)(record).write_json(json),
            Self::Label(name) => return record.labels.get(name).cloned().write_json(json),
            Self::Usage(keys) => record.usage.as_ref().and_then(|usage| usage.at(keys)),
        };
        json.push_str(value.as_deref().unwrap_or("null"));
    }

    fn text<'r>(&self, record: &'r Record) -> Cow<'r, str> {
        let text = match self {
            Self::Column(column) => (column.get)(record).to_text(),
            Self::Label(name) => record.labels.get(name).map_or("".into(), Cow::from),
            Self::Usage(keys) => bare(record.usage.as_ref().and_then(|usage| usage.at(keys))),
        };
        guarded(text)
    }
}

impl std::fmt::Debug for Picked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(column) => f.write_str(column.name),
            Self::Label(name) => write!(f, "label.{name}"),
            Self::Usage(keys) => write!(f, "usage.{}", keys.join(".")),
        }
    }
}

/// JSON as plain text: a string without its quotes, null as nothing.
fn bare(json: Option<String>) -> Cow<'static, str> {
    match json {
        None => "".into(),
        Some(json) if json == "null" => "".into(),
        Some(json) if json.starts_with('"') => {
            let text: Option<String> = serde_json::from_str(&json).ok();
            text.unwrap_or_default().into()
        }
        Some(json) => json.into(),
    }
}

/// A field of CSV that a spreadsheet will not take for a formula: a quote stands before what looks like one.
pub(crate) fn guarded(text: Cow<'_, str>) -> Cow<'_, str> {
    let text = match clean(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean.into(),
    };
    if !cells(&text).any(|cell| cell.starts_with(FORMULA)) {
        return text;
    }
    let guard = |cell: &str| match cell.starts_with(FORMULA) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    };
    cells(&text).map(guard).collect::<Vec<_>>().join(";").into()
}

/// What is a cell of its own to a spreadsheet that has `;` between cells, as where `,` stands in numbers.
fn cells(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
}

/// What was [`guarded`].
pub(super) fn unguarded(text: &str) -> Cow<'_, str> {
    let plain = |cell| {
        let inside = str::strip_prefix(cell, '\'');
        inside
            .filter(|inside| inside.starts_with(FORMULA))
            .unwrap_or(cell)
    };
    match cells(text).any(|cell| cell.starts_with('\'')) {
        true => cells(text).map(plain).collect::<Vec<_>>().join(";").into(),
        false => text.into(),
    }
}

const FORMULA: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\''];

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

/// One line of TSV. Tabs and line breaks never stand in a field, so that only a quote at its beginning needs quoting:
/// `cut` and `awk` get the text as it is.
fn tsv_line<T: AsRef<str>>(fields: impl Iterator<Item = T>) -> Vec<u8> {
    let mut line = String::new();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            line.push('\t');
        }
        match clean(field.as_ref()) {
            text if text.starts_with('"') => {
                line.extend(["\"", &text.replace('"', "\"\""), "\""]);
            }
            text => line += &text,
        }
    }
    line.push('\n');
    line.into_bytes()
}

/// `gpt-4o  90 in (64 cached) · 30 out  $0.000412  1.2 s · 25 tok/s`
fn person_line(record: &Record, coloured: bool) -> String {
    let paint = |style: Style, text: &str| {
        let text = clean(text);
        match coloured {
            true => format!("{style}{text}{style:#}"),
            false => text.into_owned(),
        }
    };
    let status = record.status;
    let mut ending = status.map(|status| status.to_string()).unwrap_or_default();
    if let Some(code) = record.http_status.filter(|code| *code >= 400) {
        ending += &format!(" {code}");
    }
    if let Some(reason) = record.error_message.as_ref().or(record.error_type.as_ref()) {
        ending += &format!(": {reason}");
    }
    let models = [&record.model, &record.request_model];
    let model = models.into_iter().flatten().next().map(String::as_str);
    // Where nothing is known, how it ended is all there is to say.
    let name = model.or(record.api.as_deref()).unwrap_or(match status {
        Some(Status::Empty | Status::Unrecognised) => &ending,
        _ => "unknown model",
    });
    let mut parts = vec![paint(Style::new().bold(), name)];

    let about = |column: &str| record.estimated.iter().any(|name| name == column);
    let count = |column: &str, tokens: Option<u64>| match tokens {
        Some(n) => format!("{}{}", if about(column) { "≈" } else { "" }, grouped(n)),
        None => "?".to_owned(),
    };
    let counted = record.input_tokens.or(record.output_tokens).is_some();
    if counted {
        let mut tokens = format!("{} in", count("input_tokens", record.input_tokens));
        if let Some(cached) = record.cache_read_tokens.filter(|n| *n > 0) {
            tokens += &format!(" ({} cached)", grouped(cached));
        }
        tokens += &format!(" · {} out", count("output_tokens", record.output_tokens));
        parts.push(tokens);
    }
    match (record.cost_usd, &record.cost_note) {
        (Some(cost), _) => {
            let sign = record.cost_basis.map_or("", CostBasis::sign);
            parts.push(format!("{sign}${}", money(cost)));
        }
        (None, Some(note)) if counted => {
            parts.push(paint(Style::new(), &format!("no price ({note})")));
        }
        (None, Some(note)) => {
            // That nothing was counted shows.
            let rest: Vec<_> = note
                .split("; ")
                .filter(|part| *part != "no usage")
                .collect();
            if !rest.is_empty() {
                parts.push(paint(Style::new(), &rest.join("; ")));
            }
        }
        (None, None) if counted => parts.push("no price".to_owned()),
        (None, None) => {}
    }
    if let Some(ms) = record.duration_ms {
        let mut time = format!("{}.{} s", ms / 1000, ms % 1000 / 100);
        if let Some(rate) = record.tokens_per_second {
            time += &format!(" · {} tok/s", rate.round());
        }
        parts.push(paint(Style::new().dimmed(), &time));
    }
    if !matches!(status, None | Some(Status::Complete)) && name != ending {
        let colour = match status {
            Some(Status::Error) => AnsiColor::Red,
            _ => AnsiColor::Yellow,
        };
        parts.push(paint(colour.on_default(), &ending));
    }
    if let Some(note) = counted.then(|| doubt(record)).flatten() {
        parts.push(paint(Style::new().dimmed(), &note));
    }
    parts.join("  ")
}

/// Why the line says `≈`, `≥` or `?`, and what would help.
fn doubt(record: &Record) -> Option<String> {
    let unknown = record.input_tokens.is_none() || record.output_tokens.is_none();
    let vague = matches!(
        record.cost_basis,
        Some(CostBasis::Estimated | CostBasis::LowerBound)
    );
    match &record.cost_note {
        Some(note) if record.cost_usd.is_some() && (unknown || vague) => Some(note.clone()),
        _ => unknown.then(|| "?: the API did not report it".to_owned()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: From<&'static str>>(text: &'static str) -> Option<T> {
        Some(text.into())
    }

    fn base() -> Record {
        Record {
            model: text("m-1"),
            status: Some(Status::Complete),
            input_tokens: Some(1_234_567),
            output_tokens: Some(80),
            duration_ms: Some(2_345),
            ..Record::default()
        }
    }

    /// What a response with a price is for people.
    fn priced_lines() -> Vec<(Record, &'static str)> {
        let priced = |cost: &str, basis| Record {
            cost_usd: cost.parse().ok(),
            cost_basis: Some(basis),
            ..base()
        };
        vec![
            (
                priced("0.0001", CostBasis::Computed),
                "m-1  1,234,567 in · 80 out  $0.0001  2.3 s",
            ),
            (
                Record {
                    cache_read_tokens: Some(64_000),
                    tokens_per_second: "61.7".parse().ok(),
                    ..priced("1.5", CostBasis::Reported)
                },
                "m-1  1,234,567 in (64,000 cached) · 80 out  $1.50  2.3 s · 62 tok/s",
            ),
            (
                Record {
                    status: Some(Status::Truncated),
                    estimated: vec!["output_tokens".to_owned()],
                    ..priced("12.345", CostBasis::Estimated)
                },
                "m-1  1,234,567 in · ≈80 out  ≈ $12.34  2.3 s  truncated",
            ),
            (
                Record {
                    status: Some(Status::Cancelled),
                    input_tokens: None,
                    ..priced("0.25", CostBasis::LowerBound)
                },
                "m-1  ? in · 80 out  ≥ $0.25  2.3 s  cancelled  ?: the API did not report it",
            ),
            (
                Record {
                    input_tokens: None,
                    cost_note: text("input tokens unknown"),
                    ..priced("0.25", CostBasis::LowerBound)
                },
                "m-1  ? in · 80 out  ≥ $0.25  2.3 s  input tokens unknown",
            ),
        ]
    }

    fn unpriced_lines() -> Vec<(Record, &'static str)> {
        vec![
            (
                Record {
                    cost_note: text("unknown model"),
                    duration_ms: None,
                    ..base()
                },
                "m-1  1,234,567 in · 80 out  no price (unknown model)",
            ),
            (
                Record {
                    request_model: text("asked-for"),
                    status: Some(Status::Error),
                    http_status: Some(429),
                    error_type: text("rate_limit"),
                    error_message: text("slow down"),
                    duration_ms: Some(99),
                    ..Record::default()
                },
                "asked-for  0.0 s  error 429: slow down",
            ),
            (
                Record {
                    status: Some(Status::Error),
                    error_type: text("overloaded"),
                    ..Record::default()
                },
                "unknown model  error: overloaded",
            ),
            (
                Record {
                    status: Some(Status::Unrecognised),
                    http_status: Some(502),
                    ..Record::default()
                },
                "unrecognised 502",
            ),
            (
                Record {
                    status: Some(Status::Empty),
                    ..Record::default()
                },
                "empty",
            ),
        ]
    }

    #[test]
    fn lines_for_people() {
        for (record, want) in priced_lines().into_iter().chain(unpriced_lines()) {
            assert_eq!(person_line(&record, false), want);
            let coloured = person_line(&record, true);
            let plain = anstream::adapter::strip_str(&coloured).to_string();
            assert!(plain == want && coloured != want, "{coloured:?}");
        }
    }
}
