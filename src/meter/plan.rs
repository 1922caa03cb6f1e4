//! The rules of a dialect made ready for one walk over an event.

use super::dialect::Rule;
use super::json::{Hit, Json};
use super::tree::Tree;

/// A dialect's rules, made ready.
pub(super) struct Plan {
    rules: &'static [Rule],
    tree: Tree,
    /// For each of the tree's paths, its rule and its place in the rule.
    places: Vec<(u16, u16)>,
}

/// Plans made so far: one for each table of rules in use.
#[derive(Default)]
pub(super) struct Plans(Vec<Plan>);

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
        let known = self
            .0
            .iter()
            .position(|plan| std::ptr::eq(plan.rules, rules));
        let at = known.unwrap_or_else(|| {
            self.0.push(Plan::new(rules));
            self.0.len() - 1
        });
        &self.0[at]
    }
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
