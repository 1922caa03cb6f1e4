//! The words of the command line, and nothing they do.

mod guide;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{
    ArgAction, ArgMatches, Args, ColorChoice, FromArgMatches, Parser, Subcommand, ValueEnum,
    ValueHint,
};
use rust_decimal::Decimal;

use crate::price::VERSION;
pub(crate) use guide::{EXAMPLES, variables};

/// See what LLM API calls use and cost: put it into the pipe, it passes every byte on unchanged
#[derive(Debug, Parser)]
#[command(
    name = "tokensense",
    version = VERSION,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = guide::ROOT
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colours: auto (on a terminal), always or never
    ///
    /// This option wins over the variable NO_COLOR.
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
    /// Copies standard input to standard output as it arrives. When an API response ends, or is cut off, one record of
    /// its usage and cost is written: on a terminal as a short line, elsewhere as JSON.
    Tap(Late<Tap>),

    /// Start a command such as curl, request usage for it, and meter its output
    ///
    /// The command's standard output is forwarded and metered as by tap, and its exit status is passed on. If the command
    /// is curl, its request is read: where it asks for a stream and the API reports usage only on request, the request
    /// for usage is added.
    Run(Late<Run>),

    /// Add up what saved streams and records cost
    ///
    /// A file may hold saved API responses in any framing, or records written by tokensense as JSON lines or CSV. Files
    /// compressed with gzip, zstd, xz or bzip2 are read too. What a file holds is recognised by its content, not by its name.
    #[command(visible_alias = "summarize")]
    Summarise(Late<Summarise>),

    /// Show what models cost, and which price is used for a model
    ///
    /// Shows today's list prices of the standard tier, in US dollars per million tokens, per thousand searches or
    /// requests, or per hour of audio. Price files are searched first, then the built-in table.
    Prices(Late<Prices>),

    /// Count the tokens of text, as wc counts words
    ///
    /// One line for each file: its tokens and, with --model, what they cost as a prompt; a total where there are
    /// several. The count is exact where the model's vocabulary is public, else an estimate; --format json says which.
    Count(Late<Count>),

    /// Replace the texts of a saved stream, so that it can be shown to others
    ///
    /// Copies a saved API response with each text, tool argument and key replaced by another one of its length. Ids, model
    /// names, numbers and errors stay: metering the copy gives the same record, with the same counts and cost. Read the copy
    /// before you share it.
    Redact(Late<Redact>),

    /// Print a completion script for a shell
    ///
    /// Save it where your shell looks for completions, as the examples show, and start a new shell.
    Completions(Late<Completions>),

    /// Print the manual page
    ///
    /// The page is in roff, the format that man reads.
    Man(Late<Man>),

    /// Show the help of a command
    Help(Late<Help>),
}

/// The arguments of one subcommand. clap builds them only if that is the one asked for: a filter has to start fast.
#[derive(Debug)]
pub struct Late<T>(pub T);

impl<T: Args> Args for Late<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(augment::<T>)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command.defer(augment::<T>)
    }
}

/// Adds the arguments, and the sections that end the help. What the command says of itself stays: clap would put what a
/// group of arguments says in its place.
fn augment<T: Args>(command: clap::Command) -> clap::Command {
    let about = command.get_about().cloned();
    let long_about = command.get_long_about().cloned();
    let command = without_empty_variables(T::augment_args(command));
    let end = guide::sections(&command);
    let command = match about {
        Some(about) => command.about(about),
        None => command,
    };
    let command = match long_about {
        Some(about) => command.long_about(about),
        None => command.long_about(None::<&str>),
    };
    command.after_help(end)
}

impl<T: FromArgMatches> FromArgMatches for Late<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// A variable that is empty is as one that is not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| match arg.get_env().map(std::env::var_os) {
        Some(Some(value)) if value.is_empty() => arg.env(None::<&str>),
        _ => arg,
    })
}

#[derive(Args, Debug)]
pub struct Prices {
    /// Show only models whose name contains PATTERN, or matches it if it has * or ?
    #[arg(conflicts_with_all = ["model", "provider"])]
    pub pattern: Option<String>,

