//! Continue: a line for each call, with its counts.

use super::rule::Fact::*;
use super::rule::Relation::Within;
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "continue",
    folders: &[".continue"],
    homes: &[Home {
        variables: &[("CONTINUE_GLOBAL_DIR", "dev_data")],
        folders: &[".continue/dev_data"],
        files: &["**/tokensGenerated.jsonl"],
    }],
    forms: &[&TOKENS],
};

static TOKENS: Form = Form {
    api: "continue.tokens",
    shape: Shape::Lines,
    signs: &[
        &[("eventName", &["tokensGenerated"])],
        &[
            ("promptTokens", &[]),
            ("generatedTokens", &[]),
            ("model", &[]),
        ],
    ],
    rows: &[Row {
        when: &[("generatedTokens", &[])],
        facts: &[
            (Count(Input, Within), "promptTokens"),
            (Count(Output, Within), "generatedTokens"),
            (Model, "model"),
            (Provider, "provider"),
            (Time, "timestamp"),
        ],
        ..ROW
    }],
    ..PLAIN
};
