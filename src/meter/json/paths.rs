//! Many paths made ready, so that one walk over an event finds all that they name.

use super::{Hit, Json, Step};

/// Paths made ready. Each is known by its place in the list it was made from.
#[derive(Default)]
pub(crate) struct Paths {
    nodes: Vec<Node>,
}

/// A value that a path leads to.
pub(crate) type Match<'t> = (u16, Hit<'t>);

#[derive(Default)]
struct Node {
    /// Paths that end here.
    ends: Vec<u16>,
    /// By key, in order.
    edges: Vec<Edge>,
    /// Conditions on the value itself.
    own: Vec<(&'static str, usize)>,
}

struct Edge {
    key: Key<'static>,
    /// What the brackets after the key say, and the node they lead to.
    to: Vec<(Option<&'static str>, usize)>,
}

/// A member's name, ordered so that most comparisons are of one number.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Key<'k> {
    head: u64,
    name: &'k str,
}

impl<'k> Key<'k> {
    #[inline]
    fn new(name: &'k str) -> Self {
        let bytes = name.as_bytes();
        let head = match bytes.first_chunk() {
            Some(head) => u64::from_be_bytes(*head),
            None => bytes.iter().fold(0, |head, b| head << 8 | u64::from(*b)),
        };
        Self { head, name }
    }
}

impl Paths {
    pub(crate) fn new(paths: impl IntoIterator<Item = &'static str>) -> Self {
        let mut all = Self::default();
        all.nodes.push(Node::default());
        for (id, path) in paths.into_iter().enumerate() {
            let mut at = 0;
            for step in Step::of(path) {
                at = all.step(at, step);
            }
            all.nodes[at].ends.push(id as u16);
        }
        all
    }

    fn step(&mut self, at: usize, step: Step<'static>) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let to = if step.key.is_empty() {
            let condition = step.condition.unwrap_or_default();
            match node.own.iter().find(|(known, _)| *known == condition) {
                Some((_, to)) => *to,
                None => {
                    node.own.push((condition, new));
                    new
                }
            }
        } else {
            let key = Key::new(step.key);
            let place = node.edges.binary_search_by_key(&key, |edge| edge.key);
            let place = place.unwrap_or_else(|place| {
                let to = Vec::new();
                node.edges.insert(place, Edge { key, to });
                place
            });
            let edge = &mut node.edges[place];
            match edge.to.iter().find(|(known, _)| *known == step.condition) {
                Some((_, to)) => *to,
                None => {
                    edge.to.push((step.condition, new));
                    new
                }
            }
        };
        if to == new {
            self.nodes.push(Node::default());
        }
        to
    }

    /// All values in an event that the paths lead to.
    pub(crate) fn find<'t>(&self, event: Json<'t>, found: &mut Vec<Match<'t>>) {
        // Within the 1 KiB that malloc keeps at hand.
        let mut members = Vec::with_capacity(16);
        self.walk(0, event.root(), &mut members, found);
    }

    /// `members` is a stack: each walk leaves it as it was.
    fn walk<'t>(
        &self,
        at: usize,
        hit: Hit<'t>,
        members: &mut Vec<(usize, Hit<'t>)>,
        found: &mut Vec<Match<'t>>,
    ) {
        let node = &self.nodes[at];
        found.extend(node.ends.iter().map(|id| (*id, hit)));
        for (condition, to) in &node.own {
            hit.pick(Some(condition), &mut |hit| {
                self.walk(*to, hit, members, found);
            });
        }
        if node.edges.is_empty() {
            return;
        }
        let first = members.len();
        for (name, value) in hit.value.members() {
            let key = Key::new(name);
            let Ok(edge) = node.edges.binary_search_by_key(&key, |edge| edge.key) else {
                continue;
            };
            let member = (edge, hit.member(name, value));
            // The last of several members of one name counts.
            let same = members[first..].iter_mut().find(|known| known.0 == edge);
            match same {
                Some(same) => *same = member,
                None => members.push(member),
            }
        }
        for place in first..members.len() {
            let (edge, member) = members[place];
            for (condition, to) in &node.edges[edge].to {
                member.pick(*condition, &mut |hit| {
                    self.walk(*to, hit, members, found);
                });
            }
        }
        members.truncate(first);
    }
}
