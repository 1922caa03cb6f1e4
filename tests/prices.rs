//! What a response costs, by which entry: names, rates, price files, and the table that they come from.
//!
//! `TOKENSENSE_BLESS=1 cargo test --test prices snapshot` takes the built-in table anew from the genai-prices crate that
//! `Cargo.lock` names.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use genai_prices::{Calculator, PriceRequest, Usage};
use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};
use tokensense::{Measure, PriceBook, Query};

use common::json as texts;
use common::{corpus, scratch, terminal, tokensense};

/// What is kept of a provider and of a model: the rest is for people, or for reading usage, which `meter` does.
const PROVIDER: &[&str] = &["pricing_urls", "fallback_model_providers"];
const MODEL: &[&str] = &["id", "match", "prices", "price_variants"];

#[test]
fn snapshot() {
    // Without a platform it asks for the packages of all, which a build for this one never fetched.
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let rustc = String::from_utf8(rustc.stdout).expect("text");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", host.expect("a host")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages
        .iter()
        .find(|package| package["name"] == "genai-prices");
    let package = package.expect("the genai-prices crate");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let data = manifest.with_file_name("data").join("prices.json");
    let data = texts::compact(&fs::read_to_string(data).expect("its data"));
    let keep = |object: &str, keys: &[&str]| -> Vec<(String, String)> {
        let members = texts::members(object);
        let find = |key: &&str| members.iter().find(|(name, _)| name == *key).cloned();
        keys.iter().filter_map(find).collect()
    };
    let mut lines = String::new();
    for provider in texts::items(&data) {
        let mut line = vec![("provider".to_owned(), texts::member(&provider, "id"))];
        line.extend(keep(&provider, PROVIDER));
        let models = texts::items(&texts::member(&provider, "models"));
        let models = models.iter().map(|model| keep(model, MODEL));
        for line in std::iter::once(line).chain(models) {
            lines += &format!("{}\n", texts::object(&line));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/price/data/prices.jsonl");
    if std::env::var_os("TOKENSENSE_BLESS").is_some() {
        fs::write(&path, &lines).expect("a writable snapshot");
    }
    let ours = fs::read_to_string(&path).expect("a snapshot");
    assert!(
        ours == lines,
        "the snapshot is not the crate's data: bless it"
    );
    let version = package["version"].as_str().expect("a version");
    let said = text(tokensense().arg("--version"));
    assert!(said.contains(&format!("genai-prices {version}")), "{said}");
}

const UNKNOWN: &str = "unknown model";
const NO_PROVIDER: &str = "unknown: pass --provider NAME";
const NO_PRICES: &str = "no prices of provider";
const LOCAL: &str = "local server";

/// Provider, name, and the entry that answers; or what is said where there is none.
#[rustfmt::skip]
const NAMES: &[(&str, &str, Result<&str, &str>)] = &[
    ("openai", "gpt-5", Ok("openai/gpt-5")),
    ("openai", "gpt-5-2025-08-07", Ok("openai/gpt-5")),
    ("openai", "GPT-5", Ok("openai/gpt-5")),
    ("openai", "gpt-5-mini-2025-08-07", Ok("openai/gpt-5-mini")),
    ("openai", "gpt-5-nano-2025-08-07", Ok("openai/gpt-5-nano")),
    ("openai", "gpt-4o-2024-05-13", Ok("openai/gpt-4o-2024-05-13")),
    ("openai", "gpt-4o-2024-11-20", Ok("openai/gpt-4o")),
    ("openai", "gpt-4o-mini-2024-07-18", Ok("openai/gpt-4o-mini")),
    ("openai", "chatgpt-4o-latest", Ok("openai/chatgpt-4o-latest")),
    ("openai", "gpt-3.5-turbo-0125", Ok("openai/gpt-3.5-turbo")),
    ("openai", "gpt-3.5-turbo-1106", Ok("openai/gpt-3.5-turbo-1106")),
    ("openai", "gpt-3.5-turbo-instruct:20230824-v2", Ok("openai/gpt-3.5-turbo-instruct")),
    ("openai", "davinci:2023-07-21-v2", Ok("openai/davinci")),
    ("openai", "gpt-4-0613", Ok("openai/gpt-4")),
    ("openai", "gpt-4-turbo-2024-04-09", Ok("openai/gpt-4-turbo")),
    ("openai", "gpt-4.1-2025-04-14", Ok("openai/gpt-4.1")),
    ("openai", "o1-2024-12-17", Ok("openai/o1")),
    ("openai", "o3-mini-2025-01-31", Ok("openai/o3-mini")),
    ("openai", "o4-mini-2025-04-16", Ok("openai/o4-mini")),
    ("openai", "gpt-6-sol-2026-09-15", Ok("openai/gpt-6-sol")),
    ("openai", "gpt-5.2-codex", Ok("openai/gpt-5.2")),
    ("openai", "gpt-5.2-chat-latest", Ok("openai/gpt-5.2")),
    ("openai", "ft:gpt-4o-2024-08-06:acme::abc123", Ok("openai/ft:gpt-4o")),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme:bot:xyz", Ok("openai/ft:gpt-4o-mini")),
    ("openai", "ft:gpt-3.5-turbo-0125:acme::1", Ok("openai/ft:gpt-3.5-turbo-")),
    ("openai", "ft:gpt-4.1-2025-04-14:acme::2", Err(UNKNOWN)),
    ("openai", "text-embedding-3-large", Ok("openai/text-embedding-3-large")),
    ("openai", "whisper-1", Ok("openai/whisper-1")),
    ("openai", "gpt-9", Err(UNKNOWN)),
    ("openai", "gpt-5.9", Err(UNKNOWN)),
    ("openai", "gpt-5-ultra", Err(UNKNOWN)),
    ("openai", "gpt-5-2025-08-07-turbo", Err(UNKNOWN)),
    ("openai", "gpt-6", Err(UNKNOWN)),
    ("openai", "o9-mini", Err(UNKNOWN)),
    ("", "openai/gpt-5", Ok("openai/gpt-5")),
    ("", "openai/gpt-4o-2024-08-06", Ok("openai/gpt-4o")),
    ("", "gpt-4o", Ok("openai/gpt-4o")),
    ("", "gpt-oss-120b", Err(NO_PROVIDER)),
    ("", "mistral-embed", Ok("mistral/mistral-embed")),
    ("", "magistral-medium-2509", Ok("mistral/magistral-medium")),
    ("", "codex-mini-latest", Ok("openai/codex-mini")),
    ("", "computer-use-preview", Ok("openai/computer-use")),
    ("", "mistral-small-latest", Ok("mistral/mistral-small-latest")),
    ("", "mistral-small-3.2-24b-instruct", Err(NO_PROVIDER)),
    ("", "ministral-3b-2512", Err(NO_PROVIDER)),
    ("", "mistral-large-2411", Err(NO_PROVIDER)),
    ("mistral", "ministral-3b-latest", Err(UNKNOWN)),
    ("mistral", "ministral-8b-latest", Ok("mistral/ministral-8b-latest")),
    ("", "anthropic.claude-3-sonnet-20240229-v1:0:28k", Ok("aws/regional.anthropic.claude-3-sonnet-20240229-v1:0")),
    ("", "openai/gpt-oss-20b", Err(NO_PROVIDER)),
    ("", "azure/gpt-4o", Ok("openai/gpt-4o")),
    ("azure", "gpt-4o", Ok("openai/gpt-4o")),
    ("azure", "gpt-35-turbo", Ok("openai/gpt-3.5-turbo")),
    ("azure", "gpt-5-mini-2025-08-07", Ok("openai/gpt-5-mini")),
    ("azure", "o4-mini", Ok("azure/o4-mini")),
    ("azure", "my-deployment", Err(UNKNOWN)),
    ("azure", "deepseek-v4-pro", Ok("deepseek/deepseek-v4-pro")),
    ("azure", "grok-4-1-fast-non-reasoning", Ok("x-ai/grok-4-1-fast-non-reasoning")),
    ("azure", "claude-opus-4-6", Ok("anthropic/claude-opus-4-6")),
    ("anthropic", "claude-opus-4-6", Ok("anthropic/claude-opus-4-6")),
    ("anthropic", "claude-sonnet-4-5-20250929", Ok("anthropic/claude-sonnet-4-5")),
    ("anthropic", "claude-sonnet-4-5@20250929", Ok("anthropic/claude-sonnet-4-5")),
    ("anthropic", "claude-sonnet-4-5-latest", Ok("anthropic/claude-sonnet-4-5")),
    ("anthropic", "claude-3-5-sonnet-latest", Ok("anthropic/claude-3-5-sonnet")),
    ("anthropic", "claude-3-5-sonnet-20241022", Ok("anthropic/claude-3-5-sonnet")),
    ("anthropic", "claude-3-7-sonnet-20250219", Ok("anthropic/claude-3-7-sonnet-latest")),
    ("anthropic", "claude-3-opus-20240229", Ok("anthropic/claude-3-opus-latest")),
    ("anthropic", "claude-3-haiku-20240307", Ok("anthropic/claude-3-haiku")),
    ("anthropic", "claude-opus-4-20250514", Ok("anthropic/claude-opus-4-0")),
    ("anthropic", "claude-opus-4-1-20250805", Ok("anthropic/claude-opus-4-1")),
    ("anthropic", "claude-haiku-4-5-20251001", Ok("anthropic/claude-haiku-4-5")),
    ("anthropic", "claude-opus-5-5-20261001", Ok("anthropic/claude-opus-5-5")),
    ("anthropic", "claude-opus-5-20260723", Ok("anthropic/claude-opus-5")),
    ("anthropic", "claude-opus-4-6[1m]", Ok("anthropic/claude-opus-4-6")),
    ("anthropic", "claude-2.1", Ok("anthropic/claude-2")),
    ("anthropic", "claude-opus-9", Err(UNKNOWN)),
    ("anthropic", "claude-opus-4-9", Err(UNKNOWN)),
    ("anthropic", "claude-opus-4-60", Err(UNKNOWN)),
    ("anthropic", "claude-sonnet-6", Err(UNKNOWN)),
    ("anthropic", "claude-opus-5-6", Err(UNKNOWN)),
    ("anthropic", "claude", Err(UNKNOWN)),
    ("", "claude-opus-4-6", Ok("anthropic/claude-opus-4-6")),
    ("", "anthropic/claude-sonnet-4.5", Ok("anthropic/claude-sonnet-4-5")),
    ("", "anthropic/claude-opus-9", Err(UNKNOWN)),
    ("aws", "anthropic.claude-3-haiku-20240307-v1:0", Ok("aws/regional.anthropic.claude-3-haiku-20240307-v1:0")),
    ("aws", "anthropic.claude-3-haiku-20240307-v1:0:200k", Ok("aws/regional.anthropic.claude-3-haiku-20240307-v1:0")),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", Ok("aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0")),
    ("aws", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", Ok("aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0")),
    ("aws", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", Ok("aws/global.anthropic.claude-sonnet-4-5-20250929-v1:0")),
    ("aws", "apac.anthropic.claude-sonnet-4-20250514-v1:0", Ok("aws/regional.anthropic.claude-sonnet-4-20250514-v1:0")),
    ("aws", "us.anthropic.claude-opus-4-6-v1", Ok("aws/regional.anthropic.claude-opus-4-6-v1:0")),
    ("aws", "us.anthropic.claude-opus-5-5", Ok("aws/regional.anthropic.claude-opus-5-5")),
    ("aws", "us.amazon.nova-lite-v1:0", Ok("aws/amazon.nova-lite-v1:0")),
    ("aws", "amazon.nova-micro-v1:0", Ok("aws/amazon.nova-micro-v1:0")),
    ("aws", "global.amazon.nova-2-lite-v1:0", Ok("aws/global.amazon.nova-2-lite-v1:0")),
    ("aws", "eu.amazon.nova-2-lite-v1:0", Ok("aws/regional.amazon.nova-2-lite-v1:0")),
    ("aws", "us.meta.llama3-3-70b-instruct-v1:0", Ok("aws/meta.llama3-3-70b-instruct-v1:0")),
    ("aws", "mistral.mistral-large-2402-v1:0", Ok("aws/mistral.mistral-large-2402-v1:0")),
    ("aws", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1", Ok("aws/regional.anthropic.claude-opus-4-6-v1:0")),
    ("aws", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", Ok("aws/amazon.nova-pro-v1:0")),
    ("aws", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3", Err(UNKNOWN)),
    ("aws", "openai.gpt-oss-20b-1:0", Ok("aws/openai.gpt-oss-20b-1:0")),
    ("aws", "us.anthropic.claude-opus-9-v1:0", Err(UNKNOWN)),
    ("aws", "global.anthropic.claude-opus-9-v1:0", Err(UNKNOWN)),
    ("", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", Ok("aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0")),
    ("", "bedrock/us.anthropic.claude-opus-4-6-v1", Ok("aws/regional.anthropic.claude-opus-4-6-v1:0")),
    ("", "bedrock/eu-west-1/anthropic.claude-3-haiku-20240307-v1:0", Ok("aws/regional.anthropic.claude-3-haiku-20240307-v1:0")),
    ("", "bedrock/converse/us.amazon.nova-pro-v1:0", Ok("aws/amazon.nova-pro-v1:0")),
    ("", "openai.gpt-oss-20b", Ok("aws/openai.gpt-oss-20b-1:0")),
    ("", "mistral.voxtral-mini-3b-2507", Ok("aws/mistral.voxtral-mini-3b-2507")),
    ("", "deepseek-chat", Ok("deepseek/deepseek-chat")),
    ("", "deepseek-v4-pro", Err(NO_PROVIDER)),
    ("bedrock", "amazon.nova-pro-v1:0", Ok("aws/amazon.nova-pro-v1:0")),
    ("google", "gemini-2.5-flash", Ok("google/gemini-2.5-flash")),
    ("google", "models/gemini-2.0-flash", Ok("google/gemini-2.0-flash")),
    ("google", "gemini-2.0-flash-001", Ok("google/gemini-2.0-flash")),
    ("google", "gemini-2.0-flash-lite-001", Ok("google/gemini-2.0-flash-lite")),
    ("google", "gemini-2.5-flash-preview-09-2025", Ok("google/gemini-2.5-flash")),
    ("google", "gemini-2.5-pro-preview-05-06", Ok("google/gemini-2.5-pro")),
    ("google", "gemini-2.5-flash-lite-preview-06-17", Ok("google/gemini-2.5-flash-lite")),
    ("google", "gemini-2.5-pro-exp-03-25", Err(UNKNOWN)),
    ("google", "gemini-3.1-pro-preview", Ok("google/gemini-3.1-pro-preview")),
    ("google", "gemini-flash-latest", Ok("google/gemini-3.8-flash")),
    ("google", "publishers/google/models/gemini-2.5-pro", Ok("google/gemini-2.5-pro")),
    ("google", "projects/p/locations/us-central1/publishers/anthropic/models/claude-opus-4-6@20260205", Ok("google/claude-opus-4-6")),
    ("google", "claude-3-7-sonnet@20250219", Ok("google/claude-3-7-sonnet")),
    ("google", "claude-3-5-sonnet-v2@20241022", Ok("google/claude-3-5-sonnet")),
    ("google", "claude-3-7-sonnet-20250219", Ok("google/claude-3-7-sonnet")),
    ("google", "claude-opus-4@20250514", Ok("google/claude-4-opus")),
    ("google", "gemini-9-pro", Err(UNKNOWN)),
    ("google", "gemini-2.5-ultra", Err(UNKNOWN)),
    ("google", "gemini-2.5-pro-max", Err(UNKNOWN)),
    ("google", "tunedModels/mine-123", Err(UNKNOWN)),
    ("vertex_ai", "gemini-2.5-pro", Ok("google/gemini-2.5-pro")),
    ("", "vertex_ai/gemini-2.5-pro", Ok("google/gemini-2.5-pro")),
    ("", "vertex_ai/claude-3-7-sonnet@20250219", Ok("google/claude-3-7-sonnet")),
    ("", "gemini/gemini-2.5-flash", Ok("google/gemini-2.5-flash")),
    ("", "models/gemini-2.5-flash", Ok("google/gemini-2.5-flash")),
    ("", "google/gemma-3-27b-it", Err(NO_PROVIDER)),
    ("groq", "moonshotai/kimi-k2-instruct-0905", Ok("groq/moonshotai/kimi-k2-instruct")),
    ("groq", "openai/gpt-oss-120b", Ok("groq/openai/gpt-oss-120b")),
    ("groq", "llama-3.3-70b-versatile", Ok("groq/llama-3.3-70b-versatile")),
    ("", "groq/llama-3.1-8b-instant", Ok("groq/llama-3.1-8b-instant")),
    ("", "groq/openai/gpt-oss-20b", Ok("groq/openai/gpt-oss-20b")),
    ("groq", "groq/compound", Err(UNKNOWN)),
    ("groq", "llama-9-70b", Err(UNKNOWN)),
    ("openrouter", "anthropic/claude-haiku-4.5", Ok("openrouter/anthropic/claude-haiku-4.5")),
    ("openrouter", "anthropic/claude-4.5-haiku-20251001", Ok("openrouter/anthropic/claude-haiku-4.5")),
    ("openrouter", "openai/gpt-4.1-mini-2025-04-14", Ok("openrouter/openai/gpt-4.1-mini")),
    ("openrouter", "z-ai/glm-5-turbo-20260315", Ok("openrouter/z-ai/glm-5-turbo")),
    ("openrouter", "meta-llama/llama-3.2-3b-instruct:free", Ok("openrouter/meta-llama/llama-3.2-3b-instruct:free")),
    ("openrouter", "openai/gpt-5:free", Err(UNKNOWN)),
    ("openrouter", "gpt-5.2-2025-12-11", Ok("openrouter/openai/gpt-5.2")),
    ("", "openrouter/anthropic/claude-sonnet-4.5", Ok("openrouter/anthropic/claude-sonnet-4.5")),
    ("", "openrouter/qwen/qwen3-coder:free", Ok("openrouter/qwen/qwen3-coder:free")),
    ("openrouter", "anthropic/claude-opus-9", Err(UNKNOWN)),
    ("x-ai", "grok-4-0709", Ok("x-ai/grok-4-0709")),
    ("xai", "grok-4", Ok("x-ai/grok-4-0709")),
    ("x-ai", "grok-4.3-latest", Ok("x-ai/grok-4.3")),
    ("x-ai", "grok-3-mini-latest", Ok("x-ai/grok-3-mini")),
    ("x-ai", "grok-9", Err(UNKNOWN)),
    ("", "xai/grok-3", Ok("x-ai/grok-3")),
    ("mistral", "mistral-large-latest", Ok("mistral/mistral-large")),
    ("mistral", "mistral-small-latest", Ok("mistral/mistral-small-latest")),
    ("mistral", "codestral-latest", Ok("mistral/codestral")),
    ("mistral", "mistral-large-2407", Ok("mistral/mistral-large")),
    ("mistral", "mistral-tiny", Ok("mistral/mistral-tiny")),
    ("mistral", "magistral-medium-2509", Ok("mistral/magistral-medium")),
    ("", "mistral/mistral-medium-latest", Ok("mistral/mistral-medium-latest")),
    ("deepseek", "deepseek-chat", Ok("deepseek/deepseek-chat")),
    ("deepseek", "deepseek-reasoner", Ok("deepseek/deepseek-reasoner")),
    ("deepseek", "deepseek-v9", Err(UNKNOWN)),
    ("", "deepseek/deepseek-chat", Ok("deepseek/deepseek-chat")),
    ("fireworks", "accounts/fireworks/models/deepseek-v3p2", Ok("fireworks/deepseek-v3p2")),
    ("", "accounts/fireworks/models/kimi-k2p5", Ok("fireworks/kimi-k2p5")),
    ("", "fireworks_ai/accounts/fireworks/models/gpt-oss-120b", Ok("fireworks/gpt-oss-120b")),
    ("fireworks", "accounts/acme/models/deepseek-v3p2", Err(UNKNOWN)),
    ("cohere", "command-r-08-2024", Ok("cohere/command-r")),
    ("cohere", "command-r-plus-08-2024", Ok("cohere/command-r-plus")),
    ("cohere", "command-a-03-2025", Ok("cohere/command-a")),
    ("cohere", "command-z", Err(UNKNOWN)),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", Ok("together/meta-llama/Llama-3.3-70B-Instruct-Turbo")),
    ("", "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", Ok("together/meta-llama/Llama-3.3-70B-Instruct-Turbo")),
    ("together", "openai/gpt-9", Err(UNKNOWN)),
    ("perplexity", "sonar", Ok("perplexity/sonar")),
    ("", "perplexity/sonar-pro", Ok("perplexity/sonar-pro")),
    ("cerebras", "zai-glm-4.7", Ok("cerebras/zai-glm-4.7")),
    ("", "cerebras/gpt-oss-120b", Ok("cerebras/gpt-oss-120b")),
    ("moonshotai", "kimi-k2-0905-preview", Ok("moonshotai/kimi-k2-0905-preview")),
    ("", "moonshot/kimi-k2-thinking", Ok("moonshotai/kimi-k2-thinking")),
    ("", "moonshotai/kimi-k2-instruct", Err(NO_PROVIDER)),
    ("zai", "glm-4.6", Ok("zai/GLM-4.6")),
    ("zai", "glm-9", Err(UNKNOWN)),
    ("voyageai", "voyage-3-lite", Ok("voyageai/voyage-3-lite")),
    ("", "voyage/voyage-3.5", Ok("voyageai/voyage-3.5")),
    ("cloudflare", "@cf/meta/llama-3.1-8b-instruct", Ok("cloudflare/@cf/meta/llama-3.1-8b-instruct")),
    ("", "@cf/meta/llama-3.1-8b-instruct", Ok("cloudflare/@cf/meta/llama-3.1-8b-instruct")),
    ("huggingface", "moonshotai/Kimi-K2-Instruct:novita", Ok("huggingface_novita/moonshotai/Kimi-K2-Instruct")),
    ("huggingface", "meta-llama/Llama-3.3-70B-Instruct", Err(NO_PRICES)),
    ("vercel", "openai/gpt-5", Ok("openai/gpt-5")),
    ("vercel", "anthropic/claude-opus-4.6", Ok("anthropic/claude-opus-4-6")),
    ("litellm", "anthropic/claude-sonnet-4-5", Ok("anthropic/claude-sonnet-4-5")),
    ("ollama", "llama3", Err(LOCAL)),
    ("llama.cpp", "openai/gpt-oss-20b", Err(LOCAL)),
    ("vllm", "gpt-4o", Err(LOCAL)),
    ("watsonx", "ibm/granite", Err(NO_PRICES)),
    ("", "qwen3", Err(NO_PROVIDER)),
    ("", "mistralai/ministral-3-14b-reasoning", Err(NO_PROVIDER)),
    ("acme", "gpt-4o", Err(NO_PRICES)),
];

#[test]
fn names() {
    let mut wrong = Vec::new();
    for (provider, name, expected) in NAMES {
        let mut command = tokensense();
        command.args(["prices", "--format", "json", "--model", name]);
        if !provider.is_empty() {
            command.args(["--provider", provider]);
        }
        let output = command.output().expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let entry = serde_json::from_slice(&output.stdout);
        let entry = entry
            .ok()
            .and_then(|line: Value| Some(line["model"].as_str()?.to_owned()));
        let fits = match expected {
            Ok(wanted) => output.status.code() == Some(0) && entry.as_deref() == Some(wanted),
            Err(why) => output.status.code() == Some(1) && entry.is_none() && said.contains(why),
        };
        if !fits {
            wrong.push(format!(
                "{provider} {name}: {entry:?} {said}, not {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(NAMES.len() >= 120);
}

/// What [`sweep`] uses: enough of everything that a wrong entry shows, and no prompt that is long.
const SWEPT: [(Measure, &str, u32); 4] = [
    (Measure::Input, "input_tokens", 9_000),
    (Measure::CacheRead, "cache_read_tokens", 3_000),
    (Measure::CacheWrite, "cache_write_tokens", 1_000),
    (Measure::Output, "output_tokens", 700),
];

/// Every name in LiteLLM's price list that genai-prices has a price for has the same price here, or is among the
/// explained differences. A name whose provider nobody states has that price or none.
#[test]
fn sweep() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles");
    let read = |name| fs::read_to_string(folder.join(name)).expect("a list");
    let (names, differences) = (read("names.txt"), read("differences.txt"));
    let explained: Vec<(&str, &str)> = differences
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(' ').expect("a provider and a name"))
        .collect();
    let mut usage = tokensense::Usage::default();
    for (measure, _, count) in SWEPT {
        usage.report(measure, u64::from(count));
    }
    let theirs = Usage::from(SWEPT.map(|(_, key, count)| (key, f64::from(count))));
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let book = PriceBook::default();
    let ours = |provider: Option<&str>, model: &str| {
        let query = Query {
            provider,
            model: Some(model),
            tier: None,
            region: None,
            at,
            passes: &[],
        };
        let quote = book.quote(&query, &usage);
        let total = quote.parts.map(|parts| parts.total());
        (total.and_then(|total| total.to_f64()), quote.entry)
    };
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let (mut wrong, mut used, mut compared) = (Vec::new(), Vec::new(), 0);
    let (mut provider, mut id) = ("", "");
    for line in names.lines().filter(|line| !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix("= ") {
            (provider, id) = section.split_once(' ').expect("two names of a provider");
            continue;
        }
        // What they name the provider by is no part of the name elsewhere.
        let bare = line
            .split_once('/')
            .filter(|(prefix, _)| provider.starts_with(prefix))
            .map_or(line, |(_, name)| name);
        let request = PriceRequest::new(bare, &theirs)
            .with_provider_id(id)
            .with_timestamp(at);
        let (price, entry) = ours(Some(provider), line);
        let (alone, alone_entry) = ours(None, line);
        if let Some(alone) = alone
            && !price.is_some_and(|price| same(price, alone))
        {
            wrong.push(format!(
                "{provider} {line}: {entry:?} {price:?}, without its provider {alone_entry:?} {alone}"
            ));
        }
        let Ok(want) = Calculator::bundled().calculate(&request) else {
            continue;
        };
        compared += 1;
        if price.is_some_and(|price| same(price, want.total_price)) {
            continue;
        }
        if explained.contains(&(provider, line)) {
            used.push((provider, line));
            continue;
        }
        wrong.push(format!(
            "{provider} {line}: {entry:?} {price:?}, theirs {} {}",
            want.model_id, want.total_price
        ));
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let idle: Vec<_> = explained
        .iter()
        .filter(|name| !used.contains(name))
        .collect();
    assert!(idle.is_empty(), "these are no differences: {idle:?}");
    assert!(compared > 1000, "only {compared} were compared");
}

/// What the record says of a cost: input, cache read, cache write, output, other; the entry; a piece of the note.
struct Bill {
    parts: &'static str,
    entry: &'static str,
    note: &'static str,
}

/// 2026-11-18T11:06:40Z.
const NOW: u64 = 1_795_000_000;

/// An answer of Chat Completions with its usage: prompt, of that cached; completion, of that reasoning.
fn chat(model: &str, created: u64, tier: &str, usage: Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": created, "model": model, "service_tier": tier,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": usage})
}

fn tokens(prompt: u64, cached: u64, completion: u64) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached}})
}

fn messages(model: &str, usage: Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hi"}], "usage": usage})
}

fn gemini(model: &str, usage: Value) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}],
        "modelVersion": model, "usageMetadata": usage})
}

