//! genai-prices' format: providers, their models, and clauses that say which names are a model's. The built-in table
//! is a snapshot of that crate's data with each provider on a line and its models on lines after it, so that only the
//! provider asked for is parsed, and of its models only the names until one is asked for.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use memchr::memmem;
use rust_decimal::Decimal;
use serde_json::{Deserializer, Value};

use super::entry::{Days, Entry, Listed, Rate, UNITS, When};
use super::name::is_dated;

/// What the snapshot was taken of; `data/README.md` tells how to renew it.
pub(crate) static SNAPSHOT: Table = Table::new(include_str!("data/prices.jsonl"));

/// What the snapshot lacks, in its shape, of a second source.
static SECOND: Table = Table::new(include_str!("data/second.jsonl"));

/// Lines of providers, each followed by those of its models.
#[derive(Debug)]
pub(crate) struct Table {
    lines: &'static str,
    /// Where the providers' lines begin.
    places: OnceLock<HashMap<&'static str, usize>>,
}

/// Models whose peak hours are those of workdays, which their data does not say: provider, and how ids begin.
/// <https://api-docs.deepseek.com/quick_start/pricing>
static RESTING: &[(&str, &str)] = &[("deepseek", "deepseek-flash"), ("deepseek", "deepseek-v4")];

/// The models of one provider.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    pub(crate) id: String,
    models: Vec<Model>,
    /// Every name that is an entry's own, in lower case.
    pub(crate) names: HashMap<String, usize>,
    /// Providers whose models it serves too, at their prices.
    pub(crate) fallbacks: Vec<String>,
    /// Where the prices are published.
    pub(crate) pages: Vec<String>,
}

/// A model, which may still have to be read.
#[derive(Debug)]
struct Model {
    entry: OnceLock<Entry>,
    /// Its JSON in the snapshot; empty where only the second source has it.
    text: &'static str,
    /// Its JSON in the second source, if it is there.
    more: &'static str,
    /// Its peak hours are those of workdays.
    rests: bool,
}

impl Provider {
    /// A provider without models.
    pub(crate) fn new(id: &str) -> Self {
        let id = id.to_owned();
        Self {
            id,
            ..Self::default()
        }
    }

    /// Adds a model under its names. Where two models have the same name, it is the first one's.
    pub(crate) fn add(&mut self, entry: Entry, names: impl IntoIterator<Item = String>) {
        let mut entry = entry;
        let id = entry.id.clone();
        if self.rests(&id) {
            entry.rest_at_weekends();
        }
        let model = Model {
            entry: entry.into(),
            text: "",
            more: "",
            rests: false,
        };
        self.add_model(model, id, names);
    }

    /// Adds a model of which nothing but its names is read yet.
    fn add_unread(&mut self, text: &'static str, more: &'static str) -> Option<()> {
        let (id, rest) = member(if text.is_empty() { more } else { text }, "{\"id\":")?;
        let (clause, _) = member(rest, ",\"match\":")?;
        let id = id.as_str()?.to_owned();
        let model = Model {
            entry: OnceLock::new(),
            text,
            more,
            rests: self.rests(&id),
        };
        self.add_model(model, id, names(&clause));
        Some(())
    }

    fn rests(&self, id: &str) -> bool {
        let begins = |(of, start): &(&str, &str)| self.id == *of && id.starts_with(start);
        RESTING.iter().any(begins)
    }

    fn add_model(&mut self, model: Model, id: String, names: impl IntoIterator<Item = String>) {
        for name in std::iter::once(id).chain(names) {
            let name = name.to_lowercase();
            self.names.entry(name).or_insert(self.models.len());
        }
        self.models.push(model);
    }

    /// Whether a dated model of this name, which may be the latest, has other prices than the model at `at`.
    pub(crate) fn has_other_dated(&self, name: &str, at: usize) -> bool {
        let dated = self.names.iter().filter(|(other, _)| is_dated(other, name));
        let mut others = dated.filter(|(_, other)| **other != at);
        others.any(|(_, other)| self.entry(*other).rates != self.entry(at).rates)
    }

    /// One of its models.
    pub(crate) fn entry(&self, at: usize) -> &Entry {
        self.models[at].read()
    }

    /// All its models.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.models.iter().map(Model::read)
    }
}

impl Model {
    fn read(&self) -> &Entry {
        // That every model of the snapshot can be read is tested.
        let read = |text: &str| {
            let model = serde_json::from_str(text).unwrap_or_default();
            entry(&model).unwrap_or_default()
        };
        self.entry.get_or_init(|| {
            let mut entry = match self.text {
                "" => Entry::default(),
                text => read(text),
            };
            if !self.more.is_empty() {
                let more = read(self.more);
                if self.text.is_empty() {
                    entry.id.clone_from(&more.id);
                    entry.rates = vec![(When::Always, Vec::new())];
                }
                entry.complete(&more);
            }
            if self.rests {
                entry.rest_at_weekends();
            }
            entry
        })
    }

