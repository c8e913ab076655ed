//! The word that a mistyped one was probably meant to be.

/// The nearest of `known`, if it is near enough: a third of the letters may be wrong, and one in any case. Of several
/// equally near ones, the first.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = letters(wrong);
    let allowed = (wrong.len() / 3).max(1);
    let ranked = known.into_iter().map(|name| (distance(&wrong, &letters(name)), name));
    ranked.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// In lower case, a hyphen being as good as an underscore. Nobody mistypes a key longer than this.
fn letters(text: &str) -> Vec<char> {
    text.chars().take(64).flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    // Row i holds the distances of the first i letters of `a` from each beginning of `b`.
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
    }
}
