//! A stream of byte chunks that is metered as it flows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Recorder;
use crate::meter::EndedBy;
use crate::record::Record;

pin_project! {
    /// A [`Stream`] of byte chunks that meters what flows through it, as an HTTP client's body.
    ///
    /// Its items are the inner stream's: any `Result<B, E>` where `B` holds bytes. The record comes when the
    /// response ends; dropping the stream before that ends it as `cancelled`, and an error in it as
    /// `truncated`.
    ///
    /// ```
    /// use tokensense::MeteredStream;
    /// use tokio::io::AsyncBufReadExt as _;
    /// use tokio_util::io::{ReaderStream, StreamReader};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let connection: &[u8] = b"data: {\"type\":\"ping\"}\n\n";
    /// // Any client's body will do; reqwest's is `response.bytes_stream()`.
    /// let body = ReaderStream::new(connection);
    /// let metered = MeteredStream::new(body, |record| println!("{}", record.to_json()));
    /// let mut lines = StreamReader::new(metered).lines();
    /// while let Some(line) = lines.next_line().await? {
    ///     if let Some(data) = line.strip_prefix("data: ") {
    ///         println!("{data}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct MeteredStream<S, F: FnMut(Record) = Box<dyn FnMut(Record) + Send>> {
        #[pin]
        inner: S,
        recorder: Recorder<F>,
    }
}

adapter!(MeteredStream);

impl<S, B, E, F> Stream for MeteredStream<S, F>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
    F: FnMut(Record),
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let item = ready!(this.inner.poll_next(cx));
        match &item {
            Some(Ok(chunk)) => this.recorder.feed(chunk.as_ref()),
            Some(Err(_)) | None => this.recorder.finish(EndedBy::Upstream),
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