    /// Its id, where it is a model of the snapshot.
    fn has_id(&self, id: &str) -> bool {
        let rest = self.text.strip_prefix("{\"id\":\"");
        rest.and_then(|rest| rest.strip_prefix(id))
            .is_some_and(|rest| rest.starts_with('"'))
    }
}

impl Table {
    pub(crate) const fn new(lines: &'static str) -> Self {
        let places = OnceLock::new();
        Self { lines, places }
    }

    /// The ids of its providers, in their order.
    pub(crate) fn provider_ids(&self) -> impl Iterator<Item = &'static str> {
        self.lines.lines().filter_map(provider_id)
    }

    /// How many models it has.
    pub(crate) fn count(&self) -> usize {
        let lines = self.lines.lines();
        lines.filter(|line| line.starts_with("{\"id\":")).count()
    }

    /// A provider of it, together with the second source.
    pub(crate) fn provider(&self, id: &str) -> Option<Provider> {
        let mut provider = self.first(id)?;
        for more in SECOND.section(id).into_iter().flat_map(|(_, lines)| lines) {
            let known = member(more, "{\"id\":").and_then(|(id, _)| {
                let at = *provider.names.get(id.as_str()?)?;
                provider.models[at].has_id(id.as_str()?).then_some(at)
            });
            match known {
                Some(at) => provider.models[at].more = more,
                None => provider.add_unread("", more)?,
            }
        }
        Some(provider)
    }

    /// A provider of it alone.
    fn first(&self, id: &str) -> Option<Provider> {
        let (line, models) = self.section(id)?;
        let mut provider = head(id, &serde_json::from_str(line).ok()?);
        for text in models {
            // What follows its names is read when it is asked for.
            provider.add_unread(text, "")?;
        }
        Some(provider)
    }

    /// A provider's line, and those of its models.
    fn section(&self, id: &str) -> Option<(&'static str, impl Iterator<Item = &'static str>)> {
        let places = self.places.get_or_init(|| {
            let found = memmem::find_iter(self.lines.as_bytes(), PROVIDER);
            let begins = |at: &usize| *at == 0 || self.lines.as_bytes()[at - 1] == b'\n';
            let ids = found.filter(begins).filter_map(|at| {
                let id = provider_id(self.lines.get(at..)?)?;
                Some((id, at))
            });
            ids.collect()
        });
        let mut lines = self.lines.get(*places.get(id)?..)?.lines();
        let line = lines.next()?;
        Some((line, lines.take_while(|line| provider_id(line).is_none())))
    }
}

/// How a provider's line begins.
const PROVIDER: &str = "{\"provider\":\"";

/// The id of the provider on a line of a table; `None` of a model's line.
fn provider_id(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(PROVIDER)?;
    rest.split_once('"').map(|(id, _)| id)
}

