//! OpenCode: a file for each message, in newer versions a row of an SQLite table; after an update both hold the same
//! ones. The cache stands beside the input, reasoning beside the output; a cost of zero says that none is known.
//!
//! <https://github.com/sst/opencode/blob/dev/packages/opencode/src/session/message-v2.ts>

use super::rule::Fact::*;
use super::rule::Relation::{Beside, UnlessFull, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "opencode",
    folders: &["opencode"],
    homes: &[Home {
        variables: &[("OPENCODE_DATA_DIR", ""), ("XDG_DATA_HOME", "opencode")],
        folders: &[".local/share/opencode"],
        files: &["storage/message/**/*.json", "opencode*.db"],
    }],
    forms: &[&FILE, &TABLE, &RUN],
};

static FILE: Form = Form {
    api: "opencode.message",
    shape: Shape::Whole,
    signs: &[&[("sessionID", &[]), ("role", &["assistant", "user"])]],
    rows: &[Row {
        when: &[("role", &["assistant"]), ("tokens", &[])],
        facts: &[
            (Usage, "tokens"),
            (Count(Input, Within), "tokens.input"),
            (Count(CacheRead, Beside), "tokens.cache.read"),
            (Count(CacheWrite, Beside), "tokens.cache.write"),
            (Count(Output, Within), "tokens.output"),
            (Count(Reasoning, UnlessFull), "tokens.reasoning"),
            (Whole, "tokens.total"),
            (Model, "modelID"),
            (Provider, "providerID"),
            (Id, "id"),
            (Session, "sessionID"),
            (Project, "path.cwd"),
            (Time, "time.created"),
            (Cost, "cost"),
        ],
        ..ROW
    }],
    unique: true,
    ..PLAIN
};

static TABLE: Form = Form {
    api: "opencode.message",
    shape: Shape::Table("message", &["id", "session_id", "data"]),
    rows: &[Row {
        when: &[("data.role", &["assistant"]), ("data.tokens", &[])],
        facts: &[
            (Usage, "data.tokens"),
            (Count(Input, Within), "data.tokens.input"),
            (Count(CacheRead, Beside), "data.tokens.cache.read"),
            (Count(CacheWrite, Beside), "data.tokens.cache.write"),
            (Count(Output, Within), "data.tokens.output"),
            (Count(Reasoning, UnlessFull), "data.tokens.reasoning"),
            (Whole, "data.tokens.total"),
            (Model, "data.modelID"),
            (Provider, "data.providerID"),
            (Id, "id"),
            (Session, "session_id"),
            (Project, "data.path.cwd"),
            (Time, "data.time.created"),
            (Cost, "data.cost"),
        ],
        ..ROW
    }],
    unique: true,
    ..PLAIN
};

/// `opencode run --format json`.
static RUN: Form = Form {
    api: "opencode.run",
    shape: Shape::Lines,
    signs: &[&[
        (
            "type",
            &["step_start", "step_finish", "text", "tool_use", "reasoning"],
        ),
        ("sessionID", &[]),
        ("part", &[]),
    ]],
    rows: &[
        Row {
            when: &[("type", &["step_finish"]), ("part.tokens", &[])],
            ends: true,
            facts: &[
                (Usage, "part.tokens"),
                (Count(Input, Within), "part.tokens.input"),
                (Count(CacheRead, Beside), "part.tokens.cache.read"),
                (Count(CacheWrite, Beside), "part.tokens.cache.write"),
                (Count(Output, Within), "part.tokens.output"),
                (Count(Reasoning, UnlessFull), "part.tokens.reasoning"),
                (Whole, "part.tokens.total"),
                (Id, "part.id"),
                (Session, "sessionID"),
                (Finish, "part.reason"),
                (Time, "timestamp"),
                (Cost, "part.cost"),
            ],
            ..ROW
        },
        Row {
            when: &[("type", &["step_start"])],
            facts: &[(Session, "sessionID")],
            ..ROW
        },
        Row {
            when: &[("type", &["error"])],
            facts: &[
                (Failure, "error.data.message"),
                (Failure, "error.name"),
                (Session, "sessionID"),
            ],
            ends: true,
            ..ROW
        },
    ],
    tally: Tally::Last,
    printed: true,
    ..PLAIN
};
