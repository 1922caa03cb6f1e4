//! Servers on this machine: most run open models, and some pass requests on to those who sell theirs.

/// The provider of what such a server runs itself.
pub(super) const LOCAL: &str = "local";

/// Servers that run models, by the names their dialects give them.
const SERVERS: &[&str] = &["llama.cpp", "lmstudio", "ollama", "vllm"];

/// Beginnings of the names of models whose weights are nobody's but their maker's.
const SOLD_ALONE: &[&str] = &["chatgpt-", "claude-", "gemini-"];

/// Whether a provider is a server that runs models here.
pub(super) fn is_server(provider: &str) -> bool {
    SERVERS.contains(&provider)
}

/// Whether a model of this name is to be had from its maker alone, or from whom the maker has it sold.
pub(super) fn is_sold_alone(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let digit = |rest: &str| rest.starts_with(|char: char| char.is_ascii_digit());
    // gpt-oss, gpt-j and gpt-neox are open; so may be what begins with an o and goes on otherwise.
    let is_gpt = name.strip_prefix("gpt-").is_some_and(digit);
    let is_o = name.strip_prefix('o').is_some_and(|rest| {
        let after = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        digit(rest) && (after.is_empty() || after.starts_with('-'))
    });
    is_gpt || is_o || SOLD_ALONE.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sold_alone() {
        for model in [
            "gpt-4o-mini",
            "openai/gpt-5",
            "o3",
            "o4-mini",
            "claude-haiku-4-5",
            "gemini-2.5-pro",
        ] {
            assert!(is_sold_alone(model), "{model}");
        }
        for model in [
            "gpt-oss-20b",
            "gpt-j-6b",
            "gpt2",
            "olmo-2",
            "o",
            "qwen3",
            "llama3.2:1b",
            "",
        ] {
            assert!(!is_sold_alone(model), "{model}");
        }
    }
}
