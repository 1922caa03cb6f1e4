//! How the bytes come by: forwarded first, looked at afterwards.
//!
//! Two planes. The data plane ([`forward`]) is one blocking loop on the caller's thread. The control plane
//! ([`control`]) is a thread that sees what a blocked loop cannot: signals, the reader's hang-up, time. Whichever
//! sees the end first takes the watcher.

mod child;
mod control;
mod forward;

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
use signal_hook::consts::{SIGPIPE, SIGXFSZ};
use signal_hook::flag;

use crate::fd;
use crate::meter::EndedBy;

pub(crate) use child::{Child, adopt};
pub(crate) use control::{Plan, Signals, signal_of};

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
    /// The watcher panicked: it sees no more, and the stream flows on.
    broken: AtomicBool,
    /// The records are written.
    recorded: AtomicBool,
    /// The process that the stream comes from, where we started it.
    child: Option<Child>,
    /// The pipes that hold more for our sake, and what they held before.
    grown: Mutex<Vec<(BorrowedFd<'static>, usize)>>,
    epoch: Instant,
    /// Counts the turns of the data plane; odd while it waits for input.
    turn: AtomicU64,
    /// The signal that asked for the end, 0 for none.
    signal: AtomicU8,
    /// Where a signal is noted before the control plane has seen it.
    came: OnceLock<Arc<AtomicUsize>>,
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
    fn grow(&self, pipe: BorrowedFd<'static>) {
        if let Ok(size) = fcntl_getpipe_size(pipe)
            && size < PIPE
            && fcntl_setpipe_size(pipe, PIPE).is_ok()
        {
            let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
            grown.push((pipe, size));
        }
    }

    /// Gives the pipes the size that they had: they may live on, and what all of a user's hold has a limit. One that is
    /// fuller than that keeps what it has.
    fn shrink(&self) {
        let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        for (pipe, size) in grown.drain(..) {
            let _ = fcntl_setpipe_size(pipe, size);
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Option<W>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the watcher do something; `None` once the stream has ended. A fault in it must not end the stream: then
    /// the answer is `otherwise`.
    fn watch<R>(&self, act: impl FnOnce(&mut W) -> R, otherwise: R) -> Option<R> {
        self.guarded(self.lock(), act, otherwise)
    }

    /// As [`watch`](Self::watch), unless the other plane is at it, maybe for long: then the answer is `otherwise` too.
    fn glance<R>(&self, act: impl FnOnce(&mut W) -> R, otherwise: R) -> Option<R> {
        match self.watch.try_lock() {
            Ok(guard) => self.guarded(guard, act, otherwise),
            Err(TryLockError::Poisoned(error)) => self.guarded(error.into_inner(), act, otherwise),
            Err(TryLockError::WouldBlock) => Some(otherwise),
        }
    }

    fn guarded<R>(
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
    fn is_signalled(&self) -> bool {
        let noted = |came: &Arc<AtomicUsize>| came.load(Ordering::Acquire) != 0;
        self.signal.load(Ordering::Acquire) != 0 || self.came.get().is_some_and(noted)
    }

    /// At an end that was not to be expected: a signal that is on its way is what ended the stream.
    fn await_signal(&self) {
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

    /// A signal that came is what ended the stream.
    fn heed_signal(&self, by: &mut EndedBy) {
        match self.signal.load(Ordering::Acquire) {
            0 => {}
            signal => *by = control::ended_by(signal.into()),
        }
    }

    /// Ends the stream, if it has not ended yet. The watcher stays locked, so that nothing can be added while
    /// the process ends. A child is stopped if nobody is left for what it says, and reaped.
    fn end(&self, by: EndedBy, fault: Option<Fault>) -> Option<Exit> {
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

/// Forwards the plan's input to its output until either ends, a signal comes, or the watcher has seen enough; then ends the
/// process as the watcher says, or as the child did that the input comes from.
///
/// Signals are asked for when there is something to wait for or to forward.
pub(crate) fn run<W: Watch>(
    watch: W,
    plan: Plan,
    signals: impl FnOnce() -> Option<Signals>,
    child: Option<Child>,
) -> Exit {
    // A record file at the limit of `ulimit -f` is an error of writing, no end of the stream.
    let _ = flag::register(SIGXFSZ, Arc::default());
    let shared = Shared::new(watch, child);
    let control = || {
        if let Some(signals) = signals() {
            let _ = shared.came.set(signals.came());
            control::start(&shared, plan, signals);
        }
    };
    let mut end = forward::forward(plan, &shared, control);
    if end.by == EndedBy::Upstream
        && end.fault.is_none()
        && fd::is_pipe(plan.input)
        && shared.watch(W::is_over, true) == Some(false)
    {
        shared.await_signal();
    }
    shared.heed_signal(&mut end.by);
    if !plan.raw && end.by != EndedBy::Downstream {
        forward::rest(plan, &shared, &mut end);
    }
    if let Some(child) = &shared.child
        && end.by == EndedBy::Upstream
        && end.fault.is_none()
    {
        // It may have closed its output and work on.
        child.wait();
    }
    shared.heed_signal(&mut end.by);
    let forward::End {
        by,
        fault,
        deserted,
    } = end;
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;

    use super::*;

    /// Panics at whatever it is asked.
    struct Faulty;

    impl Watch for Faulty {
        fn see(&mut self, _: &[u8], _: Duration) -> bool {
            panic!("see");
        }

        fn rest(&mut self, _: EndedBy, _: Duration) -> Vec<u8> {
            Vec::new()
        }

        fn emitted(&mut self) -> Vec<u8> {
            panic!("emitted");
        }

        fn end(&mut self, _: EndedBy, _: Option<Fault>, _: Duration) -> Exit {
            panic!("end");
        }

        fn is_over(&mut self) -> bool {
            panic!("is_over");
        }

        fn idle(&mut self, _: Duration) -> Option<Box<dyn FnOnce() + Send>> {
            panic!("idle");
        }
    }

    /// No fault in metering loses a byte.
    #[test]
    fn a_faulty_watcher_does_not_end_the_stream() {
        let (input, mut ours_in) = std::io::pipe().expect("a pipe");
        let (mut ours_out, output) = std::io::pipe().expect("a pipe");
        let shared = Shared::new(Faulty, None);
        let (input, output): (&'static _, &'static _) =
            (Box::leak(Box::new(input)), Box::leak(Box::new(output)));
        let plan = Plan {
            input: input.as_fd(),
            output: Some(output.as_fd()),
            raw: true,
            drain: false,
            no_wait: false,
            tick: None,
        };
        let (sent, mut came) = ([7; 5000], [0; 5000]);
        std::thread::scope(|scope| {
            let forward = scope.spawn(|| forward::forward(plan, &shared, || {}));
            for piece in sent.chunks(1000) {
                ours_in.write_all(piece).expect("a reader");
            }
            ours_out.read_exact(&mut came).expect("all that was sent");
            drop(ours_in);
            assert_eq!(forward.join().expect("no panic").by, EndedBy::Upstream);
        });
        assert_eq!(sent, came);
        assert_eq!(shared.end(EndedBy::Upstream, None), Some(Exit::Code(1)));
    }
}
