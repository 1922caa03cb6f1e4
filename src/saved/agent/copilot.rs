//! GitHub Copilot: spans and log records of OpenTelemetry. The agent's own span repeats the sum of its chats', and log
//! records tell them once more: of each trace only the most exact ones count. Its CLI sums up a session where it ends.
//!
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>

use super::rule::Fact::{self, *};
use super::rule::Relation::Within;
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "copilot",
    folders: &[".copilot"],
    homes: &[
        Home {
            variables: &[],
            folders: &[".copilot"],
            files: &[
                "otel/**/*.jsonl",
                "session-state/**/*.jsonl",
                "history-session-state/**/*.jsonl",
            ],
        },
        Home {
            variables: &[("COPILOT_OTEL_FILE_EXPORTER_PATH", "")],
            folders: &[],
            files: &["**/*.jsonl"],
        },
    ],
    forms: &[&OTEL, &EVENTS],
};

static OTEL: Form = Form {
    api: "copilot.otel",
    shape: Shape::Lines,
    signs: &[
        &[
            ("attributes./gen_ai.operation.name/", &[]),
            ("traceId", &[]),
        ],
        &[
            ("attributes./gen_ai.operation.name/", &[]),
            ("spanContext", &[]),
        ],
        &[("type", &["span"]), ("traceId", &[]), ("attributes", &[])],
        &[(
            "attributes./event.name/",
            &[
                "gen_ai.client.inference.operation.details",
                "copilot_chat.session.start",
                "copilot_chat.agent.turn",
                "copilot_chat.tool.call",
            ],
        )],
    ],
    needles: &["\"gen_ai.usage."],
    rows: &[
        Row {
            when: &[
                ("attributes./gen_ai.operation.name/", &["chat"]),
                ("spanId", &[]),
            ],
            facts: FACTS,
            rank: 0,
            ..ROW
        },
        Row {
            when: &[(
                "attributes./event.name/",
                &["gen_ai.client.inference.operation.details"],
            )],
            facts: FACTS,
            rank: 1,
            ..ROW
        },
        Row {
            when: &[("attributes./event.name/", &["copilot_chat.agent.turn"])],
            facts: FACTS,
            rank: 2,
            ..ROW
        },
        Row {
            when: &[("attributes./gen_ai.operation.name/", &["invoke_agent"])],
            facts: FACTS,
            rank: 3,
            ..ROW
        },
    ],
    tally: Tally::Ranked,
    ..PLAIN
};

const FACTS: &[(Fact, &str)] = &[
    (
        Count(Input, Within),
        "attributes./gen_ai.usage.input_tokens/",
    ),
    (
        Count(CacheRead, Within),
        "attributes./gen_ai.usage.cache_read.input_tokens/",
    ),
    (
        Count(CacheWrite, Within),
        "attributes./gen_ai.usage.cache_creation.input_tokens/",
    ),
    (
        Count(CacheWrite, Within),
        "attributes./gen_ai.usage.cache_write.input_tokens/",
    ),
    (
        Count(Output, Within),
        "attributes./gen_ai.usage.output_tokens/",
    ),
    (
        Count(Reasoning, Within),
        "attributes./gen_ai.usage.reasoning.output_tokens/",
    ),
    (
        Count(Reasoning, Within),
        "attributes./gen_ai.usage.reasoning_tokens/",
    ),
    (Model, "attributes./gen_ai.response.model/"),
    (Model, "attributes./gen_ai.request.model/"),
    (Id, "attributes./gen_ai.response.id/"),
    (Request, "spanId"),
    (Request, "spanContext.spanId"),
    (Session, "attributes./gen_ai.conversation.id/"),
    (Session, "attributes./copilot_chat.session_id/"),
    (Session, "attributes./copilot_chat.chat_session_id/"),
    (Session, "attributes./session.id/"),
    (Group, "traceId"),
    (Group, "spanContext.traceId"),
    (Time, "endTime"),
    (Time, "startTime"),
    (Time, "hrTime"),
    (Time, "time"),
    (Time, "timestamp"),
    (Time, "timeUnixNano"),
];

static EVENTS: Form = Form {
    api: "copilot.session",
    shape: Shape::Lines,
    signs: &[&[
        ("type", &["session.start", "session.shutdown"]),
        ("data", &[]),
        ("timestamp", &[]),
    ]],
    rows: &[
        Row {
            when: &[("type", &["session.shutdown"]), ("data.modelMetrics", &[])],
            facts: &[
                (Usage, "usage"),
                (Count(Input, Within), "usage.inputTokens"),
                (Count(CacheRead, Within), "usage.cacheReadTokens"),
                (Count(CacheWrite, Within), "usage.cacheWriteTokens"),
                (Count(Output, Within), "usage.outputTokens"),
                (Time, "timestamp"),
            ],
            models: Some("data.modelMetrics"),
            ..ROW
        },
        Row {
            when: &[("type", &["session.start"])],
            facts: &[(Session, "data.sessionId"), (Project, "data.context.cwd")],
            ..ROW
        },
    ],
    ..PLAIN
};
