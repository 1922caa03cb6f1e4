//! What a dialect is made of: rows that say which place in which event means what.

use super::super::estimate::transcript::Channel;
use super::super::json::Json;
use super::super::usage::Measure;
pub(crate) use super::super::usage::stated::Merge;

/// The grammar of one API's responses.
pub(crate) struct Dialect {
    /// The record's name for the API.
    pub(crate) api: &'static str,
    /// Who answers in this grammar; empty where many do.
    pub(crate) provider: &'static str,
    /// Who answers where only the model's name tells: patterns, in which `*` is anything and `#` a digit.
    pub(crate) makers: &'static [(&'static str, &'static str)],
    /// How an event is recognised: any of these. They are asked in the order of the roster.
    pub(crate) signs: &'static [Sign],
    /// How an event of the family is recognised, whoever sends it.
    pub(crate) family: &'static [Sign],
    /// Where an event states its type; where it does not, the type is the framing's own.
    pub(crate) kind: &'static str,
    /// How an event that begins a response is recognised.
    pub(crate) begins: &'static [Sign],
    /// How a JSON document is recognised as only a piece of a response.
    pub(crate) pieces: &'static [Sign],
    pub(crate) done: Done,
    pub(crate) rules: &'static [Rule],
    /// How usage objects of one response are merged.
    pub(crate) merge: Merge,
    /// The places of the counts in the merged usage object.
    pub(crate) usage: &'static [Field],
    /// Models that count otherwise than `usage` says; patterns as in `makers`.
    pub(crate) ways: &'static [(&'static str, Way)],
    /// Where the merged usage object lists passes by another model, with counts and a price of their own.
    pub(crate) passes: &'static str,
    /// The places of what the provider says it charged.
    pub(crate) charges: &'static [Charge],
    /// Another dialect may turn out to fit better as more of the response is seen.
    pub(crate) generic: bool,
}

/// A dialect that says nothing: what a table leaves out is as here.
pub(crate) const PLAIN: Dialect = Dialect {
    api: "",
    provider: "",
    makers: &[],
    signs: &[],
    family: &[],
    kind: "",
    begins: &[],
    pieces: &[],
    done: Done::Marker,
    rules: &[],
    merge: Merge::Keys,
    usage: &[],
    ways: &[],
    passes: "",
    charges: &[],
    generic: false,
};

/// How a model's counts differ from what its dialect's table says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// What may stand within a total or beside it stands beside it.
    Beside,
    /// Where more is cached than was asked, it stands beside the prompt.
    CacheBeside,
    /// What the grand total has beyond input and output is output too.
    RestIsOutput,
    /// Every count stands within its total, and the grand total tells nothing.
    Within,
}

/// All of these hold.
pub(crate) type Sign = &'static [Test];

