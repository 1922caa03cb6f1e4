//! What is to be read: files, folders, standard input, and the lists that name them.

use std::ffi::OsStr;
use std::fs::{File, FileType, Metadata};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use memchr::memrchr;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use walkdir::{DirEntry, WalkDir};

use crate::system;

/// One thing to be read.
#[derive(Default)]
pub(super) enum Input {
    /// A file found in a folder, or one that the user named.
    File { path: PathBuf, named: bool },
    #[default]
    Stdin,
}

/// Paths from a list, with line ends between or, if there are any, NULs.
///
/// # Errors
/// The list cannot be read.
pub(super) fn listed(list: &Path) -> Result<Vec<PathBuf>> {
    let mut text = Vec::new();
    let read = if list.as_os_str() == "-" {
        io::stdin().read_to_end(&mut text)
    } else {
        File::open(list).and_then(|mut file| file.read_to_end(&mut text))
    };
    read.with_context(|| format!("cannot read --files-from {}", list.display()))?;
    let end = if text.contains(&0) { 0 } else { b'\n' };
    let names = text.split(|b| *b == end).filter(|name| !name.is_empty());
    // A list from elsewhere may end its lines with CRLF; a name may end with CR too.
    let named = |name: &[u8]| PathBuf::from(OsStr::from_bytes(name));
    let path = |name: &[u8]| match name.strip_suffix(b"\r") {
        Some(short) if end == b'\n' && !named(name).exists() => named(short),
        _ => named(name),
    };
    Ok(names
        .map(path)
        .filter(|path| !path.as_os_str().is_empty())
        .collect())
}

/// What is behind paths, as it is found: sentences on what cannot be read.
pub(super) fn find(paths: Vec<PathBuf>) -> impl Iterator<Item = Result<Input, String>> {
    let mut stdin = Some(Input::Stdin);
    paths.into_iter().flat_map(move |path| {
        let (mut one, mut folder) = (None, None);
        if path.as_os_str() == "-" {
            one = stdin.take();
        } else if path.is_dir() {
            folder = Some(WalkDir::new(path).follow_links(true));
        } else {
            let named = true;
            one = Some(Input::File { path, named });
        }
        let within = folder.into_iter().flatten().filter_map(found);
        one.map(Ok).into_iter().chain(within)
    })
}

/// What an entry of a folder is to be read as, if at all.
fn found(entry: walkdir::Result<DirEntry>) -> Option<Result<Input, String>> {
    let error = match entry {
        Ok(entry) if entry.file_type().is_dir() => return None,
        Ok(entry) if entry.file_type().is_file() => {
            let (path, named) = (entry.into_path(), false);
            return Some(Ok(Input::File { path, named }));
        }
        Ok(entry) => return Some(Err(passed_over(entry.path(), entry.file_type()))),
        Err(error) => error,
    };
    Some(Err(match (error.loop_ancestor(), error.path()) {
        (Some(ancestor), Some(path)) => format!(
            "{} leads back to {}: passed over",
            path.display(),
            ancestor.display()
        ),
        (None, Some(path)) => {
            let cause = error.io_error().map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            format!("cannot read {}: {cause}", path.display())
        }
        (_, None) => error.to_string(),
    }))
}

fn passed_over(path: &Path, kind: FileType) -> String {
    let what = match kind {
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    format!("{} is {what}: passed over", path.display())
}

impl Input {
    /// Its name in records and messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.to_string_lossy().into_owned(),
            Self::Stdin => "-".to_owned(),
        }
    }

    /// Where it lies, if it is a file.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Stdin => None,
        }
    }

    pub(super) fn metadata(&self) -> Option<Metadata> {
        match self {
            Self::File { path, .. } => std::fs::metadata(path).ok(),
            Self::Stdin => None,
        }
    }

    /// Whether this is the very file behind `metadata`, whatever its name.
    pub(super) fn is(&self, metadata: &Metadata) -> bool {
        let same = |own: Metadata| (own.dev(), own.ino()) == (metadata.dev(), metadata.ino());
        let own = match self {
            Self::File { .. } => self.metadata(),
            Self::Stdin => self
                .open(&mut Folder::default())
                .ok()
                .and_then(|source| source.file.metadata().ok()),
        };
        own.is_some_and(same)
    }

    /// Opens it for reading, without waiting for anyone; `folder` is the one that the input before it was in.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub(super) fn open(&self, folder: &mut Folder) -> Result<Source, String> {
        let failed = |error: io::Error| format!("cannot read {}: {error}", self.name());
        let mut fifo = false;
        let file = match self {
            // Its own descriptor: std's standard input would buffer once more.
            Self::Stdin => rustix::stdio::stdin().try_clone_to_owned().map(File::from),
            Self::File { path, named } => {
                if *named {
                    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
                    fifo = kind.is_fifo();
                    if !fifo && !kind.is_file() {
                        return Err(passed_over(path, kind));
                    }
                }
                folder.open(path)
            }
        };
        let file = file.map_err(failed)?;
        Ok(Source { file, fifo })
    }
}

/// A folder that stays open: what is in it is found without a walk from the root.
#[derive(Default)]
pub(super) struct Folder {
    /// Up to its slash.
    path: Vec<u8>,
    fd: Option<OwnedFd>,
}

impl Folder {
    /// Opens a file, and its folder if it is in another one.
    fn open(&mut self, path: &Path) -> io::Result<File> {
        // To open a FIFO must not wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let bytes = path.as_os_str().as_bytes();
        let Some((parent, name)) = memrchr(b'/', bytes).map(|at| bytes.split_at(at)) else {
            return Ok(openat(CWD, path, flags, Mode::empty())?.into());
        };
        let (parent, name) = (&bytes[..=parent.len()], &name[1..]);
        if self.path != parent {
            self.fd = openat(CWD, parent, system::FOLDER, Mode::empty()).ok();
            self.path = parent.to_owned();
        }
        let file = match &self.fd {
            Some(fd) => openat(fd, name, flags, Mode::empty()),
            None => openat(CWD, path, flags, Mode::empty()),
        };
        Ok(file?.into())
    }
}

/// The bytes of an input.
pub(super) struct Source {
    file: File,
    /// Nothing has come yet of a FIFO, as a shell's `<(…)` is.
    fifo: bool,
}

impl io::Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.fifo = false;
                    let _ = poll(&mut [PollFd::new(&self.file, PollFlags::IN)], None);
                }
                Ok(0) if self.fifo => return Err(io::Error::other("nobody writes to this FIFO")),
                result => {
                    self.fifo = false;
                    return result;
                }
            }
        }
    }
}