fn converse(usage: Value, tier: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn",
        "metrics": {"latencyMs": 9}, "usage": usage, "serviceTier": {"type": tier}})
}

const fn bill(parts: &'static str, entry: &'static str, note: &'static str) -> Bill {
    Bill { parts, entry, note }
}

/// Options, the answer, and what it cost by the provider's page. Rates are in US dollars for a million tokens.
fn shapes() -> Vec<Priced> {
    let mut shapes = shapes_of_openai();
    shapes.extend(shapes_of_anthropic());
    shapes.extend(shapes_of_google());
    shapes.extend(shapes_of_others());
    shapes
}

type Priced = (&'static str, Value, Bill);

#[rustfmt::skip]
fn shapes_of_openai() -> Vec<Priced> {
    let plain = tokens(1000, 0, 100);
    vec![
        // gpt-5: 1000 × 1.25, 100 × 10.
        ("--provider openai", chat("gpt-5-2025-08-07", NOW, "default", plain.clone()),
            bill("0.00125 0 0 0.001 0", "openai/gpt-5", "")),
        // 400 × 1.25, 600 × 0.125, 100 × 10.
        ("--provider openai", chat("gpt-5", NOW, "default", tokens(1000, 600, 100)),
            bill("0.0005 0.000075 0 0.001 0", "openai/gpt-5", "")),
        // Reasoning is output: 100 × 10, 80 of them reasoning or not.
        ("--provider openai", chat("gpt-5", NOW, "default", json!({"prompt_tokens": 1000, "completion_tokens": 100,
            "total_tokens": 1100, "completion_tokens_details": {"reasoning_tokens": 80}})),
            bill("0.00125 0 0 0.001 0", "openai/gpt-5", "")),
        // Flex: 1000 × 0.625, 100 × 5.
        ("--provider openai", chat("gpt-5", NOW, "flex", plain.clone()),
            bill("0.000625 0 0 0.0005 0", "openai/gpt-5 (flex)", "")),
        // In May the table knew no flex rates: half of 1000 × 1.25, of 100 × 10.
        ("--provider openai", chat("gpt-5", 1_780_000_000, "flex", plain.clone()),
            bill("0.000625 0 0 0.0005 0", "openai/gpt-5 (flex ×0.5)", "")),
        // Priority, and fast, which is its new name: 1000 × 2.5, 100 × 20.
        ("--provider openai", chat("gpt-5", NOW, "priority", plain.clone()),
            bill("0.0025 0 0 0.002 0", "openai/gpt-5 (priority)", "")),
        ("--provider openai", chat("gpt-5", NOW, "fast", plain.clone()),
            bill("0.0025 0 0 0.002 0", "openai/gpt-5 (priority)", "")),
        // A tier that nobody has a price for: the standard rates, and said so.
        ("--provider openai", chat("gpt-5", NOW, "ultrafast", plain.clone()),
            bill("0.00125 0 0 0.001 0", "openai/gpt-5", "no rates for tier ultrafast")),
        // Azure has a price of its own for priority, which is not OpenAI's.
        ("--provider azure", chat("gpt-5", NOW, "priority", plain.clone()),
            bill("0.00125 0 0 0.001 0", "openai/gpt-5", "no rates for tier priority")),
        // gpt-5.5 up to 272,000: 272,000 × 5, 10 × 30. Beyond: 272,001 × 10, 10 × 45.
        ("--provider openai", chat("gpt-5.5", NOW, "default", tokens(272_000, 0, 10)),
            bill("1.36 0 0 0.0003 0", "openai/gpt-5.5", "")),
        ("--provider openai", chat("gpt-5.5", NOW, "default", tokens(272_001, 0, 10)),
            bill("2.72001 0 0 0.00045 0", "openai/gpt-5.5 (prompt above 272000)", "")),
        // Cached tokens count towards the length: 72,001 × 10, 200,000 × 1, 10 × 45.
        ("--provider openai", chat("gpt-5.5", NOW, "default", tokens(272_001, 200_000, 10)),
            bill("0.72001 0.2 0 0.00045 0", "openai/gpt-5.5 (prompt above 272000)", "")),
        // Both at once: 272,001 × 5, 10 × 22.5.
        ("--provider openai", chat("gpt-5.5", NOW, "flex", tokens(272_001, 0, 10)),
            bill("1.360005 0 0 0.000225 0", "openai/gpt-5.5 (flex, prompt above 272000)", "")),
        // gpt-6-sol with cache writes: 500 × 2, 200 × 0.2, 300 × 2.5, 50 × 10.
        ("--provider openai", chat("gpt-6-sol", NOW, "default", json!({"prompt_tokens": 1000, "completion_tokens":
            50, "total_tokens": 1050, "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 300}})),
            bill("0.001 0.00004 0.00075 0.0005 0", "openai/gpt-6-sol", "")),
        // gpt-audio: 600 × 2.5 + 400 × 32, 100 × 10 + 200 × 64.
        ("--provider openai", chat("gpt-audio", NOW, "default", json!({"prompt_tokens": 1000, "completion_tokens":
            300, "total_tokens": 1300, "prompt_tokens_details": {"audio_tokens": 400}, "completion_tokens_details":
            {"audio_tokens": 200}})),
            bill("0.0143 0 0 0.0138 0", "openai/gpt-audio", "")),
        // gpt-4o-mini: 90 × 0.15, 30 × 0.6.
        ("", chat("gpt-4o-mini-2024-07-18", NOW, "default", tokens(90, 0, 30)),
            bill("0.0000135 0 0 0.000018 0", "openai/gpt-4o-mini", "provider from the name, gpt-")),
        // gpt-5.2 in Responses: 1000 × 1.75, 100 × 14, 2 searches × 10 / 1000.
        ("--provider openai", json!({"id": "resp_1", "object": "response", "created_at": NOW, "status": "completed",
            "model": "gpt-5.2", "output": [], "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens":
            1100}, "tool_usage": {"web_search": {"num_requests": 2}}}),
            bill("0.00175 0 0 0.0014 0.02", "openai/gpt-5.2", "")),
        // Embeddings: 1000 × 0.02.
        ("--provider openai", json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding":
            [0.5]}], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 1000, "total_tokens": 1000}}),
            bill("0.00002 0 0 0 0", "openai/text-embedding-3-small", "")),
        // An image from an image: 10 × 5 + 40 × 10, 50 × 40.
        ("--provider openai --model gpt-image-1", json!({"created": NOW, "data": [{"b64_json": "AA=="}], "usage":
            {"total_tokens": 100, "input_tokens": 50, "output_tokens": 50, "input_tokens_details": {"text_tokens":
            10, "image_tokens": 40}}}),
            bill("0.00045 0 0 0.002 0", "openai/gpt-image-1 (output_image_mtok of litellm 1.110.2)", "")),
        // An hour of sound at 0.36, of which 90 seconds.
        ("--provider openai --model whisper-1", json!({"text": "Hi", "usage": {"type": "duration", "seconds": 90}}),
            bill("0.009 0 0 0 0", "openai/whisper-1", "")),
        // A tuned gpt-4o-mini: 1000 × 0.3, 100 × 1.2.
        ("--provider openai", chat("ft:gpt-4o-mini-2024-07-18:acme::1", NOW, "default", plain.clone()),
            bill("0.0003 0 0 0.00012 0", "openai/ft:gpt-4o-mini", "")),
    ]
}

