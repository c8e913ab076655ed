//! Failures of the rooms below, turned into messages with advice and into exit codes.

use super::error::{CliError, ErrorKind};
use crate::aws;
use crate::channel::{DialError, End, OpenError};
use crate::config::ConfigError;
use crate::fleet::FleetError;
use crate::fleet::diagnose::Purpose;
use crate::protocol::Failure;
use crate::session::command::CommandError;
use crate::session::forward::SessionError;
use crate::session::pipe::InputError;
use crate::terminal::SignalError;

impl From<aws::ErrorKind> for ErrorKind {
    fn from(kind: aws::ErrorKind) -> Self {
        match kind {
            aws::ErrorKind::Credentials | aws::ErrorKind::Permission => Self::Denied,
            aws::ErrorKind::NotFound => Self::NoTarget,
            aws::ErrorKind::NotConnected => Self::NotConnected,
            aws::ErrorKind::Usage => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<aws::Error> for CliError {
    fn from(error: aws::Error) -> Self {
        error.output().into_iter().fold(advised(error.kind().into(), &error, error.hints()), CliError::cause)
    }
}

impl From<FleetError> for CliError {
    fn from(error: FleetError) -> Self {
        error.output().into_iter().fold(advised(error.kind().into(), &error, error.hints()), CliError::cause)
    }
}

impl From<DialError> for CliError {
    fn from(error: DialError) -> Self {
        advised(error.kind().into(), &error, error.hints())
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Aws(error) => error.into(),
            OpenError::Dial(error) => error.into(),
            OpenError::StreamUrl(error) => Self::failed("the session cannot be opened")
                .caused_by(&error)
                .hint("behind a VPC endpoint or your own gateway, set `AWS_ENDPOINT_URL_SSMMESSAGES` to its URL"),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Invalid { .. } => mistakes(&error).hint("correct it with `ssmx config edit`"),
            ConfigError::Variable { .. } => Self::usage(error.to_string()),
            ConfigError::Missing(_) => Self::usage(error.to_string())
                .hint("create it with `ssmx config init`, or unset the variable to use the default file"),
            ConfigError::NoHome => Self::failed(error.to_string()).hint("set HOME, or name a file with `SSMX_CONFIG`"),
            ConfigError::Unreadable { .. } => Self::failed(error.to_string()).caused_by(&error),
        }
    }
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        let failed = Self::failed(error.to_string());
        match error {
            SessionError::TimedOut => failed.hint("check the agent's log on the instance, or restart the agent"),
            SessionError::NoRemoteHosts(_) => failed.hint(format!(
                "update the agent to {} or newer, or forward through SSH: `ssmx ssh TARGET -L …`",
                Purpose::RemotePort.needs()
            )),
            SessionError::Ended(end) => failure(end).unwrap_or(failed),
        }
    }
}

/// What is wrong with a configuration, every mistake with its line. For one that is being written, which needs no advice
/// to correct it.
pub(crate) fn mistakes(error: &ConfigError) -> CliError {
    let usage = CliError::usage(error.to_string());
    match error {
        ConfigError::Invalid { mistakes, .. } if mistakes.len() > 1 => {
            mistakes.iter().map(ToString::to_string).fold(usage, CliError::cause)
        }
        _ => usage,
    }
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        let usage = Self::usage(error.to_string());
        match error {
            CommandError::Empty | CommandError::Nul => usage,
            CommandError::Long(_) | CommandError::LongForWindows { .. } => {
                usage.hint("copy a script to the instance with `ssmx scp`, and run that")
            }
            CommandError::BinaryOnWindows => usage.hint("without `--binary` the output has to be text"),
            CommandError::InputOnWindows => usage.hint("`ssmx ssh` passes the input on, where Windows has an SSH server"),
            CommandError::Reference(_) => usage
                .cause("agents replace `{{ssm:NAME}}` by a parameter of Parameter Store, read with the instance's role")
                .hint("a document of the account may have the reference in its own text, where its author can see to the quoting"),
        }
    }
}

