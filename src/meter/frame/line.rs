//! Lines out of slices cut anywhere: ended by LF, CR or CRLF, bounded in memory.

use memchr::memchr2;

use super::event::MAX_EVENT;

/// Puts lines together that were cut.
#[derive(Default)]
pub(super) struct LineAssembler {
    kept: Vec<u8>,
    too_long: bool,
    /// The last line ended with a CR at the end of a slice: an LF may follow.
    owes_lf: bool,
}

/// The next line, its line end left out.
pub(super) enum Taken<'i> {
    /// A line that was put together.
    Kept(Vec<u8>),
    /// The slice is used up.
    More,
    /// A line beyond [`MAX_EVENT`], or one that can mean nothing: passed over.
    TooLong,
    /// A line that lies whole in the slice.
    Whole(&'i [u8]),
}

impl LineAssembler {
    /// Takes a line from the front of `input`, adding what it consumes to `offset`.
    pub(super) fn next<'i>(&mut self, input: &mut &'i [u8], offset: &mut u64) -> Taken<'i> {
        if self.pay_lf() && input.first() == Some(&b'\n') {
            *input = &input[1..];
            *offset += 1;
        }
        let Some(end) = memchr2(b'\n', b'\r', input) else {
            *offset += input.len() as u64;
            self.keep(std::mem::take(input));
            return Taken::More;
        };
        let text = &input[..end];
        let mut used = end + 1;
        if input[end] == b'\r' {
            match input.get(used) {
                Some(b'\n') => used += 1,
                Some(_) => {}
                None => self.owes_lf = true,
            }
        }
        *input = &input[used..];
        *offset += used as u64;
        if self.kept.is_empty() && !self.too_long {
            return Taken::Whole(text);
        }
        self.keep(text);
        self.take_rest().map_or(Taken::TooLong, Taken::Kept)
    }

    /// The line under way, at the end of input; `None` where it was too long.
    pub(super) fn take_rest(&mut self) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut self.kept);
        (!std::mem::take(&mut self.too_long)).then_some(kept)
    }

    pub(super) fn owes_lf(&self) -> bool {
        self.owes_lf
    }

    /// Whether an LF that comes now still belongs to the last line's end; to be asked once.
    pub(super) fn pay_lf(&mut self) -> bool {
        std::mem::take(&mut self.owes_lf)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.kept.len() + bytes.len() > MAX_EVENT {
            self.too_long = true;
            self.kept = Vec::new();
        }
        if !self.too_long {
            self.kept.extend_from_slice(bytes);
        }
    }
}
