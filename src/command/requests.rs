//! The requests that a command makes, and which response answers which.

use crate::meter::{Note, Reading, Request, Status};

/// A request, and what was done to have usage stated.
pub(super) type Asked = (Request, &'static str);

/// The requests of one command, in the order in which it makes them.
#[derive(Default)]
pub(super) struct Requests {
    asked: Vec<Asked>,
    /// They are not alike: what a response is worth depends on which of them it answers.
    differ: bool,
    /// One of them may have had several answers.
    repeats: bool,
    /// Responses that wait until the command has ended: only their number tells whose they are.
    held: Vec<Reading>,
}

impl Requests {
    /// Requests that differ or not, any of which may be repeated or not.
    pub(super) fn new(asked: Vec<Asked>, differ: bool, repeats: bool) -> Self {
        Self {
            asked,
            differ,
            repeats,
            held: Vec::new(),
        }
    }

    /// One request takes the place of what is known of the command's.
    pub(super) fn replace(&mut self, request: Request) {
        let done = self.asked.last().map_or("", |(_, done)| done);
        *self = Self::new(vec![(request, done)], false, false);
    }

    /// What the meter may know beforehand.
    pub(super) fn certain(&self) -> Vec<Request> {
        let asked = self.asked.iter().filter(|_| !self.differ);
        asked.map(|(request, _)| request.clone()).collect()
    }

    /// A response that has ended, and what was done for it; `None` where it has to wait.
    pub(super) fn take(&mut self, reading: Reading) -> Option<(Reading, Option<&'static str>)> {
        if self.differ {
            self.held.push(reading);
            return None;
        }
        let done = self.asked.first().map(|(_, done)| *done);
        Some((reading, done.filter(|done| !done.is_empty())))
    }

    /// The responses that have waited, each completed by its request where it is certain which one that is: all have been
    /// answered once, or the model that answers was asked for only there.
    pub(super) fn finish(&mut self) -> Vec<(Reading, Option<&'static str>)> {
        let mut held = std::mem::take(&mut self.held);
        let may_answer = |at: usize, reading: &Reading| {
            let model = reading.model.as_deref();
            model.is_none_or(|model| self.asked[at].0.may_be_answered_by(model))
        };
        let among = |reading: &Reading| {
            let own = (0..self.asked.len()).filter(|at| may_answer(*at, reading));
            own.collect::<Vec<_>>()
        };
        let in_order = !self.repeats && held.len() == self.asked.len();
        let same = self.asked.windows(2).all(|pair| pair[0].1 == pair[1].1);
        let common = self.asked.first().filter(|_| same).map(|(_, done)| *done);
        let whose: Vec<_> = held
            .iter()
            .enumerate()
            .map(|(at, reading)| match in_order {
                true => Some(at),
                false => match among(reading)[..] {
                    [only] if reading.model.is_some() => Some(only),
                    _ => None,
                },
            })
            .collect();
        for (reading, whose) in held.iter_mut().zip(&whose) {
            match whose {
                Some(at) => self.asked[*at].0.complete(reading),
                None if reading.status != Status::Error => reading.notes.push(Note::OfSeveral),
                None => {}
            }
        }
        let done = whose
            .into_iter()
            .map(|at| at.map(|at| self.asked[at].1).or(common));
        held.into_iter().zip(done).collect()
    }
}
