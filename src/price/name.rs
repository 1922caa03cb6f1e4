//! Model and provider names, in the spellings of wires, URLs and proxies. What may be taken off a name is listed here:
//! whatever else is left over makes it another model, which has no price.

use std::borrow::Cow;

/// Other names of providers. Those marked as prefixes stand before a model's name with a slash, as LiteLLM has it;
/// the rest are also names of organisations whose models anyone may serve.
static ALIASES: &[(&str, &str, Prefix)] = &[
    ("amazon", "aws", No),
    ("amazon-bedrock", "aws", Yes),
    ("amazon_bedrock", "aws", Yes),
    ("amazon_nova", "aws", Yes),
    ("anthropic", "anthropic", Yes),
    ("aws", "aws", Yes),
    ("azure", "azure", Yes),
    ("azure_ai", "azure", Yes),
    ("azure_text", "azure", Yes),
    ("baseten", "baseten", Yes),
    ("bedrock", "aws", Yes),
    ("bedrock_converse", "aws", Yes),
    ("bedrock_mantle", "aws", Yes),
    ("bigmodel", "zhipuai", No),
    ("cerebras", "cerebras", Yes),
    ("chatgpt", "openai", No),
    ("cloudflare", "cloudflare", Yes),
    ("codestral", "mistral", No),
    ("cohere", "cohere", Yes),
    ("cohere_chat", "cohere", Yes),
    ("dashscope", "alibaba", Yes),
    ("databricks", "databricks", No),
    ("deepseek", "deepseek", Yes),
    ("fireworks", "fireworks", Yes),
    ("fireworks_ai", "fireworks", Yes),
    ("gemini", "google", Yes),
    ("github_copilot", "github-copilot", Yes),
    ("google", "google", Yes),
    ("google-vertex", "google", Yes),
    ("groq", "groq", Yes),
    ("meta_llama", "meta", No),
    ("mistral", "mistral", Yes),
    ("mistralai", "mistral", No),
    ("moonshot", "moonshotai", Yes),
    ("novita", "novita", Yes),
    ("openai", "openai", Yes),
    ("openrouter", "openrouter", Yes),
    ("ovhcloud", "ovhcloud", Yes),
    ("perplexity", "perplexity", Yes),
    ("text-completion-codestral", "mistral", Yes),
    ("text-completion-openai", "openai", Yes),
    ("together", "together", Yes),
    ("together-ai", "together", Yes),
    ("together_ai", "together", Yes),
    ("vertex", "google", Yes),
    ("vertex_ai", "google", Yes),
    ("vertexai", "google", Yes),
    ("voyage", "voyageai", Yes),
    ("x-ai", "x-ai", Yes),
    ("xai", "x-ai", Yes),
    ("z-ai", "zai", No),
    ("zhipu", "zhipuai", No),
];

enum Prefix {
    No,
    Yes,
}
use Prefix::{No, Yes};

/// Pass requests on to the provider that a prefix names, at its price.
static GATEWAYS: &[&str] = &["", "litellm", "portkey", "vercel", "vercel_ai_gateway"];

/// Run where the user's own hardware is paid for, not tokens.
static LOCAL: &[&str] = &[
    "gpustack",
    "llama.cpp",
    "lm_studio",
    "lmstudio",
    "local",
    "localai",
    "ollama",
    "vllm",
];