/// One thing that tells dialects apart.
pub(crate) enum Test {
    /// There is an array here.
    Array(&'static str),
    /// There is a boolean here.
    Bool(&'static str),
    /// There is something other than null or false here.
    Has(&'static str),
    /// There is this text here.
    Is(&'static str, &'static str),
    /// There is a member here, be it null.
    Key(&'static str),
    /// There is nothing here, or null, or false.
    Lacks(&'static str),
    /// The framing gave the event this name.
    Named(&'static str),
    /// There are no other members here than these.
    Only(&'static str, &'static [&'static str]),
    /// There is an object here.
    Object(&'static str),
    /// There is a text here that begins so.
    Starts(&'static str, &'static str),
    /// There is a text here.
    Text(&'static str),
}

/// What ends a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Done {
    /// A finish reason will do: some servers send nothing after it.
    Finish,
    /// Only what a rule calls the end.
    Marker,
}

/// One row: what stands in these places means this.
pub(crate) struct Rule {
    /// In events of these types; in all if empty.
    pub(crate) on: &'static [&'static str],
    /// The first of them where there is something counts.
    pub(crate) paths: &'static [&'static str],
    pub(crate) means: Means,
}

/// What a value in a response means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Means {
    /// A text that names something charged by the piece, as a search: those that differ are counted, where the
    /// usage does not state how many there were.
    Call(Measure),
    /// When the response was made: Unix seconds, or RFC 3339.
    Created,
    /// The response is over.
    End,
    /// The API reports a failure.
    Error,
    Finish,
    /// How a response ended, where no reason came before.
    FinishElse,
    Id,
    Model,
    /// A part of the message is complete.
    Rest,
    /// The model that served the request in place of the one named before.
    Served,
    /// A piece of what was generated.
    Text(Channel),
    /// All that was generated, where no piece of it came before.
    TextElse(Channel),
    /// A piece, or all that was generated so far.
    TextSoFar(Channel),
    Tier,
    /// The name of a tool called: one more call.
    Tool,
    /// A usage object whose output is not yet a count.
    UsageSoFar,
    /// A usage object, or where a name is given, more usage to be kept under that name.
    Usage(&'static str),
    /// These keys of an object that is not all usage.
    UsageKeys(&'static [&'static str]),
}

/// Where one count stands in a provider's usage object.
pub(crate) struct Field {
    pub(crate) measure: Measure,
    /// The first of these that leads to a number counts; where it leads to several, their sum does.
    pub(crate) paths: &'static [&'static str],
    pub(crate) place: Relation,
}

/// How a count relates to the total of its side, [`Measure::Input`] or [`Measure::Output`].
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Relation {
    /// To be added to it.
    Beside,
    /// To be added to it if the stated grand total has room for it.
    ByTotal,
    /// Contained in it already.
    Within,
}

/// A count contained in the total of its side.
pub(crate) const fn within(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Relation::Within;
    Field {
        measure,
        paths,
        place,
    }
}

/// A count that the total of its side lacks.
pub(crate) const fn beside(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Relation::Beside;
    Field {
        measure,
        paths,
        place,
    }
}

/// A count that some servers put within and some beside; the grand total tells.
pub(crate) const fn by_total(measure: Measure, paths: &'static [&'static str]) -> Field {
    let place = Relation::ByTotal;
    Field {
        measure,
        paths,
        place,
    }
}

/// Where a usage object states money.
#[derive(Debug)]
pub(crate) struct Charge {
    /// A path.
    pub(crate) at: &'static str,
    /// A path to something that has to be true, or the currency.
    pub(crate) only_if: Option<&'static str>,
    /// It comes on top of others: of those that do not, the first counts.
    pub(crate) adds: bool,
    /// Whether zero is an amount: some state it where they do not charge by it.
    pub(crate) may_be_zero: bool,
    /// In US dollars ÷ 10 to this power.
    pub(crate) shift: u32,
}

/// An amount in US dollars.
pub(crate) const fn charge(at: &'static str) -> Charge {
    Charge {
        at,
        only_if: None,
        adds: false,
        may_be_zero: true,
        shift: 0,
    }
}

/// A row for events of every type.
pub(crate) const fn any(means: Means, paths: &'static [&'static str]) -> Rule {
    let on = &[];
    Rule { on, paths, means }
}

/// A row for events of certain types.
pub(crate) const fn on(
    on: &'static [&'static str],
    means: Means,
    paths: &'static [&'static str],
) -> Rule {
    Rule { on, paths, means }
}

impl Means {
    /// The channel of a text.
    pub(crate) fn channel(self) -> Option<Channel> {
        match self {
            Self::Text(channel) | Self::TextElse(channel) | Self::TextSoFar(channel) => {
                Some(channel)
            }
            _ => None,
        }
    }
}

impl Rule {
    /// Whether it holds for events of a type.
    pub(crate) fn applies(&self, kind: &str) -> bool {
        self.on.is_empty() || self.on.contains(&kind)
    }
}

/// Whether a name is of a pattern's form.
fn is_like(name: &[u8], pattern: &[u8]) -> bool {
    match (name.split_first(), pattern.split_first()) {
        (_, None) => name.is_empty(),
        (_, Some((b'*', rest))) => (0..=name.len()).any(|at| is_like(&name[at..], rest)),
        (None, Some(_)) => false,
        (Some((a, name)), Some((b'#', rest))) => a.is_ascii_digit() && is_like(name, rest),
        (Some((a, name)), Some((b, rest))) => a.eq_ignore_ascii_case(b) && is_like(name, rest),
    }
}

impl Dialect {
    /// Who answers in it, by a model of this name; empty where nothing tells.
    pub(crate) fn provider_of(&self, model: &str) -> &'static str {
        if !self.provider.is_empty() {
            return self.provider;
        }
        let is_its = |(pattern, _): &&(&str, &str)| is_like(model.as_bytes(), pattern.as_bytes());
        let maker = self.makers.iter().find(is_its);
        maker.map_or("", |(_, provider)| provider)
    }

    /// How a model of this name counts, if otherwise than the table says.
    pub(crate) fn way_of(&self, model: &str) -> Option<Way> {
        let is_its = |(pattern, _): &&(&str, Way)| is_like(model.as_bytes(), pattern.as_bytes());
        self.ways.iter().find(is_its).map(|(_, way)| *way)
    }

