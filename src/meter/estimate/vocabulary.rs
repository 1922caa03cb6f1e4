//! Public vocabularies, and counting with them a text that comes in pieces.
//!
//! Each is a table in the binary that is read where it lies: to begin to count costs nothing.

use std::cell::RefCell;

use memchr::memrchr_iter;

use super::bpe;
use super::claude::{self, Generation, Tiler};
use super::split::{self, SplitPattern};
use super::table::Table;

/// A public vocabulary, a provider's own or one that stands in for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vocabulary {
    Cl100k,
    /// Up to 4.6.
    Claude3,
    /// 4.7.
    Claude47,
    /// From 4.8 on: the pieces of 4.7 in another frame.
    Claude48,
    DeepSeek,
    MistralV3,
    O200k,
    Qwen2,
}

/// What a vocabulary is made of.
struct Parts {
    name: &'static str,
    flat: &'static [u8],
    way: Splitting,
}

/// How a text falls into tokens.
#[derive(Clone, Copy, Debug)]
enum Splitting {
    /// Into words, and each of those by byte pair encoding.
    Pairs(SplitPattern),
    /// Into as few as can be.
    Tiles(Generation),
}

macro_rules! parts {
    ($($vocabulary:ident: $file:literal, $name:literal, $way:expr;)+) => {
        impl Vocabulary {
            fn parts(self) -> &'static Parts {
                match self {
                    $(Self::$vocabulary => &Parts {
                        name: $name,
                        flat: include_bytes!(concat!("tables/", $file, ".table")),
                        way: $way,
                    },)+
                }
            }
        }
    };
}

parts! {
    Cl100k: "cl100k_base", "cl100k_base", Splitting::Pairs(split::CL100K);
    Claude3: "claude_3", "claude_3", Splitting::Tiles(claude::V3);
    Claude47: "claude_4_7", "claude_4.7", Splitting::Tiles(claude::V4_7);
    Claude48: "claude_4_7", "claude_4.8", Splitting::Tiles(claude::V4_8);
    DeepSeek: "deepseek_v3", "deepseek_v3", Splitting::Pairs(split::DEEPSEEK);
    MistralV3: "mistral_v3", "mistral_v3", Splitting::Pairs(split::TEKKEN);
    O200k: "o200k_base", "o200k_base", Splitting::Pairs(split::O200K);
    Qwen2: "qwen2", "qwen2", Splitting::Pairs(split::QWEN2);
}

/// What of a message a text is: some vocabularies count a text's ends in another way within one.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// The message begins with it.
    first: bool,
    /// The message ends with it.
    last: bool,
}

impl Vocabulary {
    pub(super) fn name(self) -> &'static str {
        self.parts().name
    }

    /// Whether it is Claude's: tool calls are generated as text, and counted as such.
    pub(super) fn is_claude(self) -> bool {
        matches!(self.parts().way, Splitting::Tiles(_))
    }

    /// Tokens of a text.
    pub(in crate::meter) fn count(self, text: &str) -> u64 {
        let place = Ends {
            first: true,
            last: true,
        };
        self.count_part(text, place)
    }

    fn count_part(self, text: &str, place: Ends) -> u64 {
        let Parts { flat, way, .. } = self.parts();
        let table = Table::open(flat);
        READY.with_borrow_mut(|Scratch { words, tiler }| match way {
            Splitting::Pairs(pattern) => {
                let mut tokens = 0;
                let mut at = 0;
                while at < text.len() {
                    let end = pattern.word(text, at);
                    let word = &text.as_bytes()[at..end];
                    tokens += match word.len() {
                        1 => 1,
                        _ => words.count(self, word, || bpe::count(table, word)),
                    };
                    at = end;
                }
                tokens
            }
            Splitting::Tiles(generation) => {
                let Ends { first, last } = place;
                tiler.count(*generation, text, first, last, |best, marked| {
                    words.count(self, marked, || claude::tile(best, table, marked))
                })
            }
        })
    }

    /// Where the last part of a text begins that what follows may still change, and where what comes before it ends:
    /// behind a word, at one space before another word. A blank between them belongs to neither.
    fn seam(self, text: &str) -> Option<(usize, usize)> {
        match self.parts().way {
            Splitting::Tiles(_) => claude::seam(text),
            Splitting::Pairs(_) => {
                let bytes = text.as_bytes();
                let begins = |at: &usize| {
                    let before = at.checked_sub(1).map(|at| bytes[at]);
                    before.is_some_and(|byte| byte.is_ascii_graphic())
                        && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
                };
                memrchr_iter(b' ', bytes).find(begins).map(|at| (at, at))
            }
        }
    }

    /// Tokens of the beginning of a text that has no seam, and where it ends.
    fn settle(self, text: &str, place: Ends) -> (u64, usize) {
        let Parts { flat, way, .. } = self.parts();
        let open = text.floor_char_boundary(text.len().saturating_sub(OPEN));
        let Splitting::Pairs(pattern) = way else {
            return (self.count_part(&text[..open], place), open);
        };
        let mut at = 0;
        while at < text.len() {
            let end = pattern.word(text, at);
            if end > open {
                break;
            }
            at = end;
        }
        match at {
            0 => bpe::settle(Table::open(flat), text.as_bytes(), OPEN),
            at => (self.count_part(&text[..at], place), at),
        }
    }
}

