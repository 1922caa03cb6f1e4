//! Reka: each event states the whole answer so far.
//!
//! <https://docs.reka.ai/chat/overview>

use super::openai_chat::{BASE, USAGE};
use super::rule::{Dialect, Done, Means, Rule, Test, any};
use crate::meter::estimate::transcript::Channel;

pub(crate) static REKA: Dialect = Dialect {
    api: "reka",
    provider: "reka",
    signs: &[&[
        Test::Array("responses"),
        Test::Object("responses[].message"),
        Test::Object("usage"),
    ]],
    family: &[&[Test::Array("responses")]],
    begins: &[],
    pieces: &[],
    done: Done::Finish,
    rules: RULES,
    usage: USAGE,
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Model, &["model"]),
    any(Means::Usage(""), &["usage"]),
    any(Means::Finish, &["responses[].finish_reason"]),
    any(
        Means::TextSoFar(Channel::Text),
        &["responses[].message.content"],
    ),
];
