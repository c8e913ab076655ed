//! [`Key`]: the one list of all settings.

use super::value::Value;

/// A setting. Its name is the same in every section of the file, and, behind `SSMX_` and in capitals, in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Profile,
    Region,
    Columns,
    NameTag,
    Cache,
    SshUser,
    SshPort,
    ShellDocument,
    ExecDocument,
    SshDocument,
    ForwardDocument,
    RemoteForwardDocument,
    Reason,
    ReasonRequired,
    EndpointUrl,
    SsmEndpointUrl,
    SsmmessagesEndpointUrl,
    Ec2EndpointUrl,
    Ec2InstanceConnectEndpointUrl,
    KmsEndpointUrl,
    StsEndpointUrl,
}

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text in one line that is not empty.
    Text,
    /// The name of an AWS region.
    Region,
    /// A TCP port, from 1 to 65535.
    Port,
    /// True or false.
    Switch,
    /// A length of time such as `90s` or `1h 30m`, up to 30 days.
    Duration,
    /// The columns of a listing.
    Columns,
    /// An `https://` or `http://` URL.
    Url,
    /// The same, or a `wss://` or `ws://` URL.
    StreamUrl,
}

/// The levels on which a setting can stand, from general to particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// `[defaults]`
    Defaults,
    /// `[profiles.NAME]`
    Profile,
    /// `[targets.NAME]`
    Target,
}

