//! The words of the command line, and nothing they do.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
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
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Meter a stream that passes through a pipe
    ///
    /// Reads standard input, writes the same bytes to standard output as they arrive, and writes one record
    /// for each API response when it ends.
    Tap(Tap),

    /// Show what models cost, and which price entry answers for a name
    ///
    /// Rates are in US dollars for a million tokens, a thousand searches or requests, or an hour of sound; those of
    /// today, and of the standard tier. Prices come from the price files, then from the built-in table.
    Prices(Prices),
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

/// What tap and run have in common.
#[derive(Args, Clone, Debug)]
pub struct Metering {
    /// Append records to FILE instead of stderr
    ///
    /// The file is opened before the first byte is read. Its ending, .csv, .json or .jsonl, chooses the format
    /// unless --format does.
    #[arg(short, long, value_name = "FILE", env = "TOKENSENSE_OUTPUT")]
    pub output: Option<PathBuf>,

    /// How records are written
    #[arg(long, value_enum, env = "TOKENSENSE_FORMAT")]
    pub format: Option<Format>,

    /// Choose, order and rename columns
    ///
    /// As in model,in=input_tokens,up=usage.cost_details.upstream_inference_cost,team=label.team. A dotted path
    /// reaches into the provider's usage object.
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
    #[arg(long, value_name = "FILE")]
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
pub enum Format {
    /// One JSON object a line
    Json,
    /// Comma-separated values with a header
    Csv,
    /// One short line for people
    Line,
}

/// An amount to spend.
fn cost(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(cost) if cost.is_sign_negative() => Err("a cost cannot be negative".to_owned()),
        Ok(cost) => Ok(cost),
        Err(_) => Err("not an amount of US dollars, as 0.25".to_owned()),
    }
}
