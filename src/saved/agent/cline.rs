//! Cline, Roo Code and Kilo Code: the editor's messages, with the usage of a request as a JSON text in one of them. The
//! cache stands beside the input; Roo Code's later versions, which name a protocol, count it within.

use serde_json::Value;

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, Named, PLAIN, ROW, Row, Shape};
use crate::meter::Measure::*;

pub(super) static CLINE: Agent = Agent {
    name: "cline",
    folders: &["saoudrizwan.claude-dev", ".cline"],
    homes: &[
        Home {
            variables: &[],
            folders: EDITORS,
            files: &["*/User/globalStorage/saoudrizwan.claude-dev/tasks/*/ui_messages.json"],
        },
        Home {
            variables: &[("CLINE_DIR", "data/tasks")],
            folders: &[".cline/data/tasks"],
            files: &["*/ui_messages.json"],
        },
    ],
    forms: &[&MESSAGES],
};

pub(super) static ROO: Agent = Agent {
    name: "roo",
    folders: &["rooveterinaryinc.roo-cline", "roo-cline"],
    homes: &[Home {
        variables: &[],
        folders: EDITORS,
        files: &["*/User/globalStorage/rooveterinaryinc.roo-cline/tasks/*/ui_messages.json"],
    }],
    forms: &[&MESSAGES],
};

pub(super) static KILO: Agent = Agent {
    name: "kilo",
    folders: &["kilocode.kilo-code"],
    homes: &[Home {
        variables: &[],
        folders: EDITORS,
        files: &["*/User/globalStorage/kilocode.kilo-code/tasks/*/ui_messages.json"],
    }],
    forms: &[&MESSAGES],
};

/// Where VS Code and its relatives keep their extensions' data.
const EDITORS: &[&str] = &[
    ".config",
    "Library/Application Support",
    ".vscode-server/data",
];

static MESSAGES: Form = Form {
    api: "cline.messages",
    shape: Shape::Items(&[]),
    signs: &[
        &[("ts", &[]), ("type", &["say"]), ("say", &[])],
        &[("ts", &[]), ("type", &["ask"]), ("ask", &[])],
    ],
    needles: &["api_req_started"],
    rows: &[
        Row {
            when: &[
                ("message.say", &["api_req_started"]),
                ("usage.apiProtocol", &[]),
                ("within", &[]),
            ],
            facts: &[
                (Count(Input, Within), "usage.tokensIn"),
                (Count(CacheRead, Within), "usage.cacheReads"),
                (Count(CacheWrite, Within), "usage.cacheWrites"),
                (Count(Output, Within), "usage.tokensOut"),
                (Model, "message.modelInfo.modelId"),
                (Provider, "message.modelInfo.providerId"),
                (Time, "message.ts"),
                (Request, "message.ts"),
                (Cost, "usage.cost"),
            ],
            ..ROW
        },
        Row {
            when: &[("message.say", &["api_req_started"])],
            facts: &[
                (Count(Input, Within), "usage.tokensIn"),
                (Count(CacheRead, Beside), "usage.cacheReads"),
                (Count(CacheWrite, Beside), "usage.cacheWrites"),
                (Count(Output, Within), "usage.tokensOut"),
                (Model, "message.modelInfo.modelId"),
                (Provider, "message.modelInfo.providerId"),
                (Time, "message.ts"),
                (Request, "message.ts"),
                (Cost, "usage.cost"),
            ],
            ..ROW
        },
    ],
    session: Named::Folder,
    unfold: Some(unfold),
    ..PLAIN
};

/// Puts a message and the usage that its text holds side by side.
fn unfold(message: &[u8]) -> Option<Vec<u8>> {
    let message: Value = serde_json::from_slice(message).ok()?;
    let usage: Value = serde_json::from_str(message.get("text")?.as_str()?).ok()?;
    let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
    let cached = count("cacheReads").saturating_add(count("cacheWrites"));
    let within = (count("tokensIn") >= cached).then_some(true);
    let mut both = serde_json::json!({"within": within, "usage": usage, "message": message});
    both["message"].as_object_mut()?.remove("text");
    serde_json::to_vec(&both).ok()
}
