//! Claude's tokens: the text is normalised, falls into runs of like characters, is rewritten with marks for word
//! boundaries and capitals, and is then covered with as few pieces as can be.
//!
//! The rules and vocabularies were measured by the authors of ctok through Anthropic's endpoint that counts tokens.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use super::classes::{category, is_alphabetic};
use super::table::Table;

/// What differs between generations of models.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generation {
    /// Curly quotes count as straight ones.
    folds_quotes: bool,
    /// From so many letters on, a word of capitals has a mark of its own.
    capitals: Option<usize>,
    /// Before a message stands the mark of a word's beginning.
    opens: bool,
}

/// Claude 3 to 4.6.
pub(super) const V3: Generation = Generation {
    folds_quotes: true,
    capitals: Some(4),
    opens: true,
};

/// Claude 4.7.
pub(super) const V4_7: Generation = Generation {
    folds_quotes: false,
    capitals: None,
    opens: true,
};

/// Claude 4.8 and later.
pub(super) const V4_8: Generation = Generation {
    opens: false,
    ..V4_7
};

// Characters that normalising takes away stand for the marks.
const BEGIN: u8 = 1;
const END: u8 = 2;
const CAPITAL: u8 = 3;
const CAPITALS: u8 = 4;

/// What a key of the table is.
pub(super) const PIECE: u32 = 0;
/// The beginning of a piece, and no piece itself.
#[cfg(test)]
pub(super) const PREFIX: u32 = 1;
/// Bytes of a character that has no piece.
pub(super) const BYTES: u32 = 2;

/// What a run of characters is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Digits,
    /// Characters that each stand alone: ideographs, symbols, emoji.
    Hard,
    /// Marks without a letter before them.
    Marks,
    Punctuation,
    Space,
    Word,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    kind: Kind,
    begin: usize,
    end: usize,
}

/// Counts the tokens of texts. What it needs for that it keeps.
#[derive(Default)]
pub(super) struct Tiler {
    runs: Vec<Run>,
    marked: Vec<u8>,
    best: Vec<u32>,
}

impl Tiler {
    /// Tokens of a text; `first` where a message begins with it, `last` where one ends. What stands together with its
    /// marks is given to `cost`, which says how many tokens cover it.
    pub(super) fn count(
        &mut self,
        generation: Generation,
        text: &str,
        first: bool,
        last: bool,
        mut cost: impl FnMut(&mut Vec<u32>, &[u8]) -> u64,
    ) -> u64 {
        let normal = normalise(text, generation);
        let mut norm: &str = normal.as_deref().unwrap_or(text);
        let mut tokens = 0;
        if last {
            let body = norm.trim_end_matches('\n');
            let lines = norm.len() - body.len();
            if lines > 0 {
                // Two more follow the message, and one token may be of both.
                let all = [b'\n'].repeat(lines + 2);
                tokens += cost(&mut self.best, &all) - 1;
            }
            norm = body;
        }
        let opens = first && generation.opens;
        if opens && text.starts_with(' ') && norm.starts_with(' ') && !norm[1..].starts_with(' ') {
            norm = &norm[1..];
        }
        let mut runs = std::mem::take(&mut self.runs);
        find_runs(norm, &mut runs);
        if runs.is_empty() {
            self.runs = runs;
            return tokens + u64::from(opens);
        }
        let stream = Normalised {
            text: norm,
            runs: &runs,
            opens,
            capitals: generation.capitals,
        };
        // Whether the last run ended with the mark for it.
        let mut ended = false;
        let mut marked = std::mem::take(&mut self.marked);
        let mut at = 0;
        while at < runs.len() {
            marked.clear();
            if at == 0 && opens && !stream.brings_begin() {
                marked.push(if stream.opens_word(0) { b' ' } else { BEGIN });
            }
            if ended && stream.body(at) == " " && at + 1 < runs.len() {
                // One space between two words is what their marks stand for.
                stream.mark(at + 1, &mut marked);
                let begins = marked
                    .iter()
                    .find(|byte| !matches!(**byte, CAPITAL | CAPITALS));
                if begins == Some(&BEGIN) {
                    at += 1;
                } else {
                    marked.clear();
                    stream.mark(at, &mut marked);
                }
            } else {
                stream.mark(at, &mut marked);
            }
            // What a piece may be of both of is covered together.
            while at + 1 < runs.len() && stream.goes_on(at + 1) {
                at += 1;
                stream.mark(at, &mut marked);
            }
            ended = marked.last() == Some(&END);
            tokens += cost(&mut self.best, &marked);
            at += 1;
        }
        self.marked = marked;
        self.runs = runs;
        tokens
    }
}

