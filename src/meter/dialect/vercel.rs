//! Vercel's AI gateway: states its cost; reasoning is in neither the completion nor the total.
//!
//! <https://vercel.com/docs/ai-gateway/openai-compat>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Field, Test, beside, within};
use crate::meter::usage::Measure;

pub(crate) static VERCEL: Dialect = Dialect {
    provider: "vercel",
    signs: &[
        &[Test::Array("choices"), Test::Has("usage.market_cost")],
        &[
            Test::Array("choices"),
            Test::Has("choices[].delta.provider_metadata.gateway"),
        ],
        &[
            Test::Array("choices"),
            Test::Has("choices[].message.provider_metadata.gateway"),
        ],
        &[Test::Array("choices"), Test::Starts("generationId", "gen_")],
    ],
    done: Done::Marker,
    usage: USAGE,
    generic: false,
    ..BASE
};

const USAGE: &[Field] = &[
    within(Measure::Input, &["prompt_tokens"]),
    within(Measure::Output, &["completion_tokens"]),
    within(Measure::Total, &["total_tokens"]),
    within(Measure::CacheRead, &["prompt_tokens_details.cached_tokens"]),
    within(Measure::CacheWrite, &["cache_creation_input_tokens"]),
    within(Measure::AudioInput, &["prompt_tokens_details.audio_tokens"]),
    beside(
        Measure::Reasoning,
        &["completion_tokens_details.reasoning_tokens"],
    ),
    within(
        Measure::ImageOutput,
        &["completion_tokens_details.image_tokens"],
    ),
];
