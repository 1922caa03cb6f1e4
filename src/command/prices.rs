//! `tokensense prices`: what models cost, and which entry answers for a name.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use globset::Glob;
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};

use super::outcome::{Outcome, complain, say};
use super::table::{Column, Kind, lay_out, left_out, width};
use crate::cli;
use crate::nearest::nearest;
use crate::object::Object;
use crate::pipe::Exit;
use crate::price::{
    Deal, Entry, Fetched, PriceBook, Provider, Rate, Rates, SECOND, SNAPSHOT, UNITS, label, place,
};
use crate::record::Cell as _;

/// Reads the price files that were named, or else those of the environment, or else the user's own.
pub(super) fn open(files: &cli::PriceFiles) -> Result<PriceBook> {
    let mut paths = files.prices.clone();
    if paths.is_empty()
        && let Some(named) = std::env::var_os("TOKENSENSE_PRICES")
    {
        let named = std::env::split_paths(&named);
        paths.extend(named.filter(|path| !path.as_os_str().is_empty()));
    }
    if paths.is_empty() {
        paths.extend(own_file().filter(|path| path.exists()));
    }
    let book = PriceBook::open(&paths).map_err(|error| anyhow!(error))?;
    Ok(match folder() {
        Some(folder) => book.fetched(place(&folder)),
        None => book,
    })
}

/// The day, by which prices may be old. Builds for development take it from TOKENSENSE_TODAY, so that tests can be late.
fn today() -> Date {
    let told = std::env::var_os("TOKENSENSE_TODAY").filter(|_| cfg!(debug_assertions));
    let told = told.and_then(|day| day.to_str()?.parse().ok());
    told.unwrap_or_else(|| Zoned::now().date())
}

/// Says it where prices are old.
pub(super) fn complain_of_age(book: &PriceBook) {
    if let Some(stale) = book.stale(today()) {
        complain(&stale);
    }
}

/// The prices on the user's own terms.
pub(super) fn open_on(files: &cli::PriceFiles, terms: &cli::Terms) -> Result<PriceBook> {
    let mut deal = Deal::default();
    deal.tier.clone_from(&terms.service_tier);
    deal.region = terms.region.as_deref().map(str::to_lowercase);
    for discount in &terms.discount {
        let read = deal.discounted(discount);
        deal = read.map_err(|error| anyhow!("--discount: {error}"))?;
    }
    Ok(open(files)?.on(deal))
}

fn own_file() -> Option<PathBuf> {
    Some(folder()?.join("prices.json"))
}

/// The user's settings for this program.
fn folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("tokensense"))
}

/// Puts today's prices in place.
///
/// # Errors
/// What could not be fetched, or read, or written, or what is wrong with it: then all stays as it was.
fn update(from: &str) -> Result<String> {
    let folder = folder().context("prices cannot be saved: HOME is not set")?;
    let text = match from.contains("://") {
        true => fetch(from)?,
        false => std::fs::read(from).with_context(|| format!("cannot read {from}"))?,
    };
    let today = Zoned::now().date();
    let fetched = Fetched::of(&text, from, today).map_err(|error| anyhow!("{from}: {error}"))?;
    let place = place(&folder);
    let had = PriceBook::default().fetched(place.clone()).models();
    if fetched.models < had / 2 {
        let models = fetched.models;
        bail!(
            "{from} has only {models} models, and there are {had} now: the prices were not changed"
        );
    }
    let put = || {
        std::fs::create_dir_all(&folder)?;
        let mut new = place.clone().into_os_string();
        new.push(format!(".{}", std::process::id()));
        let mut file = File::create(&new)?;
        let written = file
            .write_all(fetched.lines.as_bytes())
            .and_then(|()| file.sync_all());
        // One name leads to the old prices or to the new ones, never to a part of them.
        let put = written.and_then(|()| std::fs::rename(&new, &place));
        if put.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        put
    };
    put().with_context(|| format!("cannot write {}", place.display()))?;
    let (models, place) = (fetched.models, place.display());
    Ok(format!(
        "saved the prices of {today} in {place}: {models} models (before: {had})\n"
    ))
}

