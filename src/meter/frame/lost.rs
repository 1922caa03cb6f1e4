//! The way back into a stream after a wrong guess: where, behind bytes that mean nothing, something begins again.

use memchr::memchr2;

use super::aws;

/// What a line begins with that says something, whatever stood before it.
const SIGNS: &[&[u8]] = &[
    b"data:", b"event:", b"id:", b"retry:", b"error:", b"HTTP/", b"{\"", b"{\n", b"{\r\n", b"{ ",
    b"[{", b"[\n",
];

/// Whether one of the signs begins with this byte.
pub(super) fn begins_sign(byte: u8) -> bool {
    SIGNS.iter().any(|sign| sign[0] == byte)
}

/// How many bytes behind the first begin nothing either, since a run of like bytes goes on behind them: a run of NULs
/// or line ends can be as long as a disk.
fn in_run(bytes: &[u8]) -> usize {
    const STEP: usize = 64;
    let same = [bytes[0]; STEP];
    let steps = bytes[1..].chunks_exact(STEP);
    let whole = steps.take_while(|step| **step == same).count();
    // A frame begins with up to three NULs, and a line behind one line end.
    (whole * STEP).saturating_sub(3)
}

/// Looks for where something begins again. Keeps back what may be such a place and cannot be told yet: less than a
/// frame's prelude.
#[derive(Default)]
pub(super) struct Search {
    held: Vec<u8>,
    /// After a line end only what [`SIGNS`] lists will do: what is passed over is dense, and would look like a line
    /// by chance.
    pub(super) strict: bool,
}

/// What becomes of a place.
#[derive(Clone, Copy, PartialEq)]
enum Guess {
    /// Something begins, so many bytes further.
    Begins(usize),
    More,
    Nothing,
}

impl Search {
    pub(super) fn new(strict: bool) -> Self {
        Self {
            held: Vec::new(),
            strict,
        }
    }

    /// Takes from the front of `input`. Gives how many bytes it took, and once something begins, those of the
    /// bytes taken that are to be read again.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, Option<Vec<u8>>) {
        let mut rest = input;
        if !self.held.is_empty() {
            // With this much more, each place in what is held can be told.
            let more = input.len().min(aws::PRELUDE);
            let held = self.held.len();
            self.held.extend_from_slice(&input[..more]);
            for at in 0..held {
                match self.place(&self.held[at..]) {
                    Guess::Begins(skip) => {
                        let again = self.held.split_off(at + skip);
                        self.held.clear();
                        return (more, Some(again));
                    }
                    Guess::More => {
                        self.held.drain(..at);
                        return (more, None);
                    }
                    Guess::Nothing => {}
                }
            }
            self.held.clear();
        }
        while let Some(at) = memchr2(0, b'\n', rest) {
            rest = &rest[at..];
            match self.place(rest) {
                Guess::Begins(skip) => {
                    return (input.len() - rest.len() + skip, Some(Vec::new()));
                }
                Guess::More => {
                    self.held.extend_from_slice(rest);
                    break;
                }
                Guess::Nothing => rest = &rest[1 + in_run(rest)..],
            }
        }
        (input.len(), None)
    }

    /// What is to be read again of what was held when the input ended.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(&mut self.held);
        (0..held.len()).find_map(|at| match self.place(&held[at..]) {
            Guess::Begins(skip) => Some(held[at + skip..].to_vec()),
            Guess::More | Guess::Nothing => None,
        })
    }

    /// Whether something begins at a NUL or a line end, or behind it.
    fn place(&self, bytes: &[u8]) -> Guess {
        let (first, behind) = match bytes.split_first() {
            Some((first @ (0 | b'\n'), behind)) => (*first, behind),
            _ => return Guess::Nothing,
        };
        if SIGNS.iter().any(|sign| behind.starts_with(sign)) {
            return Guess::Begins(1);
        }
        let begun = |sign: &&[u8]| sign.starts_with(behind);
        let undecided = SIGNS.iter().any(begun);
        if first == 0 {
            return match aws::is_prelude(bytes) {
                Some(true) => Guess::Begins(0),
                Some(false) if !undecided => Guess::Nothing,
                _ => Guess::More,
            };
        }
        match behind.first() {
            Some(b' '..=b'~' | b'\t' | b'\r') if !self.strict => Guess::Begins(1),
            _ if undecided => Guess::More,
            _ => Guess::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where something begins behind a run of any length, it is found as it is found byte by byte.
    #[test]
    fn runs_are_passed_over() {
        let frame = [
            0, 0, 0, 16, 0, 0, 0, 0, 5, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
        ];
        let begins: [&[u8]; 4] = [b"data: a", b"{\"a\":1}", &frame, b"\ndata: a"];
        for (byte, strict) in [(0, false), (0, true), (b'\n', false), (b'\n', true)] {
            for (run, begin) in (60..260).flat_map(|run| begins.map(|begin| (run, begin))) {
                let input = [&vec![byte; run][..], begin].concat();
                let found = |size: usize| {
                    let mut search = Search::new(strict);
                    let mut at = 0;
                    for piece in input.chunks(size) {
                        let (used, again) = search.take(piece);
                        at += used;
                        if let Some(again) = again {
                            return Some(at - again.len());
                        }
                    }
                    search.finish().map(|again| at - again.len())
                };
                assert_eq!(
                    found(input.len()),
                    found(1),
                    "{run} of {byte}: {}",
                    begin.escape_ascii()
                );
            }
        }
    }

    /// A run of NULs costs no more time for each byte than it takes to look at it.
    #[test]
    fn runs_take_little_time() {
        let time = |bytes: &[u8]| {
            let times = (0..5).map(|_| {
                let begun = std::time::Instant::now();
                let (used, again) = Search::new(false).take(bytes);
                assert!(used == bytes.len() && again.is_none());
                begun.elapsed()
            });
            times.min().expect("a time")
        };
        // Each place among these is tried.
        let tried = [0, 1].repeat(1 << 19);
        assert!(time(&vec![0; 1 << 20]) * 4 < time(&tried));
    }
}
