//! What coding agents log: one file per agent beside this one.

use std::path::Path;

use super::Reader;

/// The reader for an agent's log that begins so. A database (`SQLite format 3`) is read from its path, if it has one:
/// its bytes are then fed and ignored.
pub(crate) fn recognise(_beginning: &[u8], _path: Option<&Path>) -> Option<Box<dyn Reader>> {
    None
}
