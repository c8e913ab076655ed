//! What can stand at the cursor. The commands and flags are those of the definition; what their values can be follows
//! from what it says that they name ([`Completes`]).

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{self, ArgValueCompleter, PathCompleter, ValueCompleter};

use super::known::Known;
use super::programs::programs;
use crate::cli::args::Cli;
use crate::cli::commands::ssh::arguments::{SCP, SSH, Syntax, Words, split_user};
use crate::cli::completes::Completes;
use crate::cli::implied_shell::command_at;

/// What can stand in place of the last of these words, the first of which is the program's name.
pub(crate) fn candidates(words: &[String]) -> Vec<CompletionCandidate> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    if before.is_empty() {
        return Vec::new();
    }
    let before: Vec<OsString> = before.iter().map(OsString::from).collect();
    let cli = Cli::command();
    let at = command_at(&cli, &before);
    let command = before.get(at).and_then(|word| cli.find_subcommand(word)).map(|found| found.get_name().to_owned());
    let known = Arc::new(Known::of(&before));
    match command.as_deref() {
        Some(name @ ("ssh" | "scp")) => openssh(&known, name, &before[at + 1..], current),
        command => match before.iter().skip(at).position(|word| word == "--") {
            Some(terminator) if runs_here(command) => local(&before[at + terminator + 1..], current),
            // What is there on the instance is not known here.
            Some(_) => Vec::new(),
            None => ask(definition(&known, current), before, current),
        },
    }
}

/// Whether the command behind `--` runs on this machine.
fn runs_here(command: Option<&str>) -> bool {
    matches!(command, Some("fwd" | "sandbox"))
}

fn ask(mut definition: Command, mut words: Vec<OsString>, current: &str) -> Vec<CompletionCandidate> {
    if has_flag_without_value(&definition, &words) {
        return Vec::new();
    }
    let at = words.len();
    words.push(current.into());
    engine::complete(&mut definition, words, at, std::env::current_dir().ok().as_deref()).unwrap_or_default()
}

/// Whether a flag that takes a value is followed by another flag. Such a line cannot be completed to one that makes sense,
/// and clap's engine panics at some of them.
fn has_flag_without_value(definition: &Command, words: &[OsString]) -> bool {
    // The program, the command that is typed, and the command of that.
    let mut commands = vec![definition];
    for word in words {
        commands.extend(commands.last().and_then(|command| command.find_subcommand(word)));
    }
    let all = || commands.iter().flat_map(|command| command.get_arguments());
    let takes_value = |word: &str| {
        let letter =
            || word.strip_prefix('-').filter(|letters| !letters.starts_with('-')).and_then(|all| all.chars().last());
        let named = |arg: &&Arg| {
            let is_long = word.strip_prefix("--").is_some_and(|name| arg.get_long() == Some(name));
            is_long || arg.get_short().is_some_and(|short| letter() == Some(short))
        };
        all().any(|arg| named(&arg) && arg.get_action().takes_values() && !arg.is_allow_hyphen_values_set())
    };
    let is_flag = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with('-') && word.len() > 1);
    words.windows(2).any(|pair| is_flag(&pair[1]) && pair[0].to_str().is_some_and(takes_value))
}

/// The definition of the command line, with what the values of its arguments can be. The first word is a command or a
/// target, and the flags of `ssmx shell` can stand without it.
fn definition(known: &Arc<Known>, current: &str) -> Command {
    let cli = Cli::command();
    let of_shell = cli.find_subcommand("shell").map(|shell| shell.get_arguments().cloned().collect::<Vec<_>>());
    taught(cli.args(of_shell.unwrap_or_default()), known, current)
}

fn taught(command: Command, known: &Arc<Known>, current: &str) -> Command {
    let command = command.mut_args(|arg| with_values(arg, known)).mut_subcommands(|sub| taught(sub, known, current));
    if current.starts_with('-') {
        return command;
    }
    // Flags stand in the way of targets until they are asked for, or nothing else is left.
    command.disable_help_flag(true).disable_version_flag(true).mut_args(|arg| match arg.is_positional() {
        true => arg,
        false => arg.hide(true),
    })
}

fn with_values(arg: Arg, known: &Arc<Known>) -> Arg {
    let Some(completes) = arg.get::<Completes>().copied() else { return arg };
    let known = Arc::clone(known);
    arg.add(ArgValueCompleter::new(move |current: &OsStr| {
        current.to_str().map(|current| known.values(completes, current)).unwrap_or_default()
    }))
}

/// Behind `ssmx ssh` and `ssmx scp`, where everything but our long flags is as ssh has it.
fn openssh(known: &Arc<Known>, command: &str, before: &[OsString], current: &str) -> Vec<CompletionCandidate> {
    let syntax = if command == "ssh" { SSH } else { SCP };
    let is_flag = current.starts_with('-');
    // Its short flags are not ours.
    let cli = Cli::command().mut_args(|arg| arg.short(None)).mut_subcommand(command, |sub| sub.disable_help_flag(true));
    let definition = taught(cli, known, current);
    let mut built = definition.clone();
    built.build();
    let takes_value = |name: &str| {
        let found = built.find_subcommand(command)?.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        Some(found.get_action().takes_values())
    };
    match role(syntax, before, takes_value) {
        Role::Ours(flag) => ask(definition, vec!["ssmx".into(), command.into(), flag], current),
        Role::Option('i' | 'F' | 'E' | 'S') => PathCompleter::any().complete(OsStr::new(current)),
        Role::Option(_) | Role::Remote => Vec::new(),
        Role::Operand if is_flag => ask(definition, vec!["ssmx".into(), command.into()], current),
        Role::Operand if syntax == SSH => with_user(known, current, ""),
        Role::Operand => {
            let mut found = with_user(known, current, ":");
            found.extend(
                PathCompleter::any().complete(OsStr::new(current)).into_iter().filter(|path| !path.is_hide_set()),
            );
            found
        }
    }
}

/// What a word is to ssh and scp.
enum Role {
    /// The value of a flag of ours.
    Ours(OsString),
    /// The value of an option of theirs.
    Option(char),
    Operand,
    /// Part of the command to be run there.
    Remote,
}

fn role(syntax: Syntax, before: &[OsString], takes_value: impl Fn(&str) -> Option<bool>) -> Role {
    // Whatever stands at the cursor, it is not a flag.
    let at = before.len();
    let line: Vec<OsString> = before.iter().cloned().chain(["x".into()]).collect();
    let words = Words::read_with(syntax, &line, takes_value);
    if words.operands.contains(&at) {
        return Role::Operand;
    }
    if words.ours.contains(&at) {
        return Role::Ours(before[at - 1].clone());
    }
    match words.options.last() {
        Some((letter, Some(_))) if words.operands.is_empty() => Role::Option(*letter),
        _ => Role::Remote,
    }
}

/// Targets behind the user that is typed, if one is.
fn with_user(known: &Known, current: &str, ending: &str) -> Vec<CompletionCandidate> {
    let (user, target) = split_user(current);
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let targets = known.targets(target).into_iter();
    let whole = targets.map(|target| {
        let value = format!("{user}{}{ending}", target.get_value().to_string_lossy());
        CompletionCandidate::new(value).help(target.get_help().cloned())
    });
    whole.collect()
}

/// A command that runs on this machine.
fn local(before: &[OsString], current: &str) -> Vec<CompletionCandidate> {
    if before.is_empty() && !current.contains(['/', '\\']) {
        return programs(current).into_iter().map(CompletionCandidate::new).collect();
    }
    PathCompleter::any().complete(OsStr::new(current))
}
