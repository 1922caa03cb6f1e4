//! A curl command: what it asks of whom, and the same command asking for usage too. Nothing is run here.

mod args;
mod body;
mod config;
mod data;
mod host;
mod inject;
pub(crate) mod show;

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt as _;

use args::{Line, Operation, Word};
use config::Config;
use data::Data;
use host::Address;

pub use inject::Inject;
pub(crate) use inject::UsageRequest;

/// A curl command, ready to run.
pub struct Curl {
    words: Vec<Word>,
    /// One for each response to come, in order.
    pub(crate) calls: Vec<Call>,
    /// A body goes to a file, where nothing meters it.
    pub(crate) saves: bool,
    /// A request may be made again, so that it has several answers.
    pub(crate) repeats: bool,
}

/// A request, as far as it is known.
#[derive(Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) body: Option<Vec<u8>>,
    /// From the URL.
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<&'static str>,
    /// The region that the host is in.
    pub(crate) region: Option<String>,
    pub(crate) usage_request: UsageRequest,
}

/// An argument as curl is to get it.
pub enum Argument {
    /// As it stands.
    Plain(OsString),
    /// `before`, then `@` and the path of a descriptor that holds `body`.
    Fed {
        /// What stands before it in the same argument.
        before: OsString,
        /// What the descriptor gives.
        body: Vec<u8>,
    },
    /// The path of a descriptor that curl is to write the answer's headers to.
    Headers,
}

/// How many requests it makes, and nothing of their secrets.
impl std::fmt::Debug for Curl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut curl = f.debug_struct("Curl");
        curl.field("calls", &self.calls.len());
        curl.finish_non_exhaustive()
    }
}

/// Which kind it is: an argument may be a key or a prompt.
impl std::fmt::Debug for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Fed { .. } => "Fed",
            Self::Headers => "Headers",
        })
    }
}

impl Curl {
    /// Reads the arguments of a curl, and the bodies that they name; makes it ask for usage where that is right.
    ///
    /// `on_terminal` says that what curl writes was meant for a terminal.
    pub fn read(
        arguments: Vec<OsString>,
        inject: Inject,
        on_terminal: bool,
        stdin: &mut dyn Read,
    ) -> Self {
        let Line {
            mut words,
            operations,
            clear,
        } = Line::read(arguments);
        let own = match disables_config(&words) {
            true => Config::default(),
            false => Config::of_user(),
        };
        let configured = words.iter().any(|word| word.name() == Some("config"));
        // What curl makes of --next without an address before it differs between its versions.
        let unaddressed = |operation: &Operation| {
            let own = &words[operation.words.clone()];
            !own.iter().any(|word| word.name() == Some("url"))
        };
        let (_, others) = operations.split_last().expect("one operation at least");
        let clear = clear && !own.unclear && !configured && !others.iter().any(unaddressed);
        let saves = operations.iter().any(|operation| saves(operation, &words));
        let disordered = operations
            .iter()
            .any(|operation| is_disordered(operation, &words));
        let data: Vec<_> = operations
            .iter()
            .map(|operation| match clear {
                true => Data::read(operation, &words, stdin),
                false => Data::unclear(),
            })
            .collect();
        let mut calls = Vec::new();
        // From the end, since words are inserted.
        for (operation, data) in operations.iter().zip(data).rev() {
            let made = call(operation, data, own.seals, inject, &mut words);
            calls.splice(..0, made);
            let start = operation.words.start;
            let at = if start == 0 {
                after_disable(&words)
            } else {
                start
            };
            // Without it curl would hold the stream back: it writes to a pipe now.
            words.insert(at, Word::flag("-N"));
            // It shows none where it writes to a terminal.
            if start == 0 && on_terminal && !saves {
                words.insert(at, Word::flag("--no-progress-meter"));
            }
        }
        let differ = calls.windows(2).any(|pair| pair[0] != pair[1]);
        if calls.is_empty() || (differ && disordered) {
            calls = vec![Call {
                body: None,
                model: None,
                provider: None,
                region: None,
                usage_request: UsageRequest::NotUnderstood,
            }];
        }
        let hears = clear && !saves && hears(&operations, &calls, own, &words);
        let retries = words.iter().any(|word| word.name() == Some("retry"));
        let repeats = retries || own.repeats || !clear;
        if hears && !repeats {
            let at = after_disable(&words);
            let path = Word {
                heard: true,
                ..Word::default()
            };
            words.splice(at..at, [Word::flag("--dump-header"), path]);
        }
        Self {
            words,
            calls,
            saves,
            repeats,
        }
    }

