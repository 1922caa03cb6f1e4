//! The data that curl is told to send: read from wherever it is, edited, and handed on.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::args::{Means, Operation, Word};
use super::body::Edit;

/// The options that give data as it is to be sent.
pub(super) const OPTIONS: [&str; 5] = ["data", "data-ascii", "data-binary", "data-raw", "json"];

/// The data of one operation, part by part.
#[derive(Default)]
pub(super) struct Data {
    parts: Vec<Part>,
    /// Some of it cannot be known.
    pub(super) unclear: bool,
}

struct Part {
    word: usize,
    /// Where it stands in the body.
    at: usize,
    bytes: Vec<u8>,
    /// It came from something that can be read only once.
    spent: bool,
    /// It stands in the argument itself.
    literal: bool,
}

impl Data {
    pub(super) fn unclear() -> Self {
        Self {
            unclear: true,
            ..Self::default()
        }
    }

    /// Reads the data that the operation's options name.
    pub(super) fn read(operation: &Operation, words: &[Word], stdin: &mut dyn Read) -> Self {
        let own = || operation.words.clone().map(|at| (at, &words[at]));
        let is_data = |word: &Word| word.name().is_some_and(|name| OPTIONS.contains(&name));
        let on = |name| operation.switches.contains(&name);
        let other = |word: &Word| {
            let name = word.name().unwrap_or_default();
            matches!(
                name,
                "data-urlencode" | "form" | "form-string" | "request-target" | "upload-file"
            )
        };
        let expanded = |word: &Word| matches!(word.means, Means::Value { expanded: true, .. });
        if own().any(|(_, word)| other(word) || expanded(word)) || on("head") {
            return Self::unclear();
        }
        // With --get they are part of the URL.
        if on("get") {
            return Self::default();
        }
        let contested = |word: &Word| !is_data(word) && word.text == b"@-";
        if words.iter().any(contested) && own().any(|(_, word)| is_data(word) && word.text == b"@-")
        {
            return Self::unclear();
        }
        let mut data = Self::default();
        let mut len = 0;
        for (at, word) in own().filter(|(_, word)| is_data(word)) {
            let Ok((bytes, spent, literal)) = content(word, stdin) else {
                // curl will say that it cannot read it; what was read before is still handed on.
                data.unclear = true;
                break;
            };
            // What curl makes of these differs between its versions. What is as long as that is no prompt to look at.
            let empty_before = !data.parts.is_empty() && len == 0;
            let nul = !literal && word.name() != Some("data-binary") && bytes.contains(&0);
            data.unclear |= empty_before || nul || bytes.len() > MAX_READ;
            if len > 0 && word.name() != Some("json") {
                len += 1;
            }
            data.parts.push(Part {
                word: at,
                at: len,
                bytes,
                spent,
                literal,
            });
            len = data.len();
        }
        data
    }

    fn len(&self) -> usize {
        self.parts
            .last()
            .map_or(0, |part| part.at + part.bytes.len())
    }

    /// The body as curl would send it.
    pub(super) fn body(&self) -> Option<Vec<u8>> {
        let known = !self.parts.is_empty() && !self.unclear;
        known.then(|| {
            let mut body = vec![b'&'; self.len()];
            for part in &self.parts {
                body[part.at..][..part.bytes.len()].copy_from_slice(&part.bytes);
            }
            body
        })
    }

    /// Edits the words, and hands on what was read; gives whether the edit fell into one part of the data.
    pub(super) fn apply(self, edit: Option<Edit>, words: &mut Vec<Word>) -> bool {
        let mut applied = edit.is_none();
        for mut part in self.parts.into_iter().rev() {
            let within = edit.as_ref().filter(|edit| {
                !applied
                    && part.at <= edit.range.start
                    && edit.range.end <= part.at + part.bytes.len()
            });
            if let Some(edit) = within {
                let range = edit.range.start - part.at..edit.range.end - part.at;
                part.bytes.splice(range, edit.text.bytes());
                applied = true;
            } else if !part.spent {
                continue;
            }
            let word = &mut words[part.word];
            word.text = part.bytes;
            word.fed = !part.literal || word.text.len() > MAX_INLINE;
            // These would take a file's line breaks out, or not take a file at all.
            let unfit = matches!(word.name(), Some("data" | "data-ascii" | "data-raw"));
            if word.fed && part.literal && unfit {
                rename(part.word, words);
            }
        }
        applied
    }
}

/// A file that may be read again.
pub(super) fn regular(path: &[u8]) -> Option<File> {
    let path = Path::new(OsStr::from_bytes(path));
    path.is_file().then(|| File::open(path).ok()).flatten()
}

/// What a data option's value stands for, whether it can be read only once, and whether it is the value itself.
fn content(word: &Word, stdin: &mut dyn Read) -> io::Result<(Vec<u8>, bool, bool)> {
    let name = word.name();
    let path = word
        .text
        .strip_prefix(b"@")
        .filter(|_| name != Some("data-raw"));
    let Some(path) = path else {
        return Ok((word.text.clone(), false, true));
    };
    let mut bytes = Vec::new();
    let file = regular(path);
    let spent = file.is_none();
    match file {
        // It is not copied: curl reads it itself.
        Some(file) if file.metadata()?.len() > MAX_READ as u64 => {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Some(mut file) => file.read_to_end(&mut bytes)?,
        None if path == b"-" => stdin.read_to_end(&mut bytes)?,
        None => File::open(OsStr::from_bytes(path))?.read_to_end(&mut bytes)?,
    };
    if matches!(name, Some("data" | "data-ascii")) && !bytes.contains(&0) {
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    }
    Ok((bytes, spent, false))
}

/// Makes the option of a value one that takes a file byte by byte.
fn rename(at: usize, words: &mut Vec<Word>) {
    let word = &mut words[at];
    let joined = !word.before.is_empty();
    let mut flag = match joined {
        true => std::mem::take(&mut word.before),
        false => std::mem::take(&mut words[at - 1].text),
    };
    if flag.starts_with(b"--") {
        flag.clear();
    } else {
        // Other letters may stand before the one that takes the value.
        flag.pop();
    }
    let flag = Some(flag).filter(|flag| flag.len() > 1);
    let others = flag.map(|text| Word {
        text,
        ..Word::default()
    });
    let at = if joined { at..at } else { at - 1..at };
    words.splice(at, others.into_iter().chain([Word::flag("--data-binary")]));
}

/// A file of more bytes than this is left to curl.
const MAX_READ: usize = 16 << 20;

/// A body of more bytes than this does not stay in an argument, whose length has a limit.
const MAX_INLINE: usize = 64 << 10;
