//! The control plane: signals, the reader's hang-up, and time, seen while the data plane is blocked.
//!
//! One thread in one `poll(2)`. An async runtime would do the same with more: its descriptors can no longer be
//! watched without unsafe code.

use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::child::Child;
use super::exit::Exit;
use super::shared::{Shared, Watch};
use crate::fd;
use crate::meter::EndedBy;

/// What is to be forwarded, and how.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) input: BorrowedFd<'static>,
    /// Nothing is forwarded where there is none.
    pub(crate) output: Option<BorrowedFd<'static>>,
    /// The bytes go out as they came; else what the watcher makes of them does.
    pub(crate) raw: bool,
    /// Read on when the reader goes away.
    pub(crate) drain: bool,
    /// An output that the child has left to others is not waited for.
    pub(crate) no_wait: bool,
    /// How often to call the watcher; where not stated, only in the stream's first moments.
    pub(crate) tick: Option<Duration>,
}

/// After a signal, what has arrived may still be forwarded for so long.
const GRACE: Duration = Duration::from_millis(50);
/// A data plane that has not moved for so long is stuck with a reader that does not read.
const STUCK: Duration = Duration::from_millis(8);
/// An end that takes so long is stuck with a record that nobody reads.
const STALLED: Duration = Duration::from_secs(3);
/// When the watcher is called in a stream's first moments, after its start.
const EARLY: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(60),
    Duration::from_millis(300),
    Duration::from_millis(1500),
];

/// A child that has ended may have left its output to others: they are listened to until they are silent for so
/// long,
const SILENCE: Duration = Duration::from_millis(250);
/// and after so long until they pause.
const LINGER: Duration = Duration::from_secs(2);
/// How often that is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Starts the control plane on a thread of its own. If there can be none, the stream still flows.
pub(super) fn start<W: Watch>(shared: &Arc<Shared<W>>, plan: Plan, signals: Signals) {
    let shared = Arc::clone(shared);
    let _ = std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || control(&shared, plan, signals));
}

impl<W: Watch> Shared<W> {
    /// A signal that came is what ended the stream.
    pub(super) fn heed_signal(&self, by: &mut EndedBy) {
        match self.signal.load(Ordering::Acquire) {
            0 => {}
            signal => *by = ended_by(signal.into()),
        }
    }
}

/// The word for a stream that a signal ended.
fn ended_by(signal: i32) -> EndedBy {
    match signal {
        SIGHUP => EndedBy::Sighup,
        SIGINT => EndedBy::Sigint,
        SIGTERM => EndedBy::Sigterm,
        _ => EndedBy::Downstream,
    }
}

/// The signal by which a process ends whose stream was ended so, as `cat` would.
pub(crate) fn signal_of(by: EndedBy) -> Option<i32> {
    match by {
        EndedBy::Downstream => Some(SIGPIPE),
        EndedBy::Sighup => Some(SIGHUP),
        EndedBy::Sigint => Some(SIGINT),
        EndedBy::Sigterm => Some(SIGTERM),
        EndedBy::Limit | EndedBy::Upstream => None,
    }
}

