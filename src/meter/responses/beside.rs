//! Which event belongs to which response: told by what an event says of itself, by the response under way, and by
//! those that were left open.

use crate::meter::exchange::Exchange;
use crate::meter::exchange::place::Place;
use crate::meter::exchange::signs::Signs;
use crate::meter::reading::Reading;

/// The responses beside the one under way: those left open, and those that have ended after one that is still open.
#[derive(Default)]
pub(crate) struct Beside {
    open: Vec<Exchange>,
    /// Readings with the place of their response in the order in which responses began.
    held: Vec<(u64, Reading)>,
    /// Responses begun.
    begun: u64,
    /// The response that was left last.
    last: u64,
}

/// So many responses are left open; with one more the oldest has ended.
const MAX_OPEN: usize = 32;
/// One after which so many others began has ended.
const MAX_AFTER: u64 = 16;

impl Beside {
    /// Whether no response is open but the one under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The place that a new response has in the order of responses.
    pub(crate) fn number(&mut self) -> u64 {
        self.begun += 1;
        self.begun - 1
    }

    /// Where an event belongs that comes while a response is under way.
    pub(crate) fn place(&self, current: Option<&Exchange>, next: &Signs<'_>) -> Place {
        let Some(current) = current else {
            return Place::Here;
        };
        if let Some(id) = next.id.filter(|_| !next.whole && !current.has_id(next)) {
            let same = |other: &Exchange| other.has_id(next);
            if let Some(at) = current.apart.iter().position(same) {
                let speaks = current.apart[at].transcript.any() || next.generates();
                return if speaks {
                    Place::Apart(at)
                } else {
                    Place::Here
                };
            }
            if let Some(at) = self.open.iter().rposition(same) {
                return Place::Back(at);
            }
            debug_assert!(!id.is_empty(), "an id has some text");
        }
        // An event that bears no id goes on with what it can belong to.
        let stray = next.id.is_none() && next.dialect.is_some() && !next.begins && !next.whole;
        if stray && !current.can_hold(next) {
            let holds = |other: &Exchange| other.lacks_ids() && other.can_hold(next);
            if let Some(at) = self.open.iter().rposition(holds) {
                return Place::Back(at);
            }
        }
        current.place(next)
    }

    /// Leaves a response open.
    pub(crate) fn leave(&mut self, mut exchange: Exchange) {
        exchange.left = self.begun;
        self.last = exchange.number;
        self.open.push(exchange);
    }

    /// Takes a response up again.
    pub(crate) fn take_up(&mut self, at: usize) -> Exchange {
        self.open.remove(at)
    }

    /// A response of which nothing is known but what a header block says.
    pub(crate) fn take_blank(&mut self) -> Option<Exchange> {
        let blank = |exchange: &Exchange| !exchange.has_content();
        let at = self.open.iter().position(blank)?;
        Some(self.open.remove(at))
    }

    /// The response that an end marker without a name belongs to, if it is none but the one under way.
    pub(crate) fn take_finished(&mut self) -> Option<Exchange> {
        let at = self.open.iter().position(Exchange::awaits_end)?;
        Some(self.open.remove(at))
    }

    /// A response that will not go on: too many have begun after it. At the end of input, any.
    pub(crate) fn take_stale(&mut self, all: bool) -> Option<Exchange> {
        let many = self.open.len() > MAX_OPEN;
        let stale = |exchange: &Exchange| all || many || self.begun - exchange.left > MAX_AFTER;
        let at = self.open.iter().position(stale)?;
        Some(self.open.remove(at))
    }

    /// Whether nothing came after a response that has ended.
    pub(crate) fn is_last(&self, exchange: &Exchange) -> bool {
        self.last == exchange.number
    }

    /// Holds a reading until the responses that began before have ended.
    pub(crate) fn hold(&mut self, number: u64, reading: Reading) {
        let at = self.held.partition_point(|(other, _)| *other < number);
        self.held.insert(at, (number, reading));
    }

    /// The next reading that waits for none any more.
    pub(crate) fn release(&mut self, current: Option<&Exchange>) -> Option<Reading> {
        let open = self.open.iter().chain(current);
        let first = open.map(|exchange| exchange.number).min();
        let (number, _) = self.held.first()?;
        let waits = first.is_some_and(|first| first < *number);
        (!waits).then(|| self.held.remove(0).1)
    }
}
