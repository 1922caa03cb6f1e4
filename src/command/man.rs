//! `tokensense man`: the manual's pages in roff.

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::outcome::{Outcome, say};
use crate::cli::{self, Cli, EXAMPLES, variables};
use crate::nearest::meant;
use crate::pipe::Exit;
use crate::record::COLUMNS;

/// The exit statuses.
const STATUSES: &[(&str, &str)] = &[
    (
        "0",
        "The stream ended and all of it was passed on. run: the command's own status.",
    ),
    ("1", "A file or stream could not be read or written."),
    (
        "2",
        "Wrong usage, or a record or price file that cannot be used. Nothing was read or started.",
    ),
    (
        "3",
        "With --strict: a response was partial, failed or not recognised.",
    ),
    (
        "4",
        "A limit or budget was reached: --max-output-tokens, --max-cost, --budget.",
    ),
    (
        "126, 127",
        "run: the command cannot be executed, or was not found.",
    ),
    (
        "128 + n",
        "Signal n ended the program, such as 130 after Ctrl-C and 141 when the reader went away.",
    ),
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
        let command = find(&root, &name)?;
        page_of(command, &mut pages)?;
    } else {
        let columns: Vec<_> = COLUMNS
            .iter()
            .map(|column| (column.name, column.help))
            .collect();
        let more = [("EXIT STATUS", STATUSES), ("RECORD", &columns)];
        let name = root.get_name();
        let examples = EXAMPLES.iter().find(|(of, _)| *of == name);
        let more: Vec<_> = examples
            .map(|(_, examples)| ("EXAMPLES", *examples))
            .into_iter()
            .chain(more)
            .collect();
        page(&root, &more, &mut pages)?;
        for command in root.get_subcommands() {
            page_of(command, &mut pages)?;
        }
    }
    Ok(say(&pages))
}

/// Shows the help of one command, or of the program.
///
/// # Errors
/// There is no such command.
pub(super) fn help(args: cli::Help) -> Result<Exit> {
    let mut root = Cli::command();
    root.build();
    let mut command = match &args.command {
        None => root,
        Some(name) => find(&root, name)?.clone(),
    };
    command.print_long_help()?;
    Ok(Outcome::Success.into())
}

/// The command of this name.
fn find<'c>(root: &'c Command, name: &str) -> Result<&'c Command> {
    let command = root.find_subcommand(name);
    command.with_context(|| {
        let names: Vec<_> = root.get_subcommands().map(Command::get_name).collect();
        format!("there is no command {name:?}: {}", meant(name, &names))
    })
}

/// The page of a command.
fn page_of(command: &Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    let name = command.get_name();
    let examples = EXAMPLES.iter().find(|(of, _)| *of == name);
    let variables = variables(command);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, meaning)| (name.as_str(), meaning.as_str()))
        .collect();
    let mut more = Vec::new();
    more.extend(examples.map(|(_, examples)| ("EXAMPLES", *examples)));
    if !variables.is_empty() {
        more.push(("ENVIRONMENT", &variables));
    }
    page(command, &more, out)
}

/// One page, with these sections of terms at its end.
fn page(
    command: &Command,
    more: &[(&str, &[(&str, &str)])],
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    // The sections that end the help are sections of the page, too.
    Man::new(command.clone().after_help(None::<&str>))
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