fn control<W: Watch>(shared: &Arc<Shared<W>>, plan: Plan, mut signals: Signals) {
    let mut output = plan.output.filter(|_| !plan.drain);
    let asked = output.map_or(PollFlags::empty(), hang_up);
    let mut ticks = Ticks::new(plan.tick);
    let mut child = shared.child.as_ref();
    let mut orphan: Option<Orphan> = None;
    loop {
        let mut fds = vec![PollFd::new(signals.delivery.get_read(), PollFlags::IN)];
        // Only that nobody reads any more. A file or a device never says so.
        fds.extend(output.map(|fd| PollFd::from_borrowed_fd(fd, asked)));
        fds.extend(child.map(|child| PollFd::new(child, PollFlags::IN)));
        let glance = orphan.is_some().then_some(GLANCE);
        let wait = ticks.wait().into_iter().chain(glance).min();
        let polled = poll(
            &mut fds,
            wait.and_then(|wait| Timespec::try_from(wait).ok()).as_ref(),
        );
        let seen = |at: usize| fds.get(at).map_or(PollFlags::empty(), PollFd::revents);
        let hung_up = output.map_or(PollFlags::empty(), |_| seen(1));
        let ended = child.is_some() && seen(fds.len() - 1).contains(PollFlags::IN);
        drop(fds);
        let mut passed = false;
        for origin in signals.delivery.pending() {
            let signal = origin.signal;
            if ENDS.contains(&signal) {
                shared.signal.store(signal as u8, Ordering::Release);
            }
            if let Some(child) = child.filter(|_| !ended) {
                // The stream ends when the child does.
                pass_on(&origin, child);
                passed = true;
                continue;
            }
            let_through(shared, Some(plan.input));
            if ENDS.contains(&signal) {
                end(shared, ended_by(signal));
            }
            // It would have ended a filter too.
            let _ = shared.end(EndedBy::Upstream, None);
            Exit::Signal(signal).now();
        }
        if passed {
            continue;
        }
        if hung_up.intersects(PollFlags::ERR | PollFlags::HUP) {
            // What was delivered last is still to be looked at.
            let_through(shared, None);
            end(shared, EndedBy::Downstream);
        }
        if hung_up.contains(PollFlags::NVAL) {
            output = None;
        }
        if ended {
            child = None;
            orphan = plan.no_wait.then(Orphan::new);
        }
        if orphan
            .as_mut()
            .is_some_and(|orphan| orphan.is_silent(shared, plan.input))
        {
            end(shared, EndedBy::Upstream);
        }
        if polled.is_ok_and(|n| n == 0) && ticks.are_due() {
            ticks.next();
            let Some(work) = shared.glance(|watch| watch.idle(shared.now()), None) else {
                return;
            };
            if let Some(work) = work {
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        }
    }
}

/// What to ask a poll for to be told of a hang-up. Linux always tells; macOS tells it of a pipe or a socket that is asked
/// for it, and would tell of a terminal that somebody types at.
fn hang_up(output: BorrowedFd<'_>) -> PollFlags {
    match fd::is_pipe(output) {
        true => PollFlags::HUP,
        false => PollFlags::empty(),
    }
}

/// Passes a signal on to the child, unless a terminal gave it to both of us: that goes to the processes of one group.
fn pass_on(origin: &Origin, child: &Child) {
    let typed = matches!(origin.cause, Cause::Kernel) && origin.signal != SIGALRM;
    if typed && child.group() == Some(getpgrp()) {
        return;
    }
    if let Some(signal) = Signal::from_named_raw(origin.signal) {
        child.signal(signal);
    }
}

/// What ends a stream.
const ENDS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];
/// What else a child is told of.
const OTHERS: [i32; 4] = [SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2];

/// An output whose process has ended. Its last words are still to come, and others may hold on to it.
struct Orphan {
    since: Instant,
    heard: Instant,
    turn: u64,
}

impl Orphan {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            since: now,
            heard: now,
            turn: 0,
        }
    }

    /// Whether nothing more is to be waited for. What lies in the pipe is, however slowly it is read.
    fn is_silent<W: Watch>(&mut self, shared: &Shared<W>, input: BorrowedFd<'_>) -> bool {
        let turn = shared.turn.load(Ordering::Acquire);
        let waits = turn % 2 == 1 && !fd::is_readable(input);
        if turn != self.turn || !waits {
            (self.turn, self.heard) = (turn, Instant::now());
        }
        let enough = match self.since.elapsed() >= LINGER {
            true => GLANCE,
            false => SILENCE,
        };
        waits && self.heard.elapsed() >= enough
    }
}

fn end<W: Watch>(shared: &Arc<Shared<W>>, by: EndedBy) -> ! {
    // Whoever shall read the record may never come.
    let stalled = Arc::clone(shared);
    let _ = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(STALLED);
        if !stalled.recorded.load(Ordering::Acquire) {
            signal_of(by).map_or(Exit::Code(1), Exit::Signal).now()
        }
    });
    match shared.end(by, None) {
        Some(exit) => exit.now(),
        // The data plane was first: it ends the process.
        None => loop {
            std::thread::park();
        },
    }
}

