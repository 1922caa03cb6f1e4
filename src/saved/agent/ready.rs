//! A form's table, made ready for walks.

use std::sync::OnceLock;

use super::rule::{Condition, Fact, Form, Row};
use super::walk::{Spans, Tree, is};

/// Where the models of a row stand, how they are found, and what each of them says.
type Models = (usize, Tree, Vec<(Fact, usize)>);

/// A form whose paths have become slots.
pub(super) struct Ready {
    pub(super) tree: Tree,
    pub(super) rows: Vec<ReadyRow>,
    /// Some kind of row ends what is under way.
    pub(super) has_end: bool,
}

/// A kind of row, likewise.
pub(super) struct ReadyRow {
    when: Vec<(usize, &'static [&'static str])>,
    pub(super) facts: Vec<(Fact, usize)>,
    pub(super) rank: u8,
    pub(super) ends: bool,
    /// It is a call, not what holds for those after it.
    pub(super) is_call: bool,
    /// Where the models stand, and what each of them says.
    pub(super) models: Option<Models>,
}

/// The conditions of signs, likewise.
pub(super) type Sign = Vec<(usize, &'static [&'static str])>;

impl Ready {
    pub(super) fn new(form: &Form) -> Self {
        let mut tree = Tree::default();
        let mut rows: Vec<_> = form
            .rows
            .iter()
            .map(|row| ReadyRow::new(row, &mut tree))
            .collect();
        // Where all kinds of rows ask for the same member, most others are known by it early.
        if let [first, rest @ ..] = &rows[..] {
            for (slot, _) in first.when.iter().filter(|(_, values)| !values.is_empty()) {
                let of = |row: &ReadyRow| {
                    let mut all = row.when.iter();
                    all.find(|(own, values)| own == slot && !values.is_empty())
                        .map(|(_, values)| *values)
                };
                if rest.iter().all(|row| of(row).is_some()) {
                    let values = rows.iter().filter_map(of).flatten().copied().collect();
                    tree.only(*slot, values);
                }
            }
        }
        rows.shrink_to_fit();
        let has_end = rows.iter().any(|row| row.ends);
        Self {
            tree,
            rows,
            has_end,
        }
    }

    /// The kind of row that these spans of a text show.
    pub(super) fn row(&self, text: &[u8], spans: &Spans) -> Option<&ReadyRow> {
        self.rows.iter().find(|row| hold(&row.when, text, spans))
    }
}

impl ReadyRow {
    fn new(row: &Row, tree: &mut Tree) -> Self {
        let mut own = Tree::default();
        let (mut facts, mut of_model) = (Vec::new(), Vec::new());
        for (fact, path) in row.facts {
            match fact {
                Fact::Cost | Fact::Count(..) | Fact::Running(_) | Fact::Whole | Fact::Usage
                    if row.models.is_some() =>
                {
                    of_model.push((*fact, own.slot(path)));
                }
                _ => facts.push((*fact, tree.slot(path))),
            }
        }
        Self {
            when: conditions(row.when, tree),
            rank: row.rank,
            ends: row.ends,
            is_call: row
                .facts
                .iter()
                .any(|(fact, _)| matches!(fact, Fact::Count(..))),
            models: row.models.map(|path| (tree.slot(path), own, of_model)),
            facts,
        }
    }
}

/// Makes conditions ready.
pub(super) fn conditions(all: &[Condition], tree: &mut Tree) -> Sign {
    all.iter()
        .map(|(path, values)| (tree.slot(path), *values))
        .collect()
}

/// Whether conditions hold.
pub(super) fn hold(conditions: &Sign, text: &[u8], spans: &Spans) -> bool {
    conditions.iter().all(|(slot, values)| {
        let Some((from, to)) = spans[*slot] else {
            return false;
        };
        let value = &text[from..to];
        match values {
            [] => value != b"null",
            values => values.iter().any(|want| is(value, want)),
        }
    })
}

/// A form's table made ready, once for all.
pub(super) fn ready(form: &'static Form) -> &'static Ready {
    static ALL: OnceLock<Vec<(&'static Form, OnceLock<Ready>)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let forms = super::roster::AGENTS.iter().flat_map(|agent| agent.forms);
        forms.map(|form| (*form, OnceLock::new())).collect()
    });
    let (_, ready) = all
        .iter()
        .find(|(own, _)| std::ptr::eq(*own, form))
        .expect("every form is an agent's");
    ready.get_or_init(|| Ready::new(form))
}
