//! Bytes in, frames out: recognises from the bytes how a response is wrapped and cuts it into events.
//!
//! Touches no IO and never fails. Input may be cut anywhere, and byte by byte still costs linear time.

mod aws;
pub(crate) mod event;
pub(crate) mod http;
mod line;
mod lost;
pub(crate) mod sse;

use super::json::end::{Scan, Scanner};
use event::{Event, Frame, FrameAt, MAX_EVENT, Wrap};
use http::Head;

/// Resumable reader of every framing this crate knows.
#[derive(Default)]
pub(crate) struct Framer {
    /// Bytes consumed so far, over all input.
    offset: u64,
    /// Where the frame under way, or last given out, began.
    start: u64,
    state: State,
    event: Pending,
    line: line::LineAssembler,
    json: Scanner,
    aws: aws::AwsAssembler,
    head: Option<Head>,
    chunks: Option<http::Chunks>,
    /// Within a JSON array at the top level.
    in_array: bool,
    /// A body has begun: a chunk size can no longer come.
    in_body: bool,
    /// Bytes of a byte order mark seen where a body begins.
    bom: usize,
    /// Where it begins.
    bom_at: u64,
    /// Bytes that are read once more, since they were not what they were taken for; and how many there have been.
    again: Vec<u8>,
    reread: u64,
    search: lost::Search,
    /// There was a sound AWS frame.
    is_aws: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    Aws,
    /// Between events: the next byte decides.
    #[default]
    Boundary,
    Document,
    /// In a line, whose meaning shows when it is whole.
    Line,
    /// In bytes that mean nothing, until something begins again.
    Lost,
    /// After so many bytes of what a gzip body begins with.
    Magic(usize),
}

/// A frame that is complete; its bytes, if it has any, are in [`Framer::event`].
enum Ready {
    ArrayEnd,
    Event(Wrap),
    Gzip,
    Head(Head),
    Junk,
}

/// The event being gathered.
#[derive(Default)]
struct Pending {
    name: Vec<u8>,
    data: Vec<u8>,
    /// SSE fields seen since the last dispatch, comments left out.
    fields: u32,
    /// `data` fields among them.
    data_lines: u32,
    too_long: bool,
    /// Given out: to be emptied before anything is added.
    spent: bool,
}

/// What a gzip body begins with: its magic, and the only way to pack.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// Whether a line that begins like this is none of an event's: something else has begun.
fn ends_event(byte: u8) -> bool {
    byte == BOM[0] || b"{[H\0\x1f".contains(&byte)
}

const BOM: &[u8] = "\u{feff}".as_bytes();

impl Framer {
    /// Makes it ready for another stream.
    pub(crate) fn renew(&mut self) {
        let mut event = std::mem::take(&mut self.event);
        event.clear();
        *self = Self {
            event,
            ..Self::default()
        };
    }

    /// Bytes consumed so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The data of the event last given out.
    pub(crate) fn last_data(&self) -> &[u8] {
        &self.event.data
    }

    /// Whether a JSON value has begun and not ended.
    pub(crate) fn in_document(&self) -> bool {
        matches!(self.state, State::Document) || self.in_array
    }

    /// Whether nothing is pending, so that the next byte begins something new.
    pub(crate) fn at_boundary(&self) -> bool {
        self.state == State::Boundary
            && !self.in_fields()
            && self.head.is_none()
            && self.chunks.is_none()
            && !self.line.owes_lf()
            && !self.in_array
            && self.again.is_empty()
    }

    /// Passes over blank lines, at a boundary.
    pub(crate) fn skip_blank(&mut self, input: &mut &[u8]) {
        while let Some(b'\n' | b'\r') = input.first() {
            self.start = self.offset;
            self.advance(input, 1);
        }
    }

    /// Passes over whole events that the caller has recognised at a boundary. Gives where they begin.
    pub(crate) fn pass(&mut self, input: &mut &[u8], n: usize) -> u64 {
        self.in_body = true;
        self.start = self.offset;
        self.advance(input, n);
        self.start
    }

