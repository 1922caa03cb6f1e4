//! Fireworks: usage on the last chunk unasked, models named by account.
//!
//! <https://docs.fireworks.ai/api-reference/post-chatcompletions>

use super::openai_chat::BASE;
use super::rule::{Dialect, Test};

pub(crate) static FIREWORKS: Dialect = Dialect {
    provider: "fireworks",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Starts("model", "accounts/fireworks/"),
        ],
        &[Test::Array("choices"), Test::Object("perf_metrics")],
    ],
    generic: false,
    ..BASE
};
