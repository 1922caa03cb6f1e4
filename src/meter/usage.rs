//! Counts with their provenance, and the table by which a provider's usage object becomes comparable counts.

use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::json::{Json, Parser};
use super::memo::{self, Filling, Pattern, Span};
use super::raw::RawUsage;
use super::reading::{Charged, Pass, Reading};
use super::tree::{Found, Tree};

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

/// A dialect's tables of counts and charges, made ready for one walk over a usage object.
pub(super) struct Counts {
    pub(super) dialect: &'static Dialect,
    /// The paths of the counts, and after them two of each charge.
    tree: Tree,
    /// For each path of the counts, its field.
    places: Vec<usize>,
    /// Objects read before, the last one first.
    seen: Vec<Seen>,
    spans: Vec<Span>,
    numbers: Vec<Number>,
}

/// A usage object that holds nothing but counts, cut at its numbers.
struct Seen {
    pattern: Pattern,
    /// Which number stands at a path.
    numbers: Vec<(u16, usize)>,
}

/// A number, and the path it stands at.
type Number = (u16, u64);

const SEEN: usize = 4;
/// A longer object is not worth keeping.
const MAX_SEEN: usize = 4 << 10;

impl Counts {
    pub(super) fn new(dialect: &'static Dialect) -> Self {
        let counted = dialect.usage.iter().flat_map(|field| field.paths);
        let charged = dialect
            .charges
            .iter()
            .flat_map(|charge| [charge.at, charge.only_if.unwrap_or_default()]);
        let places = dialect
            .usage
            .iter()
            .enumerate()
            .flat_map(|(at, field)| field.paths.iter().map(move |_| at));
        Self {
            dialect,
            tree: Tree::new(counted.copied().chain(charged)),
            places: places.collect(),
            seen: Vec::new(),
            spans: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Reads a usage object into its model's reading. Nothing in it can make this fail: what is no count is unknown,
    /// sums saturate.
    pub(super) fn read(&mut self, stated: &str, parser: &mut Parser, reading: &mut Reading) {
        let model = reading.model.as_deref().unwrap_or_default();
        let mut inclusive = self.dialect.all_within.iter();
        let all_within = inclusive.any(|name| model.starts_with(name));
        if self.recall(stated.as_bytes()) {
            self.count(&self.numbers, all_within, &mut reading.usage);
            return;
        }
        let text = stated.as_bytes();
        parser.parse(text, |json| {
            let hits = self.find(json);
            let (counts, charges) = hits.split_at(self.counts(&hits));
            self.count(&numbers(counts), all_within, &mut reading.usage);
            let charges =
                (0..self.dialect.charges.len()).filter_map(|at| self.charged(at, charges, text));
            reading.charged = charges.collect();
            if !self.dialect.passes.is_empty() {
                json.walk(self.dialect.passes, &mut |hit| {
                    reading.passes.push(self.pass(hit.value))
                });
            }
            if reading.charged.is_empty()
                && reading.passes.is_empty()
                && let Some(seen) = Seen::of(json, text, counts)
            {
                self.seen.insert(0, seen);
                self.seen.truncate(SEEN);
            }
        });
    }

    /// Finds the numbers of an object that is like one read before; gives whether it is.
    fn recall(&mut self, text: &[u8]) -> bool {
        let spans = &mut self.spans;
        let fits = |seen: &&Seen| seen.pattern.fits(text, spans) == Some(text.len());
        let Some(seen) = self.seen.iter().find(fits) else {
            return false;
        };
        let number = |&(path, at): &(u16, usize)| {
            let (from, to, _) = self.spans[at];
            (path, memo::value(&text[from..to]))
        };
        self.numbers.clear();
        self.numbers.extend(seen.numbers.iter().map(number));
        true
    }

    /// All that the tables name, in the order of their paths.
    fn find<'t>(&self, usage: Json<'t>) -> Vec<Found<'t>> {
        let mut hits = Vec::with_capacity(16);
        self.tree.find(usage, &mut hits);
        hits.sort_by_key(|(path, _)| *path);
        hits
    }

