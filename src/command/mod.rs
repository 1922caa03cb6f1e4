//! What each subcommand does: the words of the command line turned into the library's acts.

mod budget;
mod completions;
mod count;
mod man;
mod outcome;
mod output;
mod prices;
mod progress;
mod redact;
mod requests;
mod run;
mod session;
mod summarise;
mod table;
mod tap;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory as _, Parser as _, ValueEnum as _};
use signal_hook::consts::SIGPIPE;

use crate::cli::{Cli, Command, Late, PriceFiles};
use crate::pipe::Exit;
use outcome::{Outcome, complain};

/// Says where a fault of ours lies, and nothing of what is in memory: that may be a prompt.
fn report(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    complain(&format!(
        "internal fault at {}: metering ends here, the stream does not; please report it",
        place.unwrap_or_default()
    ));
}

/// Reads the command line. Help and complaints come out while it is read, so --color is looked for ahead.
pub fn parse() -> Cli {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let mut words = words.take_while(|word| word != "--");
    while let Some(word) = words.next() {
        let when = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(when) => when.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        match when.map(|when| ColorChoice::from_str(&when, false)) {
            Some(Ok(ColorChoice::Always)) => anstream::ColorChoice::Always.write_global(),
            Some(Ok(ColorChoice::Never)) => anstream::ColorChoice::Never.write_global(),
            _ => {}
        }
    }
    Cli::try_parse().unwrap_or_else(|error| {
        let error = suggest(error);
        match error.print() {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Exit::Signal(SIGPIPE).now()
            }
            _ => Exit::Code(error.exit_code() as u8).now(),
        }
    })
}

/// Adds which command may have been meant, where clap has no idea: its measure knows nothing like a word of three
/// letters, and an option is looked for only in the command that was named.
fn suggest(mut error: clap::Error) -> clap::Error {
    use ContextKind::{InvalidArg, InvalidSubcommand, SuggestedArg, SuggestedSubcommand};

    if error.kind() == ErrorKind::DisplayVersion
        && let Ok(book) = prices::open(&PriceFiles::default())
    {
        prices::complain_of_age(&book);
    }

    let mut root = Cli::command();
    root.build();
    let (kind, near): (_, Vec<_>) = match (error.get(InvalidSubcommand), error.get(InvalidArg)) {
        (Some(ContextValue::String(word)), _) => {
            let names = root.get_subcommands().map(clap::Command::get_name);
            let near = names.filter(|name| strsim::osa_distance(word, name) < 2);
            (SuggestedSubcommand, near.map(str::to_owned).collect())
        }
        (_, Some(ContextValue::String(word))) if !word.starts_with('-') => {
            if let Some(tip) = file_tip(word) {
                error.insert(
                    ContextKind::Suggested,
                    ContextValue::StyledStrs(vec![tip.into()]),
                );
            }
            return error;
        }
        (_, Some(ContextValue::String(word))) => {
            let long = word.strip_prefix("--");
            let has = |command: &&clap::Command| {
                command
                    .get_arguments()
                    .any(|arg| long.is_some() && arg.get_long() == long)
            };
            let near = root.get_subcommands().filter(has);
            let near = near.map(|command| format!("{} {word}", command.get_name()));
            (SuggestedArg, near.collect())
        }
        _ => return error,
    };
    if error.get(kind).is_none() && !near.is_empty() {
        error.insert(kind, ContextValue::Strings(near));
    }
    error
}

/// What to type instead of `tap FILE`.
fn file_tip(word: &str) -> Option<String> {
    let command = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with('-'))?;
    (command == "tap").then(|| {
        format!(
            "tap reads standard input: tokensense tap < {word}, or tokensense summarise {word} to only read the file"
        )
    })
}

/// Does what was asked.
pub fn run(cli: Cli) -> ! {
    std::panic::set_hook(Box::new(report));
    let exit = match cli.command {
        Command::Completions(Late(args)) => Ok(completions::run(args)),
        Command::Count(Late(args)) => count::run(args),
        Command::Help(Late(args)) => man::help(args),
        Command::Man(Late(args)) => man::run(args),
        Command::Run(Late(args)) => run::run(args),
        Command::Prices(Late(args)) => prices::run(args),
        Command::Redact(Late(args)) => redact::run(args),
        Command::Summarise(Late(args)) => summarise::run(args),
        Command::Tap(Late(args)) => tap::run(args),
    };
    match exit {
        Ok(exit) => exit.now(),
        Err(error) => {
            complain(&format!("{error:#}"));
            Exit::from(Outcome::Usage).now()
        }
    }
}
