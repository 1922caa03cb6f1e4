//! What coding agents log: one file per agent beside this one, each a table, and one reader of tables.

mod amp;
mod call;
mod claude;
mod cline;
mod codex;
mod continue_dev;
mod copilot;
mod cursor;
mod droid;
mod gemini;
mod goose;
mod home;
mod kimi;
mod opencode;
mod pi;
mod qwen;
mod reader;
mod ready;
pub(crate) mod roster;
mod rule;
mod split;
mod spoken;
pub(super) mod sqlite;
mod walk;

use std::path::Path;
use std::sync::OnceLock;

use memchr::memchr;

use super::found::Reader;
pub(crate) use home::places;
use reader::AgentLog;
use ready::{Sign, conditions, hold};
use roster::AGENTS;
pub(crate) use rule::Agent;
use rule::{Form, Shape};
use walk::{Spans, Tree};

/// Lines of a log that are looked at for what it is.
const LINES: usize = 16;

/// The signs of all forms, made ready for one walk.
struct Signs {
    tree: Tree,
    forms: Vec<(&'static Agent, &'static Form, Vec<Sign>)>,
}

fn signs() -> &'static Signs {
    static SIGNS: OnceLock<Signs> = OnceLock::new();
    SIGNS.get_or_init(|| {
        let mut tree = Tree::default();
        let mut forms = Vec::new();
        for agent in AGENTS {
            for form in agent.forms {
                let signs = form.signs.iter().map(|sign| conditions(sign, &mut tree));
                forms.push((*agent, *form, signs.collect()));
            }
        }
        Signs { tree, forms }
    })
}

/// The reader for what an agent prints, or for its log, as it comes through a pipe.
pub(crate) fn in_pipe(beginning: &[u8]) -> Option<Box<dyn Reader>> {
    Some(Box::new(reader(beginning, None)?.in_pipe()))
}

/// The reader for an agent's log that begins so. A database is read from its path, if it has one: its bytes are then
/// fed and ignored.
pub(crate) fn recognise(beginning: &[u8], path: Option<&Path>) -> Option<Box<dyn Reader>> {
    Some(Box::new(reader(beginning, path)?))
}

fn reader(beginning: &[u8], path: Option<&Path>) -> Option<AgentLog> {
    let text = beginning
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(beginning)
        .trim_ascii_start();
    let (agent, form) = match text.first()? {
        b'{' => object(text),
        b'[' => element(text[1..].trim_ascii_start()),
        b'S' if text.starts_with(sqlite::MAGIC) => table(path?),
        _ => csv(text),
    }?;
    Some(AgentLog::new(owner(agent, form, path), form, path))
}

/// Of the agents that write a form, the one whose folder the log lies in.
fn owner(agent: &'static Agent, form: &'static Form, path: Option<&Path>) -> &'static Agent {
    let Some(path) = path else { return agent };
    let lies_there = |agent: &&&'static Agent| {
        let mut parts = path.iter().filter_map(|part| part.to_str());
        let writes = agent.forms.iter().any(|own| std::ptr::eq(*own, form));
        writes && parts.any(|part| agent.folders.contains(&part))
    };
    AGENTS.iter().find(lies_there).copied().unwrap_or(agent)
}

type Found = Option<(&'static Agent, &'static Form)>;

/// The form whose signs an object bears.
fn form_of(text: &[u8], fits: impl Fn(Shape) -> bool) -> Found {
    let signs = signs();
    let mut spans = Spans::new();
    let _ = signs.tree.walk(text, &mut spans);
    if spans.iter().all(Option::is_none) {
        return None;
    }
    let bears = |all: &[Sign]| all.iter().any(|sign| hold(sign, text, &spans));
    let mut forms = signs.forms.iter();
    let found = forms.find(|(_, form, all)| fits(form.shape) && bears(all))?;
    Some((found.0, found.1))
}

/// An object, or a line that is one.
fn object(text: &[u8]) -> Found {
    let end = |text: &[u8]| memchr(b'\n', text).unwrap_or(text.len());
    let first = &text[..end(text)];
    // An object over several lines opens with hardly more than its brace.
    let is_line = |line: &[u8]| line.len() == text.len() || line.trim_ascii_end().ends_with(b"}");
    let of_first = form_of(text, |shape| match shape {
        Shape::Lines => is_line(first),
        Shape::Items(_) | Shape::Whole => true,
        Shape::Csv(_) | Shape::Table(..) => false,
    });
    if of_first.is_some() || !is_line(first) {
        return of_first;
    }
    let rest = text.get(first.len() + 1..)?;
    rest.split(|b| *b == b'\n')
        .take(LINES)
        .find_map(|line| form_of(line, |shape| shape == Shape::Lines))
}

/// The first element of an array.
fn element(text: &[u8]) -> Found {
    form_of(text, |shape| shape == Shape::Items(&[]))
}

fn csv(text: &[u8]) -> Found {
    let header = std::str::from_utf8(&text[..memchr(b'\n', text)?]).ok()?;
    let names = |form: &Form| match form.shape {
        Shape::Csv(names) => names.iter().all(|name| header.contains(name)),
        _ => false,
    };
    let forms = AGENTS
        .iter()
        .flat_map(|agent| agent.forms.iter().map(|form| (*agent, *form)));
    forms.into_iter().find(|(_, form)| names(form))
}

fn table(path: &Path) -> Found {
    let tables = sqlite::tables(path);
    let holds = |form: &Form| match form.shape {
        Shape::Table(table, columns) => tables.iter().any(|(name, own)| {
            name == table
                && columns
                    .iter()
                    .all(|column| own.iter().any(|own| own == column))
        }),
        _ => false,
    };
    let forms = AGENTS
        .iter()
        .flat_map(|agent| agent.forms.iter().map(|form| (*agent, *form)));
    forms.into_iter().find(|(_, form)| holds(form))
}

/// Whether ids in records of this API are nobody else's, however short they are.
pub(crate) fn has_unique_ids(api: &str) -> bool {
    let mut forms = AGENTS.iter().flat_map(|agent| agent.forms);
    forms.any(|form| form.unique && form.api == api)
}
