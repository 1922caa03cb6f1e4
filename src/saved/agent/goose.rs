//! Goose: an SQLite row for each session, with the counts of the last call and those of all.
//!
//! <https://github.com/block/goose/blob/main/crates/goose/src/session/session_manager.rs>

use super::rule::Fact::*;
use super::rule::Relation::Within;
use super::rule::{Agent, Form, Home, PLAIN, ROW, Row, Shape};
use crate::meter::Measure::*;

pub(super) static AGENT: Agent = Agent {
    name: "goose",
    folders: &["goose"],
    homes: &[Home {
        variables: &[
            ("GOOSE_PATH_ROOT", "data/sessions"),
            ("XDG_DATA_HOME", "goose/sessions"),
        ],
        folders: &[
            ".local/share/goose/sessions",
            "Library/Application Support/goose/sessions",
            ".local/share/Block/goose/sessions",
        ],
        files: &["sessions.db"],
    }],
    forms: &[&SESSIONS],
};

static SESSIONS: Form = Form {
    api: "goose.session",
    shape: Shape::Table(
        "sessions",
        &[
            "id",
            "accumulated_input_tokens",
            "accumulated_output_tokens",
        ],
    ),
    rows: &[Row {
        facts: &[
            (Count(Input, Within), "accumulated_input_tokens"),
            (Count(Input, Within), "input_tokens"),
            (Count(Output, Within), "accumulated_output_tokens"),
            (Count(Output, Within), "output_tokens"),
            (Model, "model_config_json.model_name"),
            (Provider, "provider_name"),
            (Id, "id"),
            (Session, "id"),
            (Project, "working_dir"),
            (Time, "created_at"),
        ],
        ..ROW
    }],
    ..PLAIN
};
