//! Model and usage in, money out. Knows nothing of streams.
//!
//! Prices are genai-prices' data, read with exact decimals; the user's own files are asked first.

mod charge;
mod deal;
mod entry;
mod fee;
mod genai;
mod litellm;
mod name;
mod region;
mod tier;
mod update;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::meter::{Measure, Pass, Usage};
use charge::Charge;
pub use deal::Deal;
pub use entry::Parts;
pub(crate) use entry::{Dimension, Entry, Rate, Rates, UNITS};
use fee::Fees;
pub(crate) use genai::Provider;
use name::Name;
use update::Update;
pub(crate) use update::{Fetched, place};

/// What the built-in table was taken from.
macro_rules! snapshot {
    () => {
        "genai-prices 0.2.1"
    };
}

/// What the built-in table was taken from.
pub(crate) const SNAPSHOT: &str = snapshot!();

/// What its second source was taken from.
pub(crate) const SECOND: &str = "litellm 1.110.2";

/// The day on which the built-in table was taken.
macro_rules! taken {
    () => {
        "2026-11-21"
    };
}

/// The day on which the built-in table was taken.
const TAKEN: &str = taken!();

/// Older prices may have changed by now, in days.
const STALE: i32 = 60;

/// What `--version` says: with the day on which the built-in table was taken.
pub(crate) const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (prices of ",
    taken!(),
    ", ",
    snapshot!(),
    ")"
);

/// Prices from the user's files and the built-in table.
#[derive(Debug, Default)]
pub struct PriceBook {
    files: Arc<[PriceFile]>,
    /// The user's own terms.
    deal: Arc<Deal>,
    /// Where fetched prices are kept.
    place: Option<PathBuf>,
    /// Those, once they were asked for; none where there are none, or none newer than the built-in table.
    update: Arc<OnceLock<Option<Update>>>,
    /// The providers that were asked for, of the built-in table and of fetched prices.
    loaded: Arc<Mutex<Loaded>>,
    /// What was found for names.
    known: Mutex<BTreeMap<String, Answers>>,
}

/// The entry for a name, or why there is none.
type Answer = Result<Found, String>;

/// Providers by id: those of the built-in table, and those of fetched prices.
type Loaded = [BTreeMap<String, Arc<Provider>>; 2];

/// The provider asked for, and whether prices without dates may answer.
type Asked = (Option<String>, bool);

/// The answers for one name.
type Answers = Vec<(Asked, Arc<Answer>)>;

/// A log may make up names without end, and providers for each of them, and long ones: so many are remembered.
const MAX_KNOWN: usize = 1000;
const MAX_PROVIDERS: usize = 16;
const MAX_REMEMBERED: usize = 256;

#[derive(Debug)]
struct PriceFile {
    name: String,
    providers: Vec<Arc<Provider>>,
}

/// What a price depends on beside the counts.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Who answered, as far as it is known.
    pub provider: Option<&'a str>,
    /// The model that answered, as it came on the wire or from a URL.
    pub model: Option<&'a str>,
    /// The tier it was served in.
    pub tier: Option<&'a str>,
    /// Where it was made.
    pub region: Option<&'a str>,
    /// When it was made.
    pub at: SystemTime,
    /// Passes by other models within the response.
    pub passes: &'a [Pass],
}

/// What the price table makes of a response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quote {
    /// The entry used.
    pub entry: Option<String>,
    /// Why there is no price, or what to know about it.
    pub note: Option<String>,
    /// What it costs, where that is known.
    pub parts: Option<Parts>,
    /// Something used has no price: the sum is the least it cost.
    pub lower_bound: bool,
}

/// The entry that answers for a name, and why it does.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) provider: Arc<Provider>,
    /// Which of its entries.
    at: usize,
    /// The provider asked for: another one where it serves that one's models too.
    asked: String,
    /// The file it is from; none for the built-in table.
    pub(crate) file: Option<String>,
    /// How the provider was known, where nobody said it.
    pub(crate) assumed: Option<String>,
    /// The spelling that the entry is known by.
    pub(crate) name: String,
    /// `openai/gpt-5`.
    pub(crate) label: String,
}

