//! Databases whose rows hold counts under other names, as `llm`'s.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::agent::sqlite;
use super::found::{Reader, Saved};
use super::names;
use crate::meter::EndedBy;

/// Reads the tables of a database that are known, from where it lies.
pub(super) struct Database {
    path: PathBuf,
    found: VecDeque<Saved>,
}

impl Database {
    /// The reader for a file that begins so, if it is a database.
    pub(super) fn recognise(beginning: &[u8], path: &Path) -> Option<Self> {
        beginning.starts_with(sqlite::MAGIC).then(|| Self {
            path: path.to_owned(),
            found: VecDeque::new(),
        })
    }
}

impl Reader for Database {
    fn feed(&mut self, _: &[u8]) {}

    fn finish(&mut self, _: EndedBy) {
        for (name, columns) in sqlite::tables(&self.path) {
            let Some(table) = names::of_columns(&columns) else {
                continue;
            };
            let before = self.found.len();
            let found = &mut self.found;
            sqlite::rows(&self.path, &name, &mut |row| match row {
                // The file has changed meanwhile: it is read again.
                None => found.truncate(before),
                Some(row) => {
                    let reading = table.read(&mut |path| names::at(row, path));
                    found.extend(reading.map(Saved::from));
                }
            });
        }
    }

    fn next(&mut self) -> Option<Saved> {
        self.found.pop_front()
    }
}
