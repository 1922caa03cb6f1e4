//! A stream cut into its events, for an asynchronous program that reads them one by one.

use std::io;

use memchr::memmem;
use tokio_util::bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

use crate::meter::{Frame, Framer, MAX_EVENT};

/// Decodes the body of an LLM API's response into its events, whatever the framing: SSE, lines of JSON, one JSON
/// document, a JSON array, AWS event stream.
///
/// An event is lent from the buffer it was read into, not copied. What is no event (comments, headers that `curl -i`
/// prints, an event of more than 16 MiB) is passed over. To meter the same bytes, decode what an
/// [`AsyncMetered`](crate::AsyncMetered) reads:
///
/// ```
/// use tokensense::{AsyncMetered, Events};
/// use tokio_util::codec::{Decoder as _, FramedRead};
/// # use std::{future::poll_fn, pin::Pin};
/// # use futures_core::Stream as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let body: &[u8] = b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
/// let body = AsyncMetered::new(body, |record| eprintln!("{}", record.to_json()));
/// let mut events = FramedRead::new(body, Events::new());
/// # let mut count = 0;
/// // As `StreamExt::next` does.
/// while let Some(event) = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await {
///     println!("{}", String::from_utf8_lossy(&event?.data));
/// #     count += 1;
/// }
/// # assert_eq!(count, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Events {
    framer: Framer,
    /// Where the buffer begins in the stream, in bytes.
    base: u64,
    /// Bytes of the buffer that the framer has seen.
    seen: usize,
}

/// One event, as [`Events`] cuts it out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventFrame {
    /// The SSE `event:` field or the AWS `:event-type` header; empty where there is none.
    pub name: Bytes,
    /// Its payload: the JSON, or the data of an SSE event.
    pub data: Bytes,
    /// All of its bytes as they came; the blank line at its end may lack its LF.
    pub raw: Bytes,
}

impl Events {
    /// A decoder at the beginning of a response.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes so many bytes off the buffer.
    fn take(&mut self, buffer: &mut BytesMut, len: usize) -> Bytes {
        self.base += len as u64;
        self.seen -= len;
        buffer.split_to(len).freeze()
    }

    fn next(&mut self, buffer: &mut BytesMut) -> Option<EventFrame> {
        loop {
            let mut rest = &buffer[self.seen..];
            let found = self.framer.next(&mut rest)?;
            let start = found.start;
            let event = match found.frame {
                Frame::Event(event) => Some((event.name.to_vec(), event.data.len())),
                _ => None,
            };
            self.seen = buffer.len() - rest.len();
            let raw = self.take(buffer, self.seen);
            // Blank lines and comments may stand before it; of one too long, the beginning is gone.
            let before = start.checked_sub(self.base - raw.len() as u64);
            let (Some((name, _)), Some(before)) = (event, before) else {
                continue;
            };
            let raw = raw.slice(before as usize..);
            return Some(self.lend(name, raw));
        }
    }

    /// The event that was found last: its payload is a part of its bytes, unless it stood on several lines.
    fn lend(&self, name: Vec<u8>, raw: Bytes) -> EventFrame {
        let data = self.framer.last_data();
        let data = match memmem::find(&raw, data) {
            Some(at) => raw.slice(at..at + data.len()),
            None => Bytes::copy_from_slice(data),
        };
        let name = name.into();
        EventFrame { name, data, raw }
    }
}

impl Decoder for Events {
    type Item = EventFrame;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<EventFrame>> {
        let found = self.next(buffer);
        if found.is_none() {
            self.seen = buffer.len();
            if buffer.len() > MAX_EVENT {
                // An event as long as this is passed over.
                let len = buffer.len();
                buffer.advance(len);
                self.base += len as u64;
                self.seen = 0;
            }
        }
        Ok(found)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<EventFrame>> {
        if let Some(found) = self.decode(buffer)? {
            return Ok(Some(found));
        }
        while let Some(found) = self.framer.finish() {
            if let Frame::Event(event) = found.frame {
                let name = event.name.to_vec();
                let len = buffer.len();
                let before = found.start.saturating_sub(self.base) as usize;
                let raw = self.take(buffer, len);
                let raw = raw.slice(before.min(len)..);
                return Ok(Some(self.lend(name, raw)));
            }
        }
        let len = buffer.len();
        self.take(buffer, len);
        Ok(None)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut events = f.debug_struct("Events");
        events.field("offset", &self.framer.offset());
        events.finish_non_exhaustive()
    }
}
