//! Token counts for what a provider did not state: factors measured per model family.

mod bpe;
mod call;
mod classes;
mod claude;
mod split;
mod table;
#[cfg(test)]
mod tables;
pub(super) mod transcript;
pub(super) mod vocabulary;

use transcript::Transcript;
use vocabulary::{Counter, Vocabulary};

/// How the tokens of a family of models follow from a vocabulary's: `factor · count + once + call · calls`.
#[derive(Debug)]
pub(crate) struct Family {
    /// Model names that contain one of these…
    names: &'static [&'static str],
    /// …and are of this version or an earlier one.
    until: (u32, u32),
    pub(crate) vocabulary: Vocabulary,
    /// In hundredths.
    factor: u64,
    /// Tokens that a finished message adds; with reasoning, the second.
    once: (u64, u64),
    /// Tokens that a finished tool call adds.
    call: u64,
    hidden: Hidden,
    fit: Fit,
}

/// How well a family's counts fit. The numbers are hundredths: nine in ten recordings were no further off. None where there
/// are fewer than six recordings.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    /// The vocabulary and the end of a message are the model's own. The error is that of tool calls and reasoning.
    Exact(Option<u32>),
    /// The vocabulary is the model's own. What stands around a text is fitted.
    Own(Option<u32>),
    /// Another vocabulary stands in.
    Other(Option<u32>),
}

/// Whether a family bills generated tokens that it does not show.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hidden {
    /// It may always have done so.
    Maybe,
    Never,
    /// What it shows of its reasoning is a summary.
    Summary,
}

/// Tokens that several tool calls at once have beside each one's own, where a family writes them as one.
const GATHERED: u64 = 18;
/// Tokens that Claude's thinking has beside its text.
const THINKING: u64 = 8;

const ANY: (u32, u32) = (u32::MAX, 0);
/// Claude's models up to this version say something before they call a tool. Where they do not, the caller has chosen the
/// tool, and the beginning of the call is given to them.
const PREFILLED: (u32, u32) = (4, 4);

/// Fitted to recorded responses with known counts, the same that the errors were measured on; the first row that fits counts.
#[rustfmt::skip]
static FAMILIES: &[Family] = {
    use Fit::{Exact, Other, Own};
    use Hidden::{Maybe, Never, Summary};
    use Vocabulary::{Cl100k, Claude3, Claude47, Claude48, DeepSeek, MistralV3, O200k, Qwen2};
    &[
        family(&["gpt-oss"],                         ANY,     O200k,     100, (4, 10), 10, Never, Own(Some(39))),
        family(&["gpt-4o", "gpt-4.1"],               ANY,     O200k,     100, (1, 1), 7,  Never, Exact(Some(31))),
        family(&["gpt-5-chat"],                      ANY,     O200k,     100, (1, 1), 7,  Never, Exact(None)),
        family(&["gpt-3.5", "gpt-35", "davinci-002"], ANY,    Cl100k,    100, (0, 0), 7,  Never, Own(None)),
        family(&["gpt-4"],                           (4, 0),  Cl100k,    100, (0, 0), 7,  Never, Own(None)),
        family(&["gpt-", "codex"],                   ANY,     O200k,     100, (4, 9), 10, Maybe, Exact(None)),
        family(&["claude"],                          (3, 99), Claude3,   100, (3, 3), 0,  Never, Exact(Some(14))),
        family(&["claude"],                          PREFILLED, Claude3, 100, (3, 3), 0, Summary, Exact(Some(14))),
        family(&["claude"],                          (4, 6),  Claude3,   100, (3, 3), 0,  Summary, Exact(Some(14))),
        family(&["claude"],                          (4, 7),  Claude47,  100, (5, 5), 0,  Summary, Exact(None)),
        family(&["claude"],                          ANY,     Claude48,  100, (5, 5), 0,  Summary, Exact(None)),
        family(&["gemini"],                          (2, 0),  O200k,     104, (0, 0), 0,  Never, Other(None)),
        family(&["gemini"],                          ANY,     O200k,     104, (0, 0), 7,  Maybe, Other(None)),
        family(&["gemma"],                           ANY,     O200k,     104, (1, 1), 0,  Never, Other(Some(23))),
        family(&["mistral", "ministral", "mixtral"], ANY,     MistralV3, 100, (1, 1), 2,  Never, Own(Some(72))),
        family(&["codestral", "devstral"],           ANY,     MistralV3, 100, (1, 1), 2,  Never, Own(None)),
        family(&["magistral", "pixtral", "voxtral"], ANY,     MistralV3, 100, (1, 1), 2,  Never, Own(None)),
        family(&["qwen", "qwq"],                     (3, 4),  Qwen2,     100, (1, 5), 13, Never, Exact(None)),
        family(&["qwen"],                            ANY,     Qwen2,     104, (1, 5), 13, Never, Other(None)),
        family(&["llama"],                           (3, 99), Cl100k,    100, (1, 1), 12, Never, Other(Some(93))),
        family(&["llama"],                           ANY,     O200k,     104, (1, 1), 60, Never, Other(None)),
        family(&["deepseek"],                        ANY,     DeepSeek,  100, (1, 1), 35, Never, Exact(Some(29))),
        family(&["glm"],                             ANY,     O200k,     105, (2, 2), 3,  Never, Other(Some(9))),
        family(&["kimi", "moonshot"],                ANY,     O200k,     100, (1, 1), 10, Never, Other(None)),
        family(&["grok"],                            ANY,     O200k,     98,  (0, 0), 25, Maybe, Other(None)),
        family(&["nova"],                            ANY,     O200k,     99,  (2, 2), 19, Never, Other(None)),
        family(&["command", "cohere"],               ANY,     O200k,     104, (3, 3), 45, Never, Other(Some(51))),
    ]
};

