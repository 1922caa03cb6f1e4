//! Cerebras: usage and `time_info` on the last chunk.
//!
//! <https://inference-docs.cerebras.ai/api-reference/chat-completions>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static CEREBRAS: Dialect = Dialect {
    provider: "cerebras",
    signs: &[&[Test::Array("choices"), Test::Object("time_info")]],
    generic: false,
    ..BASE
};
