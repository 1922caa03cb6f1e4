//! What each subcommand does: the words of the command line turned into the library's acts.

mod progress;
mod session;
mod summarise;
mod tap;

use std::io::Write as _;

use crate::cli::{Cli, Command};
use crate::pipe::Exit;

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
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        Self::Code(outcome as u8)
    }
}

/// Says a sentence on stderr, if anyone is there to hear it.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "tokensense: {text}");
}

/// Does what was asked.
pub fn run(cli: Cli) -> ! {
    let exit = match cli.command {
        Command::Summarise(args) => summarise::run(args),
        Command::Tap(args) => tap::run(args),
    };
    match exit {
        Ok(exit) => exit.now(),
        Err(error) => {
            complain(&format!("{error:#}"));
            Exit::from(Outcome::Usage).now()
        }
    }
}
