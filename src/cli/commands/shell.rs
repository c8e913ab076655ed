//! `ssmx shell`.

use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::document_parameters::Parameters;
use crate::cli::session::escape::{Escape, escape};
use crate::cli::session::observer::UiObserver;
use crate::cli::session::outcome;
use crate::cli::session::start::{Started, start};
use crate::cli::target::choose;
use crate::cli::target::lookup::Ambiguity;
use crate::cli::target::reason::reason;
use crate::cli::ui::Ui;
use crate::config::Key;
use crate::session::{self, Command, Left, SessionRequest};

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

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        let context = Context::load(ui, globals)?;
        let target = choose::request(&context, self.target.as_deref()).await?;
        let session = self.session(&target)?;
        let Started { channel, mut terminations } = start(&context, &target, &session, Ambiguity::Ask).await?;
        let left = {
            let _hold = ui.hold();
            session::shell(channel, self.escape.0, &mut terminations, &UiObserver::new(ui, None)).await
        };
        if matches!(left, Ok(Left::Disconnected)) {
            ui.status("Session ended");
        }
        outcome::of_shell(left)
    }
}

impl Args {
    fn session(&self, target: &TargetRequest) -> Result<SessionRequest, CliError> {
        let parameters = Parameters::merge(self.parameters.iter().cloned());
        let session = if self.command.is_empty() {
            let document = self.document.as_deref().or_else(|| target.settings.text(Key::ShellDocument));
            if document.is_none() && !parameters.is_empty() {
                return Err(CliError::usage("the default session document takes no parameters")
                    .hint("name the document that takes them with `--document`"));
            }
            SessionRequest::shell().with_document(document)
        } else {
            SessionRequest::interactive(Command::on_terminal(&self.command)?).with_document(self.document.as_deref())
        };
        Ok(session.with_parameters(parameters).with_reason(reason(self.reason.as_deref(), &target.settings)?))
    }
}
