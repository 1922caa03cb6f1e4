//! The summary as one HTML page: spend over time, by model, by project, and the table. It loads nothing and runs nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// What a page shows.
pub(super) struct Page {
    /// Days, or longer spans, in their course, with what each cost.
    pub(super) times: Vec<Bar>,
    /// What models cost, the costly first.
    pub(super) models: Vec<Bar>,
    /// Likewise projects; none where nobody tells them.
    pub(super) projects: Vec<Bar>,
    /// Headers; how many of them are keys; rows; the row of totals.
    pub(super) headers: Vec<String>,
    pub(super) keys: usize,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) totals: Vec<String>,
    /// What all cost, as the table has it.
    pub(super) cost: String,
    /// How it came about: files, responses.
    pub(super) notes: Vec<String>,
}

/// One bar of a chart.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) cost: Decimal,
    /// The cost as it is written.
    pub(super) text: String,
}

/// More bars than these do not read well beside each other,
const MOST_TIMES: usize = 92;
/// or below each other.
const MOST_NAMES: usize = 12;
/// The rest of the names, as one.
const OTHERS: &str = "others";

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1c1f23; --faint: #5b636d; --line: #d8dce1; --back: #ffffff; --bar: #2f6fb5; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ea; --faint: #a0a8b2; --line: #3a4048; --back: #16191d; --bar: #6aa9ea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.sum { font-size: 2rem; font-weight: 600; margin: .25rem 0 0; } .faint { color: var(--faint); margin: 0; }
svg { display: block; width: 100%; } rect { fill: var(--bar); }
.times svg { height: 10rem; border-bottom: 1px solid var(--line); }
.ends { display: flex; justify-content: space-between; color: var(--faint); font-size: .85rem; }
.names { display: grid; grid-template-columns: minmax(5rem, max-content) minmax(3rem, 1fr) max-content; gap: .25rem .75rem; align-items: center; }
.names svg { height: 1rem; } .names span { overflow-wrap: anywhere; } .names span:first-child { max-width: 20rem; }
.names .n, td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tfoot td { font-weight: 600; border-bottom: 0; } td:not(.n) { overflow-wrap: anywhere; min-width: 6rem; }
";

impl Page {
    pub(super) fn html(&self) -> String {
        let mut page =
            String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        // Whatever a model or a project is called: a browser is told to load nothing.
        page.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
        // An icon that is not named is asked for.
        page.push_str("<link rel=\"icon\" href=\"data:,\">\n<title>LLM spend</title>\n");
        let _ = write!(
            page,
            "<style>{STYLE}</style>\n</head>\n<body>\n<h1>LLM spend</h1>\n"
        );
        let _ = writeln!(
            page,
            "<p class=\"sum\" id=\"total\">{}</p>",
            text(&self.cost)
        );
        for note in &self.notes {
            let _ = writeln!(page, "<p class=\"faint\">{}</p>", text(note));
        }
        times(&mut page, &self.times);
        names(&mut page, "By model", &self.models);
        names(&mut page, "By project", &self.projects);
        self.table(&mut page);
        page.push_str("</body>\n</html>\n");
        page
    }

    fn table(&self, page: &mut String) {
        page.push_str("<h2>Table</h2>\n<div class=\"wide\"><table>\n");
        let row = |page: &mut String, cell: &str, cells: &[String]| {
            page.push_str("<tr>");
            for (at, value) in cells.iter().enumerate() {
                let class = if at < self.keys { "" } else { " class=\"n\"" };
                let _ = write!(page, "<{cell}{class}>{}</{cell}>", text(value));
            }
            page.push_str("</tr>\n");
        };
        page.push_str("<thead>");
        row(page, "th", &self.headers);
        page.push_str("</thead>\n<tbody>\n");
        self.rows.iter().for_each(|cells| row(page, "td", cells));
        page.push_str("</tbody>\n<tfoot>");
        row(page, "td", &self.totals);
        page.push_str("</tfoot>\n</table></div>\n");
    }
}

/// Bars side by side, all as wide, up to the greatest.
fn times(page: &mut String, bars: &[Bar]) {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return;
    };
    let most = bars.iter().max_by_key(|bar| bar.cost).unwrap_or(first);
    page.push_str("<h2>Over time</h2>\n<div class=\"times\">\n");
    let _ = writeln!(
        page,
        "<p class=\"faint\">most: {} on {}</p>",
        text(&most.text),
        text(&most.name)
    );
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"spend over time\">",
        bars.len() * 10
    );
    for (at, bar) in bars.iter().enumerate() {
        let height = share(bar.cost, most.cost);
        let _ = writeln!(
            page,
            "<rect x=\"{}\" y=\"{:.2}\" width=\"8\" height=\"{height:.2}\"><title>{}: {}</title></rect>",
            at * 10 + 1,
            100.0 - height,
            text(&bar.name),
            text(&bar.text),
        );
    }
    let _ = writeln!(
        page,
        "</svg>\n<p class=\"ends\"><span>{}</span><span>{}</span></p>\n</div>",
        text(&first.name),
        text(&last.name)
    );
}

/// Bars below each other, each with its name.
fn names(page: &mut String, title: &str, bars: &[Bar]) {
    if bars.is_empty() {
        return;
    }
    let most = bars.iter().map(|bar| bar.cost).max().unwrap_or_default();
    let _ = writeln!(page, "<h2>{title}</h2>\n<div class=\"names\">");
    for bar in bars {
        let _ = writeln!(
            page,
            "<span>{}</span><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{:.2}\" height=\"10\"/></svg><span class=\"n\">{}</span>",
            text(&bar.name),
            share(bar.cost, most),
            text(&bar.text),
        );
    }
    page.push_str("</div>\n");
}

/// In percent.
fn share(cost: Decimal, most: Decimal) -> f64 {
    let share = cost.checked_div(most).and_then(|share| share.to_f64());
    share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0
}

/// Text as HTML has it, also within an attribute.
fn text(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

/// Days that cost something, in their course, as few bars as read well: days, else months, else years.
pub(super) fn spans(
    days: impl Iterator<Item = (String, Decimal)>,
    write: impl Fn(Decimal) -> String,
) -> Vec<Bar> {
    let days: Vec<_> = days.collect();
    let mut bars = Vec::new();
    for length in ["2025-11-30".len(), "2025-11".len(), "2025".len()] {
        let mut spans: BTreeMap<&str, Decimal> = BTreeMap::new();
        for (day, cost) in &days {
            *spans.entry(day.get(..length).unwrap_or(day)).or_default() += cost;
        }
        let bar = |(name, cost): (&str, Decimal)| Bar {
            name: name.to_owned(),
            cost,
            text: write(cost),
        };
        bars = spans.into_iter().map(bar).collect();
        if bars.len() <= MOST_TIMES {
            break;
        }
    }
    bars
}

/// Names and what they cost, the costly first, those beyond the first few as one.
pub(super) fn ranked(
    names: impl Iterator<Item = (String, Decimal)>,
    write: impl Fn(Decimal) -> String,
) -> Vec<Bar> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for (name, cost) in names {
        *sums.entry(name).or_default() += cost;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    if sums.len() > MOST_NAMES {
        let rest = sums.split_off(MOST_NAMES - 1);
        sums.push((
            OTHERS.to_owned(),
            rest.into_iter().map(|(_, cost)| cost).sum(),
        ));
    }
    let bar = |(name, cost)| Bar {
        name,
        cost,
        text: write(cost),
    };
    sums.into_iter().map(bar).collect()
}