/// The value after this beginning of a text, and the rest of it.
fn member<'t>(text: &'t str, begin: &str) -> Option<(Value, &'t str)> {
    let text = text.strip_prefix(begin)?;
    let mut values = Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// Reads one provider.
///
/// # Errors
/// A sentence that says which model and rate are wrong, and how.
pub(crate) fn provider(value: &Value) -> Result<Provider, String> {
    let id = value["id"].as_str().ok_or("a provider has no id")?;
    let mut provider = head(id, value);
    for model in value["models"].as_array().into_iter().flatten() {
        let id = model["id"].as_str();
        let id = id.ok_or_else(|| format!("a model of {} has no id", provider.id))?;
        let entry = entry(model);
        let entry = entry.map_err(|error| format!("model {}/{id}: {error}", provider.id))?;
        provider.add(entry, names(&model["match"]));
    }
    Ok(provider)
}

/// A provider without its models.
fn head(id: &str, value: &Value) -> Provider {
    let list = |key: &str| {
        let items = value[key].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Provider {
        id: id.to_owned(),
        fallbacks: list("fallback_model_providers"),
        pages: list("pricing_urls"),
        ..Provider::default()
    }
}

/// The names that a clause holds, be it that a name equals, begins with, ends with or contains them: a longer name
/// than these is the model's only if what is left over says nothing of another model, as `name` knows. Patterns stand
/// for dates alone.
fn names(clause: &Value) -> Vec<String> {
    let mut names = Vec::new();
    gather(clause, &mut names);
    names
}

fn gather(clause: &Value, names: &mut Vec<String>) {
    for (operation, argument) in clause.as_object().into_iter().flatten() {
        match argument {
            Value::Array(clauses) => clauses.iter().for_each(|clause| gather(clause, names)),
            Value::String(name) if operation != "regex" => {
                // A name cut before its date: `claude-opus-4@`, `ft:gpt-4o-`.
                names.push(name.trim_end_matches(['-', '@', ':']).to_owned());
            }
            _ => {}
        }
    }
}

fn entry(model: &Value) -> Result<Entry, String> {
    let id = model["id"].as_str().unwrap_or_default().to_owned();
    let dated = match &model["prices"] {
        Value::Array(dated) => dated
            .iter()
            .map(|price| Ok((when(&price["constraint"])?, rates(&price["prices"])?)))
            .collect::<Result<_, String>>()?,
        prices => vec![(When::Always, rates(prices)?)],
    };
    let mut tiers = Vec::new();
    for variant in model["price_variants"].as_array().into_iter().flatten() {
        // Others hang on what no response tells, as the kind of a search.
        let word = ["service_tier", "processing"]
            .iter()
            .find_map(|key| variant["when"][key].as_str());
        if let Some(word) = word {
            let when = when(&variant["constraint"])?;
            tiers.push((word.to_owned(), when, rates(&variant["prices"])?));
        }
    }
    Ok(Entry {
        id,
        rates: dated,
        tiers,
        ..Entry::default()
    })
}

fn when(constraint: &Value) -> Result<When, String> {
    let seconds = |text: String| {
        let time: Result<Timestamp, _> = text.parse();
        time.map(Timestamp::as_second)
            .map_err(|_| format!("constraint {constraint} has a date or time that is not valid"))
    };
    let daily =
        |time: &str| Ok::<_, String>(seconds(format!("1970-01-01T{time}"))?.rem_euclid(86_400));
    let field = |key| constraint[key].as_str();
    match (field("start_date"), field("start_time"), field("end_time")) {
        (Some(date), ..) => Ok(When::Since(seconds(format!("{date}T00:00:00Z"))?)),
        (None, Some(start), Some(end)) => {
            let days = match constraint["weekdays"].as_array() {
                Some(days) => Days::of(days.iter().filter_map(Value::as_u64)),
                None => Days::ALL,
            };
            // The end of a day is written as its beginning.
            let (start, end) = (daily(start)?, daily(end)?);
            Ok(When::Daily(
                start,
                if end == 0 { 86_400 } else { end },
                days,
            ))
        }
        _ if constraint.is_null() => Ok(When::Always),
        _ => Err(format!(
            "constraint {constraint} has neither a start_date nor a start_time and end_time"
        )),
    }
}

fn rates(prices: &Value) -> Result<Listed, String> {
    let mut rates = Vec::new();
    for unit in UNITS {
        let price = &prices[unit.key];
        if price.is_null() {
            continue;
        }
        let amount = |value: &Value| amount(unit.key, value, 1);
        let base = amount(price.get("base").unwrap_or(price))?;
        let mut tiers = Vec::new();
        for tier in price["tiers"].as_array().into_iter().flatten() {
            let start = tier["start"].as_u64();
            let start = start.ok_or_else(|| format!("{}: a tier has no start", unit.key))?;
            tiers.push((start, amount(&tier["price"])?));
        }
        tiers.sort_unstable_by_key(|(start, _)| *start);
        rates.push((unit.dimension, Rate { base, tiers }));
    }
    Ok(rates)
}

/// No unit costs more than this: $100,000 for a million tokens, a thousand searches, an hour.
const ABSURD: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);

/// A rate that can be true, for `per` of what `value` is the price of one of.
///
/// # Errors
/// A sentence that says how it cannot.
pub(super) fn amount(key: &str, value: &Value, per: u32) -> Result<Decimal, String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err(format!("{key} is not a number")),
    };
    let plain = text.parse().or_else(|_| Decimal::from_scientific(&text));
    let amount: Decimal = plain.map_err(|_| format!("{key} is {text}, which is not a price"))?;
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(format!("{key} is negative ({text})"));
    }
    match amount.checked_mul(per.into()) {
        Some(rate) if rate <= ABSURD => Ok(rate.normalize()),
        _ if per == 1 => Err(format!(
            "{key} is {text}, beyond any price: it is to be in US dollars for a million"
        )),
        _ => Err(format!(
            "{key} is {text}, beyond any price: it is to be in US dollars for one"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in table is read piece by piece, yet as a price file is.
    #[test]
    fn the_snapshot_reads_as_a_file_does() {
        let lines: Vec<Value> = SNAPSHOT
            .lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let mut providers = Vec::new();
        for mut line in lines {
            match line["provider"].take() {
                Value::Null => {
                    let provider: &mut Value = providers.last_mut().expect("a provider");
                    provider["models"]
                        .as_array_mut()
                        .expect("models")
                        .push(line);
                }
                id => {
                    line["id"] = id;
                    line["models"] = Value::Array(Vec::new());
                    providers.push(line);
                }
            }
        }
        assert_eq!(providers.len(), SNAPSHOT.provider_ids().count());
        for (id, value) in SNAPSHOT.provider_ids().zip(&providers) {
            let file = provider(value).expect("a provider");
            let built_in = SNAPSHOT.first(id).expect("a provider");
            assert!(file.entries().eq(built_in.entries()), "{id}");
            assert_eq!(file.names, built_in.names, "{id}");
            assert_eq!(file.fallbacks, built_in.fallbacks, "{id}");
            assert_eq!((file.id, file.pages), (built_in.id, built_in.pages));
        }
    }
}
