//! Holders of counts without a body: what each calls them.
//!
//! A holder is a table: members that it has, and for each count the places where it may stand. The same table reads an
//! object and a row of CSV.

use std::borrow::Cow;

use super::json::{Object, items, member, members, string};
use crate::meter::{Charged, Created, EndedBy, Failure, Measure, Reading, Status};

/// What one holder calls what.
pub(super) struct Table {
    /// Places where something stands, and what, if that matters.
    signs: &'static [(&'static str, &'static [&'static str])],
    /// Places where nothing may stand, or not these words.
    lacks: &'static [(&'static str, &'static [&'static str])],
    columns: &'static [(Field, &'static [&'static str])],
    /// Places of the API's own body, which says more.
    pub(super) body: &'static [&'static str],
    /// Places below which others may be.
    pub(super) within: &'static [&'static str],
    provider: Option<&'static str>,
    tier: Option<&'static str>,
}

/// What a place holds.
#[derive(Clone, Copy)]
enum Field {
    /// The first place that holds a number counts.
    Count(Measure),
    /// The numbers of all places are added up.
    Sum(Measure),
    Cost,
    Created,
    Error,
    Finish,
    Id,
    Model,
    Provider,
    RequestModel,
}

use Field::{Cost, Count, Error, Finish, Id, Model, Provider, RequestModel, Sum};
use Measure::{
    AudioInput, AudioOutput, CacheRead, CacheWrite, CacheWrite1h, Input, Output, Reasoning,
    WebSearches,
};

const PLAIN: Table = Table {
    signs: &[],
    lacks: &[],
    columns: &[],
    body: &[],
    within: &[],
    provider: None,
    tier: None,
};

