//! Bytes of a source, by lines or by beginnings.

use std::io::{self, BufRead, Read};

/// A longer line is no record.
const MAX_LINE: u64 = 16 << 20;

/// Reads until so much has come, or all. Gives how much that is, and what went wrong then.
pub(super) fn fill(
    source: &mut dyn Read,
    buffer: &mut [u8],
    enough: usize,
) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < enough {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// Reads the next line; false at the end.
pub(super) fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let n = source.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if n as u64 == MAX_LINE && !line.ends_with(b"\n") {
        // Too long to be a record; what is left of it says so to its reader.
        line.truncate(1);
        source.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}