    /// Takes from the front of `input` until a frame is complete; `None` when all of it is consumed.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Option<FrameAt<'_>> {
        self.event.renew();
        let mut ready = None;
        while ready.is_none() && !(input.is_empty() && self.again.is_empty()) {
            if !self.again.is_empty() {
                ready = self.reread();
                continue;
            }
            ready = match &mut self.chunks {
                None => self.fill(input),
                Some(chunks) => {
                    let (coding, window) = chunks.next(input);
                    self.advance(input, coding);
                    self.fill_window(input, window)
                }
            };
        }
        let start = self.start;
        let frame = self.lend(ready?);
        Some(FrameAt { frame, start })
    }

    /// Gives out what is pending when the input has ended; to be called until it gives `None`.
    pub(crate) fn finish(&mut self) -> Option<FrameAt<'_>> {
        let start = self.start;
        let frame = self.finish_frame()?;
        Some(FrameAt { frame, start })
    }

    fn finish_frame(&mut self) -> Option<Frame<'_>> {
        self.event.renew();
        loop {
            if !self.again.is_empty() {
                match self.reread() {
                    Some(ready) => return Some(self.lend(ready)),
                    None => continue,
                }
            }
            match std::mem::take(&mut self.state) {
                State::Aws => {
                    let bytes = self.aws.give_back();
                    if aws::is_prelude(&bytes).is_none() {
                        self.lose(bytes, false);
                    }
                    self.aws = aws::AwsAssembler::default();
                    return Some(Frame::Junk);
                }
                State::Document => {
                    self.event.spent = true;
                    return Some(if self.event.too_long {
                        Frame::Junk
                    } else {
                        Frame::Cut(&self.event.data)
                    });
                }
                State::Line => {
                    let rest = self.line.take_rest();
                    let ready = match &rest {
                        Some(text) => self.take_line(text),
                        None => Some(Ready::Junk),
                    };
                    if let Some(ready) = ready {
                        return Some(self.lend(ready));
                    }
                    break;
                }
                State::Lost => match self.search.finish() {
                    Some(bytes) => self.put_back(bytes),
                    None => break,
                },
                State::Boundary | State::Magic(_) => break,
            }
        }
        if let Some(head) = self.head.take() {
            return Some(Frame::Head(head));
        }
        let ready = self.dispatch()?;
        Some(self.lend(ready))
    }

    /// Reads what was taken for something else, as far as a frame reaches.
    fn reread(&mut self) -> Option<Ready> {
        let again = std::mem::take(&mut self.again);
        let mut rest = &again[..];
        let ready = self.fill(&mut rest);
        // It may have been put back in part.
        if !rest.is_empty() {
            self.again.extend_from_slice(rest);
        }
        ready
    }

    /// Takes a guess back: these bytes, the last that were taken, begin nothing, but something may begin among them.
    ///
    /// In all, no more is read again than twice the stream: frames within frames would take endless time.
    fn lose(&mut self, mut bytes: Vec<u8>, strict: bool) {
        self.search = lost::Search::new(strict);
        self.state = State::Lost;
        self.in_body = true;
        self.reread += bytes.len() as u64;
        if !bytes.is_empty() && self.reread <= 2 * self.offset {
            if aws::is_prelude(&bytes) == Some(true) {
                // That it is one has been tried.
                bytes.remove(0);
            }
            self.put_back(bytes);
        }
    }

    /// Has these bytes, the last that were taken, read once more.
    fn put_back(&mut self, mut bytes: Vec<u8>) {
        self.offset -= bytes.len() as u64;
        bytes.append(&mut self.again);
        self.again = bytes;
    }

    fn lend(&mut self, ready: Ready) -> Frame<'_> {
        match ready {
            Ready::ArrayEnd => Frame::ArrayEnd,
            Ready::Event(wrap) => {
                self.event.spent = true;
                Frame::Event(Event {
                    name: &self.event.name,
                    data: &self.event.data,
                    wrap,
                })
            }
            Ready::Gzip => Frame::Gzip,
            Ready::Head(head) => Frame::Head(head),
            Ready::Junk => Frame::Junk,
        }
    }

    /// Reads what chunked transfer coding leaves for the body.
    fn fill_window(&mut self, input: &mut &[u8], window: http::Window) -> Option<Ready> {
        match window {
            http::Window::Body(n) => {
                let mut body = &input[..n];
                let ready = self.fill(&mut body);
                let used = n - body.len();
                *input = &input[used..];
                if let Some(chunks) = &mut self.chunks {
                    chunks.consume(used);
                }
                return ready;
            }
            http::Window::More => {}
            http::Window::Over => {
                self.chunks = None;
                self.in_body = false;
            }
        }
        None
    }

    /// Reads until a frame is complete, the input is used up, or chunks begin.
    fn fill(&mut self, input: &mut &[u8]) -> Option<Ready> {
        while !input.is_empty() {
            let ready = match self.state {
                State::Aws => self.take_aws(input),
                State::Boundary => self.sniff(input),
                State::Document => self.take_document(input),
                State::Line => match self.line.next(input, &mut self.offset) {
                    line::Taken::More => None,
                    line::Taken::TooLong => {
                        self.state = State::Boundary;
                        Some(Ready::Junk)
                    }
                    line::Taken::Whole(text) => {
                        self.state = State::Boundary;
                        self.take_line(text)
                    }
                    line::Taken::Kept(text) => {
                        self.state = State::Boundary;
                        self.take_line(&text)
                    }
                },
                State::Magic(seen) => self.take_magic(input, seen),
                State::Lost => self.find(input),
            };
            if ready.is_some() || self.chunks.is_some() || !self.again.is_empty() {
                return ready;
            }
        }
        None
    }

    /// Decides at a boundary what the next byte begins.
    fn sniff(&mut self, input: &mut &[u8]) -> Option<Ready> {
        let byte = input[0];
        if self.line.pay_lf() && byte == b'\n' {
            self.bom_at += u64::from(self.bom_at == self.offset);
            self.advance(input, 1);
            return None;
        }
        if self.offset == self.bom_at + self.bom as u64 && BOM.get(self.bom) == Some(&byte) {
            self.bom += 1;
            self.advance(input, 1);
            return None;
        }
        if self.event.data_lines > 0 && self.in_fields() && ends_event(byte) {
            // The blank line is missing.
            return self.dispatch();
        }
        if self.head.is_some() || self.in_fields() {
            self.state = State::Line;
            return None;
        }
        self.start = self.offset;
        match byte {
            b'\n' | b'\r' | b' ' | b'\t' => self.advance(input, 1),
            b',' if self.in_array => self.advance(input, 1),
            b']' if self.in_array => {
                self.in_array = false;
                self.advance(input, 1);
                return Some(Ready::ArrayEnd);
            }
            b'[' if !self.in_array => {
                self.in_array = true;
                self.in_body = true;
                self.advance(input, 1);
            }
            b'{' => {
                self.in_body = true;
                self.json = Scanner::default();
                self.state = State::Document;
            }
            0 => self.state = State::Aws,
            0x1f => self.state = State::Magic(0),
            // Files put together have their byte order marks in the midst.
            _ if byte == BOM[0] && !self.is_aws => {
                (self.bom, self.bom_at) = (1, self.offset);
                self.advance(input, 1);
            }
            // Frames have no lines between them.
            _ if self.is_aws && !lost::begins_sign(byte) => {
                self.lose(Vec::new(), true);
                return Some(Ready::Junk);
            }
            _ => {
                self.in_array = false;
                self.state = State::Line;
            }
        }
        None
    }

    fn take_document(&mut self, input: &mut &[u8]) -> Option<Ready> {
        let (n, end) = match self.json.scan(input) {
            Scan::More => (input.len(), None),
            Scan::Broken(n) => (n, Some(Ready::Junk)),
            Scan::Whole(n) if self.in_array => (n, Some(Ready::Event(Wrap::Element))),
            Scan::Whole(n) => (n, Some(Ready::Event(Wrap::Document))),
        };
        self.event.add(&input[..n]);
        self.advance(input, n);
        match end? {
            Ready::Event(wrap) if !self.event.too_long => {
                self.state = State::Boundary;
                Some(Ready::Event(wrap))
            }
            _ => {
                self.state = State::Boundary;
                self.event.clear();
                Some(Ready::Junk)
            }
        }
    }

    fn take_aws(&mut self, input: &mut &[u8]) -> Option<Ready> {
        let (used, step) = self.aws.take(input);
        self.advance(input, used);
        match step {
            aws::AwsStep::More => None,
            aws::AwsStep::Damaged | aws::AwsStep::NotAws => {
                let bytes = self.aws.give_back();
                match bytes.is_empty() {
                    true => self.state = State::Boundary,
                    false => self.lose(bytes, self.is_aws),
                }
                Some(Ready::Junk)
            }
            aws::AwsStep::Whole => {
                self.is_aws = true;
                self.in_body = true;
                self.state = State::Boundary;
                let wrap = self.aws.read(&mut self.event.name, &mut self.event.data);
                Some(wrap.map_or(Ready::Junk, Ready::Event))
            }
        }
    }

    fn take_magic(&mut self, input: &mut &[u8], seen: usize) -> Option<Ready> {
        let expected = input[0] == GZIP[seen];
        if expected && seen + 1 < GZIP.len() {
            self.advance(input, 1);
            self.state = State::Magic(seen + 1);
            return None;
        }
        self.lose(Vec::new(), expected);
        Some(if expected { Ready::Gzip } else { Ready::Junk })
    }

    /// Looks for where something begins again.
    fn find(&mut self, input: &mut &[u8]) -> Option<Ready> {
        let (used, again) = self.search.take(input);
        self.advance(input, used);
        if let Some(bytes) = again {
            self.state = State::Boundary;
            self.put_back(bytes);
        }
        None
    }

    fn take_line(&mut self, text: &[u8]) -> Option<Ready> {
        if let Some(head) = &mut self.head {
            if !text.is_empty() {
                head.field(text);
                return None;
            }
            (self.in_body, self.is_aws) = (false, false);
            (self.bom, self.bom_at) = (0, self.offset);
            return self.head.take().map(Ready::Head);
        }
        if text.is_empty() {
            return self.dispatch();
        }
        if !self.in_fields() {
            self.head = Head::parse(text);
            if self.head.is_some() {
                return None;
            }
            if !self.in_body {
                self.in_body = true;
                self.chunks = http::Chunks::begin(text, self.line.owes_lf());
                if self.chunks.is_some() {
                    self.line.pay_lf();
                    return None;
                }
            }
        }
        match sse::SseField::parse(text) {
            sse::SseField::Comment => {}
            sse::SseField::Data(value) => {
                self.event.add_line(value);
                // Nothing goes on behind it, whether a blank line comes or not.
                if value == b"[DONE]" {
                    return self.dispatch();
                }
            }
            sse::SseField::Event(value) => {
                value.clone_into(&mut self.event.name);
                self.event.fields += 1;
            }
            sse::SseField::Error(value) => {
                self.event.name = b"error".to_vec();
                self.event.add_line(value);
            }
            sse::SseField::Other => self.event.fields += 1,
            sse::SseField::Stray => return Some(Ready::Junk),
        }
        None
    }

    /// Ends the SSE event under way.
    fn dispatch(&mut self) -> Option<Ready> {
        let given = self.event.data_lines > 0;
        if given && !self.event.too_long {
            return Some(Ready::Event(Wrap::Sse));
        }
        self.event.clear();
        given.then_some(Ready::Junk)
    }

    /// Whether an SSE event has begun and its blank line is still to come.
    fn in_fields(&self) -> bool {
        self.event.fields > 0 && !self.event.spent
    }

    fn advance(&mut self, input: &mut &[u8], n: usize) {
        *input = &input[n..];
        self.offset += n as u64;
    }
}

