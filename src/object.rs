//! A JSON object written member by member, in the order in which they are given.

use serde::Serialize;

/// The object so far.
#[derive(Debug, Default)]
pub(crate) struct Object {
    text: String,
}

impl Object {
    /// Adds a member.
    pub(crate) fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        self.begin(name).push_str(&json);
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn add_json(&mut self, name: &str, json: &str) {
        self.begin(name).push_str(json);
    }

    /// Writes a member's name; its value is to be appended to what this gives.
    pub(crate) fn begin(&mut self, name: &str) -> &mut String {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        push_string(&mut self.text, name);
        self.text.push(':');
        &mut self.text
    }

    /// The whole object as JSON, without white space.
    pub(crate) fn finish(mut self) -> String {
        if self.text.is_empty() {
            self.text.push('{');
        }
        self.text.push('}');
        self.text
    }
}

/// Appends a text as a JSON string.
pub(crate) fn push_string(json: &mut String, text: &str) {
    let is_plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text.bytes().all(is_plain) {
        json.reserve(text.len() + 2);
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Appends a list of JSON values.
pub(crate) fn push_list<T: AsRef<str>>(json: &mut String, values: impl IntoIterator<Item = T>) {
    json.push('[');
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str(value.as_ref());
    }
    json.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_order() {
        assert_eq!(Object::default().finish(), "{}");
        let mut object = Object::default();
        object.add("b", "x\"y");
        object.add_json("a\n", "1.50");
        push_list(object.begin("c"), ["1", "{}"]);
        assert_eq!(object.finish(), r#"{"b":"x\"y","a\n":1.50,"c":[1,{}]}"#);
    }
}
