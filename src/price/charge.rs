//! Counts times rates: what each part of a response's usage is charged.

use rust_decimal::Decimal;

use super::entry::{DIMENSIONS, Dimension, Parts, Rates, UNITS, Unit};
use super::fee::Fees;
use crate::meter::{Measure, Usage};

/// What a response's usage comes to.
#[derive(Debug, Default)]
pub(super) struct Charge {
    pub(super) parts: Parts,
    /// A rate was found for something used.
    pub(super) priced: bool,
    /// Keys of what was used and has no rate.
    pub(super) unpriced: Vec<&'static str>,
    /// Keys of what was used and has no rate but that of text, which costs less.
    pub(super) as_text: Vec<&'static str>,
    /// Keys of what was charged at a rate of the second source.
    pub(super) second: Vec<&'static str>,
    /// Rates for long prompts may hold for one of several passes, of which only the sum is known.
    pub(super) passes: bool,
    /// What is known of one pass decides which rates hold.
    pub(super) by_pass: bool,
    /// The prompt is so long that rates for prompts above this length hold.
    pub(super) above: Option<u64>,
}

/// Tokens that have a price apart from that of text: what they are charged as where no rate of theirs is known.
static APART: &[(Measure, Dimension, Dimension)] = &[
    (Measure::AudioInput, Dimension::AudioInput, Dimension::Input),
    (
        Measure::CachedAudio,
        Dimension::CachedAudio,
        Dimension::CacheRead,
    ),
    (Measure::ImageInput, Dimension::ImageInput, Dimension::Input),
    (
        Measure::CachedImage,
        Dimension::CachedImage,
        Dimension::CacheRead,
    ),
    (Measure::VideoInput, Dimension::VideoInput, Dimension::Input),
    (
        Measure::AudioOutput,
        Dimension::AudioOutput,
        Dimension::Output,
    ),
    (
        Measure::ImageOutput,
        Dimension::ImageOutput,
        Dimension::Output,
    ),
    (
        Measure::VideoOutput,
        Dimension::VideoOutput,
        Dimension::Output,
    ),
    (Measure::Citation, Dimension::Citation, Dimension::Output),
];

impl Charge {
    /// Charges what was used; `factor` is what rates for tokens are multiplied by.
    pub(super) fn new(
        usage: &Usage,
        rates: &Rates<'_>,
        factor: Option<Decimal>,
        fees: &Fees,
        second: &[Dimension],
    ) -> Self {
        let mut charge = Self::default();
        let has = |dimension: &Dimension| rates[*dimension as usize].is_some();
        // Of several passes each is as long as it is, not as all are together.
        let stated = fees.prompt(usage);
        let prompt = stated.unwrap_or(0);
        let all = usage.value(Measure::Input).unwrap_or(0);
        let mut listed = rates.iter().flatten();
        let is_long = listed.any(|rate| rate.at(all).1.is_some());
        charge.passes = is_long && stated.is_none();
        charge.by_pass = is_long && usage.value(Measure::PassInput).is_some();
        let counts = counts(usage, rates, fees);
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
            if at.is_some_and(|dimension| second.contains(&dimension)) {
                charge.second.push(unit.key);
            }
            let (rate, above) = rate.at(prompt);
            charge.above = charge.above.max(above);
            let mut cost = unit.number(count) * rate;
            if let Some(factor) = factor.filter(|_| unit.is_tokens()) {
                cost *= factor;
            }
            *(unit.part)(&mut charge.parts) += price(cost, unit).round_dp(12).normalize();
        }
        charge.as_text = as_text(usage, rates, fees, &counts);
        // Sound that is paid for by tokens has no need of a rate for its length.
        if has(&Dimension::AudioInput) && usage.value(Measure::AudioInput) > Some(0) {
            charge
                .unpriced
                .retain(|key| *key != Dimension::AudioHeard.unit().key);
        }
        // A fee for each request pays for its searches.
        if has(&Dimension::Request) {
            charge
                .unpriced
                .retain(|key| *key != Dimension::WebSearch.unit().key);
        }
        charge
    }
}

/// Keys of the tokens that have no rate of their own and are charged as text: what that comes to is the least they cost.
fn as_text(
    usage: &Usage,
    rates: &Rates<'_>,
    fees: &Fees,
    counts: &[u64; DIMENSIONS],
) -> Vec<&'static str> {
    let has = |dimension: Dimension| rates[dimension as usize].is_some();
    // Tokens stated as charged are charged at one rate.
    let is_billed = |text| {
        let billed = match text {
            Dimension::Output => Measure::BilledOutput,
            _ => Measure::BilledInput,
        };
        usage.value(billed).is_some()
    };
    // Sound that is paid for by its length is not paid for by tokens as well.
    let timed = counts[Dimension::AudioHeard as usize] > 0 && has(Dimension::AudioHeard);
    let is_paid = |measure| match measure {
        Measure::AudioInput | Measure::CachedAudio => timed,
        Measure::ImageInput | Measure::VideoInput => fees.sees_as_text,
        Measure::CachedImage => fees.sees_as_text && !has(Dimension::ImageInput),
        _ => false,
    };
    let lacking = |(measure, dimension, text): &&(Measure, Dimension, Dimension)| {
        usage.value(*measure) > Some(0)
            && !has(*dimension)
            && has(*text)
            && !is_paid(*measure)
            && !is_billed(*text)
    };
    let lacking = APART.iter().filter(lacking);
    lacking
        .map(|(_, dimension, _)| dimension.unit().key)
        .collect()
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

