//! Tables that fit the terminal: names are shortened, then the columns that are missed least are left out.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A column, and what becomes of it where there is too little room.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A number, on the right. The one of the greatest rank is left out first; one of rank 0 never is.
    Figure(u8),
    /// A text, on the left, shortened at its end.
    Name,
    /// A path, shortened at its front: its end tells more.
    Path,
    /// A text that is missed as a figure of this rank is.
    Remark(u8),
}

/// A table as it stands on the screen.
pub(super) struct Laid {
    /// The header and the rows, without what would be blank at their ends.
    pub(super) lines: Vec<String>,
    /// The places of the columns that were left out.
    pub(super) hidden: Vec<usize>,
}

/// Columns stand so far apart.
const GAP: usize = 2;
/// Room that names have together before figures are left out for them.
const NAMES: usize = 28;
/// No name is shortened to less.
const LEAST: usize = 4;

/// Lays out a header and rows of as many cells as there are columns, within a width if there is one.
pub(super) fn lay_out(columns: &[Column], rows: &[Vec<String>], width: Option<u16>) -> Laid {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.title.width()).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(cell.width());
        }
    }
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    if let Some(width) = width.map(usize::from) {
        let is_name = |at: &usize| columns[*at].kind.rank().is_none();
        let all: usize = (0..columns.len())
            .filter(is_name)
            .map(|at| widths[at])
            .sum();
        while taken(columns, &widths, &shown) + all.min(NAMES) > width
            && let Some(at) = least(columns, &shown)
        {
            shown.retain(|shown| *shown != at);
        }
        let left = width.saturating_sub(taken(columns, &widths, &shown));
        let names: Vec<usize> = shown.iter().copied().filter(is_name).collect();
        let fits =
            |cap: &usize| names.iter().map(|at| widths[*at].min(*cap)).sum::<usize>() <= left;
        let cap = (LEAST..=width).rev().find(fits).unwrap_or(LEAST);
        for at in names {
            widths[at] = widths[at].min(cap);
        }
    }
    let titles: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
    let line = |cells: &Vec<String>| {
        let mut line = String::new();
        for (nth, at) in shown.iter().enumerate() {
            if nth > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = columns[*at].kind.shortened(&cells[*at], widths[*at]);
            let blank = " ".repeat(widths[*at].saturating_sub(cell.width()));
            match columns[*at].kind {
                Kind::Figure(_) => line.extend([blank, cell]),
                _ => line.extend([cell, blank]),
            }
        }
        line.trim_end().to_owned()
    };
    Laid {
        lines: std::iter::once(&titles).chain(rows).map(line).collect(),
        hidden: (0..columns.len())
            .filter(|at| !shown.contains(at))
            .collect(),
    }
}

/// A sentence for each few of the columns that were left out, none wider than the terminal.
pub(super) fn left_out<'t>(
    titles: impl Iterator<Item = &'t str>,
    width: Option<u16>,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for title in titles {
        match lines.last_mut() {
            Some(line)
                if line.width() + title.width() + 2 <= width.map_or(usize::MAX, usize::from) =>
            {
                line.extend([", ", title]);
            }
            _ => lines.push(format!("not shown: {title}")),
        }
    }
    lines
}

/// The width of the terminal that standard output is.
pub(super) fn width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// The room that figures and gaps take.
fn taken(columns: &[Column], widths: &[usize], shown: &[usize]) -> usize {
    let figures = shown
        .iter()
        .filter(|at| columns[**at].kind.rank().is_some());
    let figures: usize = figures.map(|at| widths[*at]).sum();
    figures + GAP * shown.len().saturating_sub(1)
}

/// The column that is missed least, among those that may be left out.
fn least(columns: &[Column], shown: &[usize]) -> Option<usize> {
    let ranked = shown
        .iter()
        .filter_map(|at| Some((columns[*at].kind.rank()?, *at)));
    let (_, at) = ranked.filter(|(rank, _)| *rank > 0).max()?;
    Some(at)
}

impl Kind {
    fn rank(self) -> Option<u8> {
        match self {
            Self::Figure(rank) | Self::Remark(rank) => Some(rank),
            Self::Name | Self::Path => None,
        }
    }

    /// The text within so many columns of the screen.
    fn shortened(self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let mut left = width.saturating_sub(1);
        let fits = |c: &char| {
            let fits = c.width().unwrap_or(0) <= left;
            left = left.saturating_sub(c.width().unwrap_or(0));
            fits
        };
        match self {
            Self::Path => {
                let end: Vec<char> = text.chars().rev().take_while(fits).collect();
                std::iter::once('…').chain(end.into_iter().rev()).collect()
            }
            _ => text.chars().take_while(fits).chain(['…']).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No line is wider than the terminal, unless what is never left out is; and every line has the same columns.
        #[test]
        fn fits(
            kinds in proptest::collection::vec(0..4_u8, 1..8),
            cells in proptest::collection::vec("[a-z語]{0,40}", 8..40),
            width in 20..200_u16,
        ) {
            let columns: Vec<Column> = kinds
                .iter()
                .map(|kind| Column {
                    title: "t".to_owned(),
                    kind: match kind {
                        0 => Kind::Name,
                        1 => Kind::Path,
                        2 => Kind::Figure(1),
                        _ => Kind::Remark(2),
                    },
                })
                .collect();
            let rows: Vec<Vec<String>> = cells
                .chunks_exact(columns.len())
                .map(<[String]>::to_vec)
                .collect();
            let laid = lay_out(&columns, &rows, Some(width));
            let names = columns.iter().filter(|column| column.kind.rank().is_none()).count();
            let least = names * (LEAST + GAP);
            for line in &laid.lines {
                prop_assert!(line.width() <= usize::from(width).max(least), "{line:?}");
            }
            prop_assert_eq!(laid.lines.len(), rows.len() + 1);
            // With room for all, all is there.
            let laid = lay_out(&columns, &rows, None);
            prop_assert!(laid.hidden.is_empty());
            for (line, row) in laid.lines[1..].iter().zip(&rows) {
                prop_assert!(row.iter().all(|cell| line.contains(cell.as_str())));
            }
        }
    }

    #[test]
    fn names_are_shortened() {
        assert_eq!(Kind::Name.shortened("claude-sonnet-4-5", 10), "claude-so…");
        assert_eq!(Kind::Path.shortened("logs/2026/a.sse", 8), "…6/a.sse");
        assert_eq!(Kind::Name.shortened("語語語", 4), "語…");
    }
}