/// Counts a text that comes in pieces, as exactly as if it came whole, in bounded memory and without counting anything
/// twice.
#[derive(Clone)]
pub(super) struct Counter {
    vocabulary: Vocabulary,
    tokens: u64,
    /// What of a message is in the tail.
    place: Ends,
    tail: String,
}

/// From here on a tail is cut where no token can cross.
const CUT: usize = 4 << 10;
/// Here it is cut anyway.
const FLUSH: usize = 16 << 10;
/// So much of it may be counted in another way when more comes.
const OPEN: usize = 4 << 10;

impl Counter {
    /// Of a text that is that of a message.
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let (first, last) = (true, true);
        Self {
            vocabulary,
            tokens: 0,
            place: Ends { first, last },
            tail: String::new(),
        }
    }

    /// Of a text that stands within a message.
    pub(super) fn within(vocabulary: Vocabulary) -> Self {
        let (first, last) = (false, false);
        Self {
            place: Ends { first, last },
            ..Self::new(vocabulary)
        }
    }

    pub(super) fn push(&mut self, mut text: &str) {
        while !text.is_empty() {
            let room = FLUSH.saturating_sub(self.tail.len()).max(1);
            let (piece, rest) = text.split_at(text.ceil_char_boundary(room));
            self.tail.push_str(piece);
            text = rest;
            if self.tail.len() >= CUT {
                self.settle();
            }
        }
    }

    /// Counts all that no text after it can change.
    pub(super) fn settle(&mut self) {
        let place = Ends {
            last: false,
            ..self.place
        };
        let (tokens, next) = match self.vocabulary.seam(&self.tail) {
            Some((end, next)) => (self.vocabulary.count_part(&self.tail[..end], place), next),
            None if self.tail.len() >= FLUSH => self.vocabulary.settle(&self.tail, place),
            None => return,
        };
        self.tokens += tokens;
        self.place.first = false;
        self.tail.drain(..next);
    }

    /// Tokens of all that was pushed.
    pub(super) fn total(&self) -> u64 {
        self.tokens + self.vocabulary.count_part(&self.tail, self.place)
    }
}

/// Tokens of short words met before: most of a text is made of few words, and to find one here touches less memory than
/// the vocabulary's table.
struct Words {
    /// Each at the place that its hash gives: the word, its length, the vocabulary, and above that its tokens.
    slots: Box<[u128]>,
}

const SLOTS: usize = 1 << 12;
/// Most bytes of a word that is kept.
const WORD: usize = 13;

/// What counting needs memory for.
struct Scratch {
    words: Words,
    tiler: Tiler,
}

thread_local! {
    static READY: RefCell<Scratch> = RefCell::new(Scratch {
        words: Words {
            slots: vec![0; SLOTS].into(),
        },
        tiler: Tiler::default(),
    });
}

impl Words {
    /// Tokens of a word: what they are if it was met before, else what `count` says.
    #[inline]
    fn count(&mut self, vocabulary: Vocabulary, word: &[u8], count: impl FnOnce() -> u64) -> u64 {
        if word.len() > WORD {
            return count();
        }
        let mut bytes = [0; 16];
        bytes[..word.len()].copy_from_slice(word);
        bytes[WORD] = word.len() as u8;
        bytes[WORD + 1] = vocabulary as u8;
        let key = u128::from_le_bytes(bytes);
        let slot = &mut self.slots[slot(key)];
        if *slot << 8 != key << 8 {
            *slot = key | u128::from(count()) << 120;
        }
        (*slot >> 120) as u64
    }
}

