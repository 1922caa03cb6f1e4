//! What of an event tells which response it belongs to.

use crate::meter::dialect::rule::{Dialect, Means};
use crate::meter::event::{Facts, Outline};
use crate::meter::frame::event::Wrap;

/// No name or word is longer, in bytes.
const MAX_WORD: usize = 4 << 10;

/// What tells whether an event belongs to the response under way.
pub(crate) struct Signs<'s> {
    pub(crate) dialect: Option<&'static Dialect>,
    pub(crate) begins: bool,
    /// It is a failure and nothing else.
    pub(crate) fails: bool,
    pub(crate) id: Option<&'s str>,
    /// It has a place for generated text.
    pub(crate) speaks: bool,
    /// It is a whole response.
    pub(crate) whole: bool,
    /// It stands in an array of events.
    pub(crate) is_element: bool,
    /// It was cut off: what it lacks tells nothing.
    pub(crate) is_cut: bool,
    facts: Option<&'s dyn Facts>,
}

impl<'s> Signs<'s> {
    /// Of an event in no known dialect.
    pub(crate) fn none(fails: bool) -> Self {
        Self {
            dialect: None,
            begins: false,
            fails,
            id: None,
            speaks: false,
            whole: false,
            is_element: false,
            is_cut: false,
            facts: None,
        }
    }

    pub(crate) fn of(facts: &'s impl Facts) -> Self {
        let Outline {
            dialect,
            begins,
            speaks,
            whole,
            wrap,
            ..
        } = facts.outline();
        Self {
            dialect: Some(dialect),
            begins,
            fails: false,
            id: facts.name(Means::Id).map(brief).filter(|id| !id.is_empty()),
            speaks,
            whole,
            is_element: wrap == Wrap::Element,
            is_cut: wrap == Wrap::Cut,
            facts: Some(facts),
        }
    }

    pub(crate) fn model(&self) -> Option<&'s str> {
        let model = self.facts?.name(Means::Model).map(brief);
        model.filter(|model| !model.is_empty())
    }

    /// Whether it brings anything generated.
    pub(crate) fn generates(&self) -> bool {
        self.facts.is_some_and(|facts| facts.generates())
    }

    pub(crate) fn finishes(&self) -> bool {
        let finish = |means: Means, _: u32| means == Means::Finish;
        self.facts.is_some_and(|facts| facts.says(&finish))
    }

    /// Whether it brings a text of a choice like this.
    pub(crate) fn says_in(&self, choice: &dyn Fn(u32) -> bool) -> bool {
        let text = |means: Means, group: u32| matches!(means, Means::Text(_)) && choice(group);
        self.facts.is_some_and(|facts| facts.says(&text))
    }
}

/// A text that is a name or a word, cut where it is neither.
pub(crate) fn brief(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_WORD)]
}

/// The ids that a response's events have borne: some servers give each event a fresh one.
#[derive(Clone, Default)]
pub(crate) struct Ids {
    pub(crate) latest: Option<String>,
    /// Events since the latest one came up.
    pub(crate) events: u64,
    /// So many ids in a row came up for one event each, and the latest one.
    pub(crate) streak: u64,
    /// An event has come that bore none.
    pub(crate) lack: bool,
    /// The event that brought the latest one begins a response.
    pub(crate) begins: bool,
    /// Nothing has come back after another id for so long that it will not.
    pub(crate) settled: bool,
}
