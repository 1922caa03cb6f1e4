//! Cassettes: recorded exchanges in YAML, as vcrpy, Ruby's VCR and go-vcr write them.
//!
//! Only what these write is read: keys in blocks, and scalars in every style. Each exchange is one item of a list, and
//! what is known of it is forgotten with the next one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;

/// Reads a cassette line by line.
#[derive(Default)]
pub(super) struct Cassette {
    line: Vec<u8>,
    /// The keys that lead to the line at hand, each with its indentation.
    path: Vec<(usize, Vec<u8>)>,
    scalar: Option<Scalar>,
    request: Option<Vec<u8>>,
    /// The text that was too long has not ended yet.
    long: bool,
}

/// A value under way.
struct Scalar {
    /// Indentation of its key.
    indent: usize,
    style: Style,
    text: Vec<u8>,
    /// It is base64.
    binary: bool,
    is_request: bool,
    /// Indentation of a block's lines, once one has come.
    block: Option<usize>,
    /// What is to be done with the line ends at a block's end: `+` keeps them, `-` takes them off.
    chomp: u8,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Style {
    Double,
    Folded,
    Literal,
    Plain,
    Single,
}

/// One response of a cassette.
pub(super) struct Exchange {
    pub(super) body: Vec<u8>,
    pub(super) request: Option<Vec<u8>>,
}

const MOST: usize = 16 << 20;

impl Cassette {
    /// Whether a file that begins so is a cassette.
    pub(super) fn is(beginning: &[u8]) -> bool {
        let mut lines = beginning.split(|b| *b == b'\n').take(8);
        lines.any(|line| {
            let line = line.trim_ascii_end();
            line == b"interactions:" || line == b"http_interactions:"
        })
    }

