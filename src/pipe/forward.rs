//! The data plane: read, write, look.

use std::cell::LazyCell;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use super::control::Plan;
use super::exit::Fault;
use super::shared::{Shared, Watch};
use crate::fd;
use crate::meter::EndedBy;
use crate::system;

/// A read of this much shows a bulk stream, for which larger pipes pay.
const BULK: usize = 32 << 10;
/// One read. Smaller ones were slower, and cut more events in two.
const BUFFER: usize = 1 << 20;

/// How long it may take to look for other readers of a pipe.
const GLANCE: Duration = Duration::from_millis(20);

/// How forwarding ended.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) by: EndedBy,
    pub(super) fault: Option<Fault>,
    /// The reader had gone away before.
    pub(super) deserted: bool,
}

/// Forwards until the end. Calls for control before it waits or forwards: an input that is over already needs none,
/// and a thread is a tenth of what starting takes. Signals for a child are passed on from the first moment.
pub(super) fn forward<W: Watch>(plan: Plan, shared: &Shared<W>, control: impl FnOnce()) -> End {
    let Plan {
        input, mut output, ..
    } = plan;
    let mut buffer = fd::Buffer::new(BUFFER);
    let buffer = buffer.bytes();
    let mut grown = false;
    let mut bulk = false;
    // Another may read from the input too, to whom bytes went that were sent on already.
    let mut shared_input = false;
    // Bytes that are still to be read and have been sent on.
    let mut ahead = 0;
    let mut end = End::default();
    let control = LazyCell::new(control);
    if shared.child.is_some() || !fd::is_readable(input) {
        LazyCell::force(&control);
    }
    loop {
        shared.turn.fetch_add(1, Ordering::AcqRel);
        if let Some(output) = output
            && bulk
            && plan.raw
            && ahead == 0
            && !shared_input
        {
            ahead = system::tee(input, output, BUFFER);
        }
        let room = if ahead > 0 { ahead } else { BUFFER };
        let read = fd::read(input, &mut buffer[..room]);
        shared.turn.fetch_add(1, Ordering::AcqRel);
        let bytes = match read {
            Ok(0) => return end,
            Ok(len) => &buffer[..len],
            Err(error) => {
                end.fault = Some(Fault(format!("cannot read the stream: {error}")));
                return end;
            }
        };
        LazyCell::force(&control);
        bulk = bytes.len() >= BULK;
        if bulk && !grown {
            grown = true;
            shared_input = plan.raw && has_other_reader(input);
            shared.grow(input);
            if let Some(output) = output {
                shared.grow(output);
            }
        }
        let mut through = bytes;
        let mut lost = None;
        if plan.raw {
            let rest = &bytes[ahead.min(bytes.len())..];
            ahead -= bytes.len() - rest.len();
            if ahead > 0 {
                // What was there to be read, someone else has read.
                (shared_input, ahead) = (true, 0);
            }
            let (written, error) = put(output, rest);
            lost = error;
            if lost.is_some() && !plan.drain {
                through = &rest[..written];
            }
        }
        let see = |watch: &mut W| {
            let more = watch.see(through, shared.now());
            (more, (!plan.raw).then(|| watch.emitted()))
        };
        let (more, emitted) = shared.watch(see, (true, None)).unwrap_or_default();
        if let Some(emitted) = emitted {
            lost = put(output, &emitted).1;
        }
        if let Some(error) = lost {
            output = None;
            end.lose(error);
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

/// Whether another process may read from a pipe too, as far as that can be seen in a moment.
fn has_other_reader(pipe: BorrowedFd<'_>) -> bool {
    let begun = Instant::now();
    let Ok(stat) = fstat(pipe) else {
        return false;
    };
    if !FileType::from_raw_mode(stat.st_mode).is_fifo() {
        return false;
    }
    let name = format!("pipe:[{}]", stat.st_ino);
    let own = std::process::id().to_string();
    let list = |path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let reads = |path: &Path| {
        let link = std::fs::read_link(path);
        let is_it = link.is_ok_and(|link| link.as_os_str() == name.as_str());
        // A link's own rights say what the descriptor is open for.
        is_it
            && path
                .symlink_metadata()
                .is_ok_and(|link| link.mode() & 0o400 != 0)
    };
    list(Path::new("/proc").to_owned())
        .take_while(|_| begun.elapsed() < GLANCE)
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|pid| pid != own && pid.starts_with(|c: char| c.is_ascii_digit()))
        })
        .any(|entry| list(entry.path().join("fd")).any(|fd| reads(&fd.path())))
}

/// Puts out what the end of the stream brought to light.
pub(super) fn rest<W: Watch>(plan: Plan, shared: &Shared<W>, end: &mut End) {
    let rest = shared.watch(|watch| watch.rest(end.by, shared.now()), Vec::new());
    if let Some(error) = put(plan.output, &rest.unwrap_or_default()).1 {
        end.lose(error);
    }
}

impl End {
    /// Notes that the output takes no more.
    fn lose(&mut self, error: Errno) {
        self.deserted = error == Errno::PIPE;
        if !self.deserted {
            let text = format!("cannot write the stream to standard output: {error}");
            self.fault.get_or_insert(Fault(text));
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
