//! Bytes with holes: a JSON text that may differ from another one in some of its strings and numbers.

use wide::i8x16;

use super::estimate::transcript::Voice;

/// What may fill a hole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Filling {
    /// A number that means nothing here.
    Number,
    /// A text that means nothing here.
    Padding,
    /// A text to be heard.
    Text {
        voice: Voice,
        /// An empty text would let another place count.
        required: bool,
    },
}

/// A place in an event's data that may differ from event to event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hole {
    /// Offset of its first byte, within the quotes if it is a text.
    pub(crate) at: usize,
    pub(crate) filling: Filling,
}

/// Bytes as fixed runs and the holes between them.
#[derive(Default)]
pub(crate) struct Pattern {
    /// As they were when they were cut.
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: Vec<Part>,
    /// Where the last hole ended.
    pub(crate) end: usize,
}

/// A fixed run of bytes, from where to where, and the hole after it.
pub(crate) struct Part {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) filling: Filling,
}

/// What fills a hole: from where to where, and whether it holds escapes.
pub(crate) type Span = (usize, usize, bool);

impl Pattern {
    /// Cuts bytes at their holes; `None` where one is not what it should be.
    pub(crate) fn new(bytes: &[u8], holes: impl Iterator<Item = (usize, Filling)>) -> Option<Self> {
        let mut pattern = Self::default();
        pattern.learn(bytes, holes)?;
        Some(pattern)
    }

    /// As [`new`](Self::new), in the memory of another one.
    pub(crate) fn learn(
        &mut self,
        bytes: &[u8],
        holes: impl Iterator<Item = (usize, Filling)>,
    ) -> Option<()> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.parts.clear();
        self.end = 0;
        for (to, filling) in holes {
            let from = self.end;
            bytes.get(from..to)?;
            let (len, _) = filling.span(&bytes[to..])?;
            self.parts.push(Part { from, to, filling });
            self.end = to + len;
        }
        Some(())
    }

    /// How much of the front of `input` is like it; `spans` become what fills its holes.
    pub(crate) fn fits(&self, input: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
        spans.clear();
        let mut at = 0;
        for part in &self.parts {
            at = past(self.fixed(part), input, at)?;
            let (len, escaped) = part.filling.span(&input[at..])?;
            spans.push((at, at + len, escaped));
            at += len;
        }
        past(&self.bytes[self.end..], input, at)
    }

    #[inline]
    pub(crate) fn fixed(&self, part: &Part) -> &[u8] {
        &self.bytes[part.from..part.to]
    }
}

/// Where the fixed bytes end that are to be at `at`.
#[inline]
pub(crate) fn past(fixed: &[u8], input: &[u8], at: usize) -> Option<usize> {
    input[at..].starts_with(fixed).then_some(at + fixed.len())
}

impl Filling {
    /// How far a filling reaches, and whether it holds escapes.
    #[inline]
    pub(crate) fn span(self, bytes: &[u8]) -> Option<(usize, bool)> {
        let required = match self {
            Self::Number => return number(bytes),
            Self::Padding => false,
            Self::Text { required, .. } => required,
        };
        string(bytes).filter(|(len, _)| *len > 0 || !required)
    }
}

/// The number that fills a hole.
pub(crate) fn value(digits: &[u8]) -> u64 {
    let digit = |n: u64, digit: &u8| n.wrapping_mul(10).wrapping_add(u64::from(digit & 0xf));
    digits.iter().fold(0, digit)
}

/// The length of a number that means nothing.
fn number(bytes: &[u8]) -> Option<(usize, bool)> {
    let len = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let plain = len == 1 || (len > 1 && len < 20 && bytes[0] != b'0');
    let ends = matches!(
        bytes.get(len),
        Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r')
    );
    (plain && ends).then_some((len, false))
}

/// The length of a JSON string's inside, if it is one that any parser takes, and whether it holds escapes.
/// Surrogates are left to the parser.
#[inline(always)]
pub(crate) fn string(bytes: &[u8]) -> Option<(usize, bool)> {
    let at = plain::<false>(bytes);
    // Most texts are a word in ASCII.
    if bytes.get(at) == Some(&b'"') {
        return Some((at, false));
    }
    any_string(bytes, at)
}

