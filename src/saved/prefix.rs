//! What loggers put before each line: timestamps, hosts, containers, streams.
//!
//! `docker logs -t`, compose, CRI, kubectl, journald and syslog each put some of the same few parts there. Which parts
//! come in which order need not be known: each is taken as long as there is one.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A line without what was put before it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Stripped<'l> {
    pub(super) rest: &'l [u8],
    /// Tells the sources of lines apart: whatever stood before the line, save the time.
    pub(super) source: u64,
    /// The line goes on in the next one of its source.
    pub(super) partial: bool,
}

/// Takes off what was put before a line; `None` where it begins with nothing of the kind.
pub(super) fn strip(line: &[u8]) -> Option<Stripped<'_>> {
    let mut source = DefaultHasher::new();
    let (mut rest, mut partial, mut parts) = (line, false, 0);
    while parts < MOST_PARTS {
        let bare = without_colour(rest);
        let coloured = bare.len() < rest.len();
        let Some(part) = PARTS.iter().find_map(|part| part(bare)) else {
            if coloured && parts > 0 {
                rest = bare;
            }
            break;
        };
        part.source.hash(&mut source);
        partial |= part.partial;
        rest = part.rest;
        parts += 1;
        if part.is_last {
            break;
        }
    }
    (parts > 0).then(|| Stripped {
        rest,
        source: source.finish(),
        partial,
    })
}

/// One part of a prefix.
struct Part<'l> {
    rest: &'l [u8],
    /// What of it tells sources apart.
    source: &'l [u8],
    partial: bool,
    /// The line may be in pieces: what they begin with is its own.
    is_last: bool,
}

const MOST_PARTS: usize = 5;
/// Names are no longer than this.
const MOST_NAME: usize = 128;

/// Reads one kind of prefix.
type Reads = fn(&[u8]) -> Option<Part<'_>>;

const PARTS: &[Reads] = &[rfc_5424, timed, compose, bracketed];

fn part<'l>(source: &'l [u8], rest: &'l [u8]) -> Part<'l> {
    Part {
        rest,
        source,
        partial: false,
        is_last: false,
    }
}

/// `<34>1 2025-11-01T00:00:00Z host app 123 - - `
fn rfc_5424(line: &[u8]) -> Option<Part<'_>> {
    let rest = after_priority(line)?;
    let Some(mut rest) = rest.strip_prefix(b"1 ") else {
        // The older form: what follows the priority is a timestamp.
        return timed(rest);
    };
    let head = rest;
    let (_, tail) = word(rest)?;
    rest = tail;
    let begin = rest;
    for _ in 0..4 {
        (_, rest) = word(rest)?;
    }
    let source = &begin[..begin.len() - rest.len()];
    let data = rest.strip_prefix(b"-").or_else(|| {
        let end = memchr::memmem::find(rest, b"] ")
            .or_else(|| rest.ends_with(b"]").then(|| rest.len() - 1));
        end.filter(|_| rest.starts_with(b"["))
            .map(|end| &rest[end + 1..])
    });
    let rest = data?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
    iso(head)?;
    Some(part(source, rest))
}

fn after_priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    ((1..=3).contains(&digits))
        .then(|| rest[digits..].strip_prefix(b">"))
        .flatten()
}

/// A timestamp, and what CRI or syslog put behind it.
fn timed(line: &[u8]) -> Option<Part<'_>> {
    let bare = line.strip_prefix(b"[");
    let text = bare.unwrap_or(line);
    let mut rest = &text[timestamp(text)?..];
    if bare.is_some() {
        rest = rest.strip_prefix(b"]")?;
    }
    // A colon as in "12:00:01.5: ".
    rest = rest.strip_prefix(b":").unwrap_or(rest);
    if !rest.is_empty() {
        rest = rest
            .strip_prefix(b" ")
            .or_else(|| rest.strip_prefix(b"\t"))?;
    }
    for stream in [&b"stdout "[..], b"stderr "] {
        let Some(tail) = rest.strip_prefix(stream) else {
            continue;
        };
        let partial = tail.starts_with(b"P");
        if let Some(tail) = tail.strip_prefix(b"F").or_else(|| tail.strip_prefix(b"P"))
            && let Some(tail) = tail
                .strip_prefix(b" ")
                .or_else(|| tail.is_empty().then_some(tail))
        {
            return Some(Part {
                rest: tail,
                source: stream,
                partial,
                is_last: true,
            });
        }
    }
    let (source, rest) = syslog(rest).unwrap_or((&[], rest));
    Some(part(source, rest))
}