/// A normalised text and its runs.
struct Normalised<'t> {
    text: &'t str,
    runs: &'t [Run],
    opens: bool,
    capitals: Option<usize>,
}

impl<'t> Normalised<'t> {
    fn body(&self, at: usize) -> &'t str {
        let Run { begin, end, .. } = self.runs[at];
        &self.text[begin..end]
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.runs.get(at).map(|run| run.kind)
    }

    /// Whether the first run takes the place of the mark before the message.
    fn brings_begin(&self) -> bool {
        let body = self.body(0);
        if self.opens_word(0) {
            return false;
        }
        match self.runs[0].kind {
            Kind::Word | Kind::Punctuation | Kind::Marks => true,
            Kind::Space => body.starts_with(' '),
            Kind::Digits | Kind::Hard => hard_begin(body) || digit_begin(body),
        }
    }

    /// Whether a run is an apostrophe that the next word begins with.
    fn opens_word(&self, at: usize) -> bool {
        self.body(at) == "'" && matches!(self.kind(at + 1), Some(Kind::Word | Kind::Marks))
    }

    /// Whether a run is covered together with the one before it.
    fn goes_on(&self, at: usize) -> bool {
        let both = (self.kind(at - 1), self.kind(at));
        let like = [(Kind::Marks, Kind::Word), (Kind::Hard, Kind::Punctuation)];
        like.iter()
            .any(|(one, other)| both == (Some(*one), Some(*other)))
            || self.contracts(at)
    }

    /// Whether a word is the second part of a contraction, which its apostrophe begins.
    fn contracts(&self, at: usize) -> bool {
        if at == 0 || self.body(at - 1) != "'" || self.runs[at - 1].kind != Kind::Punctuation {
            return false;
        }
        let suffix = matches!(self.body(at), "s" | "t" | "d" | "m" | "ll" | "re" | "ve");
        suffix && (at < 2 || !self.takes_right(at - 2))
    }

    /// Whether a run, if a space follows, ends with a mark though it is no word.
    fn takes_right(&self, at: usize) -> bool {
        let body = self.body(at);
        match self.runs[at].kind {
            Kind::Punctuation => true,
            Kind::Digits | Kind::Hard => hard_end(body) || digit_end(body),
            _ => hard_end(body),
        }
    }

    fn space_before(&self, at: usize) -> bool {
        match at.checked_sub(1) {
            None => self.opens,
            Some(at) => self.runs[at].kind == Kind::Space && self.body(at).ends_with(' '),
        }
    }

    fn space_after(&self, at: usize) -> bool {
        self.kind(at + 1) == Some(Kind::Space) && {
            let body = self.body(at + 1);
            body.starts_with(' ') && !body.starts_with("  ")
        }
    }

    /// Writes a run with its marks.
    fn mark(&self, at: usize, out: &mut Vec<u8>) {
        let body = self.body(at);
        let kind = self.runs[at].kind;
        let (begins, ends) = match kind {
            Kind::Word => {
                let goes_on = at > 0 && self.runs[at - 1].kind == Kind::Marks;
                let begins = !goes_on && !self.contracts(at);
                mark_word(
                    body,
                    self.capitals.filter(|_| !goes_on),
                    goes_on,
                    begins,
                    out,
                );
                return;
            }
            Kind::Marks => (true, self.kind(at + 1) != Some(Kind::Word)),
            Kind::Space => (false, false),
            Kind::Punctuation | Kind::Hard | Kind::Digits => {
                let sign = kind == Kind::Punctuation;
                let (left, right) = match sign || hard_begin(body) || hard_end(body) {
                    true => (
                        (sign || hard_begin(body)) && !self.opens_word(at),
                        sign || hard_end(body),
                    ),
                    false => (digit_begin(body), digit_end(body)),
                };
                (left && self.space_before(at), right && self.space_after(at))
            }
        };
        out.extend(begins.then_some(BEGIN));
        out.extend(body.as_bytes());
        out.extend(ends.then_some(END));
    }
}

