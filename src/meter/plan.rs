//! The rules of a dialect made ready for one walk over an event.

use super::dialect::{Dialect, Rule};
use super::json::{Hit, Json};
use super::tree::Tree;
use super::usage::Counts;

/// A dialect's rules, made ready.
pub(super) struct Plan {
    rules: &'static [Rule],
    tree: Tree,
    /// For each of the tree's paths, its rule and its place in the rule.
    places: Vec<(u16, u16)>,
}

/// Tables made ready so far: those of the dialects in use.
#[derive(Default)]
pub(super) struct Plans {
    rules: Vec<Plan>,
    counts: Vec<Counts>,
}

/// A value that one of the rules names.
pub(super) struct Found<'t> {
    /// Which rule, and which of its paths.
    pub(super) rule: u16,
    pub(super) path: u16,
    pub(super) hit: Hit<'t>,
}

impl Plans {
    /// The plan of a table of rules.
    pub(super) fn of(&mut self, rules: &'static [Rule]) -> &Plan {
        let same = |plan: &Plan| std::ptr::eq(plan.rules, rules);
        known_or(&mut self.rules, same, || Plan::new(rules))
    }

    /// A dialect's tables of counts and charges.
    pub(super) fn counts(&mut self, dialect: &'static Dialect) -> &mut Counts {
        let same = |known: &Counts| std::ptr::eq(known.dialect, dialect);
        known_or(&mut self.counts, same, || Counts::new(dialect))
    }
}

/// What is the same among the known, or else a new one.
fn known_or<T>(known: &mut Vec<T>, same: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = known.iter().position(same).unwrap_or_else(|| {
        known.push(new());
        known.len() - 1
    });
    &mut known[at]
}

impl Plan {
    fn new(rules: &'static [Rule]) -> Self {
        let mut places = Vec::new();
        for (rule, row) in rules.iter().enumerate() {
            places.extend((0..row.paths.len()).map(|path| (rule as u16, path as u16)));
        }
        Self {
            rules,
            tree: Tree::new(rules.iter().flat_map(|rule| rule.paths.iter().copied())),
            places,
        }
    }

    /// All values in an event that the rules name, in the order of rules and paths.
    pub(super) fn find<'t>(&self, event: Json<'t>) -> Vec<Found<'t>> {
        let mut hits = Vec::with_capacity(16);
        self.tree.find(event, &mut hits);
        hits.sort_by_key(|(path, _)| *path);
        let place = |(path, hit): (u16, Hit<'t>)| {
            let (rule, path) = self.places[usize::from(path)];
            Found { rule, path, hit }
        };
        hits.into_iter().map(place).collect()
    }
}
