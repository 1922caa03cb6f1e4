//! OpenAI Responses, also spoken by DeepSeek, xAI, OpenRouter, Azure, Bedrock Mantle and LM Studio.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>

use super::openai_chat::{CHARGES, MAKERS, OPENAI_MODELS};
use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(super) const BASE: Dialect = Dialect {
    api: "openai.responses",
    makers: MAKERS,
    signs: &[
        &[Test::Starts("type", "response.")],
        &[Test::Is("object", "response")],
        &[Test::Is("object", "response.compaction")],
        &[Test::Array("answers"), Test::Object("usage")],
    ],
    family: &[&[Test::Starts("type", "response.")]],
    kind: "type",
    begins: &[
        &[Test::Is("type", "response.created")],
        &[Test::Is("type", "response.queued")],
    ],
    pieces: &[
        &[Test::Starts("type", "response.")],
        // Asked for in the background and not there yet.
        &[Test::Is("object", "response"), Test::Is("status", "queued")],
        &[
            Test::Is("object", "response"),
            Test::Is("status", "in_progress"),
        ],
    ],
    rules: RULES,
    usage: USAGE,
    // Images that a tool made, by a model of their own.
    passes: "tool_usage.image_gen",
    charges: CHARGES,
    generic: true,
    ..PLAIN
};

pub(crate) static RESPONSES: Dialect = BASE;

/// Padded against side channels, as OpenAI does: with a model of OpenAI's it is OpenAI.
pub(crate) static OPENAI: Dialect = Dialect {
    makers: OPENAI_MODELS,
    signs: &[&[Test::Starts("type", "response."), Test::Text("obfuscation")]],
    ..BASE
};

/// What its filters found stands in each response, if only null.
pub(crate) static AZURE: Dialect = Dialect {
    provider: "azure",
    signs: &[
        &[
            Test::Key("response.content_filters"),
            Test::Starts("response.id", "resp_"),
        ],
        &[
            Test::Is("object", "response"),
            Test::Key("content_filters"),
            Test::Starts("id", "resp_"),
        ],
    ],
    generic: false,
    ..BASE
};

/// As on Azure, under an id of another form.
pub(crate) static DEEPSEEK: Dialect = Dialect {
    provider: "deepseek",
    signs: &[
        &[
            Test::Key("response.content_filters"),
            Test::Starts("response.model", "deepseek"),
        ],
        &[
            Test::Is("object", "response"),
            Test::Key("content_filters"),
            Test::Starts("model", "deepseek"),
        ],
    ],
    ..AZURE
};

pub(crate) static XAI: Dialect = Dialect {
    provider: "x-ai",
    signs: &[
        &[Test::Has("response.usage.cost_in_usd_ticks")],
        &[
            Test::Is("object", "response"),
            Test::Has("usage.cost_in_usd_ticks"),
        ],
    ],
    generic: false,
    ..BASE
};

pub(crate) static OPENROUTER: Dialect = Dialect {
    provider: "openrouter",
    signs: &[
        &[Test::Object("response.usage.cost_details")],
        &[
            Test::Is("object", "response"),
            Test::Object("usage.cost_details"),
        ],
    ],
    generic: false,
    ..BASE
};

/// What it charges stands beside the usage.
pub(crate) static COPILOT: Dialect = Dialect {
    provider: "github-copilot",
    signs: &[
        &[Test::Object("response.copilot_usage")],
        &[
            Test::Starts("type", "response."),
            Test::Object("copilot_usage"),
        ],
        &[
            Test::Is("object", "response"),
            Test::Object("copilot_usage"),
        ],
    ],
    generic: false,
    ..BASE
};

/// The events that end a response, each with the whole of it.
const TERMINAL: &[&str] = &[
    "response.completed",
    "response.incomplete",
    "response.failed",
    // Of a Realtime session, which has many.
    "response.done",
];

