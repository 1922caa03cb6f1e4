//! Words in place of words: of the same length in bytes, and as many tokens.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::meter::TokenCounter;

/// Replaces words, numbers and other characters. What comes out cannot be turned back: chance has a part in it.
pub(super) struct Words {
    state: u64,
    /// Words that were replaced before, with a blank before them or not.
    known: HashMap<Spaced, Box<[u8]>>,
    /// The word that the last text ended in, as it was and as it is: the next text may go on with it.
    tail: [Vec<u8>; 2],
}

/// A word, and whether a blank stands before it.
type Spaced = (bool, Box<[u8]>);

/// Common words by their length, from one letter on.
const COMMON: &[&[u8]] = &[
    b"a i",
    b"of to in it is on by as at be we he or an so no up my if go",
    b"the and you for are not but had was all any can her one our out day get has him how man new now old see two way who its",
    b"that with have this from they were said time will been long what them then some very when come here just like over such take than only into your work year back call came each even find give good hand high keep last left life line live look made many most move much must name need next open part play read same seem show side tell turn used want week well went",
    b"which their there would about other these could write first water where after again below every found great house large learn never often place plant point right small sound spell still study think three under world young money music night paper power river state story table today white whole woman began begin black bring build carry clean clear close color early earth front green group heart horse light might north order",
    b"number people should before little around letter mother answer animal always family follow change school though father become course during enough figure garden ground happen island listen market matter minute moment nature notice office person public reason record return second simple single spring street strong sudden summer system travel window winter wonder yellow bridge center circle common corner",
    b"through another because picture country between thought without example special service morning evening history problem machine nothing science brought certain chapter contain correct current develop discuss explain express farther general himself hundred include instead measure million natural numeral observe outside perhaps present produce provide quickly receive replace science section several similar station strange subject suppose surface thought teacher",
    b"together children mountain question complete language distance possible remember consider continue describe discover division electric exercise favorite hospital industry interest learning material movement multiply national neighbor ordinary original particle personal position practice pressure probable property pictured research sentence shoulder solution southern specific standard straight strength surprise thousand triangle valuable",
    b"different important beginning education knowledge following direction dangerous describes character community condition continent determine establish excellent existence necessary operation possible political president professor recognize represent scientist secretary sometimes structure substance suggested telephone themselves therefore treatment understand universal wonderful yesterday",
    b"government everything experience themselves understand population particular technology television throughout production generation individual management successful equipment additional appearance background collection commercial connection department difference difficulty discussion especially government university",
];

/// Tries to find a word of as many tokens.
const TRIES: usize = 48;
/// Words that are kept in mind.
const MOST_KNOWN: usize = 1 << 16;
/// Characters that texts in Chinese and Japanese are full of.
const IDEOGRAPHS: &str = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然";
/// So many bytes may stay as they are in a row, and one more of a character.
const MOST_KEPT: usize = 8;