#[rustfmt::skip]
fn shapes_of_anthropic() -> Vec<Priced> {
    vec![
        // claude-sonnet-4-5: 100 × 3, 50 × 15.
        ("", messages("claude-sonnet-4-5-20250929", json!({"input_tokens": 100, "output_tokens": 50})),
            bill("0.0003 0 0 0.00075 0", "anthropic/claude-sonnet-4-5", "")),
        // 100 × 3, 900 × 0.3, 60 × 3.75, 70 × 15.
        ("", messages("claude-sonnet-4-5", json!({"input_tokens": 100, "cache_read_input_tokens": 900,
            "cache_creation_input_tokens": 60, "output_tokens": 70})),
            bill("0.0003 0.00027 0.000225 0.00105 0", "anthropic/claude-sonnet-4-5", "")),
        // Of the writes, 20 × 3.75 for five minutes and 40 × 6 for an hour.
        ("", messages("claude-sonnet-4-5", json!({"input_tokens": 100, "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 60, "output_tokens": 70, "cache_creation": {"ephemeral_5m_input_tokens":
            20, "ephemeral_1h_input_tokens": 40}})),
            bill("0.0003 0 0.000315 0.00105 0", "anthropic/claude-sonnet-4-5", "")),
        // A prompt of 210,000, of which 60,000 cached: 150,000 × 6, 60,000 × 0.6, 10 × 22.5.
        ("", messages("claude-sonnet-4-5", json!({"input_tokens": 150_000, "cache_read_input_tokens": 60_000,
            "output_tokens": 10})),
            bill("0.9 0.036 0 0.000225 0", "anthropic/claude-sonnet-4-5 (prompt above 200000)", "")),
        // claude-haiku-5-5 just beyond 100,000: 100,001 × 0.5, 10 × 2.5.
        ("", messages("claude-haiku-5-5", json!({"input_tokens": 100_001, "output_tokens": 10})),
            bill("0.0500005 0 0 0.000025 0", "anthropic/claude-haiku-5-5 (prompt above 100000)", "")),
        // claude-opus-4-1 by batch, which the table has no rates for: half of 1000 × 15, of 100 × 75.
        ("", messages("claude-opus-4-1", json!({"input_tokens": 1000, "output_tokens": 100, "service_tier":
            "batch"})),
            bill("0.0075 0 0 0.00375 0", "anthropic/claude-opus-4-1 (batch ×0.5)", "")),
        // claude-opus-4-6, fast: six times 1000 × 5, 100 × 25.
        ("", messages("claude-opus-4-6", json!({"input_tokens": 1000, "output_tokens": 100, "speed": "fast"})),
            bill("0.03 0 0 0.015 0", "anthropic/claude-opus-4-6 (fast ×6)", "")),
        // claude-opus-5-5, fast: twice 1000 × 4, 100 × 20.
        ("", messages("claude-opus-5-5", json!({"input_tokens": 1000, "output_tokens": 100, "speed": "fast"})),
            bill("0.008 0 0 0.004 0", "anthropic/claude-opus-5-5 (fast ×2)", "")),
        // In the United States alone: 1.1 times 1000 × 5, 100 × 25.
        ("", messages("claude-opus-4-6", json!({"input_tokens": 1000, "output_tokens": 100, "inference_geo":
            "us"})),
            bill("0.0055 0 0 0.00275 0", "anthropic/claude-opus-4-6 (US only ×1.1)", "")),
        // Two searches at 10 a thousand; 1000 × 5, 100 × 25.
        ("", messages("claude-opus-4-6", json!({"input_tokens": 1000, "output_tokens": 100, "server_tool_use":
            {"web_search_requests": 2}})),
            bill("0.005 0 0 0.0025 0.02", "anthropic/claude-opus-4-6", "")),
        // An advisor's pass at claude-opus-4-7's rates, 200 × 5 + 40 × 25, is another cost; 100 × 3, 50 × 15.
        ("", messages("claude-sonnet-4-5", json!({"input_tokens": 100, "output_tokens": 50, "iterations": [{"type":
            "message", "input_tokens": 100, "output_tokens": 50}, {"type": "advisor_message", "model":
            "claude-opus-4-7", "input_tokens": 200, "output_tokens": 40}]})),
            bill("0.0003 0 0 0.00075 0.002", "anthropic/claude-sonnet-4-5", "a pass by anthropic/claude-opus-4-7")),
    ]
}

