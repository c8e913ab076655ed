//! What a session is to be for, and how new an agent has to be for it.

use std::fmt;

use crate::protocol::{Capability, Version};

/// What a session is to be for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An interactive shell.
    #[default]
    Shell,
    /// A command in a terminal.
    InteractiveCommand,
    /// A command without a terminal.
    Command,
    /// The exit code of such a command.
    ExitCode,
    /// SSH, or a port of the instance itself.
    Port,
    /// A port of another host, behind the instance.
    RemotePort,
    /// Anything, encrypted with KMS.
    Encrypted,
}

impl Purpose {
    /// All of them, those that old agents can do first.
    pub(crate) const ALL: [Self; 7] = [
        Self::Shell,
        Self::Encrypted,
        Self::InteractiveCommand,
        Self::Port,
        Self::Command,
        Self::RemotePort,
        Self::ExitCode,
    ];

    /// The oldest agent that can do it.
    pub(crate) fn needs(self) -> Version {
        let capability = match self {
            Self::Shell => Capability::Shell,
            Self::Encrypted => Capability::KmsEncryption,
            Self::InteractiveCommand => Capability::InteractiveCommands,
            Self::Port => Capability::PortForwarding,
            Self::Command => Capability::NonInteractiveCommands,
            Self::RemotePort => Capability::RemoteHosts,
            Self::ExitCode => Capability::ExitCodes,
        };
        capability.since()
    }

    /// A word for it, for a flag or for JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Encrypted => "kms",
            Self::InteractiveCommand => "interactive-command",
            Self::Port => "port",
            Self::Command => "command",
            Self::RemotePort => "remote-port",
            Self::ExitCode => "exit-code",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shell => "a shell",
            Self::Encrypted => "encryption with KMS",
            Self::InteractiveCommand => "a command in a terminal",
            Self::Port => "SSH and tunnels to its own ports",
            Self::Command => "a command without a terminal",
            Self::RemotePort => "tunnels to other hosts",
            Self::ExitCode => "exit codes of commands",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_old_agents_can_do_comes_first() {
        assert!(Purpose::ALL.is_sorted_by_key(|purpose| purpose.needs()));
    }
}
