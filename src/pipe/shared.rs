//! What both planes know of each other, and the watcher that one of them takes at the end.

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::child::Child;
use super::exit::{Exit, Fault};
use crate::meter::EndedBy;
use crate::system;

/// What sees the bytes after they were forwarded.
pub(crate) trait Watch: Send + 'static {
    /// Sees bytes that have gone by; gives whether the stream shall go on.
    fn see(&mut self, bytes: &[u8], now: Duration) -> bool;

    /// What is to go out for the bytes last seen, where the plan does not forward them as they are.
    fn emitted(&mut self) -> Vec<u8>;

    /// What is still to go out once the stream has ended, where the plan does not forward it as it is.
    fn rest(&mut self, by: EndedBy, now: Duration) -> Vec<u8>;

    /// Sees the end, and says how the process is to end. Called once.
    fn end(&mut self, by: EndedBy, error: Option<Fault>, now: Duration) -> Exit;

    /// Whether what it has seen ended by its own word, so that an end that comes now is the one to be expected.
    fn is_over(&mut self) -> bool;

    /// Called now and then, while nothing else is; may return work to be done without holding up the stream.
    fn idle(&mut self, now: Duration) -> Option<Box<dyn FnOnce() + Send>>;
}

/// What a pipe is to hold of a bulk stream. All pipes of a user may hold 64 MiB together before new ones are made small:
/// sixty streams have room in it.
const PIPE: usize = 512 << 10;

/// The watcher and what both planes know of each other.
pub(crate) struct Shared<W> {
    pub(super) watch: Mutex<Option<W>>,
    /// The watcher panicked: it sees no more, and the stream flows on.
    pub(super) broken: AtomicBool,
    /// The records are written.
    pub(super) recorded: AtomicBool,
    /// The process that the stream comes from, where we started it.
    pub(super) child: Option<Child>,
    /// The pipes that hold more for our sake, and what they held before.
    pub(super) grown: Mutex<Vec<(BorrowedFd<'static>, usize)>>,
    pub(super) epoch: Instant,
    /// Counts the turns of the data plane; odd while it waits for input.
    pub(super) turn: AtomicU64,
    /// The signal that asked for the end, 0 for none.
    pub(super) signal: AtomicU8,
    /// Where a signal is noted before the control plane has seen it.
    pub(super) came: OnceLock<Arc<AtomicUsize>>,
}

/// A signal for a whole group of processes may reach the one that writes first: its end is seen so much earlier.
const SIGNAL_LAG: Duration = Duration::from_millis(20);

impl<W: Watch> Shared<W> {
    pub(crate) fn new(watch: W, child: Option<Child>) -> Arc<Self> {
        Arc::new(Self {
            watch: Mutex::new(Some(watch)),
            broken: AtomicBool::new(false),
            recorded: AtomicBool::new(false),
            child,
            grown: Mutex::default(),
            epoch: Instant::now(),
            turn: AtomicU64::new(0),
            signal: AtomicU8::new(0),
            came: OnceLock::new(),
        })
    }

    /// Has a pipe hold more of a bulk stream. Only pipes have a size, and only who has quota left may raise it: no matter.
    pub(super) fn grow(&self, pipe: BorrowedFd<'static>) {
        if let Some(size) = system::pipe_size(pipe)
            && size < PIPE
            && system::set_pipe_size(pipe, PIPE)
        {
            let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
            grown.push((pipe, size));
        }
    }

    /// Gives the pipes the size that they had: they may live on, and what all of a user's hold has a limit. One that is
    /// fuller than that keeps what it has.
    pub(super) fn shrink(&self) {
        let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        for (pipe, size) in grown.drain(..) {
            system::set_pipe_size(pipe, size);
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<W>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the watcher do something; `None` once the stream has ended. A fault in it must not end the stream: then
    /// the answer is `otherwise`.
    pub(super) fn watch<R>(&self, act: impl FnOnce(&mut W) -> R, otherwise: R) -> Option<R> {
        self.guarded(self.lock(), act, otherwise)
    }

    /// As [`watch`](Self::watch), unless the other plane is at it, maybe for long: then the answer is `otherwise` too.
    pub(super) fn glance<R>(&self, act: impl FnOnce(&mut W) -> R, otherwise: R) -> Option<R> {
        match self.watch.try_lock() {
            Ok(guard) => self.guarded(guard, act, otherwise),
            Err(TryLockError::Poisoned(error)) => self.guarded(error.into_inner(), act, otherwise),
            Err(TryLockError::WouldBlock) => Some(otherwise),
        }
    }

    pub(super) fn guarded<R>(
        &self,
        mut guard: MutexGuard<'_, Option<W>>,
        act: impl FnOnce(&mut W) -> R,
        otherwise: R,
    ) -> Option<R> {
        let watch = guard.as_mut()?;
        if self.broken.load(Ordering::Acquire) {
            return Some(otherwise);
        }
        let answer = catch_unwind(AssertUnwindSafe(|| act(watch)));
        self.broken.fetch_or(answer.is_err(), Ordering::AcqRel);
        Some(answer.unwrap_or(otherwise))
    }

    /// Whether a signal has come, seen by the control plane or not.
    pub(super) fn is_signalled(&self) -> bool {
        let noted = |came: &Arc<AtomicUsize>| came.load(Ordering::Acquire) != 0;
        self.signal.load(Ordering::Acquire) != 0 || self.came.get().is_some_and(noted)
    }

    /// At an end that was not to be expected: a signal that is on its way is what ended the stream.
    pub(super) fn await_signal(&self) {
        let begun = Instant::now();
        while !self.is_signalled() && begun.elapsed() < SIGNAL_LAG {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The control plane has taken it, or is about to.
        while self.is_signalled()
            && self.signal.load(Ordering::Acquire) == 0
            && begun.elapsed() < 2 * SIGNAL_LAG
        {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Ends the stream, if it has not ended yet. The watcher stays locked, so that nothing can be added while
    /// the process ends. A child is stopped if nobody is left for what it says, and reaped.
    pub(super) fn end(&self, by: EndedBy, fault: Option<Fault>) -> Option<Exit> {
        let stop = fault.is_some() || matches!(by, EndedBy::Downstream | EndedBy::Limit);
        let mut guard = self.lock();
        let mut watch = guard.take()?;
        // At once: each token costs. But not before: its end must not look like the stream's to the other plane.
        // Whether it obeys is seen to after the record.
        let told = self.child.as_ref().filter(|_| stop).map(Child::terminate);
        let broken = self.broken.load(Ordering::Acquire);
        let fault = fault.or_else(|| broken.then(|| Fault("the meter failed".to_owned())));
        let exit = catch_unwind(AssertUnwindSafe(|| watch.end(by, fault, self.now())));
        let exit = exit.unwrap_or(Exit::Code(1));
        self.recorded.store(true, Ordering::Release);
        self.shrink();
        let Some(child) = &self.child else {
            return Some(exit);
        };
        if let Some(relatives) = told {
            child.stop(&relatives);
        }
        Some(child.exit(by, exit))
    }
}
