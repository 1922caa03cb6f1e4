//! Where records go: stderr, or a file that many processes may append to at once.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Record;
use super::write::Writer;
use crate::fd;

/// A place for records, opened before the first byte is read.
#[derive(Debug)]
pub(crate) struct Sink {
    writer: Writer,
    target: Target,
}

#[derive(Debug)]
enum Target {
    File(Log),
    Nowhere,
    Stderr { began: bool },
    Stdout { began: bool },
}

/// A file that is appended to.
#[derive(Debug)]
struct Log {
    file: File,
    path: PathBuf,
    /// It can be read too.
    readable: bool,
    /// How many times to ask for the lock.
    patience: u32,
}

/// Milliseconds after which a lock is no other tap's: it is done without.
const PATIENCE: u32 = 100;

/// Milliseconds within which a line that another writes while we have no lock has come to its end.
const SETTLING: u32 = 50;

impl Sink {
    /// A sink that drops everything.
    pub(crate) fn nowhere(writer: Writer) -> Self {
        let target = Target::Nowhere;
        Self { writer, target }
    }

    pub(crate) fn stderr(writer: Writer) -> Self {
        let target = Target::Stderr { began: false };
        Self { writer, target }
    }

    pub(crate) fn stdout(writer: Writer) -> Self {
        let target = Target::Stdout { began: false };
        Self { writer, target }
    }

    /// Opens a file for appending, private to the user if it is new. CSV gets its header if it is empty.
    ///
    /// # Errors
    /// A sentence that says what was attempted, or how the file's header differs.
    pub(crate) fn append(path: &Path, writer: Writer) -> Result<Self, String> {
        let writer = match header_of(path).filter(|_| writer.header().is_some()) {
            Some(header) => writer.continuing(&header),
            None => writer,
        };
        let target = Target::File(Log::open(path, writer.header())?);
        Ok(Self { writer, target })
    }

    /// Whether nobody will see a record.
    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.target, Target::Nowhere)
    }

    /// Whether records go to stderr.
    pub(crate) fn is_stderr(&self) -> bool {
        matches!(self.target, Target::Stderr { .. })
    }

    /// Writes one record, whole, in one call. Where its place does not take it, stderr does.
    ///
    /// # Errors
    /// The place's name and what went wrong.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), String> {
        let line = self.writer.record(record);
        let header = || self.writer.header().unwrap_or_default();
        let (result, line) = match &mut self.target {
            Target::Nowhere => return Ok(()),
            Target::Stderr { began } => {
                let line = with_header(began, header, line);
                // Nobody is left to be told.
                let _ = fd::write_all(rustix::stdio::stderr(), &line);
                return Ok(());
            }
            Target::Stdout { began } => {
                let line = with_header(began, header, line);
                let (_, written) = fd::write_all(rustix::stdio::stdout(), &line);
                let failed = |error| format!("cannot write the record to standard output: {error}");
                (written.map_err(failed), line)
            }
            Target::File(log) => (log.append(&line, self.writer.header()), line),
        };
        if result.is_err() {
            let _ = fd::write_all(rustix::stdio::stderr(), &line);
        }
        result
    }
}

/// The line that a file begins with, if there is one.
fn header_of(path: &Path) -> Option<String> {
    let file = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file);
    file.filter(|meta| meta.len() > 0)?;
    let mut line = String::new();
    let most = File::open(path).ok()?.take(MOST_HEADER);
    BufReader::new(most).read_line(&mut line).ok()?;
    Some(line).filter(|line| line.ends_with('\n'))
}

/// No header is longer.
const MOST_HEADER: u64 = 64 << 10;

/// The line, with the header before it if it is the first one.
fn with_header(began: &mut bool, header: impl Fn() -> Vec<u8>, line: Vec<u8>) -> Vec<u8> {
    match std::mem::replace(began, true) {
        true => line,
        false => [header(), line].concat(),
    }
}