impl PriceBook {
    /// Reads the user's price files; the built-in table is read when a price is wanted.
    ///
    /// # Errors
    /// A sentence that names the file, and the line and column where it is broken.
    pub fn open(files: &[PathBuf]) -> Result<Self, String> {
        let read = |path: &PathBuf| {
            let text = std::fs::read(path)
                .map_err(|error| format!("cannot read price file {}: {error}", path.display()))?;
            PriceFile::parse(path, &text)
        };
        let files: Result<_, _> = files.iter().map(read).collect();
        Ok(Self {
            files: files?,
            ..Self::default()
        })
    }

    /// As [`open`](Self::open), of one file's text.
    ///
    /// # Errors
    /// As there.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, String> {
        Ok(Self {
            files: [PriceFile::parse(path, text)?].into(),
            ..Self::default()
        })
    }

    /// The same prices on the user's own terms.
    #[must_use]
    pub fn on(mut self, deal: Deal) -> Self {
        self.deal = Arc::new(deal);
        self
    }

    /// The user's own terms.
    pub(crate) fn deal(&self) -> &Deal {
        &self.deal
    }

    /// The same prices for another thread: neither waits for what the other looks up.
    pub(crate) fn split(&self) -> Self {
        Self {
            files: Arc::clone(&self.files),
            deal: Arc::clone(&self.deal),
            place: self.place.clone(),
            update: Arc::clone(&self.update),
            loaded: Arc::clone(&self.loaded),
            known: Mutex::default(),
        }
    }

    /// Loads what a quote for this model will need, so that it is there when the response ends.
    pub fn prepare(&self, provider: Option<&str>, model: Option<&str>) {
        let _ = self.recall(provider, model, true);
    }

    /// The same prices, with those that were fetched to `place` before the built-in table.
    #[must_use]
    pub(crate) fn fetched(mut self, place: PathBuf) -> Self {
        self.place = Some(place);
        self
    }

    fn update(&self) -> Option<&Update> {
        let newer = |update: &Update| *update.taken > *TAKEN;
        let read = || Update::read(self.place.as_ref()?).filter(newer);
        self.update.get_or_init(read).as_ref()
    }

    /// The table that answers where the user's files do not.
    fn table(&self) -> &genai::Table {
        self.update()
            .map_or(&genai::SNAPSHOT, |update| &update.table)
    }

    /// How many models it has.
    pub(crate) fn models(&self) -> usize {
        self.table().count()
    }

    /// What to say of prices that are old on a day.
    pub(crate) fn stale(&self, today: Date) -> Option<String> {
        let taken = self.update().map_or(TAKEN, |update| &update.taken);
        let age = taken.parse::<Date>().ok()?.until(today).ok()?.get_days();
        (age > STALE).then(|| {
            format!("the prices are {age} days old; tokensense prices --update fetches newer ones")
        })
    }

    /// As [`find`](Self::find), which is asked once for each name.
    fn recall(&self, provider: Option<&str>, model: Option<&str>, undated: bool) -> Arc<Answer> {
        let name = model.unwrap_or_default();
        let is_same = |((of, any), _): &&(Asked, _)| of.as_deref() == provider && *any == undated;
        if let Some(answers) = lock(&self.known).get(name)
            && let Some((_, answer)) = answers.iter().find(is_same)
        {
            return Arc::clone(answer);
        }
        let answer = Arc::new(self.find_as(provider, model, undated));
        if name.len() + provider.map_or(0, str::len) > MAX_REMEMBERED {
            return answer;
        }
        let mut known = lock(&self.known);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let answers = known.entry(name.to_owned()).or_default();
        if answers.len() >= MAX_PROVIDERS {
            answers.clear();
        }
        answers.push(((provider.map(str::to_owned), undated), Arc::clone(&answer)));
        answer
    }

    /// The entry that answers for a model.
    ///
    /// # Errors
    /// Why there is none, and the way out.
    pub(crate) fn find(
        &self,
        provider: Option<&str>,
        model: Option<&str>,
    ) -> Result<Found, String> {
        self.find_as(provider, model, true)
    }

    /// As [`find`](Self::find), if so among prices too that do not say since when they hold.
    fn find_as(
        &self,
        provider: Option<&str>,
        model: Option<&str>,
        undated: bool,
    ) -> Result<Found, String> {
        let model = model.filter(|model| !model.trim().is_empty());
        let model = model.ok_or("model unknown: pass --model NAME")?;
        let name = Name::new(provider, model);
        let id = name.provider.as_deref();
        let found = |provider: &Arc<Provider>, file: Option<&str>| {
            let (at, spelling) = name.find(|name| provider.names.get(name).copied())?;
            if name.is_latest_of(&spelling) && provider.has_other_dated(&spelling, at) {
                return None;
            }
            Some(Found {
                provider: Arc::clone(provider),
                at,
                asked: id.unwrap_or(&provider.id).to_owned(),
                file: file.map(str::to_owned),
                assumed: name.assumed.clone(),
                name: spelling,
                label: label(&provider.id, &provider.entry(at).id),
            })
        };
        for file in self.files.iter() {
            let mut providers = file.of(id).into_iter();
            if let Some(hit) = providers.find_map(|provider| found(provider, Some(&file.name))) {
                return Ok(hit);
            }
        }
        let shown = name::shown(model);
        let id = id.ok_or_else(|| format!("provider of {shown} unknown: pass --provider NAME"))?;
        if name::is_local(id) {
            return Err(format!(
                "{id} is a local server: tokens have no price (--prices FILE can give them one)"
            ));
        }
        let update = self.update().filter(|update| undated || update.is_dated);
        let who = name::shown(id);
        let mut unknown = format!("no prices of provider {who}: pass --prices FILE");
        for update in update.map(Some).into_iter().chain([None]) {
            let table = update.map_or(&genai::SNAPSHOT, |update| &update.table);
            let Some(first) = self.load(update.is_some(), table, id) else {
                continue;
            };
            let source = update.map(|update| format!("prices of {}", update.taken));
            let load = |id: &String| self.load(update.is_some(), table, id);
            let others = first.fallbacks.iter().filter_map(load);
            let mut all = std::iter::once(Arc::clone(&first)).chain(others);
            if let Some(hit) = all.find_map(|provider| found(&provider, source.as_deref())) {
                return Ok(hit);
            }
            unknown = format!("unknown model {shown} of {who}: pass --prices FILE or --model NAME");
        }
        Err(unknown)
    }

    /// What `usage` costs, on the user's own terms.
    pub fn quote(&self, query: &Query<'_>, usage: &Usage) -> Quote {
        let mut quote = self.at_list_price(query, usage);
        if let Some(parts) = &mut quote.parts
            && let Ok(found) = &*self.recall(query.provider, query.model, true)
            && let Some(percent) = self.deal.discount(&found.asked)
        {
            let factor = Decimal::ONE - percent / Decimal::ONE_HUNDRED;
            parts.multiply(factor);
            let note = match percent.is_sign_negative() {
                true => format!("{}% above list price", percent.abs()),
                false => format!("{percent}% discount"),
            };
            add_note(&mut quote.note, &note);
        }
        quote
    }

    fn at_list_price(&self, query: &Query<'_>, usage: &Usage) -> Quote {
        let note = |note: String| Quote {
            note: Some(note),
            ..Quote::default()
        };
        if !COUNTED.iter().any(|measure| usage.get(*measure).is_some()) {
            return note("no usage".to_owned());
        }
        // A response from before the built-in table was taken is priced by what held then.
        let undated = self.place.is_none() || is_after(query.at);
        let mut quote = match &*self.recall(query.provider, query.model, undated) {
            Ok(found) => found.quote(query, usage),
            Err(why) => return note(why.clone()),
        };
        let Some(parts) = &mut quote.parts else {
            return quote;
        };
        for pass in query.passes {
            let model = pass.model.as_deref();
            let passed = Query {
                model,
                passes: &[],
                ..*query
            };
            let passed = self.at_list_price(&passed, &pass.usage);
            quote.lower_bound |= passed.lower_bound || passed.parts.is_none();
            let more = match passed.parts {
                Some(more) => {
                    parts.other += more.total();
                    let entry = passed.entry.unwrap_or_default();
                    format!("other_cost_usd has a pass by {entry}")
                }
                None => format!("a pass is not priced: {}", passed.note.unwrap_or_default()),
            };
            add_note(&mut quote.note, &more);
        }
        quote
    }

    /// Every entry, with the file it is from: the user's files first.
    pub(crate) fn all(&self) -> Vec<(Option<&str>, Arc<Provider>)> {
        let files = self.files.iter().flat_map(|file| {
            let name = Some(file.name.as_str());
            file.providers
                .iter()
                .map(move |provider| (name, Arc::clone(provider)))
        });
        let update = self.update();
        let table = self.table();
        let ids = table.provider_ids();
        let built_in = ids.filter_map(|id| Some((None, self.load(update.is_some(), table, id)?)));
        files.chain(built_in).collect()
    }

    /// A provider of the built-in table, or of fetched prices.
    fn load(&self, fetched: bool, table: &genai::Table, id: &str) -> Option<Arc<Provider>> {
        let mut loaded = lock(&self.loaded);
        let loaded = &mut loaded[usize::from(fetched)];
        if let Some(known) = loaded.get(id) {
            return Some(Arc::clone(known));
        }
        // Of those that are in no table there is no end: nothing is kept of them.
        let provider = Arc::new(table.provider(id)?);
        loaded.insert(id.to_owned(), Arc::clone(&provider));
        Some(provider)
    }
}