/// As [`string`], where so many bytes are plain.
fn any_string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    let mut ascii = true;
    loop {
        at += match *bytes.get(at)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                1 + escape(&bytes[at + 1..])?
            }
            0..0x20 => return None,
            byte => {
                ascii &= byte.is_ascii();
                1
            }
        };
        at += if ascii {
            plain::<false>(&bytes[at..])
        } else {
            plain::<true>(&bytes[at..])
        };
    }
    if !ascii && std::str::from_utf8(&bytes[..at]).is_err() {
        return None;
    }
    Some((at, escaped))
}

/// How many bytes in front are neither control characters, quotes nor backslashes, nor beyond ASCII unless those are
/// taken too. May stop early.
#[inline(always)]
fn plain<const HIGH: bool>(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<16>()) {
        let word = i8x16::new(word.map(u8::cast_signed));
        let equal = |byte: u8| word.simd_eq(i8x16::splat(byte.cast_signed()));
        // What is beyond ASCII is negative.
        let low = word.simd_lt(i8x16::splat(0x20));
        let low = if HIGH { low & !word } else { low };
        let special = (low | equal(b'"') | equal(b'\\')).to_bitmask();
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += 16;
    }
    at
}

/// The length of an escape after its backslash.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => {
            let hex = bytes.get(1..5)?;
            let surrogate = matches!(hex[0], b'd' | b'D') && !matches!(hex[1], b'0'..=b'7');
            (!surrogate && hex.iter().all(u8::is_ascii_hexdigit)).then_some(5)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        for (input, want) in [
            (&b"abc\" rest"[..], Some((3, false))),
            (b"\"", Some((0, false))),
            (br#"a\n\u00e9""#, Some((9, true))),
            ("é😀\"".as_bytes(), Some((6, false))),
            (br#"\ud83d\ude00""#, None),
            (br#"\uD7FF""#, Some((6, true))),
            (br#"\x""#, None),
            (b"a\nb\"", None),
            (b"\xff\"", None),
            (b"abc", None),
            (b"abc\\", None),
            (b"\\u12", None),
        ] {
            assert_eq!(string(input), want, "{}", input.escape_ascii());
        }
    }

    /// What a string is, a parser says, wherever in a word it ends.
    #[test]
    fn strings_of_all_sorts() {
        let sorts: [&[u8]; 7] = [
            b"a",
            b"\"",
            b"\\",
            b"\n",
            "é".as_bytes(),
            "😀".as_bytes(),
            b"\x80",
        ];
        let many = sorts.len().pow(4);
        for (before, which) in (0..20).flat_map(|before| (0..many).map(move |n| (before, n))) {
            let mut input = b"a".repeat(before);
            input.extend((0..4).flat_map(|at| sorts[which / sorts.len().pow(at) % sorts.len()]));
            input.extend(b"a\" and what follows it");
            let quoted = [b"\"", &*input].concat();
            let mut parser = serde_json::Deserializer::from_slice(&quoted).into_iter::<String>();
            let want = parser.next().and_then(Result::ok).map(|_| {
                let len = parser.byte_offset() - 2;
                (len, input[..len].contains(&b'\\'))
            });
            assert_eq!(string(&input), want, "{}", input.escape_ascii());
        }
    }

    /// Every byte ends what is plain, or does not, wherever it stands and whatever follows.
    #[test]
    fn plain_bytes() {
        for len in 0..=20 {
            for pair in 0..=u16::MAX {
                let mut input = [b'a'; 40];
                input[len..len + 2].copy_from_slice(&pair.to_be_bytes());
                let special = |b: &u8| matches!(b, 0..0x20 | b'"' | b'\\');
                let low = input.iter().position(special).unwrap_or(32);
                let high = input.iter().position(|b| !b.is_ascii()).unwrap_or(32);
                assert_eq!(plain::<true>(&input), low, "{}", input.escape_ascii());
                assert_eq!(
                    plain::<false>(&input),
                    low.min(high),
                    "{}",
                    input.escape_ascii()
                );
            }
        }
    }
}
