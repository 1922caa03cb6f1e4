//! Google's Interactions API.
//!
//! <https://ai.google.dev/api/interactions-api>

use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, beside, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static INTERACTIONS: Dialect = Dialect {
    api: "gemini.interactions",
    provider: "google",
    signs: &[
        &[Test::Starts("event_type", "interaction.")],
        &[Test::Starts("event_type", "step.")],
        &[Test::Is("object", "interaction")],
        &[
            Test::Object("usage"),
            Test::Has("usage.total_input_tokens"),
            Test::Array("outputs"),
        ],
    ],
    kind: "event_type",
    begins: &[
        &[Test::Is("event_type", "interaction.created")],
        &[Test::Is("event_type", "interaction.start")],
    ],
    pieces: &[
        &[Test::Text("event_type")],
        &[
            Test::Is("object", "interaction"),
            Test::Is("status", "in_progress"),
        ],
    ],
    rules: RULES,
    usage: USAGE,
    ..PLAIN
};

/// A step's own usage is part of the interaction's: it is never added.
static RULES: &[Rule] = &[
    any(
        Means::Id,
        &[
            "interaction.id",
            "interaction_id",
            "[object=interaction].id",
        ],
    ),
    any(
        Means::Model,
        &["interaction.model", "[object=interaction].model"],
    ),
    any(Means::Created, &["interaction.created", "created"]),
    any(Means::Tier, &["interaction.service_tier", "service_tier"]),
    any(
        Means::Usage(""),
        &["interaction.usage", "metadata.total_usage", "usage"],
    ),
    on(
        &["interaction.completed", "interaction.complete"],
        Means::Finish,
        &["interaction.status"],
    ),
    on(&[""], Means::Finish, &["status"]),
    on(
        &["interaction.completed", "interaction.complete"],
        Means::End,
        &["event_type"],
    ),
    on(&["step.stop"], Means::Rest, &["event_type"]),
    on(
        &["step.delta"],
        Means::Text(Channel::Text),
        &["delta[type=text].text"],
    ),
    on(
        &["step.delta"],
        Means::Text(Channel::Reasoning),
        &["delta[type=thought_summary].content.text"],
    ),
    on(
        &["step.delta"],
        Means::Text(Channel::Tool),
        &["delta[type=arguments_delta].arguments"],
    ),
    on(&["step.start"], Means::Tool, &["step.name"]),
    on(
        &[""],
        Means::Text(Channel::Text),
        &[
            "outputs[type=text].text",
            "steps[type=model_output].content[].text",
        ],
    ),
    any(Means::Error, &["error", "interaction.error"]),
];

/// Thoughts stand beside the output, tool prompts beside the input.
const USAGE: &[Field] = &[
    within(Measure::Input, &["total_input_tokens"]),
    beside(Measure::ToolInput, &["total_tool_use_tokens"]),
    within(Measure::CacheRead, &["total_cached_tokens"]),
    within(Measure::Output, &["total_output_tokens"]),
    beside(
        Measure::Reasoning,
        &["total_thought_tokens", "total_reasoning_tokens"],
    ),
    within(Measure::Total, &["total_tokens"]),
    within(
        Measure::AudioInput,
        &["input_tokens_by_modality[modality=audio].tokens"],
    ),
    within(
        Measure::ImageInput,
        &["input_tokens_by_modality[modality=image].tokens"],
    ),
    within(
        Measure::AudioOutput,
        &["output_tokens_by_modality[modality=audio].tokens"],
    ),
    within(
        Measure::ImageOutput,
        &["output_tokens_by_modality[modality=image].tokens"],
    ),
];
