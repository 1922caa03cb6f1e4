//! Gemini CLI: a document for each session, in newer versions a line for each message. Cached tokens are part of the
//! input, save in early versions, where the total has room for both; thoughts and tools stand beside.
//!
//! <https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/services/chatRecordingService.ts>

use super::rule::Fact::*;
use super::rule::Relation::{Beside, IfRoom, UnlessFull, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "gemini",
    folders: &[".gemini"],
    homes: &[Home {
        variables: &[("GEMINI_DATA_DIR", ""), ("GEMINI_CLI_HOME", ".gemini/tmp")],
        folders: &[".gemini/tmp"],
        files: &["*/chats/**/*.json", "*/chats/**/*.jsonl"],
    }],
    forms: &[&CHAT, &LINES, &RESULT, &STREAM],
};

pub(super) static CHAT: Form = Form {
    api: "gemini-cli.chat",
    shape: Shape::Items(&[&["messages"]]),
    signs: &[&[("sessionId", &[]), ("projectHash", &[]), ("messages", &[])]],
    rows: ROWS,
    tally: Tally::Last,
    ..PLAIN
};

pub(super) static LINES: Form = Form {
    api: "gemini-cli.chat",
    shape: Shape::Lines,
    signs: &[
        &[("sessionId", &[]), ("projectHash", &[])],
        &[("type", &["gemini"]), ("tokens", &[])],
    ],
    rows: ROWS,
    tally: Tally::Last,
    ..PLAIN
};

const ROWS: &[Row] = &[
    Row {
        when: &[("type", &["gemini"]), ("tokens", &[])],
        facts: &[
            (Usage, "tokens"),
            (Count(Input, Within), "tokens.input"),
            (Count(ToolInput, Beside), "tokens.tool"),
            (Count(Output, Within), "tokens.output"),
            (Count(Reasoning, Beside), "tokens.thoughts"),
            (Count(CacheRead, IfRoom), "tokens.cached"),
            (Whole, "tokens.total"),
            (Model, "model"),
            (Id, "id"),
            (Time, "timestamp"),
        ],
        ..ROW
    },
    Row {
        when: &[("sessionId", &[])],
        facts: &[(Session, "sessionId"), (Folder, "projectHash")],
        ..ROW
    },
];

/// `gemini -p --output-format json`.
static RESULT: Form = Form {
    api: "gemini-cli.result",
    shape: Shape::Whole,
    signs: &[
        &[("stats.models", &[]), ("response", &[])],
        &[("stats.models", &[]), ("session_id", &[])],
        &[("stats.models", &[]), ("stats.tools", &[])],
    ],
    rows: &[Row {
        when: &[("stats.models", &[])],
        facts: MODEL,
        models: Some("stats.models"),
        ends: true,
        ..ROW
    }],
    printed: true,
    ..PLAIN
};

/// What one model has used.
const MODEL: &[(super::rule::Fact, &str)] = &[
    (Usage, "tokens"),
    (Count(Input, Within), "tokens.prompt"),
    (Count(Input, Within), "tokens.prompt_tokens"),
    (Count(Input, Within), "input_tokens"),
    (Count(CacheRead, Within), "tokens.cached"),
    (Count(CacheRead, Within), "cached"),
    (Count(Output, Within), "tokens.candidates"),
    (Count(Output, Within), "output_tokens"),
    (Count(Reasoning, UnlessFull), "tokens.thoughts"),
    (Count(ToolInput, UnlessFull), "tokens.tool"),
    (Whole, "tokens.total"),
    (Whole, "total_tokens"),
    (Session, "session_id"),
    (Failure, "error.message"),
];

/// `gemini -p --output-format stream-json`.
static STREAM: Form = Form {
    api: "gemini-cli.result",
    shape: Shape::Lines,
    signs: &[
        &[("type", &["init"]), ("session_id", &[]), ("model", &[])],
        &[("type", &["result"]), ("stats", &[])],
    ],
    rows: &[
        Row {
            when: &[("type", &["result"]), ("stats.models", &[])],
            facts: MODEL,
            models: Some("stats.models"),
            ends: true,
            ..ROW
        },
        Row {
            when: &[("type", &["result"]), ("stats.input_tokens", &[])],
            facts: &[
                (Usage, "stats"),
                (Count(Input, Within), "stats.input_tokens"),
                (Count(CacheRead, Within), "stats.cached"),
                (Count(Output, Within), "stats.output_tokens"),
                (Time, "timestamp"),
                (Failure, "error.message"),
            ],
            ends: true,
            ..ROW
        },
        Row {
            when: &[("type", &["init"])],
            facts: &[(Model, "model"), (Session, "session_id")],
            ..ROW
        },
    ],
    printed: true,
    ..PLAIN
};
