//! Finds the logs of coding agents where each keeps them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::saved::agent::roster::AGENTS;
use crate::saved::agent::{Agent, places};

/// What `--agents` asks for: all agents where it names none. Names that are none but lie here are paths, which the
/// option has swallowed.
///
/// # Errors
/// A sentence that says which names there are.
pub(super) fn asked(names: &[String]) -> Result<(Vec<&'static Agent>, Vec<PathBuf>)> {
    let of = |name: &str| AGENTS.iter().find(|agent| agent.name == name).copied();
    if names.is_empty() {
        return Ok((AGENTS.to_vec(), Vec::new()));
    }
    if names.iter().all(|name| of(name).is_none()) {
        let path = PathBuf::from(names.join(","));
        if path.exists() || path.as_os_str() == "-" {
            return Ok((AGENTS.to_vec(), vec![path]));
        }
    }
    let mut agents = Vec::new();
    for name in names {
        match of(name) {
            Some(agent) => agents.push(agent),
            None => {
                let known: Vec<_> = AGENTS.iter().map(|agent| agent.name).collect();
                bail!(
                    "--agents: there is no agent {name:?}: choose among {}",
                    known.join(", ")
                );
            }
        }
    }
    Ok((agents, Vec::new()))
}

/// The logs of these agents.
pub(super) fn logs(agents: &[&'static Agent]) -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var(name).ok();
    let home = std::env::home_dir();
    let mut logs = Vec::new();
    for agent in agents {
        for (folder, files) in places(agent, &variable, home.as_deref()) {
            if folder.is_file() {
                logs.push(folder);
                continue;
            }
            for file in files {
                let parts: Vec<_> = file.split('/').collect();
                expand(&folder, &parts, &mut logs);
            }
        }
    }
    logs.sort();
    logs.dedup();
    logs
}

/// Adds the files that a glob leads to, part by part: a folder is read only if all before it fits.
fn expand(folder: &Path, parts: &[&str], into: &mut Vec<PathBuf>) {
    let [part, rest @ ..] = parts else { return };
    if *part == "**" {
        let Some(fits) = rest.last().and_then(|name| matcher(name)) else {
            return;
        };
        let files = WalkDir::new(folder)
            .into_iter()
            .flatten()
            .filter(|entry| !entry.file_type().is_dir());
        into.extend(
            files
                .filter(|entry| fits.is_match(entry.file_name()))
                .map(walkdir::DirEntry::into_path),
        );
        return;
    }
    let mut go_on = |path: PathBuf| match rest {
        [] if path.is_file() => into.push(path),
        [] => {}
        rest => expand(&path, rest, into),
    };
    if !part.contains('*') {
        go_on(folder.join(part));
        return;
    }
    let Some(fits) = matcher(part) else { return };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| fits.is_match::<&OsStr>(&entry.file_name())) {
        go_on(entry.path());
    }
}

fn matcher(glob: &str) -> Option<GlobMatcher> {
    Some(GlobBuilder::new(glob).build().ok()?.compile_matcher())
}