/// Beginnings that tell the provider where nothing else does: of resource names, of Bedrock's ids once the region is
/// off, and of models that one provider alone makes and serves.
static BEGINNINGS: &[(&str, &str)] = &[
    ("@cf/", "cloudflare"),
    ("accounts/fireworks/", "fireworks"),
    ("amazon.", "aws"),
    ("anthropic.", "aws"),
    ("arn:aws:bedrock:", "aws"),
    ("babbage-002", "openai"),
    ("chatgpt-", "openai"),
    ("claude-", "anthropic"),
    ("codestral-", "mistral"),
    ("codex-mini", "openai"),
    ("computer-use-preview", "openai"),
    ("davinci-002", "openai"),
    ("deepseek-chat", "deepseek"),
    ("deepseek-reasoner", "deepseek"),
    ("deepseek.", "aws"),
    ("ft:gpt-", "openai"),
    ("gemini-", "google"),
    ("global.", "aws"),
    ("gpt-", "openai"),
    ("grok-", "x-ai"),
    ("magistral-", "mistral"),
    ("meta.", "aws"),
    ("mistral-embed", "mistral"),
    ("mistral-large", "mistral"),
    ("mistral-medium", "mistral"),
    ("mistral-moderation", "mistral"),
    ("mistral-ocr", "mistral"),
    ("mistral-saba", "mistral"),
    ("mistral.", "aws"),
    ("models/gemini-", "google"),
    ("nvidia.", "aws"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("openai.", "aws"),
    ("projects/", "google"),
    ("publishers/", "google"),
    ("qwen.", "aws"),
    ("sonar", "perplexity"),
    ("text-embedding-3-", "openai"),
    ("text-embedding-ada-", "openai"),
    ("tts-1", "openai"),
    ("voyage-", "voyageai"),
    ("whisper-1", "openai"),
    ("writer.", "aws"),
];

/// Beginnings of names of open models: their maker's name does not say who served them.
static OPEN: &[&str] = &[
    "mistral-large-2407",
    "mistral-large-2411",
    "mistral-large-instruct",
    "mistral-medium-instruct",
    "magistral-small-",
    "codestral-22b",
    "codestral-mamba",
    "gemma",
    "gpt-oss",
    "grok-1",
    "grok-2",
    "openai/gpt-oss",
    "google/gemma",
    "x-ai/grok-1",
    "x-ai/grok-2",
    "xai/grok-1",
    "xai/grok-2",
];

/// Beginnings of names of models that many serve, and their maker alone as `-latest`.
static MOVING: &[&str] = &[
    "devstral-",
    "magistral-",
    "ministral-",
    "mistral-",
    "pixtral-",
    "voxtral-",
];

/// Where a provider's own models stand in URLs and resource names. What stands elsewhere was tuned by somebody.
static PATHS: &[(&str, &str)] = &[
    ("fireworks", "/accounts/fireworks/models/"),
    ("google", "/models/"),
];

/// Names whose models are in the table under a part of them, or under more.
static SAME: &[(&str, &str)] = &[
    ("claude-2.0", "claude-2"),
    ("claude-2.1", "claude-2"),
    ("computer-use-preview", "computer-use"),
    ("computer-use-preview-2025-03-11", "computer-use"),
    (
        "gemini-3.1-pro-preview-customtools",
        "gemini-3.1-pro-preview",
    ),
    ("magistral-medium-2506", "magistral-medium"),
    ("magistral-medium-2507", "magistral-medium"),
    ("magistral-medium-2509", "magistral-medium"),
    ("magistral-small-2506", "magistral-small"),
    ("magistral-small-2507", "magistral-small"),
    ("magistral-small-2509", "magistral-small"),
    ("openai.gpt-oss-120b", "openai.gpt-oss-120b-1"),
    ("openai.gpt-oss-20b", "openai.gpt-oss-20b-1"),
    (
        "qwen.qwen3-coder-30b-a3b-instruct",
        "qwen.qwen3-coder-30b-a3b-v1:0",
    ),
    (
        "qwen.qwen3-coder-480b-a35b-instruct",
        "qwen.qwen3-coder-480b-a35b-v1:0",
    ),
    (
        "qwen.qwen3-vl-235b-a22b-instruct",
        "qwen.qwen3-vl-235b-a22b-v1:0",
    ),
];

/// Regions in which Bedrock runs a model. `global.` is not among them: it has prices of its own.
static REGIONS: &[&str] = &[
    "apac.", "ap.", "au.", "ca.", "eu.", "in.", "jp.", "sa.", "us-gov.", "us.",
];

/// Endings that leave a name the same model's, for one provider or for all; `#` is a digit.
static ENDINGS: &[(&str, &str)] = &[
    ("", "-20##-##-##"),
    ("", "-20######"),
    ("", "-##-20##"),
    ("", "-latest"),
    ("", "@20######"),
    ("", "@latest"),
    ("", "@default"),
    ("", "[1m]"),
    ("aws", ":##k"),
    ("aws", ":###k"),
    ("aws", ":#"),
    ("aws", "-v#"),
    ("google", "-v#"),
    ("google", "@##"),
    ("google", "@###"),
    ("google", "-00#"),
    ("google", "-preview"),
    ("google", "-preview-##-##"),
    ("google", "-exp"),
    ("openai", ":20######-v#"),
    ("openai", ":20##-##-##-v#"),
];

/// A longer name is no model's: no resource name is longer.
const LONGEST: usize = 2048;

/// A name as a sentence shows it.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// A provider's id in genai-prices' data, where it has one.
pub(super) fn provider(name: &str) -> Cow<'_, str> {
    let name = lower(name.trim());
    // LiteLLM: `vertex_ai-anthropic_models`.
    let head = name.split_once('-').map_or(&*name, |(head, _)| head);
    let known = |wanted: &str| ALIASES.iter().find(|(alias, ..)| *alias == wanted);
    match known(&name).or_else(|| known(head).filter(|_| head.contains("_ai"))) {
        Some((_, id, _)) => Cow::Borrowed(id),
        None => name,
    }
}