    pub(super) fn feed(&mut self, bytes: &[u8], found: &mut dyn FnMut(Exchange)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.long |= self.line.len() + piece.len() > MOST;
            if !self.long {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.long) {
                    self.take(&line, found);
                }
                line.clear();
                line.shrink_to(64 << 10);
                self.line = line;
            }
        }
    }

    pub(super) fn finish(&mut self, found: &mut dyn FnMut(Exchange)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take(&line, found);
        }
        self.end(found);
    }

    fn take(&mut self, line: &[u8], found: &mut dyn FnMut(Exchange)) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(scalar) = &mut self.scalar {
            if scalar.goes_on(line) {
                if scalar.add(line) {
                    self.end(found);
                }
                return;
            }
            self.end(found);
        }
        self.key(line, found);
    }

    /// Takes a line that is a key, maybe at the front of an item.
    fn key(&mut self, line: &[u8], found: &mut dyn FnMut(Exchange)) {
        let mut indent = line.iter().take_while(|b| **b == b' ').count();
        let mut rest = &line[indent..];
        while let Some(item) = rest.strip_prefix(b"- ") {
            self.path.retain(|(at, _)| *at < indent);
            if self.path.len() <= 1 {
                // The next exchange.
                self.request = None;
            }
            let blanks = item.iter().take_while(|b| **b == b' ').count();
            indent += 2 + blanks;
            rest = &item[blanks..];
        }
        let Some(colon) = key_end(rest) else {
            return;
        };
        let key = rest[..colon].trim_ascii();
        let key = key
            .strip_prefix(b"\"")
            .and_then(|key| key.strip_suffix(b"\""))
            .unwrap_or(key);
        self.path.retain(|(at, _)| *at < indent);
        self.path.push((indent, key.to_owned()));
        let value = rest[colon + 1..].trim_ascii_start();
        let Some(is_request) = self.holds_body() else {
            return;
        };
        let (tag, value) = match value.strip_prefix(b"!") {
            Some(tagged) => {
                let end = memchr(b' ', tagged).unwrap_or(tagged.len());
                (&tagged[..end], tagged[end..].trim_ascii_start())
            }
            None => (&b""[..], value),
        };
        let base64_key = key == b"base64_string" || key == b"b64";
        let mut scalar = Scalar {
            indent,
            style: Style::Plain,
            text: Vec::new(),
            binary: tag.ends_with(b"binary") || base64_key,
            is_request,
            block: None,
            chomp: 0,
        };
        let ended = match value.first() {
            None => return,
            Some(b'|' | b'>') => {
                scalar.style = if value[0] == b'|' {
                    Style::Literal
                } else {
                    Style::Folded
                };
                scalar.chomp = *value
                    .iter()
                    .find(|b| matches!(b, b'+' | b'-'))
                    .unwrap_or(&0);
                let given = value.iter().find(|b| b.is_ascii_digit());
                scalar.block = given.map(|digit| indent + usize::from(digit - b'0'));
                false
            }
            Some(b'\'') => {
                scalar.style = Style::Single;
                scalar.add_quoted(&value[1..], true)
            }
            Some(b'"') => {
                scalar.style = Style::Double;
                scalar.add_quoted(&value[1..], true)
            }
            Some(b'{' | b'[') if !scalar.binary => {
                // JSON is YAML too.
                scalar.text.extend_from_slice(value);
                false
            }
            Some(_) => {
                scalar.text.extend_from_slice(value);
                false
            }
        };
        self.scalar = Some(scalar);
        if ended {
            self.end(found);
        }
    }

    /// Whether the key at hand holds a body, and if so, whether it is the request's.
    fn holds_body(&self) -> Option<bool> {
        let keys: Vec<_> = self.path.iter().map(|(_, key)| &**key).collect();
        let side = keys
            .iter()
            .rposition(|key| *key == b"request" || *key == b"response")?;
        let leaf: &[&[u8]] = &[b"string", b"base64_string", b"text", b"b64"];
        let holds = match &keys[side + 1..] {
            [b"body" | b"content"] => true,
            [b"body" | b"content", last] => leaf.contains(last),
            [last] => leaf.contains(last),
            _ => false,
        };
        holds.then(|| keys[side] == b"request")
    }

    /// Ends the value under way.
    fn end(&mut self, found: &mut dyn FnMut(Exchange)) {
        let Some(scalar) = self.scalar.take() else {
            return;
        };
        let mut text = scalar.text;
        if matches!(scalar.style, Style::Literal | Style::Folded) && scalar.chomp != b'+' {
            let kept = text
                .iter()
                .rposition(|b| *b != b'\n')
                .map_or(0, |at| at + 1);
            let end = usize::from(scalar.chomp != b'-' && kept > 0 && kept < text.len());
            text.truncate(kept + end);
        }
        if scalar.binary {
            text.retain(|b| !b.is_ascii_whitespace());
            text = STANDARD.decode(&text).unwrap_or_default();
        }
        if scalar.style == Style::Plain && matches!(&text[..], b"null" | b"~" | b"''") {
            text.clear();
        }
        if scalar.is_request {
            self.request = Some(text).filter(|text| !text.is_empty());
        } else if !text.is_empty() {
            let request = self.request.clone();
            found(Exchange {
                body: text,
                request,
            });
        }
    }
}

impl Scalar {
    /// Whether a line is part of it.
    fn goes_on(&self, line: &[u8]) -> bool {
        let indent = line.iter().take_while(|b| **b == b' ').count();
        let blank = indent == line.len();
        match self.style {
            // Whatever stands between the quotes.
            Style::Double | Style::Single => true,
            _ => blank || indent > self.indent,
        }
    }

    /// Adds a line; gives whether it ended with it.
    fn add(&mut self, line: &[u8]) -> bool {
        if self.text.len() + line.len() > MOST {
            self.text = Vec::new();
            return true;
        }
        match self.style {
            Style::Double | Style::Single => return self.add_quoted(line, false),
            Style::Literal | Style::Folded => self.add_block(line),
            Style::Plain => {
                let line = line.trim_ascii();
                if line.is_empty() {
                    self.text.push(b'\n');
                } else {
                    if !self.text.is_empty() && self.text.last() != Some(&b'\n') {
                        self.text.push(b' ');
                    }
                    self.text.extend_from_slice(line);
                }
            }
        }
        false
    }

