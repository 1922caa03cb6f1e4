//! A stream of byte chunks that is metered as it flows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::recorder::{Recorder, adapter};
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
    /// use std::{future::poll_fn, pin::pin};
    /// use futures_core::Stream;
    /// use tokensense::MeteredStream;
    ///
    /// async fn show<B: AsRef<[u8]>, E>(body: impl Stream<Item = Result<B, E>>) -> Result<(), E> {
    ///     let mut body = pin!(MeteredStream::new(body, |record| eprintln!("{}", record.to_json())));
    ///     // As `StreamExt::next` does.
    ///     while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
    ///         print!("{}", String::from_utf8_lossy(chunk?.as_ref()));
    ///     }
    ///     Ok(())
    /// }
    /// # let body = tokio_util::io::ReaderStream::new(b"data: [DONE]\n\n".as_slice());
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(show(body))?;
    /// # std::io::Result::Ok(())
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
