//! `ssmx shell`.

use std::io;

use crate::aws::StartSession;
use crate::channel::Options;
use crate::cli::advice;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, Wanted};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::session::document_parameters::Parameters;
use crate::cli::target::choose;
use crate::cli::target::lookup::{self, Says};
use crate::cli::target::reason::reason;
use crate::config::Key;
use crate::session::{self, Left, command};
use crate::terminal::Terminations;

/// Open an interactive shell
///
/// At the start of a line, `~.` ends the session, `~^Z` suspends ssmx, `~?` lists the escape keys and `~~` sends a
/// tilde.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instance: an id (i-…, mi-…), Name or part of one, address, tags as key=value, or an alias [default: choose
    /// on the terminal]
    #[arg(add = Completes::Targets)]
    pub target: Option<String>,

    /// Session document, instead of the account's default
    #[arg(long, value_name = "NAME", add = Completes::Documents)]
    pub document: Option<String>,

    /// Parameters for the document: name=value, or a JSON object; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameters>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Escape character: a character, ^X for a control character, or none
    #[arg(long, value_name = "CHAR", default_value = "~", value_parser = escape)]
    pub escape: Escape,

    /// Command to run in the terminal, instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The first of the escape keys, if there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Escape(pub Option<u8>);

/// Runs the command.
///
/// # Errors
/// The session cannot be had or was lost.
pub(crate) async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let wanted = choose::wanted(context, args.target.as_deref()).await?;
    let request = request(&args, &wanted)?;
    // Signals are heard from here on, so that none leaves a session behind.
    let mut terminations =
        Terminations::listen().map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
    let open = async {
        let aws = context.aws(&wanted.settings).await?;
        let target = lookup::target_asking(ui, &aws, &wanted).await?;
        lookup::session(ui, &aws, &target, request, Options::interactive()).await
    };
    let channel = tokio::select! {
        channel = open => channel?,
        signal = terminations.next() => return Ok(Exit::of_program(signal.exit_code())),
    };
    let left = {
        let _hold = ui.hold();
        let says = Says { ui: ui.clone(), name: None };
        session::shell(channel, args.escape.0, &mut terminations, &says).await
    };
    match left.map_err(|error| CliError::failed("the terminal cannot be used").caused_by(&error))? {
        Left::Ended(end) => advice::failure(end).map_or(Ok(Exit::FINE), Err),
        Left::Disconnected => {
            ui.status("Session ended");
            Ok(Exit::FINE)
        }
        Left::Stopped(signal) => Ok(Exit::of_program(signal.exit_code())),
        Left::Terminal(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Exit::FAILED),
        Left::Terminal(error) => Err(CliError::stdout(&error)),
    }
}

fn request(args: &Args, wanted: &Wanted) -> Result<StartSession, CliError> {
    let mut parameters = Parameters::merge(args.parameters.iter().cloned());
    let mut document = args.document.clone();
    if args.command.is_empty() && document.is_none() {
        document = wanted.settings.text(Key::ShellDocument).map(str::to_owned);
    }
    if !args.command.is_empty() {
        let command = command::interactive(&args.command).map_err(|error| CliError::usage(error.to_string()))?;
        document.get_or_insert_with(|| "AWS-StartInteractiveCommand".to_owned());
        parameters.insert("command".to_owned(), vec![command]);
    } else if document.is_none() && !parameters.is_empty() {
        return Err(CliError::usage("the default shell takes no parameters")
            .hint("name the session document they belong to with `--document`"));
    }
    let reason = reason(args.reason.as_deref(), &wanted.settings)?;
    Ok(StartSession { target: String::new(), document, parameters, reason })
}

pub(crate) fn escape(text: &str) -> Result<Escape, String> {
    match text.as_bytes() {
        b"none" => Ok(Escape(None)),
        [key] if key.is_ascii_graphic() => Ok(Escape(Some(*key))),
        [b'^', key @ b'@'..=b'_'] => Ok(Escape(Some(key - b'@'))),
        [b'^', key @ b'a'..=b'z'] => Ok(Escape(Some(key - b'a' + 1))),
        _ => Err("it must be an ASCII character, `^` and a letter, or `none`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_characters() {
        for (text, key) in [("~", b'~'), ("%", b'%'), ("^]", 0x1d), ("^p", 0x10), ("^P", 0x10), ("^", b'^')] {
            assert_eq!(escape(text), Ok(Escape(Some(key))), "{text}");
        }
        assert_eq!(escape("none"), Ok(Escape(None)));
        for bad in ["", " ", "ab", "^é", "é", "^~"] {
            assert!(escape(bad).is_err(), "{bad}");
        }
    }
}