    fn add_block(&mut self, line: &[u8]) {
        let indent = line.iter().take_while(|b| **b == b' ').count();
        let own = match self.block {
            Some(own) => own,
            None if indent == line.len() => 0,
            None => *self.block.insert(indent),
        };
        let content = line.get(own.min(indent)..).unwrap_or_default();
        let folds = self.style == Style::Folded
            && !content.is_empty()
            && self.text.last() == Some(&b'\n')
            && self.text.len() > 1
            && self.text[self.text.len() - 2] != b'\n';
        if folds {
            self.text.pop();
            self.text.push(b' ');
        }
        self.text.extend_from_slice(content);
        self.text.push(b'\n');
    }

    /// Adds a line of a quoted text; gives whether its end was in it.
    fn add_quoted(&mut self, line: &[u8], first: bool) -> bool {
        let line = if first { line } else { self.fold(line) };
        let mut at = 0;
        while let Some(byte) = line.get(at) {
            match (self.style, byte) {
                (Style::Single, b'\'') if line.get(at + 1) == Some(&b'\'') => {
                    self.text.push(b'\'');
                    at += 1;
                }
                (Style::Single, b'\'') | (Style::Double, b'"') => return true,
                (Style::Double, b'\\') => at += self.escape(&line[at + 1..]),
                (_, byte) => self.text.push(*byte),
            }
            at += 1;
        }
        false
    }

    /// What a line break within quotes comes to: a blank, or line breaks for the empty lines that follow.
    fn fold<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        let content = line.trim_ascii_start();
        let escaped = self.style == Style::Double && self.text.last() == Some(&ESCAPED_END);
        if escaped {
            self.text.pop();
            return content;
        }
        if content.is_empty() {
            // The first empty line takes the blank's place.
            self.text.push(b'\n');
            return content;
        }
        if self.text.last() == Some(&b'\n') {
            return content;
        }
        while matches!(self.text.last(), Some(b' ' | b'\t')) {
            self.text.pop();
        }
        self.text.push(b' ');
        content
    }

    /// Adds what an escape stands for; gives how many bytes it takes behind the backslash.
    fn escape(&mut self, rest: &[u8]) -> usize {
        let Some(kind) = rest.first() else {
            // The line goes on in the next one.
            self.text.push(ESCAPED_END);
            return 0;
        };
        let digits = match kind {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = rest
                .get(1..1 + digits)
                .and_then(|hex| std::str::from_utf8(hex).ok());
            let mut code = code
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .unwrap_or(0xfffd);
            let mut used = 1 + digits.min(rest.len() - 1);
            if (0xd800..0xdc00).contains(&code)
                && let Some(low) = rest.get(used..).and_then(|rest| rest.strip_prefix(b"\\u"))
                && let Some(low) = low.get(..4).and_then(|hex| std::str::from_utf8(hex).ok())
                && let Ok(low @ 0xdc00..0xe000) = u32::from_str_radix(low, 16)
            {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                used += 6;
            }
            let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.text
                .extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            return used;
        }
        self.text.push(match kind {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'0' => 0,
            b'a' => 7,
            b'b' => 8,
            b'e' => 27,
            b'f' => 12,
            b'v' => 11,
            other => *other,
        });
        1
    }
}

/// Stands for a line break that a backslash takes away; no text holds it.
const ESCAPED_END: u8 = 0xff;

/// Where the key ends that a line begins with.
fn key_end(line: &[u8]) -> Option<usize> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_-\"' .".contains(b);
    let end = memchr(b':', line)?;
    let fits = end > 0 && end < 128 && line[..end].iter().all(is_name);
    let alone = matches!(line.get(end + 1), None | Some(b' '));
    (fits && alone).then_some(end)
}