impl Pending {
    fn add_line(&mut self, value: &[u8]) {
        if self.data_lines > 0 {
            self.add(b"\n");
        }
        self.add(value);
        self.data_lines += 1;
        self.fields += 1;
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.data.len() + bytes.len() > MAX_EVENT {
            self.too_long = true;
            self.data = Vec::new();
        }
        if !self.too_long {
            self.data.extend_from_slice(bytes);
        }
    }

    /// Empties itself once what it held was given out.
    fn renew(&mut self) {
        if self.spent {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.name.clear();
        self.data.clear();
        // One huge event must not hold its memory for the rest of the stream.
        self.data.shrink_to(64 << 10);
        self.fields = 0;
        self.data_lines = 0;
        self.too_long = false;
        self.spent = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(input: &[u8], size: usize) -> Vec<String> {
        let mut framer = Framer::default();
        let mut out = Vec::new();
        let mut put = |frame: Frame<'_>| {
            out.push(match frame {
                Frame::Event(e) => format!(
                    "{:?} {}|{}",
                    e.wrap,
                    String::from_utf8_lossy(e.name),
                    String::from_utf8_lossy(e.data)
                ),
                Frame::Cut(data) => format!("Cut {}", String::from_utf8_lossy(data)),
                Frame::Head(head) => format!("Head {}", head.status),
                other => format!("{other:?}"),
            });
        };
        for chunk in input.chunks(size) {
            let mut rest = chunk;
            while let Some(found) = framer.next(&mut rest) {
                put(found.frame);
            }
            assert!(rest.is_empty());
        }
        while let Some(found) = framer.finish() {
            put(found.frame);
        }
        assert_eq!(framer.offset(), input.len() as u64);
        out
    }

    /// Bytes, and the frames that they are.
    static FRAMINGS: &[(&[u8], &[&str])] = &[
        (b"", &[]),
        (b"\n \r\n", &[]),
        (b"data: a\n\ndata: b\n\n", &["Sse |a", "Sse |b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", &["Sse |a", "Sse |b"]),
        (b"data: a\r\rdata:b\r\r", &["Sse |a", "Sse |b"]),
        (b"\xef\xbb\xbfdata: a\n\n", &["Sse |a"]),
        (b": hi\n\n:\n\nevent: e\ndata: a\n\n", &["Sse e|a"]),
        (b"data: a\nevent: e\nid: 7\n\n", &["Sse e|a"]),
        (b"data: a\ndata:  b\ndata\n\n", &["Sse |a\n b\n"]),
        (b"event: e\n\ndata: a\n\n", &["Sse |a"]),
        (b"data: a", &["Sse |a"]),
        (
            b"data: a\n{\"b\":1}\ndata: c\nHTTP/1.1 200 OK\n\n",
            &["Sse |a", "Document |{\"b\":1}", "Sse |c", "Head 200"],
        ),
        (
            b"data: a\ndata: [DONE]\nevent: e\ndata: b\n\n",
            &["Sse |a\n[DONE]", "Sse e|b"],
        ),
        (
            b"data: a\n\n\xef\xbb\xbfdata: b\n\xef\xbb\xbf{}",
            &["Sse |a", "Sse |b", "Document |{}"],
        ),
        (
            b"data: a\n\nHTTP/1.1 200 OK\n\n8\r\ndata: b\n\r\n1\r\n\n\r\n0\r\n\r\n",
            &["Sse |a", "Head 200", "Sse |b"],
        ),
        (b"error: {\"x\":1}\n\n", &["Sse error|{\"x\":1}"]),
        (b" data: a\n\n", &["Sse |a"]),
        (
            b"{\"a\":1}\n{\"b\":\"}{\\\"\"}",
            &["Document |{\"a\":1}", "Document |{\"b\":\"}{\\\"\"}"],
        ),
        (
            b"\n   \n{\n \"a\": [1,\n 2]\n}\n",
            &["Document |{\n \"a\": [1,\n 2]\n}"],
        ),
        (
            b"[{\"a\":1}\n,\r\n{\"b\":2}]\n",
            &["Element |{\"a\":1}", "Element |{\"b\":2}", "ArrayEnd"],
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\nA: b\r\n\r\ndata: a\n\n",
            &["Head 100", "Head 200", "Sse |a"],
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n{\"a\":1}",
            &["Head 200", "Document |{\"a\":1}"],
        ),
        (
            b"8\r\ndata: a\n\r\n1;x=y\r\n\n\r\n0\r\n\r\n{\"b\":2}",
            &["Sse |a", "Document |{\"b\":2}"],
        ),
        (b"{\"a\":", &["Cut {\"a\":"]),
        (b"{\"a\":\"x\ndata: b\n\n", &["Junk", "Sse |b"]),
        (b"{\"a\":1,\n{\"b\":2}\n", &["Junk", "Document |{\"b\":2}"]),
        (b"{\"a\":1\ndata: b\n\n", &["Junk", "Sse |b"]),
        (b"<html>\n</html>", &["Junk", "Junk"]),
        (b"\x1f\x8b\x08rest\n\ndata: a\n\n", &["Gzip", "Sse |a"]),
        (
            b"\x1f\x8b\x08rest\nx\n\0\0\n{\"a\":1}",
            &["Gzip", "Document |{\"a\":1}"],
        ),
        (b"\x1fx\ndata: a\n\n", &["Junk", "Sse |a"]),
        (b"\0\0\0\x01\0\0\0\0\0\0\0\0more", &["Junk"]),
        (b"\0data: a\n\n", &["Junk", "Sse |a"]),
        (b"data: a\n\n\0\ndata: b\n\n", &["Sse |a", "Junk", "Sse |b"]),
        (
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{\"a\":1}",
            &["Junk", "Document |{\"a\":1}"],
        ),
        (
            b"\0half an event\n{\"a\":1}",
            &["Junk", "Document |{\"a\":1}"],
        ),
        (
            b"[{\"a\":1},\0\0\n{\"b\":2}]",
            &[
                "Element |{\"a\":1}",
                "Junk",
                "Element |{\"b\":2}",
                "ArrayEnd",
            ],
        ),
    ];

    /// Every way of wrapping, fed in every chunk size.
    #[test]
    fn framings() {
        for (input, want) in FRAMINGS {
            for size in [1, 2, 3, 5, 7, 1000] {
                assert_eq!(
                    &frames(input, size),
                    want,
                    "{} by {size}",
                    input.escape_ascii()
                );
            }
        }
    }
}
