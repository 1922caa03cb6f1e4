//! What all workers of a summary share.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use indicatif::ProgressBar;
use jiff::tz::TimeZone;

use super::copies::Copies;
use super::input::Input;
use super::key::{Key, Picks};
use super::ledger::Ledger;
use crate::command::outcome::complain;
use crate::price::PriceBook;
use crate::record::write::Writer;

/// What all workers share.
pub(super) struct Job {
    pub(super) by: Vec<Key>,
    pub(super) picks: Picks,
    pub(super) zone: TimeZone,
    pub(super) prices: PriceBook,
    pub(super) reprice: bool,
    pub(super) mtime: bool,
    pub(super) now: SystemTime,
    pub(super) ledger: Ledger,
    pub(super) records: Option<Records>,
    /// Whether anyone asks where a response was found.
    pub(super) placed: bool,
    /// Whether a key or a filter does.
    pub(super) keyed_by_place: bool,
    /// The names of agents' projects are left out.
    pub(super) no_project: bool,
    /// Calls copied from earlier sessions; none where copies count like any other response.
    pub(super) copies: Option<Mutex<Copies>>,
    /// Files read, and how many of them could not be read whole.
    pub(super) done: Arc<AtomicUsize>,
    pub(super) failed: AtomicUsize,
    /// Files in which nothing was found that is known, and the first of them.
    pub(super) unrecognised: AtomicUsize,
    pub(super) first_unrecognised: OnceLock<String>,
    /// Something was found in some file.
    pub(super) known: AtomicBool,
    /// Bytes read.
    pub(super) read: AtomicU64,
    /// Shows how far it is, where somebody looks.
    pub(super) bar: Option<ProgressBar>,
}

impl Job {
    /// Notes an input in which nothing was found that is known.
    pub(super) fn unrecognised(&self, input: &Input) {
        self.unrecognised.fetch_add(1, Ordering::Relaxed);
        self.first_unrecognised.get_or_init(|| input.name());
    }

    /// Whether there was something in its inputs, and nothing of it is known.
    pub(super) fn knows_nothing(&self) -> bool {
        self.unrecognised.load(Ordering::Relaxed) > 0 && !self.known.load(Ordering::Relaxed)
    }

    /// Tells the user what went wrong.
    pub(super) fn complain(&self, problem: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(problem)),
            None => complain(problem),
        }
    }
}

/// Where the record of each response is written too.
pub(super) struct Records {
    pub(super) writer: Writer,
    pub(super) file: Mutex<File>,
    /// The first thing that went wrong.
    pub(super) error: OnceLock<io::Error>,
}

impl Records {
    pub(super) fn write(&self, lines: &[u8]) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(lines) {
            self.error.get_or_init(|| error);
        }
    }
}
