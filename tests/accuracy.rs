//! How far estimates are from the truth: recorded streams with known output, cut just before they state it.
//!
//! `TOKENSENSE_CORPUS=FOLDER cargo test --test accuracy -- --ignored --nocapture` prints the table.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tokensense::{EndedBy, Measure, Meter, Reading};

use common::corpus;

/// One stream's estimate against what its provider counted.
struct Sample {
    family: String,
    truth: f64,
    estimate: f64,
    quarter: f64,
    plain: bool,
    /// The estimate says of itself that more may have been billed than was shown.
    bound: bool,
}

impl Sample {
    fn error(&self) -> f64 {
        (self.estimate - self.truth).abs() / self.truth
    }

    fn quarter_error(&self) -> f64 {
        (self.quarter - self.truth).abs() / self.truth
    }
}

fn read(bytes: &[u8]) -> Option<Reading> {
    let mut meter = Meter::new();
    meter.feed(bytes);
    meter.finish(EndedBy::Upstream);
    let reading = meter.next_reading();
    reading.filter(|_| meter.next_reading().is_none())
}

/// The longest front of a stream in which the output is not stated yet.
fn before_usage(bytes: &[u8]) -> Option<Reading> {
    let ends: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
    let cut = |end: &usize| read(&bytes[..=*end]);
    let estimated = |reading: &Reading| {
        reading
            .usage
            .get(Measure::Output)
            .is_some_and(|c| c.estimated)
    };
    ends.iter().rev().take(40).filter_map(cut).find(estimated)
}

fn family(model: &str) -> String {
    let name = model
        .rsplit('/')
        .next()
        .unwrap_or(model)
        .to_ascii_lowercase();
    let known = [
        "gpt-oss", "gpt-4o", "gpt-4.1", "gpt-5", "gpt-4", "gpt-3.5", "claude-3", "claude",
        "gemini", "mistral", "qwen", "llama", "deepseek", "glm", "kimi", "grok", "nova",
    ];
    let found = known.iter().find(|known| name.contains(*known));
    found.map_or_else(|| "other".to_owned(), |found| (*found).to_owned())
}

fn quantile(mut values: Vec<f64>, at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}

/// What a recording shows, cut off before its usage: the estimate beside what the provider counted.
fn sample(corpus: &Path, row: &Value) -> Option<Sample> {
    let expected = &row["expected"];
    let (Some(output), true) = (expected["output_tokens"].as_f64(), row["streamed"] == true) else {
        return None;
    };
    let bytes = fs::read(corpus.join(row["file"].as_str().expect("a name"))).expect("a recording");
    let reading = before_usage(&bytes)?;
    // Gemini and Perplexity state usage together with text: without the last event, text is missing too.
    let whole = read(&bytes).expect("a reading");
    if whole.text_bytes != reading.text_bytes {
        return None;
    }
    // What was billed and not shown cannot be counted: only the visible part is compared.
    let hidden = match reading.lower_bound && reading.reasoning_bytes == 0 {
        true => expected["reasoning_tokens"].as_f64().unwrap_or(0.0),
        false => 0.0,
    };
    let truth = output - hidden;
    if truth <= 0.0 || reading.text_bytes == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let calls = [
        "tool_calls\":[",
        "tool_use",
        "toolUse",
        "function_call\"",
        "tool-call",
    ];
    let fancy = reading.lower_bound
        || reading.reasoning_bytes > 0
        || calls.iter().any(|sign| text.contains(sign));
    Some(Sample {
        family: family(
            reading
                .model
                .as_deref()
                .or(row["request_model"].as_str())
                .unwrap_or("other"),
        ),
        truth,
        estimate: reading.usage.value(Measure::Output).unwrap_or(0) as f64,
        quarter: reading.text_bytes as f64 / 4.0,
        plain: truth >= 100.0 && !fancy,
        bound: reading.lower_bound,
    })
}

#[test]
#[ignore = "needs the corpus"]
fn table() {
    let corpus = corpus();
    let manifest = fs::read_to_string(corpus.join("manifest.jsonl")).expect("a manifest");
    let mut samples = Vec::new();
    for row in manifest.lines() {
        let row: Value = serde_json::from_str(row).expect("JSON");
        samples.extend(sample(&corpus, &row));
    }
    let mut families: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in &samples {
        families.entry(&sample.family).or_default().push(sample);
    }
    families.insert(
        "~ plain, 100 tokens or more",
        samples.iter().filter(|s| s.plain).collect(),
    );
    families.insert(
        "~ not a lower bound",
        samples.iter().filter(|s| !s.bound).collect(),
    );
    families.insert("~ all", samples.iter().collect());
    println!(
        "{:28} {:>4} {:>8} {:>8} {:>10}",
        "family", "n", "median", "p90", "bytes/4"
    );
    for (family, samples) in &families {
        if samples.is_empty() {
            continue;
        }
        let errors = |of: fn(&Sample) -> f64| samples.iter().map(|s| of(s)).collect::<Vec<_>>();
        println!(
            "{family:28} {:>4} {:>7.1}% {:>7.1}% {:>9.1}%",
            samples.len(),
            100.0 * quantile(errors(Sample::error), 0.5),
            100.0 * quantile(errors(Sample::error), 0.9),
            100.0 * quantile(errors(Sample::quarter_error), 0.5),
        );
    }
    let median = |name: &str| {
        let errors: Vec<_> = families[name].iter().map(|sample| sample.error()).collect();
        quantile(errors, 0.5)
    };
    assert!(samples.len() > 50, "only {} samples", samples.len());
    assert!(median("~ all") <= 0.06, "over all: {}", median("~ all"));
    assert!(median("~ not a lower bound") <= 0.05);
    assert!(median("~ plain, 100 tokens or more") <= 0.06);
}
