//! Ollama's own API: newline-delimited JSON that ends with `done: true`.
//!
//! <https://github.com/ollama/ollama/blob/main/docs/api.md>

use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

const BASE: Dialect = Dialect {
    provider: "ollama",
    pieces: &[&[Test::Bool("done")]],
    rules: RULES,
    usage: USAGE,
    ..PLAIN
};

pub(crate) static CHAT: Dialect = Dialect {
    api: "ollama.chat",
    signs: &[&[
        Test::Text("created_at"),
        Test::Bool("done"),
        Test::Object("message"),
    ]],
    family: &[&[Test::Bool("done"), Test::Object("message")]],
    ..BASE
};

pub(crate) static GENERATE: Dialect = Dialect {
    api: "ollama.generate",
    signs: &[&[
        Test::Text("created_at"),
        Test::Bool("done"),
        Test::Text("response"),
    ]],
    family: &[&[Test::Bool("done"), Test::Text("response")]],
    ..BASE
};

pub(crate) static EMBED: Dialect = Dialect {
    api: "ollama.embed",
    signs: &[&[Test::Text("model"), Test::Array("embeddings")]],
    usage: &[
        within(Measure::Input, &["prompt_eval_count"]),
        within(Measure::Total, &["prompt_eval_count"]),
    ],
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Model, &["model"]),
    any(Means::Created, &["created_at"]),
    // Counts that are zero are left out: with an old server's cached prompt the prompt is unknown.
    any(
        Means::UsageKeys(&[
            "total_duration",
            "load_duration",
            "prompt_eval_count",
            "prompt_eval_cached_count",
            "prompt_eval_duration",
            "eval_count",
            "eval_duration",
        ]),
        &[""],
    ),
    any(Means::Finish, &["done_reason"]),
    any(Means::End, &["done"]),
    any(Means::Text(Channel::Text), &["message.content", "response"]),
    any(
        Means::Text(Channel::Reasoning),
        &["message.thinking", "thinking"],
    ),
    any(Means::Tool, &["message.tool_calls[].function.name"]),
    any(
        Means::Text(Channel::Tool),
        &["message.tool_calls[].function.arguments"],
    ),
    any(Means::Error, &["error"]),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["prompt_eval_count"]),
    within(Measure::CacheRead, &["prompt_eval_cached_count"]),
    within(Measure::Output, &["eval_count"]),
];
