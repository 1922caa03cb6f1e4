//! Claude Code: a line for each content block of a message, each with the message's usage; only the last has the
//! final count of output. Resumed sessions and sidechains copy lines into other files, sidechains under new request ids.
//!
//! <https://code.claude.com/docs/en/headless>, and the logs' readers in ccusage and splitrail.

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "claude",
    folders: &[".claude"],
    homes: &[Home {
        variables: &[("CLAUDE_CONFIG_DIR", "projects")],
        folders: &[".claude/projects", ".config/claude/projects"],
        files: &["**/*.jsonl"],
    }],
    forms: &[&LOG, &STREAM, &RESULT],
};

static LOG: Form = Form {
    api: "claude-code.log",
    shape: Shape::Lines,
    signs: &[
        &[("isSidechain", &[])],
        &[("type", &["summary"]), ("leafUuid", &[])],
        &[("type", &["file-history-snapshot", "queue-operation"])],
        &[("sessionId", &[]), ("uuid", &[]), ("message.content", &[])],
    ],
    needles: &["\"usage\""],
    rows: &[Row {
        when: &[("type", &["assistant"])],
        facts: &[
            (Usage, "message.usage"),
            (Count(Input, Within), "message.usage.input_tokens"),
            (
                Count(CacheRead, Beside),
                "message.usage.cache_read_input_tokens",
            ),
            (
                Count(CacheWrite, Beside),
                "message.usage.cache_creation_input_tokens",
            ),
            (
                Count(CacheWrite1h, Within),
                "message.usage.cache_creation.ephemeral_1h_input_tokens",
            ),
            (Count(Output, Within), "message.usage.output_tokens"),
            (
                Count(WebSearches, Within),
                "message.usage.server_tool_use.web_search_requests",
            ),
            (Model, "message.model"),
            (Id, "message.id"),
            (Request, "requestId"),
            (Request, "uuid"),
            (Tier, "message.usage.service_tier"),
            (Finish, "message.stop_reason"),
            (Session, "sessionId"),
            (Project, "cwd"),
            (Time, "timestamp"),
            (Cost, "costUSD"),
        ],
        ..ROW
    }],
    tally: Tally::Last,
    unique: true,
    ..PLAIN
};

/// `claude -p --output-format stream-json`: the result has the final usage by model, the lines before it parts of that.
static STREAM: Form = Form {
    api: "claude-code.result",
    shape: Shape::Lines,
    signs: &[
        &[("type", &["system"]), ("session_id", &[]), ("subtype", &[])],
        &[
            ("type", &["assistant", "user"]),
            ("session_id", &[]),
            ("message", &[]),
        ],
        &[
            ("type", &["stream_event"]),
            ("session_id", &[]),
            ("event", &[]),
        ],
        &[("type", &["result"]), ("total_cost_usd", &[])],
        &[("type", &["result"]), ("modelUsage", &[])],
    ],
    rows: RESULT_ROWS,
    tally: Tally::Ranked,
    printed: true,
    ..PLAIN
};

/// The same as one array, or as one object over several lines.
static RESULT: Form = Form {
    api: "claude-code.result",
    shape: Shape::Items(&[]),
    signs: STREAM.signs,
    rows: RESULT_ROWS,
    tally: Tally::Ranked,
    printed: true,
    ..PLAIN
};

const RESULT_ROWS: &[Row] = &[
    Row {
        when: &[("type", &["result"]), ("modelUsage", &[])],
        facts: &[
            (Count(Input, Within), "inputTokens"),
            (Count(CacheRead, Beside), "cacheReadInputTokens"),
            (Count(CacheWrite, Beside), "cacheCreationInputTokens"),
            (Count(Output, Within), "outputTokens"),
            (Count(WebSearches, Within), "webSearchRequests"),
            (Cost, "costUSD"),
            (Session, "session_id"),
            (Group, "session_id"),
        ],
        models: Some("modelUsage"),
        rank: 0,
        ends: true,
    },
    Row {
        when: &[("type", &["result"]), ("usage", &[])],
        facts: &[
            (Usage, "usage"),
            (Count(Input, Within), "usage.input_tokens"),
            (Count(CacheRead, Beside), "usage.cache_read_input_tokens"),
            (
                Count(CacheWrite, Beside),
                "usage.cache_creation_input_tokens",
            ),
            (Count(Output, Within), "usage.output_tokens"),
            (
                Count(WebSearches, Within),
                "usage.server_tool_use.web_search_requests",
            ),
            (Cost, "total_cost_usd"),
            (Session, "session_id"),
            (Group, "session_id"),
        ],
        rank: 1,
        ends: true,
        ..ROW
    },
    Row {
        when: &[("type", &["assistant"]), ("message.usage", &[])],
        facts: &[
            (Usage, "message.usage"),
            (Count(Input, Within), "message.usage.input_tokens"),
            (
                Count(CacheRead, Beside),
                "message.usage.cache_read_input_tokens",
            ),
            (
                Count(CacheWrite, Beside),
                "message.usage.cache_creation_input_tokens",
            ),
            (Count(Output, Within), "message.usage.output_tokens"),
            (Message, "message"),
            (Model, "message.model"),
            (Id, "message.id"),
            (Session, "session_id"),
            (Group, "session_id"),
        ],
        rank: 2,
        ..ROW
    },
    Row {
        when: &[("type", &["system"]), ("subtype", &["init"])],
        facts: &[(Model, "model"), (Session, "session_id"), (Project, "cwd")],
        ..ROW
    },
];
