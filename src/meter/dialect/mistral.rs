//! Mistral: pads each chunk, usage on the last one unasked, audio beside the prompt; and its conversations, which have
//! events of their own.
//!
//! <https://docs.mistral.ai/api/endpoint/chat>, <https://docs.mistral.ai/api/endpoint/beta/conversations>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Means, Rule, Test, any, beside, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static MISTRAL: Dialect = Dialect {
    provider: "mistral",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Text("p"),
            Test::Lacks("model_id"),
        ],
        &[Test::Array("choices"), Test::Has("usage.num_cached_tokens")],
    ],
    done: Done::Marker,
    generic: false,
    ..BASE
};

pub(crate) static CONVERSATIONS: Dialect = Dialect {
    api: "mistral.conversations",
    provider: "mistral",
    signs: &[
        &[Test::Starts("type", "conversation.response.")],
        &[Test::Is("object", "conversation.response")],
    ],
    family: &[
        &[Test::Starts("type", "conversation.")],
        &[Test::Starts("type", "message.output.")],
        &[Test::Starts("type", "function.call.")],
        &[Test::Starts("type", "tool.execution.")],
        &[Test::Starts("type", "agent.handoff.")],
    ],
    kind: "type",
    begins: &[&[Test::Is("type", "conversation.response.started")]],
    pieces: &[],
    done: Done::Marker,
    rules: CONVERSATION,
    usage: CONVERSATION_USAGE,
    generic: false,
    ..BASE
};

const CONVERSATION: &[Rule] = &[
    any(Means::Id, &["conversation_id"]),
    any(Means::Created, &["created_at"]),
    any(Means::Model, &["model", "outputs[].model"]),
    any(
        Means::Text(Channel::Text),
        &[
            "content",
            "content[type=text].text",
            "outputs[type=message.output].content",
            "outputs[type=message.output].content[type=text].text",
        ],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &["content[type=thinking].thinking[].text"],
    ),
    on(&["function.call.delta"], Means::Tool, &["name"]),
    on(
        &["function.call.delta"],
        Means::Text(Channel::Tool),
        &["arguments"],
    ),
    any(Means::Usage(""), &["usage"]),
    on(&["conversation.response.done"], Means::End, &["type"]),
    any(Means::Error, &["[type=conversation.response.error]"]),
];

/// What connectors put into the prompt is counted beside it.
const CONVERSATION_USAGE: &[Field] = &[
    within(Measure::Input, &["prompt_tokens"]),
    beside(Measure::ToolInput, &["connector_tokens"]),
    within(Measure::Output, &["completion_tokens"]),
    within(Measure::Total, &["total_tokens"]),
    within(Measure::WebSearches, &["connectors.web_search"]),
];
