//! llama.cpp's server: its own `/completion`, and the chat grammar with `timings`.
//!
//! <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Means, Rule, Test, any, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static CHAT: Dialect = Dialect {
    provider: "llama.cpp",
    signs: &[&[Test::Array("choices"), Test::Object("timings")]],
    generic: false,
    ..BASE
};

pub(crate) static COMPLETION: Dialect = Dialect {
    api: "llama.cpp",
    provider: "llama.cpp",
    signs: &[&[
        Test::Text("content"),
        Test::Bool("stop"),
        Test::Lacks("choices"),
    ]],
    family: &[],
    begins: &[],
    pieces: &[],
    done: Done::Marker,
    rules: RULES,
    usage: USAGE,
    charges: &[],
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Model, &["model"]),
    any(
        Means::UsageKeys(&[
            "tokens_evaluated",
            "tokens_cached",
            "tokens_predicted",
            "timings",
        ]),
        &[""],
    ),
    any(Means::Finish, &["stop_type"]),
    any(Means::End, &["stop"]),
    any(Means::Text(Channel::Text), &["content"]),
];

/// `tokens_evaluated` is the whole prompt; the timings tell how much of it came from the cache.
const USAGE: &[Field] = &[
    within(Measure::Input, &["tokens_evaluated"]),
    within(Measure::CacheRead, &["timings.cache_n"]),
    within(Measure::Output, &["tokens_predicted"]),
];
