//! Alibaba's DashScope in its own grammar. Each event states the usage so far, and either a piece of the text or all
//! of it so far, as the request said.
//!
//! <https://help.aliyun.com/zh/model-studio/use-qwen-by-calling-api>

use super::openai_chat::{BASE, USAGE};
use super::rule::{Dialect, Done, Means, Rule, Test, any};
use crate::meter::estimate::transcript::Channel;

pub(crate) static DASHSCOPE: Dialect = Dialect {
    api: "dashscope",
    provider: "alibaba",
    signs: &[
        &[Test::Array("output.choices"), Test::Text("request_id")],
        &[Test::Key("output.text"), Test::Text("request_id")],
    ],
    family: &[&[Test::Object("output"), Test::Text("request_id")]],
    begins: &[],
    pieces: &[],
    done: Done::Finish,
    rules: RULES,
    usage: USAGE,
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["request_id"]),
    any(Means::Usage(""), &["usage"]),
    any(
        Means::Finish,
        &["output.choices[].finish_reason", "output.finish_reason"],
    ),
    any(
        Means::TextSoFar(Channel::Text),
        &[
            "output.choices[].message.content",
            "output.choices[].message.content[].text",
            "output.text",
        ],
    ),
    any(
        Means::TextSoFar(Channel::Reasoning),
        &["output.choices[].message.reasoning_content"],
    ),
];