/// Whether a time is after the built-in table was taken.
fn is_after(at: SystemTime) -> bool {
    static BEGIN: LazyLock<Option<Timestamp>> = LazyLock::new(|| {
        let day: Date = TAKEN.parse().ok()?;
        day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp())
    });
    Timestamp::try_from(at).is_ok_and(|at| BEGIN.is_none_or(|begin| at >= begin))
}

/// A panic elsewhere leaves the tables as good as they were.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entry of what is charged whichever model is used.
const SHARED: &str = "container";

/// Counts that a price can be made of.
static COUNTED: &[Measure] = &[
    Measure::Input,
    Measure::Output,
    Measure::BilledInput,
    Measure::BilledOutput,
    Measure::Pages,
    Measure::RerankSearches,
    Measure::AudioNanoseconds,
];

impl Found {
    pub(crate) fn entry(&self) -> &Entry {
        self.provider.entry(self.at)
    }

    fn quote(&self, query: &Query<'_>, usage: &Usage) -> Quote {
        let Terms {
            rates,
            factor,
            mut details,
            mut note,
            mut lower_bound,
        } = self.terms(query, usage);
        let fees = Fees::new(&self.asked, self.entry(), &self.name, &usage.raw);
        let charge = Charge::new(usage, &rates, factor, &fees, &self.entry().second);
        let mut parts = Some(charge.parts);
        if rates.iter().all(Option::is_none) && !self.entry().is_free() {
            add_note(&mut note, "this price entry has no rates");
            parts = None;
        } else if !charge.unpriced.is_empty() && !self.entry().is_free() {
            let unpriced = charge.unpriced.join(", ");
            add_note(&mut note, &format!("no price for {unpriced}"));
            parts = parts.filter(|_| charge.priced);
            lower_bound = true;
        }
        if !charge.as_text.is_empty() && !self.entry().is_free() {
            let as_text = charge.as_text.join(", ");
            add_note(
                &mut note,
                &format!("no price for {as_text}: charged as text"),
            );
            lower_bound = true;
        }
        if charge.passes {
            add_note(
                &mut note,
                "several passes in one sum: rates for short prompts used",
            );
            lower_bound = true;
        }
        let noted = NOTED
            .iter()
            .filter(|(of, _)| charge.by_pass || *of != Measure::PassInput);
        for (measure, what) in noted {
            if let Some(count) = usage.value(*measure).filter(|count| *count > 0) {
                add_note(&mut note, &format!("{what}: {count}"));
            }
        }
        if !charge.second.is_empty() {
            details.push(format!("{} of {SECOND}", charge.second.join(", ")));
        }
        for (measure, dimension, what) in SIDES {
            let rate = rates[*dimension as usize].filter(|rate| !rate.base.is_zero());
            if rate.is_some() && usage.get(*measure).is_none() {
                add_note(&mut note, &format!("{what} tokens unknown"));
                lower_bound = true;
            }
        }
        details.extend(charge.above.map(|above| format!("prompt above {above}")));
        details.extend(self.file.clone());
        let label = &self.label;
        Quote {
            entry: Some(match details.is_empty() {
                true => label.clone(),
                false => format!("{label} ({})", details.join(", ")),
            }),
            note,
            parts,
            lower_bound,
        }
    }