/// Every table, the narrower signs first.
static TABLES: &[Table] = &[
    // https://docs.litellm.ai/docs/proxy/cost_tracking
    Table {
        signs: &[("call_type", &[]), ("spend", &[]), ("prompt_tokens", &[])],
        columns: &[
            (Id, &["request_id"]),
            (Model, &["model"]),
            (RequestModel, &["model_group"]),
            (Provider, &["custom_llm_provider"]),
            (Field::Created, &["startTime"]),
            (Count(Input), &["prompt_tokens"]),
            (Count(Output), &["completion_tokens"]),
            (
                Count(CacheRead),
                &[
                    "metadata/usage_object/prompt_tokens_details/cached_tokens",
                    "metadata/usage_object/cache_read_input_tokens",
                    "metadata/additional_usage_values/cache_read_input_tokens",
                    "metadata/additional_usage_values/prompt_tokens_details/cached_tokens",
                ],
            ),
            (
                Count(CacheWrite),
                &[
                    "metadata/usage_object/cache_creation_input_tokens",
                    "metadata/additional_usage_values/cache_creation_input_tokens",
                ],
            ),
            (
                Count(Reasoning),
                &["metadata/usage_object/completion_tokens_details/reasoning_tokens"],
            ),
            (Cost, &["spend"]),
            (Error, &["metadata/error_information/error_message"]),
        ],
        ..PLAIN
    },
    // https://learn.microsoft.com/azure/api-management/api-management-howto-llm-logs
    Table {
        signs: &[
            ("properties/promptTokens", &[]),
            ("properties/modelName", &[]),
        ],
        columns: &[
            (Id, &["properties/correlationId"]),
            (Model, &["properties/modelName"]),
            (RequestModel, &["properties/deploymentName"]),
            (Field::Created, &["time"]),
            (Count(Input), &["properties/promptTokens"]),
            (Count(Output), &["properties/completionTokens"]),
        ],
        ..PLAIN
    },
    Table {
        signs: &[
            ("PromptTokens", &[]),
            ("CompletionTokens", &[]),
            ("ModelName", &[]),
        ],
        columns: &[
            (Id, &["CorrelationId"]),
            (Model, &["ModelName"]),
            (RequestModel, &["DeploymentName"]),
            (Field::Created, &["TimeGenerated", "TimeGenerated [UTC]"]),
            (Count(Input), &["PromptTokens"]),
            (Count(Output), &["CompletionTokens"]),
        ],
        ..PLAIN
    },
    // https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/account/ai_gateway_events/
    Table {
        signs: &[("TokensIn", &[]), ("TokensOut", &[]), ("Model", &[])],
        columns: &[
            (Id, &["ID"]),
            (Model, &["Model"]),
            (Provider, &["Provider"]),
            (Field::Created, &["CreatedAt"]),
            (Count(Input), &["TokensIn"]),
            (Count(Output), &["TokensOut"]),
            (Cost, &["Cost"]),
        ],
        ..PLAIN
    },
    // https://developers.cloudflare.com/api/resources/ai_gateway/
    Table {
        signs: &[("tokens_in", &[]), ("tokens_out", &[]), ("model", &[])],
        columns: &[
            (Id, &["id"]),
            (Model, &["model"]),
            (Provider, &["provider"]),
            (Field::Created, &["created_at"]),
            (Count(Input), &["tokens_in"]),
            (Count(Output), &["tokens_out"]),
            (Cost, &["cost"]),
        ],
        ..PLAIN
    },
    // https://docs.helicone.ai/rest/request/post-v1requestquery
    Table {
        signs: &[("request_created_at", &[]), ("prompt_tokens", &[])],
        body: &["response_body"],
        columns: &[
            (Id, &["response_id", "request_id"]),
            (Model, &["response_model", "model", "request_model"]),
            (RequestModel, &["request_model"]),
            (Provider, &["provider"]),
            (
                Field::Created,
                &["response_created_at", "request_created_at"],
            ),
            (Count(Input), &["prompt_tokens"]),
            (Count(Output), &["completion_tokens"]),
            (Count(CacheRead), &["prompt_cache_read_tokens"]),
            (Count(CacheWrite), &["prompt_cache_write_tokens"]),
            (Count(AudioInput), &["prompt_audio_tokens"]),
            (Count(AudioOutput), &["completion_audio_tokens"]),
            (Cost, &["cost", "costUSD"]),
        ],
        ..PLAIN
    },
    // https://langfuse.com/docs/model-usage-and-cost: each kind of usage stands beside the others.
    Table {
        signs: &[
            ("type", &["GENERATION", "EMBEDDING"]),
            ("usageDetails", &[]),
        ],
        columns: LANGFUSE,
        ..PLAIN
    },
    Table {
        signs: &[
            ("type", &["GENERATION", "EMBEDDING"]),
            ("usage_details", &[]),
        ],
        columns: LANGFUSE,
        ..PLAIN
    },
    Table {
        signs: &[
            ("type", &["GENERATION", "EMBEDDING"]),
            ("promptTokens", &[]),
            ("traceId", &[]),
        ],
        columns: LANGFUSE,
        ..PLAIN
    },
    Table {
        signs: &[("type", &["GENERATION", "EMBEDDING"]), ("usage/input", &[])],
        columns: LANGFUSE,
        ..PLAIN
    },
    // https://docs.smith.langchain.com/reference/data_formats/run_data_format: runs of other types sum up those below.
    Table {
        signs: &[("run_type", &["llm", "embedding"])],
        within: &["child_runs"],
        columns: &[
            (Id, &["id"]),
            (
                Model,
                &[
                    "outputs/llm_output/model_name",
                    "extra/metadata/ls_model_name",
                    "extra/invocation_params/model",
                    "extra/invocation_params/model_name",
                ],
            ),
            (Provider, &["extra/metadata/ls_provider"]),
            (Field::Created, &["start_time"]),
            (
                Count(Input),
                &[
                    "prompt_tokens",
                    "extra/metadata/usage_metadata/input_tokens",
                    LANGCHAIN_IN,
                ],
            ),
            (
                Count(Output),
                &[
                    "completion_tokens",
                    "extra/metadata/usage_metadata/output_tokens",
                    LANGCHAIN_OUT,
                ],
            ),
            (
                Count(CacheRead),
                &[
                    "prompt_token_details/cache_read",
                    "extra/metadata/usage_metadata/input_token_details/cache_read",
                ],
            ),
            (
                Count(CacheWrite),
                &[
                    "prompt_token_details/cache_creation",
                    "extra/metadata/usage_metadata/input_token_details/cache_creation",
                ],
            ),
            (
                Count(Reasoning),
                &[
                    "completion_token_details/reasoning",
                    "extra/metadata/usage_metadata/output_token_details/reasoning",
                ],
            ),
            (Cost, &["total_cost"]),
            (Error, &["error"]),
        ],
        ..PLAIN
    },
    Table {
        signs: &[("run_type", &[]), ("start_time", &[])],
        within: &["child_runs"],
        ..PLAIN
    },
    // https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/: an agent's span sums up those below.
    Table {
        signs: &[("attributes/gen_ai.usage.input_tokens", &[])],
        lacks: AGENTS,
        columns: SPANS,
        ..PLAIN
    },
    Table {
        signs: &[("attributes/gen_ai.usage.output_tokens", &[])],
        lacks: AGENTS,
        columns: SPANS,
        ..PLAIN
    },
    Table {
        signs: &[("attributes/gen_ai.usage.prompt_tokens", &[])],
        lacks: AGENTS,
        columns: SPANS,
        ..PLAIN
    },
    // A call that failed has no counts.
    Table {
        signs: &[
            ("attributes/error.type", &[]),
            (
                "attributes/gen_ai.operation.name",
                &["chat", "text_completion", "generate_content", "embeddings"],
            ),
        ],
        columns: SPANS,
        ..PLAIN
    },
    // https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
    Table {
        signs: &[
            ("attributes/llm.token_count.prompt", &[]),
            ("attributes/openinference.span.kind", &["LLM", "EMBEDDING"]),
        ],
        columns: &[
            (Id, &["spanId", "context/span_id"]),
            (
                Model,
                &[
                    "attributes/llm.model_name",
                    "attributes/embedding.model_name",
                ],
            ),
            (Provider, &["attributes/llm.provider"]),
            (Field::Created, &["startTimeUnixNano", "start_time"]),
            (Count(Input), &["attributes/llm.token_count.prompt"]),
            (Count(Output), &["attributes/llm.token_count.completion"]),
            (
                Count(CacheRead),
                &["attributes/llm.token_count.prompt_details.cache_read"],
            ),
            (
                Count(CacheWrite),
                &["attributes/llm.token_count.prompt_details.cache_write"],
            ),
            (
                Count(Reasoning),
                &["attributes/llm.token_count.completion_details.reasoning"],
            ),
        ],
        ..PLAIN
    },
    // https://openrouter.ai/activity
    Table {
        signs: &[("generation_id", &[]), ("tokens_prompt", &[])],
        columns: OPENROUTER,
        provider: Some("openrouter"),
        ..PLAIN
    },
    // https://openrouter.ai/docs/api-reference/get-a-generation
    Table {
        signs: &[("native_tokens_prompt", &[]), ("total_cost", &[])],
        columns: OPENROUTER,
        provider: Some("openrouter"),
        ..PLAIN
    },
    // https://llm.datasette.io/en/stable/logging.html
    Table {
        signs: &[("datetime_utc", &[]), ("input_tokens", &[]), ("model", &[])],
        columns: &[
            (Id, &["response_json/id", "id"]),
            (Model, &["resolved_model", "response_json/model", "model"]),
            (RequestModel, &["model"]),
            (Field::Created, &["datetime_utc"]),
            (Count(Input), &["input_tokens"]),
            (Count(Output), &["output_tokens"]),
            (
                Count(CacheRead),
                &[
                    "token_details/prompt_tokens_details/cached_tokens",
                    "token_details/cached_tokens",
                ],
            ),
            (
                Count(Reasoning),
                &["token_details/completion_tokens_details/reasoning_tokens"],
            ),
        ],
        ..PLAIN
    },
    // https://platform.openai.com/docs/api-reference/batch/object
    Table {
        signs: &[("object", &["batch"]), ("usage/input_tokens", &[])],
        columns: &[
            (Id, &["id"]),
            (Model, &["model"]),
            (Field::Created, &["completed_at", "created_at"]),
            (Count(Input), &["usage/input_tokens"]),
            (
                Count(CacheRead),
                &["usage/input_tokens_details/cached_tokens"],
            ),
            (Count(Output), &["usage/output_tokens"]),
            (
                Count(Reasoning),
                &["usage/output_tokens_details/reasoning_tokens"],
            ),
        ],
        tier: Some("batch"),
        ..PLAIN
    },
    Table {
        signs: &[("object", &["batch"]), ("input_file_id", &[])],
        ..PLAIN
    },
    // https://www.promptfoo.dev/docs/configuration/outputs/
    Table {
        signs: &[("provider/id", &[]), ("response/tokenUsage", &[])],
        columns: &[
            (Model, &["provider/id"]),
            (Count(Input), &["response/tokenUsage/prompt"]),
            (Count(Output), &["response/tokenUsage/completion"]),
            (Cost, &["response/cost"]),
            (Error, &["response/error"]),
        ],
        ..PLAIN
    },
    // https://posthog.com/docs/ai-engineering
    Table {
        signs: &[
            ("event", &["$ai_generation", "$ai_embedding"]),
            ("properties/$ai_input_tokens", &[]),
        ],
        columns: &[
            (Id, &["uuid", "properties/$ai_span_id"]),
            (Model, &["properties/$ai_model"]),
            (Provider, &["properties/$ai_provider"]),
            (Field::Created, &["timestamp"]),
            (Count(Input), &["properties/$ai_input_tokens"]),
            (Count(Output), &["properties/$ai_output_tokens"]),
            (
                Count(CacheRead),
                &["properties/$ai_cache_read_input_tokens"],
            ),
            (
                Count(CacheWrite),
                &["properties/$ai_cache_creation_input_tokens"],
            ),
            (Count(Reasoning), &["properties/$ai_reasoning_tokens"]),
            (Cost, &["properties/$ai_total_cost_usd"]),
        ],
        ..PLAIN
    },
    // Where the body of an invocation was not logged: https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
    Table {
        signs: &[("modelId", &[]), ("input/inputTokenCount", &[])],
        columns: &[
            (Id, &["requestId"]),
            (Model, &["modelId"]),
            (Field::Created, &["timestamp"]),
            (
                Sum(Input),
                &[
                    "input/inputTokenCount",
                    "input/cacheReadInputTokenCount",
                    "input/cacheWriteInputTokenCount",
                ],
            ),
            (Count(CacheRead), &["input/cacheReadInputTokenCount"]),
            (Count(CacheWrite), &["input/cacheWriteInputTokenCount"]),
            (Count(Output), &["output/outputTokenCount"]),
        ],
        provider: Some("aws"),
        ..PLAIN
    },
];

