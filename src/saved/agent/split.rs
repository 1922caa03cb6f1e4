//! Cuts a JSON document into the elements of some of its arrays and what is beside them, as its bytes come.

use memchr::memchr2;

/// One part of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    /// All of it, without the elements of the arrays wanted.
    Beside,
    /// An element.
    Item,
}

/// Where a document stands.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The members that lead to the arrays wanted; empty for the document itself.
    arrays: Vec<&'static [&'static str]>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The depth within an array that is wanted.
    within: Option<usize>,
    /// The names of the members under way, by depth.
    names: Vec<Vec<u8>>,
    /// What the last string said, if it may be a name.
    last: Vec<u8>,
    beside: Vec<u8>,
    item: Vec<u8>,
    /// The item is too long to be kept.
    long: bool,
}

/// A longer element says nothing.
const MAX_ITEM: usize = 16 << 20;
/// No more of what is beside the elements is kept.
const MAX_BESIDE: usize = 4 << 20;

impl Splitter {
    /// `None` is for documents of which no array is wanted.
    pub(super) fn new(arrays: Option<&[&'static [&'static str]]>) -> Self {
        let arrays = match arrays {
            Some([]) => vec![&[] as &[&str]],
            Some(arrays) => arrays.to_vec(),
            None => Vec::new(),
        };
        Self {
            arrays,
            ..Self::default()
        }
    }

    /// Takes in the next bytes, and hands over the parts that end among them.
    pub(super) fn feed(&mut self, bytes: &[u8], put: &mut dyn FnMut(Piece, &[u8])) {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                let rest = &bytes[at..];
                let end = if self.escaped {
                    self.escaped = false;
                    1
                } else {
                    match memchr2(b'"', b'\\', rest) {
                        Some(end) => {
                            self.escaped = rest[end] == b'\\';
                            self.in_string = rest[end] != b'"';
                            end + 1
                        }
                        None => rest.len(),
                    }
                };
                if self.within.is_none() && self.depth <= 2 && self.last.len() < 64 {
                    self.last.extend_from_slice(&rest[..end.min(64)]);
                }
                self.keep(&rest[..end]);
                at += end;
                continue;
            }
            self.step(bytes[at], put);
            at += 1;
        }
    }

    /// Ends the document: what is beside the elements that were seen is all there is.
    pub(super) fn finish(&mut self, put: &mut dyn FnMut(Piece, &[u8])) {
        if !self.beside.is_empty() {
            put(Piece::Beside, &self.beside);
        }
        *self = Self::new(Some(&[]));
    }

    fn step(&mut self, byte: u8, put: &mut dyn FnMut(Piece, &[u8])) {
        match byte {
            b'"' => {
                self.in_string = true;
                self.last.clear();
            }
            b':' if self.within.is_none() && self.depth <= 2 => {
                self.names.truncate(self.depth.saturating_sub(1));
                self.last.pop();
                self.names.push(self.last.clone());
            }
            b'{' | b'[' => {
                self.depth += 1;
                if byte == b'[' && self.within.is_none() && self.is_wanted() {
                    self.keep(b"[");
                    self.within = Some(self.depth);
                    return;
                }
            }
            b'}' | b']' => {
                if self.within == Some(self.depth) {
                    self.end_item(put);
                    self.within = None;
                }
                self.depth = self.depth.saturating_sub(1);
                self.keep(&[byte]);
                if self.within.is_none() && self.depth == 0 {
                    put(Piece::Beside, &self.beside);
                    self.beside.clear();
                    self.names.clear();
                }
                return;
            }
            b',' if self.within == Some(self.depth) => {
                self.end_item(put);
                return;
            }
            b' ' | b'\n' | b'\r' | b'\t' => return,
            _ => {}
        }
        self.keep(&[byte]);
    }

    fn is_wanted(&self) -> bool {
        let depth = self.depth - 1;
        let names = || self.names.iter().take(depth).map(Vec::as_slice);
        let is = |array: &&&[&str]| {
            array.len() == depth && names().eq(array.iter().map(|name| name.as_bytes()))
        };
        self.arrays.iter().any(|array| is(&array))
    }

    fn keep(&mut self, bytes: &[u8]) {
        let (into, room) = match self.within {
            Some(_) => (&mut self.item, MAX_ITEM),
            None => (&mut self.beside, MAX_BESIDE),
        };
        if into.len() + bytes.len() <= room {
            into.extend_from_slice(bytes);
        } else {
            self.long |= self.within.is_some();
        }
    }

    fn end_item(&mut self, put: &mut dyn FnMut(Piece, &[u8])) {
        if !self.long && !self.item.is_empty() {
            put(Piece::Item, &self.item);
        }
        self.item.clear();
        self.long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(
        text: &str,
        arrays: Option<&[&'static [&'static str]]>,
        size: usize,
    ) -> Vec<(Piece, String)> {
        let mut parts = Vec::new();
        let mut splitter = Splitter::new(arrays);
        let mut put =
            |part, text: &[u8]| parts.push((part, String::from_utf8_lossy(text).into_owned()));
        for piece in text.as_bytes().chunks(size) {
            splitter.feed(piece, &mut put);
        }
        splitter.finish(&mut put);
        parts
    }

    /// Elements come whole and in order, however the bytes are cut; a document cut off gives those that were whole.
    #[test]
    fn elements() {
        let text = r#"{ "a" : [ [1] ], "b": {"c": [{"x]": "]\"}{[,"}, 2 , [3,4]], "d":["n"]}, "e": {"b":{"c":[5]}}, "m": [] }"#;
        let arrays: &[&[&str]] = &[&["b", "c"], &["m"]];
        let want: Vec<(Piece, String)> = vec![
            (Piece::Item, r#"{"x]":"]\"}{[,"}"#.to_owned()),
            (Piece::Item, "2".to_owned()),
            (Piece::Item, "[3,4]".to_owned()),
            (
                Piece::Beside,
                r#"{"a":[[1]],"b":{"c":[],"d":["n"]},"e":{"b":{"c":[5]}},"m":[]}"#.to_owned(),
            ),
        ];
        for size in 1..text.len() {
            assert_eq!(parts(text, Some(arrays), size), want, "{size}");
        }
        for cut in 0..text.len() {
            let got = parts(&text[..cut], Some(arrays), 7);
            let items: Vec<_> = got
                .iter()
                .filter(|(part, _)| *part == Piece::Item)
                .collect();
            assert!(
                items.iter().zip(&want).all(|(a, b)| **a == *b),
                "{cut}: {items:?}"
            );
        }
        let array = r#"[{"a":1},{"b":[2]}]"#;
        let want = [
            (Piece::Item, r#"{"a":1}"#),
            (Piece::Item, r#"{"b":[2]}"#),
            (Piece::Beside, "[]"),
        ];
        let want: Vec<_> = want.map(|(part, text)| (part, text.to_owned())).into();
        assert_eq!(parts(array, Some(&[]), 3), want);
        let whole = parts("{\"a\": [1]}\n{\"b\": 2}", None, 4);
        assert_eq!(
            whole,
            [
                (Piece::Beside, "{\"a\":[1]}".to_owned()),
                (Piece::Beside, "{\"b\":2}".to_owned())
            ]
        );
    }
}
