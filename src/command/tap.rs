//! `tokensense tap`: standard input to standard output, metered.

use anyhow::Result;

use super::session::Session;
use crate::cli;
use crate::pipe::{self, Exit, Signals};

/// Meters standard input.
///
/// # Errors
/// Anything the user has to mend before a byte may flow.
pub(super) fn run(args: cli::Tap) -> Result<Exit> {
    let session = Session::open(&args.metering)?;
    let plan = session.plan(rustix::stdio::stdin());
    Ok(pipe::run(session, plan, Signals::catch().ok(), None))
}
