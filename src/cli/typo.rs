//! What was probably meant by a command line that leads nowhere.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::error::CliError;
use super::implied_shell;
use crate::nearest::nearest;

/// The command line with the command that the word at `at` resembles in its place. None if it resembles none, or the
/// line is none of that command's; `fits` checks that.
pub(crate) fn corrected(
    cli: &Command,
    args: &[OsString],
    at: usize,
    fits: impl Fn(&[OsString]) -> bool,
) -> Option<String> {
    let near = nearest(args.get(at)?.to_str()?, cli.get_subcommands().map(Command::get_name))?;
    let mut corrected = args.to_vec();
    corrected[at] = near.into();
    fits(&corrected).then(|| line(&corrected))
}

/// Why a command line was refused that has an argument too many: its first word was meant as a command of ssmx, or the
/// rest of it as one to run. `at` is the place of the first word, if that was taken for a target; `fits` checks whether
/// a line is one of the command that it names, and `runs` whether it is a shell with a target and a command.
pub(crate) fn explain(
    cli: &Command,
    typed: &[OsString],
    at: Option<usize>,
    error: &clap::Error,
    fits: impl Fn(&[OsString]) -> bool,
    runs: impl Fn(&[OsString]) -> bool,
) -> Option<CliError> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(extra))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    let corrected = at.and_then(|at| Some((typed.get(at)?.to_string_lossy(), corrected(cli, typed, at, fits)?)));
    let behind_dashes = behind_dashes(cli, typed, extra, runs);
    match (corrected, behind_dashes) {
        (None, None) => None,
        (None, Some(line)) => Some(
            CliError::usage(format!("unexpected argument `{extra}`"))
                .hint(format!("put a command to run after `--`: `{line}`")),
        ),
        (Some((word, line)), behind_dashes) => {
            let error = CliError::usage(format!("`{word}` is not a command")).hint(format!("did you mean `{line}`?"));
            Some(match behind_dashes {
                Some(line) => error.hint(format!("if `{word}` is a target, put a command to run after `--`: `{line}`")),
                None => error,
            })
        }
    }
}

/// The command line of a shell with `--` in front of the word that is too many.
fn behind_dashes(cli: &Command, typed: &[OsString], extra: &str, runs: impl Fn(&[OsString]) -> bool) -> Option<String> {
    if extra.starts_with('-') || typed.iter().any(|word| word == "--") {
        return None;
    }
    let first = implied_shell::command_at(cli, typed);
    let places = (first + 1..typed.len()).filter(|at| typed[*at] == extra);
    let candidates = places.map(|at| {
        let mut line = typed.to_vec();
        line.insert(at, "--".into());
        line
    });
    candidates.into_iter().find(|line| runs(line)).map(|found| line(&found))
}

/// Words as they are typed into a shell, the program by its name.
fn line(words: &[OsString]) -> String {
    let quoted = words.iter().skip(1).map(|word| {
        let word = word.to_string_lossy();
        shlex::try_quote(&word).map_or_else(|_| word.to_string(), |quoted| quoted.into_owned())
    });
    std::iter::once("ssmx".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}
