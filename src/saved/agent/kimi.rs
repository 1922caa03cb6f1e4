//! Kimi CLI: a status with the usage of each step, which names no model. The cache stands beside the rest of the input.

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, Named, PLAIN, ROW, Row, Shape, Tally};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "kimi",
    folders: &[".kimi"],
    homes: &[Home {
        variables: &[
            ("KIMI_DATA_DIR", "sessions"),
            ("KIMI_SHARE_DIR", "sessions"),
        ],
        folders: &[".kimi/sessions"],
        files: &["**/wire.jsonl"],
    }],
    forms: &[&WIRE],
};

static WIRE: Form = Form {
    api: "kimi.wire",
    shape: Shape::Lines,
    signs: &[
        &[("type", &["metadata"]), ("protocol_version", &[])],
        &[
            (
                "message.type",
                &["StatusUpdate", "TurnBegin", "StepBegin", "ContentPart"],
            ),
            ("message.payload", &[]),
        ],
    ],
    needles: &["\"token_usage\""],
    rows: &[Row {
        when: &[
            ("message.type", &["StatusUpdate"]),
            ("message.payload.token_usage", &[]),
        ],
        facts: &[
            (Usage, "message.payload.token_usage"),
            (
                Count(Input, Within),
                "message.payload.token_usage.input_other",
            ),
            (
                Count(CacheRead, Beside),
                "message.payload.token_usage.input_cache_read",
            ),
            (
                Count(CacheWrite, Beside),
                "message.payload.token_usage.input_cache_creation",
            ),
            (Count(Output, Within), "message.payload.token_usage.output"),
            (Id, "message.payload.message_id"),
            (Time, "timestamp"),
        ],
        ..ROW
    }],
    tally: Tally::Last,
    session: Named::Folder,
    ..PLAIN
};
