//! A tool call as Claude writes it: the API shows its arguments as JSON, but what the model generates, and what is paid
//! for, is a text with a tag for each argument.

/// Turns a call's name and JSON, which come in pieces, into the text that was generated.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    at: At,
    /// The name, or the key of the argument at hand.
    name: Vec<u8>,
    /// What follows a backslash, as far as it has come.
    escape: Option<Vec<u8>>,
    /// The first half of a character that is escaped in two.
    half: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum At {
    /// In the name of the tool.
    #[default]
    Name,
    /// Before a key.
    Members,
    Key,
    /// Between a key and its value.
    Colon,
    Text,
    /// In a value that is no text: how deep, and whether in a text within it.
    Value(u32, bool),
    Done,
}

/// The namespace of the tags.
const SPACE: &str = "antml:";
const CALLS: &str = "function_calls";
const CALL: &str = "invoke";
const ARGUMENT: &str = "parameter";

/// What stands before the calls of a message.
pub(super) fn before() -> String {
    format!("<{SPACE}{CALLS}>\n")
}

/// What stands before the arguments of a message's only call, where the tool was chosen for the model.
pub(super) fn given(name: &str) -> String {
    format!("{}<{SPACE}{CALL} name=\"{name}\">", before())
}

/// What stands behind the calls of a message.
pub(super) fn behind() -> String {
    format!("</{SPACE}{CALLS}>")
}

impl Call {
    /// Takes in the next piece; adds to a text what was generated for it.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for byte in piece {
            self.step(*byte, out);
        }
    }

    /// Adds what closes the call.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        match self.at {
            At::Done => return,
            At::Name => {
                self.open(CALL, out);
                out.push(b'\n');
            }
            At::Text | At::Value(..) => end(ARGUMENT, out),
            _ => {}
        }
        end(CALL, out);
        self.at = At::Done;
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.escape.is_some() {
            self.unescape(byte, out);
            return;
        }
        match (self.at, byte) {
            (At::Name, b'{') => {
                self.open(CALL, out);
                out.push(b'\n');
                self.at = At::Members;
            }
            (At::Name, _) => self.name.push(byte),
            (At::Members, b'"') => self.at = At::Key,
            (At::Members, b'}') => {
                end(CALL, out);
                self.at = At::Done;
            }
            (At::Key, b'"') => self.at = At::Colon,
            (At::Key, _) => self.name.push(byte),
            (At::Colon, b':' | b' ' | b'\n' | b'\t' | b'\r') => {}
            (At::Colon, _) => {
                self.open(ARGUMENT, out);
                self.at = At::Text;
                if byte != b'"' {
                    self.at = At::Value(0, false);
                    self.step(byte, out);
                }
            }
            (At::Text, b'"') => {
                end(ARGUMENT, out);
                self.at = At::Members;
            }
            (At::Text, b'\\') => self.escape = Some(Vec::new()),
            (At::Text, _) => out.push(byte),
            (At::Value(0, false), b',' | b'}') => {
                end(ARGUMENT, out);
                self.at = At::Members;
                if byte == b'}' {
                    self.step(byte, out);
                }
            }
            (At::Value(depth, within), _) => {
                out.push(byte);
                self.at = match byte {
                    b'\\' if within => {
                        self.escape = Some(Vec::new());
                        At::Value(depth, true)
                    }
                    b'"' => At::Value(depth, !within),
                    b'{' | b'[' if !within => At::Value(depth + 1, false),
                    b'}' | b']' if !within => At::Value(depth.saturating_sub(1), false),
                    _ => At::Value(depth, within),
                };
            }
            // Another call.
            (At::Done, _) => {
                self.at = At::Name;
                self.step(byte, out);
            }
            (At::Members, _) => {}
        }
    }

    /// Takes in a byte behind a backslash.
    fn unescape(&mut self, byte: u8, out: &mut Vec<u8>) {
        if matches!(self.at, At::Value(..)) {
            // It stays as it stands.
            out.push(byte);
            self.escape = None;
            return;
        }
        let Some(escape) = &mut self.escape else {
            return;
        };
        escape.push(byte);
        let plain = match escape[0] {
            b'u' if escape.len() < 5 => return,
            b'u' => {
                let hex = str::from_utf8(&escape[1..]).ok();
                let unit = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                self.escape = None;
                self.put_unit(unit.unwrap_or(0xfffd), out);
                return;
            }
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 0x8,
            b'f' => 0xc,
            other => other,
        };
        out.push(plain);
        self.escape = None;
    }

    fn put_unit(&mut self, unit: u32, out: &mut Vec<u8>) {
        let unit = match (self.half.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                self.half = Some(unit);
                return;
            }
            (Some(half), 0xdc00..=0xdfff) => 0x1_0000 + ((half - 0xd800) << 10) + (unit - 0xdc00),
            (_, unit) => unit,
        };
        let char = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn open(&mut self, tag: &str, out: &mut Vec<u8>) {
        out.extend(format!("<{SPACE}{tag} name=\"").as_bytes());
        out.append(&mut self.name);
        out.extend(b"\">");
    }
}

fn end(tag: &str, out: &mut Vec<u8>) {
    out.extend(format!("</{SPACE}{tag}>\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the JSON is cut, the same text comes of it.
    #[test]
    fn pieces() {
        let json = r#"look_up{"path": "a\n\"b\" \ud83d\ude00 é", "n": 3, "of": {"x": [1, "}\""], "y": null}, "last": true}"#;
        let want = format!(
            "<{SPACE}{CALL} name=\"look_up\">\n\
             <{SPACE}{ARGUMENT} name=\"path\">a\n\"b\" 😀 é</{SPACE}{ARGUMENT}>\n\
             <{SPACE}{ARGUMENT} name=\"n\">3</{SPACE}{ARGUMENT}>\n\
             <{SPACE}{ARGUMENT} name=\"of\">{{\"x\": [1, \"}}\\\"\"], \"y\": null}}</{SPACE}{ARGUMENT}>\n\
             <{SPACE}{ARGUMENT} name=\"last\">true</{SPACE}{ARGUMENT}>\n\
             </{SPACE}{CALL}>\n"
        );
        for size in 1..=json.len() {
            let (mut call, mut out) = (Call::default(), Vec::new());
            for piece in json.as_bytes().chunks(size) {
                call.push(piece, &mut out);
            }
            call.close(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), want, "by {size}");
        }
    }

    /// A call without arguments is one.
    #[test]
    fn bare() {
        let (mut call, mut out) = (Call::default(), Vec::new());
        call.push(b"now", &mut out);
        call.close(&mut out);
        let want = format!("<{SPACE}{CALL} name=\"now\">\n</{SPACE}{CALL}>\n");
        assert_eq!(String::from_utf8_lossy(&out), want);
    }
}
