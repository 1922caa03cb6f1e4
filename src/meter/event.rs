//! What one event says: the facts that the rules of its dialect find in its JSON.

use super::dialect::rule::{Dialect, Means, Rule};
use super::estimate::transcript::Channel;
use super::failure::Failure;
use super::frame::event::Wrap;
use super::json::paths::Paths;
use super::json::{Hit, Json};
use super::pattern::{Filling, Hole};
use super::usage::stated::Merge;

/// An event's JSON, and how it came.
#[derive(Clone, Copy)]
pub(crate) struct Parsed<'e> {
    pub(crate) json: Json<'e>,
    /// The bytes it was parsed from.
    pub(crate) data: &'e [u8],
    pub(crate) wrap: Wrap,
    /// What the framing calls it.
    pub(crate) name: &'e str,
}

/// What an event is as a whole.
#[derive(Clone, Copy)]
pub(crate) struct Outline {
    pub(crate) dialect: &'static Dialect,
    pub(crate) wrap: Wrap,
    /// It begins a response.
    pub(crate) begins: bool,
    /// As a JSON document it is a whole response.
    pub(crate) whole: bool,
    /// It has a place for generated text.
    pub(crate) speaks: bool,
    /// Something else stands where a text should.
    pub(crate) odd: bool,
}

/// What an event says, by the dialect it speaks: read out of its JSON, or known without parsing it.
pub(crate) trait Facts {
    fn outline(&self) -> Outline;

    /// Gives each fact, in the order of the dialect's rules.
    fn each(&self, take: impl FnMut(&Fact<'_>))
    where
        Self: Sized;

    /// Gives each place whose value says nothing.
    fn padding(&self, take: impl FnMut(Padding))
    where
        Self: Sized;

    /// Whether it says something of this meaning and group.
    fn says(&self, of: &dyn Fn(Means, u32) -> bool) -> bool;

    /// The first text of this meaning.
    fn name(&self, means: Means) -> Option<&str>;

    /// Whether it brings anything generated.
    fn generates(&self) -> bool {
        self.says(&|means, _| matches!(means, Means::Text(_) | Means::Tool))
    }
}

/// Facts read out of an event's JSON.
pub(crate) struct Read<'e> {
    pub(crate) outline: Outline,
    /// In the order of the rules.
    pub(crate) facts: Vec<Fact<'e>>,
    pub(crate) padding: Vec<Padding>,
}

/// One thing that an event says.
pub(crate) struct Fact<'e> {
    pub(crate) means: Means,
    /// Tells choices apart.
    pub(crate) group: u32,
    pub(crate) content: Content<'e>,
    /// Offset in the data of its first byte: of a text, within the quotes.
    pub(crate) at: Option<usize>,
    /// Were it empty, another place would count.
    pub(crate) required: bool,
}

