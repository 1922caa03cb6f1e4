//! A provider's usage object as comparable counts, by the table of its dialect.

use serde_json::Value;

use super::dialect::rule::{Dialect, Field, Relation, Way};
use super::json::paths::{Match, Paths};
use super::json::{self, Json, Parser};
use super::pattern::{self, Filling, Pattern, Span};
use super::reading::{Charged, Note, Pass, Reading};
use super::usage::stated::{RawUsage, count_of};
use super::usage::{Measure, Usage};

impl Dialect {
    /// Whether its API generates anything: of one that does not, the total is the input.
    pub(crate) fn generates(&self) -> bool {
        let paths = |measure: Measure| {
            let fields = self.usage.iter();
            let fields = fields.filter(move |field| field.measure == measure);
            fields.flat_map(|field| field.paths)
        };
        !paths(Measure::Input).any(|path| paths(Measure::Total).any(|total| total == path))
    }

    /// The output that a usage object states at its top.
    pub(crate) fn output_of(&self, usage: &RawUsage) -> Option<u64> {
        let keys = self.keys(Measure::Output);
        keys.filter_map(|key| count_of(&usage.get(key)?)).next()
    }

    /// Takes out of a later usage object what takes back an earlier one: an input side of zeros, or zeros on both
    /// sides, as proxies send. Gives whether there was any.
    pub(crate) fn drop_zeros(&self, earlier: &RawUsage, later: &mut RawUsage) -> bool {
        if earlier.is_empty() || !self.keys(Measure::Input).any(|key| later.has_zero(key)) {
            return false;
        }
        let parts = [
            Measure::Input,
            Measure::CacheRead,
            Measure::CacheWrite,
            Measure::ToolInput,
        ];
        let sum = |usage: &RawUsage, parts: &[Measure]| {
            let usage = usage.to_value();
            let counts = self
                .usage
                .iter()
                .filter(|field| parts.contains(&field.measure));
            let paths = counts.flat_map(|field| field.paths);
            let counts = paths.filter_map(|path| count_at(&usage, path));
            counts.fold(0, u64::saturating_add)
        };
        if sum(earlier, &parts) == 0 || sum(later, &parts) > 0 {
            return false;
        }
        if self.output_of(later) == Some(0) {
            *later = RawUsage::default();
            return true;
        }
        let is_input = |field: &&Field| side(field.measure) == Some(Measure::Input);
        let total = self.keys(Measure::Total);
        let input = self.usage.iter().filter(is_input);
        let keys: Vec<_> = input
            .flat_map(|field| field.paths)
            .map(|path| head(path))
            .chain(total)
            .collect();
        later.retain(|key| !keys.contains(&key));
        true
    }

    /// All that a usage object states on the input's side.
    pub(crate) fn input_of(&self, usage: &RawUsage) -> Option<u64> {
        let sum = |measure: Measure| {
            let counts = self
                .keys(measure)
                .filter_map(|key| count_of(&usage.get(key)?));
            counts.reduce(u64::saturating_add)
        };
        let cached = [Measure::CacheRead, Measure::CacheWrite].map(|part| sum(part).unwrap_or(0));
        let input = sum(Measure::Input)?.saturating_add(cached[0]);
        Some(input.saturating_add(cached[1]))
    }

    /// Takes the total out of an earlier usage object that a later one does not repeat beside its counts.
    pub(crate) fn drop_total(&self, earlier: &mut RawUsage, later: &RawUsage) {
        let states = |usage: &RawUsage, measure: Measure| {
            let mut keys = self.keys(measure);
            keys.any(|key| usage.get(key).is_some_and(|value| !value.is_null()))
        };
        if earlier.is_empty() || states(later, Measure::Total) {
            return;
        }
        let counts = states(later, Measure::Input) || states(later, Measure::Output);
        if counts && states(earlier, Measure::Total) {
            let keys: Vec<_> = self.keys(Measure::Total).collect();
            earlier.retain(|key| !keys.contains(&key));
        }
    }

    /// The names at the top of a usage object that state a measure.
    fn keys(&self, measure: Measure) -> impl Iterator<Item = &'static str> {
        let fields = self
            .usage
            .iter()
            .filter(move |field| field.measure == measure);
        let plain = |path: &&&str| !path.contains(['.', '[']);
        fields.flat_map(|field| field.paths).filter(plain).copied()
    }
}

/// The first name of a path.
fn head(path: &'static str) -> &'static str {
    path.split(['.', '[']).next().unwrap_or(path)
}

/// A count that a path of plain names leads to.
fn count_at(usage: &Value, path: &str) -> Option<u64> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = usage.get(first)?;
    match rest {
        "" => count_of(value),
        _ => count_at(value, rest),
    }
}

/// A dialect's tables of counts and charges, made ready for one walk over a usage object.
pub(crate) struct Counts {
    pub(crate) dialect: &'static Dialect,
    /// The paths of the counts, and after them two of each charge.
    paths: Paths,
    /// For each path of the counts, its field.
    places: Vec<usize>,
    /// Objects read before, the last one first, if they are to be known again.
    seen: Option<Vec<Seen>>,
    spans: Vec<Span>,
    numbers: Vec<Number>,
}