#[rustfmt::skip]
fn shapes_of_google() -> Vec<Priced> {
    vec![
        // gemini-2.5-flash: 1000 × 0.3, 150 × 2.5, thoughts being output.
        ("", gemini("gemini-2.5-flash", json!({"promptTokenCount": 1000, "candidatesTokenCount": 100,
            "thoughtsTokenCount": 50, "totalTokenCount": 1150})),
            bill("0.0003 0 0 0.000375 0", "google/gemini-2.5-flash", "")),
        // 600 × 0.3, 400 × 0.03, 100 × 2.5.
        ("", gemini("gemini-2.5-flash", json!({"promptTokenCount": 1000, "cachedContentTokenCount": 400,
            "candidatesTokenCount": 100, "totalTokenCount": 1100})),
            bill("0.00018 0.000012 0 0.00025 0", "google/gemini-2.5-flash", "")),
        // Sound: 700 × 0.3 + 300 × 1, 100 × 2.5.
        ("", gemini("gemini-2.5-flash", json!({"promptTokenCount": 1000, "candidatesTokenCount": 100,
            "totalTokenCount": 1100, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 700}, {"modality":
            "AUDIO", "tokenCount": 300}]})),
            bill("0.00051 0 0 0.00025 0", "google/gemini-2.5-flash", "")),
        // Cached sound: 600 × 0.3 + 200 × 1, 100 × 0.03 + 100 × 0.1, 100 × 2.5.
        ("", gemini("gemini-2.5-flash", json!({"promptTokenCount": 1000, "candidatesTokenCount": 100,
            "cachedContentTokenCount": 200, "totalTokenCount": 1100, "promptTokensDetails": [{"modality": "TEXT",
            "tokenCount": 700}, {"modality": "AUDIO", "tokenCount": 300}], "cacheTokensDetails": [{"modality":
            "TEXT", "tokenCount": 100}, {"modality": "AUDIO", "tokenCount": 100}]})),
            bill("0.00038 0.000013 0 0.00025 0", "google/gemini-2.5-flash", "")),
        // gemini-2.5-pro beyond 200,000: 200,001 × 2.5, 10 × 15.
        ("", gemini("gemini-2.5-pro", json!({"promptTokenCount": 200_001, "candidatesTokenCount": 10,
            "totalTokenCount": 200_011})),
            bill("0.5000025 0 0 0.00015 0", "google/gemini-2.5-pro (prompt above 200000)", "")),
        // Flex is half: 1000 × 0.15, 100 × 1.25.
        ("", gemini("gemini-2.5-flash", json!({"promptTokenCount": 1000, "candidatesTokenCount": 100,
            "totalTokenCount": 1100, "trafficType": "ON_DEMAND_FLEX"})),
            bill("0.00015 0 0 0.000125 0", "google/gemini-2.5-flash (flex ×0.5)", "")),
    ]
}

