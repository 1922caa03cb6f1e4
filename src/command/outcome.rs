//! How a command ends, and what it says on the way: results on standard output, sentences on standard error.

use std::io::{self, Write as _};

use anstream::AutoStream;
use anstream::stream::RawStream;
use signal_hook::consts::SIGPIPE;

use crate::pipe::Exit;
use crate::record::clean;
use crate::secret::without_keys;

/// Exit statuses, beside a child's own and 128 + n for a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// The stream ended and was forwarded whole.
    Success = 0,
    /// Reading, writing or recording failed.
    Failure = 1,
    /// Wrong usage: said before the first byte.
    Usage = 2,
    /// `--strict`, and a response was partial, failed or unrecognised.
    Strict = 3,
    /// A limit was reached.
    Limit = 4,
    /// The command cannot be executed.
    NotExecutable = 126,
    /// There is no such command.
    NotFound = 127,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        Self::Code(outcome as u8)
    }
}

/// Says a sentence on stderr, if anyone is there to hear it.
pub(crate) fn complain(text: &str) {
    let text = without_numbers(text);
    let _ = writeln!(
        std::io::stderr(),
        "tokensense: {}",
        without_keys(&clean(&text))
    );
}

/// Leaves out the system's numbers of errors, which stand behind their names.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        out += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.strip_prefix(')').unwrap_or(rest);
    }
    out + rest
}

/// Writes what a command has to say to standard output.
pub(crate) fn say(bytes: &[u8]) -> Exit {
    match std::io::stdout().write_all(bytes) {
        Ok(()) => Outcome::Success.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Signal(SIGPIPE),
        Err(error) => {
            complain(&format!("cannot write to standard output: {error}"));
            Outcome::Failure.into()
        }
    }
}

/// Whether to write in colours there.
pub(crate) fn is_coloured<S: RawStream>(stream: &S) -> bool {
    AutoStream::choice(stream) != anstream::ColorChoice::Never
}
