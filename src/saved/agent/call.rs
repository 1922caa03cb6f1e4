//! What one row says, as a reading.

use std::borrow::Cow;

use jiff::Timestamp;

use super::ready::ReadyRow;
use super::rule::{Fact, Relation};
use super::walk::{Spans, count, is, skip, text};
use crate::meter::{Charged, Created, Measure, RawUsage, Reading, Status};

/// Facts of one row, by what they are.
pub(super) struct Said<'t> {
    pub(super) text: &'t [u8],
    pub(super) spans: &'t Spans,
    pub(super) facts: &'t [(Fact, usize)],
}

/// The measures of running counts, in the order of their places in [`Totals`].
const RUNNING: [Measure; 4] = [
    Measure::Input,
    Measure::CacheRead,
    Measure::Output,
    Measure::Reasoning,
];

/// All that a session has used up to some call.
pub(super) type Totals = [u64; RUNNING.len()];

impl<'t> Said<'t> {
    /// The values at the paths to a fact, the first path first.
    fn all(&self, fact: Fact) -> impl Iterator<Item = &'t [u8]> {
        let own = self.facts.iter().filter(move |(own, _)| *own == fact);
        own.filter_map(|(_, slot)| self.spans[*slot])
            .map(|(from, to)| &self.text[from..to])
            .filter(|value| *value != b"null" && *value != b"\"\"")
    }

    pub(super) fn first(&self, fact: Fact) -> Option<&'t [u8]> {
        self.all(fact).next()
    }

    /// A text, or a number as it was written.
    pub(super) fn text(&self, fact: Fact) -> Option<Cow<'t, str>> {
        self.all(fact).find_map(|value| {
            let plain = || {
                value[0]
                    .is_ascii_digit()
                    .then(|| std::str::from_utf8(value).ok().map(Cow::Borrowed))?
            };
            text(value).or_else(plain)
        })
    }

    /// When it was.
    pub(super) fn time(&self) -> Option<Created> {
        self.all(Fact::Time).find_map(created)
    }

    /// The running counts, if there are any.
    pub(super) fn running(&self) -> Option<Totals> {
        let known = RUNNING.map(|measure| self.first(Fact::Running(measure)).and_then(count));
        known[0].or(known[2])?;
        Some(known.map(Option::unwrap_or_default))
    }

    /// Sets counts and cost; gives whether there were any but zero.
    pub(super) fn measure(&self, reading: &mut Reading) -> bool {
        let usage = &mut reading.usage;
        // Each measure once, whichever of its paths leads to it; those that need the total after all others.
        let mut late: Vec<(Measure, Relation, u64)> = Vec::new();
        let (mut input, mut output) = (None, None);
        let add =
            |side: &mut Option<u64>, n: u64| *side = Some(side.unwrap_or(0).saturating_add(n));
        for (fact, slot) in self.facts {
            let Fact::Count(measure, place) = *fact else {
                continue;
            };
            let Some((from, to)) = self.spans[*slot] else {
                continue;
            };
            if usage.get(measure).is_some() || late.iter().any(|(own, ..)| *own == measure) {
                continue;
            }
            let Some(n) = count(&self.text[from..to]) else {
                continue;
            };
            usage.report(measure, n);
            let side = if is_output(measure) {
                &mut output
            } else {
                &mut input
            };
            match place {
                _ if matches!(measure, Measure::Input | Measure::Output) => add(side, n),
                Relation::Beside => add(side, n),
                Relation::IfRoom | Relation::UnlessFull => late.push((measure, place, n)),
                Relation::Within => {}
            }
        }
        let total = self.first(Fact::Whole).and_then(count);
        for (measure, place, n) in late {
            let known = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
            let room = total.map(|total| known.saturating_add(n) <= total);
            if room.unwrap_or(place == Relation::UnlessFull) {
                add(
                    if is_output(measure) {
                        &mut output
                    } else {
                        &mut input
                    },
                    n,
                );
            }
        }
        for (measure, n) in [(Measure::Input, input), (Measure::Output, output)] {
            if let Some(n) = n {
                usage.report(measure, n);
            }
        }
        if let Some(raw) = self
            .first(Fact::Usage)
            .and_then(|raw| std::str::from_utf8(raw).ok())
            && raw.starts_with('{')
        {
            usage.raw = RawUsage::stated(raw);
        }
        reading.charged = self.all(Fact::Cost).find_map(charged).into_iter().collect();
        let counted = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
        counted > 0
            || !reading.charged.is_empty()
            || reading.usage.value(Measure::WebSearches).unwrap_or(0) > 0
    }
}

fn is_output(measure: Measure) -> bool {
    matches!(
        measure,
        Measure::Output | Measure::Reasoning | Measure::AudioOutput | Measure::ImageOutput
    )
}

