//! How a cost is known.

words! {
    /// How a cost is known.
    pub enum CostBasis {
        /// From the counts that the provider stated, by the price table.
        Computed = "computed",
        /// From counts that are estimates.
        Estimated = "estimated",
        /// From a part of what was used: the rest is unknown or hidden.
        LowerBound = "lower_bound",
        /// Stated by the provider.
        Reported = "reported",
    }
}

impl CostBasis {
    /// What stands before such a cost where people read it.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Estimated => "≈ ",
            Self::LowerBound => "≥ ",
            Self::Computed | Self::Reported => "",
        }
    }
}
