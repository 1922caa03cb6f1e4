//! Who serves what, by the address: the provider, and whether it takes `stream_options.include_usage`.

/// What a URL says, in lower case where case does not matter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
}

/// What an API makes of a request for usage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// It depends on the version of the API.
    Azure,
    /// It takes it, and states usage only then.
    Inject,
    /// It states usage unasked.
    NotNeeded,
    /// It rejects it, or may.
    Unsupported,
}

/// One host's habit. In patterns, `*` is any text.
pub(super) struct Host {
    host: &'static str,
    path: &'static str,
    /// By the name that records and prices give it; empty where the stream knows better.
    pub(super) provider: &'static str,
    pub(super) answer: Answer,
}

const fn row(
    host: &'static str,
    path: &'static str,
    provider: &'static str,
    answer: Answer,
) -> Host {
    Host {
        host,
        path,
        provider,
        answer,
    }
}

/// The first row that fits counts.
#[rustfmt::skip]
static HOSTS: &[Host] = {
    use Answer::{Azure, Inject, NotNeeded, Unsupported};
    &[
        row("*.openai.com", "*", "openai", Inject),
        // Older versions answer 400.
        row("*.openai.azure.com", "*", "azure", Azure),
        row("*.cognitiveservices.azure.com", "*", "azure", Azure),
        row("*.azure-api.net", "*", "azure", Azure),
        row("*.services.ai.azure.com", "/openai/*", "azure", Azure),
        // "Extra parameters … are not allowed."
        row("*.services.ai.azure.com", "*", "azure", Unsupported),
        row("*.models.ai.azure.com", "*", "azure", Unsupported),
        row("api.groq.com", "*", "groq", Inject),
        // 422 extra_forbidden.
        row("api.mistral.ai", "*", "mistral", NotNeeded),
        row("api.deepseek.com", "*", "deepseek", Inject),
        row("api.x.ai", "*", "x-ai", Inject),
        row("api.together.xyz", "*", "together", Inject),
        row("api.together.ai", "*", "together", Inject),
        // Some models state none otherwise.
        row("api.fireworks.ai", "*", "fireworks", Inject),
        row("openrouter.ai", "*", "openrouter", NotNeeded),
        row("api.openrouter.ai", "*", "openrouter", NotNeeded),
        // Cumulative usage on many chunks.
        row("api.perplexity.ai", "*", "perplexity", NotNeeded),
        row("api.cerebras.ai", "*", "cerebras", Unsupported),
        // It is reported to hang.
        row("integrate.api.nvidia.com", "*", "nvidia", Unsupported),
        row("api.cohere.*", "*", "cohere", Unsupported),
        row("generativelanguage.googleapis.com", "*", "google", Unsupported),
        // Back ends differ, and so do their prices: the path names one.
        row("router.huggingface.co", "/cerebras/*", "huggingface_cerebras", Unsupported),
        row("router.huggingface.co", "/fireworks-ai/*", "huggingface_fireworks-ai", Unsupported),
        row("router.huggingface.co", "/groq/*", "huggingface_groq", Unsupported),
        row("router.huggingface.co", "/hyperbolic/*", "huggingface_hyperbolic", Unsupported),
        row("router.huggingface.co", "/nebius/*", "huggingface_nebius", Unsupported),
        row("router.huggingface.co", "/novita/*", "huggingface_novita", Unsupported),
        row("router.huggingface.co", "/nscale/*", "huggingface_nscale", Unsupported),
        row("router.huggingface.co", "/ovhcloud/*", "huggingface_ovhcloud", Unsupported),
        row("router.huggingface.co", "/publicai/*", "huggingface_publicai", Unsupported),
        row("router.huggingface.co", "/sambanova/*", "huggingface_sambanova", Unsupported),
        row("router.huggingface.co", "/together/*", "huggingface_together", Unsupported),
        row("router.huggingface.co", "*", "huggingface", Unsupported),
        row("api.sambanova.ai", "*", "sambanova", Inject),
        row("api.moonshot.*", "*", "moonshotai", Inject),
        row("dashscope*.aliyuncs.com", "*", "alibaba", Inject),
        row("*.bigmodel.cn", "*", "zhipuai", Inject),
        row("api.z.ai", "*", "zai", Inject),
        row("api.minimax*", "*", "minimax", Inject),
        row("ark.*.volces.com", "*", "volcengine", Inject),
        row("api.siliconflow.*", "*", "siliconflow", Inject),
        row("*.baseten.co", "*", "baseten", Inject),
        row("*.databricks.com", "*", "databricks", Unsupported),
        row("*.azuredatabricks.net", "*", "databricks", Unsupported),
        row("api.deepinfra.com", "*", "deepinfra", Unsupported),
        row("models.github.ai", "*", "github", Inject),
        row("localhost", "*", "local", Inject),
        row("127.0.0.1", "*", "local", Inject),
        row("[::1]", "*", "local", Inject),
        // Of these no path asks for usage; that they answer is worth knowing.
        row("api.anthropic.com", "*", "anthropic", Unsupported),
        row("*-aiplatform.googleapis.com", "*", "google", Unsupported),
        row("aiplatform.googleapis.com", "*", "google", Unsupported),
        row("bedrock-runtime*.amazonaws.com", "*", "aws", Unsupported),
        row("api.replicate.com", "*", "replicate", Unsupported),
        row("ai-gateway.vercel.sh", "*", "vercel", Unsupported),
        // What they make of the field is not known.
        row("api.arcee.ai", "*", "arcee", Unsupported),
        row("api.avian.io", "*", "avian", Unsupported),
        row("api.cloudflare.com", "/client/v4/accounts/*/ai/*", "cloudflare", Unsupported),
        row("api.cursor.com", "*", "cursor", Unsupported),
        row("api.doubleword.ai", "*", "doubleword", Unsupported),
        row("api.elevenlabs.io", "*", "elevenlabs", Unsupported),
        row("api.*.elevenlabs.io", "*", "elevenlabs", Unsupported),
        row("*.githubcopilot.com", "*", "github-copilot", Unsupported),
        row("*.googleapis.com", "*", "google", Unsupported),
        row("api.meta.ai", "*", "meta", Unsupported),
        row("*.modal.run", "*", "modal", Unsupported),
        row("*.modal.direct", "*", "modal", Unsupported),
        row("api.novita.ai", "*", "novita", Unsupported),
        row("oai.endpoints.kepler.ai.cloud.ovh.net", "*", "ovhcloud", Unsupported),
        row("api.quicksilverpro.io", "*", "quicksilverpro", Unsupported),
        row("api.typesafe.ai", "*", "typesafe", Unsupported),
        row("api.voyageai.com", "*", "voyageai", Unsupported),
    ]
};

