//! `tokensense completions`: a script by which a shell completes our words.

use clap::CommandFactory as _;
use clap_complete::{generate, shells};
use clap_complete_nushell::Nushell;

use super::outcome::say;
use super::summarise;
use crate::cli::{Cli, Completions, Shell};
use crate::pipe::Exit;
use crate::record::COLUMNS;

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
    let script = String::from_utf8_lossy(&script);
    say(completed(args.shell, &script).as_bytes())
}

/// The script with what its generator does not know: values of options that take several or look them up, and the command
/// that run starts.
fn completed(shell: Shell, script: &str) -> String {
    match shell {
        Shell::Bash => script.to_owned() + &filled(include_str!("extra.bash")),
        Shell::Fish => script.to_owned() + &filled(include_str!("extra.fish")),
        Shell::Zsh => {
            let lines = script.lines().map(|line| {
                let line = match line.trim_start().starts_with("'--model=") {
                    true => line.replace(":NAME:_default'", ":NAME:_tokensense_models'"),
                    false => line.to_owned(),
                };
                let line = line.replace(":KEYS:_default'", ":KEYS:_tokensense_keys'");
                let line = line.replace(":LIST:_default'", ":LIST:_tokensense_columns'");
                let line = line.replace(":COLUMN:_default'", ":COLUMN:_tokensense_sorts'");
                line.replace(":_cmdambivalent'", ":_normal'") + "\n"
            });
            let script: String = lines.collect();
            let begin = script.find("if [ \"$funcstack").unwrap_or(script.len());
            let (before, end) = script.split_at(begin);
            before.to_owned() + &filled(include_str!("extra.zsh")) + end
        }
        Shell::Elvish | Shell::Nushell | Shell::PowerShell => script.to_owned(),
    }
}

/// The text with the words that there are today.
fn filled(text: &str) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
    text.replace("@columns@", &columns.join(" "))
        .replace("@keys@", &summarise::key_names().join(" "))
        .replace("@sorts@", &summarise::sort_names().join(" "))
}
