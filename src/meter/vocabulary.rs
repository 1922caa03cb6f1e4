//! Public vocabularies, and counting with them a text that comes in pieces.
//!
//! A vocabulary takes some 60 ms to load, so nothing here runs unless an estimate is wanted.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::{memchr_iter, memrchr_iter};

/// A public vocabulary that stands in for a provider's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vocabulary {
    Cl100k,
    MistralV3,
    O200k,
    Qwen2,
}

impl Vocabulary {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cl100k => "cl100k_base",
            Self::MistralV3 => "mistral_v3",
            Self::O200k => "o200k_base",
            Self::Qwen2 => "qwen2",
        }
    }

    /// Whether it can be counted with at once. The first to ask loads it; who asks while that goes on is told no.
    pub(super) fn is_at_hand(self) -> bool {
        static LOADING: [AtomicBool; 4] = [const { AtomicBool::new(false) }; 4];
        static LOADED: [AtomicBool; 4] = [const { AtomicBool::new(false) }; 4];
        let (loading, loaded) = (&LOADING[self as usize], &LOADED[self as usize]);
        if !loading.swap(true, Ordering::Relaxed) {
            self.count_piece("");
            loaded.store(true, Ordering::Relaxed);
        }
        loaded.load(Ordering::Relaxed)
    }

    /// Tokens of a text.
    pub(super) fn count(self, text: &str) -> u64 {
        let counter = Counter::new(self);
        counter.total(text)
    }

    fn count_piece(self, text: &str) -> u64 {
        let Some(encoding) = tiktoken::get_encoding(self.name()) else {
            return 0;
        };
        let whole = |text: &str| encoding.count(text) as u64;
        WORDS.with_borrow_mut(|words| words.count(self, text, whole))
    }
}

/// Loads the vocabulary that most families use.
pub(super) fn warm_up() {
    Vocabulary::O200k.count_piece("");
}

/// Counts a text that comes in pieces, as exactly as if it came whole, in bounded memory.
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

    /// Tokens of all that was pushed with `more` after it.
    pub(super) fn total(mut self, more: &str) -> u64 {
        self.push(more);
        self.tokens + self.vocabulary.count_piece(&self.tail)
    }

    fn cut(&mut self) {
        let bytes = self.tail.as_bytes();
        let at = match memrchr_iter(b' ', bytes).find(|at| begins_word(bytes, *at)) {
            Some(at) => at,
            None if self.tail.len() >= FLUSH => self.tail.len(),
            None => return,
        };
        self.tokens += self.vocabulary.count_piece(&self.tail[..at]);
        self.tail.drain(..at);
    }
}

/// Whether no token can cross from before the space at `at`: every vocabulary here begins a new piece with a space that
/// stands before a letter.
#[inline]
fn begins_word(text: &[u8], at: usize) -> bool {
    text.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
}

/// Tokens of short words met before: most of a text is made of few words, and to find one here costs a third of what
/// counting it does.
struct Words {
    /// Each at the place that its hash gives: the word from its space to the next one, and above that its tokens.
    slots: Box<[u128]>,
}

const SLOTS: usize = 1 << 12;
/// Bytes of a slot that are the word's.
const WORD: usize = 15;
/// This in every byte of a slot.
const EACH: u128 = u128::MAX / 0xff;

thread_local! {
    static WORDS: RefCell<Words> = RefCell::new(Words {
        slots: vec![0; SLOTS].into(),
    });
}

impl Words {
    /// Tokens of a text, as `whole` counts them.
    fn count(&mut self, vocabulary: Vocabulary, text: &str, whole: impl Fn(&str) -> u64) -> u64 {
        let bytes = text.as_bytes();
        let next = |from: usize| {
            let mut spaces = memchr_iter(b' ', &bytes[from..]).map(|at| from + at);
            spaces.find(|at| begins_word(bytes, *at))
        };
        let (mut tokens, mut counted) = (0, 0);
        let mut begin = next(0);
        while let Some(at) = begin
            && let Some(window) = bytes[at..].first_chunk()
        {
            let window = u128::from_le_bytes(*window);
            let len = second_space(window);
            let end = at + len;
            if len >= WORD || !begins_word(bytes, end) {
                begin = next(at + 1);
                continue;
            }
            // The first space is the same in all: its place tells the vocabulary.
            let word = (window & (u128::MAX >> (8 * (WORD - len)))) ^ vocabulary as u128;
            let slot = &mut self.slots[place(word)];
            if *slot << 8 != word << 8 {
                *slot = word | (u128::from(whole(&text[at..end])) << (8 * WORD));
            }
            if counted < at {
                tokens += whole(&text[counted..at]);
            }
            tokens += (*slot >> (8 * WORD)) as u64;
            counted = end;
            begin = Some(end);
        }
        tokens + whole(&text[counted..])
    }
}

/// Where the first space is after the first byte; 16 if there is none.
#[inline]
fn second_space(window: u128) -> usize {
    // A byte that is zero borrows from its upper bit.
    let other = (window ^ (EACH * 0x20)) | 1;
    let spaces = other.wrapping_sub(EACH) & !other & (EACH * 0x80);
    spaces.trailing_zeros() as usize / 8
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
        for vocabulary in [Vocabulary::O200k, Vocabulary::Cl100k, Vocabulary::Qwen2] {
            let whole = vocabulary.count_piece(&text);
            for size in [1, 7, 1000, 50_000] {
                let mut counter = Counter::new(vocabulary);
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.ceil_char_boundary(size));
                    counter.push(piece);
                    rest = more;
                }
                assert_eq!(counter.total(""), whole, "{vocabulary:?} by {size}");
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
            for vocabulary in [Vocabulary::Cl100k, Vocabulary::MistralV3, Vocabulary::O200k, Vocabulary::Qwen2] {
                let encoding = tiktoken::get_encoding(vocabulary.name()).expect("a vocabulary");
                prop_assert_eq!(vocabulary.count(&text), encoding.count(&text) as u64, "{:?}", vocabulary);
            }
        }
    }
}
