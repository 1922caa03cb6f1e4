//! What a request's body tells: the model asked for, and a prompt to count where the response does not say.

use super::estimate::Family;
use super::json::{Json, Parser};
use super::local::LOCAL;
use super::reading::Reading;
use super::usage::{Measure, Usage};

/// A request: its JSON body, and what its address tells. Its text is counted and never leaves the meter.
#[derive(Clone, Default)]
pub struct Request {
    body: Vec<u8>,
    model: Option<String>,
    provider: Option<String>,
    tier: Option<String>,
    region: Option<String>,
    streams: bool,
}

/// Where texts of prompts stand in the bodies of all APIs.
const TEXTS: &[&str] = &[
    "messages[].content",
    "messages[].content[].text",
    "messages[].content[].content",
    "messages[].content[].content[].text",
    "messages[].content[].thinking",
    "messages[].content[].toolResult.content[].text",
    "messages[].reasoning_content",
    "messages[].tool_calls[].function.name",
    "messages[].tool_calls[].function.arguments",
    "system",
    "system[].text",
    "instructions",
    "prompt",
    "prompt[]",
    "suffix",
    "input",
    "input[]",
    "input[].content",
    "input[].content[].text",
    "input[].summary[].text",
    "input[].name",
    "input[].arguments",
    "input[].input",
    "input[].output",
    "input[].output[].text",
    "contents.parts[].text",
    "contents[].parts[].text",
    "systemInstruction.parts[].text",
    "system_instruction.parts[].text",
    "message",
    "preamble",
    "chat_history[].message",
    "texts[]",
    "inputs",
    "inputText",
];

/// Where objects stand that a model reads as JSON.
const OBJECTS: &[&str] = &[
    "messages[].content[].input",
    "messages[].content[].toolUse.input",
    "messages[].content[].toolResult.content[].json",
    "messages[].tool_calls[].function.arguments",
    "contents[].parts[].functionCall.args",
    "contents[].parts[].functionResponse.response",
];

/// Where the tools stand that a model may call.
const TOOLS: &[&str] = &["tools", "toolConfig.tools", "functions"];

/// Where messages stand: each costs a few tokens of its own.
const MESSAGES: &[&str] = &["messages[]", "contents[]", "input[]", "chat_history[]"];

/// What only a provider's own formula could count.
const PICTURES: &[&str] = &[
    "messages[].content[].image_url",
    "messages[].content[].input_audio",
    "messages[].content[].file",
    "messages[].content[].source",
    "messages[].content[].image",
    "messages[].content[].document",
    "messages[].images",
    "images",
    "input[].content[].image_url",
    "input[].content[].file_id",
    "input[].content[].file_data",
    "contents[].parts[].inlineData",
    "contents[].parts[].inline_data",
    "contents[].parts[].fileData",
    "contents[].parts[].file_data",
];

