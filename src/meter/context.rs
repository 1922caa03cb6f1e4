//! What the caller knows that the stream may not say.

use super::exchange::finish::Ending;
use super::request::Request;

/// What the caller knows that the stream may not say.
///
/// ```
/// use tokensense::{Context, Request};
///
/// let request = Request::parse(br#"{"messages":[{"role":"user","content":"Hi"}]}"#);
/// let context = Context::default().with_model("my-deployment").with_provider("azure");
/// let context = context.with_requests(request);
/// assert_eq!(context.requests.len(), 1);
/// ```
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
    /// Names the model that answers.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Names who answers, as prices do: `openai`, `azure`, `anthropic`.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Adds requests, in the order of their responses.
    #[must_use]
    pub fn with_requests(mut self, requests: impl IntoIterator<Item = Request>) -> Self {
        self.requests.extend(requests);
        self
    }

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