/// Tokens of a text with its marks: as few pieces as can cover it.
pub(super) fn tile(best: &mut Vec<u32>, table: Table<'_>, marked: &[u8]) -> u64 {
    if table.rank(marked) == Some(PIECE) {
        return 1;
    }
    let len = marked.len();
    best.clear();
    best.resize(len + 1, u32::MAX);
    best[0] = 0;
    let next = |at: usize| {
        let inner = |byte: &u8| byte & 0xc0 == 0x80;
        at + 1
            + marked[at + 1..]
                .iter()
                .take_while(|byte| inner(byte))
                .count()
    };
    let mut at = 0;
    while at < len {
        let cost = best[at] + 1;
        let past = next(at);
        let mut end = past;
        let mut alone = false;
        while let Some(what) = table.rank(&marked[at..end]) {
            if what == PIECE {
                best[end] = best[end].min(cost);
                alone |= end == past;
            }
            if end == len {
                break;
            }
            end = next(end);
        }
        if !alone {
            best[past] = best[past].min(best[at] + spell(table, &marked[at..past]));
        }
        at = past;
    }
    u64::from(best[len])
}

/// Tokens of a character that is no piece, from some of its bytes.
fn spell(table: Table<'_>, char: &[u8]) -> u32 {
    let mut best = [0, 4, 4, 4, 4];
    for end in 1..=char.len() {
        for begin in 0..end {
            if end - begin == 1 || table.rank(&char[begin..end]) == Some(BYTES) {
                best[end] = best[end].min(best[begin] + 1);
            }
        }
    }
    best[char.len()]
}

/// A text as the models take it in; `None` where it is that already.
fn normalise(text: &str, generation: Generation) -> Option<String> {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    // All of a chunk at once: that takes a tenth of the time.
    let all = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & plain(byte));
    if text.as_bytes().chunks(64).all(all) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut put = |char: char| {
        let char = match char {
            '\0'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}' => ' ',
            '\u{1}'..='\u{8}'
            | '\u{b}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{e000}'..='\u{f8ff}' => return,
            '\u{2018}' | '\u{2019}' if generation.folds_quotes => '\'',
            '\u{201c}' | '\u{201d}' if generation.folds_quotes => '"',
            // Thai's SARA AM is put together again.
            '\u{e32}' if out.ends_with('\u{e4d}') => {
                out.pop();
                '\u{e33}'
            }
            char => char,
        };
        out.push(char);
    };
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.chars().for_each(&mut put),
        _ => text.nfc().for_each(&mut put),
    }
    Some(out)
}

fn is_selector(char: char) -> bool {
    matches!(char, '\u{fe00}'..='\u{fe0f}')
}

fn is_mark(char: char) -> bool {
    category(char).starts_with('M')
}

/// Whether a letter stands alone.
fn is_hard(char: char) -> bool {
    matches!(
        char,
        '\u{10000}'..
            | '\u{4e00}'..='\u{9fff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{3005}'
            | '\u{3006}'
            | '\u{3031}'..='\u{3035}'
            | '\u{303b}'
            | '\u{303c}'
    )
}

/// Letters whose case came late to Unicode.
const NEW_CAPITALS: [(char, char); 2] = [('\u{1c89}', '\u{1c8a}'), ('\u{a7cb}', '\u{264}')];

/// The kind of each character of ASCII.
static ASCII: [Kind; 128] = {
    let mut kinds = [Kind::Hard; 128];
    let mut at = 0;
    while at < 128 {
        kinds[at] = match at as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Kind::Word,
            b'0'..=b'9' => Kind::Digits,
            b' ' | b'\t' | b'\n' => Kind::Space,
            b'!'..=b'~' => Kind::Punctuation,
            _ => Kind::Hard,
        };
        at += 1;
    }
    kinds
};

/// The kind of a character that is not of ASCII.
fn classify(char: char) -> Kind {
    if NEW_CAPITALS
        .iter()
        .any(|(one, other)| char == *one || char == *other)
    {
        return Kind::Word;
    }
    let category = category(char);
    if category.starts_with('Z') {
        return Kind::Space;
    }
    match char {
        '\u{16ee}'..='\u{16f0}'
        | '\u{2160}'..='\u{2188}'
        | '\u{24b6}'..='\u{24e9}'
        | '\u{a6e6}'..='\u{a6ef}' => Kind::Word,
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => Kind::Digits,
        '—' | '»' | '«' | '•' | '°' | '„' | '–' | '−' | '£' | '§' | '€' | '…' | '√' | '→'
        | '（' | '№' | '†' | '└' | '│' | '·' | '─' | '═' | '█' => Kind::Punctuation,
        _ if is_selector(char) => Kind::Hard,
        _ if category.starts_with('M') && char < '\u{10000}' && is_alphabetic(char) => Kind::Word,
        _ if category.starts_with('L') && !is_hard(char) => Kind::Word,
        _ => Kind::Hard,
    }
}

