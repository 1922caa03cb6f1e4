//! curl's command line read as curl reads it: which word is a value, of which option, for which request.
//!
//! What differs between curl's versions is left to the curl that is there: an abbreviation or a `--data=VALUE`
//! that it does not know is handed to it unchanged, and it says so itself.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::LazyLock;

/// Long name, letter or `-`, and what it takes: `switch` nothing, `value` a value, `secret` one not to be shown.
const TABLE: &str = include_str!("options.txt");

/// An option of curl's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) letter: u8,
    pub(super) takes: Takes,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Takes {
    Nothing,
    Secret,
    Value,
}

/// One argument. A value keeps what stands before it in the same argument: the `-sNd` of `-sNd@file`.
#[derive(Default)]
pub(super) struct Word {
    pub(super) before: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) means: Means,
    /// The text is a body that is handed over by a descriptor.
    pub(super) fed: bool,
    /// It stands for a descriptor that curl writes the answer's headers to.
    pub(super) heard: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Means {
    /// Switches, or an option whose value is the next word.
    #[default]
    Flags,
    /// Cannot be told.
    Unknown,
    /// The value of an option; a URL is that of `--url`.
    Value {
        of: Flag,
        /// It holds variables that curl expands.
        expanded: bool,
    },
}

/// What stands between one `--next` and the other.
#[derive(Default)]
pub(super) struct Operation {
    pub(super) words: Range<usize>,
    /// Switches that are on.
    pub(super) switches: Vec<&'static str>,
}

/// A command line of curl's, without the `curl`.
pub(super) struct Line {
    pub(super) words: Vec<Word>,
    pub(super) operations: Vec<Operation>,
    /// Every word is known.
    pub(super) clear: bool,
}

impl Word {
    /// Switches that nobody typed.
    pub(super) fn flag(text: &str) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The option whose value this is.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self.means {
            Means::Value { of, .. } => Some(of.name),
            Means::Flags | Means::Unknown => None,
        }
    }
}

impl Line {
    pub(super) fn read(arguments: Vec<OsString>) -> Self {
        let mut line = Self {
            words: Vec::new(),
            operations: vec![Operation::default()],
            clear: true,
        };
        let mut arguments = arguments.into_iter().map(OsString::into_vec);
        let mut flags = true;
        while let Some(argument) = arguments.next() {
            if !flags || !argument.starts_with(b"-") {
                line.push(Vec::new(), argument, url());
            } else if argument == b"--" {
                flags = false;
                line.push(Vec::new(), argument, Means::Flags);
            } else if line.take(argument, &mut arguments).is_none() {
                // Where one option is not known, neither is whether the next word is its value.
                line.clear = false;
                for argument in arguments.by_ref() {
                    line.push(Vec::new(), argument, Means::Unknown);
                }
            }
        }
        line
    }

    /// Takes in an argument that begins with a dash, and the value after it; `None` where curl would refuse it.
    fn take(&mut self, argument: Vec<u8>, rest: &mut dyn Iterator<Item = Vec<u8>>) -> Option<()> {
        let (flag, value_at, on, expanded) = if argument.starts_with(b"--") {
            match long(&argument) {
                Some(found) => found,
                None => return self.refuse(argument),
            }
        } else {
            let mut at = 1;
            loop {
                let Some(flag) = argument.get(at).and_then(|letter| short(*letter)) else {
                    return self.refuse(argument);
                };
                at += 1;
                let joined = (at < argument.len()).then_some(at);
                // What follows a --next in the same argument is not read.
                if flag.takes != Takes::Nothing || joined.is_none() || flag.name == "next" {
                    break (flag, joined, flag.name != "buffer", false);
                }
                self.turn(flag, flag.name != "buffer");
            }
        };
        let means = Means::Value { of: flag, expanded };
        match value_at {
            _ if flag.takes == Takes::Nothing => {
                self.push(Vec::new(), argument, Means::Flags);
                self.turn(flag, on);
            }
            Some(at) => {
                let mut before = argument;
                let value = before.split_off(at);
                self.push(before, value, means);
            }
            None => {
                self.push(Vec::new(), argument, Means::Flags);
                self.push(Vec::new(), rest.next()?, means);
            }
        }
        Some(())
    }

    fn refuse(&mut self, argument: Vec<u8>) -> Option<()> {
        self.push(Vec::new(), argument, Means::Unknown);
        None
    }

    fn push(&mut self, before: Vec<u8>, text: Vec<u8>, means: Means) {
        self.words.push(Word {
            before,
            text,
            means,
            fed: false,
            heard: false,
        });
        if let Some(operation) = self.operations.last_mut() {
            operation.words.end = self.words.len();
        }
    }

