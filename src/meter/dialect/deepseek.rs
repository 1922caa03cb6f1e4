//! DeepSeek: cache hits and misses beside the usual details.
//!
//! <https://api-docs.deepseek.com/api/create-chat-completion>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static DEEPSEEK: Dialect = Dialect {
    provider: "deepseek",
    signs: &[&[
        Test::Array("choices"),
        Test::Has("usage.prompt_cache_miss_tokens"),
    ]],
    done: Done::Marker,
    generic: false,
    ..BASE
};
