//! Every agent whose logs are read: a new one is a file beside this one and a line here.

use super::rule::Agent;
use super::{
    amp, claude, cline, codex, continue_dev, copilot, cursor, droid, gemini, goose, kimi, opencode,
    pi, qwen,
};

/// Every agent. A form that fits several is the first one's, unless the path says otherwise.
pub(crate) static AGENTS: &[&Agent] = &[
    &qwen::AGENT,
    &claude::AGENT,
    &codex::AGENT,
    &gemini::AGENT,
    &opencode::AGENT,
    &copilot::AGENT,
    &cline::CLINE,
    &cline::ROO,
    &cline::KILO,
    &cursor::AGENT,
    &goose::AGENT,
    &amp::AGENT,
    &droid::AGENT,
    &pi::PI,
    &pi::OPENCLAW,
    &kimi::AGENT,
    &continue_dev::AGENT,
];