/// What the machine's curl brings.
fn fetch(url: &str) -> Result<Vec<u8>> {
    let curl = Command::new("curl")
        .args([
            "-fsSL",
            "--compressed",
            "--proto",
            "=http,https",
            "--max-time",
            "120",
        ])
        .args(["--max-filesize", "100000000", "--", url])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run curl")?;
    if !curl.status.success() {
        bail!(
            "curl could not fetch {url} ({}): the prices were not changed",
            curl.status
        );
    }
    Ok(curl.stdout)
}

/// Writes prices to standard output.
///
/// # Errors
/// A price file or pattern that the user has to mend.
pub(super) fn run(args: cli::Prices) -> Result<Exit> {
    if let Some(from) = &args.update {
        return Ok(match update(from) {
            Ok(done) => say(done.as_bytes()),
            Err(why) => {
                complain(&format!("{why:#}"));
                Outcome::Failure.into()
            }
        });
    }
    let book = open(&args.files)?;
    complain_of_age(&book);
    let text = match &args.model {
        Some(model) => one(&book, args.provider.as_deref(), model, args.format)
            .map_err(|why| format!("{why}{}", likely(&book, model))),
        None => {
            let pattern = args.pattern.as_deref().unwrap_or_default();
            list(&book, pattern, args.format)?.ok_or_else(|| {
                let hint = match likely(&book, pattern) {
                    hint if hint.is_empty() => "; tokensense prices lists them all".to_owned(),
                    hint => hint,
                };
                format!("no model matches {pattern:?}{hint}")
            })
        }
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => {
            complain(&why);
            return Ok(Outcome::Failure.into());
        }
    };
    Ok(say(text.as_bytes()))
}

/// `; did you mean X?`, where a model has a name like this one.
fn likely(book: &PriceBook, word: &str) -> String {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let providers = book.all();
    let names = providers
        .iter()
        .flat_map(|(_, provider)| provider.entries());
    let names: Vec<String> = names.map(|entry| bare(&entry.id)).collect();
    match nearest(&bare(word), names.iter().map(String::as_str)) {
        Some(name) if name != word => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}

/// An entry with the rates that hold today.
struct Listed<'a> {
    model: String,
    source: &'a str,
    entry: &'a Entry,
    rates: Rates<'a>,
}

impl<'a> Listed<'a> {
    fn new(provider: &Provider, entry: &'a Entry, file: Option<&'a str>) -> Self {
        Self {
            model: label(&provider.id, &entry.id),
            source: file.unwrap_or(SNAPSHOT),
            entry,
            rates: entry.rates(now(), None).0,
        }
    }

    /// The service tiers that have rates of their own today, with all rates that hold in them.
    fn tiers(&self) -> impl Iterator<Item = (&'a str, Rates<'a>)> {
        let entry = self.entry;
        let words = entry.tiers.iter().map(|(word, ..)| word.as_str());
        words.filter_map(move |word| match entry.rates(now(), Some(word)) {
            (rates, true) if word != "default" => Some((word, rates)),
            _ => None,
        })
    }

