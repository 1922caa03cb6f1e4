//! OpenAI's legacy Completions: the chat family's chunks with plain text in the choices.
//!
//! <https://platform.openai.com/docs/api-reference/completions>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

/// Without `object`, as Writer sends it, only the text in the choice tells.
pub(crate) static COMPLETIONS: Dialect = Dialect {
    api: "openai.completions",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Is("object", "text_completion"),
        ],
        &[
            Test::Array("choices"),
            Test::Is("object", "text.completion"),
        ],
        &[
            Test::Array("choices"),
            Test::Text("choices[].text"),
            Test::Lacks("choices[].delta"),
            Test::Lacks("choices[].message"),
        ],
    ],
    begins: &[],
    pieces: &[],
    generic: false,
    ..BASE
};
