//! Tencent's Hunyuan: the chat grammar in capitals; a body stands within `Response`.
//!
//! <https://cloud.tencent.com/document/product/1729/105701>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Means, Rule, Test, any, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static HUNYUAN: Dialect = Dialect {
    api: "hunyuan",
    provider: "tencent",
    signs: &[
        &[Test::Array("Choices"), Test::Object("Usage")],
        &[Test::Array("Choices"), Test::Has("Choices[].Delta")],
        &[Test::Array("Response.Choices")],
    ],
    family: &[&[Test::Array("Choices")]],
    begins: &[],
    pieces: &[&[Test::Has("Choices[].Delta")]],
    done: Done::Finish,
    rules: RULES,
    usage: USAGE,
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["Id", "Response.Id"]),
    any(Means::Created, &["Created", "Response.Created"]),
    any(Means::Usage(""), &["Usage", "Response.Usage"]),
    any(
        Means::Finish,
        &["Choices[].FinishReason", "Response.Choices[].FinishReason"],
    ),
    any(
        Means::Text(Channel::Text),
        &[
            "Choices[].Delta.Content",
            "Choices[].Message.Content",
            "Response.Choices[].Message.Content",
        ],
    ),
    any(
        Means::Text(Channel::Reasoning),
        &[
            "Choices[].Delta.ReasoningContent",
            "Choices[].Message.ReasoningContent",
            "Response.Choices[].Message.ReasoningContent",
        ],
    ),
    any(
        Means::Tool,
        &[
            "Choices[].Delta.ToolCalls[].Function.Name",
            "Response.Choices[].Message.ToolCalls[].Function.Name",
        ],
    ),
    any(
        Means::Text(Channel::Tool),
        &[
            "Choices[].Delta.ToolCalls[].Function.Arguments",
            "Response.Choices[].Message.ToolCalls[].Function.Arguments",
        ],
    ),
    any(Means::Error, &["ErrorMsg", "Response.ErrorMsg"]),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["PromptTokens"]),
    within(Measure::Output, &["CompletionTokens"]),
    within(Measure::Total, &["TotalTokens"]),
    within(Measure::CacheRead, &["PromptTokensDetails.CachedTokens"]),
    within(
        Measure::Reasoning,
        &["CompletionTokensDetails.ReasoningTokens"],
    ),
];
