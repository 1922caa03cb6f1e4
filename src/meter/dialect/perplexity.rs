//! Perplexity: cumulative usage on every chunk, cost in it, nothing after the last chunk.
//!
//! <https://docs.perplexity.ai/api-reference/chat-completions-post>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static PERPLEXITY: Dialect = Dialect {
    provider: "perplexity",
    signs: &[
        &[Test::Array("choices"), Test::Array("citations")],
        &[Test::Array("choices"), Test::Array("search_results")],
        &[
            Test::Array("choices"),
            Test::Has("usage.search_context_size"),
        ],
    ],
    // The last chunk may come under another id, and every chunk repeats the role.
    begins: &[],
    // A body has an empty delta beside its message.
    pieces: &[&[Test::Starts("object", "chat.completion.chunk")]],
    generic: false,
    ..BASE
};
