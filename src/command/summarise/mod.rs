//! `tokensense summarise`: saved streams and records, summed up on all cores.

mod agents;
mod block;
mod copies;
mod html;
mod input;
mod job;
mod key;
mod ledger;
mod lines;
mod prometheus;
mod queue;
mod reconcile;
mod scan;
mod share;
mod show;
mod total;

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, ScopedJoinHandle};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use rustix::process::{Resource, getrlimit};
use signal_hook::consts::SIGPIPE;

use super::outcome::{Outcome, complain, is_coloured};
use super::prices;
use super::table::width;
use crate::cli::{self, Layout};
use crate::pipe::Exit;
use crate::price::PriceBook;
use crate::record::write::{Format, Selection, Writer};
use crate::saved::{Report, read_report};
use input::Input;
use job::{Job, Records};
use key::{Key, Picks};
use ledger::{Ledger, Sums};
use queue::{Queue, Taker};
use reconcile::Reconciled;
use scan::Worker;
use show::Summary;

/// Sums up everything it is given.
///
/// # Errors
/// Anything the user has to mend before a byte is read.
pub(super) fn run(mut args: cli::Summarise) -> Result<Exit> {
    let report = args.reconcile.as_deref().map(report).transpose()?;
    if report.is_some() {
        args.by = vec!["day".to_owned(), "model".to_owned()];
        args.timezone = Some("UTC".to_owned());
    }
    let asked = Grouping::read(&args)?;
    let shown = asked.shown;
    let prices = prices::open_on(&args.files, &args.terms)?;
    let paths = paths(&mut args)?;
    let nothing_there = paths.is_empty() && args.files_from.is_none();
    let (mut job, inputs) = prepare(&args, asked, prices, paths)?;
    let mut sums = scan_all(&job, inputs, args.threads)?;
    let adopted = adopted(&mut job, &mut sums);
    sums.extend(adopted);
    if let Some(bar) = &job.bar {
        bar.finish_and_clear();
    }
    let outcome = match complain_of_job(&job, args.quiet) && !nothing_there {
        true => Outcome::Success,
        false => Outcome::Failure,
    };
    let text = sum_up(job, sums, report, shown, &args);
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Signal(SIGPIPE)),
        Err(error) => {
            complain(&format!("cannot write the summary: {error}"));
            Ok(Outcome::Failure.into())
        }
        Ok(()) => Ok(outcome.into()),
    }
}

/// What the options say of groups and of what is counted.
struct Grouping {
    by: Vec<Key>,
    /// How many of the keys were asked for; the others are for charts.
    shown: usize,
    zone: TimeZone,
    picks: Picks,
}

impl Grouping {
    fn read(args: &cli::Summarise) -> Result<Self> {
        let mut by = keys(&args.by)?;
        show::check(&by, args.sort.as_deref()).map_err(|error| anyhow!("--sort: {error}"))?;
        let shown = by.len();
        if args.format == Layout::Html {
            by.extend(chart_keys(&by)?);
        }
        let timed = by.iter().any(Key::is_time)
            || !args.filters.is_empty()
            || args.since.is_some()
            || args.until.is_some();
        // The system's zone takes a walk through all that it knows.
        let zone = match args.timezone.as_deref() {
            None if !timed => TimeZone::UTC,
            name => zone(name)?,
        };
        let picks = picks(args, &zone)?;
        Ok(Self {
            by,
            shown,
            zone,
            picks,
        })
    }
}

/// What is to be read; nothing where the agents that were asked for have no logs.
fn paths(args: &mut cli::Summarise) -> Result<Vec<PathBuf>> {
    let mut paths = std::mem::take(&mut args.paths);
    if let Some(names) = &args.agents {
        paths.extend(agents_logs(names)?);
    }
    if let Some(list) = &args.files_from {
        paths.extend(input::listed(list)?);
    } else if paths.is_empty() && args.agents.is_none() {
        if io::stdin().is_terminal() {
            bail!("nothing to read: name files or folders, or - for standard input");
        }
        paths.push("-".into());
    }
    Ok(paths)
}

