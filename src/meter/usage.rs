//! Counts with their provenance, and the table by which a provider's usage object becomes comparable counts.

use serde_json::{Map, Value};

use super::json::Json;
use super::raw::RawUsage;
use super::tree::Tree;

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
    /// Rerank searches charged.
    RerankSearches,
    /// Seconds of audio heard.
    AudioSeconds,
}

const MEASURES: usize = Measure::AudioSeconds as usize + 1;

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

    /// Input plus output: as stated, else their sum, where both are known.
    pub fn total(&self) -> Option<u64> {
        let sum = || {
            let input = self.value(Measure::Input)?;
            Some(input.saturating_add(self.value(Measure::Output)?))
        };
        self.value(Measure::Total).or_else(sum)
    }
}

/// Where one count stands in a provider's usage object.
pub(super) struct Field {
    pub(super) measure: Measure,
    /// The first of these that leads to a number counts; where it leads to several, their sum does.
    pub(super) paths: &'static [&'static str],
    pub(super) place: Place,
}

/// How a count relates to the total of its side, [`Measure::Input`] or [`Measure::Output`].
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// To be added to it.
    Beside,
    /// To be added to it if the stated grand total has room for it.
    ByTotal,
    /// Contained in it already.
    Within,
}

/// A count contained in the total of its side.
pub(super) const fn within(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Place::Within;
    Field {
        measure,
        paths,
        place,
    }
}

/// A count that the total of its side lacks.
pub(super) const fn beside(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Place::Beside;
    Field {
        measure,
        paths,
        place,
    }
}

/// A count that some servers put within and some beside; the grand total tells.
pub(super) const fn by_total(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Place::ByTotal;
    Field {
        measure,
        paths,
        place,
    }
}

/// How a later usage object of the same response changes an earlier one.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Merge {
    /// Key by key; the last that is not null counts.
    Keys,
    /// As `Keys`, but an object that has the named key replaces all that was said before.
    Whole(&'static str),
    /// Key by key; the greatest number counts.
    Greatest,
    /// Key by key; numbers add up. Only for bodies that state usage in parts.
    Sum,
}

impl Merge {
    pub(super) fn apply(self, into: &mut Map<String, Value>, from: Map<String, Value>) {
        if let Self::Whole(key) = self
            && from.get(key).is_some_and(|value| !value.is_null())
        {
            into.clear();
        }
        for (key, value) in from {
            let value = match into.get(&key) {
                None => value,
                Some(_) if value.is_null() => continue,
                Some(old) => match (self, old.as_u64(), value.as_u64()) {
                    (Self::Greatest, Some(old), Some(new)) => old.max(new).into(),
                    (Self::Sum, Some(old), Some(new)) => old.saturating_add(new).into(),
                    _ => value,
                },
            };
            into.insert(key, value);
        }
    }
}

/// A dialect's table of counts, made ready for one walk over a usage object.
pub(super) struct Counts {
    pub(super) fields: &'static [Field],
    tree: Tree,
    /// For each of the tree's paths, its field.
    places: Vec<usize>,
}

impl Counts {
    pub(super) fn new(fields: &'static [Field]) -> Self {
        let places = fields
            .iter()
            .enumerate()
            .flat_map(|(at, field)| field.paths.iter().map(move |_| at));
        Self {
            fields,
            tree: Tree::new(fields.iter().flat_map(|field| field.paths.iter().copied())),
            places: places.collect(),
        }
    }

    /// Reads the counts out of a usage object. Nothing in it can make this fail: what is no count is unknown,
    /// sums saturate.
    ///
    /// `all_within` holds for models whose counts stand within their totals, whatever the table says.
    pub(super) fn read(&self, usage: Json<'_>, all_within: bool, into: &mut Usage) {
        let mut add = |measure: Measure, value: u64| {
            let old = into.value(measure).unwrap_or(0);
            into.report(measure, old.saturating_add(value));
        };
        let mut undecided = Vec::new();
        for (field, value) in self.find(usage) {
            let field = &self.fields[field];
            add(field.measure, value);
            match (side(field.measure), field.place) {
                (Some(side), Place::Beside) if side != field.measure && !all_within => {
                    add(side, value);
                }
                (Some(side), Place::ByTotal) => undecided.push((side, value)),
                _ => {}
            }
        }
        let Some(total) = into.value(Measure::Total) else {
            return;
        };
        for (side, value) in undecided {
            let sides = [Measure::Input, Measure::Output].map(|side| into.value(side).unwrap_or(0));
            let stated = sides[0].saturating_add(sides[1]);
            if value > 0 && stated.saturating_add(value) <= total {
                into.report(side, into.value(side).unwrap_or(0).saturating_add(value));
            }
        }
    }

    /// The fields that are there, in their order, each with the sum at the first of its paths that has numbers.
    fn find(&self, usage: Json<'_>) -> Vec<(usize, u64)> {
        let mut hits = Vec::with_capacity(16);
        self.tree.find(usage, &mut hits);
        hits.sort_by_key(|(path, _)| *path);
        let mut found: Vec<(usize, u64)> = Vec::with_capacity(hits.len());
        let mut last = None;
        for (path, hit) in hits {
            let Some(n) = hit.value.as_u64() else {
                continue;
            };
            let field = self.places[usize::from(path)];
            match found.last_mut() {
                Some((known, sum)) if *known == field => {
                    if last == Some(path) {
                        *sum = sum.saturating_add(n);
                    }
                    continue;
                }
                _ => found.push((field, n)),
            }
            last = Some(path);
        }
        found
    }
}

/// The total that a measure is a part of.
fn side(measure: Measure) -> Option<Measure> {
    use Measure::*;
    match measure {
        Input | CacheRead | CacheWrite | CacheWrite1h | AudioInput | CachedAudio | ImageInput
        | ToolInput => Some(Input),
        Output | Reasoning | AudioOutput | ImageOutput | Citation => Some(Output),
        Total | BilledInput | BilledOutput | WebSearches | RerankSearches | AudioSeconds => None,
    }
}