impl Log {
    fn open(path: &Path, header: Option<Vec<u8>>) -> Result<Self, String> {
        let failed =
            |what: &str, error| format!("cannot {what} record file {}: {error}", path.display());
        let open = |readable| {
            let mut options = OpenOptions::new();
            options.read(readable).append(true).create(true).mode(0o600);
            options.open(path)
        };
        // Reading is for the header and the last line; a device, a FIFO or another user's file may only be written.
        let mut readable = std::fs::metadata(path).map_or(true, |meta| meta.is_file());
        let mut file = open(readable);
        if readable && matches!(&file, Err(error) if error.kind() == ErrorKind::PermissionDenied) {
            readable = false;
            file = open(readable);
        }
        let mut log = Self {
            file: file.map_err(|error| failed("open", error))?,
            path: path.to_owned(),
            readable,
            patience: PATIENCE,
        };
        if let Some(header) = header {
            let begun = log.begin(&header);
            begun.map_err(|error| failed("append to", error))?;
        }
        Ok(log)
    }

    /// Appends one line, to a new file where the one that was opened has been moved or removed.
    fn append(&mut self, line: &[u8], header: Option<Vec<u8>>) -> Result<(), String> {
        if self.is_gone() {
            *self = Self::open(&self.path, header)?;
        }
        let written = self.locked(|log, alone| match log.is_cut(alone)? {
            // Some writer was killed.
            true => log.write(&[b"\n", line].concat()),
            false => log.write(line),
        });
        let path = self.path.display();
        written.map_err(|error| format!("cannot write to record file {path}: {error}"))
    }

    /// Does something while no other tap does: only then is the file's end to be trusted. A program that keeps
    /// the lock to itself is waited for once, and not long; then it is told that it is not alone.
    fn locked<T>(&mut self, act: impl FnOnce(&mut Self, bool) -> io::Result<T>) -> io::Result<T> {
        let mut left = self.patience;
        let held = loop {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK | Errno::INTR) if left > 0 => left -= 1,
                result => break result.is_ok(),
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.patience = if held { PATIENCE } else { 0 };
        let result = act(self, held);
        if held {
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
        result
    }

    /// Writes the header into an empty file, or holds the one that is there to ours.
    fn begin(&mut self, header: &[u8]) -> io::Result<()> {
        let is_empty = |log: &Self| log.file.metadata().map(|m| m.is_file() && m.len() == 0);
        if is_empty(self)? {
            // Of many that find it empty, only one may write the header.
            self.patience = 20 * PATIENCE;
            self.locked(|log, _| match is_empty(log)? {
                true => log.write(header),
                false => Ok(()),
            })?;
        }
        let mut found = vec![0; header.len()];
        if self.readable
            && (self.file.read_at(&mut found, 0)?, &found[..]) != (header.len(), header)
        {
            return Err(io::Error::other(
                "its header has other columns: choose another file, or pass the same --columns as before",
            ));
        }
        Ok(())
    }

    /// Whether the file ends in the middle of a line. Another's that is still being written is waited for.
    fn is_cut(&self, alone: bool) -> io::Result<bool> {
        let mut left = if alone { 0 } else { SETTLING };
        loop {
            let len = self.file.metadata()?.len();
            let mut last = [b'\n'];
            if self.readable && len > 0 {
                self.file.read_at(&mut last, len - 1)?;
            }
            if last == [b'\n'] || left == 0 {
                return Ok(last != [b'\n']);
            }
            left -= 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// One `write(2)`: in append mode the kernel keeps it whole among other writers.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match self.file.write(bytes) {
                Ok(n) if n == bytes.len() => return Ok(()),
                Ok(n) => {
                    // The disk is full: half a record is none. What others wrote after it stays.
                    let end = self.file.stream_position()?;
                    if self.file.metadata()?.len() == end {
                        self.file.set_len(end - n as u64)?;
                    }
                    return Err(ErrorKind::StorageFull.into());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the path leads to another file by now, or to none.
    fn is_gone(&self) -> bool {
        let identity = |meta: &std::fs::Metadata| (meta.dev(), meta.ino());
        let ours = self.file.metadata().ok();
        match std::fs::metadata(&self.path) {
            Ok(meta) => {
                meta.is_file() && ours.is_some_and(|ours| identity(&ours) != identity(&meta))
            }
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }
}
