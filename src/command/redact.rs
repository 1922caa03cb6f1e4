//! `tokensense redact`: a capture that can be shown to others.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write as _};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::SIGPIPE;

use super::outcome::Outcome;
use crate::cli;
use crate::pipe::Exit;
use crate::redact::Redactor;

/// Copies a capture to standard output, with its texts replaced.
///
/// # Errors
/// The file cannot be read, or what it holds cannot be replaced.
pub(super) fn run(args: cli::Redact) -> Result<Exit> {
    let named = args.file.filter(|file| file.as_os_str() != "-");
    let name = named.as_ref().map_or("standard input".to_owned(), |file| {
        file.display().to_string()
    });
    let mut source: Box<dyn Read> = match &named {
        Some(file) => Box::new(File::open(file).with_context(|| format!("cannot read {name}"))?),
        None => Box::new(io::stdin().lock()),
    };
    let mut redactor = Redactor::new();
    let mut buffer = vec![0; 64 << 10];
    let mut out = Vec::new();
    loop {
        let ended = match source.read(&mut buffer) {
            Ok(0) => {
                redactor.finish(&mut out);
                true
            }
            Ok(n) => {
                if let Err(why) = redactor.push(&buffer[..n], &mut out) {
                    bail!("cannot redact {name}: {why}");
                }
                false
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => false,
            Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
        };
        let mut stdout = io::stdout().lock();
        match stdout.write_all(&out).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                return Ok(Exit::Signal(SIGPIPE));
            }
            result => result.context("cannot write to standard output")?,
        }
        out.clear();
        if ended {
            return Ok(Outcome::Success.into());
        }
    }
}
