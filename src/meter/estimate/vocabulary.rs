//! Public vocabularies, and counting with them a text that comes in pieces.
//!
//! Each is a table in the binary that is read where it lies: to begin to count costs nothing.

use std::cell::RefCell;

use memchr::memrchr_iter;

use super::bpe;
use super::split::{self, Pattern};
use super::table::Table;

/// A public vocabulary, a provider's own or one that stands in for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vocabulary {
    Cl100k,
    DeepSeek,
    MistralV3,
    O200k,
    Qwen2,
}

/// What a vocabulary is made of.
struct Parts {
    name: &'static str,
    flat: &'static [u8],
    pattern: Pattern,
}

static CL100K: Parts = Parts {
    name: "cl100k_base",
    flat: include_bytes!("tables/cl100k_base.table"),
    pattern: split::CL100K,
};
static DEEPSEEK: Parts = Parts {
    name: "deepseek_v3",
    flat: include_bytes!("tables/deepseek_v3.table"),
    pattern: split::DEEPSEEK,
};
static MISTRAL_V3: Parts = Parts {
    name: "mistral_v3",
    flat: include_bytes!("tables/mistral_v3.table"),
    pattern: split::TEKKEN,
};
static O200K: Parts = Parts {
    name: "o200k_base",
    flat: include_bytes!("tables/o200k_base.table"),
    pattern: split::O200K,
};
static QWEN2: Parts = Parts {
    name: "qwen2",
    flat: include_bytes!("tables/qwen2.table"),
    pattern: split::QWEN2,
};

impl Vocabulary {
    fn parts(self) -> &'static Parts {
        match self {
            Self::Cl100k => &CL100K,
            Self::DeepSeek => &DEEPSEEK,
            Self::MistralV3 => &MISTRAL_V3,
            Self::O200k => &O200K,
            Self::Qwen2 => &QWEN2,
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.parts().name
    }

    /// Tokens of a text.
    pub(in crate::meter) fn count(self, text: &str) -> u64 {
        let Parts { flat, pattern, .. } = self.parts();
        let table = Table::open(flat);
        let mut tokens = 0;
        let mut at = 0;
        WORDS.with_borrow_mut(|words| {
            while at < text.len() {
                let end = pattern.word(text, at);
                let word = &text.as_bytes()[at..end];
                tokens += words.count(self, table, word);
                at = end;
            }
        });
        tokens
    }

    /// Tokens of the beginning of a text that no text after it can change, and where it ends.
    fn settle(self, text: &str) -> (u64, usize) {
        let Parts { flat, pattern, .. } = self.parts();
        let table = Table::open(flat);
        let mut at = 0;
        while at < text.len() {
            let end = pattern.word(text, at);
            if end + OPEN > text.len() {
                break;
            }
            at = end;
        }
        if at > 0 {
            return (self.count(&text[..at]), at);
        }
        bpe::settle(table, text.as_bytes(), OPEN)
    }
}

/// Counts a text that comes in pieces, as exactly as if it came whole, in bounded memory and without counting anything
/// twice.
#[derive(Clone)]
pub(super) struct Counter {
    vocabulary: Vocabulary,
    tokens: u64,
    tail: String,
}

/// From here on a tail is cut where no token can cross.
const CUT: usize = 4 << 10;
/// Here it is cut anyway.
const FLUSH: usize = 16 << 10;
/// So much of it may be counted in another way when more comes.
const OPEN: usize = 4 << 10;

impl Counter {
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let (tokens, tail) = (0, String::new());
        Self {
            vocabulary,
            tokens,
            tail,
        }
    }

    pub(super) fn push(&mut self, mut text: &str) {
        while !text.is_empty() {
            let room = FLUSH.saturating_sub(self.tail.len()).max(1);
            let (piece, rest) = text.split_at(text.ceil_char_boundary(room));
            self.tail.push_str(piece);
            text = rest;
            if self.tail.len() >= CUT {
                self.cut();
            }
        }
    }

    /// Counts all that no text after it can change.
    pub(super) fn settle(&mut self) {
        let bytes = self.tail.as_bytes();
        let space = memrchr_iter(b' ', bytes).find(|at| begins_word(bytes, *at));
        if let Some(at) = space {
            self.tokens += self.vocabulary.count(&self.tail[..at]);
            self.tail.drain(..at);
        }
    }

    /// Tokens of all that was pushed.
    pub(super) fn total(&self) -> u64 {
        self.tokens + self.vocabulary.count(&self.tail)
    }

    fn cut(&mut self) {
        self.settle();
        if self.tail.len() >= FLUSH {
            let (tokens, at) = self.vocabulary.settle(&self.tail);
            self.tokens += tokens;
            self.tail.drain(..at);
        }
    }
}

/// Whether no token can cross from before the space at `at`: every vocabulary here begins a new word with a space that
/// stands before a letter.
#[inline]
fn begins_word(text: &[u8], at: usize) -> bool {
    text.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
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

thread_local! {
    static WORDS: RefCell<Words> = RefCell::new(Words {
        slots: vec![0; SLOTS].into(),
    });
}

impl Words {
    /// Tokens of a word.
    #[inline]
    fn count(&mut self, vocabulary: Vocabulary, table: Table<'_>, word: &[u8]) -> u64 {
        if word.len() == 1 {
            return 1;
        }
        if word.len() > WORD {
            return bpe::count(table, word);
        }
        let mut bytes = [0; 16];
        bytes[..word.len()].copy_from_slice(word);
        bytes[WORD] = word.len() as u8;
        bytes[WORD + 1] = vocabulary as u8;
        let key = u128::from_le_bytes(bytes);
        let slot = &mut self.slots[place(key)];
        if *slot << 8 != key << 8 {
            *slot = key | u128::from(bpe::count(table, word)) << 120;
        }
        (*slot >> 120) as u64
    }
}

#[inline]
fn place(word: u128) -> usize {
    let mixed = (word as u64) ^ ((word >> 64) as u64).rotate_left(29);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
