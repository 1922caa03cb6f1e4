//! `tokensense completions`: a script by which a shell completes our words.

use clap::CommandFactory as _;
use clap_complete::{generate, shells};
use clap_complete_nushell::Nushell;

use super::say;
use crate::cli::{Cli, Completions, Shell};
use crate::pipe::Exit;

/// Prints the script.
pub(super) fn run(args: Completions) -> Exit {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Elvish => generate(shells::Elvish, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
        Shell::Nushell => generate(Nushell, &mut command, name, &mut script),
        Shell::PowerShell => generate(shells::PowerShell, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
    }
    say(&script)
}
