//! Cohere's chat, version 2 (events) and 1 (lines), embeddings and rerank.
//!
//! <https://docs.cohere.com/v2/docs/streaming>

use super::openai_chat::METRICS;
use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

const BASE: Dialect = Dialect {
    provider: "cohere",
    usage: USAGE,
    ..PLAIN
};

pub(crate) static V2: Dialect = Dialect {
    api: "cohere.v2",
    signs: &[
        &[Test::Starts("type", "message-")],
        &[Test::Starts("type", "content-")],
        &[Test::Starts("type", "tool-call-")],
        &[Test::Starts("type", "tool-plan-")],
        &[Test::Starts("type", "citation-")],
        &[
            Test::Object("message"),
            Test::Text("finish_reason"),
            Test::Has("usage.billed_units"),
        ],
        &[
            Test::Object("message"),
            Test::Text("finish_reason"),
            Test::Has("usage.tokens"),
        ],
    ],
    kind: "type",
    begins: &[&[Test::Is("type", "message-start")]],
    pieces: &[&[Test::Text("type")]],
    rules: V2_RULES,
    ..BASE
};

pub(crate) static V1: Dialect = Dialect {
    api: "cohere.v1",
    signs: &[
        &[Test::Text("event_type"), Test::Bool("is_finished")],
        &[Test::Is("event_type", "stream-start")],
        &[Test::Is("event_type", "text-generation")],
        &[Test::Is("event_type", "stream-end")],
        &[Test::Text("text"), Test::Text("generation_id")],
    ],
    kind: "event_type",
    begins: &[&[Test::Is("event_type", "stream-start")]],
    pieces: &[&[Test::Text("event_type")]],
    rules: V1_RULES,
    ..BASE
};

/// The Generate API of old, also behind Bedrock, where it states no usage of its own.
pub(crate) static GENERATE: Dialect = Dialect {
    api: "cohere.generate",
    signs: &[
        &[Test::Has("generations[].text")],
        &[
            Test::Bool("is_finished"),
            Test::Text("finish_reason"),
            Test::Lacks("event_type"),
        ],
        &[
            Test::Bool("is_finished"),
            Test::Text("text"),
            Test::Lacks("event_type"),
        ],
    ],
    rules: GENERATE_RULES,
    ..BASE
};

pub(crate) static EMBED: Dialect = Dialect {
    api: "cohere.embed",
    signs: &[
        &[Test::Has("embeddings"), Test::Has("meta.billed_units")],
        // On Bedrock, which states tokens in a header.
        &[
            Test::Has("embeddings"),
            Test::Starts("response_type", "embeddings_"),
        ],
    ],
    rules: META_RULES,
    usage: EMBED_USAGE,
    ..BASE
};

pub(crate) static RERANK: Dialect = Dialect {
    api: "cohere.rerank",
    signs: &[&[Test::Has("results[].relevance_score"), Test::Object("meta")]],
    rules: META_RULES,
    ..BASE
};

static V2_RULES: &[Rule] = &[
    on(&["message-start"], Means::Id, &["id"]),
    on(&[""], Means::Id, &["id"]),
    any(Means::Usage(""), &["delta.usage", "usage"]),
    any(Means::Finish, &["delta.finish_reason", "finish_reason"]),
    on(&["message-end"], Means::End, &["type"]),
    on(&["content-end", "tool-call-end"], Means::Rest, &["type"]),
    any(
        Means::Text(Channel::Text),
        &["delta.message.content.text", "message.content[].text"],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &[
            "delta.message.content.thinking",
            "delta.message.tool_plan",
            "message.content[].thinking",
            "message.tool_plan",
        ],
    ),
    on(
        &["tool-call-start"],
        Means::Tool,
        &["delta.message.tool_calls.function.name"],
    ),
    on(
        &["tool-call-start", "tool-call-delta"],
        Means::Text(Channel::Tool),
        &["delta.message.tool_calls.function.arguments"],
    ),
    on(&[""], Means::Tool, &["message.tool_calls[].function.name"]),
    on(
        &[""],
        Means::Text(Channel::Tool),
        &["message.tool_calls[].function.arguments"],
    ),
    any(Means::Error, &["delta.error"]),
];

static V1_RULES: &[Rule] = &[
    any(Means::Id, &["response.generation_id", "generation_id"]),
    any(Means::Usage(""), &["response.meta", "meta"]),
    any(Means::Finish, &["finish_reason"]),
    on(&["stream-end"], Means::End, &["event_type"]),
    on(
        &["", "text-generation"],
        Means::Text(Channel::Text),
        &["text"],
    ),
    on(
        &["tool-calls-generation"],
        Means::Tool,
        &["tool_calls[].name"],
    ),
    on(
        &["tool-calls-generation"],
        Means::Text(Channel::Tool),
        &["tool_calls[].parameters"],
    ),
    any(Means::Error, &["error"]),
];

static GENERATE_RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Usage(""), &["meta"]),
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(
        Means::Finish,
        &["generations[].finish_reason", "finish_reason"],
    ),
    any(Means::Text(Channel::Text), &["generations[].text", "text"]),
    any(Means::End, &["amazon-bedrock-invocationMetrics"]),
];

static META_RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Usage(""), &["meta"]),
    any(Means::Error, &["error"]),
];

/// The model's tokens are counted; what is charged stands beside them.
const USAGE: &[Field] = &[
    within(
        Measure::Input,
        &[
            "tokens.input_tokens",
            "billed_units.input_tokens",
            "amazon-bedrock-invocationMetrics.inputTokenCount",
        ],
    ),
    within(
        Measure::Output,
        &[
            "tokens.output_tokens",
            "billed_units.output_tokens",
            "amazon-bedrock-invocationMetrics.outputTokenCount",
        ],
    ),
    within(Measure::Reasoning, &["tokens.reasoning_tokens"]),
    within(Measure::CacheRead, &["cached_tokens"]),
    within(Measure::BilledInput, &["billed_units.input_tokens"]),
    within(Measure::BilledOutput, &["billed_units.output_tokens"]),
    within(Measure::ImageInput, &["billed_units.image_tokens"]),
    within(Measure::RerankSearches, &["billed_units.search_units"]),
];

/// Nothing is generated: the total is the input.
const EMBED_USAGE: &[Field] = &[
    within(
        Measure::Input,
        &["tokens.input_tokens", "billed_units.input_tokens"],
    ),
    within(
        Measure::Total,
        &["tokens.input_tokens", "billed_units.input_tokens"],
    ),
    within(Measure::BilledInput, &["billed_units.input_tokens"]),
    within(Measure::ImageInput, &["billed_units.image_tokens"]),
];
