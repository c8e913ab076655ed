//! `ssmx proxy`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::aws::StartSession;
use crate::channel::{End, Notice, Options};
use crate::cli::advice;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, Wanted};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::target::lookup;
use crate::cli::target::reason::reason;
use crate::cli::ui::Ui;
use crate::config::Key;
use crate::session::{self, Carried, Observer};
use crate::terminal::Terminations;

/// Connect standard input and output to a port of an instance, as an ssh ProxyCommand
///
/// Bytes pass unchanged in both directions until either side ends. Standard output carries nothing else; standard
/// error carries only errors, and a notice when the connection has been lost for more than 10 s. `ssmx ssh-config`
/// prints an OpenSSH configuration that uses this command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instance: an id (i-…, mi-…), Name, address, tags as key=value, or an alias; a trailing `.ssmx` is ignored
    #[arg(add = Completes::Targets)]
    pub host: String,

    /// Port of the SSH server on the instance
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Host as typed (%n); ssh lower-cases %h, but Name tags are case-sensitive
    #[arg(long, value_name = "HOST")]
    pub typed: Option<String>,

    /// Alias whose settings hold for an instance, which is the one that `ssmx ssh` has found it to mean
    #[arg(long, value_name = "ID=NAME", hide = true)]
    pub alias: Vec<String>,

    /// Session document, instead of AWS-StartSSHSession
    #[arg(long, value_name = "NAME", add = Completes::Documents)]
    pub document: Option<String>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// The document for SSH.
const DOCUMENT: &str = "AWS-StartSSHSession";

/// The ending that hosts have in an OpenSSH configuration to be found by Name.
pub(crate) const SUFFIX: &str = ".ssmx";

/// Runs the command.
///
/// # Errors
/// The session cannot be had or was lost.
pub(crate) async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let context = &context.quieted();
    let ui = &context.ui;
    let host = target(&args.host, args.typed.as_deref());
    let alias = args.alias.iter().filter_map(|alias| alias.split_once('=')).find(|(id, _)| *id == host);
    let wanted = match alias {
        Some((id, alias)) => {
            Wanted { text: id.to_owned(), selector: None, settings: context.settings_for(Some(alias))? }
        }
        None => context.wanted(host)?,
    };
    // Standard input is the connection, so nobody can be asked.
    let given = args.reason.as_deref().or_else(|| wanted.settings.text(Key::Reason));
    let reason = reason(Some(given.unwrap_or_default()), &wanted.settings)?.filter(|reason| !reason.is_empty());
    let document = args.document.as_deref().or_else(|| wanted.settings.text(Key::SshDocument)).unwrap_or(DOCUMENT);
    // Signals are heard from here on, so that none leaves a session behind: ssh ends its ProxyCommand with SIGHUP.
    let mut terminations =
        Terminations::listen().map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
    let request = StartSession {
        target: String::new(),
        document: Some(document.to_owned()),
        parameters: [("portNumber".to_owned(), vec![args.port.to_string()])].into(),
        reason,
    };
    let open = async {
        let aws = context.aws(&wanted.settings).await?;
        let target = lookup::target(ui, &aws, &wanted).await?;
        lookup::session(ui, &aws, &target, request, Options::port()).await
    };
    let channel = tokio::select! {
        channel = open => channel?,
        signal = terminations.next() => return Ok(Exit::of_program(signal.exit_code())),
    };
    let patient = Patient { ui: ui.clone(), patience: PATIENCE, outage: Arc::default() };
    let carried = session::stdio(channel, &mut terminations, &patient)
        .await
        .map_err(|error| CliError::failed("standard input and output cannot be used").caused_by(&error))?;
    match carried {
        Carried::EndOfInput => Ok(Exit::FINE),
        Carried::Stopped(signal) => Ok(Exit::of_program(signal.exit_code())),
        Carried::Ended(end) => {
            let refused = matches!(&end, End::Closed(_));
            advice::failure(end).map_or(Ok(Exit::FINE), |error| {
                Err(if refused { error.hint(format!("does a server listen on port {}?", args.port)) } else { error })
            })
        }
        Carried::Undelivered => {
            Err(CliError::new(ErrorKind::Lost, "the end of the input was not acknowledged by the instance"))
        }
        Carried::Input(error) => Err(CliError::failed("cannot read standard input").caused_by(&error)),
        Carried::Output(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(CliError::failed("nobody reads standard output"))
        }
        Carried::Output(error) => Err(CliError::stdout(&error)),
    }
}