/// Whether nothing is paid for tokens there.
pub(super) fn is_local(provider: &str) -> bool {
    LOCAL.contains(&provider)
}

/// A model's name with what is known of its provider.
#[derive(Debug)]
pub(super) struct Name<'a> {
    pub(super) provider: Option<Cow<'a, str>>,
    /// How the provider is known, where nobody said it.
    pub(super) assumed: Option<String>,
    /// In lower case, as it came.
    full: Cow<'a, str>,
}

impl<'a> Name<'a> {
    pub(super) fn new(stated: Option<&'a str>, model: &'a str) -> Self {
        let full = lower(model.trim());
        let mut name = Self {
            provider: stated
                .map(provider)
                .filter(|id| !GATEWAYS.contains(&id.as_ref())),
            assumed: None,
            full,
        };
        // A router that leaves the choice of host to the name: `org/model:groq`.
        if name.provider.as_deref() == Some("huggingface")
            && let Some((_, host)) = name.full.rsplit_once(':')
        {
            name.provider = Some(Cow::Owned(format!("huggingface_{host}")));
            name.assumed = Some(format!("provider from :{}", shown(host)));
        }
        if name.provider.is_none() {
            name.provider = name.guess();
        }
        name
    }

    /// The provider that the name alone tells.
    fn guess(&mut self) -> Option<Cow<'a, str>> {
        if OPEN.iter().any(|open| self.full.starts_with(open)) {
            return None;
        }
        let (prefix, _) = self.full.split_once('/').unwrap_or_default();
        let is_prefix =
            |(alias, _, yes): &&(&str, _, Prefix)| *alias == prefix && matches!(yes, Yes);
        if let Some((_, id, _)) = ALIASES.iter().find(is_prefix) {
            self.assumed = Some(format!("provider from the prefix {prefix}/"));
            return Some(Cow::Borrowed(id));
        }
        let is_moving = |maker: &&str| self.full.starts_with(*maker) && is_latest(&self.full);
        if MOVING.iter().any(is_moving) {
            self.assumed = Some("provider from the name, …-latest".to_owned());
            return Some(Cow::Borrowed("mistral"));
        }
        let bare = without_region(&self.full).unwrap_or(&self.full);
        let (start, id) = BEGINNINGS
            .iter()
            .find(|(start, _)| bare.starts_with(start))?;
        self.assumed = Some(format!("provider from the name, {start}…"));
        Some(Cow::Borrowed(id))
    }

    /// What `known` says of the first spelling that it knows; and that spelling.
    pub(super) fn find<T>(&self, known: impl Fn(&str) -> Option<T>) -> Option<(T, String)> {
        if self.full.len() > LONGEST {
            return None;
        }
        let provider = self.provider.as_deref().unwrap_or_default();
        self.heads(provider).into_iter().find_map(|head| {
            let mut name = head;
            loop {
                if let Some(found) = known(&name) {
                    return Some((found, name.into_owned()));
                }
                let shorter = shorten(provider, &name)?.to_owned();
                name = Cow::Owned(shorter);
            }
        })
    }

    /// Whether it is the moving name of what was found.
    pub(super) fn is_latest_of(&self, spelling: &str) -> bool {
        is_latest(&self.full) && !is_latest(spelling)
    }

    /// The name without what may stand before it: whole at first, then ever less.
    fn heads(&self, provider_id: &str) -> Vec<Cow<'_, str>> {
        let mut heads = vec![Cow::Borrowed(&*self.full)];
        let mut rest = &*self.full;
        let mut push = |rest: &'_ str| heads.push(Cow::Owned(rest.to_owned()));
        if let Some((prefix, name)) = rest.split_once('/')
            && provider(prefix) == provider_id
        {
            rest = name;
            push(rest);
        }
        let path = format!("/{rest}");
        let own = |(_, start): &(&str, &str)| path.rsplit_once(start).map(|(_, name)| name);
        let paths = PATHS.iter().filter(|(id, _)| *id == provider_id);
        if let Some(name) = paths.filter_map(own).next() {
            rest = name;
            push(rest);
        }
        if let Some((_, same)) = SAME.iter().find(|(name, _)| *name == rest) {
            push(same);
        }
        if provider_id == "aws" {
            if let Some((_, name)) = rest.rsplit_once('/') {
                rest = name;
                push(rest);
            }
            if let Some(name) = without_region(rest) {
                rest = name;
                push(rest);
            }
            if let Some(name) = rest.strip_prefix("anthropic.") {
                push(name);
            }
        }
        if provider_id.starts_with("huggingface_")
            && let Some((name, _)) = rest.rsplit_once(':')
        {
            push(name);
        }
        // OpenRouter's answers do not always say whose model it is.
        if provider_id == "openrouter"
            && !rest.contains('/')
            && let Some((_, maker)) = BEGINNINGS.iter().find(|(start, _)| rest.starts_with(start))
        {
            push(&format!("{maker}/{rest}"));
        }
        // A tuned model has a price of its own: `ft:gpt-4o-mini-2024-07-18:org::id` is `ft:gpt-4o-mini`'s.
        if let Some(tuned) = rest.strip_prefix("ft:") {
            let base = tuned.split(':').next().unwrap_or(tuned);
            push(&format!("ft:{base}"));
            let undated = base
                .rsplit_once('-')
                .filter(|(_, date)| is_like(date, "####"));
            if let Some((base, _)) = undated {
                push(&format!("ft:{base}"));
            }
        }
        heads
    }
}

fn without_region(name: &str) -> Option<&str> {
    REGIONS.iter().find_map(|region| name.strip_prefix(region))
}

/// Whether a name is a moving one: which model it leads to changes.
fn is_latest(name: &str) -> bool {
    name.ends_with("-latest") || name.ends_with("@latest")
}

/// Whether a name is another one with a date.
pub(super) fn is_dated(name: &str, undated: &str) -> bool {
    let rest = name.strip_prefix(undated);
    rest.is_some_and(|rest| DATES.iter().any(|date| is_like(rest, date)))
}

/// How names of one model in time end; `#` is a digit.
static DATES: &[&str] = &[
    "-####",
    "-##-##",
    "-##-20##",
    "-20######",
    "-20##-##-##",
    "@20######",
];

/// Takes one ending off a name.
fn shorten<'a>(provider: &str, name: &'a str) -> Option<&'a str> {
    ENDINGS.iter().find_map(|(whose, ending)| {
        let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
        let tail = name.get(at..)?;
        ((whose.is_empty() || *whose == provider) && is_like(tail, ending)).then(|| &name[..at])
    })
}

fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(have, want)| match want {
                b'#' => have.is_ascii_digit(),
                _ => have == want,
            })
}

/// The text in lower case.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase())
    {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
