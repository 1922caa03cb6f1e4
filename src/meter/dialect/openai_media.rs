//! What is billed but not chatted: embeddings, images, transcription, speech, rerank.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings>, <https://docs.voyageai.com/reference/reranker-api>

use super::openai_chat::CHARGES;
use super::rule::{Dialect, Field, Means, PLAIN, Rule, Test, any, by_total, on, within};
use crate::meter::estimate::transcript::Channel;
use crate::meter::usage::Measure;

const BASE: Dialect = Dialect {
    kind: "type",
    rules: RULES,
    usage: USAGE,
    charges: CHARGES,
    ..PLAIN
};

pub(crate) static EMBEDDINGS: Dialect = Dialect {
    api: "openai.embeddings",
    signs: &[
        &[Test::Is("object", "list"), Test::Has("data[].embedding")],
        &[Test::Has("data[].embedding"), Test::Object("usage")],
        // Voyage's of chunks in their context.
        &[Test::Has("data[].data[].embedding"), Test::Object("usage")],
    ],
    usage: EMBEDDINGS_USAGE,
    ..BASE
};

/// OpenRouter names whom it asked, and states what it took.
pub(crate) static OPENROUTER_EMBEDDINGS: Dialect = Dialect {
    provider: "openrouter",
    signs: &[&[
        Test::Has("data[].embedding"),
        Test::Text("provider"),
        Test::Key("usage.is_byok"),
    ]],
    ..EMBEDDINGS
};

/// Voyage and OpenRouter rerank in a grammar of their own.
pub(crate) static RERANK: Dialect = Dialect {
    api: "rerank",
    signs: &[
        &[
            Test::Is("object", "list"),
            Test::Has("data[].relevance_score"),
        ],
        &[
            Test::Has("results[].relevance_score"),
            Test::Object("usage"),
        ],
    ],
    usage: EMBEDDINGS_USAGE,
    ..BASE
};

pub(crate) static XAI_IMAGES: Dialect = Dialect {
    provider: "x-ai",
    signs: &[&[
        Test::Array("data"),
        Test::Has("usage.cost_in_usd_ticks"),
        Test::Lacks("choices"),
    ]],
    ..IMAGES
};

pub(crate) static IMAGES: Dialect = Dialect {
    api: "openai.images",
    provider: "openai",
    signs: &[
        &[Test::Starts("type", "image_generation.")],
        &[Test::Starts("type", "image_edit.")],
        &[Test::Array("data"), Test::Has("data[].b64_json")],
        &[
            Test::Array("data"),
            Test::Has("data[].url"),
            Test::Has("created"),
        ],
    ],
    pieces: &[&[Test::Starts("type", "image_")]],
    usage: IMAGES_USAGE,
    ..BASE
};

pub(crate) static TRANSCRIPTIONS: Dialect = Dialect {
    api: "openai.transcriptions",
    signs: &[
        &[Test::Starts("type", "transcript.text.")],
        &[Test::Starts("type", "transcription.")],
        &[
            Test::Text("text"),
            Test::Object("usage"),
            Test::Lacks("generation_id"),
        ],
        // Verbose, without usage: charged by the second.
        &[
            Test::Text("text"),
            Test::Has("duration"),
            Test::Array("segments"),
        ],
        &[
            Test::Text("text"),
            Test::Has("duration"),
            Test::Text("task"),
        ],
    ],
    pieces: &[&[Test::Starts("type", "trans")]],
    ..BASE
};

pub(crate) static GROQ_TRANSCRIPTIONS: Dialect = Dialect {
    provider: "groq",
    signs: &[&[
        Test::Text("text"),
        Test::Object("x_groq"),
        Test::Lacks("choices"),
    ]],
    ..TRANSCRIPTIONS
};

/// Mistral reads documents by the page.
///
/// <https://docs.mistral.ai/api/endpoint/ocr>
pub(crate) static OCR: Dialect = Dialect {
    api: "mistral.ocr",
    provider: "mistral",
    signs: &[&[
        Test::Array("pages"),
        Test::Has("usage_info.pages_processed"),
    ]],
    rules: &[
        any(Means::Model, &["model"]),
        any(Means::Usage(""), &["usage_info"]),
        any(Means::Call(Measure::Annotations), &["document_annotation"]),
    ],
    usage: &[within(Measure::Pages, &["pages_processed"])],
    ..BASE
};

pub(crate) static SPEECH: Dialect = Dialect {
    api: "openai.speech",
    signs: &[&[Test::Starts("type", "speech.audio.")]],
    pieces: &[&[Test::Starts("type", "speech.")]],
    ..BASE
};

static RULES: &[Rule] = &[
    // A segment has an id of its own.
    any(Means::Id, &["[type!=transcript.text.segment].id"]),
    any(Means::Model, &["model"]),
    any(Means::Created, &["created", "created_at"]),
    any(Means::Usage(""), &["usage"]),
    any(Means::Usage("svg_usage"), &["svg_usage"]),
    any(Means::UsageKeys(&["duration"]), &["[!usage]"]),
    on(
        &["", "transcript.text.segment"],
        Means::Text(Channel::Text),
        &["text"],
    ),
    any(
        Means::Text(Channel::Text),
        // What belongs to a segment comes once more with it.
        &["[type=transcript.text.delta&!segment_id].delta"],
    ),
    any(
        Means::Text(Channel::Text),
        &["[type=transcription.text.delta].text"],
    ),
    any(
        Means::End,
        &[
            "[type=image_generation.completed].usage",
            "[type=image_edit.completed].usage",
            "[type=transcript.text.done].type",
            "[type=transcription.done].type",
            "[type=speech.audio.done].type",
        ],
    ),
    any(Means::Error, &["error"]),
];

/// Images and transcription say `input_token_details` and `input_tokens_details`.
const USAGE: &[Field] = &[
    within(Measure::Input, &["prompt_tokens", "input_tokens"]),
    within(Measure::Output, &["completion_tokens", "output_tokens"]),
    within(Measure::Total, &["total_tokens"]),
    within(
        Measure::CacheRead,
        &[
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
        ],
    ),
    by_total(
        Measure::AudioInput,
        &[
            "prompt_tokens_details.audio_tokens",
            "input_token_details.audio_tokens",
        ],
    ),
    within(Measure::ImageInput, &["input_tokens_details.image_tokens"]),
    within(
        Measure::ImageOutput,
        &["output_tokens_details.image_tokens"],
    ),
    within(
        Measure::AudioNanoseconds,
        &["seconds", "prompt_audio_seconds", "duration"],
    ),
];

/// What is generated is images, unless the details say otherwise.
const IMAGES_USAGE: &[Field] = &[
    within(Measure::Input, &["input_tokens", "prompt_tokens"]),
    within(Measure::Output, &["output_tokens", "completion_tokens"]),
    within(Measure::Total, &["total_tokens"]),
    within(Measure::CacheRead, &["input_tokens_details.cached_tokens"]),
    within(
        Measure::CachedImage,
        &["input_tokens_details.cached_tokens_details.image_tokens"],
    ),
    within(Measure::ImageInput, &["input_tokens_details.image_tokens"]),
    within(
        Measure::ImageOutput,
        &["output_tokens_details.image_tokens", "output_tokens"],
    ),
];

/// Voyage states only the total: nothing is generated.
const EMBEDDINGS_USAGE: &[Field] = &[
    within(
        Measure::Input,
        &["prompt_tokens", "input_tokens", "total_tokens"],
    ),
    within(Measure::Output, &["completion_tokens"]),
    within(
        Measure::Total,
        &["total_tokens", "prompt_tokens", "input_tokens"],
    ),
];
