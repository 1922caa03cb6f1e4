//! LiteLLM's format, `model_prices_and_context_window.json`: one object for each model, with rates by the piece.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::entry::{Entry, Listed, Rate, UNITS, When};
use super::genai::{Provider, amount};
use super::name;

/// Endings of a field, and the service tier that they are the rate in.
const TIERS: &[(&str, &str)] = &[
    ("_batches", "batch"),
    ("_flex", "flex"),
    ("_priority", "priority"),
    ("_ultrafast", "ultrafast"),
];

/// Reads the models, by provider. A model of no stated provider goes to the one without a name, which is anyone's.
///
/// # Errors
/// A sentence that says which model and rate are wrong, and how.
pub(super) fn providers(models: &Map<String, Value>) -> Result<Vec<Provider>, String> {
    let mut providers: BTreeMap<String, Provider> = BTreeMap::new();
    for (name, model) in models.iter().filter(|(name, _)| *name != "sample_spec") {
        let fields = model
            .as_object()
            .ok_or_else(|| format!("model {name} is not an object"))?;
        let id = fields.get("litellm_provider").and_then(Value::as_str);
        let id = id.map(name::provider).unwrap_or_default();
        // `gemini/gemini-2.5-pro` is what LiteLLM calls Google's gemini-2.5-pro.
        let own = name
            .split_once('/')
            .filter(|(prefix, _)| name::provider(prefix) == id);
        let own = own.map_or(name.as_str(), |(_, own)| own);
        let entry = entry(own, fields).map_err(|error| format!("model {name}: {error}"))?;
        // Zeros that stand for a local server's missing prices.
        if name::is_local(&id) && entry.costs_nothing() {
            continue;
        }
        let provider = providers
            .entry(id.into_owned())
            .or_insert_with_key(|id| Provider::new(id));
        provider.add(entry, [name.clone()]);
    }
    Ok(providers.into_values().collect())
}

fn entry(id: &str, fields: &Map<String, Value>) -> Result<Entry, String> {
    // By tier, the standard one without a name, and by unit.
    let mut rates: BTreeMap<Option<&str>, BTreeMap<usize, Rate>> = BTreeMap::new();
    for (field, value) in fields {
        let tier = |(ending, tier): &(&str, &'static str)| {
            Some((field.strip_suffix(ending)?, Some(*tier)))
        };
        let (bare, tier) = TIERS.iter().find_map(tier).unwrap_or((field, None));
        let (bare, start) = above(bare);
        let Some(at) = UNITS.iter().position(|unit| unit.litellm == bare) else {
            continue;
        };
        // A search costs by how much of it is read: the middle one is what is searched with unless asked otherwise.
        let value = value.get("search_context_size_medium").unwrap_or(value);
        if value.is_null() {
            continue;
        }
        let price = amount(field, value, UNITS[at].per)?;
        // Where a rate is stated for long prompts alone, it is taken for all.
        let rate = rates.entry(tier).or_default().entry(at).or_insert(Rate {
            base: price,
            tiers: Vec::new(),
        });
        match start {
            None => rate.base = price,
            Some(start) => rate.tiers.push((start, price)),
        }
    }
    let listed = |rates: BTreeMap<usize, Rate>| -> Listed {
        let sorted = rates.into_iter().map(|(at, mut rate)| {
            rate.tiers.sort_unstable_by_key(|(start, _)| *start);
            (UNITS[at].dimension, rate)
        });
        sorted.collect()
    };
    let standard = listed(rates.remove(&None).unwrap_or_default());
    let tiers = rates
        .into_iter()
        .filter_map(|(tier, rates)| Some((tier?.to_owned(), When::Always, listed(rates))));
    Ok(Entry {
        id: id.to_owned(),
        rates: vec![(When::Always, standard)],
        tiers: tiers.collect(),
    })
}

/// Takes `_above_200k_tokens` off a field.
fn above(field: &str) -> (&str, Option<u64>) {
    let parts = || {
        let (bare, above) = field.rsplit_once("_above_")?;
        let thousands: u64 = above.strip_suffix("k_tokens")?.parse().ok()?;
        Some((bare, Some(thousands.checked_mul(1000)?)))
    };
    parts().unwrap_or((field, None))
}
