//! How a text falls into words before it is encoded: each vocabulary has a pattern, which its publisher states as a
//! regular expression. What those have in common stands here once, what differs in a row of [`Pattern`].

use super::classes::{
    self, Kinds, LETTER, LINE_END, LOWER, MARK, NUMBER, SIGN, SPACE, UNCASED, UPPER,
};

/// A vocabulary's pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitPattern {
    /// A word ends before a capital: `camelCase` is two.
    pub(super) cased: bool,
    contractions: Contractions,
    /// Most digits of one word.
    digits: usize,
    /// Slashes after punctuation belong to it.
    slashes: bool,
    apart: Apart,
}

/// What becomes of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` and `'d`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Contractions {
    /// Each is a word.
    Alone,
    /// They belong to the word before.
    Joined,
    /// Nothing special.
    None,
}

/// Scripts that make words of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Apart {
    /// Numbers, and Chinese and Japanese: the rest falls into words as if they were not there.
    Cjk,
    None,
}

/// ```text
/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// ```
pub(super) const CL100K: SplitPattern = SplitPattern {
    cased: false,
    contractions: Contractions::Alone,
    digits: 3,
    slashes: false,
    apart: Apart::None,
};

/// As cl100k's, with one digit at a time.
pub(super) const QWEN2: SplitPattern = SplitPattern {
    digits: 1,
    ..CL100K
};

/// ```text
/// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// ```
pub(super) const O200K: SplitPattern = SplitPattern {
    cased: true,
    contractions: Contractions::Joined,
    digits: 3,
    slashes: true,
    apart: Apart::None,
};

/// As o200k's, with neither contractions nor numbers of several digits.
pub(super) const TEKKEN: SplitPattern = SplitPattern {
    contractions: Contractions::None,
    digits: 1,
    ..O200K
};

/// Three patterns, one after the other, each on what the ones before left:
///
/// ```text
/// \p{N}{1,3}
/// [一-龥぀-ゟ゠-ヿ]+
/// [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// ```
pub(super) const DEEPSEEK: SplitPattern = SplitPattern {
    contractions: Contractions::None,
    apart: Apart::Cjk,
    ..CL100K
};

impl SplitPattern {
    /// The end of the word that begins at a place before the text's end.
    #[inline]
    pub(super) fn word(&self, text: &str, from: usize) -> usize {
        let (first, len) = classes::at(text, from);
        let past = from + len;
        if self.is_apart(text, from) {
            let mut end = past;
            while end < text.len() && self.is_apart(text, end) {
                end += classes::at(text, end).1;
            }
            return end;
        }
        if first & NUMBER != 0 {
            let mut end = past;
            for _ in 1..self.digits {
                let (kind, len) = classes::at(text, end);
                if kind & NUMBER == 0 {
                    break;
                }
                end += len;
            }
            return end;
        }
        if self.contractions == Contractions::Alone
            && let Some(len) = contraction(&text.as_bytes()[from..])
        {
            return from + len;
        }
        let word = match self.apart {
            Apart::Cjk => self.deepseek(text, from, first, past),
            _ if self.cased => self.cased(text, from, first, past),
            _ => self.letters(text, from, first, past, LETTER, LETTER | NUMBER),
        };
        if let Some(end) = word {
            return end;
        }
        if let Some(end) = self.signs(text, from) {
            return end;
        }
        self.blanks(text, from).unwrap_or(past)
    }

    /// What kind of character stands at a place: none, where its script makes words of its own.
    #[inline]
    fn kind(&self, text: &str, at: usize) -> (Kinds, usize) {
        let (kind, len) = classes::at(text, at);
        match len > 1 && self.is_apart(text, at) {
            true => (0, len),
            false => (kind, len),
        }
    }

    /// Whether a character of a script of its own stands at a place.
    #[inline]
    fn is_apart(&self, text: &str, at: usize) -> bool {
        if self.apart == Apart::None || text.as_bytes()[at].is_ascii() {
            return false;
        }
        let char = text[at..].chars().next().unwrap_or_default();
        match self.apart {
            Apart::Cjk => matches!(char, '一'..='龥' | '\u{3040}'..='\u{30ff}'),
            Apart::None => false,
        }
    }

    /// `[^\r\n…]?\p{L}+`: letters, with one character before them that may be anything but some kinds.
    #[inline]
    fn letters(
        &self,
        text: &str,
        from: usize,
        first: Kinds,
        past: usize,
        letters: Kinds,
        not_before: Kinds,
    ) -> Option<usize> {
        let begin = match first & letters != 0 && first & not_before != 0 {
            true => from,
            false if first & (not_before | LINE_END) == 0 => past,
            false => return None,
        };
        let end = self.run(text, begin, letters);
        if end > begin {
            return Some(end);
        }
        // What was taken for the one before may be a letter itself.
        (first & letters != 0).then_some(past)
    }

