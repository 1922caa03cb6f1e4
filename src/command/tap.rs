//! `tokensense tap`: standard input to standard output, metered.

use std::io::IsTerminal as _;

use anyhow::Result;

use super::outcome::complain;
use super::session::Session;
use crate::cli;
use crate::pipe::{self, Exit, Signals};

/// Meters standard input.
///
/// # Errors
/// Anything the user has to mend before a byte may flow.
pub(super) fn run(args: cli::Tap) -> Result<Exit> {
    let session = Session::open(&args.metering)?;
    if let Some(refusal) = session.refusal() {
        return Ok(refusal);
    }
    if std::io::stdin().is_terminal() {
        complain("reading from the terminal; pipe a stream in: curl -N … | tokensense tap");
    }
    let plan = session.plan(rustix::stdio::stdin());
    Ok(pipe::run(session, plan, || Signals::catch().ok(), None))
}
