//! Service tiers: the words that wires have for them, and what they cost where the price table has no rates of theirs.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::entry::Entry;
use super::name::lower;
use crate::meter::RawUsage;

/// Words for the tier that is billed at the standard rates.
static STANDARD: &[&str] = &[
    "",
    "auto",
    "default",
    "on_demand",
    "standard",
    "traffic_type_unspecified",
    "unspecified",
];

/// Two words for one tier: OpenAI renamed priority to fast, <https://openai.com/api-fast-mode/>.
static SAME: &[(&str, &str, &str)] = &[
    ("azure", "fast", "priority"),
    ("openai", "fast", "priority"),
];

/// What all token rates are multiplied by.
struct Factor {
    provider: &'static str,
    tier: &'static str,
    models: Models,
    /// In hundredths.
    percent: i64,
}

/// Which models a factor holds for.
enum Models {
    All,
    /// Those whose ids begin so.
    Begin(&'static [&'static str]),
    /// Those that have rates in the tier at some time: the table does not go back to when the tier began.
    Listed,
}
use Models::{All, Begin, Listed};

static FACTORS: &[Factor] = &[
    // https://platform.claude.com/docs/en/build-with-claude/batch-processing
    factor("anthropic", "batch", All, 50),
    // https://platform.claude.com/docs/en/build-with-claude/fast-mode
    factor(
        "anthropic",
        "fast",
        Begin(&["claude-opus-4-6", "claude-opus-4-7"]),
        600,
    ),
    factor(
        "anthropic",
        "fast",
        Begin(&["claude-opus-4-8", "claude-opus-5"]),
        200,
    ),
    // Capacity is bought beforehand: https://platform.claude.com/docs/en/api/service-tiers
    factor("anthropic", "priority", All, 100),
    // https://aws.amazon.com/bedrock/pricing/
    factor("aws", "batch", All, 50),
    factor("aws", "flex", All, 50),
    factor("aws", "priority", All, 175),
    factor("aws", "reserved", All, 100),
    // https://ai.google.dev/gemini-api/docs/optimization
    factor("google", "batch", Begin(&["gemini-"]), 50),
    factor("google", "flex", Begin(&["gemini-"]), 50),
    factor("google", "provisioned_throughput", All, 100),
    // https://console.groq.com/docs/service-tiers
    factor("groq", "flex", All, 100),
    // https://docs.mistral.ai/capabilities/batch/
    factor("mistral", "batch", All, 50),
    // https://developers.openai.com/api/docs/pricing
    factor("openai", "batch", Listed, 50),
    factor("openai", "flex", Listed, 50),
    factor("openai", "scale", All, 100),
];

const fn factor(
    provider: &'static str,
    tier: &'static str,
    models: Models,
    percent: i64,
) -> Factor {
    Factor {
        provider,
        tier,
        models,
        percent,
    }
}

/// The tier that a response was served in, as price tables call it; `None` where that is the standard one.
pub(super) fn tier<'s>(
    provider: &str,
    stated: Option<&'s str>,
    usage: &RawUsage,
) -> Option<Cow<'s, str>> {
    // Anthropic says it beside the tier: "speed": "fast".
    if usage.get("speed").is_some_and(|speed| speed == "fast") {
        return Some("fast".into());
    }
    let mut word = lower(stated?);
    for prefix in ["service_tier_", "on_demand_"] {
        if let Some(rest) = word.strip_prefix(prefix) {
            word = rest.to_owned().into();
        }
    }
    if STANDARD.contains(&&*word) {
        return None;
    }
    let same = SAME
        .iter()
        .find(|(of, one, _)| *of == provider && *one == word);
    Some(same.map_or(word, |(_, _, other)| (*other).into()))
}

/// What a tier without rates of its own multiplies the standard ones by, where that is published.
pub(super) fn multiplier(provider: &str, tier: &str, entry: &Entry) -> Option<Decimal> {
    let fits = |factor: &&Factor| {
        factor.provider == provider
            && factor.tier == tier
            && match factor.models {
                All => true,
                Begin(starts) => starts.iter().any(|start| entry.id.starts_with(start)),
                Listed => entry.tiers.iter().any(|(word, ..)| word == tier),
            }
    };
    let factor = FACTORS.iter().find(fits)?;
    Some(Decimal::new(factor.percent, 2).normalize())
}

/// Whether a tier costs less than the standard one, wherever there is such a tier.
pub(super) fn is_discount(tier: &str) -> bool {
    matches!(tier, "batch" | "flex")
}

/// What is charged on top of all token rates for where a response was made.
/// <https://platform.claude.com/docs/en/build-with-claude/data-residency>
pub(super) fn surcharge(provider: &str, usage: &RawUsage) -> Option<Decimal> {
    let is_us = || usage.get("inference_geo").is_some_and(|geo| geo == "us");
    (provider == "anthropic" && is_us()).then(|| Decimal::new(11, 1))
}
