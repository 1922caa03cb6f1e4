//! Amp: a document for each thread. Its messages state usage, and so does its ledger, without the cache; a call that
//! stands in both is one.

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "amp",
    folders: &["amp"],
    homes: &[Home {
        variables: &[
            ("AMP_DATA_DIR", "threads"),
            ("XDG_DATA_HOME", "amp/threads"),
        ],
        folders: &[".local/share/amp/threads"],
        files: &["*.json"],
    }],
    forms: &[&THREAD],
};

static THREAD: Form = Form {
    api: "amp.thread",
    shape: Shape::Items(&[&["messages"], &["usageLedger", "events"]]),
    signs: &[
        &[("id", &[]), ("created", &[]), ("messages", &[])],
        &[("v", &[]), ("id", &[]), ("messages", &[])],
        &[("v", &[]), ("id", &[]), ("created", &[])],
        &[("usageLedger", &[]), ("messages", &[])],
    ],
    rows: &[
        Row {
            when: &[("role", &["assistant"]), ("usage", &[])],
            facts: &[
                (Usage, "usage"),
                (Count(Input, Within), "usage.inputTokens"),
                (Count(CacheRead, Beside), "usage.cacheReadInputTokens"),
                (Count(CacheWrite, Beside), "usage.cacheCreationInputTokens"),
                (Count(Output, Within), "usage.outputTokens"),
                (Model, "usage.model"),
                (Model, "model"),
                (Time, "usage.timestamp"),
                (Time, "timestamp"),
                (Request, "messageId"),
                (Group, "messageId"),
            ],
            rank: 0,
            ..ROW
        },
        Row {
            when: &[("tokens", &[]), ("model", &[])],
            facts: &[
                (Count(Input, Within), "tokens.input"),
                (Count(CacheRead, Beside), "tokens.cacheReadInputTokens"),
                (Count(CacheWrite, Beside), "tokens.cacheCreationInputTokens"),
                (Count(Output, Within), "tokens.output"),
                (Model, "model"),
                (Time, "timestamp"),
                (Request, "id"),
                (Group, "toMessageId"),
                (Group, "id"),
            ],
            rank: 1,
            ..ROW
        },
        Row {
            when: &[("messages", &[])],
            facts: &[(Session, "id")],
            ..ROW
        },
    ],
    tally: Tally::Ranked,
    ..PLAIN
};