#[inline]
fn slot(word: u128) -> usize {
    let mixed = (word as u64) ^ ((word >> 64) as u64).rotate_left(29);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Those that the crate tiktoken has too.
    const ALL: [Vocabulary; 5] = [
        Vocabulary::Cl100k,
        Vocabulary::DeepSeek,
        Vocabulary::MistralV3,
        Vocabulary::O200k,
        Vocabulary::Qwen2,
    ];

    /// Known counts: a vocabulary whose ids change must not pass unseen.
    #[test]
    fn fixtures() {
        let texts = [
            "Hello, world!",
            "The quick brown fox jumps over the lazy dog. 0123456789",
            "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
            "fn main() {\n    println!(\"{}\", 1 << 20);\n}\n",
            "你好，世界 😀 مرحبا",
        ];
        for (vocabulary, want) in [
            (Vocabulary::O200k, [4, 15, 17, 14, 6]),
            (Vocabulary::Cl100k, [4, 15, 21, 14, 12]),
            (Vocabulary::Qwen2, [4, 21, 20, 15, 7]),
            (Vocabulary::MistralV3, [4, 21, 17, 17, 8]),
        ] {
            let got = texts.map(|text| vocabulary.count(text));
            assert_eq!(got, want, "{vocabulary:?}");
        }
    }

    #[test]
    fn pieces_count_as_the_whole() {
        let text =
            "It was the best of times, it was 3.14 of 你好 times;\n\tx = \"y\" ".repeat(1500);
        for vocabulary in ALL {
            let whole = vocabulary.count(&text);
            for size in [1, 7, 1000, 50_000] {
                let mut counter = Counter::new(vocabulary);
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.ceil_char_boundary(size));
                    counter.push(piece);
                    rest = more;
                }
                assert_eq!(counter.total(), whole, "{vocabulary:?} by {size}");
            }
        }
    }

    /// Tokens of a text that comes a few characters at a time, and is settled each time.
    fn in_pieces(vocabulary: Vocabulary, text: &str) -> u64 {
        let mut counter = Counter::new(vocabulary);
        for char in text.chars() {
            counter.push(char.encode_utf8(&mut [0; 4]));
            counter.settle();
        }
        counter.total()
    }

    /// Words without end are counted as exactly, in linear time and bounded memory.
    #[test]
    fn words_without_end() {
        let marks = ["\u{301}", "\u{489}\u{301}"];
        let base64 = "QmFzZTY0IGlzIG5vdCBhIHdvcmQhIQ8x+Zk3/v7uLaR2d9Yp0cT".repeat(9);
        let few = [
            "a", "=", " ", "\n", "é", "的", "ab", &base64, "0", "A\u{301}",
        ];
        for part in few.into_iter().chain(marks) {
            let text = part.repeat(100_000 / part.len());
            for vocabulary in ALL {
                let encoding = tiktoken::get_encoding(vocabulary.name()).expect("a vocabulary");
                let want = encoding.count(&text) as u64;
                assert_eq!(vocabulary.count(&text), want, "{vocabulary:?}: {part:?}");
                let mut counter = Counter::new(vocabulary);
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.ceil_char_boundary(777));
                    counter.push(piece);
                    assert!(counter.tail.len() <= FLUSH + 4);
                    rest = more;
                }
                assert_eq!(counter.total(), want, "{vocabulary:?}: {part:?} in pieces");
            }
        }
    }

    /// Parts of texts: whatever may stand beside a space, or be taken for a word met before.
    fn part() -> impl Strategy<Value = String> {
        const KNOWN: &[&str] = &[
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "'s",
            "'LL",
            "/",
            ".",
            "```",
            "3",
            "1234",
            "é",
            "你",
            "😀",
            "\u{a0}",
            "\u{301}",
            " the",
            " The",
            "the",
            " a",
            " I",
            " of",
            " antidisestablish",
            " (see",
            " x\0",
            " camelCase",
            "ing",
            "'Ve",
            "\u{85}",
            "\u{200d}",
            "ﬁ",
            "ǅ",
            "ʰ",
            "〇",
            "々",
            "カー",
            "\u{3000}",
            "ٱلْ",
            "٣",
            "½",
            "Ⅳ",
            "–",
            "€",
            "🇩🇪",
            "👩\u{200d}🔬",
            "\r",
            "\n\n",
            "//",
            "\u{fe0f}",
            "ÉCOLE",
            "İ",
            "क्षि",
            "한국어",
        ];
        prop_oneof![
            6 => proptest::sample::select(KNOWN).prop_map(str::to_owned),
            3 => " [a-zA-Z]{1,18}[.,:;!?\"']?",
            1 => ".{0,4}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is counted word by word is what the vocabulary counts in the whole.
        #[test]
        fn words_count_as_the_whole(parts in proptest::collection::vec(part(), 0..120)) {
            let text = parts.concat();
            for vocabulary in ALL {
                let encoding = tiktoken::get_encoding(vocabulary.name()).expect("a vocabulary");
                prop_assert_eq!(vocabulary.count(&text), encoding.count(&text) as u64, "{:?}", vocabulary);
                prop_assert_eq!(in_pieces(vocabulary, &text), encoding.count(&text) as u64, "{:?} in pieces", vocabulary);
            }
        }
    }
}
