//! Whether an event belongs to a response: told by what it says of itself and by what the response has said so far.

use std::mem::take;
use std::time::Duration;

use super::signs::Signs;
use super::{Exchange, Trace};
use crate::meter::dialect::rule::{Dialect, Done, Merge};
use crate::meter::estimate::transcript::Transcript;
use crate::meter::event::Facts;

/// Where an event belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// To one of the responses that the one under way has turned out to be.
    Apart(usize),
    /// To a response that was left open: which one.
    Back(usize),
    /// To a new response; the one under way may go on after it.
    Beside,
    /// To the response under way.
    Here,
    /// To a new response: the one under way has ended.
    Next,
    /// To the response under way, or to one that runs beside it: what follows will tell.
    Unclear,
}

/// So many responses may turn out to be in what seems one.
const MAX_APART: usize = 32;

/// So many events after another id came up it is known whether the one before comes back.
const MAX_DOUBTFUL: u64 = 256;

impl Exchange {
    /// Where an event belongs that bears the id of no other response.
    pub(crate) fn place(&self, next: &Signs<'_>) -> Place {
        let (Some(dialect), Some(other)) = (self.dialect, next.dialect) else {
            return match next.dialect {
                // A failure or an unknown event: it is ours unless we are done.
                None if self.over && next.fails => Place::Next,
                Some(_) if self.has_content() => Place::Next,
                _ => Place::Here,
            };
        };
        if dialect.api != other.api || next.whole {
            return self.leave();
        }
        let (same, finished) = (self.has_id(next), !self.said.finish.is_empty());
        let different = next.id.is_some() && self.ids.latest.is_some() && !same;
        // Where each event has a fresh id, another id says nothing.
        let fresh = different && self.ids.streak > 1 && self.ids.events == 1;
        let empty = !next.whole && !next.generates();
        // Another server's sign is no part of what has ended.
        let other_server = !same && !other.generic && dialect.provider != other.provider;
        // Of an event that was cut off, the id may not have come.
        let nameless = next.id.is_none() && self.ids.latest.is_some() && !next.is_cut;
        let may_begin = next.begins || dialect.begins.is_empty();
        let begins_anew = other_server || (may_begin && !self.ids.lack);
        if finished && nameless && begins_anew {
            return Place::Next;
        }
        // Events of an array are not those of a stream before it, nor are events with an id those of one that ended
        // without any.
        let first_id = next.id.is_some() && self.ids.latest.is_none();
        let other_form = next.is_element && !self.elements && self.has_content();
        if other_form || (finished && first_id && (may_begin || next.speaks)) {
            return self.leave();
        }
        if self.over {
            // Where nothing else tells one response from the next, its end does.
            let nameless = next.id.is_none() && self.ids.latest.is_none();
            let untold = nameless && dialect.begins.is_empty() && !next.is_element;
            let begins = next.begins || different || untold || (!same && next.speaks);
            let tail = fresh && empty && !next.begins;
            let begins = begins || other_server;
            return if begins && !tail {
                Place::Next
            } else {
                Place::Here
            };
        }
        if different && finished && (next.speaks || may_begin) {
            let model = next.model().filter(|_| self.said.model.is_some());
            let other_model = model.is_some() && self.said.model.as_deref() != model;
            return if fresh && empty && !other_model {
                Place::Here
            } else {
                self.leave()
            };
        }
        if different && next.begins {
            let model = next.model();
            let other_model = model.is_some() && self.said.model.as_deref() != model;
            let stable = self.ids.events > 1 && empty && !next.finishes();
            // A role may stand in every event; what else begins a response stands at its beginning alone.
            let formal = !dialect.finishes_by_choice();
            if self.is_used() && (other_model || stable || formal) {
                return self.leave();
            }
        }
        if different {
            let open = !self.ids.settled && self.apart.len() < MAX_APART;
            return if open { Place::Unclear } else { Place::Here };
        }
        if next.begins && self.is_used() && !dialect.has_ids() {
            return Place::Next;
        }
        if !same && !next.is_cut && self.is_repeated_by(next) {
            return Place::Next;
        }
        Place::Here
    }

