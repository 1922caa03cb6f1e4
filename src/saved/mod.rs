//! What saved logs hold: the API's own bodies and streams inside whatever kept them, and counts under other names.
//!
//! [`recognise`] looks at how a log begins and says which reader takes it. Every reader has the face of the meter:
//! bytes in, findings out.

pub(crate) mod agent;

use std::path::Path;

use crate::meter::{EndedBy, Reading};

/// One response found in a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    /// What it came to. A cost that the log states is among its `charged`.
    pub(crate) reading: Reading,
    /// Labels that the log gives it: `agent`, `project`, `session`.
    pub(crate) labels: Vec<(String, String)>,
    /// What stands in the record's `source` instead of file and number, where those would tell too much.
    pub(crate) source: Option<String>,
}

/// Finds responses in the bytes of one log.
pub(crate) trait Reader: Send {
    /// Takes in the next bytes, cut anywhere.
    fn feed(&mut self, bytes: &[u8]);

    /// Ends the log: what is under way becomes a finding.
    fn finish(&mut self, by: EndedBy);

    /// The next response that has ended.
    fn next(&mut self) -> Option<Saved>;
}

impl From<Reading> for Saved {
    fn from(reading: Reading) -> Self {
        Self {
            reading,
            ..Self::default()
        }
    }
}

/// The reader for a log that begins so and, if it is a file, lies there; `None` where the plain meter takes it.
pub(crate) fn recognise(beginning: &[u8], path: Option<&Path>) -> Option<Box<dyn Reader>> {
    agent::recognise(beginning, path)
}
