//! Model and usage in, money out. Knows nothing of streams.

use std::path::PathBuf;
use std::time::SystemTime;

use rust_decimal::Decimal;

use crate::meter::{Pass, Usage};

/// Prices from the user's files and the built-in table.
#[derive(Debug, Default)]
pub(crate) struct PriceBook {}

/// What a price depends on beside the counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    /// Who answered, as far as it is known.
    pub(crate) provider: Option<&'a str>,
    /// The model that answered, as it came on the wire or from a URL.
    pub(crate) model: Option<&'a str>,
    /// The tier it was served in.
    pub(crate) tier: Option<&'a str>,
    /// When it was made.
    pub(crate) at: SystemTime,
    /// Passes by other models within the response.
    pub(crate) passes: &'a [Pass],
}

/// What the price table makes of a response.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quote {
    /// The entry used.
    pub(crate) entry: Option<String>,
    /// Why there is no price, or what to know about it.
    pub(crate) note: Option<String>,
    pub(crate) parts: Option<Parts>,
    /// Something used has no price: the sum is the least it cost.
    pub(crate) lower_bound: bool,
}

/// US dollars, by what they were paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) input: Decimal,
    pub(crate) cache_read: Decimal,
    pub(crate) cache_write: Decimal,
    pub(crate) output: Decimal,
    pub(crate) other: Decimal,
}

impl Parts {
    pub(crate) fn total(&self) -> Decimal {
        self.input + self.cache_read + self.cache_write + self.output + self.other
    }
}

impl PriceBook {
    /// Reads the user's price files; the built-in table is read when a price is wanted.
    ///
    /// # Errors
    /// A sentence that names the file, and the line and column where it is broken.
    pub(crate) fn open(_files: &[PathBuf]) -> Result<Self, String> {
        Ok(Self::default())
    }

    /// Loads what a quote for this model will need, so that it is there when the response ends.
    pub(crate) fn prepare(&self, _provider: Option<&str>, _model: Option<&str>) {}

    /// What `usage` costs.
    pub(crate) fn quote(&self, _query: &Query<'_>, _usage: &Usage) -> Quote {
        Quote::default()
    }
}