const LANGCHAIN_IN: &str = "outputs/llm_output/token_usage/prompt_tokens";
const LANGCHAIN_OUT: &str = "outputs/llm_output/token_usage/completion_tokens";

const AGENTS: &[(&str, &[&str])] = &[(
    "attributes/gen_ai.operation.name",
    &[
        "invoke_agent",
        "create_agent",
        "execute_tool",
        "invoke_workflow",
    ],
)];

const LANGFUSE: &[(Field, &[&str])] = &[
    (Id, &["id"]),
    (
        Model,
        &[
            "model",
            "providedModelName",
            "provided_model_name",
            "internalModelId",
        ],
    ),
    (Field::Created, &["startTime", "start_time"]),
    (
        Sum(Input),
        &[
            "usageDetails/input*",
            "usageDetails/cache_*",
            "usage_details/input*",
            "usage_details/cache_*",
        ],
    ),
    (Count(Input), &["promptTokens", "inputUsage", "usage/input"]),
    (
        Sum(Output),
        &["usageDetails/output*", "usage_details/output*"],
    ),
    (
        Count(Output),
        &["completionTokens", "outputUsage", "usage/output"],
    ),
    (
        Count(CacheRead),
        &[
            "usageDetails/input_cached_tokens",
            "usageDetails/cache_read_input_tokens",
            "usageDetails/input_cache_read",
            "usage_details/input_cached_tokens",
            "usage_details/cache_read_input_tokens",
            "usage_details/input_cache_read",
        ],
    ),
    (
        Sum(CacheWrite),
        &[
            "usageDetails/cache_creation_input_tokens",
            "usageDetails/input_cache_creation*",
            "usage_details/cache_creation_input_tokens",
            "usage_details/input_cache_creation*",
        ],
    ),
    (
        Count(CacheWrite1h),
        &[
            "usageDetails/input_cache_creation_1h",
            "usage_details/input_cache_creation_1h",
        ],
    ),
    (
        Sum(Reasoning),
        &[
            "usageDetails/output_reasoning*",
            "usage_details/output_reasoning*",
        ],
    ),
    (
        Cost,
        &[
            "costDetails/total",
            "cost_details/total",
            "calculatedTotalCost",
            "totalCost",
            "total_cost",
        ],
    ),
];

