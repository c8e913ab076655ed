//! The session documents of AWS, and requests for sessions with them or with others in their place.

use std::collections::BTreeMap;
use std::time::Duration;

use super::command::{Command, CommandError, Dialect, LONGEST};
use crate::channel::{Options, StartSession};

/// The session documents that every account has, one for each use of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// A shell, as the account's preferences say.
    Shell,
    /// A command in a terminal.
    Interactive,
    /// A command without a terminal.
    Command,
    /// The port of an SSH server.
    Ssh,
    /// A port of the instance itself.
    Port,
    /// A port of another host, behind the instance.
    RemotePort,
}

/// The parameter of [`Document::Command`] that keeps standard error apart. Without it there is no exit code either.
pub(crate) const SEPARATE_STREAMS: &str = "separateOutputStream";

/// How long to wait for the handshake of a session whose document is not known: only the handshake says what it is for.
const UNKNOWN_DOCUMENT_TIMEOUT: Duration = Duration::from_secs(10);

impl Document {
    pub(crate) const ALL: [Self; 6] =
        [Self::Shell, Self::Interactive, Self::Command, Self::Ssh, Self::Port, Self::RemotePort];

    /// The name by which the service knows it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Shell => "SSM-SessionManagerRunShell",
            Self::Interactive => "AWS-StartInteractiveCommand",
            Self::Command => "AWS-StartNonInteractiveCommand",
            Self::Ssh => "AWS-StartSSHSession",
            Self::Port => "AWS-StartPortForwardingSession",
            Self::RemotePort => "AWS-StartPortForwardingSessionToRemoteHost",
        }
    }

    /// The document of that name; `None` for those that people and organisations make.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|document| document.name() == name)
    }

    /// How the channel of such a session is opened.
    pub(crate) fn options(self) -> Options {
        match self {
            Self::Shell | Self::Interactive => Options::interactive(),
            Self::Command => Options::with_handshake(),
            Self::Ssh => Options::single_port(),
            Self::Port | Self::RemotePort => Options::port(),
        }
    }
}

/// How the channel of a session is opened whose use is not known yet.
pub(crate) fn unknown_options() -> Options {
    Options { handshake_grace: Some(UNKNOWN_DOCUMENT_TIMEOUT), always_handshake: false, ..Options::port() }
}

/// A session to be started, on any target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRequest {
    document: Document,
    /// The name of a document in place of it.
    custom: Option<String>,
    /// The parameter `command`, whose text depends on who reads it.
    command: Option<Command>,
    /// Who reads it, if that is known before the instance is looked for.
    dialect: Option<Dialect>,
    parameters: BTreeMap<String, Vec<String>>,
    reason: Option<String>,
}

/// The parameter of a document that takes a command.
const COMMAND: &str = "command";

impl SessionRequest {
    /// A shell.
    pub(crate) fn shell() -> Self {
        Self::new(Document::Shell, [])
    }

    /// A command in a terminal.
    pub(crate) fn interactive(command: Command) -> Self {
        Self { command: Some(command), ..Self::new(Document::Interactive, []) }
    }

    /// A command without a terminal.
    pub(crate) fn command(command: Command) -> Self {
        Self { command: Some(command), ..Self::new(Document::Command, []) }
    }

    /// The port of an SSH server.
    pub(crate) fn ssh(port: u16) -> Self {
        Self::new(Document::Ssh, [("portNumber", port.to_string())])
    }

    /// A port of the instance, or of a host that it can reach.
    pub(crate) fn port(host: Option<&str>, port: u16) -> Self {
        let port = ("portNumber", port.to_string());
        match host {
            None => Self::new(Document::Port, [port]),
            Some(host) => Self::new(Document::RemotePort, [("host", host.to_owned()), port]),
        }
    }

    fn new<const N: usize>(document: Document, parameters: [(&str, String); N]) -> Self {
        let parameters = parameters.map(|(name, value)| (name.to_owned(), vec![value])).into();
        Self { document, custom: None, command: None, dialect: None, parameters, reason: None }
    }

    /// With another document in place of AWS's own, if one is named.
    #[must_use]
    pub(crate) fn with_document(self, name: Option<&str>) -> Self {
        Self { custom: name.map(str::to_owned), ..self }
    }

    /// With further parameters. Those that are set already stay.
    #[must_use]
    pub(crate) fn with_parameters(mut self, parameters: BTreeMap<String, Vec<String>>) -> Self {
        for (name, values) in parameters {
            self.parameters.entry(name).or_insert(values);
        }
        self
    }

    /// For an instance of which is known who reads commands there.
    #[must_use]
    pub(crate) fn with_dialect(self, dialect: Option<Dialect>) -> Self {
        Self { dialect, ..self }
    }

