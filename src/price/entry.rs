//! What one model costs: exact rates by dimension, by date and time of day, by prompt length, by service tier.

use rust_decimal::Decimal;

/// One thing that is paid for.
pub(crate) struct Unit {
    pub(crate) dimension: Dimension,
    /// Its name in genai-prices' data, and in what `tokensense prices` writes.
    pub(crate) key: &'static str,
    /// Its field in LiteLLM's format, where it is priced by the piece.
    pub(crate) litellm: &'static str,
    /// How many of it a rate is for.
    pub(crate) per: u32,
    /// By how many places the point moves where a rate is for a power of ten.
    pub(crate) places: Option<u32>,
    /// What of a cost it is shown as.
    pub(crate) part: fn(&mut Parts) -> &mut Decimal,
    /// Whose rate holds where it has none.
    pub(crate) otherwise: Option<Dimension>,
}

impl Unit {
    /// Tiers and surcharges are for tokens alone.
    pub(crate) fn is_tokens(&self) -> bool {
        self.per == 1_000_000
    }

    /// A count as a number of units: seconds are counted in billionths.
    pub(crate) fn number(&self, count: u64) -> Decimal {
        let places = match self.dimension {
            Dimension::AudioHeard => 9,
            _ => 0,
        };
        Decimal::from_i128_with_scale(count.into(), places)
    }
}

/// US dollars, by what they were paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// Input, the cached apart.
    pub input: Decimal,
    /// Input read from a cache.
    pub cache_read: Decimal,
    /// Input written to a cache.
    pub cache_write: Decimal,
    /// Output.
    pub output: Decimal,
    /// Searches, requests, passes by other models.
    pub other: Decimal,
}

impl Parts {
    /// Multiplies each.
    pub(crate) fn multiply(&mut self, factor: Decimal) {
        for part in [
            &mut self.input,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.output,
            &mut self.other,
        ] {
            *part = (*part * factor).round_dp(12).normalize();
        }
    }

    /// All of it.
    pub fn total(&self) -> Decimal {
        self.input + self.cache_read + self.cache_write + self.output + self.other
    }
}

macro_rules! dimensions {
    ($($name:ident: $key:literal, $litellm:literal, $per:literal, $part:ident, $otherwise:expr;)+) => {
        /// What is paid for apart.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Dimension {
            $($name,)+
        }

        /// Every dimension's unit, in their order.
        pub(crate) static UNITS: &[Unit] = &[
            $(Unit {
                dimension: Dimension::$name,
                key: $key,
                litellm: $litellm,
                per: $per,
                places: places($per),
                part: |parts| &mut parts.$part,
                otherwise: $otherwise,
            },)+
        ];

        /// How many dimensions there are.
        pub(crate) const DIMENSIONS: usize = [$($key),+].len();
    };
}

dimensions! {
    Input: "input_mtok", "input_cost_per_token", 1_000_000, input, None;
    CacheRead: "cache_read_mtok", "cache_read_input_token_cost", 1_000_000, cache_read, Some(Dimension::Input);
    CacheWrite: "cache_write_mtok", "cache_creation_input_token_cost", 1_000_000, cache_write, Some(Dimension::Input);
    CacheWrite1h: "cache_write_1h_mtok", "cache_creation_input_token_cost_above_1hr", 1_000_000, cache_write,
        Some(Dimension::CacheWrite);
    AudioInput: "input_audio_mtok", "input_cost_per_audio_token", 1_000_000, input, None;
    CachedAudio: "cache_audio_read_mtok", "cache_read_input_audio_token_cost", 1_000_000, cache_read, None;
    ImageInput: "input_image_mtok", "input_cost_per_image_token", 1_000_000, input, None;
    Output: "output_mtok", "output_cost_per_token", 1_000_000, output, None;
    Reasoning: "output_reasoning_mtok", "output_cost_per_reasoning_token", 1_000_000, output, None;
    AudioOutput: "output_audio_mtok", "output_cost_per_audio_token", 1_000_000, output, None;
    ImageOutput: "output_image_mtok", "output_cost_per_image_token", 1_000_000, output, None;
    Citation: "output_citation_mtok", "citation_cost_per_token", 1_000_000, output, None;
    WebSearch: "web_searches_kcount", "search_context_cost_per_query", 1_000, other, None;
    RerankSearch: "rerank_searches_kcount", "input_cost_per_query", 1_000, other, None;
    Request: "requests_kcount", "input_cost_per_request", 1_000, other, None;
    AudioHeard: "input_audio_hours", "input_cost_per_second", 3_600, input, None;
    CachedImage: "cache_image_read_mtok", "cache_read_input_image_token_cost", 1_000_000, cache_read, None;
    VideoInput: "input_video_mtok", "input_cost_per_video_token", 1_000_000, input, None;
    VideoOutput: "output_video_mtok", "output_cost_per_video_token", 1_000_000, output, None;
    Page: "input_document_kpages", "ocr_cost_per_page", 1_000, input, None;
    AnnotatedPage: "input_annotated_document_kpages", "annotation_cost_per_page", 1_000, input, Some(Dimension::Page);
    FileSearch: "storage_searches_kcount", "file_search_cost_per_call", 1_000, other, None;
    Container: "containers_kcount", "code_interpreter_cost_per_session", 1_000, other, None;
    MapsPrompt: "maps_kcount", "google_maps_grounding_cost_per_query", 1_000, other, None;
    RequestLow: "requests_low_kcount", "", 1_000, other, Some(Dimension::Request);
    RequestMedium: "requests_medium_kcount", "", 1_000, other, Some(Dimension::Request);
    RequestHigh: "requests_high_kcount", "", 1_000, other, Some(Dimension::Request);
}

