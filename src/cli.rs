//! The words of the command line, and nothing they do.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{
    ArgAction, ArgMatches, Args, ColorChoice, FromArgMatches, Parser, Subcommand, ValueEnum,
    ValueHint,
};
use rust_decimal::Decimal;

use crate::price::VERSION;

/// Meter LLM API streams in a pipe: every byte forwarded unchanged, usage and cost written when the stream ends.
#[derive(Debug, Parser)]
#[command(
    name = "tokensense",
    version = VERSION,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Colours: on a terminal, always, or never
    ///
    /// NO_COLOR is honoured where this does not say.
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        display_order = 900,
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Meter a stream that passes through a pipe
    ///
    /// Reads standard input, writes the same bytes to standard output as they arrive, and writes one record
    /// for each API response when it ends.
    Tap(Late<Tap>),

    /// Start a client, ask for usage on its behalf, and meter its output
    ///
    /// The command's standard output is forwarded and metered as by tap; its exit status becomes ours. A curl's
    /// arguments are understood: where the body asks for a stream and the API takes it, usage is asked for too.
    Run(Late<Run>),

    /// Sum up what saved streams and records cost
    ///
    /// Each file may hold captures of streams in any framing, or records written by tokensense as JSON lines or
    /// CSV; gzip and zstd are read as they are. What a file holds is told by its content.
    #[command(visible_alias = "summarize")]
    Summarise(Late<Summarise>),

    /// Show what models cost, and which price entry answers for a name
    ///
    /// Rates are in US dollars for a million tokens, a thousand searches or requests, or an hour of sound; those of
    /// today, and of the standard tier. Prices come from the price files, then from the built-in table.
    Prices(Late<Prices>),

    /// Print a completion script
    ///
    /// For bash: tokensense completions bash > ~/.local/share/bash-completion/completions/tokensense
    Completions(Late<Completions>),

    /// Print the manual
    ///
    /// To read it: tokensense man | man -l -
    Man(Late<Man>),
}

/// The arguments of one subcommand. clap builds them only if that is the one asked for: a filter has to start fast.
#[derive(Debug)]
pub struct Late<T>(pub T);

impl<T: Args> Args for Late<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(T::augment_args)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command.defer(T::augment_args_for_update)
    }
}

impl<T: FromArgMatches> FromArgMatches for Late<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[derive(Args, Debug)]
pub struct Prices {
    /// Models whose provider/name contains PATTERN, or matches it where it has * or ?
    #[arg(conflicts_with_all = ["model", "provider"])]
    pub pattern: Option<String>,

    /// Show the entry that answers for a model's name as it comes on the wire or from a URL, and why; exit 1 for none
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// The provider of --model, where its name does not tell
    #[arg(long, value_name = "NAME", requires = "model")]
    pub provider: Option<String>,

    #[command(flatten)]
    pub files: PriceFiles,