/// Paths of APIs that state usage unasked, and may reject the field.
const UNASKED: &[&str] = &[
    "*/messages",
    "*/responses",
    "*:generatecontent",
    "*:streamgeneratecontent",
    "*:rawpredict",
    "*:streamrawpredict",
    "*/interactions",
    "/api/chat",
    "/api/generate",
    "/v1/chat",
    "/v2/chat",
    "*/converse",
    "*/converse-stream",
    "*/invoke",
    "*/invoke-with-response-stream",
];

/// What stands before a model's name in a path, and what may stand after it.
const MODELS: &[(&str, &[char])] = &[
    ("/deployments/", &['/']),
    // Bedrock's names hold colons.
    ("/model/", &['/']),
    ("/models/", &[':', '/']),
];

/// What stands in a host's name before a region and after it.
const REGIONS: &[(&str, &str)] = &[
    ("", ".api.openai.com"),
    ("", "-aiplatform.googleapis.com"),
    ("aiplatform.", ".rep.googleapis.com"),
    ("bedrock-runtime.", ".amazonaws.com"),
    ("bedrock-runtime-fips.", ".amazonaws.com"),
    ("bedrock-mantle.", ".api.aws"),
];

/// The first version of Azure's API that takes the field.
const AZURE_SINCE: &str = "2024-09-01";

impl Address {
    /// Reads a URL as loosely as curl does.
    pub(super) fn read(url: &str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let end = match host.find(']') {
            Some(end) => end + 1,
            None => host.find(':').unwrap_or(host.len()),
        };
        Self {
            host: host[..end].trim_end_matches('.').to_ascii_lowercase(),
            path: path.to_owned(),
            query: query.to_owned(),
        }
    }

