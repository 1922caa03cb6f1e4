//! How the bytes come by: forwarded first, looked at afterwards.
//!
//! Two planes. The data plane ([`forward`]) is one blocking loop on the caller's thread. The control plane
//! ([`control`]) is a thread that sees what a blocked loop cannot: signals, the reader's hang-up, time. Whichever
//! sees the end first takes the watcher.

mod child;
mod control;
mod exit;
mod forward;
mod shared;

use std::sync::Arc;

use signal_hook::consts::{SIGPIPE, SIGXFSZ};
use signal_hook::flag;

use crate::fd;
use crate::meter::EndedBy;

pub(crate) use child::Child;
pub(crate) use control::{Plan, Signals, signal_of};
pub(crate) use exit::{Exit, Fault};
use shared::Shared;
pub(crate) use shared::Watch;

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
    use std::time::Duration;

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