/// What is said.
pub(crate) enum Content<'e> {
    Failure(Box<Failure>),
    /// That it is there says it all.
    Given,
    /// Some members of an object: what each is, as it is written.
    Members(Vec<(&'static str, &'e str)>),
    Number(u64),
    /// An object as it is written. It may replace all that was said before it.
    Object(&'e str, bool),
    Text(&'e str),
}

/// A place whose value says nothing.
#[derive(Clone, Copy)]
pub(crate) struct Padding {
    pub(crate) hole: Hole,
    /// It says when the response was made, as long as nothing else has.
    pub(crate) dates: bool,
}

impl<'e> Read<'e> {
    /// Reads what the rules of a dialect found in an event.
    pub(crate) fn new(event: Parsed<'e>, dialect: &'static Dialect, found: &[Found<'e>]) -> Self {
        let Parsed {
            json, wrap, name, ..
        } = event;
        let mut read = Self {
            outline: Outline {
                dialect,
                wrap,
                begins: dialect.begins_with(json, name),
                whole: wrap == Wrap::Document && !dialect.is_piece(json),
                speaks: false,
                odd: false,
            },
            facts: Vec::with_capacity(found.len()),
            padding: Vec::new(),
        };
        let kind = dialect.kind(json, name);
        for found in found.chunk_by(|a, b| a.rule == b.rule) {
            let rule = &dialect.rules[usize::from(found[0].rule)];
            if rule.applies(kind) {
                read.take(rule, found, event.data);
            }
        }
        for (key, value) in json.members().filter(|(key, _)| pads(key)) {
            let hole = pad(json.root().member(key, value), event.data);
            let dates = key.starts_with("created");
            read.padding
                .extend(hole.map(|hole| Padding { hole, dates }));
        }
        read
    }

    /// Takes the values of one rule: the first of its paths where something is said counts.
    fn take(&mut self, rule: &Rule, found: &[Found<'e>], data: &'e [u8]) {
        let means = rule.means;
        let merge = self.outline.dialect.merge;
        let says = |found: &&Found<'e>| {
            let content = Content::read(means, merge, found.hit, data);
            content.is_some_and(|content| !content.is_empty())
        };
        let is_text = means.channel().is_some();
        self.outline.speaks |= is_text || means == Means::Tool;
        let several = found.iter().any(|other| other.path != found[0].path);
        let chosen = match several {
            true => found.iter().find(says).unwrap_or(&found[0]).path,
            false => found[0].path,
        };
        for Found { path, hit, .. } in found {
            if *path != chosen {
                let at = hit
                    .value
                    .text_offset()
                    .filter(|_| is_text && *path > chosen);
                let padding = at.map(|at| Padding {
                    hole: Hole {
                        at,
                        filling: Filling::Padding,
                    },
                    dates: false,
                });
                self.padding.extend(padding);
                continue;
            }
            match Content::read(means, merge, *hit, data) {
                Some(content) => self.facts.push(Fact {
                    means,
                    group: hit.group,
                    at: content.at(hit, data),
                    content,
                    required: several,
                }),
                None => self.outline.odd |= is_text && hit.value.is_given(),
            }
        }
    }

    /// Leaves of an event that was cut off after `came` bytes what holds whatever would have followed: one count may
    /// stand beside another one that never came, one kind of failure before another, and one choice before the next.
    pub(crate) fn trim(&mut self, data: &[u8], came: usize) {
        let in_list = data[came.min(data.len())..].contains(&b']');
        self.facts
            .retain_mut(|fact| match (fact.means, &mut fact.content) {
                (Means::Usage(_) | Means::UsageSoFar, Content::Object(json, _)) => {
                    offset(json, data).saturating_add(json.len()) <= came
                }
                (Means::UsageKeys(_) | Means::FinishElse | Means::End, _) => false,
                (Means::Call(_) | Means::Finish, _) => !in_list,
                (Means::Error, Content::Failure(failure)) => {
                    **failure = Failure::default();
                    true
                }
                _ => true,
            });
    }

    /// Whether something generated begins at an offset of the data.
    pub(crate) fn is_text_at(&self, at: usize) -> bool {
        self.facts
            .iter()
            .any(|fact| fact.is_generated() && fact.at == Some(at))
    }
}

impl Facts for Read<'_> {
    fn outline(&self) -> Outline {
        self.outline
    }

    #[inline]
    fn each(&self, take: impl FnMut(&Fact<'_>)) {
        self.facts.iter().for_each(take);
    }

    #[inline]
    fn padding(&self, take: impl FnMut(Padding)) {
        self.padding.iter().copied().for_each(take);
    }

    fn says(&self, of: &dyn Fn(Means, u32) -> bool) -> bool {
        self.facts.iter().any(|fact| fact.says(of))
    }

    fn name(&self, means: Means) -> Option<&str> {
        self.facts.iter().find_map(|fact| fact.name(means))
    }
}

impl<'e> Fact<'e> {
    fn is_generated(&self) -> bool {
        matches!(self.means, Means::Text(_) | Means::Tool)
    }

    /// Whether it says something of this meaning and group.
    pub(crate) fn says(&self, of: &dyn Fn(Means, u32) -> bool) -> bool {
        of(self.means, self.group) && !self.content.is_empty()
    }

    /// Its text, where it means this.
    pub(crate) fn name(&self, means: Means) -> Option<&'e str> {
        match self.content {
            Content::Text(text) if self.means == means => Some(text),
            _ => None,
        }
    }
}

impl<'e> Content<'e> {
    /// What a value says where it has this meaning; `None` where it can say nothing.
    fn read(means: Means, merge: Merge, hit: Hit<'e>, data: &'e [u8]) -> Option<Self> {
        let value = hit.value;
        let text = || value.as_str().map(Self::Text);
        let number = || value.as_u64().map(Self::Number);
        match means {
            Means::Created => value.as_seconds().map(Self::Number).or_else(text),
            Means::End => value.is_given().then_some(Self::Given),
            Means::Error => {
                // MiniMax states that nothing failed, too.
                let code = value.get("status_code").and_then(Json::as_count);
                let failure = Failure::of(value).filter(|_| code != Some(0));
                failure.map(|failure| Self::Failure(failure.into()))
            }
            Means::Finish | Means::FinishElse => {
                text().or_else(number).filter(|reason| match reason {
                    Self::Text(text) => is_reason(text),
                    _ => true,
                })
            }
            Means::Call(_)
            | Means::Id
            | Means::Model
            | Means::Served
            | Means::Tier
            | Means::Tool => text(),
            Means::Rest => Some(Self::Given),
            Means::Text(channel) | Means::TextElse(channel) | Means::TextSoFar(channel) => {
                let object = channel == Channel::Tool && value.is_object();
                text().or_else(|| object.then(|| Self::Object(hit.json_in(data), false)))
            }
            Means::Usage(_) | Means::UsageSoFar => value.is_object().then(|| {
                let replaces = match merge {
                    Merge::Whole(key) => value.get(key).is_some_and(Json::is_number),
                    _ => false,
                };
                Self::Object(hit.json_in(data), replaces)
            }),
            Means::UsageKeys(keys) => {
                let mut members = Vec::new();
                for key in keys {
                    value.walk(key, &mut |hit| {
                        if hit.value.is_given() {
                            members.push((*key, hit.json_in(data)));
                        }
                    });
                }
                (!members.is_empty()).then_some(Self::Members(members))
            }
        }
    }

    /// Whether another place may say more.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Number(0) | Self::Text(""))
    }

    /// Where it stands in the data.
    fn at(&self, hit: &Hit<'_>, data: &[u8]) -> Option<usize> {
        match self {
            Self::Number(_) => hit.number(data),
            Self::Object(raw, _) => Some(offset(raw, data)),
            Self::Text(_) => hit.value.text_offset(),
            Self::Failure(_) | Self::Given | Self::Members(_) => None,
        }
    }
}

