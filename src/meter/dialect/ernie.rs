//! Baidu's ERNIE in the grammar of its first version.
//!
//! <https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html>

use super::openai_chat::{BASE, USAGE};
use super::rule::{Dialect, Done, Means, Rule, Test, any};
use crate::meter::estimate::transcript::Channel;

pub(crate) static ERNIE: Dialect = Dialect {
    api: "ernie",
    provider: "baidu",
    signs: &[
        &[Test::Text("result"), Test::Bool("is_end")],
        &[Test::Text("result"), Test::Bool("is_truncated")],
    ],
    family: &[&[Test::Text("result")]],
    begins: &[],
    pieces: &[&[Test::Bool("is_end")]],
    done: Done::Marker,
    rules: RULES,
    usage: USAGE,
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["id"]),
    any(Means::Created, &["created"]),
    any(Means::Usage(""), &["usage"]),
    any(Means::Finish, &["finish_reason"]),
    any(Means::End, &["is_end"]),
    any(Means::Text(Channel::Text), &["result"]),
    any(Means::Tool, &["function_call.name"]),
    any(Means::Text(Channel::Tool), &["function_call.arguments"]),
];