/// Names too short to be looked for within a name.
static O_SERIES: Family = family(
    &[],
    ANY,
    Vocabulary::O200k,
    100,
    (4, 9),
    10,
    Hidden::Maybe,
    Fit::Exact(None),
);
static UNKNOWN: Family = family(
    &[],
    ANY,
    Vocabulary::O200k,
    105,
    (2, 2),
    12,
    Hidden::Never,
    // Of all families, as if their names were not known.
    Fit::Other(Some(49)),
);

#[allow(clippy::too_many_arguments)] // A row of the table.
const fn family(
    names: &'static [&'static str],
    until: (u32, u32),
    vocabulary: Vocabulary,
    factor: u64,
    once: (u64, u64),
    call: u64,
    hidden: Hidden,
    fit: Fit,
) -> Family {
    Family {
        names,
        until,
        vocabulary,
        factor,
        once,
        call,
        hidden,
        fit,
    }
}

impl Family {
    /// The family of a model, by its name.
    pub(crate) fn of(model: Option<&str>) -> &'static Self {
        let Some(model) = model else { return &UNKNOWN };
        let model = model.to_ascii_lowercase();
        let bare = model.rsplit(['/', ':']).find(|part| !part.is_empty());
        let bare = bare.unwrap_or(&model);
        let o_series = bare
            .strip_prefix('o')
            .and_then(|rest| rest.split('-').next())
            .is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
        if o_series {
            return &O_SERIES;
        }
        let fits = |family: &&Self| {
            let name = family.names.iter().find_map(|name| model.find(name));
            name.is_some_and(|at| version(&model[at..]) <= family.until)
        };
        FAMILIES.iter().find(fits).unwrap_or(&UNKNOWN)
    }

    /// Tokens of the text heard; `finished` where the message came to its end.
    pub(super) fn output(&self, transcript: &Transcript, finished: bool) -> u64 {
        let text = self.scale(transcript.tokens(self.vocabulary, finished));
        let calls = if finished {
            transcript.calls
        } else {
            transcript.closed_calls()
        };
        let once = match finished {
            // Claude stops where its calls end.
            true if self.is_claude() && transcript.calls > 0 => 0,
            true if transcript.reasoned() => self.once.1,
            true => self.once.0,
            false => 0,
        };
        let thinking = match self.is_claude() && transcript.reasoned() {
            true => THINKING,
            false => 0,
        };
        // Several calls at once stand in a call of their own.
        let around = match self.names.contains(&"gpt-4o") && calls > 1 {
            true => GATHERED,
            false => 0,
        };
        let given = match self.is_claude() && self.until <= PREFILLED {
            true => transcript.given_call(self.vocabulary),
            false => 0,
        };
        (text + once + thinking + around + self.call * calls).saturating_sub(given)
    }

    /// The family's tokens for so many of its vocabulary's.
    pub(super) fn scale(&self, tokens: u64) -> u64 {
        (tokens * self.factor + 50) / 100
    }

    /// Whether tokens may have been billed that were not heard.
    pub(super) fn hides(&self, transcript: &Transcript) -> bool {
        match self.hidden {
            Hidden::Maybe => true,
            Hidden::Never => false,
            Hidden::Summary => transcript.reasoned(),
        }
    }

    /// Whether the count of the transcript is exact, as far as it came: text alone, where the family's rules are known.
    pub(super) fn is_exact(&self, transcript: &Transcript) -> bool {
        matches!(self.fit, Fit::Exact(_)) && transcript.calls == 0 && !transcript.reasoned()
    }

    /// Whether the count of a prompt is.
    pub(super) fn is_exact_for_prompts(&self) -> bool {
        matches!(self.fit, Fit::Exact(_))
    }

    /// Whether the count of a bare text is.
    fn is_exact_for_text(&self) -> bool {
        !matches!(self.fit, Fit::Other(_))
    }

    /// What the estimate is made with: `o200k_base exact`, or `o200k_base ×1.05` where it is an estimate of one.
    pub(super) fn estimator(&self, exact: bool) -> String {
        let (name, factor) = (self.vocabulary.name(), self.factor);
        match exact {
            true => format!("{name} exact"),
            false => format!("{name} ×{}.{:02}", factor / 100, factor % 100),
        }
    }

    /// Half the width that held nine of ten recordings, in hundredths; `None` where the count is exact, or where there are
    /// too few recordings.
    pub(super) fn error(&self, exact: bool) -> Option<u32> {
        let (Fit::Exact(error) | Fit::Own(error) | Fit::Other(error)) = self.fit;
        error.filter(|_| !exact)
    }

    pub(super) fn is_claude(&self) -> bool {
        self.names.contains(&"claude")
    }
}

