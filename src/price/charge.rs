//! Counts times rates: what each part of a response's usage is charged.

use rust_decimal::Decimal;

use super::entry::{DIMENSIONS, Dimension, Parts, Rates, UNITS, Unit};
use crate::meter::{Measure, Usage};

/// What a response's usage comes to.
#[derive(Debug, Default)]
pub(super) struct Charge {
    pub(super) parts: Parts,
    /// A rate was found for something used.
    pub(super) priced: bool,
    /// Keys of what was used and has no rate.
    pub(super) unpriced: Vec<&'static str>,
    /// The prompt is so long that rates for prompts above this length hold.
    pub(super) above: Option<u64>,
}

impl Charge {
    /// Charges what was used; `factor` is what rates for tokens are multiplied by.
    pub(super) fn new(usage: &Usage, rates: &Rates<'_>, factor: Option<Decimal>) -> Self {
        let mut charge = Self::default();
        let pass = usage.value(Measure::PassInput);
        let prompt = pass.or(usage.value(Measure::Input)).unwrap_or(0);
        let counts = counts(usage, rates);
        for (unit, count) in UNITS.iter().zip(counts).filter(|(_, count)| *count > 0) {
            // Cached tokens without a rate of their own are paid for as any other input.
            let mut at = Some(unit.dimension);
            while let Some(dimension) = at
                && rates[dimension as usize].is_none()
            {
                at = dimension.unit().otherwise;
            }
            let Some(rate) = at.and_then(|dimension| rates[dimension as usize]) else {
                charge.unpriced.push(unit.key);
                continue;
            };
            charge.priced = true;
            let (rate, above) = rate.at(prompt);
            charge.above = charge.above.max(above);
            let mut cost = unit.number(count) * rate;
            if let Some(factor) = factor.filter(|_| unit.is_tokens()) {
                cost *= factor;
            }
            *(unit.part)(&mut charge.parts) += price(cost, unit).round_dp(12).normalize();
        }
        // A fee for each request pays for its searches.
        if rates[Dimension::Request as usize].is_some() {
            charge
                .unpriced
                .retain(|key| *key != Dimension::WebSearch.unit().key);
        }
        charge
    }
}

/// What units cost whose count times their rate is this. Where it can be, the point is moved instead of dividing.
fn price(amount: Decimal, unit: &Unit) -> Decimal {
    let mut moved = amount;
    if let Some(places) = unit.places
        && moved.set_scale(amount.scale() + places).is_ok()
    {
        return moved;
    }
    amount / Decimal::from(unit.per)
}

/// How many of each unit are paid for. What has no rate of its own stays in the total that it is a part of, save for
/// the cache, which the record shows apart.
fn counts(usage: &Usage, rates: &Rates<'_>) -> [u64; DIMENSIONS] {
    let all = |measure| usage.value(measure).unwrap_or(0);
    let apart = |measure, dimension: Dimension| match rates[dimension as usize] {
        Some(_) => all(measure),
        None => 0,
    };
    // Cached sound is paid for apart, or as the cache is, or where the cache has no rate, as sound is.
    let heard = all(Measure::CachedAudio);
    let has = |dimension: Dimension| rates[dimension as usize].is_some();
    let (cached_audio, beyond_audio, beyond_read) = match () {
        () if has(Dimension::CachedAudio) => (heard, heard, heard),
        () if has(Dimension::CacheRead) => (0, heard, 0),
        () if has(Dimension::AudioInput) => (0, 0, heard),
        () => (0, 0, 0),
    };
    let audio = apart(Measure::AudioInput, Dimension::AudioInput).saturating_sub(beyond_audio);
    let mut read = all(Measure::CacheRead).saturating_sub(beyond_read);
    let image = apart(Measure::ImageInput, Dimension::ImageInput);
    let hour = all(Measure::CacheWrite1h);
    let mut write = all(Measure::CacheWrite).max(hour);
    let mut input = all(Measure::Input);
    // Tokens stated as charged are charged at one rate; the cached ones are among those counted.
    if let Some(billed) = usage.value(Measure::BilledInput) {
        (input, read, write) = (billed, 0, 0);
    }
    let reasoning = apart(Measure::Reasoning, Dimension::Reasoning);
    let spoken = apart(Measure::AudioOutput, Dimension::AudioOutput);
    let drawn = apart(Measure::ImageOutput, Dimension::ImageOutput);
    let cited = apart(Measure::Citation, Dimension::Citation);
    let output = usage
        .value(Measure::BilledOutput)
        .unwrap_or(all(Measure::Output));

    let mut counts = [0; DIMENSIONS];
    let mut set = |dimension: Dimension, total: u64, less: &[u64]| {
        let less = less
            .iter()
            .fold(0, |sum: u64, part| sum.saturating_add(*part));
        counts[dimension as usize] = total.saturating_sub(less);
    };
    set(
        Dimension::Input,
        input,
        &[read, cached_audio, write, audio, image],
    );
    set(Dimension::CacheRead, read, &[]);
    set(Dimension::CacheWrite, write, &[hour]);
    set(Dimension::CacheWrite1h, hour, &[]);
    set(Dimension::AudioInput, audio, &[]);
    set(Dimension::CachedAudio, cached_audio, &[]);
    set(Dimension::ImageInput, image, &[]);
    set(
        Dimension::Output,
        output,
        &[reasoning, spoken, drawn, cited],
    );
    set(Dimension::Reasoning, reasoning, &[]);
    set(Dimension::AudioOutput, spoken, &[]);
    set(Dimension::ImageOutput, drawn, &[]);
    set(Dimension::Citation, cited, &[]);
    set(Dimension::WebSearch, all(Measure::WebSearches), &[]);
    set(Dimension::RerankSearch, all(Measure::RerankSearches), &[]);
    // Each response is one request; most are free.
    set(
        Dimension::Request,
        rates[Dimension::Request as usize].map_or(0, |_| 1),
        &[],
    );
    set(Dimension::AudioHeard, all(Measure::AudioNanoseconds), &[]);
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// With its point moved, an amount is the quotient to the last digit.
        #[test]
        fn quotients(
            mantissa in prop_oneof![0..1_000_000_i128, 0..1_i128 << 64, 0..1_i128 << 96],
            zeros in 0..12_u32,
            scale in 0..=28_u32,
        ) {
            let mantissa = mantissa / 10_i128.pow(zeros) * 10_i128.pow(zeros);
            let amount = Decimal::from_i128_with_scale(mantissa, scale);
            for unit in UNITS {
                let want = amount / Decimal::from(unit.per);
                let ours = price(amount, unit);
                prop_assert_eq!(ours, want);
                let [ours, want] = [ours, want].map(|amount| amount.round_dp(12).normalize());
                prop_assert_eq!(ours.serialize(), want.serialize());
            }
        }
    }
}