/// Whether a mark closes the word before it.
fn is_separator(char: char) -> bool {
    char < '\u{10000}' && is_mark(char) && !is_selector(char) && !is_alphabetic(char)
}

/// Whether a character is a mark of the kind that belongs to a letter before it.
fn rides(char: char) -> bool {
    let syriac = matches!(char, '\u{711}' | '\u{730}'..='\u{73f}');
    !char.is_ascii() && !syriac && canonical_combining_class(char) != 0 && !is_separator(char)
}

/// The runs of a text.
fn find_runs(text: &str, runs: &mut Vec<Run>) {
    runs.clear();
    let mut open: Option<Run> = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if let Some(kind) = ASCII.get(usize::from(byte)) {
            let more = bytes[at + 1..].iter();
            let more = more.take_while(|byte| ASCII.get(usize::from(**byte)) == Some(kind));
            let end = at + 1 + more.count();
            match &mut open {
                Some(run) if run.kind == *kind => run.end = end,
                _ => {
                    let run = Run {
                        kind: *kind,
                        begin: at,
                        end,
                    };
                    if let Some(run) = open.replace(run) {
                        close(text, run, runs);
                    }
                }
            }
            at = end;
            continue;
        }
        let char = text[at..].chars().next().unwrap_or_default();
        let end = at + char.len_utf8();
        let kind = classify(char);
        let free = kind == Kind::Word && rides(char);
        match &mut open {
            Some(run) if run.kind == Kind::Marks && free => run.end = end,
            Some(run) if run.kind == kind => run.end = end,
            _ => {
                let kind = match &open {
                    Some(run) if free && run.kind != Kind::Word => Kind::Marks,
                    None if free => Kind::Marks,
                    _ => kind,
                };
                if let Some(run) = open.replace(Run {
                    kind,
                    begin: at,
                    end,
                }) {
                    close(text, run, runs);
                }
            }
        }
        at = end;
    }
    if let Some(run) = open {
        close(text, run, runs);
    }
}

/// Ends a run. One of hard characters falls into those that take marks as punctuation, numbers, and others.
fn close(text: &str, run: Run, runs: &mut Vec<Run>) {
    if run.kind != Kind::Hard {
        runs.push(run);
        return;
    }
    let mut begin = run.begin;
    let mut kind = None;
    for (at, char) in text[run.begin..run.end].char_indices() {
        let this = (is_sign(char), !is_sign(char) && is_border_digit(char));
        let at = run.begin + at;
        match kind {
            Some(before) if before != this && !is_selector(char) => {
                runs.push(Run {
                    begin,
                    end: at,
                    ..run
                });
                begin = at;
                kind = Some(this);
            }
            None => kind = Some(this),
            _ => {}
        }
    }
    runs.push(Run { begin, ..run });
}

/// Whether a character takes marks beside spaces as punctuation does.
fn is_sign(char: char) -> bool {
    if char >= '\u{10000}' {
        return false;
    }
    if is_separator(char) {
        return true;
    }
    let category = category(char);
    let sign = category.starts_with(['P', 'S']);
    let symbols = ['〄', '〒', '〓', '〠', '〶', '〷', '〾', '〿'];
    let ideographic = matches!(char, '\u{3001}'..='\u{303f}')
        && (category.starts_with('P') || symbols.contains(&char));
    (sign || matches!(category, "Cf" | "Cn")) && !ideographic
}

fn is_border_digit(char: char) -> bool {
    let category = category(char);
    (category == "No" || (category == "Nd" && !char.is_ascii())) && char < '\u{10000}'
}

fn hard_begin(body: &str) -> bool {
    body.chars()
        .next()
        .is_some_and(|char| is_selector(char) || is_sign(char))
}

fn hard_end(body: &str) -> bool {
    body.chars()
        .next_back()
        .is_some_and(|char| is_selector(char) || is_sign(char))
}

fn is_digits(body: &str) -> bool {
    let mut categories = body.chars().map(category);
    let first = categories.next().unwrap_or_default();
    matches!(first, "Nd" | "No") && categories.all(|category| category == first)
}

fn digit_begin(body: &str) -> bool {
    body.chars().next().is_some_and(is_border_digit) && is_digits(body)
}

fn digit_end(body: &str) -> bool {
    body.chars().next_back().is_some_and(is_border_digit) && is_digits(body)
}