/// Counts the tokens of a text for a model, as they come: the memory that takes does not grow with the text.
///
/// ```
/// let mut counter = tokensense::TokenCounter::new(Some("gpt-4o"));
/// counter.push(b"Hello, ");
/// counter.push(b"world!");
/// assert_eq!(counter.tokens(), 4);
/// assert_eq!(counter.estimator(), "o200k_base exact");
/// ```
#[derive(Clone)]
pub struct TokenCounter {
    family: &'static Family,
    counter: Counter,
    /// The beginning of a character that came in two pieces.
    cut: Vec<u8>,
}

impl TokenCounter {
    /// A counter for a model, by its name; without one, for one that is not known.
    pub fn new(model: Option<&str>) -> Self {
        let family = Family::of(model);
        Self {
            family,
            counter: Counter::new(family.vocabulary),
            cut: Vec::new(),
        }
    }

    /// Takes in the next bytes of the text. What is no UTF-8 counts as replacement characters.
    pub fn push(&mut self, bytes: &[u8]) {
        let joined;
        let mut rest = bytes;
        if !self.cut.is_empty() {
            joined = [&std::mem::take(&mut self.cut), bytes].concat();
            rest = &joined;
        }
        while !rest.is_empty() {
            let (text, length) = match str::from_utf8(rest) {
                Ok(text) => (text, rest.len()),
                Err(error) => {
                    let (text, bad) = rest.split_at(error.valid_up_to());
                    self.counter.push(str::from_utf8(text).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.cut = bad.to_vec();
                        return;
                    };
                    ("\u{fffd}", text.len() + length)
                }
            };
            self.counter.push(text);
            rest = &rest[length..];
        }
    }

