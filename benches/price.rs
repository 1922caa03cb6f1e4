//! What a price costs in time: `cargo bench --bench price`.
//!
//! A quote is to take less than 5 µs once its provider is loaded; loading one is to be lost in a response's own time.

use std::time::SystemTime;

use divan::{Bencher, black_box};
use tokensense::{Measure, PriceBook, Query, Usage};

const MODELS: &[(&str, &str)] = &[
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("azure", "gpt-5-mini-2025-08-07"),
    ("google", "models/gemini-2.5-flash-preview-09-2025"),
    ("openai", "gpt-5-2025-08-07"),
    ("openai", "gpt-9"),
    ("openrouter", "z-ai/glm-5-turbo-20260315"),
];

fn main() {
    divan::main();
}

#[divan::bench(args = MODELS)]
fn quote(bencher: Bencher<'_, '_>, (provider, model): (&str, &str)) {
    let book = PriceBook::default();
    book.prepare(Some(provider), Some(model));
    let mut usage = Usage::default();
    usage.report(Measure::Input, 1_200);
    usage.report(Measure::CacheRead, 900);
    usage.report(Measure::Output, 300);
    let query = Query {
        provider: Some(provider),
        model: Some(model),
        region: None,
        tier: Some("default"),
        at: SystemTime::now(),
        passes: &[],
    };
    bencher.bench(|| book.quote(black_box(&query), black_box(&usage)));
}

#[divan::bench(args = MODELS)]
fn load((provider, model): (&str, &str)) {
    PriceBook::default().prepare(black_box(Some(provider)), black_box(Some(model)));
}
