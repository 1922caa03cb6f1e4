//! Public vocabularies, and counting with them a text that comes in pieces.
//!
//! A vocabulary takes some 60 ms to load, so nothing here runs unless an estimate is wanted.

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

    /// Tokens of a text.
    pub(super) fn count(self, text: &str) -> u64 {
        let counter = Counter::new(self);
        counter.total(text)
    }

    fn count_piece(self, text: &str) -> u64 {
        let encoding = tiktoken::get_encoding(self.name());
        encoding.map_or(0, |encoding| encoding.count(text) as u64)
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
        // Every vocabulary here begins a new piece at a space that stands between a visible ASCII
        // character and a letter.
        let bytes = self.tail.as_bytes();
        let place = bytes
            .windows(3)
            .rposition(|w| w[0].is_ascii_graphic() && w[1] == b' ' && w[2].is_ascii_alphabetic());
        let at = match place {
            Some(place) => place + 1,
            None if self.tail.len() >= FLUSH => self.tail.len(),
            None => return,
        };
        self.tokens += self.vocabulary.count_piece(&self.tail[..at]);
        self.tail.drain(..at);
    }
}

#[cfg(test)]
mod tests {
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
}