const SPANS: &[(Field, &[&str])] = &[
    (
        Id,
        &[
            "attributes/gen_ai.response.id",
            "spanId",
            "context/span_id",
            "span_id",
        ],
    ),
    (
        Model,
        &[
            "attributes/gen_ai.response.model",
            "attributes/gen_ai.request.model",
        ],
    ),
    (RequestModel, &["attributes/gen_ai.request.model"]),
    (
        Provider,
        &[
            "attributes/gen_ai.provider.name",
            "attributes/gen_ai.system",
        ],
    ),
    (
        Field::Created,
        &["startTimeUnixNano", "start_time", "startTime", "timestamp"],
    ),
    (
        Count(Input),
        &[
            "attributes/gen_ai.usage.input_tokens",
            "attributes/gen_ai.usage.prompt_tokens",
        ],
    ),
    (
        Count(Output),
        &[
            "attributes/gen_ai.usage.output_tokens",
            "attributes/gen_ai.usage.completion_tokens",
        ],
    ),
    (
        Count(CacheRead),
        &[
            "attributes/gen_ai.usage.cache_read.input_tokens",
            "attributes/gen_ai.usage.cache_read_input_tokens",
            "attributes/gen_ai.usage.details.cache_read_input_tokens",
            "attributes/gen_ai.usage.input_tokens.cached",
        ],
    ),
    (
        Count(CacheWrite),
        &[
            "attributes/gen_ai.usage.cache_creation.input_tokens",
            "attributes/gen_ai.usage.cache_creation_input_tokens",
            "attributes/gen_ai.usage.details.cache_creation_input_tokens",
        ],
    ),
    (
        Count(Reasoning),
        &[
            "attributes/gen_ai.usage.reasoning.output_tokens",
            "attributes/gen_ai.usage.reasoning_tokens",
            "attributes/gen_ai.usage.details.reasoning_tokens",
        ],
    ),
    (Finish, &["attributes/gen_ai.response.finish_reasons"]),
    (Error, &["attributes/error.type"]),
    (
        Cost,
        &["attributes/gen_ai.usage.cost", "attributes/operation.cost"],
    ),
];

