//! A blocking reader that is metered as it is read.

use std::io::{ErrorKind, Read, Result};

use super::recorder::{Recorder, adapter};
use crate::meter::EndedBy;
use crate::record::Record;

/// A [`Read`] that meters what is read through it.
///
/// Its bytes and errors are the inner reader's. The record comes when the response ends; dropping the reader
/// before that ends it as `cancelled`, and an error of the inner reader as `truncated`.
///
/// ```
/// use std::io::Read as _;
/// use tokensense::{Metered, Status};
///
/// # let connection: &[u8] = b"data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
/// let (sender, records) = std::sync::mpsc::channel();
/// let mut answer = Metered::new(connection, move |record| {
///     let _ = sender.send(record);
/// });
/// let mut start = [0; 80];
/// answer.read(&mut start)?;
/// drop(answer);
///
/// let record = records.recv().expect("one response");
/// assert_eq!(record.status, Some(Status::Cancelled));
/// assert!(record.partial);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Metered<R, F: FnMut(Record) = Box<dyn FnMut(Record) + Send>> {
    inner: R,
    recorder: Recorder<F>,
}

adapter!(Metered);

impl<R: Read, F: FnMut(Record)> Read for Metered<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer);
        if !buffer.is_empty() {
            see(&mut self.recorder, read.as_ref().map(|len| &buffer[..*len]));
        }
        read
    }
}

/// Sees what a read gave that had room: nothing is the end.
pub(super) fn see<F: FnMut(Record)>(
    recorder: &mut Recorder<F>,
    read: std::result::Result<&[u8], &std::io::Error>,
) {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};

    match read {
        Ok([]) => recorder.finish(EndedBy::Upstream),
        Ok(bytes) => recorder.feed(bytes),
        // The caller may try again.
        Err(error) if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) => {}
        Err(_) => recorder.finish(EndedBy::Upstream),
    }
}
