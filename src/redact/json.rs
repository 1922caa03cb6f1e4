//! JSON whose texts are replaced as it comes: what a text is, the name of its member tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::word::Words;
use crate::secret::without_keys;

/// Reads JSON that may come in pieces, and may be cut off.
#[derive(Default)]
pub(super) struct Json {
    levels: Vec<Level>,
    /// Within a string that is treated so.
    text: Option<Treat>,
}

/// An object or array that is open.
struct Level {
    object: bool,
    /// A member's name comes next.
    name: bool,
    /// A value has to come: what begins one goes on with this.
    awaits: bool,
    /// What it stands in as a whole.
    base: Class,
    /// What the value at hand is.
    class: Class,
}

/// What a member's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    /// The arguments of a tool: names, numbers and texts go.
    Arguments,
    /// Base64 of JSON, as Bedrock has it.
    Bytes,
    /// Counts, and what they are of.
    Counts,
    /// It stays.
    Kept,
    /// It stays, but for keys in it.
    Message,
    /// Its form tells: what is a word stays, what is several goes.
    Other,
    /// What the caller said of a request: texts go, names and numbers stay.
    Private,
    /// Any text goes.
    Text,
    /// Numbers that stand for text.
    Tokens,
}

/// How a string is treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Treat {
    Arguments,
    Bytes,
    Keep,
    Mask,
    Name(Class),
    Replace,
}

const KEPT: &[&str] = &[
    "type",
    "object",
    "model",
    "role",
    "status",
    "id",
    "event",
    "kind",
    "created",
    "created_at",
    "createTime",
    "create_time",
    "timestamp",
    "time",
    "finish_reason",
    "stop_reason",
    "finishReason",
    "stopReason",
    "finish",
    "reason",
    "service_tier",
    "trafficType",
    "modality",
    "modelVersion",
    "responseId",
    "provider",
    "tier",
    "request_id",
    "currency",
    "language",
    "task",
    "format",
    "inference_geo",
    "speed",
    "blockReason",
    "error_type",
    "provider_name",
    "total_price",
    "latency",
    "category",
    "probability",
];
const MESSAGES: &[&str] = &[
    "message",
    "error",
    "detail",
    "Message",
    "error_message",
    "error_msg",
    "errorMessage",
    "msg",
    "status_msg",
    "code",
    "error_description",
    "title_of_error",
];
const TEXTS: &[&str] = &[
    "text",
    "content",
    "delta",
    "arguments",
    "partial_json",
    "thinking",
    "reasoning",
    "reasoning_content",
    "refusal",
    "transcript",
    "completion",
    "generation",
    "generated_text",
    "outputText",
    "output_text",
    "output",
    "response",
    "result",
    "answer",
    "prompt",
    "query",
    "queries",
    "webSearchQueries",
    "search_queries",
    "title",
    "url",
    "uri",
    "domain",
    "quote",
    "cited_text",
    "snippet",
    "summary",
    "description",
    "instructions",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "data",
    "b64_json",
    "signature",
    "thoughtSignature",
    "thought_signature",
    "encrypted_content",
    "encrypted_index",
    "token",
    "tokens_text",
    "code_text",
    "translation",
    "document",
    "documents",
    "name",
    "label",
    "stop",
    "stop_sequence",
    "obfuscation",
    "p",
    "Content",
    "citations",
    "related_questions",
    "command",
    "diff",
    "renderedContent",
    "speaker",
    "revised_prompt",
    "thought",
    "plan",
    "tool_plan",
    "words",
    "input_text",
    "image_url",
    "file_name",
    "filename",
    "file_id",
    "container_id",
    "address",
    "displayName",
];
const ARGUMENTS: &[&str] = &[
    "args",
    "input",
    "arguments",
    "parameters",
    "params",
    "json_schema",
    "schema",
    "toolUse_input",
];
const TOKENS: &[&str] = &[
    "bytes",
    "token_ids",
    "prompt_token_ids",
    "context",
    "tokens",
];
const COUNTS: &[&str] = &[
    "usage",
    "Usage",
    "usageMetadata",
    "usage_metadata",
    "metrics",
    "stats",
    "token_usage",
    "tokens",
    "billed_units",
    "meta",
    "timings",
    "tool_usage",
    "copilot_usage",
    "usage_info",
    "amazon-bedrock-invocationMetrics",
];
/// Tools of the providers' own, by whose names calls are counted.
const TOOLS: &[&str] = &[
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "file_search",
    "code_interpreter",
    "google_search",
    "computer",
    "advisor",
    "memory",
    "mcp",
];

