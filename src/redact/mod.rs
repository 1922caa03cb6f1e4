//! A capture without its words: what a response is made of stays, each text is replaced by another of its length.
//!
//! Lengths stay as they are, so frames and `content-length` still hold. Names of models, ids, types, reasons,
//! numbers and errors stay, for the record is made of them; keys in them go.

mod json;
mod word;

use json::Json;
use word::Words;

/// A stream that comes in pieces, with its texts replaced; `None` where nothing in it can be. For tests.
pub fn redacted<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Option<Vec<u8>> {
    let (mut redactor, mut out) = (Redactor::new(), Vec::new());
    for piece in pieces {
        redactor.push(piece, &mut out).ok()?;
    }
    redactor.finish(&mut out);
    Some(out)
}

/// Replaces the texts of a stream that comes in pieces.
pub(crate) struct Redactor {
    words: Words,
    json: Json,
    /// What came and is not a whole line or frame yet.
    held: Vec<u8>,
    /// Within a block of headers.
    in_head: bool,
    /// The JSON under way stands behind `data:`.
    is_event: bool,
    /// Nothing was read yet.
    fresh: bool,
    /// A body begins here.
    begins: bool,
}

/// A longer line is taken in parts.
const MOST: usize = 1 << 20;
/// A longer frame is none.
const MOST_FRAME: usize = 32 << 20;
/// What begins a compressed body.
const PACKED: &[&[u8]] = &[b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"];
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Headers whose values say how the body is to be read, or what was used.
const HEADERS: &[&str] = &[
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "date",
    "server",
    "retry-after",
];

impl Redactor {
    pub(crate) fn new() -> Self {
        Self {
            words: Words::new(),
            json: Json::default(),
            held: Vec::new(),
            in_head: false,
            is_event: false,
            fresh: true,
            begins: true,
        }
    }

    /// Takes in the next bytes, and adds what can be given out.
    ///
    /// # Errors
    /// The stream is compressed: nothing in it can be replaced.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        self.held.extend_from_slice(bytes);
        if self.fresh && PACKED.iter().any(|sign| self.held.starts_with(sign)) {
            return Err("it is compressed: unpack it first");
        }
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while let Some(len) = self.unit(rest) {
            let (unit, behind) = rest.split_at(len);
            if self.begins && is_length(unit) {
                return Err("it is in chunks, as curl --raw prints it: save it without --raw");
            }
            let headed = self.in_head;
            self.take(unit, out);
            self.fresh = false;
            self.begins = headed && !self.in_head;
            rest = behind;
        }
        self.held = rest.to_vec();
        Ok(())
    }

    /// Ends the stream.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.take(&held, out);
        }
    }

    /// How long the line or frame is that this begins with, if it is whole.
    fn unit(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.first() == Some(&0) && !self.json.is_open() {
            let total = bytes.first_chunk::<4>().map(|len| u32::from_be_bytes(*len));
            let total = total? as usize;
            if (16..MOST_FRAME).contains(&total) {
                return (bytes.len() >= total).then_some(total);
            }
        }
        match memchr::memchr2(b'\n', b'\r', bytes) {
            // A line may end with both.
            Some(end) if bytes[end] == b'\r' => bytes
                .get(end + 1)
                .map(|next| end + 1 + usize::from(*next == b'\n')),
            Some(end) => Some(end + 1),
            None if bytes.len() < MOST => None,
            // Behind something that is part of no word, character or escape.
            None => {
                let ends = |b: &u8| b.is_ascii() && !b.is_ascii_alphanumeric() && *b != b'\\';
                let end = bytes.iter().rposition(ends).filter(|end| *end > 6);
                Some(end.map_or(bytes.len(), |end| end - 6))
            }
        }
    }

    fn take(&mut self, unit: &[u8], out: &mut Vec<u8>) {
        if !self.json.is_open()
            && let Some(frame) = self.frame(unit)
        {
            out.extend(frame);
            return;
        }
        let mut line = unit;
        if self.json.is_open() {
            let data = line.strip_prefix(b"data:");
            let ends = match data {
                Some(data) => !self.json.goes_on(data.trim_ascii_start()),
                None => {
                    self.json.in_text() && self.fresh_line(line) || self.is_event && is_field(line)
                }
            };
            if ends {
                self.json = Json::default();
            } else {
                if let Some(data) = data {
                    out.extend_from_slice(b"data:");
                    line = data;
                }
                line = self.json.push(line, &mut self.words, out);
            }
        }
        while !line.is_empty() {
            line = self.begin(line, out);
        }
    }

    /// Whether a text cannot go on in this line: a line end stands in none.
    fn fresh_line(&self, line: &[u8]) -> bool {
        is_field(line) || line.starts_with(b"{") || line.starts_with(b"HTTP/")
    }

    /// Takes the beginning of a line; gives what is left of it.
    fn begin<'l>(&mut self, line: &'l [u8], out: &mut Vec<u8>) -> &'l [u8] {
        let blanks = line.len() - line.trim_ascii_start().len();
        let bom = line.starts_with(BOM).then_some(BOM.len());
        let lead = bom.unwrap_or(blanks);
        if lead > 0 {
            self.in_head &= blanks < line.len();
            out.extend_from_slice(&line[..lead]);
            return &line[lead..];
        }
        if line.starts_with(b"HTTP/") {
            self.in_head = true;
            out.extend_from_slice(line);
            return &[];
        }
        if self.in_head {
            self.header(line, out);
            return &[];
        }
        for field in [&b"data:"[..], b"error:"] {
            if let Some(value) = line.strip_prefix(field) {
                out.extend_from_slice(field);
                self.is_event = true;
                let text = value.trim_ascii_start();
                let json = matches!(text.first(), Some(b'{' | b'['));
                // A text may begin with a blank of its own.
                let blanks = match json {
                    true => value.len() - text.len(),
                    false => usize::from(value.starts_with(b" ")),
                };
                out.extend_from_slice(&value[..blanks]);
                return self.value(&value[blanks..], out);
            }
        }
        self.is_event = false;
        self.value(line, out)
    }

    /// Takes a JSON value or a text; gives what stands behind the value.
    fn value<'l>(&mut self, text: &'l [u8], out: &mut Vec<u8>) -> &'l [u8] {
        if matches!(text.first(), Some(b'{' | b'[')) && !text.starts_with(b"[DONE]") {
            return self.json.push(text, &mut self.words, out);
        }
        if is_plain(text) {
            out.extend_from_slice(text);
        } else {
            self.words.text(text, false, out);
        }
        &[]
    }

    fn header(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let colon = memchr::memchr(b':', line).map_or(line.len(), |at| at + 1);
        let (name, value) = line.split_at(colon);
        let name_text = String::from_utf8_lossy(name).to_ascii_lowercase();
        let known = HEADERS
            .iter()
            .any(|known| name_text.trim_end_matches(':') == *known);
        out.extend_from_slice(name);
        match known || name_text.contains("token-count") || name_text.contains("ratelimit") {
            true => out.extend_from_slice(value),
            false => self.words.each(value, out),
        }
    }

    /// A frame of AWS's event stream with its payload replaced, if this is one.
    fn frame(&mut self, unit: &[u8]) -> Option<Vec<u8>> {
        let word = |at: usize| Some(u32::from_be_bytes(*unit.get(at..)?.first_chunk::<4>()?));
        let (total, headers) = (word(0)? as usize, word(4)? as usize);
        let sound = total == unit.len() && word(8)? == crc32fast::hash(&unit[..8]);
        let payload = unit
            .get(12 + headers..total.checked_sub(4)?)
            .filter(|_| sound)?;
        let mut frame = unit[..12 + headers].to_vec();
        let mut json = Json::default();
        let rest = json.push(payload, &mut self.words, &mut frame);
        self.words.text(rest, false, &mut frame);
        // What was damaged stays so.
        let damaged = word(total - 4)? != crc32fast::hash(&unit[..total - 4]);
        let crc = crc32fast::hash(&frame) ^ u32::from(damaged);
        frame.extend_from_slice(&crc.to_be_bytes());
        Some(frame)
    }
}

/// Whether a line is one of an event's fields, or the blank one that ends it.
fn is_field(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
        || [&b"data:"[..], b"event:", b"id:", b"retry:", b":"]
            .iter()
            .any(|field| line.starts_with(field))
}

/// Whether a line says nothing of anyone: an event's name, the end.
fn is_plain(line: &[u8]) -> bool {
    let text = line.trim_ascii_end();
    let named = [&b"event:"[..], b"id:", b"retry:"].iter().any(|field| {
        let value = text.strip_prefix(*field).map(<[u8]>::trim_ascii);
        value.is_some_and(|value| value.len() <= 64 && !value.contains(&b' '))
    });
    named
        || text == b"[DONE]"
        || text == b": OPENROUTER PROCESSING"
        || matches!(
            text,
            b":" | b": ping" | b": keep-alive" | b": keepalive" | b","
        )
        || text.iter().all(|b| b"[], ".contains(b))
}

/// Whether this is the length of a chunk.
fn is_length(line: &[u8]) -> bool {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    (1..=8).contains(&digits)
        && (line[digits..].starts_with(b"\r\n") || line[digits..].starts_with(b";"))
}
