//! Codex CLI: `token_count` events with the session's running counts beside those of the last call, repeated whenever
//! the status line is drawn anew. A forked session begins with a copy of its parent's events, stamped anew.
//!
//! <https://github.com/openai/codex/blob/main/codex-rs/protocol/src/protocol.rs>

use super::rule::Fact::*;
use super::rule::Relation::Within;
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "codex",
    folders: &[".codex"],
    homes: &[Home {
        variables: &[
            ("CODEX_HOME", "sessions"),
            ("CODEX_HOME", "archived_sessions"),
        ],
        folders: &[".codex/sessions", ".codex/archived_sessions"],
        files: &["**/*.jsonl"],
    }],
    forms: &[&ROLLOUT, &EXEC, &OLD_EXEC],
};

static ROLLOUT: Form = Form {
    api: "codex.rollout",
    shape: Shape::Lines,
    signs: &[&[
        (
            "type",
            &[
                "session_meta",
                "turn_context",
                "event_msg",
                "response_item",
                "compacted",
            ],
        ),
        ("payload", &[]),
    ]],
    rows: &[
        Row {
            when: &[("type", &["event_msg"]), ("payload.type", &["token_count"])],
            facts: &[
                (Usage, "payload.info.last_token_usage"),
                (
                    Count(Input, Within),
                    "payload.info.last_token_usage.input_tokens",
                ),
                (
                    Count(CacheRead, Within),
                    "payload.info.last_token_usage.cached_input_tokens",
                ),
                (
                    Count(Output, Within),
                    "payload.info.last_token_usage.output_tokens",
                ),
                (
                    Count(Reasoning, Within),
                    "payload.info.last_token_usage.reasoning_output_tokens",
                ),
                (
                    Running(Input),
                    "payload.info.total_token_usage.input_tokens",
                ),
                (
                    Running(CacheRead),
                    "payload.info.total_token_usage.cached_input_tokens",
                ),
                (
                    Running(Output),
                    "payload.info.total_token_usage.output_tokens",
                ),
                (
                    Running(Reasoning),
                    "payload.info.total_token_usage.reasoning_output_tokens",
                ),
                (Model, "payload.info.model"),
                (Time, "timestamp"),
            ],
            ..ROW
        },
        Row {
            when: &[("type", &["turn_context"])],
            facts: &[
                (Model, "payload.model"),
                (Project, "payload.cwd"),
                (Time, "timestamp"),
            ],
            ..ROW
        },
        Row {
            when: &[("type", &["session_meta"])],
            facts: &[
                (Session, "payload.id"),
                (Project, "payload.cwd"),
                (Provider, "payload.model_provider"),
                (Fork, "payload.forked_from_id"),
                (Fork, "payload.parent_thread_id"),
                (
                    Fork,
                    "payload.source.subagent.thread_spawn.parent_thread_id",
                ),
                (Time, "timestamp"),
            ],
            ..ROW
        },
    ],
    tally: Tally::Running,
    unique: true,
    ..PLAIN
};

/// `codex exec --json`.
static EXEC: Form = Form {
    api: "codex.exec",
    shape: Shape::Lines,
    signs: &[
        &[("type", &["thread.started"]), ("thread_id", &[])],
        &[("type", &["turn.started"])],
        &[("type", &["turn.completed"]), ("usage", &[])],
    ],
    rows: &[
        Row {
            when: &[("type", &["turn.completed"]), ("usage", &[])],
            facts: &[
                (Usage, "usage"),
                (Count(Input, Within), "usage.input_tokens"),
                (Count(CacheRead, Within), "usage.cached_input_tokens"),
                (Count(Output, Within), "usage.output_tokens"),
                (Count(Reasoning, Within), "usage.reasoning_output_tokens"),
            ],
            ends: true,
            ..ROW
        },
        Row {
            when: &[("type", &["turn.failed"])],
            facts: &[(Failure, "error.message")],
            ends: true,
            ..ROW
        },
        Row {
            when: &[("type", &["thread.started", "turn.started"])],
            facts: &[(Session, "thread_id")],
            ..ROW
        },
    ],
    printed: true,
    ..PLAIN
};

/// The same before version 0.44.
static OLD_EXEC: Form = Form {
    api: "codex.exec",
    shape: Shape::Lines,
    signs: &[&[
        ("id", &[]),
        (
            "msg.type",
            &[
                "task_started",
                "session_configured",
                "token_count",
                "agent_message",
            ],
        ),
    ]],
    rows: &[
        Row {
            when: &[("msg.type", &["token_count"])],
            facts: &[
                (Usage, "msg.info.last_token_usage"),
                (
                    Count(Input, Within),
                    "msg.info.last_token_usage.input_tokens",
                ),
                (Count(Input, Within), "msg.input_tokens"),
                (
                    Count(CacheRead, Within),
                    "msg.info.last_token_usage.cached_input_tokens",
                ),
                (Count(CacheRead, Within), "msg.cached_input_tokens"),
                (
                    Count(Output, Within),
                    "msg.info.last_token_usage.output_tokens",
                ),
                (Count(Output, Within), "msg.output_tokens"),
                (
                    Count(Reasoning, Within),
                    "msg.info.last_token_usage.reasoning_output_tokens",
                ),
                (Count(Reasoning, Within), "msg.reasoning_output_tokens"),
                (Running(Input), "msg.info.total_token_usage.input_tokens"),
                (
                    Running(CacheRead),
                    "msg.info.total_token_usage.cached_input_tokens",
                ),
                (Running(Output), "msg.info.total_token_usage.output_tokens"),
                (
                    Running(Reasoning),
                    "msg.info.total_token_usage.reasoning_output_tokens",
                ),
            ],
            ..ROW
        },
        Row {
            when: &[("msg.type", &["session_configured", "task_started"])],
            facts: &[(Session, "msg.session_id"), (Model, "msg.model")],
            ..ROW
        },
        Row {
            when: &[("msg.type", &["task_complete"])],
            ends: true,
            ..ROW
        },
        // The first line is what it was started with.
        Row {
            when: &[("workdir", &[]), ("model", &[])],
            facts: &[(Model, "model"), (Provider, "provider")],
            ..ROW
        },
    ],
    tally: Tally::Running,
    printed: true,
    ..PLAIN
};