    /// Tokens of all that came.
    pub fn tokens(&self) -> u64 {
        let tokens = match self.cut.is_empty() {
            true => self.counter.total(),
            false => {
                let mut counter = self.counter.clone();
                counter.push("\u{fffd}");
                counter.total()
            }
        };
        self.family.scale(tokens)
    }

    /// The vocabulary, and `exact` or a factor.
    pub fn estimator(&self) -> String {
        self.family.estimator(self.family.is_exact_for_text())
    }

    /// How far nine in ten estimates for models like this one were off at most, in hundredths; `None` where the count is exact,
    /// and where that was not measured.
    pub fn error(&self) -> Option<u32> {
        self.family.error(self.family.is_exact_for_text())
    }
}

impl std::fmt::Debug for TokenCounter {
    /// Leaves the text out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCounter")
            .field("estimator", &self.estimator())
            .finish_non_exhaustive()
    }
}

/// The version a model's name states: `claude-sonnet-4-5-20250929` is 4.5, `qwen3-32b` is 3.0.
fn version(name: &str) -> (u32, u32) {
    let number = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        (1..=2)
            .contains(&digits)
            .then(|| (digits, text[..digits].parse().unwrap_or(0)))
    };
    let mut at = 0;
    while at < name.len() {
        let rest = &name[at..];
        if let Some((len, major)) = number(rest) {
            let rest = &rest[len..];
            let minor = rest
                .strip_prefix(['.', '-'])
                .and_then(number)
                .filter(|(len, _)| {
                    let end = rest.as_bytes().get(1 + len);
                    rest.starts_with('.') || end.is_none_or(|b| !b.is_ascii_alphanumeric())
                });
            return (major, minor.map_or(0, |(_, minor)| minor));
        }
        // Past the digits of a date, or past one other character.
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        at += digits.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (name, want) in [
            ("claude-3-5-sonnet-20240620", (3, 5)),
            ("claude-sonnet-4-20250514", (4, 0)),
            ("claude-sonnet-4-5-20250929", (4, 5)),
            ("claude-opus-4.7", (4, 7)),
            ("gemini-2.5-flash", (2, 5)),
            ("qwen3-32b", (3, 0)),
            ("qwen3.5-plus", (3, 5)),
            ("gpt-4-0613", (4, 0)),
            ("gpt-4-turbo-2024-04-09", (4, 0)),
            ("claude", (0, 0)),
        ] {
            assert_eq!(version(name), want, "{name}");
        }
    }

    #[test]
    fn families() {
        for (model, vocabulary, factor) in [
            ("gpt-4o-mini-2024-07-18", Vocabulary::O200k, 100),
            ("gpt-4-0613", Vocabulary::Cl100k, 100),
            ("openai/gpt-5.2", Vocabulary::O200k, 100),
            ("openai/gpt-oss-20b", Vocabulary::O200k, 100),
            ("o4-mini", Vocabulary::O200k, 100),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Vocabulary::Claude3,
                100,
            ),
            ("claude-opus-5", Vocabulary::Claude48, 100),
            ("models/gemini-3-pro", Vocabulary::O200k, 104),
            ("mistralai/ministral-3-14b", Vocabulary::MistralV3, 100),
            ("qwen/qwen3-32b", Vocabulary::Qwen2, 100),
            ("qwen3.5-plus", Vocabulary::Qwen2, 104),
            (
                "meta-llama/Llama-3.3-70B-Instruct-Turbo",
                Vocabulary::Cl100k,
                100,
            ),
            ("something-else", Vocabulary::O200k, 105),
        ] {
            let family = Family::of(Some(model));
            assert_eq!(
                (family.vocabulary, family.factor),
                (vocabulary, factor),
                "{model}"
            );
        }
    }
}
