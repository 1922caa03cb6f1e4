//! Replicate: predictions, and streams of plain text. Neither states tokens for sure.
//!
//! <https://replicate.com/docs/topics/predictions/streaming>

use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static REPLICATE: Dialect = Dialect {
    api: "replicate",
    provider: "replicate",
    signs: &[&[
        Test::Object("urls"),
        Test::Text("status"),
        Test::Text("version"),
    ]],
    rules: RULES,
    usage: USAGE,
    ..PLAIN
};

static RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Model, &["model"]),
    any(Means::Created, &["created_at"]),
    any(Means::Usage(""), &["metrics"]),
    any(Means::Finish, &["status"]),
    any(Means::Text(Channel::Text), &["output", "output[]"]),
    on(&["done"], Means::End, &[""]),
    any(Means::Error, &["error"]),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["input_token_count", "token_input_count"]),
    within(
        Measure::Output,
        &["output_token_count", "token_output_count"],
    ),
];