    /// Show which price is used for a model's name, and why
    ///
    /// Give the name as the API or the URL has it. The exit status is 1 if there is no price for it.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// The provider of --model, if its name is not enough
    #[arg(long, value_name = "NAME", requires = "model")]
    pub provider: Option<String>,

    /// Fetch today's prices with curl, check them, and use them from now on
    ///
    /// Without URL or FILE, genai-prices' list is fetched; both genai-prices' and LiteLLM's format are read. The prices are
    /// saved in $XDG_CONFIG_HOME/tokensense, or else in ~/.config/tokensense. Nothing is fetched without this option.
    #[arg(
        long,
        value_name = "URL|FILE",
        num_args = 0..=1,
        default_missing_value = "https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/data.json",
        conflicts_with_all = ["pattern", "model", "provider", "prices", "format"]
    )]
    pub update: Option<String>,

    #[command(flatten)]
    pub files: PriceFiles,

    /// The output format
    ///
    /// json: one object per line, with model, source and rates by unit; "above" holds the rates of longer prompts, "tiers"
    /// those of service tiers. csv: one line per model with the same units, for the shortest prompts.
    #[arg(long, value_enum, default_value_t = Listing::Table)]
    pub format: Listing,
}

#[derive(Args, Clone, Debug)]
pub struct Redact {
    /// A saved API response; - or none for standard input
    pub file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct Count {
    /// Files of text; - or none for standard input
    pub files: Vec<PathBuf>,

    /// The model to count for
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// The files are JSON bodies of requests: count their prompts, for the model that each names
    #[arg(long)]
    pub request: bool,

    #[command(flatten)]
    pub prices: PriceFiles,

    /// How counts are written
    #[arg(long, value_enum, default_value_t = CountFormat::Text)]
    pub format: CountFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum CountFormat {
    /// Aligned columns for people
    Text,
    /// One JSON object a line, with the vocabulary and how exact it is
    Json,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Listing {
    /// A table to read
    Table,
    /// One JSON object per line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Where prices come from beside the built-in table.
#[derive(Args, Clone, Debug, Default)]
pub struct PriceFiles {
    /// Look for prices in FILE before the built-in table; repeatable
    ///
    /// FILE is in the format of LiteLLM (model_prices_and_context_window.json) or genai-prices (data.json). Without this
    /// option, the files in TOKENSENSE_PRICES are used, separated by colons, or else ~/.config/tokensense/prices.json.
    #[arg(long, value_name = "FILE")]
    pub prices: Vec<PathBuf>,
}

/// What the user knows of the bill.
#[derive(Args, Clone, Debug)]
pub struct Terms {
    /// The service tier, if the response does not report it: batch, flex, priority, ...
    #[arg(long, value_name = "NAME")]
    pub service_tier: Option<String>,

    /// The region that is billed, if the host does not show it; some regions cost more
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,

    /// Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    ///
    /// Costs that the provider reports stay unchanged. A negative percentage is a premium. The record's cost_note names the
    /// discount.
    #[arg(
        long,
        value_name = "PERCENT",
        env = "TOKENSENSE_DISCOUNT",
        allow_hyphen_values = true
    )]
    pub discount: Vec<String>,
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
    /// Print only the page of this command
    pub command: Option<String>,
}

#[derive(Args, Debug)]
pub struct Help {
    /// The command to explain
    pub command: Option<String>,
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub metering: Metering,

    /// When to add the request for usage (stream_options.include_usage) to curl's request
    #[arg(long, value_enum, default_value_t = Inject::Auto, env = "TOKENSENSE_INJECT")]
    pub inject: Inject,

    /// End when the command ends, even if it left something running in the background
    #[arg(long)]
    pub no_wait: bool,

    /// Print the command that would run, without keys and prompts, and do not run it
    #[arg(long)]
    pub dry_run: bool,

    /// The command to run and its arguments, after --
    #[arg(value_name = "COMMAND", trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// What tap and run have in common.
#[derive(Args, Clone, Debug)]
pub struct Metering {
    /// Append records to FILE instead of writing them to stderr
    ///
    /// The file's ending chooses the format: .json and .jsonl JSON lines, .csv CSV, .tsv tab-separated values. On a
    /// terminal a short line is shown as well; -q turns that off. - is standard output, with --emit none.
    #[arg(short, long, value_name = "FILE", env = "TOKENSENSE_OUTPUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// The format of records [default: line on a terminal, json elsewhere]
    ///
    /// The variable TOKENSENSE_FORMAT changes the default, but not the format of a file whose ending names one.
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Choose, order and rename the columns of records
    ///
    /// For example model,in=input_tokens,team=label.team,up=usage.cost_details.upstream_inference_cost. A dotted path
    /// reaches into the provider's usage object; a number picks from a list. --format line and otlp have columns of their own.
    /// tokensense man lists all columns.
    #[arg(long, value_name = "LIST", env = "TOKENSENSE_COLUMNS")]
    pub columns: Option<String>,

    /// Add the label KEY=VALUE to the record; repeatable
    ///
    /// The variable TOKENSENSE_LABELS may hold more of them, separated by commas.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub labels: Vec<OsString>,

    /// The model, if the stream does not name it or names it wrongly, as Azure does for some deployments
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// The provider, if the stream does not name it or names it wrongly
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,

    /// The JSON body of the request, so that the input of an interrupted stream can be estimated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub request: Option<PathBuf>,

    #[command(flatten)]
    pub files: PriceFiles,

    #[command(flatten)]
    pub terms: Terms,

    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Emit::Raw)]
    pub emit: Emit,

    /// If the reader goes away, read the stream to its end anyway, to know its exact usage
    #[arg(long)]
    pub drain: bool,

    /// Stop the stream when it exceeds N output tokens; exit status 4
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub max_output_tokens: Option<u64>,

    /// Stop the stream when it costs more than USD; exit status 4
    #[arg(long, value_name = "USD", value_parser = cost, allow_negative_numbers = true)]
    pub max_cost: Option<Decimal>,

    /// Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable
    ///
    /// PERIOD is hour, day, week, month or year. The records in the --output file count towards it; with a label, only those
    /// that have it. If the budget is spent already, nothing is started; a stream that reaches it is stopped. The exit
    /// status is 4 in both cases.
    #[arg(long = "budget", value_name = "USD/PERIOD", env = "TOKENSENSE_BUDGET")]
    pub budgets: Vec<String>,

    /// Show tokens, speed and cost on the terminal while the stream is running
    ///
    /// Nothing is shown if stderr is no terminal, or if standard output or a program that reads it writes to the same
    /// terminal: the two would overwrite each other. Given twice, a line is written each second if stderr is a file or a
    /// pipe, unless records are written there.
    #[arg(long, action = ArgAction::Count)]
    pub progress: u8,

    /// Exit with status 3 if any response was partial, failed or not recognised
    #[arg(long)]
    pub strict: bool,

    /// Write no record to stderr
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct Summarise {
    /// Files, folders (with everything in them), or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Read more paths from FILE, separated by newlines or NULs; - is standard input
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,

    /// Group by these keys, separated by commas
    ///
    /// The keys are model, provider, api, status, file, dir, hour, day, week, month, block, agent, project, session and
    /// label.NAME. A block is a window of five hours, as the limits of Claude's plans run. Responses without the key are
    /// grouped as "unknown".
    #[arg(
        long,
        value_name = "KEYS",
        value_delimiter = ',',
        default_value = "model"
    )]
    pub by: Vec<String>,

