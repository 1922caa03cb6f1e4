//! Pi, and OpenClaw, which is built on it: a line for each message, with the parts of its cost. The cache stands beside
//! the input.
//!
//! <https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/docs/session.md>

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, Named, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static PI: Agent = Agent {
    name: "pi",
    folders: &[".pi"],
    homes: &[Home {
        variables: &[("PI_AGENT_DIR", ""), ("PI_CODING_AGENT_DIR", "sessions")],
        folders: &[".pi/agent/sessions"],
        files: &["**/*.jsonl"],
    }],
    forms: &[&SESSION],
};

pub(super) static OPENCLAW: Agent = Agent {
    name: "openclaw",
    folders: &[".openclaw", ".clawdbot", ".moltbot", ".moldbot"],
    homes: &[Home {
        variables: &[("OPENCLAW_DIR", ""), ("OPENCLAW_STATE_DIR", "")],
        folders: &[".openclaw", ".clawdbot", ".moltbot", ".moldbot"],
        files: &[
            "agents/*/sessions/*.jsonl",
            "agents/*/sessions/*.jsonl.deleted.*",
            "agents/*/sessions/*.jsonl.reset.*",
        ],
    }],
    forms: &[&SESSION],
};

static SESSION: Form = Form {
    api: "pi.session",
    shape: Shape::Lines,
    signs: &[
        &[("type", &["session"]), ("id", &[]), ("timestamp", &[])],
        &[("type", &["message"]), ("message.usage.cacheRead", &[])],
    ],
    rows: &[
        Row {
            when: &[
                ("type", &["message"]),
                ("message.role", &["assistant"]),
                ("message.usage", &[]),
            ],
            facts: &[
                (Usage, "message.usage"),
                (Count(Input, Within), "message.usage.input"),
                (Count(CacheRead, Beside), "message.usage.cacheRead"),
                (Count(CacheWrite, Beside), "message.usage.cacheWrite"),
                (Count(Output, Within), "message.usage.output"),
                (Cost, "message.usage.cost.total"),
                (Model, "message.modelId"),
                (Model, "message.model"),
                (Provider, "message.provider"),
                (Finish, "message.stopReason"),
                (Id, "message.responseId"),
                (Id, "id"),
                (Time, "timestamp"),
                (Time, "message.timestamp"),
            ],
            ..ROW
        },
        Row {
            when: &[("type", &["session"])],
            facts: &[(Session, "id"), (Project, "cwd")],
            ..ROW
        },
        Row {
            when: &[("type", &["model_change"])],
            facts: &[(Model, "modelId"), (Model, "model"), (Provider, "provider")],
            ..ROW
        },
        Row {
            when: &[("type", &["custom"]), ("customType", &["model-snapshot"])],
            facts: &[
                (Model, "data.modelId"),
                (Model, "data.model"),
                (Provider, "data.provider"),
            ],
            ..ROW
        },
    ],
    tally: Tally::Last,
    session: Named::Stem,
    ..PLAIN
};
