//! Counts with their provenance.

pub(crate) mod stated;

use stated::{Merge, RawUsage};

/// Something that is counted. Every measure is in tokens, save those whose name says otherwise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Measure {
    /// All prompt tokens, cached ones included.
    Input,
    /// Prompt tokens read from a cache.
    CacheRead,
    /// Prompt tokens written to a cache, whatever their time to live.
    CacheWrite,
    /// Cache writes that live for an hour.
    CacheWrite1h,
    /// Prompt tokens of audio.
    AudioInput,
    /// Audio tokens read from a cache.
    CachedAudio,
    /// Prompt tokens of images.
    ImageInput,
    /// Image tokens read from a cache.
    CachedImage,
    /// Prompt tokens of videos.
    VideoInput,
    /// Prompt tokens that a provider's own tools added.
    ToolInput,
    /// All billed generated tokens, reasoning included.
    Output,
    /// Generated tokens spent on reasoning.
    Reasoning,
    /// Generated tokens of audio.
    AudioOutput,
    /// Generated tokens of images.
    ImageOutput,
    /// Generated tokens of videos.
    VideoOutput,
    /// Generated tokens spent on citations.
    Citation,
    /// Input plus output, as the provider states it.
    Total,
    /// Prompt tokens charged, where that differs from those counted.
    BilledInput,
    /// Generated tokens charged, where that differs from those counted.
    BilledOutput,
    /// Web searches made.
    WebSearches,
    /// Searches of stored files made.
    FileSearches,
    /// Containers that a code interpreter ran in.
    Containers,
    /// Places on maps that an answer rests on.
    MapPlaces,
    /// Pages read.
    Pages,
    /// Whether what was read was annotated: 1 if so.
    Annotations,
    /// Rerank searches charged.
    RerankSearches,
    /// Audio heard, in billionths of a second.
    AudioNanoseconds,
    /// Prompt tokens of one of several passes, where `Input` is their sum: rates for long prompts go by it.
    PassInput,
}

const MEASURES: usize = Measure::PassInput as usize + 1;

/// A number with where it comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Count {
    /// How many.
    pub value: u64,
    /// Counted by us from the text that came through, not stated by the provider.
    pub estimated: bool,
}

/// What one response used.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    counts: [Option<Count>; MEASURES],
    /// The provider's own usage object, merged over the stream, unknown fields included.
    pub raw: RawUsage,
}

impl Usage {
    /// What is known of `measure`; `None` where nobody said, never zero for that.
    pub fn get(&self, measure: Measure) -> Option<Count> {
        self.counts[measure as usize]
    }

    /// The number alone.
    pub fn value(&self, measure: Measure) -> Option<u64> {
        self.get(measure).map(|count| count.value)
    }

    /// Whether nothing was used, as far as it is known.
    pub(super) fn is_zero(&self) -> bool {
        self.counts.iter().flatten().all(|count| count.value == 0)
    }

    /// Whether the provider stated anything at all.
    pub fn is_reported(&self) -> bool {
        self.counts.iter().flatten().any(|count| !count.estimated)
    }

    /// Sets what the provider stated.
    #[doc(hidden)]
    pub fn report(&mut self, measure: Measure, value: u64) {
        let estimated = false;
        self.counts[measure as usize] = Some(Count { value, estimated });
    }

    /// Sets what we counted ourselves.
    #[doc(hidden)]
    pub fn estimate(&mut self, measure: Measure, value: u64) {
        let estimated = true;
        self.counts[measure as usize] = Some(Count { value, estimated });
    }

    /// Forgets a count.
    pub(crate) fn forget(&mut self, measure: Measure) {
        self.counts[measure as usize] = None;
    }

    /// Adds what another response used.
    pub(crate) fn add(&mut self, other: Self) {
        for (own, other) in self.counts.iter_mut().zip(other.counts) {
            *own = match (*own, other) {
                (Some(own), Some(other)) => Some(Count {
                    value: own.value.saturating_add(other.value),
                    estimated: own.estimated || other.estimated,
                }),
                (own, other) => own.or(other),
            };
        }
        self.raw.merge(Merge::Sum, other.raw);
    }

    /// Input plus output; where one of them is not known, as stated.
    pub fn total(&self) -> Option<u64> {
        let sum = || {
            let input = self.value(Measure::Input)?;
            input.checked_add(self.value(Measure::Output)?)
        };
        sum().or(self.value(Measure::Total))
    }
}
