//! Moonshot (Kimi): usage within the choice, at times repeated at the end.
//!
//! <https://platform.moonshot.ai/docs/api/chat>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static MOONSHOT: Dialect = Dialect {
    provider: "moonshotai",
    signs: &[
        &[Test::Array("choices"), Test::Has("choices[].usage")],
        &[Test::Array("choices"), Test::Starts("model", "kimi-")],
        &[Test::Array("choices"), Test::Starts("model", "moonshot-")],
    ],
    generic: false,
    ..BASE
};
