//! The plain way: what POSIX has, and for what it has not, nothing.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::Process;

/// How a folder is opened that files in it are then opened from.
pub(crate) const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// What loses its parent becomes the system's, and nothing tells whose it was.
pub(crate) const ADOPTS: bool = false;

/// Pipes are read and written.
pub(crate) fn tee(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> usize {
    0
}

/// Pipes hold what they hold.
pub(crate) fn pipe_size(_: BorrowedFd<'_>) -> Option<usize> {
    None
}

/// Pipes hold what they hold.
pub(crate) fn set_pipe_size(_: BorrowedFd<'_>, _: usize) -> bool {
    false
}

/// A file without a name, which a child that is started inherits: its name is gone as soon as it is open.
pub(crate) fn memory() -> io::Result<File> {
    let number = RandomState::new().hash_one(std::process::id());
    let path = std::env::temp_dir().join(format!("tokensense-{number:016x}"));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    let file = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
    fs::remove_file(&path)?;
    Ok(file.into())
}

/// The limit for cores says it all.
pub(crate) fn no_core() {}

/// There is no way to: [`ADOPTS`].
pub(crate) fn adopt() {}

/// Sends a signal to a process, if it is there.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// A child. What it ends is seen by a thread, which leaves its status to be asked for.
#[derive(Debug)]
pub(crate) struct Watched {
    child: Pid,
    ended: OwnedFd,
}

impl Watched {
    /// Watches a child.
    ///
    /// # Errors
    /// Where there can be no pipe and no thread.
    pub(crate) fn new(child: Pid) -> io::Result<Self> {
        let (read, write) = io::pipe()?;
        std::thread::Builder::new()
            .name("child".to_owned())
            .spawn(move || {
                await_end(child);
                // A byte, since the end of a pipe is not the same to all systems' polls.
                let _ = rustix::io::write(&write, b"\n");
            })?;
        let ended = read.into();
        Ok(Self { child, ended })
    }

    /// Sends a signal to it. To be called only while its status has not been asked for.
    pub(crate) fn signal(&self, own: Signal) {
        signal(self.child, own);
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) {
        await_end(self.child);
    }
}

/// Readable once it has ended.
impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }
}

fn await_end(child: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(child), options).err() == Some(Errno::INTR) {}
}

/// All processes that there are, as ps lists them.
pub(crate) fn processes() -> Vec<Process> {
    let columns = ["pid=", "ppid=", "pgid=", "stat="];
    let mut ps = Command::new("ps");
    ps.arg("-A")
        .args(columns.iter().flat_map(|name| ["-o", name]));
    let ps = ps.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok((own, listed)) = ps.and_then(|ps| Ok((ps.id(), ps.wait_with_output()?))) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&listed.stdout);
    let others = |process: &Process| u32::try_from(process.pid) != Ok(own);
    text.lines().filter_map(line).filter(others).collect()
}

fn line(line: &str) -> Option<Process> {
    let mut fields = line.split_ascii_whitespace();
    let mut number = || fields.next()?.parse().ok();
    Some(Process {
        pid: number()?,
        parent: number()?,
        group: number()?,
        ended: fields.next()?.starts_with('Z'),
    })
}
