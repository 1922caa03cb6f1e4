//! The roster of dialects. A new provider is one file beside this one, its line here, and a capture in `testdata/`.

mod anthropic;
mod azure;
mod bedrock;
mod cerebras;
mod cloudflare;
mod cohere;
mod dashscope;
mod deepseek;
mod dify;
mod ernie;
mod fireworks;
mod gemini;
mod gemini_interactions;
mod groq;
mod hunyuan;
mod llama_cpp;
mod lm_studio;
mod minimax;
mod mistral;
mod ollama;
mod openai_assistants;
mod openai_chat;
mod openai_completions;
mod openai_media;
mod openai_responses;
mod openrouter;
mod perplexity;
mod reka;
mod replicate;
pub(crate) mod rule;
mod tgi;
mod together;
mod vercel;
mod vllm;
mod watsonx;
mod xai;

use std::collections::HashMap;
use std::sync::OnceLock;

use rule::Test;

use super::json::{Json, Step};
use super::tree::Tree;
pub(crate) use rule::{Dialect, Done, Means, Rule, Way};

/// Every dialect, in the order in which they are asked: those with the narrower signs first.
static ROSTER: &[&Dialect] = &[
    &anthropic::ON_VERTEX,
    &anthropic::ON_BEDROCK,
    &anthropic::MESSAGES,
    &anthropic::COMPLETE,
    &openai_responses::XAI,
    &openai_responses::OPENROUTER,
    &openai_responses::AZURE,
    &openai_responses::DEEPSEEK,
    &openai_responses::OPENAI,
    &openai_responses::RESPONSES,
    &cohere::V2,
    &gemini_interactions::INTERACTIONS,
    &cohere::V1,
    &mistral::CONVERSATIONS,
    &openai_media::XAI_IMAGES,
    &openai_media::IMAGES,
    &openai_media::GROQ_TRANSCRIPTIONS,
    &openai_media::TRANSCRIPTIONS,
    &openai_media::SPEECH,
    &gemini::GEMINI,
    &gemini::EMBEDDINGS,
    &openai_completions::COMPLETIONS,
    &vercel::VERCEL,
    &openrouter::OPENROUTER,
    &groq::GROQ,
    &azure::COPILOT,
    &azure::AZURE,
    &watsonx::CHAT,
    &perplexity::PERPLEXITY,
    &cerebras::CEREBRAS,
    &deepseek::DEEPSEEK,
    &xai::XAI,
    &minimax::MINIMAX,
    &mistral::MISTRAL,
    &fireworks::FIREWORKS,
    &together::TOGETHER,
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
    &bedrock::EMBEDDINGS,
    &bedrock::NATIVE,
    &bedrock::CONVERSE,
    &replicate::REPLICATE,
    &dashscope::DASHSCOPE,
    &ernie::ERNIE,
    &hunyuan::HUNYUAN,
    &reka::REKA,
    &lm_studio::LM_STUDIO,
    &dify::DIFY,
    &openai_assistants::ASSISTANTS,
    &cohere::GENERATE,
    &cohere::EMBED,
    &cohere::RERANK,
    &openai_media::OPENROUTER_EMBEDDINGS,
    &openai_media::EMBEDDINGS,
    &openai_media::RERANK,
    &openai_media::OCR,
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

/// Whether a dialect has narrower signs than another one.
pub(crate) fn is_narrower(one: &'static Dialect, other: &'static Dialect) -> bool {
    let place = |dialect| ROSTER.iter().position(|row| std::ptr::eq(*row, dialect));
    place(one) < place(other)
}

/// As [`recognise`], of an event that was cut off: of such a one it cannot be told what it lacks.
pub(crate) fn recognise_cut(
    json: Json<'_>,
    name: &str,
    known: Option<&'static Dialect>,
) -> Option<&'static Dialect> {
    if let Some(known) = known.filter(|known| known.is_kin(json, name)) {
        return Some(known);
    }
    let likely = roll().call(json, name)?;
    let certain = ROSTER.iter().find(|dialect| dialect.has_sign(json, name));
    certain.copied().filter(|certain| certain.api == likely.api)
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

/// What the roster asks of members of one name, wherever they stand.
#[derive(Default)]
pub(crate) struct Mention {
    /// Their texts are asked about.
    pub(crate) tests: Vec<&'static Test>,
    /// What they say decides what other members mean.
    pub(crate) decides: bool,
}

/// What the roster asks of members of this name; `None` where no table has the name.
pub(crate) fn mention(key: &str) -> Option<&'static Mention> {
    static MENTIONS: OnceLock<HashMap<&'static str, Mention>> = OnceLock::new();
    MENTIONS.get_or_init(mentions).get(key)
}

