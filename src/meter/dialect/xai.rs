//! xAI: reasoning beside the completion, cost in ticks of 1e-10 dollars.
//!
//! <https://docs.x.ai/developers/cost-tracking>

use super::openai_chat::BASE;
use super::rule::{Dialect, Done, Test};

pub(crate) static XAI: Dialect = Dialect {
    provider: "x-ai",
    signs: &[
        &[
            Test::Array("choices"),
            Test::Has("usage.cost_in_usd_ticks"),
            Test::Lacks("prompt_filter_results"),
        ],
        &[
            Test::Array("choices"),
            Test::Has("usage.num_sources_used"),
            Test::Lacks("prompt_filter_results"),
        ],
    ],
    done: Done::Marker,
    generic: false,
    ..BASE
};
