//! Mistral: pads each chunk, usage on the last one unasked, audio beside the prompt.
//!
//! <https://docs.mistral.ai/api/endpoint/chat>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static MISTRAL: Dialect = Dialect {
    provider: "mistral",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Text("p"),
            Test::Lacks("model_id"),
        ],
        &[Test::Array("choices"), Test::Has("usage.num_cached_tokens")],
        &[Test::Array("choices"), Test::Starts("model", "mistral-")],
        &[Test::Array("choices"), Test::Starts("model", "ministral-")],
        &[Test::Array("choices"), Test::Starts("model", "magistral-")],
        &[Test::Array("choices"), Test::Starts("model", "codestral-")],
        &[Test::Array("choices"), Test::Starts("model", "devstral-")],
        &[Test::Array("choices"), Test::Starts("model", "voxtral-")],
    ],
    done: Done::Marker,
    generic: false,
    ..BASE
};
