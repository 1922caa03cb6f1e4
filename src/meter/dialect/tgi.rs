//! Hugging Face's text-generation-inference, `/generate` and `/generate_stream`.
//!
//! <https://huggingface.co/docs/text-generation-inference/reference/api_reference>

use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

pub(crate) static TGI: Dialect = Dialect {
    api: "tgi",
    provider: "huggingface",
    signs: &[
        &[Test::Object("token"), Test::Text("token.text")],
        &[Test::Text("generated_text"), Test::Lacks("model_id")],
    ],
    pieces: &[&[Test::Object("token")]],
    rules: RULES,
    usage: USAGE,
    ..PLAIN
};

static RULES: &[Rule] = &[
    // Details come only with `details: true`; without, the last token's index is the count.
    any(Means::Usage(""), &["details"]),
    any(Means::UsageKeys(&["index"]), &[""]),
    any(Means::Finish, &["details.finish_reason"]),
    any(Means::End, &["generated_text"]),
    any(
        Means::Text(Channel::Text),
        &["token[!special].text", "[!token].generated_text"],
    ),
];

const USAGE: &[Field] = &[
    within(Measure::Input, &["input_length"]),
    within(Measure::Output, &["generated_tokens", "index"]),
];
