//! What tap and run share: bytes to a meter, its readings to records.

use std::ffi::OsString;
use std::fs::File;
use std::io::IsTerminal as _;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use rust_decimal::Decimal;

use super::outcome::{Outcome, complain};
use super::output::{Output, writer};
use super::progress::Progress;
use super::requests::Requests;
use super::{budget, prices};
use crate::cli;
use crate::fd;
use crate::meter::{
    Charged, Context, Emit, EndedBy, Measure, Reading, Request, Status, cost_of_headers,
};
use crate::pipe::{Exit, Fault, Plan, Watch, signal_of};
use crate::price::PriceBook;
use crate::record::write::{grouped, money};
use crate::record::{Labels, Record};
use crate::saved::Unwrap;

/// One stream being metered.
pub(super) struct Session {
    stream: Unwrap,
    output: Output,
    prices: Arc<PriceBook>,
    labels: Labels,
    requests: Requests,
    emit: cli::Emit,
    /// What is emitted goes to a terminal.
    on_terminal: bool,
    /// That terminal is the one that stderr goes to.
    one_terminal: bool,
    /// What went to the terminal last does not end a line.
    in_line: bool,
    drain: bool,
    limits: Limits,
    strict: bool,
    progress: Option<Progress>,
    /// Where curl writes the headers of the one answer.
    headers: Option<File>,
    /// What to do where the program that was started prints nothing that can be metered.
    advice: Option<String>,
    /// The request is known, and with it what can be known of the prompt.
    knows_request: bool,
    /// When the session's clock stood at zero.
    origin: SystemTime,
    failed: bool,
    /// A response was partial, failed or unrecognised.
    flawed: bool,
    /// Something came that is no API's response.
    unrecognised: bool,
    /// Which budget has nothing left, in a sentence.
    spent: Option<String>,
}

/// When the stream is to be stopped, and what the responses that have ended used of that.
#[derive(Default)]
struct Limits {
    output_tokens: Option<u64>,
    cost: Option<Decimal>,
    /// What is left of the tightest budget.
    budget: Option<Decimal>,
    spent_tokens: u64,
    spent: Decimal,
    /// The limit that was reached, in a sentence.
    reached: Option<String>,
}

/// So much of an answer's headers is read: curl takes no more.
const MAX_HEADERS: usize = 300 << 10;

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(100);

impl Session {
    /// Opens whatever can fail before the first byte flows.
    pub(super) fn open(args: &cli::Metering) -> Result<Self> {
        Self::open_for(args, Requests::default())
    }

    /// As [`open`](Self::open), where requests are known.
    pub(super) fn open_for(args: &cli::Metering, mut requests: Requests) -> Result<Self> {
        let mut context = Context::default();
        context.model.clone_from(&args.model);
        context.provider.clone_from(&args.provider);
        if let Some(request) = request(args.request.as_deref())? {
            requests.replace(request);
        }
        context.requests = requests.certain();
        let knows_request = !context.requests.is_empty();
        let mut stream = Unwrap::new(context);
        match args.emit {
            cli::Emit::Data => stream.emit(Emit::Data),
            cli::Emit::Text => stream.emit(Emit::Text),
            cli::Emit::None | cli::Emit::Raw => {}
        }
        let labels = labels(&args.labels)?;
        let writer = writer(args)?;
        let left = budget::left(&args.budgets, &labels, args.output.as_deref(), &writer)?;
        let limits = Limits {
            output_tokens: args.max_output_tokens,
            cost: args.max_cost,
            budget: left.as_ref().map(|left| left.usd),
            ..Limits::default()
        };
        let prices = Arc::new(prices::open_on(&args.files, &args.terms)?);
        // Last of all: what is refused leaves no file behind.
        let output = Output::open(args, writer)?;
        let progress = Progress::new(args.progress, output.is_stderr());
        Ok(Self {
            stream,
            output,
            prices,
            labels,
            spent: left.and_then(|left| left.is_spent()),
            requests,
            emit: args.emit,
            on_terminal: std::io::stdout().is_terminal(),
            one_terminal: fd::is_one_terminal(rustix::stdio::stdout(), rustix::stdio::stderr()),
            in_line: false,
            drain: args.drain,
            limits,
            strict: args.strict,
            progress,
            headers: None,
            advice: None,
            knows_request,
            origin: SystemTime::now(),
            failed: false,
            flawed: false,
            unrecognised: false,
        })
    }

    /// Refuses, if a budget is spent: then nothing may be started.
    pub(super) fn refusal(&self) -> Option<Exit> {
        let why = self.spent.as_ref()?;
        complain(why);
        Some(Outcome::Limit.into())
    }

    /// How the stream is to go by.
    pub(super) fn plan(&self, input: BorrowedFd<'static>) -> Plan {
        Plan {
            input,
            output: (self.emit != cli::Emit::None).then(rustix::stdio::stdout),
            raw: matches!(self.emit, cli::Emit::Raw | cli::Emit::None),
            drain: self.drain,
            no_wait: false,
            tick: self.progress.as_ref().map(|_| TICK),
        }
    }