    /// How many of the hits are counts.
    fn counts(&self, hits: &[Found<'_>]) -> usize {
        hits.partition_point(|(path, _)| usize::from(*path) < self.places.len())
    }

    fn count(&self, numbers: &[Number], all_within: bool, into: &mut Usage) {
        let mut add = |measure: Measure, value: u64| {
            let old = into.value(measure).unwrap_or(0);
            into.report(measure, old.saturating_add(value));
        };
        let place = |(path, _): &Number| self.places[usize::from(*path)];
        let stated = numbers
            .chunk_by(|a, b| place(a) == place(b))
            .map(|numbers| {
                let (path, _) = numbers[0];
                let field = &self.dialect.usage[self.places[usize::from(path)]];
                // Where the first of the paths leads to several numbers, their sum counts.
                let first = numbers.iter().take_while(|number| number.0 == path);
                let value = first.fold(0, |sum: u64, number| sum.saturating_add(number.1));
                (field, value)
            });
        for (field, value) in stated.clone() {
            add(field.measure, value);
            if let Some(side) = side(field.measure)
                && side != field.measure
                && field.place == Place::Beside
                && !all_within
            {
                add(side, value);
            }
        }
        let Some(total) = into.value(Measure::Total) else {
            return;
        };
        for (field, value) in stated.filter(|(field, _)| field.place == Place::ByTotal) {
            let Some(side) = side(field.measure) else {
                continue;
            };
            let sides = [Measure::Input, Measure::Output].map(|side| into.value(side).unwrap_or(0));
            let known = sides[0].saturating_add(sides[1]);
            if value > 0 && known.saturating_add(value) <= total {
                into.report(side, into.value(side).unwrap_or(0).saturating_add(value));
            }
        }
    }

    /// A pass by another model, which has counts of its own.
    fn pass(&self, pass: Json<'_>) -> Pass {
        let mut usage = Usage::default();
        let hits = self.find(pass);
        self.count(&numbers(&hits[..self.counts(&hits)]), false, &mut usage);
        let model = pass.get("model").and_then(Json::as_str);
        let model = model.map(str::to_owned);
        Pass { model, usage }
    }

    fn charged(&self, at: usize, hits: &[Found<'_>], text: &[u8]) -> Option<Charged> {
        let charge = &self.dialect.charges[at];
        let path = self.places.len() + 2 * at;
        let hit = |path: usize| hits.iter().find(|hit| usize::from(hit.0) == path);
        let (_, amount) = hit(path)?;
        if charge.only_if.is_some() && !hit(path + 1)?.1.value.is_true() {
            return None;
        }
        let amount = match amount.value.as_str() {
            Some(text) => text.to_owned(),
            None if amount.value.is_number() => amount.raw(text).to_owned(),
            None => return None,
        };
        let shift = charge.shift;
        Some(Charged { amount, shift })
    }
}

fn numbers(hits: &[Found<'_>]) -> Vec<Number> {
    let number = |(path, hit): &Found<'_>| Some((*path, hit.value.as_u64()?));
    hits.iter().filter_map(number).collect()
}

impl Seen {
    fn of(usage: Json<'_>, text: &[u8], hits: &[Found<'_>]) -> Option<Self> {
        if text.len() > MAX_SEEN {
            return None;
        }
        let mut holes = Vec::new();
        cut(usage, text, &mut holes);
        let number = |(path, hit): &Found<'_>| {
            let at = hit.number(text)?;
            Some((*path, holes.binary_search(&at).ok()?))
        };
        let counted = hits.iter().filter(|(_, hit)| hit.value.as_u64().is_some());
        Some(Self {
            numbers: counted.map(number).collect::<Option<_>>()?,
            pattern: Pattern::new(text, holes.iter().map(|at| (*at, Filling::Number)))?,
        })
    }
}

/// Finds where the plain numbers of an object begin.
fn cut(value: Json<'_>, text: &[u8], holes: &mut Vec<usize>) {
    for (name, value) in value.members() {
        let at = value.root().member(name, value).number(text);
        match at.filter(|at| Filling::Number.span(&text[*at..]).is_some()) {
            Some(at) if value.is_number() => holes.push(at),
            _ => cut(value, text, holes),
        }
    }
    for item in value.items() {
        cut(item, text, holes);
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