#[rustfmt::skip]
fn shapes_of_others() -> Vec<Priced> {
    let plain = tokens(1000, 0, 100);
    vec![
        // deepseek-chat by day, at noon: 600 × 0.27, 400 × 0.07, 100 × 1.1; and by night, at 20:00: half of that.
        ("--provider deepseek", chat("deepseek-chat", 1_750_075_200, "", tokens(1000, 400, 100)),
            bill("0.000162 0.000028 0 0.00011 0", "deepseek/deepseek-chat", "")),
        ("--provider deepseek", chat("deepseek-chat", 1_750_104_000, "", tokens(1000, 400, 100)),
            bill("0.000081 0.000014 0 0.000055 0", "deepseek/deepseek-chat", "")),
        // deepseek-v4-flash on 1 July, 20 August and 18 November 2026: 0.14 and 0.28, 0.22 and 0.66, 0.15 and 0.6.
        ("--provider deepseek", chat("deepseek-v4-flash", 1_782_907_200, "", plain.clone()),
            bill("0.00014 0 0 0.000028 0", "deepseek/deepseek-v4-flash", "")),
        ("--provider deepseek", chat("deepseek-v4-flash", 1_787_227_200, "", plain.clone()),
            bill("0.00022 0 0 0.000066 0", "deepseek/deepseek-v4-flash", "")),
        ("--provider deepseek", chat("deepseek-v4-flash", NOW, "", plain.clone()),
            bill("0.00015 0 0 0.00006 0", "deepseek/deepseek-v4-flash", "")),
        // sonar: 1000 × 1, 100 × 1, and 12 for a thousand requests.
        ("--provider perplexity", chat("sonar", NOW, "", plain.clone()),
            bill("0.001 0 0 0.0001 0.012", "perplexity/sonar", "")),
        // grok-4.3 up to and beyond 199,999: 199,999 × 1.25, 10 × 2.5; 200,000 × 2.5, 10 × 5.
        ("--provider xai", chat("grok-4.3", NOW, "", tokens(199_999, 0, 10)),
            bill("0.24999875 0 0 0.000025 0", "x-ai/grok-4.3", "")),
        ("--provider xai", chat("grok-4.3", NOW, "", tokens(200_000, 0, 10)),
            bill("0.5 0 0 0.00005 0", "x-ai/grok-4.3 (prompt above 199999)", "")),
        // Groq: 1000 × 0.59, 100 × 0.79; flex costs the same.
        ("--provider groq", chat("llama-3.3-70b-versatile", NOW, "flex", plain.clone()),
            bill("0.00059 0 0 0.000079 0", "groq/llama-3.3-70b-versatile (flex ×1)", "")),
        // Cohere charges fewer than it counts: 26 × 2.5, 5 × 10.
        ("--model command-a-03-2025", json!({"id": "c", "finish_reason": "COMPLETE", "message": {"role":
            "assistant", "content": [{"type": "text", "text": "Hi"}]}, "usage": { "billed_units": {"input_tokens":
            26, "output_tokens": 5}, "tokens": {"input_tokens": 555, "output_tokens": 8}}}),
            bill("0.000065 0 0 0.00005 0", "cohere/command-a", "")),
        // Bedrock adds cached tokens to the input: 100 × 3.3, 900 × 0.33, 60 × 4.125, 70 × 16.5.
        ("--model us.anthropic.claude-sonnet-4-5-20250929-v1:0", converse(json!({"inputTokens": 100,
            "cacheReadInputTokens": 900, "cacheWriteInputTokens": 60, "outputTokens": 70, "totalTokens": 1130}),
            "default"),
            bill("0.00033 0.000297 0.0002475 0.001155 0", "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "")),
        // nova-pro, flex at half: 1000 × 0.4, 100 × 1.6; priority at 1.75 times: 1000 × 1.4, 100 × 5.6.
        ("--model amazon.nova-pro-v1:0", converse(json!({"inputTokens": 1000, "outputTokens": 100, "totalTokens":
            1100}), "flex"),
            bill("0.0004 0 0 0.00016 0", "aws/amazon.nova-pro-v1:0 (flex ×0.5)", "")),
        ("--model amazon.nova-pro-v1:0", converse(json!({"inputTokens": 1000, "outputTokens": 100, "totalTokens":
            1100}), "priority"),
            bill("0.0014 0 0 0.00056 0", "aws/amazon.nova-pro-v1:0 (priority ×1.75)", "")),
        // A free model costs nothing, and that is known.
        ("--provider openrouter", chat("qwen/qwen3-coder:free", NOW, "", plain.clone()),
            bill("0 0 0 0 0", "openrouter/qwen/qwen3-coder:free", "")),
    ]
}

/// The records of a stream, and what was said.
fn records(options: &[&str], stream: &[u8]) -> Vec<Value> {
    let mut child = tokensense()
        .args(["tap", "--emit", "none", "-o", "-"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(stream));
        child.wait_with_output().expect("an end")
    });
    let lines = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).expect("a record"))
        .collect()
}

fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{text} is no plain decimal")),
    )
}

const PARTS: [&str; 5] = [
    "input_cost_usd",
    "cache_read_cost_usd",
    "cache_write_cost_usd",
    "output_cost_usd",
    "other_cost_usd",
];

#[test]
fn costs() {
    let mut wrong = Vec::new();
    let shapes = shapes();
    for (options, answer, bill) in &shapes {
        let options: Vec<_> = options.split_whitespace().collect();
        let record = records(&options, answer.to_string().as_bytes()).remove(0);
        let parts = PARTS.map(|part| decimal(&record[part]));
        let wanted: Vec<_> = bill
            .parts
            .split(' ')
            .map(|part| part.parse().ok())
            .collect();
        let total: Decimal = wanted.iter().flatten().sum();
        let note = record["cost_note"].as_str().unwrap_or_default();
        // Where a tier has no known price, the standard one is the least it can have cost.
        let basis = match note.contains("no rates for tier") {
            true => "lower_bound",
            false => "computed",
        };
        let note_fits = record["cost_basis"] == basis;
        let note_fits = note_fits
            && if bill.note.is_empty() {
                note.is_empty()
            } else {
                note.contains(bill.note)
            };
        if parts != wanted[..]
            || decimal(&record["cost_computed_usd"]) != Some(total)
            || record["price_match"] != bill.entry
            || !note_fits
        {
            let got = PARTS.map(|part| record[part].to_string()).join(" ");
            wrong.push(format!(
                "{}: {got} {} {note:?}",
                bill.entry, record["price_match"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shapes.len() >= 40);
}

/// Records of real answers against genai-prices' own calculator, wherever that has a price and we have one.
#[test]
#[ignore = "needs the corpus"]
fn corpus_agrees() {
    let corpus = corpus();
    let manifest = fs::read_to_string(corpus.join("manifest.jsonl")).expect("a manifest");
    let mut compared = 0;
    let mut refused = Vec::new();
    let mut wrong = Vec::new();
    for line in manifest.lines() {
        let row: Value = serde_json::from_str(line).expect("a row");
        let file = row["file"].as_str().expect("a file");
        let stream = fs::read(corpus.join(file)).expect("a recording");
        let asked = row["request_model"].as_str().unwrap_or_default();
        let known = row["expected"]["model"].is_string() || asked.is_empty();
        let options: &[&str] = if known { &[] } else { &["--model", asked] };
        for record in records(options, &stream) {
            let (Some(provider), Some(model)) =
                (record["provider"].as_str(), record["model"].as_str())
            else {
                continue;
            };
            let usage = theirs(&record);
            let at = record["created_at"]
                .as_str()
                .or(record["started_at"].as_str());
            let at: jiff::Timestamp = at.expect("a time").parse().expect("a time");
            let tier = record["service_tier"].as_str().unwrap_or_default();
            let request = PriceRequest::new(model, &usage)
                .with_provider_id(provider)
                .with_timestamp(at)
                .with_price_context("service_tier", tier);
            let Ok(price) = Calculator::bundled().calculate(&request) else {
                continue;
            };
            let Some(ours) = decimal(&record["cost_computed_usd"]) else {
                if !usage.is_empty() {
                    refused.push(format!("{provider}/{model}"));
                }
                continue;
            };
            compared += 1;
            // A pass by another model is no part of the counts.
            let note = record["cost_note"].as_str().unwrap_or_default();
            let passes = decimal(&record["other_cost_usd"]).filter(|_| note.contains("a pass by"));
            // Fees go by the size of the search, or by the prompt: what Perplexity states, it bills so.
            let fees = provider == "perplexity" || record["web_search_requests"].is_u64();
            let fees = decimal(&record["other_cost_usd"]).filter(|_| fees && passes.is_none());
            let theirs = match fees {
                Some(_) => price.input_price + price.output_price,
                None => price.total_price,
            };
            let ours: f64 = (ours - passes.or(fees).unwrap_or_default())
                .to_string()
                .parse()
                .expect("a number");
            if (ours - theirs).abs() > 1e-9 {
                wrong.push(format!("{file}: {ours}, theirs {theirs}"));
            }
        }
    }
    assert!(refused.is_empty(), "{refused:?} have a price there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 60, "only {compared} were compared");
}

/// A record's counts as genai-prices has them.
fn theirs(record: &Value) -> Usage {
    let columns = [
        ("input_tokens", "input_tokens"),
        ("cache_read_tokens", "cache_read_tokens"),
        ("cache_write_tokens", "cache_write_tokens"),
        ("cache_write_1h_tokens", "cache_write_1h_tokens"),
        ("output_tokens", "output_tokens"),
        ("reasoning_tokens", "output_reasoning_tokens"),
        ("audio_input_tokens", "input_audio_tokens"),
        ("audio_output_tokens", "output_audio_tokens"),
        ("image_input_tokens", "input_image_tokens"),
        ("image_output_tokens", "output_image_tokens"),
        ("web_search_requests", "web_searches"),
    ];
    let counts = columns
        .iter()
        .filter_map(|(column, key)| Some((*key, record[column].as_f64()?)));
    let mut usage: Usage = counts.collect();
    // What Cohere charges is not what it counts.
    for side in ["input_tokens", "output_tokens"] {
        if let Some(billed) = record["usage"]["billed_units"][side].as_f64() {
            usage.insert(side, billed);
        }
    }
    usage
}

/// Counts of an answer, each apart from the others.
#[derive(Clone, Debug)]
struct Counts {
    uncached: u32,
    read: u32,
    write: u32,
    hour: u32,
    output: u32,
    searches: u8,
}

impl Counts {
    fn answer(&self, model: &str, tier: &str) -> String {
        let usage = json!({"input_tokens": self.uncached, "cache_read_input_tokens": self.read,
            "cache_creation_input_tokens": u64::from(self.write) + u64::from(self.hour), "output_tokens": self.output,
            "cache_creation": {"ephemeral_5m_input_tokens": self.write, "ephemeral_1h_input_tokens": self.hour},
            "server_tool_use": {"web_search_requests": self.searches}, "service_tier": tier});
        format!("{}\n", messages(model, usage))
    }

    /// The same with one count grown.
    fn grown(&self, which: usize, by: u32) -> Self {
        let mut grown = self.clone();
        match which % 6 {
            0 => grown.uncached = grown.uncached.saturating_add(by),
            1 => grown.read = grown.read.saturating_add(by),
            2 => grown.write = grown.write.saturating_add(by),
            3 => grown.hour = grown.hour.saturating_add(by),
            4 => grown.output = grown.output.saturating_add(by),
            _ => grown.searches = grown.searches.saturating_add(1),
        }
        grown
    }
}

fn counts() -> impl Strategy<Value = Counts> {
    let tokens = || prop_oneof![0..2000_u32, 90_000..300_000_u32, any::<u32>()];
    (
        tokens(),
        tokens(),
        tokens(),
        tokens(),
        tokens(),
        any::<u8>(),
    )
        .prop_map(|(uncached, read, write, hour, output, searches)| Counts {
            uncached,
            read,
            write,
            hour,
            output,
            searches,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Parts sum to the whole; and the cost never falls when a count grows.
    #[test]
    fn sums_and_grows(
        pairs in prop::collection::vec((counts(), 0..6_usize, any::<u32>()), 20),
        model in prop::sample::select(vec!["claude-sonnet-4-5", "claude-haiku-5-5", "claude-opus-4-6"]),
        tier in prop::sample::select(vec!["standard", "batch", "priority"]),
    ) {
        let answers = pairs.iter().flat_map(|(counts, which, by)| {
            [counts.answer(model, tier), counts.grown(*which, *by).answer(model, tier)]
        });
        let records = records(&[], answers.collect::<String>().as_bytes());
        prop_assert_eq!(records.len(), 2 * pairs.len());
        let mut totals = Vec::new();
        for record in &records {
            let parts = PARTS.map(|part| decimal(&record[part]).expect("a cost"));
            let total = decimal(&record["cost_usd"]).expect("a cost");
            prop_assert_eq!(parts.iter().sum::<Decimal>(), total);
            prop_assert!(parts.iter().all(|part| part.scale() <= 12 && !part.is_sign_negative()));
            totals.push(total);
        }
        let pairs = totals.chunks(2).zip(records.chunks(2));
        for (pair, records) in pairs {
            // With a first search the passes are several: the cost becomes a lower bound, which may be less.
            if records[0]["cost_basis"] == records[1]["cost_basis"] {
                prop_assert!(pair[0] <= pair[1], "{} fell to {}", pair[0], pair[1]);
            }
        }
    }
}

/// A price file of the user's.
fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("a writable folder");
    path
}

const LITELLM: &str = r#"{
    "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of them"},
    "gpt-5": {"litellm_provider": "openai", "input_cost_per_token": 2e-06, "output_cost_per_token": 1.1e-05,
        "input_cost_per_token_flex": 1e-06, "input_cost_per_token_above_2k_tokens": 4e-06,
        "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.02}},
    "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 7e-06, "output_cost_per_token": 0},
    "house-model": {"input_cost_per_token": 1e-06, "cache_creation_input_token_cost_above_1hr": 9e-06,
        "output_cost_per_token": 3e-06, "output_cost_per_reasoning_token": 5e-06},
    "ollama/llama3": {"litellm_provider": "ollama", "input_cost_per_token": 1e-07, "output_cost_per_token": 2e-07},
    "ollama/qwen3": {"litellm_provider": "ollama", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
}"#;

const GENAI: &str = r#"[{"id": "openai", "name": "OpenAI", "api_pattern": "https://api.openai.com", "models": [
    {"id": "gpt-5", "match": {"starts_with": "gpt-5"}, "prices": {"input_mtok": 9, "output_mtok": 90}},
    {"id": "gpt-9", "match": {"equals": "gpt-9"}, "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 500, "price": 2}]}}}
]}, {"id": "azure", "name": "Azure", "api_pattern": "https://azure", "fallback_model_providers": ["openai"], "models": []}]"#;

/// The cost and the entry of an answer, with options and a variable of the environment.
fn priced(command: &mut Command, answer: &Value) -> (String, String) {
    let mut child = command
        .args(["--emit", "none", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(answer.to_string().as_bytes())
        .expect("a reader");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    let record: Value = serde_json::from_slice(&output.stdout).expect("a record");
    let entry = record["price_match"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (record["cost_usd"].to_string(), entry)
}

/// A faster tier that a price file has no rates for is told, whatever the model is called.
#[test]
fn a_tier_without_rates_is_told() {
    let prices = r#"{"house-opus": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06}}"#;
    let prices = file(&scratch("prices-tier"), "house.json", prices);
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "speed": "fast"});
    let answer = messages("house-opus", usage).to_string();
    let options = ["--prices", prices.to_str().expect("a path")];
    let record = records(&options, answer.as_bytes()).remove(0);
    assert_eq!(record["cost_basis"], "lower_bound", "{record}");
    assert_eq!(
        record["cost_note"],
        "no rates for tier fast: standard rates used"
    );
}

/// An answer of a model at a tier, for a thousand tokens of input.
fn thousand(model: &str, tier: &str, completion: u64, reasoning: u64) -> Value {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": completion, "total_tokens": 1000 + completion,
        "completion_tokens_details": {"reasoning_tokens": reasoning}});
    chat(model, NOW, tier, usage)
}

/// A tap that asks these price files, of this provider if it is named.
fn tap_with(files: &[&PathBuf], provider: &str) -> Command {
    let mut command = tokensense();
    command.arg("tap");
    for file in files {
        command.arg("--prices").arg(file);
    }
    if !provider.is_empty() {
        command.args(["--provider", provider]);
    }
    command
}

#[test]
fn price_files_are_asked_first() {
    let folder = scratch("prices-files");
    let litellm = file(&folder, "l.json", LITELLM);
    let genai = file(&folder, "g.json", GENAI);
    let gpt5 = thousand("gpt-5-2025-08-07", "default", 100, 0);
    // 1000 × 2 + 100 × 11; 1000 × 9 + 100 × 90: the first file that knows the model counts.
    let first = |files: &[&PathBuf]| priced(&mut tap_with(files, "openai"), &gpt5);
    assert_eq!(
        first(&[&litellm]),
        ("0.0031".into(), "openai/gpt-5 (l.json)".into())
    );
    assert_eq!(
        first(&[&litellm, &genai]),
        ("0.0031".into(), "openai/gpt-5 (l.json)".into())
    );
    assert_eq!(
        first(&[&genai, &litellm]),
        ("0.018".into(), "openai/gpt-5 (g.json)".into())
    );
    // Flex input alone has a rate of its own: 1000 × 1 + 100 × 11. A long prompt: 3000 × 4 + 100 × 11.
    let flex = thousand("gpt-5", "flex", 100, 0);
    let (cost, entry) = priced(&mut tap_with(&[&litellm], "openai"), &flex);
    assert_eq!(
        (cost.as_str(), entry.as_str()),
        ("0.0021", "openai/gpt-5 (flex, l.json)")
    );
    let long = chat("gpt-5", NOW, "default", tokens(3000, 0, 100));
    let (cost, entry) = priced(&mut tap_with(&[&litellm], "openai"), &long);
    assert_eq!(
        (cost.as_str(), entry.as_str()),
        ("0.0131", "openai/gpt-5 (prompt above 2000, l.json)")
    );
    // A model of no provider is anyone's: 1000 × 1 + 60 × 3 + 40 × 5. A local one with a price has one.
    let house = thousand("house-model", "", 100, 40);
    assert_eq!(
        priced(&mut tap_with(&[&litellm], ""), &house),
        ("0.00138".into(), "house-model (l.json)".into())
    );
    assert_eq!(
        priced(&mut tap_with(&[&litellm], "vllm"), &house).1,
        "house-model (l.json)"
    );
    let local = thousand("llama3", "", 100, 0);
    assert_eq!(
        priced(&mut tap_with(&[&litellm], "ollama"), &local),
        ("0.00012".into(), "ollama/llama3 (l.json)".into())
    );
    let google = thousand("gemini-2.5-pro", "", 100, 0);
    assert_eq!(
        priced(&mut tap_with(&[&litellm], "google"), &google),
        ("0.007".into(), "google/gemini-2.5-pro (l.json)".into())
    );
    // Zeros for a local server are no prices.
    let free = thousand("qwen3", "", 100, 0);
    assert_eq!(
        priced(&mut tap_with(&[&litellm], "ollama"), &free).0,
        "null"
    );
    // Within a file too, a provider may serve another's models.
    assert_eq!(
        priced(&mut tap_with(&[&genai], "azure"), &gpt5).1,
        "openai/gpt-5 (g.json)"
    );
    // What no file knows is in the built-in table; a future name is not priced as its relative.
    let mini = thousand("gpt-5-mini", "", 100, 0);
    assert_eq!(
        priced(&mut tap_with(&[&genai], "openai"), &mini).1,
        "openai/gpt-5-mini"
    );
    let future = thousand("gpt-5.9", "", 100, 0);
    assert_eq!(
        priced(&mut tap_with(&[&genai], "openai"), &future),
        ("null".into(), String::new())
    );
}

/// The option, else the environment, else the user's own file.
#[test]
fn where_price_files_are_found() {
    let folder = scratch("prices-found");
    let litellm = file(&folder, "l.json", LITELLM);
    let genai = file(&folder, "g.json", GENAI);
    let gpt5 = thousand("gpt-5-2025-08-07", "default", 100, 0);
    fs::create_dir_all(folder.join("tokensense")).expect("a folder");
    fs::copy(&genai, folder.join("tokensense/prices.json")).expect("a copy");
    let both = std::env::join_paths([&litellm, &genai]).expect("two paths");
    let mut own = tap_with(&[], "openai");
    own.env("XDG_CONFIG_HOME", &folder);
    assert_eq!(priced(&mut own, &gpt5).1, "openai/gpt-5 (prices.json)");
    let mut environment = tap_with(&[], "openai");
    environment
        .env("XDG_CONFIG_HOME", &folder)
        .env("TOKENSENSE_PRICES", &both);
    assert_eq!(priced(&mut environment, &gpt5).1, "openai/gpt-5 (l.json)");
    let mut option = tap_with(&[&genai], "openai");
    option
        .env("XDG_CONFIG_HOME", &folder)
        .env("TOKENSENSE_PRICES", &both);
    assert_eq!(priced(&mut option, &gpt5).1, "openai/gpt-5 (g.json)");
}

#[test]
fn broken_price_files_are_refused() {
    let folder = scratch("prices-broken");
    let cases = [
        (
            "cut.json",
            "{\n  \"gpt-5\": {\"input_cost_per_token\": 1e-6,,}\n}",
            "line 2 column 42",
        ),
        ("empty.json", "", "line 1 column 0"),
        (
            "text.json",
            "\"prices\"",
            "neither LiteLLM's object of models nor genai-prices' list",
        ),
        ("none.json", "{}", "has no models"),
        ("list.json", "[1]", "a provider has no id"),
        (
            "shape.json",
            r#"{"gpt-5": 3}"#,
            "model gpt-5 is not an object",
        ),
        (
            "negative.json",
            r#"{"gpt-5": {"input_cost_per_token": -1e-6}}"#,
            "model gpt-5: input_cost_per_token is negative",
        ),
        (
            "absurd.json",
            r#"{"gpt-5": {"input_cost_per_token": 1.25}}"#,
            "in US dollars for one",
        ),
        (
            "word.json",
            r#"{"gpt-5": {"input_cost_per_token": "free"}}"#,
            "which is not a price",
        ),
        (
            "huge.json",
            r#"{"gpt-5": {"input_cost_per_token": 1e99}}"#,
            "model gpt-5: input_cost_per_token",
        ),
        (
            "below.json",
            r#"[{"id": "openai", "models": [{"id": "gpt-5", "match": {"equals": "gpt-5"},
            "prices": {"input_mtok": -2}}]}]"#,
            "model openai/gpt-5: input_mtok is negative",
        ),
        (
            "date.json",
            r#"[{"id": "openai", "models": [{"id": "gpt-5", "match": {"equals": "gpt-5"},
            "prices": [{"prices": {"input_mtok": 2}}, {"constraint": {"start_date": "soon"}, "prices": {}}]}]}]"#,
            "has a date or time that is not valid",
        ),
    ];
    for (name, content, why) in cases {
        let path = file(&folder, name, content);
        for command in ["tap", "prices"] {
            let output = tokensense()
                .arg(command)
                .arg("--prices")
                .arg(&path)
                .output()
                .expect("the binary");
            refuses(&output, &[name, why]);
        }
    }
    let missing = folder.join("missing.json");
    let output = tokensense()
        .arg("tap")
        .arg("--prices")
        .arg(&missing)
        .output()
        .expect("the binary");
    refuses(&output, &["missing.json", "cannot read"]);
    let output = tokensense()
        .args(["tap", "--max-cost", "-1"])
        .output()
        .expect("the binary");
    refuses(&output, &["--max-cost", "a cost cannot be negative"]);
}

