//! What an instance with Windows runs. The agent there puts `powershell` before the words of a command, and PowerShell
//! reads them a second time, or decodes them. Where `pwsh` is installed it does so itself; else this plays what it can:
//! programs with arguments, one after the other.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::environment::PATH;

/// A line break, a semicolon or a bar ends a command; a bar is played as if it were one of the others.
const BETWEEN_COMMANDS: [char; 4] = [';', '|', '\n', '\r'];

/// What PowerShell takes for a single quote.
const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// What the words after `powershell` run, as a program of this machine and its arguments.
///
/// # Errors
/// What PowerShell would say in place of running them.
pub(crate) fn program(words: &[String]) -> Result<Vec<String>, String> {
    if let Some(pwsh) = pwsh() {
        let words = words.iter().cloned();
        return Ok([pwsh.to_string_lossy().into_owned(), "-NoLogo".to_owned()].into_iter().chain(words).collect());
    }
    let code = match words.iter().position(|word| word.eq_ignore_ascii_case("-EncodedCommand")) {
        Some(at) => decoded(words.get(at + 1).map(String::as_str).unwrap_or_default())?,
        None => words.join(" "),
    };
    // Of a script only the list of the words is played.
    let list = code.split_once("$w=@(").and_then(|(_, list)| list_of_words(list));
    let mut commands = match list {
        Some(words) => vec![words],
        None => commands(&code),
    };
    match commands.len() {
        0 => Ok(vec!["true".to_owned()]),
        1 => Ok(commands.remove(0)),
        _ => {
            let lines: Vec<_> = commands.iter().map(|words| quoted(words)).collect();
            Ok(vec!["sh".to_owned(), "-c".to_owned(), lines.join("; ")])
        }
    }
}

fn pwsh() -> Option<PathBuf> {
    let path = PATH.value()?;
    std::env::split_paths(&path).map(|folder| folder.join("pwsh")).find(|program| program.is_file())
}

/// The text of an encoded command: UTF-16, the low byte first, as base64.
fn decoded(text: &str) -> Result<String, String> {
    let wrong =
        || "Cannot process the command because the value specified with -EncodedCommand is not properly encoded.";
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| wrong())?;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().filter(|_| bytes.len() % 2 == 0).ok_or_else(|| wrong().to_owned())
}

/// The words of a list in single quotes that a closing parenthesis ends.
fn list_of_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        if !SINGLE_QUOTES.contains(&characters.next()?) {
            return None;
        }
        let mut word = String::new();
        loop {
            match characters.next()? {
                quote if SINGLE_QUOTES.contains(&quote) => match characters.next_if(|c| SINGLE_QUOTES.contains(c)) {
                    Some(doubled) => word.push(doubled),
                    None => break,
                },
                other => word.push(other),
            }
        }
        words.push(word);
        match characters.next()? {
            ',' => {}
            ')' => return Some(words),
            _ => return None,
        }
    }
}

/// The commands of a text and their words.
fn commands(code: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in code.chars() {
        match quote {
            Some('"') if c == '"' => quote = None,
            Some('\'') if SINGLE_QUOTES.contains(&c) => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || SINGLE_QUOTES.contains(&c) => {
                quote = Some(if c == '"' { '"' } else { '\'' });
                word.get_or_insert_default();
            }
            None if c == ' ' || c == '\t' || c == '&' || BETWEEN_COMMANDS.contains(&c) => {
                commands.last_mut().into_iter().for_each(|words| words.extend(word.take()));
                if BETWEEN_COMMANDS.contains(&c) {
                    commands.push(Vec::new());
                }
            }
            None => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut().into_iter().for_each(|words| words.extend(word.take()));
    commands.retain(|words| !words.is_empty());
    commands
}

/// The words for a POSIX shell.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn what_is_not_encoded_is_read_a_second_time() {
        assert_eq!(commands("echo a; whoami"), [words(&["echo", "a"]), words(&["whoami"])]);
        assert_eq!(commands("& 'a b' \u{2018}c;d\u{2019} \"e f\""), [words(&["a b", "c;d", "e f"])]);
    }

    #[test]
    fn lists_of_words_are_read_as_powershell_reads_them() {
        assert_eq!(list_of_words("'a','it''s',''); rest"), Some(words(&["a", "it's", ""])));
        assert_eq!(list_of_words("'\u{2019}\u{2019}')"), Some(words(&["\u{2019}"])));
        assert_eq!(list_of_words("'a'\u{2019})"), None);
        assert_eq!(list_of_words("$x)"), None);
    }

    #[test]
    fn encoded_commands_are_utf_16_and_base64() {
        assert_eq!(decoded("YQA7AGIA").unwrap(), "a;b");
        assert!(decoded("YQA").is_err() && decoded("YQ==").is_err());
    }
}