/// What all workers share, and the files that they are to read.
fn prepare(
    args: &cli::Summarise,
    asked: Grouping,
    prices: PriceBook,
    paths: Vec<PathBuf>,
) -> Result<(Job, Found)> {
    let Grouping {
        by, zone, picks, ..
    } = asked;
    let shows = !args.quiet && !args.no_progress && io::stderr().is_terminal();
    let done = Arc::new(AtomicUsize::new(0));
    let (mut bar, mut records) = (None, None);
    let mut inputs: Found = Box::new(input::find(paths));
    if args.records.is_some() || shows {
        let found: Vec<_> = inputs.collect();
        let files = || found.iter().flatten();
        bar = shows.then(|| progress(files(), found.len(), &done));
        let path = args.records.as_deref();
        records = path
            .map(|path| open_records(path, files(), args))
            .transpose()?;
        inputs = Box::new(found.into_iter());
    }
    let keyed_by_place = by.iter().any(Key::is_place) || picks.ask_place();
    let job = Job {
        placed: records.is_some() || keyed_by_place,
        keyed_by_place,
        no_project: args.no_project,
        copies: (!args.no_dedup).then(Mutex::default),
        by,
        picks,
        zone,
        prices,
        reprice: args.reprice,
        mtime: args.mtime,
        now: SystemTime::now(),
        ledger: Ledger::new(!args.no_dedup),
        records,
        done,
        failed: AtomicUsize::new(0),
        unrecognised: AtomicUsize::new(0),
        first_unrecognised: OnceLock::new(),
        known: AtomicBool::new(false),
        read: AtomicU64::new(0),
        bar,
    };
    Ok((job, inputs))
}

/// Says what went wrong, and of prices that are old; gives whether nothing did.
fn complain_of_job(job: &Job, quiet: bool) -> bool {
    let unrecognised = job.unrecognised.load(Ordering::Relaxed);
    if let Some(first) = job.first_unrecognised.get()
        && !quiet
    {
        complain(&match unrecognised {
            1 => format!("{first} holds nothing that is known here: not counted"),
            n => format!(
                "{n} files hold nothing that is known here, {first} among them: not counted"
            ),
        });
    }
    let unwritten = job.records.as_ref().and_then(|it| it.error.get());
    if let Some(error) = unwritten {
        complain(&format!("cannot write --records: {error}"));
    }
    if io::stderr().is_terminal() && !quiet {
        prices::complain_of_age(&job.prices);
    }
    job.failed.load(Ordering::Relaxed) == 0 && !job.knows_nothing() && unwritten.is_none()
}

/// The summary of what the workers found, as it is to be printed.
fn sum_up(
    job: Job,
    sums: Vec<Sums>,
    report: Option<Report>,
    shown: usize,
    args: &cli::Summarise,
) -> String {
    let nothing = job.knows_nothing();
    let (groups, copies) = job.ledger.close(sums);
    if groups.is_empty() && !nothing && !args.quiet {
        complain("no responses were found, or --since, --until or --filter exclude them all");
    }
    if let Some(report) = report {
        let both = Reconciled::new(&groups, report);
        return match args.format {
            Layout::Csv => both.csv(),
            Layout::Json => both.json(),
            _ => both.table(),
        };
    }
    let groups = block::fold(&job.by, groups);
    let read = show::Read {
        files: job.done.load(Ordering::Relaxed),
        files_failed: job.failed.into_inner(),
        files_unrecognised: job.unrecognised.into_inner(),
        bytes_read: job.read.into_inner(),
        copies,
    };
    let mut summary = Summary::new(job.by, groups, read);
    summary.show_in(args.currency.clone());
    summary.chart = args.chart;
    summary.narrow(shown, Timestamp::now());
    summary.order(args.sort.as_deref(), args.reverse, args.top);
    match args.format {
        Layout::Csv => summary.csv(),
        Layout::Html => summary.html(),
        Layout::Json => summary.json(),
        Layout::Prometheus => summary.prometheus(),
        Layout::Table => summary.table(width(), is_coloured(&io::stdout())),
    }
}