    /// Adds the fees that hold for all models of its provider.
    fn add_shared<'a>(&'a self, rates: &mut Rates<'a>) {
        let shared = self
            .provider
            .names
            .get(SHARED)
            .map(|at| self.provider.entry(*at));
        let listed = shared
            .into_iter()
            .flat_map(|entry| &entry.rates)
            .flat_map(|(_, rates)| rates);
        for (dimension, rate) in listed {
            rates[*dimension as usize].get_or_insert(rate);
        }
    }

    /// What holds for a response of this model at its time, in its tier, at its place.
    fn terms(&self, query: &Query<'_>, usage: &Usage) -> Terms<'_> {
        let entry = self.entry();
        let at = Timestamp::try_from(query.at).map_or(0, Timestamp::as_second);
        let tier = tier::tier(&self.asked, query.tier, &usage.raw);
        // A provider that serves another's models has its own prices for tiers.
        let own = tier.as_deref().filter(|_| self.asked == self.provider.id);
        let (mut rates, is_own) = entry.rates(at, own);
        if !rates.iter().all(Option::is_none) && usage.value(Measure::Containers).is_some() {
            self.add_shared(&mut rates);
        }
        let mut terms = Terms {
            rates,
            factor: None,
            details: Vec::new(),
            note: self.assumed.clone(),
            lower_bound: false,
        };
        if let Some(tier) = tier {
            if is_own {
                terms.details.push(tier.into_owned());
            } else if let Some(factor) = tier::multiplier(&self.asked, &tier, entry) {
                terms.factor = Some(factor);
                terms.details.push(format!("{tier} ×{factor}"));
            } else {
                terms.lower_bound = !tier::is_discount(&tier);
                let note = format!("no rates for tier {tier}: standard rates used");
                add_note(&mut terms.note, &note);
            }
        }
        if let Some(surcharge) = tier::surcharge(&self.asked, &usage.raw) {
            terms.factor = Some(terms.factor.unwrap_or(Decimal::ONE) * surcharge);
            terms.details.push(format!("US only ×{surcharge}"));
        }
        if let Some(region) = query.region
            && let Some(factor) = region::factor(&self.asked, region, entry)
        {
            terms.factor = Some(terms.factor.unwrap_or(Decimal::ONE) * factor);
            let shown = factor.round_dp(4).normalize();
            terms.details.push(format!("region {region} ×{shown}"));
        }
        terms
    }
}