const OPENROUTER: &[(Field, &[&str])] = &[
    (Id, &["generation_id", "id"]),
    (Model, &["model_permaslug", "model"]),
    (Field::Created, &["created_at"]),
    (Count(Input), &["native_tokens_prompt", "tokens_prompt"]),
    (
        Count(Output),
        &["native_tokens_completion", "tokens_completion"],
    ),
    (
        Count(Reasoning),
        &["native_tokens_reasoning", "tokens_reasoning"],
    ),
    (Count(CacheRead), &["native_tokens_cached", "tokens_cached"]),
    (Finish, &["finish_reason_normalized", "finish_reason"]),
    (Count(WebSearches), &["num_search_results"]),
    (Cost, &["cost_total", "total_cost"]),
];

/// Finds the table for an object.
pub(super) fn recognise(object: &Object<'_>) -> Option<&'static Table> {
    TABLES
        .iter()
        .find(|table| table.fits(&mut |path| within(object, path)))
}

/// Finds the table for rows whose columns have these names, whatever they hold.
pub(super) fn of_columns(names: &[String]) -> Option<&'static Table> {
    let has = |path: &str| {
        let first = path.split('/').next().unwrap_or_default();
        names.iter().any(|name| name == path || name == first)
    };
    let fits = |table: &&Table| !table.is_none() && table.signs.iter().all(|(path, _)| has(path));
    TABLES.iter().find(fits)
}

