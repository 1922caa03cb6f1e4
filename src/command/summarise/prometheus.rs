//! The groups in Prometheus' text format, as node_exporter's textfile collector reads it.

use std::fmt::Write as _;

use super::total::Totals;
use crate::record::clean;

/// What a metric is of, beside its name.
const HELP: &[(&str, &str)] = &[
    ("responses", "Responses that were found."),
    (
        "partial",
        "Responses that ended early; part of the responses.",
    ),
    (
        "estimated",
        "Responses with estimated counts; part of the responses.",
    ),
    (
        "failed",
        "Responses that are errors; part of the responses.",
    ),
    (
        "unpriced",
        "Responses without a cost; part of the responses.",
    ),
    ("input_tokens", "Prompt tokens, cached ones included."),
    (
        "output_tokens",
        "Generated tokens that are billed, reasoning included.",
    ),
    ("cost_usd", "Known costs in US dollars."),
    ("bytes", "Bytes of the responses."),
    (
        "estimate_error",
        "How far estimated input and output tokens may be off, as a share of them.",
    ),
];

/// One gauge for each figure, with one sample for each group: its keys are labels. What no response of a group reports has no
/// sample.
pub(super) fn page<'g>(
    keys: &[&str],
    groups: impl Iterator<Item = (&'g [String], &'g Totals)> + Clone,
) -> String {
    let labels = labels(keys);
    let mut page = String::new();
    for (name, _) in Totals::default().figures() {
        let samples = groups
            .clone()
            .filter_map(|(values, totals)| Some((values, totals.figure(name)?)));
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            continue;
        }
        let help = HELP.iter().find(|(known, _)| *known == name);
        if let Some((_, help)) = help {
            let _ = writeln!(page, "# HELP tokensense_{name} {help}");
        }
        let _ = writeln!(page, "# TYPE tokensense_{name} gauge");
        for (values, figure) in samples {
            let pairs = labels.iter().zip(values);
            let pairs: Vec<_> = pairs
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                .collect();
            let _ = writeln!(page, "tokensense_{name}{{{}}} {figure}", pairs.join(","));
        }
    }
    page
}

/// The keys as names of labels, each another: `label.team` is `label_team`.
fn labels(keys: &[&str]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for key in keys {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut label: String = key.chars().map(allowed).collect();
        while labels.contains(&label) {
            label.push('_');
        }
        labels.push(label);
    }
    labels
}

/// A label's value as it stands between quotes.
fn escaped(value: &str) -> String {
    clean(value).replace('\\', "\\\\").replace('"', "\\\"")
}
