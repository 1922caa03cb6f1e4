//! Cloudflare Workers AI, `/ai/run/@cf/…`.
//!
//! <https://developers.cloudflare.com/workers-ai/get-started/rest-api/>

use super::openai_chat;
use super::rule::{Dialect, Means, PLAIN, Rule, Test, any};
use crate::meter::estimate::transcript::Channel;

pub(crate) static CLOUDFLARE: Dialect = Dialect {
    api: "cloudflare",
    provider: "cloudflare",
    signs: &[
        &[
            Test::Text("response"),
            // Many a log has something under this name.
            Test::Only(
                "",
                &["response", "p", "usage", "tool_calls", "finish_reason"],
            ),
        ],
        &[
            Test::Object("result"),
            Test::Has("success"),
            Test::Array("errors"),
        ],
    ],
    rules: RULES,
    usage: openai_chat::USAGE,
    ..PLAIN
};

static RULES: &[Rule] = &[
    any(Means::Usage(""), &["usage", "result.usage"]),
    any(Means::Text(Channel::Text), &["response", "result.response"]),
    any(
        Means::Tool,
        &["tool_calls[].name", "result.tool_calls[].name"],
    ),
    any(
        Means::Text(Channel::Tool),
        &["tool_calls[].arguments", "result.tool_calls[].arguments"],
    ),
];
