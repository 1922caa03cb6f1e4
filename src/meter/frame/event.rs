//! What framing gives out: events, header blocks, and what is neither.

use super::http::Head;

/// What one event may hold at most. A longer one is passed over.
pub(crate) const MAX_EVENT: usize = 16 << 20;

/// One thing found in the stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame<'a> {
    /// The end of a JSON array of responses.
    ArrayEnd,
    /// A JSON document that the end of input cut off.
    Cut(&'a [u8]),
    Event(Event<'a>),
    /// A gzip body: nothing can be told of it.
    Gzip,
    /// The status line and headers that `curl -i` prints.
    Head(Head),
    /// Something that is no event: a damaged one, one too long, or stray text.
    Junk,
}

/// A frame and where it began.
pub(crate) struct FrameAt<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) start: u64,
}

/// One event of a stream, or one whole body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Event<'a> {
    /// The SSE `event:` field or the AWS `:event-type` header; empty where there is none.
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
    pub(crate) wrap: Wrap,
}

/// How an event was wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wrap {
    Aws,
    /// An AWS frame that reports an exception; its name is the exception's type.
    AwsException,
    /// What the end of input left of an event, made whole.
    Cut,
    /// A JSON value that stands by itself: a body, or a line of NDJSON.
    Document,
    /// A member of a JSON array at the top level.
    Element,
    Sse,
}

impl Wrap {
    /// Whether nothing around an event depends on what it says, as AWS's checksums do.
    pub(crate) fn is_bare(self) -> bool {
        matches!(self, Self::Document | Self::Sse)
    }
}