    /// The arguments, edited.
    pub fn arguments(self) -> impl Iterator<Item = Argument> {
        self.words.into_iter().map(|word| match word {
            word if word.heard => Argument::Headers,
            word if word.fed => Argument::Fed {
                before: OsString::from_vec(word.before),
                body: word.text,
            },
            word => Argument::Plain(OsString::from_vec([word.before, word.text].concat())),
        })
    }
}

/// Whether the answer's headers are to be written to where we read them: a proxy may state there what it cost. So it is
/// for the one request to a host that is no provider's, if the user does not ask for headers.
fn hears(operations: &[Operation], calls: &[Call], own: Config, words: &[Word]) -> bool {
    let ([operation], [call]) = (operations, calls) else {
        return false;
    };
    let mut asked = operation.switches.iter().copied();
    let asked = asked.any(|name| config::HEADERS.contains(&name) || name == "head")
        || words.iter().any(|word| word.name() == Some("dump-header"));
    let names_model = |body: &Vec<u8>| {
        let members = body::Members::read(body);
        members.is_some_and(|members| members.get("model").is_some())
    };
    let may_be_proxy = matches!(call.provider, None | Some("local"));
    let asks_model = call.body.as_ref().is_some_and(names_model);
    !asked && !own.headers && may_be_proxy && asks_model
}

/// Whether a body of the operation goes to a file.
fn saves(operation: &Operation, words: &[Word]) -> bool {
    let to_stdout: [&[u8]; 2] = [b"-", b"/dev/stdout"];
    let named = words[operation.words.clone()]
        .iter()
        .any(|word| word.name() == Some("output") && !to_stdout.contains(&&*word.text));
    let remote = ["remote-name", "remote-name-all", "out-null"];
    named || operation.switches.iter().any(|name| remote.contains(name))
}

/// Whether it cannot be told which of the responses is whose: they come at once, or one URL stands for many.
fn is_disordered(operation: &Operation, words: &[Word]) -> bool {
    let on = |name| operation.switches.contains(&name);
    let many = |word: &Word| {
        // Brackets stand around an IPv6 address too.
        let address = Address::read(&String::from_utf8_lossy(&word.text));
        let brackets = address.path.contains('[') || address.query.contains('[');
        word.name() == Some("url") && (brackets || word.text.contains(&b'{'))
    };
    on("parallel") || (!on("globoff") && words[operation.words.clone()].iter().any(many))
}

/// Whether the user's configuration is left out: by a `-q`, which counts only at the beginning.
fn disables_config(words: &[Word]) -> bool {
    words.first().is_some_and(|word| {
        let argument = [&*word.before, &*word.text].concat();
        argument.starts_with(b"-q") || argument == b"--disable"
    })
}

/// Where the first words may be put: after a `-q` at the beginning.
fn after_disable(words: &[Word]) -> usize {
    if !disables_config(words) {
        return 0;
    }
    let takes_next = words
        .get(1)
        .is_some_and(|word| word.name().is_some() && word.before.is_empty());
    if takes_next { 2 } else { 1 }
}