/// Where a part of the data begins.
pub(crate) fn offset(part: &str, data: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(data.as_ptr() as usize)
}

/// The place of a member that only pads an event or numbers it.
fn pad(hit: Hit<'_>, data: &[u8]) -> Option<Hole> {
    let text = hit.value.text_offset();
    let number = || hit.value.as_u64().and_then(|_| hit.number(data));
    let filling = match text {
        Some(_) => Filling::Padding,
        None => Filling::Number,
    };
    text.or_else(number).map(|at| Hole { at, filling })
}

/// Values that stand where a reason to finish will come.
const NO_REASON: &[&str] = &["", "in_progress", "not_finished", "null", "queued"];

/// Whether a text is a reason to finish.
fn is_reason(text: &str) -> bool {
    !NO_REASON.contains(&text)
}

/// Members that pad an event or number it.
const PADDING: &[&str] = &[
    "obfuscation",
    "sequence_number",
    "p",
    "created",
    "created_at",
];

/// Whether a member only pads an event or numbers it.
pub(crate) fn pads(key: &str) -> bool {
    PADDING.contains(&key)
}

/// The rules of a dialect, made ready for one walk over an event.
pub(crate) struct Finder {
    rules: &'static [Rule],
    paths: Paths,
    /// For each of the paths, its rule and its place in the rule.
    places: Vec<(u16, u16)>,
}

/// A value that one of the rules names.
pub(crate) struct Found<'t> {
    /// Which rule, and which of its paths.
    pub(crate) rule: u16,
    pub(crate) path: u16,
    pub(crate) hit: Hit<'t>,
}

/// The finders of the dialects in use.
#[derive(Default)]
pub(crate) struct Finders(Vec<Finder>);

impl Finders {
    /// The finder of a table of rules.
    pub(crate) fn of(&mut self, rules: &'static [Rule]) -> &Finder {
        let same = |finder: &Finder| std::ptr::eq(finder.rules, rules);
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(Finder::new(rules));
            self.0.len() - 1
        });
        &self.0[at]
    }
}

impl Finder {
    fn new(rules: &'static [Rule]) -> Self {
        let mut places = Vec::new();
        for (rule, row) in rules.iter().enumerate() {
            places.extend((0..row.paths.len()).map(|path| (rule as u16, path as u16)));
        }
        Self {
            rules,
            paths: Paths::new(rules.iter().flat_map(|rule| rule.paths.iter().copied())),
            places,
        }
    }

    /// All values in an event that the rules name, in the order of rules and paths.
    pub(crate) fn find<'t>(&self, event: Json<'t>) -> Vec<Found<'t>> {
        let mut hits = Vec::with_capacity(16);
        self.paths.find(event, &mut hits);
        hits.sort_by_key(|(path, _)| *path);
        let place = |(path, hit): (u16, Hit<'t>)| {
            let (rule, path) = self.places[usize::from(path)];
            Found { rule, path, hit }
        };
        hits.into_iter().map(place).collect()
    }
}
