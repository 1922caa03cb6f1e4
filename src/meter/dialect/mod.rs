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
pub(crate) mod recognise;
mod reka;
mod replicate;
pub(crate) mod rule;
mod tgi;
mod together;
mod vercel;
mod vllm;
mod watsonx;
mod xai;

use rule::Dialect;

/// Every dialect, in the order in which they are asked: those with the narrower signs first.
pub(crate) static ROSTER: &[&Dialect] = &[
    &anthropic::COPILOT,
    &anthropic::ON_VERTEX,
    &anthropic::ON_BEDROCK,
    &anthropic::MESSAGES,
    &anthropic::COMPLETE,
    &openai_responses::COPILOT,
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

/// Whether a dialect has narrower signs than another one.
pub(crate) fn is_narrower(one: &'static Dialect, other: &'static Dialect) -> bool {
    let place = |dialect| ROSTER.iter().position(|row| std::ptr::eq(*row, dialect));
    place(one) < place(other)
}

/// Whether others speak this dialect's API, each with a sign of its own.
pub(crate) fn is_shared(dialect: &'static Dialect) -> bool {
    let is_other = |other: &&'static Dialect| {
        other.api == dialect.api
            && other.provider != dialect.provider
            && is_narrower(other, dialect)
    };
    ROSTER.iter().any(is_other)
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

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    /// What one API's events look like is no sign of another one: it would be taken for its own.
    #[test]
    fn a_family_is_of_one_api() {
        let kin = ["openai.chat", "openai.completions"];
        for one in ROSTER.iter().filter(|one| !one.family.is_empty()) {
            for other in ROSTER.iter().filter(|other| other.api != one.api) {
                let alike = ptr::eq(one.family, other.family);
                let related = kin.contains(&one.api) && kin.contains(&other.api);
                assert!(!alike || related, "{} and {}", one.api, other.api);
            }
        }
    }
}
