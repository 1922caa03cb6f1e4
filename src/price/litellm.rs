//! LiteLLM's format, `model_prices_and_context_window.json`: one object for each model, with rates by the piece.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::entry::{Days, Entry, Listed, Rate, UNITS, When};
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

/// By tier, the standard one without a name, and by unit.
type Gathered<'f> = BTreeMap<Option<&'f str>, BTreeMap<usize, Rate>>;

fn entry(id: &str, fields: &Map<String, Value>) -> Result<Entry, String> {
    let mut rates = Gathered::new();
    // A table of lengths comes first: what stands beside it is for the shortest.
    let lengths = fields.get("tiered_pricing").and_then(Value::as_array);
    for length in lengths.into_iter().flatten().filter_map(Value::as_object) {
        let start = length.get("range").and_then(|range| range.get(0)?.as_f64());
        if let Some(start) = start {
            gather(length, Some(start as u64), &mut rates)?;
        }
    }
    gather(fields, None, &mut rates)?;
    let standard = listed(rates.remove(&None).unwrap_or_default());
    let tiers = rates
        .into_iter()
        .filter_map(|(tier, rates)| Some((tier?.to_owned(), When::Always, listed(rates))));
    let tiers = tiers.collect();
    let mut dated = vec![(When::Always, standard)];
    if let Some(off_peak) = fields.get("off_peak_pricing").and_then(Value::as_object) {
        dated.extend(cheaper_hours(off_peak, &dated[0].1)?);
    }
    Ok(Entry {
        id: id.to_owned(),
        rates: dated,
        tiers,
        ..Entry::default()
    })
}

/// Adds the rates among some fields, which are for prompts of more than `start` tokens.
fn gather<'f>(
    fields: &'f Map<String, Value>,
    start: Option<u64>,
    rates: &mut Gathered<'f>,
) -> Result<(), String> {
    for (field, value) in fields {
        let tier = |(ending, tier): &(&str, &'static str)| {
            Some((field.strip_suffix(ending)?, Some(*tier)))
        };
        let (bare, tier) = TIERS.iter().find_map(tier).unwrap_or((field, None));
        let (bare, above) = above(bare);
        let start = start.filter(|start| *start > 0).or(above);
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
    Ok(())
}

fn listed(rates: BTreeMap<usize, Rate>) -> Listed {
    let sorted = rates.into_iter().map(|(at, mut rate)| {
        rate.tiers.sort_unstable_by_key(|(start, _)| *start);
        (UNITS[at].dimension, rate)
    });
    sorted.collect()
}

/// The hours and days at which some of the standard rates are others.
fn cheaper_hours(
    fields: &Map<String, Value>,
    standard: &Listed,
) -> Result<Vec<(When, Listed)>, String> {
    let mut rates = Gathered::new();
    gather(fields, None, &mut rates)?;
    let mut own = listed(rates.remove(&None).unwrap_or_default());
    let is_own = |dimension| own.iter().any(|(of, _)| *of == dimension);
    let rest: Listed = standard
        .iter()
        .filter(|(of, _)| !is_own(*of))
        .cloned()
        .collect();
    own.extend(rest);
    let mut all = Vec::new();
    for window in fields
        .get("windows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let days = match window["weekdays"].as_array() {
            Some(days) => Days::of(days.iter().filter_map(Value::as_u64)),
            None => Days::ALL,
        };
        let hours = &window["hours_utc"];
        let hours = hours
            .as_array()
            .map_or(std::slice::from_ref(hours), Vec::as_slice);
        for text in hours.iter().filter_map(Value::as_str) {
            let (from, to) = span(text)
                .ok_or_else(|| format!("off_peak_pricing: {text} is not a range of hours"))?;
            all.push((When::Daily(from, to, days), own.clone()));
        }
    }
    Ok(all)
}

/// `16:30-00:00`, in seconds since midnight; an end at midnight is the day's.
fn span(text: &str) -> Option<(i64, i64)> {
    let seconds = |time: &str| {
        let (hours, minutes) = time.split_once(':')?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        ((0..=24).contains(&hours) && (0..60).contains(&minutes))
            .then_some(hours * 3600 + minutes * 60)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (seconds(from)?, seconds(to)?);
    Some((from, if to == 0 { 86_400 } else { to }))
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