    /// The host's row.
    pub(super) fn host(&self) -> Option<&'static Host> {
        HOSTS
            .iter()
            .find(|row| matches(row.host, &self.host) && matches(row.path, &self.path))
    }

    /// Whether the path is one whose API takes the field.
    pub(super) fn asks(&self) -> bool {
        self.is_among(&["*/completions"])
    }

    /// Whether the path is one whose API states usage unasked.
    pub(super) fn states_unasked(&self) -> bool {
        self.is_among(UNASKED)
    }

    /// Whether Azure takes the field here.
    pub(super) fn is_recent_azure(&self) -> bool {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let version = pairs.find(|(name, _)| name.eq_ignore_ascii_case("api-version"));
        self.path.starts_with("/openai/v1/")
            || version.is_some_and(|(_, version)| {
                // Versions are dates, with -preview after them.
                version.starts_with("20") && version.get(..10).unwrap_or_default() >= AZURE_SINCE
            })
    }

    /// The model, where it stands in the path.
    pub(super) fn model(&self) -> Option<String> {
        MODELS.iter().find_map(|(before, after)| {
            let (_, rest) = self.path.split_once(before)?;
            let name = rest.split(*after).next().unwrap_or_default();
            (!name.is_empty()).then(|| percent_decoded(name))
        })
    }

    /// The region that the host is in, or that stands in the path.
    pub(super) fn region(&self) -> Option<String> {
        let hosted = REGIONS.iter().find_map(|(before, after)| {
            let name = self.host.strip_prefix(before)?.strip_suffix(after)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            (!name.is_empty() && name.chars().all(plain)).then_some(name)
        });
        let pathed = || {
            let (_, rest) = self.path.split_once("/locations/")?;
            rest.split('/').next()
        };
        let google = self.host.ends_with("googleapis.com");
        hosted
            .or_else(|| pathed().filter(|_| google))
            .map(str::to_owned)
    }

    fn is_among(&self, patterns: &[&str]) -> bool {
        let path = self.path.trim_end_matches('/').to_ascii_lowercase();
        patterns.iter().any(|pattern| matches(pattern, &path))
    }
}