    /// With a reason for the audit trail.
    #[must_use]
    pub(crate) fn with_reason(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The name of the document. A shell has none unless one was named: the account's preferences decide.
    pub(crate) fn document_name(&self) -> Option<&str> {
        match (&self.custom, self.document) {
            (Some(name), _) => Some(name),
            (None, Document::Shell) => None,
            (None, document) => Some(document.name()),
        }
    }

    /// Whether the session reports the exit code of its command.
    pub(crate) fn reports_exit_code(&self) -> bool {
        self.document == Document::Command && self.custom.is_none()
    }

    /// How its channel is opened. A document in place of AWS's own is used in the same way.
    pub(crate) fn options(&self) -> Options {
        self.document.options()
    }

    /// Whether the request depends on who reads a command on the instance.
    pub(crate) fn needs_dialect(&self) -> bool {
        self.command.is_some() && self.dialect.is_none()
    }

    /// The request for a session on `target`: an instance id, or a container of ECS. `dialect` counts where
    /// [`Self::needs_dialect`].
    ///
    /// # Errors
    /// The command cannot be written so that it arrives there as it is, or another parameter has `{{` in it: the agent
    /// would put a parameter of Parameter Store into it, read with the rights of the instance.
    pub(crate) fn on(&self, target: &str, dialect: Dialect) -> Result<StartSession, CommandError> {
        for (name, values) in &self.parameters {
            if values.iter().any(|value| value.contains("{{")) {
                return Err(CommandError::Reference(name.clone()));
            }
            if let Some(length) = values.iter().map(|value| value.chars().count()).find(|length| *length > LONGEST) {
                return Err(CommandError::Long(length));
            }
        }
        let text = |command: &Command| command.text(self.dialect.unwrap_or(dialect), self.custom.is_some());
        let command = self.command.as_ref().map(text).transpose()?;
        let command = command.map(|text| (COMMAND.to_owned(), vec![text]));
        // Other documents need not know the parameter.
        let separate = self.reports_exit_code().then(|| (SEPARATE_STREAMS.to_owned(), vec!["true".to_owned()]));
        Ok(StartSession {
            target: target.to_owned(),
            document: self.document_name().map(str::to_owned),
            parameters: self.parameters.clone().into_iter().chain(command).chain(separate).collect(),
            reason: self.reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;

    #[test]
    fn the_defaults_of_the_configuration_are_these_documents() {
        for (key, document) in [
            (Key::ExecDocument, Document::Command),
            (Key::SshDocument, Document::Ssh),
            (Key::ForwardDocument, Document::Port),
            (Key::RemoteForwardDocument, Document::RemotePort),
        ] {
            assert_eq!(key.default().value().map(|value| value.to_string()).as_deref(), Some(document.name()));
        }
    }

    #[test]
    fn names_lead_back_to_their_documents() {
        for document in Document::ALL {
            assert_eq!(Document::of_name(document.name()), Some(document));
        }
        assert_eq!(Document::of_name("Corp-Shell"), None);
    }

    #[test]
    fn requests_have_what_their_documents_take() {
        let json = |request: &SessionRequest| {
            let StartSession { document, parameters, .. } = request.on("i-1", Dialect::Posix).unwrap();
            let parameters = serde_json::to_string(&parameters).unwrap();
            format!("{} {parameters}", document.unwrap_or_default())
        };
        let words = |word: &str| [word.to_owned()];
        let command = SessionRequest::command(Command::plain(&words("id")).unwrap());
        assert_eq!(
            json(&command),
            r#"AWS-StartNonInteractiveCommand {"command":["id"],"separateOutputStream":["true"]}"#
        );
        assert_eq!(json(&command.with_document(Some("Corp-Exec"))), r#"Corp-Exec {"command":["id"]}"#);
        assert_eq!(json(&SessionRequest::shell()), " {}");
        assert_eq!(json(&SessionRequest::ssh(22)), r#"AWS-StartSSHSession {"portNumber":["22"]}"#);
        let remote = r#"AWS-StartPortForwardingSessionToRemoteHost {"host":["db"],"portNumber":["5432"]}"#;
        assert_eq!(json(&SessionRequest::port(Some("db"), 5432)), remote);
        let given = BTreeMap::from(["command", "x"].map(|name| (name.to_owned(), vec!["given".to_owned()])));
        let interactive =
            SessionRequest::interactive(Command::on_terminal(&words("top")).unwrap()).with_parameters(given);
        assert_eq!(json(&interactive), r#"AWS-StartInteractiveCommand {"command":["top"],"x":["given"]}"#);
    }

    #[test]
    fn references_to_parameter_store_are_refused_in_every_parameter() {
        let refused = |request: SessionRequest| request.on("i-1", Dialect::Posix).unwrap_err();
        let given = BTreeMap::from([("x".to_owned(), vec!["{{ssm:y}}".to_owned()])]);
        let custom = SessionRequest::shell().with_document(Some("Corp")).with_parameters(given);
        assert_eq!(refused(custom), CommandError::Reference("x".to_owned()));
        assert_eq!(refused(SessionRequest::port(Some("{{ssm:y}}"), 1)), CommandError::Reference("host".to_owned()));
    }
}
