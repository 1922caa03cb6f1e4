//! OpenAI Chat Completions, and the many who answer in its grammar.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use super::rule::{
    Charge, Dialect, Done, Field, Means, PLAIN, Rule, Sign, Test, Way, any, by_total, charge,
    within,
};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

/// What any server of the family may send.
pub(super) const BASE: Dialect = Dialect {
    api: "openai.chat",
    makers: MAKERS,
    signs: FAMILY,
    family: FAMILY,
    begins: &[
        &[Test::Has("choices[].delta.role")],
        // What Azure found in the prompt comes before the first chunk.
        &[Test::Array("choices"), Test::Array("prompt_filter_results")],
    ],
    pieces: &[
        &[Test::Has("choices[].delta")],
        &[Test::Starts("object", "chat.completion.chunk")],
    ],
    done: Done::Finish,
    rules: RULES,
    usage: USAGE,
    ways: WAYS,
    charges: CHARGES,
    generic: true,
    ..PLAIN
};

static FAMILY: &[Sign] = &[&[Test::Array("choices")]];

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

/// Models that one provider makes and serves, or calls by names that no other does.
pub(super) const MAKERS: &[(&str, &str)] = &[
    ("kimi-*", "moonshotai"),
    ("moonshot-*", "moonshotai"),
    ("glm-*", "zai"),
    ("mistral-*-latest", "mistral"),
    ("ministral-*-latest", "mistral"),
    ("magistral-*-latest", "mistral"),
    ("codestral-latest", "mistral"),
    ("devstral-*-latest", "mistral"),
    ("voxtral-*-latest", "mistral"),
    ("mistral-large-####", "mistral"),
    ("mistral-medium-*", "mistral"),
    ("mistral-small-####", "mistral"),
    ("magistral-medium-*", "mistral"),
    ("magistral-small-####", "mistral"),
    ("codestral-####", "mistral"),
    ("devstral-medium-*", "mistral"),
    ("openai.*", "aws"),
];

/// OpenAI's own models, which Azure and gateways serve too.
pub(super) const OPENAI_MODELS: &[(&str, &str)] = &[
    ("gpt-oss*", ""),
    ("gpt-*", "openai"),
    ("chatgpt-*", "openai"),
    ("ft:*", "openai"),
    ("o#*", "openai"),
    ("codex-*", "openai"),
    ("computer-use-*", "openai"),
    ("openai.*", "aws"),
];

/// Chunks that pad against side channels, or OpenAI's own fingerprint: with a model of OpenAI's it is OpenAI.
pub(crate) static OPENAI: Dialect = Dialect {
    makers: OPENAI_MODELS,
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

/// Google's endpoint leaves thinking out of the completion, not out of the total; Grok on Azure leaves the cache out
/// of the prompt; Perplexity's deep research states a total without what it thought and cited.
const WAYS: &[(&str, Way)] = &[
    ("gemini-*", Way::RestIsOutput),
    ("*/gemini-*", Way::RestIsOutput),
    ("grok-*", Way::CacheBeside),
    ("*/grok-*", Way::CacheBeside),
    ("sonar-deep-research*", Way::Beside),
    ("*/sonar-deep-research*", Way::Beside),
];

/// The name that Bedrock gives its figures in whatever an invoked model says.
pub(super) const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// The rows shared with legacy Completions.
pub(super) static RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Model, &["model", "model_id"]),
    any(Means::Created, &["created", "created_at"]),
    any(Means::Tier, &["service_tier", "usage.service_tier"]),
    any(Means::Usage(""), &["x_groq.usage"]),
    any(Means::Usage(""), &["usage"]),
    // In the choice, as Moonshot does, and sometimes once more at the end.
    any(
        Means::Usage(""),
        &["choices[].usage", "choices[].delta.usage"],
    ),
    // Venice, GitHub Copilot: beside the usage.
    any(Means::Usage("cost"), &["cost"]),
    any(Means::Usage("copilot_usage"), &["copilot_usage"]),
    // Bedrock's own figures, where it serves such a model.
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(Means::Finish, &["choices[].finish_reason"]),
    any(
        Means::Text(Channel::Text),
        &[
            "choices[].delta.content",
            "choices[].delta.content[type=text].text",
            // Together says the same words here too.
            "choices[].text",
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
            "choices[].delta.tool_calls[].custom.name",
            "choices[].delta.function_call.name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "choices[].delta.tool_calls[].function.arguments",
            "choices[].delta.tool_calls[].custom.input",
            "choices[].delta.function_call.arguments",
        ],
    ),
    // Perplexity repeats the message so far beside each delta; its whole bodies have an empty one.
    any(
        Means::TextElse(Channel::Text),
        &["choices[delta].message.content"],
    ),
    // Whole bodies.
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
        &[
            "choices[!delta].message.tool_calls[].function.name",
            "choices[!delta].message.tool_calls[].custom.name",
            "choices[!delta].message.function_call.name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "choices[!delta].message.tool_calls[].function.arguments",
            "choices[!delta].message.tool_calls[].custom.input",
            "choices[!delta].message.function_call.arguments",
        ],
    ),
    any(
        Means::Text(Channel::Text),
        &["choices[!delta].message.audio.transcript"],
    ),
    any(Means::Error, &["error", "x_groq.error"]),
    // MiniMax tells of failures with status 200.
    any(Means::Error, &["base_resp"]),
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
            "prompt_tokens_details.cache_creation_tokens",
            "cache_creation_input_tokens",
        ],
    ),
    // LiteLLM, of Anthropic's models.
    within(
        Measure::CacheWrite1h,
        &[
            "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
            "cache_creation.ephemeral_1h_input_tokens",
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

/// OpenRouter and Vercel's gateway, xAI, Perplexity, Venice, Charm Hyper, DeepInfra, GitHub Copilot.
pub(super) const CHARGES: &[Charge] = &[
    charge("cost.total_cost"),
    charge("cost.usd"),
    charge("cost"),
    charge("estimated_cost"),
    // Billed to the caller's own key, beside what OpenRouter takes.
    Charge {
        only_if: Some("is_byok"),
        adds: true,
        ..charge("cost_details.upstream_inference_cost")
    },
    // docs.x.ai/developers/cost-tracking. On Azure it is always zero.
    Charge {
        may_be_zero: false,
        shift: 10,
        ..charge("cost_in_usd_ticks")
    },
    // An AI unit is a cent: zero for the models that a seat includes.
    Charge {
        may_be_zero: false,
        shift: 11,
        ..charge("copilot_usage.total_nano_aiu")
    },
];