impl Key {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 21] = [
        Self::Profile,
        Self::Region,
        Self::Columns,
        Self::NameTag,
        Self::Cache,
        Self::SshUser,
        Self::SshPort,
        Self::ShellDocument,
        Self::ExecDocument,
        Self::SshDocument,
        Self::ForwardDocument,
        Self::RemoteForwardDocument,
        Self::Reason,
        Self::ReasonRequired,
        Self::EndpointUrl,
        Self::SsmEndpointUrl,
        Self::SsmmessagesEndpointUrl,
        Self::Ec2EndpointUrl,
        Self::Ec2InstanceConnectEndpointUrl,
        Self::KmsEndpointUrl,
        Self::StsEndpointUrl,
    ];

    /// The key that has this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// As it stands in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Region => "region",
            Self::Columns => "columns",
            Self::NameTag => "name_tag",
            Self::Cache => "cache",
            Self::SshUser => "ssh_user",
            Self::SshPort => "ssh_port",
            Self::ShellDocument => "shell_document",
            Self::ExecDocument => "exec_document",
            Self::SshDocument => "ssh_document",
            Self::ForwardDocument => "forward_document",
            Self::RemoteForwardDocument => "remote_forward_document",
            Self::Reason => "reason",
            Self::ReasonRequired => "reason_required",
            Self::EndpointUrl => "endpoint_url",
            Self::SsmEndpointUrl => "ssm_endpoint_url",
            Self::SsmmessagesEndpointUrl => "ssmmessages_endpoint_url",
            Self::Ec2EndpointUrl => "ec2_endpoint_url",
            Self::Ec2InstanceConnectEndpointUrl => "ec2_instance_connect_endpoint_url",
            Self::KmsEndpointUrl => "kms_endpoint_url",
            Self::StsEndpointUrl => "sts_endpoint_url",
        }
    }

    /// The variable of the environment.
    pub(crate) fn variable(self) -> String {
        format!("SSMX_{}", self.name().to_ascii_uppercase())
    }

    /// What it is.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Region => Kind::Region,
            Self::Columns => Kind::Columns,
            Self::Cache => Kind::Duration,
            Self::SshPort => Kind::Port,
            Self::ReasonRequired => Kind::Switch,
            Self::SsmmessagesEndpointUrl => Kind::StreamUrl,
            Self::EndpointUrl
            | Self::SsmEndpointUrl
            | Self::Ec2EndpointUrl
            | Self::Ec2InstanceConnectEndpointUrl
            | Self::KmsEndpointUrl
            | Self::StsEndpointUrl => Kind::Url,
            _ => Kind::Text,
        }
    }

    /// What it is for, in one line.
    pub(crate) fn summary(self) -> &'static str {
        match self {
            Self::Profile => "AWS profile",
            Self::Region => "AWS region",
            Self::Columns => "Columns of `ssmx ls` and the picker",
            Self::NameTag => "Tag that holds an instance's name",
            Self::Cache => "How long a listing is used again before it is asked for anew; 0s is never",
            Self::SshUser => "User that `ssmx ssh` and `ssmx scp` log in as",
            Self::SshPort => "Port of the instances' SSH servers",
            Self::ShellDocument => "Session document of `ssmx shell`",
            Self::ExecDocument => "Session document of `ssmx exec`",
            Self::SshDocument => "Session document of `ssmx ssh`, `scp` and `proxy`",
            Self::ForwardDocument => "Session document of `ssmx fwd` for ports of the instance",
            Self::RemoteForwardDocument => "Session document of `ssmx fwd` for other hosts",
            Self::Reason => "Reason of every session, for the audit trail",
            Self::ReasonRequired => "Start no session without a reason",
            Self::EndpointUrl => "Endpoint of all AWS APIs",
            Self::SsmEndpointUrl => "Endpoint of Systems Manager",
            Self::SsmmessagesEndpointUrl => "Endpoint of the message gateway, which carries the sessions",
            Self::Ec2EndpointUrl => "Endpoint of EC2",
            Self::Ec2InstanceConnectEndpointUrl => "Endpoint of EC2 Instance Connect",
            Self::KmsEndpointUrl => "Endpoint of KMS",
            Self::StsEndpointUrl => "Endpoint of STS",
        }
    }

    /// What holds when nobody says anything, in words.
    pub(crate) fn builtin(self) -> &'static str {
        match self {
            Self::Profile | Self::Region => "what the AWS configuration says",
            Self::Columns => "name,id,status,platform,zone,ip",
            Self::NameTag => "Name",
            Self::Cache => "1m",
            Self::SshUser => "what the OpenSSH configuration says, else that of the platform",
            Self::SshPort => "what the OpenSSH configuration says, else 22",
            Self::ShellDocument => "the account's default",
            Self::ExecDocument => "AWS-StartNonInteractiveCommand",
            Self::SshDocument => "AWS-StartSSHSession",
            Self::ForwardDocument => "AWS-StartPortForwardingSession",
            Self::RemoteForwardDocument => "AWS-StartPortForwardingSessionToRemoteHost",
            Self::Reason => "none is given",
            Self::ReasonRequired => "false",
            Self::SsmmessagesEndpointUrl => "the one that each session names",
            _ => "that of the region",
        }
    }

    /// The value that holds when nobody says any, where that is a value of its own.
    pub(crate) fn builtin_value(self) -> Option<Value> {
        match self {
            Self::Columns
            | Self::NameTag
            | Self::Cache
            | Self::ExecDocument
            | Self::SshDocument
            | Self::ForwardDocument
            | Self::RemoteForwardDocument
            | Self::ReasonRequired => Value::from_text(self.kind(), self.builtin()).ok(),
            _ => None,
        }
    }

    /// Whether it may stand on a level.
    pub(crate) fn is_for(self, level: Level) -> bool {
        match self {
            Self::Profile => level != Level::Profile,
            Self::Columns | Self::NameTag | Self::Cache => level != Level::Target,
            _ => true,
        }
    }
}

impl Level {
    /// The header of such a section.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Defaults => "[defaults]",
            Self::Profile => "[profiles.NAME]",
            Self::Target => "[targets.NAME]",
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_every_column_is_described() {
        let described = include_str!("../../docs/configuration.md");
        for key in Key::ALL {
            let row = described.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name())));
            assert!(row.is_some(), "docs/configuration.md has no row for `{key}`");
        }
        for (name, _) in crate::config::Column::NAMED {
            assert!(
                described.contains(&format!("`{name}`")),
                "docs/configuration.md does not name the column `{name}`"
            );
        }
    }

    #[test]
    fn every_key_is_in_the_list_once_and_found_by_its_name() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.name()), Some(key));
            assert!(key.builtin_value().is_none_or(|value| value.to_string() == key.builtin()), "{key}");
            assert!(!key.summary().is_empty() && !key.builtin().is_empty());
            assert!([Level::Defaults, Level::Profile, Level::Target].into_iter().any(|level| key.is_for(level)));
        }
        assert_eq!(Key::named("Region"), None);
        assert_eq!(Key::SshUser.variable(), "SSMX_SSH_USER");
    }
}