    /// A word in which no capital follows another letter than a capital.
    #[inline]
    fn cased(&self, text: &str, from: usize, first: Kinds, past: usize) -> Option<usize> {
        let before = first & (LETTER | NUMBER | LINE_END) == 0;
        let begins = [
            before.then_some(past),
            (first & (LETTER | MARK) != 0).then_some(from),
        ];
        let mut capitals = None;
        for begin in begins.into_iter().flatten() {
            // `[capitals]*[others]+`, of which some are both: the last of those can give way to the others.
            let (mut at, mut last) = (begin, None);
            let end = loop {
                let (kind, len) = self.kind(text, at);
                if kind & (UNCASED | MARK) != 0 {
                    last = Some(at + len);
                } else if kind & UPPER == 0 {
                    break match kind & LOWER != 0 {
                        true => Some(self.run(text, at, LOWER | UNCASED | MARK)),
                        false => last,
                    };
                }
                at += len;
            };
            if let Some(end) = end {
                return Some(self.contracted(text, end));
            }
            if at > begin {
                capitals = capitals.or(Some(at));
            }
        }
        capitals.map(|end| self.contracted(text, end))
    }

    #[inline]
    fn contracted(&self, text: &str, end: usize) -> usize {
        match self.contractions {
            Contractions::Joined => end + contraction(&text.as_bytes()[end..]).unwrap_or(0),
            _ => end,
        }
    }

    fn deepseek(&self, text: &str, from: usize, first: Kinds, past: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        if bytes[from].is_ascii_punctuation() {
            let letters = bytes[past..]
                .iter()
                .take_while(|byte| byte.is_ascii_alphabetic());
            let letters = letters.count();
            if letters > 0 {
                return Some(past + letters);
            }
        }
        self.letters(text, from, first, past, LETTER | MARK, LETTER | SIGN)
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    #[inline]
    fn signs(&self, text: &str, from: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let begin = from + usize::from(bytes[from] == b' ');
        let mut end = begin;
        loop {
            let is_sign = match self.apart {
                Apart::Cjk => self.kind(text, end).0 & SIGN != 0,
                _ => classes::at(text, end).0 & (SPACE | LETTER | NUMBER) == 0,
            };
            let len = classes::at(text, end).1;
            if len == 0 || !is_sign {
                break;
            }
            end += len;
        }
        if end == begin {
            return None;
        }
        let tail = |byte: &&u8| matches!(byte, b'\r' | b'\n') || (self.slashes && **byte == b'/');
        Some(end + bytes[end..].iter().take_while(tail).count())
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`
    #[inline]
    fn blanks(&self, text: &str, from: usize) -> Option<usize> {
        let (mut end, mut last, mut line) = (from, from, None);
        loop {
            let (kind, len) = classes::at(text, end);
            if kind & SPACE == 0 {
                break;
            }
            last = end;
            end += len;
            if kind & LINE_END != 0 {
                line = Some(end);
            }
        }
        if line.is_some() || end == from {
            return line;
        }
        // The last blank goes with what follows, where anything does.
        let ends = end == text.len()
            || (self.apart == Apart::Cjk
                && (classes::at(text, end).0 & NUMBER != 0 || self.is_apart(text, end)));
        Some(if ends || last == from { end } else { last })
    }

    /// The end of a run of some kinds.
    #[inline]
    fn run(&self, text: &str, from: usize, kinds: Kinds) -> usize {
        let mut end = from;
        loop {
            let (kind, len) = self.kind(text, end);
            if kind & kinds == 0 {
                return end;
            }
            end += len;
        }
    }
}

/// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`, whatever their case, at the beginning of a text.
#[inline]
fn contraction(text: &[u8]) -> Option<usize> {
    let [b'\'', rest @ ..] = text else {
        return None;
    };
    let lower = |at: usize| rest.get(at).map(u8::to_ascii_lowercase);
    match (lower(0)?, lower(1)) {
        (b's' | b't' | b'm' | b'd', _) => Some(2),
        (b'r' | b'v', Some(b'e')) | (b'l', Some(b'l')) => Some(3),
        // The long s is an s where case does not matter.
        (0xc5, Some(0xbf)) => Some(3),
        _ => None,
    }
}
