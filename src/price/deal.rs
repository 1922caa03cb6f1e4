//! What the user knows of a bill that no stream says: a service tier, a region, discounts.

use rust_decimal::Decimal;

use super::name;

/// The user's own terms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deal {
    /// The service tier of responses that do not say theirs.
    pub tier: Option<String>,
    /// Where responses are made, if nothing else tells.
    pub region: Option<String>,
    /// By provider, and without one for all others: percent off what is computed; less than nothing is a premium.
    discounts: Vec<(Option<String>, Decimal)>,
}

impl Deal {
    /// Reads discounts: `12%`, or by provider `openai=12%,anthropic=5%`. Of several for one provider the last counts.
    ///
    /// # Errors
    /// What is wrong with the one that cannot be understood.
    pub fn discounted(mut self, text: &str) -> Result<Self, String> {
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (provider, percent) = match part.split_once('=') {
                Some((provider, percent)) => (Some(provider.trim()), percent.trim()),
                None => (None, part),
            };
            if provider == Some("") {
                return Err(format!("{part:?} has no provider before ="));
            }
            let number = percent.strip_suffix('%').unwrap_or(percent).trim_end();
            let percent: Decimal = number
                .parse()
                .map_err(|_| format!("{part:?} is not a percentage such as 12% or openai=12%"))?;
            if percent > Decimal::ONE_HUNDRED || percent < -Decimal::ONE_THOUSAND {
                return Err(format!("{part:?} is not between -1000% and 100%"));
            }
            let provider = provider.map(|name| name::provider(name).into_owned());
            self.discounts.retain(|(known, _)| *known != provider);
            self.discounts.push((provider, percent.normalize()));
        }
        Ok(self)
    }

    /// The percentage taken off a provider's prices, if any is.
    pub(super) fn discount(&self, provider: &str) -> Option<Decimal> {
        let of = |wanted: Option<&str>| {
            let mut all = self.discounts.iter();
            all.find(|(known, _)| known.as_deref() == wanted)
                .map(|(_, percent)| *percent)
        };
        of(Some(provider))
            .or_else(|| of(None))
            .filter(|percent| !percent.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_are_read() {
        let read = |text: &str| Deal::default().discounted(text);
        let deal = read("openai=12%, vertex_ai=5 ,3.5%").expect("discounts");
        for (provider, want) in [("openai", "12"), ("google", "5"), ("groq", "3.5")] {
            assert_eq!(deal.discount(provider), want.parse().ok(), "{provider}");
        }
        let deal = read("openai=0%,10").expect("discounts");
        assert_eq!(deal.discount("openai"), None);
        assert_eq!(read("").expect("none").discount("openai"), None);
        for wrong in [
            "x", "openai", "openai=", "=5%", "101%", "5%%", "-1001", "1e3x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
