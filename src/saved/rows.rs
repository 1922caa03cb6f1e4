//! Tables: rows of our columns, however named and ordered, and rows of counts under other names.

use std::borrow::Cow;

use csv_core::ReaderBuilder;
use memchr::{memchr, memchr_iter, memmem};

use super::found::Saved;
use super::names::{self, Table};
use crate::record::read::{Shape, fields};

/// Reads a table row by row. A row that was torn within quotes costs itself, and no row after it.
pub(super) struct Rows {
    kind: RowsHold,
    /// The header as it was written: it comes again where files were joined.
    header: Vec<u8>,
    /// The row under way, and whether it ends within quotes.
    row: Vec<u8>,
    open: bool,
    /// Where the row began.
    began: u64,
    /// Lines so far.
    at: u64,
    /// A line that has not ended.
    line: Vec<u8>,
    long: bool,
    pub(super) lost: u64,
    pub(super) first_lost: Option<(u64, String)>,
}

/// What the rows hold.
enum RowsHold {
    Named {
        table: &'static Table,
        columns: Vec<String>,
        parser: Box<csv_core::Reader>,
    },
    Ours(Shape),
}

/// What stands between fields.
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
/// A longer row is none.
const MOST: usize = 16 << 20;

impl Rows {
    /// Recognises a table by its header, a line without its end.
    pub(super) fn recognise(header: &[u8]) -> Option<Result<Self, String>> {
        let line = header.trim_ascii();
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.len() > 64 << 10
            || !line
                .first()
                .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'"' || *b == b'_')
        {
            return None;
        }
        let kind = DELIMITERS
            .into_iter()
            .filter(|delimiter| memchr(*delimiter, line).is_some());
        let mut kinds = kind.filter_map(|delimiter| {
            let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
            let most = memchr_iter(delimiter, line).count() + 1;
            let (text, ends) = fields(&mut parser, line, most).ok()?;
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let names = starts
                .zip(&ends)
                .map(|(start, end)| text[start..*end].trim().to_owned());
            let columns: Vec<String> = names.collect();
            if let Some(table) = names::of_columns(&columns) {
                let parser = Box::new(parser);
                return Some(Ok(RowsHold::Named {
                    table,
                    columns,
                    parser,
                }));
            }
            let shape = Shape::of_header(&columns, delimiter)?;
            Some(shape.map(RowsHold::Ours))
        });
        let kind = match kinds.next()? {
            Ok(kind) => kind,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Self {
            kind,
            header: line.to_owned(),
            row: Vec::new(),
            open: false,
            began: 0,
            at: 0,
            line: Vec::new(),
            long: false,
            lost: 0,
            first_lost: None,
        }))
    }

    pub(super) fn feed(&mut self, bytes: &[u8], found: &mut dyn FnMut(Saved)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let ended = piece.ends_with(b"\n");
            self.long |= self.line.len() + piece.len() > MOST;
            if ended && self.line.is_empty() && !self.long {
                self.take(piece, found);
                continue;
            }
            if self.long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(piece);
            }
            if ended {
                self.end_line(found);
            }
        }
    }

    pub(super) fn finish(&mut self, found: &mut dyn FnMut(Saved)) {
        if !self.line.is_empty() || self.long {
            self.end_line(found);
        }
        if !self.row.is_empty() {
            let row = std::mem::take(&mut self.row);
            self.read(&row, found);
        }
    }

    fn end_line(&mut self, found: &mut dyn FnMut(Saved)) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.long) {
            self.at += 1;
            self.began = self.at;
            self.lose("it is too long".to_owned());
        } else {
            self.take(&line, found);
        }
        line.clear();
        line.shrink_to(64 << 10);
        self.line = line;
    }

    /// Takes a line, which may be part of a row.
    fn take(&mut self, line: &[u8], found: &mut dyn FnMut(Saved)) {
        self.at += 1;
        let odd = memchr_iter(b'"', line).count() % 2 == 1;
        if !self.open {
            self.began = self.at;
            match odd {
                true => line.clone_into(&mut self.row),
                false => self.read(line, found),
            }
            self.open = odd;
            return;
        }
        if !odd && let Some(alone) = self.parse(line).ok().flatten() {
            // The row before it was torn.
            self.row.clear();
            self.open = false;
            self.lose("it is cut off within quotes".to_owned());
            self.began = self.at;
            return found(alone);
        }
        self.row.extend_from_slice(line);
        if self.row.len() > MOST {
            self.row = Vec::new();
            self.open = false;
            self.lose("it is too long".to_owned());
        } else if odd {
            self.open = false;
            let mut row = std::mem::take(&mut self.row);
            self.read(&row, found);
            row.clear();
            self.row = row;
        }
    }

    /// Reads a whole row.
    fn read(&mut self, row: &[u8], found: &mut dyn FnMut(Saved)) {
        let text = row.strip_prefix(b"\xef\xbb\xbf").unwrap_or(row);
        let bare = text.trim_ascii();
        if bare.is_empty() || bare == self.header {
            return;
        }
        // Blanks at the ends of a row belong to its fields.
        match self.parse(text) {
            Ok(saved) => saved.into_iter().for_each(found),
            Err(error) => {
                self.lose(error);
                // Another record may stand right behind one that was torn.
                let last = memmem::rfind(text, b"tokensense/1,").filter(|at| *at > 0);
                if let Some(Ok(Some(saved))) = last.map(|at| self.parse(&text[at..])) {
                    found(saved);
                }
            }
        }
    }

    /// What a row says; `None` where it is no response's.
    fn parse(&mut self, row: &[u8]) -> Result<Option<Saved>, String> {
        match &mut self.kind {
            RowsHold::Ours(shape) => {
                let record = Some(Box::new(shape.read(row)?));
                Ok(Some(Saved {
                    record,
                    ..Saved::default()
                }))
            }
            RowsHold::Named {
                table,
                columns,
                parser,
            } => {
                let (text, ends) = fields(parser, row, columns.len())?;
                if ends.len() != columns.len() {
                    return Err(format!(
                        "it has {} fields, but the header has {}",
                        ends.len(),
                        columns.len()
                    ));
                }
                let reading = table.read(&mut |path| cell(columns, &text, &ends, path));
                Ok(reading.map(Saved::from))
            }
        }
    }

    fn lose(&mut self, why: String) {
        self.lost += 1;
        self.first_lost.get_or_insert((self.began, why));
    }
}

/// What stands in a row at a path: the column of that name, or what the JSON in it has there.
fn cell<'t>(
    columns: &[String],
    text: &'t str,
    ends: &[usize],
    path: &str,
) -> Option<Cow<'t, [u8]>> {
    let column = |name: &str| {
        let at = columns.iter().position(|column| column == name)?;
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        Some(&text[start..ends[at]]).filter(|text| !text.is_empty())
    };
    let quoted = |text: &str| serde_json::to_vec(text).unwrap_or_default();
    if let Some(text) = column(path) {
        return Some(quoted(text).into());
    }
    let (first, rest) = path.split_once('/')?;
    let inside = column(first)?;
    let json = matches!(inside.as_bytes()[0], b'{' | b'[');
    json.then(|| names::at(inside.as_bytes(), rest)).flatten()
}
