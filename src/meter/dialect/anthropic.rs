//! Anthropic Messages, at home, on Vertex, on Bedrock, and from look-alikes at `/v1/messages`.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>

use super::openai_chat::{CHARGES, METRICS};
use super::rule::{Dialect, Done, Field, Means, PLAIN, Rule, Sign, Test, any, beside, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(super) const BASE: Dialect = Dialect {
    api: "anthropic.messages",
    makers: MAKERS,
    signs: SIGNS,
    family: FAMILY,
    kind: "type",
    begins: &[&[Test::Is("type", "message_start")]],
    pieces: &[
        &[Test::Starts("type", "message_")],
        &[Test::Starts("type", "content_block_")],
        &[Test::Is("type", "ping")],
    ],
    rules: RULES,
    usage: USAGE,
    passes: "iterations[type=advisor_message]",
    charges: CHARGES,
    generic: true,
    ..PLAIN
};

/// Others serve their models in this grammar too.
const MAKERS: &[(&str, &str)] = &[
    ("", "anthropic"),
    ("claude*", "anthropic"),
    ("anthropic/*", "anthropic"),
    ("minimax*", "minimax"),
    ("glm-*", "zai"),
    ("kimi-*", "moonshotai"),
    ("moonshot-*", "moonshotai"),
    ("deepseek-*", "deepseek"),
];

const SIGNS: &[Sign] = &[
    &[Test::Is("type", "message_start")],
    &[Test::Starts("type", "content_block_")],
    &[Test::Is("type", "message_delta")],
    &[Test::Is("type", "message_stop")],
    &[Test::Is("type", "message"), Test::Object("usage")],
];

/// A ping may come at any time, but begins nothing.
static FAMILY: &[Sign] = &[
    &[Test::Is("type", "message_start")],
    &[Test::Starts("type", "content_block_")],
    &[Test::Is("type", "message_delta")],
    &[Test::Is("type", "message_stop")],
    &[Test::Is("type", "ping")],
    &[Test::Is("type", "message"), Test::Object("usage")],
];

pub(crate) static MESSAGES: Dialect = BASE;

/// Ids tell where the model runs: prices differ.
pub(crate) static ON_VERTEX: Dialect = Dialect {
    provider: "google",
    signs: &[
        &[Test::Starts("message.id", "msg_vrtx_")],
        &[Test::Starts("id", "msg_vrtx_"), Test::Is("type", "message")],
    ],
    generic: false,
    ..BASE
};

pub(crate) static ON_BEDROCK: Dialect = Dialect {
    provider: "aws",
    signs: &[
        &[Test::Starts("message.id", "msg_bdrk_")],
        &[Test::Starts("id", "msg_bdrk_"), Test::Is("type", "message")],
    ],
    generic: false,
    ..BASE
};

/// GitHub's, which states what it charges beside the usage.
pub(crate) static COPILOT: Dialect = Dialect {
    provider: "github-copilot",
    signs: &[
        &[
            Test::Starts("type", "message_"),
            Test::Object("copilot_usage"),
        ],
        &[Test::Is("type", "message"), Test::Object("copilot_usage")],
        &[
            Test::Is("type", "message_start"),
            Test::Object("message.copilot_usage"),
        ],
    ],
    generic: false,
    ..BASE
};

/// The Text Completions of old: no usage at all.
pub(crate) static COMPLETE: Dialect = Dialect {
    api: "anthropic.complete",
    provider: "anthropic",
    signs: &[
        &[Test::Is("type", "completion"), Test::Text("completion")],
        &[
            Test::Text("completion"),
            Test::Key("stop_reason"),
            Test::Lacks("choices"),
        ],
        &[
            Test::Text("completion"),
            Test::Has("amazon-bedrock-invocationMetrics"),
        ],
    ],
    family: &[&[Test::Text("completion")], &[Test::Is("type", "ping")]],
    begins: &[],
    pieces: &[],
    done: Done::Finish,
    rules: &[
        any(Means::Id, &["id"]),
        any(Means::Model, &["model"]),
        any(Means::Finish, &["stop_reason"]),
        any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
        any(Means::Text(Channel::Text), &["completion"]),
    ],
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["message.id", "[type=message].id"]),
    any(Means::Model, &["message.model", "[type=message].model"]),
    any(
        Means::Served,
        &[
            "content_block[type=fallback].to.model",
            "content[type=fallback].to.model",
        ],
    ),
    any(
        Means::Served,
        &["usage.iterations[type=fallback_message].model"],
    ),
    // What stands there as output is a placeholder.
    on(&["message_start"], Means::UsageSoFar, &["message.usage"]),
    on(
        &["message_delta", "message"],
        Means::Usage(""),
        &["usage", "delta.usage"],
    ),
    any(
        Means::Usage("copilot_usage"),
        &["copilot_usage", "message.copilot_usage"],
    ),
    // Bedrock's own figures; the model's count where it gives them.
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(
        Means::Tier,
        &["message.usage.service_tier", "usage.service_tier"],
    ),
    any(
        Means::Finish,
        &[
            "delta.stop_reason",
            "message.stop_reason",
            "[type=message].stop_reason",
        ],
    ),
    on(&["message_stop"], Means::End, &["type"]),
    on(&["content_block_stop"], Means::Rest, &["type"]),
    on(
        &["content_block_delta"],
        Means::Text(Channel::Text),
        // What a compaction sums up, in `delta.content`, is no part of the answer.
        &["delta.text"],
    ),
    on(
        &["content_block_delta"],
        Means::Text(Channel::Reasoning),
        &["delta.thinking"],
    ),
    on(
        &["content_block_delta"],
        Means::Text(Channel::Tool),
        &["delta.partial_json"],
    ),
    on(
        &["content_block_start"],
        Means::Tool,
        &["content_block.name"],
    ),
    any(
        Means::Call(Measure::WebSearches),
        &[
            "content_block[type=server_tool_use&name=web_search].id",
            "content[type=server_tool_use&name=web_search].id",
        ],
    ),
    on(
        &["message"],
        Means::Text(Channel::Text),
        &["content[type=text].text"],
    ),
    on(
        &["message"],
        Means::Text(Channel::Reasoning),
        &["content[type=thinking].thinking"],
    ),
    on(&["message"], Means::Tool, &["content[type=tool_use].name"]),
    on(
        &["message"],
        Means::Text(Channel::Tool),
        &["content[type=tool_use].input"],
    ),
    any(Means::Error, &["error"]),
];

