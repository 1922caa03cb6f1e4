//! IBM watsonx.ai: text generation in its own grammar, chat in OpenAI's with `model_id`.
//!
//! <https://cloud.ibm.com/apidocs/watsonx-ai#text-generation-stream>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Means, Merge, Rule, Test, any, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static CHAT: Dialect = Dialect {
    provider: "watsonx",
    signs: &[&[Test::Array("choices"), Test::Text("model_id")]],
    generic: false,
    ..BASE
};

pub(crate) static GENERATION: Dialect = Dialect {
    api: "watsonx",
    provider: "watsonx",
    signs: &[&[Test::Text("model_id"), Test::Array("results")]],
    family: &[],
    begins: &[],
    pieces: &[],
    done: Done::Finish,
    rules: RULES,
    // The prompt is counted on the first event and zero after, the output runs on.
    merge: Merge::Greatest,
    usage: USAGE,
    charges: &[],
    generic: false,
    ..BASE
};

static RULES: &[Rule] = &[
    any(Means::Model, &["model_id"]),
    any(Means::Created, &["created_at"]),
    any(
        Means::UsageKeys(&["generated_token_count", "input_token_count"]),
        &["results[]"],
    ),
    any(Means::Finish, &["results[].stop_reason"]),
    any(Means::Text(Channel::Text), &["results[].generated_text"]),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["input_token_count"]),
    within(Measure::Output, &["generated_token_count"]),
];