    fn json(&self) -> Object {
        let mut object = Object::default();
        object.add("model", &self.model);
        object.add("source", self.source);
        add_rates(&mut object, &self.rates);
        if !self.entry.second.is_empty() {
            let mut sources = Object::default();
            for of in &self.entry.second {
                sources.add(UNITS[*of as usize].key, SECOND);
            }
            object.add_json("sources", &sources.finish());
        }
        let mut tiers = Object::default();
        for (word, own) in self.tiers() {
            let mut tier = Object::default();
            add_rates(&mut tier, &own);
            tiers.add_json(word, &tier.finish());
        }
        object.add_json("tiers", &tiers.finish());
        object
    }
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

/// Adds `rates` for the shortest prompt, and `above` for longer ones.
fn add_rates(object: &mut Object, rates: &Rates<'_>) {
    let mut base = Object::default();
    let mut above: Vec<(u64, Object)> = Vec::new();
    for (unit, rate) in UNITS.iter().zip(rates) {
        let Some(rate) = rate else { continue };
        Some(rate.base).write_json(base.begin(unit.key));
        for (start, rate) in &rate.tiers {
            let at = above.iter().position(|(known, _)| known == start);
            let at = at.unwrap_or_else(|| {
                above.push((*start, Object::default()));
                above.len() - 1
            });
            Some(*rate).write_json(above[at].1.begin(unit.key));
        }
    }
    let mut starts = Object::default();
    for (start, rates) in above {
        starts.add_json(&start.to_string(), &rates.finish());
    }
    object.add_json("rates", &base.finish());
    object.add_json("above", &starts.finish());
}

/// The entries that a pattern picks, if there are any.
fn list(book: &PriceBook, pattern: &str, format: cli::Listing) -> Result<Option<String>> {
    let pattern = pattern.to_lowercase();
    let glob = match pattern.contains(['*', '?']) {
        true => Some(
            Glob::new(&pattern)
                .with_context(|| format!("pattern {pattern:?} is not valid"))?
                .compile_matcher(),
        ),
        false => None,
    };
    let providers = book.all();
    let lines = providers.iter().flat_map(|(file, provider)| {
        let entries = provider.entries();
        entries.map(|entry| Listed::new(provider, entry, *file))
    });
    let picked = |line: &Listed<'_>| {
        let name = line.model.to_lowercase();
        let bare = name.split_once('/').map_or(name.as_str(), |(_, bare)| bare);
        match &glob {
            Some(glob) => glob.is_match(&name) || glob.is_match(bare),
            None => name.contains(&pattern),
        }
    };
    let mut lines = lines.filter(picked).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    Ok(Some(match format {
        cli::Listing::Table => table(lines),
        cli::Listing::Json => lines
            .map(|line| format!("{}\n", line.json().finish()))
            .collect(),
        cli::Listing::Csv => csv(lines)?,
    }))
}

fn csv<'a>(lines: impl Iterator<Item = Listed<'a>>) -> Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(
        ["model", "source"]
            .into_iter()
            .chain(UNITS.iter().map(|unit| unit.key)),
    )?;
    for line in lines {
        let rates = line
            .rates
            .iter()
            .map(|rate| rate.map(|rate| rate.base.to_string()));
        let rates: Vec<_> = rates.map(Option::unwrap_or_default).collect();
        let fields = [line.model.as_str(), line.source].into_iter();
        csv.write_record(fields.chain(rates.iter().map(String::as_str)))?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

/// The columns that most models have, and their ranks among those that a narrow terminal leaves out; what else a model has
/// stands in the last.
const SHOWN: &[(&str, &str, u8)] = &[
    ("input", "input_mtok", 0),
    ("cached", "cache_read_mtok", 2),
    ("written", "cache_write_mtok", 3),
    ("for 1 h", "cache_write_1h_mtok", 5),
    ("output", "output_mtok", 0),
];
const UNIT: &str = "US dollars per million tokens";

fn table<'a>(lines: impl Iterator<Item = Listed<'a>>) -> String {
    let lines: Vec<_> = lines.collect();
    let source = lines.first().map_or(SNAPSHOT, |line| line.source);
    let one_source = lines.iter().all(|line| line.source == source);
    let column = |title: &str, kind| Column {
        title: title.to_owned(),
        kind,
    };
    let mut columns = vec![column("model", Kind::Name)];
    columns.extend(
        SHOWN
            .iter()
            .map(|(title, _, rank)| column(title, Kind::Figure(*rank))),
    );
    if !one_source {
        columns.push(column("source", Kind::Path));
    }
    columns.push(column("more", Kind::Remark(4)));
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let mut cells = vec![line.model.clone()];
            cells.extend(SHOWN.iter().map(|(_, key, _)| {
                let at = UNITS.iter().position(|unit| unit.key == *key);
                let rate = at.and_then(|at| line.rates[at]);
                rate.map(|rate| rate.base.to_string()).unwrap_or_default()
            }));
            if !one_source {
                cells.push(line.source.to_owned());
            }
            cells.push(more(line));
            cells
        })
        .collect();
    let laid = lay_out(&columns, &rows, width());
    let mut text = format!("{UNIT}\n\n{}\n", laid.lines.join("\n"));
    if one_source {
        text += &format!("\nsource: {source}\n");
    }
    let hidden = laid.hidden.iter().map(|at| columns[*at].title.as_str());
    for line in left_out(hidden, width()) {
        text += &format!("{line}\n");
    }
    text
}