/// `host app[123]: `
fn syslog(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (host, tail) = word(text)?;
    let (tag, rest) = word(tail).unwrap_or((tail, &[]));
    let name = tag.strip_suffix(b":")?;
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"._-/()[]@".contains(b);
    // What begins with a bracket or a dash is another part, or the line itself.
    let is_host = host.first().is_some_and(u8::is_ascii_alphanumeric) && host.iter().all(is_name);
    let fits = is_host && !name.is_empty() && name.iter().all(is_name);
    // The name of an SSE field is no program's.
    let is_field = [&b"data"[..], b"event", b"id", b"retry"].contains(&name);
    let len = host.len() + 1 + tag.len();
    (fits && !is_field).then_some((&text[..len], rest))
}

/// `app-1  | `, and `service.1.abc@node    | `
fn compose(line: &[u8]) -> Option<Part<'_>> {
    let len = name(line);
    let tail = &line[len..];
    let blanks = tail.iter().take_while(|b| **b == b' ').count();
    let bar = tail[blanks..].strip_prefix(b"|")?;
    let bar = without_colour(bar);
    let rest = bar
        .strip_prefix(b" ")
        .or_else(|| bar.is_empty().then_some(bar))?;
    (len > 0 && blanks > 0).then(|| part(&line[..len], rest))
}

/// `[pod/app-1/main] `, as kubectl and stern put it.
fn bracketed(line: &[u8]) -> Option<Part<'_>> {
    let inside = line.strip_prefix(b"[")?;
    let len = name(inside);
    let is_name =
        inside.first().is_some_and(u8::is_ascii_alphabetic) && inside[..len].contains(&b'/');
    let tail = inside[len..].strip_prefix(b"]").filter(|_| is_name)?;
    let rest = tail
        .strip_prefix(b" ")
        .or_else(|| tail.is_empty().then_some(tail))?;
    Some(part(&inside[..len], rest))
}

fn name(text: &[u8]) -> usize {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || b"._-/@".contains(b);
    text.iter().take(MOST_NAME).take_while(is_name).count()
}

/// A word and what follows the blank behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(MOST_NAME).position(|b| *b == b' ')?;
    (end > 0).then(|| (&text[..end], &text[end + 1..]))
}

/// How long the timestamp is that this begins with.
fn timestamp(text: &[u8]) -> Option<usize> {
    iso(text)
        .or_else(|| month(text))
        .or_else(|| weekday(text))
        .or_else(|| unix(text))
}

/// `2025-11-01T00:00:00.123456789+02:00`, and with a blank or a comma in it.
fn iso(text: &[u8]) -> Option<usize> {
    let mut at = shape(text, "0000-00-00")?;
    if !matches!(text.get(at), Some(b'T' | b't' | b' ' | b'_')) {
        return None;
    }
    at += 1;
    at += clock(&text[at..])?;
    // A zone, maybe behind a blank.
    for zone in ["+00:00", "+0000", "Z", "z", " UTC", " +0000"] {
        if let Some(len) = shape(&text[at..], zone) {
            at += len;
            break;
        }
    }
    Some(at)
}

/// `Nov 01 00:00:00`, and `Nov  1 …`
fn month(text: &[u8]) -> Option<usize> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let name = text.get(..3)?;
    MONTHS.chunks(3).any(|month| month == name).then_some(())?;
    let day = [" 00 ", "  0 "]
        .iter()
        .find_map(|day| shape(&text[3..], day))?;
    Some(3 + day + clock(&text[3 + day..])?)
}

/// `Sat 2025-11-01 00:00:00 UTC`
fn weekday(text: &[u8]) -> Option<usize> {
    const DAYS: &[u8] = b"MonTueWedThuFriSatSun";
    let name = text.get(..3)?;
    DAYS.chunks(3).any(|day| day == name).then_some(())?;
    let rest = text[3..].strip_prefix(b" ")?;
    Some(4 + iso(rest)?)
}

