//! `tokensense count`: tokens of text, as `wc` counts words.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::json;

use super::outcome::{Outcome, complain};
use super::prices;
use crate::cli;
use crate::meter::{Measure, Request, TokenCounter, Usage};
use crate::pipe::Exit;
use crate::price::{PriceBook, Query};
use crate::record::clean;
use crate::record::write::money;

/// What one file came to.
struct Sized {
    /// The model that it was counted for.
    model: Option<String>,
    tokens: u64,
    cost: Option<Decimal>,
    name: String,
}

/// Writes the counts to standard output.
///
/// # Errors
/// A price file that the user has to mend.
pub(super) fn run(args: cli::Count) -> Result<Exit> {
    let book = prices::open(&args.prices)?;
    let mut files = args.files.clone();
    if files.is_empty() {
        files.push(PathBuf::from("-"));
    }
    let (mut lines, mut failed) = (Vec::new(), false);
    for file in files {
        let name = file.display().to_string();
        let counted = match file.as_os_str() == "-" {
            true => count(&args, &mut std::io::stdin().lock()),
            false => File::open(&file)
                .map_err(|error| error.to_string())
                .and_then(|mut file| count(&args, &mut file)),
        };
        match counted {
            Ok((model, tokens)) => {
                let cost = model
                    .as_deref()
                    .and_then(|model| cost(&book, model, tokens));
                lines.push(Sized {
                    model,
                    tokens,
                    cost,
                    name,
                });
            }
            Err(error) => {
                complain(&format!("cannot count {}: {error}", clean(&name)));
                failed = true;
            }
        }
    }
    let text = match args.format {
        cli::CountFormat::Json => lines.iter().map(written).collect(),
        cli::CountFormat::Text => table(lines, args.files.is_empty()),
    };
    if let Err(error) = std::io::stdout().lock().write_all(text.as_bytes())
        && error.kind() != ErrorKind::BrokenPipe
    {
        complain(&format!("cannot write to standard output: {error}"));
        failed = true;
    }
    Ok(if failed {
        Outcome::Failure
    } else {
        Outcome::Success
    }
    .into())
}

/// The model, as far as it is known, and the tokens.
fn count(args: &cli::Count, source: &mut dyn Read) -> Result<(Option<String>, u64), String> {
    let model = args.model.clone();
    if args.request {
        let mut body = Vec::new();
        source
            .read_to_end(&mut body)
            .map_err(|error| error.to_string())?;
        let request = Request::parse(&body)
            .ok_or("this is no JSON object: --request takes the body of a request")?;
        let model = model.or_else(|| request.model().map(str::to_owned));
        let tokens = request.prompt_tokens(model.as_deref());
        let tokens =
            tokens.ok_or("it holds pictures, sound or files, of which the tokens are not known")?;
        return Ok((model, tokens));
    }
    let mut counter = TokenCounter::new(model.as_deref());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => counter.push(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok((model, counter.tokens()))
}

/// What so many tokens cost in a prompt.
fn cost(book: &PriceBook, model: &str, tokens: u64) -> Option<Decimal> {
    let mut usage = Usage::default();
    usage.estimate(Measure::Input, tokens);
    let query = Query {
        provider: None,
        model: Some(model),
        region: None,
        tier: None,
        at: SystemTime::now(),
        passes: &[],
    };
    let quote = book.quote(&query, &usage);
    quote.parts.map(|parts| parts.total())
}

fn written(line: &Sized) -> String {
    let counter = TokenCounter::new(line.model.as_deref());
    let error = counter
        .error()
        .map(|hundredths| f64::from(hundredths) / 100.0);
    let cost = line
        .cost
        .map_or("null".to_owned(), |cost| cost.normalize().to_string());
    let [file, model, estimator, error] = [
        json!(line.name),
        json!(line.model),
        json!(counter.estimator()),
        json!(error),
    ];
    let tokens = line.tokens;
    format!(
        "{{\"file\":{file},\"model\":{model},\"tokens\":{tokens},\"estimator\":{estimator},\
         \"estimate_error\":{error},\"cost_usd\":{cost}}}\n"
    )
}

/// Aligned columns: tokens, cost where there is one, and the file's name.
fn table(mut lines: Vec<Sized>, unnamed: bool) -> String {
    if lines.len() > 1 {
        let cost: Option<Decimal> = lines.iter().map(|line| line.cost).sum();
        lines.push(Sized {
            model: None,
            tokens: lines.iter().map(|line| line.tokens).sum(),
            cost,
            name: "total".to_owned(),
        });
    }
    let costs: Vec<_> = lines
        .iter()
        .map(|line| line.cost.map(|cost| format!("${}", money(cost))))
        .collect();
    let width = lines
        .iter()
        .map(|line| line.tokens.to_string().len())
        .max()
        .unwrap_or(0);
    let costs_width = costs.iter().flatten().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (line, cost) in lines.iter().zip(costs) {
        text += &format!("{:>width$}", line.tokens);
        if costs_width > 0 {
            text += &format!("  {:>costs_width$}", cost.unwrap_or_default());
        }
        if !unnamed {
            text += &format!("  {}", clean(&line.name));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
