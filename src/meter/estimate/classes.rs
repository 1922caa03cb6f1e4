//! What kind of character each is, by Unicode; `tables/README.md` says how its table is made.

/// For each block of 256 characters where its kinds stand, and then the kinds.
static KINDS: &[u8] = include_bytes!("tables/unicode.table");
const BLOCKS: usize = 0x11_0000 / 256;

/// The general categories, in the order in which the table numbers them.
pub(super) const CATEGORIES: [&str; 30] = [
    "Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs",
];

/// Set beside the category of what is Alphabetic.
const ALPHABETIC: u8 = 0x40;

/// A set of kinds of characters.
pub(super) type Kinds = u8;

pub(super) const LOWER: Kinds = 1;
/// Upper and title case.
pub(super) const UPPER: Kinds = 2;
/// Letters without case.
pub(super) const UNCASED: Kinds = 4;
pub(super) const MARK: Kinds = 8;
pub(super) const NUMBER: Kinds = 16;
pub(super) const SPACE: Kinds = 32;
/// CR and LF; they are spaces too.
pub(super) const LINE_END: Kinds = 64;
/// Punctuation and symbols.
pub(super) const SIGN: Kinds = 128;
pub(super) const LETTER: Kinds = LOWER | UPPER | UNCASED;

/// The kind of the character that a text has at a place, and its length in bytes; none at its end.
#[inline]
pub(super) fn at(text: &str, at: usize) -> (Kinds, usize) {
    match text.as_bytes().get(at) {
        None => (0, 0),
        Some(byte) if byte.is_ascii() => (ASCII[usize::from(*byte)], 1),
        Some(_) => {
            let char = text[at..].chars().next().unwrap_or_default();
            (kind(char), char.len_utf8())
        }
    }
}

fn kind(char: char) -> Kinds {
    match char {
        '\n' | '\r' => SPACE | LINE_END,
        '\t' | '\u{b}' | '\u{c}' | '\u{85}' => SPACE,
        _ => match lookup(char) & 0x1f {
            5 => LOWER,
            6 | 7 => UNCASED,
            8 | 9 => UPPER,
            10..=12 => MARK,
            13..=15 => NUMBER,
            16..=26 => SIGN,
            27..=29 => SPACE,
            _ => 0,
        },
    }
}

/// Whether a character is Alphabetic.
pub(super) fn is_alphabetic(char: char) -> bool {
    lookup(char) & ALPHABETIC != 0
}

/// A character's general category.
pub(super) fn category(char: char) -> &'static str {
    CATEGORIES[usize::from(lookup(char) & 0x1f)]
}

#[inline]
fn lookup(char: char) -> u8 {
    let char = char as usize;
    let block = usize::from(KINDS[char / 256]);
    KINDS[BLOCKS + block * 256 + char % 256]
}

static ASCII: [Kinds; 128] = {
    let mut kinds = [0; 128];
    let mut at = 0;
    while at < 128 {
        kinds[at] = match at as u8 {
            b'\n' | b'\r' => SPACE | LINE_END,
            b'\t' | 0xb | 0xc | b' ' => SPACE,
            b'0'..=b'9' => NUMBER,
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            0x21..=0x7e => SIGN,
            _ => 0,
        };
        at += 1;
    }
    kinds
};
