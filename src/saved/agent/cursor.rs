//! Cursor: the CSV of usage events that its dashboard exports. What was written to the cache, what was neither written
//! nor read, and what was read stand side by side.

use super::rule::Fact::*;
use super::rule::Relation::{Beside, Within};
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "cursor",
    folders: &[],
    // It keeps none on this machine: the file is downloaded.
    homes: &[Home {
        variables: &[("CURSOR_USAGE_DIR", "")],
        folders: &[],
        files: &["**/*.csv"],
    }],
    forms: &[&EVENTS],
};

static EVENTS: Form = Form {
    api: "cursor.events",
    shape: Shape::Csv(&[
        "Date",
        "Model",
        "Input (w/ Cache Write)",
        "Input (w/o Cache Write)",
        "Cache Read",
        "Output Tokens",
    ]),
    rows: &[Row {
        facts: &[
            (Count(Input, Within), "Input (w/o Cache Write)"),
            (Count(CacheWrite, Beside), "Input (w/ Cache Write)"),
            (Count(CacheRead, Beside), "Cache Read"),
            (Count(Output, Within), "Output Tokens"),
            (Model, "Model"),
            (Time, "Date"),
            (Cost, "Cost"),
            (Cost, "Cost ($)"),
            (Cost, "Cost to you"),
        ],
        ..ROW
    }],
    ..PLAIN
};
