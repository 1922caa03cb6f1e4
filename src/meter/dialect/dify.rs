//! Dify, which runs others' models: usage and its price come with the end of the message.
//!
//! <https://docs.dify.ai/api-reference>

use super::openai_chat::{BASE, USAGE};
use super::rule::{Charge, Dialect, Done, Means, Rule, Test, any, charge};
use crate::meter::estimate::transcript::Channel;

pub(crate) static DIFY: Dialect = Dialect {
    api: "dify",
    provider: "dify",
    signs: &[
        &[Test::Is("event", "message"), Test::Text("answer")],
        &[Test::Is("event", "agent_message"), Test::Text("answer")],
        &[Test::Is("event", "message_end"), Test::Object("metadata")],
        &[Test::Text("answer"), Test::Object("metadata.usage")],
    ],
    family: &[&[Test::Text("event")]],
    kind: "event",
    begins: &[],
    pieces: &[&[Test::Text("event"), Test::Lacks("mode")]],
    done: Done::Marker,
    rules: RULES,
    usage: USAGE,
    charges: &[Charge {
        only_if: Some("currency"),
        ..charge("total_price")
    }],
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Id, &["message_id", "[event=message_end].id"]),
    any(Means::Created, &["created_at"]),
    any(Means::Usage(""), &["metadata.usage"]),
    any(Means::Text(Channel::Text), &["answer"]),
    any(Means::End, &["[event=message_end].event"]),
    any(Means::Error, &["[event=error]"]),
];
