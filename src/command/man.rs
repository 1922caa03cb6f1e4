//! `tokensense man`: the manual's pages in roff.

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::say;
use crate::cli::{self, Cli};
use crate::pipe::Exit;
use crate::record::COLUMNS;

/// How a process of ours ends.
const STATUSES: &[(&str, &str)] = &[
    ("0", "The stream ended and was forwarded whole."),
    ("1", "Reading, writing or recording failed."),
    (
        "2",
        "Wrong usage, or a record or price file that cannot be used: said before the first byte.",
    ),
    (
        "3",
        "With --strict: a response was partial, failed or unrecognised.",
    ),
    ("4", "A limit was reached."),
    ("128 + n", "Signal n ended it."),
];

/// Prints one page, or all of them.
///
/// # Errors
/// There is no such command.
pub(super) fn run(args: cli::Man) -> Result<Exit> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    if let Some(name) = args.command {
        let names: Vec<_> = root.get_subcommands().map(Command::get_name).collect();
        let names = names.join(", ");
        let command = root.find_subcommand(&name);
        let command = command.with_context(|| {
            format!("there is no command {name:?} in the manual: it has {names}")
        })?;
        page(command, &[], &mut pages)?;
    } else {
        let columns: Vec<_> = COLUMNS
            .iter()
            .map(|column| (column.name, column.help))
            .collect();
        let more = [("EXIT STATUS", STATUSES), ("RECORD", &columns)];
        page(&root, &more, &mut pages)?;
        for command in root.get_subcommands() {
            page(command, &[], &mut pages)?;
        }
    }
    Ok(say(&pages))
}

/// One page, with these sections of terms at its end.
fn page(
    command: &Command,
    more: &[(&str, &[(&str, &str)])],
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    Man::new(command.clone())
        // An empty one would be left out, and the rest take its place.
        .date(" ")
        .source(concat!("tokensense ", env!("CARGO_PKG_VERSION")))
        .manual("Tokensense Manual")
        .render(out)?;
    let mut roff = Roff::new();
    for (title, terms) in more {
        roff.control("SH", [*title]);
        for (term, text) in *terms {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(text.trim().replace('`', ""))]);
        }
    }
    roff.to_writer(out)
}
