//! The command lines of ssh and scp, understood as far as it takes to find what names an instance. All else is left to
//! them, exactly as it was typed.

use std::ffi::{OsStr, OsString};

use clap::Command;

use crate::cli::implied_shell;

/// How a program of OpenSSH reads its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// The options that have a value, of OpenSSH 10.
    with_value: &'static str,
    /// The options that ssh has as well and that mean something else there: they are only skipped.
    not_as_ssh: &'static str,
    /// Whether options may stand behind the first operand as well, and all that follows them is a remote command.
    one_operand: bool,
}

/// ssh.
pub(crate) const SSH: Syntax = Syntax { with_value: "BDEFIJLOPQRSWbceilmopw", not_as_ssh: "", one_operand: true };

/// scp, whose `-l` limits the bandwidth, and whose `-O` takes its protocol of old.
pub(crate) const SCP: Syntax = Syntax { with_value: "DFJMPSXcilo", not_as_ssh: "DOPRSTlp", one_operand: false };

/// Where things are among the arguments of such a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Options by their letters, with their values. All of them mean what they mean to ssh.
    pub(crate) options: Vec<(char, Option<String>)>,
    /// The places of the operands: the destination of ssh, the files of scp.
    pub(crate) operands: Vec<usize>,
    /// The places of long options that are ours, and of their values.
    pub(crate) ours: Vec<usize>,
    /// The place of the `--` that ends the options.
    terminator: Option<usize>,
}

impl Words {
    /// Reads arguments that are all the program's own.
    pub(crate) fn read(syntax: Syntax, args: &[OsString]) -> Self {
        Self::read_with(syntax, args, |_| None)
    }

    /// `ours` says of a long option whether it is ours, and if so whether it has a value.
    pub(crate) fn read_with(syntax: Syntax, args: &[OsString], ours: impl Fn(&str) -> Option<bool>) -> Self {
        let mut words = Self::default();
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            let text = arg.to_str().unwrap_or_default();
            let is_option = words.terminator.is_none() && text.len() > 1 && text.starts_with('-');
            if !is_option {
                if syntax.one_operand && !words.operands.is_empty() {
                    // The remote command begins.
                    break;
                }
                words.operands.push(at);
                if !syntax.one_operand {
                    // scp takes no options behind the first file.
                    words.operands.extend(at + 1..args.len());
                    break;
                }
            } else if text == "--" {
                words.terminator = Some(at);
            } else if let Some(long) = text.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
                if let Some(takes_value) = ours(name) {
                    words.ours.push(at);
                    if takes_value && !value && at + 1 < args.len() {
                        at += 1;
                        words.ours.push(at);
                    }
                }
            } else {
                at += words.cluster(syntax, &text[1..], args.get(at + 1));
            }
            at += 1;
        }
        words
    }

    /// Takes letters apart that stand together; returns how many arguments more they use up.
    fn cluster(&mut self, syntax: Syntax, letters: &str, next: Option<&OsString>) -> usize {
        for (index, letter) in letters.char_indices() {
            // The port is one of the two, by another letter.
            let as_ssh = match letter {
                'P' if syntax == SCP => Some('p'),
                letter => (!syntax.not_as_ssh.contains(letter)).then_some(letter),
            };
            if !syntax.with_value.contains(letter) {
                self.options.extend(as_ssh.map(|letter| (letter, None)));
                continue;
            }
            let attached = &letters[index + letter.len_utf8()..];
            let separate = attached.is_empty();
            let value =
                if separate { next.map(|next| next.to_string_lossy().into_owned()) } else { Some(attached.to_owned()) };
            self.options.extend(as_ssh.map(|letter| (letter, value)));
            return usize::from(separate);
        }
        0
    }

    /// Whether an option is there.
    pub(crate) fn has(&self, letters: &str) -> bool {
        self.options.iter().any(|(letter, _)| letters.contains(*letter))
    }

    /// The value of the first of an option.
    pub(crate) fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().find(|(found, _)| *found == letter)?.1.as_deref()
    }

    /// The value that `-o KEYWORD=VALUE` sets first.
    pub(crate) fn setting(&self, keyword: &str) -> Option<&str> {
        let settings =
            self.options.iter().filter(|(letter, _)| *letter == 'o').filter_map(|(_, value)| value.as_deref());
        settings.filter_map(setting).find(|(name, _)| name.eq_ignore_ascii_case(keyword)).map(|(_, value)| value)
    }

    /// Where more options can be put so that those that were typed stand before them.
    pub(crate) fn end_of_options(&self) -> usize {
        let first = self.operands.first().copied().unwrap_or_default();
        self.terminator.filter(|terminator| *terminator < first).unwrap_or(first)
    }
}

/// Takes `KEYWORD=VALUE` or `KEYWORD VALUE` apart.
pub(crate) fn setting(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c == '=' || c.is_whitespace())?;
    let value = text[end..].trim_start().trim_start_matches('=').trim();
    Some((&text[..end], value.trim_matches('"')))
}

/// Behind `ssmx ssh` and `ssmx scp`, short options belong to ssh and scp, and our own are the long ones, of which those
/// have none: puts ours in front, and all else behind a `--`.
pub(crate) fn set_apart(mut cli: Command, mut args: Vec<OsString>) -> Vec<OsString> {
    cli.build();
    let at = implied_shell::command_at(&cli, &args);
    let syntax = match args.get(at).and_then(|word| word.to_str()) {
        Some("ssh") => SSH,
        Some("scp") => SCP,
        _ => return args,
    };
    let command = args[at].to_str().and_then(|word| cli.find_subcommand(word));
    let takes_value = |name: &str| {
        let found = command?.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        Some(found.get_action().takes_values())
    };
    let rest = args.split_off(at + 1);
    let words = Words::read_with(syntax, &rest, takes_value);
    let (ours, theirs): (Vec<_>, Vec<_>) = rest.into_iter().enumerate().partition(|(at, _)| words.ours.contains(at));
    args.extend(ours.into_iter().map(|(_, arg)| arg));
    if !theirs.is_empty() {
        args.push("--".into());
    }
    args.extend(theirs.into_iter().map(|(_, arg)| arg));
    args
}

/// Splits `user@host`, at the last `@` as ssh does.
pub(crate) fn split_user(text: &str) -> (Option<&str>, &str) {
    text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host))
}

/// Splits a remote file of scp into its host and its path; `None` for a local one. A `/` before the first colon makes it
/// local, as does a colon in front.
pub(crate) fn split_remote(operand: &OsStr) -> Option<(&str, &str)> {
    let text = operand.to_str()?;
    if cfg!(windows) && text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic() {
        return None;
    }
    let (host, path) = text.split_once(':')?;
    (!host.is_empty() && !host.contains('/')).then_some((host, path))
}

#[cfg(test)]
mod tests;