impl Table {
    /// It holds nothing that counts by itself.
    pub(super) fn is_none(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether what stands where is as the table has it.
    pub(super) fn fits<'t>(&self, at: &mut dyn FnMut(&str) -> Option<Cow<'t, [u8]>>) -> bool {
        let mut says = |(path, words): &(&str, &[&str])| {
            let Some(value) = at(path) else { return false };
            let word = text(&value);
            words.is_empty() || word.is_some_and(|word| words.contains(&&*word))
        };
        self.signs.iter().all(&mut says) && !self.lacks.iter().any(says)
    }

    /// Reads what stands where: `None` where there is no count at all, and no failure.
    pub(super) fn read<'t>(
        &self,
        at: &mut dyn FnMut(&str) -> Option<Cow<'t, [u8]>>,
    ) -> Option<Reading> {
        if !self.fits(at) {
            return None;
        }
        let mut reading = Reading {
            status: Status::Complete,
            ended_by: EndedBy::Upstream,
            provider: self.provider.map(str::to_owned),
            service_tier: self.tier.map(str::to_owned),
            ..Reading::default()
        };
        for (field, paths) in self.columns {
            self.take(*field, paths, at, &mut reading);
        }
        let any = reading.usage.is_reported() || reading.failure.is_some();
        any.then_some(reading)
    }

    fn take<'t>(
        &self,
        field: Field,
        paths: &[&str],
        at: &mut dyn FnMut(&str) -> Option<Cow<'t, [u8]>>,
        reading: &mut Reading,
    ) {
        let mut first = || paths.iter().find_map(|path| text(&at(path)?));
        match field {
            Count(measure) if reading.usage.get(measure).is_none() => {
                let number = paths.iter().find_map(|path| count(&at(path)?));
                if let Some(n) = number {
                    reading.usage.report(measure, n);
                }
            }
            Count(_) => {}
            Sum(measure) => {
                let mut sum = None;
                for n in paths.iter().filter_map(|path| count(&at(path)?)) {
                    sum = Some(sum.unwrap_or(0_u64).saturating_add(n));
                }
                if let Some(n) = sum {
                    reading.usage.report(measure, n);
                }
            }
            Cost => {
                let amount = first().filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
                let charged = amount.map(|amount| Charged { amount, shift: 0 });
                reading.charged.extend(charged);
            }
            Field::Created => reading.created = first().and_then(|text| created(&text)),
            Error => {
                if let Some(message) = first() {
                    let message = Some(message);
                    reading.status = Status::Error;
                    reading.failure = Some(Failure {
                        kind: None,
                        message,
                    });
                }
            }
            Finish => reading.finish_reason = first(),
            Id => reading.response_id = first(),
            Model => reading.model = first(),
            Provider if reading.provider.is_none() => {
                reading.provider = first().map(|name| provider(&name))
            }
            Provider => {}
            RequestModel => reading.request_model = first(),
        }
    }
}

/// A provider's name as we write it.
fn provider(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let own = match &*name {
        "azure_ai" | "azure.ai.openai" | "az.ai.openai" | "azure-openai" | "azure_openai" => {
            "azure"
        }
        "aws.bedrock" | "bedrock" | "bedrock_converse" | "amazon_bedrock" | "aws-bedrock" => "aws",
        "gcp.gemini" | "gemini" | "google-ai-studio" | "google_genai" | "gcp.gen_ai" => "google",
        "vertex_ai" | "gcp.vertex_ai" | "google-vertex-ai" => "google",
        "mistral_ai" | "mistralai" => "mistral",
        "x_ai" | "xai" | "grok" => "x-ai",
        other => other,
    };
    own.to_owned()
}

