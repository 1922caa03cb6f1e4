//! The beginning of an event that a slice of input broke off: kept until the event's last byte comes, it is known by its
//! shape like any other.

use memchr::memchr2;

use crate::meter::frame::sse::SseField;
use crate::meter::json::end::{Scan, Scanner};

/// What there is of the event.
#[derive(Default)]
pub(crate) struct Partial {
    bytes: Vec<u8>,
    progress: Progress,
}

/// How far the search for the event's end has come.
#[derive(Default)]
struct Progress {
    /// So many bytes have been looked at.
    at: usize,
    /// Where the line under way begins.
    line: usize,
    /// Of an event that stands as bare JSON.
    json: Scanner,
}

/// More is not waited for.
const MAX: usize = 4 << 10;

impl Partial {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps bytes that stand after an event, if they are the beginning of one and no more; gives whether it did.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> bool {
        // What else may begin here, the framer can tell by its first byte or line.
        let begins_event = matches!(bytes, [b'd' | b'e' | b'i' | b'r' | b'{', ..]);
        if !begins_event || bytes.len() > MAX {
            return false;
        }
        let mut progress = Progress::default();
        if progress.end(bytes).is_some() {
            return false;
        }
        self.bytes.extend_from_slice(bytes);
        self.progress = progress;
        true
    }

    /// Takes from `input` what belongs to the event; gives the event once it is whole or too long.
    pub(crate) fn fill(&mut self, input: &mut &[u8]) -> Option<Vec<u8>> {
        let before = self.bytes.len();
        let more = input.len().min(MAX + 1 - before);
        self.bytes.extend_from_slice(&input[..more]);
        let end = self.progress.end(&self.bytes);
        let end = end.or_else(|| (self.bytes.len() > MAX).then_some(self.bytes.len()));
        let Some(end) = end else {
            *input = &input[more..];
            return None;
        };
        *input = &input[end - before..];
        self.bytes.truncate(end);
        self.progress = Progress::default();
        Some(std::mem::take(&mut self.bytes))
    }

    /// Keeps the memory of an event that was given out.
    pub(crate) fn spare(&mut self, mut event: Vec<u8>) {
        event.clear();
        self.bytes = event;
    }
}

impl Progress {
    /// Where the event ends that `bytes` begin with, once it can be told: after a blank line, after a line that
    /// belongs to no event or says `[DONE]`, or after a JSON value. Never before what was looked at in an earlier call.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        if bytes.first() == Some(&b'{') {
            let scan = self.json.scan(&bytes[self.at..]);
            let seen = std::mem::replace(&mut self.at, bytes.len());
            return match scan {
                Scan::More => None,
                Scan::Broken(len) | Scan::Whole(len) => Some(seen + len),
            };
        }
        while let Some(len) = memchr2(b'\n', b'\r', &bytes[self.at..]) {
            let end = self.at + len;
            let line = &bytes[self.line..end];
            (self.at, self.line) = (end + 1, end + 1);
            let is_rest_of_crlf = line.is_empty() && bytes[..=end].ends_with(b"\r\n");
            let ends = || {
                matches!(
                    SseField::parse(line),
                    SseField::Stray | SseField::Data(b"[DONE]")
                )
            };
            if !is_rest_of_crlf && (line.is_empty() || ends()) {
                let is_crlf = bytes[end..].starts_with(b"\r\n");
                return Some(end + 1 + usize::from(is_crlf));
            }
        }
        self.at = bytes.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept() {
        for (bytes, keeps) in [
            (&b"data: {\"a"[..], true),
            (b"event: x\ndata: {", true),
            (b"event: x\r\ndata: {", true),
            (b"event: x\rdata: {", true),
            (b"data: {}\n", true),
            (b"data: {}\r\n", true),
            (b"{\"a\":", true),
            (b"{\"a\":\n1", true),
            (b"data: {}\n\ndata: {", false),
            (b"data: {}\r\n\r", false),
            (b"data: {}\r\r", false),
            (b"data: {}\n\r", false),
            (b"data: [DONE]\n", false),
            (b"d3\r\n", false),
            (b"HTTP/1.1 200", false),
            (b"[{\"a\":", false),
            (b"{\"a\":1}", false),
            (b"{}\n{", false),
            (b"\0\0\0\x7f", false),
            (b"", false),
            (&[b'd'; MAX + 1], false),
        ] {
            assert_eq!(
                Partial::default().keep(bytes),
                keeps,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    /// However it is cut, an event comes with its last byte, and nothing after it with it.
    #[test]
    fn what_comes_of_it() {
        for event in [
            &b"event: x\ndata: {}\n\n"[..],
            b"event: x\r\ndata: {}\r\n\r\n",
            b"event: x\rdata: {}\r\r",
            b"data: {}\nno field\n",
            b"{\"a\": {\"b\":\n\"}\"}}",
        ] {
            // A CR ends a line; an LF after it belongs to the same end.
            let last = event.len() - 1 - usize::from(event.ends_with(b"\r\n"));
            for cut in 1..last {
                let stream = [event, b"data: more"].concat();
                let mut partial = Partial::default();
                assert!(partial.keep(&stream[..cut]), "{}", event.escape_ascii());
                let mut rest = &stream[cut..];
                assert_eq!(partial.fill(&mut rest).as_deref(), Some(event));
                assert_eq!(rest, b"data: more");

                assert!(partial.keep(&stream[..cut]));
                for at in cut..last {
                    assert_eq!(partial.fill(&mut &stream[at..=at]), None);
                }
                let whole = partial.fill(&mut &stream[last..=last]);
                assert_eq!(whole.as_deref(), Some(&event[..=last]));
            }
        }
    }
}
