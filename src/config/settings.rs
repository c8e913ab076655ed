//! [`SETTINGS`]: the one table of all settings. A row here and a variant of [`Key`] are all that a new setting takes.

use std::fmt;
use std::time::Duration;

use super::column::Column;
use super::key::{KEYS, Key, Kind, Level};
use super::lanes::Lanes;
use super::value::Value;

/// What there is to know of a setting.
pub(super) struct Setting {
    pub(super) key: Key,
    /// As it stands in the file.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The sections in which it may stand.
    pub(super) levels: &'static [Level],
    pub(super) default: Default,
    /// What it is for, in one line.
    pub(super) summary: &'static str,
}

/// The value of a setting that is not set.
pub(crate) enum Default {
    Text(&'static str),
    Switch(bool),
    Duration(Duration),
    Lanes(Lanes),
    Columns(&'static [Column]),
    /// That of the AWS configuration, if it has one.
    OfAws,
    /// Found elsewhere; this says where.
    Elsewhere(&'static str),
}

/// The columns of a listing.
pub(crate) const COLUMNS: [Column; 6] =
    [Column::Name, Column::Id, Column::Status, Column::Platform, Column::Zone, Column::Ip];

/// The tag that holds an instance's name.
pub(crate) const NAME_TAG: &str = "Name";

/// How long a listing is used again.
pub(crate) const CACHE: Duration = Duration::from_mins(1);

/// How long one connection of a tunnel may hold up the others.
pub(crate) const FORWARD_STALL: Duration = Duration::from_secs(30);

const DPT: &[Level] = &[Level::Defaults, Level::Profile, Level::Target];
const DP: &[Level] = &[Level::Defaults, Level::Profile];
const DT: &[Level] = &[Level::Defaults, Level::Target];

const OF_REGION: Default = Default::Elsewhere("the region's own");

/// In the order of [`Key`], which is that in which they are shown.
#[rustfmt::skip]
pub(super) const SETTINGS: [Setting; KEYS] = [
    row(Key::Profile, "profile", Kind::Text, DT, Default::OfAws, "AWS profile"),
    row(Key::Region, "region", Kind::Region, DPT, Default::OfAws, "AWS region"),
    row(Key::Columns, "columns", Kind::Columns, DP, Default::Columns(&COLUMNS), "Columns of `ssmx ls` and the picker"),
    row(Key::NameTag, "name_tag", Kind::Text, DP, Default::Text(NAME_TAG), "Tag that holds an instance's name"),
    row(Key::Cache, "cache", Kind::Duration, DP, Default::Duration(CACHE), "How long to reuse a listing before asking AWS again; 0s never reuses one"),
    row(Key::SshUser, "ssh_user", Kind::Text, DPT, Default::Elsewhere("from the OpenSSH configuration, else the platform's"), "User that `ssmx ssh` and `ssmx scp` log in as"),
    row(Key::SshPort, "ssh_port", Kind::Port, DPT, Default::Elsewhere("from the OpenSSH configuration, else 22"), "Port of the instances' SSH servers"),
    row(Key::ShellDocument, "shell_document", Kind::Text, DPT, Default::Elsewhere("the account's default"), "Session document of `ssmx shell`"),
    row(Key::ExecDocument, "exec_document", Kind::Text, DPT, Default::Text("AWS-StartNonInteractiveCommand"), "Session document of `ssmx exec`"),
    row(Key::SshDocument, "ssh_document", Kind::Text, DPT, Default::Text("AWS-StartSSHSession"), "Session document of `ssmx ssh`, `scp` and `proxy`"),
    row(Key::ForwardDocument, "forward_document", Kind::Text, DPT, Default::Text("AWS-StartPortForwardingSession"), "Session document of `ssmx fwd` for ports of the instance"),
    row(Key::RemoteForwardDocument, "remote_forward_document", Kind::Text, DPT, Default::Text("AWS-StartPortForwardingSessionToRemoteHost"), "Session document of `ssmx fwd` for other hosts"),
    row(Key::ForwardStall, "forward_stall", Kind::Duration, DPT, Default::Duration(FORWARD_STALL), "How long one connection of `ssmx fwd` that does not move may hold up the others before it is cut; 0s never cuts one"),
    row(Key::Lanes, "lanes", Kind::Lanes, DP, Default::Lanes(Lanes::Auto), "Sessions that a tunnel of `ssmx fwd` uses side by side; auto starts with one and opens up to 4 as needed"),
    row(Key::Reason, "reason", Kind::Text, DPT, Default::Elsewhere("not set"), "Reason for every session, for the audit trail"),
    row(Key::ReasonRequired, "reason_required", Kind::Switch, DPT, Default::Switch(false), "Require a reason for every session"),
    row(Key::RequireEncryption, "require_encryption", Kind::Switch, DPT, Default::Switch(false), "Use no session that is not encrypted with a KMS key"),
    row(Key::EndpointUrl, "endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of all AWS APIs"),
    row(Key::SsmEndpointUrl, "ssm_endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of Systems Manager"),
    row(Key::SsmmessagesEndpointUrl, "ssmmessages_endpoint_url", Kind::StreamUrl, DPT, Default::Elsewhere("the one that each session names"), "Endpoint of the message gateway, which carries the sessions"),
    row(Key::Ec2EndpointUrl, "ec2_endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of EC2"),
    row(Key::Ec2InstanceConnectEndpointUrl, "ec2_instance_connect_endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of EC2 Instance Connect"),
    row(Key::KmsEndpointUrl, "kms_endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of KMS"),
    row(Key::StsEndpointUrl, "sts_endpoint_url", Kind::Url, DPT, OF_REGION, "Endpoint of STS"),
    row(Key::InsecureEndpoint, "insecure_endpoint", Kind::Switch, DPT, Default::Switch(false), "Allow `http://` endpoints on other machines, to which credentials travel in the clear"),
];

const fn row(
    key: Key,
    name: &'static str,
    kind: Kind,
    levels: &'static [Level],
    default: Default,
    summary: &'static str,
) -> Setting {
    Setting { key, name, kind, levels, default, summary }
}

// A key finds its row by its number.
const _: () = {
    let mut at = 0;
    while at < SETTINGS.len() {
        assert!(SETTINGS[at].key as usize == at, "the rows must stand in the order of the keys");
        at += 1;
    }
};

impl Default {
    /// None if it is found elsewhere.
    pub(crate) fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Text(text) => Value::Text((*text).to_owned()),
            Self::Switch(on) => Value::Switch(*on),
            Self::Duration(length) => Value::Duration(*length),
            Self::Lanes(lanes) => Value::Lanes(*lanes),
            Self::Columns(columns) => Value::Columns(columns.to_vec()),
            Self::OfAws | Self::Elsewhere(_) => return None,
        })
    }
}

/// The value, or where it is found.
impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.value()) {
            (Self::OfAws, _) => f.write_str("from the AWS configuration"),
            (Self::Elsewhere(words), _) => f.write_str(words),
            (_, Some(value)) => value.fmt(f),
            (_, None) => Ok(()),
        }
    }
}
