//! The provider's own report beside ours, by day and model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::key::UNKNOWN;
use super::total::Totals;
use crate::record::write::{csv_line, guarded};
use crate::record::{clean, escape};
use crate::saved::{Report, Stated};

/// What both say of one model on one day.
#[derive(Default)]
struct Row {
    ours: Stated,
    theirs: Stated,
}

/// All rows, by day and model, and their sum.
pub(super) struct Reconciled {
    rows: BTreeMap<(String, String), Row>,
    total: Row,
}

/// The columns after day and model: each of ours, each of theirs, and the difference.
const COLUMNS: [&str; 9] = [
    "input_tokens",
    "input_tokens_reported",
    "input_tokens_difference",
    "output_tokens",
    "output_tokens_reported",
    "output_tokens_difference",
    "cost_usd",
    "cost_usd_reported",
    "cost_usd_difference",
];
/// As people read them.
const TITLES: [&str; 9] = [
    "input",
    "reported",
    "difference",
    "output",
    "reported",
    "difference",
    "cost $",
    "reported",
    "difference",
];

impl Reconciled {
    /// Puts a report beside groups by day and model.
    pub(super) fn new(groups: &[(Arc<[String]>, Totals)], report: Report) -> Self {
        let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
        for (keys, totals) in groups {
            let [day, model] = &**keys else { continue };
            let count = |name: &str| totals.figure(name).and_then(|n| u64::try_from(n).ok());
            let model = if model == UNKNOWN { "" } else { model };
            rows.entry((day.clone(), model.to_owned()))
                .or_default()
                .ours = Stated {
                input: count("input_tokens"),
                output: count("output_tokens"),
                cost: totals.cost(),
            };
        }
        for (key, stated) in report {
            rows.entry(key).or_default().theirs = stated;
        }
        let mut total = Row::default();
        for row in rows.values() {
            total.ours.add(&row.ours);
            total.theirs.add(&row.theirs);
        }
        Self { rows, total }
    }

    pub(super) fn csv(&self) -> String {
        let names = ["day", "model"].into_iter().chain(COLUMNS);
        let mut lines = csv_line(names);
        for ((day, model), row) in &self.rows {
            let keys = [day.as_str(), model.as_str()].map(|key| guarded(key.into()).into_owned());
            let figures = row.figures().map(Option::unwrap_or_default);
            lines.extend(csv_line(keys.into_iter().chain(figures)));
        }
        String::from_utf8(lines).unwrap_or_default()
    }

    pub(super) fn json(&self) -> String {
        let object = |key: Option<&(String, String)>, row: &Row| {
            let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
            let mut members = Vec::new();
            if let Some((day, model)) = key {
                members.push(format!("\"day\":{}", text(day)));
                members.push(format!("\"model\":{}", text(model)));
            }
            for (name, figure) in COLUMNS.iter().zip(row.figures()) {
                members.push(format!(
                    "\"{name}\":{}",
                    figure.unwrap_or_else(|| "null".to_owned())
                ));
            }
            format!("{{{}}}", members.join(","))
        };
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(key, row)| object(Some(key), row))
            .collect();
        let text = format!(
            "{{\"schema\":\"tokensense.reconciliation/1\",\"rows\":[{}],\"total\":{}}}",
            rows.join(","),
            object(None, &self.total)
        );
        escape(&text).into_owned() + "\n"
    }

    /// Aligned columns.
    pub(super) fn table(&self) -> String {
        let mut lines = vec![line("day", "model", TITLES.map(str::to_owned))];
        for ((day, model), row) in &self.rows {
            let model = if model.is_empty() { UNKNOWN } else { model };
            lines.push(line(&clean(day), &clean(model), row.shown()));
        }
        lines.push(line("total", "", self.total.shown()));
        let mut widths = vec![0; lines[0].len()];
        for (width, cell) in lines.iter().flat_map(|line| line.iter().enumerate()) {
            widths[width] = widths[width].max(cell.chars().count());
        }
        let mut text = String::new();
        for line in lines {
            let mut row = String::new();
            for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let _ = match at {
                    0 | 1 => write!(row, "{cell:<width$}  "),
                    _ => write!(row, "{cell:>width$}  "),
                };
            }
            text += row.trim_end();
            text.push('\n');
        }
        text
    }
}

fn line(day: &str, model: &str, figures: [String; 9]) -> Vec<String> {
    [day.to_owned(), model.to_owned()]
        .into_iter()
        .chain(figures)
        .collect()
}

impl Row {
    /// What stands in each column, unknown where nobody says.
    fn figures(&self) -> [Option<String>; 9] {
        let (ours, theirs) = (&self.ours, &self.theirs);
        let count = |n: Option<u64>| n.map(|n| n.to_string());
        let less = |ours: Option<u64>, theirs: Option<u64>| {
            Some((i128::from(ours?) - i128::from(theirs?)).to_string())
        };
        let money = |amount: Option<Decimal>| amount.map(|amount| amount.normalize().to_string());
        let difference = ours
            .cost
            .zip(theirs.cost)
            .map(|(ours, theirs)| ours.saturating_sub(theirs));
        [
            count(ours.input),
            count(theirs.input),
            less(ours.input, theirs.input),
            count(ours.output),
            count(theirs.output),
            less(ours.output, theirs.output),
            money(ours.cost),
            money(theirs.cost),
            money(difference),
        ]
    }

    fn shown(&self) -> [String; 9] {
        self.figures()
            .map(|figure| figure.unwrap_or_else(|| "–".to_owned()))
    }
}
