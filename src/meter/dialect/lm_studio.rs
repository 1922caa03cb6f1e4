//! LM Studio's own chat: events, the last of which has the statistics.
//!
//! <https://lmstudio.ai/docs/developer/rest>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Means, Rule, Test, any, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static LM_STUDIO: Dialect = Dialect {
    api: "lm_studio",
    provider: "lm_studio",
    signs: &[
        &[Test::Is("type", "chat.start")],
        &[Test::Is("type", "chat.end")],
        &[Test::Is("type", "message.delta"), Test::Text("content")],
        &[Test::Is("type", "reasoning.delta"), Test::Text("content")],
        &[
            Test::Has("stats.total_output_tokens"),
            Test::Array("output"),
        ],
    ],
    family: &[
        &[Test::Starts("type", "chat.")],
        &[Test::Starts("type", "message.")],
        &[Test::Starts("type", "reasoning.")],
        &[Test::Starts("type", "tool_call.")],
        &[Test::Starts("type", "model_load.")],
        &[Test::Starts("type", "prompt_processing.")],
    ],
    kind: "type",
    begins: &[&[Test::Is("type", "chat.start")]],
    pieces: &[&[Test::Text("type")]],
    done: Done::Marker,
    rules: RULES,
    usage: USAGE,
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["result.response_id", "response_id"]),
    any(
        Means::Model,
        &["model_instance_id", "result.model_instance_id"],
    ),
    any(Means::Usage(""), &["result.stats", "stats"]),
    on(&["message.delta"], Means::Text(Channel::Text), &["content"]),
    on(
        &["reasoning.delta"],
        Means::Text(Channel::Reasoning),
        &["content"],
    ),
    on(&["tool_call.start"], Means::Tool, &["tool"]),
    on(
        &[""],
        Means::Text(Channel::Text),
        &["output[type=message].content"],
    ),
    on(
        &[""],
        Means::Text(Channel::Reasoning),
        &["output[type=reasoning].content"],
    ),
    on(&["chat.end"], Means::End, &["type"]),
    any(Means::Error, &["error"]),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["input_tokens"]),
    within(Measure::Output, &["total_output_tokens"]),
    within(Measure::Reasoning, &["reasoning_output_tokens"]),
];
