//! The beginning of an event that a slice of input broke off: kept until its end comes, it is known by its shape like
//! any other.

use memchr::{memchr, memmem};

/// What there is of the event.
#[derive(Default)]
pub(crate) struct Partial(Vec<u8>);

/// More is not waited for.
const MAX: usize = 4 << 10;

impl Partial {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Keeps bytes that stand after an event, if they are the beginning of one and no more; gives whether it did.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> bool {
        let goes_on = match bytes {
            [] | [0..0x20, ..] | [.., b'\n'] => false,
            _ if bytes.len() > MAX => false,
            [b'{', ..] => memchr(b'\n', bytes).is_none(),
            _ => memmem::find(bytes, b"\n\n").is_none(),
        };
        if goes_on {
            self.0.extend_from_slice(bytes);
        }
        goes_on
    }

    /// Takes from `input` what belongs to the event; gives the event once it is whole or too long.
    pub(crate) fn fill(&mut self, input: &mut &[u8]) -> Option<Vec<u8>> {
        let kept = &mut self.0;
        while !input.is_empty() {
            let end = memchr(b'\n', input).map_or(input.len(), |at| at + 1);
            let (line, rest) = input.split_at(end);
            kept.extend_from_slice(line);
            *input = rest;
            let is_whole = match kept[0] {
                b'{' => kept.ends_with(b"\n"),
                _ => kept.ends_with(b"\n\n"),
            };
            if is_whole || kept.len() > MAX {
                return Some(std::mem::take(kept));
            }
        }
        None
    }

    /// Keeps the memory of an event that was given out.
    pub(crate) fn spare(&mut self, mut event: Vec<u8>) {
        event.clear();
        self.0 = event;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept() {
        for (bytes, keeps) in [
            (&b"data: {\"a"[..], true),
            (b"event: x\ndata: {", true),
            (b"{\"a\":", true),
            (b"data: {}\n\ndata: {", false),
            (b"{}\n{", false),
            (b"data: {}\n", false),
            (b"\0\0\0\x7f", false),
            (b"", false),
            (&[b'x'; MAX + 1], false),
        ] {
            assert_eq!(
                Partial::default().keep(bytes),
                keeps,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    /// An event comes whole, and nothing after it with it.
    #[test]
    fn what_comes_of_it() {
        let mut kept = Partial::default();
        assert!(kept.keep(b"event: x\nda"));
        let mut input = &b"ta: {}"[..];
        assert_eq!(kept.fill(&mut input), None);
        let mut input = &b"\n\ndata: more"[..];
        assert_eq!(
            kept.fill(&mut input).as_deref(),
            Some(&b"event: x\ndata: {}\n\n"[..])
        );
        assert_eq!(input, b"data: more");
    }
}
