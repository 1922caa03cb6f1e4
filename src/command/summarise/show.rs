//! The summary as people and programs read it: a table, JSON, CSV.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::block::{Burn, burn};
use super::html::{self, Page};
use super::key::{Key, UNKNOWN};
use super::prometheus;
use super::total::Totals;
use crate::cli::Currency;
use crate::command::table::{Column, Kind, lay_out, left_out};
use crate::nearest::meant;
use crate::object::{Object, push_list};
use crate::record::write::{csv_line, grouped, guarded};
use crate::record::{CostBasis, clean, escape};

/// What the inputs came to, ready to be shown.
pub(super) struct Summary {
    by: Vec<Key>,
    groups: Vec<ShownGroup>,
    total: Totals,
    read: Read,
    /// Groups stand together by their first keys.
    nested: bool,
    /// Groups that --top leaves out.
    more: usize,
    /// What costs are shown in, if not US dollars.
    currency: Option<Currency>,
    /// Bars stand beside the costs.
    pub(super) chart: bool,
    /// How fast the last window of five hours is spent.
    burn: Option<Burn>,
    /// The groups by all keys, also those that only charts need.
    wide: Option<(Vec<Key>, Vec<ShownGroup>)>,
}

/// What charts tell apart.
pub(super) const CHARTED: &[&str] = &["day", "model", "project"];

/// How much was read for it.
pub(super) struct Read {
    pub(super) files: usize,
    pub(super) files_failed: usize,
    pub(super) files_unrecognised: usize,
    pub(super) bytes_read: u64,
    /// Responses that were found again.
    pub(super) copies: u64,
}

type ShownGroup = (Arc<[String]>, Totals);

/// The table's columns: header, figure, when it is left out, and its rank among those that a narrow terminal leaves out.
const COLUMNS: &[(&str, &str, Shown, u8)] = &[
    ("responses", "responses", Shown::Always, 3),
    ("partial", "partial", Shown::IfAny, 5),
    ("estimated", "estimated", Shown::IfAny, 5),
    ("failed", "failed", Shown::IfAny, 5),
    ("unpriced", "unpriced", Shown::IfAny, 5),
    ("input", "input_tokens", Shown::Always, 1),
    ("cached", "cache_read_tokens", Shown::IfAny, 7),
    ("written", "cache_write_tokens", Shown::IfAny, 8),
    ("output", "output_tokens", Shown::Always, 2),
    ("reasoning", "reasoning_tokens", Shown::IfAny, 9),
    ("searches", "web_search_requests", Shown::IfAny, 10),
    (COST_HEADER, COST, Shown::Always, 0),
    ("share", SHARE, Shown::Always, 6),
    ("", CHART, Shown::Always, 4),
];

/// A bar, and how many characters the longest has.
const CHART: &str = "chart";
const LONGEST: u32 = 20;

const COST: &str = "cost_usd";
const COST_HEADER: &str = "cost $";
const SHARE: &str = "share";
/// Stands for what nobody knows.
const NOTHING: &str = "–";
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Always,
    /// Where it is not zero throughout.
    IfAny,
}

/// Figures of which the total is told where a narrow terminal leaves their columns out.
const COUNTS: &[&str] = &["partial", "estimated", "failed", "unpriced"];

/// Holds a name to sort by to those there are.
///
/// # Errors
/// A sentence that says which names there are.
pub(super) fn check(by: &[Key], sort: Option<&str>) -> Result<(), String> {
    let figures = Totals::default().figures();
    let keys = by.iter().map(|key| key.name.as_str());
    let names = keys.chain(figures.iter().map(|(name, _)| *name));
    let names: Vec<_> = names.filter(|name| *name != "cost_basis").collect();
    match sort {
        Some(sort) if !names.contains(&sort) => Err(format!(
            "there is no column {sort:?} to sort by: {}",
            meant(sort, &names)
        )),
        _ => Ok(()),
    }
}

impl Summary {
    pub(super) fn new(by: Vec<Key>, groups: Vec<ShownGroup>, read: Read) -> Self {
        let mut total = Totals::default();
        for (_, group) in &groups {
            total.merge(group);
        }
        Self {
            by,
            groups,
            total,
            read,
            nested: false,
            more: 0,
            currency: None,
            chart: false,
            burn: None,
            wide: None,
        }
    }

