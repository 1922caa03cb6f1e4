//! Prices that were fetched later than the built-in table was taken: kept as its lines, and read as lazily.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::entry::{Entry, Listed, UNITS, When};
use super::genai::{self, Provider, Table};
use super::litellm;
use crate::object::Object;

/// Prices as they were fetched, ready to be put in place.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// A line that tells when and whence, then each provider's and each model's.
    pub(crate) lines: String,
    pub(crate) models: usize,
}

/// Prices in place.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) table: Table,
    /// The day they were fetched on.
    pub(super) taken: String,
    /// They say since when they hold.
    pub(super) is_dated: bool,
}

impl Fetched {
    /// Checks a price list of genai-prices' or LiteLLM's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(text: &[u8], from: &str, day: Date) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| format!("the price list is not valid JSON: {error}"))?;
        let (providers, is_dated) = match &value {
            Value::Array(all) => (
                all.iter()
                    .map(genai::provider)
                    .collect::<Result<Vec<_>, _>>()?,
                true,
            ),
            Value::Object(all) => (litellm::providers(all)?, false),
            _ => return Err("it is not a price list of genai-prices or LiteLLM".to_owned()),
        };
        let models = providers
            .iter()
            .map(|provider| provider.entries().count())
            .sum();
        let head = json!({"taken": day.to_string(), "from": from, "dated": is_dated});
        let mut lines = format!("{head}\n");
        match value.as_array() {
            Some(all) => all
                .iter()
                .for_each(|provider| write_own(provider, &mut lines)),
            None => providers
                .iter()
                .for_each(|provider| write(provider, &mut lines)),
        }
        Ok(Self { lines, models })
    }
}

impl Update {
    /// What is in place there; `None` where nothing is, or nothing that can be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let head: Value = serde_json::from_str(text.lines().next()?).ok()?;
        let taken: Date = head["taken"].as_str()?.parse().ok()?;
        Some(Self {
            // It is read once, and needed to the end.
            table: Table::new(text.leak()),
            taken: taken.to_string(),
            is_dated: head["dated"].as_bool()?,
        })
    }
}

/// Members of a provider and of a model that are kept.
const PROVIDER: &[&str] = &["pricing_urls", "fallback_model_providers"];
const MODEL: &[&str] = &["match", "prices", "price_variants"];

/// A line of the table: what it is about comes first.
fn line(key: &str, id: &str, from: &Value, keys: &[&str]) -> String {
    let mut object = Object::default();
    object.add(key, id);
    for key in keys.iter().filter(|key| !from[**key].is_null()) {
        object.add(key, &from[*key]);
    }
    object.finish() + "\n"
}

/// A provider of genai-prices' list as lines.
fn write_own(provider: &Value, lines: &mut String) {
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
    *lines += &line("provider", &id(provider), provider, PROVIDER);
    for model in provider["models"].as_array().into_iter().flatten() {
        *lines += &line("id", &id(model), model, MODEL);
    }
}

/// A provider of LiteLLM's list as lines.
fn write(provider: &Provider, lines: &mut String) {
    *lines += &line("provider", &provider.id, &Value::Null, &[]);
    let mut names = vec![Vec::new(); provider.entries().count()];
    for (name, at) in &provider.names {
        names[*at].push(name.as_str());
    }
    for (entry, mut names) in provider.entries().zip(names) {
        names.sort_unstable();
        let names: Vec<_> = names.iter().map(|name| json!({"equals": name})).collect();
        let model = json!({
            "match": {"or": names}, "prices": prices(entry), "price_variants": variants(entry),
        });
        *lines += &line("id", &entry.id, &model, MODEL);
    }
}

fn prices(entry: &Entry) -> Value {
    let dated = |(when, rates): &(When, Listed)| json!({"constraint": constraint(*when), "prices": listed(rates)});
    entry.rates.iter().map(dated).collect()
}

fn variants(entry: &Entry) -> Value {
    let variant = |(word, when, rates): &(String, When, Listed)| json!({"when": {"service_tier": word}, "constraint": constraint(*when), "prices": listed(rates)});
    entry.tiers.iter().map(variant).collect()
}

fn constraint(when: When) -> Value {
    let time = |seconds: i64| {
        format!(
            "{:02}:{:02}:{:02}Z",
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        )
    };
    match when {
        When::Always => Value::Null,
        // LiteLLM's list has no dates.
        When::Since(_) => Value::Null,
        When::Daily(from, to, days) => {
            json!({"start_time": time(from), "end_time": time(to), "weekdays": days.numbers().collect::<Vec<_>>()})
        }
    }
}

fn listed(rates: &Listed) -> Value {
    let mut object = Map::new();
    for (dimension, rate) in rates {
        let tiers = rate
            .tiers
            .iter()
            .map(|(start, price)| json!({"start": start, "price": price.to_string()}));
        let rate = json!({"base": rate.base.to_string(), "tiers": tiers.collect::<Vec<_>>()});
        object.insert(UNITS[*dimension as usize].key.to_owned(), rate);
    }
    Value::Object(object)
}

/// Where fetched prices are kept in a folder of settings.
pub(crate) fn place(folder: &Path) -> PathBuf {
    folder.join("fetched-prices.jsonl")
}
