//! Lines of an event stream, after WHATWG's "Server-sent events", section 9.2.6.

use memchr::memchr;

/// What one line of an event stream says.
#[derive(Debug, PartialEq)]
pub(crate) enum SseField<'a> {
    Comment,
    Data(&'a [u8]),
    /// `error: {…}`, by which gpustack and llama.cpp report a failure.
    Error(&'a [u8]),
    Event(&'a [u8]),
    /// A field that changes nothing here: `id`, `retry`, or an unknown one.
    Other,
    /// No field at all.
    Stray,
}

impl<'a> SseField<'a> {
    /// Reads one line, its line end left out.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let (name, value) = match memchr(b':', line) {
            Some(0) => return Self::Comment,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => Self::Data(value),
            b"error" => Self::Error(value),
            b"event" => Self::Event(value),
            b"id" | b"retry" => Self::Other,
            _ => Self::Stray,
        }
    }
}
