//! What a session is to be for, and how new an agent has to be for it.

use std::fmt;

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

/// A version of an agent: four numbers, compared number by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentVersion([u32; 4]);

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
    pub(crate) fn needs(self) -> AgentVersion {
        AgentVersion(match self {
            Self::Shell => [2, 3, 68, 0],
            Self::Encrypted => [2, 3, 539, 0],
            Self::InteractiveCommand => [2, 3, 668, 0],
            Self::Port => [2, 3, 672, 0],
            Self::Command => [3, 0, 1124, 0],
            Self::RemotePort => [3, 1, 1188, 0],
            Self::ExitCode => [3, 1, 1511, 0],
        })
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

impl AgentVersion {
    /// The version that a text of one to four numbers means. None for anything else, which an agent that is still being
    /// installed may report.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = [0; 4];
        let mut parts = text.split('.');
        for (number, part) in numbers.iter_mut().zip(&mut parts) {
            *number = part.parse().ok()?;
        }
        parts.next().is_none().then_some(Self(numbers))
    }
}

impl fmt::Display for AgentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| AgentVersion::parse(text).unwrap();
        assert!(version("2.3.68.0") < version("2.3.539.0"));
        assert!(version("3.1.1511.0") > version("3.1.501.0"));
        assert_eq!((version("3.3"), version("3.3").to_string()), (version("3.3.0.0"), "3.3.0.0".to_owned()));
        for bad in ["", "3.", "3.a", "1.2.3.4.5", "-1", "latest"] {
            assert_eq!(AgentVersion::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_old_agents_can_do_comes_first() {
        assert!(Purpose::ALL.is_sorted_by_key(|purpose| purpose.needs()));
    }
}
