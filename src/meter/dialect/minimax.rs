//! MiniMax: whether a request failed stands beside each answer.
//!
//! <https://platform.minimax.io/docs/api-reference/text-openai-api>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static MINIMAX: Dialect = Dialect {
    provider: "minimax",
    signs: &[&[Test::Array("choices"), Test::Object("base_resp")]],
    generic: false,
    ..BASE
};
