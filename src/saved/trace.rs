//! What `curl --trace` and `--trace-ascii` write: the bytes that came, as lines of a dump.

use std::borrow::Cow;

use memchr::memmem;

/// Puts together again what a dump shows.
#[derive(Default)]
pub(super) struct Trace {
    /// The line under way.
    line: Vec<u8>,
    section: Section,
    /// Where the next byte of the section stands.
    at: usize,
    /// What was sent since the last response began.
    request: Vec<u8>,
    /// A text dump shows line feeds as dots: the last line's text, which may go on.
    text: Vec<u8>,
}

/// What the lines that follow show.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Section {
    Came,
    #[default]
    Other,
    Sent,
}

/// What came to light.
pub(super) enum Dumped<'f> {
    /// The next bytes of the response.
    Bytes(&'f [u8]),
    /// A request was sent: what comes next answers it.
    Request,
}

/// A longer line is none of a dump.
const MOST_LINE: usize = 4 << 10;
/// What is kept of a request.
const MOST_REQUEST: usize = 4 << 20;

impl Trace {
    /// Whether a line is one that curl puts above a dump.
    pub(super) fn is_heading(line: &[u8]) -> bool {
        heading(line).is_some()
    }

    pub(super) fn feed(&mut self, bytes: &[u8], found: &mut dyn FnMut(Dumped<'_>)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            if self.line.len() < MOST_LINE {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                self.end_line(found);
            }
        }
    }

    pub(super) fn finish(&mut self, found: &mut dyn FnMut(Dumped<'_>)) {
        self.end_line(found);
        self.settle(found);
    }

    /// The body that was sent with the last request.
    pub(super) fn take_request(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request)
    }

    fn end_line(&mut self, found: &mut dyn FnMut(Dumped<'_>)) {
        let mut line = std::mem::take(&mut self.line);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if let Some((section, sends)) = heading(text) {
            if section != self.section || section == Section::Other {
                self.settle(found);
            }
            self.section = section;
            self.at = 0;
            if sends {
                self.request.clear();
                found(Dumped::Request);
            }
        } else if let Some((at, rest)) = offset(text) {
            self.dump(at, rest, found);
        }
        line.clear();
        self.line = line;
    }

    /// Takes one line of a dump.
    fn dump(&mut self, at: usize, rest: &[u8], found: &mut dyn FnMut(Dumped<'_>)) {
        let (bytes, exact) = match hexadecimal(rest) {
            Some(bytes) => (Cow::Owned(bytes), true),
            None => (Cow::Borrowed(rest), false),
        };
        // A line ends early where the text's own line does, and does not show how.
        let end: &[u8] = match at.saturating_sub(self.at) {
            1 => b"\n",
            2 => b"\r\n",
            _ => b"",
        };
        let end = if exact { b"" } else { end };
        self.at = at + bytes.len();
        match self.section {
            Section::Came if exact => found(Dumped::Bytes(&bytes)),
            Section::Came => {
                self.text.extend_from_slice(end);
                self.text.extend_from_slice(&bytes);
                if self.text.len() > MOST_REQUEST {
                    self.settle(found);
                }
            }
            Section::Sent if self.request.len() < MOST_REQUEST => {
                self.request.extend_from_slice(end);
                self.request.extend_from_slice(&bytes);
            }
            Section::Other | Section::Sent => {}
        }
    }

    /// Gives the text that a section showed.
    fn settle(&mut self, found: &mut dyn FnMut(Dumped<'_>)) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            found(Dumped::Bytes(&with_line_feeds(&text)));
        }
    }
}

/// What a line says of those below it, and whether a request begins with them.
fn heading(line: &[u8]) -> Option<(Section, bool)> {
    // Times and numbers of transfers may stand before it.
    let near = &line[..line.len().min(64)];
    let at = [&b"== "[..], b"=> ", b"<= "]
        .iter()
        .find_map(|sign| memmem::find(near, sign))?;
    let stamp = |b: &u8| b.is_ascii_digit() || b"[]:.- x".contains(b);
    if !line[..at].iter().all(stamp) {
        return None;
    }
    let text = &line[at..];
    let table: [(&[u8], Section, bool); 5] = [
        (b"<= Recv data,", Section::Came, false),
        (b"<= Recv header,", Section::Came, false),
        (b"=> Send header,", Section::Other, true),
        (b"=> Send data,", Section::Sent, false),
        (b"== Info:", Section::Other, false),
    ];
    let known = table.iter().find(|(sign, ..)| text.starts_with(sign));
    let other = [&b"=> Send "[..], b"<= Recv "]
        .iter()
        .any(|sign| text.starts_with(sign));
    match known {
        Some((_, section, sends)) => Some((*section, *sends)),
        None => other.then_some((Section::Other, false)),
    }
}

/// The offset that a line of a dump begins with, and what follows.
fn offset(line: &[u8]) -> Option<(usize, &[u8])> {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if !(4..=8).contains(&digits) {
        return None;
    }
    let rest = line[digits..].strip_prefix(b":")?;
    let at = usize::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
    Some((at, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// The bytes that up to sixteen pairs of digits show; `None` where the line shows text.
fn hexadecimal(line: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(16);
    let mut groups = line.chunks(3);
    while bytes.len() < 16
        && let Some([high, low, b' ']) = groups.next()
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        bytes.push(high << 4 | low);
    }
    // Behind them come blanks in place of those that are missing, if so many, and then the bytes as text.
    let rest = line.get(3 * bytes.len()..).unwrap_or_default();
    let missing = 3 * (16 - bytes.len());
    let padded = rest.len() >= missing && rest[..missing].iter().all(|b| *b == b' ');
    let shown = |text: &[u8]| {
        let same = |(byte, char): (&u8, &u8)| byte == char || *char == b'.';
        text.len() >= bytes.len() && bytes.iter().zip(text).all(same)
    };
    let agrees = shown(rest) || padded && shown(&rest[missing..]) || rest.trim_ascii().is_empty();
    (!bytes.is_empty() && agrees).then_some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// A text in which curl showed line feeds as dots, where those must have been.
fn with_line_feeds(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'\n') {
        return text.into();
    }
    let mut out = text.to_vec();
    for field in [&b"data:"[..], b"event:", b"id:", b"retry:", b": "] {
        let ends: Vec<_> = memmem::find_iter(text, field).collect();
        for at in ends {
            let before = &text[..at];
            let dots = before
                .iter()
                .rev()
                .take_while(|b| **b == b'.')
                .count()
                .min(2);
            // Within a line, dots are text.
            let open = matches!(
                before.get(..at - dots).and_then(<[u8]>::last),
                Some(b'}' | b']' | b'"')
            );
            let named = text[..at - dots].ends_with(b"[DONE]") || field == b"data:" && dots == 1;
            if open || named {
                out[at - dots..at].fill(b'\n');
            }
        }
    }
    let dots = out.iter().rev().take_while(|b| **b == b'.').count().min(2);
    let from = out.len() - dots;
    out[from..].fill(b'\n');
    out.into()
}
