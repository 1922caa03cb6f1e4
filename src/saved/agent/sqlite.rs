//! Reads tables of an SQLite file, and nothing else: no lock is taken, nothing is written or created beside it, on a
//! read-only folder and on a file that is being written alike. What a write-ahead log has committed is read from there;
//! what a rollback journal keeps of a transaction under way is read as it was before.
//!
//! <https://www.sqlite.org/fileformat2.html>

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

/// What every database begins with.
pub(in crate::saved) const MAGIC: &[u8] = b"SQLite format 3\0";

/// What every part of a rollback journal begins with.
const JOURNAL: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// How often a file is read again that has changed meanwhile.
const ATTEMPTS: usize = 5;
/// A longer row says nothing.
const MAX_ROW: usize = 16 << 20;
/// No tree of pages is deeper.
const MAX_DEPTH: usize = 32;

/// The tables of a database, each with its columns; none where it cannot be read.
pub(in crate::saved) fn tables(path: &Path) -> Vec<(String, Vec<String>)> {
    let tables = OpenDatabase::open(path).map(|database| database.tables());
    let tables = tables.unwrap_or_default().into_iter();
    tables.map(|table| (table.name, table.columns)).collect()
}

/// Hands over each row of a table as an object, columns that hold JSON as what they hold; `None` where all rows before
/// are void, since the file has changed meanwhile.
pub(in crate::saved) fn rows(path: &Path, table: &str, put: &mut dyn FnMut(Option<&[u8]>)) {
    for attempt in 0..ATTEMPTS {
        let before = state(path);
        if attempt > 0 {
            put(None);
        }
        let database = OpenDatabase::open(path);
        let found = database.as_ref().and_then(|database| {
            let mut tables = database.tables().into_iter();
            Some((database, tables.find(|own| own.name == table)?))
        });
        if let Some((database, table)) = found {
            database.rows(table.root, &mut |rowid, record| {
                let row = table.row(rowid, record, database.encoding);
                put(Some(&row));
            });
        }
        if state(path) == before {
            break;
        }
    }
}

/// What changes when a database does.
fn state(path: &Path) -> Vec<Option<(u64, i64, i64)>> {
    let of = |path: PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
    };
    ["", "-wal", "-journal"]
        .map(|ending| of(beside(path, ending)))
        .to_vec()
}

/// The file of that name, with an ending more.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// An open database.
struct OpenDatabase {
    file: File,
    page: usize,
    /// What of a page is used.
    usable: usize,
    encoding: u32,
    /// Pages that stand elsewhere, and where.
    moved: Option<(File, HashMap<u32, u64>)>,
    pages: u32,
}

/// A table.
struct SqlTable {
    name: String,
    columns: Vec<String>,
    /// The column that is the row's number.
    rowid: Option<usize>,
    root: u32,
}

/// A value of a row.
enum Value<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r [u8]),
    Blob,
}