    /// Leaves of the keys those that are shown.
    pub(super) fn narrow(&mut self, shown: usize, now: Timestamp) {
        self.burn = burn(&self.by, &self.groups, now);
        if shown == self.by.len() {
            return;
        }
        let mut narrow: HashMap<Arc<[String]>, Totals> = HashMap::new();
        for (keys, totals) in &self.groups {
            narrow
                .entry(keys[..shown].into())
                .or_default()
                .merge(totals);
        }
        let wide = std::mem::replace(&mut self.groups, narrow.into_iter().collect());
        self.wide = Some((self.by.clone(), wide));
        self.by.truncate(shown);
    }

    /// Shows costs to people in this currency.
    pub(super) fn show_in(&mut self, currency: Option<Currency>) {
        self.currency = currency;
    }

    /// Orders the groups: by a column if one is named, else nested, times in their course and the costly first.
    pub(super) fn order(&mut self, sort: Option<&str>, reverse: bool, top: Option<usize>) {
        let key = sort.and_then(|sort| self.by.iter().position(|key| key.name == sort));
        if sort.is_none() && top.is_none() {
            nest(&mut self.groups, &self.by, 0);
            self.nested = true;
        } else if let Some(key) = key {
            self.groups
                .sort_by_cached_key(|(keys, _)| (keys[key].clone(), Arc::clone(keys)));
        } else {
            let column = sort.unwrap_or(COST);
            self.groups.sort_by_cached_key(|(keys, totals)| {
                (
                    Reverse((totals.figure(column), totals.weight())),
                    Arc::clone(keys),
                )
            });
        }
        if reverse {
            self.groups.reverse();
        }
        let top = top.unwrap_or(usize::MAX);
        self.more = self.groups.len().saturating_sub(top);
        self.groups.truncate(top);
    }

    pub(super) fn json(&self) -> String {
        let object = |keys: Option<&[String]>, totals: &Totals| {
            let mut object = Object::default();
            for (at, key) in self.by.iter().enumerate() {
                object.add(&key.name, &keys.map(|keys| keys[at].as_str()));
            }
            for (name, figure) in totals.figures() {
                figure.write_json(object.begin(name));
            }
            object.finish()
        };
        let groups = self.groups.iter();
        let groups = groups.map(|(keys, totals)| object(Some(keys), totals));
        let by: Vec<_> = self.by.iter().map(|key| key.name.as_str()).collect();
        let mut inputs = Object::default();
        inputs.add("files", &self.read.files);
        inputs.add("files_failed", &self.read.files_failed);
        inputs.add("files_unrecognised", &self.read.files_unrecognised);
        inputs.add("bytes_read", &self.read.bytes_read);
        let mut summary = Object::default();
        summary.add("schema", "tokensense.summary/1");
        summary.add("by", &by);
        push_list(summary.begin("groups"), groups);
        summary.add_json("total", &object(None, &self.total));
        summary.add_json("inputs", &inputs.finish());
        if let Some(burn) = &self.burn {
            summary.add_json("burn", &burn.json());
        }
        escape(&summary.finish()).into_owned() + "\n"
    }

    pub(super) fn csv(&self) -> String {
        let figures = Totals::default().figures();
        let names = self.by.iter().map(|key| key.name.as_str());
        let mut lines = csv_line(names.chain(figures.iter().map(|(name, _)| *name)));
        for (keys, totals) in &self.groups {
            let figures = totals.figures();
            let keys = keys.iter().map(|key| key.as_str().into());
            let fields = keys.chain(figures.iter().map(|(_, figure)| figure.to_text()));
            lines.extend(csv_line(fields.map(guarded)));
        }
        String::from_utf8(lines).unwrap_or_default()
    }

    /// Metrics for a monitoring system.
    pub(super) fn prometheus(&self) -> String {
        let keys: Vec<_> = self.by.iter().map(|key| key.name.as_str()).collect();
        let groups = self.groups.iter();
        prometheus::page(&keys, groups.map(|(keys, totals)| (&**keys, totals)))
    }

