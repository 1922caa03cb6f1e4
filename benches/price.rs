//! What a price costs in time: `cargo bench --bench price`.
//!
//! A quote is to take less than 5 µs once its provider is loaded, and loading one is to be lost in a response's own time.

use divan::{Bencher, black_box};
use tokensense::bench::{PriceBook, usage};

fn main() {
    divan::main();
}

const MODELS: &[(&str, &str)] = &[
    ("openai", "gpt-5-2025-08-07"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("google", "gemini-2.5-flash-preview-09-2025"),
    ("openrouter", "z-ai/glm-5-turbo-20260315"),
    ("openai", "gpt-9"),
];
