//! AWS Bedrock: Converse in its own grammar, Invoke in that of the model behind it.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>

use super::openai_chat::METRICS;
use super::rule::{Dialect, Done, Field, Means, PLAIN, Rule, Test, Way, any, beside, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

const BASE: Dialect = Dialect {
    provider: "aws",
    ..PLAIN
};

/// In a stream the event's name is in the frame's header.
pub(crate) static CONVERSE: Dialect = Dialect {
    api: "bedrock.converse",
    signs: &[
        &[Test::Named("messageStart")],
        &[Test::Named("contentBlockStart")],
        &[Test::Named("contentBlockDelta")],
        &[Test::Named("contentBlockStop")],
        &[Test::Named("messageStop")],
        &[Test::Named("metadata"), Test::Object("metrics")],
        &[Test::Named("metadata"), Test::Object("usage")],
        &[Test::Object("output"), Test::Text("stopReason")],
    ],
    begins: &[&[Test::Named("messageStart")]],
    // OpenAI's models count the cache in the input, and a second time in the total.
    ways: &[("openai.*", Way::Within), ("*.openai.*", Way::Within)],
    rules: CONVERSE_RULES,
    usage: CONVERSE_USAGE,
    ..BASE
};

/// Nova's events come wrapped in their names.
pub(crate) static NOVA: Dialect = Dialect {
    api: "bedrock.invoke",
    signs: &[
        &[Test::Object("messageStart")],
        &[Test::Object("contentBlockStart")],
        &[Test::Object("contentBlockDelta")],
        &[Test::Object("contentBlockStop")],
        &[Test::Object("messageStop")],
        &[
            Test::Object("metadata"),
            Test::Object("amazon-bedrock-invocationMetrics"),
        ],
    ],
    begins: &[&[Test::Object("messageStart")]],
    rules: NOVA_RULES,
    usage: CONVERSE_USAGE,
    ..BASE
};

/// Titan, Llama, Mistral and others, each with a few fields of its own.
pub(crate) static NATIVE: Dialect = Dialect {
    api: "bedrock.invoke",
    signs: &[
        &[Test::Has("outputText"), Test::Has("inputTextTokenCount")],
        &[Test::Has("outputText"), Test::Key("completionReason")],
        &[Test::Has("inputTextTokenCount")],
        &[
            Test::Text("generation"),
            Test::Has("generation_token_count"),
        ],
        &[Test::Text("outputs[].text"), Test::Lacks("choices")],
    ],
    family: &[
        &[Test::Text("outputText")],
        &[Test::Text("generation")],
        &[Test::Text("outputs[].text")],
    ],
    done: Done::Finish,
    rules: NATIVE_RULES,
    usage: NATIVE_USAGE,
    ..BASE
};

/// Titan's embeddings generate nothing: the total is the input.
pub(crate) static EMBEDDINGS: Dialect = Dialect {
    api: "bedrock.invoke",
    signs: &[&[Test::Array("embedding"), Test::Has("inputTextTokenCount")]],
    rules: NATIVE_RULES,
    usage: &[
        within(Measure::Input, &["inputTextTokenCount"]),
        within(Measure::Total, &["inputTextTokenCount"]),
    ],
    ..BASE
};

static CONVERSE_RULES: &[Rule] = &[
    any(Means::Usage(""), &["usage"]),
    any(Means::Model, &["trace.promptRouter.invokedModelId"]),
    any(Means::Tier, &["serviceTier.type"]),
    any(Means::Finish, &["stopReason"]),
    any(Means::End, &["metrics", "usage"]),
    on(&["contentBlockStop", "messageStop"], Means::Rest, &[""]),
    any(
        Means::Text(Channel::Text),
        &["output.message.content[].citationsContent.content[].text"],
    ),
    any(
        Means::Text(Channel::Text),
        &["delta.text", "output.message.content[].text"],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &[
            "delta.reasoningContent.text",
            "output.message.content[].reasoningContent.reasoningText.text",
        ],
    ),
    any(
        Means::Tool,
        &[
            "start.toolUse.name",
            "output.message.content[].toolUse.name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "delta.toolUse.input",
            "output.message.content[].toolUse.input",
        ],
    ),
];

static NOVA_RULES: &[Rule] = &[
    any(Means::Usage(""), &["metadata.usage"]),
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(Means::Finish, &["messageStop.stopReason"]),
    any(Means::End, &["metadata"]),
    any(
        Means::Text(Channel::Text),
        &["contentBlockDelta.delta.text"],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &["contentBlockDelta.delta.reasoningContent.text"],
    ),
    any(Means::Tool, &["contentBlockStart.start.toolUse.name"]),
    any(
        Means::Text(Channel::Tool),
        &["contentBlockDelta.delta.toolUse.input"],
    ),
];

static NATIVE_RULES: &[Rule] = &[
    any(
        Means::UsageKeys(&[
            "inputTextTokenCount",
            "totalOutputTextTokenCount",
            "prompt_token_count",
            "generation_token_count",
        ]),
        &[""],
    ),
    any(Means::UsageKeys(&["tokenCount"]), &["results[]"]),
    any(Means::Usage(METRICS), &["amazon-bedrock-invocationMetrics"]),
    any(
        Means::Finish,
        &[
            "completionReason",
            "stop_reason",
            "outputs[].stop_reason",
            "results[].completionReason",
        ],
    ),
    any(
        Means::Text(Channel::Text),
        &[
            "outputText",
            "generation",
            "outputs[].text",
            "results[].outputText",
        ],
    ),
    any(Means::End, &["amazon-bedrock-invocationMetrics"]),
];

/// The input leaves out what was read from and written to a cache; the total has it.
const CONVERSE_USAGE: &[Field] = &[
    within(
        Measure::Input,
        &[
            "inputTokens",
            "amazon-bedrock-invocationMetrics.inputTokenCount",
        ],
    ),
    within(
        Measure::Output,
        &[
            "outputTokens",
            "amazon-bedrock-invocationMetrics.outputTokenCount",
        ],
    ),
    within(Measure::Total, &["totalTokens"]),
    beside(
        Measure::CacheRead,
        &[
            "cacheReadInputTokens",
            "cacheReadInputTokenCount",
            "amazon-bedrock-invocationMetrics.cacheReadInputTokenCount",
        ],
    ),
    beside(
        Measure::CacheWrite,
        &[
            "cacheWriteInputTokens",
            "cacheWriteInputTokenCount",
            "amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount",
        ],
    ),
    within(Measure::CacheWrite1h, &["cacheDetails[ttl=1h].inputTokens"]),
];

const NATIVE_USAGE: &[Field] = &[
    within(
        Measure::Input,
        &[
            "inputTextTokenCount",
            "prompt_token_count",
            "amazon-bedrock-invocationMetrics.inputTokenCount",
        ],
    ),
    within(
        Measure::Output,
        &[
            "totalOutputTextTokenCount",
            "tokenCount",
            "generation_token_count",
            "amazon-bedrock-invocationMetrics.outputTokenCount",
        ],
    ),
    beside(
        Measure::CacheRead,
        &["amazon-bedrock-invocationMetrics.cacheReadInputTokenCount"],
    ),
    beside(
        Measure::CacheWrite,
        &["amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount"],
    ),
];