impl OpenDatabase {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut header = [0; 100];
        file.read_exact_at(&mut header, 0).ok()?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let page = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65536,
            size => usize::from(size),
        };
        if !page.is_power_of_two() || page < 512 {
            return None;
        }
        let moved = if header[19] == 2 {
            committed(&beside(path, "-wal"), page)
        } else {
            kept(&beside(path, "-journal"), page)
        };
        let length = file.metadata().ok()?.len();
        let beyond = moved
            .as_ref()
            .and_then(|(_, moved)| moved.keys().max().copied());
        let pages = u32::try_from(length / page as u64)
            .unwrap_or(u32::MAX)
            .max(beyond.unwrap_or(0));
        Some(Self {
            file,
            page,
            usable: page
                .checked_sub(header[20].into())
                .filter(|usable| *usable >= 480)?,
            encoding: be(&header, 56)?,
            moved,
            pages,
        })
    }

    fn read(&self, number: u32) -> Option<Vec<u8>> {
        let mut page = vec![0; self.page];
        match self
            .moved
            .as_ref()
            .and_then(|(file, moved)| Some((file, *moved.get(&number)?)))
        {
            Some((file, at)) => file.read_exact_at(&mut page, at).ok()?,
            None => {
                let at = u64::from(number.checked_sub(1)?) * self.page as u64;
                self.file.read_exact_at(&mut page, at).ok()?;
            }
        }
        Some(page)
    }

    fn tables(&self) -> Vec<SqlTable> {
        let mut tables = Vec::new();
        self.rows(1, &mut |_, record| {
            let values = values(record);
            let text = |at: usize| match values.get(at) {
                Some(Value::Text(text)) => Some(decoded(text, self.encoding)),
                _ => None,
            };
            if let [_, _, _, Value::Integer(root), ..] = values[..]
                && text(0).as_deref() == Some("table")
                && let (Some(name), Some(sql), Ok(root)) = (text(1), text(4), u32::try_from(root))
            {
                let (columns, rowid) = columns(&sql);
                tables.push(SqlTable {
                    name,
                    columns,
                    rowid,
                    root,
                });
            }
        });
        tables
    }

    /// Hands over the number and the record of each row of the tree that begins there.
    fn rows(&self, root: u32, put: &mut dyn FnMut(i64, &[u8])) {
        // A damaged tree may lead round in circles.
        let mut left = self.pages.saturating_add(1);
        self.walk(root, 0, &mut left, put);
    }

    fn walk(
        &self,
        number: u32,
        depth: usize,
        left: &mut u32,
        put: &mut dyn FnMut(i64, &[u8]),
    ) -> Option<()> {
        *left = left.checked_sub(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        let page = self.read(number)?;
        let at = if number == 1 { 100 } else { 0 };
        let count = usize::from(u16::from_be_bytes([*page.get(at + 3)?, *page.get(at + 4)?]));
        let is_leaf = match page.get(at)? {
            0x0d => true,
            0x05 => false,
            _ => return None,
        };
        let pointers = at + if is_leaf { 8 } else { 12 };
        for cell in 0..count {
            let pointer = page.get(pointers + 2 * cell..)?;
            let cell = usize::from(u16::from_be_bytes([*pointer.first()?, *pointer.get(1)?]));
            let cell = page.get(cell..)?;
            if !is_leaf {
                let _ = self.walk(be(cell, 0)?, depth + 1, left, put);
                continue;
            }
            let (size, taken) = varint(cell)?;
            let (rowid, more) = varint(&cell[taken..])?;
            let Some(record) = self.payload(&cell[taken + more..], size as usize, left) else {
                continue;
            };
            put(rowid as i64, &record);
        }
        if !is_leaf {
            let _ = self.walk(be(&page, at + 8)?, depth + 1, left, put);
        }
        Some(())
    }

    /// A record, with what of it stands on other pages.
    fn payload(&self, cell: &[u8], size: usize, left: &mut u32) -> Option<Vec<u8>> {
        if size > MAX_ROW {
            return None;
        }
        let most = self.usable - 35;
        if size <= most {
            return cell.get(..size).map(<[u8]>::to_vec);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (size - least) % (self.usable - 4);
        let local = if local <= most { local } else { least };
        let mut record = cell.get(..local)?.to_vec();
        let mut next = be(cell, local)?;
        while record.len() < size {
            *left = left.checked_sub(1)?;
            let page = self.read(next)?;
            next = be(&page, 0)?;
            let part = (size - record.len()).min(self.usable - 4);
            record.extend_from_slice(page.get(4..4 + part)?);
        }
        Some(record)
    }
}

/// Where a write-ahead log has the last committed state of pages.
fn committed(path: &Path, page: usize) -> Option<(File, HashMap<u32, u64>)> {
    let file = File::open(path).ok()?;
    let mut header = [0; 32];
    file.read_exact_at(&mut header, 0).ok()?;
    let is_big = match be(&header, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    if be(&header, 8)? as usize != page {
        return None;
    }
    let mut sum = checksum([0, 0], &header[..24], is_big);
    if [be(&header, 24)?, be(&header, 28)?] != sum {
        return None;
    }
    let (mut moved, mut open) = (HashMap::new(), HashMap::new());
    let mut frame = vec![0; 24 + page];
    let mut at = 32;
    while file.read_exact_at(&mut frame, at).is_ok() {
        sum = checksum(checksum(sum, &frame[..8], is_big), &frame[24..], is_big);
        // What an earlier round has left behind has other salts.
        if frame[8..16] != header[16..24] || [be(&frame, 16)?, be(&frame, 20)?] != sum {
            break;
        }
        open.insert(be(&frame, 0)?, at + 24);
        if be(&frame, 4)? != 0 {
            moved.extend(open.drain());
        }
        at += frame.len() as u64;
    }
    Some((file, moved))
}

/// The checksum of the write-ahead log, over words of the order that its header tells.
fn checksum(sum: [u32; 2], bytes: &[u8], is_big: bool) -> [u32; 2] {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if is_big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    };
    bytes.chunks_exact(8).fold(sum, |[a, b], pair| {
        let a = a.wrapping_add(word(pair)).wrapping_add(b);
        [a, b.wrapping_add(word(&pair[4..])).wrapping_add(a)]
    })
}

/// Where a rollback journal keeps pages as they were before the transaction under way.
fn kept(path: &Path, page: usize) -> Option<(File, HashMap<u32, u64>)> {
    let file = File::open(path).ok()?;
    let mut header = [0; 28];
    file.read_exact_at(&mut header, 0).ok()?;
    if !header.starts_with(JOURNAL) || be(&header, 24)? as usize != page {
        return None;
    }
    let sector = u64::from(be(&header, 20)?).max(512);
    let mut moved = HashMap::new();
    let mut record = vec![0; page + 8];
    let mut at = 0;
    // Each time that pages were written early, another part begins.
    while file.read_exact_at(&mut header, at).is_ok() && header.starts_with(JOURNAL) {
        let (count, nonce) = (be(&header, 8)?, be(&header, 12)?);
        at += sector;
        for _ in 0..count {
            if file.read_exact_at(&mut record, at).is_err() {
                break;
            }
            let bytes = (1..).map_while(|step: usize| page.checked_sub(200 * step));
            let bytes = bytes.filter(|at| *at > 0);
            let sum = bytes.fold(nonce, |sum, byte| sum.wrapping_add(record[4 + byte].into()));
            if be(&record, page + 4)? != sum {
                return Some((file, moved));
            }
            moved.entry(be(&record, 0)?).or_insert(at + 4);
            at += record.len() as u64;
        }
        at = at.next_multiple_of(sector);
    }
    Some((file, moved))
}

impl SqlTable {
    /// A row as an object.
    fn row(&self, rowid: i64, record: &[u8], encoding: u32) -> Vec<u8> {
        let mut row = vec![b'{'];
        for (at, (name, value)) in self.columns.iter().zip(values(record)).enumerate() {
            if row.len() > 1 {
                row.push(b',');
            }
            let _ = serde_json::to_writer(&mut row, name);
            row.push(b':');
            let _ = match value {
                Value::Null if self.rowid == Some(at) => serde_json::to_writer(&mut row, &rowid),
                Value::Null | Value::Blob => serde_json::to_writer(&mut row, &()),
                Value::Integer(n) => serde_json::to_writer(&mut row, &n),
                Value::Real(n) => serde_json::to_writer(&mut row, &n),
                Value::Text(text) => {
                    let text = decoded(text, encoding);
                    match serde_json::from_str::<&RawValue>(&text) {
                        Ok(json) if text.starts_with('{') => serde_json::to_writer(&mut row, json),
                        _ => serde_json::to_writer(&mut row, &text),
                    }
                }
            };
        }
        row.push(b'}');
        row
    }
}

/// A text in the encoding of the database.
fn decoded(text: &[u8], encoding: u32) -> String {
    let wide = |word: fn([u8; 2]) -> u16| {
        let words: Vec<_> = text
            .chunks_exact(2)
            .map(|pair| word([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&words)
    };
    match encoding {
        2 => wide(u16::from_le_bytes),
        3 => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

/// The values of a record, as far as they can be read.
fn values(record: &[u8]) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    let Some((size, mut at)) = varint(record) else {
        return values;
    };
    let size = (size as usize).min(record.len());
    let mut body = &record[size..];
    while at < size
        && let Some((kind, taken)) = varint(&record[at..size])
    {
        at += taken;
        let length = match kind {
            0 | 8 | 9 | 10 | 11 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            kind => ((kind - 12) / 2) as usize,
        };
        if length > body.len() {
            break;
        }
        let (bytes, rest) = body.split_at(length);
        body = rest;
        values.push(match kind {
            0 | 10 | 11 => Value::Null,
            7 => Value::Real(f64::from_bits(integer(bytes) as u64)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(integer(bytes)),
            kind if kind % 2 == 1 => Value::Text(bytes),
            _ => Value::Blob,
        });
    }
    values
}

/// A number in two's complement, the highest byte first.
fn integer(bytes: &[u8]) -> i64 {
    let sign = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if sign { -1 } else { 0 }, |n, byte| {
        n << 8 | i64::from(*byte)
    })
}

/// A number of one to nine bytes, and how many it takes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut n = 0;
    for at in 0..8 {
        let byte = *bytes.get(at)?;
        n = n << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((n, at + 1));
        }
    }
    Some((n << 8 | u64::from(*bytes.get(8)?), 9))
}

/// Four bytes, the highest first.
fn be(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// The names of the columns that a table was created with, and which of them is the row's number.
fn columns(sql: &str) -> (Vec<String>, Option<usize>) {
    let (mut columns, mut rowid) = (Vec::new(), None);
    let Some((_, body)) = sql.split_once('(') else {
        return (columns, rowid);
    };
    let (mut depth, mut quote, mut from) = (0, None, 0);
    let mut put = |definition: &str| {
        let definition = definition.trim();
        let name = match definition.chars().next() {
            Some(open @ ('"' | '`' | '\'' | '[')) => {
                let close = if open == '[' { ']' } else { open };
                definition[1..].split(close).next().unwrap_or_default()
            }
            _ => definition
                .split(|c: char| c.is_whitespace() || c == '(')
                .next()
                .unwrap_or_default(),
        };
        let rest = definition.to_ascii_uppercase();
        let is_constraint = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        if name.is_empty()
            || is_constraint
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
        {
            return;
        }
        if rest.contains("INTEGER PRIMARY KEY") {
            rowid = Some(columns.len());
        }
        columns.push(name.to_owned());
    };
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`' | '\'') => quote = Some(c),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => {
                put(&body[from..at]);
                break;
            }
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                put(&body[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    (columns, rowid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns() {
        let sql = "CREATE TABLE \"m\" (id INTEGER PRIMARY KEY AUTOINCREMENT, \"a b\" text DEFAULT ('x,)'), `c` numeric(5, 2), \
                   [d] text, primary key (id), unique(\"a b\"))";
        let (names, rowid) = columns(sql);
        assert_eq!(names, ["id", "a b", "c", "d"]);
        assert_eq!(rowid, Some(0));
    }

    #[test]
    fn numbers() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x81]), None);
        assert_eq!(integer(&[0xff]), -1);
        assert_eq!(integer(&[0x01, 0x00]), 256);
    }
}
