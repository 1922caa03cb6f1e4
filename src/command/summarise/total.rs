//! Sums of many responses: exact, and the same in any order and any split.

use rust_decimal::Decimal;

use super::share::{BASES, BYTES, COST, ERROR, ESTIMATED, PLACES, SOUND, Share, WHOLE};
use crate::record::{COUNTED, COUNTS, Cell as Field, CostBasis};

/// What a group of responses comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) responses: u64,
    partial: u64,
    estimated: u64,
    failed: u64,
    unpriced: u64,
    /// In the order of [`COUNTED`]; `None` where no response says.
    counts: [Option<u64>; COUNTS],
    /// US dollars · 10¹².
    cost: Option<u128>,
    /// The weakest of its parts: a place in [`BASES`].
    basis: Option<u8>,
    bytes: u64,
    off: Off,
}

/// How far estimates may be off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Off {
    /// Estimated tokens of input and output, of responses that say how far they may be off.
    tokens: u128,
    /// Those tokens · the hundredths that each may be off.
    hundredths: u128,
}

impl Totals {
    pub(super) fn add(&mut self, share: &Share) {
        let (counts, rest) = share.cells.split_at(COUNTS);
        let firm = |cell: usize| rest[cell - COUNTS].firm;
        let estimated = counts.iter().any(|cell| cell.firm == ESTIMATED);
        let adds = |own: &mut u64, more: u64| *own = own.saturating_add(more);
        adds(&mut self.responses, 1);
        adds(&mut self.partial, (firm(WHOLE) == 0).into());
        adds(&mut self.estimated, estimated.into());
        adds(&mut self.failed, (firm(SOUND) == 0).into());
        adds(&mut self.unpriced, (firm(COST) == 0).into());
        adds(&mut self.bytes, share.cells[BYTES].value as u64);
        for (own, cell) in self.counts.iter_mut().zip(counts) {
            let count = cell.get().map(|n| n as u64);
            *own = sum(*own, count, u64::saturating_add);
        }
        if let Some(error) = share.cells[ERROR].get() {
            let both = COUNTED.iter().zip(counts).filter(|(counted, cell)| {
                matches!(counted.name, "input_tokens" | "output_tokens") && cell.firm == ESTIMATED
            });
            let tokens = both.fold(0, |sum: u128, (_, cell)| sum.saturating_add(cell.value));
            let hundredths = tokens.saturating_mul(error);
            self.off.add(Off { tokens, hundredths });
        }
        let basis = firm(COST).checked_sub(1);
        self.cost = sum(self.cost, share.cells[COST].get(), u128::saturating_add);
        self.basis = sum(self.basis, basis, u8::min);
    }

    /// Adds another group's totals.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.responses, other.responses),
            (&mut self.partial, other.partial),
            (&mut self.estimated, other.estimated),
            (&mut self.failed, other.failed),
            (&mut self.unpriced, other.unpriced),
            (&mut self.bytes, other.bytes),
        ] {
            *own = own.saturating_add(more);
        }
        for (own, more) in self.counts.iter_mut().zip(other.counts) {
            *own = sum(*own, more, u64::saturating_add);
        }
        self.cost = sum(self.cost, other.cost, u128::saturating_add);
        self.basis = sum(self.basis, other.basis, u8::min);
        self.off.add(other.off);
    }

    /// Everything it says, by name, in the order of JSON and CSV.
    pub(super) fn figures(&self) -> Vec<(&'static str, Box<dyn Field>)> {
        let number = |n: u64| -> Box<dyn Field> { Box::new(Some(n)) };
        let mut figures = vec![
            ("responses", number(self.responses)),
            ("partial", number(self.partial)),
            ("estimated", number(self.estimated)),
            ("failed", number(self.failed)),
            ("unpriced", number(self.unpriced)),
        ];
        for (counted, count) in COUNTED.iter().zip(self.counts) {
            figures.push((counted.name, Box::new(count)));
        }
        figures.push(("cost_usd", Box::new(self.cost())));
        figures.push(("cost_basis", Box::new(self.basis())));
        figures.push(("bytes", number(self.bytes)));
        figures.push(("estimate_error", Box::new(self.off.mean())));
        figures
    }

    /// One of the figures, if it is a number.
    pub(super) fn figure(&self, name: &str) -> Option<Decimal> {
        let figures = self.figures();
        let (_, figure) = figures.iter().find(|(known, _)| *known == name)?;
        figure.to_text().parse().ok()
    }

    pub(super) fn cost(&self) -> Option<Decimal> {
        let amount = i128::try_from(self.cost?).unwrap_or(i128::MAX);
        let amount = Decimal::try_from_i128_with_scale(amount, PLACES);
        Some(amount.unwrap_or(Decimal::MAX).normalize())
    }

    pub(super) fn basis(&self) -> Option<CostBasis> {
        self.basis.map(|at| BASES[usize::from(at)])
    }

    /// How much it matters beside others.
    pub(super) fn weight(&self) -> impl Ord + use<> {
        let tokens = COUNTED
            .iter()
            .position(|counted| counted.name == "total_tokens");
        (self.cost, tokens.map(|at| self.counts[at]), self.responses)
    }
}

impl Off {
    fn add(&mut self, more: Self) {
        self.tokens = self.tokens.saturating_add(more.tokens);
        self.hundredths = self.hundredths.saturating_add(more.hundredths);
    }

    /// The mean over the tokens, as a share of them: two decimals, rounded up.
    fn mean(self) -> Option<Decimal> {
        let hundredths = (self.tokens > 0).then(|| self.hundredths.div_ceil(self.tokens))?;
        let hundredths = i64::try_from(hundredths).unwrap_or(i64::MAX);
        Some(Decimal::new(hundredths, 2).normalize())
    }
}

fn sum<T>(a: Option<T>, b: Option<T>, add: fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(add(a, b)),
        (a, b) => a.or(b),
    }
}
