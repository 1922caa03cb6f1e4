//! Makes JSON readable that no parser takes, byte by byte in its place.

/// Makes strings readable that no parser takes, each byte in its place: half of a surrogate pair, bytes that
/// are no UTF-8, raw control characters. Gives whether anything was changed.
pub(crate) fn mend(bytes: &mut [u8]) -> bool {
    let mut changed = false;
    let mut at = 0;
    while let Err(error) = std::str::from_utf8(&bytes[at..]) {
        let bad = at + error.valid_up_to();
        let len = error.error_len().unwrap_or(bytes.len() - bad);
        bytes[bad..bad + len].fill(b'?');
        at = bad + len;
        changed = true;
    }
    let mut in_string = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                let unit = escape_unit(bytes, at);
                let next = escape_unit(bytes, at + 6);
                match (unit, next) {
                    (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 11,
                    (Some(0xd800..0xe000), _) => {
                        bytes[at..at + 6].copy_from_slice(b"\\ufffd");
                        at += 5;
                        changed = true;
                    }
                    _ => at += 1,
                }
            }
            0..0x20 if in_string => {
                bytes[at] = b' ';
                changed = true;
            }
            _ => {}
        }
        at += 1;
    }
    changed
}

/// Makes a number beyond all bounds a `null`: it costs its member, not the event. Gives whether anything was changed.
pub(crate) fn mend_numbers(bytes: &mut [u8]) -> bool {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let (mut changed, mut in_string, mut at) = (false, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'-' | b'0'..=b'9' if !in_string => {
                let len = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                let number = std::str::from_utf8(&bytes[at..at + len]).unwrap_or_default();
                if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                    bytes[at..at + len].fill(b' ');
                    bytes[at..at + 4].copy_from_slice(b"null");
                    changed = true;
                }
                at += len - 1;
            }
            _ => {}
        }
        at += 1;
    }
    changed
}

/// The code unit of a `\uXXXX` escape that stands at `at`.
fn escape_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}
