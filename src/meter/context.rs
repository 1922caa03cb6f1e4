//! What the caller knows that the stream may not say.

use super::exchange::finish::Ending;
use super::request::Request;

/// What the caller knows that the stream may not say.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    /// The model that answers, whatever the stream says.
    pub model: Option<String>,
    /// Who answers, whatever the stream says.
    pub provider: Option<String>,
    /// The requests in the order of their responses. The last one counts for all that follow.
    pub requests: Vec<Request>,
}

impl Context {
    pub(crate) fn ending(&self, number: u64, followed: bool) -> Ending<'_> {
        let own = usize::try_from(number)
            .ok()
            .and_then(|at| self.requests.get(at));
        Ending {
            model: self.model.as_deref(),
            provider: self.provider.as_deref(),
            request: own.or(self.requests.last()),
            followed,
        }
    }
}