/// What a response is charged by.
struct Terms<'a> {
    rates: Rates<'a>,
    /// What rates for tokens are multiplied by.
    factor: Option<Decimal>,
    /// What to say of the entry.
    details: Vec<String>,
    note: Option<String>,
    lower_bound: bool,
}

/// What is charged and has no column of the record: a note tells how many there were.
pub(crate) static NOTED: &[(Measure, &str)] = &[
    (Measure::FileSearches, "file searches"),
    (Measure::Containers, "containers"),
    (Measure::MapPlaces, "map places"),
    (Measure::PassInput, "first prompt"),
];

/// The two sides of a response, which have a count if anything is known of them.
static SIDES: &[(Measure, Dimension, &str)] = &[
    (Measure::Input, Dimension::Input, "input"),
    (Measure::Output, Dimension::Output, "output"),
];

/// `openai/gpt-5`; the entry's id alone where it is anyone's.
pub(crate) fn label(provider: &str, id: &str) -> String {
    match provider {
        "" => id.to_owned(),
        _ => format!("{provider}/{id}"),
    }
}

/// Adds to what there is to know about a cost.
pub(crate) fn add_note(notes: &mut Option<String>, more: &str) {
    match notes {
        Some(notes) => notes.extend(["; ", more]),
        None => *notes = Some(more.to_owned()),
    }
}

