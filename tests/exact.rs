//! A number is exact, or it says that it is not: counts come out as the provider stated them, and where its total does
//! not bear them out, or they are none, the reading says so.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokensense::{EndedBy, Measure, Meter, Note, Reading};

/// How an API states a response's usage.
#[derive(Clone, Copy, Debug)]
enum Grammar {
    ChatBody,
    ChatStream,
    Gemini,
    Responses,
}

const GRAMMARS: [Grammar; 4] = [
    Grammar::ChatBody,
    Grammar::ChatStream,
    Grammar::Gemini,
    Grammar::Responses,
];

/// A response's bytes, with its input, output and total as they are to be written.
fn response(grammar: Grammar, [input, output, total]: &[Value; 3]) -> String {
    let chat = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": total});
    match grammar {
        Grammar::ChatBody => json!({
            "id": "c-1", "object": "chat.completion", "model": "gpt-4.1-mini",
            "choices": [{"index": 0, "message": {"content": "Aye."}, "finish_reason": "stop"}],
            "usage": chat,
        })
        .to_string(),
        Grammar::ChatStream => {
            let text = json!({
                "id": "c-1", "object": "chat.completion.chunk", "model": "gpt-4.1-mini",
                "choices": [{"index": 0, "delta": {"content": "Aye."}, "finish_reason": "stop"}],
            });
            let last = json!({
                "id": "c-1", "object": "chat.completion.chunk", "model": "gpt-4.1-mini",
                "choices": [], "usage": chat,
            });
            format!("data: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n")
        }
        Grammar::Gemini => json!({
            "candidates": [{"content": {"parts": [{"text": "Aye."}]}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": total,
            },
            "modelVersion": "gemini-2.5-flash", "responseId": "g-1",
        })
        .to_string(),
        Grammar::Responses => json!({
            "id": "resp_1", "object": "response", "model": "gpt-4.1-mini", "status": "completed",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "Aye."}]}],
            "usage": {"input_tokens": input, "output_tokens": output, "total_tokens": total},
        })
        .to_string(),
    }
}

fn read(mut meter: Meter, bytes: &str) -> Reading {
    meter.feed(bytes.as_bytes());
    meter.finish(EndedBy::Upstream);
    let reading = meter.next_reading().expect("a reading");
    assert!(meter.next_reading().is_none(), "one response: {bytes}");
    reading
}

/// The ways to write a whole number.
fn written(n: u64, way: u8) -> Value {
    match way {
        0 => n.into(),
        1 => (n as f64).into(),
        2 => n.to_string().into(),
        _ => format!("{n}.0").into(),
    }
}

proptest! {
    #[test]
    fn stated_or_said(
        input in 0..3_000_000_u64,
        output in 0..400_000_u64,
        off in prop_oneof![Just(0_i64), -900..900_i64],
        ways in prop::array::uniform3(0..4_u8),
        grammar in prop::sample::select(&GRAMMARS[..]),
    ) {
        let sum = input + output;
        let total = sum.saturating_add_signed(off);
        let counts = [(input, ways[0]), (output, ways[1]), (total, ways[2])];
        let bytes = response(grammar, &counts.map(|(n, way)| written(n, way)));
        let reading = read(Meter::new(), &bytes);
        let usage = &reading.usage;
        prop_assert_eq!(usage.value(Measure::Input), Some(input), "{}", bytes);
        prop_assert_eq!(usage.value(Measure::Output), Some(output), "{}", bytes);
        prop_assert_eq!(usage.total(), Some(sum), "{}", bytes);
        prop_assert_eq!(reading.notes.contains(&Note::TotalAbove), total > sum, "{}", bytes);
        prop_assert_eq!(reading.lower_bound, total > sum, "{}", bytes);
        prop_assert_eq!(reading.notes.contains(&Note::TotalBelow), total < sum, "{}", bytes);
        prop_assert_eq!(&reading, &read(Meter::plain(), &bytes));
    }

    /// What is no whole number is no count, and is never rounded to one.
    #[test]
    fn no_count(
        whole in 0..3_000_000_u64,
        thousandths in 1..1000_u64,
        quoted in any::<bool>(),
        grammar in prop::sample::select(&GRAMMARS[..]),
    ) {
        let text = format!("{whole}.{thousandths:03}");
        let odd = if quoted { text.into() } else { text.parse::<f64>().expect("a number").into() };
        let bytes = response(grammar, &[odd, 7.into(), Value::Null]);
        let reading = read(Meter::new(), &bytes);
        prop_assert_eq!(reading.usage.get(Measure::Input), None, "{}", bytes);
        prop_assert_eq!(reading.usage.total(), None, "{}", bytes);
    }

    /// Zeros that come after real counts take nothing back.
    #[test]
    fn zeros(input in 1..3_000_000_u64, output in 1..400_000_u64) {
        let chunk = |usage: Value| {
            let chunk = json!({
                "id": "c-1", "object": "chat.completion.chunk", "model": "gpt-4.1-mini",
                "choices": [], "usage": usage,
            });
            format!("data: {chunk}\n\n")
        };
        let usage = |input: u64, output: u64| {
            chunk(json!({"prompt_tokens": input, "completion_tokens": output,
                "total_tokens": input + output}))
        };
        for (later, want) in [(usage(0, 0), output), (usage(0, output + 5), output + 5)] {
            let bytes = usage(input, output) + &later + "data: [DONE]\n\n";
            let reading = read(Meter::new(), &bytes);
            prop_assert_eq!(reading.usage.value(Measure::Input), Some(input), "{}", bytes);
            prop_assert_eq!(reading.usage.value(Measure::Output), Some(want), "{}", bytes);
            prop_assert_eq!(&reading.notes, &vec![], "{}", bytes);
        }
    }
}
