//! Azure OpenAI and GitHub Models: filter results before, between and after the chunks.
//!
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-streaming>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

/// The signs may come from behind it: what comes later can tell better.
pub(crate) static AZURE: Dialect = Dialect {
    provider: "azure",
    signs: &[
        &[Test::Array("choices"), Test::Array("prompt_filter_results")],
        &[
            Test::Array("choices"),
            Test::Has("choices[].content_filter_results"),
        ],
    ],
    done: Done::Marker,
    ..BASE
};

/// GitHub Copilot, which sends what Azure does, and what it charges beside the usage.
pub(crate) static COPILOT: Dialect = Dialect {
    provider: "github-copilot",
    signs: &[&[Test::Array("choices"), Test::Object("copilot_usage")]],
    done: Done::Marker,
    generic: false,
    ..BASE
};