    /// Whether an event without an id says more of a choice that had its end: the end was the response's.
    fn is_repeated_by(&self, next: &Signs<'_>) -> bool {
        let dialect = self.dialect.filter(|dialect| dialect.done == Done::Finish);
        let Some(dialect) = dialect.filter(|it| next.begins || it.begins.is_empty()) else {
            return false;
        };
        let finished = |choice: u32| self.said.finish.iter().any(|(of, _)| *of == choice);
        let goes_on = next.is_element || (!self.said.goes_on && next.finishes());
        // Where counts run on, an event that has no text yet is the first of another one.
        let runs = dialect.merge == Merge::Greatest && self.awaits_end();
        let starts = runs && next.speaks && !next.finishes();
        !goes_on && (starts || next.says_in(&|group| finished(dialect.choice(group))))
    }

    /// Where an event belongs that is none of this response's: it may go on if it has not ended.
    pub(crate) fn leave(&self) -> Place {
        let ended = !self.said.finish.is_empty() && !self.said.usage.is_empty();
        if !self.has_content() {
            Place::Here
        } else if self.over || ended || self.ids.latest.is_none() {
            Place::Next
        } else {
            Place::Beside
        }
    }

    /// Whether an event bears the id that this response's last one bore.
    pub(crate) fn has_id(&self, next: &Signs<'_>) -> bool {
        let same_api = match (self.dialect, next.dialect) {
            (Some(one), Some(other)) => one.api == other.api,
            _ => false,
        };
        same_api && next.id.is_some() && next.id == self.ids.latest.as_deref()
    }

    /// Whether an event that bears no id may go on with this response.
    pub(crate) fn can_hold(&self, next: &Signs<'_>) -> bool {
        let api = |dialect: &'static Dialect| dialect.api;
        !self.over && self.dialect.map(api) == next.dialect.map(api)
    }

    /// Whether some of its events bore no id.
    pub(crate) fn lacks_ids(&self) -> bool {
        self.ids.lack
    }

    /// From here on, keeps in mind that the event at hand may be of a response beside this one.
    pub(crate) fn divide(&mut self, now: Duration) {
        if self.apart.is_empty() {
            self.apart.push(self.clone());
        }
        self.apart.push(Self::new(0, now, 0, Transcript::default()));
    }

    /// Ends the doubt whether it is several responses.
    fn settle(&mut self) {
        self.apart = Vec::new();
        self.ids.settled = true;
    }

    /// The responses that it was in truth, where it was several: each went on for a while, and the next one had a
    /// beginning.
    pub(crate) fn take_apart(&mut self) -> Option<Vec<Exchange>> {
        let (_, others) = self.apart.split_first()?;
        let (_, before) = self.apart.split_last()?;
        let unmarked = self.dialect.is_none_or(|dialect| dialect.begins.is_empty());
        // One event under another id is an end that a server adds.
        let goes_on = |other: &Exchange| other.ids.events > 1 && (other.ids.begins || unmarked);
        let several = others.iter().all(goes_on) && before.iter().all(|other| other.ids.events > 2);
        if !several {
            return None;
        }
        let mut apart = take(&mut self.apart);
        if let Some(last) = apart.last_mut() {
            (last.over, last.cut) = (self.over, self.cut);
            (last.lines, last.elements) = (self.lines, self.elements);
            last.failure = self.failure.take();
        }
        apart[0].number = self.number;
        Some(apart)
    }

    /// Takes in what an event says, as if it belonged to the last of the responses that this one may be.
    pub(crate) fn take_doubtful(&mut self, facts: &impl Facts, trace: &mut Trace, now: Duration) {
        let Some(last) = self.apart.last_mut() else {
            return;
        };
        last.identify(&Signs::of(facts));
        last.adopt(facts.outline().dialect);
        last.take(facts, &mut Trace::default());
        last.last = now;
        last.first_text = last.first_text.or(last.transcript.any().then_some(now));
        // What was learned of a run of events knows of one response alone.
        self.version += 1;
        trace.unique = true;
        if self.events - self.apart[0].events > MAX_DOUBTFUL {
            self.settle();
        }
    }
}