impl From<InputError> for CliError {
    fn from(error: InputError) -> Self {
        let failed = Self::failed(error.to_string());
        match error {
            InputError::Ended(end) => failure(end).unwrap_or(failed).about("the session for the input"),
            InputError::Lost(end) => failure(end)
                .unwrap_or_else(|| lost("it ended"))
                .about("the session that carried the input")
                .hint("the command has met an end of file before the end of the input"),
            InputError::Input(error) => failed.caused_by(&error),
            InputError::Unprepared(text) => {
                failed.cause(text).hint("`--stdin` needs `sh`, `stty`, `mkfifo` and `base64` on the instance")
            }
            InputError::Undecoded => failed
                .hint("the command has met an end of file before the end of the input")
                .hint("`ssmx ssh` carries input too"),
            InputError::TimedOut => failed.hint("check the agent's log on the instance, or restart the agent"),
        }
    }
}

impl From<SignalError> for CliError {
    fn from(error: SignalError) -> Self {
        Self::failed(error.to_string()).caused_by(&error)
    }
}

/// The failure that the end of a session is; `None` when it ended as it should.
pub(crate) fn failure(end: End) -> Option<CliError> {
    Some(match end {
        End::Terminated => return None,
        End::Closed(reason) if reason.trim().is_empty() => return None,
        End::Closed(reason) => CliError::failed("the session failed").cause(reason.trim()),
        End::Expired => lost("connection lost, and the session expired before it could be resumed")
            .hint("idle sessions end after the account's idle timeout (20 minutes by default)"),
        End::Lost(reason) => lost("connection lost; could not reconnect in time").cause(reason),
        End::Rejected(reason) => lost("connection lost, and the service closes each new one")
            .cause(reason)
            .hint("another client may have connected to this session; or a proxy in between closes its connections"),
        End::Refused(error) => {
            let refused = lost("connection lost, and the session cannot be resumed").caused_by(&error);
            error.hints().into_iter().fold(refused, CliError::hint)
        }
        End::Failed(
            failure @ (Failure::Undecipherable
            | Failure::LargeMessageUnanswered
            | Failure::LargeMessageRefused
            | Failure::MessageMissing
            | Failure::FrameTooLarge(_)),
        ) => lost("the session failed").caused_by(&failure),
        End::Failed(failure @ Failure::NotStarted(_)) => CliError::failed("the session failed")
            .caused_by(&failure)
            .hint("check the agent's log on the instance, or restart the agent"),
        End::Failed(failure @ Failure::Unencrypted(_)) => CliError::failed("the session was ended")
            .caused_by(&failure)
            .hint("update the SSM agent, and try again; if that does not help, somebody may be tampering with the session"),
        End::Failed(failure @ Failure::EncryptionMissing) => CliError::failed("the session was ended")
            .caused_by(&failure)
            .hint("name a KMS key in the preferences of Session Manager, or unset `require_encryption`"),
        End::Failed(failure) => CliError::failed("the session failed").caused_by(&failure),
    })
}

/// Why a session ended, in a few words; `None` when it ended as it should.
pub(crate) fn reason(end: &End) -> Option<String> {
    match end {
        End::Terminated => None,
        End::Closed(reason) => Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty()),
        End::Expired => Some("connection lost, and the session expired".to_owned()),
        End::Lost(reason) => Some(reason.clone()),
        End::Rejected(reason) => Some(format!("the service closes each connection: {reason}")),
        End::Refused(error) => Some(error.to_string()),
        End::Failed(failure) => Some(failure.to_string()),
    }
}

fn lost(message: &str) -> CliError {
    CliError::new(ErrorKind::Lost, message)
}

fn advised(kind: ErrorKind, error: &dyn std::error::Error, hints: Vec<String>) -> CliError {
    hints.into_iter().fold(CliError::new(kind, error.to_string()), CliError::hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn ends_have_their_exit_codes() {
        assert!(failure(End::Closed(" \n".into())).is_none());
        assert_eq!(failure(End::Closed("no such user".into())).unwrap().exit(), Exit::FAILED);
        assert_eq!(failure(End::Expired).unwrap().exit(), Exit::LOST);
        assert_eq!(failure(End::Lost("no route".into())).unwrap().exit(), Exit::LOST);
        assert_eq!(failure(End::Rejected("code 1008".into())).unwrap().exit(), Exit::LOST);
    }
}
