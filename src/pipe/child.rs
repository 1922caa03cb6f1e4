//! The process whose output the stream is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{self, ExitStatus};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, getpgid};

use super::exit::Exit;
use crate::meter::EndedBy;
use crate::system::{self, Watched};

/// A child of ours.
#[derive(Debug)]
pub(crate) struct Child {
    process: Mutex<process::Child>,
    /// How it ended, once that has been asked for: from then on its number may be another's.
    status: OnceLock<ExitStatus>,
    pid: Pid,
    watched: Watched,
}

/// A child that is told to end has so long to do so.
const GRACE: Duration = Duration::from_millis(500);

impl Child {
    /// Takes a process over.
    ///
    /// # Errors
    /// Where the system has no way to watch it; then it is ended.
    pub(crate) fn new(mut process: process::Child) -> io::Result<Self> {
        match Watched::new(Pid::from_child(&process)) {
            Ok(watched) => Ok(Self {
                pid: Pid::from_child(&process),
                process: Mutex::new(process),
                status: OnceLock::new(),
                watched,
            }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error)
            }
        }
    }

    /// Passes a signal on.
    pub(super) fn signal(&self, signal: Signal) {
        let _process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if self.status.get().is_none() {
            self.watched.signal(signal);
        }
    }

    /// The process group that it is in, as long as it has not been waited for.
    pub(super) fn group(&self) -> Option<Pid> {
        getpgid(Some(self.pid)).ok()
    }

    /// Tells it to end, and whatever it has left behind.
    pub(super) fn terminate(&self) -> Relatives {
        let relatives = Relatives::new(self.group());
        self.signal(Signal::TERM);
        relatives.signal(Signal::TERM);
        relatives
    }

    /// Waits for its end, and says what it was.
    pub(super) fn wait(&self) -> Exit {
        // Without the lock: meanwhile signals are passed on.
        self.watched.wait();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self
            .status
            .get_or_init(|| process.wait().unwrap_or_default());
        match status.signal() {
            Some(signal) => Exit::Signal(signal),
            None => Exit::Code(status.code().unwrap_or_default() as u8),
        }
    }

    /// Sees to it that it ends with all that it has left behind, if need be by force.
    pub(super) fn stop(&self, relatives: &Relatives) {
        let begun = Instant::now();
        let mut fds = [PollFd::new(&self.watched, PollFlags::IN)];
        let ended = poll(&mut fds, Timespec::try_from(GRACE).ok().as_ref());
        if ended != Ok(1) {
            self.signal(Signal::KILL);
        }
        while relatives.are_alive() {
            if begun.elapsed() >= GRACE {
                relatives.signal(Signal::KILL);
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
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

/// The processes that come from a child, in its process group. Others of the group, as those of a pipeline that we are
/// part of, are none.
pub(super) struct Relatives {
    group: Option<Pid>,
    /// Those that were there before the child was told to end, where what loses its parent does not become our own.
    known: Vec<i32>,
}

impl Relatives {
    fn new(group: Option<Pid>) -> Self {
        let known = Vec::new();
        let mut relatives = Self { group, known };
        // To list all processes takes time: it comes before the signal only where it must.
        if !system::ADOPTS {
            relatives.known = relatives.pids().map(Pid::as_raw_pid).collect();
        }
        relatives
    }

    fn signal(&self, signal: Signal) {
        self.pids().for_each(|pid| system::signal(pid, signal));
    }

    fn are_alive(&self) -> bool {
        self.pids().next().is_some()
    }

    /// All descendants of ours in the group that have not ended.
    fn pids(&self) -> impl Iterator<Item = Pid> {
        let all = match self.group {
            Some(_) => system::processes(),
            None => Vec::new(),
        };
        let mut family = vec![process::id() as i32];
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            let children = all.iter().filter(|other| other.parent == parent);
            family.extend(children.map(|other| other.pid));
            at += 1;
        }
        family.remove(0);
        family.extend(&self.known);
        let group = self.group.map(Pid::as_raw_pid);
        let ours = move |other: &system::Process| {
            Some(other.group) == group && !other.ended && family.contains(&other.pid)
        };
        let own = all.into_iter().filter(move |other| ours(other));
        own.filter_map(|other| Pid::from_raw(other.pid))
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watched.as_fd()
    }
}