    /// How prices are written
    ///
    /// json: one object a line, with model, source and rates by unit; above holds those for prompts of more
    /// tokens, tiers those of service tiers. csv: a line for each model with the same units, for the shortest prompt.
    #[arg(long, value_enum, default_value_t = Listing::Table)]
    pub format: Listing,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Listing {
    /// Aligned columns for people
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Where prices come from beside the built-in table.
#[derive(Args, Clone, Debug)]
pub struct PriceFiles {
    /// Ask FILE for prices before the built-in table; repeatable
    ///
    /// In LiteLLM's format (model_prices_and_context_window.json) or genai-prices' (data.json). Without it, the files
    /// in TOKENSENSE_PRICES, separated as in PATH; without those, tokensense/prices.json in $XDG_CONFIG_HOME or
    /// ~/.config.
    #[arg(long, value_name = "FILE")]
    pub prices: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Tap {
    #[command(flatten)]
    pub metering: Metering,
}

#[derive(Args, Debug)]
pub struct Completions {
    /// The shell to complete in
    pub shell: Shell,
}

#[derive(Args, Debug)]
pub struct Man {
    /// The command whose page is wanted; without it, all pages
    pub command: Option<String>,
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub metering: Metering,

    /// When to add stream_options.include_usage to a curl's request
    #[arg(long, value_enum, default_value_t = Inject::Auto, env = "TOKENSENSE_INJECT")]
    pub inject: Inject,

    /// Print the command that would run, secrets and prompts left out, and run nothing
    #[arg(long)]
    pub dry_run: bool,

    /// The command and its arguments, best after --
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// What tap and run have in common.
#[derive(Args, Clone, Debug)]
pub struct Metering {
    /// Append records to FILE instead of stderr
    ///
    /// The file is opened before the first byte is read. Its ending, .csv, .json or .jsonl, chooses the format
    /// unless --format does.
    #[arg(short, long, value_name = "FILE", env = "TOKENSENSE_OUTPUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// How records are written
    #[arg(long, value_enum, env = "TOKENSENSE_FORMAT")]
    pub format: Option<Format>,

    /// Choose, order and rename columns
    ///
    /// As in model,in=input_tokens,up=usage.cost_details.upstream_inference_cost,team=label.team. A dotted path
    /// reaches into the provider's usage object; a number is a place in a list. Lines for people stay as they are.
    #[arg(long, value_name = "LIST", env = "TOKENSENSE_COLUMNS")]
    pub columns: Option<String>,

    /// Carry KEY=VALUE into the record; repeatable
    ///
    /// TOKENSENSE_LABELS holds more of them, with commas between.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub labels: Vec<String>,

    /// The model, where the stream does not say or says it wrongly, as for a deployment of Azure's
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// The provider, where the stream does not say or says it wrongly
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,

    /// The JSON request body, so that an interrupted stream's prompt can be estimated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub request: Option<PathBuf>,

    #[command(flatten)]
    pub files: PriceFiles,

    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Emit::Raw)]
    pub emit: Emit,

    /// When the reader goes away, read on to the end of the stream for exact usage
    #[arg(long)]
    pub drain: bool,

    /// Stop the stream once more than N output tokens have come; exit 4
    #[arg(long, value_name = "N")]
    pub max_output_tokens: Option<u64>,

    /// Stop the stream once it has cost more than USD; exit 4
    #[arg(long, value_name = "USD", value_parser = cost, allow_negative_numbers = true)]
    pub max_cost: Option<Decimal>,

    /// Show tokens, speed and cost on stderr while the stream goes by
    ///
    /// Only on a terminal, and not where the record would be written to it too; given twice, wherever stderr goes.
    #[arg(long, action = ArgAction::Count)]
    pub progress: u8,

    /// Exit 3 if any response was partial, failed or unrecognised
    #[arg(long)]
    pub strict: bool,

    /// No record on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct Summarise {
    /// Files, folders with all that is in them, or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Read further paths from FILE, separated by line ends or NULs; - is standard input
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,

    /// Group by these keys
    ///
    /// model, provider, api, status, file, dir, hour, day, week, month or label.NAME; several, with commas
    /// between, nest. What a response does not tell groups as "unknown".
    #[arg(
        long,
        value_name = "KEYS",
        value_delimiter = ',',
        default_value = "model"
    )]
    pub by: Vec<String>,

    /// How the summary is written
    #[arg(long, value_enum, default_value_t = Layout::Table)]
    pub format: Layout,

    /// Also write each response's record to FILE, as JSON lines or, if it ends in .csv, as CSV
    ///
    /// What was in FILE is replaced. A response that several files repeat is written each time: summaries count
    /// it once.
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,

    /// Order the groups by a key, or by a column of the summary: its greatest first
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<String>,

    /// Turn the order round
    #[arg(long)]
    pub reverse: bool,

    /// Show only the first N groups; the totals are of all
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,

    /// Only responses made at TIME or later
    ///
    /// As 2026-11-30, which is its first moment, 2026-11-30T18:00, 2026-11-30T18:00:00Z, or 7d for seven days ago.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Only responses made before TIME
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,

    /// Only responses whose KEY fits GLOB; repeatable
    ///
    /// The keys are those of --by. Of several globs for one key one has to fit.
    #[arg(long = "filter", value_name = "KEY=GLOB")]
    pub filters: Vec<String>,

    /// Compute the costs of records anew with today's prices
    #[arg(long)]
    pub reprice: bool,

    #[command(flatten)]
    pub files: PriceFiles,

    /// Count a response as often as it is met, not once for each id
    #[arg(long)]
    pub no_dedup: bool,

    /// Let a response that tells no time have its file's
    #[arg(long)]
    pub mtime: bool,

    /// Files read at once [default: one for each core]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,

    /// Nothing on stderr but errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Layout {
    /// Aligned columns for people
    Table,
    /// One JSON object
    Json,
    /// The groups as comma-separated values with a header
    Csv,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Emit {
    /// The bytes as they came
    Raw,
    /// Each event's JSON payload, one per line
    Data,
    /// The generated text alone
    Text,
    /// Nothing: then records may go to standard output with -o -
    None,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Inject {
    /// Wherever the body asks for a stream and does not say
    Always,
    /// Where the API is known to take it
    Auto,
    /// Nowhere
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// One JSON object a line
    Json,
    /// Comma-separated values with a header
    Csv,
    /// One short line for people
    Line,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// An amount to spend.
fn cost(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(cost) if cost.is_sign_negative() => Err("a cost cannot be negative".to_owned()),
        Ok(cost) => Ok(cost),
        Err(_) => Err("not an amount of US dollars, as 0.25".to_owned()),
    }
}
