//! The roster of dialects. A new provider is one file beside this one, its line here, and a capture in `testdata/`.

mod anthropic;
mod azure;
mod bedrock;
mod cerebras;
mod cloudflare;
mod cohere;
mod deepseek;
mod fireworks;
mod gemini;
mod gemini_interactions;
mod groq;
mod llama_cpp;
mod mistral;
mod moonshot;
mod ollama;
mod openai_assistants;
mod openai_chat;
mod openai_completions;
mod openai_media;
mod openai_responses;
mod openrouter;
mod perplexity;
mod replicate;
pub(crate) mod rule;
mod tgi;
mod together;
mod vercel;
mod vllm;
mod watsonx;
mod xai;
mod zai;

use std::sync::OnceLock;

use super::json::Json;
use super::tree::Tree;
pub(crate) use rule::{Charge, Dialect, Done, Means, Rule};

/// Every dialect, in the order in which they are asked: those with the narrower signs first.
static ROSTER: &[&Dialect] = &[
    &anthropic::ON_VERTEX,
    &anthropic::ON_BEDROCK,
    &anthropic::MESSAGES,
    &anthropic::COMPLETE,
    &openai_responses::XAI,
    &openai_responses::OPENROUTER,
    &openai_responses::OPENAI,
    &openai_responses::RESPONSES,
    &cohere::V2,
    &gemini_interactions::INTERACTIONS,
    &cohere::V1,
    &openai_media::IMAGES,
    &openai_media::TRANSCRIPTIONS,
    &openai_media::SPEECH,
    &gemini::GEMINI,
    &gemini::EMBEDDINGS,
    &openai_completions::COMPLETIONS,
    &vercel::VERCEL,
    &openrouter::OPENROUTER,
    &groq::GROQ,
    &azure::AZURE,
    &watsonx::CHAT,
    &perplexity::PERPLEXITY,
    &cerebras::CEREBRAS,
    &deepseek::DEEPSEEK,
    &xai::XAI,
    &moonshot::MOONSHOT,
    &mistral::MISTRAL,
    &fireworks::FIREWORKS,
    &together::TOGETHER,
    &zai::ZAI,
    &vllm::VLLM,
    &llama_cpp::CHAT,
    &openai_chat::OLLAMA,
    &openai_chat::OPENAI,
    &openai_chat::CHAT,
    &ollama::CHAT,
    &ollama::GENERATE,
    &ollama::EMBED,
    &tgi::TGI,
    &llama_cpp::COMPLETION,
    &watsonx::GENERATION,
    &bedrock::NOVA,
    &bedrock::NATIVE,
    &bedrock::CONVERSE,
    &replicate::REPLICATE,
    &openai_assistants::ASSISTANTS,
    &cohere::GENERATE,
    &cohere::EMBED,
    &cohere::RERANK,
    &openai_media::EMBEDDINGS,
    &openai_media::RERANK,
    &cloudflare::CLOUDFLARE,
];

/// The dialect an event speaks, by its JSON and the name its framing gave it. Where the response has been
/// speaking one, that is held to as long as it fits.
pub(crate) fn recognise(
    json: Json<'_>,
    name: &str,
    known: Option<&'static Dialect>,
) -> Option<&'static Dialect> {
    if let Some(known) = known.filter(|known| !known.generic && known.is_kin(json, name)) {
        return Some(known);
    }
    roll().call(json, name)
}

/// The dialect that a record names: its API's, as its provider speaks it.
pub(crate) fn named(api: Option<&str>, provider: Option<&str>) -> Option<&'static Dialect> {
    let speaks = |dialect: &&&Dialect| Some(dialect.api) == api;
    let own = |dialect: &&&Dialect| Some(dialect.provider) == provider;
    let mut kin = ROSTER.iter().filter(speaks);
    let found = kin.clone().find(own).or_else(|| kin.next_back());
    found.copied()
}

/// The dialect of a stream whose events are plain text.
pub(crate) fn text_stream() -> &'static Dialect {
    &replicate::REPLICATE
}

/// The signs of the whole roster, made ready for one walk over an event.
struct Roll {
    tree: Tree,
    /// For each dialect its signs.
    signs: Vec<Vec<Sign>>,
    paths: usize,
}

/// Tests that must all hold, each with the path it looks at.
type Sign = Vec<(&'static rule::Test, Option<u16>)>;

fn roll() -> &'static Roll {
    static ROLL: OnceLock<Roll> = OnceLock::new();
    ROLL.get_or_init(|| {
        let mut paths: Vec<&'static str> = Vec::new();
        let mut place = |test: &'static rule::Test| {
            let path = test.path()?;
            let known = paths.iter().position(|known| *known == path);
            let at = known.unwrap_or_else(|| {
                paths.push(path);
                paths.len() - 1
            });
            Some(at as u16)
        };
        let mut signs = Vec::new();
        for dialect in ROSTER {
            let tests = |sign: &&'static [rule::Test]| {
                sign.iter().map(|test| (test, place(test))).collect()
            };
            signs.push(dialect.signs.iter().map(tests).collect());
        }
        Roll {
            signs,
            paths: paths.len(),
            tree: Tree::new(paths),
        }
    })
}

impl Roll {
    /// The first dialect of which a sign holds.
    fn call(&self, json: Json<'_>, name: &str) -> Option<&'static Dialect> {
        let mut hits = Vec::with_capacity(32);
        self.tree.find(json, &mut hits);
        let mut values = vec![None; self.paths];
        for (path, hit) in hits {
            values[usize::from(path)].get_or_insert(hit.value);
        }
        let holds = |(test, path): &(&rule::Test, Option<u16>)| {
            test.holds(path.and_then(|path| values[usize::from(path)]), name)
        };
        let speaks = |signs: &Vec<Vec<_>>| signs.iter().any(|sign| sign.iter().all(holds));
        let at = self.signs.iter().position(speaks)?;
        ROSTER.get(at).copied()
    }
}
