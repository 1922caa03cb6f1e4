//! Reading and writing descriptors that others share: interrupted, in parts, or made non-blocking by someone else.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

/// Memory to read into. It begins with a line of the processor's cache: the kernel copies a third faster to there, if
/// what it copies begins with one too. So its length is what was asked for: the next read begins where this one ends.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Vec<u8>,
    begin: usize,
}

const LINE: usize = 64;

impl Buffer {
    /// So many bytes.
    pub(crate) fn new(len: usize) -> Self {
        let mut memory = vec![0; len + LINE];
        let begin = memory.as_ptr().align_offset(LINE).min(LINE);
        memory.truncate(begin + len);
        Self { memory, begin }
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.begin..]
    }
}

/// Reads once.
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    loop {
        match rustix::io::read(fd, &mut *buffer) {
            Err(Errno::INTR) => {}
            // Someone else made the descriptor non-blocking; it is theirs too, so it stays so.
            Err(Errno::AGAIN) => wait(fd, PollFlags::IN)?,
            result => return result,
        }
    }
}

/// Writes all; gives how many bytes went out before an error.
pub(crate) fn write_all(fd: BorrowedFd<'_>, bytes: &[u8]) -> (usize, rustix::io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::write(fd, &bytes[done..]) {
            Ok(0) => return (done, Err(Errno::IO)),
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                if let Err(error) = wait(fd, PollFlags::OUT) {
                    return (done, Err(error));
                }
            }
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

/// Whether it comes from another process that may be alive: a pipe or a socket.
pub(crate) fn is_pipe(fd: BorrowedFd<'_>) -> bool {
    let kind = fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

/// Whether a read would not wait: bytes are there, or the end is.
pub(crate) fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|n| n > 0)
}

/// Whether both are one terminal: what is written to one shows between what is written to the other.
pub(crate) fn is_one_terminal(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
    let place = |fd| {
        let place = rustix::fs::fstat(fd).ok()?;
        rustix::termios::isatty(fd).then_some((place.st_dev, place.st_ino))
    };
    place(a).is_some_and(|a| place(b) == Some(a))
}

fn wait(fd: BorrowedFd<'_>, flags: PollFlags) -> rustix::io::Result<()> {
    match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte too many would shift every read of a file after the first.
    #[test]
    fn buffers() {
        for len in [1, LINE, 4095, 32 << 10, 1 << 20] {
            let mut buffer = Buffer::new(len);
            assert_eq!(buffer.bytes().len(), len);
            assert_eq!(buffer.bytes().as_ptr().align_offset(LINE), 0);
        }
    }
}
