//! Where one JSON value ends, without parsing it: depth, strings, and the few signs that it is damaged.

use memchr::memchr3;

/// Finds the end of a JSON object that may come in pieces.
///
/// It need not judge the value: that is the parser's part. It gives up only where going on would swallow
/// what follows a value that was cut off: at a line break within a string, at a bare word, and at an
/// opening bracket where none can stand.
#[derive(Default)]
pub(crate) struct Scanner {
    depth: usize,
    /// For the 128 outermost levels, whether each is an object.
    objects: u128,
    in_string: bool,
    escaped: bool,
    /// The last significant byte outside strings, `"` for a string.
    last: u8,
}

/// How far a value reaches.
#[derive(Debug, PartialEq)]
pub(crate) enum Scan {
    /// Damaged; so many bytes belong to it.
    Broken(usize),
    /// Beyond this slice.
    More,
    /// So many bytes, and it is whole.
    Whole(usize),
}

impl Scanner {
    /// Reads on in the value, whose first byte is a `{`.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Scan {
        let mut at = 0;
        while at < input.len() {
            if self.in_string {
                if std::mem::take(&mut self.escaped) {
                    at += 1;
                    continue;
                }
                let Some(n) = memchr3(b'"', b'\\', b'\n', &input[at..]) else {
                    break;
                };
                at += n;
                match input[at] {
                    b'"' => self.in_string = false,
                    b'\\' => self.escaped = true,
                    _ => return Scan::Broken(at),
                }
                at += 1;
                continue;
            }
            let byte = input[at];
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    at += 1;
                    continue;
                }
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    let fits = match self.last {
                        0 | b':' | b'[' => true,
                        b',' => !self.in_object(),
                        _ => false,
                    };
                    if !fits {
                        return Scan::Broken(at);
                    }
                    self.depth += 1;
                    self.mark(byte == b'{');
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Scan::Whole(at + 1);
                    }
                }
                // Letters of true, false and null, and of numbers.
                b',' | b':' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'E' => {}
                b't' | b'r' | b'u' | b'e' | b'f' | b'a' | b'l' | b's' | b'n' => {}
                _ => return Scan::Broken(at),
            }
            self.last = byte;
            at += 1;
        }
        Scan::More
    }

    fn in_object(&self) -> bool {
        (1..=128).contains(&self.depth) && self.objects >> (self.depth - 1) & 1 == 1
    }

    fn mark(&mut self, object: bool) {
        if self.depth <= 128 {
            let bit = 1 << (self.depth - 1);
            if object {
                self.objects |= bit;
            } else {
                self.objects &= !bit;
            }
        }
    }
}
