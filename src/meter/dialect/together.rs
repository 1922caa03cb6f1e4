//! Together: each choice carries a seed, usage comes with the last chunk unasked.
//!
//! <https://docs.together.ai/reference/chat-completions-1>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static TOGETHER: Dialect = Dialect {
    provider: "together",
    signs: &[&[Test::Array("choices"), Test::Has("choices[].seed")]],
    generic: false,
    ..BASE
};
