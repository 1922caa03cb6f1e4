//! What curl reads before its arguments: `.curlrc`, as far as it matters to a request's body.

use std::path::PathBuf;

use super::args::{Flag, flags, short};
use super::inject;

/// What a configuration adds to a command.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Config {
    /// It has a part in what is sent that cannot be told.
    pub(super) unclear: bool,
    /// A header of it holds for one body alone.
    pub(super) seals: bool,
    /// It may have requests made again.
    pub(super) repeats: bool,
    /// It has something to say of where headers go.
    pub(super) headers: bool,
}

/// Options that have a part in the body, or in which requests there are.
const PARTS: &[&str] = &[
    "config",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "form",
    "form-string",
    "get",
    "head",
    "json",
    "next",
    "request-target",
    "upload-file",
    "url",
    "variable",
];

/// Options that say where headers go.
pub(super) const HEADERS: &[&str] = &["dump-header", "include", "show-headers"];

impl Config {
    /// Reads the user's own; where there is none, it adds nothing.
    pub(super) fn of_user() -> Self {
        let folder = |name| {
            std::env::var_os(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        let (home, shared) = (folder("HOME"), folder("XDG_CONFIG_HOME"));
        let places = [
            folder("CURL_HOME").map(|path| path.join(".curlrc")),
            shared.as_ref().map(|path| path.join("curlrc")),
            shared.as_ref().map(|path| path.join(".curlrc")),
            home.as_ref().map(|path| path.join(".curlrc")),
            home.as_ref().map(|path| path.join(".config/curlrc")),
        ];
        // curl takes the first; which one that is differs a little between its versions, so that all of them count.
        places
            .into_iter()
            .flatten()
            .filter_map(|path| std::fs::read(path).ok())
            .map(|text| Self::read(&String::from_utf8_lossy(&text)))
            .fold(Self::default(), |all, one| Self {
                unclear: all.unclear || one.unclear,
                seals: all.seals || one.seals,
                repeats: all.repeats || one.repeats,
                headers: all.headers || one.headers,
            })
    }

    /// Reads options, one on each line.
    fn read(text: &str) -> Self {
        let mut config = Self::default();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, value) =
                line.split_at(line.find([' ', '\t', '=', ':']).unwrap_or(line.len()));
            match option(word) {
                None => config.unclear = true,
                Some(flag) if PARTS.contains(&flag.name) => config.unclear = true,
                Some(flag) if flag.name == "retry" => config.repeats = true,
                Some(flag) if HEADERS.contains(&flag.name) => config.headers = true,
                Some(flag) if flag.name == "header" => {
                    let value = value
                        .trim_start_matches([' ', '\t', '=', ':'])
                        .trim_matches('"');
                    config.seals |= inject::header_seals(value.as_bytes());
                }
                Some(_) => {}
            }
        }
        config
    }
}

/// The option that a line names, with dashes or without.
fn option(word: &str) -> Option<Flag> {
    let name = word.trim_start_matches('-');
    let name = name.strip_prefix("no-").unwrap_or(name);
    if word.starts_with('-') && !word.starts_with("--") {
        // Several in one word cannot be told from one with its value.
        return match name.as_bytes() {
            [letter] => short(*letter),
            _ => None,
        };
    }
    flags().find(|flag| flag.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_seen() {
        let headers = Config {
            headers: true,
            ..Config::default()
        };
        let (unclear, seals, repeats) = (
            Config {
                unclear: true,
                ..Config::default()
            },
            Config {
                seals: true,
                ..Config::default()
            },
            Config {
                repeats: true,
                ..Config::default()
            },
        );
        for (text, want) in [
            (
                "# data = x\n\nsilent\n-s\nuser-agent = \"x\"\n--location\nmax-time 5\n",
                Config::default(),
            ),
            ("data = x", unclear),
            ("-d x", unclear),
            ("-sd x", unclear),
            ("no-such-option", unclear),
            ("next", unclear),
            ("retry 3", repeats),
            ("include", headers),
            ("-D x", headers),
            ("header = \"Authorization: Bearer x\"", Config::default()),
            ("header = \"X-Amz-Content-Sha256: 0\"", seals),
            ("-H \"Authorization: AWS4-HMAC-SHA256 x\"", seals),
            ("header @/dev/fd/9", seals),
        ] {
            assert_eq!(Config::read(text), want, "{text}");
        }
    }
}
