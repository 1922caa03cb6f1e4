//! What was meant by a word that is none of those there are. It stands below all that ask it.

/// The name that the word is most likely a slip of, if any is near enough.
pub(crate) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let slip = word.len() > 2 && strsim::osa_distance(&word, &name) == 1;
        let likeness = strsim::jaro_winkler(&word, &name);
        if slip { likeness.max(SLIP) } else { likeness }
    };
    let scored = names.into_iter().map(|name| (likeness(name), name));
    let (_, name) = scored
        .filter(|(likeness, _)| *likeness > NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    Some(name)
}

/// Likeness from which a word is taken for a slip: 1 is the same word.
const NEAR: f64 = 0.8;

/// Likeness of a word of which one letter is wrong, missing or too much, or two have changed places: short ones are little
/// alike by the other measure.
const SLIP: f64 = 0.9;

/// `: did you mean X?` for the likeliest of the names, or else which ones there are.
pub(crate) fn meant(word: &str, names: &[&str]) -> String {
    match nearest(word, names.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("choose from {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips() {
        let names = ["tap", "run", "man", "summarise", "model", "dir"];
        for (word, meant) in [
            ("tpa", Some("tap")),
            ("ta", Some("tap")),
            ("rnu", Some("run")),
            ("modle", Some("model")),
            ("Sumarise", Some("summarise")),
            ("di", Some("dir")),
            ("tee", None),
            ("x", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }
}
