//! OpenRouter: states what it charged, and may report an error beside choices and usage.
//!
//! <https://openrouter.ai/docs/api/reference/streaming>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static OPENROUTER: Dialect = Dialect {
    provider: "openrouter",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Text("provider"),
            Test::Starts("id", "gen-"),
        ],
        &[
            Test::Array("choices"),
            Test::Has("choices[].native_finish_reason"),
        ],
    ],
    done: Done::Marker,
    generic: false,
    ..BASE
};