/// The tables of the dialects in use.
#[derive(Default)]
pub(crate) struct Counters {
    all: Vec<Counts>,
    /// Objects like one read before are not parsed again.
    remembers: bool,
}

impl Counters {
    /// Such as know usage objects again that are like one read before.
    pub(crate) fn remembering() -> Self {
        Self {
            remembers: true,
            ..Self::default()
        }
    }

    /// A dialect's tables of counts and charges.
    pub(crate) fn of(&mut self, dialect: &'static Dialect) -> &mut Counts {
        let same = |known: &Counts| std::ptr::eq(known.dialect, dialect);
        let at = self.all.iter().position(same).unwrap_or_else(|| {
            self.all.push(Counts::new(dialect, self.remembers));
            self.all.len() - 1
        });
        &mut self.all[at]
    }
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
    fn new(dialect: &'static Dialect, remembers: bool) -> Self {
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
            paths: Paths::new(counted.copied().chain(charged)),
            places: places.collect(),
            seen: remembers.then(Vec::new),
            spans: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Reads a usage object into its model's reading. Nothing in it can make this fail: what is no count is unknown,
    /// sums saturate.
    pub(crate) fn read(&mut self, stated: &str, parser: &mut Parser, reading: &mut Reading) {
        let model = reading
            .model
            .as_deref()
            .or(reading.request_model.as_deref());
        let way = self.dialect.way_of(model.unwrap_or_default());
        if self.recall(stated.as_bytes()) {
            self.settle(&self.numbers, way, reading);
            return;
        }
        let text = stated.as_bytes();
        parser.parse(text, |json| {
            let hits = self.find(json);
            let (counts, charges) = hits.split_at(self.counts(&hits));
            self.settle(&self.numbers(counts), way, reading);
            for (at, charge) in self.dialect.charges.iter().enumerate() {
                if (charge.adds || reading.charged.is_empty())
                    && let Some(charged) = self.charged(at, charges, text)
                {
                    reading.charged.push(charged);
                }
            }
            let mut lists_passes = false;
            if !self.dialect.passes.is_empty() {
                json.walk(self.dialect.passes, &mut |hit| {
                    lists_passes = true;
                    let pass = self.pass(hit.value);
                    if !pass.usage.is_zero() {
                        reading.passes.push(pass);
                    }
                });
            }
            if charges.is_empty()
                && !lists_passes
                && self.seen.is_some()
                && let Some(new) = self.learn(json, text, counts)
                && let Some(seen) = &mut self.seen
            {
                seen.insert(0, new);
                seen.truncate(SEEN);
            }
        });
    }

    /// Finds the numbers of an object that is like one read before; gives whether it is.
    fn recall(&mut self, text: &[u8]) -> bool {
        let spans = &mut self.spans;
        let fits = |seen: &&Seen| seen.pattern.fits(text, spans) == Some(text.len());
        let Some(seen) = self.seen.iter().flatten().find(fits) else {
            return false;
        };
        let (dialect, places, spans) = (self.dialect, &self.places, &self.spans);
        let number = |&(path, at): &(u16, usize)| {
            let (from, to, _) = spans[at];
            let value = pattern::value(&text[from..to]);
            match dialect.usage[places[usize::from(path)]].measure {
                Measure::AudioNanoseconds => (path, value.saturating_mul(json::NANOSECONDS)),
                _ => (path, value),
            }
        };
        self.numbers.clear();
        self.numbers.extend(seen.numbers.iter().map(number));
        true
    }

    /// All that the tables name, in the order of their paths.
    fn find<'t>(&self, usage: Json<'t>) -> Vec<Match<'t>> {
        let mut hits = Vec::with_capacity(16);
        self.paths.find(usage, &mut hits);
        hits.sort_by_key(|(path, _)| *path);
        hits
    }

    /// How many of the hits are counts.
    fn counts(&self, hits: &[Match<'_>]) -> usize {
        hits.partition_point(|(path, _)| usize::from(*path) < self.places.len())
    }

    /// Counts into a model's reading, and sees whether the grand total bears the counts out.
    fn settle(&self, numbers: &[Number], way: Option<Way>, reading: &mut Reading) {
        let usage = &mut reading.usage;
        let beside = self.count(numbers, way, usage);
        let (read, written) = (Measure::CacheRead, Measure::CacheWrite);
        let cached = [read, written].map(|part| usage.value(part).unwrap_or(0));
        let cached = cached[0].saturating_add(cached[1]);
        let mut input = usage.value(Measure::Input);
        if let Some(prompt) = input.filter(|prompt| cached > *prompt) {
            if way == Some(Way::CacheBeside) {
                input = Some(prompt.saturating_add(cached));
                usage.report(Measure::Input, prompt.saturating_add(cached));
            } else {
                reading.notes.push(Note::CacheAboveInput);
            }
        }
        let (Some(total), Some(input)) = (usage.value(Measure::Total), input) else {
            return;
        };
        let output = usage.value(Measure::Output).unwrap_or(0);
        let stated = u128::from(total);
        let sum = u128::from(input) + u128::from(output);
        // Some leave out of the total what stands beside the counts.
        let plain = sum.saturating_sub(beside.into());
        if stated == sum || stated == plain || way == Some(Way::Within) {
            return;
        }
        if stated < sum {
            let uncached = sum.saturating_sub(cached.into());
            let is_cached = way == Some(Way::CacheBeside) && stated == uncached;
            if !is_cached && usage.get(Measure::Output).is_some() {
                reading.notes.push(Note::TotalBelow);
            }
        } else if way == Some(Way::RestIsOutput) {
            usage.report(Measure::Output, total - input);
        } else {
            reading.notes.push(Note::TotalAbove);
            reading.lower_bound = true;
        }
    }

    /// Counts; gives how many of them were added to the totals of their sides.
    fn count(&self, numbers: &[Number], way: Option<Way>, into: &mut Usage) -> u64 {
        let mut added: u64 = 0;
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
        let is_beside = |field: &Field| match field.place {
            Relation::Beside => way != Some(Way::Within),
            Relation::ByTotal => way == Some(Way::Beside),
            Relation::Within => false,
        };
        for (field, value) in stated.clone() {
            add(field.measure, value);
            if let Some(side) = side(field.measure)
                && side != field.measure
                && is_beside(field)
            {
                add(side, value);
                added = added.saturating_add(value);
            }
        }
        let Some(total) = into.value(Measure::Total) else {
            return added;
        };
        let open = |field: &&Field| field.place == Relation::ByTotal && !is_beside(field);
        for (field, value) in stated.filter(|(field, _)| open(field)) {
            let Some(side) = side(field.measure) else {
                continue;
            };
            let sides = [Measure::Input, Measure::Output].map(|side| into.value(side).unwrap_or(0));
            let known = sides[0].saturating_add(sides[1]);
            if value > 0 && known.saturating_add(value) <= total {
                into.report(side, into.value(side).unwrap_or(0).saturating_add(value));
            }
        }
        added
    }

    /// The counts among what was found.
    fn numbers(&self, hits: &[Match<'_>]) -> Vec<Number> {
        let number = |found: &Match<'_>| Some((found.0, self.number(found)?));
        hits.iter().filter_map(number).collect()
    }

    fn number(&self, (path, hit): &Match<'_>) -> Option<u64> {
        match self.dialect.usage[self.places[usize::from(*path)]].measure {
            Measure::AudioNanoseconds => hit.value.as_nanoseconds(),
            _ => hit.value.as_count(),
        }
    }

    /// Cuts an object at its numbers, if nothing else in it counts.
    fn learn(&self, usage: Json<'_>, text: &[u8], hits: &[Match<'_>]) -> Option<Seen> {
        if text.len() > MAX_SEEN {
            return None;
        }
        let mut holes = Vec::new();
        cut(usage, text, &mut holes);
        let number = |(path, hit): &Match<'_>| {
            let at = hit.number(text)?;
            Some((*path, holes.binary_search(&at).ok()?))
        };
        let counted = hits.iter().filter(|found| self.number(found).is_some());
        Some(Seen {
            numbers: counted.map(number).collect::<Option<_>>()?,
            pattern: Pattern::new(text, holes.iter().map(|at| (*at, Filling::Number)))?,
        })
    }

    /// A pass by another model, which has counts of its own.
    fn pass(&self, pass: Json<'_>) -> Pass {
        let mut usage = Usage::default();
        let hits = self.find(pass);
        self.count(&self.numbers(&hits[..self.counts(&hits)]), None, &mut usage);
        let model = pass.get("model").and_then(Json::as_str);
        let model = model.map(str::to_owned);
        Pass { model, usage }
    }

    fn charged(&self, at: usize, hits: &[Match<'_>], text: &[u8]) -> Option<Charged> {
        let charge = &self.dialect.charges[at];
        let path = self.places.len() + 2 * at;
        let hit = |path: usize| hits.iter().find(|hit| usize::from(hit.0) == path);
        let (_, amount) = hit(path)?;
        if charge.only_if.is_some() {
            let says = hit(path + 1)?.1.value;
            if !says.is_true() && says.as_str() != Some("USD") {
                return None;
            }
        }
        let amount = match amount.value.as_str() {
            Some(text) => text.to_owned(),
            None if amount.value.is_number() => amount.json_in(text).to_owned(),
            None => return None,
        };
        let is_zero = !amount.bytes().any(|b| matches!(b, b'1'..=b'9'));
        if is_zero && !charge.may_be_zero {
            return None;
        }
        let shift = charge.shift;
        Some(Charged { amount, shift })
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
        | CachedImage | VideoInput | ToolInput => Some(Input),
        Output | Reasoning | AudioOutput | ImageOutput | VideoOutput | Citation => Some(Output),
        Total | PassInput | BilledInput | BilledOutput | WebSearches | FileSearches
        | Containers | MapPlaces | Pages | Annotations | RerankSearches | AudioNanoseconds => None,
    }
}
