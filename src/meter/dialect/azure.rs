//! Azure OpenAI and GitHub Models: filter results before, between and after the chunks.
//!
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-streaming>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static AZURE: Dialect = Dialect {
    provider: "azure",
    signs: &[
        &[Test::Array("choices"), Test::Array("prompt_filter_results")],
        &[
            Test::Array("choices"),
            Test::Has("choices[].content_filter_results"),
        ],
        &[
            Test::Array("choices"),
            Test::Has("choices[].content_filter_offsets"),
        ],
    ],
    done: Done::Marker,
    generic: false,
    ..BASE
};
