//! OpenAI's Assistants: runs of a thread, streamed or polled.
//!
//! <https://platform.openai.com/docs/api-reference/assistants-streaming>

use super::openai_chat::{CHARGES, USAGE};
use super::rule::{Dialect, Means, PLAIN, Rule, Test, any, on};
use crate::meter::estimate::transcript::Channel;

/// A run's events are told apart by the name in the stream, its steps state usage that the run's includes.
pub(crate) static ASSISTANTS: Dialect = Dialect {
    api: "openai.assistants",
    signs: &[
        &[Test::Is("object", "thread.run")],
        &[Test::Starts("object", "thread.run.")],
        &[Test::Starts("object", "thread.message")],
        &[Test::Is("object", "thread"), Test::Named("thread.created")],
    ],
    family: &[&[Test::Starts("object", "thread")]],
    begins: &[&[Test::Named("thread.run.created")]],
    rules: RULES,
    usage: USAGE,
    charges: CHARGES,
    ..PLAIN
};

const ENDS: &[&str] = &[
    "thread.run.completed",
    "thread.run.incomplete",
    "thread.run.failed",
    "thread.run.cancelled",
    "thread.run.expired",
    "thread.run.requires_action",
];

static RULES: &[Rule] = &[
    any(Means::Id, &["[object=thread.run].id"]),
    any(Means::Model, &["[object=thread.run].model"]),
    any(Means::Created, &["[object=thread.run].created_at"]),
    any(Means::Usage(""), &["[object=thread.run].usage"]),
    on(ENDS, Means::Finish, &["status"]),
    on(&[""], Means::Finish, &["[object=thread.run].status"]),
    on(ENDS, Means::End, &["status"]),
    on(
        &["thread.message.delta"],
        Means::Text(Channel::Text),
        &["delta.content[].text.value"],
    ),
    any(Means::Error, &["[object=thread.run].last_error"]),
];