/// A kind of input that the cache may hold: how much there is of it, and how much of that is cached, with their rates.
static KINDS: &[[(Measure, Dimension); 2]] = &[
    [
        (Measure::AudioInput, Dimension::AudioInput),
        (Measure::CachedAudio, Dimension::CachedAudio),
    ],
    [
        (Measure::ImageInput, Dimension::ImageInput),
        (Measure::CachedImage, Dimension::CachedImage),
    ],
];

/// How many of each unit are paid for. What has no rate of its own stays in the total that it is a part of, save for
/// the cache, which the record shows apart.
fn counts(usage: &Usage, rates: &Rates<'_>, fees: &Fees) -> [u64; DIMENSIONS] {
    let all = |measure| usage.value(measure).unwrap_or(0);
    let has = |dimension: Dimension| rates[dimension as usize].is_some();
    let mut counts = [0; DIMENSIONS];
    let hour = all(Measure::CacheWrite1h);
    let mut read = all(Measure::CacheRead);
    let mut write = all(Measure::CacheWrite).max(hour);
    let mut input = all(Measure::Input);
    // Tokens stated as charged are charged at one rate; the cached ones are among those counted.
    if let Some(billed) = usage.value(Measure::BilledInput) {
        (input, read, write) = (billed, 0, 0);
    }
    let mut rest = input.saturating_sub(write);
    for [(whole, rate), (cached, cached_rate)] in KINDS {
        // Cached sound is paid for apart, or as the cache is, or where the cache has no rate, as sound is.
        let cached = all(*cached);
        let (apart, of_kind, of_read) = match () {
            () if has(*cached_rate) => (cached, cached, cached),
            () if has(Dimension::CacheRead) => (0, cached, 0),
            () if has(*rate) => (0, 0, cached),
            () => (0, 0, 0),
        };
        counts[*cached_rate as usize] = apart;
        read = read.saturating_sub(of_read);
        let whole = if has(*rate) { all(*whole) } else { 0 };
        counts[*rate as usize] = whole.saturating_sub(of_kind);
        rest = rest
            .saturating_sub(apart)
            .saturating_sub(counts[*rate as usize]);
    }
    for (part, rate) in PARTS {
        if has(*rate) {
            counts[*rate as usize] = all(*part);
        }
    }
    let parts = |side: &[Dimension]| {
        let parts = side.iter().map(|part| counts[*part as usize]);
        parts.fold(0, u64::saturating_add)
    };
    let output = usage
        .value(Measure::BilledOutput)
        .unwrap_or(all(Measure::Output));
    let (video, generated) = (counts[Dimension::VideoInput as usize], parts(GENERATED));
    let mut set = |dimension: Dimension, count: u64| counts[dimension as usize] = count;
    set(
        Dimension::Input,
        rest.saturating_sub(read).saturating_sub(video),
    );
    set(Dimension::Output, output.saturating_sub(generated));
    set(Dimension::CacheRead, read);
    set(Dimension::CacheWrite, write.saturating_sub(hour));
    set(Dimension::CacheWrite1h, hour);
    set(Dimension::RerankSearch, all(Measure::RerankSearches));
    set(Dimension::FileSearch, all(Measure::FileSearches));
    set(Dimension::Container, all(Measure::Containers));
    set(Dimension::MapsPrompt, all(Measure::MapPlaces).min(1));
    let searches = all(Measure::WebSearches).max(fees.least_searches);
    set(
        Dimension::WebSearch,
        if fees.by_prompt {
            searches.min(1)
        } else {
            searches
        },
    );
    let page = if all(Measure::Annotations) > 0 {
        Dimension::AnnotatedPage
    } else {
        Dimension::Page
    };
    set(page, all(Measure::Pages));
    // Each response is one request; most are free.
    let request = fees.request(rates);
    set(request, u64::from(has(request)));
    let heard = all(Measure::AudioNanoseconds);
    set(
        Dimension::AudioHeard,
        if heard > 0 {
            heard.max(fees.least_seconds * 1_000_000_000)
        } else {
            0
        },
    );
    counts
}

