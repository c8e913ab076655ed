//! The word that a mistyped one was probably meant to be.

/// Longer words are compared by this many letters.
const LETTERS: usize = 64;

/// The nearest of `known`, if it is near enough: a third of the letters may be wrong, and one in any case. Of several
/// equally near ones, the first.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let allowed = (word.chars().count() / 3).max(1);
    let ranked = known.into_iter().map(|name| (strsim::osa_distance(&word, &folded(name)), name));
    ranked.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// In lower case, a hyphen being as good as an underscore.
fn folded(word: &str) -> String {
    word.chars().take(LETTERS).flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word_and_other_words_none() {
        let known = ["shell", "exec", "ls", "status", "ssh-config"];
        for (wrong, right) in [
            ("shel", "shell"),
            ("exce", "exec"),
            ("Status", "status"),
            ("stauts", "status"),
            ("l", "ls"),
            ("sshconfig", "ssh-config"),
        ] {
            assert_eq!(nearest(wrong, known), Some(right), "{wrong}");
        }
        for other in ["", "x", "web-1", "zzzzzz"] {
            assert_eq!(nearest(other, known), None, "{other}");
        }
    }
}
