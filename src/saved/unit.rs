//! A log in its units: JSON values, however many lines they take, and lines of text.

use memchr::memchr;

use crate::meter::{Scan, Scanner};

/// One thing that a log consists of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit<'u> {
    /// A JSON object; the last one may be cut off.
    Object(&'u [u8]),
    /// A line of anything else, without its end; whether it had one.
    Line(&'u [u8], bool),
}

/// Splits a log that may come in pieces. Of arrays that stand alone, each element is a unit.
#[derive(Default)]
pub(super) struct Units {
    /// What there is of a unit under way.
    held: Vec<u8>,
    state: UnitState,
    in_array: bool,
    /// Units that were too long to be kept.
    too_long: u64,
}

#[derive(Default)]
enum UnitState {
    /// A unit may begin.
    #[default]
    Boundary,
    /// An array may have begun: it has if an object comes next.
    Bracket,
    /// An object just ended: what is left of its line says nothing if it is blank.
    After,
    Object(Scanner),
    Line,
    /// Within a line that is too long.
    LongLine,
    /// Within an object that is too long.
    LongObject(Scanner),
}

/// A longer unit is not kept.
pub(super) const MOST: usize = 16 << 20;

impl Units {
    /// Takes in the next bytes, and gives each unit that they end.
    pub(super) fn feed(&mut self, mut input: &[u8], take: &mut impl FnMut(Unit<'_>)) {
        while !input.is_empty() {
            self.feed_some(&mut input, take);
        }
    }

    /// As [`feed`](Self::feed), up to the end of an object at most.
    pub(super) fn feed_some(&mut self, input: &mut &[u8], take: &mut impl FnMut(Unit<'_>)) {
        loop {
            match &mut self.state {
                UnitState::Boundary | UnitState::After => self.begin(input),
                UnitState::Bracket => match input[0] {
                    b' ' | b'\t' | b'\r' | b'\n' => *input = &input[1..],
                    b'{' | b']' => {
                        self.in_array = true;
                        self.state = UnitState::Boundary;
                    }
                    _ => {
                        self.held.push(b'[');
                        self.state = UnitState::Line;
                    }
                },
                UnitState::Object(scanner) => {
                    let step = scanner.scan(input);
                    self.take_object(step, input, take);
                }
                UnitState::LongObject(scanner) => {
                    let (used, over) = match scanner.scan(input) {
                        Scan::More => (input.len(), false),
                        Scan::Broken(n) | Scan::Whole(n) => (n, true),
                    };
                    *input = &input[used..];
                    if over {
                        self.state = UnitState::After;
                    }
                }
                UnitState::Line => self.take_line(input, take),
                UnitState::LongLine => match memchr(b'\n', input) {
                    None => *input = &[],
                    Some(end) => {
                        *input = &input[end + 1..];
                        self.state = UnitState::Boundary;
                    }
                },
            }
            if input.is_empty() || matches!(self.state, UnitState::After) {
                return;
            }
        }
    }

    /// Lets the caller pass over lines that it knows, where an object or a line may begin. What it is given begins
    /// with a line, or with the end of the one before; it says how many bytes it passed over: whole lines.
    pub(super) fn pass(&mut self, input: &mut &[u8], know: impl FnOnce(&[u8]) -> usize) {
        let begins = match self.state {
            UnitState::Boundary => 0,
            UnitState::After if input.starts_with(b"\n") => 1,
            _ => return,
        };
        let passed = if self.in_array {
            0
        } else {
            know(&input[begins..])
        };
        if passed > 0 {
            *input = &input[begins + passed..];
            self.state = UnitState::Boundary;
        }
    }

    /// How many units were too long to be kept, since the last call.
    pub(super) fn take_too_long(&mut self) -> u64 {
        std::mem::take(&mut self.too_long)
    }

    /// Gives what is left when the log has ended.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(Unit<'_>)) {
        let held = std::mem::take(&mut self.held);
        match std::mem::take(&mut self.state) {
            UnitState::Object(_) => take(Unit::Object(&held)),
            UnitState::Line if !held.is_empty() => take(Unit::Line(&held, false)),
            _ => {}
        }
    }

    /// Decides what begins here.
    fn begin(&mut self, input: &mut &[u8]) {
        let byte = input[0];
        let skip = match byte {
            b' ' | b'\t' | b'\r' => true,
            b'\n' if matches!(self.state, UnitState::After) || self.in_array => {
                self.state = UnitState::Boundary;
                true
            }
            b',' => self.in_array,
            b']' if self.in_array => {
                self.in_array = false;
                self.state = UnitState::After;
                true
            }
            b'[' if !self.in_array => {
                self.state = UnitState::Bracket;
                true
            }
            _ => false,
        };
        if skip {
            // Blanks belong to a line of text, but say nothing.
            *input = &input[1..];
        } else if byte == b'{' {
            self.state = UnitState::Object(Scanner::default());
        } else {
            self.in_array = false;
            self.state = UnitState::Line;
        }
    }

    fn take_object(&mut self, step: Scan, input: &mut &[u8], take: &mut impl FnMut(Unit<'_>)) {
        let (used, whole) = match step {
            Scan::More => (input.len(), None),
            Scan::Broken(n) => (n, Some(false)),
            Scan::Whole(n) => (n, Some(true)),
        };
        let (text, rest) = input.split_at(used);
        *input = rest;
        if whole.is_none() || !self.held.is_empty() {
            self.held.extend_from_slice(text);
        }
        match whole {
            None if self.held.len() > MOST => self.open_array(take),
            None => {}
            Some(true) => {
                self.state = UnitState::After;
                let held = std::mem::take(&mut self.held);
                take(Unit::Object(if held.is_empty() { text } else { &held }));
                self.keep(held);
            }
            Some(false) => {
                let held = std::mem::take(&mut self.held);
                let broken = if held.is_empty() { text } else { &held[..] };
                if broken.ends_with(b"\n") {
                    // It was cut off, and the next line begins anew.
                    self.state = UnitState::Boundary;
                    take(Unit::Line(broken.trim_ascii_end(), true));
                    self.keep(held);
                } else {
                    // What is left of the line belongs to it.
                    let mut line = held;
                    if line.is_empty() {
                        line.extend_from_slice(text);
                    }
                    self.held = line;
                    self.state = UnitState::Line;
                }
            }
        }
    }

    fn take_line(&mut self, input: &mut &[u8], take: &mut impl FnMut(Unit<'_>)) {
        let Some(end) = memchr(b'\n', input) else {
            self.held.extend_from_slice(input);
            *input = &[];
            if self.held.len() > MOST {
                self.held = Vec::new();
                self.state = UnitState::LongLine;
                self.too_long += 1;
            }
            return;
        };
        let (text, rest) = input.split_at(end);
        *input = &rest[1..];
        self.state = UnitState::Boundary;
        if self.held.is_empty() {
            return take(Unit::Line(text, true));
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(text);
        take(Unit::Line(&held, true));
        self.keep(held);
    }

    /// Goes on within an object that is too long to be kept: the elements of its first array of objects are units.
    fn open_array(&mut self, take: &mut impl FnMut(Unit<'_>)) {
        let held = std::mem::take(&mut self.held);
        let state = std::mem::take(&mut self.state);
        match first_array(&held) {
            Some(begin) => {
                self.in_array = true;
                self.feed(&held[begin..], take);
            }
            None => {
                if let UnitState::Object(scanner) = state {
                    self.too_long += 1;
                    self.state = UnitState::LongObject(scanner);
                }
            }
        }
    }

    /// Keeps memory for the next unit, if that is not too much.
    fn keep(&mut self, mut held: Vec<u8>) {
        held.clear();
        held.shrink_to(64 << 10);
        if self.held.capacity() == 0 {
            self.held = held;
        }
    }
}

/// Where the elements begin of the first array of objects within an object, one level into it or more. An array that
/// takes nearly all of what there is: others are small.
fn first_array(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at += super::json::string_end(&text[at..])?,
            b'[' if text[at + 1..].trim_ascii_start().first() == Some(&b'{') => {
                let mut units = Scanner::default();
                let inner = &text[at + 1..];
                let begin = inner.len() - inner.trim_ascii_start().len();
                // An element of all that size is no list.
                return match units.scan(&inner[begin..]) {
                    Scan::Whole(_) => Some(at + 1),
                    _ => None,
                };
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &[u8], size: usize) -> Vec<String> {
        let (mut units, mut found) = (Units::default(), Vec::new());
        let mut take = |unit: Unit<'_>| {
            found.push(match unit {
                Unit::Object(text) => String::from_utf8_lossy(text).into_owned(),
                Unit::Line(text, ended) => {
                    format!(
                        "|{}{}",
                        String::from_utf8_lossy(text),
                        if ended { "|" } else { "" }
                    )
                }
            });
        };
        for piece in text.chunks(size) {
            units.feed(piece, &mut take);
        }
        units.finish(&mut take);
        found
    }

    /// However it is cut, a log falls into the same units.
    #[test]
    fn however_cut() {
        for (text, want) in [
            ("{\"a\":1}\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"][..]),
            (
                "[{\"a\":1},\n {\"b\":2}]\nx",
                &["{\"a\":1}", "{\"b\":2}", "|x"],
            ),
            (
                "{\n \"a\": [1]\n}\n\n{}",
                &["{\n \"a\": [1]\n}", "||", "{}"],
            ),
            ("x\n\ny", &["|x|", "||", "|y"]),
            ("{\"a\":\"x\n{\"b\":2}\n", &["|{\"a\":\"x|", "{\"b\":2}"]),
            ("{\"a\":1,\n{\"b\":2}\n", &["|{\"a\":1,|", "{\"b\":2}"]),
            (
                "{ [5 bytes data]\ndata: x\n",
                &["|{ [5 bytes data]|", "|data: x|"],
            ),
            ("{\"a\":{", &["{\"a\":{"]),
        ] {
            for size in 1..=text.len() {
                assert_eq!(units(text.as_bytes(), size), want, "{text:?} by {size}");
            }
        }
    }

    /// Of an object that is too long, the elements are found, and what comes after it.
    #[test]
    fn too_long() {
        let element = format!("{{\"x\":\"{}\"}}", "y".repeat(1000));
        let text = format!(
            "{{\"log\":{{\"v\":[1,2],\"entries\":[{}]}}}}\nz",
            vec![element.as_str(); 2 * MOST / 1000].join(",")
        );
        let found = units(text.as_bytes(), 1 << 20);
        assert_eq!(
            found.iter().filter(|unit| **unit == element).count(),
            2 * MOST / 1000
        );
        let flat = format!("{{\"x\":\"{}\"}}\n{{\"a\":1}}", "y".repeat(2 * MOST));
        assert_eq!(units(flat.as_bytes(), 1 << 20), ["{\"a\":1}"]);
        let line = format!("{}\n{{\"a\":1}}", "y".repeat(2 * MOST));
        assert_eq!(units(line.as_bytes(), 1 << 20), ["{\"a\":1}"]);
    }
}