/// `1762000000.123456`
fn unix(text: &[u8]) -> Option<usize> {
    let len = shape(text, "0000000000.")?;
    let fraction = text[len..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    (1..=9).contains(&fraction).then_some(len + fraction)
}

/// `00:00:00`, with a fraction or without.
fn clock(text: &[u8]) -> Option<usize> {
    let len = shape(text, "00:00:00")?;
    let fraction = text.get(len + 1..).unwrap_or_default();
    let fraction = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    let has = fraction > 0 && matches!(text[len], b'.' | b',');
    Some(len + if has { 1 + fraction } else { 0 })
}

/// How much of the text is of this shape: 0 stands for a digit, + for either sign.
fn shape(text: &[u8], shape: &str) -> Option<usize> {
    let text = text.get(..shape.len())?;
    let fits = |(byte, want): (&u8, u8)| match want {
        b'0' => byte.is_ascii_digit(),
        b'+' => matches!(byte, b'+' | b'-'),
        want => *byte == want,
    };
    text.iter()
        .zip(shape.bytes())
        .all(fits)
        .then_some(shape.len())
}

/// The text behind codes that set colours.
fn without_colour(mut text: &[u8]) -> &[u8] {
    while let Some(code) = text.strip_prefix(b"\x1b[") {
        let len = code
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b';')
            .count();
        let Some(rest) = code[len..].strip_prefix(b"m") else {
            break;
        };
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for prefix in [
            "2025-11-01T00:00:00.123456789Z ",
            "2025-11-01T00:00:00+01:00 ",
            "2025-11-01T00:00:00.1Z stdout F ",
            "2025-11-01 00:00:00,123 ",
            "[2025-11-01 00:00:00] ",
            "app-1  | ",
            "\x1b[36mapp-1  |\x1b[0m ",
            "app-1  | 2025-11-01T00:00:00.123456789Z ",
            "web.1.abc@node    | ",
            "[pod/web-0/main] ",
            "2025-11-01T00:00:00.123456789Z [pod/web-0/main] ",
            "Nov 01 00:00:00 host app[123]: ",
            "Nov  1 00:00:00.123456 host app[123]: ",
            "Sat 2025-11-01 00:00:00 UTC host app[123]: ",
            "2025-11-01T00:00:00+0000 host app[123]: ",
            "1762000000.123456 host app[123]: ",
            "<34>Nov 01 00:00:00 host app: ",
            "<34>1 2025-11-01T00:00:00Z host app 123 - - ",
            "<34>1 2025-11-01T00:00:00Z host app 123 - [x y=\"z\"] ",
        ] {
            for payload in [
                "data: {\"a\": 1}",
                "event: x",
                ": ping",
                "{\"a\":1}",
                "key:",
                "- key:",
                "",
            ] {
                let line = [prefix, payload].concat();
                let stripped = strip(line.as_bytes()).unwrap_or_else(|| panic!("{line:?}"));
                assert_eq!(String::from_utf8_lossy(stripped.rest), payload, "{line:?}");
                assert!(!stripped.partial);
            }
        }
        for line in [
            "data: x",
            "{\"a\":1}",
            "",
            "event: x",
            "[1,2] x",
            "a | b",
            ": | x",
            "id: 5",
        ] {
            if line != "a | b" {
                assert_eq!(strip(line.as_bytes()), None, "{line:?}");
            }
        }
        let source = |line: &str| strip(line.as_bytes()).map(|it| (it.source, it.partial));
        let partial = source("2025-11-01T00:00:00.1Z stdout P data");
        assert_eq!(partial.map(|it| it.1), Some(true));
        assert_ne!(source("a-1 | x"), source("a-2 | x"));
        assert_eq!(
            source("2025-11-01T00:00:00Z x"),
            source("2025-11-02T00:00:01Z y")
        );
        assert_ne!(
            source("2025-11-01T00:00:00Z stdout F x"),
            source("2025-11-01T00:00:00Z stderr F x"),
        );
    }
}