/// The keys that responses can be grouped by, beside labels.
pub(super) fn key_names() -> Vec<&'static str> {
    key::names()
}

/// What groups can be sorted by, beside labels.
pub(super) fn sort_names() -> Vec<&'static str> {
    let figures = total::Totals::default().figures();
    let names = figures.iter().map(|(name, _)| *name);
    let names = names.filter(|name| *name != "cost_basis");
    key::names().into_iter().chain(names).collect()
}

/// What is to be read, as it is found.
type Found = Box<dyn Iterator<Item = Result<Input, String>>>;

/// What a worker takes at once should keep it busy for so long: it seldom has to ask for more, and yet all end together.
const SPELL: Duration = Duration::from_micros(500);
/// Files handed to a worker at once, however small they are.
const MOST: usize = 64;

/// Files that all workers may have open at once, and one of them.
const OPEN: u64 = 128;
const MOST_OPEN: usize = 8;

/// How many files each of so many workers may have open at once: well below what the system lets us.
fn open_files(threads: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let all = limit.map_or(OPEN, |limit| OPEN.min(limit / 4)) as usize;
    (all / threads).clamp(1, MOST_OPEN)
}

/// Reads all files, many at once. Gives each worker's sums.
fn scan_all(job: &Job, inputs: Found, threads: Option<NonZeroUsize>) -> Result<Vec<Sums>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads.map_or(cores, NonZeroUsize::get);
    let queue = Queue::new();
    let work = |taker: Taker<'_, _>| {
        let mut worker = Worker::new(job, open_files(threads));
        let mut few = 1;
        loop {
            let handful = taker.take(few);
            if handful.is_empty() {
                break;
            }
            let began = Instant::now();
            worker.scan(handful);
            let short = began.elapsed() < SPELL;
            few = if short { few * 2 } else { few / 2 }.clamp(1, MOST);
        }
        worker.close()
    };
    let sums = std::thread::scope(|scope| {
        let start = |_| {
            let taker = queue.taker();
            Builder::new().spawn_scoped(scope, move || work(taker))
        };
        let mut workers = Vec::new();
        for worker in (0..threads).map(start) {
            match worker {
                Ok(worker) => workers.push(worker),
                // Fewer do it as well.
                Err(_) if !workers.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        queue.fill(inputs);
        let join = |worker: ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        Ok(workers.into_iter().map(join).collect())
    });
    sums.context("cannot start a thread")
}

/// Reads a provider's report.
fn report(path: &Path) -> Result<Report> {
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read --reconcile {}", path.display()))?;
    read_report(&text).with_context(|| {
        format!(
            "--reconcile {} is no report that is known: give it the JSON of OpenAI's, Anthropic's or OpenRouter's usage API",
            path.display()
        )
    })
}

/// Sums up the copied calls whose originals were not among what was read.
fn adopted(job: &mut Job, sums: &mut [Sums]) -> Option<Sums> {
    let copies = job.copies.take()?.into_inner();
    sums.iter_mut().for_each(|sums| job.ledger.settle(sums));
    let mut worker = Worker::new(job, 1);
    worker.adopt(copies.unwrap_or_else(PoisonError::into_inner));
    Some(worker.close())
}

/// The keys that charts need and nobody has asked for.
fn chart_keys(by: &[Key]) -> Result<Vec<Key>> {
    let missing = show::CHARTED
        .iter()
        .filter(|name| by.iter().all(|key| key.name != **name));
    let keys = missing.map(|name| Key::parse(name).map_err(|error| anyhow!(error)));
    keys.collect()
}

/// The logs of agents that were asked for by name, or all.
fn agents_logs(names: &[String]) -> Result<Vec<PathBuf>> {
    let names: Vec<_> = names
        .iter()
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    let (agents, mut paths) = agents::asked(&names)?;
    let logs = agents::logs(&agents);
    if logs.is_empty() {
        let names: Vec<_> = agents.iter().map(|agent| agent.name).collect();
        complain(&format!(
            "no logs of {} are on this machine",
            names.join(", ")
        ));
    }
    paths.extend(logs);
    Ok(paths)
}

fn keys(names: &[String]) -> Result<Vec<Key>> {
    let mut keys: Vec<Key> = Vec::new();
    for name in names {
        let key = Key::parse(name).map_err(|error| anyhow!("--by: {error}"))?;
        if keys.iter().any(|known| known.name == key.name) {
            bail!("--by names {name} twice");
        }
        keys.push(key);
    }
    Ok(keys)
}

fn zone(name: Option<&str>) -> Result<TimeZone> {
    let Some(name) = name else {
        return Ok(TimeZone::system());
    };
    let zone = DateTimeParser::new().parse_time_zone(name);
    zone.map_err(|_| {
        anyhow!("--timezone: {name:?} is not a known time zone: write Europe/Paris, UTC or +02:00")
    })
}

fn picks(args: &cli::Summarise, zone: &TimeZone) -> Result<Picks> {
    let mut picks = Picks::default();
    for filter in &args.filters {
        picks
            .add(filter)
            .map_err(|error| anyhow!("--filter: {error}"))?;
    }
    let now = Timestamp::now();
    let point = |option: &str, text: &Option<String>| {
        let at = text.as_deref().map(|text| key::point(text, zone, now));
        at.transpose().map_err(|error| anyhow!("{option}: {error}"))
    };
    picks.since = point("--since", &args.since)?;
    picks.until = point("--until", &args.until)?;
    Ok(picks)
}

/// Opens the file for records, unless that would destroy what is to be read.
fn open_records<'i>(
    path: &Path,
    inputs: impl Iterator<Item = &'i Input>,
    args: &cli::Summarise,
) -> Result<Records> {
    if path.as_os_str() == "-" {
        bail!("--records - would mix records into the summary: name a file");
    }
    let failed = || format!("cannot write --records {}", path.display());
    let mut options = File::options();
    // It is emptied once it is known to be no input.
    let options = options.write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    let others = args.files.prices.iter().chain(&args.files_from).cloned();
    let others = others.map(|path| Input::File { path, named: true });
    let is_it = |input: &Input| input.is(&metadata).then(|| input.name());
    let mut same = inputs
        .filter_map(is_it)
        .chain(others.filter_map(|input| is_it(&input)));
    if metadata.is_file()
        && let Some(name) = same.next()
    {
        bail!(
            "--records {} is one of the inputs, {name}: name another file, or leave that one out",
            path.display(),
        );
    }
    let format = Format::of(path).unwrap_or_default();
    let writer = Writer::new(format, Selection::default());
    if metadata.is_file() {
        file.set_len(0).with_context(failed)?;
    }
    file.write_all(&writer.header().unwrap_or_default())
        .with_context(failed)?;
    Ok(Records {
        writer,
        file: Mutex::new(file),
        error: OnceLock::new(),
    })
}

/// A bar on stderr for all of these files.
fn progress<'i>(
    files: impl Iterator<Item = &'i Input>,
    all: usize,
    done: &Arc<AtomicUsize>,
) -> ProgressBar {
    let sizes = files.filter_map(|input| Some(input.metadata()?.len()));
    let done = Arc::clone(done);
    let style = ProgressStyle::with_template(
        "{files} files · {bytes} of {total_bytes} {wide_bar} {bytes_per_sec} · {eta} left",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key(
        "files",
        move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{} of {}", done.load(Ordering::Relaxed), all);
        },
    );
    let bar = ProgressBar::with_draw_target(Some(sizes.sum()), ProgressDrawTarget::stderr());
    bar.with_style(style)
}
