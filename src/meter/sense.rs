//! What an event says: the values that a dialect's rules name, read out of its JSON.

use super::dialect::{Dialect, Means, Rule};
use super::estimate::transcript::Channel;
use super::exchange::{is_reason, pads};
use super::failure::Failure;
use super::frame::Wrap;
use super::json::{Hit, Json};
use super::memo::{Filling, Hole};
use super::plan::Found;
use super::shape::{Known, Shape};
use super::usage::Merge;

/// An event's JSON, and how it came.
#[derive(Clone, Copy)]
pub(super) struct Parsed<'e> {
    pub(super) json: Json<'e>,
    /// The bytes it was parsed from.
    pub(super) data: &'e [u8],
    pub(super) wrap: Wrap,
    /// What the framing calls it.
    pub(super) name: &'e str,
}

/// What an event says, by the dialect it speaks.
pub(super) struct Sense<'e> {
    pub(super) gist: Gist,
    pub(super) says: Says<'e>,
}

/// What an event is as a whole.
#[derive(Clone, Copy)]
pub(super) struct Gist {
    pub(super) dialect: &'static Dialect,
    pub(super) wrap: Wrap,
    /// It begins a response.
    pub(super) begins: bool,
    /// As a JSON document it is a whole response.
    pub(super) whole: bool,
    /// It has a place for generated text.
    pub(super) speaks: bool,
    /// Something else stands where a text should.
    pub(super) odd: bool,
}

/// All that an event says.
pub(super) enum Says<'e> {
    /// It was read: what it says is in the order of the rules.
    Read {
        sayings: Vec<Saying<'e>>,
        padding: Vec<Padding>,
    },
    /// What another one of its shape said, of what stands in its own holes.
    Alike(&'e Shape, Known<'e>),
}

/// One thing that an event says.
pub(super) struct Saying<'e> {
    pub(super) means: Means,
    /// Tells choices apart.
    pub(super) group: u32,
    pub(super) value: Value<'e>,
    /// Offset in the data of its first byte: of a text, within the quotes.
    pub(super) at: Option<usize>,
    /// Were it empty, another place would count.
    pub(super) required: bool,
}

/// What is said.
pub(super) enum Value<'e> {
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
pub(super) struct Padding {
    pub(super) hole: Hole,
    /// It says when the response was made, as long as nothing else has.
    pub(super) dates: bool,
}

