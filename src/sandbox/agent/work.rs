//! What a session is to run: a session document with its parameters filled in.

use serde_json::{Value, json};

/// The work of a session, by session type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// `Standard_Stream`: a login shell on a terminal.
    Shell {
        /// Lines of the preferences' shell profile, run first in the shell; empty for none.
        profile: String,
        /// The operating system user of the preferences (Run As); `None` means the agent's own user.
        run_as: Option<String>,
    },
    /// `InteractiveCommands`: `sh -c` of one command line, on a terminal.
    InteractiveCommand {
        /// The command line, for the shell to read.
        command: String,
        /// The operating system user of the preferences (Run As).
        run_as: Option<String>,
    },
    /// `NonInteractiveCommands`: one program, without shell, terminal or input.
    NonInteractiveCommand {
        /// The command line; the agent splits it by quoting rules.
        command: String,
        /// Standard output, standard error and exit code as payload types of their own. As the document has it:
        /// the text `true` or `false`, already read.
        separate_output: bool,
        /// Put before each chunk of standard output that starts a line.
        stdout_prefix: String,
        /// Put before each chunk of standard error that starts a line.
        stderr_prefix: String,
        /// The operating system user of the preferences (Run As).
        run_as: Option<String>,
    },
    /// `Port`: TCP connections to the instance, or onwards from it.
    Port(PortWork),
}

/// The properties of a `Port` session. All but the port may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortWork {
    /// Port on the instance or on `host`; `None` for sessions to a socket.
    pub port_number: Option<u16>,
    /// Port on the client's side; 0 lets the client choose. The agent only repeats it in the handshake.
    pub local_port_number: Option<u16>,
    /// `LocalPortForwarding` (multiplexed with recent clients), or `None` as in AWS-StartSSHSession.
    pub kind: Option<String>,
    /// Where to connect from the instance; `None` means the instance itself.
    pub host: Option<String>,
    /// The properties as the handshake's `SessionType` action repeats them, all text.
    pub properties: Value,
}

impl Work {
    /// The name of the session type, as documents and handshakes spell it.
    pub fn session_type(&self) -> &'static str {
        match self {
            Self::Shell { .. } => "Standard_Stream",
            Self::InteractiveCommand { .. } => "InteractiveCommands",
            Self::NonInteractiveCommand { .. } => "NonInteractiveCommands",
            Self::Port(_) => "Port",
        }
    }

    /// `Properties` of the handshake's `SessionType` action: those of the document for ports, else `null`.
    pub fn handshake_properties(&self) -> Value {
        match self {
            Self::Port(port) => port.properties.clone(),
            _ => json!(null),
        }
    }
}
