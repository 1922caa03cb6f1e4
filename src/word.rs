//! Enums whose variants are written as words: one list gives the type, its words, and what a word means.

/// A value that is written as a word.
pub(crate) trait Word: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;

    /// The value that a word stands for.
    fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Declares an enum with the word of each variant.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$meta])* $variant,)+
        }

        impl $name {
            /// The record's word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::word::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