/// Status 2, nothing on standard output, and one sentence that says all of this.
fn refuses(output: &Output, says: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    for piece in says {
        assert!(said.contains(piece), "{said:?} does not say {piece:?}");
    }
}

/// What the provider says it charged wins, and stands beside what the table says.
#[test]
fn reported_costs_win() {
    // OpenRouter's own charge; with the user's own key, what that was charged; xAI's ticks; Perplexity; Vercel.
    let cases = [
        ("openrouter", "0.00036784"),
        ("openrouter_byok", "0.00042"),
        ("xai", "0.0001707"),
        ("perplexity", "0.00503"),
        ("vercel", "0.00187875"),
    ];
    for (capture, cost) in cases {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let stream = root.join(format!("testdata/openai.chat/{capture}.sse"));
        let record = records(&[], &fs::read(stream).expect("a capture")).remove(0);
        let cost: Decimal = cost.parse().expect("a number");
        assert_eq!(decimal(&record["cost_usd"]), Some(cost), "{capture}");
        assert_eq!(
            decimal(&record["cost_reported_usd"]),
            Some(cost),
            "{capture}"
        );
        assert_eq!(record["cost_basis"], "reported", "{capture}");
        assert!(decimal(&record["cost_computed_usd"]).is_some(), "{capture}");
        assert!(record["price_match"].is_string(), "{capture}");
    }
}