    /// Whether an event is of this dialect's family, if not recognisably of this very dialect.
    pub(crate) fn is_kin(&self, json: Json<'_>, name: &str) -> bool {
        any_holds(self.family, json, name)
    }

    /// Whether an event has a sign of this dialect that rests on nothing that is absent.
    pub(crate) fn has_sign(&self, json: Json<'_>, name: &str) -> bool {
        let rests = |test: &Test| matches!(test, Test::Lacks(_) | Test::Only(..));
        let mut signs = self.signs.iter().filter(|sign| !sign.iter().any(rests));
        signs.any(|sign| any_holds(std::slice::from_ref(sign), json, name))
    }

    /// Whether an event begins a response.
    pub(crate) fn begins_with(&self, json: Json<'_>, name: &str) -> bool {
        any_holds(self.begins, json, name)
    }

    /// Whether each choice states a reason to finish of its own.
    pub(crate) fn finishes_by_choice(&self) -> bool {
        let finish = |rule: &&Rule| rule.means == Means::Finish;
        let paths = self.rules.iter().filter(finish).flat_map(|rule| rule.paths);
        paths.copied().any(|path| path.contains("[]"))
    }

    /// The choice that a text of a group belongs to: within a choice there may be several parts.
    pub(crate) fn choice(&self, group: u32) -> u32 {
        let parted = self.begins.is_empty() && self.merge != Merge::Keys;
        match group {
            0..1000 if !parted => group,
            _ => group / 1000,
        }
    }

    /// Whether its responses carry an id.
    pub(crate) fn has_ids(&self) -> bool {
        self.rules.iter().any(|rule| rule.means == Means::Id)
    }

    /// Whether a JSON document is only a piece of a response.
    pub(crate) fn is_piece(&self, json: Json<'_>) -> bool {
        any_holds(self.pieces, json, "")
    }

    /// The event's type.
    pub(crate) fn kind<'a>(&self, json: Json<'a>, name: &'a str) -> &'a str {
        let stated = if self.kind.is_empty() {
            None
        } else {
            json.at(self.kind)
        };
        stated.and_then(Json::as_str).unwrap_or(name)
    }
}

fn any_holds(signs: &[Sign], json: Json<'_>, name: &str) -> bool {
    let holds = |test: &Test| test.holds(test.path().and_then(|path| json.at(path)), name);
    signs.iter().any(|sign| sign.iter().all(holds))
}

impl Test {
    /// Where it looks, if not at the event's name.
    pub(crate) fn path(&self) -> Option<&'static str> {
        match self {
            Self::Named(_) => None,
            Self::Array(path)
            | Self::Bool(path)
            | Self::Has(path)
            | Self::Is(path, _)
            | Self::Key(path)
            | Self::Lacks(path)
            | Self::Object(path)
            | Self::Only(path, _)
            | Self::Starts(path, _)
            | Self::Text(path) => Some(path),
        }
    }

    /// Whether it holds only where something stands in its place.
    pub(crate) fn needs_value(&self) -> bool {
        !matches!(self, Self::Lacks(_) | Self::Named(_))
    }

    /// Whether a text is the one it asks for.
    pub(crate) fn fits(&self, text: &[u8]) -> bool {
        match *self {
            Self::Is(_, want) => text == want.as_bytes(),
            Self::Starts(_, want) => text.starts_with(want.as_bytes()),
            _ => false,
        }
    }

    /// Whether it asks the same of a text.
    pub(crate) fn asks_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Is(_, one), Self::Is(_, other))
            | (Self::Starts(_, one), Self::Starts(_, other)) => one == other,
            _ => false,
        }
    }

    /// Whether it holds for what stands in its place and the event's name.
    pub(crate) fn holds(&self, at: Option<Json<'_>>, name: &str) -> bool {
        let given = at.is_some_and(Json::is_given);
        let text = at.and_then(Json::as_str);
        match *self {
            Self::Array(_) => at.is_some_and(Json::is_array),
            Self::Bool(_) => at.is_some_and(Json::is_bool),
            Self::Has(_) => given,
            Self::Is(..) | Self::Starts(..) => text.is_some_and(|text| self.fits(text.as_bytes())),
            Self::Key(_) => at.is_some(),
            Self::Lacks(_) => !given,
            Self::Named(want) => name == want,
            Self::Object(_) => at.is_some_and(Json::is_object),
            Self::Only(_, keys) => {
                at.is_some_and(|at| at.members().all(|(key, _)| keys.contains(&key)))
            }
            Self::Text(_) => text.is_some(),
        }
    }
}
