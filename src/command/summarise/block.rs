//! Windows of five hours, as the limits of Claude's plans run: one begins with the hour of the first response after the
//! one before has ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::key::{Key, UNKNOWN};
use super::total::Totals;
use crate::object::Object;
use crate::record::write::grouped;

type KeyedTotals = (Arc<[String]>, Totals);

/// How long a window is.
const LENGTH: SignedDuration = SignedDuration::from_hours(5);

/// The last window, and how fast it was spent.
#[derive(Debug)]
pub(super) struct Burn {
    /// As its group is called.
    pub(super) block: String,
    pub(super) minutes: u64,
    /// It has not ended yet.
    pub(super) open: bool,
    pub(super) tokens_per_minute: Decimal,
    pub(super) cost_per_hour: Option<Decimal>,
}

impl Burn {
    /// As a line below a table.
    pub(super) fn text(&self) -> String {
        let state = if self.open { "so far" } else { "in all" };
        let cost = self
            .cost_per_hour
            .map(|cost| format!(", ${} an hour", cost.round_dp(2)));
        format!(
            "block {}: {} minutes {state}, {} tokens a minute{}",
            self.block,
            self.minutes,
            grouped(self.tokens_per_minute.round()),
            cost.unwrap_or_default()
        )
    }

    /// As a JSON object.
    pub(super) fn json(&self) -> String {
        let mut object = Object::default();
        object.add("block", &self.block);
        object.add("minutes", &self.minutes);
        object.add("open", &self.open);
        object.add_json(
            "tokens_per_minute",
            &self.tokens_per_minute.normalize().to_string(),
        );
        let cost = self.cost_per_hour.map(|cost| cost.normalize().to_string());
        object.add_json("cost_usd_per_hour", cost.as_deref().unwrap_or("null"));
        object.finish()
    }
}

/// Joins the groups of hours to those of windows; every agent has windows of its own where groups tell agents apart.
pub(super) fn fold(by: &[Key], groups: Vec<KeyedTotals>) -> Vec<KeyedTotals> {
    let Some(at) = by.iter().position(Key::is_block) else {
        return groups;
    };
    let agent = by.iter().position(|key| key.name == "agent");
    let whose = |keys: &[String]| agent.map(|at| keys[at].clone());
    let mut hours: BTreeMap<Option<String>, BTreeSet<(Timestamp, String)>> = BTreeMap::new();
    for (keys, _) in &groups {
        if let Some(hour) = hour(&keys[at]) {
            hours
                .entry(whose(keys))
                .or_default()
                .insert((hour, keys[at].clone()));
        }
    }
    let mut windows: HashMap<(Option<String>, String), String> = HashMap::new();
    for (whose, hours) in hours {
        let mut open: Option<(Timestamp, String)> = None;
        for (hour, name) in hours {
            let within = open
                .as_ref()
                .filter(|(began, _)| hour.duration_since(*began) < LENGTH);
            let began = within.cloned().unwrap_or_else(|| (hour, name.clone()));
            windows.insert((whose.clone(), name), began.1.clone());
            open = Some(began);
        }
    }
    let mut folded: HashMap<Arc<[String]>, Totals> = HashMap::new();
    for (keys, totals) in groups {
        let mut keys = keys.to_vec();
        if let Some(window) = windows.get(&(whose(&keys), keys[at].clone())) {
            keys[at].clone_from(window);
        }
        folded.entry(keys.into()).or_default().merge(&totals);
    }
    folded.into_iter().collect()
}

/// How fast the last window was spent, until now or to its end.
pub(super) fn burn(by: &[Key], groups: &[KeyedTotals], now: Timestamp) -> Option<Burn> {
    let at = by.iter().position(Key::is_block)?;
    let began = groups
        .iter()
        .filter_map(|(keys, _)| Some((hour(&keys[at])?, &keys[at])))
        .max()?;
    let mut totals = Totals::default();
    for (_, own) in groups.iter().filter(|(keys, _)| keys[at] == *began.1) {
        totals.merge(own);
    }
    let elapsed = now.duration_since(began.0);
    let open = elapsed < LENGTH && !elapsed.is_negative();
    let elapsed = if open { elapsed } else { LENGTH };
    let minutes = u64::try_from(elapsed.as_mins()).unwrap_or(0).max(1);
    let per_minute = |n: Decimal| n / Decimal::from(minutes);
    Some(Burn {
        block: began.1.clone(),
        minutes,
        open,
        tokens_per_minute: per_minute(totals.figure("total_tokens").unwrap_or_default())
            .round_dp(1),
        cost_per_hour: totals
            .cost()
            .map(|cost| (per_minute(cost) * Decimal::from(60)).round_dp(6)),
    })
}

fn hour(name: &str) -> Option<Timestamp> {
    if name == UNKNOWN {
        return None;
    }
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(by: &str, hours: &[&str]) -> Vec<String> {
        let by: Vec<_> = by
            .split(',')
            .map(|name| Key::parse(name).expect("a key"))
            .collect();
        let group = |keys: &&str| {
            let keys: Vec<_> = keys.split(' ').map(str::to_owned).collect();
            (Arc::from(keys), Totals::default())
        };
        let folded = fold(&by, hours.iter().map(group).collect());
        let mut starts: Vec<_> = folded.iter().map(|(keys, _)| keys.join(" ")).collect();
        starts.sort();
        starts
    }

    #[test]
    fn windows() {
        let day = [
            "2025-11-01T09:00+01:00",
            "2025-11-01T13:00+01:00",
            "2025-11-01T14:00+01:00",
            "2025-11-01T20:00+01:00",
            "unknown",
        ];
        let want = [
            "2025-11-01T09:00+01:00",
            "2025-11-01T14:00+01:00",
            "2025-11-01T20:00+01:00",
            "unknown",
        ];
        assert_eq!(starts("block", &day), want);
        // Agents have limits of their own.
        let two = [
            "a 2025-11-01T09:00Z",
            "b 2025-11-01T11:00Z",
            "b 2025-11-01T15:00Z",
        ];
        assert_eq!(
            starts("agent,block", &two),
            ["a 2025-11-01T09:00Z", "b 2025-11-01T11:00Z"]
        );
        assert_eq!(
            starts("model,block", &two),
            [
                "a 2025-11-01T09:00Z",
                "b 2025-11-01T09:00Z",
                "b 2025-11-01T15:00Z"
            ]
        );
    }
}
