//! What a response costs more for where it was made.

use rust_decimal::Decimal;

use super::entry::Entry;

/// Provider, region (`*` is any but `global`), factor, and the ids of the models it holds for; `data/second.py` makes it.
static REGIONS: &str = include_str!("data/regions.txt");

/// What all token rates of a model are multiplied by in a region.
pub(super) fn factor(provider: &str, region: &str, entry: &Entry) -> Option<Decimal> {
    let id = entry.id.to_lowercase();
    REGIONS.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (of, place, factor) = (words.next()?, words.next()?, words.next()?);
        let there = place == region || (place == "*" && region != "global");
        (of == provider && there && words.any(|word| word == id)).then(|| fraction(factor))?
    })
}

/// `12/11`, or `2`.
fn fraction(text: &str) -> Option<Decimal> {
    let (over, under) = text.split_once('/').unwrap_or((text, "1"));
    let (over, under): (Decimal, Decimal) = (over.parse().ok()?, under.parse().ok()?);
    over.checked_div(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the table can be read, and no region costs less than the standard price or many times it.
    #[test]
    fn the_table_can_be_read() {
        for line in REGIONS.lines() {
            let mut words = line.split(' ').skip(2);
            let factor = words.next().and_then(fraction).expect(line);
            assert!(factor > Decimal::ONE && factor < Decimal::TEN, "{line}");
            assert!(words.next().is_some(), "{line}");
        }
    }
}