/// Waits until the data plane has forwarded and looked at what has arrived, or cannot. Without an input, what
/// it has not read yet does not matter.
fn let_through<W: Watch>(shared: &Shared<W>, input: Option<BorrowedFd<'_>>) {
    let begun = Instant::now();
    let mut turn = shared.turn.load(Ordering::Acquire);
    let mut moved = begun;
    // Seen twice: between a read and its turn lies a moment in which nothing is left to read.
    let mut waited = false;
    while begun.elapsed() < GRACE {
        std::thread::sleep(Duration::from_millis(1));
        let now = shared.turn.load(Ordering::Acquire);
        if now != turn {
            (turn, moved, waited) = (now, Instant::now(), false);
            continue;
        }
        let waits = turn % 2 == 1 && !input.is_some_and(fd::is_readable);
        if (waits && waited) || moved.elapsed() >= STUCK {
            return;
        }
        waited = waits;
    }
}

/// The signals that are heeded: where they came from, and a descriptor that wakes a poll.
#[derive(Debug)]
pub(crate) struct Signals {
    came: Arc<AtomicUsize>,
    /// Nobody listens: they keep their default.
    deaf: Arc<AtomicBool>,
    delivery: SignalDelivery<UnixStream, WithOrigin>,
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.deaf.store(true, Ordering::Release);
    }
}

impl Signals {
    /// Catches those that end a stream from now on: before the first byte, so that none finds nobody.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Self::catch_all(&ENDS)
    }

    /// Where the number of a signal that ends a stream is noted as soon as it comes.
    pub(super) fn came(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.came)
    }

    /// Catches all that a child is to be told of.
    pub(crate) fn catch_for_child() -> std::io::Result<Self> {
        Self::catch_all(&[ENDS.as_slice(), &OTHERS].concat())
    }

    fn catch_all(numbers: &[i32]) -> std::io::Result<Self> {
        let ignored = ignored_signals();
        // A parent that had it ignored, as nohup does, meant that.
        let heeded = numbers
            .iter()
            .filter(|number| ignored >> (**number - 1) & 1 == 0);
        // Delivery first: one that came between the two would be lost.
        let (read, write) = UnixStream::pair()?;
        let origin = WithOrigin::default();
        let delivery = SignalDelivery::with_pipe(read, write, origin, heeded.clone())?;
        let signals = Self {
            came: Arc::default(),
            deaf: Arc::default(),
            delivery,
        };
        for number in heeded {
            if ENDS.contains(number) {
                flag::register_usize(*number, Arc::clone(&signals.came), *number as usize)?;
            }
            flag::register_conditional_default(*number, Arc::clone(&signals.deaf))?;
        }
        Ok(signals)
    }
}

/// When to call the watcher next.
struct Ticks {
    began: Instant,
    early: std::slice::Iter<'static, Duration>,
    at: Option<Instant>,
    every: Option<Duration>,
}

impl Ticks {
    fn new(every: Option<Duration>) -> Self {
        let mut ticks = Self {
            began: Instant::now(),
            early: EARLY.iter(),
            at: None,
            every,
        };
        ticks.next();
        ticks
    }

    fn wait(&self) -> Option<Duration> {
        self.at
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn are_due(&self) -> bool {
        self.wait().is_some_and(|wait| wait.is_zero())
    }

    fn next(&mut self) {
        let early = self.early.next().map(|early| self.began + *early);
        let every = self.every.map(|every| Instant::now() + every);
        self.at = match (early, every) {
            (Some(early), Some(every)) => Some(early.min(every)),
            (early, every) => early.or(every),
        };
    }
}

/// Which signals this process was started with ignored, as a bit set.
fn ignored_signals() -> u64 {
    // One read is enough, and all there is time for in starting.
    let mut status = [0; 4096];
    let file = std::fs::File::open("/proc/self/status");
    let len = file.and_then(|mut file| file.read(&mut status));
    let status = String::from_utf8_lossy(&status[..len.unwrap_or(0)]);
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0)
}
