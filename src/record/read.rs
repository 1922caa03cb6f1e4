//! Records read back from what was written: JSON lines and CSV, strictly by the one list of columns.

use std::borrow::{Borrow, Cow};
use std::marker::PhantomData;

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr2, memmem};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::write::{Pick, Picked, Selection, unguarded};
use super::{COLUMNS, Column, Record, SCHEMA};

/// How the records of a file are written.
#[derive(Debug)]
pub enum Shape {
    /// The columns that its header names, and what reads a row.
    Csv(Selection, Box<csv_core::Reader>),
    /// One object a line.
    Json,
}

impl Shape {
    /// Recognises records by how a file begins; `None` where it holds something else.
    ///
    /// # Errors
    /// Why these records cannot be read.
    pub fn recognise(beginning: &[u8]) -> Option<Result<Self, String>> {
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
        let text = text.trim_ascii_start();
        let line = || {
            let end = memchr(b'\n', text).unwrap_or(text.len());
            text[..end].trim_ascii_end()
        };
        if text.starts_with(b"{") {
            let line = line();
            // The cheap look first: this is asked of every capture.
            memmem::find(line, b"\"tokensense")?;
            return match schema(line)?.as_str() {
                SCHEMA => Some(Ok(Self::Json)),
                schema if schema.starts_with("tokensense.summary/") => Some(Err(
                    "is a summary, which cannot be added up again: save the records with --records FILE and pass that file"
                        .to_owned(),
                )),
                schema if schema.starts_with("tokensense/") => Some(Err(other_schema(schema))),
                _ => None,
            };
        }
        // The first field alone tells most captures from a header.
        let first = memchr2(b',', b'\n', text).filter(|end| text[*end] == b',')?;
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.\"".contains(b);
        if !text[..first].iter().all(is_name) {
            return None;
        }
        let names = std::str::from_utf8(line()).ok()?.split(',');
        let names: Vec<_> = names
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        Self::of_header(&names, b',')
    }

    /// Recognises a table by the names of its columns: ours, in any order and number, also under names that people give
    /// them. Columns of other names are passed over.
    ///
    /// # Errors
    /// Why such records cannot be read.
    pub(crate) fn of_header(names: &[String], delimiter: u8) -> Option<Result<Self, String>> {
        let mut picks = Vec::new();
        let (mut known, mut ours, mut counts) = (0, 0, 0);
        for name in names {
            let exact = Selection::parse(name)
                .ok()
                .and_then(|selection| selection.0.into_iter().next());
            let given = || {
                let row = RENAMED
                    .iter()
                    .find(|(_, names)| names.contains(&&*name.to_lowercase()));
                row.and_then(|(column, _)| Selection::parse(column).ok()?.0.into_iter().next())
            };
            ours += usize::from(exact.is_some());
            let pick = exact.or_else(given);
            known += usize::from(pick.is_some());
            let column = match pick.as_ref().map(|pick| &pick.from) {
                Some(Picked::Column(column)) => column.name,
                _ => "",
            };
            counts += usize::from(
                ["input_tokens", "output_tokens", "total_tokens", "cost_usd"].contains(&column),
            );
            let twice =
                |known: &Pick| matches!(&known.from, Picked::Column(known) if known.name == column);
            picks.push(match pick {
                Some(pick) if !picks.iter().any(twice) => pick,
                _ => Pick::other(name),
            });
        }
        let schema = names.iter().any(|name| name == "schema");
        if schema && known == 1 {
            // It says that it is ours, and nothing else that we know.
            let other = names.iter().find(|name| *name != "schema")?;
            return Some(Err(Selection::parse(other).err()?));
        }
        let all = ours == names.len() && ours > 1;
        if !schema && !all && !(known > 1 && (counts > 1 || counts > 0 && ours > 1)) {
            return None;
        }
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Some(Ok(Self::Csv(Selection(picks), Box::new(parser))))
    }

    /// Reads one record: a line of JSON, or a row of CSV.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&mut self, line: &[u8]) -> Result<Record, String> {
        let mut record = match self {
            Self::Csv(selection, parser) => row(selection, parser, line)?,
            Self::Json => object(line)?,
        };
        match record.schema.as_deref() {
            Some(SCHEMA) => {}
            Some(other) => return Err(other_schema(other)),
            // Not every table has all columns; what is made of it is of this form.
            None if matches!(self, Self::Csv(..)) => record.schema = Some(SCHEMA.into()),
            None => return Err("it has no schema".to_owned()),
        }
        if record.cost_usd.is_some_and(|cost| cost.is_sign_negative()) {
            return Err("cost_usd is negative".to_owned());
        }
        Ok(record)
    }
}

/// What people call columns where they name them anew.
const RENAMED: &[(&str, &[&str])] = &[
    (
        "input_tokens",
        &[
            "in",
            "input",
            "prompt",
            "prompt_tokens",
            "tokens_in",
            "in_tokens",
        ],
    ),
    (
        "output_tokens",
        &[
            "out",
            "output",
            "completion",
            "completion_tokens",
            "tokens_out",
            "out_tokens",
        ],
    ),
    (
        "cache_read_tokens",
        &["cached", "cache_read", "cached_tokens"],
    ),
    ("cache_write_tokens", &["cache_write"]),
    ("reasoning_tokens", &["reasoning", "thinking"]),
    ("total_tokens", &["total", "tokens"]),
    ("cost_usd", &["cost", "usd", "price", "cost_$", "spend"]),
    ("response_id", &["id"]),
    ("created_at", &["created", "date"]),
    (
        "started_at",
        &["time", "timestamp", "started", "at", "when"],
    ),
    ("duration_ms", &["ms", "duration"]),
    ("request_model", &["requested", "requested_model"]),
    ("model", &["model_name"]),
    ("status", &["state"]),
];