impl PriceFile {
    fn parse(path: &Path, text: &[u8]) -> Result<Self, String> {
        let shown = path.display();
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| format!("price file {shown} is not valid JSON: {error}"))?;
        let providers = match &value {
            Value::Array(providers) => providers.iter().map(genai::provider).collect(),
            Value::Object(models) => litellm::providers(models),
            _ => Err(
                "it is neither LiteLLM's object of models nor genai-prices' list of providers"
                    .to_owned(),
            ),
        };
        let providers: Vec<_> =
            providers.map_err(|error| format!("price file {shown}: {error}"))?;
        if providers.iter().all(|provider| provider.names.is_empty()) {
            return Err(format!("price file {shown} has no models"));
        }
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            providers: providers.into_iter().map(Arc::new).collect(),
        })
    }

    /// The providers to ask for a model of `id`, in their order: it, anyone, and those whose models it serves too.
    fn of(&self, id: Option<&str>) -> Vec<&Arc<Provider>> {
        let Some(id) = id else {
            return self.providers.iter().collect();
        };
        let of = |id: &str| -> Vec<_> {
            let providers = self.providers.iter();
            providers.filter(|provider| provider.id == id).collect()
        };
        let mut asked = of(id);
        let others: Vec<_> = asked.iter().flat_map(|own| &own.fallbacks).collect();
        asked.extend(of(""));
        asked.extend(others.into_iter().flat_map(|id| of(id)));
        asked
    }
}

#[cfg(test)]
mod tests {
    use genai_prices::{Calculator, PriceRequest};

    use super::*;
    use crate::meter::RawUsage;

    /// A long prompt, a short one, and one of text alone, which no rate of the second source has a part in: as we have
    /// them and as they do.
    fn usages() -> [(Usage, genai_prices::Usage); 3] {
        let counts = [
            (Measure::Input, "input_tokens", 250_000_u32),
            (Measure::CacheRead, "cache_read_tokens", 50_000),
            (Measure::CacheWrite, "cache_write_tokens", 20_000),
            (Measure::CacheWrite1h, "cache_write_1h_tokens", 5_000),
            (Measure::AudioInput, "input_audio_tokens", 3_000),
            (Measure::CachedAudio, "cache_audio_read_tokens", 1_000),
            (Measure::ImageInput, "input_image_tokens", 700),
            (Measure::Output, "output_tokens", 9_000),
            (Measure::Reasoning, "output_reasoning_tokens", 4_000),
            (Measure::AudioOutput, "output_audio_tokens", 300),
            (Measure::ImageOutput, "output_image_tokens", 200),
            (Measure::Citation, "output_citation_tokens", 100),
            (Measure::WebSearches, "web_searches", 3),
        ];
        [(1, counts.len()), (50, counts.len()), (50, 4)].map(|(divisor, measures)| {
            let mut ours = Usage::default();
            let mut theirs = genai_prices::Usage::default();
            let text = [Measure::Output, Measure::Reasoning];
            let kept = counts
                .iter()
                .enumerate()
                .filter(|(at, (measure, ..))| *at < measures || text.contains(measure));
            for (_, (measure, key, count)) in kept {
                ours.report(*measure, u64::from(count / divisor));
                theirs.insert(*key, f64::from(count / divisor));
            }
            (ours, theirs)
        })
    }

