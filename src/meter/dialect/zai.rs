//! Z.ai (Zhipu): GLM models, a request id on each chunk.
//!
//! <https://docs.z.ai/api-reference/llm/chat-completion>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static ZAI: Dialect = Dialect {
    provider: "zai",
    signs: &[&[
        Test::Array("choices"),
        Test::Starts("model", "glm-"),
        Test::Lacks("time_info"),
    ]],
    generic: false,
    ..BASE
};