impl Words {
    pub(super) fn new() -> Self {
        Self {
            state: RandomState::new().hash_one(0) | 1,
            known: HashMap::new(),
            tail: Default::default(),
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % end.max(1)
    }

    /// Adds a text as it stands in JSON, with other words. `strict` keeps its marks, so that it is still JSON if it was.
    pub(super) fn text(&mut self, text: &[u8], strict: bool, out: &mut Vec<u8>) {
        if text.len() > 200 && !text.iter().any(|b| matches!(b, b' ' | b'\\')) && text.is_ascii() {
            return self.each(text, out);
        }
        let (mut at, mut kept) = (0, 0);
        if letters(text) == 0 && !text.is_empty() {
            self.tail = Default::default();
        }
        while let Some(&byte) = text.get(at) {
            let rest = &text[at..];
            let run = |fits: fn(&u8) -> bool| rest.iter().take_while(|b| fits(b)).count();
            let len = match byte {
                b'\\' => self.escape(rest, &mut kept, out),
                _ if letters(rest) > 0 => {
                    let len = letters(rest);
                    let literal = strict && matches!(&rest[..len], b"true" | b"false" | b"null");
                    match literal {
                        true => out.extend_from_slice(&rest[..len]),
                        false => {
                            let begun = out.len();
                            let spaced = at > 0 && text[at - 1] == b' ';
                            self.word(&rest[..len], spaced, out);
                            if at > 0 {
                                self.tail = Default::default();
                            }
                            // What a text ends in may go on in the next one.
                            if len == rest.len() {
                                let space = if spaced { &b" "[..] } else { b"" };
                                self.tail
                                    .iter_mut()
                                    .for_each(|tail| tail.extend_from_slice(space));
                                self.tail[0].extend_from_slice(&rest[..len]);
                                self.tail[1].extend_from_slice(&out[begun..]);
                            } else {
                                self.tail = Default::default();
                            }
                        }
                    }
                    kept = if literal { kept + len } else { 0 };
                    len
                }
                _ if byte.is_ascii_digit() => {
                    let len = run(u8::is_ascii_digit);
                    self.number(&rest[..len], out);
                    kept = 0;
                    len
                }
                _ if byte.is_ascii() => {
                    kept += 1;
                    let breaks = !strict && kept > MOST_KEPT && !b"\"\n\r".contains(&byte);
                    match (breaks, byte) {
                        (false, _) => out.push(byte),
                        (true, b'.') => out.push(b'-'),
                        (true, _) => out.push(b'.'),
                    }
                    if breaks {
                        kept = 0;
                    }
                    1
                }
                _ => self.beyond(rest, &mut kept, out),
            };
            at += len;
        }
    }

    /// Adds each letter and digit as another one.
    pub(super) fn each(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            out.push(self.like(byte));
        }
    }

    /// Adds another number of as many digits.
    pub(super) fn number(&mut self, digits: &[u8], out: &mut Vec<u8>) {
        for (at, &digit) in digits.iter().enumerate() {
            // Zeros at the beginning stay, and no others come.
            let first = at == 0 && digits.len() > 1;
            out.push(match digit {
                b'0' if at == 0 => b'0',
                _ if first => {
                    let other = 1 + self.below(9) as u8;
                    if b'0' + other == digit {
                        b'0' + other % 9 + 1
                    } else {
                        b'0' + other
                    }
                }
                _ => self.like(digit),
            });
        }
    }

    /// Another character of the same kind.
    fn like(&mut self, byte: u8) -> u8 {
        let (first, count) = match byte {
            b'a'..=b'z' => (b'a', 26),
            b'A'..=b'Z' => (b'A', 26),
            b'0'..=b'9' => (b'0', 10),
            _ => return byte,
        };
        let step = 1 + self.below(count - 1) as u8;
        first + (byte - first + step) % count as u8
    }

    /// Adds another word: as long, of as many tokens, with the same letters in upper case.
    fn word(&mut self, word: &[u8], spaced: bool, out: &mut Vec<u8>) {
        let key = (spaced, Box::from(word));
        let goes_on = !self.tail[0].is_empty();
        if let Some(known) = self.known.get(&key).filter(|_| !goes_on) {
            out.extend_from_slice(known);
            return;
        }
        let other = self.find(word, spaced);
        out.extend_from_slice(&other);
        if goes_on {
            return;
        }
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        self.known.insert(key, other.into());
    }

    fn find(&mut self, word: &[u8], spaced: bool) -> Vec<u8> {
        let [was, is] = self.tail.clone();
        let tokens = |before: &[u8], word: &[u8]| {
            let mut counter = TokenCounter::new(Some("gpt-4o"));
            counter.push(if spaced { b" " } else { b"" });
            counter.push(before);
            counter.push(word);
            counter.tokens()
        };
        let want = tokens(&was, word);
        let mut best = None;
        for nth in 0..3 * TRIES {
            let other = match COMMON.get(word.len() - 1) {
                Some(list) if nth < TRIES => self.one_of(list, word.len()),
                None if nth < TRIES => self.joined(word.len()),
                _ if nth < 2 * TRIES && word.len() > 1 => {
                    let first = 1 + self.below(word.len() - 1);
                    [self.joined(first), self.joined(word.len() - first)].concat()
                }
                _ => word.iter().map(|byte| self.like(*byte)).collect(),
            };
            let mut other = other;
            for (other, byte) in other.iter_mut().zip(word) {
                *other = match byte.is_ascii_uppercase() {
                    true => other.to_ascii_uppercase(),
                    false => other.to_ascii_lowercase(),
                };
            }
            // Nothing of it is left at its ends.
            let (first, last) = (other[0] != word[0], other.last() != word.last());
            let far = tokens(&is, &other).abs_diff(want);
            if first && last && best.as_ref().is_none_or(|(known, _)| far < *known) {
                best = Some((far, other));
                if far == 0 {
                    break;
                }
            }
        }
        let any = || word.iter().map(|byte| self.like(*byte)).collect();
        best.map_or_else(any, |(_, other)| other)
    }

