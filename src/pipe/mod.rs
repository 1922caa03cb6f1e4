//! How the bytes come by: forwarded first, looked at afterwards.
//!
//! Two planes. The data plane ([`forward`]) is one blocking loop on the caller's thread. The control plane
//! ([`control`]) is a thread that sees what a blocked loop cannot: signals, the reader's hang-up, time. Whichever
//! sees the end first takes the watcher.

mod child;
mod control;
mod forward;

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use signal_hook::consts::SIGPIPE;

use crate::meter::EndedBy;

pub(crate) use child::Child;
pub(crate) use control::{Plan, Signals, signal_of};

/// What sees the bytes after they were forwarded.
pub(crate) trait Watch: Send + 'static {
    /// Sees bytes that have gone by; gives whether the stream shall go on.
    fn see(&mut self, bytes: &[u8], now: Duration) -> bool;

    /// What is to go out for the bytes last seen, where the plan does not forward them as they are.
    fn emitted(&mut self) -> Vec<u8>;

    /// Sees the end, and says how the process is to end. Called once.
    fn end(&mut self, by: EndedBy, error: Option<Fault>, now: Duration) -> Exit;

    /// Called now and then, while nothing else is; may return work to be done without holding up the stream.
    fn idle(&mut self, now: Duration) -> Option<Box<dyn FnOnce() + Send>>;
}

/// How a process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Code(u8),
    /// By a signal, as its default would have it.
    Signal(i32),
}

/// What went wrong with a descriptor, in a sentence.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

/// The watcher and what both planes know of each other.
pub(crate) struct Shared<W> {
    watch: Mutex<Option<W>>,
    /// The process that the stream comes from, where we started it.
    child: Option<Child>,
    epoch: Instant,
    /// Counts the turns of the data plane; odd while it waits for input.
    turn: AtomicU64,
    /// The signal that asked for the end, 0 for none.
    signal: AtomicU8,
}

impl<W: Watch> Shared<W> {
    pub(crate) fn new(watch: W, child: Option<Child>) -> Arc<Self> {
        Arc::new(Self {
            watch: Mutex::new(Some(watch)),
            child,
            epoch: Instant::now(),
            turn: AtomicU64::new(0),
            signal: AtomicU8::new(0),
        })
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Option<W>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the stream, if it has not ended yet. The watcher stays locked, so that nothing can be added while
    /// the process ends. A child is stopped if nobody is left for what it says, and reaped.
    fn end(&self, by: EndedBy, fault: Option<Fault>) -> Option<Exit> {
        let stop = fault.is_some() || matches!(by, EndedBy::Downstream | EndedBy::Limit);
        if let Some(child) = self.child.as_ref().filter(|_| stop) {
            // At once: each token costs. Whether it obeys is seen to after the record.
            child.signal(Signal::TERM);
        }
        let mut guard = self.lock();
        let mut watch = guard.take()?;
        let exit = watch.end(by, fault, self.now());
        let Some(child) = &self.child else {
            return Some(exit);
        };
        if stop {
            child.stop();
        }
        Some(child.exit(by, exit))
    }
}

/// Forwards the plan's input to its output until either ends, a signal comes, or the watcher has seen enough; then ends the
/// process as the watcher says, or as the child did that the input comes from.
pub(crate) fn run<W: Watch>(
    watch: W,
    plan: Plan,
    signals: Option<Signals>,
    child: Option<Child>,
) -> Exit {
    let shared = Shared::new(watch, child);
    if let Some(signals) = signals {
        control::start(&shared, plan, signals);
    }
    let forward::End {
        by,
        fault,
        deserted,
    } = forward::forward(plan, &shared);
    if let Some(child) = &shared.child
        && by == EndedBy::Upstream
        && fault.is_none()
    {
        // It may have closed its output and work on.
        child.wait();
    }
    let by = match shared.signal.load(Ordering::Acquire) {
        0 => by,
        signal => control::ended_by(signal.into()),
    };
    match shared.end(by, fault) {
        // The stream was read to its end for nobody: that too ends as `cat` would.
        Some(Exit::Code(0)) if deserted => Exit::Signal(SIGPIPE),
        Some(exit) => exit,
        // The control plane was first: it ends the process.
        None => loop {
            std::thread::park();
        },
    }
}