fn mentions() -> HashMap<&'static str, Mention> {
    // What stands under no name, as an array's items do, is as good as mentioned.
    let mut all = HashMap::from([("", Mention::default())]);
    let mut tables: Vec<&[Rule]> = Vec::new();
    for dialect in ROSTER {
        let signs = [
            dialect.signs,
            dialect.family,
            dialect.begins,
            dialect.pieces,
        ];
        let tests: Vec<_> = signs.into_iter().flatten().copied().flatten().collect();
        // Most dialects share their rules with another one.
        let known = tables
            .iter()
            .any(|table| std::ptr::eq(*table, dialect.rules));
        let rules = if known { &[] } else { dialect.rules };
        tables.push(rules);
        let ruled = rules.iter().flat_map(|rule| rule.paths);
        let tested = tests.iter().filter_map(|test| test.path());
        for path in ruled.copied().chain(tested).chain([dialect.kind]) {
            for Step { key, condition } in Step::of(path) {
                all.entry(key).or_default();
                for condition in condition.into_iter().flat_map(|it| it.split('&')) {
                    let condition = condition.trim_start_matches('!');
                    let (path, is) = condition.split_once('=').unwrap_or((condition, ""));
                    for key in path.trim_end_matches('!').split('.') {
                        all.entry(key).or_default().decides |= !is.is_empty();
                    }
                }
            }
        }
        for rule in rules {
            if let Means::UsageKeys(keys) = rule.means {
                for key in keys {
                    all.entry(key).or_default();
                }
            }
        }
        if let Some(step) = Step::of(dialect.kind).last() {
            all.entry(step.key).or_default().decides = true;
        }
        for test in tests {
            let last = test.path().and_then(|path| Step::of(path).last());
            if let (Some(step), Test::Is(..) | Test::Starts(..)) = (last, test) {
                let tests = &mut all.entry(step.key).or_default().tests;
                if !tests.iter().any(|known| known.asks_like(test)) {
                    tests.push(test);
                }
            }
        }
    }
    all
}

/// The signs of the whole roster, made ready for one walk over an event.
struct Roll {
    tree: Tree,
    /// For each path the signs that need something to stand there, and last those that need nothing.
    signs: Vec<Vec<Sign>>,
}

/// A sign of a dialect, by the dialect's place in the roster.
struct Sign {
    dialect: usize,
    /// All must hold, each of what stands at its path.
    tests: Vec<(&'static Test, Option<u16>)>,
}

fn roll() -> &'static Roll {
    static ROLL: OnceLock<Roll> = OnceLock::new();
    ROLL.get_or_init(|| {
        let mut paths: Vec<&'static str> = Vec::new();
        let mut place = |test: &'static Test| {
            let path = test.path()?;
            let known = paths.iter().position(|known| *known == path);
            let at = known.unwrap_or_else(|| {
                paths.push(path);
                paths.len() - 1
            });
            Some(at as u16)
        };
        let mut all = Vec::new();
        for (dialect, row) in ROSTER.iter().enumerate() {
            for sign in row.signs {
                let tests = sign.iter().map(|test| (test, place(test))).collect();
                all.push(Sign { dialect, tests });
            }
        }
        let needs = |sign: &Sign| {
            let given = |(test, at): &(&Test, Option<u16>)| at.filter(|_| test.needs_value());
            sign.tests.iter().filter_map(given).collect::<Vec<_>>()
        };
        let mut asked = vec![0; paths.len()];
        for at in all.iter().flat_map(needs) {
            asked[usize::from(at)] += 1;
        }
        let mut signs: Vec<Vec<Sign>> = Vec::new();
        signs.resize_with(paths.len() + 1, Vec::new);
        for sign in all {
            // Under the path that tells most.
            let at = needs(&sign)
                .into_iter()
                .min_by_key(|at| asked[usize::from(*at)]);
            signs[at.map_or(paths.len(), usize::from)].push(sign);
        }
        let tree = Tree::new(paths);
        Roll { tree, signs }
    })
}

impl Roll {
    /// The first dialect of which a sign holds.
    fn call(&self, json: Json<'_>, name: &str) -> Option<&'static Dialect> {
        // Within the 1 KiB that malloc keeps at hand.
        let mut hits = Vec::with_capacity(16);
        self.tree.find(json, &mut hits);
        let at = |path: u16| hits.iter().find(|hit| hit.0 == path).map(|hit| hit.1.value);
        let holds = |(test, path): &(&Test, Option<u16>)| test.holds(path.and_then(at), name);
        let mut first = ROSTER.len();
        let present = hits.iter().map(|(path, _)| usize::from(*path));
        let always = self.signs.len() - 1;
        for sign in present.chain([always]).flat_map(|at| &self.signs[at]) {
            if sign.dialect < first && sign.tests.iter().all(holds) {
                first = sign.dialect;
            }
        }
        ROSTER.get(first).copied()
    }
}
