//! Qwen Code: a line for each message, with the API's own usage; telemetry lines tell the same calls again. Versions
//! before 0.5 wrote Gemini CLI's documents.

use super::gemini;
use super::rule::Fact::*;
use super::rule::Relation::{UnlessFull, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "qwen",
    folders: &[".qwen"],
    homes: &[Home {
        variables: &[("QWEN_DATA_DIR", "")],
        folders: &[".qwen"],
        files: &["projects/*/chats/*.jsonl", "tmp/*/chats/*.json"],
    }],
    forms: &[&LOG, &gemini::CHAT, &gemini::LINES],
};

static LOG: Form = Form {
    api: "qwen-code.log",
    shape: Shape::Lines,
    signs: &[
        &[("sessionId", &[]), ("uuid", &[]), ("message.parts", &[])],
        &[("sessionId", &[]), ("uuid", &[]), ("usageMetadata", &[])],
        &[("sessionId", &[]), ("uuid", &[]), ("systemPayload", &[])],
    ],
    needles: &["\"usageMetadata\""],
    rows: &[Row {
        when: &[("type", &["assistant"]), ("usageMetadata", &[])],
        facts: &[
            (Usage, "usageMetadata"),
            (Count(Input, Within), "usageMetadata.promptTokenCount"),
            (
                Count(CacheRead, Within),
                "usageMetadata.cachedContentTokenCount",
            ),
            (Count(Output, Within), "usageMetadata.candidatesTokenCount"),
            (
                Count(Reasoning, UnlessFull),
                "usageMetadata.thoughtsTokenCount",
            ),
            (Whole, "usageMetadata.totalTokenCount"),
            (Model, "model"),
            (Id, "uuid"),
            (Session, "sessionId"),
            (Project, "cwd"),
            (Time, "timestamp"),
        ],
        ..ROW
    }],
    tally: Tally::Last,
    ..PLAIN
};