impl<'e> Sense<'e> {
    /// Reads what the rules of a dialect found in an event.
    pub(super) fn of(event: Parsed<'e>, dialect: &'static Dialect, found: &[Found<'e>]) -> Self {
        let Parsed {
            json, wrap, name, ..
        } = event;
        let mut gist = Gist {
            dialect,
            wrap,
            begins: dialect.begins_with(json, name),
            whole: wrap == Wrap::Document && !dialect.is_piece(json),
            speaks: false,
            odd: false,
        };
        let (mut sayings, mut padding) = (Vec::with_capacity(found.len()), Vec::new());
        let kind = dialect.kind(json, name);
        for found in found.chunk_by(|a, b| a.rule == b.rule) {
            let rule = &dialect.rules[usize::from(found[0].rule)];
            if rule.applies(kind) {
                gist.read(rule, found, event.data, &mut sayings, &mut padding);
            }
        }
        for (key, value) in json.members().filter(|(key, _)| pads(key)) {
            let hole = pad(json.root().member(key, value), event.data);
            let dates = key.starts_with("created");
            padding.extend(hole.map(|hole| Padding { hole, dates }));
        }
        let says = Says::Read { sayings, padding };
        Self { gist, says }
    }

    /// Gives each thing that it says.
    #[inline]
    pub(super) fn each(&self, take: impl FnMut(&Saying<'e>)) {
        match &self.says {
            Says::Read { sayings, .. } => sayings.iter().for_each(take),
            Says::Alike(shape, event) => shape.each(*event, take),
        }
    }

    /// Gives each place whose value says nothing.
    #[inline]
    pub(super) fn pads(&self, mut take: impl FnMut(Padding)) {
        match &self.says {
            Says::Read { padding, .. } => padding.iter().copied().for_each(take),
            Says::Alike(shape, event) => shape.padding(*event).for_each(&mut take),
        }
    }

    /// Leaves of an event that was cut off after `came` bytes what holds whatever would have followed: one count may
    /// stand beside another one that never came, and one kind of failure before another.
    pub(super) fn trim(&mut self, data: &[u8], came: usize) {
        let Says::Read { sayings, .. } = &mut self.says else {
            return;
        };
        sayings.retain_mut(|saying| match (saying.means, &mut saying.value) {
            (Means::Usage(_) | Means::UsageSoFar, Value::Object(raw, _)) => {
                offset(raw, data).saturating_add(raw.len()) <= came
            }
            (Means::UsageKeys(_) | Means::FinishElse | Means::End, _) => false,
            (Means::Error, Value::Failure(failure)) => {
                **failure = Failure::default();
                true
            }
            _ => true,
        });
    }

    /// Whether something generated begins at an offset of the data.
    pub(super) fn is_text_at(&self, at: usize) -> bool {
        self.any(|saying| saying.is_generated() && saying.at == Some(at))
    }

    /// Whether it brings anything generated.
    pub(super) fn generates(&self) -> bool {
        self.any(|saying| saying.is_generated() && !saying.value.is_empty())
    }

    fn any(&self, holds: impl Fn(&Saying<'e>) -> bool) -> bool {
        let mut any = false;
        self.each(|saying| any = any || holds(saying));
        any
    }

    /// Whether it says something of this meaning and group.
    pub(super) fn says(&self, of: impl Fn(Means, u32) -> bool) -> bool {
        self.any(|saying| of(saying.means, saying.group) && !saying.value.is_empty())
    }

    /// The first text of this meaning.
    pub(super) fn name(&self, means: Means) -> Option<&'e str> {
        match &self.says {
            Says::Read { sayings, .. } => sayings.iter().find_map(|saying| saying.name(means)),
            Says::Alike(shape, event) => shape.name(*event, means),
        }
    }
}

impl<'e> Saying<'e> {
    fn is_generated(&self) -> bool {
        matches!(self.means, Means::Text(_) | Means::Tool)
    }

    /// Its text, where it means this.
    pub(super) fn name(&self, means: Means) -> Option<&'e str> {
        match self.value {
            Value::Text(text) if self.means == means => Some(text),
            _ => None,
        }
    }
}

impl Gist {
    /// Reads the values of one rule: the first of its paths where something is said counts.
    fn read<'e>(
        &mut self,
        rule: &Rule,
        found: &[Found<'e>],
        data: &'e [u8],
        sayings: &mut Vec<Saying<'e>>,
        paddings: &mut Vec<Padding>,
    ) {
        let means = rule.means;
        let merge = self.dialect.merge;
        let says = |found: &&Found<'e>| {
            let value = Value::read(means, merge, found.hit, data);
            value.is_some_and(|value| !value.is_empty())
        };
        let is_text = means.channel().is_some();
        self.speaks |= is_text || means == Means::Tool;
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
                paddings.extend(padding);
                continue;
            }
            match Value::read(means, merge, *hit, data) {
                Some(value) => sayings.push(Saying {
                    means,
                    group: hit.group,
                    at: value.at(hit, data),
                    value,
                    required: several,
                }),
                None => self.odd |= is_text && hit.value.is_given(),
            }
        }
    }
}

impl<'e> Value<'e> {
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
                text().or_else(|| object.then(|| Self::Object(hit.raw(data), false)))
            }
            Means::Usage(_) | Means::UsageSoFar => value.is_object().then(|| {
                let replaces = match merge {
                    Merge::Whole(key) => value.get(key).is_some_and(Json::is_number),
                    _ => false,
                };
                Self::Object(hit.raw(data), replaces)
            }),
            Means::UsageKeys(keys) => {
                let mut members = Vec::new();
                for key in keys {
                    value.walk(key, &mut |hit| {
                        if hit.value.is_given() {
                            members.push((*key, hit.raw(data)));
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
pub(super) fn offset(part: &str, data: &[u8]) -> usize {
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
