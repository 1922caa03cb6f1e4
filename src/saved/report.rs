//! Usage and cost reports of providers: what they say was used, by day and model. They are no responses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::json::{Object, items, member, members, string};

/// What a provider says of one model on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stated {
    /// All prompt tokens, cached ones included.
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    /// US dollars.
    pub(crate) cost: Option<Decimal>,
}

/// What a report says, by day (UTC) and model; a model that is not named is an empty text.
pub(crate) type Report = BTreeMap<(String, String), Stated>;

/// Whether what begins so is a report.
pub(super) fn is_report(beginning: &[u8]) -> bool {
    let text = beginning.trim_ascii_start();
    let buckets = member(text, "data").map(|data| items(data).next().unwrap_or_default());
    let begins = |bucket: &[u8]| {
        let bucket = bucket.trim_ascii_start();
        member(bucket, "results").is_some()
            && (member(bucket, "start_time").is_some() || member(bucket, "starting_at").is_some())
    };
    buckets.is_some_and(begins)
}

/// Reads a report: one page or several, one after another. `None` where it is none that is known.
pub(crate) fn read(text: &[u8]) -> Option<Report> {
    let mut report = Report::new();
    let mut pages =
        serde_json::Deserializer::from_slice(text).into_iter::<&serde_json::value::RawValue>();
    let mut any = false;
    while let Some(Ok(page)) = pages.next() {
        let page = page.get().as_bytes();
        let all: Vec<&[u8]> = match page.first() {
            Some(b'[') => items(page).collect(),
            _ => vec![page],
        };
        for page in all {
            for row in member(page, "data").into_iter().flat_map(items) {
                any |= bucket(row, &mut report) || activity(row, &mut report);
            }
        }
    }
    any.then_some(report)
}

/// One day of OpenAI's or Anthropic's report.
fn bucket(row: &[u8], report: &mut Report) -> bool {
    let day = member(row, "start_time")
        .and_then(number)
        .and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok())
        .map(|at| at.to_string())
        .or_else(|| text_of(member(row, "starting_at")?));
    let (Some(day), Some(results)) = (day, member(row, "results")) else {
        return false;
    };
    let day = day.get(..10).unwrap_or_default().to_owned();
    for result in items(results) {
        let text = |key: &str| text_of(member(result, key)?);
        let model = text("model").or_else(|| {
            let item = text("line_item").or_else(|| text("description"))?;
            Some(item.split(',').next().unwrap_or_default().trim().to_owned())
        });
        let own = report
            .entry((day.clone(), model.unwrap_or_default()))
            .or_default();
        let sum = |paths: &[&str]| {
            let found = paths
                .iter()
                .filter_map(|path| number(Object::new(result).at(path)?));
            found.reduce(u64::saturating_add)
        };
        // Anthropic's parts stand beside each other, OpenAI's cached tokens within.
        let input = sum(&["input_tokens"]).or_else(|| {
            sum(&[
                "uncached_input_tokens",
                "cache_read_input_tokens",
                "cache_creation/ephemeral_5m_input_tokens",
                "cache_creation/ephemeral_1h_input_tokens",
            ])
        });
        add(&mut own.input, input, u64::saturating_add);
        add(
            &mut own.output,
            sum(&["output_tokens"]),
            u64::saturating_add,
        );
        add(&mut own.cost, cost(result), Decimal::saturating_add);
    }
    true
}

/// One row of OpenRouter's activity by day.
fn activity(row: &[u8], report: &mut Report) -> bool {
    let text = |key: &str| text_of(member(row, key)?);
    let (Some(day), Some(model), Some(cost)) = (text("date"), text("model"), member(row, "usage"))
    else {
        return false;
    };
    let day = day.get(..10).unwrap_or_default().to_owned();
    let own = report.entry((day, model)).or_default();
    let count = |key: &str| number(member(row, key)?);
    add(&mut own.input, count("prompt_tokens"), u64::saturating_add);
    add(
        &mut own.output,
        count("completion_tokens"),
        u64::saturating_add,
    );
    add(&mut own.cost, decimal(cost), Decimal::saturating_add);
    true
}

/// OpenAI's amounts are dollars in an object, Anthropic's are cents in a text.
fn cost(result: &[u8]) -> Option<Decimal> {
    let amount = member(result, "amount")?;
    if amount.starts_with(b"{") {
        return decimal(members(amount).find(|(key, _)| *key == b"value")?.1);
    }
    Some(decimal(amount)? / Decimal::ONE_HUNDRED)
}

impl Stated {
    /// Adds what another one says.
    pub(crate) fn add(&mut self, more: &Self) {
        add(&mut self.input, more.input, u64::saturating_add);
        add(&mut self.output, more.output, u64::saturating_add);
        add(&mut self.cost, more.cost, Decimal::saturating_add);
    }
}

fn add<T: Copy>(own: &mut Option<T>, more: Option<T>, sum: fn(T, T) -> T) {
    *own = match (*own, more) {
        (Some(own), Some(more)) => Some(sum(own, more)),
        (own, more) => own.or(more),
    };
}

fn text_of(value: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(&string(value)?).into_owned())
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn decimal(value: &[u8]) -> Option<Decimal> {
    let text = string(value).unwrap_or(value.into());
    let text = std::str::from_utf8(&text).ok()?;
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        let openai = br#"{"object":"page","data":[{"object":"bucket","start_time":1795046400,"end_time":1795132800,"results":[
            {"object":"organization.usage.completions.result","input_tokens":1000,"input_cached_tokens":700,"output_tokens":50,"model":"gpt-4.1-mini"},
            {"object":"organization.usage.completions.result","input_tokens":5,"output_tokens":1,"model":"gpt-4.1-mini"}]}],"has_more":false}
            {"object":"page","data":[{"object":"bucket","start_time":1795046400,"results":[{"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-4.1-mini, input"}]}]}"#;
        assert!(is_report(openai));
        let report = read(openai).expect("a report");
        let key = ("2026-11-19".to_owned(), "gpt-4.1-mini".to_owned());
        let want = Stated {
            input: Some(1005),
            output: Some(51),
            cost: Some(Decimal::new(6, 2)),
        };
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(key, want)]);
        let anthropic = br#"{"data":[{"starting_at":"2026-11-18T00:00:00Z","ending_at":"2026-11-19T00:00:00Z","results":[
            {"uncached_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":1,"ephemeral_5m_input_tokens":2},"cache_read_input_tokens":100,"output_tokens":7,"model":"claude-opus-4-6"},
            {"amount":"123.5","currency":"USD","description":null,"model":"claude-opus-4-6"}]}]}"#;
        let report = read(anthropic).expect("a report");
        let want = Stated {
            input: Some(113),
            output: Some(7),
            cost: Some(Decimal::new(1235, 3)),
        };
        assert_eq!(report.into_values().collect::<Vec<_>>(), [want]);
        assert_eq!(read(b"{\"a\":1}"), None);
    }
}
