//! What may stand in a column, and how it is written and read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memchr;
use rust_decimal::Decimal;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::basis::CostBasis;
use super::text::escape;
use crate::meter::{EndedBy, RawUsage, Status};
use crate::object::{Object, push_list, push_string};
use crate::word::Word;

/// A column's value.
pub(crate) trait Cell {
    /// Appends it as JSON.
    fn write_json(&self, json: &mut String);

    /// As a field of CSV; unknown is empty.
    fn to_text(&self) -> Cow<'_, str>;

    /// Takes JSON; gives whether it fits.
    fn set_json(&mut self, json: &str) -> bool;

    /// Takes a field of CSV; gives whether it fits.
    fn set_text(&mut self, text: &str) -> bool;
}

/// What holds the text of a column: a constant need not be copied.
trait Text: AsRef<str> + From<String> {}

impl Text for Cow<'static, str> {}
impl Text for String {}

const NULL: &str = "null";
const EMPTY: &str = "{}";

/// The text of a JSON string without escapes. The JSON is known to be valid.
fn plain(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    memchr(b'\\', text.as_bytes()).is_none().then_some(text)
}

impl<T: Text> Cell for Option<T> {
    fn write_json(&self, json: &mut String) {
        match self {
            Some(text) => push_string(json, text.as_ref()),
            None => json.push_str(NULL),
        }
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.as_ref().map(T::as_ref).unwrap_or_default().into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        let text = match (json, plain(json)) {
            (NULL, _) => Ok(None),
            (_, Some(text)) => Ok(Some(text.to_owned())),
            _ => serde_json::from_str(json),
        };
        let fits = text.is_ok();
        *self = text.ok().flatten().map(T::from);
        fits
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = (!text.is_empty()).then(|| text.to_owned().into());
        true
    }
}

/// One of a few words.
macro_rules! word_cell {
    ($($name:ident),+) => {
        $(impl Cell for Option<$name> {
            fn write_json(&self, json: &mut String) {
                match self {
                    Some(value) => push_string(json, value.word()),
                    None => json.push_str(NULL),
                }
            }

            fn to_text(&self) -> Cow<'_, str> {
                self.map($name::word).unwrap_or_default().into()
            }

            fn set_json(&mut self, json: &str) -> bool {
                if let Some(text) = plain(json) {
                    return self.set_text(text);
                }
                let mut word = None::<String>;
                word.set_json(json) && self.set_text(word.as_deref().unwrap_or_default())
            }

            fn set_text(&mut self, text: &str) -> bool {
                *self = $name::read(text);
                self.is_some() || text.is_empty()
            }
        })+
    };
}

word_cell!(CostBasis, EndedBy, Status);

impl Cell for Option<u64> {
    fn write_json(&self, json: &mut String) {
        json.push_str(&self.map_or(NULL.into(), |n| Cow::from(n.to_string())));
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.map(|n| n.to_string()).unwrap_or_default().into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        *self = json.parse().ok();
        self.is_some() || json == NULL
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text.parse().ok();
        self.is_some() || text.is_empty()
    }
}

/// Money and rates: plain decimals, no exponent.
impl Cell for Option<Decimal> {
    fn write_json(&self, json: &mut String) {
        match self {
            Some(amount) => json.push_str(&amount.normalize().to_string()),
            None => json.push_str(NULL),
        }
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.map(|amount| amount.normalize().to_string())
            .unwrap_or_default()
            .into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        match json {
            NULL => self.set_text(""),
            number => self.set_text(number),
        }
    }

    fn set_text(&mut self, text: &str) -> bool {
        let plain = text.parse().or_else(|_| Decimal::from_scientific(text));
        *self = plain.ok();
        self.is_some() || text.is_empty()
    }
}

impl Cell for bool {
    fn write_json(&self, json: &mut String) {
        json.push_str(&self.to_text());
    }

    fn to_text(&self) -> Cow<'_, str> {
        if *self { "true" } else { "false" }.into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        self.set_text(json)
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text == "true";
        matches!(text, "true" | "false")
    }
}

/// In CSV, names with a space between.
impl Cell for Vec<String> {
    fn write_json(&self, json: &mut String) {
        push_list(
            json,
            self.iter().map(|name| {
                let mut json = String::new();
                push_string(&mut json, name);
                json
            }),
        );
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.join(" ").into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        if json == "[]" {
            self.clear();
            return true;
        }
        let names = serde_json::from_str(json);
        let fits = names.is_ok();
        *self = names.unwrap_or_default();
        fits
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text.split_whitespace().map(str::to_owned).collect();
        true
    }
}

/// What the user said of a response: names and texts.
pub type Labels = BTreeMap<String, String>;

/// In CSV, the JSON text; an empty object is empty. What is no text is read as its JSON.
impl Cell for Labels {
    fn write_json(&self, json: &mut String) {
        let mut object = Object::default();
        for (name, text) in self {
            object.add(name, text);
        }
        json.push_str(&object.finish());
    }

    fn to_text(&self) -> Cow<'_, str> {
        if self.is_empty() {
            return "".into();
        }
        let mut json = String::new();
        self.write_json(&mut json);
        escape(&json).into_owned().into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        if json == EMPTY {
            self.clear();
            return true;
        }
        let labels = serde_json::from_str::<Option<BTreeMap<String, Box<RawValue>>>>(json);
        let fits = labels.is_ok();
        let labels = labels.ok().flatten().unwrap_or_default().into_iter();
        let text = |json: &RawValue| match serde_json::from_str(json.get()) {
            Ok(text) => text,
            Err(_) => json.get().to_owned(),
        };
        *self = labels.map(|(name, json)| (name, text(&json))).collect();
        fits
    }

    fn set_text(&mut self, text: &str) -> bool {
        let text = if text.is_empty() { NULL } else { text };
        self.set_json(text)
    }
}

/// As a map, but nothing rather than an empty one.
impl Cell for Option<RawUsage> {
    fn write_json(&self, json: &mut String) {
        let object = self.as_ref().map(RawUsage::to_json);
        let object = object.filter(|object| object != EMPTY);
        json.push_str(object.as_deref().unwrap_or(NULL));
    }

    fn to_text(&self) -> Cow<'_, str> {
        let object = self.as_ref().map(RawUsage::to_json);
        let object = object.filter(|object| object != EMPTY);
        escape(&object.unwrap_or_default()).into_owned().into()
    }

    fn set_json(&mut self, json: &str) -> bool {
        let is_object = json.trim_ascii_start().starts_with('{');
        *self = is_object
            .then(|| RawUsage::stated(json))
            .filter(|usage| !usage.is_empty());
        is_object || json == NULL
    }

    fn set_text(&mut self, text: &str) -> bool {
        let text = if text.is_empty() { NULL } else { text };
        let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
        is_json && self.set_json(text)
    }
}
