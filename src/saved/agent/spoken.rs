//! What a message of Anthropic's API says, counted: the usage that an agent prints beside it is that of its beginning.

use std::time::Duration;

use serde_json::{Value, json};

use crate::meter::{EndedBy, Measure, Meter, Reading};

/// Output that came through, in tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    output: u64,
    estimator: Option<String>,
    error: Option<u32>,
}

impl Spoken {
    /// Counts what a message says.
    pub(super) fn count(message: &[u8]) -> Option<Self> {
        let mut message: Value = serde_json::from_slice(message).ok()?;
        let content = message.get_mut("content").map(Value::take)?;
        message["content"] = json!([]);
        // As the stream that it came from was, up to the end that is missing.
        let mut meter = Meter::new();
        let mut put = |event: Value| meter.feed(format!("data: {event}\n\n").as_bytes());
        put(json!({"type": "message_start", "message": message}));
        for (index, block) in content.as_array()?.iter().enumerate() {
            let kind = block["type"].as_str()?;
            let (part, text) = match kind {
                "text" => ("text_delta", "text"),
                "thinking" => ("thinking_delta", "thinking"),
                "tool_use" | "server_tool_use" => ("input_json_delta", "partial_json"),
                _ => continue,
            };
            let said = match block["input"].is_object() {
                true => block["input"].to_string().into(),
                false => block[text].clone(),
            };
            let mut start = block.clone();
            start[text] = "".into();
            start["input"] = json!({});
            put(json!({"type": "content_block_start", "index": index, "content_block": start}));
            let delta = json!({"type": part, text: said});
            put(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        meter.finish_at(EndedBy::Upstream, Duration::ZERO);
        let reading = meter.next_reading()?;
        Some(Self {
            output: reading.usage.value(Measure::Output)?,
            estimator: reading.estimator,
            error: reading.estimate_error,
        })
    }

    /// Adds another part of the same message.
    pub(super) fn add(&mut self, other: Self) {
        self.output += other.output;
        self.estimator = other.estimator.or(self.estimator.take());
        self.error = other.error.max(self.error);
    }

    /// Says so in a reading, unless that knows of more.
    pub(super) fn tell(self, reading: &mut Reading) {
        if reading.usage.value(Measure::Output).unwrap_or(0) >= self.output {
            return;
        }
        reading.usage.estimate(Measure::Output, self.output);
        reading.estimator = self.estimator;
        reading.estimate_error = self.error;
    }
}
