//! The process whose output the stream is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Exit;
use crate::meter::EndedBy;

/// A child of ours, watched and signalled by a descriptor: it cannot be mistaken for another process once it has
/// ended.
#[derive(Debug)]
pub(crate) struct Child {
    process: Mutex<process::Child>,
    fd: OwnedFd,
}

/// A child that is told to end has so long to do so.
const GRACE: Duration = Duration::from_millis(500);

impl Child {
    /// Takes a process over.
    ///
    /// # Errors
    /// Where the system gives no descriptor for it; then it is ended.
    pub(crate) fn new(mut process: process::Child) -> io::Result<Self> {
        match pidfd_open(Pid::from_child(&process), PidfdFlags::empty()) {
            Ok(fd) => Ok(Self {
                process: Mutex::new(process),
                fd,
            }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error.into())
            }
        }
    }

    /// Passes a signal on.
    pub(super) fn signal(&self, signal: Signal) {
        // One that has ended meanwhile needs none.
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// Waits for its end, and says what it was.
    pub(super) fn wait(&self) -> Exit {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let status = process.wait().unwrap_or_default();
        match status.signal() {
            Some(signal) => Exit::Signal(signal),
            None => Exit::Code(status.code().unwrap_or_default() as u8),
        }
    }

    /// Ends it, if need be by force.
    pub(super) fn stop(&self) {
        self.signal(Signal::TERM);
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let ended = poll(&mut fds, Timespec::try_from(GRACE).ok().as_ref());
        if ended != Ok(1) {
            self.signal(Signal::KILL);
        }
        self.wait();
    }

    /// How we are to end where the watcher would end so: as the child did, unless it was we who ended it.
    pub(super) fn exit(&self, by: EndedBy, ours: Exit) -> Exit {
        match (self.wait(), by) {
            (_, EndedBy::Downstream | EndedBy::Limit) => ours,
            (Exit::Code(0), _) if matches!(ours, Exit::Code(_)) => ours,
            (theirs, _) => theirs,
        }
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
