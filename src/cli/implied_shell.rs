//! `ssmx TARGET` is `ssmx shell TARGET`: finds the place for the word that was left out.

use std::ffi::OsString;

use clap::Command;

const DEFAULT: &str = "shell";

/// Inserts the default command before the first argument that belongs to no command: a word that is not one, or a flag
/// that not all commands have. Where there is none, it is appended if `alone` says so. Also returns where that argument
/// was.
pub(crate) fn insert(mut cli: Command, mut args: Vec<OsString>, alone: bool) -> (Vec<OsString>, Option<usize>) {
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
    args.insert(at, DEFAULT.into());
    (args, Some(at))
}

/// The place of the first argument that is not a global flag. The definition has to be built.
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