/// The schema that an object names, even if only the beginning of it is there.
fn schema(line: &[u8]) -> Option<String> {
    struct Schema<'s>(&'s mut Option<String>);

    impl<'de> Visitor<'de> for Schema<'_> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            while self.0.is_none()
                && let Some(name) = members.next_key::<Cow<'_, str>>()?
            {
                match &*name {
                    "schema" => *self.0 = Some(members.next_value()?),
                    _ => drop(members.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(line);
    // Whatever follows it, or does not, is looked at when it is read.
    let _ = json.deserialize_map(Schema(&mut found));
    found
}

fn other_schema(schema: &str) -> String {
    format!("has the schema {schema:?}, but this version reads {SCHEMA:?}")
}

/// Reads a JSON object. What it says of a bad one never repeats what that holds.
fn object(line: &[u8]) -> Result<Record, String> {
    let incomplete = || "it is not a complete JSON object".to_owned();
    // Checked as a whole, it need not be checked member by member.
    let text = std::str::from_utf8(line).map_err(|_| incomplete())?;
    let mut json = serde_json::Deserializer::from_str(text);
    let record = json.deserialize_map(Reader::<&RawValue> {
        strict: true,
        value: PhantomData,
    });
    let record = record.and_then(|record| json.end().map(|()| record));
    record.map_err(|error| match error.classify() {
        Category::Data if line.starts_with(b"{") => error.to_string(),
        _ => incomplete(),
    })
}

/// The fields of a row, one text, and where each ends; one more is told of where there are more than `want`.
///
/// # Errors
/// It is not UTF-8.
pub(crate) fn fields(
    parser: &mut csv_core::Reader,
    mut line: &[u8],
    want: usize,
) -> Result<(String, Vec<usize>), String> {
    parser.reset();
    let (mut text, mut ends) = (vec![0; line.len()], vec![0; want + 1]);
    let (mut filled, mut count) = (0, 0);
    loop {
        let (step, read, written, ended) =
            parser.read_record(line, &mut text[filled..], &mut ends[count..]);
        line = &line[read..];
        filled += written;
        count += ended;
        if step != ReadRecordResult::InputEmpty {
            break;
        }
    }
    text.truncate(filled);
    ends.truncate(count);
    let text = String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok((text, ends))
}

/// Reads a row whose fields are in the order of the header.
fn row(
    selection: &Selection,
    parser: &mut csv_core::Reader,
    line: &[u8],
) -> Result<Record, String> {
    let want = selection.0.len();
    let (text, ends) = fields(parser, line, want)?;
    let count = ends.len();
    if count != want {
        return Err(format!("it has {count} fields, but the header has {want}"));
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let fields = starts
        .zip(&ends)
        .map(|(start, end)| text.get(start..*end).unwrap_or_default());
    let mut record = Record::default();
    for (pick, field) in selection.0.iter().zip(fields) {
        let text = unguarded(field);
        match &pick.from {
            Picked::Column(column) => {
                if !(column.get_mut)(&mut record).set_text(&text) {
                    return Err(misfit(column.name));
                }
            }
            Picked::Label(name) if !text.is_empty() => {
                record.labels.insert(name.clone(), text.into());
            }
            Picked::Label(_) | Picked::Usage(_) => {}
        }
    }
    Ok(record)
}

fn misfit(column: &str) -> String {
    format!("column {column} has a value of the wrong type")
}

/// Reads a record that some program has, passing over what is no column.
pub(super) fn record<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
    deserializer.deserialize_map(Reader::<Box<RawValue>> {
        strict: false,
        value: PhantomData,
    })
}

/// Takes an object's members, which come as `V`, into the columns they name.
struct Reader<V> {
    /// A member that is no column is an error.
    strict: bool,
    value: PhantomData<V>,
}

impl<'de, V: Deserialize<'de> + Borrow<RawValue>> Visitor<'de> for Reader<V> {
    type Value = Record;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        // Most members come in the order of the columns.
        let mut next = 0;
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            let is_it = |column: &Column| column.name == name;
            let at = match COLUMNS.get(next).is_some_and(is_it) {
                true => Some(next),
                false => COLUMNS.iter().position(is_it),
            };
            let Some(at) = at else {
                if self.strict {
                    return Err(A::Error::custom("it has a member that is not a column"));
                }
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = members.next_value::<V>()?;
            if !(COLUMNS[at].get_mut)(&mut record).set_json(value.borrow().get()) {
                return Err(A::Error::custom(misfit(COLUMNS[at].name)));
            }
            next = at + 1;
        }
        Ok(record)
    }
}

/// With serde_json alone. Members that are no columns, as a later version may write them, are passed over.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        record(deserializer)
    }
}