/// What is charged apart where it has a rate, and is a part of its side where it has none.
static PARTS: &[(Measure, Dimension)] = &[
    (Measure::VideoInput, Dimension::VideoInput),
    (Measure::Reasoning, Dimension::Reasoning),
    (Measure::AudioOutput, Dimension::AudioOutput),
    (Measure::ImageOutput, Dimension::ImageOutput),
    (Measure::VideoOutput, Dimension::VideoOutput),
    (Measure::Citation, Dimension::Citation),
];

/// Those of them that are output.
static GENERATED: &[Dimension] = &[
    Dimension::Reasoning,
    Dimension::AudioOutput,
    Dimension::ImageOutput,
    Dimension::VideoOutput,
    Dimension::Citation,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::entry::Rate;
    use super::*;

    /// What is stated apart, and what it is paid for as.
    const STATED: [(Measure, Dimension); 16] = [
        (Measure::AudioInput, Dimension::AudioInput),
        (Measure::CachedAudio, Dimension::CachedAudio),
        (Measure::ImageInput, Dimension::ImageInput),
        (Measure::CachedImage, Dimension::CachedImage),
        (Measure::VideoInput, Dimension::VideoInput),
        (Measure::AudioOutput, Dimension::AudioOutput),
        (Measure::ImageOutput, Dimension::ImageOutput),
        (Measure::VideoOutput, Dimension::VideoOutput),
        (Measure::Citation, Dimension::Citation),
        (Measure::WebSearches, Dimension::WebSearch),
        (Measure::RerankSearches, Dimension::RerankSearch),
        (Measure::FileSearches, Dimension::FileSearch),
        (Measure::Containers, Dimension::Container),
        (Measure::MapPlaces, Dimension::MapsPrompt),
        (Measure::Pages, Dimension::Page),
        (Measure::AudioNanoseconds, Dimension::AudioHeard),
    ];

    proptest! {
        /// Whatever is stated is charged at a rate of its own, so that the cost grows with the rate, or is named.
        #[test]
        fn nothing_stated_is_lost(stated in any::<u16>(), listed in any::<u32>(), amount in 1..1000_u64) {
            // Where the cached part is stated, the whole is.
            let stated = stated | stated >> 1 & 0b101;
            let is_stated = |at: usize| stated >> at & 1 == 1;
            let mut usage = Usage::default();
            let mut sides = [10 * amount, 10 * amount];
            for (at, (measure, _)) in STATED.iter().enumerate().filter(|(at, _)| is_stated(*at)) {
                // What is cached is a part of the whole.
                let cached = matches!(measure, Measure::AudioInput | Measure::ImageInput) && is_stated(at + 1);
                let count = if cached { 2 * amount } else { amount };
                // Less than a second costs less than what is rounded off.
                let second = if *measure == Measure::AudioNanoseconds { 1_000_000_000 } else { 1 };
                usage.report(*measure, count * second);
                sides[usize::from((5..9).contains(&at))] += count;
            }
            usage.report(Measure::Input, sides[0]);
            usage.report(Measure::Output, sides[1]);
            let cached = [Measure::CachedAudio, Measure::CachedImage];
            usage.report(Measure::CacheRead, cached.iter().filter_map(|part| usage.value(*part)).sum());
            let has = |dimension: Dimension| match dimension {
                Dimension::Input | Dimension::Output => true,
                // Requests pay for searches.
                Dimension::Request => false,
                _ => listed >> dimension as usize & 1 == 1,
            };
            let rate = |base: i64| Rate { base: Decimal::from(base), tiers: Vec::new() };
            let (plain, raised) = (rate(3), rate(5));
            let charge = |more: Option<Dimension>| {
                let mut rates = [None; DIMENSIONS];
                for unit in UNITS.iter().filter(|unit| has(unit.dimension)) {
                    let is_raised = more == Some(unit.dimension);
                    rates[unit.dimension as usize] = Some(if is_raised { &raised } else { &plain });
                }
                Charge::new(&usage, &rates, None, &Fees::default(), &[])
            };
            let found = charge(None);
            let is_used = |measure| usage.value(measure).is_some();
            for (_, dimension) in STATED.iter().filter(|(measure, _)| is_used(*measure)) {
                let key = dimension.unit().key;
                let named = found.unpriced.contains(&key) || found.as_text.contains(&key);
                if has(*dimension) {
                    prop_assert!(!named, "{} has a rate", key);
                    prop_assert!(charge(Some(*dimension)).parts.total() > found.parts.total(), "{}", key);
                    continue;
                }
                // It is paid for as what it is a part of, or by another measure of the same.
                let otherwise = match dimension {
                    Dimension::CachedAudio | Dimension::CachedImage if !has(Dimension::CacheRead) => true,
                    Dimension::AudioInput | Dimension::CachedAudio => {
                        is_used(Measure::AudioNanoseconds) && has(Dimension::AudioHeard)
                    }
                    Dimension::AudioHeard => is_used(Measure::AudioInput) && has(Dimension::AudioInput),
                    _ => false,
                };
                prop_assert_eq!(named, !otherwise, "{}", key);
            }
        }

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
