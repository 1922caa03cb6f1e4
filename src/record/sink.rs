//! Where records go: stderr, or a file that many processes may append to at once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Record, Writer};

/// A place for records, opened before the first byte is read.
#[derive(Debug)]
pub(crate) struct Sink {
    writer: Writer,
    target: Target,
}

#[derive(Debug)]
enum Target {
    File {
        file: File,
        path: PathBuf,
        /// The file ends in the middle of a line: some writer was killed.
        broken_line: bool,
    },
    Nowhere,
    Stderr {
        began: bool,
    },
    Stdout {
        began: bool,
    },
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
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("cannot {what} record file {}: {error}", path.display())
        };
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        // Reading is for the header and the last line; a device or a FIFO may only be written.
        let readable = std::fs::metadata(path).is_ok_and(|meta| meta.is_file()) || !path.exists();
        let file = options.read(readable).open(path);
        let file = file.or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => options.read(false).open(path),
            _ => Err(error),
        });
        let mut file = file.map_err(|error| failed("open", &error))?;
        let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
        let mut broken_line = false;
        if is_file && readable {
            // Two processes that find the file empty must not both write the header.
            flock(&file, FlockOperation::LockExclusive).map_err(|error| failed("lock", &error))?;
            let begun = Self::begin(&mut file, &writer).map_err(|error| failed("begin", &error));
            let _ = flock(&file, FlockOperation::Unlock);
            broken_line = begun??;
        }
        let path = path.to_owned();
        let target = Target::File {
            file,
            path,
            broken_line,
        };
        Ok(Self { writer, target })
    }

    /// Writes the header into an empty file, or holds the one that is there to ours. Gives whether the
    /// file ends in the middle of a line.
    fn begin(file: &mut File, writer: &Writer) -> io::Result<Result<bool, String>> {
        let header = writer.header();
        if file.metadata()?.len() == 0 {
            if let Some(header) = header {
                file.write_all(&header)?;
            }
            return Ok(Ok(false));
        }
        if let Some(header) = header {
            let mut found = vec![0; header.len()];
            file.seek(SeekFrom::Start(0))?;
            let read = file.read(&mut found)?;
            if found[..read] != header {
                return Ok(Err(
                    "the record file's CSV header is not ours: name another --output, or the same --columns"
                        .to_owned(),
                ));
            }
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(Ok(last != *b"\n"))
    }

    /// Whether nobody will see a record.
    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.target, Target::Nowhere)
    }

    /// Whether records go to stderr.
    pub(crate) fn is_stderr(&self) -> bool {
        matches!(self.target, Target::Stderr { .. })
    }

    /// Writes one record, whole, in one call. Where the file does not take it, stderr does.
    ///
    /// # Errors
    /// The file's name and what went wrong.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), String> {
        let line = self.writer.record(record);
        let began = match &mut self.target {
            Target::Nowhere => return Ok(()),
            Target::Stderr { began } => std::mem::replace(began, true),
            Target::Stdout { began } => std::mem::replace(began, true),
            Target::File { .. } => true,
        };
        let mut bytes = if began {
            Vec::new()
        } else {
            self.writer.header().unwrap_or_default()
        };
        match &mut self.target {
            Target::Nowhere => {}
            Target::Stderr { .. } => {
                bytes.extend(line);
                // Nobody is left to be told.
                let _ = io::stderr().write_all(&bytes);
            }
            Target::Stdout { .. } => {
                bytes.extend(line);
                let written = rustix::io::write(rustix::stdio::stdout(), &bytes);
                let whole = written.is_ok_and(|n| n == bytes.len());
                if !whole {
                    return Err("cannot write the record to standard output".to_owned());
                }
            }
            Target::File {
                file,
                path,
                broken_line,
            } => {
                if std::mem::take(broken_line) {
                    bytes.push(b'\n');
                }
                bytes.extend(&line);
                if let Err(error) = append_once(file, &bytes) {
                    let _ = io::stderr().write_all(&line);
                    return Err(format!(
                        "cannot write to record file {}: {error}",
                        path.display()
                    ));
                }
            }
        }
        Ok(())
    }
}

/// One `write(2)`: in append mode the kernel keeps it whole among other writers.
fn append_once(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    loop {
        match file.write(bytes) {
            Ok(n) if n == bytes.len() => return Ok(()),
            Ok(n) => {
                // The disk is full: half a record is none.
                let error = io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
                let end = file.metadata().map(|meta| meta.len());
                if let Ok(end) = end {
                    let _ = file.set_len(end - n as u64);
                }
                return Err(error);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
