//! The house: which file of `src` may use which. Arrows run down only, and nowhere in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the entrance down. A room uses those below it, and of its own row nothing but itself.
const ROWS: &[&[&str]] = &[
    &["main"],
    &["lib"],
    &["command"],
    &["cli"],
    &["saved", "curl", "metered", "redact"],
    &["record"],
    &["pipe"],
    &["price"],
    &["meter"],
    &[
        "fd", "nearest", "object", "secret", "system", "text", "word",
    ],
];

/// What a row would allow, and the house does not.
const NEVER: &[(&str, &str)] = &[
    ("pipe", "price"),
    ("metered", "pipe"),
    ("meter", "fd"),
    ("curl", "pipe"),
    ("saved", "pipe"),
    ("record", "pipe"),
];

/// A module's path, as `["meter", "frame", "aws"]`; the crate's root is empty.
type Module = Vec<String>;

/// The files of `src` by their modules.
fn files() -> BTreeMap<Module, PathBuf> {
    fn walk(folder: &Path, within: &Module, found: &mut BTreeMap<Module, PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .expect("a name")
                .to_owned();
            let own = || {
                within
                    .iter()
                    .cloned()
                    .chain([name.clone()])
                    .collect::<Module>()
            };
            if path.is_dir() {
                walk(&path, &own(), found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let module = match name.as_str() {
                    "mod" => within.clone(),
                    "lib" => Module::new(),
                    _ => own(),
                };
                found.insert(module, path);
            }
        }
    }

    let mut found = BTreeMap::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &Module::new(),
        &mut found,
    );
    found
}

/// Source without comments, texts and test modules: what is left are the paths that the compiler follows.
fn bare(source: &str) -> String {
    let mut out = String::new();
    let bytes: Vec<char> = source.chars().collect();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let begins = |text: &str| {
            text.chars()
                .enumerate()
                .all(|(n, c)| rest.get(n) == Some(&c))
        };
        if begins("//") {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        } else if begins("/*") {
            let end = rest.windows(2).position(|pair| pair == ['*', '/']);
            at += end.map_or(rest.len(), |end| end + 2);
        } else if rest[0] == 'r' && !out.ends_with(is_word) && raw_text(rest).is_some() {
            at += raw_text(rest).expect("a text");
            out.push_str("\"\"");
        } else if rest[0] == '"' {
            let mut len = 1;
            while rest.get(len).is_some_and(|c| *c != '"') {
                len += if rest[len] == '\\' { 2 } else { 1 };
            }
            at += len + 1;
            out.push_str("\"\"");
        } else if begins("'\"'")
            || begins("'\\''")
            || begins("'\\\\'")
            || begins("'{'")
            || begins("'}'")
        {
            at += rest
                .iter()
                .skip(2)
                .position(|c| *c == '\'')
                .expect("its end")
                + 3;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    without_tests(&out)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How long a raw text is that begins so.
fn raw_text(source: &[char]) -> Option<usize> {
    let hashes = source[1..].iter().take_while(|c| **c == '#').count();
    if source.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let from = hashes + 2;
    let len = source[from..]
        .windows(end.len())
        .position(|part| part == end)?;
    Some(from + len + end.len())
}

/// Source without what is compiled for tests alone.
fn without_tests(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out += &rest[..at];
        rest = &rest[at..];
        let end = rest.find(['{', ';']).unwrap_or(rest.len() - 1);
        let mut len = end + 1;
        if rest[end..].starts_with('{') {
            let mut depth = 0_usize;
            for (at, c) in rest[end..].char_indices() {
                depth = match c {
                    '{' => depth + 1,
                    '}' => depth - 1,
                    _ => depth,
                };
                if depth == 0 {
                    len = end + at + 1;
                    break;
                }
            }
        }
        rest = &rest[len..];
    }
    out + rest
}

/// Every path that begins at the crate, the parent, the module itself, or one of its children.
fn paths(source: &str, children: &BTreeSet<&str>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if len == 0 {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let (word, tail) = rest.split_at(len);
        let begins = matches!(word, "crate" | "super" | "self") || children.contains(word);
        let before = source[..at].trim_end();
        // Who may see something is no use of it.
        let begins = begins && !before.ends_with("pub(in");
        if begins && tail.starts_with("::") && !before.ends_with("::") && !before.ends_with('.') {
            tree(&tail[2..], vec![word.to_owned()], &mut found);
        }
        at += len;
    }
    found
}

/// The paths of a tree, as in `a::{b, c::d}`. Gives how long it is.
fn tree(source: &str, mut path: Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let blank = source.len() - source.trim_start().len();
    let text = &source[blank..];
    if let Some(inner) = text.strip_prefix('{') {
        let mut at = 0;
        loop {
            let rest = &inner[at..];
            at += rest.len() - rest.trim_start_matches([' ', '\n', ',', '\t']).len();
            if at >= inner.len() || inner[at..].starts_with('}') {
                return blank + at + 2;
            }
            at += tree(&inner[at..], path.clone(), found).max(1);
        }
    }
    let len = text.find(|c| !is_word(c)).unwrap_or(text.len());
    path.push(text[..len].to_owned());
    match text[len..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c| is_word(c) || c == '{') => {
            blank + len + 2 + tree(rest, path, found)
        }
        _ => {
            found.push(path);
            blank + len
        }
    }
}

/// The file that a path of `module` leads into.
fn target(module: &Module, path: &[String], files: &BTreeMap<Module, PathBuf>) -> Module {
    let mut segments = path.iter().peekable();
    let mut at = match segments.next().map(String::as_str) {
        Some("crate") => Module::new(),
        Some("super") => module[..module.len().saturating_sub(1)].to_vec(),
        Some("self") => module.clone(),
        Some(child) => module.iter().cloned().chain([child.to_owned()]).collect(),
        None => module.clone(),
    };
    for segment in segments {
        if segment == "super" {
            at.pop();
            continue;
        }
        at.push(segment.clone());
        if !files.contains_key(&at) {
            at.pop();
            break;
        }
    }
    at
}