/// What a model has beside the rates that most have.
fn more(line: &Listed<'_>) -> String {
    let rates = UNITS.iter().zip(line.rates);
    let mut more: Vec<String> = rates
        .filter(|(unit, _)| SHOWN.iter().all(|(_, key, _)| *key != unit.key))
        .filter_map(|(unit, rate)| Some(format!("{} {}", unit.key, rate?.base)))
        .collect();
    let mut starts: Vec<_> = line
        .rates
        .iter()
        .flatten()
        .flat_map(|rate| &rate.tiers)
        .map(|(start, _)| start)
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let starts = starts.iter();
    more.extend(starts.map(|start| format!("other rates above {start}")));
    more.extend(line.tiers().map(|(word, _)| word.to_owned()));
    more.join(", ")
}

/// The entry that answers for a name, and why; or why there is none.
fn one(
    book: &PriceBook,
    provider: Option<&str>,
    model: &str,
    format: cli::Listing,
) -> Result<String, String> {
    let found = book.find(provider, Some(model))?;
    let line = Listed::new(&found.provider, found.entry(), found.file.as_deref());
    let mut why: Vec<_> = found.assumed.iter().cloned().collect();
    why.push(format!("known as {}", found.name));
    let why = why.join("; ");
    let pages = &found.provider.pages;
    match format {
        cli::Listing::Csv => csv(std::iter::once(line)).map_err(|error| error.to_string()),
        cli::Listing::Json => {
            let mut object = line.json();
            object.add("why", &why);
            object.add("pages", pages);
            Ok(format!("{}\n", object.finish()))
        }
        cli::Listing::Table => {
            let mut text = format!(
                "model   {}\nwhy     {why}\nsource  {}\n",
                line.model, line.source
            );
            if !line.entry.second.is_empty() {
                let keys = line.entry.second.iter().map(|of| UNITS[*of as usize].key);
                let keys: Vec<_> = keys.collect();
                text += &format!("        {SECOND}: {}\n", keys.join(", "));
            }
            for page in pages {
                text += &format!("see     {page}\n");
            }
            let tiers: Vec<_> = line.tiers().collect();
            let words = tiers.iter().map(|(word, _)| *word);
            let mut columns = vec![Column {
                title: "US dollars for".to_owned(),
                kind: Kind::Name,
            }];
            columns.extend(std::iter::once("standard").chain(words).enumerate().map(
                |(at, title)| Column {
                    title: title.to_owned(),
                    kind: Kind::Remark(at.min(9) as u8),
                },
            ));
            let mut rows = Vec::new();
            let units = UNITS.iter().enumerate();
            for (at, unit) in units.filter(|(at, _)| line.rates[*at].is_some()) {
                let rates =
                    std::iter::once(line.rates[at]).chain(tiers.iter().map(|(_, own)| own[at]));
                let cells = rates.map(|rate| rate.map(shown).unwrap_or_default());
                rows.push(std::iter::once(unit.key.to_owned()).chain(cells).collect());
            }
            let laid = lay_out(&columns, &rows, width());
            let table = laid.lines.join("\n");
            let hidden = laid.hidden.iter().map(|at| columns[*at].title.as_str());
            let mut lines = left_out(hidden, width());
            lines.insert(0, table);
            Ok(format!("{text}\n{}\n", lines.join("\n")))
        }
    }
}

/// `3, above 200000 6`.
fn shown(rate: &Rate) -> String {
    let above = rate
        .tiers
        .iter()
        .map(|(start, rate)| format!(", above {start} {rate}"));
    std::iter::once(rate.base.to_string())
        .chain(above)
        .collect()
}
