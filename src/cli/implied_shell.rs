//! `ssmx TARGET` is `ssmx shell TARGET`: finds the place for the word that was left out.

use std::ffi::OsString;

use clap::Command;

const DEFAULT: &str = "shell";

/// How many letters may be wrong in a mistyped command.
const MISTYPED: usize = 2;

/// Inserts the default command before the first argument that belongs to no command: a word that is none, or a flag that
/// not all commands have. Where there is none, it is appended if `alone` says so. Also returns the command that the word resembles.
pub(crate) fn insert(mut cli: Command, mut args: Vec<OsString>, alone: bool) -> (Vec<OsString>, Option<String>) {
    cli.build();
    let at = command_at(&cli, &args);
    if args.get(at).and_then(|word| word.to_str()).is_some_and(|word| cli.find_subcommand(word).is_some()) {
        return (args, None);
    }
    if at >= args.len() {
        // Beyond the end: a flag lacks its value.
        if alone && at == args.len() {
            args.push(DEFAULT.into());
        }
        return (args, None);
    }
    let resembled = args[at].to_str().and_then(|word| resembled(&cli, word));
    args.insert(at, DEFAULT.into());
    (args, resembled)
}

/// Where the first argument is that is no global flag. The definition has to be built.
pub(crate) fn command_at(cli: &Command, args: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(text) = args.get(at).and_then(|arg| arg.to_str()) {
        at += match flag(cli, text) {
            Flag::Word | Flag::OfCommand => break,
            Flag::Global => 1,
            Flag::GlobalWithValue => 2,
        };
    }
    at
}

enum Flag {
    Word,
    OfCommand,
    Global,
    /// Its value is the next argument.
    GlobalWithValue,
}

fn flag(cli: &Command, text: &str) -> Flag {
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return match cli.get_arguments().find(|arg| arg.get_long() == Some(name)) {
            None => Flag::OfCommand,
            Some(arg) if arg.get_action().takes_values() && value.is_none() => Flag::GlobalWithValue,
            Some(_) => Flag::Global,
        };
    }
    let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) else { return Flag::Word };
    for (index, letter) in letters.char_indices() {
        match cli.get_arguments().find(|arg| arg.get_short() == Some(letter)) {
            None => return Flag::OfCommand,
            Some(arg) if arg.get_action().takes_values() => {
                let is_last = index + letter.len_utf8() == letters.len();
                return if is_last { Flag::GlobalWithValue } else { Flag::Global };
            }
            Some(_) => {}
        }
    }
    Flag::Global
}

fn resembled(cli: &Command, word: &str) -> Option<String> {
    cli.get_subcommands()
        .map(|command| (distance(word, command.get_name()), command.get_name()))
        .filter(|(distance, name)| *distance <= MISTYPED && distance * 2 <= name.len())
        .min()
        .map(|(_, name)| name.to_owned())
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Row i holds the distances of the first i letters of `a` from each beginning of `b`.
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
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
    fn distances() {
        for (a, b, expected) in [("exec", "exec", 0), ("exce", "exec", 1), ("shel", "shell", 1), ("", "ab", 2)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
        assert_eq!(distance("web-1", "shell"), 5);
    }
}
