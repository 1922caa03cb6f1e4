//! An asynchronous reader that is metered as it is read.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, ReadBuf};

use super::read::see;
use super::recorder::{Recorder, adapter};
use crate::record::Record;

pin_project! {
    /// A [`tokio::io::AsyncRead`] that meters what is read through it.
    ///
    /// Its bytes and errors are the inner reader's. The record comes when the response ends; dropping the
    /// reader before that ends it as `cancelled`, and an error of the inner reader as `truncated`.
    ///
    /// ```
    /// use tokensense::AsyncMetered;
    /// use tokio::io::AsyncReadExt as _;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let connection: &[u8] = b"data: {\"type\":\"ping\"}\n\n";
    /// let (sender, mut records) = tokio::sync::mpsc::unbounded_channel();
    /// let mut answer = AsyncMetered::new(connection, move |record| {
    ///     let _ = sender.send(record);
    /// });
    /// let mut body = String::new();
    /// answer.read_to_string(&mut body).await?;
    ///
    /// let record = records.recv().await.expect("one response");
    /// println!("{}", record.to_json());
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct AsyncMetered<R, F: FnMut(Record) = Box<dyn FnMut(Record) + Send>> {
        #[pin]
        inner: R,
        recorder: Recorder<F>,
    }
}

adapter!(AsyncMetered);

impl<R: AsyncRead, F: FnMut(Record)> AsyncRead for AsyncMetered<R, F> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.project();
        let room = buffer.remaining();
        let filled = buffer.filled().len();
        let read = ready!(this.inner.poll_read(cx, buffer));
        if room > 0 {
            let new = read.as_ref().map(|()| &buffer.filled()[filled..]);
            see(this.recorder, new);
        }
        Poll::Ready(read)
    }
}
