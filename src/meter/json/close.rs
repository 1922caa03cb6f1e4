//! Closes JSON that was cut off, so that what came of it can be read.

use super::Parser;

/// A cut-off object with what it left open closed.
#[derive(Debug, PartialEq)]
pub(crate) struct Closed {
    pub(crate) whole: Vec<u8>,
    /// So much of it came; the rest was added.
    pub(crate) came: usize,
    /// Offset of the first byte within the string that the cut went through: the value is half of one.
    pub(crate) half: Option<usize>,
}

/// Closes what a cut-off object left open. Gives the object with the string that the cut went through, and without
/// it; whichever there is.
pub(crate) fn close(cut: &[u8]) -> [Option<Closed>; 2] {
    let mut open = Vec::new();
    let mut in_string = false;
    let mut begin = 0;
    let mut escaped = false;
    // Where the object was last between members: all after it may be half of one.
    let mut sound = None;
    for (at, &byte) in cut.iter().enumerate() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if in_string => escaped = true,
            b'"' => {
                in_string = !in_string;
                begin = at + 1;
            }
            _ if in_string => {}
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                open.pop();
            }
            b',' => {}
            _ => continue,
        }
        if !in_string && byte != b'"' {
            let end = if byte == b',' { at } else { at + 1 };
            sound = Some((end, open.len()));
        }
    }
    let close = |mut whole: Vec<u8>, open: &[u8], half: Option<usize>| {
        let came = whole.len() - usize::from(half.is_some());
        whole.extend(open.iter().rev());
        let parses = Parser::new().parse(&whole, |_| ()).is_some();
        parses.then_some(Closed { whole, came, half })
    };
    let mut with = None;
    // A number or word at the very end may have been going on.
    let ends = |b: &u8| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'+' | b'-');
    if in_string {
        // Half an escape is none.
        let mut end = begin;
        while let Some(&byte) = cut.get(end) {
            let len = match (byte, cut.get(end + 1)) {
                (b'\\', Some(b'u')) => 6,
                (b'\\', _) => 2,
                _ => 1,
            };
            if end + len > cut.len() {
                break;
            }
            end += len;
        }
        let mut whole = cut[..end].to_vec();
        whole.push(b'"');
        with = close(whole, &open, Some(begin));
    } else if cut.last().is_some_and(ends) {
        with = close(cut.to_vec(), &open, None);
    }
    let without = sound.filter(|_| in_string || with.is_none());
    let without = without.and_then(|(end, depth)| close(cut[..end].to_vec(), &open[..depth], None));
    [with, without]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed() {
        for (cut, with, without) in [
            (r#"{"a":"he"#, Some((r#"{"a":"he"}"#, 6)), Some("{}")),
            (
                r#"{"a":{"b":[1,{"c":"x\"#,
                Some((r#"{"a":{"b":[1,{"c":"x"}]}}"#, 19)),
                Some(r#"{"a":{"b":[1,{}]}}"#),
            ),
            (r#"{"a":1,"b":54"#, None, Some(r#"{"a":1}"#)),
            (r#"{"a":1,"b":tr"#, None, Some(r#"{"a":1}"#)),
            (r#"{"a":1,"b":"#, None, Some(r#"{"a":1}"#)),
            (r#"{"a":1,"b"#, None, Some(r#"{"a":1}"#)),
            (r#"{"a":1 "#, Some((r#"{"a":1 }"#, 0)), None),
            ("{", Some(("{}", 0)), None),
            ("", None, None),
        ] {
            let text = |closed: &Option<Closed>| {
                let closed = closed.as_ref()?;
                Some(String::from_utf8(closed.whole.clone()).unwrap())
            };
            let [one, other] = close(cut.as_bytes());
            let half = one.as_ref().and_then(|closed| closed.half);
            assert_eq!(text(&one).as_deref(), with.map(|it| it.0), "{cut}");
            assert_eq!(half.unwrap_or(0), with.map_or(0, |it| it.1), "{cut}");
            assert_eq!(text(&other).as_deref(), without, "{cut}");
        }
    }
}
