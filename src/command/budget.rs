//! Budgets: what may be spent in a period, by what the record file holds of it.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::{ToSpan as _, Unit, Zoned};
use rust_decimal::Decimal;

use crate::record::Labels;
use crate::record::spent::{Ask, Ledger};
use crate::record::write::Writer;

/// An amount for a period, of all responses or of those with a label.
#[derive(Debug)]
struct Budget {
    /// As it was given.
    text: String,
    usd: Decimal,
    period: Unit,
    label: Option<(String, String)>,
}

/// The periods that a budget may be for.
const PERIODS: &[(&str, Unit)] = &[
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("year", Unit::Year),
];

/// What is left to spend under all the budgets that hold for these labels; `None` where there are none. An error names
/// the one that is spent.
///
/// # Errors
/// A budget that cannot be understood, or a record file that cannot answer.
pub(super) fn left(
    budgets: &[String],
    labels: &Labels,
    file: Option<&Path>,
    writer: &Writer,
) -> Result<Option<Left>> {
    if budgets.is_empty() {
        return Ok(None);
    }
    let budgets: Result<Vec<Budget>> = budgets.iter().map(|text| Budget::parse(text)).collect();
    let budgets = budgets?;
    let file = file.filter(|file| file.as_os_str() != "-");
    let file =
        file.context("--budget adds up the records in the record file: pass --output FILE")?;
    let names = budgets
        .iter()
        .filter_map(|budget| Some(budget.label.as_ref()?.0.as_str()));
    let ledger = Ledger::of(writer, &names.collect::<Vec<_>>());
    let ledger =
        ledger.map_err(|error| anyhow!("--budget cannot add up these records: {error}"))?;
    let ours = |budget: &&Budget| {
        let label = budget.label.as_ref();
        label.is_none_or(|(name, value)| labels.get(name) == Some(value))
    };
    let budgets: Vec<_> = budgets.iter().filter(ours).collect();
    let now = Zoned::now();
    let asks: Result<Vec<Ask>> = budgets.iter().map(|budget| budget.ask(&now)).collect();
    let spent = ledger.spent(file, &asks?);
    let spent = spent.with_context(|| format!("cannot read record file {}", file.display()))?;
    let left = budgets.iter().zip(spent).map(|(budget, spent)| Left {
        usd: budget.usd - spent,
        budget: budget.text.clone(),
        spent,
    });
    Ok(left.min_by_key(|left| left.usd))
}

/// What is left of the tightest budget.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) usd: Decimal,
    budget: String,
    spent: Decimal,
}

impl Left {
    /// Why nothing may be started any more, if that is so.
    pub(super) fn is_spent(&self) -> Option<String> {
        (self.usd <= Decimal::ZERO).then(|| {
            format!(
                "the budget of {} is spent: {} US dollars so far",
                self.budget,
                self.spent.normalize()
            )
        })
    }
}

impl Budget {
    /// Reads `5/day` or `100/month:label.team=web`.
    fn parse(text: &str) -> Result<Self> {
        let shape = || {
            format!(
                "--budget {text:?} is not of the form USD/PERIOD, such as 5/day or 100/month:label.team=web"
            )
        };
        let (amount, label) = match text.split_once(':') {
            Some((amount, label)) => (amount, Some(label)),
            None => (text, None),
        };
        let (usd, period) = amount.split_once('/').with_context(shape)?;
        let usd: Decimal = usd
            .trim()
            .trim_start_matches('$')
            .parse()
            .ok()
            .with_context(shape)?;
        if usd.is_sign_negative() {
            bail!("--budget {text:?} is negative");
        }
        let period = PERIODS.iter().find(|(word, _)| *word == period.trim());
        let period = period.with_context(|| {
            format!("--budget {text:?} needs a period: hour, day, week, month or year")
        })?;
        let label = label.map(|label| {
            let (name, value) = label.split_once('=')?;
            let name = name
                .strip_prefix("label.")
                .filter(|name| !name.is_empty())?;
            Some((name.to_owned(), value.to_owned()))
        });
        let label = match label {
            None => None,
            Some(label) => Some(label.with_context(shape)?),
        };
        Ok(Self {
            text: text.to_owned(),
            usd,
            period: period.1,
            label,
        })
    }

    /// What its record file is asked: since its period began, by the system's time zone.
    fn ask(&self, now: &Zoned) -> Result<Ask> {
        let begin = match self.period {
            Unit::Year => now.first_of_year()?.start_of_day()?,
            Unit::Month => now.first_of_month()?.start_of_day()?,
            Unit::Week => {
                let since_monday = now.weekday().to_monday_zero_offset();
                now.checked_sub(i64::from(since_monday).days())?
                    .start_of_day()?
            }
            Unit::Day => now.start_of_day()?,
            _ => now.round(
                jiff::ZonedRound::new()
                    .smallest(Unit::Hour)
                    .mode(jiff::RoundMode::Floor),
            )?,
        };
        Ok(Ask {
            since: begin.timestamp().as_second(),
            label: self.label.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let now: Zoned = "2026-11-26T13:45:10+01:00[Europe/Paris]"
            .parse()
            .expect("a time");
        for (text, usd, since) in [
            ("5/day", "5", "2026-11-25T23:00:00Z"),
            ("0.5/hour", "0.5", "2026-11-26T12:00:00Z"),
            ("$20/week", "20", "2026-11-22T23:00:00Z"),
            ("100/month:label.team=web", "100", "2026-10-31T23:00:00Z"),
            ("1000/year", "1000", "2025-12-31T23:00:00Z"),
        ] {
            let budget = Budget::parse(text).expect(text);
            assert_eq!(budget.usd.to_string(), usd);
            let since: jiff::Timestamp = since.parse().expect("a time");
            assert_eq!(
                budget.ask(&now).expect("a period").since,
                since.as_second(),
                "{text}"
            );
        }
        for wrong in [
            "",
            "5",
            "5/",
            "5/fortnight",
            "x/day",
            "-1/day",
            "5/day:team=web",
            "5/day:label.=x",
            "/day",
            "5/day:label.a",
        ] {
            assert!(Budget::parse(wrong).is_err(), "{wrong}");
        }
    }
}
