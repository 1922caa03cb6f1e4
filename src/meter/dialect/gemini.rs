//! Google's generateContent and streamGenerateContent, on AI Studio and on Vertex.
//!
//! <https://ai.google.dev/api/generate-content#UsageMetadata>

use super::rule::{Dialect, Done, Field, Means, Merge, PLAIN, Rule, Test, any, beside, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static GEMINI: Dialect = Dialect {
    api: "gemini",
    provider: "google",
    signs: &[
        &[Test::Array("candidates")],
        &[Test::Has("usageMetadata")],
        &[Test::Has("promptFeedback")],
        // Code Assist wraps each event.
        &[Test::Array("response.candidates")],
        &[Test::Has("response.usageMetadata")],
        &[Test::Has("response.promptFeedback")],
    ],
    family: &[
        &[Test::Array("candidates")],
        &[Test::Has("usageMetadata")],
        &[Test::Array("response.candidates")],
        &[Test::Has("response.usageMetadata")],
    ],
    done: Done::Finish,
    rules: RULES,
    // Later objects may lack a key that no longer applies: only the last one adds up to its total.
    merge: Merge::Whole("totalTokenCount"),
    usage: USAGE,
    ..PLAIN
};

/// Only Vertex states what embeddings used.
pub(crate) static EMBEDDINGS: Dialect = Dialect {
    api: "gemini.embeddings",
    provider: "google",
    signs: &[
        &[Test::Has("predictions[].embeddings.values")],
        &[Test::Array("embedding.values")],
        &[Test::Has("embeddings[].values")],
    ],
    rules: &[
        any(
            Means::UsageKeys(&["token_count"]),
            &["predictions[].embeddings.statistics"],
        ),
        any(Means::Usage(""), &["usageMetadata"]),
    ],
    merge: Merge::Sum,
    usage: &[
        within(Measure::Input, &["token_count", "promptTokenCount"]),
        within(Measure::Total, &["token_count", "promptTokenCount"]),
    ],
    ..PLAIN
};

static RULES: &[Rule] = &[
    any(Means::Id, &["responseId", "response.responseId"]),
    any(Means::Model, &["modelVersion", "response.modelVersion"]),
    any(Means::Created, &["createTime", "response.createTime"]),
    any(
        Means::Usage(""),
        &["usageMetadata", "response.usageMetadata"],
    ),
    any(
        Means::Tier,
        &[
            "usageMetadata.serviceTier",
            "usageMetadata.trafficType",
            "response.usageMetadata.serviceTier",
            "response.usageMetadata.trafficType",
        ],
    ),
    any(
        Means::Finish,
        &[
            "candidates[].finishReason",
            "promptFeedback.blockReason",
            "response.candidates[].finishReason",
            "response.promptFeedback.blockReason",
        ],
    ),
    any(
        Means::Text(Channel::Text),
        &[
            "candidates[].content.parts[!thought].text",
            "response.candidates[].content.parts[!thought].text",
        ],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &[
            "candidates[].content.parts[thought=true].text",
            "response.candidates[].content.parts[thought=true].text",
        ],
    ),
    any(
        Means::Tool,
        &[
            "candidates[].content.parts[].functionCall.name",
            "response.candidates[].content.parts[].functionCall.name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "candidates[].content.parts[].functionCall.args",
            "candidates[].content.parts[].executableCode.code",
            "response.candidates[].content.parts[].functionCall.args",
            "response.candidates[].content.parts[].executableCode.code",
        ],
    ),
    any(
        Means::Call(Measure::WebSearches),
        &["candidates[].groundingMetadata.webSearchQueries[]"],
    ),
    any(
        Means::Call(Measure::MapPlaces),
        &["candidates[].groundingMetadata.groundingChunks[].maps.uri"],
    ),
    any(Means::Error, &["error"]),
];

/// Tool prompts stand beside the prompt, thoughts beside the candidates.
const USAGE: &[Field] = &[
    within(Measure::Input, &["promptTokenCount"]),
    beside(Measure::ToolInput, &["toolUsePromptTokenCount"]),
    within(Measure::CacheRead, &["cachedContentTokenCount"]),
    within(
        Measure::Output,
        &["candidatesTokenCount", "responseTokenCount"],
    ),
    beside(Measure::Reasoning, &["thoughtsTokenCount"]),
    within(Measure::Total, &["totalTokenCount"]),
    within(
        Measure::AudioInput,
        &["promptTokensDetails[modality=AUDIO].tokenCount"],
    ),
    within(
        Measure::CachedAudio,
        &["cacheTokensDetails[modality=AUDIO].tokenCount"],
    ),
    within(
        Measure::ImageInput,
        &["promptTokensDetails[modality=IMAGE].tokenCount"],
    ),
    within(
        Measure::CachedImage,
        &["cacheTokensDetails[modality=IMAGE].tokenCount"],
    ),
    within(
        Measure::VideoInput,
        &["promptTokensDetails[modality=VIDEO].tokenCount"],
    ),
    within(
        Measure::VideoOutput,
        &["candidatesTokensDetails[modality=VIDEO].tokenCount"],
    ),
    within(
        Measure::AudioOutput,
        &[
            "candidatesTokensDetails[modality=AUDIO].tokenCount",
            "responseTokensDetails[modality=AUDIO].tokenCount",
        ],
    ),
    within(
        Measure::ImageOutput,
        &[
            "candidatesTokensDetails[modality=IMAGE].tokenCount",
            "responseTokensDetails[modality=IMAGE].tokenCount",
        ],
    ),
];
