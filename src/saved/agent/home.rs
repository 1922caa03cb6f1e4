//! Where agents keep their logs on this machine.

use std::path::{Path, PathBuf};

use super::rule::{Agent, Home};

/// A folder that may hold an agent's logs, and what they are called, as globs from there on.
pub(crate) type Folder = (PathBuf, &'static [&'static str]);

/// Where an agent keeps its logs: where its environment variables say, else in the user's home.
pub(crate) fn places(
    agent: &Agent,
    variable: &dyn Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Vec<Folder> {
    let of = |place: &Home| {
        let folders = named(place, variable).unwrap_or_else(|| {
            let own = |folder: &&str| Some(home?.join(folder));
            place.folders.iter().filter_map(own).collect()
        });
        folders
            .into_iter()
            .map(|folder| (folder, place.files))
            .collect::<Vec<_>>()
    };
    agent.homes.iter().flat_map(of).collect()
}

/// The folders that the first variable names which is set.
fn named(place: &Home, variable: &dyn Fn(&str) -> Option<String>) -> Option<Vec<PathBuf>> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let mut variables = place.variables.iter();
    let (name, value) = variables.find_map(|(name, _)| Some((*name, set(name)?)))?;
    let within = place.variables.iter().filter(|(own, _)| *own == name);
    let folders = within.flat_map(|(_, within)| {
        let each = value
            .split(',')
            .map(str::trim)
            .filter(|folder| !folder.is_empty());
        each.map(move |folder| {
            let folder = Path::new(folder);
            // Some name the folder above, some the very one.
            if within.is_empty() || folder.ends_with(within) {
                folder.to_owned()
            } else {
                folder.join(within)
            }
        })
    });
    Some(folders.collect())
}

#[cfg(test)]
mod tests {
    use super::super::roster::AGENTS;
    use super::*;

    fn folders(agent: &str, set: &[(&str, &str)]) -> Vec<String> {
        let agent = AGENTS
            .iter()
            .find(|own| own.name == agent)
            .expect("an agent");
        let variable = |name: &str| {
            let mut set = set.iter();
            set.find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let places = places(agent, &variable, Some(Path::new("/home/me")));
        places
            .into_iter()
            .map(|(folder, _)| folder.display().to_string())
            .collect()
    }

    #[test]
    fn variables_move_homes() {
        let plain = [
            "/home/me/.claude/projects",
            "/home/me/.config/claude/projects",
        ];
        assert_eq!(folders("claude", &[]), plain);
        assert_eq!(folders("claude", &[("CLAUDE_CONFIG_DIR", " ")]), plain);
        assert_eq!(
            folders("claude", &[("CLAUDE_CONFIG_DIR", "/a, /b/projects")]),
            ["/a/projects", "/b/projects"]
        );
        assert_eq!(
            folders("codex", &[("CODEX_HOME", "/c")]),
            ["/c/sessions", "/c/archived_sessions"]
        );
        assert_eq!(
            folders("opencode", &[("XDG_DATA_HOME", "/x")]),
            ["/x/opencode"]
        );
        assert_eq!(
            folders(
                "opencode",
                &[("XDG_DATA_HOME", "/x"), ("OPENCODE_DATA_DIR", "/o")]
            ),
            ["/o"]
        );
        assert!(folders("cursor", &[]).is_empty());
    }
}