/// Cache reads and writes stand beside the input. The top level leaves out what compaction used, at the same
/// model's price; an advisor's passes have a price of their own and are no part of these counts.
pub(super) const USAGE: &[Field] = &[
    within(
        Measure::Input,
        &[
            "input_tokens",
            "amazon-bedrock-invocationMetrics.inputTokenCount",
        ],
    ),
    within(
        Measure::Output,
        &[
            "output_tokens",
            "amazon-bedrock-invocationMetrics.outputTokenCount",
        ],
    ),
    beside(
        Measure::CacheRead,
        &[
            "cache_read_input_tokens",
            "amazon-bedrock-invocationMetrics.cacheReadInputTokenCount",
        ],
    ),
    beside(
        Measure::CacheWrite,
        &[
            "cache_creation_input_tokens",
            "amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount",
        ],
    ),
    within(
        Measure::CacheWrite1h,
        &["cache_creation.ephemeral_1h_input_tokens"],
    ),
    within(
        Measure::Reasoning,
        &["output_tokens_details.thinking_tokens"],
    ),
    within(
        Measure::WebSearches,
        &["server_tool_use.web_search_requests"],
    ),
    within(
        Measure::Input,
        &["iterations[type=compaction].input_tokens"],
    ),
    beside(
        Measure::CacheRead,
        &["iterations[type=compaction].cache_read_input_tokens"],
    ),
    beside(
        Measure::CacheWrite,
        &["iterations[type=compaction].cache_creation_input_tokens"],
    ),
    within(
        Measure::CacheWrite1h,
        &["iterations[type=compaction].cache_creation.ephemeral_1h_input_tokens"],
    ),
    within(
        Measure::Output,
        &["iterations[type=compaction].output_tokens"],
    ),
];
