//! JSON as text: members in their order, numbers with their digits.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order in which they stand, each with its value as it is written.
pub(crate) fn members(json: &str) -> Vec<(String, String)> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                members.push((name, value.get().to_owned()));
            }
            Ok(members)
        }
    }

    let mut json = serde_json::Deserializer::from_str(json);
    json.deserialize_map(Members).expect("an object")
}

/// The member of that name, as it is written.
pub(crate) fn member(json: &str, name: &str) -> String {
    let members = members(json);
    let found = members.into_iter().find(|(other, _)| other == name);
    found.expect("such a member").1
}

/// The items of a list, each as it is written.
pub(crate) fn items(json: &str) -> Vec<String> {
    let items: Vec<&RawValue> = serde_json::from_str(json).expect("a list");
    items
        .into_iter()
        .map(|item| item.get().to_owned())
        .collect()
}

/// The same JSON without white space between its parts.
pub(crate) fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let counts = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(counts).collect()
}

/// An object of these members.
pub(crate) fn object(members: &[(String, String)]) -> String {
    let member = |(name, value): &(String, String)| {
        format!("{}:{value}", serde_json::to_string(name).expect("a name"))
    };
    let members: Vec<_> = members.iter().map(member).collect();
    format!("{{{}}}", members.join(","))
}

/// Compact JSON over several lines, as serde_json writes it.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let mut chars = json.chars().peekable();
    let line = |out: &mut String, depth: usize| *out += &format!("\n{}", "  ".repeat(depth));
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out += ": ",
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}
