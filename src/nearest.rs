//! Which known word a mistyped one was probably meant to be, and how to say so.

use std::collections::BTreeSet;

/// Letters of a word that are compared. Keys and commands are shorter, and tag values may have 256 characters.
const COMPARED: usize = 64;

/// Names that [`similar`] returns at most.
const SIMILAR: usize = 3;

/// The nearest of `known`, if it is near enough: a third of the letters may be wrong, and one in any case. Of several
/// equally near ones, the first. Case does not count, and a hyphen is as good as an underscore.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| lower(word).replace('-', "_");
    let wrong = plain(wrong);
    let allowed = (wrong.chars().count() / 3).max(1);
    let ranked = known.into_iter().map(|word| (strsim::osa_distance(&wrong, &plain(word)), word));
    ranked.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Up to three names of instances like `wanted`, the nearest first: those that contain it or are contained in it, and
/// those a few letters away.
pub(crate) fn similar<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = lower(wanted);
    let allowed = wanted.chars().count().div_ceil(3);
    let contains = |text: &str, part: &str| part.chars().nth(1).is_some() && text.contains(part);
    let ranked = names.filter_map(|name| {
        let lower = lower(name);
        let distance = strsim::levenshtein(&wanted, &lower);
        let within = contains(&lower, &wanted) || contains(&wanted, &lower);
        (distance <= allowed || within).then_some((distance, name))
    });
    // A set, because the instances of a group share a name.
    let ranked: BTreeSet<_> = ranked.collect();
    ranked.into_iter().take(SIMILAR).map(|(_, name)| name.to_owned()).collect()
}

/// ``did you mean `region`?``, if one of `known` is near enough.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, known).map(|near| format!("did you mean `{near}`?"))
}

/// ``did you mean `region`?``, or else `expected one of` and all of `known`.
pub(crate) fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    did_you_mean(wrong, known.iter().copied()).unwrap_or_else(|| expected(&known))
}

/// As [`suggestion`], to end a message that names the wrong word: behind `;` the word that was meant, behind `:` all.
pub(crate) fn ending<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match did_you_mean(wrong, known.iter().copied()) {
        Some(question) => format!("; {question}"),
        None => format!(": {}", expected(&known)),
    }
}

fn expected(known: &[&str]) -> String {
    format!("expected one of {}", known.join(", "))
}

fn lower(word: &str) -> String {
    word.chars().take(COMPARED).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_key_and_other_words_none() {
        let known = ["region", "reason", "ssh_user", "profile"];
        for (wrong, right) in [
            ("regoin", "region"),
            ("Region", "region"),
            ("ssh-user", "ssh_user"),
            ("sshuser", "ssh_user"),
            ("profil", "profile"),
        ] {
            assert_eq!(nearest(wrong, known), Some(right), "{wrong}");
        }
        for other in ["", "x", "colour", "zzzzzz"] {
            assert_eq!(nearest(other, known), None, "{other}");
        }
        assert_eq!(ending("regoin", known), "; did you mean `region`?");
        assert_eq!(ending("colour", known), ": expected one of region, reason, ssh_user, profile");
    }

    #[test]
    fn names_with_typing_errors_and_parts_of_names_are_similar() {
        let names = ["web-1", "web-2", "database", "bastion", "web-1", "straße"];
        let similar = |wanted| similar(wanted, names.into_iter());
        assert_eq!(similar("wbe-1"), ["web-1"]);
        assert_eq!(similar("WEB-1"), ["web-1", "web-2"]);
        assert_eq!(similar("data"), ["database"]);
        assert_eq!(similar("bastion-host"), ["bastion"]);
        assert_eq!(similar("strasse"), ["straße"]);
        assert!(similar("zzz").is_empty());
        assert!(similar("").is_empty());
    }
}