    /// Turns what the meter has read into records.
    fn put(&mut self) {
        while let Some(found) = self.stream.next_found() {
            if found.record.is_some() {
                // It was recorded when its stream went by.
                continue;
            }
            let mut reading = found.reading;
            if reading.charged.is_empty() {
                reading.charged.extend(self.heard());
            }
            self.flawed |=
                reading.partial || matches!(reading.status, Status::Error | Status::Unrecognised);
            self.unrecognised |= reading.status == Status::Unrecognised;
            if self.limits.any() {
                let record = self.record(reading.clone());
                self.limits.add(&record);
            }
            if let Some((reading, usage_request)) = self.requests.take(reading) {
                self.write(reading, usage_request, found.labels.into_iter().collect());
            }
        }
    }

    fn write(&mut self, reading: Reading, usage_request: Option<&'static str>, labels: Labels) {
        let unseen = self.unseen(reading.status);
        if self.output.is_nowhere() && !unseen {
            return;
        }
        let mut record = self.record(reading);
        record.labels.extend(labels);
        record.advise(usage_request, self.knows_request);
        if self.output.is_on_stderr() {
            self.end_line();
        }
        if let Err(error) = self.output.write(&record) {
            self.fail(&error);
        }
        if unseen {
            self.tell(&failure(&record));
        }
    }

    /// Whether a response is no answer, and whoever asked would see nothing of that: its body is not passed on.
    fn unseen(&self, status: Status) -> bool {
        let swallowed = !matches!(self.emit, cli::Emit::Raw);
        match status {
            Status::Error => swallowed && !self.output.shows_lines(),
            Status::Unrecognised => swallowed && self.advice.is_none(),
            _ => false,
        }
    }

    /// Says a sentence on stderr, on a line of its own.
    fn tell(&mut self, text: &str) {
        self.end_line();
        complain(text);
    }

    /// Ends the line that the stream has begun on the terminal.
    fn end_line(&mut self) {
        if std::mem::take(&mut self.in_line) && self.one_terminal {
            let _ = fd::write_all(rustix::stdio::stderr(), b"\n");
        }
    }

    /// Remembers whether these bytes, which went to standard output, end a line.
    fn passed(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.in_line = *last != b'\n';
        }
    }

    fn record(&self, reading: Reading) -> Record {
        let mut record = Record::of(reading, &self.prices, self.origin);
        record.labels.clone_from(&self.labels);
        record
    }

    /// Whether the response under way, with those before it, stays within the limits.
    fn is_within_limits(&mut self) -> bool {
        if !self.limits.any() {
            return true;
        }
        let Some(reading) = self.stream.so_far() else {
            return self.limits.hold(0, Decimal::ZERO);
        };
        let tokens = reading.usage.value(Measure::Output).unwrap_or(0);
        let cost = self.record(reading).cost_usd.unwrap_or_default();
        self.limits.hold(tokens, cost)
    }

    /// What to say where the program that was started prints nothing that can be metered.
    pub(super) fn advise(&mut self, advice: String) {
        self.advice = Some(advice);
    }

    /// Has a look at the answer's headers there once it has come.
    pub(super) fn hear(&mut self, headers: File) {
        self.headers = Some(headers);
    }

    /// What the headers of the answer state that it cost.
    fn heard(&mut self) -> Option<Charged> {
        let headers = self.headers.take()?;
        let mut text = vec![0; MAX_HEADERS];
        let len = headers.read_at(&mut text, 0).ok()?;
        let amount = cost_of_headers(&text[..len])?.to_string();
        Some(Charged { amount, shift: 12 })
    }

    fn fail(&mut self, error: &str) {
        self.tell(error);
        self.failed = true;
    }
}

impl Watch for Session {
    fn see(&mut self, bytes: &[u8], now: Duration) -> bool {
        if self.emit == cli::Emit::Raw {
            self.passed(bytes);
        }
        self.stream.feed_at(bytes, now);
        self.put();
        self.is_within_limits()
    }

    fn emitted(&mut self) -> Vec<u8> {
        let emitted = self.stream.take_emitted();
        self.passed(&emitted);
        if !self.on_terminal {
            return emitted;
        }
        // What a model writes must not steer the terminal.
        let text = String::from_utf8_lossy(&emitted);
        let plain = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
        text.chars().filter(plain).collect::<String>().into_bytes()
    }

    fn rest(&mut self, by: EndedBy, now: Duration) -> Vec<u8> {
        self.stream.finish_at(by, now);
        self.emitted()
    }