    /// Aligned columns, within `width` if there is one.
    pub(super) fn table(&self, width: Option<u16>, colour: bool) -> String {
        let figures = self.figures();
        let keys = self.by.iter().map(|key| Column {
            title: key.name.clone(),
            kind: if key.is_place() {
                Kind::Path
            } else {
                Kind::Name
            },
        });
        let columns = figures.iter().map(|(header, figure, _, rank)| Column {
            title: self.title(header),
            kind: match *figure {
                CHART => Kind::Remark(*rank),
                _ => Kind::Figure(*rank),
            },
        });
        let columns: Vec<_> = keys.chain(columns).collect();
        let laid = lay_out(&columns, &self.rows(&figures), width);
        let mut lines = laid.lines;
        if colour {
            let last = lines.len() - 1;
            for at in [0, last] {
                lines[at] = format!("\x1b[1m{}\x1b[0m", lines[at]);
            }
        }
        let hidden = laid.hidden.iter().map(|at| figures[at - self.by.len()]);
        lines.extend(self.notes(&hidden.collect::<Vec<_>>(), width));
        lines.join("\n") + "\n"
    }

    /// The columns that say something.
    fn figures(&self) -> Vec<(&'static str, &'static str, Shown, u8)> {
        let any = |figure: &str| self.total.figure(figure).is_some_and(|n| !n.is_zero());
        let mut figures = COLUMNS.to_vec();
        figures.retain(|(_, figure, shown, _)| match (shown, *figure) {
            (Shown::Always, SHARE) => any(COST),
            (Shown::Always, CHART) => self.chart && any(COST),
            (Shown::Always, _) => true,
            (Shown::IfAny, figure) => any(figure),
        });
        figures
    }

    /// An amount with its currency.
    fn amount(&self, text: &str) -> String {
        match &self.currency {
            _ if text == NOTHING => text.to_owned(),
            Some(currency) => format!("{text} {}", currency.code),
            None => format!("${text}"),
        }
    }

    /// A column's header.
    fn title(&self, header: &str) -> String {
        match &self.currency {
            Some(currency) if header == COST_HEADER => format!("cost {}", currency.code),
            _ => header.to_owned(),
        }
    }

    /// One page for a browser.
    pub(super) fn html(&self) -> String {
        let columns: Vec<_> = self
            .figures()
            .into_iter()
            .filter(|(_, figure, ..)| *figure != CHART)
            .collect();
        let row = |keys: Vec<String>, totals: &Totals| {
            let figures = columns
                .iter()
                .map(|(_, name, ..)| self.figure(name, totals));
            keys.into_iter().chain(figures).collect::<Vec<_>>()
        };
        let names = self.by.iter().map(|key| key.name.clone());
        let title = std::iter::once("total".to_owned()).chain(std::iter::repeat(String::new()));
        let write = |cost: Decimal| self.amount(&self.money(cost));
        let costs = |name: &str| {
            let (by, groups) = self
                .wide
                .as_ref()
                .map_or((&self.by, &self.groups), |(by, groups)| (by, groups));
            let at = by.iter().position(|key| key.name == name);
            let of = |(keys, totals): &ShownGroup| {
                Some((keys[at?].clone(), totals.cost().unwrap_or_default()))
            };
            groups.iter().filter_map(of).collect::<Vec<_>>()
        };
        let known = |costs: Vec<(String, Decimal)>| {
            let any = costs.iter().any(|(name, _)| name != UNKNOWN);
            if any { costs } else { Vec::new() }
        };
        let page = Page {
            times: html::spans(known(costs("day")).into_iter(), write),
            models: html::ranked(costs("model").into_iter(), write),
            projects: html::ranked(known(costs("project")).into_iter(), write),
            headers: names
                .chain(columns.iter().map(|(header, ..)| self.title(header)))
                .collect(),
            keys: self.by.len(),
            rows: self
                .groups
                .iter()
                .map(|(keys, totals)| row(keys.to_vec(), totals))
                .collect(),
            totals: row(title.take(self.by.len()).collect(), &self.total),
            cost: self.amount(&self.figure(COST, &self.total)),
            notes: vec![format!(
                "{} responses in {} files",
                self.figure("responses", &self.total),
                grouped(self.read.files)
            )],
        };
        page.html()
    }

