//! Many paths as one tree, so that one walk over an event finds all that they name.

use super::json::{Hit, Json, Step};

/// Paths made ready. Each is known by its place in the list it was made from.
#[derive(Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// A value that a path leads to.
pub(super) type Found<'t> = (u16, Hit<'t>);

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
    key: &'static str,
    /// What the brackets after the key say, and the node they lead to.
    to: Vec<(Option<&'static str>, usize)>,
}

/// No event has more members of interest in one object.
const MEMBERS: usize = 32;

impl Tree {
    pub(super) fn new(paths: impl IntoIterator<Item = &'static str>) -> Self {
        let mut tree = Self::default();
        tree.nodes.push(Node::default());
        for (id, path) in paths.into_iter().enumerate() {
            let mut at = 0;
            for step in Step::of(path) {
                at = tree.step(at, step);
            }
            tree.nodes[at].ends.push(id as u16);
        }
        tree
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
            let place = node.edges.binary_search_by_key(&step.key, |edge| edge.key);
            let place = place.unwrap_or_else(|place| {
                let (key, to) = (step.key, Vec::new());
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
    pub(super) fn find<'t>(&self, event: Json<'t>, found: &mut Vec<Found<'t>>) {
        self.walk(0, event.root(), found);
    }

    fn walk<'t>(&self, at: usize, hit: Hit<'t>, found: &mut Vec<Found<'t>>) {
        let node = &self.nodes[at];
        found.extend(node.ends.iter().map(|id| (*id, hit)));
        for (condition, to) in &node.own {
            hit.pick(Some(condition), &mut |hit| self.walk(*to, hit, found));
        }
        if node.edges.is_empty() {
            return;
        }
        let mut members = [None; MEMBERS];
        let mut len = 0;
        for (key, value) in hit.value.members() {
            let Ok(edge) = node.edges.binary_search_by_key(&key, |edge| edge.key) else {
                continue;
            };
            let member = Some((edge, hit.member(key, value)));
            // The last of several members of one name counts.
            let same = members[..len]
                .iter()
                .position(|m| m.is_some_and(|(known, _)| known == edge));
            if let Some(place) = same {
                members[place] = member;
            } else if len < MEMBERS {
                members[len] = member;
                len += 1;
            }
        }
        for (edge, member) in members[..len].iter().flatten() {
            for (condition, to) in &node.edges[*edge].to {
                member.pick(*condition, &mut |hit| self.walk(*to, hit, found));
            }
        }
    }
}