/// The readings of a call row: one, or where it tells models apart one of each.
pub(super) fn readings(row: &ReadyRow, text: &[u8], spans: &Spans) -> Vec<Reading> {
    let said = Said {
        text,
        spans,
        facts: &row.facts,
    };
    let whole = |reading: &mut Reading, own: &Said<'_>| {
        reading.status = Status::Complete;
        reading.finish_reason = said.text(Fact::Finish).map(Cow::into_owned);
        reading.service_tier = said.text(Fact::Tier).map(Cow::into_owned);
        reading.created = said.time();
        reading.events = 1;
        own.measure(reading)
    };
    let Some((slot, tree, facts)) = &row.models else {
        let mut reading = Reading::default();
        let used = whole(&mut reading, &said);
        reading.bytes = text.len() as u64;
        return if used { vec![reading] } else { Vec::new() };
    };
    let Some((from, to)) = spans[*slot] else {
        return Vec::new();
    };
    let mut own = Spans::new();
    let mut all = Vec::new();
    for (name, value) in super::walk::members(&text[from..to]) {
        let mut reading = Reading {
            model: super::walk::text(name).map(Cow::into_owned),
            bytes: value.len() as u64,
            ..Reading::default()
        };
        let _ = tree.walk(value, &mut own);
        let said = Said {
            text: value,
            spans: &own,
            facts,
        };
        if whole(&mut reading, &said) {
            all.push(reading);
        }
    }
    all
}

/// What a call took beyond an earlier state; `None` where some count has gone back.
pub(super) fn since(now: &Totals, before: &Totals) -> Option<Totals> {
    let mut beyond = Totals::default();
    for ((beyond, now), before) in beyond.iter_mut().zip(now).zip(before) {
        *beyond = now.checked_sub(*before)?;
    }
    Some(beyond)
}

/// Lets a reading say what was counted between two states.
pub(super) fn restate(reading: &mut Reading, counts: &Totals) {
    for (measure, n) in RUNNING.into_iter().zip(counts) {
        reading.usage.report(measure, *n);
    }
}

/// A cost; zero says that none is known.
fn charged(value: &[u8]) -> Option<Charged> {
    let amount =
        text(value).map_or_else(|| std::str::from_utf8(value).ok().map(Cow::Borrowed), Some)?;
    let amount = amount.trim().trim_start_matches('$').replace(',', "");
    let plain = amount
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
    let is_some = amount
        .bytes()
        .take_while(|b| !matches!(b, b'e' | b'E'))
        .any(|b| matches!(b, b'1'..=b'9'));
    (plain && is_some && !amount.starts_with('-')).then_some(Charged { amount, shift: 0 })
}

/// When something was, in any of the ways it is written.
fn created(value: &[u8]) -> Option<Created> {
    if let Some(text) = text(value) {
        let text = text.trim();
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return at(text.parse().ok()?);
        }
        // SQLite's own form is UTC.
        let is_sqlite = text.len() >= 19
            && text.as_bytes()[10] == b' '
            && !text.ends_with('Z')
            && !text[11..].contains(['+', '-']);
        let text = if is_sqlite {
            format!("{}T{}Z", &text[..10], &text[11..])
        } else {
            text.to_owned()
        };
        return Some(Created::Text(text));
    }
    if let Some(parts) = value.strip_prefix(b"[") {
        let end = skip(parts, 0)?;
        let seconds = i64::try_from(count(&parts[..end])?).ok()?;
        let rest = parts[end + 1..].trim_ascii_start();
        let nanos = count(&rest[..skip(rest, 0)?]).unwrap_or(0);
        let nanos = i32::try_from(nanos).ok()?;
        return Some(Created::Text(
            Timestamp::new(seconds, nanos).ok()?.to_string(),
        ));
    }
    if is(value, "") || !value.first()?.is_ascii_digit() {
        return None;
    }
    match count(value) {
        Some(n) => at(n),
        None => {
            let seconds: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
            let micros = (seconds * 1e6).round() as i64;
            Some(Created::Text(
                Timestamp::from_microsecond(micros).ok()?.to_string(),
            ))
        }
    }
}

/// A time in seconds, milliseconds, microseconds or nanoseconds since 1970: in each, today has digits of its own number.
fn at(n: u64) -> Option<Created> {
    let signed = i64::try_from(n).ok()?;
    let at = match n {
        0 => return None,
        1..100_000_000_000 => return Some(Created::Unix(n)),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(signed),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(signed),
        _ => Timestamp::from_nanosecond(i128::from(signed)),
    };
    Some(Created::Text(at.ok()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let want = "2025-11-05T10:00:00Z";
        for text in [
            "1762336800",
            "1762336800000",
            "1762336800000000",
            "1762336800000000000",
            "1762336800.0",
            "[1762336800,0]",
            "[1762336800, 0 ]",
            "\"1762336800000\"",
            "\"2025-11-05 10:00:00\"",
            "\"2025-11-05T10:00:00Z\"",
        ] {
            let at = created(text.as_bytes()).and_then(|at| crate::record::created_at(&at));
            assert_eq!(at.map(|at| at.to_string()).as_deref(), Some(want), "{text}");
        }
        for text in ["0", "null", "true", "{}", "[]", "[1]", "-1"] {
            assert_eq!(created(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn costs() {
        for (text, want) in [
            ("0.03", Some("0.03")),
            ("\"$1,203.5\"", Some("1203.5")),
            ("3e-5", Some("3e-5")),
            ("0", None),
            ("0.0", None),
            ("0e5", None),
            ("\"Included\"", None),
            ("\"-\"", None),
            ("-1", None),
            ("{}", None),
        ] {
            let amount = charged(text.as_bytes()).map(|charged| charged.amount);
            assert_eq!(amount.as_deref(), want, "{text}");
        }
    }
}
