//! Where records go: stderr, or a file that many processes may append to at once.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Record, Writer};
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
    /// The file ends in the middle of a line: some writer was killed.
    broken_line: bool,
}

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
        let readable = std::fs::metadata(path).map_or(true, |meta| meta.is_file());
        let file = match open(readable) {
            Err(error) if readable && error.kind() == ErrorKind::PermissionDenied => open(false),
            result => result,
        };
        let mut file = file.map_err(|error| failed("open", error))?;
        let begun = begin(&mut file, header);
        let broken_line = begun.map_err(|error| failed("append to", error))?;
        let path = path.to_owned();
        Ok(Self {
            file,
            path,
            broken_line,
        })
    }

    /// Appends one line, to a new file where the one that was opened has been moved or removed.
    fn append(&mut self, line: &[u8], header: Option<Vec<u8>>) -> Result<(), String> {
        if self.is_gone() {
            *self = Self::open(&self.path, header)?;
        }
        let line = match std::mem::take(&mut self.broken_line) {
            true => Cow::Owned([b"\n", line].concat()),
            false => Cow::Borrowed(line),
        };
        let written = append_once(&mut self.file, &line);
        written.map_err(|error| {
            self.broken_line = is_cut(&mut self.file).unwrap_or(false);
            format!(
                "cannot write to record file {}: {error}",
                self.path.display()
            )
        })
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

/// Writes the header into an empty file, or holds the one that is there to ours. Gives whether the file ends in
/// the middle of a line.
fn begin(file: &mut File, header: Option<Vec<u8>>) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let is_empty = |file: &File| file.metadata().map(|meta| meta.len() == 0);
    if let Some(header) = &header
        && is_empty(file)?
    {
        // Two processes that find the file empty must not both write the header.
        flock(&*file, FlockOperation::LockExclusive)?;
        let written = is_empty(file).and_then(|empty| match empty {
            true => file.write_all(header),
            false => Ok(()),
        });
        let _ = flock(&*file, FlockOperation::Unlock);
        written?;
    }
    let mut found = vec![0; header.as_ref().map_or(0, Vec::len)];
    let read = match file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.read(&mut found))
    {
        // It may be written only.
        Err(error) if error.raw_os_error() == Some(Errno::BADF.raw_os_error()) => return Ok(false),
        read => read?,
    };
    if header.is_some_and(|header| found[..read] != header) {
        return Err(io::Error::other(
            "its CSV header is not ours: name another --output, or the same --columns",
        ));
    }
    is_cut(file)
}

/// Whether a file ends in the middle of a line.
fn is_cut(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// One `write(2)`: in append mode the kernel keeps it whole among other writers.
fn append_once(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    loop {
        match file.write(bytes) {
            Ok(n) if n == bytes.len() => return Ok(()),
            Ok(n) => {
                // The disk is full: half a record is none. What others wrote after it stays.
                let end = file.stream_position()?;
                if file.metadata()?.len() == end {
                    file.set_len(end - n as u64)?;
                }
                return Err(ErrorKind::StorageFull.into());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