impl Request {
    /// Reads a body; `None` where it is no JSON object.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = |json: Json<'_>, path| json.at(path).and_then(Json::as_str).map(str::to_owned);
        let read = |json: Json<'_>| {
            json.is_object().then(|| Self {
                body: body.to_vec(),
                model: text(json, "model").or_else(|| text(json, "model_id")),
                provider: None,
                tier: text(json, "service_tier"),
                region: None,
                streams: json
                    .get("stream")
                    .is_some_and(|value| value.is_bool() && value.is_given()),
            })
        };
        Parser::new().parse(body, read).flatten()
    }

    /// Adds what the address tells: the model, where the body names none, and who serves it.
    #[must_use]
    pub fn addressed(mut self, model: Option<String>, provider: Option<&str>) -> Self {
        self.model = self.model.or(model);
        self.provider = provider.map(str::to_owned);
        self
    }

    /// Adds the region that the address tells.
    #[must_use]
    pub fn in_region(mut self, region: Option<String>) -> Self {
        self.region = region;
        self
    }

    /// The region asked.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The model asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Who was asked.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Whether a server on this machine was asked.
    pub(super) fn is_local(&self) -> bool {
        self.provider() == Some(LOCAL)
    }

    /// Whether a stream was asked for by the body.
    pub fn streams(&self) -> bool {
        self.streams
    }

    /// The service tier asked for.
    pub fn tier(&self) -> Option<&str> {
        self.tier.as_deref()
    }

    /// Completes what a response says that was metered without its request.
    pub(crate) fn complete(&self, reading: &mut Reading) {
        reading.request_model = self.model.clone();
        if let Some(provider) = &self.provider {
            reading.provider = Some(provider.clone());
        }
        if self.region.is_some() {
            reading.region = self.region.clone();
        }
        let tier = self.tier.clone().filter(|tier| tier != "auto");
        reading.service_tier = reading.service_tier.take().or(tier);
        let name = reading.model.as_deref().or(self.model.as_deref());
        let family = Family::of(name.or(reading.api));
        let spent = reading.text_bytes > 0 || reading.usage.is_reported();
        if spent && self.estimate(family, &mut reading.usage) && reading.estimator.is_none() {
            let exact = family.is_exact_for_prompts();
            reading.estimator = Some(family.estimator(exact));
            reading.estimate_error = family.error(exact);
        }
    }

    /// Whether a response that names its model may be the answer: the same model, or a dated version of it.
    pub(crate) fn may_be_answered_by(&self, model: &str) -> bool {
        let base = |name: &str| {
            let name = name
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            name.trim_end_matches("-latest").to_owned()
        };
        let (answered, asked) = (base(model), base(self.model.as_deref().unwrap_or_default()));
        let rest = answered.strip_prefix(&asked).filter(|_| !asked.is_empty());
        rest.is_some_and(|rest| {
            let version = rest.strip_prefix(['-', '@', ':', '.']);
            rest.is_empty()
                || version.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    }

    /// Estimates the prompt where no count of it is stated; gives whether it did.
    pub(super) fn estimate(&self, family: &Family, usage: &mut Usage) -> bool {
        let unknown = usage.get(Measure::Input).is_none();
        let tokens = unknown.then(|| self.tokens(family)).flatten();
        if let Some(tokens) = tokens {
            usage.estimate(Measure::Input, tokens);
        }
        tokens.is_some()
    }

    /// The prompt's tokens for a model, or for the one that the body names; `None` where it holds pictures, sound or
    /// files.
    pub fn prompt_tokens(&self, model: Option<&str>) -> Option<u64> {
        self.tokens(Family::of(model.or(self.model())))
    }

    /// An estimate of the prompt's tokens; `None` where it holds pictures, sound or files.
    pub(super) fn tokens(&self, family: &Family) -> Option<u64> {
        let count = |json: Json<'_>| {
            if PICTURES
                .iter()
                .any(|path| json.at(path).is_some_and(Json::is_given))
            {
                return None;
            }
            let count = |text: &str| family.vocabulary.count(text);
            let mut text = 0;
            for path in TEXTS {
                json.walk(path, &mut |hit| text += hit.value.as_str().map_or(0, count));
            }
            for path in OBJECTS {
                json.walk(path, &mut |hit| {
                    if hit.value.is_object() {
                        text += count(&compact(hit.json_in(&self.body)));
                    }
                });
            }
            let mut tools = None;
            for path in TOOLS {
                json.walk(path, &mut |hit| {
                    tools = Some(compact(hit.json_in(&self.body)))
                });
            }
            let tools = tools.filter(|tools| tools.len() > 2);
            let mut messages = 0;
            for path in MESSAGES {
                json.walk(path, &mut |_| messages += 1);
            }
            let text = family.scale(text);
            let schema = tools.map(|tools| count(&tools));
            Some(if family.is_claude() {
                text + 6 + schema.map_or(0, |tokens| 550 + tokens * 9 / 10)
            } else {
                text + 4 * messages + 3 + schema.map_or(0, |tokens| tokens * 7 / 10 + 12)
            })
        };
        Parser::new().parse(&self.body, count).flatten()
    }
}

/// JSON without the space between its parts, as a model is given it.
fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    let kept = json.chars().filter(|char| {
        let was_escaped = std::mem::take(&mut escaped);
        match char {
            '"' if !was_escaped => in_string = !in_string,
            '\\' if in_string => escaped = !was_escaped,
            _ => {}
        }
        in_string || !matches!(char, ' ' | '\t' | '\n' | '\r')
    });
    kept.collect()
}

impl std::fmt::Debug for Request {
    /// Leaves the prompt out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