    /// Also read the logs of coding agents on this machine: of all agents, or of those in LIST
    ///
    /// As --agents=claude,codex. Where an agent's environment variable names another folder, that one is read.
    #[arg(long, value_name = "LIST", num_args = 0..=1, value_delimiter = ',', default_missing_value = "")]
    pub agents: Option<Vec<String>>,

    /// Leave out the names of agents' projects, and the files and folders of their logs
    #[arg(long)]
    pub no_project: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t = Layout::Table)]
    pub format: Layout,

    /// Draw bars beside the table's costs
    #[arg(long)]
    pub chart: bool,

    /// Also write the record of each response to FILE
    ///
    /// FILE's ending chooses the format: .csv, .tsv, or else JSON lines. FILE is overwritten. A response that several
    /// files repeat is written each time; summaries count it once.
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,

    /// Sort the groups by a key (first to last) or by a column (largest first)
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<String>,

    /// Reverse the order of the groups
    #[arg(long)]
    pub reverse: bool,

    /// Show only the first N groups; the total still includes all
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub top: Option<usize>,

    /// Count only responses made at TIME or later
    ///
    /// TIME is today, yesterday, a span such as 7d or 12h before now, a date such as 2026-11-30 (its first moment), or a
    /// time such as 2026-11-30T18:00 or 2026-11-30T18:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Count only responses made before TIME
    ///
    /// TIME is written as for --since.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,

    /// Count only responses whose KEY matches GLOB; repeatable
    ///
    /// The keys are those of --by. If a key is given several times, one of its globs has to match.
    #[arg(long = "filter", value_name = "KEY=GLOB")]
    pub filters: Vec<String>,

    /// Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros
    ///
    /// Only tables and pages change. JSON, CSV and records stay in US dollars, so that they can be added up later.
    #[arg(long, value_name = "CODE=RATE", value_parser = currency)]
    pub currency: Option<Currency>,

    /// Compute the costs of records again with today's prices
    #[arg(long)]
    pub reprice: bool,

    #[command(flatten)]
    pub files: PriceFiles,

    #[command(flatten)]
    pub terms: Terms,

    /// Compare with the provider's own usage or cost report, by day and model
    ///
    /// FILE is the JSON of OpenAI's, Anthropic's or OpenRouter's usage API: one page, or several one after another. Days are
    /// UTC.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["by", "sort", "timezone"])]
    pub reconcile: Option<PathBuf>,

    /// Count a response each time it is found, not once per id
    #[arg(long)]
    pub no_dedup: bool,

    /// Use the time of the file for responses that carry no time
    #[arg(long)]
    pub mtime: bool,

    /// How many files to read at the same time [default: number of cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = whole::<NonZeroUsize>)]
    pub threads: Option<NonZeroUsize>,

    /// Show no progress bar
    #[arg(long)]
    pub no_progress: bool,

    /// Write nothing but errors to stderr
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Layout {
    /// A table to read
    Table,
    /// One JSON object
    Json,
    /// The groups as comma-separated values with a header
    Csv,
    /// One page for a browser, with charts: it loads nothing
    Html,
    /// Metrics in Prometheus' text format, for node_exporter's textfile collector
    Prometheus,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Emit {
    /// The bytes as they came
    Raw,
    /// The JSON of each event, one per line
    Data,
    /// Only the generated text
    Text,
    /// Nothing; then -o - may write records to standard output
    None,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Inject {
    /// For every stream, unless the request already decides it
    Always,
    /// Only if the API is known to accept it
    Auto,
    /// Do not change the request
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// One JSON object per line
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// One short line to read
    Line,
    /// Spans for OpenTelemetry, in OTLP's JSON, one per line
    Otlp,
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

/// A currency that costs are shown in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Currency {
    /// How it is called: `EUR`, `€`.
    pub code: String,
    /// How much of it a US dollar is worth.
    pub rate: Decimal,
}

/// A currency and its rate.
fn currency(text: &str) -> Result<Currency, String> {
    let shape = "write CODE=RATE, such as EUR=0.92";
    let (code, rate) = text.split_once('=').ok_or(shape)?;
    let (code, rate) = (code.trim(), rate.trim().parse::<Decimal>());
    let rate = rate.map_err(|_| shape)?;
    let is_code = |c: char| !c.is_whitespace() && !c.is_control() && !c.is_ascii_digit();
    if code.is_empty() || code.chars().count() > 8 || !code.chars().all(is_code) {
        return Err(shape.to_owned());
    }
    if rate <= Decimal::ZERO || rate > Decimal::from(1_000_000_000) {
        return Err("the rate must be above 0 and at most 1000000000".to_owned());
    }
    let code = code.to_owned();
    Ok(Currency { code, rate })
}

/// An amount to spend.
fn cost(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(cost) if cost.is_sign_negative() => Err("a cost cannot be negative".to_owned()),
        Ok(cost) => Ok(cost),
        Err(_) => Err("write an amount of US dollars such as 0.25".to_owned()),
    }
}

/// A number of things. The standard library's own sentences are for programmers.
fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    let told = || "write a whole number such as 10".to_owned();
    text.parse().map_err(|_| told())
}