    /// The cells of each group, and of the total.
    fn rows(&self, columns: &[(&str, &str, Shown, u8)]) -> Vec<Vec<String>> {
        let figures = |totals| {
            let names = columns.iter().map(|(_, name, ..)| *name);
            names.map(move |name| self.figure(name, totals))
        };
        let mut rows = Vec::new();
        let mut above: &[String] = &[];
        for (keys, totals) in &self.groups {
            let same = keys.iter().zip(above).take_while(|(a, b)| a == b).count();
            let told = if self.nested { same } else { 0 };
            let keys_shown = keys.iter().enumerate().map(|(at, key)| match at {
                at if at < told => String::new(),
                _ => clean(key).into_owned(),
            });
            rows.push(keys_shown.chain(figures(totals)).collect());
            above = keys;
        }
        let title = std::iter::once("total".to_owned()).chain(std::iter::repeat(String::new()));
        rows.push(
            title
                .take(self.by.len())
                .chain(figures(&self.total))
                .collect(),
        );
        rows
    }

    /// What the table does not show.
    fn notes(&self, hidden: &[(&str, &str, Shown, u8)], width: Option<u16>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.more > 0 {
            let more = grouped(self.more);
            notes.push(format!("{more} more, included in the total"));
        }
        match self.read.copies {
            0 => {}
            1 => notes.push("1 copy not counted".to_owned()),
            copies => notes.push(format!("{} copies not counted", grouped(copies))),
        }
        notes.extend(self.burn.as_ref().map(Burn::text));
        let counts = hidden.iter().filter(|(_, name, ..)| COUNTS.contains(name));
        notes.extend(
            counts
                .map(|(header, name, ..)| format!("{header}: {}", self.figure(name, &self.total))),
        );
        let others = hidden
            .iter()
            .filter(|(_, name, ..)| *name != CHART && !COUNTS.contains(name));
        notes.extend(left_out(others.map(|(header, ..)| *header), width));
        notes
    }

    /// A figure as it stands in the table.
    fn figure(&self, name: &str, totals: &Totals) -> String {
        let cost = || totals.cost();
        let text = match name {
            COST => cost().map(|cost| {
                let sign = totals.basis().map_or("", CostBasis::sign);
                format!("{sign}{}", self.money(cost))
            }),
            CHART if std::ptr::eq(totals, &self.total) => Some(String::new()),
            CHART => {
                let most = self
                    .groups
                    .iter()
                    .filter_map(|(_, totals)| totals.cost())
                    .max();
                Some(bar(cost().unwrap_or_default(), most.unwrap_or_default()))
            }
            SHARE => cost().zip(self.total.cost()).and_then(|(part, all)| {
                // The other way round it might be more than there is room for.
                let share = part.checked_div(all)? * Decimal::ONE_HUNDRED;
                Some(format!("{share:.1} %"))
            }),
            _ => totals.figure(name).map(grouped),
        };
        text.unwrap_or_else(|| NOTHING.to_owned())
    }

    /// Money, given in US dollars, with as many places as the whole column has.
    fn money(&self, amount: Decimal) -> String {
        let exchange = |amount: Decimal| match &self.currency {
            Some(currency) => amount.saturating_mul(currency.rate),
            None => amount,
        };
        let amount = exchange(amount);
        let places = match self.total.cost().map(exchange) {
            Some(total) if total >= Decimal::from(1000) => 2,
            Some(total) if total >= Decimal::ONE => 4,
            _ => 6,
        };
        let mut amount = amount.round_dp(places);
        amount.rescale(places);
        let text = amount.to_string();
        let (whole, places) = text.split_once('.').unwrap_or((&text, "00"));
        format!("{}.{places}", grouped(whole))
    }
}

/// A bar that is as long beside the longest as a cost is beside the greatest, to the eighth of a character.
fn bar(cost: Decimal, most: Decimal) -> String {
    let eighths = cost * Decimal::from(8 * LONGEST);
    let eighths = eighths
        .checked_div(most)
        .and_then(|n| n.round().to_usize())
        .unwrap_or(0);
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    bar
}

/// Orders groups level by level, each under the group that its first keys name.
fn nest(groups: &mut [ShownGroup], by: &[Key], level: usize) {
    let Some(key) = by.get(level) else { return };
    let mut sums: HashMap<String, Totals> = HashMap::new();
    for (keys, totals) in &*groups {
        sums.entry(keys[level].clone()).or_default().merge(totals);
    }
    groups.sort_by_cached_key(|(keys, _)| {
        let weight = (!key.is_time()).then(|| sums[&keys[level]].weight());
        (Reverse(weight), keys[level].clone())
    });
    for group in groups.chunk_by_mut(|(a, _), (b, _)| a[level] == b[level]) {
        nest(group, by, level + 1);
    }
}