/// Whether `text` is what the pattern says, where `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at);
            rest.is_empty() || ends.any(|at| matches(rest, &text[at..]))
        }),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let byte = coded.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        match byte {
            Some(Ok(byte)) => {
                bytes.push(byte);
                rest = &coded[2..];
            }
            _ => {
                bytes.push(b'%');
                rest = coded;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for (url, region) in [
            ("https://api.openai.com/v1/responses", None),
            ("https://eu.api.openai.com/v1/responses", Some("eu")),
            (
                "https://europe-west1-aiplatform.googleapis.com/v1/x",
                Some("europe-west1"),
            ),
            ("https://aiplatform.us.rep.googleapis.com/v1/x", Some("us")),
            (
                "https://aiplatform.googleapis.com/v1/projects/p/locations/global/x",
                Some("global"),
            ),
            (
                "https://bedrock-runtime.us-gov-west-1.amazonaws.com/model/m/converse",
                Some("us-gov-west-1"),
            ),
            ("https://example.com/locations/mars/x", None),
        ] {
            assert_eq!(Address::read(url).region().as_deref(), region, "{url}");
        }
    }

    #[test]
    fn addresses() {
        for (url, host, path, query) in [
            ("https://api.openai.com/v1/x", "api.openai.com", "/v1/x", ""),
            ("API.OpenAI.com.:443/a?b#c", "api.openai.com", "/a", "b"),
            ("http://u:p@[::1]:80/a/", "[::1]", "/a/", ""),
            ("localhost:8080", "localhost", "", ""),
            ("http://h?q=/x", "h", "", "q=/x"),
            // Not this host's name is asked, but the one after the @.
            ("http://api.openai.com@evil/x", "evil", "/x", ""),
            (
                "http://evil/@api.openai.com",
                "evil",
                "/@api.openai.com",
                "",
            ),
        ] {
            let address = Address::read(url);
            let parts = [address.host, address.path, address.query];
            assert_eq!(parts, [host, path, query], "{url}");
        }
    }

    /// An address of every provider whose prices are known by its address.
    #[test]
    fn providers() {
        for (url, provider) in [
            ("api.anthropic.com/v1/messages", "anthropic"),
            ("api.arcee.ai/v1/chat/completions", "arcee"),
            ("api.avian.io/v1/chat/completions", "avian"),
            (
                "bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse",
                "aws",
            ),
            ("x.openai.azure.com/openai/v1/responses", "azure"),
            ("x.azure-api.net/openai/v1/responses", "azure"),
            ("x.services.ai.azure.com/models/chat/completions", "azure"),
            ("inference.baseten.co/v1/chat/completions", "baseten"),
            ("api.cerebras.ai/v1/chat/completions", "cerebras"),
            (
                "api.cloudflare.com/client/v4/accounts/7/ai/run/@cf/m",
                "cloudflare",
            ),
            ("api.cohere.ai/v2/chat", "cohere"),
            ("api.cursor.com/v1", "cursor"),
            ("x.cloud.databricks.com/serving-endpoints/m", "databricks"),
            ("api.deepseek.com/chat/completions", "deepseek"),
            ("api.doubleword.ai/v1/chat/completions", "doubleword"),
            ("api.eu.residency.elevenlabs.io/v1", "elevenlabs"),
            (
                "api.fireworks.ai/inference/v1/chat/completions",
                "fireworks",
            ),
            ("api.githubcopilot.com/chat/completions", "github-copilot"),
            ("generativelanguage.googleapis.com/v1beta/models", "google"),
            (
                "us-central1-aiplatform.googleapis.com/v1/projects",
                "google",
            ),
            ("api.groq.com/openai/v1/chat/completions", "groq"),
            (
                "router.huggingface.co/nebius/v1/chat/completions",
                "huggingface_nebius",
            ),
            (
                "router.huggingface.co/fireworks-ai/v1/chat/completions",
                "huggingface_fireworks-ai",
            ),
            ("router.huggingface.co/v1/chat/completions", "huggingface"),
            ("api.meta.ai/v1/chat/completions", "meta"),
            ("api.minimaxi.com/v1/chat/completions", "minimax"),
            ("api.mistral.ai/v1/chat/completions", "mistral"),
            ("x--serve.modal.run/v1/chat/completions", "modal"),
            ("api.moonshot.cn/v1/chat/completions", "moonshotai"),
            ("api.novita.ai/v3/openai/chat/completions", "novita"),
            ("api.openai.com/v1/responses", "openai"),
            ("openrouter.ai/api/v1/chat/completions", "openrouter"),
            (
                "oai.endpoints.kepler.ai.cloud.ovh.net/v1/chat/completions",
                "ovhcloud",
            ),
            ("api.perplexity.ai/chat/completions", "perplexity"),
            (
                "api.quicksilverpro.io/v1/chat/completions",
                "quicksilverpro",
            ),
            ("api.together.xyz/v1/chat/completions", "together"),
            ("api.typesafe.ai/v1", "typesafe"),
            ("api.voyageai.com/v1/embeddings", "voyageai"),
            ("api.x.ai/v1/chat/completions", "x-ai"),
            ("api.z.ai/api/paas/v4/chat/completions", "zai"),
            ("open.bigmodel.cn/api/paas/v4/chat/completions", "zhipuai"),
        ] {
            let address = Address::read(&format!("https://{url}"));
            let found = address.host().map(|row| row.provider);
            assert_eq!(found, Some(provider), "{url}");
        }
    }

    #[test]
    fn models_in_paths() {
        for (path, want) in [
            (
                "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
                "gemini-2.5-pro",
            ),
            (
                "/model/us.anthropic.x-v1%3A0/converse-stream",
                "us.anthropic.x-v1:0",
            ),
            ("/openai/deployments/my-gpt/chat/completions", "my-gpt"),
        ] {
            assert_eq!(
                Address::read(&format!("h{path}")).model().as_deref(),
                Some(want)
            );
        }
        assert_eq!(Address::read("h/v1/chat/completions").model(), None);
    }
}