fn lower(char: char) -> impl Iterator<Item = char> {
    let new = NEW_CAPITALS.iter().find(|(capital, _)| *capital == char);
    let (kept, lowered) = match (char, new) {
        ('\u{3f4}', _) => (Some(char), None),
        (_, Some((_, small))) => (Some(*small), None),
        _ => (None, Some(char.to_lowercase())),
    };
    kept.into_iter().chain(lowered.into_iter().flatten())
}

fn lowers(char: char) -> bool {
    !lower(char).eq([char])
}

fn is_upper(char: char) -> bool {
    let new = NEW_CAPITALS.iter().any(|(capital, _)| *capital == char);
    char != '\u{3f4}' && (new || (char.is_uppercase() && lowers(char)))
}

fn is_lower(char: char) -> bool {
    let new = NEW_CAPITALS.iter().any(|(_, small)| *small == char);
    new || char.is_lowercase()
}

/// Writes a word with its marks: capitals as small letters with a mark for them, where only the first is one or all are.
fn mark_word(word: &str, capitals: Option<usize>, headed: bool, begins: bool, out: &mut Vec<u8>) {
    let case = if headed {
        Case::Mixed
    } else {
        case(word, capitals)
    };
    out.extend(match case {
        Case::First => Some(CAPITAL),
        Case::All => Some(CAPITALS),
        Case::Mixed => None,
    });
    out.extend(begins.then_some(BEGIN));
    if case == Case::Mixed {
        out.extend(word.as_bytes());
    } else if word.is_ascii() {
        out.extend(word.bytes().map(|byte| byte.to_ascii_lowercase()));
    } else {
        let mut put = |char: char| out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
        for char in word.chars() {
            match char {
                'İ' => put(char),
                _ => lower(char).for_each(&mut put),
            }
        }
    }
    out.push(END);
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Case {
    All,
    First,
    Mixed,
}

fn case(word: &str, capitals: Option<usize>) -> Case {
    if word.is_ascii() {
        let upper = word.bytes().filter(u8::is_ascii_uppercase).count();
        return match upper {
            0 => Case::Mixed,
            _ if upper == word.len() && capitals.is_some_and(|least| upper >= least) => Case::All,
            1 if word.as_bytes()[0].is_ascii_uppercase() => Case::First,
            _ => Case::Mixed,
        };
    }
    let mut chars = word.chars();
    let Some(first) = chars.next() else {
        return Case::Mixed;
    };
    if word.contains('ẞ') {
        return Case::Mixed;
    }
    let dotted = word.contains('İ');
    let later = |char: char| is_upper(char) && !(dotted && char == 'İ');
    if dotted {
        let title = is_upper(first) && first != 'İ' && !chars.any(later);
        return if title { Case::First } else { Case::Mixed };
    }
    let is_letter = |char: char| category(char).starts_with(['L', 'M']);
    let stuck = |char: char| is_letter(char) && !is_lower(char) && !is_upper(char);
    if let Some(least) = capitals
        && word.chars().count() >= least
        && !word.chars().any(|char| is_lower(char) || stuck(char))
        && word.chars().any(is_upper)
    {
        return Case::All;
    }
    match is_upper(first) && !chars.any(is_upper) {
        true => Case::First,
        false => Case::Mixed,
    }
}

/// Where a text can be cut in two whose tokens together are those of the whole, at most at its end: behind a letter, before
/// one space and a letter, or before a line's end. The second part begins behind the space.
pub(super) fn seam(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    (1..bytes.len().saturating_sub(1))
        .rev()
        .find_map(|at| match bytes[at] {
            b' ' if bytes[at - 1].is_ascii_alphabetic() && bytes[at + 1].is_ascii_alphabetic() => {
                Some((at, at + 1))
            }
            b'\n' if bytes[at - 1].is_ascii_graphic() => Some((at, at)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Vocabulary;

    /// What ctok 1.3.0 counts, for models up to 4.6, for 4.7 and for later ones.
    #[test]
    fn counts_as_measured() {
        let known = include_str!("tables/claude.tsv");
        for line in known.lines().filter(|line| !line.starts_with('#')) {
            let (counts, text) = line.split_once('\t').expect("counts and a text");
            let text: String = serde_json::from_str(text).expect("a JSON string");
            let all = [
                Vocabulary::Claude3,
                Vocabulary::Claude47,
                Vocabulary::Claude48,
            ];
            let got = all.map(|vocabulary| vocabulary.count(&text).to_string());
            assert_eq!(got.join(" "), counts, "{text:?}");
        }
    }
}