    fn one_of(&mut self, list: &[u8], len: usize) -> Vec<u8> {
        let words = || list.split(|b| *b == b' ').filter(|word| word.len() == len);
        let nth = self.below(words().count());
        words().nth(nth).unwrap_or_default().to_vec()
    }

    /// Common words put together to one of this length.
    fn joined(&mut self, mut len: usize) -> Vec<u8> {
        let mut word = Vec::with_capacity(len);
        while len > 0 {
            let part = if len > COMMON.len() {
                4 + self.below(5)
            } else {
                len
            };
            word.extend(self.one_of(COMMON[part - 1], part));
            len -= part;
        }
        word
    }

    /// Adds an escape, or another one of its kind; gives its length.
    fn escape(&mut self, text: &[u8], kept: &mut usize, out: &mut Vec<u8>) -> usize {
        let hex = text.get(2..6).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u16::from_str_radix(hex, 16).ok());
        let (Some(b'u'), Some(code)) = (text.get(1), code) else {
            let len = text.len().min(2);
            out.extend_from_slice(&text[..len]);
            *kept += len;
            return len;
        };
        let other = match code {
            0x4e00..=0x9fff => {
                let nth = self.below(IDEOGRAPHS.chars().count());
                IDEOGRAPHS.chars().nth(nth).map_or(code, |c| c as u16)
            }
            // Marks, and the half that tells which block.
            0..0x80 | 0x2000..=0x206f | 0xd800..=0xdbff => code,
            code => code ^ (1 + self.below(15) as u16),
        };
        *kept = if other == code { *kept + 6 } else { 0 };
        out.extend_from_slice(format!("\\u{other:04x}").as_bytes());
        6
    }

    /// Adds another character beyond ASCII, as long; gives its length.
    fn beyond(&mut self, text: &[u8], kept: &mut usize, out: &mut Vec<u8>) -> usize {
        let len = match text[0] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let Some(char) = text
            .get(..len)
            .and_then(|char| std::str::from_utf8(char).ok())
        else {
            // It was cut off.
            out.push(text[0]);
            return 1;
        };
        match char.chars().next() {
            Some('\u{4e00}'..='\u{9fff}') => {
                let nth = self.below(IDEOGRAPHS.chars().count());
                let other = IDEOGRAPHS.chars().nth(nth).unwrap_or('的');
                out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                *kept = 0;
            }
            Some('\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}') if *kept < MOST_KEPT => {
                out.extend_from_slice(char.as_bytes());
                *kept += len;
            }
            _ => {
                out.extend_from_slice(&char.as_bytes()[..len - 1]);
                // Within its block: its last six bits are free.
                let step = 1 + self.below(63) as u8;
                let last = char.as_bytes()[len - 1] & 0x3f;
                out.push(0x80 | ((last + step) % 64));
                *kept = 0;
            }
        }
        len
    }
}

/// How many bytes of Latin letters this begins with.
fn letters(text: &[u8]) -> usize {
    let mut len = 0;
    loop {
        len += match &text[len..] {
            [first, ..] if first.is_ascii_alphabetic() => 1,
            // Letters with marks, but for two signs among them.
            [0xc3, 0x80..=0x96 | 0x98..=0xb6 | 0xb8..=0xbf, ..] => 2,
            [0xc4..=0xc9, 0x80..=0xbf, ..] => 2,
            _ => return len,
        };
    }
}
