//! Calls that a forked session has copied from the one it began with: whose they are is known once all logs were read.

use std::collections::HashMap;

use super::ledger::Ledger;
use crate::record::Record;

/// Copied calls, each once for each session that they may be of.
#[derive(Default)]
pub(super) struct Copies {
    /// Which session a session began with.
    parents: HashMap<String, String>,
    held: HashMap<String, Record>,
}

/// No chain of forks is longer.
const LONGEST: usize = 1000;

impl Copies {
    /// Holds a call that a session has copied from its parent; its id is that of the parent's call.
    pub(super) fn hold(&mut self, parent: &str, record: Record) {
        if let Some(session) = record.labels.get("session") {
            self.parents
                .entry(session.to_owned())
                .or_insert_with(|| parent.to_owned());
        }
        if let Some(id) = record.response_id.clone() {
            self.held.entry(id).or_insert(record);
        }
    }

    /// The calls that no log of an earlier session has, each under the id that it has in the earliest.
    pub(super) fn orphans(self, ledger: &Ledger) -> Vec<Record> {
        let Self { parents, held } = self;
        let mut orphans: HashMap<String, Record> = HashMap::new();
        'held: for (id, mut record) in held {
            let Some((owner, call)) = id.rsplit_once('/') else {
                continue;
            };
            let (mut owner, mut last) = (Some(owner), id.clone());
            for _ in 0..LONGEST {
                let Some(session) = owner else { break };
                last = format!("{session}/{call}");
                if ledger.has(&last) {
                    continue 'held;
                }
                owner = parents.get(session).map(String::as_str);
            }
            record.response_id = Some(last.clone());
            orphans.entry(last).or_insert(record);
        }
        orphans.into_values().collect()
    }
}