/// When it was, from text, seconds, milliseconds or nanoseconds.
fn created(text: &str) -> Option<Created> {
    if let Ok(n) = text.parse::<u64>() {
        let seconds = match n {
            0..100_000_000_000 => n,
            100_000_000_000..100_000_000_000_000 => n / 1_000,
            100_000_000_000_000..100_000_000_000_000_000 => n / 1_000_000,
            _ => n / 1_000_000_000,
        };
        return Some(Created::Unix(seconds));
    }
    if let Some((seconds, _)) = text.split_once('.')
        && let Ok(n) = seconds.parse()
    {
        return Some(Created::Unix(n));
    }
    let mut text = text.trim().replacen(' ', "T", 1);
    // What names no zone is UTC.
    let clock = text.get(10..).unwrap_or_default();
    if clock.starts_with('T') && !clock.contains(['Z', 'z', '+', '-']) {
        text.push('Z');
    }
    Some(Created::Text(text))
}

/// What a scalar says, as text; `None` for null and what is none.
fn text(value: &[u8]) -> Option<String> {
    let text = match string(value) {
        Some(text) => String::from_utf8_lossy(&text).into_owned(),
        None if value.starts_with(b"[") => {
            let all: Vec<_> = items(value).filter_map(text).collect();
            all.join(",")
        }
        None if matches!(value.first(), Some(b'{')) || value == b"null" => return None,
        None => String::from_utf8_lossy(value).into_owned(),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A whole number, also as text of digits.
fn count(value: &[u8]) -> Option<u64> {
    let text = text(value)?;
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    whole.parse().ok()
}

/// What stands at a path of keys with slashes between. Texts that hold JSON are looked into; lists of attributes, as
/// OpenTelemetry writes them, are read as objects; a star takes the sum of all members that begin so.
pub(super) fn at<'t>(value: &'t [u8], path: &str) -> Option<Cow<'t, [u8]>> {
    match value.first() {
        Some(b'{') => among(members(value), path),
        Some(b'[') => {
            let (key, rest) = path.split_once('/').unwrap_or((path, ""));
            below(attribute(value, key)?, rest)
        }
        Some(b'"') => {
            let text = string(value)?;
            let inner = at(&text, path)?;
            Some(inner.into_owned().into())
        }
        _ => None,
    }
}

/// As [`at`], within an object that is asked more than once.
pub(super) fn within<'t>(object: &Object<'t>, path: &str) -> Option<Cow<'t, [u8]>> {
    among(object.members.iter().copied(), path)
}

/// As [`at`], among members.
fn among<'t>(
    mut members: impl Iterator<Item = (&'t [u8], &'t [u8])>,
    path: &str,
) -> Option<Cow<'t, [u8]>> {
    let (key, rest) = path.split_once('/').unwrap_or((path, ""));
    if let Some(begin) = key.strip_suffix('*') {
        let fits = |(key, _): &(&[u8], &[u8])| key.starts_with(begin.as_bytes());
        let counts = members.filter(fits).filter_map(|(_, value)| count(value));
        let sum = counts.reduce(u64::saturating_add)?;
        return Some(sum.to_string().into_bytes().into());
    }
    let (_, found) = members.find(|(name, _)| *name == key.as_bytes())?;
    below(found, rest)
}

/// What stands at the rest of a path below a value.
fn below<'t>(found: &'t [u8], rest: &str) -> Option<Cow<'t, [u8]>> {
    if !rest.is_empty() {
        return at(found, rest);
    }
    (found != b"null" && found != b"\"\"").then_some(found.into())
}

/// An attribute of a list: `{"key":"…","value":{"intValue":"23"}}`.
fn attribute<'t>(list: &'t [u8], key: &str) -> Option<&'t [u8]> {
    let named = |item: &&[u8]| {
        let name = member(item, "key").and_then(string);
        name.is_some_and(|name| &*name == key.as_bytes())
    };
    let value = member(items(list).find(named)?, "value")?;
    match value.first() {
        Some(b'{') => {
            let (kind, value) = members(value).next()?;
            let list = (kind == b"arrayValue")
                .then(|| member(value, "values"))
                .flatten();
            let first = list.and_then(|list| items(list).next());
            Some(
                first
                    .and_then(|first| Some(members(first).next()?.1))
                    .unwrap_or(value),
            )
        }
        _ => Some(value),
    }
}
