//! OpenAI Chat Completions, and the many who answer in its grammar.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use super::rule::{Charge, Dialect, Done, Means, Rule, Sign, Test, any};
use crate::meter::heard::Channel;
use crate::meter::usage::{Field, Measure, Merge, by_total, within};

/// What any server of the family may send.
pub(super) const BASE: Dialect = Dialect {
    api: "openai.chat",
    provider: "",
    signs: FAMILY,
    family: FAMILY,
    kind: "",
    begins: &[&[Test::Has("choices[].delta.role")]],
    pieces: &[
        &[Test::Has("choices[].delta")],
        &[Test::Starts("object", "chat.completion.chunk")],
    ],
    done: Done::Finish,
    rules: RULES,
    merge: Merge::Keys,
    usage: USAGE,
    all_within: &[],
    passes: "",
    charges: CHARGES,
    generic: true,
};

const FAMILY: &[Sign] = &[&[Test::Array("choices")]];

pub(crate) static CHAT: Dialect = BASE;

/// Ollama's own server in this grammar.
pub(crate) static OLLAMA: Dialect = Dialect {
    provider: "ollama",
    signs: &[&[
        Test::Array("choices"),
        Test::Is("system_fingerprint", "fp_ollama"),
    ]],
    generic: false,
    ..BASE
};

/// OpenAI itself: chunks that pad against side channels, or a tier with OpenAI's own fingerprint.
pub(crate) static OPENAI: Dialect = Dialect {
    provider: "openai",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Text("obfuscation"),
            Test::Starts("id", "chatcmpl-"),
        ],
        &[
            Test::Array("choices"),
            Test::Starts("system_fingerprint", "fp_"),
            Test::Starts("id", "chatcmpl-"),
            Test::Starts("model", "gpt-"),
            Test::Lacks("x_groq"),
            Test::Lacks("provider"),
            Test::Lacks("prompt_filter_results"),
            Test::Lacks("choices[].content_filter_results"),
        ],
    ],
    done: Done::Marker,
    ..BASE
};

/// The name that Bedrock gives its figures in whatever an invoked model says.
pub(super) const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// The rows shared with legacy Completions.
pub(super) const RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Model, &["model", "model_id"]),
    any(Means::Created, &["created", "created_at"]),
    any(Means::Tier, &["service_tier"]),
    any(Means::Usage(""), &["x_groq.usage"]),
    any(Means::Usage(""), &["usage"]),
    // Moonshot: in the choice, and sometimes once more at the end.
    any(Means::Usage(""), &["choices[].usage"]),
    // Bedrock's own figures, where it serves such a model.
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(Means::Finish, &["choices[].finish_reason"]),
    any(
        Means::Text(Channel::Text),
        &[
            "choices[].delta.content",
            "choices[].delta.content[type=text].text",
        ],
    ),
    any(Means::Text(Channel::Text), &["choices[].delta.refusal"]),
    any(
        Means::Text(Channel::Text),
        &["choices[].delta.audio.transcript"],
    ),
    // The same words under two names: counted once.
    any(
        Means::Text(Channel::Reasoning),
        &[
            "choices[].delta.reasoning_content",
            "choices[].delta.reasoning",
            "choices[].delta.reasoning_details[].text",
            "choices[].delta.content[type=thinking].thinking[].text",
        ],
    ),
    any(
        Means::Tool,
        &[
            "choices[].delta.tool_calls[].function.name",
            "choices[].delta.function_call.name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "choices[].delta.tool_calls[].function.arguments",
            "choices[].delta.function_call.arguments",
        ],
    ),
    // Whole bodies. Perplexity repeats the message so far beside each delta.
    any(
        Means::Text(Channel::Text),
        &[
            "choices[!delta].message.content",
            "choices[!delta].message.content[type=text].text",
        ],
    ),
    any(
        Means::Text(Channel::Text),
        &["choices[!delta].message.refusal"],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &[
            "choices[!delta].message.reasoning_content",
            "choices[!delta].message.reasoning",
            "choices[!delta].message.reasoning_details[].text",
            "choices[!delta].message.content[type=thinking].thinking[].text",
        ],
    ),
    any(
        Means::Tool,
        &["choices[!delta].message.tool_calls[].function.name"],
    ),
    any(
        Means::Text(Channel::Tool),
        &["choices[!delta].message.tool_calls[].function.arguments"],
    ),
    any(Means::Text(Channel::Text), &["choices[].text"]),
    any(Means::Error, &["error", "x_groq.error"]),
];

/// Details are contained in the totals, save where the grand total says otherwise: xAI's reasoning,
/// Mistral's audio.
pub(super) const USAGE: &[Field] = &[
    within(
        Measure::Input,
        &[
            "prompt_tokens",
            "input_tokens",
            "amazon-bedrock-invocationMetrics.inputTokenCount",
        ],
    ),
    within(
        Measure::Output,
        &[
            "completion_tokens",
            "output_tokens",
            "amazon-bedrock-invocationMetrics.outputTokenCount",
        ],
    ),
    within(Measure::Total, &["total_tokens"]),
    within(
        Measure::CacheRead,
        &[
            "prompt_tokens_details.cached_tokens",
            "prompt_token_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "prompt_cache_hit_tokens",
            "num_cached_tokens",
            "cache_read_input_tokens",
            "cached_tokens",
        ],
    ),
    within(
        Measure::CacheWrite,
        &[
            "prompt_tokens_details.cache_write_tokens",
            "prompt_tokens_details.cache_creation_input_tokens",
            "cache_creation_input_tokens",
        ],
    ),
    by_total(
        Measure::AudioInput,
        &["prompt_tokens_details.audio_tokens", "audio_prompt_tokens"],
    ),
    within(
        Measure::ImageInput,
        &["prompt_tokens_details.image_tokens", "image_tokens"],
    ),
    by_total(
        Measure::Reasoning,
        &[
            "completion_tokens_details.reasoning_tokens",
            "reasoning_tokens",
        ],
    ),
    by_total(Measure::Citation, &["citation_tokens"]),
    within(
        Measure::AudioOutput,
        &["completion_tokens_details.audio_tokens"],
    ),
    within(
        Measure::ImageOutput,
        &["completion_tokens_details.image_tokens"],
    ),
    within(
        Measure::WebSearches,
        &[
            "num_search_queries",
            "server_tool_use_details.web_search_requests",
            "server_tool_use.web_search_requests",
            "server_side_tool_usage_details.web_search_calls",
        ],
    ),
];

/// OpenRouter and Vercel's gateway, xAI, Perplexity.
pub(super) const CHARGES: &[Charge] = &[
    Charge {
        at: "cost.total_cost",
        only_if: None,
        shift: 0,
    },
    Charge {
        at: "cost",
        only_if: None,
        shift: 0,
    },
    // Billed to the caller's own key, beside what OpenRouter takes.
    Charge {
        at: "cost_details.upstream_inference_cost",
        only_if: Some("is_byok"),
        shift: 0,
    },
    // docs.x.ai/developers/cost-tracking
    Charge {
        at: "cost_in_usd_ticks",
        only_if: None,
        shift: 10,
    },
];