impl Class {
    /// Of a member of this name, in an object that is this.
    fn of(name: &[u8], within: Self) -> Self {
        let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
        match () {
            () if matches!(within, Self::Arguments | Self::Counts) => within,
            () if is(KEPT) => Self::Kept,
            () if is(MESSAGES) => Self::Message,
            () if name == b"bytes" => Self::Bytes,
            () if is(TOKENS) => Self::Tokens,
            () if is(TEXTS) => Self::Text,
            () if within == Self::Private && name != b"usage" => Self::Private,
            () => Self::Other,
        }
    }

    /// Whether numbers of an array stand for text.
    fn is_text(self) -> bool {
        matches!(self, Self::Tokens | Self::Bytes)
    }

    /// Of what stands in an object or array that is the value of such a member.
    fn within(name: &[u8], class: Self, object: bool) -> Self {
        let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
        match () {
            () if class == Self::Arguments || object && is(ARGUMENTS) => Self::Arguments,
            () if class == Self::Counts || object && is(COUNTS) => Self::Counts,
            () if object && (name == b"metadata" || class == Self::Private) => Self::Private,
            () if object => Self::Other,
            () => class,
        }
    }
}

impl Json {
    pub(super) fn is_open(&self) -> bool {
        !self.levels.is_empty()
    }

    pub(super) fn in_text(&self) -> bool {
        self.text.is_some()
    }

    /// Whether a value that begins so may belong to it.
    pub(super) fn goes_on(&self, data: &[u8]) -> bool {
        let awaits = self.levels.last().is_some_and(|level| level.awaits);
        self.text.is_none() && (awaits || !data.starts_with(b"{"))
    }

