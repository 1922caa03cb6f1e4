//! Which dialect an event speaks.

use std::sync::OnceLock;

use super::ROSTER;
use super::rule::{Dialect, Test};
use crate::meter::json::Json;
use crate::meter::json::paths::Paths;

/// The dialect an event speaks, by its JSON and the name its framing gave it. Where the response has been
/// speaking one, that is held to as long as it fits.
pub(crate) fn recognise(
    json: Json<'_>,
    name: &str,
    known: Option<&'static Dialect>,
) -> Option<&'static Dialect> {
    if let Some(known) = known.filter(|known| !known.generic && known.is_kin(json, name)) {
        return Some(known);
    }
    roll().call(json, name)
}

/// As [`recognise`], of an event that was cut off: of such a one it cannot be told what it lacks.
pub(crate) fn recognise_cut(
    json: Json<'_>,
    name: &str,
    known: Option<&'static Dialect>,
) -> Option<&'static Dialect> {
    if let Some(known) = known.filter(|known| known.is_kin(json, name)) {
        return Some(known);
    }
    let likely = roll().call(json, name)?;
    let certain = ROSTER.iter().find(|dialect| dialect.has_sign(json, name));
    certain.copied().filter(|certain| certain.api == likely.api)
}

/// The signs of the whole roster, made ready for one walk over an event.
struct Roll {
    paths: Paths,
    /// For each path the signs that need something to stand there, and last those that need nothing.
    signs: Vec<Vec<SignOf>>,
}

/// A sign of a dialect, by the dialect's place in the roster.
struct SignOf {
    dialect: usize,
    /// All must hold, each of what stands at its path.
    tests: Vec<(&'static Test, Option<u16>)>,
}

fn roll() -> &'static Roll {
    static ROLL: OnceLock<Roll> = OnceLock::new();
    ROLL.get_or_init(|| {
        let mut paths: Vec<&'static str> = Vec::new();
        let mut place = |test: &'static Test| {
            let path = test.path()?;
            let known = paths.iter().position(|known| *known == path);
            let at = known.unwrap_or_else(|| {
                paths.push(path);
                paths.len() - 1
            });
            Some(at as u16)
        };
        let mut all = Vec::new();
        for (dialect, row) in ROSTER.iter().enumerate() {
            for sign in row.signs {
                let tests = sign.iter().map(|test| (test, place(test))).collect();
                all.push(SignOf { dialect, tests });
            }
        }
        let needs = |sign: &SignOf| {
            let given = |(test, at): &(&Test, Option<u16>)| at.filter(|_| test.needs_value());
            sign.tests.iter().filter_map(given).collect::<Vec<_>>()
        };
        let mut asked = vec![0; paths.len()];
        for at in all.iter().flat_map(needs) {
            asked[usize::from(at)] += 1;
        }
        let mut signs: Vec<Vec<SignOf>> = Vec::new();
        signs.resize_with(paths.len() + 1, Vec::new);
        for sign in all {
            // Under the path that tells most.
            let at = needs(&sign)
                .into_iter()
                .min_by_key(|at| asked[usize::from(*at)]);
            signs[at.map_or(paths.len(), usize::from)].push(sign);
        }
        let paths = Paths::new(paths);
        Roll { paths, signs }
    })
}

impl Roll {
    /// The first dialect of which a sign holds.
    fn call(&self, json: Json<'_>, name: &str) -> Option<&'static Dialect> {
        // Within the 1 KiB that malloc keeps at hand.
        let mut hits = Vec::with_capacity(16);
        self.paths.find(json, &mut hits);
        let at = |path: u16| hits.iter().find(|hit| hit.0 == path).map(|hit| hit.1.value);
        let holds = |(test, path): &(&Test, Option<u16>)| test.holds(path.and_then(at), name);
        let mut first = ROSTER.len();
        let present = hits.iter().map(|(path, _)| usize::from(*path));
        let always = self.signs.len() - 1;
        for sign in present.chain([always]).flat_map(|at| &self.signs[at]) {
            if sign.dialect < first && sign.tests.iter().all(holds) {
                first = sign.dialect;
            }
        }
        ROSTER.get(first).copied()
    }
}