    fn end(&mut self, by: EndedBy, fault: Option<Fault>, now: Duration) -> Exit {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        self.stream.finish_at(by, now);
        self.put();
        for (reading, usage_request) in self.requests.finish() {
            self.write(reading, usage_request, Labels::default());
        }
        if let Some(Fault(text)) = fault {
            self.fail(&text);
        }
        if let Some(advice) = self.advice.take().filter(|_| self.unrecognised) {
            self.tell(&advice);
        }
        if by == EndedBy::Limit {
            let reached = self.limits.reached.clone();
            self.tell(
                &reached
                    .unwrap_or_else(|| "a limit was reached: the stream was stopped".to_owned()),
            );
        }
        match signal_of(by) {
            _ if self.failed => Outcome::Failure.into(),
            _ if by == EndedBy::Limit => Outcome::Limit.into(),
            Some(signal) => Exit::Signal(signal),
            None if self.strict && self.flawed => Outcome::Strict.into(),
            None => Outcome::Success.into(),
        }
    }

    fn is_over(&mut self) -> bool {
        self.stream.has_ended()
    }

    fn idle(&mut self, now: Duration) -> Option<Box<dyn FnOnce() + Send>> {
        if let Some(mut progress) = self.progress.take() {
            let reading = self.stream.so_far();
            let record = reading.map(|reading| self.record(reading));
            progress.show(record.as_ref(), now);
            self.progress = Some(progress);
        }
        if self.output.is_nowhere() {
            return None;
        }
        let (model, provider) = self.stream.under_way()?;
        let (model, provider) = (model?.to_owned(), provider.map(str::to_owned));
        let prices = Arc::clone(&self.prices);
        Some(Box::new(move || {
            prices.prepare(provider.as_deref(), Some(&model))
        }))
    }
}

impl Limits {
    fn any(&self) -> bool {
        self.output_tokens.is_some() || self.cost.is_some() || self.budget.is_some()
    }

    /// Adds a response that has ended.
    fn add(&mut self, record: &Record) {
        let (tokens, cost) = (record.output_tokens, record.cost_usd);
        self.spent_tokens = self.spent_tokens.saturating_add(tokens.unwrap_or(0));
        self.spent = self.spent.saturating_add(cost.unwrap_or_default());
    }

    /// Whether what has been spent, and this more, is not too much.
    fn hold(&mut self, tokens: u64, cost: Decimal) -> bool {
        let tokens = self.spent_tokens.saturating_add(tokens);
        let cost = self.spent.saturating_add(cost);
        let tokens_left = self.output_tokens.filter(|max| tokens > *max);
        let cost_left = self.cost.filter(|max| cost > *max);
        let budget_left = self.budget.filter(|left| cost >= *left);
        self.reached = match (tokens_left, cost_left) {
            (Some(max), _) => Some(format!(
                "stopped: {tokens} output tokens are more than --max-output-tokens {max}"
            )),
            (_, Some(max)) => Some(format!(
                "stopped: a cost of ${} is more than --max-cost {max}",
                money(cost)
            )),
            (None, None) => budget_left.map(|left| {
                format!(
                    "stopped: the ${} that --budget had left are spent",
                    money(left)
                )
            }),
        };
        self.reached.is_none()
    }
}

/// A sentence for a response whose body nobody saw and that is no answer.
fn failure(record: &Record) -> String {
    let status = record.http_status.map(|status| format!(" ({status})"));
    let status = status.unwrap_or_default();
    if record.status != Some(Status::Error) {
        let bytes = grouped(record.bytes.unwrap_or_default());
        return format!(
            "the response{status} is not one of a known LLM API: {bytes} bytes, not shown because of --emit"
        );
    }
    let said = [&record.error_type, &record.error_message];
    let said: Vec<_> = said.into_iter().flatten().map(String::as_str).collect();
    format!(
        "the API answered with an error{status}: {}",
        said.join(": ")
    )
}

/// The request body from a file.
fn request(path: Option<&Path>) -> Result<Option<Request>> {
    let Some(path) = path else { return Ok(None) };
    let body = std::fs::read(path)
        .with_context(|| format!("cannot read --request file {}", path.display()))?;
    let request = Request::parse(&body);
    let request = request.with_context(|| {
        format!(
            "--request file {} is not a JSON object: give it the body of the request",
            path.display()
        )
    })?;
    Ok(Some(request))
}

/// Labels from the environment and, over them, from the command line.
fn labels(pairs: &[OsString]) -> Result<Labels> {
    let environment = std::env::var_os("TOKENSENSE_LABELS").unwrap_or_default();
    let text = |pair: &OsString| {
        let text = pair.to_str().map(str::to_owned);
        text.with_context(|| format!("label {pair:?} is not UTF-8: give it in UTF-8"))
    };
    let environment = text(&environment)?;
    let pairs: Vec<String> = pairs.iter().map(text).collect::<Result<_>>()?;
    let environment = environment
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    let mut labels = Labels::new();
    for pair in environment.chain(pairs.iter().map(String::as_str)) {
        let (key, value) = pair
            .split_once('=')
            .with_context(|| format!("label {pair:?} is not of the form KEY=VALUE"))?;
        if key.is_empty() {
            bail!("label {pair:?} has no key before the =");
        }
        labels.insert(key.to_owned(), value.into());
    }
    Ok(labels)
}
