//! What goes out in place of the stream: its events' payloads, or the generated text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::dialect::rule::{Means, Rule};
use super::estimate::transcript::{Channel, Grown};
use super::event::Found;
use super::json::mend::mend;

/// What a meter gives out of the stream as it goes by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Emit {
    /// Each event's JSON payload, on a line of its own.
    Data,
    /// The generated text alone.
    Text,
}

/// Gathers what is to go out next.
#[derive(Default)]
pub(super) struct Emitter {
    pub(super) what: Option<Emit>,
    out: Vec<u8>,
    /// Text of the choices beside the first waits for the end of the response: mixed, none could be read.
    others: BTreeMap<u32, String>,
    /// How much of it there is.
    waiting: usize,
    /// The text given out so far does not end with a line break.
    in_line: bool,
    /// The next text is another answer's.
    parted: bool,
    /// Anything of the answer was given out.
    spoken: bool,
    /// What was given out of texts that are stated anew with what comes to them.
    grown: Grown,
}

/// Where an API lists the answers it was asked for.
const CHOICES: &[&str] = &["candidates[", "choices[", "generations["];
/// Beyond this, text of other choices waits no longer.
const MAX_WAITING: usize = 4 << 20;

impl Emitter {
    /// What was given out since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Gives out an event's payload on one line. Line breaks in JSON only stand between values.
    pub(super) fn data(&mut self, name: &str, data: &[u8]) {
        if self.what != Some(Emit::Data) {
            return;
        }
        let mut data = Cow::from(data);
        let sound = is_json(&data) || (mend(data.to_mut()) && is_json(&data));
        if !sound {
            return;
        }
        let flat = data
            .iter()
            .map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b });
        if name.is_empty() {
            self.out.extend(flat);
        } else {
            // The name of an AWS frame is in its header: without it the payload would say little.
            self.out
                .extend_from_slice(format!("{{{}:", Value::from(name)).as_bytes());
            self.out.extend(flat);
            self.out.push(b'}');
        }
        self.out.push(b'\n');
    }

    /// Gives out the text that an event adds to the answer.
    pub(super) fn found(&mut self, rules: &[Rule], found: &[Found<'_>], kind: &str) {
        if self.what != Some(Emit::Text) {
            return;
        }
        for found in found.chunk_by(|a, b| a.rule == b.rule) {
            let rule = &rules[usize::from(found[0].rule)];
            if rule.means.channel() != Some(Channel::Text) || !rule.applies(kind) {
                continue;
            }
            // The first place that says something counts, as it does where text is heard.
            let mut chosen = None;
            for found in found {
                let text = found.hit.value.as_str().unwrap_or_default();
                if !text.is_empty() && chosen.is_none_or(|chosen| chosen == found.path) {
                    chosen = Some(found.path);
                    let path = rule.paths[usize::from(found.path)];
                    let choice = choice(path, found.hit.group);
                    let text = match rule.means {
                        Means::TextElse(_) if self.spoken => "",
                        Means::TextSoFar(_) => {
                            self.grown.rest((Channel::Text, found.hit.group), text)
                        }
                        _ => text,
                    };
                    self.text(choice, text);
                }
            }
        }
    }

    /// Gives out a piece of a choice's text.
    pub(super) fn text(&mut self, choice: u32, text: &str) {
        if self.what != Some(Emit::Text) || text.is_empty() {
            return;
        }
        self.spoken = true;
        if choice > 0 {
            self.others.entry(choice).or_default().push_str(text);
            // An entry costs something too.
            self.waiting += text.len() + 64;
            if self.waiting > MAX_WAITING {
                self.part();
            }
            return;
        }
        if std::mem::take(&mut self.parted) && self.in_line {
            self.out.push(b'\n');
        }
        self.out.extend_from_slice(text.as_bytes());
        self.in_line = !text.ends_with('\n');
    }

    /// Ends a response's text; what comes next begins on a line of its own.
    pub(super) fn part(&mut self) {
        self.parted = true;
        self.waiting = 0;
        for text in std::mem::take(&mut self.others).into_values() {
            self.text(0, &text);
            self.parted = true;
        }
        self.spoken = false;
        self.grown = Grown::default();
    }
}

/// Whether any parser takes it.
fn is_json(data: &[u8]) -> bool {
    let text = std::str::from_utf8(data);
    text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Which of several answers a text is of: the outermost array's part of the group.
fn choice(path: &str, group: u32) -> u32 {
    if !CHOICES.iter().any(|start| path.starts_with(start)) {
        return 0;
    }
    let within = path.matches('[').count() - 1;
    group / 1000_u32.pow(within as u32)
}