#[test]
fn no_price_has_a_reason() {
    let cases = [
        (
            "",
            chat("qwen3", NOW, "", tokens(9, 0, 9)),
            "provider of qwen3 unknown: pass --provider NAME",
        ),
        (
            "--provider openai",
            chat("gpt-9", NOW, "", tokens(9, 0, 9)),
            "unknown model gpt-9 of openai: pass --prices FILE",
        ),
        (
            "--provider acme",
            chat("m", NOW, "", tokens(9, 0, 9)),
            "no prices of provider acme: pass --prices FILE",
        ),
        (
            "",
            converse(
                json!({"inputTokens": 9, "outputTokens": 9, "totalTokens": 18}),
                "default",
            ),
            "model unknown: pass --model NAME",
        ),
        (
            "",
            json!({"model": "llama3", "created_at": "2026-11-20T10:00:30Z", "response": "Hi", "done": true,
            "prompt_eval_count": 9, "eval_count": 9}),
            "ollama is a local server",
        ),
        (
            "",
            json!({"error": {"message": "no", "type": "invalid_request_error"}}),
            "no usage",
        ),
    ];
    for (options, answer, why) in cases {
        let options: Vec<_> = options.split_whitespace().collect();
        let record = records(&options, answer.to_string().as_bytes()).remove(0);
        for column in [
            "cost_usd",
            "cost_basis",
            "cost_computed_usd",
            "price_match",
            "input_cost_usd",
        ] {
            assert!(
                record[column].is_null(),
                "{why}: {column} is {}",
                record[column]
            );
        }
        let note = record["cost_note"].as_str().unwrap_or_default();
        assert!(note.contains(why), "{note:?} does not say {why:?}");
    }
}

#[test]
fn the_table_can_be_read() {
    let all = text(tokensense().args(["prices", "--format", "json"]));
    assert!(all.lines().count() > 2000);
    let line = text(tokensense().args(["prices", "openai/gpt-5.5", "--format", "json"]));
    let line: Value = serde_json::from_str(line.lines().next().expect("a model")).expect("JSON");
    assert_eq!(line["model"], "openai/gpt-5.5");
    assert_eq!(line["rates"]["input_mtok"], 5);
    assert_eq!(line["above"]["272000"]["output_mtok"], 45);
    assert_eq!(
        line["tiers"]["flex"]["rates"]["cache_read_mtok"],
        json!(0.25)
    );
    let csv = text(tokensense().args(["prices", "anthropic/claude-sonnet-4-?", "--format", "csv"]));
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines[0].starts_with(
        "model,source,input_mtok,cache_read_mtok,cache_write_mtok,cache_write_1h_mtok,"
    ));
    assert!(
        lines[1].starts_with("anthropic/claude-sonnet-4-0,genai-prices"),
        "{}",
        lines[1]
    );
    assert_eq!(lines.len(), 4);
    let table = text(tokensense().args(["prices", "CLAUDE-OPUS-5-5"]));
    assert!(table.contains("anthropic/claude-opus-5-5"), "{table}");
    let why =
        text(tokensense().args(["prices", "--model", "openrouter/anthropic/claude-haiku-4.5"]));
    for piece in [
        "openrouter/anthropic/claude-haiku-4.5",
        "from the prefix openrouter/",
        "https://openrouter.ai/models",
        "input_mtok",
    ] {
        assert!(why.contains(piece), "{why}");
    }
    let nothing = tokensense()
        .args(["prices", "gpt-9"])
        .output()
        .expect("the binary");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no model matches \"gpt-9\""));
    let nothing = tokensense()
        .args(["prices", "--provider", "openai"])
        .output()
        .expect("the binary");
    assert_eq!(nothing.status.code(), Some(2));
}

fn text(command: &mut Command) -> String {
    let output = command.output().expect("the binary");
    String::from_utf8(output.stdout).expect("text")
}

/// Prices older than sixty days are mentioned where somebody may fetch others, and nowhere else. Builds for development
/// let the day be told.
#[test]
fn old_prices_are_mentioned() {
    if !cfg!(debug_assertions) {
        return;
    }
    let folder = scratch("prices-old");
    let records = file(&folder, "records.jsonl", "{\"schema\":\"tokensense/1\"}\n");
    let records = records.to_str().expect("a path");
    let says = |day: &str, arguments: &[&str]| {
        let (mut user, programs) = terminal();
        let mut end = programs.try_clone().expect("a terminal");
        let mut child = tokensense()
            .args(arguments)
            .env("TOKENSENSE_TODAY", day)
            .env("XDG_CONFIG_HOME", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(programs)
            .spawn()
            .expect("the binary");
        assert!(child.wait().expect("an end").success(), "{arguments:?}");
        // Else nothing would ever come where nothing was said.
        end.write_all(b"END").expect("a terminal");
        let (mut said, mut some) = (String::new(), [0; 1000]);
        while !said.ends_with("END") {
            let len = user.read(&mut some).expect("a terminal");
            said += &String::from_utf8_lossy(&some[..len]);
        }
        said.trim_end_matches("END").trim().to_owned()
    };
    let mentions: &[&[&str]] = &[
        &["--version"],
        &["prices", "gpt-5-mini"],
        &["summarise", records],
    ];
    // The built-in ones are of 2026-11-21.
    for arguments in mentions {
        let said = says("2027-01-20", arguments);
        assert!(!said.contains("days old"), "{arguments:?}: {said}");
        let said = says("2027-01-21", arguments);
        assert!(
            said.contains("prices are 61 days old"),
            "{arguments:?}: {said}"
        );
        assert!(said.contains("tokensense prices --update"), "{said}");
    }
    for arguments in [
        &["tap", "-q"][..],
        &["run", "-q", "true"],
        &["summarise", "-q", records],
    ] {
        let said = says("2027-03-01", arguments);
        assert!(!said.contains("days old"), "{arguments:?}: {said}");
    }
    // It is the newer ones whose age counts.
    fs::create_dir_all(folder.join("tokensense")).expect("a folder");
    let fetched = "{\"taken\":\"2026-12-25\",\"from\":\"x\",\"dated\":true}\n";
    fs::write(folder.join("tokensense/fetched-prices.jsonl"), fetched).expect("a file");
    assert!(!says("2027-02-23", &["--version"]).contains("days old"));
    assert!(says("2027-02-24", &["--version"]).contains("61 days old"));
}
