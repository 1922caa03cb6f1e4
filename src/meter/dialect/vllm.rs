//! vLLM: perhaps cumulative usage on every chunk.
//!
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static VLLM: Dialect = Dialect {
    provider: "vllm",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Starts("system_fingerprint", "vllm-"),
        ],
        &[Test::Array("choices"), Test::Has("prompt_token_ids")],
    ],
    generic: false,
    ..BASE
};
