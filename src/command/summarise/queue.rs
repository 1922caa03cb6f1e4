//! What one thread finds, on its way to those that work on it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Holds so much that neither side waits for the other more often than it must, and no more.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    more: Condvar,
    room: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    /// Who may yet take some, and how many of them wait for it.
    takers: usize,
    waiting: usize,
    /// No more will come.
    over: bool,
}

/// Takes from a queue.
pub(super) struct Taker<'q, T>(&'q Queue<T>);

/// So many are put in at once, when it is not for the first of them that somebody waits.
const MOST: usize = 64;
/// Where filling pauses.
const FULL: usize = 4096;
/// Where it goes on: to wake it for each handful taken would cost more than a handful does.
const LOW: usize = 512;

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                takers: 0,
                waiting: 0,
                over: false,
            }),
            more: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// One more who takes.
    pub(super) fn taker(&self) -> Taker<'_, T> {
        self.lock().takers += 1;
        Taker(self)
    }

    /// Hands all items over to those who take, and returns when the last one is in the queue or nobody is left.
    pub(super) fn fill(&self, items: impl Iterator<Item = T>) {
        let _over = Over(self);
        let (mut items, mut few) = (items.fuse(), 1);
        loop {
            let some: Vec<_> = items.by_ref().take(few).collect();
            let mut state = self.lock();
            if state.items.len() >= FULL {
                let full = |state: &mut State<T>| state.items.len() > LOW && state.takers > 0;
                let waited = self.room.wait_while(state, full);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            if state.takers == 0 || some.is_empty() {
                return;
            }
            state.items.extend(some);
            if state.waiting > 0 {
                self.more.notify_all();
            }
            few = MOST.min(2 * few);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Taker<'_, T> {
    /// The next items, not more than `most`; none once all were taken.
    pub(super) fn take(&self, most: usize) -> Vec<T> {
        let queue = self.0;
        let mut state = queue.lock();
        state.waiting += 1;
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.over;
        let waited = queue.more.wait_while(state, empty);
        state = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        let before = state.items.len();
        let mut few = most.min(before);
        if state.over {
            // The last ones are shared out, so that all end together.
            few = few.min(before.div_ceil(2 * state.takers));
        }
        let some = state.items.drain(..few).collect();
        if before > LOW && state.items.len() <= LOW {
            queue.room.notify_one();
        }
        some
    }
}

impl<T> Drop for Taker<'_, T> {
    fn drop(&mut self) {
        self.0.lock().takers -= 1;
        self.0.room.notify_one();
    }
}

/// Ends the waiting for more, whatever ends the filling.
struct Over<'q, T>(&'q Queue<T>);

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread::scope;

    use super::*;

    /// However many take, and however much at once, each item is taken once.
    #[test]
    fn everything_is_taken_once() {
        for (items, takers) in [(0, 2), (1, 3), (3 * FULL, 1), (3 * FULL + 7, 4)] {
            let queue = Queue::new();
            let work = |taker: Taker<'_, usize>| {
                let take = || Some(taker.take(5)).filter(|some| !some.is_empty());
                std::iter::from_fn(take).flatten().collect::<Vec<_>>()
            };
            let mut all = scope(|scope| {
                let start = |taker| scope.spawn(move || work(taker));
                let workers: Vec<_> = (0..takers).map(|_| start(queue.taker())).collect();
                queue.fill(0..items);
                let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<usize>>| worker.join();
                let taken: Vec<_> = workers.into_iter().map(join).collect();
                taken.into_iter().flatten().flatten().collect::<Vec<_>>()
            });
            all.sort_unstable();
            assert!(all.into_iter().eq(0..items), "{items} for {takers}");
        }
    }

    /// Those who take may all give up: nobody waits for them.
    #[test]
    fn nobody_is_left() {
        let queue = Queue::new();
        scope(|scope| {
            let taker = queue.taker();
            scope.spawn(move || taker.take(1));
            queue.fill(0..);
        });
        assert!(queue.lock().items.len() < FULL + MOST);
    }
}
