//! All that an agent's table may say.

use crate::meter::Measure;

/// A coding agent that keeps logs of its calls.
#[derive(Debug)]
pub(crate) struct Agent {
    /// As it stands in labels and in `--agents`.
    pub(crate) name: &'static str,
    /// Parts of a path that tell it from other agents that write the same forms.
    pub(super) folders: &'static [&'static str],
    /// Where it keeps its logs.
    pub(super) homes: &'static [Home],
    pub(super) forms: &'static [&'static Form],
}

/// Where an agent keeps logs.
#[derive(Debug)]
pub(super) struct Home {
    /// Environment variables that name the folder instead, each with what follows it there; several folders may
    /// stand in one, with commas between.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Where it is in the user's home otherwise.
    pub(super) folders: &'static [&'static str],
    /// What its logs are called, as globs from that folder on.
    pub(super) files: &'static [&'static str],
}

/// Makes another object of one; `None` where it has no such form.
pub(super) type Unfold = fn(&[u8]) -> Option<Vec<u8>>;

/// A form in which calls are written.
#[derive(Debug)]
pub(super) struct Form {
    /// The record's `api`.
    pub(super) api: &'static str,
    pub(super) shape: Shape,
    /// It is this form where all conditions of any of these hold for an object near the beginning.
    pub(super) signs: &'static [&'static [Condition]],
    /// A row that holds none of these says nothing; empty where any row may.
    pub(super) needles: &'static [&'static str],
    pub(super) rows: &'static [Row],
    pub(super) tally: Tally,
    /// What names the session where no row does.
    pub(super) session: Named,
    /// Ids are nobody else's, however short they are.
    pub(super) unique: bool,
    /// Makes of a row the object that the paths lead through.
    pub(super) unfold: Option<Unfold>,
    /// It is printed for whoever started the agent, not kept: in a pipe all calls of a model are one record.
    pub(super) printed: bool,
}

/// A form with nothing in it.
pub(super) const PLAIN: Form = Form {
    api: "",
    shape: Shape::Lines,
    signs: &[],
    needles: &[],
    rows: &[],
    tally: Tally::Each,
    session: Named::Nowhere,
    unique: false,
    unfold: None,
    printed: false,
};

/// What rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// Each line of CSV below a header that has these columns.
    Csv(&'static [&'static str]),
    /// The elements of the array that is the whole, or of those in these members; and what is beside them.
    Items(&'static [&'static [&'static str]]),
    /// Each line.
    Lines,
    /// Each row of a table in an SQLite database that has these columns.
    Table(&'static str, &'static [&'static str]),
    /// The one object there is.
    Whole,
}

/// What of a file's path names the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Named {
    /// The folder it is in.
    Folder,
    Nowhere,
    /// Its name up to the first dot.
    Stem,
}

/// What stands at a path: one of these strings, or anything but null where none is named.
pub(super) type Condition = (&'static str, &'static [&'static str]);

/// A kind of row, and what it says.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) when: &'static [Condition],
    /// What stands where. Of several paths to the same fact the first that leads to one counts.
    pub(super) facts: &'static [(Fact, &'static str)],
    /// An object whose members are models, each with what it used: the paths of counts and costs begin there.
    pub(super) models: Option<&'static str>,
    /// Of rows that tell the same call, or are of the same group, those of the lowest rank count.
    pub(super) rank: u8,
    /// Nothing is under way after it. Where rows of a form end something, what has no such row was cut short.
    pub(super) ends: bool,
}

/// A row with nothing in it.
pub(super) const ROW: Row = Row {
    when: &[],
    facts: &[],
    models: None,
    rank: 0,
    ends: false,
};

/// Something a row says. What a row without counts says holds for the rows after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fact {
    /// What the agent says it cost, in US dollars; zero says nothing.
    Cost,
    Count(Measure, Relation),
    /// What failed, in the agent's words.
    Failure,
    /// Why generation stopped.
    Finish,
    /// The name of the project's folder.
    Folder,
    /// The session that this one began with a copy of.
    Fork,
    /// What rows of different ranks have in common.
    Group,
    /// The call.
    Id,
    /// The model's message as Anthropic's API writes it: it is counted where no final usage follows.
    Message,
    Model,
    /// Where the project is.
    Project,
    Provider,
    /// Stands for the id where there is none.
    Request,
    /// A count of all that the session has used up to this call.
    Running(Measure),
    Session,
    Tier,
    /// When: RFC 3339, seconds, milliseconds or nanoseconds since 1970, or seconds and nanoseconds.
    Time,
    /// The object that the counts stand in.
    Usage,
    /// All tokens of the call, as stated.
    Whole,
}

/// How a count relates to the total of its side, all input or all output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Relation {
    /// To be added to it.
    Beside,
    /// To be added to it where the stated total has room for it.
    IfRoom,
    /// To be added to it unless the stated total has no room for it.
    UnlessFull,
    /// Contained in it already, or the side itself.
    Within,
}

/// Which rows are calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tally {
    /// Every one.
    Each,
    /// Rows of the same id are one: the one with the greatest output.
    Last,
    /// Of each group, the rows of the lowest rank; of those of one id the last.
    Ranked,
    /// A row that adds nothing to the running counts is none.
    Running,
}