    fn turn(&mut self, flag: Flag, on: bool) {
        let Some(operation) = self.operations.last_mut() else {
            return;
        };
        if flag.name == "next" {
            let at = self.words.len();
            self.operations.push(Operation {
                words: at..at,
                ..Operation::default()
            });
        } else if on {
            operation.switches.push(flag.name);
        } else {
            operation.switches.retain(|name| *name != flag.name);
        }
    }
}

/// Every option, in the order of their names.
pub(super) fn flags() -> impl Iterator<Item = Flag> {
    static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| {
        let flag = |line: &'static str| {
            let mut fields = line.split(' ');
            Some(Flag {
                name: fields.next()?,
                letter: *fields.next()?.as_bytes().first()?,
                takes: match fields.next()? {
                    "secret" => Takes::Secret,
                    "value" => Takes::Value,
                    _ => Takes::Nothing,
                },
            })
        };
        TABLE.lines().filter_map(flag).collect()
    });
    FLAGS.iter().copied()
}

/// What a bare word is.
fn url() -> Means {
    Means::Value {
        of: Flag {
            name: "url",
            letter: b'-',
            takes: Takes::Value,
        },
        expanded: false,
    }
}

pub(super) fn short(letter: u8) -> Option<Flag> {
    flags().find(|flag| flag.letter == letter && letter != b'-')
}

/// A long option: itself, where its value begins in the same argument, whether it is on, whether it expands.
fn long(argument: &[u8]) -> Option<(Flag, Option<usize>, bool, bool)> {
    let equals = argument.iter().position(|byte| *byte == b'=');
    let name = std::str::from_utf8(&argument[2..equals.unwrap_or(argument.len())]).ok()?;
    let negated = name.strip_prefix("no-");
    let expanded = name.strip_prefix("expand-");
    let name = negated.or(expanded).unwrap_or(name);
    let begins = |flag: &Flag| {
        flag.name
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let mut found = flags().filter(begins).peekable();
    let flag = *found.peek()?;
    // The table is in order: what is named in full comes before what it begins.
    if flag.name.len() > name.len() && (found.nth(1).is_some() || negated.is_some()) {
        return None;
    }
    let takes = flag.takes != Takes::Nothing;
    let fits = match takes {
        true => negated.is_none(),
        false => expanded.is_none() && equals.is_none(),
    };
    if !fits {
        return None;
    }
    let on = negated.is_none();
    Some((flag, equals.map(|at| at + 1), on, expanded.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_whole() {
        let flags: Vec<_> = flags().collect();
        assert_eq!(flags.len(), TABLE.lines().count());
        assert!(flags.is_sorted_by(|a, b| a.name < b.name));
    }

    fn values(line: &str) -> Vec<(String, String)> {
        let arguments = line.split(' ').map(OsString::from).collect();
        let words = Line::read(arguments).words;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        words
            .iter()
            .filter_map(|word| Some((word.name()?.to_owned(), text(&word.text))))
            .collect()
    }

    #[test]
    fn values_are_found() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("-sNd{} u", &[("data", "{}"), ("url", "u")]),
            ("-sNd {} u", &[("data", "{}"), ("url", "u")]),
            ("--data {} -XPOST", &[("data", "{}"), ("request", "POST")]),
            ("--data={}", &[("data", "{}")]),
            ("--data-b {}", &[("data-binary", "{}")]),
            ("--DATA {}", &[("data", "{}")]),
            ("--expand-data {{x}}", &[("data", "{{x}}")]),
            ("-- -d", &[("url", "-d")]),
            ("-d -s u", &[("data", "-s"), ("url", "u")]),
            ("--no-buffer -N u", &[("url", "u")]),
            // Ambiguous, unknown, of the wrong kind: nothing after it can be told.
            ("--dat {} u", &[]),
            ("--nonsense u", &[]),
            ("--no-data u", &[]),
            ("--silent=yes u", &[]),
            ("-s?", &[]),
            ("u -d", &[("url", "u")]),
        ];
        for (line, want) in cases {
            let want: Vec<_> = want
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(values(line), want, "{line}");
        }
    }

    #[test]
    fn requests_are_told_apart() {
        let arguments = ["-G", "a", "--next", "-s", "--no-silent", "b", "-:d", "c"];
        let line = Line::read(arguments.map(OsString::from).to_vec());
        let ranges: Vec<_> = line
            .operations
            .iter()
            .map(|operation| operation.words.clone())
            .collect();
        assert_eq!(ranges, [0..3, 3..7, 7..8]);
        assert_eq!(line.operations[0].switches, ["get"]);
        assert!(line.operations[1].switches.is_empty());
    }
}