/// Which file uses which.
fn arrows() -> BTreeMap<Module, BTreeSet<Module>> {
    let files = files();
    let mut arrows = BTreeMap::new();
    for (module, path) in &files {
        let source = bare(&fs::read_to_string(path).expect("source"));
        let is_child =
            |other: &&Module| other.len() == module.len() + 1 && other.starts_with(module);
        let children = files
            .keys()
            .filter(is_child)
            .map(|child| child.last().expect("a name").as_str());
        let children: BTreeSet<&str> = children.collect();
        let used = paths(&source, &children).into_iter();
        let used = used.map(|path| target(module, &path, &files));
        arrows.insert(
            module.clone(),
            used.filter(|other| other != module).collect(),
        );
    }
    arrows
}

fn name(module: &Module) -> String {
    match module.as_slice() {
        [] => "lib".to_owned(),
        module => module.join("::"),
    }
}

/// A circle that leads from a file back to it, if there is one.
fn circle(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<String>> {
    fn visit<'a>(
        at: &'a Module,
        arrows: &'a BTreeMap<Module, BTreeSet<Module>>,
        done: &mut BTreeSet<&'a Module>,
        way: &mut Vec<&'a Module>,
    ) -> Option<Vec<String>> {
        if let Some(from) = way.iter().position(|module| *module == at) {
            return Some(
                way[from..]
                    .iter()
                    .chain([&at])
                    .map(|module| name(module))
                    .collect(),
            );
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let found = arrows[at]
            .iter()
            .find_map(|next| visit(next, arrows, done, way));
        way.pop();
        found
    }

    let mut done = BTreeSet::new();
    arrows
        .keys()
        .find_map(|module| visit(module, arrows, &mut done, &mut Vec::new()))
}

/// Arrows between rooms that do not run down.
fn upward(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<String> {
    let room = |module: &Module| module.first().map_or("lib", String::as_str).to_owned();
    let row = |room: &str| {
        let row = ROWS.iter().position(|row| row.contains(&room));
        row.unwrap_or_else(|| panic!("{room} stands in no row of the house"))
    };
    let mut wrong = Vec::new();
    for (from, all) in arrows {
        for to in all {
            let (above, below) = (room(from), room(to));
            let runs_down = above == below || row(&above) < row(&below);
            if !runs_down || NEVER.contains(&(&above, &below)) {
                wrong.push(format!("{} -> {}", name(from), name(to)));
            }
        }
    }
    wrong
}

#[test]
fn no_circles() {
    let arrows = arrows();
    assert!(arrows.len() > 80, "few files are read: {}", arrows.len());
    let count: usize = arrows.values().map(BTreeSet::len).sum();
    assert!(count > 300, "few arrows are found: {count}");
    if let Some(way) = circle(&arrows) {
        panic!("a circle: {}", way.join(" -> "));
    }
}

#[test]
fn arrows_run_down() {
    let wrong = upward(&arrows());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the tests above rest on: an arrow back is found, in whatever form it is written.
#[test]
fn a_back_arrow_is_found() {
    let files = files();
    let module = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let source = r#"
        use super::{json::{self, mend}, usage::Merge}; // use super::super::command::run;
        /* crate::cli::Cli */ const TEXT: &str = "crate::pipe::run"; const RAW: &str = r"super::x";
        fn f() { let _ = crate::record::Record::default(); aws::read(); self.aws::x(); let c = '"'; }
        #[cfg(test)] mod tests { use crate::pipe::run; }
        pub(in crate::meter) fn g(s: std::fmt::Formatter) {}
    "#;
    let found = paths(&bare(source), &BTreeSet::from(["aws"]));
    let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
    let want = [
        "super::json::self",
        "super::json::mend",
        "super::usage::Merge",
        "crate::record::Record::default",
        "aws::read",
    ];
    assert_eq!(found, want);
    let path: Vec<String> = module("super::frame::Framer");
    assert_eq!(
        target(&module("meter::mod_of_no_file"), &path, &files),
        module("meter::frame")
    );
    let mut arrows = arrows();
    let back = |arrows: &mut BTreeMap<Module, BTreeSet<Module>>, from: &str, to: &str| {
        arrows
            .get_mut(&module(from))
            .expect("a file")
            .insert(module(to));
    };
    back(&mut arrows, "price", "command");
    assert!(upward(&arrows).contains(&"price -> command".to_owned()));
    assert!(circle(&arrows).is_some());
}

/// Within a room, one name of a type means one thing.
#[test]
fn one_name_one_meaning() {
    let mut owners: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (module, path) in files() {
        if module == ["system", "portable"] {
            // Another system's twin of what stands beside it.
            continue;
        }
        let source = bare(&fs::read_to_string(&path).expect("source"));
        let words: Vec<&str> = source
            .split(|c: char| !is_word(c))
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let [kind, type_name] = pair else { continue };
            // An associated type has the name of its trait's.
            let declares = ["struct", "enum", "trait"].contains(kind);
            if declares && type_name.starts_with(char::is_uppercase) {
                let room = module.first().cloned().unwrap_or_default();
                let key = (room, (*type_name).to_owned());
                owners.entry(key).or_default().insert(name(&module));
            }
        }
    }
    assert!(owners.len() > 300, "only {} types", owners.len());
    let twice: Vec<_> = owners.iter().filter(|(_, of)| of.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}
