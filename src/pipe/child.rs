//! The process whose output the stream is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpgid, pidfd_open, pidfd_send_signal, set_child_subreaper,
};

use super::exit::Exit;
use crate::meter::EndedBy;

/// A child of ours, watched and signalled by a descriptor: it cannot be mistaken for another process once it has
/// ended.
#[derive(Debug)]
pub(crate) struct Child {
    process: Mutex<process::Child>,
    pid: Pid,
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
                pid: Pid::from_child(&process),
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

    /// The process group that it is in, as long as it has not been waited for.
    pub(super) fn group(&self) -> Option<Pid> {
        getpgid(Some(self.pid)).ok()
    }

    /// Tells it to end, and whatever it has left behind.
    pub(super) fn terminate(&self) -> Relatives {
        let group = self.group();
        self.signal(Signal::TERM);
        let relatives = Relatives { group };
        relatives.signal(Signal::TERM);
        relatives
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

    /// Sees to it that it ends with all that it has left behind, if need be by force.
    pub(super) fn stop(&self, relatives: &Relatives) {
        let begun = Instant::now();
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
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
}

impl Relatives {
    fn signal(&self, signal: Signal) {
        for pid in self.pids() {
            if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) {
                let _ = pidfd_send_signal(fd, signal);
            }
        }
    }

    fn are_alive(&self) -> bool {
        !self.pids().is_empty()
    }

    /// All descendants of ours in the group that have not ended. What loses its parent becomes our own child.
    fn pids(&self) -> Vec<Pid> {
        let Some(group) = self.group else {
            return Vec::new();
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: Vec<Process> = entries
            .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
            .collect();
        let mut family = vec![process::id() as i32];
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            family.extend(
                all.iter()
                    .filter(|other| other.parent == parent)
                    .map(|other| other.pid),
            );
            at += 1;
        }
        let ours = |other: &&Process| {
            other.group == group.as_raw_pid() && !other.ended && family[1..].contains(&other.pid)
        };
        all.iter()
            .filter(ours)
            .filter_map(|other| Pid::from_raw(other.pid))
            .collect()
    }
}

/// What the system says of a process.
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    ended: bool,
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // A name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some(Self {
            pid,
            ended: matches!(fields.next()?, "Z" | "X"),
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }
}

/// Has what the child leaves behind become ours, so that it can be found. To be called before there is a child.
pub(crate) fn adopt() {
    let _ = set_child_subreaper(Some(Pid::INIT));
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
