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

/// Reads the next line, or where quotes may hold line ends, as many as they hold together; false at the end.
pub(super) fn next_line(
    source: &mut impl BufRead,
    quoted: bool,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    line.clear();
    loop {
        let room = MAX_LINE - line.len() as u64;
        let n = source.by_ref().take(room).read_until(b'\n', line)?;
        if n as u64 == room && !line.ends_with(b"\n") {
            // Too long to be a record; what is left of it says so to its reader.
            line.truncate(1);
            source.skip_until(b'\n')?;
            return Ok(true);
        }
        let open = quoted && memchr::memchr_iter(b'"', line).count() % 2 == 1;
        if n == 0 || !open {
            return Ok(!line.is_empty());
        }
    }
}
