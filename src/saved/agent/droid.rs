//! Droid: the settings of a session, with all that it has used.

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, Named, PLAIN, ROW, Row, Shape};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "droid",
    folders: &[".factory"],
    homes: &[Home {
        variables: &[("DROID_SESSIONS_DIR", "")],
        folders: &[".factory/sessions"],
        files: &["**/*.settings.json"],
    }],
    forms: &[&SETTINGS],
};

static SETTINGS: Form = Form {
    api: "droid.session",
    shape: Shape::Whole,
    signs: &[
        &[
            ("tokenUsage.inputTokens", &[]),
            ("tokenUsage.outputTokens", &[]),
        ],
        &[("providerLock", &[]), ("model", &[])],
    ],
    rows: &[Row {
        when: &[("tokenUsage", &[])],
        facts: &[
            (Usage, "tokenUsage"),
            (Count(Input, Within), "tokenUsage.inputTokens"),
            (Count(CacheRead, Beside), "tokenUsage.cacheReadTokens"),
            (Count(CacheWrite, Beside), "tokenUsage.cacheCreationTokens"),
            (Count(Output, Within), "tokenUsage.outputTokens"),
            (Count(Reasoning, Beside), "tokenUsage.thinkingTokens"),
            (Model, "model"),
            (Provider, "providerLock"),
            (Time, "providerLockTimestamp"),
            (Id, "sessionId"),
            (Request, "providerLockTimestamp"),
        ],
        ..ROW
    }],
    session: Named::Stem,
    ..PLAIN
};
