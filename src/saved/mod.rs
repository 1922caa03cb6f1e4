//! What saved logs hold: the API's own bodies and streams inside whatever kept them, and counts under other names.
//!
//! [`recognise`] looks at how a log begins and says which reader takes it. Every reader has the face of the meter:
//! bytes in, findings out.

pub(crate) mod agent;
mod cassette;
mod database;
mod found;
mod holder;
mod json;
mod log;
mod names;
mod prefix;
mod report;
mod rows;
mod trace;
mod unit;
mod unwrap;

use std::path::Path;

use crate::meter::{Context, EndedBy, Reading};
use database::Database;
pub(crate) use found::{Reader, Saved};
pub(crate) use report::{Report, Stated, read as read_report};
pub(crate) use unwrap::{Unwrap, is_response};

/// What is found in a log that comes in these pieces.
pub fn unwrapped<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Reading> {
    let mut unwrap = Unwrap::new(Context::default());
    for piece in pieces {
        unwrap.feed(piece);
    }
    unwrap.finish(EndedBy::Upstream);
    let found = std::iter::from_fn(|| unwrap.next_found());
    found.map(|saved| saved.reading).collect()
}

/// The reader for a log that begins so and, if it is a file, lies there; `None` where the plain meter takes it. What is
/// given must be all there is, or enough to tell: 4 KiB.
pub(crate) fn recognise(beginning: &[u8], path: Option<&Path>) -> Option<Box<dyn Reader>> {
    if unwrap::is_stream(beginning) {
        return None;
    }
    if report::is_report(beginning) {
        return Some(Box::new(Reported));
    }
    if let Some(agent) = agent::recognise(beginning, path) {
        return Some(agent);
    }
    if let Some(database) = path.and_then(|path| Database::recognise(beginning, path)) {
        return Some(Box::new(database));
    }
    match unwrap::is_plain(beginning) {
        Some(true) => None,
        _ => Some(Box::new(Unwrap::new(Context::default()))),
    }
}

/// A provider's report, which holds no responses.
struct Reported;

impl Reader for Reported {
    fn feed(&mut self, _: &[u8]) {}

    fn finish(&mut self, _: EndedBy) {}

    fn next(&mut self) -> Option<Saved> {
        None
    }

    fn is_table(&self) -> bool {
        true
    }

    fn lost(&self) -> Option<String> {
        let what =
            "it is a provider's report and holds no responses: compare with it by --reconcile FILE";
        Some(what.to_owned())
    }
}