/// What an operation asks for, once for each of its URLs; its words are edited, and others put among them.
fn call(
    operation: &Operation,
    data: Data,
    sealed: bool,
    inject: Inject,
    words: &mut Vec<Word>,
) -> Vec<Call> {
    let own = &words[operation.words.clone()];
    let addresses: Vec<Address> = own
        .iter()
        .filter(|word| word.name() == Some("url"))
        .map(|word| Address::read(&String::from_utf8_lossy(&word.text)))
        .collect();
    let sealed = sealed
        || own
            .iter()
            .any(|word| word.name() == Some("header") && inject::header_seals(&word.text));
    let body = data.body();
    let mut edit = None;
    let mut outcomes: Vec<UsageRequest> = addresses
        .iter()
        .map(|address| {
            let (outcome, found) = match &body {
                _ if data.unclear => (UsageRequest::NotUnderstood, None),
                None if address.states_unasked() => (UsageRequest::NotNeeded, None),
                None => (UsageRequest::NotAStream, None),
                Some(body) => inject::decide(address, body, sealed, inject),
            };
            edit = edit.take().or(found);
            outcome
        })
        .collect();
    // One body goes to all the URLs: all of them have to take the edit.
    if let Some(other) = outcomes
        .iter()
        .find(|outcome| **outcome != UsageRequest::Injected)
    {
        let other = *other;
        edit = None;
        for outcome in &mut outcomes {
            if *outcome == UsageRequest::Injected {
                *outcome = other;
            }
        }
    }
    if !data.apply(edit, words) {
        outcomes.fill(UsageRequest::NotUnderstood);
    }
    let calls = addresses.iter().zip(outcomes);
    calls
        .map(|(address, usage_request)| {
            let provider = address.host().map(|host| host.provider);
            Call {
                body: body.clone(),
                model: address.model(),
                provider: provider.filter(|provider| !provider.is_empty()),
                region: address.region(),
                usage_request,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::args::{Flag, Takes, flags, short};
    use super::*;

    /// How an option and its value are written.
    #[derive(Clone, Copy, Debug)]
    enum Form {
        Abbreviated,
        Equals,
        Joined,
        Long,
        Short,
    }

    #[derive(Clone, Debug)]
    enum Piece {
        Data(Flag, String),
        Next,
        Other(Flag, String),
        Switch(Flag),
        Url(String),
    }

    /// What makes a body unclear, or none.
    const SPECIAL: [&str; 9] = [
        "config",
        "data-urlencode",
        "form",
        "form-string",
        "get",
        "head",
        "next",
        "request-target",
        "upload-file",
    ];

    fn named(test: impl Fn(&Flag) -> bool) -> Vec<Flag> {
        flags()
            .filter(|flag| !SPECIAL.contains(&flag.name) && test(flag))
            .collect()
    }

    fn pieces() -> impl Strategy<Value = Vec<(Piece, Form, Index)>> {
        let is_data = |flag: &Flag| data::OPTIONS.contains(&flag.name);
        let data = (
            select(named(is_data)),
            "[!-?A-~][ -~\n]{0,20}|\\{\"stream\" ?: ?true(,\"a\":[0-9]{1,3})?\\}",
        );
        let other = (
            select(named(move |flag| {
                flag.takes != Takes::Nothing && !is_data(flag)
            })),
            "[ -?A-~][ -~]{0,12}",
        );
        let piece = prop_oneof![
            4 => data.prop_map(|(flag, text)| Piece::Data(flag, text)),
            3 => other.prop_map(|(flag, text)| Piece::Other(flag, text)),
            3 => select(named(|flag| flag.takes == Takes::Nothing)).prop_map(Piece::Switch),
            2 => "[a-z/:.]{1,12}|localhost/v1/completions".prop_map(Piece::Url),
            1 => Just(Piece::Next),
        ];
        let form = select(vec![
            Form::Abbreviated,
            Form::Equals,
            Form::Joined,
            Form::Long,
            Form::Short,
        ]);
        proptest::collection::vec((piece, form, any::<Index>()), 0..12)
    }

    /// The option, and its value if it takes one, as arguments.
    fn written(flag: Flag, value: Option<&str>, form: Form, letters: &Index) -> Vec<String> {
        let name = flag.name;
        let letter = Some(flag.letter).filter(|letter| short(*letter) == Some(flag));
        // Other letters may stand before.
        let before: Vec<char> = "sSLkv".chars().collect();
        let before: String = before[..letters.index(before.len())].iter().collect();
        let value = value.map(str::to_owned);
        let mut arguments = match (form, letter, &value) {
            (Form::Joined, Some(letter), Some(value)) => {
                return vec![format!("-{before}{}{value}", char::from(letter))];
            }
            (Form::Joined | Form::Short, Some(letter), _) => {
                vec![format!("-{before}{}", char::from(letter))]
            }
            (Form::Equals, _, Some(value)) => return vec![format!("--{name}={value}")],
            (Form::Abbreviated, ..) => {
                let unique = |len: &usize| {
                    let begin = |flag: &Flag| flag.name.starts_with(&name[..*len]);
                    flags().filter(begin).count() == 1
                };
                let len = (1..name.len()).find(unique).unwrap_or(name.len());
                vec![format!("--{}", &name[..len])]
            }
            _ => vec![format!("--{name}")],
        };
        arguments.extend(value);
        arguments
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Each operation's body is what its data options say, however they are written among others; and with
        /// usage asked for, the same but for the edit.
        #[test]
        fn bodies_are_those_of_the_data_options(pieces in pieces()) {
            let mut arguments = Vec::new();
            let mut want: Vec<Option<String>> = vec![None];
            for (piece, form, index) in &pieces {
                match piece {
                    Piece::Data(flag, text) => {
                        arguments.extend(written(*flag, Some(text), *form, index));
                        let body = want.last_mut().expect("one");
                        *body = Some(match body.take() {
                            Some(body) if flag.name == "json" => body + text,
                            Some(body) => body + "&" + text,
                            None => text.clone(),
                        });
                    }
                    Piece::Next => {
                        arguments.push("--next".to_owned());
                        want.push(None);
                    }
                    Piece::Other(flag, text) => arguments.extend(written(*flag, Some(text), *form, index)),
                    Piece::Switch(flag) => arguments.extend(written(*flag, None, *form, index)),
                    Piece::Url(text) => arguments.push(text.clone()),
                }
            }
            let bodies = |arguments: Vec<OsString>| {
                let line = Line::read(arguments);
                assert!(line.clear);
                let read = |operation| Data::read(operation, &line.words, &mut io::empty());
                let bodies = line.operations.iter().map(|operation| read(operation).body());
                bodies.collect::<Vec<_>>()
            };
            let text = |body: &Option<Vec<u8>>| {
                body.as_ref().map(|body| String::from_utf8(body.clone()).expect("text"))
            };
            let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
            let found = bodies(arguments.clone());
            prop_assert_eq!(found.iter().map(text).collect::<Vec<_>>(), want);

            // Every request asks as soon as it may, and nothing else changes.
            let plain = |inject| {
                let curl = Curl::read(arguments.clone(), inject, false, &mut io::empty());
                let argument = |argument| match argument {
                    Argument::Plain(text) => text,
                    Argument::Fed { .. } => panic!("nothing is large"),
                    Argument::Headers => panic!("no body names a model"),
                };
                (curl.calls.clone(), curl.arguments().map(argument).collect::<Vec<_>>())
            };
            let (_, same) = plain(Inject::Never);
            let mut rest = same.iter();
            let kept = arguments.iter().all(|argument| rest.by_ref().any(|other| other == argument));
            prop_assert!(kept && same.len() == arguments.len() + found.len());
            let (calls, edited) = plain(Inject::Always);
            let injected = calls.iter().filter(|call| call.usage_request == UsageRequest::Injected).count();
            let sent = bodies(edited);
            let changed = sent.iter().zip(&found).filter(|(sent, found)| sent != found);
            for (sent, found) in changed.clone() {
                let asks = ",\"stream_options\":{\"include_usage\":true}";
                let (sent, found) = (text(sent).expect("a body"), text(found).expect("a body"));
                prop_assert_eq!(sent.replacen(asks, "", 1), found);
            }
            // Where responses cannot be told apart, nothing is said of any.
            let silent = calls.len() == 1 && calls[0].usage_request == UsageRequest::NotUnderstood;
            prop_assert!(silent || changed.count() <= injected);
        }
    }
}
