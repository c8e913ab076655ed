//! Names that a mistyped one may have been meant to be.

use std::collections::BTreeSet;

/// The names nearest to `wanted`, nearest first: those that contain it or are contained in it, and those a few letters
/// away.
pub(crate) fn near<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted_lower = lower(wanted);
    let allowed = wanted_lower.len().div_ceil(3);
    let ranked = names.filter_map(|name| {
        let name_lower = lower(name);
        let distance = distance(&wanted_lower, &name_lower);
        let within = contains(&name_lower, &wanted_lower) || contains(&wanted_lower, &name_lower);
        (distance <= allowed || within).then_some((distance, name))
    });
    // A set, because the instances of a group share a name.
    let ranked: BTreeSet<_> = ranked.collect();
    ranked.into_iter().take(NEAR_LIMIT).map(|(_, name)| name.to_owned()).collect()
}

/// EC2 tag values have at most 256 characters; one that long is pasted, not mistyped.
fn lower(name: &str) -> Vec<char> {
    name.chars().take(NAME_LIMIT).flat_map(char::to_lowercase).collect()
}

fn contains(text: &[char], part: &[char]) -> bool {
    part.len() > 1 && text.windows(part.len()).any(|window| window == part)
}

/// The Levenshtein distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

const NEAR_LIMIT: usize = 3;

const NAME_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_parts_are_near() {
        let names = ["web-1", "web-2", "database", "bastion", "web-1"];
        let near = |wanted| near(wanted, names.into_iter());
        assert_eq!(near("wbe-1"), ["web-1"]);
        assert_eq!(near("WEB-1"), ["web-1", "web-2"]);
        assert_eq!(near("data"), ["database"]);
        assert_eq!(near("bastion-host"), ["bastion"]);
        assert!(near("zzz").is_empty());
        assert!(near("").is_empty());
    }

    #[test]
    fn the_distance_counts_letters() {
        let distance = |a, b| distance(&lower(a), &lower(b));
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("straße", "strasse"), 2);
    }
}