const fn places(per: u32) -> Option<u32> {
    let places = per.ilog10();
    if 10_u32.pow(places) == per {
        Some(places)
    } else {
        None
    }
}

impl Dimension {
    pub(crate) fn unit(self) -> &'static Unit {
        &UNITS[self as usize]
    }
}

/// US dollars for so many of a unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) base: Decimal,
    /// For the whole of a request whose prompt has more tokens than this; ascending.
    pub(crate) tiers: Vec<(u64, Decimal)>,
}

impl Rate {
    /// The rate for a prompt of so many tokens, and the length that it begins beyond.
    pub(crate) fn at(&self, prompt: u64) -> (Decimal, Option<u64>) {
        let tier = self.tiers.iter().rev().find(|(start, _)| prompt > *start);
        tier.map_or((self.base, None), |(start, rate)| (*rate, Some(*start)))
    }
}

/// The rates of the dimensions that have one, as they are kept.
pub(crate) type Listed = Vec<(Dimension, Rate)>;

/// A rate for each dimension that has one, as they are looked up.
pub(crate) type Rates<'a> = [Option<&'a Rate>; DIMENSIONS];

/// When rates hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Always,
    /// Seconds since midnight UTC, past midnight where the end is before the start; on these days of the week.
    Daily(i64, i64, Days),
    /// Seconds since 1970.
    Since(i64),
}

/// Days of the week, by UTC: a bit for each, the lowest for Monday.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Days(u8);

impl Days {
    pub(crate) const ALL: Self = Self(0x7f);
    pub(crate) const WORKDAYS: Self = Self(0x1f);

    /// Of numbers from 1 for Monday to 7 for Sunday.
    pub(crate) fn of(numbers: impl Iterator<Item = u64>) -> Self {
        let days = numbers.filter(|day| (1..=7).contains(day));
        Self(days.fold(0, |days, day| days | 1 << (day - 1)))
    }

    /// Their numbers, from 1 for Monday to 7 for Sunday.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u64> {
        (1..=7).filter(move |day| self.0 >> (day - 1) & 1 == 1)
    }

    fn has(self, at: i64) -> bool {
        // 1970 began on a Thursday.
        (self.0 >> (at.div_euclid(86_400) + 3).rem_euclid(7)) & 1 == 1
    }
}

impl When {
    fn holds(self, at: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Daily(start, end, days) => {
                let now = at.rem_euclid(86_400);
                if !days.has(at) {
                    false
                } else if start <= end {
                    start <= now && now < end
                } else {
                    now >= start || now < end
                }
            }
            Self::Since(start) => at >= start,
        }
    }
}

/// The prices of one model at one provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    /// The last that holds counts.
    pub(crate) rates: Vec<(When, Listed)>,
    /// Rates of a service tier, each in the place of the standard one; the first that holds counts.
    pub(crate) tiers: Vec<(String, When, Listed)>,
    /// What the second source has the rates of.
    pub(crate) second: Vec<Dimension>,
}

impl Entry {
    /// The rates that held at a time, in seconds since 1970; in a tier, and whether that has any of its own.
    pub(crate) fn rates(&self, at: i64, tier: Option<&str>) -> (Rates<'_>, bool) {
        let standard = self.rates.iter().rev().find(|(when, _)| when.holds(at));
        let standard = standard.or(self.rates.first()).map(|(_, rates)| rates);
        // The first counts: so the others are laid down before it.
        let own = self.tiers.iter().rev();
        let own = own.filter(|(word, when, _)| Some(word.as_str()) == tier && when.holds(at));
        let own: Vec<_> = own.map(|(_, _, rates)| rates).collect();
        let found = !own.is_empty();
        let mut rates = [None; DIMENSIONS];
        for (dimension, rate) in standard.into_iter().chain(own).flatten() {
            rates[*dimension as usize] = Some(rate);
        }
        (rates, found)
    }

    /// Lets rates that hold at hours of every day hold at those of workdays alone.
    pub(crate) fn rest_at_weekends(&mut self) {
        for (when, _) in &mut self.rates {
            if let When::Daily(_, _, days) = when {
                *days = Days::WORKDAYS;
            }
        }
    }

    /// Takes over the rates of another entry for what this one has no rate of.
    pub(crate) fn complete(&mut self, more: &Self) {
        let has = |dimension: Dimension| {
            let mut rates = self.rates.iter().flat_map(|(_, rates)| rates);
            rates.any(|(known, _)| *known == dimension)
        };
        let rates = more.rates.iter().flat_map(|(_, rates)| rates);
        let lacking: Listed = rates
            .filter(|(dimension, _)| !has(*dimension))
            .cloned()
            .collect();
        self.second = lacking.iter().map(|(dimension, _)| *dimension).collect();
        for (_, rates) in &mut self.rates {
            rates.extend(lacking.iter().cloned());
        }
        for (word, when, rates) in &more.tiers {
            let rates = rates
                .iter()
                .filter(|(dimension, _)| self.second.contains(dimension));
            self.tiers
                .push((word.clone(), *when, rates.cloned().collect()));
        }
    }

    /// Whether all its rates are zero.
    pub(crate) fn costs_nothing(&self) -> bool {
        let mut rates = self.rates.iter().flat_map(|(_, rates)| rates);
        rates.all(|(_, rate)| rate.base.is_zero() && rate.tiers.is_empty())
    }

    /// Whether it says that nothing is charged: OpenRouter's `:free` models have no rates.
    pub(crate) fn is_free(&self) -> bool {
        self.id.ends_with(":free")
    }
}
