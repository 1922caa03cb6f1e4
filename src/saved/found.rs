//! What is found in a log, and the faces of what finds it.

use std::time::Duration;

use crate::meter::{Context, EndedBy, Reading};
use crate::record::Record;

/// One response found in a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    /// What it came to. A cost that the log states is among its `charged`.
    pub(crate) reading: Reading,
    /// Labels that the log gives it: `agent`, `project`, `session`.
    pub(crate) labels: Vec<(String, String)>,
    /// What stands in the record's `source` instead of file and number, where those would tell too much.
    pub(crate) source: Option<String>,
    /// The session that its own has copied it from, where it was there before: it may be that one's parent's.
    pub(crate) copied_from: Option<String>,
    /// A record that was written before, in place of a reading.
    pub(crate) record: Option<Box<Record>>,
}

/// Finds responses in the bytes of one log.
pub(crate) trait Reader: Send {
    /// Takes in the next bytes, cut anywhere.
    fn feed(&mut self, bytes: &[u8]);

    /// Ends the log: what is under way becomes a finding.
    fn finish(&mut self, by: EndedBy);

    /// The next response that has ended.
    fn next(&mut self) -> Option<Saved>;

    /// Whether it is a table that is known, maybe without a row.
    fn is_table(&self) -> bool {
        false
    }

    /// What was lost, in a sentence, once the log has ended.
    fn lost(&self) -> Option<String> {
        None
    }
}

impl From<Reading> for Saved {
    fn from(reading: Reading) -> Self {
        Self {
            reading,
            ..Self::default()
        }
    }
}

/// One stream within a log, or the log itself.
pub(super) trait Stream: Send {
    /// Makes it ready for another stream, of which this is known.
    fn renew(&mut self, context: Context);

    /// Takes in the next bytes, which came at that time.
    fn feed_at(&mut self, bytes: &[u8], now: Duration);

    /// Ends it.
    fn finish_at(&mut self, by: EndedBy, now: Duration);

    /// The next response that has ended.
    fn next_found(&mut self) -> Option<Saved>;

    /// Whether the response under way has ended by its own word.
    fn is_done(&self) -> bool;

    /// Whether it is amid something that any line may belong to.
    fn is_open(&self) -> bool;

    /// What the response under way has come to so far.
    fn so_far(&mut self) -> Option<Reading>;

    /// The model and provider of the response under way, as soon as they are known.
    fn under_way(&self) -> Option<(Option<&str>, Option<&str>)>;

    /// What was given out since the last call.
    fn take_emitted(&mut self) -> Vec<u8>;
}
