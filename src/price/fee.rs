//! How fees are counted, where a table of rates cannot say it.

use serde_json::Value;

use super::entry::{Dimension, Entry, Rates};
use crate::meter::{Measure, RawUsage, Usage};

/// How the fees of one response are counted.
#[derive(Debug, Default)]
pub(super) struct Fees {
    /// A prompt that was searched for is charged once, however many searches it took.
    pub(super) by_prompt: bool,
    /// Sound that lasts less is charged as this many seconds.
    pub(super) least_seconds: u64,
    /// Searches that each answer is charged for, whether or not it says so.
    pub(super) least_searches: u64,
    /// Images and videos that are read cost what as many tokens of text do.
    pub(super) sees_as_text: bool,
    /// How much of the web was read.
    size: Option<Dimension>,
    /// Several passes are counted together.
    passes: bool,
    /// The prompt of the longest of them, where they are listed.
    longest: Option<u64>,
}

/// Whose grounding is charged by the prompt, not by the search: provider, and how ids begin.
/// <https://ai.google.dev/gemini-api/docs/pricing>
static BY_PROMPT: &[(&str, &str)] = &[
    ("google", "gemini-1"),
    ("google", "gemini-2"),
    ("google", "gemini-flash-1"),
    ("google", "gemini-live-2"),
    ("google", "gemini-pro-1"),
];

/// The least that is charged for sound, in seconds. <https://console.groq.com/docs/speech-to-text>
static LEAST: &[(&str, u64)] = &[("groq", 10)];

/// Whose models read images and videos at the rate of text, unless they have a rate for them: provider, and how ids
/// begin. <https://ai.google.dev/gemini-api/docs/pricing>, <https://developers.openai.com/api/docs/guides/images-vision>,
/// <https://docs.x.ai/docs/models>
static SEES_AS_TEXT: &[(&str, &str)] = &[
    ("azure", "gpt-4"),
    ("azure", "gpt-5"),
    ("azure", "o"),
    ("google", "gemini-"),
    ("openai", "gpt-4"),
    ("openai", "gpt-5"),
    ("openai", "o"),
    ("x-ai", "grok-"),
];

/// Whose models search for each answer, though chat completions do not say so.
/// <https://developers.openai.com/api/docs/guides/tools-web-search>
static ALWAYS_SEARCHES: &[(&str, &str)] = &[
    ("azure", "-search-preview"),
    ("openai", "-search-api"),
    ("openai", "-search-preview"),
];

/// Fees for a request by how much of the web it reads. <https://docs.perplexity.ai/getting-started/pricing>
static SIZES: &[(&str, Dimension)] = &[
    ("low", Dimension::RequestLow),
    ("medium", Dimension::RequestMedium),
    ("high", Dimension::RequestHigh),
];

/// The longest prompt among Anthropic's passes: what it reads of a cache and writes to it stands beside the rest.
fn longest(iterations: &Value) -> Option<u64> {
    let prompt = |pass: &Value| {
        let count = |key| pass[key].as_u64().unwrap_or(0);
        let cached =
            count("cache_read_input_tokens").saturating_add(count("cache_creation_input_tokens"));
        count("input_tokens").saturating_add(cached)
    };
    let passes = iterations
        .as_array()?
        .iter()
        .filter(|pass| pass["type"] == "message");
    passes.map(prompt).max()
}

impl Fees {
    /// Of a model by the name that its entry was found under.
    pub(super) fn new(provider: &str, entry: &Entry, name: &str, usage: &RawUsage) -> Self {
        let begins = |(of, start): &(&str, &str)| *of == provider && entry.id.starts_with(start);
        let searches = |(of, part): &(&str, &str)| *of == provider && name.contains(part);
        let least = LEAST.iter().find(|(of, _)| *of == provider);
        let size = usage.get("search_context_size");
        let size = SIZES
            .iter()
            .find(|(word, _)| size.as_ref().is_some_and(|size| size == word));
        Self {
            by_prompt: BY_PROMPT.iter().any(begins),
            least_searches: u64::from(ALWAYS_SEARCHES.iter().any(searches)),
            sees_as_text: SEES_AS_TEXT.iter().any(begins),
            least_seconds: least.map_or(0, |(_, seconds)| *seconds),
            size: size.map(|(_, dimension)| *dimension),
            passes: usage
                .get("server_tool_use")
                .is_some_and(|tools| tools.is_object()),
            longest: usage.get("iterations").as_ref().and_then(longest),
        }
    }

    /// How long the prompt was that rates go by: of several passes the longest; `None` where that is not known.
    pub(super) fn prompt(&self, usage: &Usage) -> Option<u64> {
        let stated = usage.value(Measure::PassInput).or(self.longest);
        let searched = usage.value(Measure::WebSearches) > Some(0);
        match stated {
            None if self.passes && searched => None,
            None => Some(usage.value(Measure::Input).unwrap_or(0)),
            stated => stated,
        }
    }

    /// What a request is charged as.
    pub(super) fn request(&self, rates: &Rates<'_>) -> Dimension {
        let has_rate = |size: &Dimension| rates[*size as usize].is_some();
        self.size.filter(has_rate).unwrap_or(Dimension::Request)
    }
}
