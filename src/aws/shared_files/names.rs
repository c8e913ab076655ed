//! The names in the headers of sections.

/// The name that a header gives to a section of a kind: `work` in `profile work`, `two words` in `profile "two words"`.
/// It is taken apart as a shell does it, and counts if it has two words; the first need only begin with the kind.
pub(super) fn name_of(kind: &str, header: &str) -> Option<String> {
    if !header.starts_with(kind) {
        return None;
    }
    match <[String; 2]>::try_from(words(header)?) {
        Ok([_, name]) => Some(name),
        Err(_) => None,
    }
}

/// The words of a text with quotes and backslashes, as Python's `shlex` splits it, which unlike a shell knows no
/// comments here. None if a quote is not closed, or nothing follows a backslash.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            c if c == quote => return Some(()),
            '\\' if quote == '"' => match chars.next()? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_by_a_shell() {
        for (header, name) in [
            ("profile work", Some("work")),
            ("profile\t work ", Some("work")),
            ("profile \"two words\"", Some("two words")),
            ("profile 'it is'", Some("it is")),
            ("profile two\\ words", Some("two words")),
            (r#"profile "a\"b\\c\d""#, Some(r#"a"b\c\d"#)),
            ("profile #1", Some("#1")),
            ("profile größe", Some("größe")),
            ("profiles work", Some("work")),
            ("profile two words", None),
            ("profile", None),
            ("profilework", None),
            ("profile it's", None),
            ("profile x\\", None),
            ("other work", None),
        ] {
            assert_eq!(name_of("profile", header).as_deref(), name, "{header}");
        }
    }
}
