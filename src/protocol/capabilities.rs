//! What an agent can do, by its version. Every threshold that the rest of the program asks for stands here.

use super::Version;

/// Something that not every agent can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// An interactive shell, and sessions at all.
    Shell,
    /// Sessions encrypted with a KMS key.
    KmsEncryption,
    /// One command on a terminal.
    InteractiveCommands,
    /// Ports of the instance itself, and SSH.
    PortForwarding,
    /// Messages of any size; see [`DataChannel::discover_mtu`](super::DataChannel::discover_mtu).
    LargeMessages,
    /// Many connections over one port session, by [`smux`](super::smux).
    Multiplexing,
    /// One command without a terminal.
    NonInteractiveCommands,
    /// Ports of other hosts. Agents that lack it do not read the host, and connect to the instance itself.
    RemoteHosts,
    /// The exit code of a command without a terminal, and its standard error apart from its output.
    ExitCodes,
    /// Multiplexed sessions in which nothing arrives. Agents that lack it close them after 30 s.
    IdleMultiplexing,
}

impl Capability {
    /// The oldest agent that has it. Where no source is named, it is the agent's release notes.
    pub const fn since(self) -> Version {
        match self {
            Self::Shell => Version::new(2, 3, 68, 0),
            Self::KmsEncryption => Version::new(2, 3, 539, 0),
            Self::InteractiveCommands => Version::new(2, 3, 668, 0),
            Self::PortForwarding => Version::new(2, 3, 672, 0),
            // Measured: the agents seen to take them are of this series.
            Self::LargeMessages => Version::new(3, 0, 0, 0),
            // The official client multiplexes with agents newer than 3.0.196.0.
            Self::Multiplexing => Version::new(3, 0, 196, 1),
            Self::NonInteractiveCommands => Version::new(3, 0, 1124, 0),
            Self::RemoteHosts => Version::new(3, 1, 1188, 0),
            Self::ExitCodes => Version::new(3, 1, 1511, 0),
            // The official client keeps sessions alive with agents up to 3.1.1511.0.
            Self::IdleMultiplexing => Version::new(3, 1, 1511, 1),
        }
    }
}

/// All that one agent can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(Version);

impl Capabilities {
    /// Those of an agent of this version.
    pub const fn of(version: Version) -> Self {
        Self(version)
    }

    /// Whether the agent is new enough for it.
    pub fn has(self, capability: Capability) -> bool {
        self.0 >= capability.since()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_what_is_as_old_as_itself() {
        let has = |version: &str, capability| Capabilities::of(version.parse().unwrap()).has(capability);
        assert!(has("3.1.1188.0", Capability::RemoteHosts) && !has("3.1.1187.9", Capability::RemoteHosts));
        assert!(has("3.0.196.1", Capability::Multiplexing) && !has("3.0.196.0", Capability::Multiplexing));
        assert!(has("3.1.1575.0", Capability::IdleMultiplexing) && !has("3.1.1511.0", Capability::IdleMultiplexing));
        assert!(has("3.0", Capability::LargeMessages) && !has("2.3.1550.0", Capability::LargeMessages));
    }
}
