//! Groq: usage in `x_groq`, with the finish or in a chunk of its own, and now at the top level too.
//!
//! <https://console.groq.com/docs/api-reference#chat-create>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static GROQ: Dialect = Dialect {
    provider: "groq",
    signs: &[&[Test::Array("choices"), Test::Has("x_groq")]],
    done: Done::Marker,
    generic: false,
    ..BASE
};