/// The target that ssh means by a host: as it was typed, if ssh has only changed the case of that.
fn target<'a>(host: &'a str, typed: Option<&'a str>) -> &'a str {
    let host = typed.filter(|typed| typed.eq_ignore_ascii_case(host)).unwrap_or(host);
    match host.len().checked_sub(SUFFIX.len()).and_then(|at| host.split_at_checked(at)) {
        Some((name, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) && !name.is_empty() => name,
        _ => host,
    }
}

/// Speaks of a lost connection only when it stays lost: the terminal is that of the remote shell.
struct Patient {
    ui: Ui,
    patience: Duration,
    outage: Arc<Mutex<Outage>>,
}

#[derive(Default)]
struct Outage {
    /// Newest reason.
    reason: String,
    /// Says it when the time has come.
    alarm: Option<AbortHandle>,
    said: bool,
}

/// An outage that is shorter than this is no news.
const PATIENCE: Duration = Duration::from_secs(10);

impl Observer for Patient {
    fn notice(&self, notice: &Notice) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            Notice::Lost(reason) | Notice::Waiting(reason) => {
                outage.reason.clone_from(reason);
                if outage.alarm.is_some() {
                    return;
                }
                let (ui, patience, shared) = (self.ui.clone(), self.patience, Arc::clone(&self.outage));
                let alarm = tokio::spawn(async move {
                    tokio::time::sleep(patience).await;
                    let mut outage = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    outage.said = true;
                    ui.warning(format!(
                        "the connection has been lost for {} s ({}); reconnecting…",
                        patience.as_secs(),
                        outage.reason
                    ));
                });
                outage.alarm = Some(alarm.abort_handle());
            }
            Notice::Restored(after) => {
                outage.alarm.take().inspect(AbortHandle::abort);
                if std::mem::take(&mut outage.said) {
                    let after = after.as_secs_f64();
                    self.ui.warning(format!("connection restored after {after:.1} s; nothing was lost"));
                }
            }
        }
    }

    fn message(&self, text: &str) {
        tracing::info!(message = text.trim_end(), "the agent says");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::screen::Screen;
    use crate::testing::Written;

    #[test]
    fn hosts_of_ssh_are_targets() {
        for (host, typed, expected) in [
            ("i-0123456789abcdef0", None, "i-0123456789abcdef0"),
            ("web-1.ssmx", Some("Web-1.ssmx"), "Web-1"),
            ("web-1.ssmx", None, "web-1"),
            ("web-1.SSMX", None, "web-1"),
            // Named by a `HostName` of the configuration.
            ("i-0123456789abcdef0", Some("db"), "i-0123456789abcdef0"),
            (".ssmx", None, ".ssmx"),
            ("ssmx", None, "ssmx"),
            ("", None, ""),
            ("ü", None, "ü"),
            ("☃☃", None, "☃☃"),
        ] {
            assert_eq!(target(host, typed), expected, "{host} {typed:?}");
        }
    }

    fn patient(patience: Duration) -> (Patient, Written) {
        let written = Written::default();
        let ui = Ui::with_screen(Screen::new(Box::new(written.clone()), false), true, false);
        (Patient { ui, patience, outage: Arc::default() }, written)
    }

    #[tokio::test]
    async fn a_short_outage_is_no_news() {
        let (patient, written) = patient(Duration::from_millis(5));
        patient.notice(&Notice::Lost("cut".into()));
        let alarm = patient.outage.lock().unwrap().alarm.clone().unwrap();
        patient.notice(&Notice::Restored(Duration::from_millis(1)));
        while !alarm.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(written.text(), "");
    }

    #[tokio::test]
    async fn a_long_outage_is_said_once_with_its_newest_reason_and_its_end() {
        let (patient, written) = patient(Duration::ZERO);
        patient.notice(&Notice::Lost("cut".into()));
        patient.notice(&Notice::Waiting("no route".into()));
        let alarm = patient.outage.lock().unwrap().alarm.clone().unwrap();
        while !alarm.is_finished() {
            tokio::task::yield_now().await;
        }
        patient.notice(&Notice::Restored(Duration::from_secs(30)));
        let said = written.text();
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(said.contains("(no route)") && said.contains("restored after 30.0 s"), "{said}");
    }
}
