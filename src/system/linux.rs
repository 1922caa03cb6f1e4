//! Linux: what it has beyond POSIX.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, OFlags, memfd_create};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, set_child_subreaper,
    set_dumpable_behavior,
};

use super::Process;

/// How a folder is opened that files in it are then opened from.
pub(crate) const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What loses its parent can become our own: [`adopt`].
pub(crate) const ADOPTS: bool = true;

/// Sends on what waits in one pipe to another without copying it, and leaves it to be read. Gives how many bytes;
/// none where these are no pipes, or whatever else a read and a write will find out.
///
/// Small pieces are better copied: each would fill a page of the reader's pipe.
pub(crate) fn tee(input: BorrowedFd<'_>, output: BorrowedFd<'_>, most: usize) -> usize {
    rustix::pipe::tee(input, output, most, SpliceFlags::empty()).unwrap_or(0)
}

/// How much a pipe holds; only pipes have a size.
pub(crate) fn pipe_size(pipe: BorrowedFd<'_>) -> Option<usize> {
    fcntl_getpipe_size(pipe).ok()
}

/// Has a pipe hold so much; gives whether it does. Only who has quota left may have it hold more.
pub(crate) fn set_pipe_size(pipe: BorrowedFd<'_>, size: usize) -> bool {
    fcntl_setpipe_size(pipe, size).is_ok()
}

/// A file without a name, which a child that is started inherits.
pub(crate) fn memory() -> io::Result<File> {
    Ok(memfd_create("body", MemfdFlags::empty())?.into())
}

/// Leaves no core behind, whatever handles cores here.
pub(crate) fn no_core() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Has what a child leaves behind become ours, so that it can be found. To be called before there is a child.
pub(crate) fn adopt() {
    let _ = set_child_subreaper(Some(Pid::INIT));
}

/// Sends a signal to a process, if it is there.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) {
        let _ = pidfd_send_signal(fd, signal);
    }
}

/// A child, watched and signalled by a descriptor: it cannot be mistaken for another process once it has ended.
#[derive(Debug)]
pub(crate) struct Watched(OwnedFd);

impl Watched {
    /// Watches a child.
    ///
    /// # Errors
    /// Where the system gives no descriptor for it.
    pub(crate) fn new(child: Pid) -> io::Result<Self> {
        Ok(Self(pidfd_open(child, PidfdFlags::empty())?))
    }

    /// Sends a signal to it. One that has ended meanwhile needs none.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.0, signal);
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) {
        while poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None) == Err(Errno::INTR) {}
    }
}

/// Readable once it has ended.
impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// All processes that there are.
pub(crate) fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn read(pid: i32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name in parentheses may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some(Process {
        pid,
        ended: matches!(fields.next()?, "Z" | "X"),
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}