static RULES: &[Rule] = &[
    any(Means::Id, &["response.id"]),
    any(Means::Model, &["response.model"]),
    any(Means::Created, &["response.created_at"]),
    on(&[""], Means::Id, &["id"]),
    on(&[""], Means::Model, &["model"]),
    on(&[""], Means::Created, &["created_at"]),
    // Early events only repeat the request's tier.
    on(TERMINAL, Means::Tier, &["response.service_tier"]),
    on(&[""], Means::Tier, &["service_tier"]),
    any(Means::Usage(""), &["response.usage", "usage"]),
    any(
        Means::Usage("tool_usage"),
        &["response.tool_usage", "tool_usage"],
    ),
    any(
        Means::Usage("copilot_usage"),
        &["response.copilot_usage", "copilot_usage"],
    ),
    any(
        Means::Finish,
        &[
            "response.incomplete_details.reason",
            "incomplete_details.reason",
        ],
    ),
    on(TERMINAL, Means::FinishElse, &["response.status"]),
    on(&[""], Means::FinishElse, &["status"]),
    on(TERMINAL, Means::End, &["response"]),
    on(&["response.output_item.done"], Means::Rest, &["type"]),
    on(
        &[
            "response.output_text.delta",
            "response.refusal.delta",
            "response.text.delta",
            "response.output_audio_transcript.delta",
            "response.audio_transcript.delta",
        ],
        Means::Text(Channel::Text),
        &["delta"],
    ),
    on(
        &[
            "response.reasoning_text.delta",
            "response.reasoning_summary_text.delta",
        ],
        Means::Text(Channel::Reasoning),
        &["delta"],
    ),
    on(
        &[
            "response.function_call_arguments.delta",
            "response.custom_tool_call_input.delta",
            "response.mcp_call_arguments.delta",
            "response.code_interpreter_call_code.delta",
            "response.shell_call_command.delta",
            "response.apply_patch_call_operation_diff.delta",
        ],
        Means::Text(Channel::Tool),
        &["delta"],
    ),
    on(&["response.output_item.added"], Means::Tool, &["item.name"]),
    // Tools of the provider's own: once when they are done, and again in the whole response. A page that is opened or
    // searched was found by a search.
    on(
        &["response.output_item.done"],
        Means::Call(Measure::WebSearches),
        &["item[type=web_search_call&action.type!=open_page&action.type!=find_in_page].id"],
    ),
    any(
        Means::Call(Measure::WebSearches),
        &[
            "response.output[type=web_search_call&action.type!=open_page&action.type!=find_in_page].id",
            "output[type=web_search_call&action.type!=open_page&action.type!=find_in_page].id",
        ],
    ),
    on(
        &["response.output_item.done"],
        Means::Call(Measure::FileSearches),
        &["item[type=file_search_call].id"],
    ),
    any(
        Means::Call(Measure::FileSearches),
        &[
            "response.output[type=file_search_call].id",
            "output[type=file_search_call].id",
        ],
    ),
    on(
        &["response.output_item.done"],
        Means::Call(Measure::Containers),
        &["item[type=code_interpreter_call].container_id"],
    ),
    any(
        Means::Call(Measure::Containers),
        &[
            "response.output[type=code_interpreter_call].container_id",
            "output[type=code_interpreter_call].container_id",
        ],
    ),
    // A whole body.
    on(
        &[""],
        Means::Text(Channel::Text),
        &["output[].content[type=output_text].text"],
    ),
    on(
        &[""],
        Means::Text(Channel::Reasoning),
        &[
            "output[type=reasoning].summary[].text",
            "output[type=reasoning].content[].text",
        ],
    ),
    on(&[""], Means::Tool, &["output[].name"]),
    on(&[""], Means::Text(Channel::Tool), &["output[].arguments"]),
    any(Means::Error, &["response.error", "error"]),
];

/// All details are contained in the totals, xAI's reasoning included.
pub(super) const USAGE: &[Field] = &[
    within(Measure::Input, &["input_tokens", "prompt_tokens"]),
    within(Measure::Output, &["output_tokens", "completion_tokens"]),
    within(Measure::Total, &["total_tokens"]),
    within(
        Measure::CacheRead,
        &[
            "input_tokens_details.cached_tokens",
            "input_tokens_details.cache_read_input_tokens",
            "input_token_details.cached_tokens",
            "prompt_tokens_details.cached_tokens",
        ],
    ),
    within(
        Measure::CacheWrite,
        &[
            "input_tokens_details.cache_write_tokens",
            "input_tokens_details.cache_creation_input_tokens",
        ],
    ),
    within(
        Measure::Reasoning,
        &[
            "output_tokens_details.reasoning_tokens",
            "completion_tokens_details.reasoning_tokens",
        ],
    ),
    // A Realtime session's details are in the singular.
    within(
        Measure::AudioInput,
        &[
            "input_token_details.audio_tokens",
            "input_tokens_details.audio_tokens",
        ],
    ),
    within(
        Measure::CachedAudio,
        &["input_token_details.cached_tokens_details.audio_tokens"],
    ),
    within(
        Measure::ImageInput,
        &[
            "input_token_details.image_tokens",
            "input_tokens_details.image_tokens",
        ],
    ),
    within(
        Measure::AudioOutput,
        &[
            "output_token_details.audio_tokens",
            "output_tokens_details.audio_tokens",
        ],
    ),
    within(
        Measure::WebSearches,
        &[
            "tool_usage.web_search.num_requests",
            "server_side_tool_usage_details.web_search_calls",
            "server_tool_use_details.web_search_requests",
        ],
    ),
    within(
        Measure::ImageOutput,
        &["output_tokens_details.image_tokens"],
    ),
];
