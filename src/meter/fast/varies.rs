//! What may differ between two events that are understood alike: whatever no table of the roster asks about.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::meter::dialect::ROSTER;
use crate::meter::dialect::rule::{Means, Rule, Test};
use crate::meter::json::Step;

/// What the roster asks of members of one name, wherever they stand.
#[derive(Default)]
pub(crate) struct Mention {
    /// Their texts are asked about.
    pub(crate) tests: Vec<&'static Test>,
    /// What they say decides what other members mean.
    pub(crate) decides: bool,
}

/// What the roster asks of members of this name; `None` where no table has the name.
pub(crate) fn mention(key: &str) -> Option<&'static Mention> {
    static MENTIONS: OnceLock<HashMap<&'static str, Mention>> = OnceLock::new();
    MENTIONS.get_or_init(mentions).get(key)
}

fn mentions() -> HashMap<&'static str, Mention> {
    // What stands under no name, as an array's items do, is as good as mentioned.
    let mut all = HashMap::from([("", Mention::default())]);
    let mut tables: Vec<&[Rule]> = Vec::new();
    for dialect in ROSTER {
        let signs = [
            dialect.signs,
            dialect.family,
            dialect.begins,
            dialect.pieces,
        ];
        let tests: Vec<_> = signs.into_iter().flatten().copied().flatten().collect();
        // Most dialects share their rules with another one.
        let known = tables
            .iter()
            .any(|table| std::ptr::eq(*table, dialect.rules));
        let rules = if known { &[] } else { dialect.rules };
        tables.push(rules);
        let ruled = rules.iter().flat_map(|rule| rule.paths);
        let tested = tests.iter().filter_map(|test| test.path());
        for path in ruled.copied().chain(tested).chain([dialect.kind]) {
            for Step { key, condition } in Step::of(path) {
                all.entry(key).or_default();
                for condition in condition.into_iter().flat_map(|it| it.split('&')) {
                    let condition = condition.trim_start_matches('!');
                    let (path, is) = condition.split_once('=').unwrap_or((condition, ""));
                    for key in path.trim_end_matches('!').split('.') {
                        all.entry(key).or_default().decides |= !is.is_empty();
                    }
                }
            }
        }
        for rule in rules {
            if let Means::UsageKeys(keys) = rule.means {
                for key in keys {
                    all.entry(key).or_default();
                }
            }
        }
        if let Some(step) = Step::of(dialect.kind).last() {
            all.entry(step.key).or_default().decides = true;
        }
        for test in tests {
            let last = test.path().and_then(|path| Step::of(path).last());
            if let (Some(step), Test::Is(..) | Test::Starts(..)) = (last, test) {
                let tests = &mut all.entry(step.key).or_default().tests;
                if !tests.iter().any(|known| known.asks_like(test)) {
                    tests.push(test);
                }
            }
        }
    }
    all
}