    /// Times and tiers at which prices are asked for.
    fn conditions() -> Vec<(Timestamp, (&'static str, &'static str))> {
        let times = [
            "2025-04-01T20:00:00Z",
            "2026-10-19T02:30:00Z",
            "2026-11-21T12:00:00Z",
            "2027-02-01T07:00:00Z",
        ];
        let tiers = [
            ("service_tier", "default"),
            ("service_tier", "flex"),
            ("service_tier", "priority"),
            ("processing", "batch"),
        ];
        times
            .iter()
            .flat_map(|at| tiers.map(|tier| (at.parse::<Timestamp>().expect("a time"), tier)))
            .collect()
    }

    /// Every entry under every name, at several times, tiers and prompt lengths, against genai-prices' own calculator.
    #[test]
    fn agrees_with_genai_prices() {
        let (shapes, conditions) = (usages(), conditions());
        let book = PriceBook::default();
        let mut compared = 0;
        let mut wrong = Vec::new();
        for (_, provider) in book.all() {
            let mut names: Vec<_> = provider.names.iter().collect();
            names.sort_unstable();
            for (nth, (name, at)) in names.into_iter().enumerate() {
                let entry = provider.entry(*at);
                let id = &entry.id;
                let fees = Fees::new(&provider.id, entry, name, &RawUsage::default());
                // Names by the thousand: each under one of the conditions.
                let (at, (key, tier)) = conditions[nth % conditions.len()];
                for (ours, theirs) in &shapes {
                    // They leave it to who asks what is charged as a search.
                    let searches = ours.value(Measure::WebSearches).unwrap_or(0);
                    let searches = match fees.by_prompt {
                        true => searches.min(1),
                        false => searches.max(fees.least_searches),
                    };
                    let mut theirs = theirs.clone();
                    theirs.insert("web_searches", searches as f64);
                    let request = PriceRequest::new(name, &theirs)
                        .with_provider_id(&provider.id)
                        .with_timestamp(at)
                        .with_price_context(key, tier);
                    // Some ids and fragments of clauses are no names there.
                    let Ok(price) = Calculator::bundled().calculate(&request) else {
                        continue;
                    };
                    let query = Query {
                        provider: Some(&provider.id),
                        model: Some(name),
                        tier: Some(tier),
                        region: None,
                        at: at.into(),
                        passes: &[],
                    };
                    let quote = book.quote(&query, ours);
                    let entry = quote.entry.unwrap_or_default();
                    // Where the table has no rates for a tier, they give the standard price; nor do they know the
                    // second source.
                    if entry.contains('×') || entry.contains(SECOND) {
                        continue;
                    }
                    compared += 1;
                    let total = quote.parts.unwrap_or_default().total().to_string();
                    let total: f64 = total.parse().expect("a number");
                    if price.model_id != *id || (total - price.total_price).abs() > 1e-9 {
                        let (model, theirs) = (price.model_id, price.total_price);
                        wrong.push(format!(
                            "{name} {tier} {at}: {entry} {total}, theirs {model} {theirs}"
                        ));
                    }
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} differ:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        eprintln!("{compared} compared");
        assert!(compared > 5000, "only {compared} were compared");
    }
}
