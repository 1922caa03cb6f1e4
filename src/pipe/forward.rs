//! The data plane: read, write, look.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::{Fault, Plan, Shared, Watch};
use crate::fd;
use crate::meter::EndedBy;

/// One read. Larger ones were not faster.
const BUFFER: usize = 128 << 10;
/// A read of this much shows a bulk stream, for which larger pipes pay.
const BULK: usize = 32 << 10;
const BULK_PIPE: usize = 512 << 10;

/// How forwarding ended.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) by: EndedBy,
    pub(super) fault: Option<Fault>,
    /// The reader had gone away before.
    pub(super) deserted: bool,
}

/// Forwards until the end.
pub(super) fn forward<W: Watch>(plan: Plan, shared: &Shared<W>) -> End {
    let Plan {
        input, mut output, ..
    } = plan;
    let mut buffer = vec![0; BUFFER];
    let mut grown = false;
    let mut end = End::default();
    loop {
        shared.turn.fetch_add(1, Ordering::AcqRel);
        let read = fd::read(input, &mut buffer);
        shared.turn.fetch_add(1, Ordering::AcqRel);
        let bytes = match read {
            Ok(0) => return end,
            Ok(len) => &buffer[..len],
            Err(error) => {
                end.fault = Some(Fault(format!("cannot read the stream: {error}")));
                return end;
            }
        };
        if bytes.len() >= BULK && !grown {
            grown = true;
            // Only pipes have a size, and only who has quota left may raise it: no matter.
            let _ = rustix::pipe::fcntl_setpipe_size(input, BULK_PIPE);
            if let Some(output) = output {
                let _ = rustix::pipe::fcntl_setpipe_size(output, BULK_PIPE);
            }
        }
        let mut through = bytes;
        let mut lost = None;
        if plan.raw {
            let (written, error) = put(output, bytes);
            lost = error;
            if lost.is_some() && !plan.drain {
                through = &bytes[..written];
            }
        }
        let see = |watch: &mut W| (watch.see(through, shared.now()), watch.emitted());
        let seen = shared.watch(see, (true, Vec::new()));
        let (more, emitted) = seen.unwrap_or_default();
        if !plan.raw {
            lost = put(output, &emitted).1;
        }
        if let Some(error) = lost {
            output = None;
            end.deserted = error == Errno::PIPE;
            if !end.deserted {
                let text = format!("cannot write the stream to standard output: {error}");
                end.fault = Some(Fault(text));
            }
            if !plan.drain {
                end.by = EndedBy::Downstream;
                return end;
            }
        }
        if !more {
            end.by = EndedBy::Limit;
            return end;
        }
    }
}

/// Writes all to where there is a reader; gives how many bytes went out, and the error before the rest.
fn put(output: Option<BorrowedFd<'_>>, bytes: &[u8]) -> (usize, Option<Errno>) {
    match output.map(|fd| fd::write_all(fd, bytes)) {
        None => (bytes.len(), None),
        Some((written, result)) => (written, result.err()),
    }
}