    /// Adds the text with its texts replaced; gives what stands behind the value.
    pub(super) fn push<'t>(
        &mut self,
        mut text: &'t [u8],
        words: &mut Words,
        out: &mut Vec<u8>,
    ) -> &'t [u8] {
        while let Some(&byte) = text.first() {
            if let Some(treat) = self.text {
                text = self.string(treat, text, words, out);
                continue;
            }
            let class = self.levels.last().map_or(Class::Other, |level| level.class);
            match byte {
                b'"' => {
                    out.push(byte);
                    text = &text[1..];
                    self.text = Some(self.treat(class, text));
                    continue;
                }
                b'{' | b'[' => {
                    let object = byte == b'{';
                    let base = match class {
                        Class::Arguments | Class::Counts | Class::Private => class,
                        _ => Class::Other,
                    };
                    self.levels.push(Level {
                        object,
                        name: object,
                        awaits: true,
                        base,
                        class: if object { base } else { class },
                    });
                }
                b'}' | b']' => {
                    self.levels.pop();
                    if let Some(level) = self.levels.last_mut() {
                        level.awaits = false;
                    }
                    if self.levels.is_empty() {
                        out.push(byte);
                        return &text[1..];
                    }
                }
                b':' | b',' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.awaits = true;
                        level.name = level.object && byte == b',';
                    }
                }
                b'0'..=b'9' if class == Class::Arguments || self.lists() && class.is_text() => {
                    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
                    words.number(&text[..len], out);
                    text = &text[len..];
                    continue;
                }
                _ => {}
            }
            out.push(byte);
            text = &text[1..];
        }
        text
    }

    /// Whether it is within an array.
    fn lists(&self) -> bool {
        self.levels.last().is_some_and(|level| !level.object)
    }

    /// How the string is treated that begins here, from behind its quote.
    fn treat(&self, class: Class, text: &[u8]) -> Treat {
        if let Some(level) = self.levels.last()
            && level.object
            && level.name
        {
            return Treat::Name(level.base);
        }
        let value = &text[..end(text).unwrap_or(text.len())];
        match class {
            Class::Arguments => Treat::Arguments,
            Class::Bytes => Treat::Bytes,
            Class::Counts | Class::Kept | Class::Message => Treat::Mask,
            Class::Text if TOOLS.iter().any(|tool| tool.as_bytes() == value) => Treat::Keep,
            Class::Private | Class::Text | Class::Tokens => Treat::Replace,
            Class::Other if is_word(value) => Treat::Mask,
            Class::Other => Treat::Replace,
        }
    }

    /// Takes a string from within, up to its end or what there is of it; gives what follows.
    fn string<'t>(
        &mut self,
        treat: Treat,
        text: &'t [u8],
        words: &mut Words,
        out: &mut Vec<u8>,
    ) -> &'t [u8] {
        let close = end(text);
        // No line end stands in a string: it was cut off.
        let line = memchr::memchr(b'\n', &text[..close.unwrap_or(text.len())]);
        let len = line.or(close).unwrap_or(text.len());
        let inside = &text[..len];
        match treat {
            Treat::Arguments => words.text(inside, true, out),
            Treat::Bytes => packed(inside, words, out),
            Treat::Keep => out.extend_from_slice(inside),
            Treat::Mask => masked(inside, words, out),
            Treat::Name(Class::Arguments) => words.text(inside, true, out),
            Treat::Name(_) => out.extend_from_slice(inside),
            Treat::Replace => words.text(inside, false, out),
        }
        if line.is_some() {
            *self = Self::default();
            return &text[len..];
        }
        if close.is_none() {
            return &[];
        }
        self.text = None;
        if let Some(level) = self.levels.last_mut() {
            level.awaits = false;
            if let Treat::Name(within) = treat {
                level.name = false;
                let class = Class::of(inside, within);
                // What an object under this name holds.
                let value = text[len + 1..].iter().find(|b| !b" \t\r\n:".contains(b));
                let opens = matches!(value, Some(b'{' | b'['));
                level.class = match opens {
                    true => Class::within(inside, class, value == Some(&b'{')),
                    false => class,
                };
                if within == Class::Arguments {
                    level.class = Class::Arguments;
                }
            }
        }
        out.push(b'"');
        &text[len + 1..]
    }
}

/// Where a string ends, from behind its quote: at the quote that closes it.
fn end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether a text is one word, as names and ids are.
fn is_word(text: &[u8]) -> bool {
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"_-.:/+".contains(b);
    text.len() <= 128 && text.iter().all(part)
}

/// Adds a text without keys: what looks like one is replaced by another of its form.
fn masked(text: &[u8], words: &mut Words, out: &mut Vec<u8>) {
    for word in text.split_inclusive(|b| b" \"'`,;()".contains(b)) {
        let said = String::from_utf8_lossy(word);
        match without_keys(&said) == said {
            true => out.extend_from_slice(word),
            false => {
                // By its beginning it is still known for what it was.
                let lead = word.len().min(4);
                out.extend_from_slice(&word[..lead]);
                words.each(&word[lead..], out);
            }
        }
    }
}

/// Adds base64 of JSON with its texts replaced; what is none, character by character.
fn packed(text: &[u8], words: &mut Words, out: &mut Vec<u8>) {
    let Ok(plain) = STANDARD.decode(text) else {
        return words.each(text, out);
    };
    if !plain.starts_with(b"{") {
        return words.each(text, out);
    }
    let mut inner = Vec::new();
    let mut json = Json::default();
    let rest = json.push(&plain, words, &mut inner);
    words.text(rest, false, &mut inner);
    out.extend_from_slice(STANDARD.encode(inner).as_bytes());
}
