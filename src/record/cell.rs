//! What may stand in a column, and how it is written and read.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value};

use super::text::escape;
use crate::meter::RawUsage;

/// A column's value.
pub(crate) trait Cell {
    /// As JSON.
    fn to_json(&self) -> Value;

    /// As a field of CSV; unknown is empty.
    fn to_text(&self) -> Cow<'_, str>;

    /// Takes a JSON value; gives whether it fits.
    fn set_json(&mut self, value: Value) -> bool;

    /// Takes a field of CSV; gives whether it fits.
    fn set_text(&mut self, text: &str) -> bool;
}

/// What holds the text of a column: a constant need not be copied.
trait Text: AsRef<str> + From<String> {}

impl Text for Cow<'static, str> {}
impl Text for String {}

impl<T: Text> Cell for Option<T> {
    fn to_json(&self) -> Value {
        let text = self.as_ref().map(T::as_ref);
        text.map_or(Value::Null, Value::from)
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.as_ref().map(T::as_ref).unwrap_or_default().into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        match value {
            Value::Null => *self = None,
            Value::String(text) => *self = Some(text.into()),
            _ => return false,
        }
        true
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = (!text.is_empty()).then(|| text.to_owned().into());
        true
    }
}

impl Cell for Option<u64> {
    fn to_json(&self) -> Value {
        self.map_or(Value::Null, Value::from)
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.map(|n| n.to_string()).unwrap_or_default().into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        *self = value.as_u64();
        self.is_some() || value.is_null()
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text.parse().ok();
        self.is_some() || text.is_empty()
    }
}

/// Money and rates: plain decimals, no exponent.
impl Cell for Option<Decimal> {
    fn to_json(&self) -> Value {
        let number = |amount: &Decimal| amount.normalize().to_string().parse::<Number>().ok();
        self.as_ref()
            .and_then(number)
            .map_or(Value::Null, Value::Number)
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.map(|amount| amount.normalize().to_string())
            .unwrap_or_default()
            .into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        match value {
            Value::Null => self.set_text(""),
            Value::Number(number) => {
                !number.to_string().is_empty() && self.set_text(&number.to_string())
            }
            _ => false,
        }
    }

    fn set_text(&mut self, text: &str) -> bool {
        let plain = text.parse().or_else(|_| Decimal::from_scientific(text));
        *self = plain.ok();
        self.is_some() || text.is_empty()
    }
}

impl Cell for bool {
    fn to_json(&self) -> Value {
        Value::Bool(*self)
    }

    fn to_text(&self) -> Cow<'_, str> {
        if *self { "true" } else { "false" }.into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        *self = value.as_bool().unwrap_or(false);
        value.is_boolean()
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text == "true";
        matches!(text, "true" | "false")
    }
}

/// In CSV, names with a space between.
impl Cell for Vec<String> {
    fn to_json(&self) -> Value {
        self.as_slice().into()
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.join(" ").into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        let names = value
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str));
        *self = names
            .map(|names| names.map(str::to_owned).collect())
            .unwrap_or_default();
        value.is_array()
    }

    fn set_text(&mut self, text: &str) -> bool {
        *self = text.split_whitespace().map(str::to_owned).collect();
        true
    }
}

/// In CSV, the JSON text; an empty object is empty.
impl Cell for Map<String, Value> {
    fn to_json(&self) -> Value {
        Value::Object(self.clone())
    }

    fn to_text(&self) -> Cow<'_, str> {
        if self.is_empty() {
            return "".into();
        }
        let json = serde_json::to_string(self).unwrap_or_default();
        escape(&json).into_owned().into()
    }

    fn set_json(&mut self, value: Value) -> bool {
        match value {
            Value::Object(map) => *self = map,
            Value::Null => self.clear(),
            _ => return false,
        }
        true
    }

    fn set_text(&mut self, text: &str) -> bool {
        if text.is_empty() {
            self.clear();
            return true;
        }
        let map = serde_json::from_str(text);
        let fits = map.is_ok();
        *self = map.unwrap_or_default();
        fits
    }
}

/// As a map, but nothing rather than an empty one.
impl Cell for Option<RawUsage> {
    fn to_json(&self) -> Value {
        let map = self.as_ref().map(RawUsage::as_map);
        map.filter(|map| !map.is_empty())
            .map_or(Value::Null, Cell::to_json)
    }

    fn to_text(&self) -> Cow<'_, str> {
        self.as_ref()
            .map_or("".into(), |usage| usage.as_map().to_text())
    }

    fn set_json(&mut self, value: Value) -> bool {
        let mut map = Map::new();
        let fits = map.set_json(value);
        *self = (!map.is_empty()).then(|| map.into());
        fits
    }

    fn set_text(&mut self, text: &str) -> bool {
        let mut map = Map::new();
        let fits = map.set_text(text);
        *self = (!map.is_empty()).then(|| map.into());
        fits
    }
}
