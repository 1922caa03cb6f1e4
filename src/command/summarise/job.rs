//! What all workers of a summary share.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use indicatif::ProgressBar;
use jiff::tz::TimeZone;

use super::super::complain;
use super::key::{Key, Picks};
use super::ledger::Ledger;
use crate::price::PriceBook;
use crate::record::Writer;

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
    /// Files read, and how many of them could not be read whole.
    pub(super) done: Arc<AtomicUsize>,
    pub(super) failed: AtomicUsize,
    /// Bytes read.
    pub(super) read: AtomicU64,
    /// Shows how far it is, where somebody looks.
    pub(super) bar: Option<ProgressBar>,
}

impl Job {
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
